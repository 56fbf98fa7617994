//! A decision without a request that waits for its proof.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, SystemTime};

use authsignal_client::{ActionState, IdempotencyKey, Token, Track};
use http::Method;
use thiserror::Error;
use tokio::time::{Instant, sleep};

use crate::authsignal::{Authsignal, Inner};
use crate::domain::actor::Actor;
use crate::domain::coverage::Address;
use crate::domain::flow::{APPROVED, Challenge, Flow, Kind, Moment, RequestId, Resolution, Unproven, Validation};
use crate::domain::policy::Policy;
use crate::outage::Outage;
use crate::random::random;
use crate::redeem::Unredeemed;
use crate::refusal::{Refusal, RefusalReason};
use crate::response::answer::ChallengeAnswer;
use crate::store::flows::Holder;
use crate::store::flows::waiting_decision::WaitingDecision;
use crate::upstream::Unanswered;
use crate::verdict::question::{LayerId, Question, Run, TrackAsked};
use crate::verdict::{self, Grounds, Verdict};

/// How long is waited before Authsignal is asked again: at first, and at most.
const MIN_PAUSE: Duration = Duration::from_secs(1);
const MAX_PAUSE: Duration = Duration::from_secs(10);

/// A decision that waits for its user's proof: [`Decision::Pending`](crate::Decision::Pending).
///
/// It can be dropped and [resumed](crate::Authsignal::resume_decision) by its [id](Self::id), after a restart and at another
/// node, and awaited as often as wanted: it holds nothing that has to be given back.
#[derive(Clone)]
pub struct PendingDecision {
    authsignal: Arc<Inner>,
    decision: WaitingDecision,
    /// Known where it began, and to whoever names the same attempt again.
    url: Option<String>,
    token: Option<Token>,
}

/// What came of waiting for a proof.
#[derive(Debug)]
#[non_exhaustive]
pub enum Waited {
    /// The user has proved it, or somebody who looked at it let it pass: do it. Waiting once more, until five minutes after
    /// that was noticed, says so again: that something is done once is for whoever does it.
    Verified(Verdict),
    /// The user declined, or it was refused otherwise: do not.
    Refused(Refusal),
    /// The time for the proof is over, or the user's approvals were [revoked](crate::Authsignal::revoke): do not.
    Expired,
    /// The user has not answered yet.
    Pending,
    /// Authsignal or the store could not be asked, the last time: nobody knows yet.
    Unavailable(Refusal),
}

/// A text that is the id of no decision: made by others, or by a handle with other secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("invalid id of a decision: not made here, or under a secret that is known no more")]
pub struct InvalidDecisionId;

impl Authsignal {
    /// The decision of this [id](PendingDecision::id), to wait for its proof again. Nobody is asked.
    ///
    /// # Errors
    ///
    /// [`InvalidDecisionId`] for a text that no handle with these secrets has made.
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use axum_authsignal::{Authsignal, InvalidDecisionId, Waited};
    /// async fn after_a_restart(authsignal: &Authsignal, stored: &str) -> Result<bool, InvalidDecisionId> {
    ///     let pending = authsignal.resume_decision(stored)?;
    ///     Ok(matches!(pending.wait(Duration::from_secs(300)).await, Waited::Verified(_)))
    /// }
    /// ```
    pub fn resume_decision(&self, id: &str) -> Result<PendingDecision, InvalidDecisionId> {
        let decision = self.inner().flows.open_decision(id).ok_or(InvalidDecisionId)?;
        Ok(PendingDecision::of(self.inner(), decision, None))
    }
}

impl PendingDecision {
    pub(super) fn of(authsignal: &Arc<Inner>, decision: WaitingDecision, challenge: Option<Challenge>) -> Self {
        let hosts = &authsignal.challenge_hosts;
        let (url, token) = match challenge {
            Some(Challenge { url, token, .. }) => (hosts.check(url.secret()).map(|url| url.as_str().to_owned()), token),
            None => (None, None),
        };
        Self { authsignal: Arc::clone(authsignal), decision, url, token }
    }

