//! What is not as it should be.
use aws_lc_rs::signature::{ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use proptest::prelude::*;

use super::*;

#[test]
fn registrations_that_lie() {
    type Lie = fn(&mut SoftKey, &mut Value, &mut &str);
    let before: [(&str, Lie); 5] = [
        ("another challenge", |_, options, _| options["challenge"] = encode(&[7; 32]).into()),
        ("another origin", |_, _, origin| *origin = "https://evil.example"),
        ("a look-alike", |_, _, origin| *origin = "http://localhost.evil.example:3000"),
        ("another site", |_, options, _| options["rp"]["id"] = "evil.example".into()),
        ("user not verified", |key, _, _| key.verifies = false),
    ];
    for (name, lie) in before {
        let (mut key, mut origin) = (SoftKey::es256(), ORIGIN);
        let (mut options, begun) = begin(KeyKind::Passkey);
        lie(&mut key, &mut options, &mut origin);
        let fault = site().register(&begun, &key.create(&options, origin), |_| false).unwrap_err();
        assert!(matches!(fault, CredentialError::Invalid(_)), "{name}: {fault:?}");
    }

    let invalid = "invalid_credential";
    let unread = "invalid_request";
    let after: [(&str, &str, fn(&mut Value)); 8] = [
        ("of an authentication", invalid, |answer| tell(answer, "type", "webauthn.get".into())),
        ("another id", invalid, |answer| (answer["id"], answer["rawId"]) = ("AAAA".into(), "AAAA".into())),
        ("two ids", unread, |answer| answer["id"] = "AAAA".into()),
        ("no public key", unread, |answer| answer["type"] = "password".into()),
        ("no object", unread, |answer| *answer = json!([])),
        ("no response", unread, |answer| answer["response"] = Value::Null),
        ("no attestation", unread, |answer| answer["response"]["attestationObject"] = encode(b"\xa0").into()),
        ("an array without an end", unread, |answer| {
            answer["response"]["attestationObject"] = encode(b"\x9b\xff\xff\xff\xff\xff\xff\xff\xff").into()
        }),
    ];
    for (name, code, lie) in after {
        let (options, begun) = begin(KeyKind::Passkey);
        let mut answer = SoftKey::es256().create(&options, ORIGIN);
        lie(&mut answer);
        let fault = site().register(&begun, &answer, |_| false).unwrap_err();
        assert_eq!(fault.code(), code, "{name}: {fault}");
    }

    let (options, begun) = begin(KeyKind::Passkey);
    let mut key = SoftKey::es256();
    let answer = key.create(&options, ORIGIN);
    let id = encode(&key.id);
    let fault = site().register(&begun, &answer, |known| known == id).unwrap_err();
    assert_eq!(fault, invalid_because("it is registered already"));
    let credential = site().register(&begun, &answer, |_| false).unwrap();
    let (options, begun) = site().registration_options(KeyKind::Passkey, ada(), None, [&credential]).unwrap();
    assert!(site().register(&begun, &key.create(&options, ORIGIN), |_| false).is_err(), "an excluded one");
}

#[test]
fn authentications_that_lie() {
    type Lie = fn(&SoftKey, &mut Value);
    /// The flags of the authenticator data: 1 present, 4 verified, 8 can be backed up, 16 is backed up.
    fn flags(key: &SoftKey, answer: &mut Value, flags: u8) {
        change_data(key, answer, |data| data[32] = flags);
    }
    fn change_data(key: &SoftKey, answer: &mut Value, change: impl FnOnce(&mut [u8])) {
        let mut data = decode(&answer["response"]["authenticatorData"]);
        change(&mut data);
        answer["response"]["authenticatorData"] = encode(&data).into();
        key.resign(answer);
    }
    fn told(key: &SoftKey, answer: &mut Value, name: &str, value: &str) {
        tell(answer, name, value.into());
        key.resign(answer);
    }
    let (invalid, unread) = ("invalid_credential", "invalid_request");
    let table: [(&str, &str, Lie); 18] = [
        ("another challenge", invalid, |key, answer| told(key, answer, "challenge", &encode(&[7; 32]))),
        ("another origin", invalid, |key, answer| told(key, answer, "origin", "https://evil.example")),
        ("no origin", unread, |key, answer| told(key, answer, "origin", "localhost")),
        ("of a registration", invalid, |key, answer| told(key, answer, "type", "webauthn.create")),
        ("user not verified", invalid, |key, answer| flags(key, answer, 1)),
        ("user not there", invalid, |key, answer| flags(key, answer, 4)),
        ("backed up of a sudden", invalid, |key, answer| flags(key, answer, 1 + 4 + 8 + 16)),
        ("backed up without being able to", invalid, |key, answer| flags(key, answer, 1 + 4 + 16)),
        ("another site", invalid, |key, answer| {
            change_data(key, answer, |data| data[..32].copy_from_slice(&Sha256::digest("evil.example")));
        }),
        ("another user's", invalid, |_, answer| answer["response"]["userHandle"] = encode(b"eve").into()),
        ("signed by another", invalid, |_, answer| SoftKey::es256().resign(answer)),
        ("no signature", invalid, |_, answer| answer["response"]["signature"] = "".into()),
        ("changed after it was signed", invalid, |_, answer| tell(answer, "more", 1.into())),
        ("unknown", "unknown_credential", |_, answer| {
            (answer["id"], answer["rawId"]) = ("AAAA".into(), "AAAA".into());
        }),
        ("two ids", unread, |_, answer| answer["id"] = "AAAA".into()),
        ("no id", unread, |_, answer| (answer["id"], answer["rawId"]) = ("".into(), "".into())),
        ("no data", unread, |_, answer| answer["response"]["authenticatorData"] = "".into()),
        ("no object", unread, |_, answer| *answer = "x".repeat(1 << 20).into()),
    ];
    let mut key = SoftKey::es256();
    let credential = enrol(KeyKind::Passkey, &mut key);
    for (name, code, lie) in table {
        let fault = ask(&credential, &mut key, lie).unwrap_err();
        assert_eq!(fault.code(), code, "{name}: {fault}");
        assert!(fault.to_string().len() < 300, "{name} is quoted at length");
    }
    assert!(ask(&credential, &mut key, |_, _| ()).is_ok(), "the table lies, not what it begins with");
}

#[test]
fn imports_that_are_none() {
    let (id, key) = (encode(b"an-id"), encode(&SoftKey::es256().cose()));
    // RFC 8032, section 7.1, test 1, as COSE: OKP, EdDSA, Ed25519.
    let ed25519 =
        b"\xa4\x01\x01\x03\x27\x20\x06\x21\x58\x20\xd7\x5a\x98\x01\x82\xb1\x0a\xb7\xd5\x4b\xfe\xd3\xc9\x64\x07\x3a\
        \x0e\xe1\x72\xf3\xda\xa6\x23\x25\xaf\x02\x1a\x68\xf7\x07\x51\x1a";
    let off_curve = {
        let mut key = SoftKey::es256().cose();
        *key.last_mut().unwrap() ^= 1;
        encode(&key)
    };
    let p521 = |algorithm: &[u8]| {
        let pair = EcdsaKeyPair::generate(&ECDSA_P521_SHA512_ASN1_SIGNING).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(66);
        encode(&[b"\xa5\x01\x02\x03", algorithm, b"\x20\x03\x21\x58\x42", x, b"\x22\x58\x42", y].concat())
    };
    for (name, id, key, aaguid) in [
        ("no id", "", key.as_str(), None),
        ("id not base64url", "a/b+", &key, None),
        ("id too long", &encode(&[1; 1024]), &key, None),
        ("no key", &id, "", None),
        ("key not base64url", &id, "{}", None),
        ("key cut", &id, &key[..40], None),
        ("more than a key", &id, &encode(&[SoftKey::es256().cose(), vec![0]].concat()), None),
        ("no map", &id, &encode(b"\x01"), None),
        ("empty map", &id, &encode(b"\xa0"), None),
        ("Ed25519", &id, &encode(ed25519), None),
        ("P-521", &id, &p521(b"\x38\x23"), None),
        ("P-521 that says ES256", &id, &p521(b"\x26"), None),
        ("not on the curve", &id, &off_curve, None),
        ("aaguid", &id, &key, Some("apple")),
    ] {
        let fault = Credential::import(id, key, &[], aaguid).unwrap_err();
        assert_eq!(fault.code(), "invalid_request", "{name}: {fault}");
    }
    assert!(Credential::import(&encode(&[1; 1023]), &key, &[], None).is_ok());
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..80).prop_map(|bytes| encode(&bytes).into()),
    ];
    leaf.prop_recursive(3, 20, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-z]{1,8}", inner, 0..4).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes in the place of whatever was expected is refused, and nothing panics.
    #[test]
    fn nonsense_is_refused(json in any_json(), at in 0_usize..8) {
        let place = [
            "", "/id", "/rawId", "/type", "/response", "/response/clientDataJSON", "/response/attestationObject",
            "/response/authenticatorData",
        ][at];
        let mut key = SoftKey::es256();
        let credential = enrol(KeyKind::Passkey, &mut key);
        let (options, begun) = begin(KeyKind::Passkey);
        let mut answer = key.create(&options, ORIGIN);
        if let Some(place) = answer.pointer_mut(place) {
            *place = json.clone();
            prop_assert!(site().register(&begun, &answer, |_| false).is_err(), "{}", answer);
        }
        let answered = ask(&credential, &mut key, |_, answer| match answer.pointer_mut(place) {
            Some(place) => *place = json,
            None => *answer = Value::Null,
        });
        prop_assert!(answered.is_err());
    }

    /// One bit of what is signed makes all the difference.
    #[test]
    fn no_bit_may_differ(field in 0_usize..3, at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut key = SoftKey::es256();
        let credential = enrol(KeyKind::Passkey, &mut key);
        let name = ["clientDataJSON", "authenticatorData", "signature"][field];
        let answered = ask(&credential, &mut key, |_, answer| {
            let mut bytes = decode(&answer["response"][name]);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            answer["response"][name] = encode(&bytes).into();
        });
        prop_assert!(answered.is_err(), "{}", name);
    }

    #[test]
    fn any_bytes_are_imported_or_refused(id in prop::collection::vec(any::<u8>(), 0..40), key in prop::collection::vec(any::<u8>(), 0..90)) {
        _ = Credential::import(&encode(&id), &encode(&key), &[], None);
        _ = super::credential::aaguid(&key);
    }
}
