//! One browser, one id: when it is given, and that it costs nothing.
use authsignal_emulator::Outcome;
use axum::Router;
use axum::routing::get as on_get;
use axum_authsignal::store::{Error, Store, Version};
use axum_authsignal::{AuthsignalLayer, RefusalReason};

use crate::support::{Ask, Visitor, bench, bench_with, form, get, json, way_back};

fn at_home(ask: Ask) -> Ask {
    ask.header("sec-fetch-site", "same-origin")
}

/// T126: calls that begin at once share the id that the page gave, each proof ends well, and the id stays the same one.
#[tokio::test]
async fn t126_calls_at_once_share_the_id_of_their_page() {
    let bench = bench().await;
    let page = Router::new().route("/", on_get(async || "page")).layer(bench.authsignal.browser_layer());
    let app = bench.app.clone().merge(page);
    let mut ada = Visitor::new(&app, "ada");
    let given = ada.send(&at_home(get("/").navigating())).await.cookie().expect("an id");
    assert_eq!(ada.send(&at_home(get("/").navigating())).await.cookie(), None, "it has one");

    let mut challenges = Vec::new();
    for n in 0..5 {
        // Each leaves before the others' answers are there.
        let mut call = Visitor { cookie: Some(given.clone()), ..ada.clone() };
        let ask = at_home(json(&format!("/pay/{n}"), "{}").header("sec-fetch-mode", "cors"));
        let challenge = call.challenge(&ask).await;
        assert_eq!(call.cookie, Some(format!("{given}.c")), "the same id");
        ada.cookie = call.cookie;
        challenges.push((ask, challenge));
    }
    let mut ended_well = 0;
    for (ask, challenge) in &challenges {
        let back = ada.send(&way_back(&bench.emulator.succeed(challenge).unwrap())).await;
        assert_eq!(back.status, 303, "{}", back.text());
        ada.send(ask).await.assert_passed();
        ended_well += 1;
    }
    println!("{ended_well} of {} calls at once ended well", challenges.len());
    assert_eq!((ended_well, bench.tracks()), (5, 5));
}

/// A store that fails whoever asks it.
#[derive(Debug)]
struct Broken;

impl Store for Broken {
    async fn load(&self, _: &axum_authsignal::store::Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        Err(Error::unavailable("nobody may ask"))
    }

    async fn swap(
        &self,
        _: &axum_authsignal::store::Key,
        _: Option<Version>,
        _: Vec<u8>,
        _: std::time::Duration,
    ) -> Result<bool, Error> {
        Err(Error::unavailable("nobody may ask"))
    }
}

/// T126: an early id costs an allowed request nothing: one call upstream, no store, and a body that nobody read. With its
/// mark taken away, a browser that was challenged is asked about anew, and gains nothing.
#[tokio::test]
async fn t126_an_early_id_asks_no_store_and_reads_no_body() {
    let bench = bench_with(|builder| builder.store(Broken)).await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let mut ada = bench.visitor("ada");
    let first = ada.send(&at_home(get("/pay").navigating())).await;
    first.assert_passed();
    assert!(first.cookie().is_some(), "a page that passes gives the id");
    for ask in [at_home(get("/pay").navigating()), at_home(json("/pay", "{}"))] {
        let reply = ada.send(&ask).await;
        reply.assert_passed();
        assert_eq!(reply.cookie(), None);
    }
    assert_eq!((bench.tracks(), bench.emulator.received_requests().len()), (3, 3));
    // A body that fails whoever reads it reaches the handler unread, and fails there.
    let broken = futures_util::stream::once(async { Err::<bytes::Bytes, _>(std::io::Error::other("read")) });
    let request = ada.request_with(&at_home(json("/pay", "")), axum::body::Body::from_stream(broken));
    let reply = ada.send_request(request).await;
    assert_eq!((reply.status, reply.refusal), (400, None), "the handler's own answer");

    let bench = crate::support::bench().await;
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&get("/pay")).await;
    ada.send(&bench.prove(&challenge)).await;
    let marked = ada.cookie.clone().unwrap();
    let mut stripped = Visitor { cookie: Some(marked.strip_suffix(".c").unwrap().to_owned()), ..ada.clone() };
    stripped.send(&get("/pay")).await.assert_passed();
    assert_eq!(bench.tracks(), 2, "asked anew, and met by the approval of the same browser");
    stripped.challenge(&get("/pay")).await;
    assert_eq!(bench.effects.count(), 1);
}

