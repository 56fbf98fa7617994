//! What must hold of every answer.
use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, header};
use serde_json::{Value, json};

use super::members;
use super::request::Case;
use crate::emulator::gateway::LONGEST_BODY;
use crate::emulator::{Endpoint, Shared};

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

/// A route of the table that a path could be meant for.
struct Meant {
    endpoint: Endpoint,
    method: &'static str,
    route: &'static str,
}

impl Meant {
    fn all(path: &str) -> Vec<Self> {
        let unversioned = path.strip_prefix("/v1").filter(|rest| rest.starts_with('/'));
        let mut all = Vec::new();
        for (endpoint, _, routes) in Endpoint::TABLE {
            for &(method, route) in *routes {
                // Pages have no version, and the doubled version stands for itself only where there is one.
                let versioned = unversioned.filter(|_| !is_page(route)).is_some_and(|path| fits(route, path));
                if versioned || (route != DOUBLED && fits(route, path)) {
                    all.push(Self { endpoint: *endpoint, method, route });
                }
            }
        }
        all
    }

    fn is_asked_by(&self, method: &Method) -> bool {
        // Whoever answers GET answers HEAD.
        self.method == method.as_str() || (method == Method::HEAD && self.method == "GET")
    }

    /// Whether it takes everything that others don't, and so may say what a gateway would.
    fn is_loose(&self) -> bool {
        self.route == "/{jumbled}" || self.endpoint == Endpoint::Jwks
    }

    fn needs_key(&self) -> bool {
        !self.route.starts_with("/client") && !is_page(self.route)
    }
}

const DOUBLED: &str = "/v1/challenges";

/// Whether it is for people to look at.
fn is_page(route: &str) -> bool {
    route == "/" || route.starts_with("/api/")
}

fn fits(route: &str, path: &str) -> bool {
    let (wanted, given): (Vec<_>, Vec<_>) = (route.split('/').collect(), path.split('/').collect());
    let fits = |(wanted, given): (&&str, &&str)| wanted == given || wanted.starts_with('{');
    wanted.len() == given.len()
        && wanted.last().zip(given.last()).is_some_and(|(wanted, given)| wanted == given || !given.is_empty())
        && wanted.iter().zip(&given).all(fits)
}

pub(super) fn check(case: &Case, answered: &Answered, shared: &Shared) {
    let status = answered.status;
    let shown = || format!("{status} {:?}\n{:.2000}", answered.headers, String::from_utf8_lossy(&answered.body));
    assert!(!status.is_server_error() && !status.is_informational(), "no such status: {}", shown());

    let meant = Meant::all(case.uri.path());
    let asked: Vec<_> = meant.iter().filter(|meant| meant.is_asked_by(&case.method)).collect();
    if case.method == Method::HEAD {
        assert!(answered.body.is_empty(), "a body: {}", shown());
        return;
    }
    if case.method == Method::OPTIONS && case.uri.path().contains("/client/") {
        // Whatever a browser may ask before.
        return;
    }
    if case.breaks || case.body.len() > LONGEST_BODY {
        let expected =
            if case.body.len() > LONGEST_BODY { StatusCode::PAYLOAD_TOO_LARGE } else { StatusCode::BAD_REQUEST };
        assert!((case.breaks || status == expected) && answered.is_error(), "not refused: {}", shown());
        return;
    }
    let [first, ..] = asked[..] else {
        assert!(answered.is_not_found(), "not where nothing is: {}", shown());
        return;
    };
    // A segment may be both a name and a parameter, and an empty one is a parameter in some places.
    let is_clear = asked.len() == meant.len()
        && !asked.iter().any(|asked| asked.is_loose())
        && !case.uri.path().split('/').skip(1).any(str::is_empty);
    if is_page(first.route) {
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
    let refuses = |asked: &Meant| members::refuses(members::of(asked.endpoint, asked.method, asked.route), &case.body);
    if asked.iter().all(|asked| refuses(asked)) {
        assert!(status.is_client_error(), "of the wrong type: {}", shown());
    }
    // What is handed out is good.
    for token in ["token", "accessToken"].iter().filter_map(|name| answered.json()[*name].as_str().map(str::to_owned)) {
        let is_of_session = || shared.tokens.check_session(&token, None, shared.clock.now()).is_ok();
        assert!(shared.action_of(&token).is_ok() || is_of_session(), "not ours: {}", shown());
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
