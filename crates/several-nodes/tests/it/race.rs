//! Approvals that four processes race for: each is paid once, whatever is lost on the way to the store.
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use test_support::servers::{Postgres, Proxy, Redis};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use crate::support::{Answer, Nodes, Payment, SAME};

/// How many users pay at once, each at four nodes.
const LANES: u32 = 4;

/// How many approvals, unless a share is enough: `APPROVALS`.
pub(crate) fn approvals(share: u32) -> u32 {
    std::env::var("APPROVALS").map_or(share, |number| number.parse().unwrap())
}

/// What came of a race.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) approvals: u32,
    pub(crate) doubled: u32,
    pub(crate) lost: u32,
    answers: HashMap<Answer, u32>,
}

/// Payments that are proved: challenged at one node, back at the next.
pub(crate) async fn proved(nodes: &Arc<Nodes>, count: u32) -> Vec<Payment> {
    let mut set = JoinSet::new();
    for lane in 0..LANES * 2 {
        let nodes = Arc::clone(nodes);
        set.spawn(async move {
            let mut payments = Vec::new();
            for id in (0..count).filter(|id| id % (LANES * 2) == lane) {
                let number = nodes.nodes.len();
                let mut payment = nodes.begin(id, &format!("user-{id}"), id as usize % number).await;
                nodes.prove(&mut payment, (id as usize + 1) % number).await;
                payments.push(payment);
            }
            payments
        });
    }
    set.join_all().await.into_iter().flatten().collect()
}

/// Sends each payment to all nodes at once, and again where nobody paid it. `after` is told how many are done.
pub(crate) async fn race(
    nodes: &Arc<Nodes>,
    payments: &[Payment],
    after: impl Fn(u32) + Clone + Send + 'static,
) -> Outcome {
    let done = Arc::new(AtomicU32::new(0));
    let mut set = JoinSet::new();
    for lane in 0..LANES as usize {
        let payments: Vec<Payment> = payments.iter().skip(lane).step_by(LANES as usize).cloned().collect();
        let (nodes, done, after) = (Arc::clone(nodes), Arc::clone(&done), after.clone());
        set.spawn(async move {
            let mut answers = Vec::new();
            for payment in payments {
                let start = Arc::new(Barrier::new(nodes.nodes.len()));
                let mut racers = JoinSet::new();
                for node in 0..nodes.nodes.len() {
                    let (nodes, start, payment) = (Arc::clone(&nodes), Arc::clone(&start), payment.clone());
                    racers.spawn(async move {
                        start.wait().await;
                        nodes.pay(&payment, node).await
                    });
                }
                let raced = racers.join_all().await;
                if !raced.contains(&Answer::Paid) {
                    answers.push(nodes.insist(&payment).await);
                }
                answers.extend(raced);
                after(done.fetch_add(1, Ordering::Relaxed) + 1);
            }
            answers
        });
    }
    let answers = set.join_all().await.into_iter().flatten();
    let mut outcome = count(nodes, payments).await;
    for answer in answers {
        *outcome.answers.entry(answer).or_default() += 1;
    }
    outcome
}

/// How often each was paid, by what the handlers did.
pub(crate) async fn count(nodes: &Nodes, payments: &[Payment]) -> Outcome {
    let paid = nodes.paid().await;
    let times = |payment: &Payment| paid.get(&payment.id).copied().unwrap_or_default();
    Outcome {
        approvals: payments.len() as u32,
        doubled: payments.iter().filter(|payment| times(payment) > 1).count() as u32,
        lost: payments.iter().filter(|payment| times(payment) == 0).count() as u32,
        answers: HashMap::new(),
    }
}

impl Outcome {
    #[track_caller]
    pub(crate) fn assert_each_paid_once(&self, what: &str) {
        println!("{what}: {self:?}");
        assert!(self.doubled == 0 && self.lost == 0, "{what}: {self:?}");
    }
}

async fn races_at(store: &str, what: &str) {
    let nodes = Arc::new(Nodes::start(store, &[SAME; 4]).await);
    let payments = proved(&nodes, approvals(60)).await;
    let outcome = race(&nodes, &payments, |_| {}).await;
    outcome.assert_each_paid_once(what);
}

/// T24: challenged at one process, back at another, and raced for by four; Redis is all that they share.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t24_four_processes_and_redis_pay_each_approval_once() {
    let redis = Redis::start();
    races_at(&redis.url(), "Redis").await;
}

/// T24: the same over PostgreSQL.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t24_four_processes_and_postgresql_pay_each_approval_once() {
    let postgres = tokio::task::spawn_blocking(Postgres::start).await.unwrap();
    races_at(&postgres.url(), "PostgreSQL").await;
}

/// T25: of every ten answers of Redis' one is lost, and its connection with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t25_lost_answers_of_redis_lose_no_approval_and_double_none() {
    let redis = Redis::start();
    let proxy = Proxy::start(redis.port, 0, 25).await;
    let nodes = Arc::new(Nodes::start(&proxy.url(), &[SAME; 4]).await);
    let payments = proved(&nodes, approvals(60)).await;
    proxy.lose(10);
    let outcome = race(&nodes, &payments, |_| {}).await;
    proxy.lose(0);
    println!("seed 25, {} answers lost", proxy.lost());
    assert!(proxy.lost() > outcome.approvals / 10, "answers were lost: {}", proxy.lost());
    outcome.assert_each_paid_once("Redis, 10 % of its answers lost");
}
