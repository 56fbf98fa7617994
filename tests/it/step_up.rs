//! Handlers that ask by themselves: `StepUp` decides as a layer would, and is answered and resumed as one.
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{any, get as routed, post};
use axum::{Form, Json, Router};
use axum_authsignal::client::CustomData;
use axum_authsignal::{
    AuthsignalBuilder, AuthsignalLayer, Outage, RefusalReason, StepUp, StepUpResponse, Unenrolled, Verdict,
};
use futures_util::future::join_all;
use serde::Deserialize;

use crate::programs::{TOKEN, bearers, proof};
use crate::support::{Ask, Bench, Effects, MINUTE, Reply, Visitor, bench_with, form, get, handle, json, post as send};

mod runs;
mod sockets;

#[derive(Deserialize)]
struct Transfer {
    amount: u64,
}

/// What the handlers work with.
#[derive(Clone)]
struct Shop {
    effects: Effects,
    /// An amount that is in the database, and in no request.
    owed: Arc<AtomicU64>,
    layer: AuthsignalLayer,
}

fn amount(amount: u64) -> CustomData {
    CustomData::new().with("amount", amount)
}

async fn by_form(
    State(shop): State<Shop>,
    step_up: StepUp,
    Form(transfer): Form<Transfer>,
) -> Result<&'static str, StepUpResponse> {
    transfer_of(&shop, &step_up, transfer.amount).await
}

async fn by_json(
    State(shop): State<Shop>,
    step_up: StepUp,
    Json(transfer): Json<Transfer>,
) -> Result<&'static str, StepUpResponse> {
    transfer_of(&shop, &step_up, transfer.amount).await
}

/// Small sums go through, large ones have to be proved.
async fn transfer_of(shop: &Shop, step_up: &StepUp, sum: u64) -> Result<&'static str, StepUpResponse> {
    if sum > 1_000 {
        let verdict = step_up.require("large-transfer", amount(sum)).await?;
        shop.effects.run(verdict);
    }
    Ok("done")
}

async fn settle(State(shop): State<Shop>, step_up: StepUp) -> Result<&'static str, StepUpResponse> {
    shop.effects.run(step_up.require("settle", amount(shop.owed.load(Ordering::SeqCst))).await?);
    Ok("done")
}

async fn as_layer(State(shop): State<Shop>, step_up: StepUp) -> Result<&'static str, StepUpResponse> {
    shop.effects.run(step_up.require_as(&shop.layer, CustomData::new()).await?);
    Ok("done")
}

async fn after_another(State(shop): State<Shop>, step_up: StepUp) -> Result<&'static str, StepUpResponse> {
    step_up.require("view", CustomData::new()).await?;
    shop.effects.run(step_up.require("settle", CustomData::new()).await?);
    Ok("done")
}

async fn fails(step_up: StepUp) -> Response {
    match step_up.require("fails", CustomData::new()).await {
        Ok(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Err(response) => response.into_response(),
    }
}

struct Scene {
    bench: Bench,
    shop: Shop,
    app: Router,
}

async fn scene() -> Scene {
    scene_with(bearers, |layer| layer).await
}

async fn scene_with(
    change: impl FnOnce(AuthsignalBuilder) -> AuthsignalBuilder,
    of_layer: impl FnOnce(AuthsignalLayer) -> AuthsignalLayer,
) -> Scene {
    let bench = bench_with(change).await;
    let layer = of_layer(AuthsignalLayer::new(&bench.authsignal, "as-layer"));
    let shop = Shop { effects: bench.effects.clone(), owed: Arc::new(AtomicU64::new(10)), layer };
    let app = Router::new()
        .route("/form", post(by_form))
        .route("/json", post(by_json))
        .route("/settle", any(settle))
        .route("/as", any(as_layer))
        .route("/after", any(after_another))
        .route("/fails", any(fails))
        .route_layer(bench.authsignal.step_up_layer())
        .route("/bare", any(as_layer))
        .with_state(shop.clone())
        .merge(bench.authsignal.routes());
    Scene { bench, shop, app }
}

impl Scene {
    fn visitor(&self, user: &str) -> Visitor {
        Visitor::new(&self.app, user)
    }

    fn runs(&self) -> usize {
        self.shop.effects.count()
    }
}

#[tokio::test]
async fn a_handler_asks_once_it_knows_what_for() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada");
    ada.send(&form("/form", "amount=10")).await.assert_passed();
    assert_eq!((scene.bench.tracks(), scene.runs()), (0, 0), "what is small is nobody's question");

    let large = form("/form", "amount=5000");
    let challenge = ada.challenge(&large).await;
    let tracked = scene.bench.tracked();
    assert_eq!(tracked["custom"], serde_json::json!({ "amount": 5000 }));
    let back = ada.send(&scene.bench.prove(&challenge)).await;
    // The page that posts the form again.
    let page = ada.send(&get(back.location()).navigating()).await;
    assert!(page.text().contains("Large transfer") && page.text().contains("5000"), "{}", page.text());
    ada.send(&large).await.assert_passed();
    assert_eq!((scene.bench.tracks(), scene.runs()), (1, 1));
    let verdict = scene.shop.effects.last().verdict.unwrap();
    assert!(verdict.is_verified() && verdict.action().as_str() == "large-transfer", "{verdict:?}");
    // Sent twice is not done twice.
    ada.send(&large).await.assert_refused(&RefusalReason::AlreadyDone);
    scene.bench.clock.advance(MINUTE);
    ada.send(&large).await.assert_refused(&RefusalReason::ChallengeRequired);
    assert_eq!(scene.runs(), 1);
}

