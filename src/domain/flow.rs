//! The life of a flow: every transition, with no I/O, no clock and no randomness of its own.
//!
//! ```text
//!            answer: proved                request it covers
//! Pending ───────────────────▶ Approved ─────────────────────▶ Spent
//!    │                            │  ▲                            (by that request)
//!    │ answer: refused            │  └── a request it covers, while it is remembered
//!    └──────────▶ Failed ◀────────┘ answer: refused after all
//! ```
//!
//! A proof that is not what the route asks for, by its method or its age, is none: `Insufficient`, and the next request is
//! challenged anew.
//!
//! What somebody has to look at is `UnderReview` in place of `Pending`; their word, and no token, makes it `Approved`, good
//! once, or `Failed`.
//!
//! What was spent for a request that never got to its handler is approved again, until it would have run out anyway.
//!
//! Whatever is past its time is nothing, in every stage. A mismatch changes nothing.
use std::time::Duration;

use authsignal_client::{ActionCode, ActionState, ChallengeUrl, IdempotencyKey, Token, UserId, VerificationMethod};
use serde::{Deserialize, Serialize};

use crate::domain::actor::Actor;
pub(crate) use crate::domain::moment::Moment;
use crate::domain::proof_policy::{ProofPolicy, Shortfall};
use crate::domain::revocation::Known;
use crate::domain::saved_request::SavedRequest;

mod asked;
mod review;
mod validation;

pub(crate) use asked::{AskId, Asked, Asking};
pub(crate) use review::{Looking, Reviewed};
pub use validation::Unproven;
pub(crate) use validation::Validation;

/// How long a challenge waits for its proof, unless told otherwise: as long as the service's tokens live by default.
pub(crate) const PENDING: Duration = Duration::from_secs(10 * 60);
/// How long an approval waits for the request that it was given for.
pub(crate) const APPROVED: Duration = Duration::from_secs(5 * 60);
/// A challenge with less time left than this is not handed out again: nobody would get through it.
const TOO_LATE: Duration = Duration::from_secs(60);
/// A request that meets an approval spent so lately is taken for the same one sent twice.
const TWICE: Duration = Duration::from_secs(10);
/// How long a flow that has ended is kept, so that a second delivery gets the first one's answer.
pub(crate) const ENDED: Duration = Duration::from_secs(10 * 60);
/// How far ahead of ours the clock of the node that wrote a record may be (threat T32).
const SKEW: Duration = Duration::from_secs(30);

/// One step-up of one user in one browser for one thing.
///
/// Records of it say nothing of their form, so none of its parts may leave out what is empty (`skip_serializing_if`).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Flow {
    pub(crate) opening: Opening,
    /// Where its user is sent, until the service has answered.
    pub(crate) challenge: Option<Challenge>,
    pub(crate) stage: Stage,
    /// How its user goes on afterwards.
    pub(crate) saved: SavedRequest,
    /// How often Authsignal was asked about a token for it.
    pub(crate) asked: Asked,
    /// The revocations that stood when it was begun.
    pub(crate) known: Known,
}

/// What a flow is about. It never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// The idempotency key under which the action was tracked.
    pub(crate) attempt: IdempotencyKey,
    /// Who is asked: the account's user, or whoever acts as them.
    pub(crate) user: UserId,
    /// Whose account it is, where somebody acts as its user.
    pub(crate) on_behalf_of: Option<UserId>,
    /// Whether a machine of the user's has asked for it.
    pub(crate) is_machine: bool,
    /// The application's session, if it named one.
    pub(crate) session: Option<String>,
    pub(crate) action: ActionCode,
    /// What people call the action, in the language of whoever asked.
    pub(crate) name: Option<String>,
    /// What the user is shown of it, where the route says: labels and values.
    pub(crate) summary: Vec<(String, String)>,
    /// Good for one request where there is none, and for this long otherwise.
    pub(crate) remember: Option<Duration>,
    /// What the route asks of the proof.
    pub(crate) proof: ProofPolicy,
    /// Whether somebody has to look at it, rather than its user to prove it.
    pub(crate) is_review: bool,
}

/// The challenge that the user was sent to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Challenge {
    pub(crate) url: ChallengeUrl,
    pub(crate) token: Option<Token>,
    /// What `track` answered.
    pub(crate) state: ActionState,
}

/// Where a flow stands, and until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub(crate) struct Stage {
    pub(crate) kind: Kind,
    since: Moment,
    pub(crate) until: Moment,
}

