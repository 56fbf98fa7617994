//! What a page is told before the click: of its own user, session, browser and request alone, and without a call or a write.
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::any;
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::{Authsignal, AuthsignalLayer, Coverage, Outage, RefusalReason};
use serde_json::{Value, json};

use crate::programs::{TOKEN, bearers};
use crate::support::{
    Ask, Bench, CALLBACK, Effects, MINUTE, Reply, Visitor, bench_with, clock, get, handle, post, who,
};

/// A store in memory that counts what it is asked for, and can be gone.
#[derive(Clone, Debug)]
struct Counting {
    inner: MemoryStore,
    counts: Arc<[AtomicUsize; 2]>,
    is_gone: Arc<AtomicBool>,
}

impl Counting {
    fn new() -> Self {
        let inner = MemoryStore::new().clock(clock());
        Self { inner, counts: Arc::default(), is_gone: Arc::default() }
    }

    fn count(&self, at: usize) -> Result<(), Error> {
        self.counts[at].fetch_add(1, Ordering::SeqCst);
        if self.is_gone.load(Ordering::SeqCst) { Err(Error::unavailable("the connection is gone")) } else { Ok(()) }
    }

    /// How often it was loaded from, and swapped in.
    fn counts(&self) -> [usize; 2] {
        [0, 1].map(|at: usize| self.counts[at].load(Ordering::SeqCst))
    }
}

impl Store for Counting {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        self.count(0)?;
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.count(1)?;
        Store::swap(&self.inner, key, expected, value, ttl).await
    }
}

/// Every coverage, good once and remembered.
const KINDS: [&str; 6] = ["request", "route", "action", "request-kept", "route-kept", "action-kept"];

fn layer(authsignal: &Authsignal, kind: &str) -> AuthsignalLayer {
    let (coverage, is_kept) = kind.strip_suffix("-kept").map_or((kind, false), |coverage| (coverage, true));
    let coverage = match coverage {
        "request" => Coverage::Request,
        "route" => Coverage::Route,
        _ => Coverage::Action,
    };
    AuthsignalLayer::new(authsignal, kind).covers(coverage).remember(if is_kept { MINUTE * 10 } else { Duration::ZERO })
}

/// `/{kind}/{id}` is guarded as that kind, and `/{kind}/{id}/step-up` tells of it; `/nest/{kind}` the same in a nest.
fn shop(authsignal: &Authsignal, effects: &Effects) -> Router {
    let mut nested = Router::new();
    let mut router = Router::new();
    for kind in KINDS {
        let layer = layer(authsignal, kind);
        for (router, path) in [(&mut router, format!("/{kind}/{{id}}")), (&mut nested, format!("/{kind}"))] {
            *router = std::mem::take(router)
                .route(&format!("{path}/step-up"), layer.requirement())
                .route(&path, any(handle).layer(layer.clone()));
        }
    }
    let root = layer(authsignal, "request");
    let nested = nested.route("/step-up", root.requirement()).route("/", any(handle).layer(root));
    router.nest("/nest/{shop}", nested).with_state(effects.clone()).merge(authsignal.routes())
}

async fn bench() -> (Bench, Counting) {
    let store = Counting::new();
    let mut bench = bench_with(|builder| bearers(builder).store(store.clone())).await;
    bench.app = shop(&bench.authsignal, &bench.effects);
    (bench, store)
}

