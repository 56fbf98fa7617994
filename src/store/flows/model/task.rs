//! What runs on a node: the steps of the machine one by one, and what the product does around them.
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::settings::ANY_NODE;
use super::store::{FLOW_NAMES, Fate, REVOCATION_NAMES};
use super::truth::{Event, Truth};
use super::{ATTEMPTS, Broken, Settings, State, attempt_of, new_flow};
use crate::domain::flow::{Admission, AskId, Asking, Flow, RequestId, Resolution};
use crate::domain::revocation::{RevocationId, Revocations};
use crate::domain::saved_request::SavedRequest;
use crate::store::Key;
use crate::store::flows::machine::{StandingRevocations, Step, Transition};
use crate::store::flows::revoke::Revoke;
use crate::store::flows::transition::{Admit, Answer, Ask, Begun, GiveBack, Open, SaveRequest, WasNotAnswered};

mod node;

pub(super) use node::would_pass;
use node::{Admitted, admitted, advance, give_back, open, take, validate};

static SAVED: SavedRequest = SavedRequest::Sent;

/// Something that a node is at.
#[derive(Clone, Hash)]
pub(super) struct Task {
    node: usize,
    what: What,
}

/// A request, and which revocations had returned when it began.
#[derive(Clone, Copy, Hash)]
struct Request {
    by: RequestId,
    revoked: u8,
}

impl Request {
    fn name(self) -> &'static str {
        ["request 1", "request 2", "request 3", "request 4"][usize::from(self.by.0[0]) - 1]
    }
}

/// A callback's token.
#[derive(Clone, Copy, Hash)]
enum Token {
    Of(usize),
    /// Of another user, or another action.
    Forged(usize),
}

#[derive(Clone, Hash)]
enum What {
    Admit {
        request: Request,
        step: Step<Admit>,
        spends: Option<usize>,
        is_dropped: bool,
        again: Option<Flow>,
    },
    /// Reads what is revoked, before a new flow.
    Read {
        request: Request,
        standing: StandingRevocations,
    },
    Open {
        request: Request,
        step: Step<Open>,
        flow: Flow,
    },
    Save {
        step: Step<SaveRequest<'static>>,
    },
    /// It is about to be handed to its handler.
    Ready {
        request: Request,
        attempt: usize,
        is_spent: bool,
    },
    GiveBack {
        attempt: usize,
        step: Step<GiveBack>,
    },
    Ask {
        token: Token,
        by: AskId,
        step: Step<Ask>,
    },
    /// The service is asked.
    Question {
        token: Token,
        by: AskId,
    },
    Answer {
        step: Step<Answer<'static>>,
    },
    WasNotAnswered {
        step: Step<WasNotAnswered>,
    },
    Revoke {
        id: RevocationId,
        step: Step<Revoke<'static>>,
        left: Vec<Key>,
    },
    /// A twin's way of spending: it has found the approval of this attempt, or looks for one.
    Take {
        request: Request,
        found: Option<usize>,
    },
    /// A twin's way of revoking.
    RevokeByClock {
        id: RevocationId,
    },
}

/// What a task does next, in words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doing {
    at: &'static str,
    who: &'static str,
    does: &'static str,
}

impl fmt::Display for Doing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.at != ANY_NODE {
            write!(f, "{}: ", self.at)?;
        }
        write!(f, "{} {}", self.who, self.does)
    }
}

fn does<T: Transition>(step: &Step<T>) -> &'static str {
    match step {
        Step::Load(_) => "loads",
        Step::Check(_) => "reads what is revoked",
        Step::Swap(_) => "writes",
        Step::Done(_) => "is done",
    }
}

impl Task {
    pub(super) fn doing(&self, settings: &Settings) -> Doing {
        let (who, does) = match &self.what {
            What::Admit { request, step, .. } => (request.name(), does(step)),
            What::Read { request, .. } => (request.name(), "reads what is revoked, before it asks for a challenge"),
            What::Open { request, step, .. } => {
                (request.name(), if matches!(step, Step::Swap(_)) { "writes a new flow" } else { does(step) })
            }
            What::Save { step } => ("how a request goes on", does(step)),
            What::Ready { request, .. } => (request.name(), "runs its handler"),
            What::GiveBack { step, .. } => ("giving back", does(step)),
            What::Ask { step, .. } => ("a callback", does(step)),
            What::Question { .. } => ("a callback", "asks the service"),
            What::Answer { step } => ("the service's answer", does(step)),
            What::WasNotAnswered { step } => ("a callback without an answer", does(step)),
            What::Revoke { step, .. } => ("a revocation", does(step)),
            What::Take { request, found: None } => (request.name(), "takes a look"),
            What::Take { request, found: Some(_) } => (request.name(), "deletes the approval"),
            What::RevokeByClock { .. } => ("a revocation", "writes down what time it is"),
        };
        Doing { at: settings.nodes[self.node].name, who, does }
    }

