//! Requests of a route that is only observed: they go on at once, and Authsignal is told after the fact.
use std::mem::take;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::IdempotencyKey;
use axum::extract::MatchedPath;
use http::request::Parts;
use tokio::time::Instant;

use super::case::Case;
use super::guard::Guard;
use super::overlooked::Overlooked;
use super::tracked::{Tracked, reason_of};
use crate::authsignal::Inner;
use crate::decided::Ended;
use crate::decided::outcome::Outcome;
use crate::domain::decision::{Decision, Passed, Proving};
use crate::outage::Outage;
use crate::outbox::Event;
use crate::refusal::RefusalReason;
use crate::upstream::Unanswered;
use crate::verdict::question::Question;

/// How long a request waits for room in the queue. It is the longest that observing holds one up.
const MAX_WAIT_FOR_ROOM: Duration = Duration::from_millis(100);
/// How long it is tried to send an event.
const MAX_SENDING: Duration = Duration::from_secs(5 * 60);
/// How long is waited after the first try that fails, and after any.
const MIN_PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// The longest that Authsignal can make an event wait for its next try.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(60);

/// A request that went on, and has still to be told.
struct Observation {
    authsignal: Arc<Inner>,
    question: Question,
    attempt: IdempotencyKey,
    route: Option<MatchedPath>,
    is_foreign: bool,
    /// Why it would have been refused before Authsignal was asked.
    overlooked: Option<RefusalReason>,
}

/// What a request would have come to, had it been stopped where it has to be.
struct Would {
    outcome: Outcome,
    reason: Option<RefusalReason>,
}

impl Guard {
    /// Notes a request, which goes on whatever comes of that.
    pub(super) async fn observe(
        &self,
        case: &Case<'_>,
        parts: &Parts,
        attempt: &IdempotencyKey,
        overlooked: Overlooked,
    ) {
        let observation = Observation {
            authsignal: Arc::clone(&self.authsignal),
            question: case.question.clone(),
            attempt: attempt.clone(),
            route: parts.extensions.get::<MatchedPath>().cloned(),
            is_foreign: case.is_foreign(parts),
            overlooked: overlooked.into_reason(),
        };
        let event: Event = Box::new(move || Box::pin(observation.send()));
        let outbox = &self.authsignal.outbox;
        if outbox.put(event, MAX_WAIT_FOR_ROOM).await.is_err() {
            let reason = RefusalReason::Outage(Outage::Overloaded);
            let (user, actor) = (Some(&case.question.account), Some(&case.question.actor));
            let ended =
                Ended { id: Some(attempt), user, actor, reason: Some(&reason), ..self.ended(parts, Outcome::Observed) };
            self.authsignal.listeners.tell(&ended);
            tracing::error!(
                action = %self.action,
                decision_id = %attempt,
                lost = outbox.state().lost,
                setter = "AuthsignalBuilder::max_observed",
                "an event of an observed route is lost: as many as may wait do"
            );
        }
    }
}

impl Observation {
    /// Tells Authsignal, under the key of the attempt, so that a try whose answer was lost counts no second time. Whether it
    /// has arrived.
    async fn send(self) -> bool {
        let (begun, mut pause) = (Instant::now(), MIN_PAUSE);
        loop {
            let asked = Instant::now();
            let Unanswered { outage, wait } = match Tracked::ask(&self.authsignal, &self.question).await {
                Ok(tracked) => {
                    self.tell(tracked, asked.elapsed());
                    return true;
                }
                Err(unanswered) => unanswered,
            };
            let wait = wait.map_or(pause, |wait| wait.clamp(pause, MAX_RETRY_AFTER));
            // What is refused is refused again.
            if outage == Outage::Rejected || begun.elapsed() + wait > MAX_SENDING {
                self.tell_of_loss(outage);
                return false;
            }
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    fn tell(&self, mut tracked: Tracked, took: Duration) {
        let rule_ids = take(&mut tracked.rule_ids);
        let would = self.would(&tracked);
        let ended = Ended {
            reason: would.reason.as_ref(),
            would: Some(would.outcome),
            rule_ids: &rule_ids,
            upstream: Some(took),
            ..self.ended()
        };
        self.authsignal.listeners.tell(&ended);
    }

    fn tell_of_loss(&self, outage: Outage) {
        let reason = RefusalReason::Outage(outage);
        self.authsignal.listeners.tell(&Ended { reason: Some(&reason), ..self.ended() });
        tracing::error!(
            action = %self.question.action,
            decision_id = %self.attempt,
            outage = outage.as_str(),
            "an event of an observed route is lost: Authsignal refused it, or could not be told for five minutes"
        );
    }

    fn ended(&self) -> Ended<'_> {
        let route = self.route.as_ref().map(MatchedPath::as_str);
        let Question { account, actor, .. } = &self.question;
        Ended {
            route,
            user: Some(account),
            actor: Some(actor),
            ..Ended::new(Outcome::Observed, Some(&self.question.action), Some(&self.attempt))
        }
    }

    fn would(&self, tracked: &Tracked) -> Would {
        let passes = |outcome| Would { outcome, reason: None };
        if let Some(reason) = &self.overlooked {
            return Would { outcome: Outcome::Refused, reason: Some(reason.clone()) };
        }
        let Question { policy, actor, .. } = &self.question;
        match tracked.decision(policy, actor) {
            Decision::Pass(Passed::Allowed) => passes(Outcome::Allowed),
            Decision::Pass(Passed::Unenrolled) => passes(Outcome::Unenrolled),
            Decision::Pass(Passed::Settled) => passes(Outcome::Settled),
            Decision::Challenge(_) if self.is_foreign => {
                Would { outcome: Outcome::Refused, reason: Some(RefusalReason::CrossSite) }
            }
            Decision::Challenge(Proving::Review) => {
                Would { outcome: Outcome::UnderReview, reason: Some(RefusalReason::UnderReview) }
            }
            Decision::Challenge(_) => {
                Would { outcome: Outcome::Challenged, reason: Some(RefusalReason::ChallengeRequired) }
            }
            Decision::Refuse(refused) => Would { outcome: Outcome::Refused, reason: Some(reason_of(refused)) },
        }
    }
}
