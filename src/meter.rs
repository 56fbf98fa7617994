//! What is counted and measured, through the `metrics` facade where the feature of that name is on, and not at all without it.
//!
//! A label is one of few words that are written here or in a route's setting, so that the number of series never depends on who
//! asks, or for what (threat T99).
#![cfg_attr(
    not(feature = "metrics"),
    allow(unused_variables, dead_code, reason = "nothing is counted without the feature")
)]
#[cfg(feature = "metrics")]
mod action_labels;
#[cfg(test)]
#[cfg(feature = "metrics")]
mod tests;

#[cfg(feature = "metrics")]
use std::time::Duration;
#[cfg(feature = "metrics")]
use tokio::time::Instant;

#[cfg(feature = "metrics")]
pub(crate) use action_labels::ActionLabels;

/// Without the feature no action has a label.
#[cfg(not(feature = "metrics"))]
#[derive(Debug, Default)]
pub(crate) struct ActionLabels(());

#[cfg(not(feature = "metrics"))]
impl ActionLabels {
    /// Counts a decision.
    pub(crate) fn decided(&self, action: Option<&authsignal_client::ActionCode>, outcome: &'static str) {}
}

pub(crate) const DECISIONS: &str = "authsignal_decisions_total";
pub(crate) const REFUSALS: &str = "authsignal_refusals_total";
pub(crate) const OBSERVED: &str = "authsignal_observed_total";
pub(crate) const UPSTREAM: &str = "authsignal_upstream_seconds";
pub(crate) const BREAKERS_OPEN: &str = "authsignal_breakers_open";
pub(crate) const FAILOVERS: &str = "authsignal_failovers_total";
pub(crate) const FLOWS: &str = "authsignal_flows_total";
pub(crate) const BUDGETS: &str = "authsignal_budget_refusals_total";
pub(crate) const STORE: &str = "authsignal_store_seconds";
pub(crate) const STORE_ERRORS: &str = "authsignal_store_errors_total";
pub(crate) const AUDITED: &str = "authsignal_audit_events_total";
pub(crate) const AUDIT_LOST: &str = "authsignal_audit_lost_total";
pub(crate) const INSECURE: &str = "stepup_insecure";

/// Describes every metric of this crate, with its unit, to the recorder that is installed. [`build`](crate::AuthsignalBuilder::build)
/// does so too; this is for recorders that are installed later.
///
/// # Examples
///
/// ```
/// // The exporter's own `install` comes before, wherever a handle is built later than this.
/// axum_authsignal::describe_metrics();
/// ```
#[cfg(feature = "metrics")]
#[cfg_attr(docsrs, doc(cfg(feature = "metrics")))]
pub fn describe_metrics() {
    use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
    describe_counter!(DECISIONS, Unit::Count, "Decisions, by action and outcome.");
    describe_counter!(
        REFUSALS,
        Unit::Count,
        "Requests and ways back that went no further, by the code of docs/refusals.md."
    );
    describe_counter!(
        OBSERVED,
        Unit::Count,
        "Requests of observed routes, by how they would have ended and the code of docs/refusals.md."
    );
    describe_histogram!(UPSTREAM, Unit::Seconds, "Time that Authsignal took to answer a call, by how it ended.");
    describe_gauge!(
        BREAKERS_OPEN,
        Unit::Count,
        "Circuit breakers in front of Authsignal that are open, of all handles."
    );
    describe_counter!(
        FAILOVERS,
        Unit::Count,
        "Requests in an outage on routes that let some pass, by what became of them."
    );
    describe_counter!(FLOWS, Unit::Count, "Challenges: begun, proved, left, failed.");
    describe_counter!(BUDGETS, Unit::Count, "Requests that were over a budget of their user's, by budget.");
    describe_histogram!(STORE, Unit::Seconds, "Time that the store of flows took, by operation.");
    describe_counter!(STORE_ERRORS, Unit::Count, "Calls to the store that failed, by kind.");
    describe_counter!(AUDITED, Unit::Count, "Audit events that their sink has taken.");
    describe_counter!(AUDIT_LOST, Unit::Count, "Audit events that are lost, by why.");
    describe_gauge!(INSECURE, Unit::Count, "1 where an emulator decides, which has no place in production.");
}

#[cfg(not(feature = "metrics"))]
pub(crate) fn describe_metrics() {}

/// Counts a refusal.
pub(crate) fn refused(code: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!(REFUSALS, "code" => code).increment(1);
}

/// Counts a request of an observed route, by how it would have ended; where Authsignal was never told, nobody knows.
pub(crate) fn observed(would: Option<&'static str>, code: Option<&'static str>) {
    #[cfg(feature = "metrics")]
    metrics::counter!(OBSERVED, "would" => would.unwrap_or("unknown"), "code" => code.unwrap_or("none")).increment(1);
}

/// Measures a call to Authsignal, which ended so.
pub(crate) fn called(timer: &Timer, outage: Option<&'static str>) {
    #[cfg(feature = "metrics")]
    match outage {
        // A label that is written down takes no memory.
        None => metrics::histogram!("authsignal_upstream_seconds", "ended" => "answered").record(timer.elapsed()),
        Some(outage) => metrics::histogram!(UPSTREAM, "ended" => outage).record(timer.elapsed()),
    }
}

/// Notes that a breaker has opened, or closed.
pub(crate) fn breaker(is_open: bool) {
    #[cfg(feature = "metrics")]
    metrics::gauge!("authsignal_breakers_open").increment(if is_open { 1.0 } else { -1.0 });
}

/// Counts a request in an outage: `ended` is how it passed, or why not.
pub(crate) fn failover(ended: &'static str, outage: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!(FAILOVERS, "ended" => ended, "outage" => outage).increment(1);
}

/// Counts a step of a flow.
pub(crate) fn flow(event: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!(FLOWS, "event" => event).increment(1);
}

/// Counts a request over a budget.
pub(crate) fn over_budget(budget: &'static str) {
    #[cfg(feature = "metrics")]
    metrics::counter!(BUDGETS, "budget" => budget).increment(1);
}

/// Measures a call to the store.
pub(crate) fn stored(timer: &Timer, is_load: bool, error: Option<&'static str>) {
    #[cfg(feature = "metrics")]
    {
        let histogram = if is_load {
            metrics::histogram!("authsignal_store_seconds", "operation" => "load")
        } else {
            metrics::histogram!("authsignal_store_seconds", "operation" => "swap")
        };
        histogram.record(timer.elapsed());
        if let Some(kind) = error {
            metrics::counter!(STORE_ERRORS, "kind" => kind).increment(1);
        }
    }
}

/// Counts audit events: one that was taken, or so many that were lost.
pub(crate) fn audited(lost: Option<(&'static str, u64)>) {
    #[cfg(feature = "metrics")]
    match lost {
        None => metrics::counter!("authsignal_audit_events_total").increment(1),
        Some((why, count)) => metrics::counter!(AUDIT_LOST, "why" => why).increment(count),
    }
}

/// Notes a handle that an emulator decides for (threat T103).
pub(crate) fn insecure() {
    #[cfg(feature = "metrics")]
    metrics::gauge!("stepup_insecure").set(1.0);
}

/// Measures from when it was made.
pub(crate) struct Timer {
    #[cfg(feature = "metrics")]
    start: Instant,
}

impl Timer {
    pub(crate) fn start() -> Self {
        Self {
            #[cfg(feature = "metrics")]
            start: Instant::now(),
        }
    }

    #[cfg(feature = "metrics")]
    fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}
