//! The module for pages, `stepUp(fetch)`: served beside the callback, and published as a package from `js/`.
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use sha2::{Digest as _, Sha256};

const MODULE: &str = include_str!("../../js/step-up.min.js");

static TAG: LazyLock<HeaderValue> = LazyLock::new(|| {
    let tag = format!("\"{}\"", STANDARD.encode(&Sha256::digest(MODULE)[..12]));
    HeaderValue::from_str(&tag).expect("base64 in quotes is a header value")
});

/// The module. Pages of other origins may load it, and no cache keeps an older one unasked.
pub(crate) fn step_up_module(asked: &HeaderMap) -> Response<Bytes> {
    let is_known = asked.get(header::IF_NONE_MATCH) == Some(&*TAG);
    let mut response = Response::new(if is_known { Bytes::new() } else { Bytes::from_static(MODULE.as_bytes()) });
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/javascript; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(header::ETAG, TAG.clone());
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// It is small, and pages that know it are not sent it again.
    #[test]
    fn it_is_small_and_sent_once() {
        println!("{} bytes", MODULE.len());
        assert!(MODULE.len() < 3_500);
        let first = step_up_module(&HeaderMap::new());
        assert_eq!((first.status(), first.body().len()), (StatusCode::OK, MODULE.len()));
        let asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone())]);
        let second = step_up_module(&asked);
        assert_eq!((second.status(), second.body().len()), (StatusCode::NOT_MODIFIED, 0));
    }
}
