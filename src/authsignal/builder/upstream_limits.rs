//! How calls to Authsignal are bounded, and how many requests may pass without it.
use std::time::Duration;

use super::AuthsignalBuilder;
use crate::domain::breaker::BreakerLimit;
use crate::domain::failover::budget::FailoverLimit;

impl AuthsignalBuilder {
    /// When the circuit breaker in front of Authsignal opens, and the time between two probes while it is open. It opens where
    /// `faults` calls within 10 seconds end in a fault of the service's own ([`Outage::Connect`](crate::Outage::Connect),
    /// [`Timeout`](crate::Outage::Timeout), [`Server`](crate::Outage::Server)) and no more than as many are answered;
    /// nothing that a caller can bring about counts. While it is open, requests are answered at once as in the outage that
    /// opened it; one call in `pause` is made nevertheless, and the first that is answered closes it. It stands in front of
    /// the decisions of routes and the validation of challenges, for each handle by itself. Between 1 and 10,000 faults and
    /// between 100 milliseconds and 60 seconds; what is outside counts as the nearer end. Default: 5 faults, 2 seconds.
    ///
    /// [`Authsignal::upstream`](crate::Authsignal::upstream) says how it is.
    pub fn circuit_breaker(mut self, faults: u32, pause: Duration) -> Self {
        let pause = pause.clamp(Duration::from_millis(100), Duration::from_secs(60));
        self.breaker = Some(BreakerLimit { faults: faults.clamp(1, 10_000), pause });
        self
    }

    /// Asks Authsignal about each request, however many calls have failed: for tests that inject faults, and where something in
    /// between breaks the circuit. Default: a [`circuit_breaker`](Self::circuit_breaker).
    pub fn without_circuit_breaker(mut self) -> Self {
        self.breaker = None;
        self
    }

    /// How many calls may be on their way to Authsignal at once, for decisions and validations together. Any more are not made:
    /// the request is answered at once with 503 and `Retry-After` ([`Outage::Overloaded`](crate::Outage::Overloaded)), and never
    /// passes for it. By HTTP/1.1 each has a connection, and so a file, of its own. Between 1 and 1,000,000; what is outside
    /// counts as the nearer end. Default: 512.
    pub fn max_upstream_calls(mut self, calls: usize) -> Self {
        self.max_upstream_calls = calls.clamp(1, 1_000_000);
        self
    }

    /// How many events of [observed](crate::AuthsignalLayer::observe) routes may wait to be sent, one or two kilobytes each. Over
    /// it a request waits for room, 100 milliseconds at most, and goes on; its event is then lost, and an error in the log.
    /// Between 1 and 1,000,000; what is outside counts as the nearer end. Default: 4,096.
    pub fn max_observed(mut self, events: usize) -> Self {
        self.max_observed = events.clamp(1, 1_000_000);
        self
    }

    /// How many requests may pass in an outage within a minute: of all users together, for each action by itself, and of one
    /// user for all actions. It is for routes that say so ([`OnOutage`](crate::OnOutage)): over it, a request is refused as it
    /// is elsewhere, and [`Refusal::no_failover`](crate::Refusal::no_failover) says why. Where the application's own proof is
    /// asked for, a user's tries count whether they prove anything or not. Between none and 10,000 each; more counts as
    /// 10,000. Default: 60 of all and 3 of one user.
    ///
    /// It is counted in the memory of this process: with several nodes each lets as many pass. The user counts whatever the
    /// session, unlike in the other budgets: who has stolen one could begin as many as they like.
    pub fn failover_budget(mut self, of_all: usize, of_user: usize) -> Self {
        self.failover_budget = FailoverLimit::new(of_all, of_user);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use authsignal_client::Client;

    use crate::Authsignal;
    use crate::domain::breaker::BreakerLimit;
    use crate::domain::failover::budget::FailoverLimit;

    /// T79, T84: a handle that sets nothing has what the setters name, and no setting is outside of its bounds.
    #[test]
    fn t79_t84_bounds_of_calls_are_as_documented() {
        let builder = || Authsignal::builder(Client::builder("secret").build().unwrap());
        let limit = |faults, pause| Some(BreakerLimit { faults, pause: Duration::from_millis(pause) });
        assert_eq!((builder().breaker, builder().max_upstream_calls), (limit(5, 2000), 512));
        assert_eq!(builder().failover_budget, FailoverLimit::new(60, 3));
        assert_eq!(builder().circuit_breaker(0, Duration::ZERO).breaker, limit(1, 100));
        assert_eq!(builder().circuit_breaker(u32::MAX, Duration::MAX).breaker, limit(10_000, 60_000));
        assert_eq!(builder().without_circuit_breaker().breaker, None);
        assert_eq!([0, usize::MAX].map(|calls| builder().max_upstream_calls(calls).max_upstream_calls), [1, 1_000_000]);
        assert_eq!(builder().max_observed, 4096);
        assert_eq!([0, usize::MAX].map(|events| builder().max_observed(events).max_observed), [1, 1_000_000]);
    }
}
