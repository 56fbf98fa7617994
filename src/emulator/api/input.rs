//! Reading what callers send: types are checked, what is unknown is ignored, null is absent.
use axum::extract::{FromRequestParts, Path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::ApiError;
use crate::client::{ActionCode, IdempotencyKey, UserId};

/// A JSON object; an empty body is an empty object.
#[derive(Debug)]
pub(super) struct Input(Map<String, Value>);

impl Input {
    pub(super) fn parse(body: &[u8]) -> Result<Self, ApiError> {
        if body.is_empty() {
            return Ok(Self(Map::new()));
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(members)) => Ok(Self(members)),
            Ok(_) => Err(ApiError::invalid("body must be an object")),
            Err(_) => Err(ApiError::invalid("body must be valid JSON")),
        }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(super) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(ApiError::invalid(format!("body.{name} must be a string"))),
        }
    }

    pub(super) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| ApiError::invalid(format!("body.{name} must not be empty")))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ApiError::invalid(format!("body.{name} must be a boolean"))),
        }
    }

    /// Custom data points: strings, numbers, booleans, and lists of strings (*multiselect*).
    pub(super) fn custom(&self) -> Result<Map<String, Value>, ApiError> {
        let point = |value: &Value| match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => true,
            Value::Array(values) => values.iter().all(Value::is_string),
            Value::Object(_) => false,
        };
        match self.get("custom") {
            None => Ok(Map::new()),
            Some(Value::Object(points)) => match points.iter().find(|(_, value)| !point(value)) {
                None => Ok(points.clone()),
                Some((name, _)) => Err(ApiError::invalid(format!(
                    "body.custom.{name} must be a string, a number, a boolean or an array of strings"
                ))),
            },
            Some(_) => Err(ApiError::invalid("body.custom must be an object")),
        }
    }
}

/// The segments of the path, decoded once. A `+` in a path is a plus.
pub(super) struct Segments<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(ApiError::invalid("path must be percent-encoded UTF-8")),
        }
    }
}

pub(super) fn user_id(text: String) -> Result<UserId, ApiError> {
    // The service documents no limit; this one is an assumption, and one byte shorter than what the client takes.
    if text.len() > 255 {
        return Err(ApiError::invalid("params.userId must be shorter than or equal to 255 characters"));
    }
    UserId::new(text).map_err(|why| ApiError::invalid(format!("params.userId is invalid: {why}")))
}

pub(super) fn action_code(text: String) -> Result<ActionCode, ApiError> {
    ActionCode::new(text)
        .map_err(|_| ApiError::invalid("params.action must match ^[a-zA-Z0-9_-]{1,64}$ regular expression"))
}

pub(super) fn idempotency_key(text: String) -> Result<IdempotencyKey, ApiError> {
    IdempotencyKey::new(text).map_err(|why| ApiError::invalid(format!("idempotencyKey is invalid: {why}")))
}

/// Whether the request carries the secret key as the user name of HTTP Basic.
pub(super) fn has_key(headers: &HeaderMap, secret: &str) -> bool {
    let credentials = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((scheme, encoded)) = credentials.split_once(' ') else { return false };
    let Ok(decoded) = STANDARD.decode(encoded.trim()) else { return false };
    scheme.eq_ignore_ascii_case("basic") && decoded.split(|byte| *byte == b':').next() == Some(secret.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies() {
        for (body, taken) in [
            ("", true),
            ("{}", true),
            (r#"{"email":null,"unknown":[]}"#, true),
            ("null", false),
            ("[]", false),
            ("{", false),
            (r#"{"a":1}x"#, false),
            ("\u{feff}{}", false),
        ] {
            assert_eq!(Input::parse(body.as_bytes()).is_ok(), taken, "{body:?}");
        }
        assert!(Input::parse(b"{\"a\":\"\xff\"}").is_err());
        assert!(Input::parse("[".repeat(100_000).as_bytes()).is_err());
    }

    #[test]
    fn custom_data_points() {
        for (custom, taken) in [
            (r#"{"a":"x","b":1.5,"c":true,"d":["x","y"],"e":null}"#, true),
            ("null", true),
            (r#"{"a":{"b":1}}"#, false),
            (r#"{"a":[1]}"#, false),
            ("[]", false),
            ("\"x\"", false),
        ] {
            let input = Input::parse(format!(r#"{{"custom":{custom}}}"#).as_bytes()).unwrap();
            assert_eq!(input.custom().is_ok(), taken, "{custom}");
        }
    }

    #[test]
    fn keys() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            has_key(&headers, "my-secret")
        };
        assert!(with("Basic bXktc2VjcmV0Og=="));
        assert!(with("basic bXktc2VjcmV0Og=="), "schemes have no case");
        for wrong in ["Basic", "Basic ", "Basic !!", "Bearer bXktc2VjcmV0Og==", "Basic bXktc2VjcmU6", "Basic Og=="] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(!has_key(&HeaderMap::new(), "my-secret"));
    }
}
