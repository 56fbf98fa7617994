//! PURE: how often Authsignal is asked whether a token proves a flow (threat T118).
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Flow, Kind, Moment};
use crate::random::random;

/// How often it was asked, and which way back asked last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(super) times: u32,
    pub(super) last: Option<AskId>,
}

/// One way back that asks. When the answer to its write was lost it finds that write, and does not count twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct AskId(pub(super) u64);

impl AskId {
    #[cfg(test)]
    pub(crate) fn of(number: u64) -> Self {
        Self(number)
    }

    pub(crate) fn random() -> Self {
        Self(u64::from_ne_bytes(random()))
    }
}

/// Whether Authsignal is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asking {
    /// It is, once this has been written.
    Ask(Asked),
    /// It is: this way back was counted.
    Counted,
    /// It is not: the flow has its answer, and the budget is used up.
    Known,
    /// It is not: the budget is used up, until the flow runs out.
    Over(Duration),
    /// It is not: the flow has run out.
    Expired,
}

impl Flow {
    /// Whether the way back `by` may ask about this flow, which may be asked about `most` times.
    pub(crate) fn ask(&self, most: u32, by: AskId, now: Moment) -> Asking {
        let Self { stage, asked, .. } = self;
        if !stage.is_live(now) {
            Asking::Expired
        } else if asked.last == Some(by) {
            Asking::Counted
        } else if asked.times < most {
            Asking::Ask(Asked { times: asked.times + 1, last: Some(by) })
        } else if stage.kind == Kind::Pending {
            Asking::Over(stage.until.after(now))
        } else {
            Asking::Known
        }
    }
}

