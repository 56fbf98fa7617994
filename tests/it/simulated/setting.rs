//! Nodes, network, store and clocks of one seed.
use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_client::{Client, TransportError};
use authsignal_emulator::{Emulator, EmulatorTransport};
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response};
use axum::routing::any;
use axum_authsignal::store::{Key, MemoryStore};
use axum_authsignal::{Authsignal, AuthsignalLayer, Clock, Verdict};
use bytes::Bytes;
use tokio::sync::Notify;
use tower::{Service, ServiceExt as _};

use super::Outcome;
use super::random::Random;
use super::store::{Broken, Link};
use super::truth::{Asked, REMEMBERED, Truth};
use crate::support::{CALLBACK, MINUTE, clock, who};

/// What has to happen in a run of many seeds, so that its silence says something.
pub(super) const SOMETIMES: [&str; 22] = [
    "a handler ran",
    "a handler ran by a remembered approval",
    "looked for what is lost",
    "challenged",
    "proved",
    "not proved",
    "a thief came back with a stolen address",
    "a way back came twice",
    "a client hung up",
    "a process died",
    "a process began with a newer secret",
    "a load was lost",
    "a write never arrived",
    "a write was given up and came later",
    "a late write was carried out",
    "a write hung until it was given up",
    "a write came once more",
    "the answer to a write was lost",
    "a call of the service was lost",
    "the answer of the service was lost",
    "revoked",
    "ten minutes went by",
];

/// How often something goes wrong, of a thousand times.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chances {
    pub(super) fault: u64,
    pub(super) crash: u64,
    pub(super) hang_up: u64,
    pub(super) revoke: u64,
    pub(super) wait: u64,
}

/// How secrets change in a life, node by node as processes begin anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rotation {
    None,
    /// Nodes with the older secret do not know the newer one.
    AtOnce,
    /// They were told of it before.
    ToldBefore,
}

/// A process, which ends.
#[derive(Clone, Default)]
pub(super) struct Life(Arc<(AtomicBool, Notify)>);

impl Life {
    fn end(&self) {
        self.0.0.store(true, Ordering::SeqCst);
        self.0.1.notify_waiters();
    }

    fn is_over(&self) -> bool {
        self.0.0.load(Ordering::SeqCst)
    }

    /// Goes no further once it is over.
    pub(super) async fn go_on(&self) {
        if self.is_over() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) async fn is_ended(&self) {
        let ended = self.0.1.notified();
        if !self.is_over() {
            ended.await;
        }
    }
}

pub(super) struct Node {
    pub(super) app: Router,
    pub(super) authsignal: Authsignal,
    pub(super) life: Life,
    is_newer: bool,
}

pub(super) struct Simulation {
    pub(super) random: Random,
    pub(super) emulator: Emulator,
    pub(super) records: MemoryStore,
    pub(super) nodes: Vec<Mutex<Option<Node>>>,
    pub(super) broken: Option<Broken>,
    pub(super) chances: Chances,
    /// Nothing goes wrong any more.
    is_calm: AtomicBool,
    /// Whether clocks differ by more than is forgiven.
    pub(super) is_skewed: bool,
    rotation: Rotation,
    /// The service's and the store's clock, then each node's, and by how much it was moved.
    clocks: Vec<Clock>,
    moved: Mutex<Duration>,
    began: tokio::time::Instant,
    /// What a broken store has dropped.
    evicted: Mutex<BTreeSet<Vec<u8>>>,
    pub(super) truth: Mutex<Truth>,
    attempts: Mutex<Vec<String>>,
    outcome: Mutex<Outcome>,
}

