//! What the emulator knows: users, their methods, their actions. In memory, and the time is an argument.
pub(crate) mod action;
pub(crate) mod challenge;
pub(crate) mod challenges;
pub(crate) mod claim;
pub(crate) mod code;
pub(crate) mod device;
pub(crate) mod enrol;
pub(crate) mod inbox;
pub(crate) mod limits;
pub(crate) mod newest;
pub(crate) mod proof;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod snapshot;
pub(crate) mod table;
pub(crate) mod user;
pub(crate) mod users;

use std::collections::BTreeMap;
use std::time::SystemTime;

use crate::db::action::{Action, ActionId, RecordedAction, TrackInput};
use crate::db::challenge::Challenge;
use crate::db::code::CodeForm;
use crate::db::device::Device;
use crate::db::inbox::Inbox;
use crate::db::limits::RateLimiter;
use crate::db::session::Session;
use crate::db::table::{FoundBy, Table};
use crate::db::user::User;
use crate::lifecycle::{self, Ask, Outcome};
use crate::rules::RuleMatch;
use crate::rules::facts::Facts;
use crate::tenant::Tenant;
use authsignal_client::{ActionState, VerificationMethod};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Everything behind one lock.
#[derive(Debug)]
pub(crate) struct Db {
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) actions: BTreeMap<ActionId, Action>,
    pub(crate) challenges: Table<Challenge>,
    pub(crate) sessions: Table<Session>,
    /// Calls of Call Connect, by their reference.
    pub(crate) calls: BTreeMap<String, Call>,
    pub(crate) inbox: Inbox,
    pub(crate) limits: RateLimiter,
    pub(crate) tenant: Tenant,
    pub(crate) policy: Policy,
    /// How many actions were tracked, which orders them.
    pub(super) tracked: usize,
    /// How many challenges were begun, which orders them.
    pub(super) begun: usize,
    pub(super) sweep_at: usize,
    pub(super) sweep_sessions_at: usize,
}

/// A telephone call that was begun by Call Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Call {
    /// The application's reference.
    pub reference_id: String,
    /// The state that it ended in, once it has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<ActionState>,
}

/// What of the tenant's settings the database goes by.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    /// What may be enrolled and used where an action says nothing else.
    pub(crate) methods: Vec<VerificationMethod>,
    pub(crate) code: CodeForm,
    pub(crate) gives_recovery_codes: bool,
}

impl From<&Tenant> for Policy {
    fn from(tenant: &Tenant) -> Self {
        Self {
            methods: tenant.methods.clone(),
            code: CodeForm { digits: tenant.verification_code_length.into(), ttl: tenant.code_ttl },
            gives_recovery_codes: tenant.recovery_codes,
        }
    }
}

/// What rules and settings say about a new attempt.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decided {
    pub(crate) outcome: Outcome,
    pub(crate) allowed_methods: Vec<VerificationMethod>,
    pub(crate) default_method: Option<VerificationMethod>,
    pub(crate) country_code: Option<String>,
    pub(crate) rules: Vec<RuleMatch>,
    pub(crate) priority_rule_id: Option<String>,
    pub(crate) output: Map<String, Value>,
}

#[cfg(test)]
impl Default for Db {
    fn default() -> Self {
        Self::new(Tenant::default(), SystemTime::UNIX_EPOCH)
    }
}

impl Db {
    /// The database of a tenant, with the users who are there from the start.
    pub(crate) fn new(tenant: Tenant, now: SystemTime) -> Self {
        let mut db = Self {
            users: BTreeMap::new(),
            actions: BTreeMap::new(),
            challenges: Table::default(),
            sessions: Table::default(),
            calls: BTreeMap::new(),
            inbox: Inbox::default(),
            limits: RateLimiter::new(tenant.limits.clone()),
            policy: Policy::from(&tenant),
            tenant,
            tracked: 0,
            begun: 0,
            sweep_at: 0,
            sweep_sessions_at: 0,
        };
        for user in db.tenant.users.clone() {
            db.users.insert(user.id.clone(), User::from_start(&user, now));
        }
        db
    }

    /// Decides about an attempt that isn't known yet.
    pub(crate) fn decide(&self, id: &ActionId, told: &TrackInput, now: SystemTime) -> Decided {
        let nobody = User::default();
        let user = self.users.get(id.user.as_str()).unwrap_or(&nobody);
        let device = told.device_id.as_ref().map(|device| user.devices.get(device));
        let is_new = |device: &Device| device.invalidated_at.is_some();
        let facts = Facts {
            user_id: id.user.to_string(),
            email: user.email.clone().or(told.email.clone()),
            enrolled: user.is_enrolled(),
            has_previously_verified: user.has_verified,
            ip_address: told.ip_address.clone(),
            user_agent: told.user_agent.clone(),
            device_id: told.device_id.clone(),
            device_is_new: device.is_some_and(|device| device.is_none_or(is_new)),
            device_is_remembered: device.flatten().is_some_and(|device| device.is_remembered(now)),
            custom: told.custom.clone(),
            user_custom: user.custom.clone(),
        };
        let decision = self.tenant.decide(id.action.as_str(), &facts);
        let network = told.ip_address.as_deref().and_then(|address| self.tenant.network_of(address));
        Decided {
            outcome: decision.outcome,
            country_code: network.and_then(|network| network.country_code.clone()),
            priority_rule_id: decision.priority_rule().map(|rule| rule.id.clone()),
            rules: decision.matched,
            allowed_methods: decision.methods,
            default_method: decision.default_method,
            output: decision.output,
        }
    }

