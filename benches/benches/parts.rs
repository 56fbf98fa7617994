//! The parts of a guarded request, each alone: `cd benches && cargo bench`.
use std::hint::black_box;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderValue, Request, StatusCode, header};
use axum_authsignal::client::ActionState;
use axum_authsignal::parts::{Covered, Sealer, passes};
use benches::app::{Peer, ours};
use benches::store::{self, Random, ready};
use benches::stub;
use criterion::{Criterion, criterion_group, criterion_main};
use tower::ServiceExt as _;

fn domain(criterion: &mut Criterion) {
    let body = br#"{"amount":100,"to":"acc-1"}"#.to_vec();
    let request = Request::post("/accounts/7/withdraw?currency=eur").header("content-type", "application/json");
    let covered = ready(Covered::new(request.body(body).expect("a request")));
    criterion.bench_function("digest", |bencher| bencher.iter(|| black_box(&covered).digest()));
    let state = ActionState::Allow;
    criterion.bench_function("decision", |bencher| bencher.iter(|| passes(black_box(&state))));
}

fn seal(criterion: &mut Criterion) {
    let (sealer, plain) = (Sealer::new(), vec![7; store::RECORD]);
    let key = sealer.name(&[1; 32]);
    let sealed = sealer.seal(&[1; 32], &key, &plain);
    criterion.bench_function("name", |bencher| bencher.iter(|| sealer.name(black_box(&[1; 32]))));
    criterion.bench_function("seal", |bencher| bencher.iter(|| sealer.seal(&[1; 32], &key, black_box(&plain))));
    criterion.bench_function("open", |bencher| bencher.iter(|| sealer.open(&key, black_box(&sealed))));
}

fn memory_store(criterion: &mut Criterion) {
    for records in [1_000, 1_000_000] {
        let (filled, mut random) = (store::filled(records), Random(1));
        let mut key = || store::key(random.below(records));
        criterion.bench_function(&format!("load at {records}"), |bencher| {
            bencher.iter(|| store::load(&filled, &key()));
        });
        criterion.bench_function(&format!("load and swap at {records}"), |bencher| {
            bencher.iter(|| store::load_and_swap(&filled, &key()));
        });
    }
}

/// A visitor's request.
fn get(path: &str, cookie: &str) -> Request<Body> {
    let request = Request::get(path).header("host", "localhost:3000").header("accept", "text/html");
    request.header("x-user", "ada").header("cookie", cookie).body(Body::empty()).expect("a request")
}

/// The cookie of a browser whose user was challenged and came back.
async fn proved(app: &Router, stub: &str) -> String {
    let response = app.clone().oneshot(get("/card", "")).await.expect("it cannot fail");
    assert_eq!(response.status(), StatusCode::SEE_OTHER);
    let cookies = response.headers().get_all(header::SET_COOKIE).iter().filter_map(|cookie| cookie.to_str().ok());
    let cookies: Vec<&str> = cookies.filter_map(|cookie| cookie.split(';').next()).collect();
    let cookie = cookies.join("; ");
    let address = stub.to_owned();
    let callback = tokio::task::spawn_blocking(move || stub::ask(&address, "/__callback"));
    let callback = callback.await.expect("it does not panic").expect("the stub answers");
    let callback = callback.as_str().expect("an address").strip_prefix("http://localhost:3000").expect("ours");
    let callback = app.clone().oneshot(get(&format!("{callback}&token=a.b.c"), &cookie)).await.expect("it cannot fail");
    assert_eq!(callback.status(), StatusCode::SEE_OTHER, "{:?}", to_bytes(callback.into_body(), 10_000).await);
    cookie
}

fn in_process(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let listener = runtime.block_on(async { stub::listen() }).expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    runtime.spawn(stub::serve(listener));
    let api_url = format!("http://{address}/v1");
    let (app, bare) = (ours::remembering(&api_url), Peer::Bare.app(&api_url, ""));
    let cookie = runtime.block_on(proved(&app, &address));
    HeaderValue::from_str(&cookie).expect("a cookie");
    let calls = stub::ask(&address, "/__calls").expect("the stub answers");
    let ask = |app: &Router, path: &str| {
        let response = runtime.block_on(app.clone().oneshot(get(path, &cookie))).expect("it cannot fail");
        assert_eq!(response.status(), StatusCode::OK);
    };
    criterion.bench_function("bare request in process", |bencher| bencher.iter(|| ask(&bare, "/bare")));
    criterion.bench_function("remembered approval in process", |bencher| bencher.iter(|| ask(&app, "/card")));
    assert_eq!(stub::ask(&address, "/__calls").expect("the stub answers"), calls, "it was remembered");
}

// The million records last, since a heap that held them is slower.
criterion_group!(parts, domain, seal, in_process, memory_store);
criterion_main!(parts);
