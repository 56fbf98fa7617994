//! The store in SQLite.
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum_authsignal::Clock;
use axum_authsignal::store::{Error, Key, Store, Version};
use bytes::Bytes;
use sqlx::SqlitePool;

use crate::record::{BATCH, found, new_version, stored, sweep, too_long, unavailable};

/// What [`SqliteStore::migrate`] runs. It changes nothing where it was run before.
pub const SQLITE_MIGRATION: &str = include_str!("../migrations/sqlite.sql");

const LOAD: &str = "SELECT version, value FROM authsignal_records WHERE key = ?1 AND expires_at > ?2";
const INSERT: &str = "INSERT INTO authsignal_records (key, version, value, expires_at) VALUES (?1, ?2, ?3, ?4) \
     ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value, expires_at = excluded.expires_at \
     WHERE authsignal_records.expires_at <= ?5";
const UPDATE: &str = "UPDATE authsignal_records SET version = ?2, value = ?3, expires_at = ?4 \
     WHERE key = ?1 AND expires_at > ?5 AND version = ?6";
const DELETE: &str = "DELETE FROM authsignal_records WHERE key IN \
     (SELECT key FROM authsignal_records WHERE expires_at <= ?1 LIMIT ?2)";

/// A store in SQLite, for one machine whose flows outlive a restart. Clones share the pool.
///
/// Its pool should have `journal_mode` WAL and `synchronous` FULL, and its file should be on a disk of the machine's own. A database
/// in memory is another one for each connection of a pool: use [`MemoryStore`](axum_authsignal::store::MemoryStore) instead.
#[derive(Clone)]
pub struct SqliteStore {
    pool: SqlitePool,
    clock: Clock,
}

impl SqliteStore {
    /// A store in the database that `pool` has open.
    #[must_use]
    pub fn new(pool: SqlitePool) -> Self {
        Self { pool, clock: Clock::system() }
    }

    /// Takes the time from `clock`. Default: the system's.
    #[must_use]
    pub fn clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Makes the table if it is not there.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database could not be opened or written.
    pub async fn migrate(&self) -> Result<(), Error> {
        sqlx::raw_sql(SQLITE_MIGRATION).execute(&self.pool).await.map(drop).map_err(unavailable)
    }

    /// Deletes what has expired, and says how many records that were. Nothing needs it but the disk.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database could not be written.
    pub async fn delete_expired(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        loop {
            let query = sqlx::query(DELETE).bind(self.now()?).bind(BATCH);
            let rows = query.execute(&self.pool).await.map_err(unavailable)?.rows_affected();
            deleted += rows;
            if rows < BATCH.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }

    /// Calls [`delete_expired`](Self::delete_expired) again and again, for ever, in a task of its own. At least a second lies
    /// between two calls.
    pub async fn delete_expired_every(self, interval: Duration) {
        sweep(interval, || self.delete_expired()).await;
    }

    fn now(&self) -> Result<i64, Error> {
        milliseconds(self.clock.now(), Duration::ZERO)
    }
}

/// Milliseconds since 1970, rounded up.
fn milliseconds(time: SystemTime, later: Duration) -> Result<i64, Error> {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().checked_add(later).ok_or_else(too_long)?;
    i64::try_from(since.as_nanos().div_ceil(1_000_000)).map_err(|_| too_long())
}

impl Store for SqliteStore {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        let query = sqlx::query_as::<_, (i64, Vec<u8>)>(LOAD).bind(&key.as_bytes()[..]).bind(self.now()?);
        Ok(query.fetch_optional(&self.pool).await.map_err(unavailable)?.map(found))
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        let now = self.clock.now();
        let (until, now) = (milliseconds(now, ttl)?, milliseconds(now, Duration::ZERO)?);
        let query = sqlx::query(if expected.is_some() { UPDATE } else { INSERT });
        let query = query.bind(&key.as_bytes()[..]).bind(new_version()?).bind(value).bind(until).bind(now);
        let query = match expected {
            Some(version) => query.bind(stored(version)),
            None => query,
        };
        Ok(query.execute(&self.pool).await.map_err(unavailable)?.rows_affected() == 1)
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}