/// The stages of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub(crate) enum Kind {
    Pending,
    Approved(Proof),
    Spent {
        proof: Proof,
        by: RequestId,
        /// When the approval would have run out.
        approved_until: Moment,
    },
    Failed(ActionState),
    /// It was proved, but not as its route asks.
    Insufficient(Shortfall),
    /// Somebody has to look at it.
    UnderReview {
        /// When Authsignal was last asked whether they have.
        asked: Moment,
    },
}

/// How and when the user proved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub(crate) struct Proof {
    pub(crate) method: Option<VerificationMethod>,
    pub(crate) at: Moment,
    /// When the user gave it, by the service's clock, which may be a while before we were told: never before the challenge,
    /// and never after `at`.
    pub(crate) given: Moment,
}

/// Which request spent an approval. A retry of its own write finds it, and no other request is it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Hash)]
pub(crate) struct RequestId(pub(crate) [u8; 16]);

impl Proof {
    /// What it lacks at `now` of what a route asks for.
    pub(crate) fn shortfall(&self, asked: &ProofPolicy, now: Moment) -> Option<Shortfall> {
        asked.shortfall(self.method.as_ref(), now.after(self.given))
    }
}

impl Stage {
    /// The stage that a flow begins in.
    pub(crate) fn pending(now: Moment, life: Duration) -> Self {
        Self::new(Kind::Pending, now, life)
    }

    fn new(kind: Kind, now: Moment, life: Duration) -> Self {
        Self { kind, since: now, until: now.plus(life) }
    }

    /// Whether it counts at `now`: begun, by whoever's clock, and not over.
    pub(crate) fn is_live(&self, now: Moment) -> bool {
        self.since <= now.plus(SKEW) && now < self.until
    }

    /// The approval as it was before the request `by` spent it; nothing if it has run out, or is not this one's.
    pub(crate) fn give_back(&self, by: RequestId, now: Moment) -> Option<Self> {
        let Kind::Spent { proof, by: spender, approved_until } = &self.kind else { return None };
        let approved = Self { kind: Kind::Approved(proof.clone()), since: proof.at, until: *approved_until };
        (*spender == by && approved.is_live(now)).then_some(approved)
    }
}

/// What a request gets that a flow covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It passes, once the stage that comes with it has been written.
    Pass(Proof, Option<Stage>),
    /// The same challenge again.
    SameChallenge,
    /// It may be the request that has just spent this approval, sent twice.
    Repeated,
    /// Its proof is not what the route asks for; ask for a decision, and say so.
    Insufficient(Shortfall),
    /// Nobody has looked at it yet, as far as we know.
    UnderReview,
    /// Whoever looked at it did not let it pass.
    Refused(ActionState),
    /// The flow says nothing; ask for a decision.
    Nothing,
}

/// What the callback makes of the service's answer about a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// Proved: write this.
    Approve(Stage),
    /// Proved before: the same answer as the first time.
    Already,
    /// The user left the challenge; it still waits.
    Left,
    /// Definitively over without a proof: write this.
    Fail(Stage),
    /// Not an answer about this flow, or not a believable one. Nothing changes.
    Unproven(Unproven),
}

impl Flow {
    pub(crate) fn new(opening: Opening, challenge: Challenge, saved: SavedRequest, stage: Stage) -> Self {
        Self { opening, challenge: Some(challenge), stage, saved, asked: Asked::default(), known: Known::default() }
    }

    /// One whose request somebody has to look at.
    pub(crate) fn under_review(opening: Opening, saved: SavedRequest, stage: Stage) -> Self {
        Self { opening, challenge: None, stage, saved, asked: Asked::default(), known: Known::default() }
    }

    /// Begun after these revocations.
    pub(crate) fn after(self, known: Known) -> Self {
        Self { known, ..self }
    }

    /// The flow with its answer. Nobody is sent to its challenge any more, so that address and its token are kept no longer.
    pub(crate) fn answered(self, stage: Stage) -> Self {
        Self { stage, challenge: None, ..self }
    }

    /// What the request `by` gets, which this flow covers.
    pub(crate) fn admit(&self, by: RequestId, now: Moment) -> Admission {
        self.opening.admit(&self.stage, by, now)
    }

    /// What the service's answer about a token means for this flow.
    pub(crate) fn answer(&self, answer: &Validation, now: Moment) -> Resolution {
        self.opening.answer(&self.stage, answer, now)
    }
}

impl Opening {
    /// Whose account it is.
    pub(crate) fn account(&self) -> &UserId {
        self.on_behalf_of.as_ref().unwrap_or(&self.user)
    }

    /// Who is behind it.
    pub(crate) fn actor(&self) -> Actor {
        match &self.on_behalf_of {
            Some(_) => Actor::Impersonator(self.user.clone()),
            None if self.is_machine => Actor::Machine,
            None => Actor::Person,
        }
    }

