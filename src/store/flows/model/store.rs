//! The store of the model: the contract, and what a bad day does to an answer.
use std::hash::{Hash, Hasher};
use std::time::Duration;

use crate::domain::flow::{Flow, Moment};
use crate::domain::revocation::Revocations;
use crate::store::flows::machine::Found;
use crate::store::{Error, Key, Version};

/// The names that records have: under the newer master secret and under the older one.
pub(super) const FLOW_NAMES: [u8; 2] = [0, 1];
pub(super) const REVOCATION_NAMES: [u8; 2] = [2, 3];
const RECORDS: usize = 4;

/// Which master secret something is named by or sealed with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Secret {
    Newer,
    Older,
}

impl Secret {
    /// The secret that a record under this key is named by.
    pub(super) fn of(key: &Key) -> Self {
        if place(key).is_multiple_of(2) { Self::Newer } else { Self::Older }
    }
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Fate {
    Fine,
    /// It is done, and its answer is lost.
    AnswerLost,
    /// It is not done, and there is no answer.
    RequestLost,
    /// It is given up, and done at some time later.
    Late,
    /// It is done and answered, and arrives once more at some time later.
    Twice,
}

impl Fate {
    pub(super) fn in_words(self) -> &'static str {
        match self {
            Self::Fine => "",
            Self::AnswerLost => ", and the answer is lost",
            Self::RequestLost => ", which never arrives",
            Self::Late => ", which is given up and arrives later",
            Self::Twice => ", which arrives once more later",
        }
    }
}

/// A record, opened.
#[derive(Clone)]
#[expect(clippy::large_enum_variant, reason = "most of them are flows")]
pub(super) enum Value {
    Flow(Flow),
    Revocations(Revocations),
}

/// What can be a [`Value`].
pub(super) trait Storable: Sized {
    fn into_value(self) -> Value;
    fn of(value: &Value) -> Option<&Self>;
}

impl Storable for Flow {
    fn into_value(self) -> Value {
        Value::Flow(self)
    }

    fn of(value: &Value) -> Option<&Self> {
        if let Value::Flow(flow) = value { Some(flow) } else { None }
    }
}

impl Storable for Revocations {
    fn into_value(self) -> Value {
        Value::Revocations(self)
    }

    fn of(value: &Value) -> Option<&Self> {
        if let Value::Revocations(all) = value { Some(all) } else { None }
    }
}

impl Hash for Value {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        match self {
            Self::Flow(flow) => flow.hash(hasher),
            Self::Revocations(all) => all.hash(hasher),
        }
    }
}

#[derive(Clone, Hash)]
struct Stored {
    version: u64,
    sealed_with: Secret,
    until: Moment,
    value: Value,
}

/// A swap on its way.
#[derive(Clone, Hash)]
pub(super) struct Write {
    pub(super) key: Key,
    pub(super) expected: Option<Version>,
    pub(super) value: Value,
    pub(super) sealed_with: Secret,
    pub(super) ttl: Duration,
}

/// The records, and what is still on its way to them.
#[derive(Clone, Default, Hash)]
pub(super) struct Records {
    by_key: [Option<Stored>; RECORDS],
    /// The last version that each key had.
    versions: [u64; RECORDS],
    pub(super) on_its_way: Option<Write>,
}

fn place(key: &Key) -> usize {
    usize::from(key.as_bytes()[0])
}

pub(super) fn lost() -> Error {
    Error::unavailable("no answer")
}

impl Records {
    /// What a node finds that opens what is sealed with one of these.
    pub(super) fn load<R: Storable + Clone>(&self, key: &Key, now: Moment, secrets: &[Secret]) -> Found<R> {
        let Some(stored) = self.by_key[place(key)].as_ref().filter(|stored| now < stored.until) else {
            return Found::Nothing;
        };
        let version = Version::new(stored.version);
        match R::of(&stored.value).filter(|_| secrets.contains(&stored.sealed_with)) {
            Some(record) => Found::Here(version, record.clone()),
            None => Found::Void(version),
        }
    }

    /// Compares and writes. `is_blind` is a store that does not compare.
    pub(super) fn swap(&mut self, write: Write, now: Moment, is_blind: bool) -> bool {
        let Write { key, expected, value, sealed_with, ttl } = write;
        let at = place(&key);
        let found = self.by_key[at].as_ref().filter(|stored| now < stored.until);
        if !is_blind && found.map(|stored| Version::new(stored.version)) != expected {
            return false;
        }
        self.versions[at] += 1;
        self.by_key[at] = Some(Stored { version: self.versions[at], sealed_with, until: now.plus(ttl), value });
        true
    }

    /// What a store without a swap does.
    pub(super) fn delete(&mut self, key: &Key) {
        self.by_key[place(key)] = None;
    }

    /// The flow under this key, whoever can open it.
    pub(super) fn flow_at(&self, key: &Key, now: Moment) -> Option<&Flow> {
        self.by_key[place(key)].as_ref().filter(|stored| now < stored.until).and_then(|stored| Flow::of(&stored.value))
    }

    /// The flows there are.
    pub(super) fn flows(&self, now: Moment) -> impl Iterator<Item = &Flow> {
        let live = self.by_key.iter().flatten().filter(move |stored| now < stored.until);
        live.filter_map(|stored| Flow::of(&stored.value))
    }
}
