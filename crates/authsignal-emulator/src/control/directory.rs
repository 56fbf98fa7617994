//! What there is under `/emulator`: the dashboard for people, a list for programs.
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, HeaderValue, header};
use serde::Serialize;

use crate::control::dashboard;
use crate::state::AppState;

/// One of the endpoints. What it takes and answers in full is said in the documentation of the crate.
#[derive(Serialize)]
struct ControlEndpoint {
    method: &'static str,
    path: &'static str,
    about: &'static str,
}

const ENDPOINTS: &[ControlEndpoint] = &[
    of("GET", "/emulator/health", "whether it is ready; needs no key"),
    of("GET", "/emulator/overview", "all that the dashboard shows, the newest hundred of each"),
    of("GET", "/emulator/messages", "codes and links that it would have sent, newest first; ?userId=, ?challengeId="),
    of("DELETE", "/emulator/messages", "forgets them"),
    of("GET", "/emulator/requests", "what it was asked, and how it has answered, in the order of arrival; ?endpoint="),
    of("DELETE", "/emulator/requests", "forgets them"),
    of("GET", "/emulator/outcomes", "what every track of each action begins with"),
    of("PUT", "/emulator/outcomes/{action}", "{\"outcome\": \"ALLOW\", \"CHALLENGE\", \"REVIEW\" or \"BLOCK\"}"),
    of("GET", "/emulator/faults", "the faults that wait for their calls"),
    of(
        "POST",
        "/emulator/faults",
        "another one: {\"endpoint\": \"track\", \"kind\": \"status\", \"status\": 503, \"times\": 2}",
    ),
    of("DELETE", "/emulator/faults", "forgets them"),
    of("GET", "/emulator/clock", "its time"),
    of("POST", "/emulator/clock", "{\"advanceSeconds\": 600} or {\"set\": \"2026-01-15T10:00:00Z\"}"),
    of("POST", "/emulator/reset", "back to the start"),
    of("GET", "/emulator/users", "the users, at most 1000"),
    of("GET", "/emulator/users/{user}", "one of them"),
    of(
        "PUT",
        "/emulator/users/{user}",
        "{\"email\", \"phoneNumber\", \"username\", \"methods\": [\"EMAIL_OTP\"]}: what is known of a user, and enrolled",
    ),
    of("DELETE", "/emulator/users/{user}", "removes a user"),
    of("GET", "/emulator/actions", "attempts, newest first, at most 1000; ?userId="),
    of(
        "POST",
        "/emulator/actions/{user}/{action}/{key}/state",
        "an operator's decision: {\"state\": \"REVIEW_SUCCEEDED\"}",
    ),
    of("POST", "/emulator/actions/{user}/{action}/{key}/open", "leads to its challenge page"),
    of("POST", "/emulator/actions/{user}/{action}/{key}/succeed", "its user proves it; answers redirectUrl and token"),
    of("POST", "/emulator/actions/{user}/{action}/{key}/quit", "its user leaves the page; answers the same"),
    of("POST", "/emulator/actions/{user}/{action}/{key}/decline", "it fails for good; answers the same"),
    of("POST", "/emulator/challenge/succeed", "the same by the URL of a track: {\"url\": ..}"),
    of("POST", "/emulator/challenge/quit", "{\"url\": ..}"),
    of("POST", "/emulator/challenge/decline", "{\"url\": ..}"),
    of("GET", "/emulator/challenges", "the challenges that wait for their users, newest first"),
    of("POST", "/emulator/challenges/{challenge}/approve", "the button of a phone; {\"userId\"} says whose"),
    of("POST", "/emulator/challenges/{challenge}/decline", "the other one"),
    of("POST", "/emulator/challenges/{challenge}/claim", "a phone reads a QR code: {\"userId\": ..}"),
    of("GET", "/emulator/webhooks", "those that were sent, and their answers"),
    of("PUT", "/emulator/webhooks", "where they go: {\"url\", \"logUrl\", \"verify\": {\"withdrawal\": ..}}"),
    of("POST", "/emulator/webhooks/flush", "sends log records at once"),
];

const fn of(method: &'static str, path: &'static str, about: &'static str) -> ControlEndpoint {
    ControlEndpoint { method, path, about }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Directory {
    name: &'static str,
    version: &'static str,
    base_url: String,
    endpoints: &'static [ControlEndpoint],
}

/// The page for who likes HTML, and not JSON: browsers say so.
pub(super) async fn show(State(shared): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    let mut response = if likes_a_page(&headers) {
        dashboard::show()
    } else {
        let base_url = format!("{}/v1", shared.origin_for(&headers));
        let (name, version) = (env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
        Json(Directory { name, version, base_url, endpoints: ENDPOINTS }).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn likes_a_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT).iter().filter_map(|accepted| accepted.to_str().ok());
    let accepted: Vec<_> = accepted.map(str::to_ascii_lowercase).collect();
    let names = |media_type: &str| accepted.iter().any(|accepted| accepted.contains(media_type));
    names("text/html") && !names("application/json")
}
