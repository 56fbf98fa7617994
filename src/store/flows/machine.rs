//! PURE: the loop behind every change of a record: load, transition, swap, and again when the swap was lost.
//!
//! Each [`Step`] says what the store is to be asked, and goes on with the answer. The product puts the question to its
//! store; the model in the tests to one of its own, which loses answers, while nodes crash between any two steps.
use std::time::Duration;

use authsignal_client::UserId;

use crate::domain::flow::{Flow, Moment, Opening};
use crate::domain::revocation::{Known, RevocationId, Revocations};
use crate::store::key::Key;
use crate::store::{Error, ErrorKind, Version};

/// How often a transition is tried while others keep writing the same record.
const TRIES: usize = 16;
/// The same for what a user's requests at once all write.
pub(crate) const MANY_TRIES: usize = 64;
/// How often a store that lost an answer is asked again: a write of ours that happened is found as ours (M3, M4).
const LOST_ANSWERS: usize = 2;

/// What is kept under a key.
pub(crate) trait Record: Clone {
    /// What a flow is about, and the revocations that stood when it was begun. Nothing else is ended by one.
    fn begun(&self) -> Option<(&Opening, &Known)> {
        None
    }
}

impl Record for Flow {
    fn begun(&self) -> Option<(&Opening, &Known)> {
        Some((&self.opening, &self.known))
    }
}

/// What the store has under a key.
#[cfg_attr(test, derive(Clone))]
pub(crate) enum Found<R> {
    Nothing,
    /// Bytes that count for nothing: somebody else's, a newer version's, or a flow that was begun before its user was
    /// revoked. They can be written over.
    Void(Version),
    Here(Version, R),
}

impl<R> Found<R> {
    pub(crate) fn record(self) -> Option<R> {
        match self {
            Self::Here(_, record) => Some(record),
            Self::Nothing | Self::Void(_) => None,
        }
    }

    fn version(&self) -> Option<Version> {
        match self {
            Self::Here(version, _) | Self::Void(version) => Some(*version),
            Self::Nothing => None,
        }
    }
}

/// One change of a record.
pub(crate) trait Transition {
    type Record: Record;
    type Outcome: Clone;
    /// How often it is tried while others keep writing the same record.
    const TRIES: usize = TRIES;

    /// What is to be written in the place of what is there.
    fn apply(&self, found: Found<Self::Record>, now: Moment) -> Next<Self::Record, Self::Outcome>;
}

/// What a transition makes of what is there.
pub(crate) enum Next<R, T> {
    /// There is nothing to be written.
    Done(T),
    /// This came of it once this has been written, in the place of what is there and of nothing else.
    Write(R, Duration, T),
}

/// What is to be done next for a transition.
#[cfg_attr(test, derive(Clone))]
pub(crate) enum Step<T: Transition> {
    /// Ask the store for a record.
    Load(Load<T>),
    /// Ask it for the revocations of a flow's user.
    Check(Check<T>),
    /// Have it write a record.
    Swap(Swap<T>),
    Done(T::Outcome),
}

#[cfg_attr(test, derive(Clone))]
struct Work<T> {
    transition: T,
    /// The record's names: under the current master secret and tenant, then under each older one.
    names: Vec<Key>,
    tries: Tries,
}

#[cfg_attr(test, derive(Clone))]
pub(crate) struct Load<T: Transition> {
    work: Work<T>,
    key: Key,
    /// How many names were looked under.
    looked: usize,
    /// Where a new record goes.
    place: Option<(Key, Found<T::Record>)>,
    /// Whether a write of ours under this name may have happened, whatever has begun under a newer one meanwhile.
    is_in_doubt: bool,
}

#[cfg_attr(test, derive(Clone))]
pub(crate) struct Check<T: Transition> {
    work: Work<T>,
    key: Key,
    version: Version,
    record: T::Record,
    standing: StandingRevocations,
    is_in_doubt: bool,
}

#[cfg_attr(test, derive(Clone))]
pub(crate) struct Swap<T: Transition> {
    work: Work<T>,
    pub(crate) key: Key,
    /// Which write is replaced.
    pub(crate) expected: Option<Version>,
    pub(crate) record: T::Record,
    pub(crate) ttl: Duration,
    outcome: T::Outcome,
}

impl<T: Transition> Step<T> {
    /// Looks for the record under each of its names, of which there is at least one.
    pub(crate) fn begin(transition: T, names: Vec<Key>) -> Self {
        Work { transition, names, tries: Tries::new(T::TRIES) }.load()
    }

    /// Takes it that there is no record yet, and looks only if that is wrong.
    pub(crate) fn create(transition: T, name: Key, now: Moment) -> Self {
        Work { transition, names: vec![name], tries: Tries::new(T::TRIES) }.apply(name, Found::Nothing, now)
    }
}

