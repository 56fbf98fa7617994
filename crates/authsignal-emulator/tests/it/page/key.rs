//! Passkeys and security keys on the page, with an authenticator in software for the browser's part.
use authsignal_client::{ActionState, Track};
use authsignal_emulator::Emulator;
use reqwest::Response;
use serde_json::{Value, json};

use super::{state, url_and_token};
use crate::client_api::soft_key::SoftKey;
use crate::support::{BACK, Bench, after, bench, hidden, location, returned, text};

fn port(bench: &Bench) -> String {
    bench.emulator.origin().rsplit_once(':').unwrap().1.to_owned()
}

/// The page's origin, as the browser has it once the page is at `localhost`.
fn origin(bench: &Bench) -> String {
    format!("http://localhost:{}", port(bench))
}

/// A page as a browser at `localhost` gets it.
pub(super) async fn at_localhost(bench: &Bench, url: &str) -> String {
    let host = format!("localhost:{}", port(bench));
    let response = bench.http.get(url).header("host", host).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.text().await.unwrap()
}

/// What the browser is given.
fn options(html: &str) -> Value {
    let escaped = after(html, "data-options=\"");
    serde_json::from_str(&escaped.replace("&#34;", "\"").replace("&#38;", "&")).unwrap()
}

/// Hands in what a browser gave for a page.
async fn give(bench: &Bench, token: &str, html: &str, credential: &str) -> Response {
    let (view, challenge) = (hidden(html, "view"), hidden(html, "challenge"));
    let host = format!("localhost:{}", port(bench));
    let form = [
        ("token", token),
        ("step", "credential"),
        ("view", &view),
        ("challenge", &challenge),
        ("credential", credential),
    ];
    let request = bench.http.post(format!("{}/", bench.emulator.origin())).header("host", host);
    request.header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0").form(&form).send().await.unwrap()
}

/// Enrols one as a first method.
pub(super) async fn enrolled(bench: &Bench, view: &str) -> SoftKey {
    let (url, token) = url_and_token(bench).await;
    let html = at_localhost(bench, &format!("{url}&view={view}")).await;
    assert!(html.contains("data-does=\"create\""));
    let mut key = SoftKey::es256();
    let made = key.create(&options(&html), &origin(bench));
    let done = give(bench, &token, &html, &made.to_string()).await;
    assert_eq!(done.status(), 200);
    assert!(done.text().await.unwrap().contains("<h1>Recovery codes</h1>"));
    key
}

#[tokio::test]
async fn each_is_made_and_proves_the_next_action() {
    for (view, name) in [("PASSKEY", "Use your passkey"), ("SECURITY_KEY", "Use your security key")] {
        let bench = bench().await;
        let mut key = enrolled(&bench, view).await;
        let listed = bench.get("/users/ada/authenticators").await.1;
        assert_eq!(listed[0]["webauthnCredential"]["name"], "Chrome on Linux");

        let (url, token) = url_and_token(&bench).await;
        let html = at_localhost(&bench, &url).await;
        assert!(html.contains(name) && html.contains("data-does=\"get\""));
        let signed = key.get(&options(&html), &origin(&bench)).to_string();
        let done = give(&bench, &token, &html, &signed).await;
        let answer = bench.validate(&returned(location(&done))).await;
        assert_eq!((&answer["isValid"], &answer["verificationMethod"]), (&json!(true), &json!(view)));
    }
}

