//! Counts in the store what waits for its proof, of each user and session, so that all nodes share the count (threats T105
//! and T117).
//!
//! A flow is counted before it is written, and what was counted and never written (its node crashed, its client hung up)
//! is forgotten when it would have run out.
use std::time::Duration;

use authsignal_client::IdempotencyKey;

use super::machine::{Found, MANY_TRIES, Next, Record, Transition};
use super::transition::Look;
use super::{FlowStore, Place};
use crate::domain::fields::Fields;
use crate::domain::flow::{Flow, Moment};
use crate::domain::waiting::{Class, Entry, Room, Taking, Waiting};
use crate::log::Chain;
use crate::store::seal::{Purpose, SEAL};
use crate::store::{Error, record};

/// How long a record is kept that says that nothing waits.
const EMPTY: Duration = Duration::from_secs(1);

/// Whose flows they are. The pair counts, and never the user alone, or whoever has stolen one session could lock the owner
/// out of another (threat T106); nor the browser, or a thief without a cookie would begin anew each time.
fn whose(user: &str, session: Option<&str>) -> [u8; 32] {
    let mut fields = Fields::new("waiting");
    fields.add(user);
    fields.add([u8::from(session.is_some())]);
    fields.add(session.unwrap_or_default());
    fields.finish()
}

impl Record for Waiting {}

fn write(waiting: Waiting, now: Moment) -> Next<Waiting, Option<Duration>> {
    let ttl = waiting.end().map_or(EMPTY, |end| end.after(now));
    Next::Write(waiting, ttl, None)
}

/// One more flow that waits, or how long until there is room for it.
struct TakeRoom {
    entry: Entry,
    room: Room,
}

impl Transition for TakeRoom {
    type Record = Waiting;
    type Outcome = Option<Duration>;
    const TRIES: usize = MANY_TRIES;

    fn apply(&self, found: Found<Waiting>, now: Moment) -> Next<Waiting, Option<Duration>> {
        match found.record().unwrap_or_default().take(self.entry.clone(), self.room, now) {
            Taking::Taken => Next::Done(None),
            Taking::Over(wait) => Next::Done(Some(wait)),
            Taking::Take(waiting) => write(waiting, now),
        }
    }
}

/// One flow less that waits.
struct GiveRoomBack<'a> {
    attempt: &'a IdempotencyKey,
}

impl Transition for GiveRoomBack<'_> {
    type Record = Waiting;
    type Outcome = Option<Duration>;
    const TRIES: usize = MANY_TRIES;

    fn apply(&self, found: Found<Waiting>, now: Moment) -> Next<Waiting, Option<Duration>> {
        match found.record().and_then(|waiting| waiting.without(self.attempt, now)) {
            Some(waiting) => write(waiting, now),
            None => Next::Done(None),
        }
    }
}

impl FlowStore {
    /// How long until there is room for one more flow of a user and session, if there is none now.
    pub(crate) async fn waits_for_room(
        &self,
        user: &str,
        session: Option<&str>,
        from_elsewhere: bool,
    ) -> Result<Option<Duration>, Error> {
        let whose = whose(user, session);
        let waiting = self.run(Place::of_all(Purpose::Waiting, &whose), Look::<Waiting>::new()).await?;
        Ok(waiting.and_then(|waiting| waiting.wait(self.pending_flow_budget, from_elsewhere, 1, self.now())))
    }

    /// Counts a flow that is to be written, and its ticket; or says how long until there is room for it.
    pub(crate) async fn take_room(&self, flow: &Flow, from_elsewhere: bool) -> Result<Option<Duration>, Error> {
        let bytes = (record::write(flow).len() + SEAL + size_of::<[u8; 32]>() + SEAL) as u64;
        let opening = &flow.opening;
        let class = Class::new(opening.is_review, from_elsewhere);
        let entry = Entry::new(&opening.attempt, bytes, flow.stage.until, class);
        let whose = whose(opening.user.as_str(), opening.session.as_deref());
        let take = TakeRoom { entry, room: self.pending_flow_budget };
        self.run(Place::of_all(Purpose::Waiting, &whose), take).await
    }

