//! Webhooks that were sent, and where they go.
use std::collections::BTreeMap;
use std::sync::Arc;

use authsignal_client::Timestamp;
use axum::Json;
use axum::extract::State;
use axum::response::IntoResponse;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::control::answer::{ControlResult, DONE};
use crate::control::strict_json::{StrictJson, wrong};
use crate::state::AppState;
use crate::webhooks::sent::SentWebhook;
use crate::webhooks::target::WebhookAnswer;

/// A webhook with what came of it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WebhookView {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    url: String,
    attempts: u32,
    is_accepted: bool,
    /// The status of the last answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    /// Why there was no answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    body: Value,
    time: Timestamp,
}

impl From<SentWebhook> for WebhookView {
    fn from(sent: SentWebhook) -> Self {
        let (status, error) = match &sent.answer {
            WebhookAnswer::Status(status) => (Some(*status), None),
            WebhookAnswer::TimedOut => (None, Some("no answer in time".to_owned())),
            WebhookAnswer::Unreachable(why) => (None, Some(why.clone())),
        };
        Self {
            id: sent.id,
            kind: sent.kind,
            url: sent.url,
            attempts: sent.attempts,
            is_accepted: sent.answer.is_accepted(),
            status,
            error,
            body: sent.body,
            time: sent.at.into(),
        }
    }
}

/// In the order of their first answers.
pub(super) async fn list(State(shared): State<Arc<AppState>>) -> Json<Vec<WebhookView>> {
    Json(shared.webhooks.sent().into_iter().map(WebhookView::from).collect())
}

/// Where webhooks go from now on. What is not named goes nowhere.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct WebhookTargets {
    url: Option<String>,
    log_url: Option<String>,
    #[serde(default)]
    verify: BTreeMap<String, String>,
}

pub(super) async fn change(
    State(shared): State<Arc<AppState>>,
    StrictJson(settings): StrictJson<WebhookTargets>,
) -> ControlResult {
    let verify = settings.verify.iter().map(|(action, url)| (action.as_str(), url.as_str()));
    shared
        .send_webhooks(settings.url.as_deref(), settings.log_url.as_deref(), verify)
        .map_err(|why| wrong("body", why))?;
    Ok(DONE.into_response())
}

pub(super) async fn flush(State(shared): State<Arc<AppState>>) -> StatusCode {
    shared.webhooks.flush_logs().await;
    DONE
}
