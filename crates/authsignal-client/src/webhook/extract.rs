//! Webhooks as what a handler of axum takes.
use std::time::Duration;

use axum_core::body::Body;
use axum_core::extract::{FromRef, FromRequest, Request};
use axum_core::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use serde_json::json;
use tokio::time::timeout;

use super::check::Webhook;
use super::error::{Error, ErrorKind};
use super::event::Delivery;
use super::signature::SIGNATURE_HEADER;

/// Where the reasons are described.
const DOCUMENTATION: &str =
    "https://docs.rs/authsignal-client/latest/authsignal_client/webhook/enum.WebhookRejection.html#variant.";

/// How long a body may take.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);

/// Why a request is no webhook that a handler gets to see: the rejection of [`Delivery`].
///
/// It answers with a problem document (RFC 9457) whose `reason` is [`reason`](Self::reason), and stands in the extensions
/// of that response. What exactly is wrong with a payload is in the log, and not in the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookRejection {
    /// It is not Authsignal's, not recent, or cannot be read. 401 for its signature and time, 400 for a header or a
    /// payload that cannot be read.
    Refused(Error),
    /// Its body is longer than [`Webhook::body_limit`]. 413.
    BodyTooLarge,
    /// Its body did not come within 30 seconds. 408.
    BodyTooSlow,
    /// Its body broke off. 400.
    BodyUnreadable,
}

impl WebhookRejection {
    /// A short name, as the sender and the log get it.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(error) => error.kind().as_str(),
            Self::BodyTooLarge => "body_too_large",
            Self::BodyTooSlow => "body_too_slow",
            Self::BodyUnreadable => "body_unreadable",
        }
    }

    /// The status that it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Refused(error) => match error.kind() {
                ErrorKind::Tolerance | ErrorKind::Mismatch => StatusCode::UNAUTHORIZED,
                ErrorKind::Format | ErrorKind::Payload => StatusCode::BAD_REQUEST,
            },
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyUnreadable => StatusCode::BAD_REQUEST,
        }
    }

    /// The variant's own name, which is its anchor in the documentation, and what it means in words.
    fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Refused(error) => (
                "Refused",
                match error.kind() {
                    ErrorKind::Format => "The signature header is missing, or cannot be read.",
                    ErrorKind::Tolerance => "The signature's time is outside the tolerance.",
                    ErrorKind::Mismatch => "No signature matches.",
                    ErrorKind::Payload => "The payload cannot be read.",
                },
            ),
            Self::BodyTooLarge => ("BodyTooLarge", "The body is too large."),
            Self::BodyTooSlow => ("BodyTooSlow", "The body did not come in time."),
            Self::BodyUnreadable => ("BodyUnreadable", "The body did not arrive whole."),
        }
    }
}

impl std::fmt::Display for WebhookRejection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::BodyTooLarge => f.write_str("the body is longer than the limit"),
            Self::BodyTooSlow => f.write_str("the body did not come in time"),
            Self::BodyUnreadable => f.write_str("the body broke off"),
        }
    }
}

impl std::error::Error for WebhookRejection {}

impl From<Error> for WebhookRejection {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl IntoResponse for WebhookRejection {
    fn into_response(self) -> Response {
        let (variant, title) = self.words();
        let status = self.status();
        let problem = json!({
            "type": format!("{DOCUMENTATION}{variant}"),
            "title": title,
            "status": status.as_u16(),
            "reason": self.reason(),
        });
        let content_type = [(header::CONTENT_TYPE, "application/problem+json")];
        let mut response = (status, content_type, problem.to_string()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The state of the router is a [`Webhook`], or has one (`FromRef`).
impl<S> FromRequest<S> for Delivery
where
    Webhook: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = WebhookRejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let webhook = Webhook::from_ref(state);
        receive(&webhook, request).await.inspect_err(|rejection| {
            tracing::warn!(reason = rejection.reason(), "webhook refused: {rejection}");
        })
    }
}

async fn receive(webhook: &Webhook, request: Request) -> Result<Delivery, WebhookRejection> {
    let (parts, body) = request.into_parts();
    // T101: who has no header of the present time is not listened to any longer.
    let sealed = webhook.read_header(signature(&parts.headers)?)?;
    let body = timeout(BODY_TIMEOUT, read(body, webhook.body_limit)).await;
    let body = body.unwrap_or(Err(WebhookRejection::BodyTooSlow))?;
    Ok(sealed.open(&body)?)
}

/// The whole body; of one that is longer than `limit`, no more is read than shows it.
async fn read(mut body: Body, limit: usize) -> Result<Bytes, WebhookRejection> {
    if body.size_hint().lower() > limit as u64 {
        return Err(WebhookRejection::BodyTooLarge);
    }
    let mut read = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a webhook's body broke off");
            WebhookRejection::BodyUnreadable
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit - read.len() {
            return Err(WebhookRejection::BodyTooLarge);
        }
        read.extend_from_slice(&data);
    }
    Ok(read.freeze())
}

/// The one signature header: which of two was meant would be a guess.
fn signature(headers: &HeaderMap) -> Result<&str, Error> {
    let mut values = headers.get_all(SIGNATURE_HEADER).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return Err(Error::new(ErrorKind::Format)) };
    value.to_str().map_err(|_| Error::new(ErrorKind::Format))
}

#[cfg(test)]
mod tests;
