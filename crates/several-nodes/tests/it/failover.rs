//! PostgreSQL's primary is killed, its standby promoted, and the nodes' address leads there; no node is started again.
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use test_support::servers::{Postgres, Proxy, postgres::url_at};
use tokio::task::JoinSet;

use crate::crashes::{ALONE, pay_again};
use crate::race::{approvals, count, proved, race};
use crate::support::{Answer, Nodes, Payment, SAME};

/// Has commits wait until the standby has them on its disk.
const SYNCHRONOUS: &[&str] = &["synchronous_standby_names=standby"];

/// A primary and its standby, the link between them, and the nodes' address.
struct Pair {
    servers: Mutex<(Postgres, Postgres)>,
    link: Proxy,
    address: Proxy,
}

impl Pair {
    async fn start(settings: &'static [&'static str]) -> Arc<Self> {
        let primary = tokio::task::spawn_blocking(|| Postgres::with(settings)).await.unwrap();
        let (link, address) = (Proxy::start(primary.port, 0, 1).await, Proxy::start(primary.port, 0, 1).await);
        let port = link.port();
        let servers = tokio::task::spawn_blocking(move || {
            let standby = primary.standby(port);
            Mutex::new((primary, standby))
        });
        Arc::new(Self { servers: servers.await.unwrap(), link, address })
    }

    async fn nodes(&self) -> Arc<Nodes> {
        Arc::new(Nodes::start(&url_at(self.address.port()), &[SAME; 4]).await)
    }

    /// Has the standby receive all that is there, and nothing more.
    fn cut_off(&self) {
        let servers = self.servers.lock().unwrap();
        servers.0.wait_for(&servers.1);
        self.link.freeze();
    }

    fn fail_over(&self) {
        let mut servers = self.servers.lock().unwrap();
        servers.0.kill();
        servers.1.promote();
        self.address.lead_to(servers.1.port);
    }

    async fn end(self: Arc<Self>) {
        tokio::task::spawn_blocking(move || drop(self)).await.unwrap();
    }
}

/// T26: with a synchronous standby nothing that was spent comes back, and nothing that was proved is lost, while four processes pay.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_failover_of_postgresql_forgets_nothing_with_a_synchronous_standby() {
    let _alone = ALONE.lock().await;
    let pair = Pair::start(SYNCHRONOUS).await;
    let nodes = pair.nodes().await;
    let payments = proved(&nodes, approvals(60)).await;
    let (half, held) = (payments.len() as u32 / 2, Arc::clone(&pair));
    let took = Arc::new(Mutex::new(Duration::ZERO));
    let taken = Arc::clone(&took);
    let after = move |done: u32| {
        if done == half {
            let (pair, taken) = (Arc::clone(&held), Arc::clone(&taken));
            std::thread::spawn(move || {
                let start = Instant::now();
                pair.fail_over();
                *taken.lock().unwrap() = start.elapsed();
            });
        }
    };
    let outcome = race(&nodes, &payments, after).await;
    println!("the failover took {:?}; no node was started again", took.lock().unwrap());
    outcome.assert_each_paid_once("PostgreSQL, synchronous standby, failover in the middle");
    pay_again(&nodes, &payments).await.assert_each_paid_once("and each once more");
    drop(nodes);
    pair.end().await;
}

/// T26, the stated limit: a standby that is not synchronous has not what it had not received, and nothing else is forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_failover_of_postgresql_forgets_what_an_asynchronous_standby_had_not() {
    let _alone = ALONE.lock().await;
    let pair = Pair::start(&[]).await;
    let nodes = pair.nodes().await;
    let payments = proved(&nodes, approvals(60)).await;
    let (first, last) = payments.split_at(payments.len() - 20);
    race(&nodes, first, |_| {}).await.assert_each_paid_once("received");
    pair.cut_off();
    race(&nodes, last, |_| {}).await.assert_each_paid_once("not received");
    pair.fail_over();
    let first = pay_again(&nodes, first).await;
    let last = pay_again(&nodes, last).await;
    println!(
        "PostgreSQL, asynchronous: {} of {} received paid again, {} of {} not received",
        first.doubled, first.approvals, last.doubled, last.approvals
    );
    assert_eq!((first.doubled, last.doubled), (0, 20), "a stated limit: docs/stores.md");
    drop(nodes);
    pair.end().await;
}

/// Sends each of these once, all at once: what came of it.
async fn pay_at_once(nodes: &Arc<Nodes>, payments: &[Payment]) -> Vec<Answer> {
    let mut set = JoinSet::new();
    for payment in payments.iter().cloned() {
        let nodes = Arc::clone(nodes);
        set.spawn(async move { nodes.pay(&payment, payment.id as usize % nodes.nodes.len()).await });
    }
    set.join_all().await
}

/// T26: the same window with a synchronous standby: what it does not receive is not confirmed, so nobody passes, and it is paid
/// after the failover, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_synchronous_standby_that_is_cut_off_lets_nothing_pass() {
    let _alone = ALONE.lock().await;
    let pair = Pair::start(SYNCHRONOUS).await;
    let nodes = pair.nodes().await;
    let payments = proved(&nodes, 20).await;
    pair.cut_off();
    let answers = pay_at_once(&nodes, &payments).await;
    assert_eq!(answers, [Answer::Unavailable; 20], "nothing passes");
    assert!(nodes.paid().await.is_empty());
    pair.fail_over();
    let outcome = pay_again(&nodes, &payments).await;
    println!("PostgreSQL, synchronous, cut off before the failover: 20 of 20 got 503; afterwards {outcome:?}");
    outcome.assert_each_paid_once("after the failover");
    drop(nodes);
    pair.end().await;
}

/// T25, T26: a synchronous standby that stops for a while, and goes on: what was about to be spent is refused, and not lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t26_a_synchronous_standby_that_stops_for_a_while_loses_nothing() {
    let _alone = ALONE.lock().await;
    let pair = Pair::start(SYNCHRONOUS).await;
    let nodes = pair.nodes().await;
    let payments = proved(&nodes, 20).await;
    pair.cut_off();
    let answers = pay_at_once(&nodes, &payments).await;
    assert_eq!(answers, [Answer::Unavailable; 20], "nothing passes");
    pair.link.thaw();
    let mut set = JoinSet::new();
    for payment in payments.clone() {
        let nodes = Arc::clone(&nodes);
        set.spawn(async move { nodes.insist(&payment).await });
    }
    set.join_all().await;
    let outcome = count(&nodes, &payments).await;
    outcome.assert_each_paid_once("PostgreSQL, synchronous, stopped for a while");
    drop(nodes);
    pair.end().await;
}
