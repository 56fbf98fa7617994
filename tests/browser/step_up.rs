//! The module `stepUp(fetch)` and the official SDK's popup in a page under a strict policy: proved, cancelled, failed.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use authsignal_emulator::Emulator;
use axum::Router;
use axum::http::{HeaderName, header};
use axum::response::{Html, IntoResponse};
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalLayer, Coverage};
use fantoccini::Locator;
use fantoccini::wd::WindowHandle;
use serde_json::json;
use test_support::visitor::Visitor;

use crate::sites::{emulator, handle, listen, page, serve};

const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><head><title>Shop</title>\
    <script src=\"/sdk.js\"></script><script type=\"module\" src=\"/app.js\"></script></head><body><main><h1>Shop</h1>\
    <button id=\"pay\">Pay</button><button id=\"three\">Pay three</button><button id=\"load\">Load three</button>\
    <p class=\"done\"></p></main></body></html>";

const APP: &str = r##"
    import { stepUp, StepUpError } from "/authsignal/callback/step-up.js";
    const sdk = new authsignal.Authsignal({ tenantId: "tenant", baseUrl: location.origin });
    const way = new URLSearchParams(location.search).get("open") ?? "popup";
    const open = /^sdk-/.test(way) ? ({ url }) => sdk.launch(url, { mode: way.slice(4) }) : way;
    const send = stepUp(undefined, { open });
    const done = document.querySelector(".done");
    const text = async call => {
        try {
            const response = await call;
            return `${response.status} ${await response.text()}`;
        } catch (error) {
            if (!(error instanceof StepUpError)) throw error;
            return `${error.outcome} ${error.response.status}`;
        }
    };
    const all = async calls => {
        done.textContent = "asking";
        done.textContent = (await Promise.all(calls.map(text))).join(", ");
    };
    const pay = n => send("/pay", { method: "POST", headers: { "content-type": "application/json" }, body: `{"amount":${n}}` });
    document.querySelector("#pay").onclick = () => all([pay(10)]);
    document.querySelector("#three").onclick = () => all([pay(1), pay(2), pay(3)]);
    document.querySelector("#load").onclick = () => all([1, 2, 3].map(n => send("/part/" + n)));
    document.body.dataset.ready = "yes";
"##;

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

struct Shop {
    site: String,
    emulator: Emulator,
    ada: Visitor,
    paid: Arc<AtomicUsize>,
}

impl Shop {
    async fn open(way: &str) -> Self {
        let emulator = emulator().await;
        let (listener, port) = listen().await;
        let site = format!("http://localhost:{port}");
        let authsignal = handle(&emulator, &site).build().unwrap();
        let paid = Arc::new(AtomicUsize::new(0));
        let effect = Arc::clone(&paid);
        let pay = move |body: String| async move {
            effect.fetch_add(1, Ordering::SeqCst);
            format!("paid {}", body.replace(|c: char| !c.is_ascii_digit(), ""))
        };
        let layer = AuthsignalLayer::new(&authsignal, "pay");
        let parts = AuthsignalLayer::new(&authsignal, "parts")
            .covers(Coverage::Action)
            .remember(std::time::Duration::from_secs(60));
        // Authsignal's SDK writes a style sheet into the page; our module needs nothing of the kind.
        let styles = if way.starts_with("sdk-") { "; style-src 'unsafe-inline'" } else { "" };
        let policy = format!(
            "default-src 'none'; script-src 'self'; connect-src 'self'; frame-src {}{styles}",
            emulator.origin()
        );
        // The strictest that leaves a page its popup, and what needs none takes the strictest that there is.
        let opener_policy = if way.ends_with("dialog") { "same-origin" } else { "same-origin-allow-popups" };
        let headers = [(header::CONTENT_SECURITY_POLICY, policy), (OPENER_POLICY, opener_policy.to_owned())];
        let sdk = std::fs::read_to_string("node_modules/@authsignal/browser/dist/index.min.js").unwrap();
        let script = |text: String| ([(header::CONTENT_TYPE, "text/javascript")], text);
        let app = Router::new()
            .route("/", get(async move || (headers, Html(PAGE))))
            .layer(authsignal.browser_layer())
            .route("/app.js", get(async move || script(APP.to_owned()).into_response()))
            .route("/sdk.js", get(async move || script(sdk).into_response()))
            .route("/favicon.ico", get(async || ()))
            .route("/pay/step-up", layer.requirement())
            .route("/pay", post(pay).route_layer(layer))
            .route("/part/{n}", get(async || "a part").route_layer(parts))
            .merge(authsignal.routes());
        serve(listener, app);
        let ada = Visitor::arrive_blocking_popups_at(site.clone()).await;
        ada.open(&format!("/?open={way}")).await;
        ada.waits_until("document.body.dataset.ready").await;
        Self { site, emulator, ada, paid }
    }

