//! The contract of stores over each kind of connection.
use std::future::Future;

use authsignal_store_redis::RedisStore;
use axum_authsignal::store::Store;
use axum_authsignal::testing::contract::{Case, Subject};
use redis::sentinel::{SentinelClient, SentinelServerType};
use test_support::servers::redis::{Cluster, Watched};
use tokio::task::JoinSet;

use crate::support::{MINUTE, REDIS, empty, key, store};

axum_authsignal::store_contract!(one_server, Subject::new(store()));

/// Every case at once, since most of them wait for time to pass.
async fn all_cases<F: Future<Output = RedisStore>>(store: impl Fn() -> F) {
    let cases = axum_authsignal::store_contract_cases!(store_contract_table, { RedisStore });
    let mut set = JoinSet::new();
    for (name, case) in cases {
        let case: Case<RedisStore> = case;
        let subject = Subject::new(store().await);
        set.spawn(async move {
            case(subject).await;
            name
        });
    }
    println!("{} cases", set.join_all().await.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pool_of_the_applications() {
    let pool =
        deadpool_redis::Config::from_url(REDIS.url()).create_pool(Some(deadpool_redis::Runtime::Tokio1)).unwrap();
    all_cases(async || {
        let pool = pool.clone();
        empty(RedisStore::from_pool(move || {
            let pool = pool.clone();
            async move { pool.get().await }
        }))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pool_of_bb8() {
    let pool = bb8::Pool::builder().build(redis::Client::open(REDIS.url()).unwrap()).await.unwrap();
    all_cases(async || {
        let pool = pool.clone();
        empty(RedisStore::from_pool(move || {
            let pool = pool.clone();
            async move { pool.get().await.map(|connection| connection.clone()) }
        }))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_connection_of_the_applications() {
    let client = redis::Client::open(REDIS.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    all_cases(async || empty(RedisStore::over(connection.clone()))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_of_three() {
    let cluster = tokio::task::spawn_blocking(Cluster::start).await.unwrap();
    let client = redis::cluster::ClusterClient::new(cluster.urls()).unwrap();
    let store = RedisStore::from_cluster(client);
    all_cases(async || empty(store.clone())).await;
    for number in 0..60 {
        assert!(store.swap(&key(number), None, vec![number], MINUTE).await.unwrap());
    }
    let counts = cluster.0.iter().map(|node| node.cli(&["DBSIZE"]).trim().parse::<u32>().unwrap()).collect::<Vec<_>>();
    println!("keys on the masters: {counts:?}");
    assert!(counts.iter().all(|count| *count > 0), "each master has a share: {counts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_master_that_sentinel_names() {
    let watched = tokio::task::spawn_blocking(Watched::start).await.unwrap();
    let store = RedisStore::from_sentinel(sentinel(&watched));
    all_cases(async || empty(store.clone())).await;
}

pub(crate) fn sentinel(watched: &Watched) -> SentinelClient {
    SentinelClient::build(vec![watched.sentinel.url()], String::from("flows"), None, SentinelServerType::Master)
        .unwrap()
}
