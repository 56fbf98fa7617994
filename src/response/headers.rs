//! What every response of ours carries besides its words.
use axum::response::IntoResponse as _;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::refusal::{Refusal, RefusalReason};

/// The answer of an extractor that identifies: as it is, with the typed reason beside it.
pub(crate) fn rejected(mut response: Response<Bytes>, refusal: Refusal) -> Response<Bytes> {
    response.extensions_mut().insert(refusal);
    response
}

/// What every response of ours carries, whoever built it: the typed reason, and that it is neither kept nor told on.
pub(crate) fn attach_refusal<B>(mut response: Response<B>, refusal: Refusal) -> Response<B> {
    response.extensions_mut().insert(refusal);
    no_store(response.headers_mut());
    response
}

/// What a handler's extractor answers behind no layer, or another than the one it needs. The text is for the developer.
pub(crate) fn unguarded(text: String) -> axum::response::Response {
    let refusal = Refusal::new(RefusalReason::Unguarded, None);
    attach_refusal((refusal.reason().status(), text).into_response(), refusal)
}

/// Keeps a response out of caches and its address out of `Referer`.
pub(crate) fn no_store(headers: &mut HeaderMap) {
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Leads a browser to another address by GET, whatever it sent.
pub(crate) fn see_other(location: HeaderValue) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// What a reason asks for besides its text: a time to wait in an outage.
pub(crate) fn with_retry_after(mut response: Response<Bytes>, refusal: &Refusal) -> Response<Bytes> {
    if let Some(wait) = refusal.retry_after() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}
