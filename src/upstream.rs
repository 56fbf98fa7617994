//! The way to Authsignal of all layers of a handle: a circuit breaker, and so many calls at once. What is not let through is
//! answered at once, as an outage; it never passes for that.
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use authsignal_client::{self as client, ActionCode};
use tokio::time::Instant;

use crate::domain::breaker::{Breaker, BreakerLimit, Change, Ending, Pass, Tripped};
use crate::meter::{self, Timer};
use crate::outage::Outage;

/// How many calls are on their way at once, unless told otherwise.
pub(crate) const MAX_UPSTREAM_CALLS: usize = 512;

/// A breaker that is calm says so by its epoch alone, and one that is not by this.
const ALERT: u64 = u64::MAX;

/// The way to Authsignal.
pub(crate) struct Upstream {
    /// Without one, where that was asked for.
    breaker: Option<Mutex<Breaker>>,
    /// The breaker's epoch while it is calm: calls that find it need no lock. Else [`ALERT`].
    calm: AtomicU64,
    max_calls: usize,
    calls: AtomicUsize,
    /// What the breaker's times are counted from.
    start: Instant,
}

/// Whether calls to Authsignal go through: [`Authsignal::upstream`](crate::Authsignal::upstream).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Circuit {
    /// They do.
    Closed,
    /// None does: it is answered at once with the fault that opened the breaker.
    Open,
    /// As `Open`, while a probe is on its way that closes it if it is answered.
    HalfOpen,
}

/// How the way to Authsignal is, as this handle sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UpstreamState {
    /// Whether calls go through.
    pub circuit: Circuit,
    /// Since when it is closed, or since when it is not.
    pub since: SystemTime,
    /// The fault that opened it, or that the last probe met.
    pub outage: Option<Outage>,
    /// How many calls are on their way.
    pub in_flight: usize,
}

/// Why there is no answer, and when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unanswered {
    pub(crate) outage: Outage,
    pub(crate) wait: Option<Duration>,
}

/// A call on its way. Dropped, however that comes about, it makes room for another.
struct Underway<'a> {
    upstream: &'a Upstream,
    /// Taken once the call has ended.
    pass: Option<Pass>,
}

impl Upstream {
    pub(crate) fn new(breaker: Option<BreakerLimit>, max_calls: usize) -> Self {
        Self {
            breaker: breaker.map(|limit| Mutex::new(Breaker::new(limit))),
            calm: AtomicU64::new(0),
            max_calls,
            calls: AtomicUsize::new(0),
            start: Instant::now(),
        }
    }

    /// Makes a call, if one may be made, and says in the log what came of it where there is no answer.
    pub(crate) async fn ask<T>(
        &self,
        action: &ActionCode,
        call: impl Future<Output = Result<T, client::Error>>,
    ) -> Result<T, Unanswered> {
        let underway = self.enter(action)?;
        let timer = Timer::start();
        match call.await {
            Ok(answer) => {
                meter::called(&timer, None);
                underway.ended(Ending::Answered);
                Ok(answer)
            }
            Err(error) => {
                let outage = Outage::of_service(&error, action);
                meter::called(&timer, Some(outage.as_str()));
                underway.ended(Ending::of(outage));
                Err(Unanswered { outage, wait: error.retry_after() })
            }
        }
    }

