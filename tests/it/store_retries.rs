//! A store whose writes fail at first.
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};

use crate::support::{bench_with, get};

/// A store whose connection is gone at the first attempt to write a record, for each record and each of its versions.
#[derive(Clone, Debug)]
struct FailsFirst {
    inner: MemoryStore,
    tried: Arc<Mutex<HashSet<(Key, Option<Version>)>>>,
}

impl Store for FailsFirst {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        if self.tried.lock().unwrap().insert((*key, expected)) {
            return Err(Error::unavailable("the connection is gone"));
        }
        Store::swap(&self.inner, key, expected, value, ttl).await
    }
}

/// T25: what could not be written at first is written at the second attempt, so that nobody notices.
#[tokio::test]
async fn t25_each_write_is_tried_again() {
    let inner = MemoryStore::new().clock(crate::support::clock());
    let store = FailsFirst { inner, tried: Arc::default() };
    let bench = bench_with(|builder| builder.store(store.clone())).await;
    let mut ada = bench.visitor("ada");
    let ask = get("/pay").navigating();
    bench.approve(&mut ada, &ask).await;
    ada.send(&ask).await.assert_passed();
    ada.challenge(&ask).await;
    assert!(store.tried.lock().unwrap().len() >= 6, "what is counted, twice, tickets and flows");
}
