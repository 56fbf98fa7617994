//! Passkeys and security keys, with an authenticator in software.
use authsignal_client::VerificationMethod;
use authsignal_emulator::Outcome;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::soft_key::{SoftKey, encode};
use super::{ADD, error};
use crate::support::{Bench, bench, read, text};

/// An application in development, on a port of its own.
pub(crate) const ORIGIN: &str = "http://localhost:3000";
const CHROME: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/131.0.0.0 Safari/537.36";
const ADD_PASSKEY: &str = "/user-authenticators/passkey";
const TO_MAKE: &str = "/user-authenticators/passkey/registration-options";
const TO_USE: &str = "/user-authenticators/passkey/authentication-options";
const SECURITY_KEY: &str = "/user-authenticators/security-key";

/// Registers a passkey for the user of a token.
async fn register(bench: &Bench, key: &mut SoftKey, token: &str) {
    let begun = bench.asked(token, TO_MAKE, json!({ "username": "ada@example.com" })).await;
    let made = key.create(&begun["options"], ORIGIN);
    bench.asked(token, ADD_PASSKEY, json!({ "registrationCredential": made, "conditionalCreate": false })).await;
}

pub(crate) async fn registered(bench: &Bench) -> SoftKey {
    let mut key = SoftKey::es256();
    register(bench, &mut key, &bench.token_with(json!({ "scope": ADD })).await).await;
    key
}

/// What the SDK sends to prove what was begun.
pub(crate) fn proof(key: &mut SoftKey, begun: &Value) -> Value {
    json!({ "authenticationCredential": key.get(&begun["options"], ORIGIN), "challengeId": begun["challengeId"] })
}

#[tokio::test]
async fn a_passkey_is_made_and_proves_its_action() {
    let bench = bench().await;
    let token = bench.token().await;
    let wanted =
        json!({ "username": "ada@example.com", "displayName": "Ada L.", "authenticatorAttachment": "platform" });
    let begun = bench.asked(&token, TO_MAKE, wanted).await;
    let options = &begun["options"];
    assert_eq!(begun, json!({ "challengeId": begun["challengeId"], "options": options }));
    assert_eq!(options["rp"]["id"], "localhost");
    let user = json!({ "id": encode(b"ada"), "name": "ada@example.com", "displayName": "Ada L." });
    assert_eq!(options["user"], user);
    assert_eq!(options["attestation"], "none");
    assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
    assert_eq!(options["authenticatorSelection"]["authenticatorAttachment"], "platform");

    let mut key = SoftKey::es256();
    let made = key.create(options, ORIGIN);
    let body = json!({ "registrationCredential": made, "challengeId": begun["challengeId"], "deviceId": "d1" });
    let request = bench.client(Method::POST, ADD_PASSKEY).bearer_auth(&token).header("user-agent", CHROME).json(&body);
    let (status, added) = read(request.send().await.unwrap()).await;
    let id = &added["userAuthenticatorId"];
    assert_eq!(status, 200, "{added}");
    bench.expect_proved(&added, "PASSKEY").await;
    let at = "2026-01-15T10:00:00.000Z";
    let expected = json!({
        "isVerified": true, "accessToken": added["accessToken"], "userAuthenticatorId": id, "userId": "ada",
        "userAuthenticator": {
            "userAuthenticatorId": id, "verificationMethod": "PASSKEY", "createdAt": at, "verifiedAt": at,
            "username": "ada@example.com", "displayName": "Ada L.", "isDefault": false,
            "webauthnCredential": {
                "credentialId": encode(&key.id), "deviceId": "d1", "name": "Chrome on Mac OS",
                "aaguid": "6120736f-6674-2074-6573-74206b65792e", "credentialBackedUp": false,
                "credentialDeviceType": "singleDevice", "authenticatorAttachment": "platform", "verifiedAt": at
            }
        }
    });
    assert_eq!(added, expected);
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED");

    // What the SDK does next: it tells the browser which credentials still count.
    let listed = bench.client(Method::GET, "/user-authenticators").bearer_auth(text(&added["accessToken"]));
    assert_eq!(read(listed.send().await.unwrap()).await.1, json!([expected["userAuthenticator"]]));
    let again = bench.ask(text(&added["accessToken"]), ADD_PASSKEY, body).await;
    assert_eq!(error(&again), (400, "invalid_request"), "the challenge is used up");
}

