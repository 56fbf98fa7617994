//! The store in PostgreSQL.
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum_authsignal::store::{Error, Key, Store, Version};
use bytes::Bytes;
use sqlx::pool::PoolConnection;
use sqlx::{Connection as _, Error as SqlxError, PgPool, Postgres};

use crate::record::{BATCH, found, new_version, stored, sweep, too_long, unavailable};

/// What [`PostgresStore::migrate`] runs. It changes nothing where it was run before.
pub const POSTGRES_MIGRATION: &str = include_str!("../migrations/postgres.sql");

/// Has nodes that start together migrate one after another: "Authsign" in ASCII, so that nobody else takes it.
const MIGRATION_LOCK: i64 = 0x4175_7468_7369_676e;
/// No longer than this is asked for: PostgreSQL's clock ends in the year 294276.
const MAX_TTL: Duration = Duration::from_secs(1_000 * 365 * 24 * 60 * 60);

// With what the server is: a standby has an old state, in which a revocation may be missing (threat T29).
const LOAD: &str = "SELECT pg_is_in_recovery(), record.version, record.value FROM (VALUES (1)) AS one \
     LEFT JOIN authsignal_records AS record ON record.key = $1 AND record.expires_at > clock_timestamp()";
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
const SETTINGS: &str = "SELECT pg_is_in_recovery(), current_setting('fsync'), current_setting('synchronous_commit')";
/// What PostgreSQL answers to a write where it takes none: `read_only_sql_transaction`.
const READ_ONLY: &str = "25006";
const STANDBY: &str =
    "the pool is connected to a standby, which is not asked for what may be old there: lead it to the primary";
const NO_WRITES: &str = "the pool has to be connected to a primary that takes writes; this is a standby, or has \
                         `default_transaction_read_only` on (25006)";

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
    /// [`Error`] if the database could not be asked, is a standby, or does not allow it.
    pub async fn migrate(&self) -> Result<(), Error> {
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        let migrated = async {
            let mut transaction = connection.begin().await?;
            sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(MIGRATION_LOCK).execute(&mut *transaction).await?;
            sqlx::raw_sql(POSTGRES_MIGRATION).execute(&mut *transaction).await?;
            transaction.commit().await
        };
        migrated.await.map_err(|error| write_refused(connection, error))
    }

    /// Looks how the database is set up, and warns in the log about what could double approvals. The first call of a store does
    /// so too, in a task of its own; here a start can wait for it.
    ///
    /// # Errors
    ///
    /// [`Error`] if the database could not be asked, or is a standby.
    pub async fn check(&self) -> Result<(), Error> {
        self.is_checked.store(true, Ordering::Relaxed);
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        let settings = sqlx::query_as::<_, (bool, String, String)>(SETTINGS).fetch_one(&mut *connection).await;
        let (is_standby, fsync, synchronous_commit) = settings.map_err(unavailable)?;
        if is_standby {
            return Err(standby_refused(connection));
        }
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
            let mut connection = self.pool.acquire().await.map_err(unavailable)?;
            let done = sqlx::query(DELETE).bind(BATCH).execute(&mut *connection).await;
            let rows = done.map_err(|error| write_refused(connection, error))?.rows_affected();
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
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        let row = sqlx::query_as::<_, (bool, Option<i64>, Option<Vec<u8>>)>(LOAD).bind(&key.as_bytes()[..]);
        let (is_standby, version, value) = row.fetch_one(&mut *connection).await.map_err(unavailable)?;
        if is_standby {
            return Err(standby_refused(connection));
        }
        self.check_once();
        Ok(version.zip(value).map(found))
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
        let mut connection = self.pool.acquire().await.map_err(unavailable)?;
        match query.execute(&mut *connection).await {
            Ok(done) => {
                self.check_once();
                Ok(done.rows_affected() == 1)
            }
            // Where transactions are stricter than by default, who was slower is told so.
            Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("40001") => Ok(false),
            Err(error) => Err(write_refused(connection, error)),
        }
    }
}

/// A connection that leads to a standby is left, so that the pool finds the primary once its address leads there: it would keep
/// the connection for half an hour.
fn standby_refused(mut connection: PoolConnection<Postgres>) -> Error {
    connection.close_on_drop();
    Error::unavailable(STANDBY)
}

/// Why nothing was written; where no write is taken, the same.
fn write_refused(mut connection: PoolConnection<Postgres>, error: SqlxError) -> Error {
    match &error {
        SqlxError::Database(database) if database.code().as_deref() == Some(READ_ONLY) => {
            connection.close_on_drop();
            Error::unavailable(NO_WRITES)
        }
        _ => unavailable(error),
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore").finish_non_exhaustive()
    }
}