impl Simulation {
    pub(super) fn new(seed: u64, broken: Option<Broken>) -> Arc<Self> {
        let random = Random::new(seed);
        // A third of all lives is calm, but for the order of things.
        let is_bad = !random.chance(333);
        let often = |most: u64| if is_bad { random.below(most + 1) } else { 0 };
        let chances =
            Chances { fault: often(80), crash: often(6), hang_up: often(200), revoke: often(600), wait: often(60) };
        let is_skewed = random.chance(100);
        let most_apart = Duration::from_secs(if is_skewed { 120 } else { 29 });
        let clock = clock();
        let count = 2 + random.below(2) as usize;
        let mut clocks = vec![clock.clone()];
        clocks.extend((0..count).map(|_| {
            let other = Clock::manual(clock.now());
            other.advance(random.up_to(most_apart));
            other
        }));
        let emulator = Emulator::builder().clock(clock.clone()).in_process().unwrap();
        emulator.user("ada").enroll_email_otp("ada@example.com");
        let records = MemoryStore::new().clock(clock);
        let outcome = Outcome::default();
        let nodes = (0..count).map(|_| Mutex::new(None)).collect();
        let rotation = match random.below(6) {
            0 => Rotation::AtOnce,
            1 => Rotation::ToldBefore,
            _ => Rotation::None,
        };
        let simulation = Arc::new(Self {
            random,
            emulator,
            records,
            nodes,
            broken,
            chances,
            is_calm: AtomicBool::new(false),
            is_skewed,
            rotation,
            clocks,
            moved: Mutex::default(),
            began: tokio::time::Instant::now(),
            evicted: Mutex::default(),
            truth: Mutex::default(),
            attempts: Mutex::default(),
            outcome: Mutex::new(outcome),
        });
        for node in 0..count {
            *simulation.nodes[node].lock().unwrap() =
                Some(simulation.node(node, rotation == Rotation::None || node == 0));
        }
        simulation
    }

    /// A process of a node's.
    fn node(self: &Arc<Self>, node: usize, is_newer: bool) -> Node {
        let life = Life::default();
        let link = Link { simulation: Arc::clone(self), node, life: life.clone() };
        let wire = Wire { inner: self.emulator.transport(), link: link.clone() };
        let client = Client::builder(self.emulator.secret())
            .base_url("http://localhost/v1")
            .transport(wire)
            // The pause before another try is random by itself.
            .retries(0)
            .build()
            .unwrap();
        let (newer, older) = ([2; 32], [1; 32]);
        let builder = Authsignal::builder(client)
            .callback_url(CALLBACK)
            .challenge_budget(1_000, MINUTE)
            .refusal_budget(1_000, MINUTE)
            .validate_budget(1_000)
            .clock(self.clocks[node + 1].clone())
            .store(link)
            .identify(|headers: HeaderMap| async move { who(&headers) });
        let builder = match (is_newer, self.rotation) {
            (true, _) => builder.secret(newer).older_secret(older),
            (false, Rotation::ToldBefore) => builder.secret(older).older_secret(newer),
            (false, _) => builder.secret(older),
        };
        let authsignal = builder.build().unwrap();
        let app = Router::new()
            .route("/pay", any(handle).layer(AuthsignalLayer::new(&authsignal, "pay")))
            .route("/kept", any(handle).layer(AuthsignalLayer::new(&authsignal, "kept").remember(REMEMBERED)))
            .with_state((Arc::clone(self), node))
            .merge(authsignal.routes());
        Node { app, authsignal, life, is_newer }
    }

    /// A process dies, and another takes its place, with the newest secrets.
    pub(super) fn restart(self: &Arc<Self>, node: usize, life: &Life) {
        if life.is_over() {
            return;
        }
        life.end();
        let next = self.node(node, true);
        let before = self.nodes[node].lock().unwrap().replace(next);
        if before.is_some_and(|before| !before.is_newer) {
            self.count("a process began with a newer secret");
        }
    }

    /// How long ago all began.
    pub(super) fn now(&self) -> Duration {
        self.began.elapsed()
    }

    /// Waits, and every clock goes on meanwhile.
    pub(super) async fn sleep(&self, most: Duration) {
        tokio::time::sleep(self.random.up_to(most)).await;
        let now = self.now();
        let mut moved = self.moved.lock().unwrap();
        for clock in &self.clocks {
            clock.advance(now - *moved);
        }
        *moved = now;
    }

    /// From here on nothing goes wrong, and every node has the newest secrets.
    pub(super) fn calm(self: &Arc<Self>) {
        self.is_calm.store(true, Ordering::SeqCst);
        for node in 0..self.nodes.len() {
            let older =
                self.nodes[node].lock().unwrap().as_ref().filter(|node| !node.is_newer).map(|node| node.life.clone());
            if let Some(life) = older {
                self.restart(node, &life);
            }
        }
    }

    /// Whether nothing goes wrong in this life, from its beginning, and clocks are near.
    pub(super) fn loses_nothing(&self) -> bool {
        let Chances { fault, crash, hang_up, revoke, wait: _ } = self.chances;
        // What begins at a node with the newer secret is not found at one that was not told of it.
        fault + crash + hang_up + revoke == 0 && !self.is_skewed && self.rotation != Rotation::AtOnce
    }

