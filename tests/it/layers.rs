//! Layers inside layers: the very same question is asked once, every other by itself, and one approval is one run.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsignal_emulator::Outcome;
use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum_authsignal::client::CustomData;
use axum_authsignal::{AuthsignalLayer, Coverage, RefusalReason, User};
use tower::{Layer as _, ServiceExt as _};

use crate::support::{Bench, Effects, MINUTE, Reply, Visitor, bench, builder, get, handle, json};

/// What two layers around one handler track for a request that each allows.
async fn tracks(bench: &Bench, outer: AuthsignalLayer, inner: AuthsignalLayer) -> usize {
    let app = Router::new().route("/x/{id}", any(handle).layer((outer, inner))).with_state(bench.effects.clone());
    let before = bench.tracks();
    Visitor::new(&app, "ada").send(&get("/x/7").header("x-amount", "10")).await.assert_passed();
    bench.tracks() - before
}

/// T115: an outer verdict answers the very same question, and no other.
#[tokio::test]
async fn t115_an_outer_layer_answers_the_very_same_question_alone() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    bench.emulator.set_outcome("other", Outcome::Allow);
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let amount = || {
        layer().custom(|parts| {
            let amount = parts.headers.get("x-amount").and_then(|amount| amount.to_str().ok()).unwrap_or_default();
            CustomData::new().with("amount", amount)
        })
    };
    let by = |change: fn(User) -> User| {
        let handle = builder(&bench.emulator, &bench.clock)
            .identify_parts(move |parts| crate::support::who(&parts.headers).map(change));
        AuthsignalLayer::new(&handle.build().unwrap(), "pay")
    };
    let rows = [
        ("the same", layer(), layer(), 1),
        ("the same data", amount(), amount(), 1),
        ("equal data by other closures", layer().custom(|_| CustomData::new().with("amount", "10")), amount(), 1),
        ("no data, and a closure that gives none", layer(), layer().custom(|_| CustomData::new()), 1),
        ("another handle that says the same", layer(), by(|user| user), 1),
        ("the inner one's data was never told", layer(), amount(), 2),
        ("the outer one's data alone", amount(), layer(), 2),
        ("other data", layer().custom(|_| CustomData::new().with("amount", "11")), amount(), 2),
        ("other names", layer().custom(|_| CustomData::new().with("price", "10")), amount(), 2),
        ("a number and its text", layer().custom(|_| CustomData::new().with("amount", 10)), amount(), 2),
        ("an e-mail address", layer(), by(|user| user.email("ada@example.com")), 2),
        ("a phone number", layer(), by(|user| user.phone_number("+6421000000")), 2),
        ("a name", layer(), by(|user| user.username("ada")), 2),
        ("another session", layer(), by(|user| user.session("s")), 2),
        ("another user", layer(), by(|_| User::new("bob")), 2),
        ("another action", layer(), AuthsignalLayer::new(&bench.authsignal, "other"), 2),
        ("a narrower one inside", layer().covers(Coverage::Action), layer(), 2),
        ("a wider one inside", layer(), layer().covers(Coverage::Action), 1),
        ("a longer memory outside", layer().remember(MINUTE), layer(), 2),
    ];
    let (mut same, mut others) = (0, 0);
    for (why, outer, inner, want) in rows {
        assert_eq!(tracks(&bench, outer, inner).await, want, "{why}");
        if want == 1 { same += 1 } else { others += 1 }
    }
    println!("{same} questions answered by the outer layer, {others} others asked again");
}

/// T115: the inner layer's rule fires, though the outer layer has passed the same action.
#[tokio::test]
async fn t115_an_inner_layers_data_reaches_its_rule() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    assert_eq!(tracks(&bench, layer(), layer().custom(|_| CustomData::new().with("amount", 10_000))).await, 2);
    assert_eq!(bench.tracked()["custom"]["amount"], 10_000);
}

type Rewrite = fn(&HeaderMap, &str) -> String;

/// An app with one layer around a router, a change of the address, and one layer further in.
fn rewriting(bench: &Bench, outermost: bool, rewrite: Rewrite) -> Router {
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let inner: Router = Router::new()
        .route("/t/{tenant}/pay", any(handle).layer(layer()))
        .route("/pay", any(handle).layer(layer()))
        .with_state(bench.effects.clone());
    let change = move |mut request: Request| {
        *request.uri_mut() = rewrite(request.headers(), request.uri().path()).parse().unwrap();
        request
    };
    let service = layer().layer(tower::util::MapRequest::new(inner, change));
    match outermost {
        // The router sets `OriginalUri` before anything is rewritten.
        true => Router::new().fallback_service(service),
        false => Router::new().fallback_service(tower::util::MapRequest::new(service, |mut request: Request| {
            request.extensions_mut().remove::<axum::extract::OriginalUri>();
            request
        })),
    }
}

