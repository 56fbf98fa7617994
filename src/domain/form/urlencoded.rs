//! The fields of a urlencoded form, as far as a browser sends them again byte for byte.
use http::HeaderValue;

use super::field::{Sent, UnkeptReason, Value};

/// As browsers write it for a form (HTML, "form submission algorithm"), and for a script that sends a form's fields (Fetch,
/// "extract a body"): an approval of one is good for the other.
pub(super) fn is_type(content_type: &HeaderValue) -> bool {
    content_type == "application/x-www-form-urlencoded"
        || content_type == "application/x-www-form-urlencoded;charset=UTF-8"
}

pub(super) fn fields(body: &[u8]) -> Vec<Sent> {
    if body.is_empty() {
        return Vec::new();
    }
    body.split(|byte| *byte == b'&').map(field).collect()
}

fn field(pair: &[u8]) -> Sent {
    let (name, value) = form_urlencoded::parse(pair).next().unwrap_or_default();
    let again = form_urlencoded::Serializer::new(String::new()).append_pair(&name, &value).finish();
    let value =
        if again.as_bytes() == pair { Ok(Value::Text(value.into_owned())) } else { Err(UnkeptReason::Encoding) };
    Sent { name: name.into_owned(), value }
}

#[cfg(test)]
mod tests {
    use http::header;

    use super::super::tests::headers;
    use super::super::{MAX_FIELDS, SavedForm};
    use super::*;

    fn read(body: &[u8]) -> Option<Vec<(String, Value)>> {
        let form = SavedForm::of(&headers("application/x-www-form-urlencoded"), body).ok()?;
        Some(form.fields.into_iter().map(|field| (field.name, field.value)).collect())
    }

    #[test]
    fn reads_what_browsers_send() {
        let pair = |name: &str, value: &str| (name.to_owned(), Value::Text(value.to_owned()));
        let cases: [(&str, &str, Vec<(String, Value)>); 8] = [
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
            assert_eq!(read(body.as_bytes()), Some(want), "{name}");
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
            assert_eq!(read(body), None, "{:?}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn t110_only_what_calls_itself_a_form_as_browsers_do_is_one() {
        let of = |pairs: &[(header::HeaderName, &'static str)]| {
            let mut headers = http::HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name.clone(), HeaderValue::from_static(value));
            }
            SavedForm::of(&headers, b"a=b").is_ok()
        };
        let form = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        assert!(of(std::slice::from_ref(&form)));
        assert!(of(&[(header::CONTENT_TYPE, "application/x-www-form-urlencoded;charset=UTF-8")]));
        assert!(!of(&[]));
        assert!(!of(&[form.clone(), form.clone()]));
        assert!(!of(&[form, (header::CONTENT_ENCODING, "gzip")]));
        for other in [
            "application/x-www-form-urlencoded; charset=UTF-8",
            "application/x-www-form-urlencoded;charset=utf-8",
            "application/x-www-form-urlencoded;charset=UTF-16",
            "Application/x-www-form-urlencoded",
            "application/x-www-form-urlencoded;",
            "application/json",
            "text/plain",
        ] {
            assert!(!of(&[(header::CONTENT_TYPE, other)]), "{other}");
        }
    }

    /// Of a form that is not kept the fields are named that it is not kept for.
    #[test]
    fn what_would_be_sent_otherwise_is_named() {
        let body = b"amount=10&na%EFve=x&note=caf%E9&to=bob&line=1%0A2";
        let unkept = SavedForm::of(&headers("application/x-www-form-urlencoded"), body).unwrap_err();
        let named: Vec<_> = unkept.into_iter().map(|field| (field.name, field.why)).collect();
        let want = ["na\u{fffd}ve", "note", "line"].map(|name| (name.to_owned(), UnkeptReason::Encoding));
        assert_eq!(named, want);
    }
}
