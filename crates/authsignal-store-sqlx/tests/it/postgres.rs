//! PostgreSQL: the contract, many at once, and a server that goes away.
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use authsignal_store_sqlx::PostgresStore;
use axum_authsignal::store::{ErrorKind, Key, Store};
use axum_authsignal::testing::contract::Subject;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use test_support::servers::Postgres;

const MINUTE: Duration = Duration::from_secs(60);

/// One PostgreSQL for all tests that do not touch the server itself.
static POSTGRES: LazyLock<Postgres> = LazyLock::new(Postgres::start);

/// A pool whose tables are nobody else's.
async fn pool(postgres: &Postgres, settings: &[(&str, &str)]) -> PgPool {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let schema = format!("test{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let options: PgConnectOptions = postgres.url().parse().unwrap();
    let options = options.options([("search_path", schema.as_str())]).options(settings.iter().copied());
    let pool = PgPoolOptions::new().max_connections(8).connect_with(options).await.unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).execute(&pool).await.unwrap();
    pool
}

async fn store(settings: &[(&str, &str)]) -> PostgresStore {
    let store = PostgresStore::new(pool(&POSTGRES, settings).await);
    store.migrate().await.unwrap();
    store
}

axum_authsignal::store_contract!(read_committed, Subject::new(store(&[]).await));

/// Where all transactions are serializable, who was slower is no error.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn serializable_transactions_are_no_fault() {
    use axum_authsignal::testing::contract::races;
    let strict = [("default_transaction_isolation", "serializable")];
    races::one_of_many_swaps_at_once_writes(Subject::new(store(&strict).await)).await;
    races::one_of_many_first_writes_at_once_writes(Subject::new(store(&strict).await)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_migrate_at_once_and_again() {
    let pool = pool(&POSTGRES, &[]).await;
    let nodes = (0..8).map(|_| {
        let store = PostgresStore::new(pool.clone());
        tokio::spawn(async move { store.migrate().await })
    });
    for node in nodes.collect::<Vec<_>>() {
        node.await.unwrap().unwrap();
    }
    let store = PostgresStore::new(pool);
    let key = Key::from([1; 32]);
    assert!(store.swap(&key, None, vec![1], MINUTE).await.unwrap());
    store.migrate().await.unwrap();
    assert_eq!(store.load(&key).await.unwrap().unwrap().1, vec![1]);
}

#[tokio::test]
async fn without_its_table_it_says_what_is_missing() {
    let store = PostgresStore::new(pool(&POSTGRES, &[]).await);
    let error = store.load(&Key::from([1; 32])).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("42P01") && source.contains("authsignal_records"), "{source}");
}

#[tokio::test]
async fn what_has_expired_is_deleted_and_nothing_else() {
    let pool = pool(&POSTGRES, &[]).await;
    let store = PostgresStore::new(pool.clone());
    store.migrate().await.unwrap();
    let fill = "INSERT INTO authsignal_records SELECT decode(lpad(to_hex(n), 64, '0'), 'hex'), n, ''::bytea, \
                now() + CASE WHEN n <= 2500 THEN interval '-1 second' ELSE interval '1 hour' END FROM generate_series(1, 2600) n";
    sqlx::query(fill).execute(&pool).await.unwrap();
    assert_eq!(store.delete_expired().await.unwrap(), 2_500);
    assert_eq!(store.delete_expired().await.unwrap(), 0);
    let (left,): (i64,) = sqlx::query_as("SELECT count(*) FROM authsignal_records").fetch_one(&pool).await.unwrap();
    assert_eq!(left, 100);
}

/// A server that crashes keeps what it has confirmed, and the pool finds it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn it_outlives_a_crash() {
    let mut postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let store = PostgresStore::new(pool(&postgres, &[]).await);
    store.migrate().await.unwrap();
    let key = |number: u8| Key::from([number; 32]);
    for number in 0..50 {
        assert!(store.swap(&key(number), None, vec![number], MINUTE).await.unwrap());
    }
    postgres = tokio::task::spawn_blocking(move || {
        postgres.kill();
        postgres.start_again();
        postgres
    })
    .await
    .unwrap();
    let start = Instant::now();
    for number in 0..50 {
        // A connection from before may be the first that is tried.
        let mut loaded = store.load(&key(number)).await;
        while loaded.is_err() && start.elapsed() < Duration::from_secs(10) {
            loaded = store.load(&key(number)).await;
        }
        assert_eq!(loaded.unwrap().unwrap().1, vec![number], "it was confirmed");
    }
    println!("all 50 found {:?} after the start", start.elapsed());
    drop(postgres);
}
