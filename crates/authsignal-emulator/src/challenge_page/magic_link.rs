//! Where the link of a mail leads: a page that says whether it was good.
use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use http::{HeaderMap, StatusCode};

use crate::challenge_page::params::Carried;
use crate::challenge_page::scene::{Drawn, End, Scene, Tone};
use crate::challenge_page::view::Page;
use crate::challenge_page::visit::words_for;
use crate::http::input::Parameters;
use crate::state::AppState;

/// What whoever opens the link gets to see, in the language of their browser: nothing that is worth anything without the
/// token of who asked for it.
pub(super) async fn open(State(shared): State<Arc<AppState>>, headers: HeaderMap, query: Parameters) -> Response {
    let words = words_for(&shared, None, &headers);
    let is_good = query.get("token").is_some_and(|token| shared.open_link(token));
    let (status, heading, text, tone) = match is_good {
        true => (StatusCode::OK, words.confirmed, words.back_to_where, Tone::Good),
        false => (StatusCode::UNAUTHORIZED, words.bad_link, words.link_void, Tone::Bad),
    };
    let end = End { text: text.to_owned(), tone, way_on: None };
    let drawn = Drawn::new(words.magic_link, Scene::End(end));
    let brand = shared.db().tenant.brand();
    Page { brand, ..Page::end(Carried::default(), words, heading, drawn) }.respond(status)
}