    /// One that has just begun.
    pub(super) fn begun(authsignal: &Arc<Inner>, asked: WaitingDecision, answer: &ChallengeAnswer) -> Self {
        let decision = WaitingDecision { attempt: answer.attempt.clone(), until: answer.expires, ..asked };
        let (url, token) = (Some(answer.url().to_owned()), answer.token.clone());
        Self { authsignal: Arc::clone(authsignal), decision, url, token }
    }

    /// One that somebody has to look at.
    pub(super) fn under_review(authsignal: &Arc<Inner>, asked: WaitingDecision, flow: &Flow) -> Self {
        let (attempt, until) = (flow.opening.attempt.clone(), flow.stage.until);
        Self::of(authsignal, WaitingDecision { attempt, until, is_review: true, ..asked }, None)
    }

    /// Where the user proves it. Whoever has the address can try, so it goes to this user alone. `None` after
    /// [`resume_decision`](crate::Authsignal::resume_decision), and where somebody else has to
    /// [look at it](crate::AuthsignalLayer::review).
    #[must_use]
    pub fn url(&self) -> Option<&str> {
        self.url.as_deref()
    }

    /// The token of the challenge, for Authsignal's client SDKs: a push message to the user's phone is begun with it. `None` as
    /// [`url`](Self::url).
    #[must_use]
    pub fn token(&self) -> Option<&Token> {
        self.token.as_ref()
    }

    /// The key of the attempt at Authsignal.
    #[must_use]
    pub fn idempotency_key(&self) -> &IdempotencyKey {
        &self.decision.attempt
    }

