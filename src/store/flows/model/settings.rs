//! What a run of the model has in it: nodes, and how often each thing may happen.
use std::time::Duration;

use super::check::{IN_TIME, NOT_LOST, ONCE, PROVED, REVOKED};
use super::store::{Fate, Secret};

/// One node.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub(super) name: &'static str,
    /// How far its clock is ahead of the store's.
    pub(super) ahead: Duration,
    pub(super) secret: Secret,
}

/// What is broken on purpose, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// A request looks for the approval and then deletes it: GET, DEL.
    GetThenDelete,
    /// A request takes the approval out in one step that leaves nothing behind: GETDEL.
    GetDelete,
    /// The store writes whatever the version is.
    NoVersion,
    /// A revocation is a moment, and ends what was begun before it by the clocks of those who wrote.
    RevokedByClock,
    /// What is found under an older name is sealed with the newer secret, so that older nodes lose it.
    SealedWithNewer,
    /// What the service says about a token is not compared with the flow that it came back to.
    AnyToken,
    /// Neither the store nor a node looks at what time it is.
    NoTime,
}

impl Broken {
    pub(super) const ALL: [Self; 7] = [
        Self::GetThenDelete,
        Self::GetDelete,
        Self::NoVersion,
        Self::RevokedByClock,
        Self::SealedWithNewer,
        Self::AnyToken,
        Self::NoTime,
    ];

    /// What it breaks.
    pub(super) fn breaks(self) -> &'static str {
        match self {
            Self::GetThenDelete | Self::NoVersion => ONCE,
            Self::GetDelete | Self::SealedWithNewer => NOT_LOST,
            Self::RevokedByClock => REVOKED,
            Self::AnyToken => PROVED,
            Self::NoTime => IN_TIME,
        }
    }
}

/// One run of the model.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) name: &'static str,
    pub(super) nodes: Vec<Node>,
    /// Whether nodes with the newer secret know the older one.
    pub(super) is_rotating: bool,
    /// Whether the clocks differ by more than is forgiven.
    pub(super) is_skewed: bool,
    pub(super) remember: Option<Duration>,
    pub(super) requests: u8,
    pub(super) callbacks: u8,
    /// Whether callbacks come with tokens of another user or action as well.
    pub(super) is_forged: bool,
    /// Whether the user may fail.
    pub(super) can_fail: bool,
    pub(super) revocations: u8,
    /// How many tasks run at once.
    pub(super) at_once: usize,
    /// How many calls go wrong, and how.
    pub(super) faults: u8,
    pub(super) fates: &'static [Fate],
    pub(super) can_crash: bool,
    pub(super) drops: u8,
    pub(super) ticks: u8,
    pub(super) broken: Option<Broken>,
}

/// What the nodes are called in a run that has one kind. They have no memory of their own, so two tasks at once of one node are as
/// two nodes.
pub(super) const ANY_NODE: &str = "a node";
const NODE: Node = Node { name: ANY_NODE, ahead: Duration::ZERO, secret: Secret::Newer };
const LOST: &[Fate] = &[Fate::AnswerLost, Fate::RequestLost];
const LATE: &[Fate] = &[Fate::Late, Fate::Twice];

impl Settings {
    fn new(name: &'static str) -> Self {
        Self {
            name,
            nodes: vec![NODE],
            is_rotating: false,
            is_skewed: false,
            remember: None,
            requests: 3,
            callbacks: 1,
            is_forged: false,
            can_fail: false,
            revocations: 0,
            at_once: 2,
            faults: 0,
            fates: LOST,
            can_crash: false,
            drops: 0,
            ticks: 0,
            broken: None,
        }
    }

    fn ahead(self, seconds: u64) -> Self {
        let on_time = Node { name: "a node on time", ..NODE };
        let ahead = Node { name: "a node ahead", ahead: Duration::from_secs(seconds), ..NODE };
        Self { nodes: vec![on_time, ahead], ..self }
    }

    fn rotating(self) -> Self {
        let newer = Node { name: "a newer node", ..NODE };
        let older = Node { name: "an older node", secret: Secret::Older, ..NODE };
        Self { nodes: vec![newer, older], is_rotating: true, ..self }
    }

    fn remembered(self) -> Self {
        Self { remember: Some(Duration::from_secs(10 * 60)), ..self }
    }

    /// The runs in which nothing is broken. With `deep`, more happens in each.
    pub(super) fn all(deep: bool) -> Vec<Self> {
        let more = u8::from(deep);
        let is = Self::new;
        vec![
            Self { faults: 1 + more, ..is("lost answers") },
            Self { faults: 1 + more, fates: LATE, ..is("late and doubled writes") },
            Self { faults: 1, can_crash: true, drops: 1 + more, ..is("crashes and dropped requests") },
            Self { callbacks: 2, ..is("two tabs that both come back") },
            Self { requests: 2 + more, callbacks: 2, is_forged: true, ..is("other people's tokens") },
            Self { requests: 2 + more, callbacks: 2, can_fail: true, ..is("failed proofs") },
            Self { ticks: 1 + more, ..is("time") },
            Self { requests: 2 + more, ticks: 1, ..is("clocks within what is forgiven").ahead(20) },
            Self { requests: 2 + more, ticks: 1, is_skewed: true, ..is("clocks beyond what is forgiven").ahead(90) },
            Self { requests: 2 + more, faults: 1, ..is("rotation of keys").rotating() },
            Self { revocations: 1, faults: more, ..is("revocation") },
            Self { requests: 2, revocations: 1, faults: 1, drops: more, ..is("revocation and lost answers") },
            Self { requests: 2 + more, revocations: 1, ..is("revocation while keys rotate").rotating() },
            Self { requests: 2, revocations: 1, ticks: more, ..is("revocation and clocks").ahead(20) },
            Self { ticks: 2, ..is("a remembered action").remembered() },
            Self { revocations: 1, ticks: more, ..is("a remembered action and revocation").remembered() },
        ]
    }

    /// The smallest run that finds what is broken.
    pub(super) fn broken(broken: Broken) -> Self {
        let of_two = |name| Self { requests: 2, ..Self::new(name) };
        let settings = match broken {
            Broken::GetThenDelete => Self::new("GET, then DEL"),
            Broken::GetDelete => Self { faults: 1, ..of_two("GETDEL") },
            Broken::NoVersion => Self::new("a swap that compares no version"),
            Broken::RevokedByClock => Self { revocations: 1, ..of_two("revocation by the clock").ahead(20) },
            Broken::SealedWithNewer => of_two("sealed with the newer secret").rotating(),
            Broken::AnyToken => Self { is_forged: true, ..of_two("a token of anybody's") },
            Broken::NoTime => Self { ticks: 1, ..of_two("no look at the time") },
        };
        Self { broken: Some(broken), ..settings }
    }
}
