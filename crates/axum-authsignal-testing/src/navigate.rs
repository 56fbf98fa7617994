//! What a browser sends, and what it follows by itself.
use std::convert::Infallible;
use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;

use authsignal_emulator::Emulator;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum_authsignal::Refusal;
use axum_authsignal::testing::Witness;
use bytes::Bytes;
use http::header::{LOCATION, SET_COOKIE};
use http::{HeaderMap, Method, Request, Response, StatusCode};
use serde_json::Value;
use tower::ServiceExt as _;
use url::Url;

use crate::browser::{Browser, locked};
use crate::encode::{multipart, urlencoded};
use crate::html::Html;
use crate::jar::Site;
use crate::page::{Page, Step, is_html, is_silent};
use crate::request::{Initiator, Outgoing};
use crate::words::CONTINUE;

/// After how many redirects a browser gives up.
const MAX_STEPS: usize = 20;

type FuturePage<'a> = Pin<Box<dyn Future<Output = Page> + Send + 'a>>;

impl Browser {
    /// Goes to a page, as by the address bar.
    pub async fn get(&self, path: &str) -> Page {
        self.send(Outgoing::page(self.url(path), Initiator::User)).await
    }

    /// Posts a form from the page that is shown.
    pub async fn post_form<N: AsRef<str>, V: AsRef<str>>(
        &self,
        path: &str,
        fields: impl IntoIterator<Item = (N, V)>,
    ) -> Page {
        let fields: Vec<_> = fields.into_iter().map(|(n, v)| (n.as_ref().to_owned(), v.as_ref().to_owned())).collect();
        self.send(self.form(self.url(path), &fields, None, self.shown_page())).await
    }

    /// Has the script of the page that is shown post JSON.
    pub async fn fetch_json(&self, path: &str, json: &Value) -> Page {
        let body = Some(("application/json".to_owned(), Bytes::from(json.to_string())));
        self.send(Outgoing { method: Method::POST, body, ..self.script(path) }).await
    }

    /// Has the script of the page that is shown ask for something.
    pub async fn fetch(&self, path: &str) -> Page {
        self.send(self.script(path)).await
    }

    /// Proves the challenge of a page in this browser, be it this one's or another's, and comes back with what proves it.
    ///
    /// # Panics
    ///
    /// If the page asks for no proof, or what it asks for cannot be proved any more.
    pub async fn prove(&self, page: &Page) -> Page {
        let back = self.emulator_says(page, "proved", Emulator::succeed);
        self.comes_back(&back).await
    }

    /// Fails the challenge of a page for good, and comes back.
    ///
    /// # Panics
    ///
    /// As [`prove`](Self::prove).
    pub async fn decline(&self, page: &Page) -> Page {
        let back = self.emulator_says(page, "declined", Emulator::decline);
        self.comes_back(&back).await
    }

    /// Leaves the challenge of a page without an answer, and comes back.
    ///
    /// # Panics
    ///
    /// As [`prove`](Self::prove).
    pub async fn leave(&self, page: &Page) -> Page {
        let back = self.emulator_says(page, "left", Emulator::quit);
        self.comes_back(&back).await
    }

    /// Goes where another site leads it.
    pub(crate) async fn comes_back(&self, url: &str) -> Page {
        let from = Url::parse(self.0.authsignal.emulator().origin()).expect("an origin");
        let url = Url::parse(url).expect("where a challenge leads is a URL");
        self.send(Outgoing::page(url, Initiator::Page { url: from, is_silent: true })).await
    }

    #[track_caller]
    fn emulator_says<E: fmt::Display>(
        &self,
        page: &Page,
        done: &str,
        act: impl Fn(&Emulator, &str) -> Result<String, E>,
    ) -> String {
        let url = page.challenge_url();
        act(self.0.authsignal.emulator(), url)
            .unwrap_or_else(|why| page.fail(&format!("a challenge can't be {done}: {why}")))
    }

    /// What a form sends, from a page: a multipart one, if `files` says which of its fields are for files.
    pub(crate) fn form(
        &self,
        url: Url,
        fields: &[(String, String)],
        files: Option<&[String]>,
        initiator: Initiator,
    ) -> Outgoing {
        let (content_type, body) = files.map_or_else(|| urlencoded(fields), |files| multipart(fields, files));
        let body = Some((content_type, Bytes::from(body)));
        Outgoing { method: Method::POST, body, ..Outgoing::page(url, initiator) }
    }

