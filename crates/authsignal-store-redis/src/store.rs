//! The store: what it sends to Redis, and what it makes of the answers.
use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum_authsignal::store::{Error, Key, Store, Version};
use bytes::Bytes;
use redis::aio::ConnectionLike;
use redis::{AsyncConnectionConfig, Client, Cmd, Script, Value, cmd};

use crate::check;
use crate::config::ConfigError;
use crate::fault::{Fault, FaultKind};
use crate::link::Link;
use crate::source::{Given, Pool, Source};

/// What keys begin with, unless told otherwise.
const PREFIX: &str = "authsignal:";
/// How records are laid out: a part of each key, so that a record of another layout is absent.
const LAYOUT: &str = "1:";
/// How many bytes the version has in front of a record.
const VERSION: usize = 8;
/// How long a call may take, unless told otherwise.
const TIMEOUT: Duration = Duration::from_millis(200);
/// How long a lost answer is waited with before it is asked for again, at most.
const MAX_PAUSE: Duration = Duration::from_millis(20);

static SWAP: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("swap.lua")));

/// A store in Redis. Clones share their connection.
///
/// See the [crate](crate) for which connection it uses, how records are kept, and how Redis has to be set up.
#[derive(Clone)]
pub struct RedisStore {
    source: Arc<dyn Source>,
    start: Arc<str>,
    timeout: Duration,
    is_checked: Arc<AtomicBool>,
}

impl RedisStore {
    /// A store in the one server at `url`, such as `redis://:password@redis.internal:6379/0`.
    ///
    /// The connection is made with the first call, and again when it is lost, so that nodes start without Redis, too.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidUrl`].
    pub fn new(url: &str) -> Result<Self, ConfigError> {
        Client::open(url).map(Self::from_client).map_err(|error| ConfigError::invalid_url(&error))
    }

    /// The same by a client that is set up already.
    #[must_use]
    pub fn from_client(client: Client) -> Self {
        Self::of(Link::new(move || {
            let client = client.clone();
            Box::pin(async move { client.get_multiplexed_async_connection_with_config(&connection_config()).await })
        }))
    }

    /// A store in the master that Sentinel names. It is asked for anew whenever the connection is lost, or has come to lead to
    /// a replica.
    #[cfg(feature = "sentinel")]
    #[cfg_attr(docsrs, doc(cfg(feature = "sentinel")))]
    #[must_use]
    pub fn from_sentinel(client: redis::sentinel::SentinelClient) -> Self {
        let client = Arc::new(tokio::sync::Mutex::new(client));
        Self::of(Link::new(move || {
            let client = Arc::clone(&client);
            Box::pin(async move { client.lock().await.get_async_connection_with_config(&connection_config()).await })
        }))
    }

    /// A store in a cluster. Its client must not read from replicas, which it does only when told to.
    #[cfg(feature = "cluster")]
    #[cfg_attr(docsrs, doc(cfg(feature = "cluster")))]
    #[must_use]
    pub fn from_cluster(client: redis::cluster::ClusterClient) -> Self {
        Self::of(Link::new(move || {
            let client = client.clone();
            Box::pin(async move { client.get_async_connection().await })
        }))
    }

    /// A store over a connection that the application has already, one that is cheap to clone and comes back by itself, such
    /// as redis' `ConnectionManager` or `ClusterConnection`.
    #[must_use]
    pub fn over<C>(connection: C) -> Self
    where
        C: ConnectionLike + Clone + Send + Sync + 'static,
    {
        Self::of(Given(connection))
    }