    fn enter(&self, action: &ActionCode) -> Result<Underway<'_>, Unanswered> {
        let pass = self.admit().map_err(|Tripped { by, wait }| {
            tracing::debug!(%action, outage = by.as_str(), "not asked: the breaker in front of Authsignal is open");
            Unanswered { outage: by, wait: Some(wait) }
        })?;
        // Ordering: nothing but the number itself depends on it.
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        let underway = Underway { upstream: self, pass: Some(pass) };
        // A probe is one of few, and what hangs must not keep it from finding out that the service is back.
        if before >= self.max_calls && !pass.is_probe {
            tracing::debug!(%action, max_upstream_calls = self.max_calls, "not asked: as many calls are on their way");
            return Err(Unanswered { outage: Outage::Overloaded, wait: None });
        }
        Ok(underway)
    }

    fn admit(&self) -> Result<Pass, Tripped> {
        let calm = self.calm.load(Ordering::Acquire);
        match (u32::try_from(calm), &self.breaker) {
            (Ok(epoch), _) => Ok(Breaker::calm_pass(epoch)),
            (Err(_), Some(breaker)) => self.change(breaker, Breaker::admit),
            (Err(_), None) => Ok(Breaker::calm_pass(0)),
        }
    }

    fn ended(&self, pass: Pass, ending: Ending) {
        let is_calm = self.calm.load(Ordering::Acquire) == u64::from(pass.epoch);
        let Some(breaker) = self.breaker.as_ref().filter(|_| !is_calm || matches!(ending, Ending::Fault(_))) else {
            return;
        };
        match self.change(breaker, |breaker, now| breaker.ended(pass, ending, now)) {
            Some(Change::Opened { by, faults }) => {
                meter::breaker(true);
                tracing::error!(
                    circuit = "open",
                    outage = by.as_str(),
                    faults,
                    "the breaker in front of Authsignal is open: requests are answered at once as in this outage, until a probe \
                     is answered"
                );
            }
            Some(Change::Closed { after }) => {
                meter::breaker(false);
                tracing::warn!(
                    circuit = "closed",
                    ?after,
                    "the breaker in front of Authsignal is closed: it answers again"
                );
            }
            None => {}
        }
    }

    fn change<T>(&self, breaker: &Mutex<Breaker>, change: impl FnOnce(&mut Breaker, Duration) -> T) -> T {
        let mut breaker = lock(breaker);
        let changed = change(&mut breaker, self.start.elapsed());
        // Within the lock, so that an older word of it never stands.
        self.calm.store(breaker.calm().map_or(ALERT, u64::from), Ordering::Release);
        changed
    }

    /// How it is; `now` is the time of the application's clock.
    pub(crate) fn state(&self, now: SystemTime) -> UpstreamState {
        let (since, open) = self.breaker.as_ref().map_or((Duration::ZERO, None), |breaker| lock(breaker).position());
        let ago = self.start.elapsed().saturating_sub(since);
        UpstreamState {
            circuit: match open {
                None => Circuit::Closed,
                Some((_, false)) => Circuit::Open,
                Some((_, true)) => Circuit::HalfOpen,
            },
            since: now.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH),
            outage: open.map(|(by, _)| by),
            in_flight: self.calls.load(Ordering::Relaxed),
        }
    }
}

/// No code of others runs while the lock is held, so a poisoned lock still guards a sound breaker.
fn lock(breaker: &Mutex<Breaker>) -> MutexGuard<'_, Breaker> {
    breaker.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Underway<'_> {
    fn ended(mut self, ending: Ending) {
        if let Some(pass) = self.pass.take() {
            self.upstream.ended(pass, ending);
        }
    }
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        self.upstream.calls.fetch_sub(1, Ordering::Relaxed);
        if let Some(pass) = self.pass.take() {
            self.upstream.ended(pass, Ending::Unknown);
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("calls", &self.calls)
            .field("max_calls", &self.max_calls)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use super::*;

    const LIMIT: BreakerLimit = BreakerLimit { faults: 3, pause: Duration::from_secs(2) };

    fn action() -> ActionCode {
        ActionCode::new("pay").unwrap()
    }

    async fn answered(upstream: &Upstream) -> Result<(), Unanswered> {
        upstream.ask(&action(), async { Ok(()) }).await
    }

    /// A transport of the user's that does so.
    async fn panics() -> Result<(), client::Error> {
        panic!("a transport of the user's")
    }

    /// T84, T85, T86: so many at once, and each way in which a call can end makes room again.
    #[tokio::test(start_paused = true)]
    async fn t84_t85_t86_room_for_calls_comes_back_however_they_end() {
        let (upstream, action) = (Arc::new(Upstream::new(Some(LIMIT), 2)), action());
        let cx = &mut Context::from_waker(Waker::noop());
        for round in 0..3 {
            let mut first = Box::pin(upstream.ask(&action, pending::<Result<(), client::Error>>()));
            let mut second = Box::pin(upstream.ask(&action, pending::<Result<(), client::Error>>()));
            assert!(first.as_mut().poll(cx).is_pending() && second.as_mut().poll(cx).is_pending());
            assert_eq!(upstream.state(SystemTime::UNIX_EPOCH).in_flight, 2);
            let shed = answered(&upstream).await;
            assert_eq!(shed, Err(Unanswered { outage: Outage::Overloaded, wait: None }), "{round}");
            drop(second);
            assert_eq!(upstream.state(SystemTime::UNIX_EPOCH).in_flight, 1);
            answered(&upstream).await.unwrap();
            let (other, action) = (Arc::clone(&upstream), action.clone());
            let panicked = tokio::spawn(async move { other.ask(&action, panics()).await }).await;
            assert!(panicked.is_err_and(|error| error.is_panic()));
            assert_eq!(upstream.state(SystemTime::UNIX_EPOCH).in_flight, 1);
        }
        let state = upstream.state(SystemTime::UNIX_EPOCH);
        assert_eq!(
            (state.circuit, state.in_flight),
            (Circuit::Closed, 0),
            "what nobody waits for says nothing of the service"
        );
    }
}