    fn admit(node: usize, request: Request, again: Option<Flow>, settings: &Settings) -> Self {
        let step = Step::begin(Admit { by: request.by }, settings.names(node, FLOW_NAMES));
        Self { node, what: What::Admit { request, step, spends: None, is_dropped: false, again } }
    }

    pub(super) fn request(settings: &Settings, node: usize, by: RequestId, truth: &Truth) -> Self {
        let request = Request { by, revoked: truth.revoked };
        match settings.broken {
            Some(Broken::GetThenDelete | Broken::GetDelete) => Self { node, what: What::Take { request, found: None } },
            _ => Self::admit(node, request, None, settings),
        }
    }

    pub(super) fn callback(settings: &Settings, node: usize, token: usize, is_forged: bool, number: u8) -> Self {
        let by = AskId::of(number.into());
        let step = Step::begin(Ask { by, most: 10 }, settings.names(node, FLOW_NAMES));
        let token = if is_forged { Token::Forged(token) } else { Token::Of(token) };
        Self { node, what: What::Ask { token, by, step } }
    }

    pub(super) fn revocation(settings: &Settings, node: usize, id: RevocationId) -> Self {
        if settings.broken == Some(Broken::RevokedByClock) {
            return Self { node, what: What::RevokeByClock { id } };
        }
        let mut left = settings.names(node, REVOCATION_NAMES);
        let name = left.remove(0);
        Self { node, what: What::Revoke { id, step: Step::begin(Revoke { session: None, id }, vec![name]), left } }
    }

    /// Tasks are in this order. What tells the last of them apart is their hash.
    pub(super) fn order(&self, settings: &Settings) -> (&'static str, &'static str, usize, u64) {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        let Doing { who, does, .. } = self.doing(settings);
        (who, does, self.node, hasher.finish())
    }

    fn is_at_swap(&self) -> bool {
        match &self.what {
            What::Admit { step, .. } => matches!(step, Step::Swap(_)),
            What::Open { step, .. } => matches!(step, Step::Swap(_)),
            What::Save { step } => matches!(step, Step::Swap(_)),
            What::GiveBack { step, .. } => matches!(step, Step::Swap(_)),
            What::Ask { step, .. } => matches!(step, Step::Swap(_)),
            What::Answer { step } => matches!(step, Step::Swap(_)),
            What::WasNotAnswered { step } => matches!(step, Step::Swap(_)),
            What::Revoke { step, .. } => matches!(step, Step::Swap(_)),
            What::Read { .. }
            | What::Ready { .. }
            | What::Question { .. }
            | What::Take { .. }
            | What::RevokeByClock { .. } => false,
        }
    }

    pub(super) fn can_meet(&self, fate: Fate, state: &State) -> bool {
        match fate {
            Fate::Fine => true,
            Fate::AnswerLost => !matches!(self.what, What::Ready { .. } | What::RevokeByClock { .. }),
            Fate::RequestLost => self.is_at_swap(),
            Fate::Late | Fate::Twice => self.is_at_swap() && state.records.on_its_way.is_none(),
        }
    }

    pub(super) fn can_be_dropped(&self) -> bool {
        match &self.what {
            What::Admit { is_dropped, .. } => !is_dropped,
            What::Ready { .. } => true,
            _ => false,
        }
    }

    /// Its client hangs up. What may have been spent is given back.
    pub(super) fn drop(self, settings: &Settings, state: &mut State) {
        let Self { node, what } = self;
        match what {
            What::Admit { request, step, spends: Some(attempt), again, .. } => {
                let what = What::Admit { request, step, spends: Some(attempt), is_dropped: true, again };
                state.tasks.push(Self { node, what });
            }
            What::Ready { request, attempt, is_spent: true } => give_back(settings, state, node, request, attempt),
            _ => {}
        }
    }

    /// Its process dies. Whether what was spent has had its effect, nobody can know then.
    pub(super) fn crash(self, state: &mut State) {
        match self.what {
            What::Admit { spends: Some(attempt), .. }
            | What::Ready { attempt, is_spent: true, .. }
            | What::GiveBack { attempt, .. } => state.truth.attempts[attempt].is_gone = true,
            _ => {}
        }
    }

