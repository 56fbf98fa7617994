//! What one user can put into the store, and what others feel meanwhile: scripts of an attacker over two nodes (T105, T117).
use std::sync::atomic::Ordering;

use axum::Router;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{AuthsignalBuilder, Budget, Outage, RefusalReason};
use tokio::task::JoinSet;

use crate::stores::{Flaky, flaky_store};
use crate::support::{Ask, Bench, MINUTE, Visitor, app, bench, builder, get, post};

const OVER: RefusalReason = RefusalReason::OverBudget(Budget::PendingFlows);

/// An application on two nodes that share a store and have the default budget of what waits, on the bench's clock.
struct Nodes {
    bench: Bench,
    store: MemoryStore,
    apps: [Router; 2],
}

async fn nodes() -> Nodes {
    nodes_with(|builder| builder).await
}

async fn nodes_with(change: impl Fn(AuthsignalBuilder) -> AuthsignalBuilder) -> Nodes {
    let mut bench = bench().await;
    let store = MemoryStore::new().clock(bench.clock.clone());
    let node = || {
        let handle = builder(&bench.emulator, &bench.clock).store(store.clone());
        app(&change(handle.pending_flow_budget(32, 256 * 1024)).build().unwrap(), &bench.effects)
    };
    let apps = [node(), node()];
    bench.app = apps[0].clone();
    Nodes { bench, store, apps }
}

impl Nodes {
    /// Sends each of these from this visitor, to one node after the other. Gives how many began a challenge, and how many
    /// were told to wait.
    async fn flood(
        &self,
        visitor: &mut Visitor,
        keeps_cookie: bool,
        asks: impl Iterator<Item = Ask>,
    ) -> (usize, usize) {
        let (mut begun, mut refused) = (0, 0);
        for (number, ask) in asks.enumerate() {
            visitor.app = self.apps[number % 2].clone();
            let cookie = visitor.cookie.clone().filter(|_| keeps_cookie);
            let mut sender = Visitor { cookie, ..visitor.clone() };
            let reply = sender.send(&ask).await;
            visitor.cookie = sender.cookie;
            match reply.reason() {
                Some(RefusalReason::ChallengeRequired) => begun += 1,
                Some(reason) if *reason == OVER => {
                    assert_eq!((reply.status, reply.header("retry-after")), (429, "600"));
                    reply.assert_private();
                    refused += 1;
                }
                other => panic!("{number}: {other:?}"),
            }
        }
        (begun, refused)
    }

    /// Others, and the same user in another session or without one, begin and prove what they want to.
    async fn others_feel_nothing(&self) {
        let bench = &self.bench;
        let before = bench.effects.count();
        let others = [bench.visitor("bob"), bench.visitor("ada").in_session("own"), bench.visitor("ada")];
        for mut other in others {
            for number in 0..10 {
                let ask = get(&format!("/pay/{number}?other")).navigating();
                bench.approve(&mut other, &ask).await;
                other.send(&ask).await.assert_passed();
            }
        }
        assert_eq!(bench.effects.count(), before + 30);
    }
}

fn pays(count: usize) -> impl Iterator<Item = Ask> {
    (0..count).map(|number| get(&format!("/pay/{number}")).navigating())
}

/// T105, T117: 680 challenges of one user and session over two nodes leave 32 flows in their store, and with the cookie no
/// more than that many calls of Authsignal. There is room again for what is proved, and when they have run out.
#[tokio::test]
async fn t105_t117_680_challenges_of_one_session_leave_32_flows() {
    let nodes = nodes().await;
    let bench = &nodes.bench;
    let mut thief = bench.visitor("ada").in_session("stolen");
    let (begun, refused) = nodes.flood(&mut thief, true, pays(680)).await;
    println!(
        "680 with a cookie: {begun} begun, {refused} refused, {} tracks, {} records",
        bench.tracks(),
        nodes.store.len()
    );
    assert_eq!((begun, refused, bench.tracks()), (32, 648, 32));
    assert_eq!(nodes.store.len(), 32 * 2 + 1, "flows, tickets, and what counts them");
    nodes.others_feel_nothing().await;

    // What waits is handed out again, its proof has its place, and its room is free for one other.
    let first = pays(1).next().unwrap();
    bench.approve(&mut thief, &first).await;
    thief.send(&first).await.assert_passed();
    assert_eq!(nodes.flood(&mut thief, true, pays(700).skip(680)).await, (1, 19));
    bench.clock.advance(MINUTE * 10);
    assert_eq!(nodes.flood(&mut thief, true, pays(740).skip(700)).await, (32, 8));
}