fn pay(path: &str) -> Ask {
    post(&format!("{path}?currency=nzd"), "application/json", r#"{"amount":10}"#)
        .header("sec-fetch-site", "same-origin")
}

/// The same request, one segment further down.
fn below(ask: &Ask) -> Ask {
    let (path, query) = ask.target.split_once('?').map_or((&*ask.target, None), |(path, query)| (path, Some(query)));
    let target = query.map_or_else(|| format!("{path}/step-up"), |query| format!("{path}/step-up?{query}"));
    Ask { target, ..ask.clone() }
}

async fn asks(visitor: &Visitor, ask: &Ask) -> Reply {
    let reply = visitor.clone().send(&below(ask)).await;
    reply.assert_private();
    assert!(!reply.headers.contains_key("set-cookie"), "a question sets no cookie");
    reply
}

#[track_caller]
fn assert_told(reply: &Reply, told: &Value, why: &str) {
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"), "{why}: {}", reply.text());
    assert_eq!(&reply.json(), told, "{why}");
}

fn unknown() -> Value {
    json!({ "status": "unknown" })
}

/// Each coverage in each stage of a flow, with what the guard then does beside it. The emulator hears of no question, and the
/// store of no write.
#[tokio::test]
async fn each_coverage_is_told_in_each_stage() {
    let (bench, store) = bench().await;
    let mut asked = 0;
    for kind in KINDS {
        let is_kept = kind.ends_with("-kept");
        for path in [format!("/{kind}/7"), format!("/nest/north/{kind}")] {
            let ask = pay(&path);
            let mut ada = bench.visitor("ada").in_session(&path);
            let mut told = async |ada: &Visitor, told: Value, why: &str| {
                let before = (store.counts()[1], bench.emulator.received_requests().len(), bench.effects.count());
                assert_told(&asks(ada, &ask).await, &told, &format!("{path}: {why}"));
                let after = (store.counts()[1], bench.emulator.received_requests().len(), bench.effects.count());
                assert_eq!(before, after, "{path}: {why}: nothing is written, called or done");
                asked += 1;
            };
            told(&ada, unknown(), "no cookie yet").await;
            let challenge = ada.challenge(&ask).await;
            told(&ada, json!({ "status": "pending" }), "challenged").await;
            assert_eq!(ada.challenge(&ask).await, challenge);

            bench.clock.advance(MINUTE * 9 + Duration::from_secs(1));
            told(&ada, unknown(), "too late to hand it out again").await;
            let challenge = ada.challenge(&ask).await;
            let now = bench.clock.now();
            ada.send(&bench.prove(&challenge)).await;
            let life = if is_kept { MINUTE * 10 } else { MINUTE * 5 };
            let until = jiff::Timestamp::try_from(now + life).unwrap().to_string();
            let approved = json!({ "status": "approved", "until": until });
            for _ in 0..3 {
                told(&ada, approved.clone(), "proved").await;
            }
            if path == "/request/7" {
                println!("{approved}");
            }
            ada.send(&ask).await.assert_passed();
            told(&ada, if is_kept { approved } else { unknown() }, "used").await;
            if !is_kept {
                bench.clock.advance(Duration::from_secs(11));
                bench.approve(&mut ada, &ask).await;
            }
            bench.clock.advance(life);
            told(&ada, unknown(), "run out").await;

            let challenge = ada.challenge(&ask).await;
            ada.send(&crate::support::way_back(&bench.emulator.decline(&challenge).unwrap())).await;
            told(&ada, unknown(), "failed").await;

            bench.approve(&mut ada, &ask).await;
            assert_eq!(asks(&ada, &ask).await.json()["status"], "approved");
            bench.authsignal.forget("ada", "another session").await.unwrap();
            assert_eq!(asks(&ada, &ask).await.json()["status"], "approved");
            bench.authsignal.revoke("ada").await.unwrap();
            told(&ada, unknown(), "revoked").await;
        }
    }
    println!("{asked} questions, 0 calls, 0 writes");
}

/// T16, T28 to T30, T40: an approval, or a challenge that waits, is told of to its own user in its own session and browser for
/// what it covers, and to nobody else.
#[tokio::test]
async fn t16_t28_t29_t30_t40_nobody_else_is_told_of_an_approval() {
    let (bench, store) = bench().await;
    let other = Authsignal::builder(
        axum_authsignal::Client::builder("another-key").base_url(bench.emulator.base_url()).build().unwrap(),
    )
    .callback_url(CALLBACK)
    .clock(bench.clock.clone())
    .store(store.clone())
    .identify_parts(|parts| who(&parts.headers))
    .build()
    .unwrap();
    let other_tenant = shop(&other, &bench.effects);
    let mut told = [0, 0];
    for kind in KINDS {
        for is_approved in [false, true] {
            let ask = pay(&format!("/{kind}/7"));
            let mut ada = bench.visitor("ada").in_session("s1");
            if is_approved {
                bench.approve(&mut ada, &ask).await;
            } else {
                ada.challenge(&ask).await;
            }
            let status = if is_approved { "approved" } else { "pending" };
            let mut eve = bench.visitor("ada").in_session("s1");
            eve.challenge(&pay(&format!("/{kind}/eve"))).await;
            let cookie = ada.cookie.clone().unwrap();
            let with = |cookie: String| Visitor { cookie: Some(cookie), ..ada.clone() };
            let strangers = [
                ("another user", ada.signed_in_as("bob")),
                ("nobody", Visitor { user: None, ..ada.clone() }),
                ("another session", ada.in_session("s2")),
                ("no session", Visitor { session: None, ..ada.clone() }),
                ("a browser without a cookie", ada.elsewhere()),
                ("a browser with another cookie", Visitor { cookie: eve.cookie, ..ada.clone() }),
                ("a cookie without its mark", with(cookie.strip_suffix(".c").unwrap().to_owned())),
                ("two cookies", with(format!("{cookie}; {cookie}"))),
                ("another tenant", Visitor { app: other_tenant.clone(), ..ada.clone() }),
            ];
            for (who, stranger) in &strangers {
                // The other browser has a challenge of its own that covers as much.
                if *who == "a browser with another cookie" && !kind.starts_with("request") {
                    assert_told(&asks(stranger, &ask).await, &json!({ "status": "pending" }), who);
                } else {
                    assert_told(&asks(stranger, &ask).await, &unknown(), &format!("{kind}, {status}: {who}"));
                }
                told[0] += 1;
            }
            // The same user, and another request.
            let others = [
                (
                    "another action",
                    pay(&format!("/{}/7", KINDS[(KINDS.iter().position(|k| *k == kind).unwrap() + 1) % 6])),
                    false,
                ),
                ("another id", pay(&format!("/{kind}/8")), !kind.starts_with("request")),
                (
                    "another query",
                    post(&format!("/{kind}/7?currency=usd"), "application/json", r#"{"amount":10}"#),
                    !kind.starts_with("request"),
                ),
                (
                    "another body",
                    post(&ask.target, "application/json", r#"{"amount":99}"#),
                    !kind.starts_with("request"),
                ),
                ("another type", post(&ask.target, "text/plain", r#"{"amount":10}"#), !kind.starts_with("request")),
                ("another method", Ask { method: http::Method::PUT, ..ask.clone() }, kind.starts_with("action")),
                (
                    "an overridden method",
                    ask.clone().header("x-http-method-override", "DELETE"),
                    kind.starts_with("action"),
                ),
                ("another route", pay(&format!("/nest/north/{kind}")), kind.starts_with("action")),
                ("a plain GET", get(&format!("/{kind}/7")), kind.starts_with("action")),
                ("the same", ask.clone(), true),
                ("the same with a token", ask.clone().header(TOKEN, "ey.another"), true),
            ];
            for (which, other, is_covered) in others {
                let other = other.header("sec-fetch-site", "same-origin");
                let reply = asks(&ada, &other).await;
                let found = reply.json()["status"].as_str().unwrap().to_owned();
                assert_eq!(found, if is_covered { status } else { "unknown" }, "{kind}, {status}: {which}");
                told[usize::from(is_covered)] += 1;
            }
            bench.clock.advance(MINUTE * 20);
        }
    }
    println!("{} were told nothing, {} what is theirs", told[0], told[1]);
}

/// T42: whatever a browser says of where it comes from, other than our own origin, is refused without a word of the state, before
/// anybody is identified or the store is asked.
#[tokio::test]
async fn t42_only_pages_of_our_own_origin_are_told() {
    let store = Counting::new();
    let mut bench = bench_with(|builder| builder.store(store.clone()).page_origin("https://spa.example.com")).await;
    bench.app = shop(&bench.authsignal, &bench.effects);
    let mut refused = 0;
    for kind in KINDS {
        let ask = pay(&format!("/{kind}/7"));
        let mut ada = bench.visitor("ada");
        bench.approve(&mut ada, &ask).await;
        let sites = ["", "same-origin", "same-site", "cross-site", "none", "other"];
        let origins = [
            "",
            "https://app.example.com",
            "https://spa.example.com",
            "https://evil.example",
            "null",
            "http://app.example.com",
            "https://app.example.com:8443",
            "https://app.example.com.evil.example",
        ];
        for (site, origin) in sites.iter().flat_map(|site| origins.iter().map(move |origin| (*site, *origin))) {
            let mut from = ask.clone();
            from.headers.remove("sec-fetch-site");
            for (name, value) in [("sec-fetch-site", site), ("origin", origin)] {
                if !value.is_empty() {
                    from = from.header(name, value);
                }
            }
            let before = store.counts();
            let reply = asks(&ada, &from).await;
            let is_own = ["", "same-origin"].contains(&site) && ["", "https://app.example.com"].contains(&origin);
            if is_own {
                assert_eq!(reply.json()["status"], "approved", "{site} {origin}");
            } else {
                reply.assert_refused(&RefusalReason::CrossSite);
                assert_eq!(reply.status, 403);
                assert!(!reply.text().contains("approved") && store.counts() == before, "{}", reply.text());
                refused += 1;
            }
            assert_eq!(reply.header("cross-origin-resource-policy"), "same-origin");
            assert!(!reply.headers.contains_key("access-control-allow-origin"));
        }
    }
    println!("{refused} questions from elsewhere, 0 answered");
}

/// A store that fails is no answer.
#[tokio::test]
async fn a_store_that_fails_is_said() {
    let (bench, store) = bench().await;
    let ask = pay("/action-kept/7");
    let mut ada = bench.visitor("ada");
    bench.approve(&mut ada, &ask).await;
    store.is_gone.store(true, Ordering::SeqCst);
    let reply = asks(&ada, &ask).await;
    reply.assert_refused(&RefusalReason::Outage(Outage::Store));
    assert_eq!((reply.status, reply.header("retry-after")), (503, "5"));
    // Whom there is nothing to look up for is told so all the same.
    assert_told(&asks(&ada.elsewhere(), &ask).await, &unknown(), "no cookie");
    store.is_gone.store(false, Ordering::SeqCst);
    assert_eq!(asks(&ada, &ask).await.json()["status"], "approved");
}

/// Nothing is remembered for bearer clients; extractors see no token, and one that refuses is nobody.
#[tokio::test]
async fn who_has_no_browser_is_told_nothing() {
    let (bench, _) = bench().await;
    let ask = pay("/action-kept/7").header("x-bearer", "key-1");
    let mut client = bench.visitor("ada");
    client.challenge(&ask).await;
    assert_told(&asks(&client, &ask.clone().header(TOKEN, "ey.another")).await, &unknown(), "a bearer client");
    let mut both = bench.visitor("ada");
    both.challenge(&pay("/action-kept/7")).await;
    assert_told(&asks(&both, &ask).await, &unknown(), "a bearer client with a browser's cookie");

    for (status, is_handed_on) in [(401, false), (302, false), (500, true)] {
        let status = axum::http::StatusCode::from_u16(status).unwrap();
        let rejecting = crate::support::builder(&bench.emulator, &bench.clock)
            .identify(move |_: axum::http::HeaderMap| async move { Err::<axum_authsignal::User, _>(status) })
            .build()
            .unwrap();
        let visitor = Visitor { app: shop(&rejecting, &bench.effects), ..both.clone() };
        let reply = asks(&visitor, &pay("/action/7")).await;
        if is_handed_on {
            assert_eq!((reply.status, reply.reason()), (500, Some(&RefusalReason::IdentifyRejected)));
        } else {
            assert_told(&reply, &unknown(), "an extractor that refuses");
        }
    }
}

/// A body that is too long for an approval is covered by none, and an address that has nothing above it is the root.
#[tokio::test]
async fn odd_questions_are_answered() {
    let (bench, _) = bench().await;
    let mut ada = bench.visitor("ada");
    let root = pay("/nest/north");
    bench.approve(&mut ada, &root).await;
    assert_eq!(asks(&ada, &root).await.json()["status"], "approved");
    let long = post("/request/7", "text/plain", vec![b'x'; 64 * 1024 + 1]);
    assert_told(&asks(&ada, &long).await, &unknown(), "too long");
}
