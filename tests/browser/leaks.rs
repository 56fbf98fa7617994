//! What leaves a browser on its way through a challenge: addresses, headers, cookies, as servers that note them see them.
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use authsignal_emulator::Emulator;
use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::map_request;
use axum::response::{Html, Redirect};
use axum::routing::{get, post};
use axum_authsignal::{Authsignal, AuthsignalLayer, User};
use serde_json::{Value, json};

use test_support::visitor::Visitor;

/// What a server was asked.
#[derive(Clone, Debug)]
struct Asked {
    method: Method,
    target: String,
    headers: HeaderMap,
}

impl Asked {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn has_cookie(&self, name: &str) -> bool {
        self.header("cookie").split("; ").any(|pair| pair.starts_with(&format!("{name}=")))
    }
}

/// Everything that a server was asked.
#[derive(Clone, Debug, Default)]
struct Notes(Arc<Mutex<Vec<Asked>>>);

impl Notes {
    fn all(&self) -> Vec<Asked> {
        self.0.lock().unwrap().clone()
    }

    fn of(&self, path: &str) -> Vec<Asked> {
        let is_path = |asked: &Asked| asked.target.split('?').next() == Some(path);
        self.all().into_iter().filter(is_path).collect()
    }

    /// Serves a router on a port of its own, and notes what it is asked.
    async fn take(&self, listener: tokio::net::TcpListener, app: Router) {
        let notes = self.clone();
        let app = app.layer(map_request(move |request: Request| {
            let target = request.uri().to_string();
            let asked = Asked { method: request.method().clone(), target, headers: request.headers().clone() };
            notes.0.lock().unwrap().push(asked);
            async { request }
        }));
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    }
}

