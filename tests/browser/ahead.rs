//! Requests that are made ahead of a click: none of them is decided, and no click is lost by it.
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authsignal_emulator::{Emulator, Endpoint, Outcome};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{Html, Response};
use axum::routing::get;
use axum::{Router, body::Body};
use axum_authsignal::{Authsignal, AuthsignalLayer, User};
use fantoccini::Locator;
use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use serde_json::json;

use test_support::visitor::{PATIENCE, Visitor};

/// The headers by which a request says that it was made ahead.
const MARKS: [&str; 3] = ["sec-purpose", "x-sec-purpose", "hx-preloaded"];

/// What the application saw and did.
#[derive(Clone, Default)]
struct Seen(Arc<Books>);

#[derive(Default)]
struct Books {
    /// The path of each request that was made ahead, its mark, and the status of its answer.
    ahead: Mutex<Vec<(String, String, u16)>>,
    /// How often a guarded handler ran.
    ran: AtomicUsize,
    /// The status that prefetches get instead, if it is not 0.
    instead: AtomicU16,
}

impl Seen {
    fn ahead_of(&self, path: &str) -> Vec<(String, u16)> {
        let ahead = self.0.ahead.lock().unwrap();
        ahead.iter().filter(|(at, ..)| at == path).map(|(_, mark, status)| (mark.clone(), *status)).collect()
    }

    fn ran(&self) -> usize {
        self.0.ran.load(Ordering::SeqCst)
    }

