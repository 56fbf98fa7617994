//! What a form sends, in each encoding that pages choose (HTML, "constructing the entry list" and what follows).
use std::sync::atomic::{AtomicU64, Ordering};

/// Its content type, and its body.
pub(crate) fn urlencoded(fields: &[(String, String)]) -> (String, String) {
    let fields = fields.iter().map(|(name, value)| (with_crlf(name), with_crlf(value)));
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    ("application/x-www-form-urlencoded".to_owned(), body)
}

/// Its content type, and its body. A field for a file is one where none was chosen, while it is empty; the boundary is another
/// one each time.
pub(crate) fn multipart(fields: &[(String, String)], files: &[String]) -> (String, String) {
    static DRAWN: AtomicU64 = AtomicU64::new(1);
    let boundary = format!("----WebKitFormBoundary{:016x}", DRAWN.fetch_add(1, Ordering::Relaxed));
    let mut body = String::new();
    for (name, value) in fields {
        let quoted = with_crlf(name).replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
        body += &format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{quoted}\"");
        body += &match (files.contains(name), value.as_str()) {
            (true, "") => "; filename=\"\"\r\nContent-Type: application/octet-stream\r\n\r\n\r\n".to_owned(),
            (true, value) => format!("; filename=\"{quoted}.txt\"\r\nContent-Type: text/plain\r\n\r\n{value}\r\n"),
            (false, value) => format!("\r\n\r\n{}\r\n", with_crlf(value)),
        };
    }
    body += &format!("--{boundary}--\r\n");
    (format!("multipart/form-data; boundary={boundary}"), body)
}

/// As HTML has every line end.
fn with_crlf(text: &str) -> String {
    text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n")
}
