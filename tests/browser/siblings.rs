//! What a sibling host can do to an application through a browser: plant cookies (threat T113), and post forms (threat T42).
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_emulator::Endpoint;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum_authsignal::{Authsignal, AuthsignalLayer, Coverage, Refusal, RefusalReason, User};
use serde_json::json;
use tower::ServiceExt as _;

use crate::sites::{emulator, handle, listen, page, serve};
use test_support::visitor::Visitor;

const NAME: &str = "__Host-authsignal";

/// The blanks of Unicode, and what is not seen.
const BLANKS: [&str; 17] = [
    "\u{85}", "\u{a0}", "\u{ad}", "\u{1680}", "\u{180e}", "\u{2000}", "\u{2003}", "\u{2009}", "\u{200b}", "\u{200d}",
    "\u{2028}", "\u{2029}", "\u{202f}", "\u{205f}", "\u{2060}", "\u{3000}", "\u{feff}",
];

/// What looks like the name of our cookie, and the very name.
fn names() -> Vec<Vec<u8>> {
    let around = BLANKS.iter().flat_map(|blank| [format!("{blank}{NAME}"), format!("{NAME}{blank}")]);
    let odd = [
        NAME,
        " __Host-authsignal",
        "__Host-authsignal ",
        "\t__Host-authsignal",
        "__Host-authsignal\t",
        "=__Host-authsignal",
        "__host-authsignal",
        "__HOST-AUTHSIGNAL",
        "__Host-Authsignal",
        "\"__Host-authsignal\"",
        "\"__Host-authsignal",
        "'__Host-authsignal'",
        "__Host\u{2010}authsignal",
        "__Ho\u{17f}t-authsignal",
        "\u{ff3f}\u{ff3f}Host-authsignal",
        "%5F%5FHost-authsignal",
        "_%5FHost-authsignal",
        "__Host%2Dauthsignal",
        "__Host-authsignal%20",
        "__Host-authsignal%00",
        "$__Host-authsignal",
        ",__Host-authsignal",
        "a,__Host-authsignal",
        "a __Host-authsignal",
        "__Host-authsignal[]",
        "__Host-\u{200b}authsignal",
        "__Secure-authsignal",
        "__Http-authsignal",
        "Host-authsignal",
        "authsignal",
    ]
    .map(str::to_owned);
    let names = around.chain(odd).map(String::into_bytes);
    // Blanks of Latin-1, as single bytes.
    names.chain([b"\xa0__Host-authsignal".to_vec(), b"\x85__Host-authsignal".to_vec()]).collect()
}

/// A request as it came, and what became of it.
#[derive(Clone, Debug)]
struct Seen {
    cookies: Vec<Vec<u8>>,
    site: Option<HeaderValue>,
    reason: Option<RefusalReason>,
}

type Log = Arc<Mutex<Vec<Seen>>>;

async fn record(State(log): State<Log>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let cookies = headers.get_all(header::COOKIE).iter().map(|value| value.as_bytes().to_vec()).collect();
    let site = headers.get("sec-fetch-site").cloned();
    let response = next.run(request).await;
    let reason = response.extensions().get::<Refusal>().map(|refusal| refusal.reason().clone());
    log.lock().unwrap().push(Seen { cookies, site, reason });
    response
}

/// Says in a page what would have led the browser on, so that each visit ends where it is, and sets no cookie of its own.
async fn tell(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let heading = if response.status() == StatusCode::OK { "Passed" } else { "Stopped" };
    page(heading, "").into_response()
}

/// The cookie of a browser of Ada's whose approval is remembered.
async fn approved(app: &Router, emulator: &authsignal_emulator::Emulator, host: &str) -> String {
    let ask = |target: &str, cookie: Option<&str>| {
        let mut request = Request::builder().uri(target).header("host", host);
        request = request.header("sec-fetch-mode", "navigate").header("accept", "text/html");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        app.clone().oneshot(request.body(Body::empty()).unwrap())
    };
    let header = |response: &Response, name: &str| response.headers()[name].to_str().unwrap().to_owned();
    let challenged = ask("/", None).await.unwrap();
    let cookie = header(&challenged, "set-cookie").split(';').next().unwrap().to_owned();
    let back = emulator.succeed(&header(&challenged, "location")).unwrap();
    let back = back.strip_prefix(&format!("https://{host}")).unwrap();
    assert_eq!(ask(back, Some(&cookie)).await.unwrap().status(), 303);
    assert_eq!(ask("/", Some(&cookie)).await.unwrap().status(), 200, "what is planted is worth something");
    cookie.split_once('=').unwrap().1.to_owned()
}

