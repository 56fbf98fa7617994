//! What a page asks before the click, in a browser: its own is told, and no page of another origin.
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalLayer, Coverage};
use fantoccini::Locator;
use serde_json::json;
use test_support::visitor::Visitor;

use crate::sites::{emulator, handle, listen, page, serve};

const ASK: &str = "return (await (await fetch('/pay/step-up', args)).json()).status";

/// T42: a page asks with the request that it would send. A page of another origin, which the browser sends with the cookie of
/// ours as one of the same site, is refused by whatever means it asks, and reads nothing.
#[tokio::test]
async fn t42_a_page_asks_before_the_click_and_no_other_site_does() {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site).build().unwrap();
    let (answers, is_cookie_sent) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let seen = (Arc::clone(&answers), Arc::clone(&is_cookie_sent));
    let watch = from_fn(move |request: Request, next: Next| {
        let (answers, is_cookie_sent) = seen.clone();
        async move {
            let has_cookie = request.headers().contains_key("cookie");
            let response = next.run(request).await;
            answers.lock().unwrap().push(response.status().as_u16());
            is_cookie_sent.lock().unwrap().push(has_cookie);
            response
        }
    });
    let layer = AuthsignalLayer::new(&authsignal, "pay");
    let action = AuthsignalLayer::new(&authsignal, "see").covers(Coverage::Action);
    let app = Router::new()
        .route("/pay/step-up", layer.requirement().layer(watch.clone()))
        .route("/pay", post(async || "paid").route_layer(layer))
        .route("/any/place", action.requirement().layer(watch))
        .route("/see", get(async || page("Seen", "")).route_layer(action))
        .route("/", get(async || page("Shop", "")))
        .route("/favicon.ico", get(async || ()))
        .merge(authsignal.routes());
    serve(listener, app);
    let (listener, other_port) = listen().await;
    let others = Router::new().route("/", get(async || page("Another site", "")));
    serve(listener, others.route("/favicon.ico", get(async || ())));

    let ada = Visitor::arrive_at(site.clone(), json!({})).await;
    ada.open("/").await;
    ada.sees("Shop").await;
    let calls = emulator.received_requests().len();
    let ten = json!({ "method": "POST", "body": "10" });
    assert_eq!(ada.runs(ASK, ten.clone()).await.unwrap(), "unknown");
    assert_eq!(emulator.received_requests().len(), calls);
    let problem = ada.runs("return (await fetch('/pay', args)).json()", ten.clone()).await.unwrap();
    assert_eq!(ada.runs(ASK, ten.clone()).await.unwrap(), "pending");
    let back = emulator.succeed(problem["url"].as_str().unwrap()).unwrap();
    ada.browser.goto(&back).await.unwrap();
    ada.sees("Shop").await;
    let calls = emulator.received_requests().len();
    assert_eq!(ada.runs(ASK, ten.clone()).await.unwrap(), "approved");
    assert_eq!(ada.runs(ASK, json!({ "method": "POST", "body": "99" })).await.unwrap(), "unknown");
    assert_eq!(emulator.received_requests().len(), calls);
    // An action's requirement is asked for with a plain GET, and may be anywhere.
    let any = "return (await (await fetch('/any/place')).json()).status";
    assert_eq!(ada.runs(any, json!(null)).await.unwrap(), "unknown");
    ada.open("/see").await;
    ada.waits_for(Locator::Id("code")).await;
    ada.open("/").await;
    ada.sees("Shop").await;
    assert_eq!(ada.runs(any, json!(null)).await.unwrap(), "pending");
    assert!(answers.lock().unwrap().iter().all(|status| *status == 200));
    assert!(is_cookie_sent.lock().unwrap().last().copied().unwrap());

    // Another port of this host is of the same site, and not of the same origin.
    ada.browser.goto(&format!("http://localhost:{other_port}/")).await.unwrap();
    ada.sees("Another site").await;
    let ways = [
        "return (await fetch(args, { credentials: 'include' }).catch(() => 0))?.status ?? 0",
        "return (await fetch(args, { credentials: 'include', mode: 'no-cors' }).catch(() => ({}))).type ?? 'error'",
        "return (await fetch(args, { method: 'POST', body: '10', credentials: 'include', mode: 'no-cors' }).catch(() => ({}))).type ?? 'error'",
        "return await new Promise(done => { const script = document.createElement('script'); \
         script.onload = () => done('run'); script.onerror = () => done('error'); script.src = args; document.head.append(script) })",
        "return await new Promise(done => { const frame = document.createElement('iframe'); \
         frame.onload = () => { try { done(frame.contentDocument.body.textContent) } catch { done('error') } }; \
         frame.src = args; document.body.append(frame) })",
    ];
    answers.lock().unwrap().clear();
    is_cookie_sent.lock().unwrap().clear();
    for (at, way) in ways.iter().enumerate() {
        for path in ["/pay/step-up", "/any/place"] {
            let read = ada.runs(way, json!(format!("{site}{path}"))).await.unwrap();
            println!("{path}, way {at}: {read}");
            assert!([json!(0), json!("error"), json!(null)].contains(&read), "{way}: {read}");
        }
    }
    println!("{:?}", answers.lock().unwrap());
    assert!(is_cookie_sent.lock().unwrap().iter().all(|sent| *sent), "the browser sends the cookie");
    assert_eq!(*answers.lock().unwrap(), [403; 10]);
}