/// T115: what came at another address than the outer layer saw is asked about anew.
#[tokio::test]
async fn t115_a_rewritten_address_is_another_question() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let by_host: Rewrite = |headers, path| format!("/t/{}{path}", headers["host"].to_str().unwrap());
    let to_another: Rewrite = |_, _| "/t/two/pay".to_owned();
    let query: Rewrite = |_, path| format!("{path}?more=1");
    let same: Rewrite = |_, path| path.to_owned();
    for outermost in [true, false] {
        for (why, rewrite, target, want) in [
            ("a host's tenant", by_host, "/pay", 2),
            ("another path", to_another, "/t/one/pay", 2),
            ("a query", query, "/pay", 2),
            ("nothing", same, "/pay", 1),
            ("nothing, with a parameter", same, "/t/one/pay", 1),
        ] {
            let before = bench.tracks();
            let app = rewriting(&bench, outermost, rewrite);
            Visitor::new(&app, "ada").send(&get(target).header("host", "one")).await.assert_passed();
            assert_eq!(bench.tracks() - before, want, "{why}, outermost router: {outermost}");
        }
    }
}

/// A service whose turn is not yet, as behind a limit of concurrency.
#[derive(Clone)]
struct Busy;

impl tower::Service<Request> for Busy {
    type Response = axum::response::Response;
    type Error = std::convert::Infallible;
    type Future = std::future::Ready<Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Pending
    }

    fn call(&mut self, _: Request) -> Self::Future {
        panic!("called before it was ready")
    }
}

/// What is around a service is ready when the service is, so that a limit further in holds requests back.
#[tokio::test]
async fn a_layer_is_ready_when_what_it_guards_is() {
    let bench = bench().await;
    let mut guarded = AuthsignalLayer::new(&bench.authsignal, "pay").layer(Busy);
    let mut page = bench.authsignal.browser_layer().layer(Busy);
    let context = &mut std::task::Context::from_waker(std::task::Waker::noop());
    assert!(tower::Service::<Request>::poll_ready(&mut guarded, context).is_pending());
    assert!(tower::Service::<Request>::poll_ready(&mut page, context).is_pending());
}

/// T61: a router that is nested strips its prefix, and that is all that it does: decided once.
#[tokio::test]
async fn t61_a_nested_router_is_decided_once() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let inner = || {
        let routes =
            Router::new().route("/pay/{id}", any(handle).layer(layer())).route("/", any(handle).layer(layer()));
        routes.with_state(bench.effects.clone())
    };
    let service = || layer().layer(inner());
    let outer: [(&str, Router); 5] = [
        ("nest", Router::new().nest("/api", inner()).layer(layer())),
        ("nest with a parameter", Router::new().nest("/{any}", inner()).layer(layer())),
        ("nested twice", Router::new().nest("/api", Router::new().merge(inner()).layer(layer())).layer(layer())),
        ("nest_service", Router::new().nest_service("/api", inner()).layer(layer())),
        ("nested behind a service", Router::new().nest_service("/api", service()).layer(layer())),
    ];
    for (why, outer) in outer {
        let app = outer.merge(bench.authsignal.routes());
        for target in ["/api/pay/7?a=b", "/api"] {
            let ask = get(target).navigating();
            let mut ada = Visitor::new(&app, "ada");
            let (runs, tracks) = (bench.effects.count(), bench.tracks());
            bench.approve(&mut ada, &ask).await;
            let status = ada.send(&ask).await.status;
            let done = (status, bench.effects.count() - runs, bench.tracks() - tracks);
            assert_eq!(done, (200, 1, 1), "{why} {target}");
            ada.challenge(&ask).await;
        }
    }
}

/// Asks again from within: with the extensions of the request that runs, as in-process calls are made.
async fn again(app: &Router, headers: &HeaderMap, extensions: &Extensions, target: &str) -> Reply {
    let mut request = Request::new(Body::from("x"));
    *request.method_mut() = "POST".parse().unwrap();
    *request.uri_mut() = target.parse().unwrap();
    *request.headers_mut() = headers.clone();
    *request.extensions_mut() = extensions.clone();
    Reply::of(app.clone().oneshot(request).await.unwrap()).await
}

