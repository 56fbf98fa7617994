//! What the emulator knows: users, their methods, their actions. In memory, and the time is an argument.
use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Map, Value};
use uuid::Uuid;

use super::inbox::Inbox;
use super::lifecycle::{self, Ask, Outcome};
use super::proof::{Attempts, CodeChallenge};
use super::tokens::Subject;
use super::totp::App;
use crate::client::{ActionCode, ActionState, IdempotencyKey, UserId, VerificationMethod};

/// The methods that a new user may enrol on the challenge page.
pub(super) const OFFERED: [VerificationMethod; 2] =
    [VerificationMethod::EmailOtp, VerificationMethod::AuthenticatorApp];

/// Everything behind one lock.
#[derive(Debug, Default)]
pub(super) struct World {
    pub(super) users: BTreeMap<String, User>,
    pub(super) actions: BTreeMap<ActionId, Action>,
    pub(super) outcomes: BTreeMap<String, Outcome>,
    pub(super) inbox: Inbox,
    /// How many actions were tracked, which orders them.
    tracked: usize,
}

/// One user. Exists from the first thing that is told about them.
#[derive(Debug, Default)]
pub(super) struct User {
    pub(super) email: Option<String>,
    pub(super) email_verified: bool,
    pub(super) phone_number: Option<String>,
    pub(super) phone_number_verified: bool,
    pub(super) username: Option<String>,
    pub(super) authenticators: Vec<Authenticator>,
    pub(super) attempts: Attempts,
}

/// One method of one user; it counts as enrolled once it is verified.
#[derive(Debug, Clone)]
pub(super) struct Authenticator {
    pub(super) id: String,
    pub(super) kind: Kind,
    pub(super) created_at: SystemTime,
    pub(super) verified_at: Option<SystemTime>,
    pub(super) last_verified_at: Option<SystemTime>,
    pub(super) is_default: bool,
}

/// What a method needs to work.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// A code by e-mail to this address.
    EmailOtp(String),
    /// A link by e-mail to this address.
    EmailMagicLink(String),
    /// A code by SMS to this number.
    Sms(String),
    /// An authenticator app, and the last step whose code was taken.
    App { app: App, last_step: Option<u64> },
}

impl Kind {
    pub(super) fn method(&self) -> VerificationMethod {
        match self {
            Self::EmailOtp(_) => VerificationMethod::EmailOtp,
            Self::EmailMagicLink(_) => VerificationMethod::EmailMagicLink,
            Self::Sms(_) => VerificationMethod::Sms,
            Self::App { .. } => VerificationMethod::AuthenticatorApp,
        }
    }

    pub(super) fn email(&self) -> Option<&str> {
        match self {
            Self::EmailOtp(email) | Self::EmailMagicLink(email) => Some(email),
            _ => None,
        }
    }

    pub(super) fn phone_number(&self) -> Option<&str> {
        if let Self::Sms(number) = self { Some(number) } else { None }
    }

    fn address(&self) -> Option<&str> {
        self.email().or(self.phone_number())
    }
}

impl Authenticator {
    pub(super) fn new(kind: Kind, now: SystemTime) -> Self {
        Self {
            id: Uuid::new_v4().to_string(),
            kind,
            created_at: now,
            verified_at: None,
            last_verified_at: None,
            is_default: false,
        }
    }

    pub(super) fn method(&self) -> VerificationMethod {
        self.kind.method()
    }
}

impl User {
    /// The verified methods, the default first, else in the order of their making.
    pub(super) fn enrolled(&self) -> Vec<&Authenticator> {
        let mut enrolled: Vec<_> = self.authenticators.iter().filter(|method| method.verified_at.is_some()).collect();
        enrolled.sort_by_key(|method| !method.is_default);
        enrolled
    }

    pub(super) fn is_enrolled(&self) -> bool {
        self.authenticators.iter().any(|method| method.verified_at.is_some())
    }

    /// The kinds of verified methods, each once, in the order of [`enrolled`](Self::enrolled).
    pub(super) fn enrolled_methods(&self) -> Vec<VerificationMethod> {
        let mut methods = Vec::new();
        for method in self.enrolled().into_iter().map(Authenticator::method) {
            if !methods.contains(&method) {
                methods.push(method);
            }
        }
        methods
    }

    /// Adds a method that needs no more proof; one with the same address, or begun and not finished, makes way.
    pub(super) fn enrol_verified(&mut self, kind: Kind, is_default: bool, now: SystemTime) -> Authenticator {
        self.authenticators.retain(|known| {
            let same_address = known.kind.address().is_some() && known.kind.address() == kind.address();
            known.method() != kind.method() || (known.verified_at.is_some() && !same_address)
        });
        if is_default {
            self.authenticators.iter_mut().for_each(|known| known.is_default = false);
        }
        self.authenticators.push(Authenticator { is_default, ..Authenticator::new(kind, now) });
        let index = self.authenticators.len() - 1;
        self.mark_verified(index, now);
        self.authenticators[index].clone()
    }

    /// Writes down that the method at `index` was just proved.
    pub(super) fn mark_verified(&mut self, index: usize, now: SystemTime) {
        let Some(method) = self.authenticators.get_mut(index) else { return };
        if method.verified_at.is_none() {
            method.verified_at = Some(now);
            if let Some(email) = method.kind.email() {
                self.email.get_or_insert_with(|| email.to_owned());
                self.email_verified |= self.email.as_deref() == Some(email);
            }
            if let Some(number) = method.kind.phone_number() {
                self.phone_number.get_or_insert_with(|| number.to_owned());
                self.phone_number_verified |= self.phone_number.as_deref() == Some(number);
            }
        } else {
            method.last_verified_at = Some(now);
        }
    }
}