    /// A store that takes a connection from a pool for each command.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use authsignal_store_redis::RedisStore;
    ///
    /// # fn build() -> Result<(), Box<dyn std::error::Error>> {
    /// let pool = deadpool_redis::Config::from_url("redis://127.0.0.1/").create_pool(None)?;
    /// let store = RedisStore::from_pool(move || {
    ///     let pool = pool.clone();
    ///     async move { pool.get().await }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// With bb8, whose connections are borrowed, the closure ends in `pool.get().await.map(|connection| connection.clone())`.
    #[must_use]
    pub fn from_pool<F, Fut, C, E>(take: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<C, E>> + Send + 'static,
        C: ConnectionLike + Send + 'static,
        E: fmt::Display + Send + 'static,
    {
        Self::of(Pool(take))
    }

    fn of(source: impl Source + 'static) -> Self {
        let (source, start) = (Arc::new(source), format!("{PREFIX}{LAYOUT}").into());
        Self { source, start, timeout: TIMEOUT, is_checked: Arc::default() }
    }

    /// What the keys of all records begin with. Default: `authsignal:`.
    #[must_use]
    pub fn prefix(self, prefix: &str) -> Self {
        Self { start: format!("{prefix}{LAYOUT}").into(), ..self }
    }

    /// How long one call may take, connecting and asking again included. Default: 200 milliseconds, which is less than the
    /// layer's own `store_timeout` of 250; whoever sets one sets both.
    #[must_use]
    pub fn timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Looks how Redis is set up, and warns in the log about what could lose or double approvals. The first call of a store
    /// does so too, in a task of its own; here a start can wait for it, and learns whether Redis is there.
    ///
    /// # Errors
    ///
    /// [`Error`] if Redis could not be asked.
    pub async fn check(&self) -> Result<(), Error> {
        self.is_checked.store(true, Ordering::Relaxed);
        let info = self.ask(&cmd("INFO"), &mut None).await.map_err(Fault::into_error)?;
        // Hosted ones do not let everybody ask.
        let mut command = cmd("CONFIG");
        command.arg("GET").arg("appendfsync");
        let appendfsync = self.ask(&command, &mut None).await.ok();
        for warning in check::warnings(&info, appendfsync.as_ref()) {
            tracing::warn!("{warning}");
        }
        Ok(())
    }

    /// Sends a command until it is answered; `lost` keeps the last answer that was lost.
    async fn ask(&self, command: &Cmd, lost: &mut Option<Fault>) -> Result<Value, Fault> {
        let mut pause = Duration::ZERO;
        let answered = tokio::time::timeout(self.timeout, async {
            loop {
                match self.source.send(command).await {
                    Err(fault) if fault.kind == FaultKind::Lost => {
                        *lost = Some(fault);
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).clamp(Duration::from_millis(1), MAX_PAUSE);
                    }
                    answer => return answer,
                }
            }
        });
        answered.await.unwrap_or_else(|_| {
            let silence =
                || format!("no answer within {:?}; `RedisStore::timeout` sets how long that is", self.timeout);
            Err(lost.clone().unwrap_or_else(|| Fault::other(silence())))
        })
    }

    /// The first call of a store looks after Redis itself, too.
    fn check_once(&self) {
        if self.is_checked.swap(true, Ordering::Relaxed) {
            return;
        }
        let store = self.clone();
        tokio::spawn(async move {
            if let Err(error) = store.check().await {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(error = %cause, "Redis does not tell how it is set up: whether it keeps approvals is unknown");
            }
        });
    }

    fn key(&self, key: &Key) -> String {
        format!("{}{key}", self.start)
    }
}

/// How commands wait is the store's affair, in [`RedisStore::ask`].
fn connection_config() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_response_timeout(None)
}

/// The script, by its hash or as it is.
fn swap_command(by_hash: bool, key: &str, expected: &[u8], record: &[u8], ttl: u64) -> Cmd {
    let mut command = if by_hash { cmd("EVALSHA") } else { cmd("EVAL") };
    let script = if by_hash { SWAP.get_hash() } else { include_str!("swap.lua") };
    command.arg(script).arg(1).arg(key).arg(expected).arg(record).arg(ttl);
    command
}

impl Store for RedisStore {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        let mut command = cmd("GET");
        command.arg(self.key(key));
        let answer = self.ask(&command, &mut None).await.map_err(Fault::into_error)?;
        self.check_once();
        match answer {
            Value::Nil => Ok(None),
            Value::BulkString(record) => Ok(parted(record).or_else(|| {
                tracing::warn!(%key, "a record in Redis is too short to be one of ours and is ignored");
                None
            })),
            _ => Err(unexpected()),
        }
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        let version = getrandom::u64().map_err(Error::unavailable)?;
        let expected = expected.map_or_else(Vec::new, |version| version.number().to_be_bytes().to_vec());
        let record = [&version.to_be_bytes()[..], &value].concat();
        let (key, ttl) = (self.key(key), milliseconds(ttl)?);
        let mut lost = None;
        let mut answer = self.ask(&swap_command(true, &key, &expected, &record, ttl), &mut lost).await;
        if answer.as_ref().is_err_and(|fault| fault.kind == FaultKind::UnknownScript) {
            answer = self.ask(&swap_command(false, &key, &expected, &record, ttl), &mut lost).await;
        }
        let answer = answer.map_err(Fault::into_error)?;
        self.check_once();
        match answer {
            Value::Int(1) => Ok(true),
            Value::Int(0) if lost.is_none() => Ok(false),
            // It may have written, and have been written over since.
            Value::Int(0) => Err(Error::unavailable("the answer was lost, and the record has changed since")),
            _ => Err(unexpected()),
        }
    }
}

/// Redis refuses zero, and what ends after its clock does.
fn milliseconds(ttl: Duration) -> Result<u64, Error> {
    let milliseconds = u64::try_from(ttl.as_nanos().div_ceil(1_000_000).max(1)).ok();
    let in_reach = milliseconds.filter(|milliseconds| *milliseconds < u64::MAX / 4);
    in_reach.ok_or_else(|| Error::full("no clock reaches the end of this record"))
}

/// The version of a record, and its value.
fn parted(record: Vec<u8>) -> Option<(Version, Bytes)> {
    let version = Version::new(u64::from_be_bytes(*record.first_chunk::<VERSION>()?));
    Some((version, Bytes::from(record).slice(VERSION..)))
}

fn unexpected() -> Error {
    Error::unavailable("Redis gave an answer of another type")
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore")
            .field("source", &self.source)
            .field("start", &self.start)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
