//! What both stores share: new versions, faults, and the sweeping of what has ended.
use std::fmt;
use std::future::Future;
use std::time::Duration;

use axum_authsignal::store::{Error, Version};
use bytes::Bytes;
use sqlx::Error as SqlxError;

/// How many rows one statement deletes.
pub(crate) const BATCH: i64 = 1_000;

/// A version that was never given out: 64 random bits, as the database's signed integer.
pub(crate) fn new_version() -> Result<i64, Error> {
    getrandom::u64().map(u64::cast_signed).map_err(Error::unavailable)
}

pub(crate) fn stored(version: Version) -> i64 {
    version.number().cast_signed()
}

pub(crate) fn found(row: (i64, Vec<u8>)) -> (Version, Bytes) {
    (Version::new(row.0.cast_unsigned()), Bytes::from(row.1))
}

/// No database is asked for what no clock of its reaches.
pub(crate) fn too_long() -> Error {
    Error::full("no clock reaches the end of this record")
}

/// What the database said, without the values that it quotes.
#[derive(Debug)]
struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

pub(crate) fn unavailable(error: SqlxError) -> Error {
    let text = match error {
        // Only the message: the details of a database may quote a row.
        SqlxError::Database(error) => match error.code() {
            Some(code) => format!("the database answered {code}: {}", error.message()),
            None => format!("the database answered: {}", error.message()),
        },
        other => other.to_string(),
    };
    Error::unavailable(Fault(text))
}

/// Sweeps for ever, and says in the log when it cannot.
pub(crate) async fn sweep<F: Future<Output = Result<u64, Error>>>(every: Duration, delete: impl Fn() -> F) {
    let mut interval = tokio::time::interval(every.max(Duration::from_secs(1)));
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        match delete().await {
            Ok(count) => tracing::debug!(count, "expired records were deleted"),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                tracing::warn!(error = %cause, "expired records could not be deleted, and stay until the next time");
            }
        }
    }
}
