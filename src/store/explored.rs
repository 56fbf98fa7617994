//! Every order of up to eight events on the flows of a few users, browsers and requests, against what must never happen.
//!
//! The model is the real machine, real bindings and real record keys over a store that is an array with versions. Beside
//! it a ghost keeps the truth: which attempts the service was really satisfied with, and who passed on which.
//!
//! Orders that lead to the same model go on together, each counted: what comes after depends on the model alone.
use std::collections::HashMap;
use std::time::Duration;

use authsignal_client::ActionState as S;

use super::key::Key;
use super::seal::{KeyRing, Purpose};
use crate::domain::coverage::{Binding, Digest};
use crate::domain::flow::*;
use crate::domain::proof_policy::ProofPolicy;
use crate::domain::tenant::{Tenant, Tenants};
use crate::request::cookie::BrowserId;

mod orders;

const DEPTH: usize = 8;
const ASKERS: usize = 5;
/// Who asks for what: the first is the one whose flow is attacked, each other differs from it in one thing.
const OWNER: usize = 0;
const OTHER_BODY: usize = 1;
const OTHER_USER: usize = 2;
const OTHER_BROWSER: usize = 3;
const OTHER_ACTION: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Event {
    /// A new request of this asker, whole: met by its flow, or else tracked and challenged.
    Ask(usize),
    /// The owner's last request once more, its reply having been lost.
    AskAgain,
    /// A node takes up a new request of the owner's: it loads.
    Load(usize),
    /// That node writes what it made of it.
    Commit(usize),
    /// The same, and the request is dropped before its handler.
    Drop(usize),
    /// That node gives back what it spent on the request that was dropped.
    GiveBack(usize),
    /// The callback of this asker's flow, with the service's word about this asker's newest attempt.
    Return { to: usize, about: usize, state: State },
    /// The callback of the owner's flow, with a success of the owner's attempt before the newest.
    ReturnOlder,
    /// Six minutes go by: an approval runs out after one, a challenge after two.
    Wait,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Proved,
    Unfinished,
    Failed,
}

/// Everything that does not change during an exploration.
struct Fixed {
    keys: [Key; ASKERS],
    /// The attempts that each asker can make, in order.
    openings: Vec<Vec<Opening>>,
    remember: Option<Duration>,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Model {
    now: u64,
    /// For each key: the version, whose attempt it is, and the stage.
    records: [(u64, Option<(usize, usize, Stage)>); ASKERS],
    /// How many attempts each asker has made.
    attempts: [usize; ASKERS],
    requests: u8,
    last_request: Option<u8>,
    /// What each node has loaded: the version, the request, and what to write.
    loaded: [Option<(u64, u8, usize, Stage)>; 2],
    /// Which request each node has dropped and not given back for.
    dropped: [Option<u8>; 2],
    has_given_back: bool,
    /// Truth: attempts that were proved, and for each the requests that passed on it.
    proved: [[Option<u64>; DEPTH + 1]; ASKERS],
    passed_on: [[Option<u8>; DEPTH + 1]; ASKERS],
    /// Whether the last event let a request pass.
    passed: bool,
}

fn fixed(remember: Option<Duration>) -> Fixed {
    let keys = KeyRing::new(b"the secret of this exploration", &[] as &[&[u8]], Tenants::one(Tenant::of(1)));
    let browsers = [BrowserId::random(), BrowserId::random()];
    let asker = |index| {
        let user = if index == OTHER_USER { "bob" } else { "ada" };
        let action = if index == OTHER_ACTION { "login" } else { "pay" };
        let digest = Digest([u8::from(index == OTHER_BODY); 32]);
        let binding = Binding {
            callback_url: "",
            user,
            session: None,
            action,
            actor: "person",
            account: user,
            unenrolled: "allow",
            proof: &ProofPolicy::default(),
            told: None,
            may_be_reviewed: false,
            transaction: None,
        }
        .hash(&digest);
        let key = keys.name(Purpose::Flow, &browsers[usize::from(index == OTHER_BROWSER)], &binding);
        let openings =
            (0..=DEPTH).map(|n| crate::domain::flow::tests::opening(user, action, &format!("{index}-{n}"), remember));
        (key, openings.collect())
    };
    let askers: Vec<(Key, Vec<Opening>)> = (0..ASKERS).map(asker).collect();
    let keys = std::array::from_fn(|index| askers[index].0);
    Fixed { keys, openings: askers.into_iter().map(|(_, openings)| openings).collect(), remember }
}

impl Fixed {
    /// The record that a key leads to.
    fn record(&self, key: &Key) -> usize {
        self.keys.iter().position(|other| other == key).expect("every key is one of these")
    }

