//! The ceremonies of WebAuthn, with an authenticator in software.
mod hostile;
mod recorded;

use authsignal_client::CredentialDeviceType;
use serde_json::json;
use uuid::Uuid;

use super::*;
use crate::credentials::webauthn::soft_key::{AAGUID, SoftKey, decode, encode};

const ORIGIN: &str = "http://localhost:3000";

fn site() -> RelyingParty {
    RelyingParty::new(LOCALHOST, Vec::new(), "Emulator")
}

fn ada() -> Registrant<'static> {
    Registrant { user_id: "ada", username: Some("ada@example.com"), display_name: Some("Ada L.") }
}

fn begin(kind: KeyKind) -> (Value, Registration) {
    site().registration_options(kind, ada(), None, []).unwrap()
}

fn enrol(kind: KeyKind, key: &mut SoftKey) -> Credential {
    let (options, begun) = begin(kind);
    site().register(&begun, &key.create(&options, ORIGIN), |_| false).unwrap()
}

/// Asks for a credential of ada's, and takes what the key says after `change`.
fn ask(
    credential: &Credential,
    key: &mut SoftKey,
    change: impl FnOnce(&SoftKey, &mut Value),
) -> Result<Authenticated, CredentialError> {
    let (options, begun) = site().authentication_options(KeyKind::Passkey, [credential]).unwrap();
    let mut answer = key.get(&options, ORIGIN);
    change(key, &mut answer);
    site().authenticate(&begun, &answer, |id| (id == credential.id()).then_some(("ada", credential)))
}

/// Changes what `JSON.parse(clientDataJSON)` says.
fn tell(answer: &mut Value, name: &str, value: Value) {
    let text = &mut answer["response"]["clientDataJSON"];
    let mut data: Value = serde_json::from_slice(&decode(text)).unwrap();
    data[name] = value;
    *text = encode(data.to_string().as_bytes()).into();
}

/// A credential after it went through a file.
fn kept<T: Serialize + DeserializeOwned>(value: &T) -> T {
    serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
}

#[test]
fn what_browsers_are_asked_for() {
    let credential = enrol(KeyKind::Passkey, &mut SoftKey::es256());
    let (mut options, _) = site()
        .registration_options(KeyKind::Passkey, ada(), Some(&AuthenticatorAttachment::Platform), [&credential])
        .unwrap();
    assert_eq!(decode(&options["challenge"].take()).len(), 32);
    let expected = json!({
        "rp": { "id": "localhost", "name": "Emulator" },
        "user": { "id": encode(b"ada"), "name": "ada@example.com", "displayName": "Ada L." },
        "challenge": null,
        "pubKeyCredParams": [{ "type": "public-key", "alg": -7 }, { "type": "public-key", "alg": -257 }],
        "timeout": 60_000,
        "excludeCredentials": [{ "type": "public-key", "id": credential.id() }],
        "authenticatorSelection": {
            "authenticatorAttachment": "platform",
            "residentKey": "required",
            "requireResidentKey": true,
            "userVerification": "required",
        },
        "attestation": "none",
    });
    assert_eq!(options, expected);

    let (options, _) = begin(KeyKind::SecurityKey);
    let selection = json!({
        "authenticatorAttachment": "cross-platform",
        "residentKey": "discouraged",
        "requireResidentKey": false,
        "userVerification": "preferred",
    });
    assert_eq!(options["authenticatorSelection"], selection);

    let (mut options, _) = site().authentication_options(KeyKind::Passkey, [&credential]).unwrap();
    assert_eq!(decode(&options["challenge"].take()).len(), 32);
    let allowed = json!([{ "type": "public-key", "id": credential.id(), "transports": ["internal"] }]);
    let mut expected = json!({
        "challenge": null,
        "timeout": 60_000,
        "rpId": "localhost",
        "allowCredentials": allowed,
        "userVerification": "required",
    });
    assert_eq!(options, expected);
    let (mut options, _) = site().authentication_options(KeyKind::Passkey, []).unwrap();
    (options["challenge"], expected["allowCredentials"]) = (Value::Null, json!([]));
    assert_eq!(options, expected);
}

#[test]
fn names_that_are_missing_and_ids_that_are_long() {
    let long = "u".repeat(65);
    for (user_id, username, display_name, id, name, shown) in [
        ("ada", None, None, "ada".into(), "ada", "ada"),
        ("ada", Some(""), Some(""), "ada".into(), "ada", "ada"),
        ("ada", Some("a"), None, "ada".into(), "a", "a"),
        ("ada", None, Some("Ada L."), "ada".into(), "ada", "Ada L."),
        (&long[..64], None, None, long[..64].into(), &long[..64], &long[..64]),
        (&long, Some("a"), None, Sha256::digest(&long).to_vec(), "a", "a"),
    ] {
        let user = Registrant { user_id, username, display_name };
        let (options, _) = site().registration_options(KeyKind::Passkey, user, None, []).unwrap();
        let expected = json!({ "id": encode(&id), "name": name, "displayName": shown });
        assert_eq!(options["user"], expected, "{user_id}");
    }
}

