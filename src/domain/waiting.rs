//! PURE: which flows of one user and session wait for their proof, and whether one more has room (threats T105 and T117).
use std::time::Duration;

use authsignal_client::IdempotencyKey;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::moment::Moment;

/// A challenge lives for an hour at most, and a review for a day. What ends later was written by a clock far ahead of ours,
/// and is not counted: it would count for who knows how long.
const MAX_CHALLENGE_TTL: Duration = Duration::from_secs(61 * 60);
const MAX_REVIEW_TTL: Duration = Duration::from_secs((24 * 60 + 1) * 60);

/// How much may wait at once, of one user and session.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    flows: usize,
    bytes: u64,
}

impl Room {
    /// Between 1 and 1,000 flows of between 16 KiB and 16 MiB.
    pub(crate) fn new(flows: usize, bytes: u64) -> Self {
        Self { flows: flows.clamp(1, 1_000), bytes: bytes.clamp(16 * 1024, 16 * 1024 * 1024) }
    }
}

/// One flow that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    id: EntryId,
    bytes: u64,
    until: Moment,
    class: Class,
}

/// What waits, and whether a page of another site made the browser ask. Those count by themselves (threat T106).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Class {
    Challenge,
    ChallengeFromElsewhere,
    Review,
    ReviewFromElsewhere,
}

impl Class {
    pub(crate) fn new(is_review: bool, from_elsewhere: bool) -> Self {
        match (is_review, from_elsewhere) {
            (false, false) => Self::Challenge,
            (false, true) => Self::ChallengeFromElsewhere,
            (true, false) => Self::Review,
            (true, true) => Self::ReviewFromElsewhere,
        }
    }

    fn is_from_elsewhere(self) -> bool {
        matches!(self, Self::ChallengeFromElsewhere | Self::ReviewFromElsewhere)
    }

    /// How long one may wait at most.
    fn max_ttl(self) -> Duration {
        match self {
            Self::Challenge | Self::ChallengeFromElsewhere => MAX_CHALLENGE_TTL,
            Self::Review | Self::ReviewFromElsewhere => MAX_REVIEW_TTL,
        }
    }
}

/// The attempt that a flow is of, short: a user's few are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct EntryId(u64);

impl EntryId {
    fn of(attempt: &IdempotencyKey) -> Self {
        let digest: [u8; 32] = Sha256::digest(attempt.as_str()).into();
        let (first, _) = digest.split_first_chunk().expect("32 bytes have 8 in front");
        Self(u64::from_be_bytes(*first))
    }
}

impl Entry {
    pub(crate) fn new(attempt: &IdempotencyKey, bytes: u64, until: Moment, class: Class) -> Self {
        Self { id: EntryId::of(attempt), bytes, until, class }
    }

    fn counts(&self, now: Moment) -> bool {
        now < self.until && self.until <= now.plus(self.class.max_ttl())
    }
}

/// All that wait, of one user and session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Waiting(Vec<Entry>);

/// Whether a flow may wait.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// It may, once this has been written.
    Take(Waiting),
    /// It may: it was counted.
    Taken,
    /// There is no room for it, for so long.
    Over(Duration),
}

impl Waiting {
    /// Whether one more flow has room.
    pub(crate) fn take(&self, entry: Entry, room: Room, now: Moment) -> Taking {
        if self.0.iter().any(|other| other.id == entry.id) {
            return Taking::Taken;
        }
        if let Some(wait) = self.wait(room, entry.class.is_from_elsewhere(), entry.bytes, now) {
            return Taking::Over(wait);
        }
        let mut entries: Vec<_> = self.0.iter().filter(|entry| entry.counts(now)).cloned().collect();
        entries.push(entry);
        Taking::Take(Self(entries))
    }

    /// How long until a flow of so many bytes has room, if it has none. What is alone always has room.
    pub(crate) fn wait(&self, room: Room, from_elsewhere: bool, bytes: u64, now: Moment) -> Option<Duration> {
        let counted =
            self.0.iter().filter(|entry| entry.counts(now) && entry.class.is_from_elsewhere() == from_elsewhere);
        let mut first: Vec<_> = counted.map(|entry| (entry.until, entry.bytes)).collect();
        first.sort_unstable();
        let mut sum = first.iter().fold(bytes, |sum, (_, bytes)| sum.saturating_add(*bytes));
        let mut wait = None;
        for (index, (until, bytes)) in first.iter().enumerate() {
            if first.len() - index < room.flows && sum <= room.bytes {
                break;
            }
            sum = sum.saturating_sub(*bytes);
            wait = Some(until.after(now));
        }
        wait
    }

    /// What waits without the flow of this attempt, if that is among it.
    pub(crate) fn without(&self, attempt: &IdempotencyKey, now: Moment) -> Option<Self> {
        let id = EntryId::of(attempt);
        let is_there = self.0.iter().any(|entry| entry.id == id);
        is_there.then(|| Self(self.0.iter().filter(|entry| entry.id != id && entry.counts(now)).cloned().collect()))
    }

    /// When the last of it has run out.
    pub(crate) fn end(&self) -> Option<Moment> {
        self.0.iter().map(|entry| entry.until).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_800_000_000_000);
    const KIB: u64 = 1024;

    fn at(seconds: u64) -> Moment {
        NOW.plus(Duration::from_secs(seconds))
    }

