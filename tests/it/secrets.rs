//! What is in the log, and T10, T97: what nobody may read is in no log of ours and in no `Debug`.
use std::sync::{Arc, LazyLock, Mutex};

use authsignal_emulator::{Endpoint, Fault};
use axum::http::HeaderMap;
use axum::routing::get as getting;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::{Answer, Authsignal, AuthsignalLayer, Budget, Client, RefusalReason, User};

use crate::logs::Log;
use crate::stores::noted;
use crate::support::{Visitor, bench_with, form, get, json, parameter, way_back};

/// The log of the whole process: a subscriber of one thread misses what other tests have logged first. So it has what the
/// other tests do meanwhile as well.
static LOG: LazyLock<Log> = LazyLock::new(|| {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter("axum_authsignal=trace")
        .with_ansi(false)
        .with_writer(log.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    log
});

/// C9: that users pass whom nobody could ask for a proof is in the log, once for each action.
#[tokio::test]
async fn c9_the_unenrolled_who_pass_are_warned_of_once_for_each_action() {
    let log = LOG.clone();
    let bench = bench_with(|builder| builder).await;
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let app = axum::Router::new()
        .route("/one", getting(|| async { "done" }).layer(layer("unasked-one")))
        .route("/two", getting(|| async { "done" }).layer(layer("unasked-two")));
    for target in ["/one", "/one", "/two", "/one", "/two"] {
        for user in ["eve", "mallory"] {
            Visitor::new(&app, user).send(&get(target)).await.assert_passed();
        }
    }
    for action in ["unasked-one", "unasked-two"] {
        let text = log.text();
        let warned = text.lines().filter(|line| line.contains("WARN") && line.ends_with(&format!("action={action}")));
        let warned = warned.collect::<Vec<_>>();
        assert!(matches!(warned[..], [line] if line.contains("nothing enrolled")), "{warned:?}");
    }
}

/// T126: a page's call that is challenged in a browser without an id is warned of once, with the layer that mends it; a
/// navigation is none, nor is a call in a browser that has one.
#[tokio::test]
async fn t126_a_first_call_without_an_id_is_warned_of() {
    let log = LOG.clone();
    let bench = bench_with(|builder| builder).await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "first-call");
    bench.emulator.set_outcome("first-call", authsignal_emulator::Outcome::Challenge);
    let app = axum::Router::new().route("/first", getting(|| async { "done" }).layer(layer));
    let warnings = || {
        let text = log.text();
        let of_ours = |line: &&str| line.contains("WARN") && line.ends_with("action=first-call");
        text.lines().filter(of_ours).map(str::to_owned).collect::<Vec<_>>()
    };
    let call = get("/first").header("sec-fetch-site", "same-origin").header("sec-fetch-mode", "cors");
    let mut ada = Visitor::new(&app, "ada");
    ada.send(&get("/first").navigating()).await.assert_refused(&RefusalReason::ChallengeRequired);
    ada.send(&call).await.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!(warnings(), [""; 0]);
    for _ in 0..2 {
        Visitor::new(&app, "ada").send(&call).await.assert_refused(&RefusalReason::ChallengeRequired);
        assert!(matches!(&warnings()[..], [line] if line.contains("Authsignal::browser_layer")), "{:?}", warnings());
    }
}

/// How a way back ended is in the log, for whoever asks why a user was not let through; and so is a record that was changed.
#[tokio::test]
async fn t44_the_log_says_how_a_flow_ended() {
    let log = LOG.clone();
    let (bench, store) = noted().await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "ended");
    let app = axum::Router::new().route("/ended", getting(|| async { "done" }).layer(layer));
    let app = app.merge(bench.authsignal.routes());
    let said = |ended: &str| {
        let text = log.text();
        let of_ours = |line: &&str| line.contains("action=ended") && line.contains(&format!("outcome=\"{ended}\""));
        text.lines().filter(of_ours).count()
    };
    let mut ada = Visitor::new(&app, "ada");
    let challenge = ada.challenge(&get("/ended").navigating()).await;
    let left = bench.emulator.quit(&challenge).unwrap();
    ada.send(&way_back(&left)).await;
    assert_eq!((said("left"), said("proved")), (1, 0));
    ada.send(&bench.prove(&challenge)).await;
    assert_eq!((said("left"), said("proved")), (1, 1));
    let key = store.last_approved();
    store.put(&key, b"changed").await;
    ada.challenge(&get("/ended").navigating()).await;
    let text = log.text();
    let of_the_record = |line: &str| line.contains("WARN") && line.contains(&key.to_string());
    assert!(text.lines().any(|line| of_the_record(line) && line.contains("does not open")));
}

