//! Answers that are lost on the way, after Redis did what it was asked.
use authsignal_store_redis::RedisStore;
use axum_authsignal::store::{ErrorKind, Store};
use test_support::servers::Proxy;
use test_support::waiting::{in_time, until};
use tokio::task::JoinSet;

use crate::support::{MINUTE, REDIS, empty, key};

/// Eight count in one record, and of every ten answers one is lost. What was written is known, or else said to be unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t25_a_lost_answer_is_asked_for_again_and_counts_once() {
    const EACH: u32 = 100;
    let proxy = Proxy::start(REDIS.port, 10, 11).await;
    let store = empty(RedisStore::new(&proxy.url()).unwrap());
    let first = async || store.swap(&key(1), None, 0_u32.to_le_bytes().to_vec(), MINUTE).await.unwrap_or(false);
    until("the first is written", first).await;
    let mut set = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        set.spawn(async move {
            let (mut written, mut refused, mut unknown) = (0, 0, 0);
            while written < EACH {
                let Ok(Some((version, value))) = store.load(&key(1)).await else { continue };
                let count = u32::from_le_bytes(value[..].try_into().unwrap());
                match store.swap(&key(1), Some(version), (count + 1).to_le_bytes().to_vec(), MINUTE).await {
                    Ok(true) => written += 1,
                    Ok(false) => refused += 1,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unavailable);
                        unknown += 1;
                    }
                }
            }
            (written, refused, unknown)
        });
    }
    let done = in_time("all have counted", set.join_all()).await;
    let sum = |of: fn(&(u32, u32, u32)) -> u32| done.iter().map(of).sum::<u32>();
    let (written, refused, unknown) = (sum(|each| each.0), sum(|each| each.1), sum(|each| each.2));
    let value = store.load(&key(1)).await.unwrap().unwrap().1;
    let count = u32::from_le_bytes(value[..].try_into().unwrap());
    println!("{} answers lost; {written} written, {refused} refused, {unknown} unknown, {count} counted", proxy.lost());
    assert!(proxy.lost() > 50, "answers were lost");
    assert!((written..=written + unknown).contains(&count), "{written} and {unknown}: {count}");
}
