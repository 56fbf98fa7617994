//! A store that hangs is an outage that is said in time, wherever it is asked (threat T119).
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use authsignal_emulator::Outcome;
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::{Outage, RefusalReason};

use crate::support::{Bench, bench_with, clock, form, get};

/// A store that takes for ever over some of its calls.
#[derive(Clone, Debug)]
struct Hanging {
    inner: MemoryStore,
    when: Arc<AtomicUsize>,
}

const NEVER: usize = 0;
const LOADING: usize = 1;
const BEFORE_A_SWAP: usize = 2;
const AFTER_A_SWAP: usize = 3;

impl Hanging {
    async fn hang(&self, at: usize) {
        if self.when.load(Ordering::SeqCst) == at {
            std::future::pending::<()>().await;
        }
    }
}

impl Store for Hanging {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        self.hang(LOADING).await;
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.hang(BEFORE_A_SWAP).await;
        let swapped = Store::swap(&self.inner, key, expected, value, ttl).await;
        self.hang(AFTER_A_SWAP).await;
        swapped
    }
}

async fn hanging(timeout: Option<Duration>) -> (Bench, Arc<AtomicUsize>) {
    let when = Arc::<AtomicUsize>::default();
    let store = Hanging { inner: MemoryStore::new().clock(clock()), when: Arc::clone(&when) };
    let bench = bench_with(|builder| match timeout {
        Some(timeout) => builder.store(store).store_timeout(timeout),
        None => builder.store(store),
    });
    (bench.await, when)
}

/// T119: every kind of request that needs the store is told so within a few of its deadlines, and afterwards all goes on.
/// Where the write happened and only its answer did not come, it is found.
#[tokio::test]
async fn t119_a_store_that_hangs_is_an_outage_in_bounded_time() {
    let timeout = Duration::from_millis(40);
    let mut longest = Duration::ZERO;
    for when in [LOADING, BEFORE_A_SWAP, AFTER_A_SWAP] {
        let (bench, hangs) = hanging(Some(timeout)).await;
        let ask = get("/pay").navigating();
        let (mut ada, mut bob) = (bench.visitor("ada"), bench.visitor("bob"));
        let back = bench.prove(&ada.challenge(&ask).await);
        bench.approve(&mut bob, &ask).await;
        hangs.store(when, Ordering::SeqCst);
        let mut fresh = bench.visitor("ada");
        for (name, visitor, ask) in [
            ("way back", &mut ada, &back),
            ("approved", &mut bob, &ask),
            ("new", &mut fresh, &ask),
            ("new with a form", &mut bench.visitor("bob"), &form("/pay", "a=b")),
        ] {
            let began = Instant::now();
            let reply = visitor.send(ask).await;
            longest = longest.max(began.elapsed());
            if when == AFTER_A_SWAP {
                // Every answer is lost, and every write is found: nobody notices more than the wait.
                assert_ne!(reply.status, 503, "{name}");
                continue;
            }
            assert_eq!(reply.reason(), Some(&RefusalReason::Outage(Outage::Store)), "{name} {when}");
            assert_eq!((reply.status, reply.header("retry-after")), (503, "5"), "{name} {when}");
        }
        bench.emulator.set_outcome("pay", Outcome::Allow);
        bench.visitor("ada").send(&ask).await.assert_passed();
        bench.emulator.set_outcome("pay", Outcome::Challenge);
        hangs.store(NEVER, Ordering::SeqCst);
        if when != AFTER_A_SWAP {
            assert_eq!(ada.send(&back).await.location(), "/pay");
            bob.send(&ask).await.assert_passed();
        }
        ada.send(&ask).await.assert_passed();
    }
    println!("the longest answer took {longest:?}, with {timeout:?} for each call");
    assert!(longest < Duration::from_secs(5), "{longest:?}");
}

/// T119: without a setting it is a quarter of a second for each call.
#[tokio::test]
async fn t119_the_deadline_is_there_by_default() {
    let (bench, hangs) = hanging(None).await;
    let mut bob = bench.visitor("bob");
    bench.approve(&mut bob, &get("/pay")).await;
    hangs.store(LOADING, Ordering::SeqCst);
    let began = Instant::now();
    bob.send(&get("/pay")).await.assert_refused(&RefusalReason::Outage(Outage::Store));
    assert!(began.elapsed() >= Duration::from_millis(250) && began.elapsed() < Duration::from_secs(3));
}