/// T118, T42: what is refused by a setting is in the log with the setter that mends it.
#[tokio::test]
async fn t118_t42_the_log_names_the_setter_that_lets_more_in() {
    let log = LOG.clone();
    let bench = bench_with(|builder| builder.challenge_budget(1, crate::support::MINUTE)).await;
    let layer = AuthsignalLayer::new(&bench.authsignal, "refused-by-setting");
    let route = axum::routing::any(|| async { "done" }).layer(layer);
    let app = axum::Router::new().route("/one", route.clone()).route("/two", route);
    let said = |setter: &str| {
        let text = log.text();
        let of_ours =
            |line: &&str| line.contains("WARN") && line.contains("refused-by-setting") && line.contains(setter);
        text.lines().filter(of_ours).count()
    };
    let mut ada = Visitor::new(&app, "ada");
    let post = form("/one", "a=b").navigating().header("sec-fetch-site", "same-site");
    let foreign = post.header("origin", "https://sibling.example.com");
    assert_eq!(said("AuthsignalBuilder::page_origin"), 0);
    ada.send(&foreign).await.assert_refused(&RefusalReason::CrossSite);
    assert_eq!(said("AuthsignalBuilder::page_origin"), 1);
    ada.challenge(&get("/one").navigating()).await;
    assert_eq!(said("AuthsignalBuilder::challenge_budget"), 0);
    ada.send(&get("/two").navigating()).await.assert_refused(&RefusalReason::OverBudget(Budget::Challenges));
    assert_eq!(said("AuthsignalBuilder::challenge_budget"), 1);
}