    /// Clicks, and is where the challenge is.
    async fn begins(&self, button: &str, way: &str) -> WindowHandle {
        let page = self.ada.tab().await;
        self.ada.click(button).await;
        self.meets(&page, way).await;
        page
    }

    async fn meets(&self, page: &WindowHandle, way: &str) {
        match way {
            "popup" | "sdk-window" => self.ada.goes_to_the_window_beside(page).await,
            _ => self.ada.enters("iframe").await,
        }
    }

    async fn returns(&self, page: &WindowHandle, way: &str) {
        match way {
            "popup" | "sdk-window" => self.ada.goes_to(page).await,
            _ => self.ada.leaves_frames().await,
        }
    }

    /// Leads the popup to the way back of a challenge that its user declined on another device.
    async fn fails(&self) {
        let challenge = self.ada.address().await;
        let back = self.emulator.decline(challenge.as_str()).unwrap();
        self.ada.evaluates(&format!("setTimeout(() => location.assign({}))", json!(back))).await;
    }
}

const WAYS: [&str; 4] = ["popup", "dialog", "sdk-popup", "sdk-window"];

/// By each way the call runs once, and a challenge that is left is told apart; the console has no complaint, and no address a
/// token.
#[tokio::test]
async fn a_call_of_a_page_is_proved_beside_it_and_runs_once() {
    for way in WAYS {
        let shop = Shop::open(way).await;
        let page = shop.begins("Pay", way).await;
        shop.ada.confirms("Pay").await;
        shop.returns(&page, way).await;
        shop.ada.reads(".done", "200 paid 10").await;

        let page = shop.begins("Pay", way).await;
        shop.ada.click("Cancel").await;
        shop.returns(&page, way).await;
        shop.ada.reads(".done", "cancelled 403").await;

        let page = shop.begins("Pay", way).await;
        shop.ada.click("Fail this challenge").await;
        shop.returns(&page, way).await;
        shop.ada.reads(".done", "failed 403").await;
        assert_eq!(shop.paid.load(Ordering::SeqCst), 1, "{way}");
        let address = shop.ada.address().await;
        assert_eq!((address.path(), address.query()), ("/", Some(&*format!("open={way}"))));
        let windows = shop.ada.browser.windows().await.unwrap();
        assert_eq!(windows.len(), 1, "{way}: the popup is closed");
        shop.ada.leaves().await;
    }
}

#[tokio::test]
async fn a_popup_that_fails_on_another_device_is_told_apart() {
    let shop = Shop::open("popup").await;
    let page = shop.begins("Pay", "popup").await;
    shop.fails().await;
    shop.returns(&page, "popup").await;
    shop.ada.reads(".done", "failed 403").await;

    assert_eq!(shop.paid.load(Ordering::SeqCst), 0);
    shop.ada.leaves().await;
}

