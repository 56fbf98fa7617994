//! What must always hold in the model, and what must happen somewhere.
use stateright::Property;

use super::settings::{Broken, Settings};
use super::store::Fate;
use super::task::would_pass;
use super::truth::Event;
use super::{State, TICK};
use crate::domain::flow::{APPROVED, Kind, Moment};

pub(super) const ONCE: &str = "an approval that is good once runs its handler at most once";
pub(super) const PROVED: &str = "no handler runs without a proof of this user, action and attempt";
pub(super) const REVOKED: &str = "what began after a revocation had returned passes by nothing older";
pub(super) const IN_TIME: &str = "nothing passes by an approval that has run out";
pub(super) const NOT_LOST: &str = "an approval that was not used can still be used";

/// What must be met somewhere in a run like this, so that its silence says something.
fn sometimes(settings: &Settings) -> Vec<(&'static str, fn(&Settings, &State) -> bool)> {
    fn in_stage(state: &State, is: fn(&Kind) -> bool) -> bool {
        state.records.flows(state.now()).any(|flow| is(&flow.stage.kind))
    }
    let mut all: Vec<(&'static str, fn(&Settings, &State) -> bool)> = vec![
        ("pending", |_, state| in_stage(state, |kind| *kind == Kind::Pending)),
        ("approved", |_, state| in_stage(state, |kind| matches!(kind, Kind::Approved(_)))),
        ("handled", |_, state| state.truth.event == Some(Event::Handled)),
        ("joined", |_, state| state.truth.event == Some(Event::Joined)),
    ];
    let mut also = |is_met: bool, name, what| is_met.then(|| all.push((name, what)));
    let is_once = settings.remember.is_none();
    also(is_once, "spent", |_, state| in_stage(state, |kind| matches!(kind, Kind::Spent { .. })));
    also(is_once && settings.requests > 2, "repeated", |_, state| state.truth.event == Some(Event::Repeated));
    also(is_once, "passed while opening", |_, state| state.truth.event == Some(Event::PassedAtOpening));
    also(settings.can_fail, "failed", |_, state| in_stage(state, |kind| matches!(kind, Kind::Failed(_))));
    also(settings.is_forged, "turned away", |_, state| state.truth.event == Some(Event::Unproven));
    let loses = settings.faults > 0 && settings.fates.contains(&Fate::AnswerLost);
    also(is_once && loses, "found as its own", |_, state| state.truth.event == Some(Event::FoundOwn));
    also(settings.drops > 0, "given back", |_, state| state.truth.event == Some(Event::GivenBack));
    // One has begun it, one has given it back.
    also(settings.drops > 0 && settings.requests > 2, "handled after it was given back", |_, state| {
        state.truth.event == Some(Event::HandledAfterGivingBack)
    });
    also(settings.revocations > 0, "revoked", |_, state| state.truth.event == Some(Event::Revoked));
    also(settings.revocations > 0, "ended", |_, state| state.truth.event == Some(Event::Ended));
    let runs_out = TICK * u32::from(settings.ticks) > settings.remember.unwrap_or(APPROVED);
    also(runs_out, "run out", |_, state| {
        let ran_out = |until: Moment| until <= state.now();
        state.truth.attempts.iter().any(|attempt| attempt.approved_until.is_some_and(ran_out))
    });
    all
}

pub(super) fn properties(settings: &Settings) -> Vec<Property<Settings>> {
    let mut all = vec![
        Property::always(ONCE, |settings: &Settings, state: &State| {
            settings.remember.is_some() || state.truth.attempts.iter().all(|attempt| attempt.handled <= 1)
        }),
        Property::always(PROVED, |_, state: &State| !state.truth.passed_unproved),
        Property::always(REVOKED, |_, state: &State| !state.truth.passed_revoked),
        Property::always(IN_TIME, |_, state: &State| !state.truth.passed_late),
        Property::always(NOT_LOST, |settings, state: &State| !is_lost(settings, state)),
    ];
    if settings.broken.is_none() {
        all.extend(sometimes(settings).into_iter().map(|(name, what)| Property::sometimes(name, what)));
    }
    all
}

/// Whether an approval is lost: the store had it as approved, its time has not run out, no handler ran on it, nobody revoked
/// it or was about to, nothing is under way, and a request that now comes does not pass by it. While keys rotate, that means at no node;
/// otherwise at any.
///
/// It does not count where nobody could have known: the node crashed that had spent it, its write came after it was given up,
/// the store gave no answer when it was to be given back, or a second request for the very same thing began anew meanwhile. And
/// clocks that differ by more than is forgiven lose approvals.
fn is_lost(settings: &Settings, state: &State) -> bool {
    let is_checked = state.is_quiet() && settings.remember.is_none() && !settings.is_skewed;
    if !is_checked || settings.broken == Some(Broken::GetThenDelete) {
        return false;
    }
    let waiting = state.truth.attempts.iter().enumerate().filter(|(_, attempt)| {
        let is_live = attempt.approved_until.is_some_and(|until| state.now() < until);
        let may_be_revoked = attempt.revoked_by != 0 || attempt.is_between;
        is_live && attempt.handled == 0 && !may_be_revoked && !attempt.is_gone && !attempt.is_failed
    });
    let mut nodes = 0..settings.nodes.len();
    waiting.into_iter().any(|(attempt, _)| {
        let passes = |node| would_pass(settings, state, node) == Some(attempt);
        if settings.is_rotating { !nodes.clone().any(passes) } else { !nodes.all(passes) }
    })
}