/// What names one attempt: the service keys actions by these three.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ActionId {
    pub(super) user: UserId,
    pub(super) action: ActionCode,
    pub(super) key: IdempotencyKey,
}

impl ActionId {
    /// The action of these names, if they are names at all.
    pub(super) fn named(user: &str, action: &str, key: &str) -> Option<Self> {
        Some(Self {
            user: UserId::new(user).ok()?,
            action: ActionCode::new(action).ok()?,
            key: IdempotencyKey::new(key).ok()?,
        })
    }

    /// The action that a token is about.
    pub(super) fn of(subject: &Subject) -> Option<Self> {
        Self::named(&subject.user_id, &subject.action_code, &subject.idempotency_key)
    }
}

impl From<&RecordedAction> for ActionId {
    fn from(record: &RecordedAction) -> Self {
        Self { user: record.user_id.clone(), action: record.action.clone(), key: record.idempotency_key.clone() }
    }
}

/// An action with what only the emulator has to know of it.
#[derive(Debug)]
pub(super) struct Action {
    /// Their order, since a standing clock gives many the same time.
    pub(super) sequence: usize,
    pub(super) record: RecordedAction,
    /// The code that was sent for it last.
    pub(super) code: Option<CodeChallenge>,
}

/// One attempt of a user, as `track` made it and as it stands now.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct RecordedAction {
    /// Whose attempt it is.
    pub user_id: UserId,
    /// What they try.
    pub action: ActionCode,
    /// Which attempt it is.
    pub idempotency_key: IdempotencyKey,
    /// What the tenant had decided when it was tracked.
    pub outcome: Outcome,
    /// Where it stands.
    pub state: ActionState,
    /// When it was tracked first.
    pub created_at: SystemTime,
    /// When its state changed last.
    pub state_updated_at: SystemTime,
    /// How it was proved, once it was.
    pub verification_method: Option<VerificationMethod>,
    /// Where the browser is sent afterwards, from the latest track.
    pub redirect_url: Option<String>,
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
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) email: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) username: Option<String>,
    pub(super) redirect_url: Option<String>,
    pub(super) scope: Option<String>,
    pub(super) ip_address: Option<String>,
    pub(super) user_agent: Option<String>,
    pub(super) device_id: Option<String>,
    pub(super) locale: Option<String>,
    pub(super) custom: Map<String, Value>,
}

impl World {
    /// Records an attempt, or finds the one that was recorded under the same key.
    ///
    /// A known attempt keeps its state and what was told about it; only another `redirectUrl` counts from now on.
    pub(super) fn track(&mut self, id: &ActionId, facts: Facts, now: SystemTime) -> RecordedAction {
        let user = self.users.entry(id.user.to_string()).or_default();
        user.email = user.email.take().or(facts.email);
        user.phone_number = user.phone_number.take().or(facts.phone_number);
        user.username = user.username.take().or(facts.username);
        let enrolled = user.is_enrolled();

        if let Some(known) = self.actions.get_mut(id) {
            known.record.redirect_url = facts.redirect_url.or(known.record.redirect_url.take());
            return known.record.clone();
        }
        let outcome = self.outcomes.get(id.action.as_str()).copied().unwrap_or_default();
        let record = RecordedAction {
            user_id: id.user.clone(),
            action: id.action.clone(),
            idempotency_key: id.key.clone(),
            outcome,
            state: lifecycle::initial(outcome, enrolled),
            created_at: now,
            state_updated_at: now,
            verification_method: None,
            redirect_url: facts.redirect_url,
            scope: facts.scope,
            ip_address: facts.ip_address,
            user_agent: facts.user_agent,
            device_id: facts.device_id,
            locale: facts.locale,
            custom: facts.custom,
        };
        self.tracked += 1;
        self.actions.insert(id.clone(), Action { sequence: self.tracked, record: record.clone(), code: None });
        record
    }

    /// The attempts of a user, newest first.
    pub(super) fn actions_of(&self, user: &str) -> Vec<&RecordedAction> {
        let mut actions: Vec<_> = self.actions.iter().filter(|(id, _)| id.user.as_str() == user).collect();
        actions.sort_by_key(|(_, action)| std::cmp::Reverse(action.sequence));
        actions.into_iter().map(|(_, action)| &action.record).collect()
    }

    /// Puts an action into a state, whatever it was in; `false` when there is no such action.
    pub(super) fn set_state(&mut self, id: &ActionId, state: ActionState, now: SystemTime) -> bool {
        let Some(action) = self.actions.get_mut(id) else { return false };
        action.record.state = state;
        action.record.state_updated_at = now;
        true
    }

    /// Writes down that the user proved the action with `method`.
    pub(super) fn succeed(&mut self, id: &ActionId, method: VerificationMethod, now: SystemTime) {
        if let Some(action) = self.actions.get_mut(id) {
            action.record.verification_method = Some(method);
            action.code = None;
        }
        self.set_state(id, ActionState::ChallengeSucceeded, now);
    }

    /// Removes a user with their methods; their actions stay.
    pub(super) fn delete_user(&mut self, user: &str) {
        self.users.remove(user);
        for (_, action) in self.actions.iter_mut().filter(|(id, _)| id.user.as_str() == user) {
            action.code = None;
        }
    }

    /// What the challenge page has to ask for, if there is such an action.
    pub(super) fn ask(&self, id: &ActionId) -> Option<Ask> {
        let action = self.actions.get(id)?;
        Some(lifecycle::ask(&action.record.state, self.users.get(id.user.as_str()).is_some_and(User::is_enrolled)))
    }
}
