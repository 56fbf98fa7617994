//! Which fields of a form hold a secret of the user's, by their names.

/// Whether a field's name says that its value is a secret of the user's, which is never kept (threat T48).
///
/// Tokens against request forgery are not among them: they are the page's, not the user's, and without them the form
/// could not be sent again (T47).
pub(crate) fn is_secret(name: &str) -> bool {
    const PARTS: [&str; 17] = [
        "password",
        "passwd",
        "passphrase",
        "passcode",
        "pwd",
        "secret",
        "cardnumber",
        "ccnumber",
        "creditcard",
        "cvv",
        "cvc",
        "privatekey",
        "securitycode",
        "otpcode",
        "pincode",
        "mfacode",
        "onetimecode",
    ];
    const LAST: [&str; 6] = ["pass", "pin", "otp", "totp", "pan", "ssn"];
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    PARTS.iter().any(|part| plain.contains(part)) || LAST.contains(&&*last_word(name))
}

/// The last word of a field's name, without a number behind it: `pin`, of `user[new_pin]` as of `newPin2`.
fn last_word(name: &str) -> String {
    let parts = name.rsplit(['.', '[', ']', '_', '-']);
    let mut parts =
        parts.map(|part| part.trim_end_matches(|c: char| c.is_ascii_digit())).filter(|part| !part.is_empty());
    let last = parts.next().unwrap_or_default();
    let humps = |pair: &[u8]| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase();
    let start = last.as_bytes().windows(2).rposition(humps).map_or(0, |at| at + 1);
    last[start..].to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T48: what a form does not keep, the derive macro does not show: it has the same list, since it cannot have this crate.
    #[test]
    fn t48_the_derive_macro_knows_the_same_names() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let listed = |file: &str| {
            let text = std::fs::read_to_string(root.join(file)).unwrap();
            let lists =
                text.split("[&str; ").skip(1).take(2).map(|list| list.split(';').next().unwrap_or_default().to_owned());
            let lists: Vec<String> = lists.collect();
            lists.iter().flat_map(|list| list.split('"').skip(1).step_by(2)).map(str::to_owned).collect::<Vec<_>>()
        };
        let (ours, macros) =
            (listed("src/domain/form/secret.rs"), listed("crates/axum-authsignal-derive/src/expand.rs"));
        assert_eq!(ours.len(), 23, "{ours:?}");
        assert_eq!(ours, macros);
    }

    /// T48: secrets are not kept. T47: a token against request forgery is.
    #[test]
    fn t47_t48_secret_named_fields_are_left_out() {
        for name in [
            "password",
            "new_password",
            "user[password]",
            "Password",
            "pass-phrase",
            "api_secret",
            "card_number",
            "cvv",
            "pin",
            "user[pin]",
            "otp",
            "totp",
            "login.pwd",
            "pass",
            "user_pass",
            "pass2",
            "newPin",
            "cardPIN",
            "user[pin_2]",
            "otp_code",
            "pinCode",
            "card_security_code",
            "one-time-code",
        ] {
            assert!(is_secret(name), "{name}");
        }
        for name in [
            "amount",
            "to",
            "pinned",
            "shipping",
            "csrf_token",
            "_token",
            "authenticity_token",
            "option",
            "company",
            "passport",
            "passengers",
            "bypass",
            "japan",
            "é_1",
            "_",
            "",
        ] {
            assert!(!is_secret(name), "{name}");
        }
    }
}
