//! What becomes of a request that Authsignal could not be asked about: refused, or let through as its route says.
use std::time::Duration;

use authsignal_client::IdempotencyKey;
use http::request::Parts;

use super::body::{Reading, ReplayBody};
use super::case::Case;
use super::fallback::{FallbackRequest, check};
use super::guard::Guard;
use super::judge::Way;
use super::stop::Stop;
use crate::domain::failover::{Failover, NoFailover, Undecided, decide};
use crate::refusal::RefusalReason;

impl Guard {
    /// Decides a request without Authsignal, which answered nothing and said, perhaps, when to try again.
    pub(super) async fn failover<B: ReplayBody>(
        &self,
        case: Case<'_>,
        parts: &Parts,
        body: Reading<B>,
        attempt: IdempotencyKey,
        (undecided, wait): (Undecided, Option<Duration>),
    ) -> Result<Way<B>, Stop> {
        let outage = undecided.outage;
        let without =
            |why, room: Option<Duration>| Stop::Outage { outage, wait: wait.max(room), no_failover: Some(why) };
        match decide(undecided, self.policy.on_outage) {
            Failover::Refuse => Err(Stop::Outage { outage, wait, no_failover: None }),
            Failover::Without(why) => Err(without(why, None)),
            Failover::Admit => {
                let (failovers, now) = (&self.authsignal.failovers, self.authsignal.flows.now());
                let counted = failovers.admit(case.question.user.as_str(), &self.action, now);
                counted.map_err(|room| without(NoFailover::OverBudget, Some(room)))?;
                Ok(Way::new(body, case.failed_over(outage, false, attempt)))
            }
            Failover::AskForProof => {
                let body = self.prove(&case, parts, body, &without, outage).await?;
                Ok(Way::new(body, case.failed_over(outage, true, attempt)))
            }
        }
    }

    /// Asks for the application's own proof of a request, and spends it.
    async fn prove<B: ReplayBody>(
        &self,
        case: &Case<'_>,
        parts: &Parts,
        body: Reading<B>,
        without: &(impl Fn(NoFailover, Option<Duration>) -> Stop + Sync),
        outage: crate::outage::Outage,
    ) -> Result<Reading<B>, Stop> {
        let Some(fallback) = &self.fallback else { return Err(without(NoFailover::Broken, None)) };
        let authsignal = &self.authsignal;
        // Its own slow or long body ends it as everywhere: what the proof is for has to be known.
        let body = body.read(authsignal.body_limit).await?;
        let whole = body.whole().ok_or(RefusalReason::BodyTooLarge)?;
        let user = &case.question.user;
        let digest = case.request_binding(parts, whole);
        let failovers = &authsignal.failovers;
        let over = |room| without(NoFailover::OverBudget, Some(room));
        failovers.try_proof(user.as_str(), &self.action, authsignal.flows.now()).map_err(over)?;
        let request = FallbackRequest {
            parts: parts.clone(),
            body: whole.clone(),
            user: user.clone(),
            session: case.question.session.clone(),
            action: self.action.clone(),
            digest,
            outage,
        };
        check(&fallback.check, request, fallback.timeout).await.map_err(|why| without(why, None))?;
        failovers.pass(user.as_str(), &self.action, authsignal.flows.now()).map_err(over)?;
        if authsignal.flows.spend_proof(&digest, case.run.id).await? {
            Ok(body)
        } else {
            Err(RefusalReason::AlreadyDone.into())
        }
    }
}
