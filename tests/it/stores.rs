//! Stores that are read, written to, unreliable or gone.
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::{Outage, RefusalReason, Unproven};
use serde_json::json as value;

use crate::flows::Numbers;
use crate::support::{Bench, MINUTE, bench_with, form, get};

/// A store in memory whose keys somebody notes.
#[derive(Clone, Debug)]
pub(crate) struct SwapLog {
    inner: MemoryStore,
    keys: Arc<Mutex<Vec<Key>>>,
}

impl Store for SwapLog {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.keys.lock().unwrap().push(*key);
        Store::swap(&self.inner, key, expected, value, ttl).await
    }
}

impl SwapLog {
    /// The key that was written last.
    fn last(&self) -> Key {
        *self.keys.lock().unwrap().last().unwrap()
    }

    /// The key of the flow that was approved last: what waits is counted right after it.
    pub(crate) fn last_approved(&self) -> Key {
        let keys = self.keys.lock().unwrap();
        keys[keys.len() - 2]
    }

    /// The key of the ticket that was written last, which goes right before its flow.
    fn last_ticket(&self) -> Key {
        let keys = self.keys.lock().unwrap();
        keys[keys.len() - 2]
    }

    async fn read(&self, key: &Key) -> Vec<u8> {
        Store::load(&self.inner, key).await.unwrap().unwrap().1.to_vec()
    }

    pub(crate) async fn put(&self, key: &Key, value: &[u8]) {
        let version = Store::load(&self.inner, key).await.unwrap().map(|(version, _)| version);
        let ttl = Duration::from_secs(600);
        assert!(Store::swap(&self.inner, key, version, value.to_vec(), ttl).await.unwrap());
    }
}

pub(crate) async fn noted() -> (Bench, SwapLog) {
    let keys = Arc::default();
    let mut noted = None;
    let bench = bench_with(|builder| {
        // The handle's clock stands still, and so does the store's: nothing expires by wall time.
        let inner = MemoryStore::new().clock(crate::support::clock());
        builder.store(noted.insert(SwapLog { inner, keys }).clone())
    })
    .await;
    (bench, noted.unwrap())
}

/// T44, T93: an approved record in which anything was changed passes nothing; put back as it was, it does.
#[tokio::test]
async fn t44_t93_a_changed_record_passes_nothing() {
    let (bench, store) = noted().await;
    let mut ada = bench.visitor("ada");
    let ask = get("/pay").navigating();
    bench.approve(&mut ada, &ask).await;
    let key = store.last_approved();
    let approved = store.read(&key).await;
    let mut tried = 0;
    let spots = (0..48).chain((48..approved.len()).step_by(29)).chain(approved.len() - 17..approved.len());
    for spot in spots {
        let mut changed = approved.clone();
        changed[spot] ^= 1 << (spot % 8);
        store.put(&key, &changed).await;
        ada.challenge(&ask).await;
        tried += 1;
    }
    for changed in
        [&b""[..], b"{}", &approved[..approved.len() - 1], &approved[1..], &[approved.as_slice(), b"x"].concat()]
    {
        store.put(&key, changed).await;
        ada.challenge(&ask).await;
    }
    assert_eq!(bench.effects.count(), 0);
    store.put(&key, &approved).await;
    ada.send(&ask).await.assert_passed();
    println!("{tried} changed records, 0 passed");
}

