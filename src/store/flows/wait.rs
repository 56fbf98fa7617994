//! Counts in the store what waits for its proof, of each user and session, so that all nodes share the count (threats T105
//! and T117).
//!
//! A flow is counted before it is written, and what was counted and never written (its node crashed, its client hung up)
//! is forgotten when it would have run out.
use std::time::Duration;

use authsignal_client::IdempotencyKey;

use super::{FlowStore, Tries};
use crate::domain::fields::Fields;
use crate::domain::flow::Flow;
use crate::domain::waiting::{Entry, Taking, Waiting};
use crate::log::Chain;
use crate::request::cookie::BrowserId;
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

impl FlowStore {
    /// How long until there is room for one more flow of a user and session, if there is none now.
    pub(crate) async fn waits_for_room(
        &self,
        user: &str,
        session: Option<&str>,
        from_elsewhere: bool,
    ) -> Result<Option<Duration>, Error> {
        let slot = self.slot_of::<Waiting>(Purpose::Waiting, &BrowserId::ANY, &whose(user, session)).await?;
        Ok(slot.record.and_then(|waiting| waiting.wait(self.pending_flow_budget, from_elsewhere, 1, self.now())))
    }

    /// Counts a flow that is to be written, and its ticket; or says how long until there is room for it.
    pub(crate) async fn take_room(&self, flow: &Flow, from_elsewhere: bool) -> Result<Option<Duration>, Error> {
        let bytes = (record::write(flow).len() + SEAL + size_of::<[u8; 32]>() + SEAL) as u64;
        let opening = &flow.opening;
        let entry = Entry::new(&opening.attempt, bytes, flow.stage.until, from_elsewhere);
        let whose = whose(opening.user.as_str(), opening.session.as_deref());
        let mut tries = Tries::many();
        loop {
            let slot = self.slot_of::<Waiting>(Purpose::Waiting, &BrowserId::ANY, &whose).await?;
            let waiting = slot.record.clone().unwrap_or_default();
            match waiting.take(entry.clone(), self.pending_flow_budget, self.now()) {
                Taking::Taken => return Ok(None),
                Taking::Over(wait) => return Ok(Some(wait)),
                Taking::Take(waiting) => {
                    let ttl = waiting.end().map_or(EMPTY, |end| end.after(self.now()));
                    if tries.wrote(self.write_as(Purpose::Waiting, &BrowserId::ANY, &slot, &waiting, ttl).await)? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Counts a flow no more, because it was proved, or was never written. Where the store cannot be asked, it is counted
    /// until it would have run out.
    pub(crate) async fn give_room_back(&self, user: &str, session: Option<&str>, attempt: &IdempotencyKey) {
        if let Err(error) = self.count_no_more(&whose(user, session), attempt).await {
            tracing::warn!(
                error = %Chain(&error),
                "a flow that waits no more is counted until it would have run out: the store of flows failed"
            );
        }
    }

    async fn count_no_more(&self, whose: &[u8; 32], attempt: &IdempotencyKey) -> Result<(), Error> {
        let mut tries = Tries::many();
        loop {
            let slot = self.slot_of::<Waiting>(Purpose::Waiting, &BrowserId::ANY, whose).await?;
            let Some(waiting) = slot.record.as_ref().and_then(|waiting| waiting.without(attempt, self.now())) else {
                return Ok(());
            };
            let ttl = waiting.end().map_or(EMPTY, |end| end.after(self.now()));
            if tries.wrote(self.write_as(Purpose::Waiting, &BrowserId::ANY, &slot, &waiting, ttl).await)? {
                return Ok(());
            }
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
    use crate::domain::waiting::Room;
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
            flows.keys.seal(purpose, &browser, &key, plain).len() as u64
        };
        let bytes = stored(Purpose::Flow, &record::write(&flow)) + stored(Purpose::Ticket, &[1; 32]);
        assert_eq!(flows.take_room(&flow, false).await.unwrap(), None);
        let slot = flows.slot_of::<Waiting>(Purpose::Waiting, &BrowserId::ANY, &whose("ada", None)).await.unwrap();
        let entry = Entry::new(&flow.opening.attempt, bytes, flow.stage.until, false);
        let counted = Waiting::default().take(entry, flows.pending_flow_budget, flows.now());
        assert_eq!(slot.record.map(Taking::Take), Some(counted));
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