    /// Until when the user can prove it.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.decision.until.to_system_time()
    }

    /// A text to store, and to resume it by. It is sealed: nobody reads in it whose decision it is, and nobody can make
    /// another's of it. It proves nothing by itself.
    #[must_use]
    pub fn id(&self) -> String {
        self.authsignal.flows.seal_decision(&self.decision)
    }

    /// Waits until the user has answered, but no longer than `deadline`, nor than the proof has time. Authsignal is asked
    /// after one second and then less and less often, at most ten seconds apart, through the circuit breaker; while it is
    /// out, this waits on. It can be dropped at any time, and nothing is lost.
    ///
    /// Where the deadline comes first, it is [`Waited::Pending`], or [`Waited::Unavailable`] if nobody could be asked the last
    /// time.
    pub async fn wait(&self, deadline: Duration) -> Waited {
        let start = Instant::now();
        let mut pause = MIN_PAUSE;
        loop {
            let waited = self.check().await;
            let asked = match &waited {
                Waited::Pending => None,
                Waited::Unavailable(refusal) => refusal.retry_after(),
                _ => return waited,
            };
            let left = deadline.saturating_sub(start.elapsed());
            if left.is_zero() {
                return waited;
            }
            sleep(asked.unwrap_or_default().max(uneven(pause)).min(left)).await;
            pause = (pause * 2).min(MAX_PAUSE);
        }
    }

    /// Asks once.
    pub async fn check(&self) -> Waited {
        if self.decision.is_review {
            return self.check_review().await;
        }
        let WaitingDecision { user, action, attempt, until, binding, .. } = &self.decision;
        let Inner { upstream, client, flows, .. } = &*self.authsignal;
        let asking = async {
            match client.get_action(user, action, attempt).await {
                Err(error) if error.is_not_found() => Ok(None),
                asked => asked.map(Some),
            }
        };
        let found = match upstream.ask(action, asking).await {
            Ok(Some(found)) => found,
            Ok(None) => return Waited::Expired,
            Err(Unanswered { outage, wait }) => return self.unavailable(outage, wait),
        };
        if found.state == ActionState::ChallengeRequired {
            return if flows.now() < *until { Waited::Pending } else { Waited::Expired };
        }
        let at = found.state_updated_at.to_system_time().map(Moment::from);
        let validation = Validation::of_attempt((user, action, attempt), found.state, found.verification_method, at);
        match self.authsignal.take_answer(&Holder::Bearer, binding, &validation).await {
            Ok((resolution, flow)) => self.resolved(&resolution, flow),
            Err(Unredeemed { reason: RefusalReason::Outage(outage), wait, .. }) => self.unavailable(outage, wait),
            Err(_) => Waited::Expired,
        }
    }

    /// Asks whether somebody has looked at it.
    async fn check_review(&self) -> Waited {
        let flow = match self.authsignal.look_at_review(&Holder::Bearer, &self.decision.binding).await {
            Ok(flow) => flow,
            Err(Unredeemed { reason: RefusalReason::Outage(outage), wait, .. }) => {
                return self.unavailable(outage, wait);
            }
            Err(_) => return Waited::Expired,
        };
        let now = self.authsignal.flows.now();
        let is_this = flow.opening.attempt == self.decision.attempt && flow.stage.is_live(now);
        match flow.stage.kind {
            _ if !is_this => Waited::Expired,
            // A request has as long as the review had; whoever waits has noticed it by then.
            Kind::Approved(proof) | Kind::Spent { proof, .. } if now < proof.at.plus(APPROVED) => {
                let grounds = Grounds::Settled(ActionState::ReviewSucceeded);
                Waited::Verified(self.verdict(grounds, flow.opening.session))
            }
            Kind::UnderReview { .. } => Waited::Pending,
            Kind::Failed(state) => Waited::Refused(self.refusal(RefusalReason::State(state))),
            Kind::Approved(_) | Kind::Spent { .. } | Kind::Pending | Kind::Insufficient(_) => Waited::Expired,
        }
    }

    fn resolved(&self, resolution: &Resolution, flow: Flow) -> Waited {
        let lacks = |reason| Waited::Refused(self.refusal(RefusalReason::Unproven(reason)));
        match (resolution, flow.stage.kind) {
            (Resolution::Approve(_) | Resolution::Already, Kind::Approved(proof) | Kind::Spent { proof, .. }) => {
                match proof.shortfall(&flow.opening.proof, self.authsignal.flows.now()) {
                    Some(shortfall) => lacks(shortfall.into()),
                    None => {
                        let grounds = Grounds::Verified { method: proof.method, at: proof.at.to_system_time() };
                        Waited::Verified(self.verdict(grounds, flow.opening.session))
                    }
                }
            }
            (Resolution::Left, _) => Waited::Pending,
            (_, Kind::Failed(state)) => Waited::Refused(self.refusal(RefusalReason::State(state))),
            (_, Kind::Insufficient(shortfall)) => lacks(shortfall.into()),
            (Resolution::Unproven(why), _) if *why != Unproven::Expired => lacks(*why),
            _ => Waited::Expired,
        }
    }

    /// It is one for whoever asked, and for no layer.
    fn verdict(&self, grounds: Grounds, session: Option<String>) -> Verdict {
        let WaitingDecision { user, account, is_machine, action, attempt, .. } = &self.decision;
        let actor = match (*is_machine, user == account) {
            (true, _) => Actor::Machine,
            (false, true) => Actor::Person,
            (false, false) => Actor::Impersonator(user.clone()),
        };
        let question = Question {
            tenant: self.authsignal.tenant,
            user: user.clone(),
            actor,
            account: account.clone(),
            session,
            action: action.clone(),
            policy: Policy::default(),
            method: Method::POST,
            address: Address::nowhere(),
            track: TrackAsked::new(Arc::new(Track::new(action.clone()))),
            transaction: None,
        };
        let run = Run::new(RequestId(random()), LayerId::new());
        let is_taken = AtomicBool::new(true);
        Verdict::new(verdict::Inner { attempt: attempt.clone(), grounds, question, run, is_taken })
    }

    fn refusal(&self, reason: RefusalReason) -> Refusal {
        Refusal::new(reason, Some(&self.decision.action)).of_decision(Some(&self.decision.attempt))
    }

    fn unavailable(&self, outage: Outage, wait: Option<Duration>) -> Waited {
        Waited::Unavailable(self.refusal(outage.into()).retry_after_of(wait))
    }
}

/// A little more or less, so that many who began at once do not ask at once.
fn uneven(pause: Duration) -> Duration {
    let [byte]: [u8; 1] = random();
    pause.mul_f64(0.75 + f64::from(byte) / 512.0)
}

impl fmt::Debug for PendingDecision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut pending = f.debug_struct("PendingDecision");
        pending.field("action", &self.decision.action).field("idempotency_key", &self.decision.attempt);
        pending.field("expires_at", &self.expires_at()).finish_non_exhaustive()
    }
}