/// The same answers as a layer's, to each kind of caller.
#[tokio::test]
async fn every_caller_is_answered_as_by_a_layer() {
    let scene = scene_with(|builder| bearers(builder).bearer_challenges(), |layer| layer).await;
    let guarded = Router::new()
        .route("/as", any(handle).layer(AuthsignalLayer::new(&scene.bench.authsignal, "as-layer")))
        .with_state(scene.bench.effects.clone());
    let callers = [
        ("page", get("/as").navigating()),
        ("form", form("/as", "a=1")),
        ("framed page", get("/as").navigating().header("sec-fetch-dest", "iframe")),
        ("script", json("/as", "{}").header("sec-fetch-mode", "cors").header("sec-fetch-site", "same-origin")),
        ("program", json("/as", "{}")),
        ("htmx", send("/as", "application/x-www-form-urlencoded", "a=1").header("hx-request", "true")),
        ("turbo", form("/as", "a=1").header("accept", "text/vnd.turbo-stream.html, text/html")),
        ("bearer", json("/as", "{}").header("x-bearer", "k").header("authorization", "Bearer k")),
        ("prefetch", get("/as").navigating().header("sec-purpose", "prefetch")),
        ("foreign page", form("/as", "a=1").header("sec-fetch-site", "cross-site")),
    ];
    let outcomes = [Outcome::Challenge, Outcome::Block, Outcome::Review];
    let mut compared = 0;
    for outcome in outcomes {
        scene.bench.emulator.set_outcome("as-layer", outcome);
        for user in [Some("ada"), None] {
            for (name, ask) in &callers {
                let of = |app: &Router| Visitor { user: user.map(str::to_owned), ..Visitor::new(app, "ada") };
                let [layers, ours] = [&guarded, &scene.app].map(of);
                let [layers, ours] = join_all([layers, ours].map(|mut visitor| async move { visitor.send(ask).await }))
                    .await
                    .try_into()
                    .unwrap();
                let case = format!("{name}, {user:?}, {outcome:?}");
                assert_eq!(ours.reason(), layers.reason(), "{case}");
                assert_eq!(shape(&ours), shape(&layers), "{case}");
                assert!(ours.refusal.is_some(), "{case}");
                compared += 1;
            }
        }
    }
    println!("{compared} answers compared with a layer's");
    assert_eq!((compared, scene.runs()), (60, 0));
}

/// An answer without what is drawn anew for each.
fn shape(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let cut = |text: &str| text.split(['?', '=']).next().unwrap_or_default().to_owned();
    let headers = reply.headers.iter().map(|(name, value)| (name.to_string(), cut(value.to_str().unwrap())));
    let mut headers: Vec<_> = headers.filter(|(name, _)| name != "content-length").collect();
    headers.sort();
    let body = match serde_json::from_slice::<serde_json::Value>(&reply.body) {
        Ok(problem) => {
            let names = problem.as_object().unwrap().iter();
            let stays = |name: &str| !matches!(name, "url" | "token" | "idempotencyKey" | "decisionId");
            names
                .map(|(name, value)| {
                    format!("{name}: {}\n", if stays(name) { value.to_string() } else { String::new() })
                })
                .collect()
        }
        Err(_) => without_ids(reply.text()),
    };
    (reply.status, headers, body)
}

