//! A model of a few nodes, a store and its bad days, checked in every order of steps (threats T24, T25, T29, T92 and T120).
//!
//! The nodes run what the product runs: the loop is the [`machine`](super::machine), what it does are the transitions of
//! [`transition`](super::transition) and [`revoke`](super::revoke), and what they mean is
//! [`flow`](crate::domain::flow). The model is the rest: a store as its contract says, which loses answers and delivers late, and
//! nodes that crash, drop requests, differ in clocks and secrets. Beside it stands the truth: what the service was
//! satisfied with, and on what each handler ran.
//!
//! What is checked, and how much of it, is in `docs/model.md`.
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::LazyLock;
use std::time::Duration;

use authsignal_client::{ActionState, IdempotencyKey};
use stateright::Property;

use crate::domain::flow::tests::{challenge, opening, page};
use crate::domain::flow::{Flow, Kind, Moment, PENDING, RequestId, Stage, Validation};
use crate::domain::revocation::{Known, RevocationId};
use crate::domain::saved_request::SavedRequest;
use crate::store::Key;

mod certificate;
mod check;
mod settings;
mod store;
mod task;
mod truth;

use settings::{Broken, Node, Settings};
use store::{Fate, Records, Secret};
use task::{Doing, Task};
use truth::Truth;

/// How many attempts there may be at most.
const ATTEMPTS: usize = 4;
const START: Moment = Moment(1_800_000_000_000);
/// An approval runs out after one, a challenge after two.
const TICK: Duration = Duration::from_secs(6 * 60);

/// What the service may be asked about: each attempt, as it stands, and successes of somebody else's.
struct Answers {
    attempts: Vec<IdempotencyKey>,
    proved: Vec<Validation>,
    failed: Vec<Validation>,
    unfinished: Vec<Validation>,
    others: [Validation; 2],
}

static ANSWERS: LazyLock<Answers> = LazyLock::new(|| {
    let answer = |user: &str, action: &str, attempt: usize, state: ActionState| Validation {
        is_valid: state == ActionState::ChallengeSucceeded,
        state: Some(state),
        user: Some(user.into()),
        action: Some(action.into()),
        attempt: Some(attempt.to_string()),
        method: None,
        at: None,
    };
    let of = |state: ActionState| (0..ATTEMPTS).map(|attempt| answer("ada", "pay", attempt, state.clone())).collect();
    let proved = ActionState::ChallengeSucceeded;
    Answers {
        attempts: (0..ATTEMPTS).map(|attempt| IdempotencyKey::new(attempt.to_string()).expect("a number")).collect(),
        others: [answer("bob", "pay", 0, proved.clone()), answer("ada", "login", 0, proved.clone())],
        proved: of(proved),
        failed: of(ActionState::ChallengeFailed),
        unfinished: of(ActionState::ChallengeRequired),
    }
});

/// A state is known again by its hash; flows of the model differ in nothing else.
impl Hash for Flow {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        let sent = matches!(self.saved, SavedRequest::Sent);
        (self.opening.attempt.as_str(), &self.stage, sent, &self.asked, &self.known).hash(hasher);
    }
}

fn new_flow(attempt: usize, remember: Option<Duration>, known: Known, now: Moment) -> Flow {
    let opening = opening("ada", "pay", ANSWERS.attempts[attempt].as_str(), remember);
    Flow::new(opening, challenge(), page(), Stage::pending(now, PENDING)).after(known)
}

fn attempt_of(flow: &Flow) -> usize {
    flow.opening.attempt.as_str().parse().expect("attempts are numbered")
}

