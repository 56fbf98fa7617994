//! A posted form: whether a browser would send it again as it is, and which of it may be kept.
use http::{HeaderMap, HeaderValue, header};
use serde::{Deserialize, Serialize};

use self::field::Sent;
pub use self::field::UnkeptReason;
pub(crate) use self::field::{Field, Unkept, Value};
pub(crate) use self::secret::is_secret;

mod field;
mod multipart;
mod secret;
mod urlencoded;

/// The most fields of a form that is kept.
const MAX_FIELDS: usize = 256;

/// The most bytes of a form that is kept in its flow; a longer one is covered all the same, and sent again by its user. Of a
/// multipart form its names and texts count, which are all that is kept.
const MAX_SAVED_FORM: usize = 16 * 1024;

/// The most fields that are named to a user who has to send them again, and the most characters of each name.
const MAX_NAMED: usize = 8;
const MAX_NAME: usize = 60;

/// What a flow keeps of a form that a browser, given it in a page, sends again byte for byte.
///
/// What an approval covers is the bytes. So a form is kept only where its fields say everything about them; any other is
/// covered all the same, and sent again by its user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SavedForm {
    pub(crate) enctype: Enctype,
    pub(crate) fields: Vec<Field>,
}

/// How a form is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Enctype {
    Urlencoded,
    Multipart,
}

impl SavedForm {
    /// Reads the body of a request; else which fields keep it from being kept, as far as that can be told.
    pub(crate) fn of(headers: &HeaderMap, body: &[u8]) -> Result<Self, Vec<Unkept>> {
        let is_urlencoded = content_type(headers).is_some_and(urlencoded::is_type);
        if is_urlencoded && !headers.contains_key(header::CONTENT_ENCODING) {
            return save(Enctype::Urlencoded, urlencoded::fields(body));
        }
        let Some(fields) = multipart::fields(headers, body) else { return Err(Vec::new()) };
        save(Enctype::Multipart, fields)
    }

    /// Whether there is something in it that only its user has.
    pub(crate) fn misses_something(&self) -> bool {
        self.fields.iter().any(|field| matches!(field.value, Value::Secret | Value::File(_)))
    }
}

fn content_type(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    types.next().filter(|_| types.next().is_none())
}

fn save(enctype: Enctype, mut sent: Vec<Sent>) -> Result<SavedForm, Vec<Unkept>> {
    for field in &mut sent {
        if let Ok(value) = &mut field.value {
            field.value = fit(&field.name, std::mem::replace(value, Value::Secret));
        }
    }
    mark_too_long(&mut sent);
    if sent.iter().all(|field| field.value.is_ok()) && sent.len() <= MAX_FIELDS {
        let fields = sent.into_iter().filter_map(|Sent { name, value }| Some(Field { name, value: value.ok()? }));
        return Ok(SavedForm { enctype, fields: fields.collect() });
    }
    let unkept = sent.into_iter().filter_map(|Sent { name, value }| {
        let why = match value {
            Err(why) => why,
            Ok(Value::File(_)) => UnkeptReason::File,
            Ok(_) => return None,
        };
        Some(Unkept { name: name.chars().take(MAX_NAME).collect(), why })
    });
    Err(unkept.take(MAX_NAMED).collect())
}

/// What may be kept of a field, if a browser sends it again as it was.
fn fit(name: &str, value: Value) -> Result<Value, UnkeptReason> {
    let is_sent = is_sent(name) && is_kept_by_html(name);
    match value {
        // A field for secrets takes no line breaks.
        Value::Text(text) if is_sent && is_secret(name) && is_kept_by_html(&text) && !text.contains('\n') => {
            Ok(Value::Secret)
        }
        Value::Text(text) if is_sent && !is_secret(name) && is_kept_by_html(&text) => Ok(Value::Text(text)),
        Value::Text(_) => Err(UnkeptReason::Encoding),
        other if is_sent => Ok(other),
        _ => Err(UnkeptReason::Encoding),
    }
}

/// Marks the longest fields until the others fit.
fn mark_too_long(sent: &mut [Sent]) {
    let length = |field: &Sent| match &field.value {
        Ok(Value::Text(text)) => field.name.len() + text.len(),
        Ok(Value::File(file)) => field.name.len() + file.len(),
        Ok(_) => field.name.len(),
        Err(_) => 0,
    };
    let mut lengths: Vec<(usize, usize)> = sent.iter().map(length).zip(0..).collect();
    let mut all: usize = lengths.iter().map(|(length, _)| length).sum();
    lengths.sort_unstable();
    for (length, longest) in lengths.into_iter().rev().take_while(|(length, _)| *length > 0) {
        if all <= MAX_SAVED_FORM {
            return;
        }
        sent[longest].value = Err(UnkeptReason::TooLong);
        all -= length;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())])
    }

    fn of(body: &[u8]) -> Result<SavedForm, Vec<Unkept>> {
        SavedForm::of(&headers("application/x-www-form-urlencoded"), body)
    }

    /// T48: secrets are not kept. T47: a token against request forgery is.
    #[test]
    fn t47_t48_secrets_are_left_out() {
        let kept = of(b"amount=1&password=x&csrf_token=t").unwrap();
        let values: Vec<_> = kept.fields.into_iter().map(|field| field.value).collect();
        assert_eq!(values, [Value::Text("1".into()), Value::Secret, Value::Text("t".into())]);
    }

    /// A megabyte of the shortest fields is looked at in the time of a few sorts: field by field it would take minutes.
    #[test]
    fn many_short_fields_take_no_longer_than_they_are_long() {
        let unkept = of("aa=&".repeat(256 * 1024).as_bytes()).unwrap_err();
        assert_eq!(unkept.len(), MAX_NAMED);
    }

    /// What is too long is named, and as much of it as makes the rest fit.
    #[test]
    fn the_longest_fields_are_named() {
        let long = "x".repeat(MAX_SAVED_FORM / 2);
        assert!(of(format!("a=1&note={}", "x".repeat(MAX_SAVED_FORM - 6)).as_bytes()).is_ok());
        let body = format!("a=1&note={long}x&b={long}&c={long}xx");
        let unkept = of(body.as_bytes()).unwrap_err();
        let named: Vec<_> = unkept.iter().map(|field| (field.name.as_str(), field.why)).collect();
        assert_eq!(named, [("note", UnkeptReason::TooLong), ("c", UnkeptReason::TooLong)]);
        let name = "n".repeat(MAX_SAVED_FORM + 1);
        let unkept = of([&name, "="].concat().as_bytes()).unwrap_err();
        assert_eq!(unkept[0].name.len(), MAX_NAME, "a name is cut");
        assert_eq!(of(&b"a=%FF&".repeat(300)[..1799]).unwrap_err().len(), MAX_NAMED, "and so is the list");
        assert_eq!(of(&b"a=1&".repeat(257)[..1027]).unwrap_err(), [], "of many short ones none is too long");
        assert!(of(&b"a=1&".repeat(256)[..1023]).is_ok());
    }
}