#[tokio::test]
async fn a_passkey_proves_an_action_that_was_tracked() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let mut other = SoftKey::es256();
    register(&bench, &mut other, &bench.token_with(json!({ "scope": ADD })).await).await;
    let token = bench.token().await;
    let begun = bench.asked(&token, TO_USE, json!({})).await;
    assert_eq!(begun["options"]["rpId"], "localhost");
    let allowed = begun["options"]["allowCredentials"].as_array().unwrap();
    let allowed: Vec<_> = allowed.iter().map(|known| text(&known["id"])).collect();
    assert_eq!(allowed, [encode(&key.id), encode(&other.id)]);

    bench.advance(30);
    let mut body = proof(&mut key, &begun);
    body["deviceId"] = json!("d2");
    let verified = bench.asked(&token, "/verify/passkey", body.clone()).await;
    bench.expect_proved(&verified, "PASSKEY").await;
    let listed = bench.client(Method::GET, "/user-authenticators").bearer_auth(&token).send().await.unwrap();
    let known = read(listed).await.1[0].clone();
    assert_eq!(
        verified,
        json!({
            "isVerified": true, "accessToken": verified["accessToken"], "userId": "ada",
            "userAuthenticatorId": known["userAuthenticatorId"], "username": "ada@example.com"
        })
    );
    assert_eq!(known["lastVerifiedAt"], "2026-01-15T10:00:30.000Z");
    assert_eq!(known["webauthnCredential"]["deviceId"], "d2");
    assert_eq!(bench.get("/users/ada/devices").await.1[0]["lastVerificationMethod"], "PASSKEY");
    assert_eq!(bench.emulator.actions("ada")[0].verified_by.as_deref(), known["userAuthenticatorId"].as_str());

    let again = bench.ask(&token, "/verify/passkey", body).await;
    assert_eq!(error(&again), (400, "invalid_request"), "a signature is good once");
}

/// The whole of a sign-in without a token: what the SDK sends, in its order.
async fn sign_in(bench: &Bench, key: &mut SoftKey, action: Option<&str>) -> (u16, Value) {
    let challenge = match action {
        Some(action) => bench.anonymous("/challenge", json!({ "action": action })).await.1["challengeId"].clone(),
        None => Value::Null,
    };
    let (status, begun) = bench.anonymous(TO_USE, json!({ "challengeId": challenge })).await;
    assert_eq!(status, 200, "{begun}");
    assert!(begun["options"]["allowCredentials"].get(0).is_none(), "whoever has one may answer");
    let mut body = proof(key, &begun);
    body["deviceId"] = json!("d");
    bench.anonymous("/verify/passkey", body).await
}

#[tokio::test]
async fn a_sign_in_finds_the_user_and_makes_the_action() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let (status, verified) = sign_in(&bench, &mut key, Some("signIn")).await;
    assert_eq!((status, &verified["userId"]), (200, &json!("ada")), "{verified}");
    bench.expect_proved(&verified, "PASSKEY").await;
    let action = &bench.emulator.actions("ada")[0];
    assert_eq!((action.action.as_ref(), action.state.as_str()), ("signIn", "CHALLENGE_SUCCEEDED"));
    assert_eq!(action.verification_method, Some(VerificationMethod::Passkey));
    assert_eq!(action.outcome, Outcome::Challenge);

    bench.emulator.set_outcome("signIn", Outcome::Block);
    let blocked = sign_in(&bench, &mut key, Some("signIn")).await;
    assert_eq!(error(&blocked), (400, "invalid_request"));
    assert_eq!(bench.emulator.actions("ada")[0].state.as_str(), "BLOCK", "a signature is no way round a rule");

    let before = bench.emulator.actions("ada").len();
    let mut stranger = SoftKey { user_handle: Some(b"ada".to_vec()), ..SoftKey::es256() };
    let unknown = sign_in(&bench, &mut stranger, Some("signIn")).await;
    assert_eq!(error(&unknown), (400, "unknown_credential"));
    assert_eq!(bench.emulator.actions("ada").len(), before);
}

