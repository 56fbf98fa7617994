//! Where flows are kept: the contract, and the store in memory.
//!
//! A store knows nothing of flows. It keeps sealed bytes under opaque keys and has two operations, both atomic, so that
//! any database can be one. Everything else (who may use a flow, once, until when) is decided above it and written with
//! a compare-and-swap.
mod error;
#[cfg(test)]
mod explored;
pub(crate) mod flows;
mod key;
mod memory;
pub(crate) mod record;
pub(crate) mod seal;

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;

use crate::meter::{self, Timer};
pub use error::{Error, ErrorKind};
pub use memory::MemoryStore;

pub use key::Key;

/// How long a store may take over one call, unless told otherwise.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(250);

/// Which write of a record it is. A store makes a new one for every write and never gives one out twice for a key
/// within the lifetime of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version(u64);

impl Version {
    /// The version that a store calls `number`.
    #[must_use]
    pub fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number that the store gave it.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// A place for flows that every node of an application shares.
///
/// # Contract
///
/// - [`load`](Self::load) gives the newest value that was written and has not expired, with its version.
/// - [`swap`](Self::swap) writes only if the record still is what `expected` says (`None`: there is none, or it has
///   expired), in one atomic step, and says whether it wrote. Of any number of swaps at once that expect the same
///   version, at most one writes.
/// - A record is gone once its `ttl` has passed since it was written.
/// - An error means that the outcome is unknown: the write may have happened.
/// - A call that takes longer than [`store_timeout`](crate::AuthsignalBuilder::store_timeout) is given up: its future is
///   dropped, and that counts as an error. So is one whose caller hung up, at any await.
/// - A store that is bounded refuses new records before it is full, so that a live record can always be replaced by one
///   that is no more than [`ROOM_TO_GROW`] bytes longer than the first one under its key: an approval that was proved is
///   written down whatever else waits (threat T117).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use axum_authsignal::store::{Error, Key, Store, Version};
/// use axum::body::Bytes;
///
/// /// A store that is always empty: every request is decided anew, and no challenge can be kept.
/// #[derive(Debug)]
/// struct Forgetful;
///
/// impl Store for Forgetful {
///     async fn load(&self, _key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
///         Ok(None)
///     }
///     async fn swap(&self, _: &Key, _: Option<Version>, _: Vec<u8>, _: Duration) -> Result<bool, Error> {
///         Err(Error::full("this store keeps nothing"))
///     }
/// }
/// ```
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The record under `key`, if there is one. A store that holds it in memory hands it out without a copy.
    ///
    /// # Errors
    ///
    /// [`Error`] if the store could not be asked.
    fn load(&self, key: &Key) -> impl Future<Output = Result<Option<(Version, Bytes)>, Error>> + Send;

    /// Writes `value` for `ttl`, if the record still has the `expected` version; `false` if somebody was faster.
    ///
    /// # Errors
    ///
    /// [`Error`] if the store could not be asked, is full, or lost the answer.
    fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: Vec<u8>,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, Error>> + Send;
}

/// How many bytes longer than its first a record may become, over all its writes, and still has to find room: 256.
///
/// A flow grows by less: how and when it was proved, by which request it was spent, how often its proof was asked about.
/// The record that counts what waits of a user may grow by more: where it finds no room, no new challenge is begun.
pub const ROOM_TO_GROW: usize = 256;

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// [`Store`] as a trait object.
trait ErasedStore: fmt::Debug + Send + Sync {
    fn load<'a>(&'a self, key: &'a Key) -> Boxed<'a, Option<(Version, Bytes)>>;
    fn swap<'a>(&'a self, key: &'a Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Boxed<'a, bool>;
}

impl<S: Store> ErasedStore for S {
    fn load<'a>(&'a self, key: &'a Key) -> Boxed<'a, Option<(Version, Bytes)>> {
        Box::pin(Store::load(self, key))
    }

    fn swap<'a>(&'a self, key: &'a Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Boxed<'a, bool> {
        Box::pin(Store::swap(self, key, expected, value, ttl))
    }
}

/// Any store, each of whose calls ends in time.
#[derive(Clone, Debug)]
pub(crate) struct AnyStore {
    store: Arc<dyn ErasedStore>,
    timeout: Duration,
}

impl AnyStore {
    pub(crate) fn new(store: impl Store) -> Self {
        Self { store: Arc::new(store), timeout: TIMEOUT }
    }

    /// Gives each call up after so long (threat T119).
    pub(crate) fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    pub(crate) async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        let timer = Timer::start();
        let answer = self.in_time(self.store.load(key)).await;
        meter::stored(&timer, true, answer.as_ref().err().map(|error| error.kind().as_str()));
        answer
    }

    pub(crate) async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: Vec<u8>,
        ttl: Duration,
    ) -> Result<bool, Error> {
        let timer = Timer::start();
        let answer = self.in_time(self.store.swap(key, expected, value, ttl)).await;
        meter::stored(&timer, false, answer.as_ref().err().map(|error| error.kind().as_str()));
        answer
    }

    async fn in_time<T>(&self, mut call: Boxed<'_, T>) -> Result<T, Error> {
        // What answers at once, as memory does, needs no timer.
        let mut timer = None;
        poll_fn(|cx| match call.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(answer),
            Poll::Pending => {
                let timer = timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(self.timeout)));
                timer.as_mut().poll(cx).map(|()| Err(Error::too_slow(self.timeout)))
            }
        })
        .await
    }
}