/// T126, T42: who gets no early id: nobody in particular, scripts, another site's post, who brings one, and what a shared
/// cache may keep.
#[tokio::test]
async fn t126_t42_an_early_id_is_given_with_care() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let page = || get("/pay").navigating();
    for (why, ask, is_given) in [
        ("a page", at_home(page()), true),
        (
            "a link of another site",
            page().header("sec-fetch-site", "cross-site").header("sec-fetch-dest", "document"),
            true,
        ),
        (
            "a frame in another site",
            page().header("sec-fetch-site", "cross-site").header("sec-fetch-dest", "iframe"),
            false,
        ),
        ("a form", at_home(form("/pay", "a=b")), false),
        ("another site's form", form("/pay", "a=b").header("sec-fetch-site", "cross-site"), false),
        ("a script's call", at_home(get("/pay").header("sec-fetch-mode", "cors")), false),
        ("who brings two", at_home(page().header("cookie", "__Host-authsignal=a; __Host-authsignal=b")), false),
    ] {
        let reply = bench.visitor("ada").send(&ask).await;
        reply.assert_passed();
        assert_eq!(reply.cookie().is_some(), is_given, "{why}");
    }
    let mut nobody = Visitor { user: None, ..bench.visitor("x") };
    let reply = nobody.send(&at_home(page())).await;
    reply.assert_refused(&RefusalReason::Unauthenticated);
    assert_eq!(reply.cookie(), None);

    for (control, is_given) in [
        ("", true),
        ("no-store", true),
        ("private, max-age=60", true),
        ("no-cache", true),
        ("public", false),
        ("PUBLIC, max-age=60", false),
        ("max-age=60", false),
        ("s-maxage=60", false),
        ("private, s-maxage=60", false),
    ] {
        let answer = async move || ([("cache-control", control)], "done");
        let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
        let app = Router::new()
            .route("/guarded", on_get(answer).layer(layer))
            .merge(Router::new().route("/page", on_get(answer)).layer(bench.authsignal.browser_layer()));
        for path in ["/guarded", "/page"] {
            let reply = Visitor::new(&app, "ada").send(&at_home(get(path).navigating())).await;
            assert_eq!((reply.status, reply.cookie().is_some()), (200, is_given), "{path} {control}");
        }
    }
    // What the application gives stands beside it.
    for own in ["theirs=1; Path=/", "__Host-authsignal-theme=dark; Path=/"] {
        let answer = async move || ([("set-cookie", own)], "done");
        let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
        let app = Router::new().route("/both", on_get(answer).layer(layer)).layer(bench.authsignal.browser_layer());
        let reply = Visitor::new(&app, "ada").send(&at_home(get("/both").navigating())).await;
        let given: Vec<_> = reply.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
        assert!(matches!(given[..], [first, id] if first == own && id.starts_with("__Host-authsignal=")), "{given:?}");
    }
    // Two layers give one id, and what is challenged inside keeps its own.
    let both = (AuthsignalLayer::new(&bench.authsignal, "pay"), AuthsignalLayer::new(&bench.authsignal, "other"));
    let app = Router::new()
        .route("/both", on_get(async || "done").layer(both))
        .layer(bench.authsignal.browser_layer())
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let reply = ada.send(&at_home(get("/both").navigating())).await;
    reply.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 1);
    assert!(reply.cookie().unwrap().ends_with(".c"));
}