    /// Goes on by one call.
    pub(super) fn go(self, settings: &Settings, state: &mut State, fate: Fate) {
        let is_at_swap = self.is_at_swap();
        let Self { node, what } = self;
        let next = match what {
            What::Admit { request, step, mut spends, is_dropped, again } => {
                if let (Some(attempt), true, Fate::Late) = (spends, is_at_swap, fate) {
                    state.truth.attempts[attempt].is_gone = true;
                }
                match advance(settings, state, node, step, fate) {
                    Ok(Step::Done(met)) => {
                        if spends.is_some() && !is_at_swap && matches!(met, Some((Admission::Pass(..), _))) {
                            state.truth.event = Some(Event::FoundOwn);
                        }
                        let is_spent = spends.is_some();
                        let done = Admitted { request, met, is_spent, is_dropped, again };
                        return admitted(settings, state, node, done);
                    }
                    Ok(step) => {
                        if let Step::Swap(swap) = &step {
                            spends = Some(attempt_of(&swap.record));
                        }
                        What::Admit { request, step, spends, is_dropped, again }
                    }
                    Err(_) => match spends {
                        Some(attempt) => return give_back(settings, state, node, request, attempt),
                        None => return,
                    },
                }
            }
            What::Read { request, mut standing } => {
                let Some(key) = standing.key().filter(|_| fate == Fate::Fine) else { return };
                let found = state.records.load::<Revocations>(key, settings.store_now(state), settings.secrets(node));
                if standing.found(found, settings.now(state, node)).is_err() {
                    return;
                }
                if standing.key().is_some() {
                    What::Read { request, standing }
                } else {
                    let attempt = state.truth.attempts.len();
                    if attempt == ATTEMPTS {
                        return;
                    }
                    let now = settings.now(state, node);
                    state.truth.begin(now);
                    let flow = new_flow(attempt, settings.remember, standing.known(), now);
                    return open(settings, state, node, request, flow);
                }
            }
            What::Open { request, step, flow } => match advance(settings, state, node, step, fate) {
                Ok(Step::Done(Begun::New)) => {
                    state.truth.event = Some(Event::Challenged);
                    return;
                }
                Ok(Step::Done(Begun::Joined(_))) => {
                    state.truth.event = Some(Event::Joined);
                    return;
                }
                Ok(Step::Done(Begun::Approved)) => Self::admit(node, request, Some(flow), settings).what,
                Ok(step) => What::Open { request, step, flow },
                Err(_) => return,
            },
            What::Save { step } => match advance(settings, state, node, step, fate) {
                Ok(Step::Done(())) | Err(_) => return,
                Ok(step) => What::Save { step },
            },
            What::Ready { request, attempt, .. } => return state.truth.handle(attempt, request.revoked),
            What::GiveBack { attempt, step } => match advance(settings, state, node, step, fate) {
                Ok(Step::Done(flow)) => {
                    if flow.is_some() {
                        state.truth.event = Some(Event::GivenBack);
                        state.truth.has_given_back = true;
                    }
                    return;
                }
                Ok(step) => What::GiveBack { attempt, step },
                Err(_) => return state.truth.attempts[attempt].is_gone = true,
            },
            What::Ask { token, by, step } => match advance(settings, state, node, step, fate) {
                Ok(Step::Done(Some((Asking::Ask(_) | Asking::Counted, _)))) => What::Question { token, by },
                Ok(Step::Done(_)) | Err(_) => return,
                Ok(step) => What::Ask { token, by, step },
            },
            What::Question { by, .. } if fate != Fate::Fine => {
                let step = Step::begin(WasNotAnswered { by }, settings.names(node, FLOW_NAMES));
                What::WasNotAnswered { step }
            }
            What::Question { token, .. } => {
                let answer = validate(settings, &mut state.truth, token);
                What::Answer { step: Step::begin(Answer(answer), settings.names(node, FLOW_NAMES)) }
            }
            What::Answer { step } => match advance(settings, state, node, step, fate) {
                Ok(Step::Done(Some((Resolution::Unproven(_), _)))) => return state.truth.event = Some(Event::Unproven),
                Ok(Step::Done(_)) | Err(_) => return,
                Ok(step) => What::Answer { step },
            },
            What::WasNotAnswered { step } => match advance(settings, state, node, step, fate) {
                Ok(Step::Done(())) | Err(_) => return,
                Ok(step) => What::WasNotAnswered { step },
            },
            What::Revoke { id, step, mut left } => match advance(settings, state, node, step, fate) {
                Ok(Step::Done(())) if left.is_empty() => return state.truth.revoke(id),
                Ok(Step::Done(())) => {
                    let name = left.remove(0);
                    What::Revoke { id, step: Step::begin(Revoke { session: None, id }, vec![name]), left }
                }
                Ok(step) => What::Revoke { id, step, left },
                Err(_) => return,
            },
            What::Take { request, found } => return take(settings, state, node, request, found, fate),
            What::RevokeByClock { id } => {
                state.truth.revoked_at = Some(settings.now(state, node));
                return state.truth.revoke(id);
            }
        };
        state.tasks.push(Self { node, what: next });
    }
}

impl Hash for SaveRequest<'_> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.attempt.as_str().hash(hasher);
    }
}
