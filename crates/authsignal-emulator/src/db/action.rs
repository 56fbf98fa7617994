//! One attempt of a user, from its track on.
use std::collections::BTreeMap;
use std::time::SystemTime;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, UserId, VerificationMethod};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::credentials::tokens::Subject;
use crate::lifecycle::Outcome;
use crate::rules::RuleMatch;

/// What names one attempt: the service keys actions by these three.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ActionId {
    pub(crate) user: UserId,
    pub(crate) action: ActionCode,
    pub(crate) key: IdempotencyKey,
}

impl ActionId {
    /// The action of these names, if they are names at all.
    pub(crate) fn named(user: &str, action: &str, key: &str) -> Option<Self> {
        Some(Self {
            user: UserId::new(user).ok()?,
            action: ActionCode::new(action).ok()?,
            key: IdempotencyKey::new(key).ok()?,
        })
    }

    /// The action that a token is about.
    pub(crate) fn of(subject: &Subject) -> Option<Self> {
        Self::named(&subject.user_id, &subject.action_code, &subject.idempotency_key)
    }
}

impl From<&RecordedAction> for ActionId {
    fn from(record: &RecordedAction) -> Self {
        Self { user: record.user_id.clone(), action: record.action.clone(), key: record.idempotency_key.clone() }
    }
}

/// An action with what only the emulator has to know of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Action {
    /// Their order, since a standing clock gives many the same time.
    pub(crate) sequence: usize,
    pub(crate) record: RecordedAction,
    /// What was begun to prove it, oldest first.
    pub(crate) challenges: Vec<String>,
    /// How many wrong codes were given by each method since its code was sent last.
    #[serde(skip)]
    pub(crate) guesses: BTreeMap<String, u32>,
}

/// One attempt of a user, as `track` made it and as it stands now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RecordedAction {
    /// The user's id.
    pub user_id: UserId,
    /// The action code.
    pub action: ActionCode,
    /// The idempotency key, which names this attempt.
    pub idempotency_key: IdempotencyKey,
    /// The tenant's decision when it was tracked.
    pub outcome: Outcome,
    /// Whether the user had anything enrolled when it was tracked; one who had nothing is allowed what others are challenged for.
    #[serde(default)]
    pub was_enrolled: bool,
    /// The state now.
    pub state: ActionState,
    /// When it was tracked first.
    pub created_at: SystemTime,
    /// When anything about it changed last.
    pub updated_at: SystemTime,
    /// When its state changed last.
    pub state_updated_at: SystemTime,
    /// The kind of method that proved it, once one did.
    pub verification_method: Option<VerificationMethod>,
    /// The id of the user's method that proved it, once one did.
    pub verified_by: Option<String>,
    /// The methods by which it may be proved, as rules and settings say.
    pub allowed_methods: Vec<VerificationMethod>,
    /// The one of these that is asked for first, where rules or settings say.
    pub default_method: Option<VerificationMethod>,
    /// The country of the address, where the tenant knows its network.
    pub country_code: Option<String>,
    /// The rules that matched, the one that decided first.
    pub rules: Vec<RuleMatch>,
    /// The rule that decided.
    pub priority_rule_id: Option<String>,
    /// What the rules looked at.
    pub output: Map<String, Value>,
    /// The URL that the browser is sent to afterwards, from the latest track.
    pub redirect_url: Option<String>,
    /// Whether the user sees the list of their methods before that.
    pub redirect_to_settings: bool,
    /// What the token may do, as track asked for it.
    pub scope: Option<String>,
    /// The end user's address, as track told it.
    pub ip_address: Option<String>,
    /// The end user's browser, as track told it.
    pub user_agent: Option<String>,
    /// The end user's device, as track told it.
    pub device_id: Option<String>,
    /// The language asked for.
    pub locale: Option<String>,
    /// The custom data points, which the challenge page shows.
    pub custom: Map<String, Value>,
}

/// What a `track` tells.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrackInput {
    pub(crate) email: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) redirect_url: Option<String>,
    pub(crate) redirect_to_settings: bool,
    pub(crate) scope: Option<String>,
    pub(crate) ip_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) locale: Option<String>,
    pub(crate) custom: Map<String, Value>,
}

/// What a token may do with its user's methods (docs, "Scopes").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Scope {
    pub(crate) add: bool,
    pub(crate) update: bool,
    pub(crate) remove: bool,
}

impl Scope {
    /// What a token without a scope of its own may do: look.
    pub(crate) const DEFAULT: &str = "read:authenticators";
    /// What a token of a fresh proof may do.
    pub(crate) const ALL: &str = "read:authenticators add:authenticators update:authenticators remove:authenticators";

    pub(crate) fn parse(text: &str) -> Self {
        let has = |wanted: &str| text.split_whitespace().any(|part| part == wanted);
        Self {
            add: has("add:authenticators"),
            update: has("update:authenticators"),
            remove: has("remove:authenticators"),
        }
    }

    /// Whether it may do everything, which spares its user the challenge before the settings (docs, "Settings").
    pub(crate) fn is_full(self) -> bool {
        self.add && self.update && self.remove
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes() {
        for (text, add, update, remove) in [
            ("", false, false, false),
            (Scope::DEFAULT, false, false, false),
            ("add:authenticators", true, false, false),
            ("update:authenticators  add:authenticators", true, true, false),
            ("add:authenticatorsx add", false, false, false),
            ("ADD:AUTHENTICATORS", false, false, false),
            (Scope::ALL, true, true, true),
        ] {
            assert_eq!(Scope::parse(text), Scope { add, update, remove }, "{text:?}");
            assert_eq!(Scope::parse(text).is_full(), add && update && remove);
        }
    }
}
