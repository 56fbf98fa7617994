//! Actions: one attempt as it stands, and how the application changes it.
mod crypto;
mod query;
mod track;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::custom::CustomData;
use crate::error::Error;
use crate::ids::{action_code_of, idempotency_key_of, user_id_of};
use crate::other::{OtherMembers, takes_other_members};
use crate::transport::json::{null_is_default, objects};
use crate::types::{ActionState, Timestamp, VerificationMethod};

pub use crypto::Crypto;
pub use query::{QueryActions, UserAction};
pub use track::{Track, TrackDecision, Tracked};

/// One attempt as it stands, from [`Client::get_action`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Action {
    /// The state.
    pub state: ActionState,
    /// The time at which it was tracked.
    pub created_at: Timestamp,
    /// The time of the last change of the state.
    pub state_updated_at: Timestamp,
    /// With what the user proved themselves, once they have.
    pub verification_method: Option<VerificationMethod>,
    /// The rules that matched.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rule_ids: Vec<String>,
    /// The rule that decided.
    pub priority_rule_id: Option<String>,
    /// The rules that matched, as they were then, the most important first.
    #[serde(default, deserialize_with = "objects")]
    pub rules: Vec<RuleSnapshot>,
    /// What the rules looked at, free-form.
    #[serde(default, deserialize_with = "null_is_default")]
    pub output: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A rule as it was when it matched.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RuleSnapshot {
    /// The rule's id.
    pub rule_id: String,
    /// The rule's name.
    pub name: Option<String>,
    /// The rule's description.
    pub description: Option<String>,
    /// What the tenant keeps with it (go `types.go`).
    #[serde(default, deserialize_with = "null_is_default")]
    pub metadata: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A new state of an attempt, for [`Client::update_action`].
///
/// # Examples
///
/// ```
/// use authsignal_client::{ActionState, CustomData, UpdateAction};
///
/// let request = UpdateAction::new(ActionState::ReviewFailed).custom(CustomData::new().with("reviewer", "grace"));
/// ```
#[derive(Clone, Debug, Serialize)]
#[must_use]
pub struct UpdateAction {
    state: ActionState,
    #[serde(skip_serializing_if = "CustomData::is_empty")]
    custom: CustomData,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(UpdateAction);

impl UpdateAction {
    /// The attempt stands here from now on, wherever it stood.
    pub fn new(state: ActionState) -> Self {
        Self { state, custom: CustomData::new(), other: OtherMembers::default() }
    }

    /// Data points of the action. Default: none. No official source has it: it was seen in a command line tool of
    /// somebody else's.
    pub fn custom(mut self, data: CustomData) -> Self {
        self.custom = data;
        self
    }
}

impl From<ActionState> for UpdateAction {
    fn from(state: ActionState) -> Self {
        Self::new(state)
    }
}

/// An attempt after a change, from [`Client::update_action`]. The SDKs read its state only; the rest is in the API
/// reference.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdatedAction {
    /// The state.
    pub state: ActionState,
    /// The time at which it was tracked.
    pub created_at: Option<Timestamp>,
    /// The time of the last change of the state.
    pub state_updated_at: Option<Timestamp>,
    /// With what the user proved themselves, once they have.
    pub verification_method: Option<VerificationMethod>,
    /// The rules that matched.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rule_ids: Vec<String>,
    /// What the rules looked at, free-form.
    #[serde(default, deserialize_with = "null_is_default")]
    pub output: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Looks up one attempt: `GET /users/{userId}/actions/{action}/{idempotencyKey}`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when there is no such attempt;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not one; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let action = client.get_action("user-1", "withdrawal", "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001").await?;
    /// println!("{}, since {}", action.state, action.state_updated_at.as_str());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_action(
        &self,
        user_id: impl AsRef<str>,
        action: impl AsRef<str>,
        idempotency_key: impl AsRef<str>,
    ) -> Result<Action, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let action = action_code_of(action.as_ref())?;
        let key = idempotency_key_of(idempotency_key.as_ref())?;
        let segments = ["users", user, "actions", action, key];
        self.transport.run(&self.transport.get(&segments)?.hedged()).await
    }

    /// Changes the state of an attempt, after a review for example:
    /// `PATCH /users/{userId}/actions/{action}/{idempotencyKey}`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when there is no such attempt;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not one; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::ActionState;
    ///
    /// let key = "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001";
    /// client.update_action("user-1", "withdrawal", key, ActionState::ReviewSucceeded).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_action(
        &self,
        user_id: impl AsRef<str>,
        action: impl AsRef<str>,
        idempotency_key: impl AsRef<str>,
        request: impl Into<UpdateAction>,
    ) -> Result<UpdatedAction, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let action = action_code_of(action.as_ref())?;
        let key = idempotency_key_of(idempotency_key.as_ref())?;
        let segments = ["users", user, "actions", action, key];
        self.transport.run(&self.transport.patch(&segments, &request.into())?.safe_to_repeat()).await
    }
}
