//! T29: what was begun before a user was revoked, or one of the user's sessions forgotten, passes nowhere afterwards.
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::StatusCode;
use axum_authsignal::store::{Error, ErrorKind, Key, MemoryStore, Store, Version};
use axum_authsignal::{Authsignal, AuthsignalBuilder, Outage, RefusalReason};
use futures_util::future::join_all;

use crate::programs::{TOKEN, bearers, challenged, proof};
use crate::support::{Ask, Bench, MINUTE, Visitor, app, bench_with, builder, clock, get, json};

/// What the owner has reached in the session "one" before the revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Pending,
    Proved,
    Approved,
    Bearer,
}

const STAGES: [Stage; 4] = [Stage::Pending, Stage::Proved, Stage::Approved, Stage::Bearer];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Revoked {
    Nothing,
    User,
    Session,
    OtherSession,
    OtherUser,
}

const REVOKED: [Revoked; 5] =
    [Revoked::Nothing, Revoked::User, Revoked::Session, Revoked::OtherSession, Revoked::OtherUser];

const TARGETS: [&str; 4] = ["/pay", "/route/1", "/action", "/kept"];

/// A node, and another one that shares its store and nothing else.
async fn nodes() -> (Bench, Authsignal, Router) {
    let store = MemoryStore::new().clock(clock());
    let one = bench_with(|builder| bearers(builder).store(store.clone()).secret([7; 32])).await;
    let authsignal = bearers(builder(&one.emulator, &one.clock)).store(store.clone()).secret([7; 32]).build().unwrap();
    let app = app(&authsignal, &one.effects);
    (one, authsignal, app)
}

async fn revoke(authsignal: &Authsignal, what: Revoked) {
    match what {
        Revoked::Nothing => Ok(()),
        Revoked::User => authsignal.revoke("ada").await,
        Revoked::Session => authsignal.forget("ada", "one").await,
        Revoked::OtherSession => authsignal.forget("ada", "two").await,
        Revoked::OtherUser => authsignal.revoke("bob").await,
    }
    .unwrap();
}