    fn script(&self, path: &str) -> Outgoing {
        Outgoing { is_navigation: false, ..Outgoing::page(self.url(path), self.shown_page()) }
    }

    fn shown_page(&self) -> Initiator {
        Initiator::Page { url: locked(&self.0.shown).clone(), is_silent: false }
    }

    /// Sends a request and what follows from it; and proves what was approved before.
    pub(crate) fn send(&self, outgoing: Outgoing) -> FuturePage<'_> {
        Box::pin(async move {
            let page = self.follow(outgoing).await;
            let Some(action) = page.challenged_action() else { return page };
            if !self.0.authsignal.is_approved(action) {
                return page;
            }
            let proved = self.prove(&page).await;
            if !page.is_navigation() {
                return page.repeat().await;
            }
            if proved.has(CONTINUE) { proved.press(CONTINUE).await } else { proved }
        })
    }

    async fn follow(&self, mut outgoing: Outgoing) -> Page {
        let asked = outgoing.clone();
        let (mut steps, mut notes) = (Vec::new(), Vec::new());
        let witness = Witness::new();
        let mut was_elsewhere = false;
        loop {
            let site = outgoing.site(was_elsewhere);
            was_elsewhere |= site != Site::Same;
            let now = self.0.authsignal.clock().now();
            let cookies = locked(&self.0.jar).cookies_for(&outgoing.url, site, now);
            let mut request = outgoing.request(site, cookies.as_deref());
            let is_app = outgoing.url.origin() == self.0.origin.origin();
            let response = if is_app {
                request.extensions_mut().insert(witness.clone());
                request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 50_000))));
                self.0.app.clone().oneshot(request).await.unwrap_or_else(|never: Infallible| match never {})
            } else {
                self.ask_service(&outgoing, request).await
            };
            let refusal = response.extensions().get::<Refusal>().cloned();
            let (head, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
            for cookie in head.headers.get_all(SET_COOKIE) {
                let text = String::from_utf8_lossy(cookie.as_bytes());
                if let Err(why) = locked(&self.0.jar).set(&outgoing.url, &text, now) {
                    let name = text.split('=').next().unwrap_or_default();
                    notes.push(format!("the browser does not take the cookie `{name}`: {why}"));
                }
            }
            steps.push(Step {
                method: outgoing.method.clone(),
                url: outgoing.url.clone(),
                status: head.status,
                refusal,
            });
            let next = self.next(&outgoing, head.status, &head.headers, &body);
            match next {
                Some(next) if steps.len() < MAX_STEPS => {
                    was_elsewhere &= next.1;
                    outgoing = next.0;
                }
                next => {
                    if next.is_some() {
                        notes.push(format!("the browser gives up after {MAX_STEPS} redirects"));
                    }
                    if outgoing.is_navigation && is_app && head.status.is_success() {
                        locked(&self.0.shown).clone_from(&outgoing.url);
                    }
                    return Page {
                        browser: self.clone(),
                        asked,
                        steps,
                        notes,
                        headers: head.headers,
                        body,
                        verdicts: witness.verdicts(),
                        typed: Vec::new(),
                    };
                }
            }
        }
    }

    /// Where the browser goes by itself after an answer, and whether it is still on the same way there.
    fn next(&self, from: &Outgoing, status: StatusCode, headers: &HeaderMap, body: &Bytes) -> Option<(Outgoing, bool)> {
        if matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308) {
            let to = from.url.join(headers.get(LOCATION)?.to_str().ok()?).ok()?;
            let is_within = to.origin() == self.0.origin.origin() || to.origin() == from.url.origin();
            return is_within.then(|| (from.clone().redirected(status.as_u16(), to), true));
        }
        if !from.is_navigation || !is_html(headers) {
            return None;
        }
        let to = from.url.join(&Html::read(&String::from_utf8_lossy(body)).refresh?).ok()?;
        let initiator = Initiator::Page { url: from.url.clone(), is_silent: is_silent(headers) };
        (to.origin() == from.url.origin()).then(|| (Outgoing::page(to, initiator), false))
    }

    /// Opens a page of the emulator's.
    async fn ask_service(&self, outgoing: &Outgoing, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        parts.uri = outgoing.url.as_str().parse().expect("a URL is an address");
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let answer = self.0.authsignal.pages().oneshot(Request::from_parts(parts, body)).await;
        answer.unwrap_or_else(|why| panic!("{} can't be opened: {why}", outgoing.url.origin().ascii_serialization()))
    }
}
