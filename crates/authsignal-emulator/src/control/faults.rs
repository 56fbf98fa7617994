//! Fault answers: told as JSON, and shown as such.
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderName, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::control::answer::ControlResult;
use crate::control::strict_json::{StrictJson, wrong};
use crate::fault::{self, Fault};
use crate::http::error::ApiError;
use crate::request_log::Endpoint;
use crate::state::AppState;

/// What stands for any endpoint.
const ANY: &str = "*";
/// The longest delay: whoever wants to see what a lost answer does has given up long before.
const MAX_DELAY: Duration = Duration::from_secs(600);

/// An injected fault, as it is told.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct FaultSpec {
    endpoint: String,
    kind: FaultKind,
    status: Option<u16>,
    delay_ms: Option<u64>,
    headers: Option<BTreeMap<String, String>>,
    body: Option<Value>,
    content_type: Option<String>,
    bytes: Option<usize>,
    state: Option<String>,
    members: Option<Map<String, Value>>,
    times: Option<usize>,
    always: Option<bool>,
    share: Option<f64>,
    seed: Option<u64>,
}

/// What happens to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
enum FaultKind {
    /// This `status`, with the service's own error body.
    Status,
    /// 429, with `Retry-After`.
    RateLimit,
    /// The real answer, after `delayMs`.
    Delay,
    /// This `body` and `contentType`, under this `status`.
    Body,
    /// The real answer, which breaks off after so many `bytes`.
    Cut,
    /// The real answer as this `contentType`.
    ContentType,
    /// No answer.
    HangUp,
    /// The real answer with this `state`.
    State,
    /// The real answer with these `members`; null removes.
    Merge,
}

pub(super) async fn list(State(shared): State<Arc<AppState>>) -> Json<Vec<Value>> {
    Json(waiting(&shared))
}

pub(super) async fn add(
    State(shared): State<Arc<AppState>>,
    StrictJson(fault): StrictJson<FaultSpec>,
) -> ControlResult {
    let (endpoint, injected) = fault.parse()?;
    let shown = shown(endpoint, &injected);
    shared.faults.push(endpoint, injected);
    Ok(Json(shown).into_response())
}

pub(super) async fn clear(State(shared): State<Arc<AppState>>) -> StatusCode {
    shared.faults.clear();
    StatusCode::NO_CONTENT
}

/// Those that wait, by the names of their endpoints, each as it could be told again.
pub(super) fn waiting(shared: &AppState) -> Vec<Value> {
    shared.faults.waiting().iter().map(|(endpoint, injected)| shown(*endpoint, injected)).collect()
}

impl FaultSpec {
    /// The answer that is meant, and for which endpoint; none is any.
    fn parse(self) -> Result<(Option<Endpoint>, Fault), ApiError> {
        let endpoint = match self.endpoint.as_str() {
            ANY => None,
            name => Some(Endpoint::named(name).ok_or_else(|| {
                let names: Vec<_> = Endpoint::names().collect();
                wrong("body.endpoint", format_args!("no endpoint is called {name:?}; one of *, {}", names.join(", ")))
            })?),
        };
        self.has_no_strays()?;
        let mut injected = match self.kind {
            FaultKind::Status => Fault::status(status(needed("status", self.status)?)?),
            FaultKind::RateLimit => Fault::status(429),
            FaultKind::Delay => Fault::delay(delay(needed("delayMs", self.delay_ms)?)?),
            FaultKind::Body => {
                let said = self.content_type.as_deref().unwrap_or("application/json");
                let body = match needed("body", self.body)? {
                    Value::String(text) => text,
                    json => json.to_string(),
                };
                Fault::body(status(self.status.unwrap_or(200))?, content_type(said)?, body)
            }
            FaultKind::Cut => Fault::cut(self.bytes.unwrap_or(20)),
            FaultKind::ContentType => {
                Fault::content_type(content_type(self.content_type.as_deref().unwrap_or("text/html"))?)
            }
            FaultKind::HangUp => Fault::hang_up(),
            FaultKind::State => Fault::state(needed("state", self.state)?.as_str()),
            FaultKind::Merge => Fault::merge(Value::Object(needed("members", self.members)?)),
        };
        if let Some(milliseconds) = self.delay_ms {
            injected = injected.after(delay(milliseconds)?);
        }
        for (name, value) in self.headers.iter().flatten() {
            injected = header(injected, name, value)?;
        }
        if let Some(share) = self.share {
            if !(0.0..=1.0).contains(&share) {
                return Err(wrong("body.share", "a share is 0.0 (no call) to 1.0 (every call)"));
            }
            injected = injected.share(share, self.seed.unwrap_or_default());
        }
        match (self.times, self.always.unwrap_or_default()) {
            (Some(0), _) => Err(wrong("body.times", "at least 1")),
            (Some(_), true) => Err(wrong("body.times", "either so many times or always")),
            (Some(times), false) => Ok((endpoint, injected.times(times))),
            (None, true) => Ok((endpoint, injected.always())),
            (None, false) => Ok((endpoint, injected)),
        }
    }