/// Whether the owner's request ran on another node, after it was revoked on one.
async fn ran(target: &str, stage: Stage, what: Revoked) -> bool {
    let (one, _, other) = nodes().await;
    let is_bearer = stage == Stage::Bearer;
    let ask = json(target, r#"{"amount":10}"#);
    let ask = if is_bearer { ask.header("x-bearer", "one") } else { ask };
    let mut ada = one.visitor("ada").in_session("one");
    let challenge = challenged(&mut ada, &ask).await;
    let mut again = ask.clone();
    let mut way_back: Option<Ask> = None;
    match stage {
        Stage::Pending | Stage::Bearer => again = ask.clone().header(TOKEN, &proof(&one, &challenge)),
        Stage::Proved => way_back = Some(one.prove(&challenge)),
        Stage::Approved => {
            ada.send(&one.prove(&challenge)).await;
        }
    }
    revoke(&one.authsignal, what).await;
    ada.app = other;
    let validates = one.validates();
    if let Some(back) = way_back {
        let reply = ada.send(&back).await;
        let is_over = matches!(what, Revoked::User | Revoked::Session);
        assert_eq!(reply.reason() == Some(&RefusalReason::UnknownFlow), is_over, "{stage:?} {what:?}: {reply:?}");
        assert_eq!(one.validates() > validates, !is_over, "nobody is asked about what is over");
    }
    let reply = ada.send(&again).await;
    let passed = one.effects.count() > 0;
    assert_eq!(passed, reply.status == 200, "{reply:?}");
    if !passed {
        reply.assert_refused(&RefusalReason::ChallengeRequired);
        // What is begun afterwards is not affected.
        let token = proof(&one, reply.json()["url"].as_str().unwrap());
        ada.send(&ask.clone().header(TOKEN, &token)).await.assert_passed();
    }
    passed
}

/// T29, T26: each stage of a flow, each coverage, by each revocation, on another node than that which was told.
#[tokio::test]
async fn t29_what_is_older_than_a_revocation_passes_nowhere() {
    let (mut cells, mut passes) = (0, 0);
    for target in TARGETS {
        for stage in STAGES {
            for what in REVOKED {
                let passed = ran(target, stage, what).await;
                let is_over = matches!(what, Revoked::User | Revoked::Session);
                assert_eq!(passed, !is_over, "{target} {stage:?} {what:?}");
                cells += 1;
                passes += usize::from(passed);
            }
        }
    }
    println!("{cells} cells of stage x coverage x revocation: {passes} pass, none that was revoked");
    assert_eq!((cells, passes), (80, 48));
}

/// T29: a remembered approval that has been used before, and a revocation that outlives it.
#[tokio::test]
async fn t29_a_remembered_approval_ends_with_its_session() {
    let (bench, ..) = nodes().await;
    let mut ada = bench.visitor("ada").in_session("one");
    let ask = get("/kept").navigating();
    bench.approve(&mut ada, &ask).await;
    for _ in 0..3 {
        ada.send(&ask).await.assert_passed();
    }
    bench.authsignal.forget("ada", "one").await.unwrap();
    for _ in 0..3 {
        ada.send(&ask).await.assert_refused(&RefusalReason::ChallengeRequired);
        bench.clock.advance(MINUTE);
    }
    bench.approve(&mut ada, &ask).await;
    ada.send(&ask).await.assert_passed();
    bench.authsignal.forget("ada", "one").await.unwrap();
    ada.send(&ask).await.assert_refused(&RefusalReason::ChallengeRequired);
}

/// T29, T92: while keys rotate, a node that has the older secret alone sees what a newer one revokes, and the other way round.
#[tokio::test]
async fn t29_t92_nodes_with_older_and_newer_keys_see_each_others_revocations() {
    let store = MemoryStore::new().clock(clock());
    let older = bench_with(|builder| builder.store(store.clone()).secret([1; 32])).await;
    let rotated = |builder: AuthsignalBuilder| builder.store(store.clone()).secret([2; 32]).older_secret([1; 32]);
    let newer = rotated(builder(&older.emulator, &older.clock)).build().unwrap();
    let both = app(&newer, &older.effects);
    let ask = get("/kept").navigating();
    for (name, user, revokes) in [("newer", "ada", &newer), ("older", "bob", &older.authsignal)] {
        let mut ada = older.visitor(user);
        older.approve(&mut ada, &ask).await;
        let mut moved = ada.clone();
        moved.app = both.clone();
        ada.send(&ask).await.assert_passed();
        moved.send(&ask).await.assert_passed();
        revokes.revoke(user).await.unwrap();
        let refused = RefusalReason::ChallengeRequired;
        moved.clone().send(&ask).await.assert_refused(&refused);
        ada.send(&ask).await.assert_refused(&refused);
        // And what is begun after it passes on both.
        let mut ada = older.visitor(user);
        older.approve(&mut ada, &ask).await;
        ada.send(&ask).await.assert_passed();
        ada.app = both.clone();
        ada.send(&ask).await.assert_passed();
        println!("revoked by the {name} node: seen by both");
    }
}

/// A store that can be broken for the record that was written last.
#[derive(Clone, Debug)]
struct Watched {
    inner: MemoryStore,
    last: Arc<Mutex<Option<Key>>>,
    /// The record that cannot be loaded.
    broken: Arc<Mutex<Option<Key>>>,
}

impl Watched {
    fn new() -> Self {
        Self { inner: MemoryStore::new().clock(clock()), last: Arc::default(), broken: Arc::default() }
    }

    fn last(&self) -> Key {
        self.last.lock().unwrap().expect("something was written")
    }
}

impl Store for Watched {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        if *self.broken.lock().unwrap() == Some(*key) {
            return Err(Error::unavailable("broken"));
        }
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        *self.last.lock().unwrap() = Some(*key);
        Store::swap(&self.inner, key, expected, value, ttl).await
    }
}

