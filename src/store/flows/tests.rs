//! Whose attempt is changed, and whose approval passes.
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;

use super::*;
use crate::domain::flow::tests::{challenge, opening, page};
use crate::domain::flow::{Kind, Stage};
use crate::domain::tenant::{Tenant, Tenants};
use crate::domain::ticket::Ticket;
use crate::store::{MemoryStore, Store, Version};

/// A store that can be away.
#[derive(Clone, Debug)]
struct Away(MemoryStore, Arc<AtomicBool>);

impl Away {
    fn check(&self) -> Result<(), Error> {
        if self.1.load(Ordering::SeqCst) { Err(Error::unavailable("the store is away")) } else { Ok(()) }
    }
}

impl Store for Away {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        self.check()?;
        self.0.load(key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.check()?;
        self.0.swap(key, expected, value, ttl).await
    }
}

fn node() -> Arc<FlowStore> {
    node_over(Arc::default())
}

fn node_over(is_away: Arc<AtomicBool>) -> Arc<FlowStore> {
    let clock = Clock::manual(std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    Arc::new(FlowStore {
        store: AnyStore::new(Away(MemoryStore::new().clock(clock.clone()), is_away)),
        keys: KeyRing::new(&[7; 32], &[] as &[&[u8]], Tenants::one(Tenant::of(1))),
        clock,
        challenge_ttl: crate::domain::flow::PENDING,
        validate_budget: 10,
        pending_flow_budget: Room::new(32, 256 * 1024),
    })
}

fn flow(flows: &FlowStore, attempt: &str) -> Flow {
    let stage = Stage::pending(flows.now(), flows.challenge_ttl);
    Flow::new(opening("ada", "pay", attempt, None), challenge(), page(), stage)
}

fn proved(attempt: &str) -> Validation {
    Validation {
        is_valid: true,
        state: Some(authsignal_client::ActionState::ChallengeSucceeded),
        user: Some("ada".into()),
        action: Some("pay".into()),
        attempt: Some(attempt.into()),
        method: None,
        at: None,
    }
}

/// What is noted about an attempt is not noted about another that has taken its place.
#[tokio::test]
async fn only_the_attempt_that_is_meant_leads_elsewhere() {
    let flows = node();
    let (browser, binding, ticket) = (BrowserId::random(), [1; 32], Ticket::random());
    let flow = flow(&flows, "newer");
    let page = page();
    flows.write_ticket(&browser, ticket, &binding, &flow).await.unwrap();
    flows.open(&Holder::Browser(browser.clone()), &binding, RequestId([1; 16]), flow).await.unwrap();
    for (attempt, want) in [("older", page), ("newer", SavedRequest::Sent)] {
        let attempt = IdempotencyKey::new(attempt).unwrap();
        flows.save_request(&Holder::Browser(browser.clone()), &binding, &attempt, &SavedRequest::Sent).await.unwrap();
        let (_, flow) = flows.find(&browser, ticket).await.unwrap().unwrap();
        assert_eq!(flow.saved, want, "{attempt}");
    }
}

/// An approval that was lost on its way to the handler passes a browser's next request, and a bearer client's only with its
/// token: without one it begins anew.
#[tokio::test]
async fn an_approval_of_a_bearer_client_passes_nothing_by_itself() {
    let flows = node();
    for (holder, passes) in [(Holder::Browser(BrowserId::random()), true), (Holder::Bearer, false)] {
        flows.open(&holder, &[1; 32], RequestId([1; 16]), flow(&flows, "first")).await.unwrap();
        let (answered, _) = flows.answer(&holder, &[1; 32], &proved("first")).await.unwrap().unwrap();
        assert!(matches!(answered, Resolution::Approve(_)), "{answered:?}");
        let opened = flows.open(&holder, &[1; 32], RequestId([2; 16]), flow(&flows, "second")).await.unwrap();
        assert_eq!(matches!(opened, Opened::Pass(..)), passes, "{holder:?}: {opened:?}");
        assert_eq!(matches!(opened, Opened::New(_)), !passes, "{holder:?}: {opened:?}");
    }
}

/// T120, T25: an approval that was spent on a request which never got to its handler is given back, also where the store is away
/// just then: it is tried until the store is there again.
#[tokio::test(start_paused = true)]
async fn t120_t25_what_was_spent_on_nothing_is_given_back_when_the_store_is_there_again() {
    for minutes in [0, 1, 4] {
        let is_away = Arc::new(AtomicBool::new(false));
        let flows = node_over(Arc::clone(&is_away));
        let (holder, binding) = (Holder::Browser(BrowserId::random()), [1; 32]);
        flows.open(&holder, &binding, RequestId([1; 16]), flow(&flows, "first")).await.unwrap();
        flows.answer(&holder, &binding, &proved("first")).await.unwrap();
        let admitted = flows.admit(&holder, &binding, RequestId([2; 16])).await.unwrap();
        let Admitted::Pass(.., Some(spending)) = admitted else { panic!("{admitted:?}") };
        is_away.store(true, Ordering::SeqCst);
        drop(spending);
        tokio::time::sleep(Duration::from_secs(60 * minutes + 1)).await;
        is_away.store(false, Ordering::SeqCst);
        let mut waited = 0;
        let spent = async || {
            let flow = flows.run(Place::of(&holder, &binding), Look::<Flow>::new()).await.unwrap().unwrap();
            matches!(flow.stage.kind, Kind::Spent { .. })
        };
        while spent().await {
            tokio::time::sleep(Duration::from_secs(1)).await;
            waited += 1;
            assert!(
                waited < 20,
                "it is good again soon after the store is there, which was away for {minutes} minutes"
            );
        }
        let admitted = flows.admit(&holder, &binding, RequestId([3; 16])).await.unwrap();
        assert!(matches!(admitted, Admitted::Pass(..)), "{admitted:?}");
    }
}

/// T92: while a new master secret is brought out node by node, what was begun at a node without it goes on there, whichever node
/// the user came back to.
#[tokio::test]
async fn t92_an_approval_is_found_at_nodes_that_have_no_newer_secret_yet() {
    let older = node();
    let keys = KeyRing::new(&[8; 32], &[&[7; 32]], Tenants::one(Tenant::of(1)));
    let newer = Arc::new(FlowStore { keys, ..FlowStore::clone(&older) });
    let (holder, binding) = (Holder::Browser(BrowserId::random()), [1; 32]);
    older.open(&holder, &binding, RequestId([1; 16]), flow(&older, "first")).await.unwrap();
    newer.answer(&holder, &binding, &proved("first")).await.unwrap().expect("it knows the older secret");
    let admitted = older.admit(&holder, &binding, RequestId([2; 16])).await.unwrap();
    assert!(matches!(admitted, Admitted::Pass(..)), "{admitted:?}");
}

/// A store that loses its writes for a while: they arrive later, one by one.
#[derive(Clone, Debug, Default)]
struct Late {
    inner: MemoryStore,
    is_late: Arc<AtomicBool>,
    on_their_way: Arc<std::sync::Mutex<Vec<(Key, Option<Version>, Vec<u8>, Duration)>>>,
}

impl Store for Late {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
        self.inner.load(key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        if self.is_late.load(Ordering::SeqCst) {
            self.on_their_way.lock().unwrap().push((*key, expected, value, ttl));
            return Err(Error::unavailable("no answer in time"));
        }
        self.inner.swap(key, expected, value, ttl).await
    }
}

/// T120, T25: a spend that was given up and arrives afterwards spends nothing.
#[tokio::test(start_paused = true)]
async fn t120_t25_a_spend_that_arrives_after_it_was_given_up_spends_nothing() {
    let store = Late::default();
    let flows =
        Arc::new(FlowStore { store: AnyStore::new(store.clone()), clock: Clock::system(), ..(*node()).clone() });
    let (holder, binding) = (Holder::Browser(BrowserId::random()), [1; 32]);
    flows.open(&holder, &binding, RequestId([1; 16]), flow(&flows, "first")).await.unwrap();
    flows.answer(&holder, &binding, &proved("first")).await.unwrap();
    store.is_late.store(true, Ordering::SeqCst);
    flows.admit(&holder, &binding, RequestId([2; 16])).await.unwrap_err();
    store.is_late.store(false, Ordering::SeqCst);
    // What gives it back has all the time that it needs.
    tokio::time::sleep(Duration::from_secs(60)).await;
    let on_their_way = std::mem::take(&mut *store.on_their_way.lock().unwrap());
    assert!(!on_their_way.is_empty());
    for (key, expected, value, ttl) in on_their_way {
        store.inner.swap(&key, expected, value, ttl).await.unwrap();
    }
    let admitted = flows.admit(&holder, &binding, RequestId([3; 16])).await.unwrap();
    assert!(matches!(admitted, Admitted::Pass(..)), "its approval is lost: {admitted:?}");
}