/// T45: records in each other's places open nowhere, whoever's they are.
#[tokio::test]
async fn t45_records_in_each_others_places_pass_nothing() {
    let (bench, store) = noted().await;
    let mut ada = bench.visitor("ada");
    let mut bob = bench.visitor("bob");
    let (one, two) = (get("/pay?1").navigating(), get("/pay?2").navigating());
    let mut approved = Vec::new();
    for (visitor, ask) in [(&mut ada, &one), (&mut bob, &one)] {
        bench.approve(visitor, ask).await;
        approved.push((store.last_approved(), store.read(&store.last_approved()).await));
    }
    let challenge = ada.challenge(&two).await;
    let (pending, ticket) = (store.last(), store.last_ticket());
    let waiting = store.read(&pending).await;
    let ticket_record = store.read(&ticket).await;
    // Somebody else's approval, an own one of another request, and a ticket.
    for foreign in [&approved[0].1, &approved[1].1, &ticket_record] {
        store.put(&pending, foreign).await;
        ada.challenge(&two).await;
    }
    store.put(&approved[0].0, &approved[1].1).await;
    store.put(&approved[1].0, &approved[0].1).await;
    ada.challenge(&one).await;
    bob.challenge(&one).await;
    assert_eq!(bench.effects.count(), 0);

    // T93: a ticket that was changed leads nowhere, and one that was put back leads on.
    store.put(&pending, &waiting).await;
    let back = bench.prove(&challenge);
    for forged in [&waiting, &approved[0].1] {
        store.put(&ticket, forged).await;
        ada.send(&back).await.assert_refused(&RefusalReason::UnknownFlow);
    }
    store.put(&ticket, &ticket_record).await;
    assert_eq!(ada.send(&back).await.location(), "/pay?2");
    ada.send(&two).await.assert_passed();
}

/// T94, a limit: whoever can write to the store puts an approval back as it was before it was spent, and uses it again,
/// for the very same request of the same user, session and browser, until it runs out. Then it is nothing.
#[tokio::test]
async fn t94_an_approval_that_is_put_back_passes_until_it_runs_out_and_not_longer() {
    let (bench, store) = noted().await;
    let mut ada = bench.visitor("ada").in_session("s1");
    let ask = get("/pay?to=bob").navigating();
    bench.approve(&mut ada, &ask).await;
    let key = store.last_approved();
    let approved = store.read(&key).await;
    let mut passed = 0;
    for _ in 0..4 {
        ada.send(&ask).await.assert_passed();
        passed += 1;
        ada.clone().challenge(&ask).await;
        store.put(&key, &approved).await;
        // It is worth no more than it was.
        for mut other in [ada.elsewhere(), ada.signed_in_as("bob"), ada.in_session("s2")] {
            other.challenge(&ask).await;
        }
        ada.clone().challenge(&get("/pay?to=eve").navigating()).await;
        bench.clock.advance(MINUTE);
    }
    // An approval waits for five minutes.
    store.put(&key, &approved).await;
    bench.clock.advance(MINUTE);
    ada.challenge(&ask).await;
    assert_eq!(bench.effects.count(), passed);
}

/// T31, T33: a store that keeps what has run out, or is late to drop it, stretches nothing.
#[tokio::test]
async fn t31_what_has_run_out_is_nothing_even_if_the_store_keeps_it() {
    let (bench, store) = noted().await;
    let (once, kept) = (get("/pay").navigating(), get("/kept").navigating());
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &once).await;
    let mut bob = bench.visitor("bob");
    bench.approve(&mut bob, &kept).await;
    let mut eve = bench.visitor("ada");
    let challenge = eve.challenge(&once).await;
    let back = bench.prove(&challenge);
    bob.send(&kept).await.assert_passed();
    bench.clock.advance(MINUTE * 10);
    ada.challenge(&once).await;
    bob.challenge(&kept).await;
    // The token has run out as well; the service might not say so.
    let attempt = bench.emulator.actions("ada")[1].idempotency_key.clone();
    let proved = value!({
        "isValid": true, "state": "CHALLENGE_SUCCEEDED", "userId": "ada", "action": "pay", "idempotencyKey": attempt
    });
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::merge(proved));
    let late = eve.send(&back).await;
    late.assert_refused(&RefusalReason::Unproven(Unproven::Expired));
    assert!(late.text().contains("This has expired"));
    let page = get(back.target.split("&token").next().unwrap()).navigating();
    eve.send(&page).await.assert_refused(&RefusalReason::UnknownFlow);
    assert_ne!(eve.challenge(&once).await, challenge);
    assert_eq!(bench.effects.count(), 1);
    assert!(store.inner.len() >= 6, "the store kept them all");
}