/// T116: a middleware calls what is inside it three times over, with the extensions that it got: one run.
#[tokio::test]
async fn t116_three_runs_with_one_approval_run_once() {
    let bench = bench().await;
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let telling = || layer("pay").custom(|_| CustomData::new().with("inside", true));
    for at_once in [false, true] {
        for (why, outer, inner) in [
            ("the same question", layer("pay"), layer("pay")),
            ("one flow, more told inside", layer("pay"), telling()),
            ("an action that is allowed", layer("view"), layer("pay")),
        ] {
            bench.emulator.set_outcome("view", Outcome::Allow);
            let fan_out = from_fn(move |request: Request, next: Next| async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1024).await.unwrap();
                let copies = (0..3).map(|_| {
                    let next = next.clone();
                    let request = Request::from_parts(parts.clone(), Body::from(body.clone()));
                    async move { next.run(request).await }
                });
                let mut answers = Vec::new();
                if at_once {
                    answers = futures_of(copies).await;
                } else {
                    for copy in copies {
                        answers.push(copy.await);
                    }
                }
                let passed = answers.iter().position(|answer| answer.status() == 200);
                answers.swap_remove(passed.unwrap_or(0))
            });
            let app = Router::new()
                .route("/x", any(handle).layer((outer, fan_out, inner)))
                .with_state(bench.effects.clone())
                .merge(bench.authsignal.routes());
            let mut ada = Visitor::new(&app, "ada");
            let ask = json("/x", "10");
            let runs = bench.effects.count();
            bench.approve(&mut ada, &ask).await;
            ada.send(&ask).await.assert_passed();
            assert_eq!(bench.effects.count() - runs, 1, "{why}, at once: {at_once}");
        }
    }
}

async fn futures_of(copies: impl Iterator<Item = impl Future<Output = Response> + Send + 'static>) -> Vec<Response> {
    let tasks: Vec<_> = copies.map(tokio::spawn).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}

/// T116: a handler that was approved calls the application again, with its own extensions: those are other runs.
#[tokio::test]
async fn t116_a_handler_that_calls_the_application_again_is_another_run() {
    #[derive(Clone)]
    struct Caller {
        app: Arc<std::sync::OnceLock<Router>>,
        effects: Effects,
        inside: Arc<AtomicUsize>,
    }
    async fn calling(State(caller): State<Caller>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        if !parts.headers.contains_key("x-inside") {
            let mut headers = parts.headers.clone();
            headers.insert("x-inside", "1".parse().unwrap());
            for _ in 0..3 {
                let app = caller.app.get().unwrap();
                let target = parts.extensions.get::<axum::extract::OriginalUri>().unwrap().0.to_string();
                let reply = again(app, &headers, &parts.extensions, &target).await;
                assert_eq!(reply.reason(), Some(&RefusalReason::ChallengeRequired), "{}", reply.text());
                caller.inside.fetch_add(1, Ordering::SeqCst);
            }
        }
        let request = Request::from_parts(parts, body);
        handle(State(caller.effects), None, request).await.into_response()
    }
    let bench = bench().await;
    bench.emulator.set_outcome("view", Outcome::Allow);
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let caller = Caller { app: Arc::default(), effects: bench.effects.clone(), inside: Arc::new(AtomicUsize::new(0)) };
    let app = Router::new()
        .route("/one", any(calling).layer(layer("pay")))
        .route("/two", any(calling).layer((layer("pay"), layer("pay"))))
        .route("/three", any(calling).layer((layer("view"), layer("pay"))))
        .route("/{nested}/x", any(calling).layer(layer("pay")))
        .with_state(caller.clone())
        .merge(bench.authsignal.routes());
    caller.app.set(app.clone()).unwrap();
    for (done, target) in ["/one", "/two", "/three", "/a/x"].into_iter().enumerate() {
        let mut ada = Visitor::new(&app, "ada");
        let ask = crate::support::post(target, "text/plain", "x");
        bench.approve(&mut ada, &ask).await;
        ada.send(&ask).await.assert_passed();
        assert_eq!(
            (bench.effects.count(), caller.inside.load(Ordering::SeqCst)),
            (done + 1, 3 * (done + 1)),
            "{target}"
        );
    }
}

/// T36: the application's own check runs again when the request does, whatever was approved before.
#[tokio::test]
async fn t36_a_right_that_was_taken_away_meanwhile_is_missed() {
    let bench = bench().await;
    let may_pay = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let check = {
        let may_pay = Arc::clone(&may_pay);
        from_fn(move |request: Request, next: Next| {
            let may = may_pay.load(Ordering::SeqCst);
            async move { if may { next.run(request).await } else { axum::http::StatusCode::FORBIDDEN.into_response() } }
        })
    };
    let guarded = any(handle).layer((AuthsignalLayer::new(&bench.authsignal, "pay"), check));
    let app =
        Router::new().route("/x/{id}", guarded).with_state(bench.effects.clone()).merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let ask = json("/x/1", "{}");
    bench.approve(&mut ada, &ask).await;
    may_pay.store(false, Ordering::SeqCst);
    let reply = ada.send(&ask).await;
    assert_eq!((reply.status, reply.refusal, bench.effects.count()), (403, None, 0));
    may_pay.store(true, Ordering::SeqCst);
    ada.challenge(&ask).await;
}