#[tokio::test]
async fn a_sign_in_by_a_key_of_the_callers_own() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let (_, challenge) = bench.anonymous("/challenge", json!({ "action": "signIn", "idempotencyKey": "k" })).await;
    let (_, begun) = bench.anonymous(TO_USE, challenge.clone()).await;
    assert_eq!(begun["challengeId"], challenge["challengeId"]);
    let body = proof(&mut key, &begun);
    assert_eq!(bench.anonymous("/verify/passkey", body.clone()).await.0, 200);
    assert_eq!(bench.emulator.actions("ada")[0].idempotency_key.as_ref(), "k");
    assert_eq!(error(&bench.anonymous("/verify/passkey", body).await), (400, "invalid_request"), "once");
    assert_eq!(error(&bench.anonymous(TO_USE, challenge).await), (400, "invalid_request"), "it is over");
}

#[tokio::test]
async fn a_sign_in_without_an_action_is_about_the_user_alone() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let before = bench.emulator.actions("ada").len();
    let (status, verified) = sign_in(&bench, &mut key, None).await;
    assert_eq!((status, &verified["isVerified"], &verified["userId"]), (200, &json!(true), &json!("ada")));
    let token = text(&verified["accessToken"]);
    assert_eq!(super::claims(token)["other"].get("actionCode"), None);
    assert_eq!(bench.emulator.actions("ada").len(), before);
    assert_eq!(bench.validate(token).await["isValid"], false, "no action is proved");

    let listed = bench.client(Method::GET, "/user-authenticators").bearer_auth(token).send().await.unwrap();
    assert_eq!(read(listed).await.1[0]["verificationMethod"], "PASSKEY");
    let more = bench.ask(token, "/user-authenticators/totp", json!({})).await;
    assert_eq!(error(&more), (400, "invalid_request"), "that takes an action");
}

#[tokio::test]
async fn a_verify_without_the_token_goes_by_the_challenge() {
    // The iOS SDK has it so (`AuthsignalPasskey.swift`).
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let token = bench.token().await;
    let begun = bench.asked(&token, TO_USE, json!({})).await;
    let (status, verified) = bench.anonymous("/verify/passkey", proof(&mut key, &begun)).await;
    assert_eq!(status, 200, "{verified}");
    bench.expect_proved(&verified, "PASSKEY").await;
    assert_eq!(bench.state(), "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn what_proves_nothing() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let (_, eve) = bench.post("/users/eve/actions/withdrawal", json!({})).await;
    let mut eves = SoftKey::es256();
    register(&bench, &mut eves, text(&eve["token"])).await;

    let token = bench.token().await;
    let mut stranger = SoftKey { user_handle: Some(b"ada".to_vec()), ..SoftKey::es256() };
    for (name, origin, key, code) in [
        ("a credential that nobody registered", ORIGIN, &mut stranger, "unknown_credential"),
        ("another user's", ORIGIN, &mut eves, "invalid_credential"),
        ("a page elsewhere", "https://evil.example", &mut key, "invalid_credential"),
    ] {
        let begun = bench.asked(&token, TO_USE, json!({})).await;
        let signed = key.get(&begun["options"], origin);
        let body = json!({ "authenticationCredential": signed, "challengeId": begun["challengeId"] });
        assert_eq!(error(&bench.ask(&token, "/verify/passkey", body.clone()).await), (400, code), "{name}");
        let again = bench.ask(&token, "/verify/passkey", body).await;
        assert_eq!(error(&again), (400, "invalid_request"), "{name}: a challenge is good for one answer");
    }
    let begun = bench.asked(&token, TO_USE, json!({})).await;
    let mut body = proof(&mut key, &begun);
    body["authenticationCredential"]["response"]["signature"] = json!(encode(b"no signature"));
    assert_eq!(error(&bench.ask(&token, "/verify/passkey", body).await).0, 400, "tampered with");

    let (one, two) = (bench.token().await, bench.token().await);
    let begun = bench.asked(&one, TO_USE, json!({})).await;
    let others = bench.ask(&two, "/verify/passkey", proof(&mut key, &begun)).await;
    assert_eq!(error(&others), (400, "invalid_request"), "another attempt's");
    bench.advance(600);
    let late = bench.anonymous("/verify/passkey", proof(&mut key, &begun)).await;
    assert_eq!(error(&late), (400, "invalid_request"), "too late");
    assert_eq!(bench.state(), "CHALLENGE_REQUIRED");
}

#[tokio::test]
async fn what_registers_nothing() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let token = bench.token_with(json!({ "scope": ADD })).await;
    for (name, origin, code) in [
        ("one that is registered", ORIGIN, "invalid_credential"),
        ("a page elsewhere", "https://evil.example", "invalid_credential"),
    ] {
        let begun = bench.asked(&token, TO_MAKE, json!({})).await;
        assert_eq!(begun["options"]["excludeCredentials"][0]["id"], encode(&key.id));
        let mut other = SoftKey::es256();
        let made = if origin == ORIGIN { &mut key } else { &mut other }.create(&begun["options"], origin);
        let body = json!({ "registrationCredential": made, "challengeId": begun["challengeId"] });
        assert_eq!(error(&bench.ask(&token, ADD_PASSKEY, body).await), (400, code), "{name}");
    }
    let begun = bench.asked(&token, TO_MAKE, json!({})).await;
    let made = SoftKey::es256().create(&begun["options"], ORIGIN);
    let asked = bench.asked(&token, TO_USE, json!({})).await;
    let mixed = json!({ "registrationCredential": made, "challengeId": asked["challengeId"] });
    assert_eq!(error(&bench.ask(&token, ADD_PASSKEY, mixed).await), (400, "invalid_request"), "that was to use one");
    let odd = bench.ask(&token, TO_MAKE, json!({ "authenticatorAttachment": "glued" })).await;
    assert_eq!(error(&odd), (400, "invalid_request"));
}

