//! What is true, whatever the records say.
use super::ANSWERS;
use crate::domain::flow::{Kind, Moment, Stage, Validation};
use crate::domain::revocation::RevocationId;

/// One step-up.
#[derive(Clone, Default, Hash)]
pub(super) struct Attempt {
    /// When its request had read what is revoked, by its node's clock.
    begun: Option<Moment>,
    /// The revocations that were asked for after it was begun, a bit each.
    pub(super) revoked_by: u8,
    /// It was begun while its user was being revoked, which may have ended it.
    pub(super) is_between: bool,
    /// The service has a proof of it, or has it as failed.
    pub(super) is_proved: bool,
    pub(super) is_failed: bool,
    /// The service has said so to a node.
    pub(super) is_validated: bool,
    /// The store has it as approved, until then.
    pub(super) approved_until: Option<Moment>,
    /// How many handlers ran on it.
    pub(super) handled: u8,
    /// It was lost in a way that is a stated limit, or that nobody could have known: its node crashed, its write came late, the
    /// store gave no answer when it was to be given back, or another attempt has taken its record's place.
    pub(super) is_gone: bool,
}

/// What has just happened, that is to happen somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Event {
    Challenged,
    Joined,
    PassedAtOpening,
    Approved,
    Spent,
    Refused,
    Repeated,
    /// A write whose answer was lost was found as one's own.
    FoundOwn,
    GivenBack,
    Handled,
    HandledAfterGivingBack,
    /// A flow was found that was begun before a revocation.
    Ended,
    Revoked,
    /// A token of another attempt, user or action was turned away.
    Unproven,
}

/// What is true.
#[derive(Clone, Default, Hash)]
pub(super) struct Truth {
    pub(super) attempts: Vec<Attempt>,
    /// The revocations that were asked for, and those that have returned, a bit each.
    asked_to_revoke: u8,
    pub(super) revoked: u8,
    /// A twin's revocation.
    pub(super) revoked_at: Option<Moment>,
    pub(super) has_given_back: bool,
    /// A handler ran without a proof that the service has told a node of.
    pub(super) passed_unproved: bool,
    /// A handler ran for a request that began after a revocation, on something older.
    pub(super) passed_revoked: bool,
    /// A handler ran on an approval that had run out.
    pub(super) passed_late: bool,
    pub(super) event: Option<Event>,
}

fn bit(id: RevocationId) -> u8 {
    1 << id.0[0]
}

impl Truth {
    pub(super) fn begin(&mut self, now: Moment) {
        let is_between = self.asked_to_revoke != self.revoked;
        self.attempts.push(Attempt { begun: Some(now), is_between, ..Attempt::default() });
    }

    pub(super) fn is_asked_to_revoke(&mut self, id: RevocationId) {
        self.asked_to_revoke |= bit(id);
        for attempt in &mut self.attempts {
            attempt.revoked_by |= bit(id);
        }
    }

    pub(super) fn revoke(&mut self, id: RevocationId) {
        self.revoked |= bit(id);
        self.event = Some(Event::Revoked);
    }

    /// What the service answers about an attempt.
    pub(super) fn validate(&mut self, attempt: usize) -> &'static Validation {
        let of = &mut self.attempts[attempt];
        of.is_validated |= of.is_proved;
        match (of.is_proved, of.is_failed) {
            (true, _) => &ANSWERS.proved[attempt],
            (false, true) => &ANSWERS.failed[attempt],
            (false, false) => &ANSWERS.unfinished[attempt],
        }
    }

    /// A request is let through to its handler.
    pub(super) fn admitted(&mut self, attempt: usize, now: Moment) {
        self.passed_late |= self.attempts[attempt].approved_until.is_none_or(|until| until <= now);
    }

    /// The handler runs, for a request that began when these had returned.
    pub(super) fn handle(&mut self, attempt: usize, revoked: u8) {
        let of = &mut self.attempts[attempt];
        of.handled += 1;
        self.passed_unproved |= !(of.is_proved && of.is_validated);
        self.passed_revoked |= of.revoked_by & revoked != 0;
        self.event = Some(if self.has_given_back { Event::HandledAfterGivingBack } else { Event::Handled });
    }

    pub(super) fn is_revoked_by_clock(&self, attempt: usize) -> bool {
        self.revoked_at.is_some_and(|at| self.attempts[attempt].begun.is_some_and(|begun| begun <= at))
    }

    /// The store has written a flow.
    pub(super) fn written(&mut self, attempt: usize, stage: &Stage) {
        let of = &mut self.attempts[attempt];
        match stage.kind {
            Kind::Approved(_) => {
                of.approved_until = Some(stage.until);
                self.event = Some(Event::Approved);
            }
            Kind::Spent { .. } => self.event = Some(Event::Spent),
            Kind::Failed(_) | Kind::Insufficient(_) => self.event = Some(Event::Refused),
            Kind::Pending | Kind::UnderReview { .. } => {}
        }
    }
}
