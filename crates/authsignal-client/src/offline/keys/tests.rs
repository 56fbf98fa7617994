//! When keys are fetched, and how long they count.
use std::time::UNIX_EPOCH;

use serde_json::json;

use super::*;

/// What is to be done about the known key `a` and the unknown `b`, so many seconds after keys were fetched.
fn steps(held: &CachedKeys<u8>, now: u64) -> [String; 2] {
    ["a", "b"].map(|id| match held.step(id, UNIX_EPOCH + Duration::from_secs(now)) {
        Step::Unavailable(_) => "Unavailable".to_owned(),
        step => format!("{step:?}"),
    })
}

#[test]
fn keys_age() {
    const T: u64 = 1_000_000;
    let at = |seconds: u64| UNIX_EPOCH + Duration::from_secs(seconds);
    let mut held = CachedKeys::default();
    assert_eq!(steps(&held, T), ["Fetch(None)", "Fetch(None)"], "none yet");
    held.fetched(Err(Error::timeout()), at(T));
    assert_eq!(steps(&held, T + 4), ["Unavailable", "Unavailable"]);
    assert_eq!(steps(&held, T + 5), ["Fetch(None)", "Fetch(None)"]);

    held.fetched(Ok([("a".to_owned(), 1)].into()), at(T));
    for (age, expected) in [
        (0, ["Use(1)", "Unknown"]),
        (59, ["Use(1)", "Unknown"]),
        (60, ["Use(1)", "Fetch(None)"]),
        (3_599, ["Use(1)", "Fetch(None)"]),
        (3_600, ["Fetch(Some(1))", "Fetch(None)"]),
        (21_599, ["Fetch(Some(1))", "Fetch(None)"]),
        (21_600, ["Fetch(None)", "Fetch(None)"]),
    ] {
        assert_eq!(steps(&held, T + age), expected, "after {age} s");
    }
    assert_eq!(steps(&held, T - 1), ["Fetch(None)", "Fetch(None)"], "the clock was set back");

    for (age, later, expected) in [
        (60, 64, ["Use(1)", "Unavailable"]),
        (60, 65, ["Use(1)", "Fetch(None)"]),
        (3_600, 3_604, ["Use(1)", "Unavailable"]),
        (3_600, 3_605, ["Fetch(Some(1))", "Fetch(None)"]),
        (21_598, 21_599, ["Use(1)", "Unavailable"]),
        (21_598, 21_600, ["Unavailable", "Unavailable"]),
    ] {
        held.fetched(Ok([("a".to_owned(), 1)].into()), at(T));
        held.fetched(Err(Error::timeout()), at(T + age));
        assert_eq!(steps(&held, T + later), expected, "failed after {age} s, asked after {later} s");
    }

    held.fetched(Ok([("b".to_owned(), 2)].into()), at(T));
    assert_eq!(steps(&held, T), ["Unknown", "Use(2)"], "what is not there any more is not used");
}

#[test]
fn which_keys_are_used() {
    let key = json!({ "kty": "RSA", "kid": "k", "n": "AQAB", "e": "AQAB", "alg": "RS256", "use": "sig" });
    let with = |name: &str, value: Value| {
        let mut key = key.clone();
        key[name] = value;
        key
    };
    let without = |names: &[&str]| {
        let mut key = key.clone();
        names.iter().for_each(|name| _ = key.as_object_mut().unwrap().remove(*name));
        key
    };
    let table = [
        ("as the service has it", key.clone(), true),
        ("no purpose, no algorithm", without(&["use", "alg"]), true),
        ("to verify", with("key_ops", json!(["verify"])), true),
        ("a certificate too", with("x5c", json!(["AQAB"])), true),
        ("to sign", with("key_ops", json!(["sign"])), false),
        ("to encrypt", with("use", json!("enc")), false),
        ("RS512", with("alg", json!("RS512")), false),
        ("unknown algorithm", with("alg", json!("RS257")), false),
        ("no id", without(&["kid"]), false),
        ("no modulus", without(&["n"]), false),
        ("no base64", with("n", json!("!")), false),
        ("symmetric", json!({ "kty": "oct", "kid": "k", "k": "AQAB", "alg": "HS256" }), false),
        ("a curve", json!({ "kty": "EC", "kid": "k", "crv": "P-256", "x": "AQAB", "y": "AQAB" }), false),
        ("unknown", json!({ "kty": "AKP", "kid": "k", "pub": "AQAB" }), false),
        ("no key", json!("k"), false),
    ];
    for (name, key, expected) in table {
        assert_eq!(usable(key).is_some(), expected, "{name}");
    }
}
