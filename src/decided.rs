//! What is told of each decision where it ends, in one place, to all who listen: the log, the metrics, the audit.
//!
//! A layer's decision ends in `Guard::decide` of `middleware/judge.rs`, the way back in `callback.rs` and `redeem.rs`. Whoever
//! decides without a request makes an [`Ended`] and tells it here too.
pub(crate) mod explain;
pub(crate) mod trail;

use std::fmt;
use std::time::Duration;

use authsignal_client::{ActionCode, Clock, IdempotencyKey, UserId, VerificationMethod};

use crate::domain::extent::SkipReason;
use self::explain::{Check, Explanation, Kept};
use crate::meter::{self, Actions};
use crate::outage::Outage;
use crate::refusal::RefusalReason;

/// How a decision ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Outcome {
    /// The request passed: Authsignal allowed it, for a user who could have been challenged.
    Allowed,
    /// It passed, of a user with nothing enrolled.
    Unenrolled,
    /// It passed: Authsignal said that this attempt is settled already.
    Settled,
    /// It passed with a proof.
    Verified,
    /// It passed in an outage, without a decision.
    Admitted,
    /// It passed in an outage, with the application's own proof.
    Fallback,
    /// It passed without having been asked about: step-up is off for it.
    Skipped,
    /// It passed before it was decided, on a route that is only observed.
    Observed,
    /// The user was asked for a proof.
    Challenged,
    /// The request was refused.
    Refused,
    /// Way back: the user proved it.
    Proved,
    /// Way back: the user left the challenge, which still waits.
    Left,
    /// Way back: the challenge is over, without a proof.
    Failed,
    /// Way back: it got no further.
    TurnedBack,
}

impl Outcome {
    /// A short name, for logs and as the label of a metric.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Unenrolled => "unenrolled",
            Self::Settled => "settled",
            Self::Verified => "verified",
            Self::Admitted => "admitted",
            Self::Fallback => "fallback",
            Self::Skipped => "skipped",
            Self::Observed => "observed",
            Self::Challenged => "challenged",
            Self::Refused => "refused",
            Self::Proved => "proved",
            Self::Left => "left",
            Self::Failed => "failed",
            Self::TurnedBack => "turned_back",
        }
    }

    /// Whether the request went on to its handler.
    #[must_use]
    pub fn is_pass(self) -> bool {
        match self {
            Self::Allowed | Self::Unenrolled | Self::Settled | Self::Verified | Self::Admitted | Self::Fallback => true,
            Self::Skipped | Self::Observed => true,
            Self::Challenged | Self::Refused | Self::Proved | Self::Left | Self::Failed | Self::TurnedBack => false,
        }
    }

    /// What the log says of it.
    fn message(self) -> &'static str {
        match self {
            Self::Skipped => "request passed without having been asked about, as its route says",
            Self::Challenged => "request challenged",
            Self::Refused => "request refused",
            Self::Proved | Self::Left | Self::Failed => "back from a challenge",
            Self::TurnedBack => "way back refused",
            _ => "request passed",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A decision that has ended, as it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended<'a> {
    pub(crate) outcome: Outcome,
    /// `None` on a way back that belongs to no flow, and so is the id.
    pub(crate) action: Option<&'a ActionCode>,
    /// The key of the attempt, as the service knows it.
    pub(crate) id: Option<&'a IdempotencyKey>,
    pub(crate) reason: Option<&'a RefusalReason>,
    /// Why nobody was asked.
    pub(crate) skipped: Option<&'a SkipReason>,
    /// Why Authsignal could not be asked, where it could not; of a refusal its reason says so.
    pub(crate) outage: Option<Outage>,
    /// With what it was proved.
    pub(crate) method: Option<&'a VerificationMethod>,
    /// The rules that decided, where the service named them.
    pub(crate) rule_ids: &'a [String],
    /// How long the service took to decide, where it was asked.
    pub(crate) upstream: Option<Duration>,
    /// The route's template, such as `/accounts/{id}`.
    pub(crate) route: Option<&'a str>,
    pub(crate) user: Option<&'a UserId>,
    /// Each check in its order, where somebody wants to know.
    pub(crate) checks: &'a [Check],
}

