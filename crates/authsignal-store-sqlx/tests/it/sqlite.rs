//! SQLite: the contract, and what outlives a restart.
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use authsignal_store_sqlx::SqliteStore;
use axum_authsignal::Clock;
use axum_authsignal::store::{Error, Key, Store, Version};
use axum_authsignal::testing::contract::Subject;
use bytes::Bytes;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};

const MINUTE: Duration = Duration::from_secs(60);

/// A file of its own, which goes with the test.
#[derive(Debug)]
struct File(PathBuf);

impl File {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("authsignal-sqlite-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    async fn store(&self) -> SqliteStore {
        let options = SqliteConnectOptions::new().filename(self.0.join("flows.db")).create_if_missing(true);
        let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let pool =
            SqlitePoolOptions::new().max_connections(4).connect_with(options.busy_timeout(MINUTE)).await.unwrap();
        let store = SqliteStore::new(pool);
        store.migrate().await.unwrap();
        store
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn clock() -> Clock {
    Clock::manual(UNIX_EPOCH + Duration::from_secs(1_800_000_000))
}

/// A store whose file goes with it.
#[derive(Debug)]
struct StoreInFile {
    store: SqliteStore,
    _file: File,
}

impl Store for StoreInFile {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        self.store.load(key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.store.swap(key, expected, value, ttl).await
    }
}

axum_authsignal::store_contract!(file, {
    let (file, clock) = (File::new(), clock());
    Subject::new(StoreInFile { store: file.store().await.clock(clock.clone()), _file: file }).clock(clock)
});

#[tokio::test]
async fn what_is_there_outlives_a_restart_and_another_migration() {
    let file = File::new();
    let key = Key::from([1; 32]);
    assert!(file.store().await.swap(&key, None, vec![1], MINUTE).await.unwrap());
    let store = file.store().await;
    let (version, value) = store.load(&key).await.unwrap().unwrap();
    assert_eq!(value, vec![1]);
    assert!(store.swap(&key, Some(version), vec![2], MINUTE).await.unwrap());
}

#[tokio::test]
async fn what_has_expired_is_deleted_and_nothing_else() {
    let (file, clock) = (File::new(), clock());
    let store = file.store().await.clock(clock.clone());
    for number in 0..5 {
        assert!(
            store.swap(&Key::from([number; 32]), None, vec![number], MINUTE * u32::from(number + 1)).await.unwrap()
        );
    }
    clock.advance(MINUTE * 3);
    assert_eq!(store.delete_expired().await.unwrap(), 3);
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    assert_eq!(store.load(&Key::from([3; 32])).await.unwrap().unwrap().1, vec![3]);
}

#[tokio::test]
async fn a_clock_before_1970_stops_nothing() {
    let (file, clock) = (File::new(), Clock::manual(SystemTime::UNIX_EPOCH - MINUTE));
    let store = file.store().await.clock(clock);
    assert!(store.swap(&Key::from([1; 32]), None, vec![1], MINUTE).await.unwrap());
    assert!(store.load(&Key::from([1; 32])).await.unwrap().is_some());
}
