//! What is an id, and what is none.
use super::*;

#[test]
fn user_ids() {
    let long = "x".repeat(1024);
    let table = [
        ("plain", "user-1", Ok(())),
        ("another scheme", "auth0|abc", Ok(())),
        ("dots within", "a..b", Ok(())),
        ("three dots", "...", Ok(())),
        ("an encoded dot", "%2e%2e", Ok(())),
        ("the longest", &long, Ok(())),
        ("empty", "", Err(InvalidId::Empty)),
        ("too long", &format!("{long}x"), Err(InvalidId::TooLong { length: 1025, max: 1024 })),
        ("tab", "a\tb", Err(InvalidId::Control)),
        ("nul", "\0", Err(InvalidId::Control)),
        ("C1", "a\u{85}", Err(InvalidId::Control)),
        ("dot", ".", Err(InvalidId::DotSegment)),
        ("two dots", "..", Err(InvalidId::DotSegment)),
    ];
    for (name, text, expected) in table {
        assert_eq!(UserId::new(text).map(drop), expected, "{name}");
        let json = serde_json::to_string(text).unwrap();
        assert_eq!(serde_json::from_str::<UserId>(&json).is_ok(), expected.is_ok(), "{name} read from JSON");
    }
}

#[test]
fn action_codes() {
    for code in ["a", "sign-in", "sign_in", "Withdrawal2", &"x".repeat(64)] {
        assert!(ActionCode::new(code).is_ok(), "{code}");
    }
    for code in ["", "a b", "a/b", "a.b", "ä", "a%2f", "..", "a\n", &"x".repeat(65)] {
        assert!(ActionCode::new(code).is_err(), "{code}");
    }
}

/// T71: what looks alike is not alike.
#[test]
fn look_alikes_are_other_users() {
    let pairs = [
        ("é", "e\u{301}"),
        ("admin", "аdmin"),
        ("user", "User"),
        ("user", "user "),
        ("user", "user\u{200b}"),
        ("ſ", "s"),
        ("K", "\u{212a}"),
        ("a+b", "a b"),
        ("a/b", "a%2Fb"),
    ];
    for (left, right) in pairs {
        assert_ne!(UserId::new(left).unwrap(), UserId::new(right).unwrap(), "{left:?} {right:?}");
    }
}

#[test]
fn random_keys_differ() {
    let keys: std::collections::HashSet<_> = (0..1000).map(|_| IdempotencyKey::random()).collect();
    assert_eq!(keys.len(), 1000);
}

#[test]
fn an_error_names_the_id_and_the_reason() {
    let texts = [
        (user_id_of(&"x".repeat(1025)).map(drop), "invalid user id: 1025 bytes, at most 1024"),
        (
            action_code_of("sign in").map(drop),
            "invalid action code: an action code has only letters, digits, `_` and `-`",
        ),
        (idempotency_key_of("").map(drop), "invalid idempotency key: it is empty"),
    ];
    for (refused, text) in texts {
        assert_eq!(refused.unwrap_err().to_string(), format!("the request cannot be sent: {text}"));
    }
}
