//! The fields of a multipart form, as far as a browser sends them again byte for byte.
use http::HeaderMap;

use super::field::{Sent, UnkeptReason, Value};
use crate::domain::coverage::Multipart;

/// Its fields, where it is written as browsers write it: then all of them but its boundary is the same the second time.
pub(super) fn fields(headers: &HeaderMap, body: &[u8]) -> Option<Vec<Sent>> {
    let multipart = Multipart::of(headers, body)?;
    multipart.is_a_browsers().then(|| multipart.parts().map(field).collect())
}

/// A part is kept if it is what a browser makes of its name and value (HTML, "multipart/form-data encoding algorithm"): a
/// quote or a line break in a name is `%22` or `%0D%0A` there, which is not taken back, since `%` stands for itself.
fn field(part: &[u8]) -> Sent {
    let text = String::from_utf8_lossy(part);
    let name = text.split_once("name=\"").and_then(|(_, rest)| rest.split_once('"')).map_or("", |(name, _)| name);
    let value = if matches!(text, std::borrow::Cow::Owned(_)) { None } else { value(&text, name) };
    // A file may hold any bytes.
    let value = match value.or_else(|| file(part, name)) {
        // Of a folder that was chosen: a file by itself would have another name.
        Some(Value::File(file)) if file.contains('/') => Err(UnkeptReason::File),
        value => value.ok_or(UnkeptReason::Encoding),
    };
    Sent { name: name.to_owned(), value }
}

fn value(part: &str, name: &str) -> Option<Value> {
    let value = part.strip_prefix(&head(name))?.strip_prefix("\r\n\r\n")?;
    Some(Value::Text(value.to_owned()))
}

fn file(part: &[u8], name: &str) -> Option<Value> {
    let rest = part.strip_prefix(head(name).as_bytes())?.strip_prefix(b"; filename=\"")?;
    let end = rest.iter().position(|byte| *byte == b'"')?;
    let (file, rest) = (std::str::from_utf8(&rest[..end]).ok()?, &rest[end..]);
    if file.is_empty() && rest == b"\"\r\nContent-Type: application/octet-stream\r\n\r\n" {
        return Some(Value::NoFile);
    }
    rest.starts_with(b"\"\r\nContent-Type: ").then(|| Value::File(file.to_owned()))
}

fn head(name: &str) -> String {
    format!("Content-Disposition: form-data; name=\"{name}\"")
}

#[cfg(test)]
mod tests {
    use super::super::field::Unkept;
    use super::super::tests::headers;
    use super::super::{Enctype, MAX_SAVED_FORM, SavedForm};
    use super::*;

