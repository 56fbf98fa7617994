//! Reading what callers send: types are checked, what is unknown is ignored, null is absent.
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::SystemTime;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, UserId};
use axum::extract::{FromRequestParts, Path};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::db::action::ActionId;
use crate::http::error::ApiError;

/// In bytes.
const MAX_SHORT_TEXT: usize = 1024;
/// In bytes.
const MAX_USER_ID: usize = 1024;

/// A JSON object; an empty body is an empty object.
#[derive(Debug)]
pub(crate) struct Input(Map<String, Value>);

impl Input {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, ApiError> {
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

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(ApiError::invalid(format!("body.{name} must be a string"))),
        }
    }

    /// A text that tokens carry on, so that they stay as short as a URL has to be. The limit is an assumption.
    pub(crate) fn short_text(&self, name: &str) -> Result<Option<String>, ApiError> {
        let text = self.text(name)?;
        if text.as_ref().is_some_and(|text| text.len() > MAX_SHORT_TEXT) {
            return Err(ApiError::invalid(format!("body.{name} must be shorter than or equal to 1024 characters")));
        }
        Ok(text)
    }

    pub(crate) fn required(&self, name: &str) -> Result<String, ApiError> {
        self.text(name)?
            .filter(|text| !text.is_empty())
            .ok_or_else(|| ApiError::invalid(format!("body.{name} must not be empty")))
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, ApiError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(ApiError::invalid(format!("body.{name} must be a boolean"))),
        }
    }

    /// A member that has to be an object, and is read by somebody else.
    pub(crate) fn required_object(&self, name: &str) -> Result<Value, ApiError> {
        let members = self.object(name)?.cloned();
        members.map(Value::Object).ok_or_else(|| ApiError::invalid(format!("body.{name} must be an object")))
    }

    /// All of it, to be read by somebody else.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// Whether the member is there and null, which says something where null is a value.
    pub(crate) fn is_null(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(Value::is_null)
    }

    /// A flag that says nothing by being absent.
    pub(crate) fn maybe_flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        self.get(name).map(|_| self.flag(name)).transpose()
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let texts = value.as_array().and_then(|values| values.iter().map(|v| v.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| ApiError::invalid(format!("body.{name} must be an array of strings")))
    }

    pub(crate) fn objects(&self, name: &str) -> Result<Vec<Self>, ApiError> {
        let object = |value: &Value| value.as_object().cloned().map(Self);
        let values = self.get(name).and_then(Value::as_array);
        let objects = values.and_then(|values| values.iter().map(object).collect());
        objects.ok_or_else(|| ApiError::invalid(format!("body.{name} must be an array of objects")))
    }

    /// An e-mail address, as far as one can be told from its looks.
    pub(crate) fn email(&self) -> Result<Option<String>, ApiError> {
        let email = self.text("email")?;
        match email.as_deref() {
            Some(text) if !looks_like_an_address(text) => Err(ApiError::invalid("body.email must be an email")),
            _ => Ok(email),
        }
    }

    /// A phone number in E.164 form. The service looks closer (its SDKs' tests were changed to a plausible number).
    pub(crate) fn phone_number(&self) -> Result<Option<String>, ApiError> {
        let number = self.text("phoneNumber")?;
        match number.as_deref() {
            Some(text) if !looks_like_a_number(text) => {
                Err(ApiError::invalid("body.phoneNumber must be a valid phone number"))
            }
            _ => Ok(number),
        }
    }

    /// An object of any members.
    pub(crate) fn object(&self, name: &str) -> Result<Option<&Map<String, Value>>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(members)) => Ok(Some(members)),
            Some(_) => Err(ApiError::invalid(format!("body.{name} must be an object"))),
        }
    }

    /// Custom data points: strings, numbers, booleans, and lists of strings (*multiselect*).
    pub(crate) fn custom(&self) -> Result<Map<String, Value>, ApiError> {
        let point = |value: &Value| match value {
            Value::String(_) | Value::Number(_) | Value::Bool(_) | Value::Null => true,
            Value::Array(values) => values.iter().all(Value::is_string),
            Value::Object(_) => false,
        };
        let Some(points) = self.object("custom")? else { return Ok(Map::new()) };
        match points.iter().find(|(_, value)| !point(value)) {
            None => Ok(points.clone()),
            Some((name, _)) => Err(ApiError::invalid(format!(
                "body.custom.{name} must be a string, a number, a boolean or an array of strings"
            ))),
        }
    }
}

/// The query, decoded; of a doubled parameter the last counts.
#[derive(Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(crate) fn parse(query: &str) -> Self {
        Self(form_urlencoded::parse(query.as_bytes()).into_owned().collect())
    }

    /// Has `name` say this where it says nothing.
    pub(crate) fn fill(&mut self, name: &str, text: String) {
        if self.get(name).is_none() {
            self.0.insert(name.to_owned(), text);
        }
    }

    /// What `name` says; an empty one says nothing.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

