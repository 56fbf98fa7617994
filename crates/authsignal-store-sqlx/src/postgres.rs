//! The store in PostgreSQL.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum_authsignal::store::{Error, Key, Store, Version};
use bytes::Bytes;
use sqlx::PgPool;

use crate::record::{BATCH, found, new_version, stored, sweep, too_long, unavailable};

/// What [`PostgresStore::migrate`] runs. It changes nothing where it was run before.
pub const POSTGRES_MIGRATION: &str = include_str!("../migrations/postgres.sql");

/// Has nodes that start together migrate one after another: "Authsign" in ASCII, so that nobody else takes it.
const MIGRATION_LOCK: i64 = 0x4175_7468_7369_676e;
/// No longer than this is asked for: PostgreSQL's clock ends in the year 294276.
const MAX_TTL: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

const LOAD: &str = "SELECT version, value FROM authsignal_records WHERE key = $1 AND expires_at > clock_timestamp()";
// Of a row that has ended nothing is left; one that is locked is looked at again once it is free.
const INSERT: &str = "INSERT INTO authsignal_records AS record (key, version, value, expires_at) \
     VALUES ($1, $2, $3, clock_timestamp() + $4 * interval '1 microsecond') \
     ON CONFLICT (key) DO UPDATE SET version = excluded.version, value = excluded.value, expires_at = excluded.expires_at \
     WHERE record.expires_at <= clock_timestamp()";
const UPDATE: &str = "UPDATE authsignal_records \
     SET version = $2, value = $3, expires_at = clock_timestamp() + $4 * interval '1 microsecond' \
     WHERE key = $1 AND version = $5 AND expires_at > clock_timestamp()";
const DELETE: &str = "DELETE FROM authsignal_records WHERE key IN (SELECT key FROM authsignal_records \
     WHERE expires_at <= clock_timestamp() LIMIT $1 FOR UPDATE SKIP LOCKED)";
const SETTINGS: &str = "SELECT current_setting('fsync'), current_setting('synchronous_commit')";

/// A store in PostgreSQL, which all nodes of an application share. Clones share the pool.
#[derive(Clone)]
pub struct PostgresStore {
    pool: PgPool,
    is_checked: Arc<AtomicBool>,
}

impl PostgresStore {
    /// A store in the database that `pool` is connected to. Its table is found by the connections' `search_path`.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self { pool, is_checked: Arc::default() }
    }

    /// Makes the table if it is not there. Nodes may do so at once.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database could not be asked, or does not allow it.
    pub async fn migrate(&self) -> Result<(), Error> {
        let migrated = async {
            let mut transaction = self.pool.begin().await?;
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
            sqlx::raw_sql(POSTGRES_MIGRATION).execute(&mut *transaction).await?;
            transaction.commit().await
        };
        migrated.await.map_err(unavailable)
    }

    /// Looks how the database is set up, and warns in the log about what could double approvals. The first call of a store does
    /// so too, in a task of its own; here a start can wait for it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database could not be asked.
    pub async fn check(&self) -> Result<(), Error> {
        self.is_checked.store(true, Ordering::Relaxed);
        let settings = sqlx::query_as::<_, (String, String)>(SETTINGS).fetch_one(&self.pool).await;
        let (fsync, synchronous_commit) = settings.map_err(unavailable)?;
        if fsync != "on" || synchronous_commit == "off" {
            tracing::warn!(
                fsync,
                synchronous_commit,
                "PostgreSQL may forget what it has confirmed when it crashes, and with it that an approval was spent: set both to `on`"
            );
        }
        Ok(())
    }

    fn check_once(&self) {
        if self.is_checked.swap(true, Ordering::Relaxed) {
            return;
        }
        let store = self.clone();
        // Whoever cannot be asked now has been asked just before: the next call says what is wrong.
        tokio::spawn(async move { drop(store.check().await) });
    }

    /// Deletes what has expired, and says how many records that were. Nothing needs it but the disk.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database could not be asked.
    pub async fn delete_expired(&self) -> Result<u64, Error> {
        let mut deleted = 0;
        loop {
            let rows = sqlx::query(DELETE).bind(BATCH).execute(&self.pool).await.map_err(unavailable)?.rows_affected();
            deleted += rows;
            if rows < BATCH.unsigned_abs() {
                return Ok(deleted);
            }
        }
    }

    /// Calls [`delete_expired`](Self::delete_expired) again and again, for ever. Every node may do so, in a task of its own. At
    /// least a second lies between two calls.
    pub async fn delete_expired_every(self, interval: Duration) {
        sweep(interval, || self.delete_expired()).await;
    }
}

impl Store for PostgresStore {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        let row = sqlx::query_as::<_, (i64, Vec<u8>)>(LOAD).bind(&key.as_bytes()[..]).fetch_optional(&self.pool).await;
        let row = row.map_err(unavailable)?;
        self.check_once();
        Ok(row.map(found))
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        let ttl = Some(ttl).filter(|ttl| *ttl <= MAX_TTL).ok_or_else(too_long)?;
        let microseconds = i64::try_from(ttl.as_nanos().div_ceil(1_000)).map_err(|_| too_long())?;
        let query = sqlx::query(if expected.is_some() { UPDATE } else { INSERT });
        let query = query.bind(&key.as_bytes()[..]).bind(new_version()?).bind(value).bind(microseconds);
        let query = match expected {
            Some(version) => query.bind(stored(version)),
            None => query,
        };
        match query.execute(&self.pool).await {
            Ok(done) => {
                self.check_once();
                Ok(done.rows_affected() == 1)
            }
            // Where transactions are stricter than by default, who was slower is told so.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("40001") => Ok(false),
            Err(error) => Err(unavailable(error)),
        }
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
