//! What was sent and what was asked.
use std::collections::BTreeMap;
use std::sync::Arc;

use authsignal_client::{Timestamp, UserId};
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::{HeaderMap, StatusCode};
use serde::Serialize;
use serde_json::Value;

use crate::control::answer::{ControlResult, DONE};
use crate::control::strict_json::wrong;
use crate::db::inbox::Message;
use crate::http::input::Parameters;
use crate::request_log::{Endpoint, ReceivedRequest, RequestAnswer};
use crate::state::AppState;

/// Newest first; those to a user, or of a challenge.
pub(super) async fn messages(State(shared): State<Arc<AppState>>, query: Parameters) -> Json<Vec<Message>> {
    let (user, challenge) = (query.get("userId"), query.get("challengeId"));
    let db = shared.db();
    let fits = |message: &&Message| {
        user.is_none_or(|user| message.user_id.as_ref().map(UserId::as_str) == Some(user))
            && challenge.is_none_or(|challenge| message.challenge_id == challenge)
    };
    Json(db.inbox.newest_first().filter(fits).cloned().collect())
}

pub(super) async fn clear_messages(State(shared): State<Arc<AppState>>) -> StatusCode {
    shared.db().inbox.clear();
    DONE
}

/// A request as it arrived, its credentials included.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    endpoint: &'static str,
    method: String,
    path: String,
    /// By their names in lower case; several of one name with commas between.
    headers: BTreeMap<String, String>,
    /// JSON where it is some, text otherwise, null where there is none.
    body: Value,
    time: Timestamp,
    /// The status of the answer, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    is_under_way: bool,
}

impl From<&ReceivedRequest> for Asked {
    fn from(seen: &ReceivedRequest) -> Self {
        Self {
            endpoint: seen.endpoint.name(),
            method: seen.method.to_string(),
            path: seen.path.clone(),
            headers: joined(&seen.headers),
            body: body(&seen.body),
            time: seen.at.into(),
            status: seen.status().map(|status| status.as_u16()),
            is_under_way: seen.answer == RequestAnswer::UnderWay,
        }
    }
}

fn joined(headers: &HeaderMap) -> BTreeMap<String, String> {
    let mut joined = BTreeMap::<String, String>::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let known = joined.entry(name.to_string());
        known.and_modify(|known| *known = format!("{known}, {value}")).or_insert_with(|| value.into_owned());
    }
    joined
}

fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into())
}

/// In the order of arrival; those of an endpoint.
pub(super) async fn requests(State(shared): State<Arc<AppState>>, query: Parameters) -> ControlResult {
    let endpoint = query.get("endpoint");
    let named = endpoint.map(|name| {
        Endpoint::named(name).ok_or_else(|| wrong("query.endpoint", format_args!("no endpoint is called {name:?}")))
    });
    let named = named.transpose()?;
    let all = shared.requests.all();
    let fits = |seen: &&ReceivedRequest| named.is_none_or(|named| seen.endpoint == named);
    Ok(Json(all.iter().filter(fits).map(Asked::from).collect::<Vec<_>>()).into_response())
}

pub(super) async fn clear_received_requests(State(shared): State<Arc<AppState>>) -> StatusCode {
    shared.requests.all().clear();
    DONE
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_what_they_are() {
        for (bytes, expected) in [
            (&b""[..], json!(null)),
            (b"{\"a\":1}", json!({ "a": 1 })),
            (b"7", json!(7)),
            (b"token=x&step=quit", json!("token=x&step=quit")),
            (b"\xff\xfe", json!("\u{fffd}\u{fffd}")),
        ] {
            assert_eq!(body(bytes), expected);
        }
    }

    #[test]
    fn headers_of_one_name_are_joined() {
        let headers = [("X-A", "1"), ("cookie", "a=b"), ("x-a", "2")];
        let headers = headers.map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let joined = joined(&HeaderMap::from_iter(headers));
        let expected = [("cookie", "a=b"), ("x-a", "1, 2")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(joined, BTreeMap::from(expected));
    }
}
