//! The one kind of request that is not decided: a preflight, as long as nobody asks with it.
use authsignal_emulator::Outcome;
use axum::Router;
use axum::extract::{FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use axum::routing::any;
use axum_authsignal::{AuthsignalLayer, RefusalReason, User};
use tower::ServiceExt as _;

use crate::support::{Bench, Effects, Reply, bench_with, handle};

/// The certificate of a TLS client, as a server puts it into the extensions.
#[derive(Clone)]
struct Certificate(&'static str);

/// Whoever asks, by any of the ways that need no cookie and no `Authorization`.
struct Caller(String);

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = (StatusCode, &'static str);

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let certificate = parts.extensions.get::<Certificate>().map(|certificate| certificate.0);
        let key = header("x-api-key").map(|_| "ada");
        let bearer = header("authorization").map(|_| "ada");
        let cookie = header("cookie").map(|_| "ada");
        let name = header("x-user").or(certificate).or(key).or(bearer).or(cookie);
        name.map(|name| Self(name.to_owned())).ok_or((StatusCode::IM_A_TEAPOT, "who are you?"))
    }
}

type Change = (&'static str, fn(&mut Request));

fn set(request: &mut Request, name: &'static str, value: &'static str) {
    request.headers_mut().insert(name, value.parse().unwrap());
}

const IDENTITIES: [Change; 8] = [
    ("nobody", |_| {}),
    ("a header", |request| set(request, "x-user", "ada")),
    ("an API key", |request| set(request, "x-api-key", "k")),
    ("a client certificate", |request| {
        request.extensions_mut().insert(Certificate("ada"));
    }),
    ("a bearer token", |request| set(request, "authorization", "Bearer x")),
    ("a cookie", |request| set(request, "cookie", "session=1")),
    ("an id that is none", |request| set(request, "x-user", "..")),
    ("a header and a certificate", |request| {
        set(request, "x-user", "ada");
        request.extensions_mut().insert(Certificate("ada"));
    }),
];

const HEADERS: [Change; 6] = [
    ("none", |_| {}),
    ("Origin", |request| set(request, "origin", "https://other.example")),
    ("the method", |request| set(request, "access-control-request-method", "POST")),
    ("a preflight's", |request| {
        set(request, "origin", "https://other.example");
        set(request, "access-control-request-method", "POST");
    }),
    ("a preflight's with headers", |request| {
        set(request, "origin", "https://other.example");
        set(request, "access-control-request-method", "POST");
        set(request, "access-control-request-headers", "x-user, x-api-key");
    }),
    ("a preflight's, doubled", |request| {
        set(request, "origin", "https://other.example");
        set(request, "access-control-request-method", "POST");
        request.headers_mut().append("access-control-request-method", "PUT".parse().unwrap());
    }),
];

const METHODS: [&str; 9] = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "options"];

fn app(bench: &Bench) -> Router {
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
    Router::new().route("/pay", any(handle).layer(layer)).with_state(bench.effects.clone())
}

/// T112: methods by headers by identities. Whoever is somebody is decided, and for nobody a preflight alone passes.
#[tokio::test]
async fn t112_nothing_passes_undecided_for_somebody() {
    let (mut asked, mut undecided, mut preflights) = (0, 0, 0);
    for rejects in [false, true] {
        let bench = bench_with(|builder| match rejects {
            false => builder.identify(|caller: Result<Caller, (StatusCode, &'static str)>| async move {
                caller.ok().map(|Caller(name)| User::new(name))
            }),
            true => builder.identify(|Caller(name): Caller| async move { User::new(name) }),
        })
        .await;
        bench.emulator.set_outcome("pay", Outcome::Block);
        let app = app(&bench);
        for method in METHODS {
            for (headers, set_headers) in HEADERS {
                for (identity, identify) in IDENTITIES {
                    let why = format!("{method}, headers: {headers}, {identity}, rejecting: {rejects}");
                    let mut request = Request::get("/pay").body(axum::body::Body::empty()).unwrap();
                    *request.method_mut() = Method::from_bytes(method.as_bytes()).unwrap();
                    set_headers(&mut request);
                    identify(&mut request);
                    let (runs, tracks) = (bench.effects.count(), bench.tracks());
                    let reply = Reply::of(app.clone().oneshot(request).await.unwrap()).await;
                    let (runs, tracks) = (bench.effects.count() - runs, bench.tracks() - tracks);
                    asked += 1;
                    let is_preflight = method == "OPTIONS" && headers.starts_with("a preflight's");
                    if identity == "nobody" && is_preflight {
                        assert_eq!((reply.status, runs, tracks), (200, 1, 0), "{why}");
                        preflights += 1;
                        continue;
                    }
                    undecided += runs;
                    assert_eq!(runs, 0, "{why}");
                    match identity {
                        "nobody" if rejects => assert_eq!(reply.status, 418, "{why}"),
                        "nobody" => assert_eq!(reply.reason(), Some(&RefusalReason::Unauthenticated), "{why}"),
                        "an id that is none" => {
                            assert!(matches!(reply.reason(), Some(RefusalReason::InvalidUser(_))), "{why}");
                        }
                        _ => {
                            assert!(matches!(reply.reason(), Some(RefusalReason::State(_))), "{why}");
                            assert_eq!(tracks, 1, "{why}");
                        }
                    }
                }
            }
        }
    }
    println!("{asked} requests: {undecided} undecided for somebody, {preflights} preflights of nobody passed");
    assert_eq!((asked, undecided), (2 * 9 * 6 * 8, 0));
}

/// T112: whoever takes a verdict gets none for a preflight, not even one of an outer layer that knew somebody.
#[tokio::test]
async fn t112_a_preflight_of_nobody_has_no_verdict() {
    let bench = bench_with(|builder| builder).await;
    bench.emulator.set_outcome("outer", Outcome::Allow);
    let knows = crate::support::builder(&bench.emulator, &bench.clock).identify_parts(|_| Some(User::new("ada")));
    let outer = AuthsignalLayer::new(&knows.build().unwrap(), "outer");
    let effects = Effects::default();
    let app: Router = Router::new()
        .route("/pay", any(handle).layer((outer, AuthsignalLayer::new(&bench.authsignal, "pay"))))
        .with_state(effects.clone());
    let mut request = Request::options("/pay").body(axum::body::Body::empty()).unwrap();
    (HEADERS[3].1)(&mut request);
    assert_eq!(app.oneshot(request).await.unwrap().status(), 200);
    assert!(effects.last().verdict.is_none());
}
