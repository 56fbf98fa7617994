//! How long one try waits, and what it means for the next that it failed.
use std::pin::pin;

use tokio::time::{Instant, timeout_at};
use tower::retry::budget::{Budget as _, TpsBudget};

use super::retry::FailureCause;
use crate::error::{Error, ErrorKind};

/// A try that failed, and what that means for the next.
pub(super) struct Failure {
    pub(super) error: Error,
    pub(super) cause: FailureCause,
}

impl Failure {
    pub(super) fn last(error: Error) -> Self {
        Self { error, cause: FailureCause::Final }
    }

    /// Of two failures of one call, what it is said to have failed by: the later one. But what a caller may have brought about, by
    /// too many calls (429) or by something that a proxy hangs up on, is not hidden behind a fault of the service's own, which
    /// would excuse more.
    pub(super) fn or(self, later: Self) -> Self {
        let is_callers = matches!(self.cause, FailureCause::Status(429) | FailureCause::Lost);
        let is_services = matches!(later.error.kind(), ErrorKind::Timeout | ErrorKind::Connect | ErrorKind::Server);
        if is_callers && is_services { self } else { later }
    }
}

/// How long one try waits.
#[derive(Clone, Copy)]
pub(super) struct Patience<'a> {
    /// The end of the call.
    pub(super) deadline: Instant,
    /// Until when it waits where another try may follow.
    pub(super) share: Option<Instant>,
    /// What another try is paid from.
    pub(super) budget: &'a TpsBudget,
}

/// Why a try no longer waits.
pub(super) enum Elapsed {
    /// Another try may follow; it has been paid for.
    Share,
    Deadline,
}

impl Patience<'_> {
    /// Waits for `work`. Who may not ask again waits on: giving up would be worse than a late answer.
    pub(super) async fn wait<T>(&mut self, work: impl Future<Output = T>) -> Result<T, Elapsed> {
        let mut work = pin!(work);
        if let Some(share) = self.share {
            if let Ok(done) = timeout_at(share, &mut work).await {
                return Ok(done);
            }
            if self.budget.withdraw() {
                return Err(Elapsed::Share);
            }
            self.share = None;
        }
        timeout_at(self.deadline, work).await.map_err(|_| Elapsed::Deadline)
    }
}

impl Elapsed {
    pub(super) fn fail(self, status: Option<u16>) -> Failure {
        let error = Error::timeout();
        let error = if let Some(status) = status { error.with_status(status) } else { error };
        Failure { error, cause: if matches!(self, Self::Share) { FailureCause::Silent } else { FailureCause::Final } }
    }
}