/// T117: nor does a thief get more who drops the cookie each time; one who is asked about again is 429 by then as well.
#[tokio::test]
async fn t117_who_drops_the_cookie_gets_no_other_budget() {
    let nodes = nodes().await;
    let mut thief = nodes.bench.visitor("ada").in_session("stolen");
    let (begun, refused) = nodes.flood(&mut thief, false, pays(680)).await;
    println!("680 without: {begun} begun, {refused} refused, {} records", nodes.store.len());
    assert_eq!((begun, refused, nodes.store.len()), (32, 648, 32 * 2 + 1));
    nodes.others_feel_nothing().await;
}

/// T117: the bytes of kept forms count: of forms of 15 KiB a few fit, and one always does.
#[tokio::test]
async fn t117_the_bytes_that_wait_are_bounded() {
    let form = |number: usize| {
        let body = format!("to={number}&text={}", "a".repeat(15 * 1024));
        let ask = post(&format!("/pay/{number}"), "application/x-www-form-urlencoded", body);
        ask.header("sec-fetch-site", "same-origin").navigating()
    };
    for (budget, want) in [(256 * 1024, 14), (1, 1)] {
        let nodes = nodes_with(|builder| builder.pending_flow_budget(1_000, budget)).await;
        let mut thief = nodes.bench.visitor("ada").in_session("stolen");
        let (begun, refused) = nodes.flood(&mut thief, true, (0..100).map(form)).await;
        println!("100 forms of 15 KiB with {budget} bytes: {begun} begun, {refused} refused");
        assert_eq!((begun, refused), (want, 100 - want));
        nodes.others_feel_nothing().await;
    }
}

/// T117: what is proved is not counted, and all of it passes.
#[tokio::test]
async fn t117_what_is_proved_takes_no_room() {
    let nodes = nodes().await;
    let mut ada = nodes.bench.visitor("ada");
    for ask in pays(40) {
        nodes.bench.approve(&mut ada, &ask).await;
    }
    for ask in pays(40) {
        ada.send(&ask).await.assert_passed();
    }
    assert_eq!((nodes.bench.effects.count(), nodes.bench.tracks()), (40, 40));
}

/// T106: a page of another site that opens 40 pages does not use up what the user's own pages have.
#[tokio::test]
async fn t106_another_sites_pages_use_up_their_own() {
    let nodes = nodes().await;
    let mut ada = nodes.bench.visitor("ada");
    let foreign = pays(40).map(|ask| ask.header("sec-fetch-site", "cross-site"));
    assert_eq!(nodes.flood(&mut ada, true, foreign).await, (32, 8));
    assert_eq!(nodes.flood(&mut ada, true, pays(80).skip(40)).await, (32, 8));
}

/// T25, T117: with every answer of the store to a write lost, nothing is counted twice.
#[tokio::test]
async fn t25_t117_lost_answers_count_once() {
    let mut bench = bench().await;
    let (store, faults) = flaky_store(MemoryStore::new().clock(bench.clock.clone()));
    let handle = builder(&bench.emulator, &bench.clock).store(store).pending_flow_budget(8, 256 * 1024);
    bench.app = app(&handle.build().unwrap(), &bench.effects);
    faults.after.store(100, Ordering::SeqCst);
    let mut ada = bench.visitor("ada");
    for round in 0..3 {
        for ask in pays(8) {
            ada.challenge(&ask).await;
        }
        ada.send(&get("/pay/more").navigating()).await.assert_refused(&OVER);
        for ask in pays(8) {
            bench.approve(&mut ada, &ask).await;
            ada.send(&ask).await.assert_passed();
        }
        assert_eq!((bench.effects.count(), bench.tracks()), ((round + 1) * 8, (round + 1) * 8));
    }
}

