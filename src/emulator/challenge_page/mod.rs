//! The challenge page: what `url` of a `track` leads to.
//!
//! Plain forms; without scripts everything works but passkeys. Each form carries the challenge token, which is the
//! credential, so there is no session and nothing to forge. Three small scripts do what a form can't: one tells the
//! opener of a popup (`mode=popup`) what it waits for, one looks whether a phone has answered, one asks the browser for a
//! passkey.
pub(crate) mod enrol;
pub(crate) mod format;
pub(crate) mod key;
pub(crate) mod leave;
pub(crate) mod method;
pub(crate) mod offer;
pub(crate) mod params;
pub(crate) mod phone;
pub(crate) mod proof;
pub(crate) mod qr;
pub(crate) mod scene;
pub(crate) mod sent;
pub(crate) mod settings;
pub(crate) mod steps;
pub(crate) mod view;
pub(crate) mod visit;
pub(crate) mod words;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::emulator::challenge_page::leave::broken;
use crate::emulator::challenge_page::params::{Carried, Said};
use crate::emulator::challenge_page::view::sealed;
use crate::emulator::challenge_page::visit::{Visit, words_for};
use crate::emulator::credentials::tokens::TokenFault;
use crate::emulator::state::Shared;

/// Where a page that waits looks whether it can go on. Such calls are not among those that are remembered.
const WAITING: &str = "/emulator/waiting";

pub(crate) fn routes() -> Router<Arc<Shared>> {
    Router::new().route("/", get(show).post(act)).route(WAITING, get(look))
}

async fn show(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    said: Result<Query<Said>, QueryRejection>,
) -> Response {
    let Ok(Query(said)) = said else { return not_a_link(&shared, &headers) };
    match Visit::open(&shared, &said, &headers) {
        Ok(visit) => visit.show(None).await,
        Err(broken) => *broken,
    }
}

async fn act(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    said: Result<Form<Said>, FormRejection>,
) -> Response {
    let Ok(Form(said)) = said else { return not_a_link(&shared, &headers) };
    match Visit::open(&shared, &said, &headers) {
        Ok(visit) => visit.act().await,
        Err(broken) => *broken,
    }
}

/// What there is to see, in short; a page that reads something else here than it has seen goes on.
async fn look(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    said: Result<Query<Said>, QueryRejection>,
) -> Response {
    let Ok(Query(said)) = said else { return not_a_link(&shared, &headers) };
    match Visit::open(&shared, &said, &headers) {
        Ok(visit) => sealed(visit.seen(&shared.world(), &said.method()).into_response()),
        Err(broken) => *broken,
    }
}

fn not_a_link(shared: &Shared, headers: &HeaderMap) -> Response {
    broken(Carried::default(), words_for(shared, None, headers), TokenFault::Invalid)
}

/// What a `Location` can't carry as it is.
const UNSAFE: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>').add(b'\\');
/// A token has letters, digits, `-`, `_` and `.`; all else is encoded.
const TOKEN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// `redirect_url` with `token` in its query, and nothing else changed.
pub(crate) fn way_back(redirect_url: &str, token: &str) -> String {
    let (url, fragment) = match redirect_url.split_once('#') {
        Some((url, fragment)) => (url, Some(fragment)),
        None => (redirect_url, None),
    };
    let separator = match url.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    let encoded = format!("{url}{separator}token={}{fragment}", utf8_percent_encode(token, TOKEN));
    utf8_percent_encode(&encoded, UNSAFE).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back() {
        for (redirect_url, expected) in [
            ("https://a.example/back", "https://a.example/back?token=T.t_-"),
            ("https://a.example", "https://a.example?token=T.t_-"),
            ("https://a.example/back?flow=1", "https://a.example/back?flow=1&token=T.t_-"),
            ("https://a.example/back?", "https://a.example/back?token=T.t_-"),
            ("https://a.example/back?a=1&", "https://a.example/back?a=1&token=T.t_-"),
            ("https://a.example/back#part", "https://a.example/back?token=T.t_-#part"),
            ("https://a.example/back?a=%20#p?q", "https://a.example/back?a=%20&token=T.t_-#p?q"),
            ("https://a.example/ä b?q=\u{1F600}", "https://a.example/%C3%A4%20b?q=%F0%9F%98%80&token=T.t_-"),
            ("myapp://done", "myapp://done?token=T.t_-"),
        ] {
            assert_eq!(way_back(redirect_url, "T.t_-"), expected, "{redirect_url}");
        }
        assert_eq!(way_back("https://a.example", "a&b=c #"), "https://a.example?token=a%26b%3Dc%20%23");
        assert_eq!(way_back("https://a.example/\r\nx", "t"), "https://a.example/%0D%0Ax?token=t");
    }
}