#[test]
fn a_passkey_proves_its_user_again_and_again() {
    let mut key = SoftKey::es256();
    let mut credential = enrol(KeyKind::Passkey, &mut key);
    assert_eq!(credential.id(), encode(&key.id));
    assert_eq!(credential.aaguid, Some(Uuid::from_bytes(AAGUID)));
    assert_eq!(credential.attachment, Some(AuthenticatorAttachment::Platform));
    assert_eq!(credential.transports(), ["internal"]);
    assert_eq!(credential.backed_up(), Some(false));
    assert_eq!(credential.device_type(), Some(CredentialDeviceType::SingleDevice));
    for discoverable in [false, true, true] {
        credential = kept(&credential);
        let allowed = [&credential].into_iter().filter(|_| !discoverable);
        let (options, begun) = site().authentication_options(KeyKind::Passkey, allowed).unwrap();
        let known = |id: &str| (id == credential.id()).then_some(("ada", &credential));
        let done = site().authenticate(&kept(&begun), &key.get(&options, ORIGIN), known).unwrap();
        assert_eq!(done.user_id, "ada");
        assert_eq!(done.credential.counter(), key.counter);
        credential = done.credential;
    }
    let (options, begun) = begin(KeyKind::Passkey);
    assert!(site().register(&kept(&begun), &SoftKey::es256().create(&options, ORIGIN), |_| false).is_ok());
}

#[test]
fn a_synchronised_passkey_counts_nothing_and_says_that_it_is_backed_up() {
    let mut key = SoftKey {
        counts: false,
        backed_up: true,
        transports: &["internal", "smart-card", "hybrid"],
        ..SoftKey::es256()
    };
    let credential = enrol(KeyKind::Passkey, &mut key);
    assert_eq!(credential.backed_up(), Some(true));
    assert_eq!(credential.device_type(), Some(CredentialDeviceType::MultiDevice));
    assert_eq!(credential.transports(), ["internal", "hybrid"]);
    for _ in 0..2 {
        assert_eq!(ask(&credential, &mut key, |_, _| ()).unwrap().credential.counter(), 0);
    }
}

/// A second factor: it need not say whose it is, nor verify its user, but goes on doing so where it once did.
#[test]
fn a_security_key_is_touched() {
    let mut key = SoftKey { verifies: false, attachment: "cross-platform", transports: &["usb"], ..SoftKey::es256() };
    let credential = enrol(KeyKind::SecurityKey, &mut key);
    assert_eq!(credential.attachment, Some(AuthenticatorAttachment::CrossPlatform));
    let ask = |credential: &Credential, key: &mut SoftKey| {
        let (options, begun) = site().authentication_options(KeyKind::SecurityKey, [credential]).unwrap();
        let mut answer = key.get(&options, ORIGIN);
        answer["response"]["userHandle"] = Value::Null;
        site().authenticate(&begun, &answer, |_| Some(("ada", credential))).map(drop)
    };
    assert_eq!(ask(&credential, &mut key), Ok(()));
    let mut key = SoftKey::es256();
    let credential = enrol(KeyKind::SecurityKey, &mut key);
    key.verifies = false;
    assert!(matches!(ask(&credential, &mut key), Err(CredentialError::Invalid(_))));
}

fn invalid_because(why: &str) -> CredentialError {
    CredentialError::Invalid(why.to_owned())
}

#[test]
fn an_answer_is_good_for_its_question_and_for_one_time() {
    let mut key = SoftKey::es256();
    let credential = enrol(KeyKind::Passkey, &mut key);
    let other = enrol(KeyKind::Passkey, &mut SoftKey::es256());
    let known = |id: &str| [&credential, &other].into_iter().find(|known| known.id() == id).map(|known| ("ada", known));

    let (options, begun) = site().authentication_options(KeyKind::Passkey, [&credential]).unwrap();
    let (_, another) = site().authentication_options(KeyKind::Passkey, [&credential]).unwrap();
    let answer = key.get(&options, ORIGIN);
    assert!(matches!(site().authenticate(&another, &answer, known), Err(CredentialError::Invalid(_))));
    let done = site().authenticate(&begun, &answer, known).unwrap();
    let again = site().authenticate(&begun, &answer, |_| Some(("ada", &done.credential))).unwrap_err();
    assert!(matches!(again, CredentialError::Invalid(_)), "its counter has moved: {again}");
    // The key was copied, and the copy is behind.
    key.counter = 0;
    assert!(matches!(ask(&done.credential, &mut key, |_, _| ()), Err(CredentialError::Invalid(_))));

    let (options, begun) = site().authentication_options(KeyKind::Passkey, [&other]).unwrap();
    let fault = site().authenticate(&begun, &key.get(&options, ORIGIN), known).unwrap_err();
    assert_eq!(fault, invalid_because("another one was asked for"));
    let (options, begun) = site().authentication_options(KeyKind::Passkey, []).unwrap();
    let mut answer = key.get(&options, ORIGIN);
    answer["response"].as_object_mut().unwrap().remove("userHandle");
    let fault = site().authenticate(&begun, &answer, known).unwrap_err();
    assert_eq!(fault, invalid_because("it does not say whose it is"));
}