/// The segments of the path, decoded once. A `+` in a path is a plus.
pub(crate) struct Segments<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Segments<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(segments)) => Ok(Self(segments)),
            Err(_) => Err(ApiError::invalid("path must be percent-encoded UTF-8")),
        }
    }
}

pub(crate) fn looks_like_an_address(text: &str) -> bool {
    let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
    plain && text.len() <= 254 && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// E.164, 7 to 15 digits of which the first is not zero. The plus may be missing: the python SDK's own tests have such
/// a number.
pub(crate) fn looks_like_a_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or(text).as_bytes();
    (7..=15).contains(&digits.len()) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit)
}

/// A moment in ISO 8601.
pub(crate) fn moment(text: &str) -> Option<SystemTime> {
    SystemTime::try_from(text.parse::<jiff::Timestamp>().ok()?).ok()
}

pub(crate) fn user_id(text: String) -> Result<UserId, ApiError> {
    // The service documents no limit; this one is an assumption, and the client's.
    if text.len() > MAX_USER_ID {
        return Err(ApiError::invalid("params.userId must be shorter than or equal to 1024 characters"));
    }
    UserId::new(text).map_err(|why| ApiError::invalid(format!("params.userId is invalid: {why}")))
}

pub(crate) fn action_code(text: String) -> Result<ActionCode, ApiError> {
    ActionCode::new(text)
        .map_err(|_| ApiError::invalid("params.action must match ^[a-zA-Z0-9_-]{1,64}$ regular expression"))
}

pub(crate) fn idempotency_key(text: String) -> Result<IdempotencyKey, ApiError> {
    IdempotencyKey::new(text).map_err(|why| ApiError::invalid(format!("idempotencyKey is invalid: {why}")))
}

/// The segments that name an action: user, action, idempotency key.
pub(crate) type Names = (String, String, String);

pub(crate) fn action_id((user, action, key): Names) -> Result<ActionId, ApiError> {
    Ok(ActionId { user: user_id(user)?, action: action_code(action)?, key: idempotency_key(key)? })
}

pub(crate) fn known_state(text: &str) -> Option<ActionState> {
    Some(ActionState::from(text)).filter(|state| !matches!(state, ActionState::Unknown(_)))
}

/// Whether the request carries one of the secret keys as the user name of HTTP Basic.
pub(crate) fn has_key(headers: &HeaderMap, secrets: &[String]) -> bool {
    let credentials = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some((scheme, encoded)) = credentials.split_once(' ') else { return false };
    let Ok(decoded) = STANDARD.decode(encoded.trim()) else { return false };
    let Some(key) = decoded.split(|byte| *byte == b':').next() else { return false };
    scheme.eq_ignore_ascii_case("basic") && secrets.iter().any(|secret| secret.as_bytes() == key)
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
    fn short_texts() {
        for (length, taken) in [(0, true), (1024, true), (1025, false)] {
            let input = Input::parse(format!(r#"{{"scope":"{}"}}"#, "x".repeat(length)).as_bytes()).unwrap();
            assert_eq!(input.short_text("scope").is_ok(), taken, "{length}");
        }
    }

    #[test]
    fn phone_numbers() {
        for (text, taken) in [
            ("+64270000000", true),
            ("+1234567", true),
            ("+123456789012345", true),
            ("+123456", false),
            ("+1234567890123456", false),
            ("+0270000000", false),
            ("9876543210", true),
            ("+64 27 000 0000", false),
            ("+", false),
            ("", false),
        ] {
            assert_eq!(looks_like_a_number(text), taken, "{text:?}");
        }
    }

    #[test]
    fn addresses() {
        for (text, taken) in [
            ("ada@example.com", true),
            ("a@b", true),
            ("", false),
            ("ada", false),
            ("@example.com", false),
            ("ada@", false),
            ("ada lovelace@example.com", false),
            ("ada@example.com\0", false),
            (&format!("{}@example.com", "a".repeat(250)), false),
        ] {
            assert_eq!(looks_like_an_address(text), taken, "{text:?}");
        }
    }

    #[test]
    fn queries() {
        let query = Parameters::parse("email=a%2Bb%40c&email=d+e&empty=&%FF=x&=y&phoneNumber=%2B64");
        assert_eq!((query.get("email"), query.get("empty"), query.get("none")), (Some("d e"), None, None));
        assert_eq!(query.get("phoneNumber"), Some("+64"));
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
            has_key(&headers, &["old".to_owned(), "my-secret".to_owned()])
        };
        assert!(with("Basic bXktc2VjcmV0Og=="));
        assert!(with("basic bXktc2VjcmV0Og=="), "schemes have no case");
        for wrong in ["Basic", "Basic ", "Basic !!", "Bearer bXktc2VjcmV0Og==", "Basic bXktc2VjcmU6", "Basic Og=="] {
            assert!(!with(wrong), "{wrong}");
        }
        assert!(!has_key(&HeaderMap::new(), &["my-secret".to_owned()]));
    }
}
