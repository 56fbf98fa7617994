//! How many allocations a request takes that Authsignal allows: ours, apart from those of the HTTP client, and of axum.
//!
//! The application and its client run in this one thread, which is counted; the emulator runs in another, which is not.
#![allow(clippy::unwrap_used, reason = "clippy lets tests do so, but not what they share")]

use std::hint::black_box;
use std::net::SocketAddr;

use authsignal_emulator::Emulator;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::routing::post;
use axum_authsignal::{Authsignal, AuthsignalLayer, User};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt as _;

/// A change that takes more than this has to say why.
const MAX_OURS: u64 = 24;

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36";

fn request() -> Request<Body> {
    let request = Request::post("/withdraw").header("host", "localhost:3000").header("user-agent", BROWSER);
    let request = request.header("accept", "*/*").header("accept-language", "en").header("x-user", "ada");
    let request = request.extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))));
    let request = request.header("content-type", "application/json");
    request.body(Body::from(r#"{"amount":100,"to":"acc-1"}"#)).unwrap()
}

/// Reads the headers, as the closure that identifies does: that is the application's own affair.
async fn done_with(_: HeaderMap) -> &'static str {
    "done"
}

async fn done() -> &'static str {
    "done"
}

/// Allocations of one run, the fewest of many: what a pool or a buffer takes now and then is nobody's.
fn allocations(runtime: &Runtime, run: impl AsyncFn()) -> u64 {
    runtime.block_on(run());
    let counted = (0..50).map(|_| allocation_counter::measure(|| runtime.block_on(run())).count_total);
    counted.min().unwrap()
}

#[test]
fn an_allowed_request_takes_few_allocations_of_ours() {
    let others = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let emulator = others.block_on(Emulator::start()).unwrap();
    let here = Builder::new_current_thread().enable_all().build().unwrap();

    let authsignal = Authsignal::builder(emulator.client())
        .callback_url("http://localhost:3000/authsignal/callback")
        .with_insecure_cookies()
        .identify(|headers: HeaderMap| async move { Some(User::new(headers.get("x-user")?.to_str().ok()?)) })
        .build()
        .unwrap();
    // With the state, as `axum::serve` does it: without, each call would build the layers anew.
    let bare = Router::new().route("/withdraw", post(done_with)).with_state(());
    let layer = AuthsignalLayer::new(&authsignal, "withdraw");
    let guarded = Router::new().route("/withdraw", post(done).route_layer(layer)).with_state(());
    let of_app = |app: &Router| {
        allocations(&here, async || {
            let response = app.clone().oneshot(request()).await.unwrap();
            assert_eq!(response.status(), StatusCode::OK);
        })
    };
    let (bare, guarded) = (of_app(&bare), of_app(&guarded));

    // The same call by hand, with its parts made ready and its answer read and thrown away.
    let sent = emulator.received_requests().pop().unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let origin = emulator.base_url().strip_suffix("/v1").unwrap();
    let url: reqwest::Url = format!("{origin}{}", sent.path).parse().unwrap();
    let mut headers = sent.headers.clone();
    for name in [header::HOST, header::CONTENT_LENGTH] {
        headers.remove(name);
    }
    let by_hand = allocations(&here, async || {
        let call = http.post(url.clone()).headers(headers.clone()).body(sent.body.clone());
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        black_box(answer.bytes().await.unwrap());
    });

    let ours = guarded - bare - by_hand;
    println!("{guarded} allocations: {bare} of the bare route, {by_hand} of the HTTP client, {ours} of ours");
    assert!(ours <= MAX_OURS, "{ours} allocations of ours instead of {MAX_OURS}");
}
