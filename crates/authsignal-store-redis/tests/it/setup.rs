//! How Redis is set up, and what is said of it in the log; what foreign bytes are to the store.
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_store_redis::RedisStore;
use axum_authsignal::store::{ErrorKind, Store};
use test_support::servers::Redis;
use test_support::waiting::until;
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{MINUTE, REDIS, key};

/// A log that a test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    fn subscriber(&self) -> impl tracing::Subscriber + Send + Sync {
        let filter = tracing_subscriber::EnvFilter::new("trace");
        tracing_subscriber::fmt().with_writer(self.clone()).with_ansi(false).with_env_filter(filter).finish()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The first call looks after Redis: what may lose approvals is in the log, with the setting that mends it.
#[tokio::test]
async fn t26_settings_that_may_lose_approvals_are_warned_about() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let redis = Redis::with(&["--save", "", "--appendonly", "no", "--maxmemory-policy", "volatile-ttl"]);
    let store = RedisStore::new(&redis.url()).unwrap();
    store.load(&key(1)).await.unwrap();
    until("the log names the setting", async || log.text().contains("appendonly yes")).await;
    assert!(log.text().contains("maxmemory-policy noeviction"), "{}", log.text());

    let before = log.text().len();
    let redis = Redis::persistent("everysec");
    RedisStore::new(&redis.url()).unwrap().check().await.unwrap();
    assert!(log.text()[before..].contains("appendfsync always"), "{}", log.text());

    let before = log.text().len();
    let redis = Redis::persistent("always");
    RedisStore::new(&redis.url()).unwrap().check().await.unwrap();
    assert!(!log.text()[before..].contains("WARN"), "{}", log.text());
}

/// T43: neither a record nor a password is in any line, down to those of the connection itself.
#[tokio::test]
async fn t43_no_record_is_in_the_log() {
    let log = Log::default();
    let _guard = tracing::subscriber::set_default(log.subscriber());
    let disabled = ["--rename-command", "EVALSHA", "", "--rename-command", "GET", ""];
    let redis = Redis::with(&[&["--save", "", "--requirepass", "canary-password"], &disabled[..]].concat());
    let url = redis.url().replace("redis://", "redis://:canary-password@");
    let store = RedisStore::new(&url).unwrap().prefix("canary-prefix:");
    // Redis quotes commands that it does not know.
    let error = store.load(&key(1)).await.unwrap_err();
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert_eq!(source, "Redis answered ERR: unknown command 'GET'");
    let not_written = store.swap(&key(1), None, b"canary-record".to_vec(), MINUTE).await.unwrap_err();
    let source = format!("{source} {not_written:?} {:?}", std::error::Error::source(&not_written));
    let wrong = RedisStore::new(&redis.url().replace("redis://", "redis://:canary-wrong@")).unwrap();
    let refused = wrong.load(&key(1)).await.unwrap_err();
    let all = format!("{source} {error:?} {refused:?} {:?} {}", std::error::Error::source(&refused), log.text());
    assert!(!all.contains("canary"), "{all}");
}

/// Whatever else stands under a key of ours is no record: it is not read as one, and gives way to one.
#[tokio::test]
async fn foreign_bytes_are_no_record() {
    let store = RedisStore::new(&REDIS.url()).unwrap().prefix("foreign:");
    for (number, bytes) in [(1, ""), (2, "1"), (3, "seven b")] {
        REDIS.cli(&["SET", &format!("foreign:1:{}", key(number)), bytes]);
        assert_eq!(store.load(&key(number)).await.unwrap(), None);
        assert!(store.swap(&key(number), None, vec![number], MINUTE).await.unwrap());
        assert_eq!(store.load(&key(number)).await.unwrap().unwrap().1, vec![number]);
    }
    REDIS.cli(&["RPUSH", &format!("foreign:1:{}", key(4)), "a list"]);
    let error = store.load(&key(4)).await.unwrap_err();
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("WRONGTYPE"));
    assert_eq!(store.swap(&key(4), None, vec![4], MINUTE).await.unwrap_err().kind(), ErrorKind::Unavailable);
}

/// A record of another layout has another key: it is absent, and stays as it is.
#[tokio::test]
async fn a_record_of_another_layout_is_absent() {
    let store = RedisStore::new(&REDIS.url()).unwrap().prefix("layouts:");
    let newer = format!("layouts:2:{}", key(1));
    REDIS.cli(&["SET", &newer, "written by a newer version"]);
    assert_eq!(store.load(&key(1)).await.unwrap(), None);
    assert!(store.swap(&key(1), None, vec![1], MINUTE).await.unwrap());
    assert_eq!(REDIS.cli(&["GET", &newer]).trim(), "written by a newer version");
}

/// T117: a Redis that is full says so, and what it did not write is known.
#[tokio::test]
async fn t117_a_full_redis_takes_no_more_and_says_so() {
    let redis = Redis::start();
    let store = RedisStore::new(&redis.url()).unwrap();
    assert!(store.swap(&key(1), None, vec![1], MINUTE).await.unwrap());
    redis.cli(&["CONFIG", "SET", "maxmemory", "1"]);
    assert_eq!(store.swap(&key(2), None, vec![2], MINUTE).await.unwrap_err().kind(), ErrorKind::Full);
    assert_eq!(store.load(&key(1)).await.unwrap().unwrap().1, vec![1], "what is there is read");
    assert_eq!(store.load(&key(2)).await.unwrap(), None, "it did not write");
}

/// Records end by Redis' own clock: none is without an end.
#[tokio::test]
async fn every_record_has_an_end() {
    let store = RedisStore::new(&REDIS.url()).unwrap().prefix("ends:");
    for (number, ttl) in [(1, Duration::from_nanos(1)), (2, MINUTE), (3, MINUTE * 60 * 24 * 400)] {
        assert!(store.swap(&key(number), None, vec![number], ttl).await.unwrap());
        let left: i64 = REDIS.cli(&["PTTL", &format!("ends:1:{}", key(number))]).trim().parse().unwrap();
        assert!(left == -2 || (1..=ttl.as_millis() as i64).contains(&left), "{left} ms of {ttl:?}");
    }
}