    /// The user of this id, made if there was none.
    pub(crate) fn user_mut(&mut self, id: &str, now: SystemTime) -> &mut User {
        self.users.entry(id.to_owned()).or_insert_with(|| User::new(now))
    }

    /// Decides about an attempt and records it, or finds the one that was recorded under the same key.
    pub(crate) fn track(&mut self, id: &ActionId, told: TrackInput, now: SystemTime) -> RecordedAction {
        let decided = self.decide(id, &told, now);
        self.record(id, told, decided, now)
    }

    /// Records an attempt, or finds the one that was recorded under the same key.
    ///
    /// A known attempt keeps its state and what was told about it; only another `redirectUrl` counts from now on.
    pub(crate) fn record(
        &mut self,
        id: &ActionId,
        told: TrackInput,
        decided: Decided,
        now: SystemTime,
    ) -> RecordedAction {
        let known = self.actions.get_mut(id);
        let user = self.users.entry(id.user.to_string()).or_insert_with(|| User::new(now));
        user.email = user.email.take().or(told.email);
        user.phone_number = user.phone_number.take().or(told.phone_number);
        user.username = user.username.take().or(told.username);
        if let Some(known) = known {
            known.record.redirect_url = told.redirect_url.or(known.record.redirect_url.take());
            return known.record.clone();
        }
        let enrolled = user.is_enrolled();
        if let Some(device) = &told.device_id {
            self.see_device(id.user.as_str(), device, now);
        }
        let record = RecordedAction {
            user_id: id.user.clone(),
            action: id.action.clone(),
            idempotency_key: id.key.clone(),
            outcome: decided.outcome,
            was_enrolled: enrolled,
            state: lifecycle::initial(decided.outcome, enrolled),
            created_at: now,
            updated_at: now,
            state_updated_at: now,
            verification_method: None,
            verified_by: None,
            allowed_methods: decided.allowed_methods,
            default_method: decided.default_method,
            country_code: decided.country_code,
            rules: decided.rules,
            priority_rule_id: decided.priority_rule_id,
            output: decided.output,
            redirect_url: told.redirect_url,
            redirect_to_settings: told.redirect_to_settings,
            scope: told.scope,
            ip_address: told.ip_address,
            user_agent: told.user_agent,
            device_id: told.device_id,
            locale: told.locale,
            custom: told.custom,
        };
        self.tracked += 1;
        let action =
            Action { sequence: self.tracked, record: record.clone(), challenges: Vec::new(), guesses: BTreeMap::new() };
        self.actions.insert(id.clone(), action);
        record
    }

    /// The attempts of a user, newest first.
    pub(crate) fn actions_of(&self, user: &str) -> Vec<&RecordedAction> {
        let mut actions: Vec<_> = self.actions_from(user).map(|(_, action)| action).collect();
        actions.sort_by_key(|action| std::cmp::Reverse(action.sequence));
        actions.into_iter().map(|action| &action.record).collect()
    }

    fn actions_from(&self, user: &str) -> impl Iterator<Item = (&ActionId, &Action)> {
        // The least action code and the least key that there can be.
        let first = ActionId::named(user, "-", " ");
        let theirs = first.into_iter().flat_map(|first| self.actions.range(first..));
        theirs.take_while(move |(id, _)| id.user.as_str() == user)
    }

    /// Puts an action into a state, whatever it was in; `false` when there is no such action.
    pub(crate) fn set_state(&mut self, id: &ActionId, state: ActionState, now: SystemTime) -> bool {
        let Some(action) = self.actions.get_mut(id) else { return false };
        action.record.state = state;
        action.record.state_updated_at = now;
        action.record.updated_at = now;
        true
    }

    /// Removes a user with their methods, devices and sessions; their actions only if `actions` says so.
    pub(crate) fn delete_user(&mut self, user: &str, actions: bool) {
        self.users.remove(user);
        self.revoke_sessions_of(user);
        self.challenges.remove_of(&FoundBy::user(user));
        if actions {
            let theirs: Vec<_> = self.actions_from(user).map(|(id, _)| id.clone()).collect();
            for id in theirs {
                self.actions.remove(&id);
            }
        }
    }

    /// What the challenge page has to ask for, if there is such an action.
    pub(crate) fn ask(&self, id: &ActionId) -> Option<Ask> {
        let action = self.actions.get(id)?;
        Some(lifecycle::ask(&action.record.state, self.users.get(id.user.as_str()).is_some_and(User::is_enrolled)))
    }
}
