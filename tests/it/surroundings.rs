//! What Authsignal is told of the browser and where it is asked to answer, and the layers of others around the callback.
use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;
use axum::routing::any;
use axum_authsignal::{AuthsignalLayer, ConfigError, IpSource, RefusalReason, User, request_span};
use serde_json::{Value, json};
use tower::{Layer as _, ServiceExt as _};
use tower_http::normalize_path::NormalizePathLayer;
use tower_http::trace::TraceLayer;

use crate::logs::Log;
use crate::support::{Bench, CALLBACK, Reply, Visitor, bench, bench_with, builder, get, handle, parameter, way_back};

fn guarded(bench: &Bench, change: impl FnOnce(AuthsignalLayer) -> AuthsignalLayer) -> Visitor {
    let layer = change(AuthsignalLayer::new(&bench.authsignal, "manage"));
    let app = Router::new().route("/manage", any(handle).layer(layer)).with_state(bench.effects.clone());
    Visitor::new(&app, "ada")
}

/// The language that the browser likes best is told, by the weights it gives; the application's own word counts for more.
#[tokio::test]
async fn the_browsers_language_is_told() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    for (accepted, told) in [
        ("de-AT,de;q=0.9,en;q=0.8", json!("de-AT")),
        ("en;q=0.1, fr", json!("fr")),
        ("en;q=0", Value::Null),
        ("*", Value::Null),
        ("<script>", Value::Null),
    ] {
        ada.send(&get("/pay").header("accept-language", accepted)).await;
        assert_eq!(bench.tracked()["locale"], told, "{accepted}");
        ada = ada.elsewhere();
    }
    ada.send(&get("/pay")).await;
    assert_eq!(bench.tracked().get("locale"), None);

    let bench = bench_with(|builder| builder.identify(|_: HeaderMap| async { User::new("ada").locale("mi-NZ") })).await;
    bench.visitor("ada").send(&get("/pay").header("accept-language", "de")).await;
    assert_eq!(bench.tracked()["locale"], "mi-NZ");
}

#[tokio::test]
async fn scope_and_settings_are_told_where_a_layer_asks_for_them() {
    let bench = bench().await;
    guarded(&bench, |layer| layer).send(&get("/manage")).await;
    let told = bench.tracked();
    for member in ["scope", "redirectToSettings", "customDomain"] {
        assert_eq!(told.get(member), None, "{member}");
    }
    guarded(&bench, |layer| layer.scope("add:authenticators").redirect_to_settings()).send(&get("/manage")).await;
    let told = bench.tracked();
    assert_eq!(told["scope"], "add:authenticators");
    assert_eq!(told["redirectToSettings"], true);
}

/// A custom domain is asked for, and then challenges on it are trusted; what is no host is no setting.
#[tokio::test]
async fn a_custom_domain_is_told_and_trusted() {
    let tampered = |bench: &Bench| {
        use authsignal_emulator::{Endpoint, Fault};
        let body = json!({ "state": "CHALLENGE_REQUIRED", "url": "https://auth.example.com/?token=eyJ" });
        bench.emulator.inject_fault(Endpoint::Track, Fault::merge(body));
    };
    let plain = bench().await;
    tampered(&plain);
    plain.visitor("ada").send(&get("/pay")).await.assert_refused(&RefusalReason::UntrustedChallenge);

    let bench = bench_with(|builder| builder.custom_domain("auth.example.com")).await;
    tampered(&bench);
    let url = bench.visitor("ada").challenge(&get("/pay")).await;
    assert!(url.starts_with("https://auth.example.com/"), "{url}");
    assert_eq!(bench.tracked()["customDomain"], "auth.example.com");
    for host in ["", "https://auth.example.com", "auth.example.com/x"] {
        let built = builder(&plain.emulator, &plain.clock).custom_domain(host).build();
        assert!(matches!(built, Err(ConfigError::ChallengeHost { .. })), "{host}: {built:?}");
    }
}

/// The callback is found with a slash at its end and without one, by itself and behind tower-http's `NormalizePath`.
#[tokio::test]
async fn a_slash_at_the_end_of_the_callback_changes_nothing() {
    for callback in [CALLBACK.to_owned(), format!("{CALLBACK}/")] {
        for slash in ["", "/"] {
            for normalized in [false, true] {
                let bench = bench_with(|builder| builder.callback_url(&callback)).await;
                let mut ada = bench.visitor("ada");
                let url = bench.emulator.succeed(&ada.challenge(&get("/pay").navigating()).await).unwrap();
                assert!(url.starts_with(&format!("{callback}?")), "{url}");
                let (path, query) = url.split_once('?').unwrap();
                let back = way_back(&format!("{}{slash}?{query}", path.trim_end_matches('/')));
                let request = ada.request(&back);
                let app = bench.app.clone();
                let response = if normalized {
                    NormalizePathLayer::trim_trailing_slash().layer(app).oneshot(request).await.unwrap()
                } else {
                    app.oneshot(request).await.unwrap()
                };
                let reply = Reply::of(response).await;
                assert_eq!((reply.status, reply.location()), (303, "/pay"), "{callback}, {slash:?}, {normalized}");
            }
        }
        for path in ["/authsignal/callback", "/authsignal/callback/", "/authsignal/callback//"] {
            assert!(
                matches!(build_with(&callback, path).await, Err(ConfigError::Home { .. })),
                "T19: {callback}, {path}"
            );
        }
    }
}

