//! What a browser shows, and what somebody does with it.
use std::fmt;

use axum_authsignal::{Refusal, RefusalReason, Verdict};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION, REFERRER_POLICY};
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;
use url::Url;

use crate::browser::Browser;
use crate::html::Html;
use crate::request::Outgoing;

/// What a browser got for a request, after all that it followed.
#[derive(Clone)]
pub struct Page {
    pub(crate) browser: Browser,
    pub(crate) asked: Outgoing,
    /// At least one.
    pub(crate) steps: Vec<Step>,
    /// What the browser did not do, and why.
    pub(crate) notes: Vec<String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) verdicts: Vec<Verdict>,
    /// What somebody typed into its fields.
    pub(crate) typed: Vec<(String, String)>,
}

/// One request and the head of its answer.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) refusal: Option<Refusal>,
}

impl Page {
    pub(crate) fn last(&self) -> &Step {
        &self.steps[self.steps.len() - 1]
    }

    /// The browser that shows it.
    #[must_use]
    pub fn browser(&self) -> &Browser {
        &self.browser
    }

    /// The status of the last answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.last().status
    }

    /// The address in the address bar: the path and the query.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.last().url[url::Position::BeforePath..]
    }

    /// The headers of the last answer.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The last answer's body.
    #[must_use]
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// The words on the page, or the body of what is no page.
    #[must_use]
    pub fn text(&self) -> String {
        let body = String::from_utf8_lossy(&self.body);
        if is_html(&self.headers) { Html::read(&body).text } else { body.into_owned() }
    }

    /// The body as JSON.
    ///
    /// # Panics
    ///
    /// If it is none.
    #[must_use]
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|why| self.fail(&format!("expected JSON ({why})")))
    }

    /// Why the last request did not pass, if a layer or the callback answered it.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.last().refusal.as_ref()
    }

    /// Why the last guarded handler on the way ran, if one did.
    #[must_use]
    pub fn verdict(&self) -> Option<&Verdict> {
        self.verdicts.last()
    }

    pub(crate) fn is_navigation(&self) -> bool {
        self.asked.is_navigation
    }

    /// The action that it asks a proof for.
    pub(crate) fn challenged_action(&self) -> Option<&str> {
        let refusal = self.refusal()?;
        (*refusal.reason() == RefusalReason::ChallengeRequired)
            .then(|| refusal.action().map_or("", |action| action.as_str()))
    }

    /// The address of the challenge. It holds a token: keep it out of what is printed.
    ///
    /// # Panics
    ///
    /// If the page asks for no proof.
    #[must_use]
    #[track_caller]
    pub fn challenge_url(&self) -> &str {
        if self.challenged_action().is_none() {
            self.fail("expected a challenge");
        }
        let header = |name| self.headers.get(name).and_then(|value| value.to_str().ok());
        let found = header(LOCATION.as_str()).or_else(|| header("hx-redirect"));
        found.or_else(|| url_in(&self.body)).unwrap_or_else(|| self.fail("expected a challenge's address"))
    }

    pub(crate) fn html(&self) -> Html {
        if is_html(&self.headers) { Html::read(&String::from_utf8_lossy(&self.body)) } else { Html::default() }
    }

    /// Where a message says what was seen: the way, the last answer's reason, the words on the page.
    pub(crate) fn saw(&self) -> String {
        let what = match (self.refusal(), self.verdict()) {
            (Some(refusal), _) if *refusal.reason() == RefusalReason::ChallengeRequired => "a challenge".to_owned(),
            (Some(refusal), _) => format!("a refusal, {:?}", refusal.reason()),
            (None, Some(verdict)) => format!("a handler that ran by {:?}", verdict.grounds()),
            (None, None) => "an answer that no layer had a say in".to_owned(),
        };
        let action = self.refusal().and_then(Refusal::action).or(self.verdict().map(Verdict::action));
        let action = action.map_or_else(String::new, |action| format!(" for `{action}`"));
        let mut said = format!("saw {what}{action}");
        for step in &self.steps {
            // What follows `?` may hold a token.
            let url = &step.url[..url::Position::AfterPath];
            said += &format!("\n  {} {url} -> {}", step.method, step.status);
        }
        for note in &self.notes {
            said += &format!("\n  {note}");
        }
        let words: String = self.text().chars().take(300).collect();
        if self.challenged_action().is_none() && !words.is_empty() {
            said += &format!("\n  {words}");
        }
        said
    }

    #[track_caller]
    pub(crate) fn fail(&self, expected: &str) -> ! {
        panic!("{expected}, but {}", self.saw())
    }
}

pub(crate) fn is_html(headers: &HeaderMap) -> bool {
    headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
}

/// Whether a page keeps its address to itself.
pub(crate) fn is_silent(headers: &HeaderMap) -> bool {
    headers.get(REFERRER_POLICY).is_some_and(|policy| policy == "no-referrer")
}

/// The member `url` of a problem document, which JSON may have written with escapes: then it is not borrowed.
fn url_in(body: &[u8]) -> Option<&str> {
    #[derive(serde::Deserialize)]
    struct Problem<'a> {
        #[serde(borrow)]
        url: &'a str,
    }
    serde_json::from_slice::<Problem<'_>>(body).ok().map(|problem| problem.url)
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({})", self.saw())
    }
}
