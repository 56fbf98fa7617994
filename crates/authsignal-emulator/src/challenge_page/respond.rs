//! Answers that are no look of the page: on to another URL, and that a link leads nowhere.
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::challenge_page::params::Carried;
use crate::challenge_page::view::{Page, Say, sealed};
use crate::challenge_page::words::table::Words;
use crate::credentials::tokens::TokenError;

/// Sends the browser on.
pub(super) fn see(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => sealed((StatusCode::SEE_OTHER, [(header::LOCATION, location)]).into_response()),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page for a token that is not good.
pub(super) fn broken(carried: Carried, words: &'static Words, fault: TokenError) -> Response {
    let status = StatusCode::UNAUTHORIZED;
    let (heading, text, code) = match fault {
        TokenError::Expired => (words.expired_heading, words.expired, "expired_token"),
        TokenError::Invalid => (words.bad_heading, words.bad, "unauthorized"),
    };
    Page::broken(carried, words, heading, text, Say::error(code, status)).respond(status)
}