async fn build_with(callback: &str, home: &str) -> Result<axum_authsignal::Authsignal, ConfigError> {
    let bench = bench().await;
    builder(&bench.emulator, &bench.clock).callback_url(callback).home(home).build()
}

/// T129: tower-http's trace at its most talkative has the token, and with our span it has not.
#[tokio::test]
async fn t129_the_token_stays_out_of_the_applications_trace() {
    for ours in [false, true] {
        let bench = bench().await;
        let mut ada = bench.visitor("ada");
        let url = bench.emulator.succeed(&ada.challenge(&get("/pay").navigating()).await).unwrap();
        let (token, flow) = (parameter(&url, "token").unwrap(), parameter(&url, "flow").unwrap());
        let back = ada.request(&way_back(&format!("{url}&lang=en")));
        let app = bench.app.clone();
        let app: Router = if ours {
            app.layer(TraceLayer::new_for_http().make_span_with(request_span))
        } else {
            app.layer(TraceLayer::new_for_http())
        };
        let log = Log::default();
        let listening = log.listen();
        let reply = Reply::of(app.oneshot(back).await.unwrap()).await;
        drop(listening);
        assert_eq!(reply.location(), "/pay");
        let text = log.text();
        assert!(text.contains("started processing request") && text.contains("/authsignal/callback"), "{text}");
        assert!(text.contains("lang=en"), "{text}");
        let addresses: Vec<_> = text.lines().filter(|line| line.contains("/authsignal/callback")).collect();
        assert_eq!(addresses.iter().any(|line| line.contains(&token)), !ours, "the token: {text}");
        assert_eq!(addresses.iter().any(|line| line.contains(&flow)), !ours, "the flow: {text}");
    }
}

/// T127: an address that is missing or cannot be read is said, once for each, with the setter that mends it.
#[tokio::test]
async fn t127_an_address_that_cannot_be_read_is_said_once() {
    let peer = |ip: [u8; 4]| ConnectInfo(SocketAddr::from((ip, 4711)));
    type Asked<'a> = (IpSource, &'a [(&'a str, &'a str)], Option<[u8; 4]>, &'a str);
    let cases: [Asked<'_>; 7] = [
        (IpSource::XRealIp, &[], None, "a request without the header"),
        (IpSource::XRealIp, &[("x-real-ip", "nobody")], None, "could not be read"),
        (IpSource::RightmostXForwardedFor, &[("x-forwarded-for", "203.0.113.7, unknown")], None, "could not be read"),
        (IpSource::Peer, &[], None, "no peer address"),
        (IpSource::Peer, &[("x-forwarded-for", "203.0.113.7")], Some([10, 0, 0, 1]), "a proxy seems to be in front"),
        (IpSource::Peer, &[("x-forwarded-for", "6.6.6.6")], Some([203, 0, 113, 7]), ""),
        (IpSource::None, &[], None, ""),
    ];
    for (source, headers, connected, said) in cases {
        let bench = bench_with(|builder| builder.ip_source(source)).await;
        let log = Log::default();
        let listening = log.listen();
        for _ in 0..3 {
            let mut request: Request<Body> = bench
                .visitor("ada")
                .request(&headers.iter().fold(get("/pay"), |ask, (name, value)| ask.header(name, value)));
            if let Some(ip) = connected {
                request.extensions_mut().insert(peer(ip));
            }
            bench.app.clone().oneshot(request).await.unwrap();
        }
        drop(listening);
        let text = log.text();
        let warnings: Vec<_> =
            text.lines().filter(|line| line.contains(" WARN ") && line.contains("ip_source")).collect();
        assert_eq!(warnings.len(), usize::from(!said.is_empty()), "{source:?} {headers:?}: {warnings:?}");
        assert!(warnings.iter().all(|line| line.contains(said)), "{warnings:?}");
        let told = connected.map(|ip| json!(std::net::Ipv4Addr::from(ip).to_string())).unwrap_or_default();
        assert_eq!(bench.tracked()["ipAddress"], told, "{source:?}");
    }
}
