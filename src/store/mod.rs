//! Where flows are kept: the contract, and the store in memory.
//!
//! A store knows nothing of flows. It keeps sealed bytes under opaque keys and has two operations, both atomic, so that
//! any database can be one. Everything else (who may use a flow, once, until when) is decided above it and written with
//! a compare-and-swap.
mod error;
mod memory;

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

pub use error::{Error, ErrorKind};
pub use memory::MemoryStore;

pub use crate::seal::Key;

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
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use axum_authsignal::store::{Error, Key, Store, Version};
///
/// /// A store that is always empty: every request is decided anew, and no challenge can be kept.
/// #[derive(Debug)]
/// struct Forgetful;
///
/// impl Store for Forgetful {
///     async fn load(&self, _key: &Key) -> Result<Option<(Version, Vec<u8>)>, Error> {
///         Ok(None)
///     }
///     async fn swap(&self, _: &Key, _: Option<Version>, _: Vec<u8>, _: Duration) -> Result<bool, Error> {
///         Err(Error::full("this store keeps nothing"))
///     }
/// }
/// ```
pub trait Store: fmt::Debug + Send + Sync + 'static {
    /// The record under `key`, if there is one.
    ///
    /// # Errors
    ///
    /// [`Error`] if the store could not be asked.
    fn load(&self, key: &Key) -> impl Future<Output = Result<Option<(Version, Vec<u8>)>, Error>> + Send;

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

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send + 'a>>;

/// [`Store`] as a trait object.
trait Twin: fmt::Debug + Send + Sync {
    fn load<'a>(&'a self, key: &'a Key) -> Boxed<'a, Option<(Version, Vec<u8>)>>;
    fn swap<'a>(&'a self, key: &'a Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Boxed<'a, bool>;
}

impl<S: Store> Twin for S {
    fn load<'a>(&'a self, key: &'a Key) -> Boxed<'a, Option<(Version, Vec<u8>)>> {
        Box::pin(Store::load(self, key))
    }

    fn swap<'a>(&'a self, key: &'a Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Boxed<'a, bool> {
        Box::pin(Store::swap(self, key, expected, value, ttl))
    }
}

/// Any store.
#[derive(Clone, Debug)]
pub(crate) struct AnyStore(Arc<dyn Twin>);

impl AnyStore {
    pub(crate) fn new(store: impl Store) -> Self {
        Self(Arc::new(store))
    }

    pub(crate) async fn load(&self, key: &Key) -> Result<Option<(Version, Vec<u8>)>, Error> {
        self.0.load(key).await
    }

    pub(crate) async fn swap(
        &self,
        key: &Key,
        expected: Option<Version>,
        value: Vec<u8>,
        ttl: Duration,
    ) -> Result<bool, Error> {
        self.0.swap(key, expected, value, ttl).await
    }
}