/// Whoever closes what the challenge is shown in has cancelled it: the window, the dialog and the SDK's popup by a click beside.
/// The SDK's window says nothing when it is closed by hand, so nobody can tell (docs/front-end.md).
#[tokio::test]
async fn a_challenge_that_is_closed_is_cancelled() {
    for way in ["popup", "dialog", "sdk-popup"] {
        let shop = Shop::open(way).await;
        let page = shop.begins("Pay", way).await;
        shop.ada.waits_for(Locator::Id("code")).await;
        match way {
            "popup" => shop.ada.browser.close_window().await.unwrap(),
            "dialog" => {
                // A key goes to the frame, which has the focus.
                shop.ada.leaves_frames().await;
                let click = ["pointerDown", "pointerUp"].map(|kind| json!({ "type": kind, "button": 0 }));
                let to = json!({ "type": "pointerMove", "x": 5, "y": 5 });
                let actions =
                    json!({ "actions": [{ "type": "pointer", "id": "mouse", "actions": [to, click[0], click[1]] }] });
                shop.ada.driver("actions", actions).await;
            }
            _ => {
                shop.ada.leaves_frames().await;
                shop.ada.evaluates("document.querySelector('#__authsignal-popup-overlay').click()").await;
            }
        }
        shop.returns(&page, way).await;
        shop.ada.reads(".done", "cancelled 403").await;
        assert_eq!(shop.paid.load(Ordering::SeqCst), 0, "{way}");
        shop.ada.leaves().await;
    }
}

/// What one proof covers is asked for once; what it doesn't is asked for one after the other, in the same popup.
#[tokio::test]
async fn calls_at_once_wait_behind_one_challenge() {
    let shop = Shop::open("popup").await;
    let page = shop.begins("Load three", "popup").await;
    shop.ada.confirms("Parts").await;
    shop.returns(&page, "popup").await;
    shop.ada.reads(".done", "200 a part, 200 a part, 200 a part").await;

    let page = shop.begins("Pay three", "popup").await;
    // The next challenge stands where the one before did.
    for _ in 1..=3 {
        shop.ada.confirms("Pay").await;
    }
    shop.returns(&page, "popup").await;
    shop.ada.reads(".done", "200 paid 1, 200 paid 2, 200 paid 3").await;
    assert_eq!(shop.paid.load(Ordering::SeqCst), 3);
    shop.ada.leaves().await;
}

/// Where the page is left for the challenge, its user comes back to it by themselves, and starts the call again. How it ended, they
/// have read on our page, and the page can ask.
#[tokio::test]
async fn a_page_that_is_left_is_come_back_to() {
    let shop = Shop::open("page").await;
    let is_back = async |address: &str, told: &str| {
        shop.ada.sees("Shop").await;
        shop.ada.waits_until("document.body.dataset.ready").await;
        assert_eq!(shop.ada.address().await.as_str(), format!("{}{address}", shop.site));
        let ask = "return (await (await fetch('/pay/step-up', args)).json()).status";
        let pay =
            json!({ "method": "POST", "body": "{\"amount\":10}", "headers": { "content-type": "application/json" } });
        assert_eq!(shop.ada.runs(ask, pay).await.unwrap(), told);
    };
    shop.ada.click("Pay").await;
    shop.ada.confirms("Pay").await;
    is_back("/?open=page", "approved").await;
    shop.ada.click("Pay").await;
    shop.ada.reads(".done", "200 paid 10").await;

    // Cancelled: the challenge waits, and is the same when it is tried again.
    shop.ada.click("Pay").await;
    shop.ada.click("Cancel").await;
    shop.ada.sees("Not confirmed yet").await;
    assert!(!shop.ada.address().await.as_str().contains("token"));
    shop.ada.click("Cancel").await;
    is_back("/", "pending").await;

    // Failed: it is over.
    shop.ada.open("/?open=page").await;
    is_back("/?open=page", "pending").await;
    shop.ada.click("Pay").await;
    shop.ada.click("Fail this challenge").await;
    shop.ada.sees("This was refused").await;
    assert!(!shop.ada.address().await.as_str().contains("token"));
    shop.ada.click("Continue").await;
    is_back("/?open=page", "unknown").await;
    assert_eq!(shop.paid.load(Ordering::SeqCst), 1);
    shop.ada.leaves().await;
}

