//! A store under test, and how its time passes.
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::Clock;

use crate::store::{Key, Store, Version};

/// How long the records of the cases live where time is waited for.
const REAL_TTL: Duration = Duration::from_secs(2);
/// How long where a test moves it.
const MOVED_TTL: Duration = Duration::from_secs(60);

/// How long records live in cases that do not wait for their end, however slow a machine is.
pub(super) const UNHURRIED: Duration = Duration::from_secs(60 * 60);

/// A store under test, in which nothing is yet, and how its time passes.
pub struct Subject<S> {
    pub(super) store: Arc<S>,
    clock: Option<Clock>,
}

impl<S: fmt::Debug> fmt::Debug for Subject<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject").field("store", &self.store).field("clock", &self.clock).finish()
    }
}

impl<S: Store> Subject<S> {
    /// A store whose time is that of the system or of a server: cases about expiry wait for it, a few seconds each.
    pub fn new(store: S) -> Self {
        Self { store: Arc::new(store), clock: None }
    }

    /// The store takes its time from `clock`, which can be moved: nothing is waited for, and times are exact to the
    /// millisecond.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock: Some(clock), ..self }
    }

    /// How long records live whose end is waited for.
    pub(super) fn ttl(&self) -> Duration {
        if self.clock.is_some() { MOVED_TTL } else { REAL_TTL }
    }

    /// How near to the end of a record's time it is still looked for: a millisecond by a clock that is moved, and half of
    /// the time where a machine may be slow.
    pub(super) fn just_before(&self) -> Duration {
        if self.clock.is_some() { self.ttl() - Duration::from_millis(1) } else { self.ttl() / 2 }
    }

    /// A part of a record's time after which, and before which, it is looked at.
    pub(super) async fn pass(&self, time: Duration) {
        match &self.clock {
            Some(clock) => clock.advance(time),
            None => tokio::time::sleep(time).await,
        }
    }

    /// Lets `ttl` pass, and so much more as servers round up.
    pub(super) async fn outlive(&self, ttl: Duration) {
        let more = if self.clock.is_some() { Duration::ZERO } else { Duration::from_millis(1_500) };
        self.pass(ttl + more).await;
    }

    /// A swap whose outcome has to be known.
    #[track_caller]
    pub(super) fn swap(
        &self,
        key: Key,
        expected: Option<Version>,
        value: impl Into<Vec<u8>>,
        ttl: Duration,
    ) -> impl Future<Output = bool> + Send + 'static {
        let (store, value) = (Arc::clone(&self.store), value.into());
        async move {
            let swapped = store.swap(&key, expected, value, ttl).await;
            swapped.unwrap_or_else(|error| panic!("the store could not write: {}", crate::log::Chain(&error)))
        }
    }

    pub(super) async fn load(&self, key: Key) -> Option<(Version, Vec<u8>)> {
        let loaded = self.store.load(&key).await;
        let loaded = loaded.unwrap_or_else(|error| panic!("the store could not read: {}", crate::log::Chain(&error)));
        loaded.map(|(version, value)| (version, value.to_vec()))
    }

    pub(super) async fn value(&self, key: Key) -> Option<Vec<u8>> {
        self.load(key).await.map(|(_, value)| value)
    }

    /// The version of a record that has to be there.
    pub(super) async fn version(&self, key: Key) -> Version {
        self.load(key).await.expect("a record that was written is there").0
    }

    /// Writes a record that is new, and whose end is not waited for.
    pub(super) async fn write(&self, key: Key, value: impl Into<Vec<u8>>) -> Version {
        self.write_for(key, value, UNHURRIED).await
    }

    /// Writes one whose end is.
    pub(super) async fn write_briefly(&self, key: Key, value: impl Into<Vec<u8>>) -> Version {
        self.write_for(key, value, self.ttl()).await
    }

    async fn write_for(&self, key: Key, value: impl Into<Vec<u8>>, ttl: Duration) -> Version {
        assert!(self.swap(key, None, value, ttl).await, "a first write is taken");
        self.version(key).await
    }
}

/// The key of this number.
pub(super) fn key(number: u8) -> Key {
    Key::from([number; 32])
}

/// A case, as a value.
#[doc(hidden)]
pub type Case<S> = fn(Subject<S>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs a case on a runtime of its own.
#[doc(hidden)]
pub fn run(case: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
    runtime.expect("a runtime for a test").block_on(case);
}
