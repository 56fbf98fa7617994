//! PURE: how a body says that it is to be read.
use http::{HeaderMap, header};

/// How a body is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyType {
    /// There is none.
    Nothing,
    Json,
    Form,
}

impl BodyType {
    /// What the headers say; nothing where they leave a doubt: no type, several, one with parameters but for UTF-8, or an encoding on
    /// top (threat T62).
    pub(crate) fn of(headers: &HeaderMap, body: &[u8]) -> Option<Self> {
        if headers.contains_key(header::CONTENT_ENCODING) {
            return None;
        }
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let Some(only) = types.next() else { return body.is_empty().then_some(Self::Nothing) };
        if types.next().is_some() {
            return None;
        }
        let only = only.to_str().ok()?;
        let (essence, parameter) = only.split_once(';').map_or((only, None), |(essence, rest)| (essence, Some(rest)));
        if let Some(parameter) = parameter {
            let (name, value) = parameter.trim().split_once('=')?;
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
            if !name.eq_ignore_ascii_case("charset") || !value.eq_ignore_ascii_case("utf-8") {
                return None;
            }
        }
        let is = |wanted: &str| essence.trim().eq_ignore_ascii_case(wanted);
        if is("application/json") {
            Some(Self::Json)
        } else if is("application/x-www-form-urlencoded") {
            Some(Self::Form)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T62, T63, T110: one type, in UTF-8, and nothing on top of it.
    #[test]
    fn t62_t63_t110_a_body_is_read_as_its_one_type() {
        let of = |types: &[&str], encoding: Option<&str>, body: &str| {
            let mut headers = HeaderMap::new();
            for text in types {
                headers.append(header::CONTENT_TYPE, text.parse().unwrap());
            }
            if let Some(encoding) = encoding {
                headers.insert(header::CONTENT_ENCODING, encoding.parse().unwrap());
            }
            BodyType::of(&headers, body.as_bytes())
        };
        for text in [
            "application/json",
            "Application/JSON",
            "application/json; charset=utf-8",
            "application/json;charset=UTF-8",
            "application/json ; charset=\"utf-8\"",
        ] {
            assert_eq!(of(&[text], None, "{}"), Some(BodyType::Json), "{text}");
            assert_eq!(of(&[text], None, ""), Some(BodyType::Json), "{text}");
            let form = text.to_ascii_lowercase().replace("json", "x-www-form-urlencoded");
            assert_eq!(of(&[&form], None, "{}"), Some(BodyType::Form), "{form}");
            assert_eq!(of(&[text, text], None, "{}"), None);
            assert_eq!(of(&[text], Some("gzip"), "{}"), None);
            assert_eq!(of(&[text], Some("identity"), "{}"), None);
        }
        for text in [
            "",
            "application/json; charset=latin1",
            "application/json; charset=utf-16",
            "application/json; charset=utf-8; charset=utf-16",
            "application/json; version=1",
            "application/json;",
            "application/json, text/plain",
            "application/problem+json",
            "application/x-www-form-urlencoded; charset=shift_jis",
            "multipart/form-data; boundary=x",
            "text/json",
            "text/plain",
        ] {
            assert_eq!(of(&[text], None, "{}"), None, "{text}");
        }
        assert_eq!(of(&[], None, "{}"), None);
        assert_eq!(of(&[], None, ""), Some(BodyType::Nothing));
        assert_eq!(of(&[], Some("gzip"), ""), None);
    }
}
