//! What is told of each decision where it ends, in one place, to all who listen: the log, the metrics, the audit.
//!
//! A layer's decision ends in `Guard::decide` of `middleware/judge.rs`, the way back in `callback.rs` and `redeem.rs`. Whoever
//! decides without a request makes an [`Ended`] and tells it here too.
pub(crate) mod explain;
pub(crate) mod outcome;
pub(crate) mod trail;

use std::time::Duration;

use authsignal_client::{ActionCode, Clock, IdempotencyKey, UserId, VerificationMethod, visible};

use self::explain::{Check, Explanation, Explanations};
use self::outcome::Outcome;
use crate::audit::event::AuditEvent;
use crate::audit::queue::Audit;
use crate::domain::actor::Actor;
use crate::domain::extent::SkipReason;
use crate::domain::flow::Opening;
use crate::meter::{self, ActionLabels};
use crate::outage::Outage;
use crate::refusal::RefusalReason;

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
    /// What an observed request would have come to; `None` where Authsignal could not be told of it.
    pub(crate) would: Option<Outcome>,
    /// Who was behind it.
    pub(crate) actor: Option<&'a Actor>,
    /// With what it was proved.
    pub(crate) method: Option<&'a VerificationMethod>,
    /// The rules that decided, where the service named them.
    pub(crate) rule_ids: &'a [String],
    /// How long the service took to decide, where it was asked.
    pub(crate) upstream: Option<Duration>,
    /// The route's template, such as `/accounts/{id}`.
    pub(crate) route: Option<&'a str>,
    /// Whose account it is, whoever was behind it.
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
            would: None,
            actor: None,
            method: None,
            rule_ids: &[],
            upstream: None,
            route: None,
            user: None,
            checks: &[],
        }
    }

    /// What a flow came to: who was behind it, and for whose account.
    pub(crate) fn of_flow(outcome: Outcome, opening: &'a Opening, actor: &'a Actor) -> Self {
        let ended = Self::new(outcome, Some(&opening.action), Some(&opening.attempt));
        Self { user: Some(opening.account()), actor: Some(actor), ..ended }
    }
}

/// Who is told.
#[derive(Debug)]
pub(crate) struct Listeners {
    /// The application's.
    pub(crate) clock: Clock,
    /// Whether log and spans name users.
    pub(crate) log_user_ids: bool,
    pub(crate) kept: Explanations,
    pub(crate) audit: Option<Audit>,
    actions: ActionLabels,
}

impl Default for Listeners {
    fn default() -> Self {
        Self {
            clock: Clock::system(),
            log_user_ids: false,
            kept: Explanations::default(),
            audit: None,
            actions: ActionLabels::default(),
        }
    }
}

/// The target of the event that explains a decision.
const EXPLAIN: &str = "axum_authsignal::explain";

impl Listeners {
    /// Those of a handle.
    pub(crate) fn of(self, clock: Clock, audit: Option<Audit>) -> Self {
        Self { clock, audit, ..self }
    }

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
        if ended.outcome == Outcome::Observed {
            meter::observed(ended.would.map(Outcome::as_str), ended.reason.map(RefusalReason::code));
        }
        if let Outcome::Proved | Outcome::Left | Outcome::Failed = ended.outcome {
            meter::flow(ended.outcome.as_str());
        }
        if let Some(audit) = &self.audit {
            audit.tell(audited(&ended));
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

/// A decision as the audit has it.
fn audited(ended: &Ended<'_>) -> AuditEvent {
    let skipped = ended.skipped.map(|skipped| match skipped.text() {
        Some(text) => format!("{}: {text}", skipped.as_str()),
        None => skipped.as_str().to_owned(),
    });
    AuditEvent {
        decision_id: ended.id.map(ToString::to_string),
        action: ended.action.map(ToString::to_string),
        user: ended.user.map(ToString::to_string),
        route: ended.route.map(str::to_owned),
        outcome: Some(ended.outcome.as_str()),
        code: ended.reason.map(RefusalReason::code),
        state: ended.reason.and_then(RefusalReason::state).map(str::to_owned),
        outage: ended.outage.map(Outage::as_str),
        skipped,
        would: ended.would.map(Outcome::as_str),
        actor: ended.actor.filter(|actor| !actor.is_person()).map(ToString::to_string),
        impersonator: ended.actor.and_then(Actor::impersonator).map(ToString::to_string),
        method: ended.method.map(ToString::to_string),
        rules: ended.rule_ids.iter().take(64).cloned().collect(),
        upstream_ms: ended.upstream.map(|took| u64::try_from(took.as_millis()).unwrap_or(u64::MAX)),
        ..AuditEvent::default()
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
                would = ended.would.map(Outcome::as_str),
                actor = ended.actor.filter(|actor| !actor.is_person()).map(tracing::field::display),
                impersonator_id =
                    ended.user.and(ended.actor).and_then(Actor::impersonator).map(tracing::field::display),
                method = ended.method.map(tracing::field::display),
                rules = (!ended.rule_ids.is_empty()).then(|| tracing::field::debug(ended.rule_ids)),
                upstream = ended.upstream.map(tracing::field::debug),
                route = ended.route,
                user_id = ended.user.map(|user| visible(user.as_str())).map(tracing::field::display),
                "{}",
                ended.outcome.message()
            )
        };
    }
    let is_usual = ended.outcome.is_pass() && !matches!(ended.outcome, Outcome::Skipped | Outcome::Observed);
    if is_usual { at!(debug) } else { at!(info) }
}
