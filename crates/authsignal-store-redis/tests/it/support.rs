//! Servers that several tests share, and stores in which nothing is.
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use authsignal_store_redis::RedisStore;
use axum_authsignal::store::Key;
use test_support::servers::Redis;

pub(crate) const MINUTE: Duration = Duration::from_secs(60);

/// One Redis for all tests that do not touch the server itself.
pub(crate) static REDIS: LazyLock<Redis> = LazyLock::new(Redis::start);

/// A store that shares nothing with others, and takes its time on a machine that has much to do.
pub(crate) fn empty(store: RedisStore) -> RedisStore {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    store.prefix(&format!("test{}:", NEXT.fetch_add(1, Ordering::Relaxed))).timeout(Duration::from_secs(10))
}

pub(crate) fn store() -> RedisStore {
    empty(RedisStore::new(&REDIS.url()).unwrap())
}

pub(crate) fn key(number: u8) -> Key {
    Key::from([number; 32])
}
