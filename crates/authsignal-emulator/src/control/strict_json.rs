//! Reading what callers tell: unlike the service, this takes no member that it doesn't know, since a misspelled one would
//! be a test that tests nothing.
use std::fmt::Display;

use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::http::error::ApiError;

/// A JSON body; an empty one is an empty object.
pub(super) struct StrictJson<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for StrictJson<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let body = Bytes::from_request(request, state).await;
        parse(&body.map_err(|_| ApiError::invalid("The request body could not be read."))?).map(Self)
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, ApiError> {
    let body = if body.is_empty() { b"{}" } else { body };
    let told: Value = serde_json::from_slice(body).map_err(|_| ApiError::invalid("body must be valid JSON"))?;
    // Otherwise serde takes a list of the values for an object too.
    if !told.is_object() {
        return Err(ApiError::invalid("body must be an object"));
    }
    serde_path_to_error::deserialize(told).map_err(|why| {
        let path = why.path().to_string();
        wrong(&if path == "." { "body".to_owned() } else { format!("body.{path}") }, why.inner())
    })
}

/// What is wrong with a member.
pub(super) fn wrong(member: &str, why: impl Display) -> ApiError {
    ApiError::invalid(format!("{member}: {why}"))
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[allow(dead_code)]
    struct Example {
        times: Option<u8>,
        members: Option<Vec<String>>,
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert!(parse::<Example>(b"").is_ok() && parse::<Example>(b" {\"times\":1} ").is_ok());
        for (body, expected) in [
            ("{\"time\":1}", "body.time: unknown field `time`, expected `times` or `members`"),
            ("{\"times\":300}", "body.times: invalid value: integer `300`, expected u8"),
            ("{\"members\":[\"a\",7]}", "body.members[1]: invalid type: integer `7`, expected a string"),
            ("[1]", "body must be an object"),
            ("null", "body must be an object"),
            ("{", "body must be valid JSON"),
            ("{} {}", "body must be valid JSON"),
            ("\u{feff}{}", "body must be valid JSON"),
        ] {
            let (_, found) = parse::<Example>(body.as_bytes()).unwrap_err().into_report();
            assert_eq!(found, expected, "{body}");
        }
    }
}