/// A call that no click stands behind opens no popup: the page is left for its challenge.
#[tokio::test]
async fn where_the_browser_blocks_a_popup_the_page_is_left() {
    let shop = Shop::open("popup").await;
    let page = shop.ada.tab().await;
    shop.ada.evaluates("document.querySelector('#pay').click()").await;
    shop.ada.confirms("Pay").await;
    shop.ada.sees("Shop").await;
    assert_eq!((shop.ada.browser.windows().await.unwrap().len(), shop.ada.tab().await), (1, page));
    shop.ada.leaves().await;
}

/// T23: what others post is not believed, and a page of another origin that opens our callback hears nothing.
#[tokio::test]
async fn t23_a_popup_is_heard_by_its_page_alone() {
    let shop = Shop::open("popup").await;
    let page = shop.begins("Pay", "popup").await;
    shop.returns(&page, "popup").await;
    // The page is as near as an attacker gets: it even knows the attempt's key, and is not the popup.
    let key = shop.emulator.all_actions().last().unwrap().idempotency_key.clone();
    let forged = json!([{ "authsignal": key, "outcome": "failed" }, { "authsignal": "other", "outcome": "completed" }]);
    for message in forged.as_array().unwrap() {
        shop.ada
            .runs("postMessage(args, '*'); await new Promise(requestAnimationFrame)", message.clone())
            .await
            .unwrap();
    }
    assert_eq!(shop.ada.text(".done").await, "asking");
    shop.ada.goes_to_the_window_beside(&page).await;
    // Nor is the popup while it shows another origin's page, which the challenge's is, whatever it knows; nor a page of our own
    // origin in it that does not know the key.
    let post = "opener.postMessage({ authsignal: args, outcome: 'failed' }, '*')";
    shop.ada.runs(post, json!(key)).await.unwrap();
    shop.ada.evaluates(&format!("setTimeout(() => location.assign({}))", json!(format!("{}/app.js", shop.site)))).await;
    shop.ada.waits_until("location.pathname === '/app.js'").await;
    shop.ada.runs(post, json!("other")).await.unwrap();
    shop.ada.back().await;
    shop.ada.confirms("Pay").await;
    shop.returns(&page, "popup").await;
    shop.ada.reads(".done", "200 paid 10").await;
    shop.ada.leaves().await;
}

/// T23: the page of an approved call, opened by others: a page of another origin hears nothing, and a window that is no popup of
/// the module's leads on to the page that called.
#[tokio::test]
async fn t23_a_page_of_another_origin_hears_nothing() {
    let shop = Shop::open("popup").await;
    let call = "const response = await fetch('/pay', { method: 'POST', body: '{}' }); return await response.json()";
    let problem = shop.ada.runs(call, json!(null)).await.unwrap();
    let back = shop.emulator.succeed(problem["url"].as_str().unwrap()).unwrap();
    shop.ada.browser.goto(&back).await.unwrap();
    shop.ada.sees("Shop").await;
    let flow = back.split("&token=").next().unwrap();

    let (listener, port) = listen().await;
    let others = Router::new().route("/", get(async || page("Another site", "<button>Open</button>")));
    serve(listener, others.route("/favicon.ico", get(async || ())));
    shop.ada.browser.goto(&format!("http://127.0.0.1:{port}/")).await.unwrap();
    shop.ada.sees("Another site").await;
    let opens = async |name: &str| {
        let open = "document.querySelector('button').onclick = () => window.open(...args)";
        shop.ada.runs(open, json!([flow, name])).await.unwrap();
        shop.ada.click("Open").await;
    };
    shop.ada.evaluates("window.heard = []; onmessage = event => heard.push(event.data)").await;
    opens("authsignal-step-up").await;
    let opener = shop.ada.tab().await;
    shop.ada.goes_to_the_window_beside(&opener).await;
    shop.ada.sees("Confirmed").await;
    shop.ada.browser.close_window().await.unwrap();
    shop.ada.goes_to(&opener).await;
    // What was posted before this has come before it.
    shop.ada.evaluates("postMessage('the last')").await;
    shop.ada.waits_until("heard.includes('the last')").await;
    assert_eq!(shop.ada.evaluates("return heard").await, json!(["the last"]));

    opens("a window of its own").await;
    shop.ada.goes_to_the_window_beside(&opener).await;
    shop.ada.sees("Shop").await;
}