    fn entry(number: u64, bytes: u64, until: Moment) -> Entry {
        Entry { id: EntryId(number), bytes, until, class: Class::Challenge }
    }

    fn take(waiting: &mut Waiting, entry: Entry, room: Room, now: Moment) -> Option<Duration> {
        match waiting.take(entry, room, now) {
            Taking::Take(next) => *waiting = next,
            Taking::Taken => {}
            Taking::Over(wait) => return Some(wait),
        }
        None
    }

    /// T117: so many, and so many bytes; the wait is until enough of it has run out. What was counted is found.
    #[test]
    fn t117_there_is_room_again_when_enough_has_run_out() {
        let room = Room::new(3, 64 * KIB);
        let mut waiting = Waiting::default();
        for number in 0..3 {
            for _ in 0..2 {
                assert_eq!(take(&mut waiting, entry(number, KIB, at(600 + number)), room, at(number)), None);
            }
        }
        assert_eq!(waiting.0.len(), 3);
        assert_eq!(take(&mut waiting, entry(9, KIB, at(700)), room, at(100)), Some(Duration::from_secs(500)));
        assert_eq!(waiting.wait(room, true, KIB, at(100)), None, "T106: other sites' pages count by themselves");
        assert_eq!(waiting.wait(Room::new(2, 64 * KIB), false, 0, at(100)), Some(Duration::from_secs(501)));
        assert_eq!(take(&mut waiting, entry(9, KIB, at(1_200)), room, at(600)), None);
        assert_eq!(waiting.0.len(), 3, "what has run out is gone");

        let mut waiting = Waiting::default();
        assert_eq!(take(&mut waiting, entry(0, 999 * KIB, at(600)), room, at(0)), None, "what is alone has room");
        assert_eq!(take(&mut waiting, entry(1, 1, at(600)), room, at(0)), Some(Duration::from_secs(600)));
        let mut waiting = Waiting(vec![entry(0, 30 * KIB, at(100)), entry(1, 30 * KIB, at(200))]);
        assert_eq!(waiting.wait(room, false, 4 * KIB, at(0)), None);
        assert_eq!(waiting.wait(room, false, 5 * KIB, at(0)), Some(Duration::from_secs(100)));
        assert_eq!(waiting.wait(room, false, 60 * KIB, at(0)), Some(Duration::from_secs(200)));
        assert_eq!(waiting.wait(room, false, u64::MAX, at(0)), Some(Duration::from_secs(200)));
        waiting.0[1].until = at(24 * 60 * 60);
        assert_eq!(waiting.wait(room, false, 5 * KIB, at(100)), None, "a clock that was set back locks nobody out");
    }

    /// T117: a review counts for as long as it waits, which is a day at most; what ends later was written by a wrong clock.
    #[test]
    fn t117_a_review_counts_for_as_long_as_it_waits() {
        let (room, day) = (Room::new(1, 64 * KIB), 24 * 60 * 60);
        for class in [Class::Review, Class::ReviewFromElsewhere] {
            let from_elsewhere = class.is_from_elsewhere();
            let waiting = Waiting(vec![Entry { class, ..entry(0, KIB, at(day)) }]);
            for second in [0, 3_601, day - 1] {
                let left = Duration::from_secs(day - second);
                assert_eq!(waiting.wait(room, from_elsewhere, KIB, at(second)), Some(left), "{class:?}");
            }
            assert_eq!(
                waiting.wait(room, !from_elsewhere, KIB, at(0)),
                None,
                "T106: other sites' pages count by themselves"
            );
            assert_eq!(waiting.wait(room, from_elsewhere, KIB, at(day)), None);
            let ahead = Waiting(vec![Entry { class, ..entry(0, KIB, at(day + 3_600)) }]);
            assert_eq!(
                ahead.wait(room, from_elsewhere, KIB, at(0)),
                None,
                "a clock that was set back locks nobody out"
            );
        }
    }

    #[test]
    fn t117_what_is_proved_gives_its_room_back_once() {
        let [one, two] = ["one", "two"].map(|attempt| IdempotencyKey::new(attempt).unwrap());
        let waiting = Waiting(vec![
            Entry::new(&one, 1, at(600), Class::new(false, false)),
            Entry::new(&two, 1, at(700), Class::new(false, true)),
        ]);
        let left = waiting.without(&one, NOW).unwrap();
        assert_eq!((left.0.len(), left.end(), left.without(&one, NOW)), (1, Some(at(700)), None));
        assert_eq!(left.without(&two, NOW).unwrap().end(), None);
    }

    /// T117: the index itself is bounded, whatever comes in whatever order.
    #[test]
    fn t117_the_index_is_bounded() {
        let room = Room::new(usize::MAX, u64::MAX);
        let (mut waiting, mut refused) = (Waiting::default(), 0);
        for number in 0..5_000 {
            let entry = Entry {
                class: Class::new(false, number % 2 == 0),
                ..entry(number, u64::from(u32::MAX) >> 20, at(600))
            };
            refused += u32::from(take(&mut waiting, entry, room, NOW).is_some());
        }
        let bytes = crate::store::record::write(&waiting).len();
        println!("{} entries in {bytes} bytes, {refused} refused", waiting.0.len());
        assert_eq!((waiting.0.len(), refused), (2_000, 3_000));
        assert!(bytes < 256 * 1024);
    }
}