/// T43, T48: what the store holds says nothing, and what the user types as a secret is not even in there sealed.
#[tokio::test]
async fn t43_the_store_is_unreadable() {
    let (bench, store) = noted().await;
    let mut ada = bench.visitor("ada").in_session("canary-session");
    let challenge = ada.challenge(&form("/pay", "to=canary-value&password=canary-password")).await;
    let token = crate::support::parameter(&challenge, "token").unwrap();
    let keys = store.keys.lock().unwrap().clone();
    assert_eq!(keys.len(), 3, "what is counted, a ticket and a flow");
    for key in keys {
        let record = String::from_utf8_lossy(&store.read(&key).await).into_owned();
        for canary in ["canary", "ada", "pay", "token", &token[..20]] {
            assert!(!record.contains(canary), "{canary}");
        }
    }
}

/// A store that loses some of its answers to a write, after or before it wrote.
#[derive(Clone, Debug)]
pub(crate) struct Flaky {
    inner: MemoryStore,
    faults: Arc<Faults>,
}

#[derive(Debug, Default)]
pub(crate) struct Faults {
    /// How many of 100 answers are lost after the write.
    pub(crate) after: AtomicUsize,
    /// How many of 100 calls fail without a write.
    pub(crate) before: AtomicUsize,
    pub(crate) loads: AtomicUsize,
    seed: AtomicU64,
    lost: AtomicUsize,
}

impl Faults {
    fn strike(&self, percent: &AtomicUsize) -> bool {
        let seed = self.seed.fetch_add(1, Ordering::SeqCst);
        let strikes = Numbers(seed).next() % 100 < percent.load(Ordering::SeqCst) as u64;
        self.lost.fetch_add(usize::from(strikes), Ordering::SeqCst);
        strikes
    }
}

impl Store for Flaky {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        if self.faults.strike(&self.faults.loads) {
            return Err(Error::unavailable("the connection is gone"));
        }
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        if self.faults.strike(&self.faults.before) {
            return Err(Error::unavailable("the connection is gone"));
        }
        let swapped = Store::swap(&self.inner, key, expected, value, ttl).await;
        if self.faults.strike(&self.faults.after) {
            return Err(Error::unavailable("the answer is gone"));
        }
        swapped
    }
}

pub(crate) fn flaky_store(inner: MemoryStore) -> (Flaky, Arc<Faults>) {
    let faults = Arc::<Faults>::default();
    (Flaky { inner, faults: Arc::clone(&faults) }, faults)
}

async fn flaky() -> (Bench, Arc<Faults>) {
    let (store, faults) = flaky_store(MemoryStore::new().clock(crate::support::clock()));
    (bench_with(|builder| builder.store(store)).await, faults)
}

/// T25, M3, M4: answers that are lost after the write lose no approval and double none.
#[tokio::test]
async fn t25_lost_answers_lose_no_approval_and_double_none() {
    let (bench, faults) = flaky().await;
    for percent in [10, 50, 100] {
        faults.after.store(percent, Ordering::SeqCst);
        let (before, tracks) = (bench.effects.count(), bench.tracks());
        for number in 0..100 {
            let mut ada = bench.visitor("ada");
            let ask = get(&format!("/pay/{number}")).navigating();
            bench.approve(&mut ada, &ask).await;
            ada.send(&ask).await.assert_passed();
            if number % 10 == 0 {
                ada.challenge(&ask).await;
            }
        }
        assert_eq!(bench.effects.count() - before, 100, "{percent} % lost");
        assert_eq!(bench.tracks() - tracks, 110, "{percent} % lost");
    }
    println!("{} lost answers, 0 of 300 approvals lost, 0 doubled", faults.lost.load(Ordering::SeqCst));
}