impl<'a> Ended<'a> {
    /// One of which no more is known.
    pub(crate) fn new(outcome: Outcome, action: Option<&'a ActionCode>, id: Option<&'a IdempotencyKey>) -> Self {
        Self {
            outcome,
            action,
            id,
            reason: None,
            skipped: None,
            outage: None,
            method: None,
            rule_ids: &[],
            upstream: None,
            route: None,
            user: None,
            checks: &[],
        }
    }
}

/// Who is told.
#[derive(Debug)]
pub(crate) struct Listeners {
    /// The application's.
    pub(crate) clock: Clock,
    /// Whether log and spans name users.
    pub(crate) log_user_ids: bool,
    pub(crate) kept: Kept,
    actions: Actions,
}

impl Default for Listeners {
    fn default() -> Self {
        Self { clock: Clock::system(), log_user_ids: false, kept: Kept::default(), actions: Actions::default() }
    }
}

/// The target of the event that explains a decision.
const EXPLAIN: &str = "axum_authsignal::explain";

impl Listeners {
    /// Whether anybody wants to know each check.
    pub(crate) fn explains(&self) -> bool {
        self.kept.most > 0 || tracing::enabled!(target: EXPLAIN, tracing::Level::DEBUG)
    }

    /// Tells all of them. Where nobody listens it takes no memory and next to no time.
    pub(crate) fn tell(&self, ended: &Ended<'_>) {
        let outage = match ended.reason {
            Some(RefusalReason::Outage(outage)) => Some(*outage),
            _ => ended.outage,
        };
        let ended = Ended { outage, ..*ended };
        log(&Ended { user: ended.user.filter(|_| self.log_user_ids), ..ended });
        self.actions.decided(ended.action, ended.outcome.as_str());
        if let (Outcome::Refused | Outcome::TurnedBack, Some(reason)) = (ended.outcome, ended.reason) {
            meter::refused(reason.code());
        }
        if let Outcome::Proved | Outcome::Left | Outcome::Failed = ended.outcome {
            meter::flow(ended.outcome.as_str());
        }
        if !ended.checks.is_empty() {
            self.explain(&ended);
        }
    }

    fn explain(&self, ended: &Ended<'_>) {
        let Some(id) = ended.id else { return };
        let explanation = Explanation {
            decision_id: id.clone(),
            action: ended.action.cloned(),
            outcome: ended.outcome,
            code: ended.reason.map(RefusalReason::code),
            route: ended.route.map(str::to_owned),
            at: self.clock.now(),
            checks: ended.checks.to_vec(),
        };
        tracing::debug!(
            target: EXPLAIN,
            action = ended.action.map(tracing::field::display),
            decision_id = %id,
            outcome = ended.outcome.as_str(),
            deciding = explanation.deciding().map(|check| check.name),
            checks = %explanation,
            "decision explained"
        );
        if self.kept.most > 0 {
            self.kept.keep(explanation);
        }
    }
}

/// What passes by a decision at `debug`, since it is most of what there is, and the rest at `info`.
fn log(ended: &Ended<'_>) {
    macro_rules! at {
        ($level:ident) => {
            tracing::$level!(
                action = ended.action.map(tracing::field::display),
                decision_id = ended.id.map(tracing::field::display),
                outcome = ended.outcome.as_str(),
                code = ended.reason.map(RefusalReason::code),
                reason = ended.reason.map(RefusalReason::as_str),
                outage = ended.outage.map(Outage::as_str),
                state = ended.reason.and_then(RefusalReason::state),
                skipped = ended.skipped.map(SkipReason::as_str),
                skip_reason = ended.skipped.and_then(SkipReason::text).map(tracing::field::debug),
                method = ended.method.map(tracing::field::display),
                rules = (!ended.rule_ids.is_empty()).then(|| tracing::field::debug(ended.rule_ids)),
                upstream = ended.upstream.map(tracing::field::debug),
                route = ended.route,
                user_id = ended.user.map(tracing::field::display),
                "{}",
                ended.outcome.message()
            )
        };
    }
    let is_usual = ended.outcome.is_pass() && !matches!(ended.outcome, Outcome::Skipped | Outcome::Observed);
    if is_usual { at!(debug) } else { at!(info) }
}
