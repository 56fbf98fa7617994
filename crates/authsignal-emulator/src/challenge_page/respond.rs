//! Answers that are no look of the page: on to another URL, and that a link leads nowhere.
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::challenge_page::params::Carried;
use crate::challenge_page::scene::Panel;
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
    let is_bare = carried.token.is_empty();
    let mut page = Page::broken(carried, words, heading, text, Say::error(code, status));
    if is_bare {
        // Somebody looks at what is there.
        let link = Some((words.dashboard_open, "/emulator".to_owned()));
        page.drawn.panel = Some(Panel { link, ..Panel::new(words.dashboard_has.into(), "") });
    }
    page.respond(status)
}
