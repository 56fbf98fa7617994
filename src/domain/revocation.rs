//! PURE: which revocations stand of a user, and which of them a flow was begun after.
//!
//! A revocation is a random id, and a flow carries those that stood when it was begun. So nodes need agree on no clock: a
//! flow that lacks the id of one that stands was begun before it, or by a node that did not see it, and counts no more.
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::fields::Fields;
use super::moment::Moment;

/// How long a revocation stands: 26 hours. A challenge waits for at most one hour and its approval is remembered for at most
/// 24, so what is older than the revocation has run out by then, whatever settings it was begun under; the rest is for nodes
/// whose clocks differ.
pub(crate) const REVOCATION_TTL: Duration = Duration::from_secs(26 * 60 * 60);
/// How many of one user's sessions are told apart. One more, and all of that user's flows are revoked.
const MAX_SESSIONS: usize = 64;

/// One revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct RevocationId(pub(crate) [u8; 16]);

/// One of the user's sessions, short: the few of one user are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
struct SessionId([u8; 16]);

impl SessionId {
    fn of(session: &str) -> Self {
        let mut fields = Fields::new("revoked session");
        fields.add(session);
        let digest = fields.finish();
        let (first, _) = digest.split_first_chunk().expect("32 bytes have 16 in front");
        Self(*first)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
struct Revocation {
    id: RevocationId,
    /// The session whose flows it ends; all of the user's where there is none.
    session: Option<SessionId>,
    until: Moment,
}

/// All revocations of one user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Revocations(Vec<Revocation>);

impl Revocations {
    /// With one more, which ends the flows of this session, or all of the user's. One that it takes the place of, and those
    /// that have run out, are gone.
    pub(crate) fn with(&self, session: Option<&str>, id: RevocationId, now: Moment) -> Self {
        let session = session.map(SessionId::of);
        let replaces = |old: &Revocation| session.is_none() || old.session == session;
        let mut all: Vec<_> = self.0.iter().filter(|old| now < old.until && !replaces(old)).cloned().collect();
        let is_full = all.iter().filter(|old| old.session.is_some()).count() >= MAX_SESSIONS;
        if is_full {
            all.clear();
        }
        let session = session.filter(|_| !is_full);
        all.push(Revocation { id, session, until: now.plus(REVOCATION_TTL) });
        Self(all)
    }

    /// Those that end flows of this session, or of a user who has named none.
    pub(crate) fn standing(&self, session: Option<&str>, now: Moment) -> impl Iterator<Item = RevocationId> {
        let session = session.map(SessionId::of);
        let ends = move |one: &&Revocation| now < one.until && (one.session.is_none() || one.session == session);
        self.0.iter().filter(ends).map(|one| one.id)
    }
}

/// The revocations that stood when a flow was begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Known(Vec<RevocationId>);

impl Known {
    /// Whether a flow that knows these was begun after all of those that stand now.
    pub(crate) fn covers(&self, standing: &Self) -> bool {
        standing.0.iter().all(|id| self.0.contains(id))
    }
}

impl FromIterator<RevocationId> for Known {
    fn from_iter<I: IntoIterator<Item = RevocationId>>(ids: I) -> Self {
        let mut known = Self::default();
        for id in ids {
            if !known.0.contains(&id) {
                known.0.push(id);
            }
        }
        known
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Moment = Moment(1_000_000_000);
    const SESSIONS: [Option<&str>; 4] = [None, Some(""), Some("one"), Some("two")];

    fn id(n: usize) -> RevocationId {
        RevocationId([u8::try_from(n).expect("few"); 16])
    }

    fn known(all: &Revocations, session: Option<&str>, now: Moment) -> Known {
        all.standing(session, now).collect()
    }

    /// Every order of up to four revocations and beginnings of flows, of three sessions and of none, against what was said in
    /// words: a flow counts if no revocation of its user as a whole, and none of its session, came after it was begun.
    #[test]
    fn t29_a_flow_counts_if_no_revocation_came_after_it() {
        let (mut worlds, mut dead) = (0, 0);
        let events = SESSIONS.len() * 2;
        for order in 0..events.pow(4) {
            let mut all = Revocations::default();
            let (mut flows, mut revoked) = (Vec::new(), Vec::new());
            for at in 0..4 {
                let event = order / events.pow(u32::try_from(at).expect("few")) % events;
                let session = SESSIONS[event % SESSIONS.len()];
                if event < SESSIONS.len() {
                    all = all.with(session, id(at), NOW);
                    revoked.push((at, session));
                } else {
                    flows.push((at, session, known(&all, session, NOW)));
                }
            }
            for (begun, session, knows) in flows {
                let ends = |&(at, whose): &(usize, Option<&str>)| at > begun && (whose.is_none() || whose == session);
                let is_dead = revoked.iter().any(ends);
                assert_eq!(
                    knows.covers(&known(&all, session, NOW)),
                    !is_dead,
                    "{order}: begun at {begun} by {session:?}"
                );
                worlds += 1;
                dead += usize::from(is_dead);
            }
        }
        println!("{worlds} flows, {dead} of them ended by a revocation");
        assert!(dead > 0 && dead < worlds);
    }

    /// It stands for longer than anything that is older, and ends.
    #[test]
    fn t29_a_revocation_outlives_what_it_ends() {
        let all = Revocations::default().with(None, id(1), NOW);
        let longest = Duration::from_secs(60 * 60 + 24 * 60 * 60);
        assert!(!Known::default().covers(&known(&all, None, NOW.plus(longest + Duration::from_secs(10 * 60)))));
        assert!(Known::default().covers(&known(&all, None, NOW.plus(REVOCATION_TTL))));
        assert_eq!(all.with(Some("one"), id(2), NOW.plus(REVOCATION_TTL)).0.len(), 1, "and it takes no more room");
    }

    /// More sessions than are told apart end all of the user's flows, and the record stays small.
    #[test]
    fn t29_too_many_sessions_end_all_of_them() {
        let mut all = Revocations::default().with(None, id(200), NOW);
        for session in 0..MAX_SESSIONS {
            all = all.with(Some(&session.to_string()), id(session), NOW);
        }
        let other = known(&all, Some("another"), NOW);
        assert!(other.covers(&known(&all, Some("another"), NOW)));
        let more = all.with(Some("one more"), id(201), NOW);
        for session in [None, Some("0"), Some("another"), Some("one more")] {
            assert!(!known(&all, session, NOW).covers(&known(&more, session, NOW)), "{session:?}");
        }
        assert_eq!(more.0.len(), 1);
        // Whoever logs out again and again with one session takes the room of one.
        let again = (0..200).fold(Revocations::default(), |all, n| all.with(Some("one"), id(n), NOW));
        assert_eq!(again.0.len(), 1);
    }
}
