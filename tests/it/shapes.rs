//! Where a layer hangs, however the path is written: over raw sockets and HTTP/2, the handler is never reached undecided.
use std::net::SocketAddr;

use authsignal_emulator::Endpoint;
use axum::extract::Request;
use axum::http::Version;
use axum::routing::{any, get as getting};
use axum::{Router, ServiceExt as _};
use axum_authsignal::{AuthsignalLayer, RefusalReason, Verdict};
use http_body_util::{Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::Layer as _;
use tower_http::normalize_path::NormalizePathLayer;

use crate::support::{Bench, Effects, MINUTE, Reply, Visitor, ask, bench, get, handle};

/// The path that is guarded in every shape.
const GUARDED: &str = "/admin/pay";

/// Ways to write a path, some of which a proxy, a file system or another router takes for `/admin/pay`.
pub(crate) const FORMS: [&str; 64] = [
    "/admin/pay",
    "/admin/pay/",
    "/admin/pay//",
    "//admin/pay",
    "///admin/pay",
    "/admin//pay",
    "/admin///pay",
    "/admin/./pay",
    "/./admin/pay",
    "/admin/pay/.",
    "/admin/pay/./",
    "/admin/x/../pay",
    "/x/../admin/pay",
    "/../admin/pay",
    "/admin/pay/..",
    "/admin/pay/../pay",
    "/admin/../admin/pay",
    "/admin/..;/admin/pay",
    "/ADMIN/PAY",
    "/Admin/Pay",
    "/admin/PAY",
    "/%61dmin/pay",
    "/admin/%70ay",
    "/%61%64%6d%69%6e/%70%61%79",
    "/admin%2fpay",
    "/admin%2Fpay",
    "/%2fadmin/pay",
    "/%2e/admin/pay",
    "/%2e%2e/admin/pay",
    "/admin/%2e/pay",
    "/admin/x/%2e%2e/pay",
    "/admin/pay%2f",
    "/admin/pay%2f..",
    "/admin/%2570ay",
    "/%2561dmin/pay",
    "/admin%5cpay",
    "/admin\\pay",
    "\\admin\\pay",
    "/admin/pay%00",
    "/admin/pay%00.html",
    "/admin/pay%20",
    "/admin/pay%09",
    "/admin/pay%0a",
    "/admin/pay%0d%0a",
    "/%09/admin/pay",
    "/admin/pay;",
    "/admin/pay;a=b",
    "/admin;a=b/pay",
    "/;/admin/pay",
    "/admin/pay?",
    "/admin/pay??",
    "/admin/pay?x=1",
    "/admin/pay/?x=1",
    "/admin/pay#x",
    "/admin/pay%23x",
    "/admin/pay%3fx",
    "/admin/pay.json",
    "/admin/pay.",
    "/admin/pay~",
    "/admin/p\u{e4}y",
    "/admin/%c1%b0ay",
    "/admin/\u{ff50}ay",
    "http://evil.example/admin/pay",
    "http://evil.example//admin/pay/",
];

type Shape = (&'static str, fn(AuthsignalLayer, Router<Effects>) -> Router<Effects>);

/// Ways to hang the layer. Each gets the layer and an empty router.
const SHAPES: [Shape; 9] = [
    ("MethodRouter::route_layer", |layer, app| app.route(GUARDED, getting(handle).post(handle).route_layer(layer))),
    ("MethodRouter::layer of any", |layer, app| app.route(GUARDED, any(handle).layer(layer))),
    ("Router::layer", |layer, app| app.route(GUARDED, any(handle)).layer(layer)),
    ("Router::route_layer, merged", |layer, app| {
        let guarded = Router::new().route(GUARDED, any(handle)).route_layer(layer);
        app.route("/open", getting(async || "open")).merge(guarded)
    }),
    ("nest", |layer, app| app.nest("/admin", Router::new().route("/pay", any(handle)).layer(layer))),
    ("nest of a template", |layer, app| {
        app.nest("/{area}", Router::new().route("/{what}", any(handle).layer(layer.clone())))
            .route("/{area}/{what}/", any(handle).layer(layer))
    }),
    ("fallback", |layer, app| app.fallback(handle).layer(layer)),
    ("wildcard", |layer, app| app.route("/{*rest}", any(handle).layer(layer))),
    ("nest_service", |_, app| app),
];

/// A router in each shape, with its name. `nest_service` takes a service, which has its state already.
fn routers(bench: &Bench) -> impl Iterator<Item = (&'static str, Router)> {
    SHAPES.into_iter().map(|(name, shape)| {
        let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
        let app = if name == "nest_service" {
            let inner: Router = Router::new().fallback(handle).layer(layer).with_state(bench.effects.clone());
            Router::new().nest_service("/admin", inner)
        } else {
            shape(layer, Router::new()).with_state(bench.effects.clone())
        };
        (name, app)
    })
}

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves a router, or a service that holds one, on a port of its own.
pub(crate) async fn serve<S>(service: S) -> Server
where
    S: tower::Service<Request, Response = axum::response::Response, Error = std::convert::Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = service.into_make_service_with_connect_info::<SocketAddr>();
    Server { address, task: tokio::spawn(async move { axum::serve(listener, service).await.unwrap() }) }
}

/// Sends these very bytes, and gives all that comes back.
pub(crate) async fn raw(address: SocketAddr, request: &[u8]) -> String {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The status of an HTTP/1.1 answer.
pub(crate) fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default()
}

/// T55, M15, M17: every form of the path, on every shape, with and without `NormalizePath` outside, over HTTP/1.1 as
/// bytes and over HTTP/2. A handler that has an effect is asked about first, whatever the router makes of the form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t55_m17_no_form_of_a_path_reaches_a_handler_undecided() {
    let bench = bench().await;
    let h2: Client<_, Empty<bytes::Bytes>> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let mut all = 0;
    for (name, app) in routers(&bench) {
        let (mut tried, mut challenged, mut unknown, mut malformed) = (0, 0, 0, 0);
        let servers = [
            ("", serve(app.clone()).await),
            ("trimmed", serve(NormalizePathLayer::trim_trailing_slash().layer(app.clone())).await),
            ("appended", serve(NormalizePathLayer::append_trailing_slash().layer(app.clone())).await),
        ];
        for (normalized, server) in &servers {
            for form in FORMS {
                let before = bench.tracks();
                let mut statuses = Vec::new();
                let request = format!(
                    "POST {form} HTTP/1.1\r\nhost: a.example\r\nx-user: ada\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                statuses.push(status(&raw(server.address, request.as_bytes()).await));
                let uri = form.strip_prefix("http://evil.example").unwrap_or(form);
                if let Ok(uri) = format!("http://{}{uri}", server.address).parse::<axum::http::Uri>() {
                    let request = axum::http::Request::get(uri).version(Version::HTTP_2).header("x-user", "ada");
                    let answer = h2.request(request.body(Empty::new()).unwrap()).await.unwrap();
                    assert_eq!(answer.version(), Version::HTTP_2);
                    statuses.push(answer.status().as_u16());
                }
                let decided = bench.tracks() - before;
                assert_eq!(bench.effects.count(), 0, "{name} {normalized} {form}: {statuses:?}");
                assert_eq!(statuses.iter().filter(|status| **status == 403).count(), decided, "{name} {form}");
                tried += statuses.len();
                challenged += decided;
                unknown += statuses.iter().filter(|status| matches!(status, 404 | 405)).count();
                malformed += statuses.iter().filter(|status| matches!(status, 400 | 0)).count();
            }
        }
        println!(
            "{name}: {tried} requests, {challenged} asked about, {unknown} without a route, {malformed} malformed"
        );
        assert_eq!(tried, challenged + unknown + malformed, "{name}");
        assert!(challenged >= 6, "{name} guards nothing");
        all += tried;
        // What waits of one user is bounded: it runs out before the next shape.
        bench.clock.advance(MINUTE * 11);
    }
    assert_eq!(bench.effects.count(), 0);
    println!("{} forms, {} shapes, 3 ways to normalise, {all} requests: 0 reached a handler undecided", FORMS.len(), 9);
}

/// T55, T56: an approval is for the form that was approved. Another is the same only where it was rewritten before any
/// router saw it, so that what was approved is what runs; rewritten behind a router, it is not.
#[tokio::test]
async fn t55_t56_an_approval_is_for_the_form_that_was_approved() {
    let bench = bench().await;
    let mut refused = 0;
    for (name, app) in routers(&bench) {
        let plain = app.merge(bench.authsignal.routes());
        let outside = NormalizePathLayer::trim_trailing_slash().layer(plain.clone());
        let behind_a_router = Router::new().fallback_service(outside.clone());
        let server = serve(outside).await;
        let mut ada = Visitor::new(&plain, "ada");
        bench.approve(&mut ada, &get(GUARDED)).await;
        let before = bench.effects.count();
        for app in [&plain, &behind_a_router] {
            for form in FORMS {
                // A fragment is cut off here.
                if form == GUARDED || form.contains('#') || form.parse::<axum::http::Uri>().is_err() {
                    continue;
                }
                Visitor { app: app.clone(), ..ada.clone() }.send(&get(form)).await;
                assert_eq!(bench.effects.count(), before, "{name} {form}");
                refused += 1;
            }
        }
        let cookie = ada.cookie.as_deref().unwrap();
        let head = format!("host: a.example\r\nx-user: ada\r\ncookie: {cookie}\r\nconnection: close");
        let rewritten = raw(server.address, format!("GET {GUARDED}/ HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).await;
        assert_eq!(status(&rewritten), 200, "{name}: {rewritten}");
        assert_eq!(bench.effects.count(), before + 1, "{name}");
        ada.challenge(&get(GUARDED)).await;
    }
    assert!(refused > 9 * 2 * 50, "{refused}");
    println!("{refused} other forms beside an approval: 0 ran");
}

/// M13: methods that no handler serves, in every shape: none runs a handler, and only shapes whose layer is outside the
/// choice of the method ask about them.
#[tokio::test]
async fn m13_methods_that_no_handler_serves_run_nothing_in_any_shape() {
    let bench = bench().await;
    let mut tried = 0;
    for (name, app) in routers(&bench) {
        for method in ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "FOO", "get", "Post"] {
            let before = (bench.tracks(), bench.effects.count());
            let reply = Visitor::new(&app, "ada").send(&ask(method, GUARDED)).await;
            assert!(matches!(reply.status, 403 | 405), "{name} {method}: {}", reply.status);
            assert_eq!(bench.effects.count(), before.1, "{name} {method}");
            if name == "MethodRouter::route_layer" {
                assert_eq!((reply.status, bench.tracks()), (405, before.0), "{name} {method}");
            }
            tried += 1;
        }
    }
    println!("{tried} requests, 0 ran a handler");
}

/// M15, T60: what axum leaves bare, so that nobody has to find out: a route that is added after the layer, a fallback under
/// `route_layer`, and the handler of `any` under it. A handler that takes a [`Verdict`] does not run there.
#[tokio::test]
async fn m15_what_axum_leaves_bare_runs_only_without_a_verdict() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let verdict = async |_: Verdict| "done";
    let late = |route| Router::new().route("/first", any(handle)).layer(layer()).route("/x", route);
    let bare: [(&str, Router, Router); 3] = [
        (
            "added after the layer",
            late(any(handle)).with_state(bench.effects.clone()),
            late(any(verdict)).with_state(bench.effects.clone()),
        ),
        (
            "a fallback under route_layer",
            Router::new()
                .route("/first", any(handle))
                .route_layer(layer())
                .fallback(handle)
                .with_state(bench.effects.clone()),
            Router::new().route("/first", any(verdict)).route_layer(layer()).fallback(verdict),
        ),
        (
            "any under route_layer of its own",
            Router::new()
                .route("/x", getting(handle).fallback(handle).route_layer(layer()))
                .with_state(bench.effects.clone()),
            Router::new().route("/x", getting(verdict).fallback(verdict).route_layer(layer())),
        ),
    ];
    for (why, bare, closed) in bare {
        let before = bench.effects.count();
        let ask = ask("PUT", "/x");
        Visitor::new(&bare, "ada").send(&ask).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1, "{why}");
        Visitor::new(&closed, "ada").send(&ask).await.assert_refused(&RefusalReason::Unguarded);
    }
    assert_eq!(bench.emulator.calls(Endpoint::Track), 0);
}