    pub(crate) fn admit(&self, stage: &Stage, by: RequestId, now: Moment) -> Admission {
        if !stage.is_live(now) {
            return Admission::Nothing;
        }
        match &stage.kind {
            Kind::Pending if stage.until.after(now) < TOO_LATE => Admission::Nothing,
            Kind::Pending => Admission::SameChallenge,
            Kind::Approved(proof) => match (self.shortfall(proof, now), self.remember) {
                (Some(shortfall), _) => Admission::Insufficient(shortfall),
                (None, Some(_)) => Admission::Pass(proof.clone(), None),
                (None, None) => {
                    let spent = Kind::Spent { proof: proof.clone(), by, approved_until: stage.until };
                    Admission::Pass(proof.clone(), Some(Stage::new(spent, now, ENDED)))
                }
            },
            Kind::Spent { proof, by: spender, .. } if *spender == by => Admission::Pass(proof.clone(), None),
            Kind::Spent { .. } if now < stage.since.plus(TWICE) => Admission::Repeated,
            Kind::Insufficient(shortfall) => Admission::Insufficient(*shortfall),
            Kind::UnderReview { .. } => Admission::UnderReview,
            Kind::Failed(state) if self.is_review => Admission::Refused(state.clone()),
            Kind::Spent { .. } | Kind::Failed(_) => Admission::Nothing,
        }
    }

    /// What a proof lacks of what the route asks for. What somebody has let pass is no proof, and lacks nothing.
    fn shortfall(&self, proof: &Proof, now: Moment) -> Option<Shortfall> {
        if self.is_review { None } else { proof.shortfall(&self.proof, now) }
    }

    pub(crate) fn answer(&self, stage: &Stage, answer: &Validation, now: Moment) -> Resolution {
        let state = match self.attribute(answer) {
            Ok(state) => state,
            Err(unproven) => return Resolution::Unproven(unproven),
        };
        if !stage.is_live(now) {
            return Resolution::Unproven(Unproven::Expired);
        }
        // What somebody has to look at is proved by no token, whatever the service says of it.
        if self.is_review {
            return Resolution::Unproven(Unproven::Token);
        }
        let proved = match (answer.is_valid, state) {
            (true, ActionState::ChallengeSucceeded) => true,
            (false, ActionState::ChallengeSucceeded) | (true, _) => {
                return Resolution::Unproven(Unproven::Contradiction);
            }
            (false, _) => false,
        };
        match (&stage.kind, proved) {
            (Kind::Pending, true) => {
                // Where the service does not say when, it may have been as soon as the challenge was there.
                let begun = stage.since.min(now);
                let given = answer.at.unwrap_or(begun).clamp(begun, now);
                let proof = Proof { method: answer.method.clone(), at: now, given };
                if let Some(shortfall) = proof.shortfall(&self.proof, now) {
                    return Resolution::Fail(Stage::new(Kind::Insufficient(shortfall), now, ENDED));
                }
                let life = self.remember.unwrap_or(APPROVED);
                let left = self.proof.max_age.map_or(life, |most| life.min(given.plus(most).after(now)));
                Resolution::Approve(Stage::new(Kind::Approved(proof), now, left))
            }
            (Kind::Approved(_) | Kind::Spent { .. }, true) => Resolution::Already,
            // A slow answer from before changes nothing of what came since.
            (_, false) if *state == ActionState::ChallengeRequired => Resolution::Left,
            (Kind::Insufficient(shortfall), _) => Resolution::Unproven((*shortfall).into()),
            (Kind::UnderReview { .. }, _) => Resolution::Unproven(Unproven::Token),
            (Kind::Failed(_), true) | (Kind::Spent { .. }, false) => Resolution::Unproven(Unproven::Expired),
            (Kind::Pending | Kind::Approved(_) | Kind::Failed(_), false) => {
                Resolution::Fail(Stage::new(Kind::Failed(state.clone()), now, ENDED))
            }
        }
    }

    /// The state in an answer that is about this very flow: user, action and attempt are all named, and all ours
    /// (threats T2 to T4 and T72).
    fn attribute<'a>(&self, answer: &'a Validation) -> Result<&'a ActionState, Unproven> {
        let state = answer.state.as_ref().ok_or(Unproven::Token)?;
        let same = |found: &Option<String>, ours: &str| found.as_deref() == Some(ours);
        if !same(&answer.user, self.user.as_str()) {
            return Err(Unproven::User);
        }
        if !same(&answer.action, self.action.as_str()) {
            return Err(Unproven::Action);
        }
        if !same(&answer.attempt, self.attempt.as_str()) {
            return Err(Unproven::Attempt);
        }
        Ok(state)
    }
}

#[cfg(test)]
pub(crate) mod tests;
