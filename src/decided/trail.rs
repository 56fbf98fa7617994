//! What is noted of a decision on its way, so that it can be told where it ends.
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authsignal_client::{ActionCode, IdempotencyKey, UserId, visible};
use tracing::Span;
use tracing::field::{Empty, display};

use super::explain::Check;
use super::outcome::Outcome;
use super::{Ended, Listeners};
use crate::domain::actor::Actor;
use crate::refusal::RefusalReason;

/// What is noted of one decision.
#[derive(Debug)]
pub(crate) struct Trail {
    facts: Mutex<Facts>,
    is_explained: bool,
    /// In which it is decided.
    pub(crate) span: Span,
}

#[derive(Debug)]
struct Facts {
    attempt: IdempotencyKey,
    user: Option<UserId>,
    actor: Actor,
    rule_ids: Vec<String>,
    upstream: Option<Duration>,
    checks: Vec<Check>,
}

/// The span of a decision: what is known of it before, and room for what is known where it ends.
pub(crate) fn span(action: &ActionCode, route: Option<&str>) -> Span {
    tracing::info_span!(
        "step_up",
        %action,
        route,
        decision_id = Empty,
        outcome = Empty,
        code = Empty,
        user_id = Empty,
    )
}

impl Trail {
    /// A decision that begins, as an attempt of that key.
    pub(crate) fn new(listeners: &Listeners, attempt: IdempotencyKey, span: Span) -> Self {
        let facts = Facts {
            attempt,
            user: None,
            actor: Actor::default(),
            rule_ids: Vec::new(),
            upstream: None,
            checks: Vec::new(),
        };
        Self { facts: Mutex::new(facts), is_explained: listeners.explains(), span }
    }

    /// It is about an attempt that was begun before, and goes by its key.
    pub(crate) fn is_of(&self, attempt: &IdempotencyKey) {
        self.facts().attempt = attempt.clone();
    }

    /// Whose request it is.
    pub(crate) fn user(&self, user: &UserId, actor: &Actor) {
        let mut facts = self.facts();
        (facts.user, facts.actor) = (Some(user.clone()), actor.clone());
    }

    /// What the service said, and how long that took.
    pub(crate) fn asked(&self, rule_ids: Vec<String>, took: Duration) {
        let mut facts = self.facts();
        (facts.rule_ids, facts.upstream) = (rule_ids, Some(took));
    }

    /// Comes to the next check. The one before it did not decide.
    pub(crate) fn at(&self, name: &'static str) {
        if !self.is_explained {
            return;
        }
        let checks = &mut self.facts().checks;
        if checks.last().is_none_or(|last| last.name != name) {
            checks.push(Check { name, found: None });
        }
    }

    /// Says what the check that it is at has found: never whose, and nothing that opens anything.
    pub(crate) fn found(&self, what: impl FnOnce() -> String) {
        if self.is_explained
            && let Some(check) = self.facts().checks.last_mut()
        {
            check.found = Some(what());
        }
    }

    /// The key of the attempt.
    pub(crate) fn id(&self) -> IdempotencyKey {
        self.facts().attempt.clone()
    }

    /// It goes on, and is told once Authsignal was told of it.
    pub(crate) fn is_observed(&self) {
        let facts = self.facts();
        self.span.record("decision_id", display(&facts.attempt)).record("outcome", Outcome::Observed.as_str());
    }

    /// Tells all who listen how it ended, with what was noted.
    pub(crate) fn end(&self, listeners: &Listeners, ended: Ended<'_>) {
        let facts = self.facts();
        let Facts { attempt, user, actor, rule_ids, upstream, checks } = &*facts;
        self.span.record("decision_id", display(attempt)).record("outcome", ended.outcome.as_str());
        if let Some(reason) = ended.reason {
            self.span.record("code", RefusalReason::code(reason));
        }
        if let Some(user) = user.as_ref().filter(|_| listeners.log_user_ids) {
            self.span.record("user_id", display(visible(user.as_str())));
        }
        let (user, actor) = (user.as_ref(), user.as_ref().map(|_| actor));
        listeners.tell(&Ended { id: Some(attempt), user, actor, rule_ids, upstream: *upstream, checks, ..ended });
    }

    /// It is one decision's own, so nobody waits for it.
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