#[tokio::test]
async fn one_more_is_added_in_the_settings() {
    let bench = bench().await;
    enrolled(&bench, "PASSKEY").await;
    let all = "add:authenticators update:authenticators remove:authenticators";
    let body = json!({ "redirectUrl": BACK, "redirectToSettings": true, "scope": all });
    let tracked = bench.track_with(body).await;
    let (url, token) = (text(&tracked["url"]), text(&tracked["token"]));
    let html = at_localhost(&bench, &format!("{url}&view=PASSKEY")).await;
    assert_eq!(options(&html)["excludeCredentials"].as_array().unwrap().len(), 1, "not the same one again");
    let made = SoftKey::es256().create(&options(&html), &origin(&bench));
    let done = give(&bench, token, &html, &made.to_string()).await;
    assert_eq!(done.status(), 303);
    let menu = at_localhost(&bench, &format!("{}{}", bench.emulator.origin(), location(&done))).await;
    assert!(menu.contains("Passkey (Chrome on Linux) is set up."));
    assert_eq!(bench.get("/users/ada/authenticators").await.1.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_proves_nothing_is_refused() {
    let bench = bench().await;
    let mut key = enrolled(&bench, "PASSKEY").await;
    let (url, token) = url_and_token(&bench).await;
    let old = at_localhost(&bench, &url).await;
    let replaced = key.get(&options(&old), &origin(&bench)).to_string();
    let html = at_localhost(&bench, &url).await;
    let elsewhere = key.get(&options(&html), "https://evil.example").to_string();
    for credential in ["", "x", "{}", "null", "[]", &replaced, &elsewhere] {
        let html = at_localhost(&bench, &url).await;
        let refused = give(&bench, &token, &html, credential).await;
        assert_eq!(refused.status(), 422, "{credential:.60}");
        let html = refused.text().await.unwrap();
        assert!(html.contains("It was not accepted. Try again.") && html.contains("data-options"), "and asked again");
    }
    let strangers = SoftKey::es256().get(&options(&html), &origin(&bench)).to_string();
    assert_eq!(give(&bench, &token, &html, &strangers).await.status(), 422);
    assert_eq!(state(&bench), ActionState::ChallengeRequired);

    // What was signed for one action is no proof of another.
    let html = at_localhost(&bench, &url).await;
    let signed = key.get(&options(&html), &origin(&bench)).to_string();
    let (_, other) = url_and_token(&bench).await;
    assert_eq!(give(&bench, &other, &html, &signed).await.status(), 422);
    assert_eq!(state(&bench), ActionState::ChallengeRequired);
}

#[tokio::test]
async fn at_an_address_the_page_hops_to_localhost() {
    let bench = bench().await;
    enrolled(&bench, "PASSKEY").await;
    let (url, token) = url_and_token(&bench).await;
    let hop = bench.http.get(format!("{url}&force_enrollment=true")).send().await.unwrap();
    assert_eq!(hop.status(), 303);
    let expected = format!("{}/?token={token}&force_enrollment=true&view=PASSKEY", origin(&bench));
    assert_eq!(location(&hop), expected);
    bench.enrol(json!({ "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" })).await;
    let (url, _) = url_and_token(&bench).await;
    assert_eq!(bench.open(&url, "&view=EMAIL_OTP").await.0, 200, "for nothing else");
}

#[tokio::test]
async fn a_popup_at_an_address_waits_for_a_tab_beside_it() {
    let bench = bench().await;
    let mut key = enrolled(&bench, "PASSKEY").await;
    let (url, token) = url_and_token(&bench).await;
    let (status, popup) = bench.open(&url, "&mode=popup").await;
    assert_eq!(status, 200, "its messages have to come from one origin");
    let link = after(&popup, "<p><a href=\"").replace("&#38;", "&");
    assert_eq!(link, format!("{}/?token={token}&mode=beside&view=PASSKEY", origin(&bench)));
    let since = hidden(&popup, "since");
    let wait = [("mode", "popup"), ("step", "wait"), ("view", "PASSKEY"), ("since", &*since)];
    let early = bench.submit(&token, &wait).await;
    assert_eq!(early.status(), 422);
    assert!(early.text().await.unwrap().contains("It hasn’t been done yet."));

    let html = at_localhost(&bench, &format!("{url}&mode=beside&view=PASSKEY")).await;
    assert_eq!(hidden(&html, "mode"), "beside");
    let signed = key.get(&options(&html), &origin(&bench)).to_string();
    let challenge = hidden(&html, "challenge");
    let fields = [
        ("mode", "beside"),
        ("step", "credential"),
        ("view", "PASSKEY"),
        ("challenge", &*challenge),
        ("credential", &*signed),
    ];
    let done = bench.submit(&token, &fields).await;
    assert_eq!(done.status(), 200, "it leads nowhere");
    let html = done.text().await.unwrap();
    assert!(html.contains("Go back to where you came from") && !html.contains("data-say"));

    let closed = bench.submit(&token, &wait).await.text().await.unwrap();
    assert!(closed.contains("AUTHSIGNAL_CLOSE_POPUP"));
    assert_eq!(state(&bench), ActionState::ChallengeSucceeded);
}

/// Behind a tunnel or a proxy, the page's own site: browsers make no passkeys for another.
#[tokio::test]
async fn with_a_public_url_passkeys_are_for_its_host() {
    let emulator = Emulator::builder().public_url("https://mfa.example.test:8443").start().await.unwrap();
    let tracked = emulator.client().track("ada", Track::new("withdrawal")).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = tracked.url.unwrap().secret().replace("https://mfa.example.test:8443", "");
    let url = format!("http://{}{url}&view=PASSKEY", emulator.local_address());
    let page = http.get(&url).header("host", "mfa.example.test:8443").send().await.unwrap();
    let html = page.text().await.unwrap();
    let options = options(&html);
    assert_eq!(options["rp"]["id"], "mfa.example.test");
    let made = SoftKey::es256().create(&options, "https://mfa.example.test:8443").to_string();
    let (token, challenge) = (hidden(&html, "token"), hidden(&html, "challenge"));
    let form = [
        ("token", &*token),
        ("step", "credential"),
        ("view", "PASSKEY"),
        ("challenge", &challenge),
        ("credential", &made),
    ];
    let given = http.post(format!("http://{}/", emulator.local_address())).form(&form).send().await.unwrap();
    assert_eq!(given.status(), 200);
    assert!(emulator.user("ada").is_enrolled());
}