/// T55: a body over HTTP/2 is the body that was approved, as over HTTP/1.1.
#[tokio::test]
async fn t55_http_2_is_guarded_as_http_1_is() {
    let bench = bench().await;
    let app = Router::new()
        .route("/pay", any(handle).layer(AuthsignalLayer::new(&bench.authsignal, "pay")))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let server = serve(app.clone()).await;
    let client: Client<_, Full<bytes::Bytes>> = Client::builder(TokioExecutor::new()).http2_only(true).build_http();
    let send = async |cookie: Option<&str>, amount: &'static str| {
        let request = axum::http::Request::post(format!("http://{}/pay", server.address))
            .header("content-type", "application/json")
            .header("x-user", "ada")
            // HTTP/2 may split cookies (RFC 9113, 8.2.3).
            .header("cookie", "a=b")
            .header("cookie", cookie.unwrap_or("c=d"));
        let answer = client.request(request.body(amount.into()).unwrap()).await.unwrap();
        assert_eq!(answer.version(), Version::HTTP_2);
        Reply::of(answer.map(axum::body::Body::new)).await
    };
    let challenged = send(None, r#"{"amount":10}"#).await;
    assert_eq!(challenged.status, 403);
    let cookie = challenged.cookie();
    let mut ada = Visitor { cookie: cookie.clone(), ..Visitor::new(&app, "ada") };
    ada.send(&bench.prove(challenged.json()["url"].as_str().unwrap())).await;
    assert_eq!(send(cookie.as_deref(), r#"{"amount":10000}"#).await.status, 403);
    send(cookie.as_deref(), r#"{"amount":10}"#).await.assert_passed();
    assert_eq!(send(cookie.as_deref(), r#"{"amount":10}"#).await.status, 403);
    assert_eq!(bench.effects.count(), 1);
}