/// T27: the amount came from the database, and the request says nothing of it: an approval for 10 is none for 10,000.
#[tokio::test]
async fn t27_an_approval_is_for_the_data_points_that_were_told() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada");
    let ask = json("/settle", "{}");
    scene.bench.approve(&mut ada, &ask).await;
    scene.shop.owed.store(10_000, Ordering::SeqCst);
    let challenge = ada.challenge(&ask).await;
    assert_eq!((scene.runs(), scene.bench.tracks()), (0, 2));
    assert_eq!(scene.bench.tracked()["custom"]["amount"], 10_000);
    ada.send(&scene.bench.prove(&challenge)).await;
    ada.send(&ask).await.assert_passed();
    // And the other way round.
    scene.shop.owed.store(10, Ordering::SeqCst);
    ada.send(&ask).await.assert_passed();
    assert_eq!((scene.runs(), scene.bench.tracks()), (2, 2), "the approval for 10 was there all the time");
    ada.send(&ask).await.assert_refused(&RefusalReason::ChallengeRequired);
}

/// T27: each kind of data point counts, and so do its name and its type; and a layer's own approval is no handler's.
#[tokio::test]
async fn t27_data_points_are_told_apart_by_name_type_and_value() {
    let bench = bench_with(|builder| builder).await;
    let data = Arc::new(std::sync::Mutex::new(CustomData::new()));
    let handler = {
        let data = Arc::clone(&data);
        async move |step_up: StepUp| {
            let data = data.lock().unwrap().clone();
            step_up.require("pay", data).await.map(|_| "done")
        }
    };
    let app = Router::new()
        .route("/pay", any(handler))
        .route_layer(bench.authsignal.step_up_layer())
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let rows = [
        CustomData::new(),
        CustomData::new().with("amount", 10),
        CustomData::new().with("amount", "10"),
        CustomData::new().with("amount", 10.5),
        CustomData::new().with("amount", true),
        CustomData::new().with("Amount", 10),
        CustomData::new().with("amount", 10).with("to", "bob"),
        CustomData::new().with("amount", 10).with("to", "eve"),
        CustomData::new().with("amount", vec!["10".to_owned()]),
    ];
    let ask = get("/pay");
    // As the application's layer for the same action has it.
    bench.approve(&mut Visitor { app: bench.app.clone(), ..ada.clone() }, &ask).await;
    for (row, told) in rows.iter().enumerate() {
        *data.lock().unwrap() = told.clone();
        bench.approve(&mut ada, &ask).await;
        assert_eq!(bench.tracks(), row + 2, "{told:?}");
    }
    for told in &rows {
        *data.lock().unwrap() = told.clone();
        ada.send(&ask).await.assert_passed();
    }
    println!("{} sets of data points: each its own approval", rows.len());
    assert_eq!(bench.tracks(), rows.len() + 1);
    *data.lock().unwrap() = CustomData::new().with("amount", f64::NAN);
    ada.send(&ask).await.assert_refused(&RefusalReason::Unguarded);
}

/// A token that was not for what is asked first is still in hand for what is asked next.
#[tokio::test]
async fn a_bearer_clients_token_waits_for_what_it_is_for() {
    let scene = scene().await;
    scene.bench.emulator.set_outcome("view", Outcome::Allow);
    let mut client = scene.visitor("ada");
    let ask = json("/after", "{}").header("x-bearer", "key-1");
    let challenge = client.challenge(&ask).await;
    let token = proof(&scene.bench, &challenge);
    client.cookie = None;
    client.send(&ask.header(TOKEN, &token)).await.assert_passed();
    assert_eq!((scene.runs(), scene.bench.validates()), (1, 1));
}

