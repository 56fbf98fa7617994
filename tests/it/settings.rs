//! Wrong settings, who is asking, and what the service is told.
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;

use authsignal_emulator::Outcome;
use axum::Router;
use axum::extract::{ConnectInfo, OriginalUri, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum_authsignal::client::CustomData;
use axum_authsignal::{
    Authsignal, AuthsignalBuilder, AuthsignalLayer, Client, ConfigError, Identify, IpSource, RefusalReason, User,
};

use crate::support::{CALLBACK, Visitor, bench, bench_with, builder, clock, emulator, get, handle, parameter, who};

fn fresh() -> AuthsignalBuilder {
    Authsignal::builder(Client::builder("secret").build().unwrap())
}

fn complete() -> AuthsignalBuilder {
    fresh().callback_url(CALLBACK).identify_parts(|_| None)
}

/// Every setting that cannot work is found when the handle is built.
#[test]
fn wrong_settings_are_errors_of_build() {
    let error = |builder: AuthsignalBuilder| builder.build().unwrap_err();
    assert_eq!(error(fresh()), ConfigError::MissingCallbackUrl);
    assert_eq!(error(fresh().callback_url(CALLBACK)), ConfigError::MissingIdentify);
    let short = error(complete().secret("short"));
    assert!(matches!(short, ConfigError::WeakSecret { length: 5, least: 32, .. }), "{short:?}");
    let older = error(complete().secret([0; 32]).older_secret([0; 31]));
    assert!(matches!(older, ConfigError::WeakSecret { length: 31, .. }), "{older:?}");
    for path in
        ["", "home", "//evil.example", "https://evil.example/", "/\\evil", "/a b", "/#x", "/authsignal/callback?x"]
    {
        let found = error(complete().home(path));
        assert!(matches!(&found, ConfigError::Home { path: found, .. } if found == path), "{path}: {found:?}");
    }
    for origin in ["", "app.example.com", "http://app.example.com", "https://app.example.com/x", "null", "*"] {
        let found = error(complete().page_origin(origin));
        assert!(matches!(found, ConfigError::PageOrigin { .. }), "{origin}: {found:?}");
    }
    for (prefix, callback) in
        [("", CALLBACK), ("app", CALLBACK), ("/app", CALLBACK), ("/app", "https://app.example.com/app")]
    {
        let found = error(fresh().identify_parts(|_| None).callback_url(callback).public_prefix(prefix));
        assert!(matches!(&found, ConfigError::PublicPrefix { .. }), "{prefix}: {found:?}");
    }
    let outside = error(complete().public_prefix("/app")).to_string();
    assert!(outside.contains("/app") && outside.contains("callback URL"), "{outside}");
    for name in ["", "https://www.example.com", "www.example.com/x", "*.example.com", "app.example.com"] {
        let found = error(complete().also_at(name));
        assert!(matches!(&found, ConfigError::HostName { .. }), "{name}: {found:?}");
    }
    let own = error(complete().callback_url_at("preview.example.com", "http://preview.example.com/x"));
    assert!(matches!(own, ConfigError::CallbackUrl { .. }), "{own:?}");
    for host in ["", "https://x.example", "x.example/", "x.example:443", "*.example.com", "127.0.0.1", "a b"] {
        let found = error(complete().challenge_host(host));
        assert!(matches!(&found, ConfigError::ChallengeHost { host: found, .. } if found == host), "{host}: {found:?}");
    }
    for url in [
        "",
        "/authsignal/callback",
        "app.example.com/x",
        "http://app.example.com/x",
        "http://127.0.0.1:3000/x",
        "http://localhost/x",
        "ftp://app.example.com/x",
        "javascript:alert(1)",
        "https://user@app.example.com/x",
        "https://user:pw@app.example.com/x",
        "https://app.example.com/x#y",
        "https://app.example.com/x?flow=1",
        "https://app.example.com/x?token=1",
        "https://app.example.com/x?hop=1",
        "https://app.example.com/:x",
        "https://app.example.com/a/*x",
        "https://app.example.com//x",
    ] {
        let found = error(fresh().callback_url(url).identify_parts(|_| None));
        assert!(matches!(found, ConfigError::CallbackUrl { .. }), "{url}: {found:?}");
        assert!(!found.to_string().contains("user@") && !found.to_string().contains("pw"), "{found}");
    }
    for (url, why) in [
        ("http://localhost/x", "needs `with_insecure_cookies`"),
        ("http://app.example.com/x", "on loopback only"),
        ("ftp://app.example.com/x", "neither `https` nor `http`"),
    ] {
        let found = error(fresh().callback_url(url).identify_parts(|_| None)).to_string();
        assert!(found.contains(why), "{url}: {found}");
    }
    let secure = fresh().callback_url("https://app.example.com/x").identify_parts(|_| None).with_insecure_cookies();
    assert!(error(secure).to_string().contains("`with_insecure_cookies` is for `http`"));
    for url in ["https://app.example.com/x", "http://app.example.com/x", "https://localhost/x"] {
        let found = error(fresh().callback_url(url).identify_parts(|_| None).with_insecure_cookies());
        assert!(matches!(found, ConfigError::CallbackUrl { .. }), "{url}");
    }
    for url in ["http://localhost:3000/x", "http://127.0.0.1/x", "http://[::1]:80/x"] {
        assert!(fresh().callback_url(url).identify_parts(|_| None).with_insecure_cookies().build().is_ok(), "{url}");
    }
    assert!(
        complete()
            .secret([0; 32])
            .older_secret([1; 32])
            .home("/a?b=c")
            .challenge_host("mfa.example.com")
            .build()
            .is_ok()
    );
    assert!(fresh().callback_url("https://app.example.com/x?lang=en").identify_parts(|_| None).build().is_ok());
}

#[test]
fn an_action_that_is_none_is_an_error_or_a_panic_of_the_layer() {
    let authsignal = complete().build().unwrap();
    let long = "a".repeat(65);
    for action in ["", "a b", "a/b", "pay!", "zahlen\u{fc}", &long] {
        let found = AuthsignalLayer::try_new(&authsignal, action).unwrap_err();
        assert!(matches!(&found, ConfigError::Action { action: found, .. } if found == action), "{action}: {found:?}");
        let panic =
            std::panic::catch_unwind(AssertUnwindSafe(|| AuthsignalLayer::new(&authsignal, action))).unwrap_err();
        assert_eq!(panic.downcast_ref::<String>(), Some(&found.to_string()));
    }
    assert!(AuthsignalLayer::try_new(&authsignal, "A-z_09").is_ok());
}

/// What the service is told about the user's surroundings, and where it is to send the user back.
#[tokio::test]
async fn facts_of_the_request_are_tracked() {
    let clock = clock();
    let emulator = emulator(&clock).await;
    emulator.set_outcome("export", Outcome::Allow);
    let authsignal = builder(&emulator, &clock)
        .identify(|headers: HeaderMap| async move {
            who(&headers).map(|user| user.email("ada@example.com").phone_number("+6421000000").username("Ada"))
        })
        .build()
        .unwrap();
    let layer = AuthsignalLayer::new(&authsignal, "export")
        .custom(|parts| CustomData::new().with("query", parts.uri.query().unwrap_or_default()).with("rows", 7));
    let effects = crate::support::Effects::default();
    let app = Router::new().route("/export", any(handle).layer(layer)).with_state(effects.clone());
    let mut ada = Visitor::new(&app, "ada");
    let ask = get("/export?all=1")
        .header("user-agent", "Mozilla/5.0 (test)")
        .header("cookie", "__as_aid=a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d")
        .header("x-forwarded-for", "6.6.6.6")
        .header("host", "evil.example");
    let mut request = ada.request(&ask);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 9], 4711))));
    ada.send_request(request).await.assert_passed();
    let tracked = emulator.received_requests()[0].json();
    for (member, want) in [
        ("ipAddress", "203.0.113.9"),
        ("userAgent", "Mozilla/5.0 (test)"),
        ("deviceId", "a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d"),
        ("email", "ada@example.com"),
        ("phoneNumber", "+6421000000"),
        ("username", "Ada"),
    ] {
        assert_eq!(tracked[member], want, "{member}: {tracked}");
    }
    assert_eq!(tracked["custom"], serde_json::json!({ "query": "all=1", "rows": 7 }));
    // T9: our own address, whatever Host says.
    let redirect = tracked["redirectUrl"].as_str().unwrap();
    assert!(redirect.starts_with(&format!("{CALLBACK}?flow=")), "{redirect}");
    assert_eq!(parameter(redirect, "flow").unwrap().len(), 43);
    assert!(!tracked["idempotencyKey"].as_str().unwrap().is_empty());
    ada.send(&ask).await.assert_passed();
    let second = emulator.received_requests()[1].json();
    assert_ne!(second["idempotencyKey"], tracked["idempotencyKey"]);
    assert_ne!(second["redirectUrl"], tracked["redirectUrl"]);
    assert_eq!(second.get("ipAddress"), None, "no peer, no address, whatever the headers say");
}