/// A page of the application's. It tells every other site its whole address, as careless ones do.
fn page(title: &str, body: &str) -> ([(header::HeaderName, &'static str); 1], Html<String>) {
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><title>{title}</title><link rel=\"icon\" href=\"data:,\"></head>\
         <body><main><h1>{title}</h1>{body}</main></body></html>"
    );
    ([(header::REFERRER_POLICY, "unsafe-url")], Html(html))
}

/// A shop on `localhost`, the emulator on `127.0.0.1`, which is another site, and a third party on yet another port.
struct Exposed {
    site: String,
    shop: Notes,
    third: Notes,
    third_url: String,
    _emulator: Emulator,
}

async fn listen() -> (tokio::net::TcpListener, u16) {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn exposed() -> Exposed {
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let (shop, third) = (Notes::default(), Notes::default());

    let (listener, port) = listen().await;
    let third_url = format!("http://127.0.0.1:{port}");
    let pixel = ([(header::CONTENT_TYPE, "image/svg+xml")], "<svg xmlns=\"http://www.w3.org/2000/svg\"/>");
    let elsewhere = Router::new()
        .route("/pixel", get(async move || pixel))
        .fallback(async || page("Elsewhere", "<p>Somebody else.</p>"));
    third.take(listener, elsewhere).await;

    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = Authsignal::builder(emulator.client())
        .callback_url(format!("{site}/authsignal/callback"))
        .with_insecure_cookies()
        .home("/home")
        .identify_parts(|parts| {
            let cookies = parts.headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
            let user = cookies.flat_map(|value| value.split("; ")).find_map(|pair| pair.strip_prefix("session="))?;
            Some(User::new(user).session(user))
        })
        .build()
        .unwrap();
    let layer = |action: &str| AuthsignalLayer::new(&authsignal, action);
    let to_third = third_url.clone();
    let home = async |State(third): State<String>| {
        page(
            "Home",
            &format!(
                "<img alt=\"\" src=\"{third}/pixel\"><a href=\"/card\">Card</a> <a href=\"{third}/away\">Away</a>\
                 <form method=\"post\" action=\"/transfer\"><input type=\"hidden\" name=\"amount\" value=\"10\">\
                 <button>Send</button></form>"
            ),
        )
    };
    let app = Router::new()
        .route("/home", get(home))
        .route(
            "/sign-in",
            get(async || {
                let cookie = "session=ada; Path=/; HttpOnly; SameSite=Strict";
                (StatusCode::SEE_OTHER, [(header::SET_COOKIE, cookie), (header::LOCATION, "/home")])
            }),
        )
        .route(
            "/card",
            get(async |State(third): State<String>| {
                page("Your card", &format!("<img alt=\"\" src=\"{third}/pixel\"><a href=\"{third}/away\">Away</a>"))
            })
            .route_layer(layer("view-card")),
        )
        .route(
            "/transfer",
            post(async |State(third): State<String>| Redirect::to(&format!("{third}/thanks")))
                .route_layer(layer("pay")),
        )
        .with_state(to_third)
        .merge(authsignal.routes());
    shop.take(listener, app).await;
    Exposed { site, shop, third, third_url, _emulator: emulator }
}

/// The addresses of a tab's history.
async fn history(visitor: &Visitor) -> Vec<String> {
    let answer = visitor.driver("goog/cdp/execute", json!({ "cmd": "Page.getNavigationHistory", "params": {} })).await;
    let entries = answer["value"]["entries"].as_array().unwrap().clone();
    entries.iter().map(|entry| entry["url"].as_str().unwrap().to_owned()).collect()
}

/// Whether the browser has an address of the page's own origin in its cache.
async fn is_cached(visitor: &Visitor, address: &str) -> Value {
    let script = "const done = arguments[arguments.length - 1];
        fetch(arguments[0], { cache: 'only-if-cached', mode: 'same-origin' }).then(() => done(true), () => done(false));";
    visitor.browser.execute_async(script, vec![json!(address)]).await.unwrap()
}

/// T10: after whole walks through Chromium, with pages that tell everybody where they are, neither a token nor a flow's
/// ticket is in any `Referer`, at the application or at a third party, in the tab's history, or in the browser's cache.
#[tokio::test]
async fn t10_no_token_leaves_by_referer_history_or_cache() {
    let exposed = exposed().await;
    let ada = Visitor::arrive_at(exposed.site.clone(), json!({})).await;
    ada.open("/sign-in").await;
    ada.sees("Home").await;

    // A page: proved, shown, and left for a third party.
    ada.click("Card").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.click("Away").await;
    ada.sees("Elsewhere").await;
    // A form: proved, posted again, and answered by a redirect to a third party.
    ada.open("/home").await;
    ada.click("Send").await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Elsewhere").await;
    // A challenge that is left: the flow's own page, and home.
    ada.open("/home").await;
    ada.click("Card").await;
    ada.sees("View card").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    ada.click("Cancel").await;
    ada.sees("Home").await;

    let back: Vec<_> = exposed.shop.of("/authsignal/callback").into_iter().map(|asked| asked.target).collect();
    let tokens: Vec<_> = back.iter().filter_map(|target| Some(target.split_once("token=")?.1.to_owned())).collect();
    assert!(tokens.len() >= 3, "{back:?}");
    let history_so_far = history(&ada).await;

    // A page that has the token in its own address, since nothing is known of its flow: it leads nowhere with it either.
    let lost = format!("/authsignal/callback?flow={}&token=canary-token", "A".repeat(43));
    ada.open(&lost).await;
    ada.sees("This has expired").await;
    ada.click("Continue").await;
    ada.sees("Home").await;
    for address in back.iter().chain([&lost]) {
        assert_eq!(is_cached(&ada, address).await, json!(false), "{address}");
    }
    ada.click("Away").await;
    ada.sees("Elsewhere").await;

    let (shop, third) = (exposed.shop.all(), exposed.third.all());
    let told: Vec<_> = third.iter().map(|asked| asked.header("referer")).collect();
    assert!(told.contains(&format!("{}/card", exposed.site).as_str()), "the pages do tell where they are: {told:?}");
    assert!(told.contains(&format!("{}/home", exposed.site).as_str()), "{told:?}");
    assert!(third.iter().any(|asked| asked.target == "/thanks"));
    for asked in &third {
        let all = format!("{asked:?}");
        assert!(!all.contains("token") && !all.contains("flow="), "{all}");
    }
    for asked in &shop {
        let referer = asked.header("referer");
        assert!(!referer.contains("token="), "{asked:?}");
        // Only the form's own post says from which of our pages it comes; that address has no token.
        assert!(!referer.contains("flow=") || asked.target == "/transfer", "{asked:?}");
    }
    let ours = history_so_far.iter().filter(|url| url.starts_with(&exposed.site)).collect::<Vec<_>>();
    assert!(ours.len() >= 4, "{ours:?}");
    assert!(ours.iter().all(|url| !url.contains("token=")), "{ours:?}");
    println!(
        "{} requests at the application and {} at {}, {} tokens, {} of our addresses in the history: 0 leaks",
        shop.len(),
        third.len(),
        exposed.third_url,
        tokens.len(),
        ours.len()
    );
    // It does not look at the console, where the browser notes that it has none of those addresses in its cache.
}

/// T49: a form that is posted again carries what the browser sends by itself, and nothing of what the first request had
/// besides: no credential, no idempotency key, no header of any other kind.
#[tokio::test]
async fn t49_a_resumed_form_carries_the_browsers_own_headers_alone() {
    /// What Chromium sends with a form that a page posts to its own origin over HTTP/1.1.
    const OWN: [&str; 21] = [
        "accept",
        "accept-encoding",
        "accept-language",
        "cache-control",
        "connection",
        "content-length",
        "content-type",
        "cookie",
        "host",
        "origin",
        "pragma",
        "referer",
        "sec-ch-ua",
        "sec-ch-ua-mobile",
        "sec-ch-ua-platform",
        "sec-fetch-dest",
        "sec-fetch-mode",
        "sec-fetch-site",
        "sec-fetch-user",
        "upgrade-insecure-requests",
        "user-agent",
    ];
    let exposed = exposed().await;
    let ada = Visitor::arrive_at(exposed.site.clone(), json!({})).await;
    ada.open("/sign-in").await;
    ada.sees("Home").await;
    let extra = json!({
        "Authorization": "Basic Y2FuYXJ5OmNhbmFyeQ==",
        "Idempotency-Key": "canary-key",
        "X-Canary": "canary-header",
        "If-Match": "\"canary-tag\"",
        "X-Forwarded-For": "203.0.113.7",
        "Content-Language": "tlh",
    });
    ada.devtools("Network.enable", json!({})).await;
    ada.devtools("Network.setExtraHTTPHeaders", json!({ "headers": extra })).await;
    ada.click("Send").await;
    ada.sees("Pay").await;
    ada.devtools("Network.setExtraHTTPHeaders", json!({ "headers": {} })).await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;
    ada.click("Continue").await;
    ada.sees("Elsewhere").await;

    let posts = exposed.shop.of("/transfer");
    let [first, resumed] = &posts[..] else { panic!("{posts:?}") };
    assert_eq!((&first.method, &resumed.method), (&Method::POST, &Method::POST));
    for name in extra.as_object().unwrap().keys() {
        assert!(first.headers.contains_key(name), "{name} was there at first");
        assert!(!resumed.headers.contains_key(name), "{name}: {resumed:?}");
    }
    let foreign = resumed.headers.keys().filter(|name| !OWN.contains(&name.as_str())).collect::<Vec<_>>();
    assert_eq!(foreign, [] as [&header::HeaderName; 0]);
    assert!(!format!("{resumed:?}").contains("canary"), "{resumed:?}");
    assert_eq!(resumed.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(resumed.header("content-length"), "amount=10".len().to_string());
    assert_eq!(resumed.header("origin"), exposed.site, "the application's own check of it passes");
    assert_eq!(resumed.header("sec-fetch-site"), "same-origin");
    assert!(resumed.has_cookie("session") && resumed.has_cookie("authsignal"));
    println!(
        "{} headers of the browser's own, {} left behind",
        resumed.headers.len(),
        extra.as_object().unwrap().len()
    );
    ada.leaves().await;
}

/// T89: the session's cookie is `Strict`, and the challenge is on another site. On the way back Chromium brings our cookie
/// and not the session's; after one hop within the site it brings both. For a page and for a form.
#[tokio::test]
async fn t89_a_strict_session_comes_one_hop_later() {
    let exposed = exposed().await;
    let ada = Visitor::arrive_at(exposed.site.clone(), json!({})).await;
    ada.open("/sign-in").await;
    ada.sees("Home").await;
    ada.click("Card").await;
    ada.confirms("View card").await;
    ada.sees("Your card").await;
    ada.open("/home").await;
    ada.click("Send").await;
    ada.confirms("Pay").await;
    ada.sees("One last step").await;

    let back: Vec<_> = exposed.shop.of("/authsignal/callback");
    let seen: Vec<_> = back
        .iter()
        .map(|asked| {
            let (token, hop) = (asked.target.contains("token="), asked.target.ends_with("&hop=1"));
            (token, hop, asked.has_cookie("authsignal"), asked.has_cookie("session"))
        })
        .collect();
    let (first, clean) = ((true, false, true, false), (false, false, true, false));
    let (hopped, own_page) = ((false, true, true, true), (false, false, true, true));
    let walk = [first, clean, hopped, first, clean, hopped, own_page];
    assert_eq!(seen, walk, "token, hop, our cookie, the session's");
    assert_eq!(back[0].header("sec-fetch-site"), "cross-site", "really another site");
    let strict = ada.cookies().await;
    assert_eq!(strict, [("authsignal", "Lax"), ("session", "Strict")].map(|(name, site)| (name.into(), site.into())));
    ada.leaves().await;
}
