//! The page in HTML, and the headers that it is sent with.
use std::sync::LazyLock;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::Url;

use crate::challenge_page::format::{detail, in_words};
use crate::challenge_page::params::{Carried, Mode};
use crate::challenge_page::scene::{Drawn, End, Scene, Tone, Way};
use crate::challenge_page::words::table::Words;
use crate::challenge_page::words::text::Text;
use crate::db::action::RecordedAction;

const STYLE: &str = include_str!("../../templates/page.css");
/// Tells the opener of a popup.
const POPUP: &str = include_str!("../../templates/popup.js");
/// Goes on by itself.
const WAIT: &str = include_str!("../../templates/wait.js");
/// Asks the browser for a passkey.
const PASSKEY: &str = include_str!("../../templates/passkey.js");

/// The page's own style and scripts and nothing else.
///
/// There is no `frame-ancestors` because any application may embed the page, and no `form-action` because Chromium
/// applies it to the redirect that a form ends in.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let scripts = [POPUP, WAIT, PASSKEY].map(hash).join(" ");
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {scripts}; connect-src 'self'; img-src data:; base-uri 'none'",
        hash(STYLE)
    );
    HeaderValue::try_from(policy).expect("base 64 is ASCII")
});

/// One rendering of the page.
#[derive(Template)]
#[template(path = "page.html")]
pub(super) struct Page {
    pub(super) carried: Carried,
    pub(super) words: &'static Words,
    /// The tenant's name, where it has one of its own.
    pub(super) brand: Option<String>,
    pub(super) heading: String,
    /// What the user is about to confirm.
    pub(super) details: Vec<(String, String)>,
    pub(super) problem: Option<String>,
    pub(super) notice: Option<String>,
    pub(super) drawn: Drawn,
    /// Where the browser goes afterwards.
    pub(super) destination: Option<String>,
    /// What the popup's opener is told.
    pub(super) say: Option<Say>,
    pub(super) target: String,
}

/// A message to the opener of a popup, in the words of the browser SDK.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Say {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_code: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

impl Say {
    pub(super) fn ready() -> Self {
        Self { event: "AUTHSIGNAL_READY", error_code: None, status_code: None, token: None }
    }

    pub(super) fn error(code: &'static str, status: StatusCode) -> Self {
        let event = "AUTHSIGNAL_API_ERROR";
        Self { event, error_code: Some(code), status_code: Some(status.as_u16()), token: None }
    }

    pub(super) fn close(token: String) -> Self {
        Self { event: "AUTHSIGNAL_CLOSE_POPUP", error_code: None, status_code: None, token: Some(token) }
    }

    fn json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

impl Page {
    /// A page about an action. One with a heading of its own is not about what the user is to confirm.
    pub(super) fn about(record: &RecordedAction, carried: Carried, words: &'static Words, drawn: Drawn) -> Self {
        let url = record.redirect_url.as_deref().and_then(|url| Url::parse(url).ok());
        let origin = url.as_ref().map(|url| url.origin()).filter(url::Origin::is_tuple);
        let host = url.as_ref().and_then(Url::host_str).map(str::to_owned);
        let details = record.custom.iter().filter(|_| drawn.heading.is_none());
        Self {
            brand: None,
            heading: drawn.heading.map_or_else(|| in_words(record.action.as_str()), str::to_owned),
            details: details.filter_map(|point| detail(point, words)).collect(),
            problem: None,
            notice: None,
            destination: host.filter(|_| carried.mode != Mode::Beside),
            say: carried.is_popup().then(Say::ready),
            target: origin.map_or_else(|| "*".to_owned(), |origin| origin.ascii_serialization()),
            carried,
            words,
            drawn,
        }
    }

    /// A page for a link that leads nowhere.
    pub(super) fn broken(carried: Carried, words: &'static Words, heading: &'static str, text: &str, say: Say) -> Self {
        let end = End { text: text.to_owned(), tone: Tone::Bad, way_on: None };
        let say = carried.is_popup().then_some(say);
        Self { say, ..Self::end(carried, words, heading, Drawn::new(words.bad_link, Scene::End(end))) }
    }

    /// A page about no action, on which nothing is to be done.
    pub(super) fn end(carried: Carried, words: &'static Words, heading: &'static str, drawn: Drawn) -> Self {
        Self {
            brand: None,
            heading: heading.to_owned(),
            details: Vec::new(),
            problem: None,
            notice: None,
            drawn,
            destination: None,
            say: None,
            target: "*".to_owned(),
            carried,
            words,
        }
    }

    fn style(&self) -> &'static str {
        STYLE
    }

    /// How the page is to feel.
    fn tone(&self) -> Tone {
        match &self.drawn.scene {
            Scene::End(end) => end.tone,
            Scene::Codes(_) => Tone::Good,
            _ => Tone::Neutral,
        }
    }

    fn afterwards(&self, host: &str) -> Text {
        Text::new(self.words.afterwards, &[("*host", host)])
    }

    /// What has the browser begin in a field. In a frame of another origin Chromium refuses the attribute, and tells the
    /// console; the popup's script asks for it there.
    fn focus(&self) -> &'static str {
        if self.carried.is_popup() { "data-focus" } else { "autofocus" }
    }

    /// What this scene needs and this mode.
    fn scripts(&self) -> Vec<&'static str> {
        let of_scene = match self.drawn.scene {
            Scene::Wait(_) => Some(WAIT),
            Scene::Key(_) => Some(PASSKEY),
            _ => None,
        };
        self.carried.is_popup().then_some(POPUP).into_iter().chain(of_scene).collect()
    }

    pub(super) fn respond(&self, status: StatusCode) -> Response {
        match self.render() {
            Ok(html) => sealed((status, Html(html)).into_response()),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

/// The headers of everything that the page answers. It can be framed and keeps its opener, on purpose.
pub(crate) fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_those_of_the_sdk() {
        assert_eq!(Say::ready().json(), r#"{"event":"AUTHSIGNAL_READY"}"#);
        assert_eq!(Say::close("eyJ".into()).json(), r#"{"event":"AUTHSIGNAL_CLOSE_POPUP","token":"eyJ"}"#);
        assert_eq!(
            Say::error("expired_token", StatusCode::UNAUTHORIZED).json(),
            r#"{"event":"AUTHSIGNAL_API_ERROR","errorCode":"expired_token","statusCode":401}"#
        );
    }
}