/// One of the things that can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    /// A request reaches this node.
    Request { node: usize, at: &'static str },
    /// The user proves this attempt to the service.
    Prove { attempt: usize },
    /// The user fails it.
    Fail { attempt: usize },
    /// A callback with the token of this attempt reaches this node.
    Callback { node: usize, at: &'static str, token: usize },
    /// A callback with the token of another user, or of another action.
    Forged { node: usize, at: &'static str, token: usize },
    /// This node is asked to revoke the user.
    Revoke { node: usize, at: &'static str },
    /// A task goes on by one call of the store, or of the service, or to its handler.
    Go { task: usize, doing: Doing, fate: Fate },
    /// The client of a task hangs up.
    Drop { task: usize, doing: Doing },
    /// The process of a task dies.
    Crash { task: usize, doing: Doing },
    /// A write that was on its way arrives.
    Deliver,
    /// Six minutes go by.
    Tick,
}

/// Everything there is at one time.
#[derive(Clone, Hash)]
#[expect(clippy::derived_hash_with_manual_eq, reason = "states are the same that have the same hash")]
struct State {
    ticks: u8,
    records: Records,
    tasks: Vec<Task>,
    requests: u8,
    callbacks: u8,
    revocations: u8,
    faults: u8,
    drops: u8,
    truth: Truth,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request { at, .. } => write!(f, "a request reaches {at}"),
            Self::Prove { attempt } => write!(f, "the user proves attempt {attempt}"),
            Self::Fail { attempt } => write!(f, "the user fails attempt {attempt}"),
            Self::Callback { at, token, .. } => {
                write!(f, "the user comes back to {at} with the token of attempt {token}")
            }
            Self::Forged { at, .. } => write!(f, "somebody else's token comes back to {at}"),
            Self::Revoke { at, .. } => write!(f, "{at} is asked to revoke the user"),
            Self::Go { fate, doing, .. } => write!(f, "{doing}{}", fate.in_words()),
            Self::Drop { doing, .. } => write!(f, "the client hangs up where {doing}"),
            Self::Crash { doing, .. } => write!(f, "the process dies where {doing}"),
            Self::Deliver => f.write_str("a write that was on its way arrives"),
            Self::Tick => f.write_str("six minutes go by"),
        }
    }
}

impl PartialEq for State {
    fn eq(&self, other: &Self) -> bool {
        let digest = |state: &Self| {
            let mut hasher = DefaultHasher::new();
            state.hash(&mut hasher);
            hasher.finish()
        };
        digest(self) == digest(other)
    }
}

impl State {
    /// By the store's clock.
    fn now(&self) -> Moment {
        START.plus(TICK * u32::from(self.ticks))
    }

    fn is_quiet(&self) -> bool {
        self.tasks.is_empty() && self.records.on_its_way.is_none()
    }
}

impl Settings {
    /// By the store's clock.
    fn store_now(&self, state: &State) -> Moment {
        if self.broken == Some(Broken::NoTime) { START } else { state.now() }
    }

    /// By a node's clock.
    fn now(&self, state: &State, node: usize) -> Moment {
        self.store_now(state).plus(self.nodes[node].ahead)
    }

    /// The master secrets of a node, its own first.
    fn secrets(&self, node: usize) -> &'static [Secret] {
        match self.nodes[node].secret {
            Secret::Newer if self.is_rotating => &[Secret::Newer, Secret::Older],
            Secret::Newer => &[Secret::Newer],
            Secret::Older => &[Secret::Older],
        }
    }

    /// The names of a record at a node: under its own secret first.
    fn names(&self, node: usize, names: [u8; 2]) -> Vec<Key> {
        let name = |secret: &Secret| Key::of(names[usize::from(*secret == Secret::Older)]);
        self.secrets(node).iter().map(name).collect()
    }
}