/// T113: whatever of this a browser takes from a sibling host and sends to us, none of it is our cookie, alone and all
/// together, and beside our own none of it locks the browser out.
#[tokio::test]
async fn t113_no_name_that_a_sibling_can_set_is_taken() {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let (host, evil) = (format!("shop.localhost:{port}"), format!("evil.shop.localhost:{port}"));
    let authsignal = Authsignal::builder(emulator.client())
        .challenge_budget(10_000, Duration::from_secs(60))
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .callback_url(format!("https://{host}/authsignal/callback"))
        .identify(|_: HeaderMap| async { User::new("ada") })
        .build()
        .unwrap();
    let layer = AuthsignalLayer::new(&authsignal, "view-card").covers(Coverage::Action);
    let guarded = get(async || "card").layer(layer.remember(Duration::from_secs(600)));
    let app = Router::new().route("/", guarded.clone()).merge(authsignal.routes());
    let id = approved(&app, &emulator, &host).await;
    assert_eq!(id.len(), 43 + 2, "{NAME}={id}");

    let log = Log::default();
    let cookies: Vec<Vec<u8>> = names().iter().map(|name| [name, &b"="[..], id.as_bytes()].concat()).collect();
    let tried = cookies.len();
    let plant = async move |Path(which): Path<String>| {
        let chosen = which.parse().map_or(&cookies[..], |at: usize| std::slice::from_ref(&cookies[at]));
        let mut headers = HeaderMap::new();
        for cookie in chosen {
            let set = [cookie, &b"; Domain=shop.localhost; Path=/"[..]].concat();
            headers.append("set-cookie", HeaderValue::from_bytes(&set).unwrap());
        }
        (headers, page("Planted", ""))
    };
    let own = format!("{NAME}={id}; Path=/; Secure; HttpOnly; SameSite=Lax");
    let app = Router::new()
        .route("/", guarded.layer(from_fn_with_state(Log::clone(&log), record)).layer(axum::middleware::from_fn(tell)))
        .route("/plant/{which}", get(plant))
        .route("/own", get(async move || ([("set-cookie", own)], page("Own", ""))))
        .route("/favicon.ico", get(async || ()));
    serve(listener, app);

    let ada = Visitor::arrive_at(format!("http://{host}"), json!({})).await;
    let visit = async |which: &str| {
        ada.browser.goto(&format!("http://{evil}/plant/{which}")).await.unwrap();
        ada.sees("Planted").await;
        ada.open("/").await;
        ada.sees_one_of(&["Passed", "Stopped"]).await;
        log.lock().unwrap().last().cloned().unwrap()
    };
    let (tracks, mut arrived) = (emulator.calls(Endpoint::Track), 0);
    for at in 0..tried {
        ada.devtools("Network.clearBrowserCookies", json!({})).await;
        let seen = visit(&at.to_string()).await;
        let name = String::from_utf8_lossy(&names()[at]).into_owned();
        assert_eq!(seen.reason, Some(RefusalReason::ChallengeRequired), "{name:?}: {seen:?}");
        arrived += usize::from(!seen.cookies.is_empty());
    }
    ada.devtools("Network.clearBrowserCookies", json!({})).await;
    let seen = visit("all").await;
    assert_eq!(seen.reason, Some(RefusalReason::ChallengeRequired), "{seen:?}");
    let at_once = seen.cookies.iter().map(|value| value.split(|byte| *byte == b';').count()).sum::<usize>();
    assert_eq!(emulator.calls(Endpoint::Track), tracks + tried + 1, "Authsignal is asked anew each time");
    println!("{tried} names planted by a sibling, {arrived} sent one by one, {at_once} at once: 0 taken");
    assert!(tried >= 40 && arrived > 0 && at_once > 0);

    // Beside all of them, the browser's own is the one that counts.
    ada.open("/own").await;
    ada.sees("Own").await;
    let seen = visit("all").await;
    assert_eq!(seen.reason, None, "{seen:?}");
    ada.leaves().await;
}

/// T42: a sibling's form is refused, before the user proved the same form on the own page, after, and once it is spent.
#[tokio::test]
async fn t42_a_siblings_form_passes_by_no_proof() {
    for remember in [None, Some(Duration::from_secs(600))] {
        let emulator = emulator().await;
        let (listener, port) = listen().await;
        let site = format!("http://shop.localhost:{port}");
        let form = format!(
            "<form method=\"post\" action=\"{site}/withdraw\"><label>Amount <input name=\"amount\" value=\"10\"></label>\
             <button>Withdraw</button></form>"
        );
        let authsignal = handle(&emulator, &site).build().unwrap();
        let layer = AuthsignalLayer::new(&authsignal, "withdraw");
        let layer = remember.map_or(layer.clone(), |time| layer.covers(Coverage::Action).remember(time));
        let (log, withdrawn) = (Log::default(), Arc::new(Mutex::new(0)));
        let count = Arc::clone(&withdrawn);
        let withdraw = async move || {
            *count.lock().unwrap() += 1;
            page("Withdrawn", "")
        };
        let recorded = from_fn_with_state(Log::clone(&log), record);
        let app = Router::new()
            .route("/", get(async move || page("Form", &form)))
            .route("/favicon.ico", get(async || ()))
            .route("/withdraw", post(withdraw).layer(layer).layer(recorded))
            .merge(authsignal.routes());
        serve(listener, app);

        let ada = Visitor::arrive_at(site, json!({})).await;
        let sibling_posts = async |has_cookie: bool| {
            let before = (*withdrawn.lock().unwrap(), emulator.messages().len());
            ada.browser.goto(&format!("http://evil.shop.localhost:{port}/")).await.unwrap();
            ada.sees("Form").await;
            ada.click("Withdraw").await;
            ada.sees("This can't be done from here").await;
            let seen = log.lock().unwrap().last().cloned().unwrap();
            assert_eq!(seen.reason, Some(RefusalReason::CrossSite), "{seen:?}");
            assert_eq!(seen.site.as_ref().unwrap(), "same-site");
            assert_eq!(!seen.cookies.is_empty(), has_cookie, "{seen:?}");
            assert_eq!((*withdrawn.lock().unwrap(), emulator.messages().len()), before);
        };
        sibling_posts(false).await;
        ada.open("/").await;
        ada.click("Withdraw").await;
        ada.confirms("Withdraw").await;
        ada.sees("One last step").await;
        sibling_posts(true).await;
        // The proof is still there for the page that it was given for.
        ada.open("/").await;
        ada.click("Withdraw").await;
        ada.sees("Withdrawn").await;
        sibling_posts(true).await;
        assert_eq!(*withdrawn.lock().unwrap(), 1);
        ada.leaves().await;
    }
}
