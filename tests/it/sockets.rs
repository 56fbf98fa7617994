//! Over real sockets: the application on `localhost`, the emulator on `127.0.0.1`, which are two sites, and a client that
//! keeps cookies as a browser does.
use std::net::SocketAddr;

use authsignal_emulator::{Emulator, Endpoint};
use axum::Router;
use axum_authsignal::{Authsignal, User};
use reqwest::{Client, Response, redirect};
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Effects, app, parameter};

struct Site {
    emulator: Emulator,
    effects: Effects,
    origin: String,
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Site {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn site() -> Site {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let origin = format!("http://localhost:{}", address.port());
    let emulator = Emulator::start().await.unwrap();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let authsignal = Authsignal::builder(emulator.client())
        .challenge_budget(10_000, std::time::Duration::from_secs(60))
        .pending_flow_budget(1_000, 16 * 1024 * 1024)
        .callback_url(format!("{origin}/authsignal/callback"))
        .with_insecure_cookies()
        // The session of these applications is a cookie.
        .identify_parts(|parts| {
            let cookies = parts.headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
            let signed_in =
                cookies.flat_map(|value| value.split("; ")).find_map(|pair| pair.strip_prefix("session="))?;
            Some(User::new(signed_in).session(signed_in))
        })
        .build()
        .unwrap();
    let effects = Effects::default();
    let login = |axum::extract::Path(user): axum::extract::Path<String>| async move {
        [("set-cookie", format!("session={user}; Path=/; HttpOnly; SameSite=Lax"))]
    };
    let router: Router = app(&authsignal, &effects).route("/login/{user}", axum::routing::get(login));
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let server = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    Site { emulator, effects, origin, address, server }
}

impl Site {
    async fn browser(&self) -> Client {
        let policy = redirect::Policy::none();
        let address = SocketAddr::from(([127, 0, 0, 1], self.address.port()));
        let builder = Client::builder().cookie_store(true).redirect(policy).no_proxy();
        let browser = builder.resolve("localhost", address).build().unwrap();
        browser.get(format!("{}/login/ada", self.origin)).send().await.unwrap();
        browser
    }

    fn url(&self, target: &str) -> String {
        format!("{}{target}", self.origin)
    }
}

fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// A form: posted, challenged, proved on the emulator's own page, brought back, shown again, posted, done once.
#[tokio::test]
async fn a_posted_form_goes_all_the_way_round() {
    let site = site().await;
    let browser = site.browser().await;
    let post = || {
        let request = browser.post(site.url("/pay?ref=1")).header("accept", "text/html").header("origin", &site.origin);
        request.form(&[("to", "bob"), ("amount", "10")])
    };
    let challenged = post().send().await.unwrap();
    assert_eq!(challenged.status(), 303);
    let set = challenged.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(set.starts_with("authsignal=") && !set.contains("Secure") && set.contains("SameSite=Lax"), "{set}");
    let challenge = location(&challenged);

    // The emulator's page, as a person uses it.
    let page = browser.get(&challenge).send().await.unwrap().text().await.unwrap();
    assert!(page.contains("<form"), "{page}");
    let back = site.emulator.succeed(&challenge).unwrap();
    assert!(back.starts_with(&site.url("/authsignal/callback?flow=")), "{back}");

    let first = browser.get(&back).header("accept", "text/html").send().await.unwrap();
    assert_eq!(first.status(), 303);
    assert!(!location(&first).contains("token"));
    let page = browser.get(site.url(&location(&first))).send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
    let html = page.text().await.unwrap();
    assert!(html.contains("action=\"/pay?ref=1\"") && html.contains("value=\"bob\""), "{html}");
    assert_eq!(site.effects.count(), 0);

    let done = post().send().await.unwrap();
    assert_eq!((done.status().as_u16(), done.text().await.unwrap().as_str()), (200, "done"));
    assert_eq!(post().send().await.unwrap().status(), 409, "and not again");
    assert_eq!((site.effects.count(), site.emulator.calls(Endpoint::ValidateChallenge)), (1, 1));
    let tracked = site
        .emulator
        .received_requests()
        .into_iter()
        .find(|request| request.endpoint == Endpoint::Track)
        .unwrap()
        .json();
    assert_eq!(tracked["ipAddress"], "127.0.0.1");
}

/// A script: told where the challenge is, and repeats the request itself. A signed-out browser, and another, get nothing.
#[tokio::test]
async fn a_script_repeats_its_request_after_the_challenge() {
    let site = site().await;
    let browser = site.browser().await;
    let post = |browser: &Client| browser.post(site.url("/pay")).json(&serde_json::json!({ "to": "bob" })).send();
    let challenged = post(&browser).await.unwrap();
    assert_eq!(challenged.status(), 403);
    assert_eq!(challenged.headers()["content-type"], "application/problem+json");
    let problem: Value = challenged.json().await.unwrap();
    let back = site.emulator.succeed(problem["url"].as_str().unwrap()).unwrap();

    let other = site.browser().await;
    let refused = other.get(&back).send().await.unwrap();
    assert_eq!(refused.status(), 303);
    let clean = site.url(refused.headers()["location"].to_str().unwrap());
    assert!(!clean.contains("token="), "{clean}");
    assert_eq!(other.get(clean).send().await.unwrap().status(), 404);
    assert_eq!(browser.get(&back).send().await.unwrap().status(), 303);
    assert_eq!(post(&other).await.unwrap().status(), 403);
    browser.get(site.url("/login/bob")).send().await.unwrap();
    let refused = browser.get(&back).send().await.unwrap();
    let clean = site.url(refused.headers()["location"].to_str().unwrap());
    assert_eq!(browser.get(clean).send().await.unwrap().status(), 403);
    browser.get(site.url("/login/ada")).send().await.unwrap();
    assert_eq!(post(&browser).await.unwrap().status(), 200);
    assert_eq!(site.effects.count(), 1);
}

/// T90: a browser that abandons many flows carries one cookie.
#[tokio::test]
async fn t90_many_abandoned_flows_leave_one_cookie() {
    let site = site().await;
    let browser = site.browser().await;
    let mut set = Vec::new();
    for number in 0..500 {
        let response = browser.get(site.url(&format!("/pay/{number}"))).send().await.unwrap();
        assert_eq!(response.status(), 403);
        set.extend(response.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().unwrap().to_owned()));
    }
    let [cookie] = &set[..] else { panic!("{set:?}") };
    println!("500 abandoned flows, one cookie of {} bytes with its attributes", cookie.len());
    assert!(cookie.len() <= 120, "{cookie}");
}

/// T57, M16: targets that only a raw socket can send. Nothing runs undecided, and no answer leads off the origin.
#[tokio::test]
async fn t57_raw_targets_are_decided_or_refused() {
    let site = site().await;
    let cookie = "cookie: session=ada";
    let mut lines = Vec::new();
    for target in [
        "http://evil.example/pay",
        "HTTP://evil.example//pay",
        "//evil.example/pay",
        "/pay#x",
        "/\\evil.example",
        "/pay\\..\\x",
        "/pay?//evil.example",
        "/pay/../pay",
        "/./pay",
        "/%70ay",
        "*",
        "evil.example:443",
        "",
        "pay",
    ] {
        for method in ["GET", "HEAD", "POST", "OPTIONS", "CONNECT"] {
            let mut socket = TcpStream::connect(site.address).await.unwrap();
            let request = format!(
                "{method} {target} HTTP/1.1\r\nhost: evil.example\r\n{cookie}\r\naccept: text/html\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            );
            socket.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            let _ = socket.read_to_end(&mut answer).await;
            let answer = String::from_utf8_lossy(&answer).into_owned();
            assert_eq!(site.effects.count(), 0, "{method} {target}: {answer}");
            let location = answer.lines().find_map(|line| line.strip_prefix("location: "));
            if let Some(challenge) = location {
                assert!(challenge.starts_with(site.emulator.origin()), "{method} {target}: {challenge}");
                let back = site.emulator.succeed(challenge).unwrap();
                assert!(parameter(&back, "flow").is_some());
                let ours = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
                lines.push((back, ours.split(';').next().unwrap().to_owned()));
            }
        }
    }
    assert!(!lines.is_empty());
    let client = Client::builder().redirect(redirect::Policy::none()).no_proxy().build().unwrap();
    for (back, ours) in lines {
        let target = back.strip_prefix(&site.origin).unwrap();
        let url = format!("http://{}{target}", site.address);
        let response = client.get(url).header("cookie", format!("session=ada; {ours}")).send().await.unwrap();
        assert_eq!(response.status(), 303);
        let to = location(&response);
        assert!(to.starts_with("/pay") || to.starts_with("/authsignal/callback?flow="), "{to}");
    }
}
