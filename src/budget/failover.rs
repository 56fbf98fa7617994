//! What has passed undecided of late, counted in this process's memory.
use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authsignal_client::ActionCode;

use crate::domain::failover::budget::{FailoverBudget, FailoverLimit, Trying};
use crate::domain::flow::Moment;

/// The failovers of a handle. Each node counts its own: what counts has to work when nothing else does.
#[derive(Debug)]
pub(crate) struct Failovers {
    limit: FailoverLimit,
    hasher: RandomState,
    budget: Mutex<FailoverBudget>,
}

impl Failovers {
    pub(crate) fn new(limit: FailoverLimit) -> Self {
        Self { limit, hasher: RandomState::new(), budget: Mutex::default() }
    }

    /// Counts a pass; or says how long until there is room.
    pub(crate) fn admit(&self, user: &str, action: &ActionCode, now: Moment) -> Result<(), Duration> {
        self.budget().take(self.limit, self.trying(user, action), true, now)
    }

    /// Counts a try to show a proof; or says how long until there is room.
    pub(crate) fn try_proof(&self, user: &str, action: &ActionCode, now: Moment) -> Result<(), Duration> {
        self.budget().take(self.limit, self.trying(user, action), false, now)
    }

    /// Counts the pass of a proof that was shown; or says how long until there is room.
    pub(crate) fn pass(&self, user: &str, action: &ActionCode, now: Moment) -> Result<(), Duration> {
        self.budget().pass(self.limit, self.trying(user, action), now)
    }

    /// The user alone counts, whatever the session: who has stolen one could begin as many as they like.
    fn trying(&self, user: &str, action: &ActionCode) -> Trying {
        Trying { user: self.hasher.hash_one(user), action: self.hasher.hash_one(action.as_str()) }
    }

    /// No code of others runs while the lock is held, so a poisoned lock still guards a sound count.
    fn budget(&self) -> MutexGuard<'_, FailoverBudget> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