#[tokio::test]
async fn the_address_comes_from_the_hop_that_was_named() {
    let bench = bench_with(|builder| builder.ip_source(IpSource::RightmostXForwardedFor)).await;
    bench.visitor("ada").send(&get("/pay").header("x-forwarded-for", "6.6.6.6, 192.0.2.7")).await;
    assert_eq!(bench.tracked()["ipAddress"], "192.0.2.7");
}

/// A way to tell who is asking that takes a type of its own.
struct ByHeader;

impl Identify for ByHeader {
    async fn identify(&self, parts: &mut Parts) -> Result<Option<User>, Response> {
        match parts.headers.get("x-locked") {
            Some(_) => Err((StatusCode::LOCKED, "locked out").into_response()),
            None => Ok(who(&parts.headers)),
        }
    }
}

/// Each way to say who is asking: it finds the user, and nobody.
#[tokio::test]
async fn every_way_to_identify_works() {
    let clock = clock();
    let emulator = emulator(&clock).await;
    emulator.set_outcome("pay", Outcome::Allow);
    let fresh = || Authsignal::builder(emulator.client()).callback_url(CALLBACK);
    let outcome = |user: Option<User>| user.ok_or(StatusCode::IM_A_TEAPOT);
    let ways = [
        ("one", fresh().identify(|headers: HeaderMap| async move { who(&headers) }), 401),
        ("two", fresh().identify(|_: Method, headers: HeaderMap| async move { who(&headers) }), 401),
        (
            "three",
            fresh().identify(|_: Method, uri: OriginalUri, headers: HeaderMap| async move {
                assert_eq!(uri.path(), "/pay");
                who(&headers)
            }),
            401,
        ),
        ("result", fresh().identify(move |headers: HeaderMap| async move { outcome(who(&headers)) }), 418),
        (
            "result of an option",
            fresh().identify(|headers: HeaderMap| async move { Ok::<_, StatusCode>(who(&headers)) }),
            401,
        ),
        (
            "state",
            fresh().identify_with_state("x-user", |State(name): State<&'static str>, headers: HeaderMap| async move {
                Some(User::new(headers.get(name)?.to_str().ok()?))
            }),
            401,
        ),
        ("parts", fresh().identify_parts(|parts| who(&parts.headers)), 401),
        ("type", fresh().identify_with(ByHeader), 401),
    ];
    for (way, builder, nobody) in ways {
        let authsignal = builder.build().unwrap();
        let effects = crate::support::Effects::default();
        let app = crate::support::app(&authsignal, &effects);
        let mut ada = Visitor::new(&app, "ada");
        ada.send(&get("/pay")).await.assert_passed();
        assert_eq!(effects.last().verdict.unwrap().user_id().as_str(), "ada", "{way}");
        let tracks = emulator.received_requests().len();
        ada.user = None;
        assert_eq!(ada.send(&get("/pay")).await.status, nobody, "{way}");
        assert_eq!((effects.count(), emulator.received_requests().len()), (1, tracks), "{way}");
    }
}