    /// Refuses members that say nothing about this kind.
    fn has_no_strays(&self) -> Result<(), ApiError> {
        use FaultKind::{Body, ContentType, Cut, HangUp, Merge, State, Status};
        for (member, is_there, kinds) in [
            ("status", self.status.is_some(), &[Status, Body][..]),
            ("body", self.body.is_some(), &[Body]),
            ("contentType", self.content_type.is_some(), &[Body, ContentType]),
            ("bytes", self.bytes.is_some(), &[Cut]),
            ("state", self.state.is_some(), &[State]),
            ("members", self.members.is_some(), &[Merge]),
        ] {
            if is_there && !kinds.contains(&self.kind) {
                return Err(wrong(&format!("body.{member}"), "this kind of fault has none"));
            }
        }
        if self.headers.is_some() && self.kind == HangUp {
            return Err(wrong("body.headers", "there is no answer to have any"));
        }
        if self.seed.is_some() && self.share.is_none() {
            return Err(wrong("body.seed", "it picks the calls of a share, and there is none"));
        }
        Ok(())
    }
}

fn needed<T>(member: &str, told: Option<T>) -> Result<T, ApiError> {
    told.ok_or_else(|| wrong(&format!("body.{member}"), "this kind of fault needs one"))
}

/// Those below 200 are no answers yet.
fn status(status: u16) -> Result<u16, ApiError> {
    if (200..=599).contains(&status) { Ok(status) } else { Err(wrong("body.status", "a status is 200 to 599")) }
}

fn delay(milliseconds: u64) -> Result<Duration, ApiError> {
    let delay = Duration::from_millis(milliseconds);
    if delay <= MAX_DELAY { Ok(delay) } else { Err(wrong("body.delayMs", "at most 600000, ten minutes")) }
}

fn content_type(text: &str) -> Result<&str, ApiError> {
    let can_be = HeaderValue::from_str(text).is_ok_and(|value| value.to_str().is_ok());
    if can_be { Ok(text) } else { Err(wrong("body.contentType", "a header has only visible ASCII characters")) }
}

fn header(injected: Fault, name: &str, value: &str) -> Result<Fault, ApiError> {
    let member = format!("body.headers.{name}");
    let known = HeaderName::try_from(name).map_err(|_| wrong(&member, "no header has such a name"))?;
    if ["connection", "content-length", "transfer-encoding"].contains(&known.as_str()) {
        return Err(wrong(&member, "that is the server's own; `cut` and `hangUp` break an answer off"));
    }
    if HeaderValue::from_str(value).is_err() {
        return Err(wrong(&member, "a header has only visible ASCII characters"));
    }
    Ok(injected.header(known.as_str(), value))
}

/// An injected fault as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    endpoint: &'static str,
    #[serde(flatten)]
    answer: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay_ms: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    times: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    always: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    share: Option<f64>,
}

