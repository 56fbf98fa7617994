//! A store that fails for a moment.
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::{Budget, Outage, RefusalReason};

use crate::support::{bench_with, get};

/// What somebody tried to write, over what.
type Swap = (Key, Option<Version>);

/// A store that loses its connection before the writes of which `fails` says so, the last of those that were tried.
#[derive(Clone, Debug)]
struct Failing {
    inner: MemoryStore,
    tried: Arc<Mutex<Vec<Swap>>>,
    fails: fn(&[Swap]) -> bool,
}

impl Failing {
    fn new(fails: fn(&[Swap]) -> bool) -> Self {
        Self { inner: MemoryStore::new().clock(crate::support::clock()), tried: Arc::default(), fails }
    }
}

impl Store for Failing {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        let fails = {
            let mut tried = self.tried.lock().unwrap();
            tried.push((*key, expected));
            (self.fails)(&tried)
        };
        if fails {
            return Err(Error::unavailable("the connection is gone"));
        }
        Store::swap(&self.inner, key, expected, value, ttl).await
    }
}

/// T25: what could not be written at first is written at the second attempt, so that nobody notices.
#[tokio::test]
async fn t25_each_write_is_tried_again() {
    let store = Failing::new(|tried| matches!(tried, [before @ .., now] if !before.contains(now)));
    let bench = bench_with(|builder| builder.store(store.clone())).await;
    let mut ada = bench.visitor("ada");
    let ask = get("/pay").navigating();
    bench.approve(&mut ada, &ask).await;
    ada.send(&ask).await.assert_passed();
    ada.challenge(&ask).await;
    assert!(store.tried.lock().unwrap().len() >= 12, "what is counted, twice, tickets and flows, each twice");
}

/// T117: a flow that may have been written takes its room, since nobody knows, until it would have run out.
#[tokio::test]
async fn t117_a_flow_that_may_have_been_written_is_counted() {
    // The first writes are what is counted and the ticket; the flow is tried three times.
    let store = Failing::new(|tried| (3..=5).contains(&tried.len()));
    let bench = bench_with(|builder| builder.store(store).pending_flow_budget(1, 256 * 1024)).await;
    let mut ada = bench.visitor("ada");
    let outage = RefusalReason::Outage(Outage::Store);
    ada.send(&get("/pay/1").navigating()).await.assert_refused(&outage);
    let over = RefusalReason::OverBudget(Budget::PendingFlows);
    ada.send(&get("/pay/2").navigating()).await.assert_refused(&over);
    bench.clock.advance(crate::support::MINUTE * 10);
    ada.challenge(&get("/pay/2").navigating()).await;
}