/// T29: where the record of revocations cannot be loaded, or cannot be read, an approval does not pass, and no challenge is
/// begun; and a new revocation takes the place of what could not be read.
#[tokio::test]
async fn t29_where_revocations_cannot_be_read_nothing_passes() {
    let store = Watched::new();
    let bench = bench_with(|builder| builder.store(store.clone())).await;
    let ask = get("/kept").navigating();
    let mut ada = bench.visitor("ada");
    bench.authsignal.forget("ada", "another").await.unwrap();
    let record = store.last();
    bench.approve(&mut ada, &ask).await;
    ada.send(&ask).await.assert_passed();

    let outage = RefusalReason::Outage(Outage::Store);
    *store.broken.lock().unwrap() = Some(record);
    ada.send(&ask).await.assert_refused(&outage);
    bench.visitor("ada").send(&ask).await.assert_refused(&outage);
    assert_eq!(bench.authsignal.revoke("ada").await.unwrap_err().kind(), ErrorKind::Unavailable);
    *store.broken.lock().unwrap() = None;
    ada.send(&ask).await.assert_passed();

    let (version, _) = Store::load(&store.inner, &record).await.unwrap().unwrap();
    let garbled = Store::swap(&store.inner, &record, Some(version), b"garbled".to_vec(), MINUTE * 60);
    assert!(garbled.await.unwrap());
    ada.send(&ask).await.assert_refused(&outage);
    bench.visitor("ada").send(&ask).await.assert_refused(&outage);
    // Whoever garbled it may have meant to undo any revocation, so all is over.
    bench.authsignal.forget("ada", "yet another").await.unwrap();
    ada.send(&ask).await.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!(bench.effects.count(), 2);
}

/// T29: revoked in the middle of many requests: none that begins after `revoke` has returned passes.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t29_no_request_that_begins_after_a_revocation_passes() {
    let (mut before, mut after) = (0, 0);
    for round in 0..25 {
        let (one, _, other) = nodes().await;
        let ask = get("/kept").navigating();
        let mut ada = one.visitor("ada").in_session("one");
        one.approve(&mut ada, &ask).await;
        let is_revoked = Arc::new(AtomicBool::new(false));
        let requests = (0..40).map(|n| {
            let (mut ada, ask, is_revoked) = (ada.clone(), ask.clone(), Arc::clone(&is_revoked));
            ada.app = if n % 2 == 0 { one.app.clone() } else { other.clone() };
            tokio::spawn(async move {
                for _ in 0..(n + round) % 7 {
                    tokio::task::yield_now().await;
                }
                let began_after = is_revoked.load(Ordering::SeqCst);
                (began_after, ada.send(&ask).await.status == StatusCode::OK)
            })
        });
        let requests: Vec<_> = requests.collect();
        one.authsignal.revoke("ada").await.unwrap();
        is_revoked.store(true, Ordering::SeqCst);
        for outcome in join_all(requests).await {
            match outcome.unwrap() {
                (true, true) => panic!("passed by an approval that was revoked"),
                (true, false) => after += 1,
                (false, _) => before += 1,
            }
        }
        // And whoever comes later.
        Visitor { app: other.clone(), ..ada }.send(&ask).await.assert_refused(&RefusalReason::ChallengeRequired);
    }
    println!("{after} requests began after the revocation, {before} before it: 0 passed of the former");
    assert!(after > 0 && before > 0);
}

/// Revocations of eight sessions of one user at once, on two nodes: each stands, and the record stays one.
#[tokio::test]
async fn many_revocations_at_once_all_stand() {
    let (one, other, _) = nodes().await;
    let ask = get("/kept").navigating();
    let mut visitors: Vec<_> = (0..8).map(|n| one.visitor("ada").in_session(&n.to_string())).collect();
    for visitor in &mut visitors {
        one.approve(visitor, &ask).await;
    }
    let revocations = (0..8).map(|n| {
        let authsignal = if n % 2 == 0 { one.authsignal.clone() } else { other.clone() };
        async move { authsignal.forget("ada", n.to_string()).await }
    });
    for revoked in join_all(revocations).await {
        revoked.unwrap();
    }
    for visitor in &mut visitors {
        visitor.send(&ask).await.assert_refused(&RefusalReason::ChallengeRequired);
    }
    assert_eq!(one.effects.count(), 0);
}