/// T25: with answers and calls lost, and many requests at once, an approval is never doubled.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t25_a_bad_store_never_doubles_an_approval() {
    let (bench, faults) = flaky().await;
    let mut passed = 0;
    for number in 0..30 {
        let mut ada = bench.visitor("ada");
        let ask = get(&format!("/pay/{number}")).navigating();
        bench.approve(&mut ada, &ask).await;
        let before = bench.effects.count();
        for rate in [&faults.after, &faults.before, &faults.loads] {
            rate.store(20, Ordering::SeqCst);
        }
        let mut set = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (mut ada, ask) = (ada.clone(), ask.clone());
            set.spawn(async move { ada.send(&ask).await.status });
        }
        let statuses = set.join_all().await;
        for rate in [&faults.after, &faults.before, &faults.loads] {
            rate.store(0, Ordering::SeqCst);
        }
        let ran = bench.effects.count() - before;
        assert!(ran <= 1, "{statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 200 | 303 | 503)), "{statuses:?}");
        passed += ran;
    }
    println!("{passed} of 30 approvals spent, 0 doubled, {} calls lost", faults.lost.load(Ordering::SeqCst));
}

/// A store that is down refuses what needs it, and what waits in it is still there afterwards.
#[tokio::test]
async fn a_store_that_is_down_refuses_and_loses_nothing() {
    let (bench, faults) = flaky().await;
    let down = |percent| [&faults.loads, &faults.before].map(|rate| rate.store(percent, Ordering::SeqCst));
    let ask = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&ask).await;
    let back = bench.prove(&challenge);
    let mut bob = bench.visitor("bob");
    bench.approve(&mut bob, &ask).await;

    down(100);
    for reply in [
        ada.send(&ask).await,
        ada.send(&back).await,
        bob.send(&ask).await,
        bench.visitor("ada").send(&ask).await,
        bench.visitor("ada").send(&form("/pay", "a=b")).await,
    ] {
        reply.assert_refused(&RefusalReason::Outage(Outage::Store));
        assert_eq!((reply.status, reply.header("retry-after"), reply.cookie()), (503, "5", None));
    }
    assert_eq!(bench.effects.count(), 0);
    // What is allowed and brings no cookie needs no store.
    bench.emulator.set_outcome("pay", Outcome::Allow);
    bench.visitor("eve").send(&get("/pay")).await.assert_passed();
    bench.emulator.set_outcome("pay", Outcome::Challenge);
    down(0);

    assert_eq!(ada.send(&back).await.location(), "/pay");
    ada.send(&ask).await.assert_passed();
    bob.send(&ask).await.assert_passed();
}

/// T50, T117: a store that is full, by records or by bytes, takes no new challenge, and whoever was there before gets
/// through to the end: proved, approved, spent.
#[tokio::test]
async fn t50_a_full_store_refuses_new_challenges_only() {
    for (records, bytes) in [(50, usize::MAX), (usize::MAX, 50_000)] {
        let store = MemoryStore::new().clock(crate::support::clock()).limits(records, bytes);
        let bench = bench_with(|builder| builder.store(store.clone())).await;
        let ask = get("/pay").navigating();
        let form = form("/pay", "to=bob&amount=10");
        let (mut ada, mut bob) = (bench.visitor("ada"), bench.visitor("bob"));
        let challenge = ada.challenge(&ask).await;
        bench.approve(&mut bob, &form).await;
        let mut filled = 0;
        while Store::swap(&store, &Key::from(key_of(filled)), None, vec![], MINUTE).await.is_ok() {
            filled += 1;
            assert!(filled < 10_000, "a store that is never full");
        }
        let refused = bench.visitor("bob").send(&ask).await;
        refused.assert_refused(&RefusalReason::Outage(Outage::Store));
        assert_eq!(ada.send(&bench.prove(&challenge)).await.location(), "/pay");
        ada.send(&ask).await.assert_passed();
        bob.send(&form).await.assert_passed();
        println!("full by {filled} foreign records: two of two went on");
    }
}

fn key_of(number: u64) -> [u8; 32] {
    let mut key = [0xff; 32];
    key[..8].copy_from_slice(&number.to_be_bytes());
    key
}
