//! T52: the application is deployed anew while a flow waits or is approved. Nothing is released that was not approved, and
//! whoever comes back sees a page that says how to go on.
use axum::Router;
use axum::routing::{any, get as getting, post as posting};
use axum_authsignal::{Authsignal, AuthsignalLayer, Coverage, RefusalReason, Unenrolled};

use crate::support::{Ask, Bench, CALLBACK, MINUTE, Visitor, bench, bench_with, builder, form, get, handle};

/// The application as it is deployed: one guarded route, and the callback.
fn deployed(bench: &Bench, path: &str, layer: AuthsignalLayer) -> Router {
    Router::new()
        .route(path, any(handle).layer(layer))
        .route("/", getting(async || "home"))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes())
}

fn transfer() -> Ask {
    form("/transfer", "to=bob&amount=10")
}

/// T52: the route has another name now. The approval is for the old one: the new one is challenged for itself, and the
/// form on the page leads to the application's own 404.
#[tokio::test]
async fn t52_a_renamed_route_gets_nothing_of_what_was_approved_for_the_old_one() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let (before, after) = (deployed(&bench, "/transfer", layer()), deployed(&bench, "/send", layer()));
    for ask in [transfer(), get("/transfer?to=bob").navigating()] {
        // Deployed while the challenge waits, and once it was proved.
        for proved_before in [false, true] {
            let mut ada = Visitor::new(&before, "ada");
            let challenge = ada.challenge(&ask).await;
            let back = bench.prove(&challenge);
            if proved_before {
                ada.send(&back).await;
            }
            ada.app = after.clone();
            let led = ada.send(&back).await;
            assert_eq!(led.status, 303);
            let page = ada.send(&get(led.location()).navigating()).await;
            if ask.method == "POST" {
                assert_eq!(page.status, 200);
                assert!(page.text().contains("action=\"/transfer\""), "{}", page.text());
                // The way out, for whoever sees the 404.
                assert!(page.text().contains("href=\"/\""), "{}", page.text());
            }
            assert_eq!(ada.send(&ask).await.status, 404);
            let renamed = Ask { target: ask.target.replace("/transfer", "/send"), ..ask.clone() };
            ada.challenge(&renamed).await;
        }
    }
    assert_eq!(bench.effects.count(), 0);
}

/// T52: the layer covers something else now, remembers, forgets, or is for another action: what was approved by the old
/// rules is challenged by the new ones, whichever is the wider.
#[tokio::test]
async fn t52_what_was_approved_by_other_rules_is_challenged_by_the_new_ones() {
    let bench = bench().await;
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let rules = [
        ("request", layer("pay")),
        ("route", layer("pay").covers(Coverage::Route)),
        ("action", layer("pay").covers(Coverage::Action)),
        ("remembered", layer("pay").remember(MINUTE * 10)),
        ("remembered for less", layer("pay").remember(MINUTE * 5)),
        ("another action", layer("send")),
        ("enrols", layer("pay").unenrolled(Unenrolled::Enrol)),
        ("takes only who has enrolled", layer("pay").unenrolled(Unenrolled::Deny)),
    ];
    let mut changes = 0;
    for (at, (old, before)) in rules.iter().enumerate() {
        for (_, (new, after)) in rules.iter().enumerate().filter(|(other, _)| *other != at) {
            for ask in [transfer(), get("/transfer").navigating()] {
                let mut ada = Visitor::new(&deployed(&bench, "/transfer", before.clone()), "ada");
                let challenge = ada.challenge(&ask).await;
                ada.app = deployed(&bench, "/transfer", after.clone());
                // The way back still ends well: the flow is there, and says where it leads.
                let led = ada.send(&bench.prove(&challenge)).await;
                assert_eq!(led.status, 303, "{old} -> {new}");
                ada.challenge(&ask).await;
                changes += 1;
            }
        }
    }
    assert_eq!(bench.effects.count(), 0);
    println!("{changes} changes of the rules between proof and request: 0 released");
}

/// T52: the form has another field now. What was kept is sent as it was approved, and the application says what it lacks;
/// a page that was rendered anew sends another request, which is challenged.
#[tokio::test]
async fn t52_a_form_with_another_field_is_another_request() {
    let bench = bench().await;
    let layer = || AuthsignalLayer::new(&bench.authsignal, "pay");
    let mut ada = Visitor::new(&deployed(&bench, "/transfer", layer()), "ada");
    let challenge = ada.challenge(&transfer()).await;
    // The handler of the new version asks for a currency.
    let strict = async |axum::Form(fields): axum::Form<Vec<(String, String)>>| {
        let has_currency = fields.iter().any(|(name, _)| name == "currency");
        if has_currency { Ok("sent") } else { Err((axum::http::StatusCode::UNPROCESSABLE_ENTITY, "which currency?")) }
    };
    let route = posting(strict).layer(layer());
    ada.app = Router::new().route("/transfer", route).merge(bench.authsignal.routes());
    let led = ada.send(&bench.prove(&challenge)).await;
    let page = ada.send(&get(led.location()).navigating()).await;
    assert!(page.text().contains("value=\"bob\"") && !page.text().contains("currency"), "{}", page.text());
    ada.challenge(&form("/transfer", "to=bob&amount=10&currency=EUR")).await;
    let sent = ada.send(&transfer()).await;
    assert_eq!((sent.status, sent.text()), (422, "which currency?"), "the application's own word");
}

/// T52: the callback has another address now. A way back to the old one finds no route; a flow of the old address is
/// unknown at the new one, which says so, and begins nothing.
#[tokio::test]
async fn t52_a_callback_that_moved_knows_no_older_flow() {
    let bench = bench_with(|builder| builder.secret([7; 32])).await;
    let moved = |bench: &Bench, url: &str| -> Authsignal {
        builder(&bench.emulator, &bench.clock).callback_url(url).secret([7; 32]).build().unwrap()
    };
    let new = moved(&bench, "https://app.example.com/step-up/back");
    let layer = AuthsignalLayer::new(&new, "pay");
    let after = Router::new()
        .route("/transfer", any(handle).layer(layer))
        .with_state(bench.effects.clone())
        .merge(new.routes());
    let before = deployed(&bench, "/transfer", AuthsignalLayer::new(&bench.authsignal, "pay"));
    let mut ada = Visitor::new(&before, "ada");
    let challenge = ada.challenge(&transfer()).await;
    let back = bench.prove(&challenge);
    ada.app = after;
    assert_eq!(ada.send_request(ada.request(&back)).await.status, 404);
    let target = back.target.replace(CALLBACK.strip_prefix(crate::support::ORIGIN).unwrap(), "/step-up/back");
    let page = ada.send(&Ask { target, ..back }).await;
    page.assert_refused(&RefusalReason::UnknownFlow);
    assert_eq!(page.status, 404);
    assert!(page.text().contains("href=\"/\""), "{}", page.text());
    ada.challenge(&transfer()).await;
    assert_eq!((bench.effects.count(), bench.validates()), (0, 0));
}