/// An extractor's own rejection is returned as it is, and costs no call.
#[tokio::test]
async fn a_rejection_is_returned_as_it_is() {
    let bench = bench_with(|builder| builder.identify_with(ByHeader)).await;
    let reply = bench.visitor("ada").send(&get("/pay").header("x-locked", "1")).await;
    assert_eq!((reply.status, reply.text()), (423, "locked out"));
    assert_eq!(reply.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(reply.reason(), Some(&RefusalReason::IdentifyRejected));
    assert_eq!(reply.header("cache-control"), "", "nothing is added to it");
    assert_eq!((bench.effects.count(), bench.emulator.received_requests().len()), (0, 0));
}

/// T9: the callback address that the service is told never comes from the request.
#[tokio::test]
async fn t9_host_headers_change_nothing() {
    let bench = bench().await;
    for header in ["host", "x-forwarded-host", "forwarded", "x-forwarded-proto", "x-original-url", "x-rewrite-url"] {
        let mut ada = bench.visitor("ada");
        let challenge = ada.challenge(&get("/pay").navigating().header(header, "evil.example")).await;
        assert!(bench.tracked()["redirectUrl"].as_str().unwrap().starts_with(CALLBACK), "{header}");
        let back = ada.send(&bench.prove(&challenge).header(header, "evil.example")).await;
        assert_eq!(back.location(), "/pay", "{header}");
    }
}
