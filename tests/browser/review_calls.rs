//! The module's `stepUp(fetch, { review })`: a page's call that somebody has to look at is sent again until they have.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome};
use axum::Router;
use axum::http::header;
use axum::response::Html;
use axum::routing::{get, post};
use axum_authsignal::{AuthsignalLayer, Clock};
use serde_json::{Value, json};
use test_support::visitor::Visitor;

use crate::sites::{handle, listen, serve};

const PAGE: &str = "<!DOCTYPE html><html lang=\"en\"><head><title>Shop</title>\
    <script type=\"module\" src=\"/app.js\"></script></head><body><main><h1>Shop</h1>\
    <button id=\"pay\">Pay</button><button id=\"soon\">Pay soon</button><button id=\"plain\">Pay plainly</button><button id=\"abort\">Abort</button>\
    <p class=\"done\"></p></main></body></html>";

/// The page's time is the test's, as the application's is: `goOn` lets pass what the module waits for.
const APP: &str = r##"
    import { stepUp, StepUpError } from "/authsignal/callback/step-up.js";
    const { setTimeout: later, clearTimeout: never } = window;
    const now = Date.now;
    const timers = new Map();
    let gone = 0;
    let ids = 0;
    window.setTimeout = (run, ms) => (ms < 1000 ? later(run, ms) : (timers.set(--ids, { run, ms }), pauses.push(ms), ids));
    window.clearTimeout = id => timers.delete(id) || never(id);
    Date.now = () => now() + gone;
    Object.assign(window, {
        pauses: [], calls: 0, told: [],
        waits: () => timers.size,
        goOn: () => [...timers].forEach(([id, { run, ms }]) => (timers.delete(id), (gone += ms), run())),
    });
    const fetches = request => (calls++, fetch(request));
    const onWait = problem => told.push(`${problem.title} ${problem.expiresAt}`);
    const ways = {
        pay: stepUp(fetches, { review: { onWait } }),
        soon: stepUp(fetches, { review: { timeout: 19_999 } }),
        plain: stepUp(fetches),
    };
    const done = document.querySelector(".done");
    let amount = 0;
    let controller;
    for (const [way, send] of Object.entries(ways)) {
        document.getElementById(way).onclick = async () => {
            Object.assign(window, { pauses: [], calls: 0, told: [] });
            controller = new AbortController();
            done.textContent = "asking";
            const init = { method: "POST", headers: { "content-type": "application/json" }, signal: controller.signal };
            try {
                const response = await send("/pay", { ...init, body: `{"amount":${++amount}}` });
                done.textContent = `${response.status} ${(await response.text()).slice(0, 20)}`;
            } catch (error) {
                done.textContent = error instanceof StepUpError ? `${error.outcome} ${error.response.status}` : error.name;
            }
        };
    }
    document.querySelector("#abort").onclick = () => controller.abort();
    document.body.dataset.ready = "yes";
"##;

struct Shop {
    emulator: Emulator,
    clock: Clock,
    ada: Visitor,
    paid: Arc<AtomicUsize>,
}

impl Shop {
    async fn open() -> Self {
        let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(1_768_471_200));
        let emulator = Emulator::builder().clock(clock.clone()).start().await.unwrap();
        emulator.set_outcome("pay", Outcome::Review);
        let (listener, port) = listen().await;
        let site = format!("http://localhost:{port}");
        let authsignal = handle(&emulator, &site).clock(clock.clone()).build().unwrap();
        let paid = Arc::new(AtomicUsize::new(0));
        let effect = Arc::clone(&paid);
        let pay = move |body: String| async move {
            effect.fetch_add(1, Ordering::SeqCst);
            format!("paid {body}")
        };
        let layer = AuthsignalLayer::new(&authsignal, "pay").review(Duration::from_secs(60 * 60));
        let app = Router::new()
            .route("/", get(async || Html(PAGE)))
            .route("/app.js", get(async || ([(header::CONTENT_TYPE, "text/javascript")], APP)))
            .route("/favicon.ico", get(async || ()))
            .route("/pay", post(pay).route_layer(layer))
            .merge(authsignal.routes());
        serve(listener, app);
        let ada = Visitor::arrive_at(site, json!({})).await;
        ada.open("/").await;
        ada.waits_until("document.body.dataset.ready").await;
        Self { emulator, clock, ada, paid }
    }

    /// Decides about the newest attempt over HTTP, as the dashboard does.
    async fn decides(&self, state: &str) {
        let newest = self.emulator.actions("ada")[0].clone();
        let (action, key) = (newest.action, newest.idempotency_key);
        let url = format!("{}/emulator/actions/ada/{action}/{key}/state", self.emulator.origin());
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.post(url).json(&json!({ "state": state })).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    /// Clicks, and the call waits.
    async fn pays(&self) {
        self.ada.click("Pay").await;
        self.waits(1).await;
    }

    /// Waits until the call has been sent so often and waits to be sent again.
    async fn waits(&self, calls: usize) {
        self.ada.waits_until(&format!("calls === {calls} && waits() === 1")).await;
    }

    /// Time passes, for the page as long as it waits.
    async fn goes_on(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.ada.evaluates("goOn()").await;
    }

    async fn is_over(&self, said: &str, calls: usize) {
        self.ada.reads(".done", said).await;
        assert_eq!(self.ada.evaluates("return [calls, waits()]").await, json!([calls, 0]), "{said}");
    }

    async fn pauses(&self) -> Value {
        self.ada.evaluates("return pauses").await
    }

    fn paid(&self) -> usize {
        self.paid.load(Ordering::SeqCst)
    }
}