    fn of(parts: &[&[u8]]) -> Result<SavedForm, Vec<Unkept>> {
        let mut body = Vec::new();
        for part in parts {
            body.extend_from_slice(b"--x1\r\n");
            body.extend_from_slice(part);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--x1--\r\n");
        SavedForm::of(&headers("multipart/form-data; boundary=x1"), &body)
    }

    fn text(name: &str, value: &str) -> Vec<u8> {
        format!("Content-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}").into_bytes()
    }

    const RECEIPT: &[u8] =
        b"Content-Disposition: form-data; name=\"receipt\"; filename=\"a b.pdf\"\r\nContent-Type: application/pdf\r\n\r\n%PDF\xff\0";
    const NO_FILE: &[u8] =
        b"Content-Disposition: form-data; name=\"receipt\"; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n";

    #[test]
    fn reads_what_browsers_send() {
        let parts = [
            text("to", "Zoë 💸"),
            text("note", "1\r\n\r\n2"),
            text("to", ""),
            text("a%22b%0D%0A", "x\"y"),
            text("my_pin", "1"),
        ];
        let mut parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
        parts.extend([RECEIPT, NO_FILE]);
        let form = of(&parts).unwrap();
        assert_eq!(form.enctype, Enctype::Multipart);
        let want = [
            ("to", Value::Text("Zoë 💸".into())),
            ("note", Value::Text("1\r\n\r\n2".into())),
            ("to", Value::Text(String::new())),
            ("a%22b%0D%0A", Value::Text("x\"y".into())),
            ("my_pin", Value::Secret),
            ("receipt", Value::File("a b.pdf".into())),
            ("receipt", Value::NoFile),
        ];
        let fields: Vec<_> = form.fields.iter().map(|field| (field.name.as_str(), field.value.clone())).collect();
        assert_eq!(fields, want);
        assert!(form.misses_something() && !of(&[NO_FILE]).unwrap().misses_something());
        assert_eq!(of(&[]).unwrap().fields, []);
    }

    /// T110: what no browser would send again as it was is not kept, and named.
    #[test]
    fn t110_a_multipart_field_that_would_be_sent_otherwise_is_not_kept() {
        let odd: [&[u8]; 14] = [
            b"Content-Disposition: form-data; name=\"a\"\r\n\r\n1\n2",
            b"Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r2",
            b"Content-Disposition: form-data; name=\"a\"\r\n\r\n\0",
            b"Content-Disposition: form-data; name=\"a\"\r\n\r\n\xff",
            b"Content-Disposition: form-data; name=\"a\"\r\nX: y\r\n\r\n1",
            b"Content-Disposition: form-data; name=\"a\"\r\nContent-Type: text/plain\r\n\r\n1",
            b"content-disposition: form-data; name=\"a\"\r\n\r\n1",
            b"Content-Disposition: form-data;name=\"a\"\r\n\r\n1",
            b"Content-Disposition: form-data; name=\"a\"; name=\"b\"\r\n\r\n1",
            b"Content-Disposition: form-data; name=\"a\"; filename=\"\xff\"\r\nContent-Type: a/b\r\n\r\n1",
            b"Content-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\n1",
            b"Content-Disposition: form-data; name=\"a\"; filename=\"x\"\r\nX: y\r\n\r\n1",
            b"Content-Disposition: form-data; name=\"a\"; filename*=\"x\"\r\nContent-Type: a/b\r\n\r\n1",
            b"X: y\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1",
        ];
        for part in odd {
            let unkept = of(&[RECEIPT, part]).unwrap_err();
            let named: Vec<_> = unkept.iter().map(|field| (field.name.as_str(), field.why)).collect();
            let want = [("receipt", UnkeptReason::File), ("a", UnkeptReason::Encoding)];
            assert_eq!(named, want, "{}", part.escape_ascii());
        }
        for unnamed in [text("", "x"), text("_charset_", "x"), b"X: y\r\n\r\n1".to_vec()] {
            assert!(of(&[&unnamed]).is_err(), "{}", unnamed.escape_ascii());
        }
    }

    /// The files of a folder cannot be chosen one by one.
    #[test]
    fn a_folder_is_sent_again_from_its_form() {
        let folder = String::from_utf8_lossy(RECEIPT).replace("a b.pdf", "a/b.pdf").replace('\u{fffd}', "");
        let unkept = of(&[folder.as_bytes()]).unwrap_err();
        assert_eq!((unkept[0].name.as_str(), unkept[0].why), ("receipt", UnkeptReason::File));
    }

    /// Of a file its name alone is kept; texts have the limit of every form.
    #[test]
    fn files_take_no_room_and_texts_are_limited() {
        let large = [RECEIPT, &[b'x'; 60_000]].concat();
        assert!(of(&[&large, &text("a", &"x".repeat(MAX_SAVED_FORM - 15))]).is_ok());
        let unkept = of(&[&large, &text("note", &"x".repeat(MAX_SAVED_FORM))]).unwrap_err();
        let named: Vec<_> = unkept.iter().map(|field| (field.name.as_str(), field.why)).collect();
        assert_eq!(named, [("receipt", UnkeptReason::File), ("note", UnkeptReason::TooLong)]);
    }

    /// T110: a form that is no browser's would come back as another one.
    #[test]
    fn t110_a_multipart_form_that_no_browser_sends_is_not_kept() {
        let part = "Content-Disposition: form-data; name=\"a\"\r\n\r\n1";
        let whole = format!("--x1\r\n{part}\r\n--x1--\r\n");
        let is_kept = |content_type: &str, body: &str| SavedForm::of(&headers(content_type), body.as_bytes()).is_ok();
        assert!(is_kept("multipart/form-data; boundary=x1", &whole));
        for (content_type, body) in [
            ("multipart/form-data;boundary=x1", whole.clone()),
            ("multipart/form-data; boundary=\"x1\"", whole.clone()),
            ("multipart/form-data; boundary=x1; charset=utf-8", whole.clone()),
            ("Multipart/form-data; boundary=x1", whole.clone()),
            ("multipart/form-data; boundary=x1", whole.trim_end().to_owned()),
            ("multipart/form-data; boundary=x1", format!("\r\n{whole}")),
            ("multipart/form-data; boundary=x1", format!("x\r\n{whole}")),
            ("multipart/mixed; boundary=x1", whole.clone()),
        ] {
            assert!(!is_kept(content_type, &body), "{content_type} {body}");
        }
    }
}