impl<T: Transition> Work<T> {
    fn load(self) -> Step<T> {
        Step::Load(Load { key: self.names[0], work: self, looked: 0, place: None, is_in_doubt: false })
    }

    /// Looks first for what was written under this name, if it was.
    fn load_in_doubt(self, key: Key) -> Step<T> {
        Step::Load(Load { key, work: self, looked: 0, place: None, is_in_doubt: true })
    }

    fn apply(self, key: Key, found: Found<T::Record>, now: Moment) -> Step<T> {
        let expected = found.version();
        match self.transition.apply(found, now) {
            Next::Done(outcome) => Step::Done(outcome),
            Next::Write(record, ttl, outcome) => Step::Swap(Swap { work: self, key, expected, record, ttl, outcome }),
        }
    }
}

impl<T: Transition> Load<T> {
    /// What the store is to be asked for.
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// Goes on with what is there. A flow counts only once it is known what is revoked of its user, which is kept under
    /// these names.
    pub(crate) fn found(
        mut self,
        found: Found<T::Record>,
        now: Moment,
        revocations_of: impl FnOnce(&UserId) -> Vec<Key>,
    ) -> Step<T> {
        let Self { key, .. } = self;
        match found {
            Found::Here(version, record) => match record.begun() {
                Some((opening, _)) => {
                    let standing = StandingRevocations::new(revocations_of(&opening.user), opening.session.as_deref());
                    let is_in_doubt = self.is_in_doubt;
                    Step::Check(Check { work: self.work, key, version, record, standing, is_in_doubt })
                }
                None => self.work.apply(key, Found::Here(version, record), now),
            },
            _ if self.is_in_doubt => self.work.load(),
            nothing => {
                let (place, nothing) = self.place.unwrap_or((key, nothing));
                self.looked += 1;
                match self.work.names.get(self.looked) {
                    Some(&key) => Step::Load(Self { key, place: Some((place, nothing)), ..self }),
                    None => self.work.apply(place, nothing, now),
                }
            }
        }
    }
}

impl<T: Transition> Check<T> {
    /// What the store is to be asked for.
    pub(crate) fn key(&self) -> &Key {
        self.standing.key().expect("asked for only while there is one")
    }

    /// Goes on with what is revoked. A flow that was begun before that is none: the place that it leaves can be written.
    pub(crate) fn found(mut self, found: Found<Revocations>, now: Moment) -> Result<Step<T>, Error> {
        self.standing.found(found, now)?;
        if self.standing.key().is_some() {
            return Ok(Step::Check(self));
        }
        let Self { work, key, version, record, standing, is_in_doubt } = self;
        let standing = standing.known();
        let found = match record.begun() {
            Some((opening, known)) if !known.covers(&standing) => {
                tracing::info!(
                    action = %opening.action,
                    "a flow that was begun before its user was revoked counts no more"
                );
                if is_in_doubt {
                    return Ok(work.load());
                }
                Found::Void(version)
            }
            _ => Found::Here(version, record),
        };
        Ok(work.apply(key, found, now))
    }
}

impl<T: Transition> Swap<T> {
    /// Goes on with the store's answer: whether it wrote, or that it is not known.
    pub(crate) fn answered(mut self, wrote: Result<bool, Error>) -> Result<Step<T>, Error> {
        // Under the newest name it is found anyway.
        let is_in_doubt = wrote.is_err() && self.key != self.work.names[0];
        Ok(match self.work.tries.wrote(wrote)? {
            true => Step::Done(self.outcome),
            false if is_in_doubt => self.work.load_in_doubt(self.key),
            false => self.work.load(),
        })
    }
}

/// Reads which revocations stand, under every name of a user's record.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct StandingRevocations {
    names: Vec<Key>,
    read: usize,
    session: Option<String>,
    ids: Vec<RevocationId>,
}

impl StandingRevocations {
    pub(crate) fn new(names: Vec<Key>, session: Option<&str>) -> Self {
        Self { names, read: 0, session: session.map(str::to_owned), ids: Vec::new() }
    }

    /// What the store is to be asked for, until everything is read.
    pub(crate) fn key(&self) -> Option<&Key> {
        self.names.get(self.read)
    }

    /// Goes on with what is there.
    ///
    /// # Errors
    ///
    /// Where a record cannot be read, nobody can say what is revoked.
    pub(crate) fn found(&mut self, found: Found<Revocations>, now: Moment) -> Result<(), Error> {
        match found {
            Found::Nothing => {}
            Found::Here(_, all) => self.ids.extend(all.standing(self.session.as_deref(), now)),
            Found::Void(_) => return Err(Error::unavailable("the record of a user's revocations cannot be read")),
        }
        self.read += 1;
        Ok(())
    }

    pub(crate) fn known(self) -> Known {
        self.ids.into_iter().collect()
    }
}