    /// Waits until so many requests ahead for this path have been answered.
    async fn waits_for(&self, path: &str, count: usize) {
        let begun = Instant::now();
        while self.ahead_of(path).len() < count {
            assert!(begun.elapsed() < PATIENCE, "{count} for {path}: {:?}", self.0.ahead.lock().unwrap());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn watch(State(seen): State<Seen>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let mark = MARKS.iter().find_map(|name| Some(format!("{name}: {}", headers.get(*name)?.to_str().ok()?)));
    let path = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    if let Some(mark) = mark {
        let instead = seen.0.instead.load(Ordering::SeqCst);
        if response.status() == StatusCode::SERVICE_UNAVAILABLE && instead != 0 {
            response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::from_u16(instead).unwrap();
        }
        seen.0.ahead.lock().unwrap().push((path, mark, response.status().as_u16()));
    }
    response
}

/// An application with this first page, a guarded page that is allowed and one that is challenged.
async fn shop(page: String, scripts: &[(&'static str, &str)]) -> (Visitor, Emulator, Seen) {
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator.set_outcome("balance", Outcome::Allow);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let site = format!("http://localhost:{}", listener.local_addr().unwrap().port());
    let authsignal = Authsignal::builder(emulator.client())
        .challenge_budget(10_000, std::time::Duration::from_secs(60))
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .callback_url(format!("{site}/authsignal/callback"))
        .with_insecure_cookies()
        .identify(|_: HeaderMap| async { User::new("ada") })
        .build()
        .unwrap();
    let seen = Seen::default();
    let guarded = |action: &str, title: &'static str| {
        let page = format!(
            "<!DOCTYPE html><html lang=\"en\"><head><title>{title}</title></head><body><main><h1>{title}</h1></main></body></html>"
        );
        let handler = async move |State(seen): State<Seen>| {
            seen.0.ran.fetch_add(1, Ordering::SeqCst);
            Html(page)
        };
        get(handler).route_layer(AuthsignalLayer::new(&authsignal, action))
    };
    let mut app = Router::new()
        .route("/", get(async move || ([(header::CACHE_CONTROL, "no-store")], Html(page))))
        .route("/favicon.ico", get(async || {}))
        .route("/balance", guarded("balance", "Balance"))
        .route("/card", guarded("card", "The card"));
    for (path, file) in scripts {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules").join(file);
        let script = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("run `npm ci`: {file:?}: {error}"));
        app = app.route(path, get(async move || ([(header::CONTENT_TYPE, "text/javascript")], script)));
    }
    let app = app.merge(authsignal.routes()).with_state(seen.clone()).layer(from_fn_with_state(seen.clone(), watch));
    tokio::spawn(async move {
        axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await.unwrap();
    });
    (Visitor::arrive_at(site, json!({})).await, emulator, seen)
}

fn page(head: &str, body: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>Shop</title>{head}</head>\
         <body><main><h1>Shop</h1>{body}</main></body></html>"
    )
}

/// Moves the pointer onto an element, or off everything.
async fn points_at(visitor: &Visitor, css: &str) {
    let element = visitor.waits_for(Locator::Css(css)).await;
    let to = PointerAction::MoveToElement { element, duration: None, x: 0., y: 0. };
    visitor.browser.perform_actions(MouseActions::new("mouse".into()).then(to)).await.unwrap();
}

async fn presses(visitor: &Visitor, down: bool) {
    let button = MOUSE_BUTTON_LEFT;
    let action = if down { PointerAction::Down { button } } else { PointerAction::Up { button } };
    visitor.browser.perform_actions(MouseActions::new("mouse".into()).then(action)).await.unwrap();
}

/// Whether a page with this heading comes in time.
async fn comes(visitor: &Visitor, heading: &str, patience: Duration) -> bool {
    let xpath = format!("//h1[normalize-space()=\"{heading}\"]");
    let wait = visitor.browser.wait().at_most(patience).every(Duration::from_millis(10));
    wait.for_element(Locator::XPath(&xpath)).await.is_ok()
}

/// Clicks both links so many times under rules of this kind; gives how many clicks did nothing, of how many, and a
/// line about it.
async fn clicks(kind: &str, eagerness: &str, instead: u16, times: usize) -> (usize, usize, String) {
    let rules = json!({ kind: [{ "where": { "href_matches": "/*" }, "eagerness": eagerness }] });
    let head = format!("<script type=\"speculationrules\">{rules}</script>");
    let links =
        "<p><a id=\"allowed\" href=\"/balance\">Balance</a></p><p><a id=\"challenged\" href=\"/card\">Card</a></p>";
    let (ada, emulator, seen) = shop(page(&head, links), &[]).await;
    seen.0.instead.store(instead, Ordering::SeqCst);
    let (mut dead, mut clicked, mut loads) = (0, 0, 0);
    for time in 1..=times {
        for (link, path, heading) in [("#allowed", "/balance", "Balance"), ("#challenged", "/card", "Card")] {
            ada.open("/").await;
            ada.sees("Shop").await;
            loads += 1;
            let before = seen.ahead_of(path).len();
            if eagerness == "immediate" {
                seen.waits_for(path, loads).await;
            }
            points_at(&ada, link).await;
            if eagerness == "moderate" {
                seen.waits_for(path, before + 1).await;
            }
            presses(&ada, true).await;
            if eagerness == "conservative" {
                seen.waits_for(path, before + 1).await;
            }
            presses(&ada, false).await;
            clicked += 1;
            let patience = if instead == 0 { PATIENCE } else { Duration::from_secs(1) };
            if !comes(&ada, heading, patience).await {
                dead += 1;
                assert_eq!(ada.address().await.path(), "/", "{kind}, {eagerness}, {time}");
            }
        }
    }
    let ahead = [seen.ahead_of("/balance"), seen.ahead_of("/card")].concat();
    let want = if kind == "prerender" { "sec-purpose: prefetch;prerender" } else { "sec-purpose: prefetch" };
    let said = ahead.iter().filter(|(mark, _)| mark == want).count();
    let report = format!(
        "{kind}, {eagerness}: {dead} of {clicked} clicks did nothing; {} requests ahead, {said} with `{want}`, answered {:?}; \
         {} tracked",
        ahead.len(),
        ahead.first().map(|(_, status)| status),
        emulator.calls(Endpoint::Track),
    );
    assert!(said >= 2, "the browser did not ask ahead as it was told to: {ahead:?}");
    (dead, clicked, report)
}

/// T121, C4: under speculation rules of every kind, each click ends where it should, on an allowed and on a challenged route.
#[tokio::test]
async fn t121_speculation_rules_make_no_dead_clicks() {
    let mut all = 0;
    for kind in ["prefetch", "prerender"] {
        for eagerness in ["conservative", "moderate", "immediate"] {
            let (dead, clicked, report) = clicks(kind, eagerness, 0, 5).await;
            println!("{report}");
            assert_eq!((dead, clicked), (0, 10), "{kind}, {eagerness}");
            all += clicked;
        }
    }
    println!("0 of {all} clicks did nothing");
}

/// That the test above can see what it looks for: with 204, as it was once, clicks do nothing.
#[tokio::test]
async fn t121_a_success_would_be_taken_for_the_clicks_answer() {
    let (dead, clicked, report) = clicks("prefetch", "conservative", 204, 5).await;
    println!("{report}");
    assert!(dead > 0, "{dead} of {clicked}");
}

/// Has an approval of the card opened by a script and proved, and comes back to the first page, where it waits.
async fn approves_the_card(ada: &Visitor) {
    ada.open("/").await;
    ada.sees("Shop").await;
    ada.click("Ask").await;
    ada.confirms("Card").await;
    ada.sees("Shop").await;
}

/// Points at the link three times, and sees each answered with a failure; gives how many were asked in all.
async fn hovers_thrice(ada: &Visitor, seen: &Seen, mark: &str) -> usize {
    let before = seen.ahead_of("/card").len();
    for time in 1..=3 {
        points_at(ada, "#card").await;
        seen.waits_for("/card", before + time).await;
        points_at(ada, "h1").await;
    }
    let ahead = seen.ahead_of("/card");
    assert!(ahead.iter().all(|told| *told == (mark.to_owned(), 503)), "{ahead:?}");
    ahead.len()
}

async fn points_and_presses(ada: &Visitor, seen: &Seen) {
    let before = seen.ahead_of("/card").len();
    points_at(ada, "#card").await;
    seen.waits_for("/card", before + 1).await;
    presses(ada, true).await;
    presses(ada, false).await;
}

/// A button whose script asks for the card, and leads to the challenge that it is told of.
const ASK: &str = "<p><button type=\"button\" onclick=\"fetch('/card').then(answer => answer.json()).then(told => \
                   location.href = told.url)\">Ask</button></p>";

/// T122: Turbo 8 asks ahead on each hover. It makes no attempt and spends no approval, and the click after it works.
#[tokio::test]
async fn t122_a_hover_of_turbo_costs_nothing() {
    let head = "<script type=\"module\" src=\"/turbo.js\"></script>";
    let body = format!("<p><a id=\"card\" href=\"/card\">Card</a></p>{ASK}");
    let scripts = [("/turbo.js", "@hotwired/turbo/dist/turbo.es2017-esm.js")];
    let (ada, emulator, seen) = shop(page(head, &body), &scripts).await;
    let mark = "x-sec-purpose: prefetch";

    ada.open("/").await;
    ada.sees("Shop").await;
    let hovered = hovers_thrice(&ada, &seen, mark).await;
    assert_eq!((hovered, emulator.calls(Endpoint::Track)), (3, 0));
    points_and_presses(&ada, &seen).await;
    ada.confirms("Card").await;
    ada.sees("The card").await;
    let (tracked, ran) = (emulator.calls(Endpoint::Track), seen.ran());
    println!("Turbo: {hovered} hovers made 0 attempts, and the click {tracked}; the handler ran {ran} times");
    assert_eq!((tracked, ran), (1, 1));

    approves_the_card(&ada).await;
    let tracked = emulator.calls(Endpoint::Track);
    hovers_thrice(&ada, &seen, mark).await;
    assert_eq!((emulator.calls(Endpoint::Track), seen.ran()), (tracked, ran), "a hover has cost something");
    points_and_presses(&ada, &seen).await;
    ada.sees("The card").await;
    assert_eq!((emulator.calls(Endpoint::Track), seen.ran()), (tracked, ran + 1), "the approval was gone");
    ada.leaves().await;
}

/// T122: so does htmx's preload extension.
#[tokio::test]
async fn t122_a_preload_of_htmx_costs_nothing() {
    let head = "<script src=\"/htmx.js\"></script><script src=\"/preload.js\"></script>";
    let body = format!(
        "<div hx-ext=\"preload\"><button id=\"card\" type=\"button\" hx-get=\"/card\" hx-target=\".out\" hx-select=\"h1\" \
         preload=\"always mouseover\">Card</button></div><div class=\"out\"></div>{ASK}"
    );
    let scripts = [("/htmx.js", "htmx.org/dist/htmx.min.js"), ("/preload.js", "htmx-ext-preload/preload.js")];
    let (ada, emulator, seen) = shop(page(head, &body), &scripts).await;
    let mark = "hx-preloaded: true";

    ada.open("/").await;
    ada.sees("Shop").await;
    let hovered = hovers_thrice(&ada, &seen, mark).await;
    assert_eq!((hovered, emulator.calls(Endpoint::Track)), (3, 0));
    points_and_presses(&ada, &seen).await;
    ada.confirms("Card").await;
    ada.sees("Shop").await;
    let (tracked, ran) = (emulator.calls(Endpoint::Track), seen.ran());
    println!("htmx: {hovered} hovers made 0 attempts, and the click {tracked}; the handler ran {ran} times");
    assert_eq!((tracked, ran), (1, 0));

    hovers_thrice(&ada, &seen, mark).await;
    assert_eq!((emulator.calls(Endpoint::Track), seen.ran()), (tracked, ran), "a hover has cost something");
    points_and_presses(&ada, &seen).await;
    ada.reads(".out", "The card").await;
    assert_eq!((emulator.calls(Endpoint::Track), seen.ran()), (tracked, ran + 1), "the approval was gone");
    ada.leaves().await;
}