#[tokio::test]
async fn is_there_such_a_passkey() {
    let bench = bench().await;
    let key = registered(&bench).await;
    let id = encode(&key.id);
    for (query, status) in [
        (format!("credentialIds=unknown,{id}"), 200),
        (format!("credentialId={id}"), 200),
        ("credentialIds=unknown".to_owned(), 404),
        ("credentialIds=".to_owned(), 400),
        (String::new(), 400),
    ] {
        let path = format!("{ADD_PASSKEY}?{query}");
        let request = bench.client(Method::GET, &path).basic_auth(bench.emulator.tenant_id(), Some(""));
        let answer = read(request.send().await.unwrap()).await;
        if status == 200 {
            let found = json!({ "credentialId": id, "verifiedAt": "2026-01-15T10:00:00.000Z" });
            assert_eq!(answer, (200, found), "{query}");
        } else {
            assert_eq!(error(&answer).0, status, "{query}");
        }
    }
}

/// Name and value of the cookie that is left.
fn cookie(headers: &HeaderMap) -> Option<&str> {
    let set = headers.get("set-cookie")?.to_str().unwrap();
    assert!(set.contains("HttpOnly") && set.contains("SameSite=Lax") && set.contains("Path=/"), "{set}");
    set.split(';').next()
}

#[tokio::test]
async fn with_cookies_nothing_else_has_to_be_kept() {
    let bench = bench().await;
    let mut key = registered(&bench).await;
    let tenant = bench.emulator.tenant_id();
    let post = async |path: &str, cookies: &str, body: Value| {
        let request = bench.client(Method::POST, path).basic_auth(tenant, Some("")).header("cookie", cookies);
        let response = request.json(&body).send().await.unwrap();
        let cookie = cookie(response.headers()).map(str::to_owned);
        (cookie, read(response).await.1)
    };
    let (challenge, named) = post("/challenge/web", "", json!({ "action": "signIn" })).await;
    let challenge = challenge.unwrap();
    assert!(challenge.ends_with(text(&named["challengeId"])), "{challenge}");
    let (_, begun) = post(TO_USE, &challenge, named).await;
    let body = json!({ "authenticationCredential": key.get(&begun["options"], ORIGIN) });
    let (token, verified) = post("/verify/passkey", &challenge, body).await;
    assert_eq!(verified["userId"], "ada", "{verified}");
    bench.expect_proved(&verified, "PASSKEY").await;

    let listed = bench.client(Method::GET, "/user-authenticators").basic_auth(tenant, Some(""));
    let listed = listed.header("cookie", token.unwrap()).send().await.unwrap();
    assert_eq!(read(listed).await.1[0]["verificationMethod"], "PASSKEY");

    // Without an action the options themselves begin it.
    let (challenge, begun) = post(&format!("{TO_USE}/web"), "", json!({})).await;
    let body = json!({ "authenticationCredential": key.get(&begun["options"], ORIGIN) });
    assert_eq!(post("/verify/passkey", &challenge.unwrap(), body).await.1["userId"], "ada");

    for path in ["/challenge", TO_USE] {
        assert_eq!(post(path, "", json!({})).await.0, None, "who doesn't ask for cookies gets none");
    }
}