/// T117: 60 requests of one user at once over two nodes: as many as the budget has are challenged, and all others told to
/// wait; requests for the same thing at once take the room of one.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t117_requests_at_once_keep_to_the_budget() {
    let nodes = nodes().await;
    let at_once = async |visitor: &Visitor, asks: Vec<Ask>| {
        let mut set = JoinSet::new();
        for (number, ask) in asks.into_iter().enumerate() {
            let mut visitor = Visitor { app: nodes.apps[number % 2].clone(), ..visitor.clone() };
            set.spawn(async move { visitor.send(&ask).await.reason().cloned().unwrap() });
        }
        let reasons = set.join_all().await;
        let count = |wanted: &RefusalReason| reasons.iter().filter(|reason| *reason == wanted).count();
        (count(&RefusalReason::ChallengeRequired), count(&OVER))
    };
    let mut ada = nodes.bench.visitor("ada");
    ada.challenge(&get("/other").navigating()).await;
    let same = vec![get("/pay/same").navigating(); 20];
    assert_eq!(at_once(&ada, same).await, (20, 0));
    let (begun, refused) = at_once(&ada, pays(60).collect()).await;
    println!("60 at once: {begun} begun, {refused} refused");
    assert_eq!((begun, refused), (30, 30), "two waited before");
}

/// T119: where the record that counts cannot be read or written, that is an outage that is said.
#[tokio::test]
async fn t119_what_cannot_be_counted_is_an_outage() {
    let mut bench = bench().await;
    let (store, faults): (Flaky, _) = flaky_store(MemoryStore::new().clock(bench.clock.clone()));
    let handle = builder(&bench.emulator, &bench.clock).store(store.clone()).pending_flow_budget(8, 256 * 1024);
    bench.app = app(&handle.build().unwrap(), &bench.effects);
    for (fault, percent) in [(&faults.loads, 100), (&faults.before, 100)] {
        fault.store(percent, Ordering::SeqCst);
        let reply = bench.visitor("ada").send(&get("/pay").navigating()).await;
        reply.assert_refused(&RefusalReason::Outage(Outage::Store));
        assert_eq!((reply.status, reply.header("retry-after"), reply.cookie()), (503, "5", None));
        fault.store(0, Ordering::SeqCst);
    }
    bench.visitor("ada").challenge(&get("/pay").navigating()).await;
}

/// A store whose first reading alone fails, which is that of the record that counts.
#[derive(Clone, Debug)]
struct FirstFails(MemoryStore, std::sync::Arc<std::sync::atomic::AtomicBool>);

impl axum_authsignal::store::Store for FirstFails {
    async fn load(
        &self,
        key: &axum_authsignal::store::Key,
    ) -> Result<Option<(axum_authsignal::store::Version, bytes::Bytes)>, axum_authsignal::store::Error> {
        if !self.1.swap(true, Ordering::SeqCst) {
            return Err(axum_authsignal::store::Error::unavailable("the first reading fails"));
        }
        self.0.load(key).await
    }

    async fn swap(
        &self,
        key: &axum_authsignal::store::Key,
        expected: Option<axum_authsignal::store::Version>,
        value: Vec<u8>,
        ttl: std::time::Duration,
    ) -> Result<bool, axum_authsignal::store::Error> {
        self.0.swap(key, expected, value, ttl).await
    }
}

/// T119: nor is a flow begun uncounted where the record that counts cannot be read and all else can.
#[tokio::test]
async fn t119_no_flow_is_begun_uncounted() {
    let mut bench = bench().await;
    let store = FirstFails(MemoryStore::new().clock(bench.clock.clone()), std::sync::Arc::default());
    let handle = builder(&bench.emulator, &bench.clock).store(store).build().unwrap();
    bench.app = app(&handle, &bench.effects);
    let reply = bench.visitor("ada").send(&get("/pay").navigating()).await;
    reply.assert_refused(&RefusalReason::Outage(Outage::Store));
    bench.visitor("ada").challenge(&get("/pay").navigating()).await;
}
