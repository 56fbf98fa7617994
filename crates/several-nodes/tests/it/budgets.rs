//! What is counted in the store holds for all nodes together.
use std::sync::Arc;

use authsignal_emulator::Endpoint;
use test_support::servers::{Postgres, Redis};
use tokio::task::JoinSet;

use crate::support::{Answer, Nodes, SAME};

/// T105, T117: one user who begins 90 payments at three nodes at once has 32 that wait.
async fn begin_many(store: &str) {
    let nodes = Arc::new(Nodes::start(store, &[SAME; 3]).await);
    let mut set = JoinSet::new();
    for lane in 0..3 {
        let nodes = Arc::clone(&nodes);
        set.spawn(async move {
            let mut begun = 0;
            for number in 0..30 {
                begun +=
                    u32::from(nodes.try_to_begin(lane * 30 + number, "ada", lane as usize).await == Answer::Challenged);
            }
            begun
        });
    }
    let begun = set.join_all().await;
    println!("begun at each node: {begun:?}");
    assert_eq!(begun.iter().sum::<u32>(), 32, "{begun:?}");
    assert!(begun.iter().all(|begun| *begun > 0), "each node began some: {begun:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t105_t117_what_waits_is_counted_across_nodes_in_redis() {
    let redis = Redis::start();
    begin_many(&redis.url()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t105_t117_what_waits_is_counted_across_nodes_in_postgresql() {
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    begin_many(&postgres.url()).await;
}

/// T15: tokens of one challenge's that prove nothing are asked about ten times, at whatever nodes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t15_validates_are_counted_across_nodes() {
    let redis = Redis::start();
    let nodes = Nodes::start(&redis.url(), &[SAME; 3]).await;
    let payment = nodes.begin(1, "ada", 0).await;
    let mut answers = Vec::new();
    for number in 0..30 {
        // Comes back without having proved anything, each time with a token of its own.
        let back = nodes.emulator.quit(&payment.challenge).unwrap().parse().unwrap();
        answers.push(nodes.call_back(&payment, &back, number % 3).await.status().as_u16());
    }
    let asked = nodes.emulator.calls(Endpoint::ValidateChallenge);
    println!("asked {asked} times; answers {answers:?}");
    assert_eq!(asked, 10);
}
