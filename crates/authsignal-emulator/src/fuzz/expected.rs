//! What must hold of every answer.
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};

use crate::fuzz::members;
use crate::fuzz::request::Case;
use crate::fuzz::routes::{Route, is_control, is_looked_at};
use crate::server::gateway::MAX_BODY;
use crate::state::AppState;

pub(super) struct Answered {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answered {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn is_json(&self) -> bool {
        self.headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json")
    }

    /// The service's own form, or the one of its gateway.
    fn is_error(&self) -> bool {
        let json = self.json();
        let text = |name: &str| json[name].as_str().unwrap_or_default();
        self.is_json()
            && !text("error").is_empty()
            && text("error") == text("errorCode")
            && !text("errorDescription").is_empty()
    }

    fn is_not_found(&self) -> bool {
        self.status == StatusCode::NOT_FOUND && self.is_json() && self.json() == json!({ "message": "Not Found" })
    }
}

pub(super) fn check(case: &Case, answered: &Answered, shared: &AppState) {
    let status = answered.status;
    let shown = || format!("{status} {:?}\n{:.2000}", answered.headers, String::from_utf8_lossy(&answered.body));
    assert!(!status.is_server_error() && !status.is_informational(), "no such status: {}", shown());

    let path = case.uri.path();
    let meant = Route::meant(path);
    let asked: Vec<_> = meant.iter().filter(|meant| meant.is_asked_by(&case.method)).collect();
    if case.method == Method::HEAD {
        assert!(answered.body.is_empty(), "a body: {}", shown());
        return;
    }
    if case.method == Method::OPTIONS && path.contains("/client/") {
        // Whatever a browser may ask before.
        return;
    }
    if case.breaks || case.body.len() > MAX_BODY {
        let expected = if case.body.len() > MAX_BODY { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        assert!((case.breaks || status == expected) && answered.is_error(), "not refused: {}", shown());
        return;
    }
    if is_control(path) {
        let is_fine = status.is_success() || is_looked_at(path) || (status.is_client_error() && answered.is_error());
        assert!(is_fine, "not the form: {}", shown());
        let is_wrong = !asked.is_empty() && asked.iter().all(|asked| members::refuses(members::of(asked), &case.body));
        assert!(!is_wrong || status.is_client_error(), "of the wrong type: {}", shown());
        return;
    }
    let [first, ..] = asked[..] else {
        let is_stranger = status == StatusCode::UNAUTHORIZED && answered.is_error();
        assert!(answered.is_not_found() || is_stranger, "not where nothing is: {}", shown());
        assert!(!(is_stranger && case.has_key) || path.contains("/client"), "it has a key: {}", shown());
        return;
    };
    // A segment may be both a name and a parameter, and an empty one is a parameter in some places.
    let is_clear = asked.len() == meant.len()
        && !asked.iter().any(|asked| asked.is_loose())
        && !path.split('/').skip(1).any(str::is_empty);
    if first.is_page() {
        return check_page(answered, &shown());
    }
    if status.is_client_error() {
        assert!(answered.is_error() || (!is_clear && answered.is_not_found()), "not the form: {}", shown());
    } else if status == StatusCode::NO_CONTENT {
        assert!(answered.body.is_empty(), "a body: {}", shown());
    } else {
        assert!(status == StatusCode::OK && answered.is_json() && !answered.json().is_null(), "no JSON: {}", shown());
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        assert!(answered.headers.contains_key(header::RETRY_AFTER), "no time: {}", shown());
    }
    if asked.iter().all(|asked| asked.needs_key()) && !case.has_key {
        assert!(status.is_client_error() && (!is_clear || status == 401), "without a key: {}", shown());
    }
    if asked.iter().all(|asked| members::refuses(members::of(asked), &case.body)) {
        assert!(status.is_client_error(), "of the wrong type: {}", shown());
    }
    // What is handed out is good.
    let tokens = ["token", "accessToken"].map(|name| answered.json()[name].as_str().map(str::to_owned));
    for token in tokens.iter().flatten() {
        let (tokens, now) = (&shared.tokens, shared.clock.now());
        let is_ours = tokens.check(token, now).is_ok() || tokens.check_session(token, None, now).is_ok();
        assert!(is_ours, "not ours: {}", shown());
    }
}

/// Pages are read by people, whichever status they have.
fn check_page(answered: &Answered, shown: &str) {
    let kind = answered.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    match answered.status.as_u16() {
        303 => assert!(answered.headers.contains_key(header::LOCATION), "nowhere: {shown}"),
        200 | 401 | 422 => assert!(kind.starts_with("text/html"), "no page: {shown}"),
        _ => panic!("no page: {shown}"),
    }
    assert!(answered.headers.contains_key(header::CONTENT_SECURITY_POLICY), "no policy: {shown}");
}