    fn answer(&self, asker: usize, attempt: usize, state: State) -> Validation {
        let opening = &self.openings[asker][attempt];
        let (is_valid, state) = match state {
            State::Proved => (true, S::ChallengeSucceeded),
            State::Unfinished => (false, S::ChallengeRequired),
            State::Failed => (false, S::ChallengeFailed),
        };
        Validation {
            is_valid,
            state: Some(state),
            user: Some(opening.user.to_string()),
            action: Some(opening.action.to_string()),
            attempt: Some(opening.attempt.to_string()),
            method: None,
            at: None,
        }
    }
}

impl Model {
    fn new() -> Self {
        Self {
            now: 1_000_000_000,
            records: std::array::from_fn(|_| (0, None)),
            attempts: [0; ASKERS],
            requests: 0,
            last_request: None,
            loaded: [None, None],
            dropped: [None, None],
            has_given_back: false,
            proved: [[None; DEPTH + 1]; ASKERS],
            passed_on: [[None; DEPTH + 1]; ASKERS],
            passed: false,
        }
    }

    fn step(&mut self, fixed: &Fixed, event: Event) {
        self.passed = false;
        match event {
            Event::Ask(asker) => {
                let request = self.new_request();
                if asker == OWNER {
                    self.last_request = Some(request);
                }
                self.ask(fixed, asker, request);
            }
            Event::AskAgain => {
                if let Some(request) = self.last_request {
                    self.ask(fixed, OWNER, request);
                }
            }
            Event::Load(node) => {
                let request = self.new_request();
                let (version, record) = &self.records[fixed.record(&fixed.keys[OWNER])];
                self.loaded[node] = record.as_ref().and_then(|(asker, attempt, stage)| {
                    match fixed.openings[*asker][*attempt].admit(stage, id(request), Moment(self.now)) {
                        Admission::Pass(_, Some(stage)) => Some((*version, request, *attempt, stage)),
                        Admission::Pass(_, None)
                        | Admission::SameChallenge
                        | Admission::Repeated
                        | Admission::Insufficient(_)
                        | Admission::UnderReview
                        | Admission::Refused(_)
                        | Admission::Nothing => None,
                    }
                });
            }
            Event::Commit(node) => {
                if let Some((expected, request, attempt, stage)) = self.loaded[node].take() {
                    let record = fixed.record(&fixed.keys[OWNER]);
                    if self.records[record].0 == expected {
                        self.write(record, OWNER, attempt, stage);
                        self.passes(fixed, OWNER, OWNER, attempt, request);
                    }
                }
            }
            Event::Drop(node) => {
                if let Some((expected, request, attempt, stage)) = self.loaded[node].take() {
                    let record = fixed.record(&fixed.keys[OWNER]);
                    if self.records[record].0 == expected {
                        self.write(record, OWNER, attempt, stage);
                        self.dropped[node] = Some(request);
                    }
                }
            }
            Event::GiveBack(node) => self.give_back(fixed, node),
            Event::Return { to, about, state } => {
                if let Some(attempt) = self.attempts[about].checked_sub(1) {
                    self.way_back(fixed, to, about, attempt, state);
                }
            }
            Event::ReturnOlder => {
                if let Some(attempt) = self.attempts[OWNER].checked_sub(2) {
                    self.way_back(fixed, OWNER, OWNER, attempt, State::Proved);
                }
            }
            Event::Wait => self.now += 6 * 60 * 1000,
        }
    }

    fn new_request(&mut self) -> u8 {
        self.requests += 1;
        self.requests
    }

    fn write(&mut self, record: usize, asker: usize, attempt: usize, stage: Stage) {
        let version = self.records[record].0 + 1;
        self.records[record] = (version, Some((asker, attempt, stage)));
    }

