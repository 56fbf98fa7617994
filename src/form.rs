//! A posted urlencoded form: what it says, which of it may be kept, and how it is normalised.
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};

/// A form of more fields than this is digested by its bytes and not kept.
const MOST_FIELDS: usize = 256;

/// The decoded pairs of a form, in order, with every newline as CRLF, which is what a browser makes of them when it
/// sends the form again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form(pub(crate) Vec<(String, String)>);

impl Form {
    /// Reads a body of `application/x-www-form-urlencoded`.
    ///
    /// `None` for whatever would not survive a browser's sending it again: bytes that are no UTF-8 (two of them could
    /// decode to the same replacement character), NUL, and field names that a browser gives a meaning of its own.
    pub(crate) fn parse(body: &[u8]) -> Option<Self> {
        let body = std::str::from_utf8(body).ok()?;
        let pairs: Vec<_> = body
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Some((decode(name)?, decode(value)?))
            })
            .collect::<Option<_>>()?;
        let sendable = pairs.len() <= MOST_FIELDS && !pairs.iter().any(|(name, _)| reserved(name));
        sendable.then_some(Self(pairs))
    }

    /// The fields that may be kept for the user, and the names of those that they have to type again.
    pub(crate) fn keep(self) -> Kept {
        Kept(
            self.0
                .into_iter()
                .map(|(name, value)| {
                    let value = (!is_secret(&name)).then_some(value);
                    Field { name, value }
                })
                .collect(),
        )
    }
}

/// A form as a flow keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept(pub(crate) Vec<Field>);

/// One field of a kept form; without a value where its name says that it is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

fn decode(text: &str) -> Option<String> {
    let spaced = text.replace('+', " ");
    let decoded: Vec<u8> = percent_decode_str(&spaced).collect();
    let text = String::from_utf8(decoded).ok()?;
    (!text.contains('\0')).then(|| crlf(&text))
}

/// Newlines as a browser writes them into a form (HTML, "constructing the entry list": CR, LF and CRLF become CRLF).
fn crlf(text: &str) -> String {
    if !text.contains(['\r', '\n']) {
        return text.to_owned();
    }
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}

/// `_charset_` is filled in by the browser, `isindex` is sent without its name by old ones.
fn reserved(name: &str) -> bool {
    name.eq_ignore_ascii_case("_charset_") || name.eq_ignore_ascii_case("isindex")
}

/// Whether a field's name says that its value is a secret of the user's, which is never kept (threat T48).
///
/// Tokens against request forgery are not among them: they are the page's, not the user's, and without them the form
/// could not be sent again (T47).
fn is_secret(name: &str) -> bool {
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

    fn pairs(body: &[u8]) -> Option<Vec<(String, String)>> {
        Form::parse(body).map(|form| form.0)
    }

    #[test]
    fn reads_pairs_in_order_and_normalises_what_a_browser_would() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let cases: [(&str, &[u8], Vec<(String, String)>); 8] = [
            ("plain", b"amount=10&to=bob", vec![pair("amount", "10"), pair("to", "bob")]),
            ("order and doubles stay", b"a=2&a=1", vec![pair("a", "2"), pair("a", "1")]),
            ("plus and percent", b"a=b+c%20d%2B", vec![pair("a", "b c d+")]),
            ("no value", b"a&b=", vec![pair("a", ""), pair("b", "")]),
            ("lone LF", b"a=1%0A2", vec![pair("a", "1\r\n2")]),
            ("lone CR, CRLF", b"a=1%0D2%0D%0A3", vec![pair("a", "1\r\n2\r\n3")]),
            ("empty pairs", b"&&a=1&", vec![pair("a", "1")]),
            ("nothing", b"", vec![]),
        ];
        for (name, body, want) in cases {
            assert_eq!(pairs(body), Some(want), "{name}");
        }
    }

    #[test]
    fn refuses_what_would_not_survive_being_sent_again() {
        let many = "a=1&".repeat(MOST_FIELDS + 1);
        for body in
            [&b"a=%FF"[..], b"a=%FE", b"a=\xff", b"%00=1", b"a=%00", b"_charset_=x", b"ISINDEX=x", many.as_bytes()]
        {
            assert_eq!(pairs(body), None, "{body:?}");
        }
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
        let kept = Form::parse(b"amount=1&password=x").unwrap().keep();
        assert_eq!(kept.0[0].value.as_deref(), Some("1"));
        assert_eq!(kept.0[1].value, None);
    }
}