#[tokio::test]
async fn a_security_key_is_registered_and_proves() {
    let bench = bench().await;
    let token = bench.token().await;
    let options = bench.asked(&token, &format!("{SECURITY_KEY}/registration-options"), json!({})).await;
    assert_eq!(options["rp"]["id"], "localhost", "bare, without a wrapper");
    let mut key = SoftKey::es256();
    key.attachment = "cross-platform";
    key.transports = &["usb"];
    let added = bench.asked(&token, SECURITY_KEY, key.create(&options, ORIGIN)).await;
    assert_eq!(added["userAuthenticator"]["verificationMethod"], "SECURITY_KEY");
    assert_eq!(added["userAuthenticator"]["webauthnCredential"]["name"], "Security key");
    bench.expect_proved(&added, "SECURITY_KEY").await;

    let token = bench.token().await;
    let to_use = format!("{SECURITY_KEY}/authentication-options");
    let options = bench.asked(&token, &to_use, json!({})).await;
    assert_eq!(options["allowCredentials"][0]["id"], encode(&key.id));
    let verified = bench.asked(&token, "/verify/security-key", key.get(&options, ORIGIN)).await;
    assert_eq!(verified, json!({ "isVerified": true, "accessToken": verified["accessToken"] }));
    bench.expect_proved(&verified, "SECURITY_KEY").await;

    let token = bench.token().await;
    let none = bench.ask(&token, "/verify/security-key", key.get(&options, ORIGIN)).await;
    assert_eq!(error(&none), (400, "invalid_request"), "nothing was begun");
    let passkey = bench.ask(&token, TO_USE, json!({})).await;
    assert_eq!(error(&passkey), (400, "invalid_request"), "a security key is no passkey");
    let (_, begun) = bench.anonymous(TO_USE, json!({})).await;
    let signed_in = bench.anonymous("/verify/passkey", proof(&mut key, &begun)).await;
    assert_eq!(error(&signed_in), (400, "unknown_credential"));
}

#[tokio::test]
async fn a_passkey_that_was_made_elsewhere_signs_in() {
    let bench = bench().await;
    let mut key = SoftKey { user_handle: Some(b"ada".to_vec()), ..SoftKey::es256() };
    let item = |user: &str, id: &str| {
        json!({
            "userId": user, "verificationMethod": "PASSKEY", "credentialId": id, "name": "iPhone",
            "credentialPublicKey": encode(&key.cose()), "transports": ["internal", "hybrid"],
            "aaguid": "fbfc3007-154e-4ecc-8c0b-6e020557d7bd"
        })
    };
    let id = encode(&key.id);
    let items = json!({ "authenticators": [item("ada", &id), item("ada", &id), item("eve", &id), item("ada", "!")] });
    let (status, imported) = bench.post("/users/authenticators", items).await;
    assert_eq!((status, &imported["succeeded"], &imported["failed"]), (200, &json!(2), &json!(2)), "{imported}");
    let failures = imported["failures"].as_array().unwrap();
    let codes: Vec<_> = failures.iter().map(|failure| text(&failure["errorCode"])).collect();
    assert_eq!(codes, ["conflict", "invalid_request"]);
    let (_, known) = bench.get("/users/ada/authenticators").await;
    assert_eq!(known.as_array().unwrap().len(), 1, "the same one is not enrolled twice");
    let credential = &known[0]["webauthnCredential"];
    assert_eq!((text(&credential["credentialId"]), text(&credential["name"])), (&*id, "iPhone"));
    assert_eq!(credential.get("credentialBackedUp"), None, "nobody has said");

    let (status, verified) = sign_in(&bench, &mut key, Some("signIn")).await;
    assert_eq!((status, &verified["userId"]), (200, &json!("ada")), "{verified}");
    let (_, known) = bench.get("/users/ada/authenticators").await;
    assert_eq!(known[0]["webauthnCredential"]["credentialBackedUp"], false, "it says so when it is used");
}