impl stateright::Model for Settings {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            ticks: 0,
            records: Records::default(),
            tasks: Vec::new(),
            requests: 0,
            callbacks: 0,
            revocations: 0,
            faults: 0,
            drops: 0,
            truth: Truth::default(),
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let has_room = state.tasks.len() < self.at_once;
        for (node, Node { name: at, .. }) in self.nodes.iter().enumerate() {
            if has_room && state.requests < self.requests {
                actions.push(Action::Request { node, at });
            }
            if has_room && state.callbacks < self.callbacks {
                actions.extend((0..state.truth.attempts.len()).map(|token| Action::Callback { node, at, token }));
                if self.is_forged {
                    actions.extend((0..ANSWERS.others.len()).map(|token| Action::Forged { node, at, token }));
                }
            }
            if has_room && state.revocations < self.revocations {
                actions.push(Action::Revoke { node, at });
            }
        }
        let open = state.truth.attempts.iter().enumerate().filter(|(_, of)| !of.is_proved && !of.is_failed);
        for (attempt, _) in open {
            actions.push(Action::Prove { attempt });
            if self.can_fail {
                actions.push(Action::Fail { attempt });
            }
        }
        for (task, what) in state.tasks.iter().enumerate() {
            let doing = what.doing(self);
            actions.push(Action::Go { task, doing, fate: Fate::Fine });
            if state.faults < self.faults {
                let fates = self.fates.iter().filter(|fate| what.can_meet(**fate, state));
                actions.extend(fates.map(|&fate| Action::Go { task, doing, fate }));
                if self.can_crash {
                    actions.push(Action::Crash { task, doing });
                }
            }
            if state.drops < self.drops && what.can_be_dropped() {
                actions.push(Action::Drop { task, doing });
            }
        }
        if state.records.on_its_way.is_some() {
            actions.push(Action::Deliver);
        }
        if state.ticks < self.ticks {
            actions.push(Action::Tick);
        }
    }

    fn next_state(&self, before: &State, action: Action) -> Option<State> {
        let mut state = before.clone();
        state.truth.event = None;
        match action {
            Action::Request { node, .. } => {
                state.requests += 1;
                state.tasks.push(Task::request(self, node, RequestId([state.requests; 16]), &state.truth));
            }
            Action::Prove { attempt } => state.truth.attempts[attempt].is_proved = true,
            Action::Fail { attempt } => state.truth.attempts[attempt].is_failed = true,
            Action::Callback { node, token, .. } => {
                state.callbacks += 1;
                state.tasks.push(Task::callback(self, node, token, false, state.callbacks));
            }
            Action::Forged { node, token, .. } => {
                state.callbacks += 1;
                state.tasks.push(Task::callback(self, node, token, true, state.callbacks));
            }
            Action::Revoke { node, .. } => {
                state.revocations += 1;
                let id = RevocationId([state.revocations; 16]);
                state.truth.is_asked_to_revoke(id);
                state.tasks.push(Task::revocation(self, node, id));
            }
            Action::Go { task, fate, .. } => {
                state.faults += u8::from(fate != Fate::Fine);
                let task = state.tasks.remove(task);
                task.go(self, &mut state, fate);
            }
            Action::Drop { task, .. } => {
                state.drops += 1;
                let task = state.tasks.remove(task);
                task.drop(self, &mut state);
            }
            Action::Crash { task, .. } => {
                state.faults += 1;
                let task = state.tasks.remove(task);
                task.crash(&mut state);
            }
            Action::Deliver => {
                let write = state.records.on_its_way.take()?;
                state.write(self, write);
            }
            Action::Tick => state.ticks += 1,
        }
        // Which task began first says nothing.
        state.tasks.sort_by_cached_key(|task| task.order(self));
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        check::properties(self)
    }
}

impl State {
    /// The store carries a swap out. What comes of it is the truth from then on, whoever hears of it.
    fn write(&mut self, settings: &Settings, write: store::Write) -> bool {
        let now = settings.store_now(self);
        let stage = match &write.value {
            store::Value::Flow(flow) => Some((attempt_of(flow), flow.stage.clone())),
            store::Value::Revocations(_) => None,
        };
        let before = self.records.flow_at(&write.key, now);
        let spent = before.filter(|flow| matches!(flow.stage.kind, Kind::Spent { .. })).map(attempt_of);
        let wrote = self.records.swap(write, now, settings.broken == Some(Broken::NoVersion));
        if let (true, Some((attempt, stage))) = (wrote, stage) {
            // The limit of T25 and T120: what puts a spend right finds another attempt in its place.
            if let Some(spent) = spent.filter(|spent| *spent != attempt) {
                self.truth.attempts[spent].is_gone = true;
            }
            self.truth.written(attempt, &stage);
        }
        wrote
    }
}