    /// Counts a flow no more, because it was proved, or was never written. Where the store cannot be asked, it is counted
    /// until it would have run out.
    pub(crate) async fn give_room_back(&self, user: &str, session: Option<&str>, attempt: &IdempotencyKey) {
        let whose = whose(user, session);
        if let Err(error) = self.run(Place::of_all(Purpose::Waiting, &whose), GiveRoomBack { attempt }).await {
            tracing::warn!(
                error = %Chain(&error),
                "a flow that waits no more is counted until it would have run out: the store of flows failed"
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use authsignal_client::Clock;

    use super::*;
    use crate::domain::flow::tests::{challenge, opening, page};
    use crate::domain::flow::{PENDING, Stage};
    use crate::domain::tenant::{Tenant, Tenants};
    use crate::request::cookie::BrowserId;
    use crate::store::seal::KeyRing;
    use crate::store::{AnyStore, MemoryStore};

    fn node(store: &MemoryStore, clock: &Clock, secret: u8, older: &[[u8; 32]]) -> Arc<FlowStore> {
        Arc::new(FlowStore {
            store: AnyStore::new(store.clone()),
            keys: KeyRing::new(&[secret; 32], older, Tenants::one(Tenant::of(1))),
            clock: clock.clone(),
            challenge_ttl: PENDING,
            validate_budget: 10,
            pending_flow_budget: Room::new(32, 256 * 1024),
        })
    }

    fn flow(flows: &FlowStore, attempt: usize) -> Flow {
        let opening = opening("ada", "pay", &attempt.to_string(), None);
        Flow::new(opening, challenge(), page(), Stage::pending(flows.now(), PENDING))
    }

    /// T117: a flow counts with as many bytes as it and its ticket take in the store.
    #[tokio::test]
    async fn t117_what_is_counted_is_what_is_stored() {
        let clock = Clock::manual(std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let flows = node(&MemoryStore::new().clock(clock.clone()), &clock, 1, &[]);
        let flow = flow(&flows, 1);
        let stored = |purpose, plain: &[u8]| {
            let browser = BrowserId::random();
            let key = flows.keys.name(purpose, &browser, &[1; 32]);
            flows.keys.seal(purpose, &browser, &[1; 32], &key, plain).len() as u64
        };
        let bytes = stored(Purpose::Flow, &record::write(&flow)) + stored(Purpose::Ticket, &[1; 32]);
        assert_eq!(flows.take_room(&flow, false).await.unwrap(), None);
        let whose = whose("ada", None);
        let waiting = flows.run(Place::of_all(Purpose::Waiting, &whose), Look::<Waiting>::new()).await.unwrap();
        let entry = Entry::new(&flow.opening.attempt, bytes, flow.stage.until, Class::new(false, false));
        let counted = Waiting::default().take(entry, flows.pending_flow_budget, flows.now());
        assert_eq!(waiting.map(Taking::Take), Some(counted));
    }

    /// T117: what a node counted that crashed before it wrote a flow is forgotten in time; and a node with a new master
    /// secret goes on counting where the older one was.
    #[tokio::test]
    async fn t117_what_a_crashed_node_counted_runs_out() {
        let clock = Clock::manual(std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        let store = MemoryStore::new().clock(clock.clone());
        let (crashed, other) = (node(&store, &clock, 1, &[]), node(&store, &clock, 2, &[[1; 32]]));
        for attempt in 0..32 {
            assert_eq!(crashed.take_room(&flow(&crashed, attempt), false).await.unwrap(), None);
            clock.advance(Duration::from_secs(1));
        }
        let wait = Some(Duration::from_secs(600 - 32));
        assert_eq!(other.waits_for_room("ada", None, false).await.unwrap(), wait);
        assert_eq!(other.take_room(&flow(&other, 99), false).await.unwrap(), wait);
        assert_eq!(other.take_room(&flow(&other, 31), false).await.unwrap(), None, "it is found as its own");
        assert_eq!(other.waits_for_room("ada", Some(""), false).await.unwrap(), None, "no session is not an empty one");
        clock.advance(Duration::from_secs(600 - 32));
        assert_eq!(other.take_room(&flow(&other, 99), false).await.unwrap(), None);
        assert_eq!(other.take_room(&flow(&other, 100), false).await.unwrap(), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(600));
        assert!(store.is_empty(), "the record that counts runs out with the last that it counts");
    }
}
