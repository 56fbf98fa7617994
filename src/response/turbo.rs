//! Answers to Turbo, which asks by `fetch` and shows what it gets inside the page. What it carries out whatever it asked for,
//! and whatever the status, is a stream (Turbo 8, `StreamObserver`): without a script, so that any policy of the page lets it.
use askama::Template;
use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use crate::request::caller::TURBO_STREAM;

/// Leaves the page, as a page of its own would: a redirect is followed by `fetch`, which no other site answers.
#[derive(Template)]
#[template(
    ext = "html",
    source = r#"<turbo-stream action="append" targets="head"><template><meta http-equiv="refresh" content="0; url={{ url }}"></template></turbo-stream>"#
)]
struct Leave<'a> {
    url: &'a str,
}

/// Has the page leave for another address.
pub(super) fn leave(url: &str, status: StatusCode) -> Response<Bytes> {
    stream(Leave { url }.render().expect("a template writes to memory"), status)
}

/// Something for Turbo to carry out.
pub(super) fn stream(html: String, status: StatusCode) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(html));
    *response.status_mut() = status;
    let content_type = format!("{TURBO_STREAM}; charset=utf-8");
    let content_type = HeaderValue::try_from(content_type).expect("a content type is printable ASCII");
    response.headers_mut().insert(header::CONTENT_TYPE, content_type);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn t21_an_address_is_text_in_a_stream() {
        let response = leave("https://mfa.example.com/?a=\"><script>&b='", StatusCode::FORBIDDEN);
        assert_eq!(
            (response.status().as_u16(), &response.headers()[header::CONTENT_TYPE]),
            (403, &HeaderValue::from_static("text/vnd.turbo-stream.html; charset=utf-8"))
        );
        let html = std::str::from_utf8(response.body()).unwrap();
        assert!(!html.contains("<script") && html.matches('"').count() == 8, "{html}");
    }
}