fn shown(endpoint: Option<Endpoint>, injected: &Fault) -> Value {
    let mut headers: BTreeMap<_, _> =
        injected.headers.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?))).collect();
    let answer = match &injected.effect {
        fault::FaultEffect::Status(StatusCode::TOO_MANY_REQUESTS) => json!({ "kind": "rateLimit" }),
        fault::FaultEffect::Status(status) => json!({ "kind": "status", "status": status.as_u16() }),
        fault::FaultEffect::Body { status, content_type, body } => json!({
            "kind": "body",
            "status": status.as_u16(),
            "contentType": content_type.to_str().unwrap_or_default(),
            "body": String::from_utf8_lossy(body),
        }),
        fault::FaultEffect::Cut { after } => json!({ "kind": "cut", "bytes": after }),
        fault::FaultEffect::HangUp => json!({ "kind": "hangUp" }),
        fault::FaultEffect::Real { merge: Some(members) } => match members.as_object() {
            Some(one) if one.len() == 1 && members["state"].is_string() => {
                json!({ "kind": "state", "state": members["state"] })
            }
            _ => json!({ "kind": "merge", "members": members }),
        },
        fault::FaultEffect::Real { merge: None } => match headers.remove("content-type") {
            Some(said) => json!({ "kind": "contentType", "contentType": said }),
            None => json!({ "kind": "delay" }),
        },
    };
    let (times, share) = injected.left();
    let shown = Shown {
        endpoint: endpoint.map_or(ANY, Endpoint::name),
        answer,
        delay_ms: u64::try_from(injected.delay.as_millis()).ok().filter(|delay| *delay > 0),
        headers,
        times,
        always: times.is_none() && share.is_none(),
        share,
    };
    serde_json::to_value(shown).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a told fault is shown as.
    fn told(fault: Value) -> Result<Value, String> {
        let fault: FaultSpec = serde_json::from_value(fault).map_err(|why| why.to_string())?;
        let (endpoint, injected) = fault.parse().map_err(|why| why.into_report().1)?;
        Ok(shown(endpoint, &injected))
    }

    #[test]
    fn what_is_told_is_shown() {
        for (fault, more) in [
            (json!({ "endpoint": "track", "kind": "status", "status": 503 }), json!({ "times": 1 })),
            (json!({ "endpoint": "*", "kind": "rateLimit", "times": 3 }), json!({})),
            (json!({ "endpoint": "*", "kind": "delay", "delayMs": 3000, "always": true }), json!({})),
            (json!({ "endpoint": "*", "kind": "cut", "bytes": 7, "share": 0.3 }), json!({})),
            (json!({ "endpoint": "*", "kind": "cut" }), json!({ "bytes": 20, "times": 1 })),
            (json!({ "endpoint": "*", "kind": "hangUp", "delayMs": 5, "times": 2 }), json!({})),
            (json!({ "endpoint": "*", "kind": "state", "state": "NEW", "times": 1, "share": 1.0 }), json!({})),
            (json!({ "endpoint": "*", "kind": "contentType" }), json!({ "contentType": "text/html", "times": 1 })),
            (
                json!({ "endpoint": "unknown", "kind": "merge", "members": { "a": null, "b": [1] } }),
                json!({ "times": 1 }),
            ),
            (
                json!({ "endpoint": "getUser", "kind": "body", "body": "<p>", "contentType": "text/html", "times": 1 }),
                json!({ "status": 200 }),
            ),
            (
                json!({ "endpoint": "*", "kind": "status", "status": 503, "headers": { "retry-after": "9" }, "times": 1 }),
                json!({}),
            ),
        ] {
            let mut expected = fault.clone();
            fault::merge(&mut expected, &more);
            assert_eq!(told(fault.clone()).unwrap(), expected);
            if fault["kind"] != "merge" {
                assert_eq!(told(expected.clone()), Ok(expected), "and can be told again");
            }
        }
        let json = json!({ "endpoint": "*", "kind": "body", "status": 502, "body": { "a": 1 } });
        assert_eq!(told(json).unwrap()["body"], r#"{"a":1}"#);
    }

    #[test]
    fn what_cannot_be_is_refused_by_name() {
        for (fault, expected) in [
            (json!({ "kind": "hangUp" }), "missing field `endpoint`"),
            (json!({ "endpoint": "*" }), "missing field `kind`"),
            (json!({ "endpoint": "trakc", "kind": "hangUp" }), "body.endpoint: no endpoint is called \"trakc\""),
            (json!({ "endpoint": "emulator", "kind": "hangUp" }), "body.endpoint: "),
            (json!({ "endpoint": "*", "kind": "explode" }), "unknown variant `explode`"),
            (json!({ "endpoint": "*", "kind": "hangUp", "delay": 5 }), "unknown field `delay`"),
            (json!({ "endpoint": "*", "kind": "status" }), "body.status: this kind of fault needs one"),
            (json!({ "endpoint": "*", "kind": "status", "status": 199 }), "body.status: a status is 200 to 599"),
            (json!({ "endpoint": "*", "kind": "status", "status": 600 }), "body.status: "),
            (json!({ "endpoint": "*", "kind": "status", "status": "503" }), "invalid type"),
            (json!({ "endpoint": "*", "kind": "hangUp", "status": 503 }), "body.status: this kind of fault has none"),
            (json!({ "endpoint": "*", "kind": "delay" }), "body.delayMs: "),
            (json!({ "endpoint": "*", "kind": "delay", "delayMs": 600_001 }), "body.delayMs: at most 600000"),
            (json!({ "endpoint": "*", "kind": "delay", "delayMs": -1 }), "invalid value"),
            (json!({ "endpoint": "*", "kind": "body" }), "body.body: "),
            (json!({ "endpoint": "*", "kind": "body", "body": "", "contentType": "a\nb" }), "body.contentType: "),
            (json!({ "endpoint": "*", "kind": "contentType", "contentType": "ä" }), "body.contentType: "),
            (json!({ "endpoint": "*", "kind": "state" }), "body.state: "),
            (json!({ "endpoint": "*", "kind": "merge", "members": [] }), "invalid type"),
            (json!({ "endpoint": "*", "kind": "cut", "times": 0 }), "body.times: at least 1"),
            (json!({ "endpoint": "*", "kind": "cut", "times": 2, "always": true }), "body.times: either"),
            (json!({ "endpoint": "*", "kind": "cut", "share": 1.1 }), "body.share: "),
            (json!({ "endpoint": "*", "kind": "cut", "share": -0.1 }), "body.share: "),
            (json!({ "endpoint": "*", "kind": "cut", "seed": 1 }), "body.seed: "),
            (json!({ "endpoint": "*", "kind": "cut", "headers": { "a b": "c" } }), "body.headers.a b: "),
            (json!({ "endpoint": "*", "kind": "cut", "headers": { "a": "\n" } }), "body.headers.a: "),
            (json!({ "endpoint": "*", "kind": "cut", "headers": { "Content-Length": "1" } }), "body.headers.Content-"),
            (json!({ "endpoint": "*", "kind": "hangUp", "headers": {} }), "body.headers: "),
        ] {
            let found = told(fault.clone()).unwrap_err();
            assert!(found.starts_with(expected), "{fault}: {found}");
        }
    }
}
