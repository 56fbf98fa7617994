//! A posted urlencoded form: whether a browser would send it again as it is, and which of it may be kept.
use http::{HeaderMap, header};
use serde::{Deserialize, Serialize};

/// The most fields of a form that is kept.
const MAX_FIELDS: usize = 256;

/// The pairs of a form that a browser, given them, sends again byte for byte.
///
/// What an approval covers is the bytes. So a form is kept only where its pairs say everything about them; any other is
/// covered all the same, and sent again by its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads the body of a request.
    pub(crate) fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        // As browsers write it (HTML, "form submission algorithm", "mutate action URL" and "submit as entity body").
        let is_form = types.next()? == "application/x-www-form-urlencoded"
            && types.next().is_none()
            && !headers.contains_key(header::CONTENT_ENCODING);
        is_form.then(|| Self::parse(body)).flatten()
    }

    fn parse(body: &[u8]) -> Option<Self> {
        let form = Self(form_urlencoded::parse(body).into_owned().collect());
        let again = form_urlencoded::Serializer::new(String::new()).extend_pairs(&form.0).finish();
        let is_sent_again = again.as_bytes() == body
            && form.0.len() <= MAX_FIELDS
            && form.0.iter().all(|(name, value)| {
                is_sent(name) && is_kept_by_html(name) && is_kept_by_html(value) && is_typed_again(name, value)
            });
        is_sent_again.then_some(form)
    }

    /// The fields that may be kept for the user, and the names of those that they have to type again.
    pub(crate) fn save(self) -> SavedForm {
        SavedForm(
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
pub(crate) struct SavedForm(pub(crate) Vec<Field>);

/// One field of a kept form; without a value where its name says that it is a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

/// Browsers leave fields without a name out, fill in `_charset_` themselves, and old ones sent `isindex` without its name.
fn is_sent(name: &str) -> bool {
    !name.is_empty() && !name.eq_ignore_ascii_case("_charset_") && !name.eq_ignore_ascii_case("isindex")
}

/// Whether a text comes through a page and a form as it is: HTML has no NUL, and CR, LF and CRLF are sent as CRLF (HTML,
/// "constructing the entry list").
fn is_kept_by_html(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find(['\r', '\n', '\0']) {
        let Some(behind) = rest[at..].strip_prefix("\r\n") else { return false };
        rest = behind;
    }
    true
}

/// A field for secrets takes no line breaks.
fn is_typed_again(name: &str, value: &str) -> bool {
    !is_secret(name) || !value.contains('\n')
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

    #[test]
    fn reads_what_browsers_send() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let cases: [(&str, &str, Vec<(String, String)>); 8] = [
            ("plain", "amount=10&to=bob", vec![pair("amount", "10"), pair("to", "bob")]),
            ("order and doubles stay", "a=2&a=1", vec![pair("a", "2"), pair("a", "1")]),
            ("plus and percent", "a=b+c+d%2B%25", vec![pair("a", "b c d+%")]),
            ("no value", "a=&b=", vec![pair("a", ""), pair("b", "")]),
            ("line breaks", "a=1%0D%0A%0D%0A2", vec![pair("a", "1\r\n\r\n2")]),
            ("what is not encoded", "a=*-._%7E", vec![pair("a", "*-._~")]),
            ("other scripts", "%C3%A9=%F0%9F%92%B8%EF%BF%BD", vec![pair("é", "💸\u{fffd}")]),
            ("nothing", "", vec![]),
        ];
        for (name, body, want) in cases {
            assert_eq!(Form::parse(body.as_bytes()).map(|form| form.0), Some(want), "{name}");
        }
    }

    /// What no browser sends, or none sends again as it was, is not kept: the approval is for its bytes.
    #[test]
    fn t110_what_would_not_be_sent_again_byte_for_byte_is_not_kept() {
        let many = "a=1&".repeat(MAX_FIELDS) + "a=1";
        for body in [
            &b"a=%FF"[..],
            b"a=\xff",
            b"a=\xc3\xa9",
            b"a=%c3%a9",
            b"a=b%20c",
            b"a=b c",
            b"a=~",
            b"a=%2A",
            b"a=%41",
            b"a=%",
            b"a=%4",
            b"a",
            b"a=b&",
            b"&a=b",
            b"a=b&&c=d",
            b"a=b=c",
            b"=b",
            b"a=1%0A2",
            b"a=1%0D2",
            b"a=1%0D%0D%0A2",
            b"a=1%0D%0A%0A2",
            b"a%0A=1",
            b"a=1%0D",
            b"password=1%0D%0A2",
            b"%00=1",
            b"a=%00",
            b"_charset_=x",
            b"ISINDEX=x",
            b"{\"to\":\"bob\",\"amount\":10000}",
            b"{\"to\":\"bob\",\"note\":\"x%22\"}",
            many.as_bytes(),
        ] {
            assert_eq!(Form::parse(body), None, "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn t110_only_what_calls_itself_a_form_as_browsers_do_is_one() {
        let of = |pairs: &[(header::HeaderName, &'static str)]| {
            let pairs = pairs.iter().map(|(name, value)| (name.clone(), http::HeaderValue::from_static(value)));
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, value);
            }
            Form::of(&headers, b"a=b").is_some()
        };
        let form = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        assert!(of(std::slice::from_ref(&form)));
        assert!(!of(&[]));
        assert!(!of(&[form.clone(), form.clone()]));
        assert!(!of(&[form, (header::CONTENT_ENCODING, "gzip")]));
        for other in [
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;charset=UTF-8",
            "Application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded;",
            "application/json",
            "text/plain",
        ] {
            assert!(!of(&[(header::CONTENT_TYPE, other)]), "{other}");
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
        let kept = Form::parse(b"amount=1&password=x").unwrap().save();
        assert_eq!(kept.0[0].value.as_deref(), Some("1"));
        assert_eq!(kept.0[1].value, None);
    }
}
