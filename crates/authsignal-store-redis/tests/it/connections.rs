//! A connection that is lost comes back by itself.
use std::time::{Duration, Instant};

use authsignal_store_redis::RedisStore;
use axum_authsignal::store::{ErrorKind, Store};
use test_support::servers::redis::Watched;
use test_support::servers::{Proxy, Redis};

use crate::contract::sentinel;
use crate::support::{MINUTE, REDIS, empty, key, store};

/// Tries until it succeeds, as callers do.
async fn until_it_writes(store: &RedisStore, number: u8) -> Duration {
    let start = Instant::now();
    loop {
        let loaded = store.load(&key(number)).await;
        if let Ok(found) = loaded
            && store.swap(&key(number), found.map(|found| found.0), vec![number], MINUTE).await.unwrap_or(false)
        {
            return start.elapsed();
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it does not come back");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_redis_and_outlives_it() {
    let mut redis = Redis::start();
    let store = RedisStore::new(&redis.url()).unwrap();
    redis.kill();
    let start = Instant::now();
    assert_eq!(store.load(&key(1)).await.unwrap_err().kind(), ErrorKind::Unavailable, "Redis is not there");
    assert!(start.elapsed() < Duration::from_millis(150), "and nobody waits for it: {:?}", start.elapsed());
    for round in 1..=3 {
        redis.start_again();
        println!("back after {:?}", until_it_writes(&store, round).await);
        redis.kill();
        assert_eq!(store.load(&key(1)).await.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

/// A connection that was closed while nothing was asked costs its next caller nothing.
#[tokio::test]
async fn a_connection_that_was_closed_is_made_anew_within_the_call() {
    let redis = Redis::start();
    let store = RedisStore::new(&redis.url()).unwrap();
    for number in 1..=20 {
        assert!(store.swap(&key(number), None, vec![number], MINUTE).await.unwrap());
        redis.cli(&["CLIENT", "KILL", "TYPE", "normal"]);
        assert_eq!(store.load(&key(number)).await.unwrap().unwrap().1, vec![number]);
    }
}

/// The script is sent again to a Redis that has forgotten it.
#[tokio::test]
async fn a_script_that_was_forgotten_is_sent_again() {
    let redis = Redis::start();
    let store = RedisStore::new(&redis.url()).unwrap();
    for number in 1..=5 {
        redis.cli(&["SCRIPT", "FLUSH"]);
        assert!(store.swap(&key(number), None, vec![number], MINUTE).await.unwrap());
    }
    assert!(redis.cli(&["INFO", "memory"]).contains("number_of_cached_scripts:1"));
}

/// A server that no longer answers, without closing the connection, is left for a new connection.
#[tokio::test]
async fn a_connection_that_says_nothing_is_given_up() {
    let silent = Proxy::start(REDIS.port, 0, 1).await;
    let store = empty(RedisStore::new(&silent.url()).unwrap()).timeout(Duration::from_millis(150));
    assert!(store.swap(&key(1), None, vec![1], MINUTE).await.unwrap());
    silent.freeze();
    let start = Instant::now();
    let error = store.load(&key(1)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(start.elapsed() < Duration::from_secs(2), "its own deadline: {:?}", start.elapsed());
    assert!(format!("{:?}", std::error::Error::source(&error)).contains("RedisStore::timeout"));
    // New connections are served, the frozen one never is.
    assert_eq!(store.load(&key(1)).await.unwrap().unwrap().1, vec![1], "by a new connection");
}

#[tokio::test(flavor = "multi_thread")]
async fn sentinel_is_asked_for_the_new_master() {
    let watched = tokio::task::spawn_blocking(Watched::start).await.unwrap();
    let store = RedisStore::from_sentinel(sentinel(&watched));
    assert!(store.swap(&key(1), None, vec![1], MINUTE).await.unwrap());
    watched.master.cli(&["WAIT", "1", "1000"]);
    let (mut watched, start) = (watched, Instant::now());
    watched = tokio::task::spawn_blocking(move || {
        watched.fail_over();
        watched
    })
    .await
    .unwrap();
    until_it_writes(&store, 2).await;
    println!("the next master took a write {:?} after the last one was killed", start.elapsed());
    assert_eq!(store.load(&key(1)).await.unwrap().unwrap().1, vec![1], "what was replicated is there");
    drop(watched);
}

#[tokio::test]
async fn a_wrong_url_is_told_without_its_password() {
    let error = RedisStore::new("http://:canary@redis/").unwrap_err().to_string();
    assert!(error.starts_with("invalid Redis URL: ") && !error.contains("canary"), "{error}");
    let store = RedisStore::new("redis://:canary@127.0.0.1:1/").unwrap();
    let error = store.load(&key(1)).await.unwrap_err();
    let shown = format!("{store:?} {error:?} {error} {:?}", std::error::Error::source(&error));
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn prefixes_part_what_shares_a_redis() {
    let (one, two) = (store(), store());
    assert!(one.swap(&key(1), None, vec![1], MINUTE).await.unwrap());
    assert_eq!(two.load(&key(1)).await.unwrap(), None);
}