    fn ask(&mut self, fixed: &Fixed, asker: usize, request: u8) {
        let record = fixed.record(&fixed.keys[asker]);
        if let Some((opener, attempt, stage)) = self.records[record].1.clone() {
            match fixed.openings[opener][attempt].admit(&stage, id(request), Moment(self.now)) {
                Admission::Pass(_, next) => {
                    if let Some(next) = next {
                        self.write(record, opener, attempt, next);
                    }
                    return self.passes(fixed, asker, opener, attempt, request);
                }
                Admission::SameChallenge => return,
                Admission::Repeated
                | Admission::Insufficient(_)
                | Admission::UnderReview
                | Admission::Refused(_)
                | Admission::Nothing => {}
            }
        }
        let attempt = self.attempts[asker];
        self.attempts[asker] += 1;
        self.write(record, asker, attempt, Stage::pending(Moment(self.now), PENDING));
    }

    fn way_back(&mut self, fixed: &Fixed, to: usize, about: usize, attempt: usize, state: State) {
        let record = fixed.record(&fixed.keys[to]);
        let Some((opener, current, stage)) = self.records[record].1.clone() else { return };
        let answer = fixed.answer(about, attempt, state);
        match fixed.openings[opener][current].answer(&stage, &answer, Moment(self.now)) {
            Resolution::Approve(next) => {
                assert!(matches!(state, State::Proved), "approved without a success");
                assert!((opener, current) == (about, attempt), "approved by the success of another flow");
                assert!(self.proved[opener][current].is_none(), "approved twice");
                self.proved[opener][current] = Some(self.now);
                self.write(record, opener, current, next);
            }
            Resolution::Fail(next) => {
                assert!((opener, current) == (about, attempt), "failed by the failure of another flow");
                self.write(record, opener, current, next);
            }
            Resolution::Already | Resolution::Left | Resolution::Unproven(_) => {}
        }
    }

    fn give_back(&mut self, fixed: &Fixed, node: usize) {
        let record = fixed.record(&fixed.keys[OWNER]);
        let Some(request) = self.dropped[node].take() else { return };
        let Some((opener, attempt, stage)) = self.records[record].1.clone() else { return };
        if let Some(stage) = stage.give_back(id(request), Moment(self.now)) {
            assert_eq!(self.passed_on[opener][attempt], None, "given back after a request had passed on it");
            self.write(record, opener, attempt, stage);
            self.has_given_back = true;
        }
    }

    /// The invariants, each time that a request passes.
    fn passes(&mut self, fixed: &Fixed, asker: usize, opener: usize, attempt: usize, request: u8) {
        self.passed = true;
        assert_eq!(asker, opener, "passed on the approval of another user, action, browser or request");
        let proved_at = self.proved[opener][attempt].expect("passed without a success of this very flow");
        let life = fixed.remember.unwrap_or(APPROVED).as_millis() as u64;
        let first = self.passed_on[opener][attempt].get_or_insert(request);
        if fixed.remember.is_none() {
            assert_eq!(*first, request, "one approval was spent by two requests");
        } else {
            assert!(self.now < proved_at + life, "passed on an approval that had run out");
        }
    }
}

fn id(request: u8) -> RequestId {
    RequestId([request; 16])
}

/// Runs every order of up to [`DEPTH`] of these events, and says how many orders and passes there were. Gives how many of
/// the passes came after something was given back.
fn explore(name: &str, events: &[Event], remember: Option<Duration>) -> u64 {
    let fixed = fixed(remember);
    let (mut orders, mut passes, mut after, mut seen) = (0_u64, 0_u64, 0_u64, 0);
    let mut worlds = HashMap::from([(Model::new(), 1_u64)]);
    for _ in 0..DEPTH {
        let mut next = HashMap::new();
        for (model, ways) in &worlds {
            for &event in events {
                let mut model = model.clone();
                model.step(&fixed, event);
                orders += ways;
                passes += if model.passed { *ways } else { 0 };
                after += if model.passed && model.has_given_back { *ways } else { 0 };
                *next.entry(model).or_default() += ways;
            }
        }
        seen += next.len();
        worlds = next;
    }
    println!("{name}: {orders} orders of up to {DEPTH} events, {passes} end in a pass, {seen} worlds, 0 violations");
    let all: u64 = (1..=DEPTH as u32).map(|length| (events.len() as u64).pow(length)).sum();
    assert_eq!(orders, all);
    assert!(passes > 0, "an exploration in which nothing passes proves nothing");
    after
}