#[test]
fn which_pages_may_use_it() {
    let site = |id: &str, origins: &[&str]| {
        let origins = origins.iter().map(|origin| Url::parse(origin).unwrap()).collect();
        RelyingParty::new(id, origins, "Emulator")
    };
    let local = site("localhost", &[]);
    let custom = site("app.test", &["https://app.test", "https://mfa.app.test:8443"]);
    for (site, origin, taken) in [
        (&local, "http://localhost", true),
        (&local, "http://localhost:3000", true),
        (&local, "https://localhost:8443", true),
        (&local, "http://127.0.0.1:3000", false),
        (&local, "http://app.localhost:3000", false),
        (&local, "https://app.test", false),
        (&local, "null", false),
        (&custom, "https://app.test", true),
        (&custom, "https://mfa.app.test:8443", true),
        (&custom, "https://mfa.app.test", false),
        (&custom, "https://app.test:8443", false),
        (&custom, "http://app.test", false),
        (&custom, "http://localhost:3000", false),
        (&custom, "https://evil-app.test", false),
    ] {
        let mut key = SoftKey::es256();
        let (options, begun) = site.registration_options(KeyKind::Passkey, ada(), None, []).unwrap();
        assert_eq!(options["rp"]["id"], site.id());
        let registered = site.register(&begun, &key.create(&options, origin), |_| false);
        assert_eq!(registered.is_ok(), taken, "{origin} at {}: {registered:?}", site.id());
        let credential = Credential::import(&encode(&key.id), &encode(&key.cose()), &[], None).unwrap();
        let (options, begun) = site.authentication_options(KeyKind::Passkey, []).unwrap();
        let answered = site.authenticate(&begun, &key.get(&options, origin), |_| Some(("ada", &credential)));
        assert_eq!(answered.is_ok(), taken, "{origin} at {}", site.id());
    }
}

/// The browser SDK shows the challenge page in a frame of the application, which is another origin by its port.
#[test]
fn a_page_in_a_frame_may_make_one() {
    let (options, begun) = begin(KeyKind::Passkey);
    let mut answer = SoftKey::es256().create(&options, ORIGIN);
    tell(&mut answer, "crossOrigin", true.into());
    tell(&mut answer, "topOrigin", "http://localhost:9".into());
    assert!(site().register(&begun, &answer, |_| false).is_ok());
    tell(&mut answer, "challenge", encode(&[7; 32]).into());
    assert!(site().register(&begun, &answer, |_| false).is_err(), "the rest counts");
}

#[test]
fn imported_keys_work_as_if_made_here() {
    for mut key in [SoftKey::es256(), SoftKey::rs256()] {
        (key.user_handle, key.backed_up) = (Some(b"ada".into()), true);
        let aaguid = Uuid::from_bytes(AAGUID).to_string();
        // Padding is nothing to be strict about.
        let public_key = encode(&key.cose()) + "==";
        let hints = ["internal", "hybrid", "hybrid", "smart-card"];
        let imported = Credential::import(&encode(&key.id), &public_key, &hints, Some(&aaguid)).unwrap();
        assert_eq!(imported.id(), encode(&key.id));
        assert_eq!(imported.aaguid, Some(Uuid::from_bytes(AAGUID)));
        assert_eq!(imported.transports(), ["internal", "hybrid"]);
        assert_eq!((imported.backed_up(), imported.device_type()), (None, None), "nobody has said");
        assert!(ask(&imported, &mut key, |_, answer| SoftKey::es256().resign(answer)).is_err());
        let used = ask(&kept(&imported), &mut key, |_, _| ()).unwrap().credential;
        assert_eq!(used.backed_up(), Some(true));
        assert_eq!(used.device_type(), Some(CredentialDeviceType::MultiDevice));
        key.backed_up = false;
        assert!(ask(&used, &mut key, |_, _| ()).is_err(), "what was said once is kept to");
    }
}
