//! An emulator with a clock that stands still, and plain HTTP to it.
use std::time::{Duration, UNIX_EPOCH};

use authsignal_client::Clock;
use authsignal_emulator::{Emulator, Tenant};
use reqwest::{Client, Method, RequestBuilder, Response, redirect};
use serde_json::{Value, json};
use test_support::waiting::MAX_WAIT;

/// 2026-01-15T10:00:00Z.
pub(crate) const START: u64 = 1_768_471_200;
pub(crate) const BACK: &str = "https://app.example.com/back?flow=1#top";

pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    pub(crate) clock: Clock,
    pub(crate) http: Client,
}

pub(crate) async fn bench() -> Bench {
    bench_of(Tenant::new()).await
}

pub(crate) async fn bench_of(tenant: Tenant) -> Bench {
    let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(START));
    let emulator = Emulator::builder().clock(clock.clone()).tenant(tenant).start().await.unwrap();
    let http = Client::builder().redirect(redirect::Policy::none()).no_proxy().timeout(MAX_WAIT).build().unwrap();
    Bench { emulator, clock, http }
}

impl Bench {
    /// A call of the Server API, with the key.
    pub(crate) fn api(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}{path}", self.emulator.base_url());
        self.http.request(method, url).basic_auth(self.emulator.secret(), Some(""))
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.api(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        read(self.api(Method::POST, path).json(&body).send().await.unwrap()).await
    }

    /// Tracks `withdrawal` of ada with a `redirectUrl`.
    pub(crate) async fn track(&self) -> Value {
        self.track_with(json!({ "redirectUrl": BACK })).await
    }

    pub(crate) async fn track_with(&self, body: Value) -> Value {
        let (status, answer) = self.post("/users/ada/actions/withdrawal", body).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    pub(crate) async fn validate(&self, token: &str) -> Value {
        let (status, answer) = self.post("/validate", json!({ "token": token })).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// The challenge page, with more of a query.
    pub(crate) async fn open(&self, url: &str, more: &str) -> (u16, String) {
        let response = self.http.get(format!("{url}{more}")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// A form of the challenge page.
    pub(crate) async fn submit(&self, token: &str, fields: &[(&str, &str)]) -> Response {
        let mut form = vec![("token", token)];
        form.extend_from_slice(fields);
        self.http.post(format!("{}/", self.emulator.origin())).form(&form).send().await.unwrap()
    }

    /// The same, and the page that it leads to.
    pub(crate) async fn submit_and_see(&self, token: &str, fields: &[(&str, &str)]) -> String {
        let response = self.submit(token, fields).await;
        assert_eq!(response.status(), 303, "{fields:?}");
        let (status, html) = self.open(self.emulator.origin(), location(&response)).await;
        assert_eq!(status, 200, "{html}");
        html
    }

    /// Enrols a method by the Server API.
    pub(crate) async fn enrol(&self, body: Value) {
        let (status, answer) = self.post("/users/ada/authenticators", body).await;
        assert_eq!(status, 200, "{answer}");
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// Status and JSON of an answer, which has to be JSON as python wants it.
pub(crate) async fn read(response: Response) -> (u16, Value) {
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.status().as_u16(), response.json().await.unwrap())
}

pub(crate) fn location(response: &Response) -> &str {
    response.headers()["location"].to_str().unwrap()
}

/// The token in the URL that a browser is sent back to.
pub(crate) fn returned(url: &str) -> String {
    let rest = url.strip_prefix("https://app.example.com/back?flow=1&token=").expect(url);
    rest.strip_suffix("#top").expect(url).to_owned()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// What a page has in an attribute, or in a hidden field (`value` after its name), or behind a piece of markup.
pub(crate) fn after<'a>(html: &'a str, before: &str) -> &'a str {
    let (_, rest) = html.split_once(before).unwrap_or_else(|| panic!("no {before} in {html}"));
    rest.split(['"', '<']).next().unwrap()
}

/// A hidden field of a page's form.
pub(crate) fn hidden(html: &str, name: &str) -> String {
    after(html, &format!(r#"name="{name}" value=""#)).to_owned()
}

/// The code in the emulator's panel.
pub(crate) fn shown(html: &str) -> String {
    after(html, r#"class="shown">"#).to_owned()
}