    pub(super) fn outcome_of(&self, what: &str) -> u64 {
        self.outcome.lock().unwrap().counts.get(what).copied().unwrap_or_default()
    }

    /// Whether something comes true, of a thousand times so often. It is counted.
    pub(super) fn happens(&self, what: &'static str, of_thousand: u64) -> bool {
        let happens = self.random.chance(of_thousand) && !self.is_calm.load(Ordering::SeqCst);
        if happens {
            self.count(what);
        }
        happens
    }

    pub(super) fn count(&self, what: &'static str) {
        self.tell(what);
        *self.outcome.lock().unwrap().counts.entry(what).or_default() += 1;
    }

    /// Writes down what happens.
    pub(super) fn tell(&self, what: &str) {
        let now = self.now();
        self.outcome.lock().unwrap().trace.push(format!("{:>10.3}s {what}", now.as_secs_f64()));
    }

    /// An attempt as it is called in what is told: its key is random.
    pub(super) fn number_of(&self, attempt: &str) -> usize {
        let mut attempts = self.attempts.lock().unwrap();
        attempts.iter().position(|known| known == attempt).unwrap_or_else(|| {
            attempts.push(attempt.to_owned());
            attempts.len() - 1
        })
    }

    pub(super) fn check(&self, is_good: Result<(), String>) {
        if let Err(fault) = is_good {
            self.tell(&fault);
            self.outcome.lock().unwrap().faults.push(fault);
        }
    }

    /// Whether a broken store has dropped a record, or does so now.
    pub(super) fn is_evicted(&self, key: &Key, may_be_now: bool) -> bool {
        let is_now = may_be_now && self.happens("a record was dropped", 150);
        let mut evicted = self.evicted.lock().unwrap();
        if is_now {
            evicted.insert(key.as_bytes().to_vec());
        }
        evicted.contains(&key.as_bytes()[..])
    }

    pub(super) fn written(&self, key: &Key) {
        self.evicted.lock().unwrap().remove(&key.as_bytes()[..]);
    }

    /// What came of it. The nodes end here: they know the simulation, which would never be dropped.
    pub(super) fn outcome(&self) -> Outcome {
        for node in &self.nodes {
            *node.lock().unwrap() = None;
        }
        let mut outcome = self.outcome.lock().unwrap();
        let empty = Outcome::default();
        std::mem::replace(&mut *outcome, empty)
    }
}

/// The handler of both routes.
async fn handle(
    State((simulation, node)): State<(Arc<Simulation>, usize)>,
    verdict: Verdict,
    request: Request,
) -> &'static str {
    let text = |name: &str| request.headers()[name].to_str().unwrap().to_owned();
    let began = Duration::from_micros(text("x-began").parse().unwrap());
    let asked = super::people::asked(text("x-asked").parse().unwrap());
    let attempt = verdict.idempotency_key().as_str().to_owned();
    simulation.count("a handler ran");
    simulation.tell(&format!("  on node {node}, for {asked:?}, by attempt {}", simulation.number_of(&attempt)));
    handled(&simulation, &attempt, &asked, began);
    "done"
}

fn handled(simulation: &Simulation, attempt: &str, asked: &Asked, began: Duration) {
    let now = simulation.now();
    if asked.is_remembered() && simulation.truth.lock().unwrap().handled(attempt) > 0 {
        simulation.count("a handler ran by a remembered approval");
    }
    let checked = simulation.truth.lock().unwrap().handle(attempt, asked, began, now, simulation.is_skewed);
    simulation.check(checked);
}

/// The way to the service of one node.
#[derive(Clone)]
struct Wire {
    inner: EmulatorTransport,
    link: Link,
}

impl Service<axum::http::Request<Bytes>> for Wire {
    type Response = Response<Body>;
    type Error = TransportError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, TransportError>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), TransportError>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: axum::http::Request<Bytes>) -> Self::Future {
        let Self { inner, link } = self.clone();
        Box::pin(async move {
            let (simulation, fault) = (&link.simulation, link.simulation.chances.fault / 2);
            simulation.sleep(Duration::from_millis(300)).await;
            link.life.go_on().await;
            if simulation.happens("a call of the service was lost", fault) {
                return Err(TransportError::connect("no way there"));
            }
            let answer = inner.oneshot(request).await;
            simulation.sleep(Duration::from_millis(300)).await;
            link.life.go_on().await;
            if simulation.happens("the answer of the service was lost", fault) {
                return Err(TransportError::interrupted("the connection is gone"));
            }
            answer
        })
    }
}
