//! A store that is killed in the middle.
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use test_support::servers::redis::Watched;
use test_support::servers::{Postgres, Proxy, Redis};

use crate::race::{Outcome, approvals, count, proved, race};
use crate::support::{Answer, Nodes, PATIENCE, Payment, SAME};

/// One at a time: a store that comes back late, on a machine that is busy with another crash, meets the stated limit of what may be
/// lost (docs/security.md).
pub(crate) static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Has payments raced while the store is killed and started again, three times in between.
async fn race_through_crashes<S: Send + 'static>(
    store: S,
    url: &str,
    crash: impl Fn(&mut S) + Clone + Send + 'static,
) -> (Outcome, Arc<Nodes>, Vec<Payment>, Arc<Mutex<S>>) {
    let nodes = Arc::new(Nodes::start(url, &[SAME; 4]).await);
    let payments = proved(&nodes, approvals(60)).await;
    let (store, every) = (Arc::new(Mutex::new(store)), payments.len() as u32 / 4);
    let held = Arc::clone(&store);
    let after = move |done: u32| {
        if done.is_multiple_of(every) && done / every < 4 {
            let (store, crash) = (Arc::clone(&held), crash.clone());
            // In a thread of its own: the others go on, into the store that is gone.
            std::thread::spawn(move || crash(&mut store.lock().unwrap()));
        }
    };
    let outcome = race(&nodes, &payments, after).await;
    (outcome, nodes, payments, store)
}

fn kill_redis(redis: &mut Redis) {
    redis.kill();
    // As long as a supervisor takes to see it.
    std::thread::sleep(Duration::from_millis(300));
    redis.start_again();
}

/// T25, T26: Redis that writes each answer to its disk first forgets nothing when it is killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_redis_that_is_killed_forgets_nothing_with_appendfsync_always() {
    let _alone = ALONE.lock().await;
    let redis = Redis::persistent("always");
    let url = redis.url();
    let (outcome, nodes, payments, redis) = race_through_crashes(redis, &url, kill_redis).await;
    outcome.assert_each_paid_once("Redis, appendfsync always, killed three times");
    pay_again(&nodes, &payments).await.assert_each_paid_once("and each once more");
    drop(redis);
}

/// T26: PostgreSQL that crashes forgets nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_postgresql_that_crashes_forgets_nothing() {
    let _alone = ALONE.lock().await;
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    let url = postgres.url();
    let crash = |postgres: &mut Postgres| {
        postgres.kill();
        postgres.start_again();
    };
    let (outcome, nodes, payments, postgres) = race_through_crashes(postgres, &url, crash).await;
    outcome.assert_each_paid_once("PostgreSQL, crashed three times");
    pay_again(&nodes, &payments).await.assert_each_paid_once("and each once more");
    tokio::task::spawn_blocking(move || drop(postgres)).await.unwrap();
}

/// T26, the stated limit: with `everysec` a power cut forgets what was spent in the last second, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_power_cut_with_everysec_forgets_what_was_spent_last() {
    let _alone = ALONE.lock().await;
    let mut redis = Redis::persistent("everysec");
    let nodes = Arc::new(Nodes::start(&redis.url(), &[SAME; 4]).await);
    let payments = proved(&nodes, approvals(60)).await;
    let (first, last) = payments.split_at(payments.len() - 20);
    race(&nodes, first, |_| {}).await.assert_each_paid_once("before");
    let on_disk = redis.log_length();
    race(&nodes, last, |_| {}).await.assert_each_paid_once("in the last second");
    redis.lose_log_after(on_disk);
    redis.start_again();
    let first = pay_again(&nodes, first).await;
    let last = pay_again(&nodes, last).await;
    println!(
        "everysec, power cut: {} of {} before, {} of {} in the last second",
        first.doubled, first.approvals, last.doubled, last.approvals
    );
    assert_eq!((first.doubled, last.doubled), (0, 20), "a stated limit: docs/stores.md");
}

/// T26, the stated limit: a failover forgets what was spent and not replicated, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_failover_forgets_what_was_not_replicated() {
    let _alone = ALONE.lock().await;
    let mut master = Redis::start();
    let (to_nodes, to_replica) = (Proxy::start(master.port, 0, 1).await, Proxy::start(master.port, 0, 1).await);
    let replica = Redis::with(&["--save", "", "--replicaof", "127.0.0.1", &to_replica.port().to_string()]);
    let nodes = Arc::new(Nodes::start(&to_nodes.url(), &[SAME; 4]).await);
    let payments = proved(&nodes, approvals(60)).await;
    let (first, last) = payments.split_at(payments.len() - 20);
    race(&nodes, first, |_| {}).await.assert_each_paid_once("replicated");
    assert_eq!(master.cli(&["WAIT", "1", "10000"]).trim(), "1", "the replica has it");
    to_replica.freeze();
    race(&nodes, last, |_| {}).await.assert_each_paid_once("not replicated");
    to_nodes.lead_to(replica.port);
    master.kill();
    replica.cli(&["REPLICAOF", "NO", "ONE"]);
    let first = pay_again(&nodes, first).await;
    let last = pay_again(&nodes, last).await;
    println!(
        "failover: {} of {} replicated, {} of {} not",
        first.doubled, first.approvals, last.doubled, last.approvals
    );
    assert_eq!((first.doubled, last.doubled), (0, 20), "a stated limit: docs/stores.md");
}

/// T26: a failover by Sentinel while payments are raced. What it doubles is what was not replicated at that moment: counted, and
/// none of what was replicated.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_failover_by_sentinel_loses_no_approval() {
    let _alone = ALONE.lock().await;
    let watched = tokio::task::spawn_blocking(Watched::start).await.unwrap();
    let store = format!("sentinel:{}", watched.sentinel.url());
    let nodes = Arc::new(Nodes::start(&store, &[SAME; 4]).await);
    let payments = proved(&nodes, approvals(40)).await;
    assert_eq!(watched.master.cli(&["WAIT", "1", "10000"]).trim(), "1", "the replica has it");
    let (watched, half) = (Arc::new(Mutex::new(watched)), payments.len() as u32 / 2);
    let held = Arc::clone(&watched);
    let after = move |done: u32| {
        if done == half {
            let watched = Arc::clone(&held);
            std::thread::spawn(move || watched.lock().unwrap().fail_over());
        }
    };
    let outcome = race(&nodes, &payments, after).await;
    let again = pay_again(&nodes, &payments).await;
    println!("failover by Sentinel: {outcome:?}; paid a second time afterwards: {}", again.doubled - outcome.doubled);
    assert_eq!(again.lost, 0);
    // Four are paid at once: no more are under way when the master dies.
    assert!(again.doubled <= 8, "{again:?}");
}

/// Sends each payment once more, as a browser that repeats it: what the store forgot to be spent is paid again.
pub(crate) async fn pay_again(nodes: &Arc<Nodes>, payments: &[Payment]) -> Outcome {
    for payment in payments {
        let mut answer = nodes.pay(payment, payment.id as usize % nodes.nodes.len()).await;
        let start = Instant::now();
        while answer == Answer::Unavailable && start.elapsed() < PATIENCE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            answer = nodes.pay(payment, payment.id as usize % nodes.nodes.len()).await;
        }
    }
    count(nodes, payments).await
}
