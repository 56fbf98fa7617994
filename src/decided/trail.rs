//! What is noted of a decision on its way, so that it can be told where it ends.
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authsignal_client::{IdempotencyKey, UserId};

use super::Ended;

/// What is noted of one decision.
#[derive(Debug)]
pub(crate) struct Trail(Mutex<Facts>);

#[derive(Debug)]
struct Facts {
    attempt: IdempotencyKey,
    user: Option<UserId>,
    rule_ids: Vec<String>,
    upstream: Option<Duration>,
}

impl Trail {
    /// A decision that begins, as an attempt of that key.
    pub(crate) fn new(attempt: IdempotencyKey) -> Self {
        Self(Mutex::new(Facts { attempt, user: None, rule_ids: Vec::new(), upstream: None }))
    }

    /// It is about an attempt that was begun before, and goes by its key.
    pub(crate) fn is_of(&self, attempt: &IdempotencyKey) {
        self.facts().attempt = attempt.clone();
    }

    /// Whose request it is.
    pub(crate) fn user(&self, user: &UserId) {
        self.facts().user = Some(user.clone());
    }

    /// What the service said, and how long that took.
    pub(crate) fn asked(&self, rule_ids: Vec<String>, took: Duration) {
        let mut facts = self.facts();
        (facts.rule_ids, facts.upstream) = (rule_ids, Some(took));
    }

    /// The key of the attempt.
    pub(crate) fn id(&self) -> IdempotencyKey {
        self.facts().attempt.clone()
    }

    /// Gives what was noted to what is told.
    pub(crate) fn end<T>(&self, ended: Ended<'_>, tell: impl FnOnce(&Ended<'_>) -> T) -> T {
        let facts = self.facts();
        let Facts { attempt, user, rule_ids, upstream } = &*facts;
        tell(&Ended { id: Some(attempt), user: user.as_ref(), rule_ids, upstream: *upstream, ..ended })
    }

    /// It is one decision's own, so nobody waits for it.
    fn facts(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