/// T107: the call goes through once, when somebody has let it, whatever outage is in between; looked after no sooner than each
/// answer says. Without the option, its 202 is handed on.
#[tokio::test]
async fn t107_a_call_waits_for_its_review_and_runs_once() {
    let shop = Shop::open().await;
    shop.ada.click("Pay plainly").await;
    shop.is_over("202 {", 1).await;

    shop.pays().await;
    shop.goes_on(3).await;
    shop.waits(2).await;
    shop.emulator.inject_fault(Endpoint::GetAction, Fault::status(503).times(9));
    shop.goes_on(2).await;
    shop.waits(3).await;
    shop.emulator.clear_faults();
    shop.goes_on(60).await;
    shop.waits(4).await;
    assert_eq!(shop.paid(), 0);
    shop.decides("REVIEW_SUCCEEDED").await;
    shop.goes_on(60).await;
    shop.is_over("200 paid", 5).await;
    assert_eq!(shop.paid(), 1);
    // What was asked three seconds ago is asked again in two; an outage names its own time.
    let pauses = shop.pauses().await;
    println!("looked again after {pauses} ms");
    assert_eq!((&pauses[0], &pauses[1]), (&json!(5_000), &json!(2_000)), "{pauses}");
    assert_eq!(shop.ada.evaluates("return told").await, json!(["This is being looked at 1768474800"]));
    shop.ada.leaves().await;
}

/// T107: what somebody refused, and what nobody has decided, in time or before the review was over, is told apart, and runs never.
#[tokio::test]
async fn t107_a_call_that_is_refused_or_waits_too_long_is_told_apart() {
    let shop = Shop::open().await;
    shop.pays().await;
    shop.decides("REVIEW_FAILED").await;
    shop.goes_on(60).await;
    shop.is_over("refused 403", 2).await;

    // The page waits for just under 20 seconds, which leaves time for three more looks.
    shop.ada.click("Pay soon").await;
    for calls in 1..=3 {
        shop.waits(calls).await;
        shop.goes_on(5).await;
    }
    shop.is_over("undecided 202", 4).await;
    assert_eq!(shop.pauses().await, json!([5_000, 5_000, 5_000]));

    // The review is over: what is answered now is about another.
    shop.pays().await;
    shop.goes_on(60 * 60).await;
    shop.is_over("undecided 202", 2).await;
    assert_eq!(shop.paid(), 0);
    shop.ada.leaves().await;
}

/// T107: whoever aborts the call has it sent no more, and what is decided later runs nothing.
#[tokio::test]
async fn t107_a_call_that_is_aborted_is_sent_no_more() {
    let shop = Shop::open().await;
    shop.pays().await;
    shop.goes_on(5).await;
    shop.waits(2).await;
    shop.ada.click("Abort").await;
    shop.is_over("AbortError", 2).await;
    shop.decides("REVIEW_SUCCEEDED").await;
    shop.goes_on(60).await;
    assert_eq!(shop.ada.evaluates("return [calls, waits()]").await, json!([2, 0]));
    assert_eq!(shop.paid(), 0);
    shop.ada.leaves().await;
}