/// A client without a cookie passes with its token in hand.
#[tokio::test]
async fn a_bearer_client_shows_its_token() {
    let scene = scene().await;
    let mut client = scene.visitor("ada");
    let ask = json("/json", r#"{"amount":5000}"#).header("x-bearer", "key-1");
    let challenge = client.challenge(&ask).await;
    let token = proof(&scene.bench, &challenge);
    client.cookie = None;
    client.send(&ask.clone().header(TOKEN, &token)).await.assert_passed();
    assert_eq!((scene.runs(), scene.bench.tracks(), scene.bench.validates()), (1, 1, 1));
    client.send(&ask.header(TOKEN, &token)).await.assert_refused(&RefusalReason::AlreadyDone);
    assert_eq!(scene.runs(), 1);
}

/// T65: what is too long to be kept reaches the handler whole, and is refused once a challenge is needed.
#[tokio::test]
async fn t65_a_body_past_the_limit_is_handed_on_and_is_never_challenged() {
    let scene = scene_with(|builder| bearers(builder).body_limit(1024), |layer| layer).await;
    let mut ada = scene.visitor("ada");
    let long = |sum: u64| {
        let body = format!(r#"{{"amount":{sum},"note":"{}"}}"#, "x".repeat(2_000));
        send("/json", "application/json", body)
    };
    ada.send(&long(10)).await.assert_passed();
    ada.send(&long(5_000)).await.assert_refused(&RefusalReason::BodyTooLarge);
    scene.bench.emulator.set_outcome("large-transfer", Outcome::Allow);
    ada.send(&long(5_000)).await.assert_passed();
    assert_eq!(scene.runs(), 1);
}

/// T42: what another site makes a browser send passes by no approval.
#[tokio::test]
async fn t42_another_sites_page_passes_by_no_approval() {
    let scene = scene().await;
    let mut ada = scene.visitor("ada");
    let ask = form("/form", "amount=5000");
    scene.bench.approve(&mut ada, &ask).await;
    ada.send(&ask.clone().header("sec-fetch-site", "cross-site")).await.assert_refused(&RefusalReason::CrossSite);
    ada.send(&ask).await.assert_passed();
}

#[tokio::test]
async fn settings_of_a_layer_count_in_a_handler() {
    let of_layer = |layer: AuthsignalLayer| {
        layer
            .named("Do as the layer")
            .unenrolled(Unenrolled::Deny)
            .remember(MINUTE * 10)
            .custom(|_| CustomData::new().with("from", "layer"))
    };
    let scene = scene_with(bearers, of_layer).await;
    let mut ada = scene.visitor("ada");
    scene.bench.approve(&mut ada, &get("/as").navigating()).await;
    assert_eq!(scene.bench.tracked()["custom"]["from"], "layer");
    for _ in 0..3 {
        ada.send(&get("/as").navigating()).await.assert_passed();
    }
    assert_eq!((scene.bench.tracks(), scene.runs()), (1, 3));
    scene.bench.clock.advance(MINUTE * 11);
    ada.send(&get("/as").navigating()).await.assert_refused(&RefusalReason::ChallengeRequired);
    scene.visitor("cyd").send(&get("/as")).await.assert_refused(&RefusalReason::NotEnrolled);
}

/// Closed by default, and open where the layer's settings say so.
#[tokio::test]
async fn an_outage_is_closed_in_a_handler_too() {
    let scene = scene_with(bearers, |layer| layer.on_outage(axum_authsignal::OnOutage::Admit)).await;
    scene.bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(99));
    let mut ada = scene.visitor("ada");
    ada.send(&json("/settle", "{}")).await.assert_refused(&RefusalReason::Outage(Outage::Server));
    assert_eq!(scene.runs(), 0);
    ada.send(&json("/as", "{}")).await.assert_passed();
    assert!(scene.shop.effects.last().verdict.as_ref().is_some_and(Verdict::is_failover));
}

#[tokio::test]
async fn a_handler_without_its_layer_says_which() {
    let scene = scene().await;
    let reply = scene.visitor("ada").send(&get("/bare")).await;
    reply.assert_refused(&RefusalReason::Unguarded);
    assert!(reply.status == 500 && reply.text().contains("step_up_layer()"), "{}", reply.text());
    let bad = async |step_up: StepUp| step_up.require("no action", CustomData::new()).await.map(|_| "done");
    let app = Router::new().route("/x", any(bad)).route_layer(scene.bench.authsignal.step_up_layer());
    let reply = Visitor::new(&app, "ada").send(&get("/x")).await;
    reply.assert_refused(&RefusalReason::Unguarded);
    assert_eq!((reply.status, scene.bench.tracks()), (500, 0));
}

/// T126: a page that a handler lets through gives a browser without an id one, as a layer's does.
#[tokio::test]
async fn t126_a_page_that_passes_gives_its_browser_an_id() {
    let scene = scene().await;
    scene.bench.emulator.set_outcome("as-layer", Outcome::Allow);
    let page = |ask: Ask| ask.navigating().header("sec-fetch-site", "none").header("sec-fetch-dest", "document");
    let reply = scene.visitor("ada").send(&page(get("/as"))).await;
    reply.assert_passed();
    assert!(reply.cookie().is_some_and(|cookie| cookie.starts_with("__Host-authsignal=")));
    // Inside of a layer, one id in all.
    let layer = AuthsignalLayer::new(&scene.bench.authsignal, "as-layer");
    let route = routed(as_layer).route_layer(scene.bench.authsignal.step_up_layer()).route_layer(layer);
    let app = Router::new().route("/as", route).with_state(scene.shop.clone());
    let reply = Visitor::new(&app, "ada").send(&page(get("/as"))).await;
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 1);
}

/// A page without the ids of decisions.
fn without_ids(text: &str) -> String {
    let is_id = |part: &&str| part.len() == 36 && part.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    text.split_inclusive(['<', '>', '\n', '"'])
        .filter(|part| !is_id(&part.trim_end_matches(['<', '>', '\n', '"'])))
        .collect()
}
