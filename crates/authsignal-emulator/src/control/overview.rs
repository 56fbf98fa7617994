//! What the dashboard shows, in one answer: it asks every second.
use std::collections::BTreeMap;
use std::sync::Arc;

use authsignal_client::Timestamp;
use axum::Json;
use axum::extract::State;
use http::HeaderMap;
use serde::Serialize;
use serde_json::Value;

use crate::control::actions::ActionView;
use crate::control::challenges::Pending;
use crate::control::faults;
use crate::control::users::UserView;
use crate::control::watch::Asked;
use crate::control::webhooks::WebhookView;
use crate::db::inbox::Message;
use crate::lifecycle::Outcome;
use crate::persist::StateFile;
use crate::state::AppState;

/// How much of each is shown: what is newest.
const MAX_SHOWN: usize = 100;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Overview {
    now: Timestamp,
    base_url: String,
    tenant_id: String,
    secret: String,
    /// Why the state could not be written to its file.
    #[serde(skip_serializing_if = "Option::is_none")]
    unsaved: Option<String>,
    counts: Counts,
    users: Vec<UserView>,
    actions: Vec<ActionView>,
    challenges: Vec<Pending>,
    messages: Vec<Message>,
    webhooks: Vec<WebhookView>,
    requests: Vec<Asked>,
    faults: Vec<Value>,
    outcomes: BTreeMap<String, Outcome>,
}

/// How much of each there is.
#[derive(Serialize)]
struct Counts {
    users: usize,
    actions: usize,
    messages: usize,
    webhooks: usize,
    requests: usize,
}

pub(super) async fn show(State(shared): State<Arc<AppState>>, headers: HeaderMap) -> Json<Overview> {
    let now = shared.clock.now();
    let faults = faults::waiting(&shared);
    let (sent, webhooks) = shared.webhooks.newest(MAX_SHOWN);
    let webhooks = webhooks.into_iter().map(WebhookView::from).collect();
    let (seen, requests) = {
        let all = shared.requests.all();
        (all.len(), all.iter().rev().take(MAX_SHOWN).map(Asked::from).collect())
    };
    let db = shared.db();
    Json(Overview {
        now: now.into(),
        base_url: format!("{}/v1", shared.origin_for(&headers)),
        tenant_id: shared.tokens.tenant.clone(),
        secret: shared.secrets[0].clone(),
        unsaved: shared.file.as_ref().and_then(StateFile::unsaved),
        counts: Counts {
            users: db.users.len(),
            actions: db.actions.len(),
            messages: db.inbox.len(),
            webhooks: sent,
            requests: seen,
        },
        users: db.newest_users(MAX_SHOWN).into_iter().map(|(id, user)| UserView::of(id, user, &shared)).collect(),
        actions: db.newest_actions(MAX_SHOWN).into_iter().map(ActionView::from).collect(),
        challenges: db.waiting_challenges(now).into_iter().take(MAX_SHOWN).map(Pending::from).collect(),
        messages: db.inbox.newest_first().take(MAX_SHOWN).cloned().collect(),
        webhooks,
        requests,
        faults,
        outcomes: db.outcomes(),
    })
}