impl Asked {
    /// The count without the way back `by`, which got no answer. Where another has asked since, it stays: whether this
    /// was taken off before cannot be told then, and nothing is to be taken off twice.
    pub(crate) fn without(&self, by: AskId) -> Option<Self> {
        (self.last == Some(by)).then(|| Self { times: self.times.saturating_sub(1), last: None })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::domain::flow::tests::{challenge, opening, page};
    use crate::domain::flow::{APPROVED, PENDING, Proof, RequestId, Stage};
    use crate::store::{ROOM_TO_GROW, record};

    const NOW: Moment = Moment(1_800_000_000_000);
    const MAX_VALIDATES: u32 = 2;
    const DEPTH: usize = 10;

    fn flow(asked: Asked) -> Flow {
        let opening = opening("ada", "pay", "attempt-1", None);
        Flow { asked, ..Flow::new(opening, challenge(), page(), Stage::pending(NOW, PENDING)) }
    }

    #[test]
    fn t118_a_flow_is_asked_about_so_often_and_not_once_it_is_over() {
        let at = |seconds| NOW.plus(Duration::from_secs(seconds));
        let mut flow = flow(Asked::default());
        for id in 0..3 {
            let Asking::Ask(asked) = flow.ask(3, AskId(id), at(1)) else { panic!("{id}") };
            flow.asked = asked;
            assert_eq!(flow.ask(3, AskId(id), at(1)), Asking::Counted);
        }
        assert_eq!(flow.ask(3, AskId(9), at(60)), Asking::Over(Duration::from_secs(540)));
        assert_eq!(flow.ask(4, AskId(9), at(600)), Asking::Expired);
        flow.stage = Stage::new(Kind::Approved(Proof { method: None, at: NOW, given: NOW }), NOW, APPROVED);
        assert_eq!(flow.ask(3, AskId(9), at(60)), Asking::Known);
        assert!(matches!(flow.ask(4, AskId(9), at(60)), Asking::Ask(_)));
    }

    /// T117: the longest that a flow becomes after it was opened has the room that stores set aside for it.
    #[test]
    fn t117_a_flow_grows_into_the_room_that_is_set_aside() {
        let opened = flow(Asked::default());
        let proof = Proof { method: Some("M".repeat(64).as_str().into()), at: NOW, given: NOW };
        let spent = Kind::Spent { proof, by: RequestId([255; 16]), approved_until: NOW };
        let asked = Asked { times: 1_000, last: Some(AskId(u64::MAX)) };
        let longest = Flow { stage: Stage::new(spent, NOW, APPROVED), asked, ..opened.clone() };
        let length = |flow: &Flow| record::write(flow).len();
        println!("it grows by {} of {ROOM_TO_GROW} bytes", length(&longest) - length(&opened));
        assert!(length(&longest) - length(&opened) <= ROOM_TO_GROW);
    }

    /// What a node does next for its way back.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
    enum Step {
        #[default]
        Idle,
        Load(AskId),
        Write(AskId, u64, Asked),
        /// The service is asked.
        Wait(AskId),
        LoadToUndo(AskId),
        WriteUndo(AskId, u64, Asked),
    }

    #[derive(Clone, Copy, Debug)]
    enum Event {
        /// The next step goes well: a write finds its version or not, the service answers.
        Next(usize),
        /// A write happens and its answer is lost; the service gives no answer.
        Bad(usize),
    }

    #[derive(Clone, Default, PartialEq, Eq, Hash)]
    struct Model {
        version: u64,
        asked: Asked,
        nodes: [Step; 2],
        ids: u64,
        /// Truth: calls that were made and not given back.
        calls: u32,
        has_lost: bool,
    }

    impl Model {
        fn step(&mut self, event: Event) {
            let (node, is_bad) = match event {
                Event::Next(node) => (node, false),
                Event::Bad(node) => (node, true),
            };
            let next = match self.nodes[node].clone() {
                Step::Idle => {
                    self.ids += 1;
                    Step::Load(AskId(self.ids))
                }
                Step::Load(by) => match flow(self.asked.clone()).ask(MAX_VALIDATES, by, NOW) {
                    Asking::Ask(asked) => Step::Write(by, self.version, asked),
                    Asking::Counted => self.call(by),
                    Asking::Over(_) => {
                        assert_eq!(self.asked.times, MAX_VALIDATES);
                        Step::Idle
                    }
                    other => panic!("{other:?}"),
                },
                Step::Write(by, version, asked) => match self.swap(version, asked) {
                    true if !is_bad => self.call(by),
                    _ => Step::Load(by),
                },
                Step::Wait(by) if is_bad => Step::LoadToUndo(by),
                Step::Wait(_) => Step::Idle,
                Step::LoadToUndo(by) => match self.asked.without(by) {
                    Some(asked) => Step::WriteUndo(by, self.version, asked),
                    None => Step::Idle,
                },
                Step::WriteUndo(by, version, asked) => match self.swap(version, asked) {
                    true => {
                        self.calls -= 1;
                        if is_bad { Step::LoadToUndo(by) } else { Step::Idle }
                    }
                    false => Step::LoadToUndo(by),
                },
            };
            self.has_lost |= is_bad;
            self.nodes[node] = next;
            assert!(self.calls <= self.asked.times && self.asked.times <= MAX_VALIDATES, "{} calls", self.calls);
            if self.nodes == [Step::Idle, Step::Idle] && !self.has_lost {
                assert_eq!(self.calls, self.asked.times, "what is counted was asked");
            }
        }

        fn swap(&mut self, version: u64, asked: Asked) -> bool {
            if self.version != version {
                return false;
            }
            self.version += 1;
            self.asked = asked;
            true
        }

        fn call(&mut self, by: AskId) -> Step {
            self.calls += 1;
            Step::Wait(by)
        }
    }

    fn explore(name: &str, events: &[Event], check: impl Fn(&Model)) {
        let mut worlds = HashMap::from([(Model::default(), 1_u64)]);
        let mut orders = 0_u64;
        for _ in 0..DEPTH {
            let mut next = HashMap::new();
            for (model, ways) in &worlds {
                for &event in events {
                    let mut model = model.clone();
                    model.step(event);
                    check(&model);
                    orders += ways;
                    *next.entry(model).or_default() += ways;
                }
            }
            worlds = next;
        }
        println!("{name}: {orders} orders of up to {DEPTH} steps, 0 violations");
    }

    /// T118: two nodes with lost answers of the store and of the service, in every order: never is it asked more often
    /// than is counted. One node alone counts each way back once, whatever is lost.
    #[test]
    fn t118_every_order_of_two_ways_back_keeps_the_budget() {
        let all = [Event::Next(0), Event::Bad(0), Event::Next(1), Event::Bad(1)];
        explore("two nodes", &all, |_| {});
        explore("one node", &all[..2], |model| {
            if model.nodes[0] == Step::Idle {
                assert_eq!(model.calls, model.asked.times, "what is counted was asked");
            }
        });
    }
}
