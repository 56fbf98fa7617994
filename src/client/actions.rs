mod track;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::Client;
use super::error::Error;
use super::ids::{action_code_of, idempotency_key_of, user_id_of};
use super::json::null_is_default;
use super::types::{ActionState, Timestamp, VerificationMethod};

pub use track::{Crypto, Track, Tracked};

/// One attempt as it stands, from [`Client::get_action`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Action {
    /// Where it stands.
    pub state: ActionState,
    /// When it was tracked.
    pub created_at: Timestamp,
    /// When its state changed last.
    pub state_updated_at: Timestamp,
    /// With what the user proved themselves, once they have.
    pub verification_method: Option<VerificationMethod>,
    /// The rules that matched.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rule_ids: Vec<String>,
    /// The rule that decided.
    pub priority_rule_id: Option<String>,
    /// The rules that matched, as they were then, the most important first.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rules: Vec<RuleSnapshot>,
    /// What the rules looked at, free-form.
    #[serde(default, deserialize_with = "null_is_default")]
    pub output: Map<String, Value>,
}

/// A rule as it was when it matched.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuleSnapshot {
    /// Its id.
    pub rule_id: String,
    /// Its name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// What the tenant keeps with it (go `types.go`).
    #[serde(default, deserialize_with = "null_is_default")]
    pub metadata: Map<String, Value>,
}

impl Client {
    /// Looks up one attempt: `GET /users/{userId}/actions/{action}/{idempotencyKey}`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when there is no such attempt;
    /// [`ErrorKind::InvalidInput`](super::ErrorKind::InvalidInput) for an id that is not one; else as
    /// [`ErrorKind`](super::ErrorKind) says.
    pub async fn get_action(
        &self,
        user_id: impl AsRef<str>,
        action: impl AsRef<str>,
        idempotency_key: impl AsRef<str>,
    ) -> Result<Action, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let action = action_code_of(action.as_ref())?;
        let key = idempotency_key_of(idempotency_key.as_ref())?;
        let segments = ["users", user.as_str(), "actions", action.as_str(), key.as_str()];
        self.transport.run(&self.transport.get(&segments)?).await
    }
}
