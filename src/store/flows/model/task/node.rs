//! What a node does around the machine's steps: asks the store, and goes on as the product does with what came of it.
use super::super::store::{FLOW_NAMES, Fate, REVOCATION_NAMES, Secret, Storable, Value, Write, lost};
use super::super::truth::{Event, Truth};
use super::super::{ANSWERS, Broken, Settings, State, attempt_of};
use super::{Request, SAVED, Task, Token, What};
use crate::domain::flow::{Admission, Flow, RequestId, Validation};
use crate::store::Error;
use crate::store::flows::machine::{Found, StandingRevocations, Step, Transition};
use crate::store::flows::transition::{Admit, GiveBack, Open, SaveRequest};

/// Has the store do what a step asks for.
pub(super) fn advance<T>(
    settings: &Settings,
    state: &mut State,
    node: usize,
    step: Step<T>,
    fate: Fate,
) -> Result<Step<T>, Error>
where
    T: Transition<Record: Storable>,
{
    let secrets = settings.secrets(node);
    match step {
        Step::Load(_) | Step::Check(_) if fate != Fate::Fine => Err(lost()),
        Step::Load(load) => {
            let mut found = state.records.load::<T::Record>(load.key(), settings.store_now(state), secrets);
            if let Found::Here(version, record) = &found
                && settings.broken == Some(Broken::RevokedByClock)
                && let Value::Flow(flow) = record.clone().into_value()
                && state.truth.is_revoked_by_clock(attempt_of(&flow))
            {
                found = Found::Void(*version);
            }
            Ok(load.found(found, settings.now(state, node), |_| settings.names(node, REVOCATION_NAMES)))
        }
        Step::Check(check) => {
            let found = state.records.load(check.key(), settings.store_now(state), secrets);
            if let Found::Here(..) = &found {
                state.truth.event = Some(Event::Ended);
            }
            check.found(found, settings.now(state, node))
        }
        Step::Swap(swap) => {
            // As the product does: with the secret that the record is named by.
            let sealed_with = match settings.broken {
                Some(Broken::SealedWithNewer) => secrets[0],
                _ => Secret::of(&swap.key),
            };
            let value = swap.record.clone().into_value();
            let write = Write { key: swap.key, expected: swap.expected, value, sealed_with, ttl: swap.ttl };
            let wrote = match fate {
                Fate::Fine => Ok(state.write(settings, write)),
                Fate::AnswerLost => {
                    state.write(settings, write);
                    Err(lost())
                }
                Fate::RequestLost => Err(lost()),
                Fate::Late => {
                    state.records.on_its_way = Some(write);
                    Err(lost())
                }
                Fate::Twice => {
                    state.records.on_its_way = Some(write.clone());
                    Ok(state.write(settings, write))
                }
            };
            swap.answered(wrote)
        }
        Step::Done(_) => Ok(step),
    }
}

/// What the product makes of what a request is met with.
pub(super) fn admitted(settings: &Settings, state: &mut State, node: usize, done: Admitted) {
    let Admitted { request, met, is_spent, is_dropped, again } = done;
    let what = match met {
        Some((Admission::Pass(..), flow)) => {
            let attempt = attempt_of(&flow);
            if is_spent && is_dropped {
                return give_back(settings, state, node, request, attempt);
            }
            let now = state.now();
            state.truth.admitted(attempt, now);
            if again.is_some() {
                state.truth.event = Some(Event::PassedAtOpening);
            }
            What::Ready { request, attempt, is_spent }
        }
        _ if is_dropped => return,
        met => {
            if let Some(flow) = again {
                return open(settings, state, node, request, flow);
            }
            match met {
                Some((Admission::SameChallenge, flow)) => {
                    let attempt = &ANSWERS.attempts[attempt_of(&flow)];
                    let save = SaveRequest { attempt, saved: &SAVED };
                    What::Save { step: Step::begin(save, settings.names(node, FLOW_NAMES)) }
                }
                met => {
                    if matches!(met, Some((Admission::Repeated, _))) {
                        state.truth.event = Some(Event::Repeated);
                    }
                    let names = settings.names(node, REVOCATION_NAMES);
                    What::Read { request, standing: StandingRevocations::new(names, None) }
                }
            }
        }
    };
    state.tasks.push(Task { node, what });
}

pub(super) struct Admitted {
    pub(super) request: Request,
    pub(super) met: Option<(Admission, Flow)>,
    pub(super) is_spent: bool,
    pub(super) is_dropped: bool,
    pub(super) again: Option<Flow>,
}

pub(super) fn open(settings: &Settings, state: &mut State, node: usize, request: Request, flow: Flow) {
    let open = Open { flow: flow.clone(), by: request.by, is_bearer: false };
    let step = Step::begin(open, settings.names(node, FLOW_NAMES));
    state.tasks.push(Task { node, what: What::Open { request, step, flow } });
}

pub(super) fn give_back(settings: &Settings, state: &mut State, node: usize, request: Request, attempt: usize) {
    let step = Step::begin(GiveBack { by: request.by }, settings.names(node, FLOW_NAMES));
    state.tasks.push(Task { node, what: What::GiveBack { attempt, step } });
}

/// What the service says about a token.
pub(super) fn validate(settings: &Settings, truth: &mut Truth, token: Token) -> &'static Validation {
    match token {
        Token::Forged(_) if settings.broken == Some(Broken::AnyToken) => &ANSWERS.proved[0],
        Token::Forged(other) => &ANSWERS.others[other],
        Token::Of(attempt) => truth.validate(attempt),
    }
}

/// How a twin spends an approval.
pub(super) fn take(
    settings: &Settings,
    state: &mut State,
    node: usize,
    request: Request,
    found: Option<usize>,
    fate: Fate,
) {
    let key = settings.names(node, FLOW_NAMES)[0];
    if let Some(attempt) = found {
        state.records.delete(&key);
        if fate == Fate::Fine {
            state.tasks.push(Task { node, what: What::Ready { request, attempt, is_spent: false } });
        }
        return;
    }
    let flow = state.records.load::<Flow>(&key, settings.store_now(state), settings.secrets(node)).record();
    let now = settings.now(state, node);
    let approved = flow.filter(|flow| matches!(flow.admit(request.by, now), Admission::Pass(..)));
    let what = match approved.map(|flow| attempt_of(&flow)) {
        Some(attempt) if settings.broken == Some(Broken::GetThenDelete) => What::Take { request, found: Some(attempt) },
        Some(attempt) => {
            state.records.delete(&key);
            What::Ready { request, attempt, is_spent: false }
        }
        None => Task::admit(node, request, None, settings).what,
    };
    if fate == Fate::Fine {
        state.tasks.push(Task { node, what });
    }
}

/// The attempt whose approval a new request at this node would pass by, if nothing went wrong.
pub(in crate::store::flows::model) fn would_pass(settings: &Settings, state: &State, node: usize) -> Option<usize> {
    let mut state = state.clone();
    let mut step = Step::begin(Admit { by: RequestId([u8::MAX; 16]) }, settings.names(node, FLOW_NAMES));
    loop {
        step = match step {
            Step::Done(Some((Admission::Pass(..), flow))) => return Some(attempt_of(&flow)),
            Step::Done(_) => return None,
            step => advance(settings, &mut state, node, step, Fate::Fine).ok()?,
        };
    }
}
