//! What an answer says, once its bytes are here.
use std::time::Duration;

use http::HeaderMap;
use http::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use jiff::fmt::rfc2822::DateTimeParser;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use super::json::{Agreed, Object, without_lone_surrogates};
use super::redact::Redactor;
use crate::error::Error;

/// The object in the body of a success. A missing content type is not held against it; another one is (T74).
pub(crate) fn value<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8], redact: &Redactor<'_>) -> Result<T, Error> {
    read::<Object<T>>(headers, body, redact).map(|object| object.0)
}

/// The list of objects in the body of a success.
pub(crate) fn list<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
    redact: &Redactor<'_>,
) -> Result<Vec<T>, Error> {
    let objects = read::<Vec<Object<T>>>(headers, body, redact)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// Whether a success says no more than that: with nothing at all, or with an object that says nothing else.
///
/// The service answers deletes with `{"success":true}` and revokes with 204 (php `AuthsignalClientTest.php`; API
/// reference, revoke session).
pub(crate) fn done(headers: &HeaderMap, body: &[u8], redact: &Redactor<'_>) -> Result<(), Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Done {
        success: Option<Agreed>,
        error: Option<IgnoredAny>,
        error_code: Option<IgnoredAny>,
    }

    if body.trim_ascii().is_empty() {
        return Ok(());
    }
    match value(headers, body, redact)? {
        Done { success: None | Some(Agreed(true)), error: None, error_code: None } => Ok(()),
        _ => Err(Error::malformed("it denies the success").with_excerpt(redact.excerpt(body))),
    }
}

fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8], redact: &Redactor<'_>) -> Result<T, Error> {
    if !is_json(headers) {
        return Err(Error::malformed("its content type is not json").with_excerpt(redact.excerpt(body)));
    }
    let readable = without_lone_surrogates(body);
    serde_json::from_slice(&readable).map_err(|_| why_unreadable::<T>(&readable, body, redact))
}

/// Reads an answer again that could not be read: to find out at which member, which costs as much as the reading itself.
fn why_unreadable<T: DeserializeOwned>(readable: &[u8], body: &[u8], redact: &Redactor<'_>) -> Error {
    let mut deserializer = serde_json::Deserializer::from_slice(readable);
    let detail = match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        // It is what comes after it that is too much.
        Ok(_) => "more follows the json value".to_owned(),
        Err(error) => {
            let path = error.path().to_string();
            // The parser's own message quotes the value that it did not expect, so it is cut like the body.
            let reason = redact.excerpt(error.inner().to_string().as_bytes());
            if path == "." { reason } else { format!("at `{}`: {reason}", redact.message(&path)) }
        }
    };
    Error::malformed(detail).with_excerpt(redact.excerpt(body))
}

/// The error in an answer that is no success. Whatever the body is, the status counts.
pub(crate) fn refusal(status: u16, headers: &HeaderMap, body: &[u8], redact: &Redactor<'_>) -> Error {
    let error = Error::from_status(status).with_retry_after(retry_after(headers));
    let Ok(Value::Object(report)) = serde_json::from_slice::<Value>(&without_lone_surrogates(body)) else {
        return error.with_excerpt(redact.excerpt(body));
    };
    let text = |names: [&str; 2]| {
        let texts = names.iter().filter_map(|name| report.get(*name)?.as_str());
        texts.filter(|text| !text.is_empty()).map(|text| redact.message(text)).next()
    };
    let (code, description) = (text(["errorCode", "error"]), text(["errorDescription", "message"]));
    let unknown = code.is_none() && description.is_none();
    let error = error.with_report(code, description);
    if unknown { error.with_excerpt(redact.excerpt(body)) } else { error }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(CONTENT_TYPE) else { return true };
    let Ok(value) = value.to_str() else { return false };
    let essence = value.split(';').next().unwrap_or_default().trim();
    let has_suffix = |essence: String| essence.starts_with("application/") && essence.ends_with("+json");
    essence.eq_ignore_ascii_case("application/json") || has_suffix(essence.to_ascii_lowercase())
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date, which is compared with the answer's own `Date` because
/// the two clocks need not agree.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let after = text(RETRY_AFTER)?;
    if after.bytes().all(|byte| byte.is_ascii_digit()) {
        return after.parse().ok().map(Duration::from_secs);
    }
    let date = |text: &str| DateTimeParser::new().parse_timestamp(text).ok();
    let (until, now) = (date(after)?, date(text(DATE)?)?);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

#[cfg(test)]
mod tests;
