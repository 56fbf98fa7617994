//! PostgreSQL and its standby: which of them the store takes for the one that counts.
use std::time::{Duration, Instant};

use authsignal_store_sqlx::PostgresStore;
use axum_authsignal::store::{Error, ErrorKind, Key, Store};
use sqlx::postgres::PgPoolOptions;
use test_support::servers::{Postgres, Proxy, postgres::url_at};
use tokio::task::JoinSet;

const MINUTE: Duration = Duration::from_secs(60);
/// How many connections a store has.
const CONNECTIONS: u32 = 4;

/// A primary whose standby follows by a link, and what it takes to have its commits wait for the standby.
async fn pair(settings: &'static [&'static str]) -> (Postgres, Postgres, Proxy) {
    let primary = tokio::task::spawn_blocking(|| Postgres::with(settings)).await.unwrap();
    let link = Proxy::start(primary.port, 0, 1).await;
    let port = link.port();
    let start = move || {
        let standby = primary.standby(port);
        (primary, standby)
    };
    let (primary, standby) = tokio::task::spawn_blocking(start).await.unwrap();
    (primary, standby, link)
}

async fn store_at(port: u16) -> PostgresStore {
    store_of(port, CONNECTIONS).await
}

async fn store_of(port: u16, connections: u32) -> PostgresStore {
    PostgresStore::new(PgPoolOptions::new().max_connections(connections).connect(&url_at(port)).await.unwrap())
}

fn key(number: u8) -> Key {
    Key::from([number; 32])
}

#[track_caller]
fn assert_standby(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let source = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("standby") && source.contains("primary"), "{source}");
}

/// T26, T29: what a standby has may be old: a revocation may be missing there, and an approval that is good more than once would
/// pass. So nothing is read of it, nothing written, and each says why. Connections that lead to it are left, so that the pool comes
/// back by itself once its address leads elsewhere, or the standby is promoted.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_standby_is_refused_and_left() {
    let (mut primary, standby, _link) = pair(&[]).await;
    let migrated = store_at(primary.port).await;
    migrated.migrate().await.unwrap();
    assert!(migrated.swap(&key(1), None, vec![1], MINUTE).await.unwrap());
    primary.wait_for(&standby);

    let address = Proxy::start(standby.port, 0, 1).await;
    let store = store_at(address.port()).await;
    for _ in 0..CONNECTIONS {
        assert_standby(&store.load(&key(1)).await.unwrap_err());
        assert_standby(&store.load(&key(2)).await.unwrap_err());
        assert_standby(&store.swap(&key(2), None, vec![2], MINUTE).await.unwrap_err());
        assert_standby(&store.delete_expired().await.unwrap_err());
    }
    assert_standby(&store.check().await.unwrap_err());
    assert_standby(&store.migrate().await.unwrap_err());

    // All connections that the pool may have lead to the standby now.
    let mut set = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let store = store.clone();
        set.spawn(async move { assert_standby(&store.load(&key(1)).await.unwrap_err()) });
    }
    set.join_all().await;
    address.lead_to(primary.port);
    // Whichever of them a call gets, it is left the first time that it is seen to lead to the standby.
    let (mut refused, written) = (0, key(2));
    let mut left = |error: Error| {
        assert_standby(&error);
        refused += 1;
        assert!(refused <= CONNECTIONS, "each connection is left");
    };
    while let Err(error) = store.load(&key(1)).await {
        left(error);
    }
    loop {
        match store.swap(&written, None, vec![2], MINUTE).await {
            Ok(wrote) => break assert!(wrote, "the pool came back by itself"),
            Err(error) => left(error),
        }
    }

    let at_standby = store_at(standby.port).await;
    assert_standby(&at_standby.load(&key(1)).await.unwrap_err());
    primary.wait_for(&standby);
    let promoted = tokio::task::spawn_blocking(move || {
        primary.kill();
        standby.promote();
        (primary, standby)
    });
    let _servers = promoted.await.unwrap();
    assert_eq!(
        at_standby.load(&key(2)).await.unwrap().unwrap().1,
        vec![2],
        "a standby that is promoted is the primary"
    );
    println!("a standby: {refused} calls refused after the address led to the primary");
}

/// A primary that was set to take no writes says so, too.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_takes_no_writes_says_so() {
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let store = store_at(postgres.port).await;
    store.migrate().await.unwrap();
    postgres.sql("ALTER SYSTEM SET default_transaction_read_only = on");
    postgres.sql("SELECT pg_reload_conf()");
    let start = Instant::now();
    let error = loop {
        match store.swap(&key(1), None, vec![1], Duration::from_millis(1)).await {
            Err(error) => break error,
            Ok(_) => assert!(start.elapsed() < MINUTE, "it is reloaded"),
        }
    };
    let source = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
    assert!(source.contains("25006") && source.contains("default_transaction_read_only"), "{source}");
}

/// T26: after a failover the old primary comes back as one, and a node is still led to it. How many of 20 writes it confirms.
async fn confirmed_by_the_old_primary(settings: &'static [&'static str]) -> usize {
    let (mut primary, standby, _link) = pair(settings).await;
    let store = store_at(primary.port).await;
    store.migrate().await.unwrap();
    for number in 0..20 {
        assert!(store.swap(&key(number), None, vec![number], MINUTE).await.unwrap());
    }
    primary.wait_for(&standby);
    let servers = tokio::task::spawn_blocking(move || {
        primary.kill();
        standby.promote();
        primary.start_again();
        (primary, standby)
    });
    let (primary, standby) = servers.await.unwrap();
    let (old, new) = (store_of(primary.port, 20).await, store_at(standby.port).await);
    let mut set = JoinSet::new();
    for number in 0..20 {
        let (version, _) = new.load(&key(number)).await.unwrap().unwrap();
        assert!(new.swap(&key(number), Some(version), vec![100], MINUTE).await.unwrap(), "it counts at the new one");
        let old = old.clone();
        set.spawn(async move {
            let key = key(number);
            // Longer than the layer waits.
            let swap = tokio::time::timeout(Duration::from_secs(1), old.swap(&key, Some(version), vec![100], MINUTE));
            matches!(swap.await, Ok(Ok(true)))
        });
    }
    set.join_all().await.into_iter().filter(|is_confirmed| *is_confirmed).count()
}

/// T26: where commits wait for the standby, an old primary that comes back confirms nothing, since nobody follows it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_an_old_primary_that_nobody_follows_confirms_nothing() {
    let confirmed = confirmed_by_the_old_primary(&["synchronous_standby_names=standby"]).await;
    println!("synchronous, the old primary back: {confirmed} of 20 writes confirmed by both");
    assert_eq!(confirmed, 0);
}

/// T26, the stated limit: without that, it confirms what the new one confirms as well. Whoever runs them has to keep it away.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_an_old_primary_confirms_what_the_new_one_does_without_synchronous_replication() {
    let confirmed = confirmed_by_the_old_primary(&[]).await;
    println!("asynchronous, the old primary back: {confirmed} of 20 writes confirmed by both");
    assert_eq!(confirmed, 20, "a stated limit: docs/stores.md");
}