/// T103: a handle on an emulator says so when it is built, with the setting that mends it; one on the service is silent.
#[tokio::test]
async fn t103_an_emulator_in_the_place_of_the_service_is_warned_of() {
    let log = LOG.clone();
    let build = |base_url: &str| {
        let client = Client::builder("canary-103-secret").base_url(base_url).build().unwrap();
        let builder = Authsignal::builder(client).callback_url(crate::support::CALLBACK);
        builder.identify(|_: HeaderMap| async { None::<User> }).build().unwrap()
    };
    let warned = |about: &str| {
        let text = log.text();
        let lines = text.lines().filter(|line| line.contains("stepup_insecure") && line.contains(about));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    for live in ["https://api.authsignal.com/v1", "https://eu.api.authsignal.com/v1", "https://proxy.example.com/v1"] {
        build(live);
        assert_eq!(warned(live), [""; 0]);
    }
    for emulated in ["http://127.0.0.1:10301/v1", "http://localhost:10302/v1", "http://[::1]:10303/v1"] {
        build(emulated);
        let lines = warned(emulated);
        assert!(
            matches!(&lines[..], [line] if line.contains("WARN") && line.contains("AUTHSIGNAL_API_URL")),
            "{lines:?}"
        );
    }
    assert!(!log.text().contains("canary-103-secret"));
}

/// T20: whoever has to act finds the host and the setter in the log, and no token.
#[tokio::test]
async fn a_refused_challenge_host_is_in_the_log_with_its_setter() {
    let log = LOG.clone();
    let bench = bench_with(|builder| builder).await;
    for (url, host, setter) in [
        ("https://mfa.refused.example/in?token=canary-url", "mfa.refused.example", "AuthsignalBuilder::challenge_host"),
        ("http://refused:4000/in?token=canary-url", "refused", "AUTHSIGNAL_DANGEROUSLY_ALLOW_HTTP_TO"),
    ] {
        bench.emulator.inject_fault(Endpoint::Track, Fault::merge(serde_json::json!({ "url": url })));
        let reply = bench.visitor("ada").send(&get("/pay")).await;
        assert_eq!((reply.status, reply.reason()), (502, Some(&RefusalReason::UntrustedChallenge)), "{url}");
        let text = log.text();
        let is_error = |line: &&str| line.contains("ERROR") && line.contains(&format!("`{host}`"));
        let told: Vec<_> = text.lines().filter(is_error).collect();
        assert!(matches!(told[..], [line] if line.contains(setter)), "{told:?}");
        assert!(!text.contains("canary-url"), "{url}");
    }
}

/// Flows of every ending, with everything of ours logged: not one secret shows.
#[tokio::test]
async fn t10_t97_no_secret_is_logged_or_shown() {
    let log = LOG.clone();
    let shown = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&shown);
    let bench = bench_with(|builder| {
        let store = MemoryStore::new().clock(crate::support::clock());
        let builder =
            builder.store(store).secret(*b"canary-master-secret-of-32-bytes").respond(move |parts, answer| {
                let parts = parts.uri.path();
                *seen.lock().unwrap() += &format!("{parts} {answer:?}\n");
                if let Answer::Challenge(challenge) = answer {
                    *seen.lock().unwrap() += &format!("{challenge:?} {:?}\n", challenge.token());
                }
                None
            });
        *shown.lock().unwrap() += &format!("{builder:?}\n");
        builder
    })
    .await;

    let mut secrets = vec![
        ("API secret", bench.emulator.secret().to_owned()),
        ("master secret", "canary-master-secret".to_owned()),
        ("session", "canary-session".to_owned()),
        ("form value", "canary-value".to_owned()),
        ("password", "canary-password".to_owned()),
        ("JSON", "canary-json".to_owned()),
        ("query", "canary-query".to_owned()),
    ];
    let mut ada = bench.visitor("ada").in_session("canary-session");
    let asks = [
        form("/pay?q=canary-query", "to=canary-value&password=canary-password"),
        json("/pay", "{\"a\":\"canary-json\"}"),
        get("/kept?q=canary-query").navigating(),
    ];
    for ask in &asks {
        let challenge = ada.challenge(ask).await;
        let quit = bench.emulator.quit(&challenge).unwrap();
        ada.send(&way_back(&quit)).await;
        let back = bench.emulator.succeed(&challenge).unwrap();
        for url in [&challenge, &quit, &back] {
            secrets.push(("token", parameter(url, "token").unwrap()));
        }
        // Everything that can go wrong on the way back is logged as well.
        for fault in
            [Fault::status(401), Fault::body(200, "text/html", "x"), Fault::merge(serde_json::json!({"userId": "bob"}))]
        {
            bench.emulator.inject_fault(Endpoint::ValidateChallenge, fault);
            ada.send(&way_back(&back)).await;
        }
        ada.signed_in_as("bob").send(&way_back(&back)).await;
        ada.elsewhere().send(&way_back(&back)).await;
        let doubled = format!("{0}; {0}", ada.cookie.as_ref().unwrap());
        Visitor { cookie: Some(doubled), ..ada.clone() }.send(&way_back(&back)).await;
        assert_eq!(ada.send(&way_back(&back)).await.status, 303);
        ada.send(ask).await.assert_passed();
    }
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(401));
    ada.send(&form("/other", "to=canary-value")).await;
    bench.emulator.inject_fault(Endpoint::Track, Fault::state("BLOCK"));
    ada.send(&json("/other", "{\"a\":\"canary-json\"}")).await;
    let declined = ada.challenge(&get("/other").navigating()).await;
    ada.send(&way_back(&bench.emulator.decline(&declined).unwrap())).await;
    secrets.push(("cookie", ada.cookie.clone().unwrap().split_once('=').unwrap().1.to_owned()));

    let verdict = bench.effects.last().verdict.unwrap();
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
    let service = tower::Layer::layer(&layer, axum::routing::get(|| async {}).with_state::<()>(()));
    let refusal = ada.send(&json("/other", "{}")).await.refusal.unwrap();
    assert_eq!(refusal.reason(), &RefusalReason::ChallengeRequired);
    *shown.lock().unwrap() += &format!(
        "{:?} {:?} {layer:?} {service:?} {verdict:?} {refusal:?} {:?} {:#?}",
        bench.authsignal,
        bench.authsignal.client(),
        bench.emulator,
        crate::support::who(&ada.request(&asks[0]).into_parts().0.headers),
    );

    let (log, shown) = (log.text(), shown.lock().unwrap().clone());
    for expected in
        ["back from a challenge", "request challenged", "request refused", "way back refused", "request passed"]
    {
        assert!(log.contains(expected), "{expected} is not in the log: {log}");
    }
    assert!(!log.contains("eyJ"), "a token in the log: {log}");
    for (what, secret) in &secrets {
        assert!(!secret.is_empty());
        assert!(!log.contains(secret.as_str()), "{what} in the log: {log}");
        assert!(!shown.contains(secret.as_str()), "{what} in Debug: {shown}");
        // Nor the signature of a token alone.
        if let Some(signature) = secret.rsplit('.').next().filter(|_| *what == "token") {
            assert!(!log.contains(signature) && !shown.contains(signature), "{what}");
        }
    }
    println!("{} secrets in {} bytes of log and {} of Debug: 0 hits", secrets.len(), log.len(), shown.len());
}
