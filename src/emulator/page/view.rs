//! What the page shows, and the headers it is sent with.
use std::sync::LazyLock;

use askama::Template;
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use url::Url;

use crate::emulator::RecordedAction;

const STYLE: &str = include_str!("../../../templates/emulator/page.css");
const SCRIPT: &str = include_str!("../../../templates/emulator/popup.js");

/// The page's own style and script and nothing else.
///
/// There is no `frame-ancestors` because any application may embed the page, and no `form-action` because Chromium
/// applies it to the redirect that a form ends in.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = |text: &str| STANDARD.encode(Sha256::digest(text));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; img-src data:; base-uri 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    HeaderValue::try_from(policy).expect("base 64 is ASCII")
});

/// One rendering of the page.
#[derive(Template)]
#[template(path = "emulator/page.html")]
pub(super) struct Page {
    pub(super) visit: Carried,
    /// Over the heading, in small.
    pub(super) eyebrow: &'static str,
    pub(super) heading: String,
    /// What the user is about to confirm.
    pub(super) details: Vec<(String, String)>,
    pub(super) problem: Option<&'static str>,
    pub(super) notice: Option<&'static str>,
    pub(super) scene: Scene,
    pub(super) panel: Panel,
    /// Where the browser goes afterwards.
    pub(super) destination: Option<String>,
    /// What the popup's opener is told.
    pub(super) say: Option<Say>,
    pub(super) target: String,
}

/// What every form and link of the page carries on.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    pub(super) token: String,
    pub(super) popup: bool,
    pub(super) force: bool,
}

/// The middle of the page.
#[derive(Debug)]
pub(super) enum Scene {
    /// A code was sent; it is asked for.
    Code { method: &'static str, to: String, enrolling: bool, others: bool },
    /// The code of an app is asked for.
    App { others: bool },
    /// Which of the enrolled methods?
    Methods(Vec<Choice>),
    /// Which method to begin with?
    FirstMethod,
    /// Which address?
    Address { email: String },
    /// A new app.
    AppSetup { qr: String, secret: String },
    /// Nothing more to ask.
    End { text: String, tone: Tone, way_on: Option<&'static str> },
}

/// One method to choose.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) method: &'static str,
    pub(super) name: &'static str,
    pub(super) hint: String,
}

/// How an end is to feel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Neutral,
    Bad,
}

/// What no real page would show.
#[derive(Debug, Default)]
pub(super) enum Panel {
    #[default]
    None,
    Message {
        to: String,
        code: String,
        declinable: bool,
    },
    App {
        code: String,
        seconds: u64,
        declinable: bool,
    },
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
    /// A page about an action.
    pub(super) fn about(record: &RecordedAction, visit: Carried, scene: Scene) -> Self {
        let url = record.redirect_url.as_deref().and_then(|url| Url::parse(url).ok());
        let origin = url.as_ref().map(|url| url.origin()).filter(url::Origin::is_tuple);
        Self {
            eyebrow: "Confirm it’s you",
            heading: in_words(record.action.as_str()),
            details: record.custom.iter().filter_map(detail).collect(),
            problem: None,
            notice: None,
            scene,
            panel: Panel::None,
            destination: url.as_ref().and_then(Url::host_str).map(str::to_owned),
            say: visit.popup.then(Say::ready),
            target: origin.map_or_else(|| "*".to_owned(), |origin| origin.ascii_serialization()),
            visit,
        }
    }

    /// A page for a link that leads nowhere.
    pub(super) fn broken(visit: Carried, heading: &str, text: &str, say: Say) -> Self {
        Self {
            eyebrow: "This link can’t be used",
            heading: heading.to_owned(),
            details: Vec::new(),
            problem: None,
            notice: None,
            scene: Scene::End { text: text.to_owned(), tone: Tone::Bad, way_on: None },
            panel: Panel::None,
            destination: None,
            say: visit.popup.then_some(say),
            target: "*".to_owned(),
            visit,
        }
    }

    /// A link to another view of this page.
    fn link(&self, view: &str) -> String {
        self.visit.link(view)
    }

    fn style(&self) -> &'static str {
        STYLE
    }

    fn script(&self) -> &'static str {
        SCRIPT
    }

    pub(super) fn respond(&self, status: StatusCode) -> Response {
        match self.render() {
            Ok(html) => sealed((status, Html(html)).into_response()),
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

impl Carried {
    pub(super) fn link(&self, view: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::from("/?"));
        query.append_pair("token", &self.token);
        if self.popup {
            query.append_pair("mode", "popup");
        }
        if self.force {
            query.append_pair("force_enrollment", "true");
        }
        if !view.is_empty() {
            query.append_pair("view", view);
        }
        query.finish()
    }
}

/// The headers of everything that the page answers. It can be framed and keeps its opener, on purpose.
pub(in crate::emulator) fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, POLICY.clone());
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn detail((name, value): (&String, &Value)) -> Option<(String, String)> {
    let value = match value {
        Value::Null | Value::Object(_) => return None,
        Value::Bool(flag) => if *flag { "Yes" } else { "No" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
    };
    Some((in_words(name), value))
}

/// `changeEmail`, `change-email` and `change_email` as "Change email".
fn in_words(name: &str) -> String {
    let mut words = String::new();
    let mut before = ' ';
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        let c_starts_word = c.is_uppercase() && before.is_lowercase();
        if (c_starts_word || matches!(c, '-' | '_' | ' ')) && !words.is_empty() && !words.ends_with(' ') {
            words.push(' ');
        }
        match c {
            '-' | '_' | ' ' => {}
            _ if words.is_empty() => words.extend(c.to_uppercase()),
            _ if c_starts_word && !chars.peek().is_some_and(|next| next.is_uppercase()) => {
                words.extend(c.to_lowercase())
            }
            _ => words.push(c),
        }
        before = c;
    }
    if words.trim().is_empty() { name.to_owned() } else { words }
}

/// An address that its owner recognises and nobody else learns.
pub(super) fn masked(address: &str) -> String {
    if let Some((name, domain)) = address.split_once('@') {
        let first: String = name.chars().take(1).collect();
        return format!("{first}•••@{domain}");
    }
    let digits: Vec<char> = address.chars().collect();
    format!("•••{}", digits[digits.len().saturating_sub(3)..].iter().collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_in_words() {
        for (name, words) in [
            ("withdrawal", "Withdrawal"),
            ("change-email", "Change email"),
            ("change_email_address", "Change email address"),
            ("signIn", "Sign in"),
            ("exportPDF", "Export PDF"),
            ("IBAN", "IBAN"),
            ("__", "__"),
            ("", ""),
        ] {
            assert_eq!(in_words(name), words, "{name:?}");
        }
    }

    #[test]
    fn addresses_are_masked() {
        for (address, shown) in
            [("ada@example.com", "a•••@example.com"), ("@", "•••@"), ("+64270000123", "•••123"), ("", "•••")]
        {
            assert_eq!(masked(address), shown, "{address:?}");
        }
    }

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