/// Bounds how often a transition is tried.
#[cfg_attr(test, derive(Clone, Hash))]
struct Tries {
    most: usize,
    lost_swaps: usize,
    lost_answers: usize,
}

impl Tries {
    fn new(most: usize) -> Self {
        Self { most, lost_swaps: 0, lost_answers: 0 }
    }

    /// Whether a swap wrote; an error only once trying again has no more hope.
    fn wrote(&mut self, swapped: Result<bool, Error>) -> Result<bool, Error> {
        match swapped {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.lost_swaps += 1;
                if self.lost_swaps == self.most { Err(Error::contended()) } else { Ok(false) }
            }
            Err(error) if error.kind() == ErrorKind::Unavailable && self.lost_answers < LOST_ANSWERS => {
                self.lost_answers += 1;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// The model knows a state again by its hash. What comes of a swap follows from what it writes.
#[cfg(test)]
impl<T: Transition<Record: std::hash::Hash> + std::hash::Hash> std::hash::Hash for Step<T> {
    fn hash<H: std::hash::Hasher>(&self, hasher: &mut H) {
        match self {
            Self::Load(Load { work, key, looked, place, is_in_doubt }) => {
                let place = place.as_ref().map(|(key, found)| (key, found.version()));
                (0, &work.transition, &work.tries, key, looked, place, is_in_doubt).hash(hasher);
            }
            Self::Check(Check { work, key, version, record, standing, is_in_doubt }) => {
                (1, &work.transition, &work.tries, key, version, record, standing, is_in_doubt).hash(hasher);
            }
            Self::Swap(Swap { work, key, expected, record, ttl, .. }) => {
                (2, &work.transition, &work.tries, key, expected, record, ttl).hash(hasher);
            }
            Self::Done(_) => 3.hash(hasher),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T25, T119: a transition is tried again as often as there is hope, and not once more: so often against others that are
    /// faster, and twice after an answer that was lost. A store that refuses is not asked again.
    #[test]
    fn t25_t119_a_transition_is_tried_so_often() {
        let lost = || Err(Error::unavailable("the answer is gone"));
        for (most, count) in [(TRIES, 16), (MANY_TRIES, 64)] {
            let mut tries = Tries::new(most);
            assert!((1..count).all(|_| tries.wrote(Ok(false)).is_ok_and(|wrote| !wrote)));
            assert!(tries.wrote(Ok(true)).unwrap());
            assert_eq!(tries.wrote(Ok(false)).unwrap_err().kind(), ErrorKind::Contended);
        }
        let mut tries = Tries::new(TRIES);
        assert!((0..2).all(|_| tries.wrote(lost()).is_ok_and(|wrote| !wrote)));
        assert_eq!(tries.wrote(lost()).unwrap_err().kind(), ErrorKind::Unavailable);
        assert_eq!(Tries::new(TRIES).wrote(Err(Error::full("no room"))).unwrap_err().kind(), ErrorKind::Full);
    }

    /// A mark, good once.
    #[derive(Clone)]
    struct Once;
    impl Record for bool {}

    impl Transition for Once {
        type Record = bool;
        type Outcome = &'static str;

        fn apply(&self, found: Found<bool>, _: Moment) -> Next<bool, &'static str> {
            match found {
                Found::Here(_, false) => Next::Write(true, Duration::from_secs(60), "marked"),
                Found::Here(_, true) => Next::Done("found as marked"),
                Found::Nothing | Found::Void(_) => Next::Done("nothing"),
            }
        }
    }

    /// T25: while keys rotate, a write whose answer was lost is looked for under the name that it was written under, whatever
    /// another request has begun under the newer one meanwhile.
    #[test]
    fn t25_a_lost_write_is_looked_for_where_it_went() {
        let (newer, older, now) = (Key::of(1), Key::of(2), Moment(0));
        let found = |step, expected: Key, found| {
            let Step::Load(load) = step else { panic!("it looks under a name") };
            assert!(*load.key() == expected);
            load.found(found, now, |_| panic!("no flow"))
        };
        let (version, marked) = (Version::new(1), Version::new(2));
        for answer in [Err(Error::unavailable("the answer is gone")), Ok(false)] {
            let won_by_another = answer.is_ok();
            let begun = found(Step::begin(Once, vec![newer, older]), newer, Found::Nothing);
            let Step::Swap(swap) = found(begun, older, Found::Here(version, false)) else { panic!("it writes") };
            let again = swap.answered(answer).unwrap();
            if won_by_another {
                found(again, newer, Found::Nothing);
                continue;
            }
            let ends = found(again.clone(), older, Found::Here(marked, true));
            assert!(matches!(ends, Step::Done("found as marked")));
            // The record has run out: all is looked for as ever.
            let again = found(again, older, Found::Nothing);
            assert!(matches!(found(again, newer, Found::Here(version, true)), Step::Done("found as marked")));
        }
    }
}
