//! The pages that people see: on the way back from a challenge, and when a page of the application is refused.
//!
//! No script but the one that ends a popup, nothing from elsewhere, readable on a phone, and each says what happened and what is next.
use std::sync::LazyLock;
use std::time::Duration;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::headers::no_store;
use crate::domain::form::{Field, SavedForm};
use crate::domain::page_origin::PageOrigins;
use crate::domain::place::Elsewhere;
use crate::domain::return_to::ReturnTo;
use crate::domain::saved_request::NotKept;
use crate::refusal::RefusalReason;

const STYLE: &str = include_str!("../../templates/page.css");

/// Ends a popup of our module's: it tells the page that opened it what came of the challenge, and no other (threat T23).
const POPUP: &str = include_str!("../../templates/popup.js");

const FORM_ACTION: &str = "; form-action 'self'";

/// A policy that allows our one style sheet and nothing foreign.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; frame-ancestors 'none'{FORM_ACTION}")
});

/// The same, with the script that ends a popup.
static POPUP_POLICY: LazyLock<String> = LazyLock::new(|| {
    let script = STANDARD.encode(Sha256::digest(POPUP));
    format!("{}; script-src 'sha256-{script}'", *POLICY)
});

/// What a page in a popup tells the page that opened it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PopupMessage<'a> {
    /// The attempt's key, which the page that opened the popup was given with the challenge, and nobody else.
    pub(crate) nonce: &'a str,
    pub(crate) outcome: &'static str,
    /// Whose page may hear it.
    pub(crate) origin: &'a str,
    /// Where to go on if this is no popup.
    pub(crate) to: Option<&'a str>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    style: &'static str,
    title: &'a str,
    lines: Vec<&'a str>,
    refresh: Option<&'a str>,
    details: Vec<(&'a str, &'a str)>,
    form: Option<Form<'a>>,
    links: Vec<Link<'a>>,
    message: Option<PopupMessage<'a>>,
    script: &'static str,
}

struct Form<'a> {
    action: &'a str,
    /// What its visible fields are for.
    line: Option<&'static str>,
    fields: &'a [Field],
}

struct Link<'a> {
    class: &'static str,
    href: &'a str,
    label: &'static str,
    is_new_window: bool,
}

impl<'a> Page<'a> {
    fn new(title: &'a str, line: &'a str) -> Self {
        Self {
            style: STYLE,
            title,
            lines: vec![line],
            refresh: None,
            details: vec![],
            form: None,
            links: vec![],
            message: None,
            script: POPUP,
        }
    }

    fn line(mut self, line: &'a str) -> Self {
        self.lines.push(line);
        self
    }

    /// What most people will want to do next.
    fn go(mut self, href: &'a str, label: &'static str) -> Self {
        self.links.push(Link { class: "go", href, label, is_new_window: false });
        self
    }

    fn or(mut self, href: &'a str, label: &'static str) -> Self {
        self.links.push(Link { class: "other", href, label, is_new_window: false });
        self
    }

    fn respond(&self, status: StatusCode) -> Response<Bytes> {
        let html = self.render().expect("a template writes to memory");
        let mut response = Response::new(Bytes::from(html));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        set_policy(headers, if self.message.is_some() { &POPUP_POLICY } else { &POLICY });
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
        no_store(headers);
        response
    }
}

/// Lets a page be framed by the application's own pages, those of `origins` too: one that has nothing to click that could do
/// harm, and that nobody would see otherwise (threats T22 and T125).
pub(crate) fn let_be_framed(response: &mut Response<Bytes>, origins: &PageOrigins) {
    let listed: String = origins.iter().map(|origin| format!(" {origin}")).collect();
    let policy = POLICY.replace("frame-ancestors 'none'", &format!("frame-ancestors 'self'{listed}"));
    set_policy(response.headers_mut(), &policy);
    response.headers_mut().remove(header::X_FRAME_OPTIONS);
}

/// The challenge of what is shown in a frame: its page refuses to be, so it is opened in a window of its own.
pub(crate) fn own_window(to: &str, origins: &PageOrigins) -> Response<Bytes> {
    let mut page =
        Page::new("Please confirm it’s you", "This needs one more proof, which can’t be given inside this page.");
    page.links.push(Link { class: "go", href: to, label: "Open it in its own window", is_new_window: true });
    // An `object` shows no page that comes with an error's status.
    let mut response = page.respond(StatusCode::OK);
    let_be_framed(&mut response, origins);
    response
}

fn set_policy(headers: &mut http::HeaderMap, policy: &str) {
    let policy = HeaderValue::from_str(policy).expect("a policy of ours is printable ASCII");
    headers.insert(HeaderName::from_static("content-security-policy"), policy);
}

/// A refusal. Whoever only asked for a page may ask again where that can help.
pub(crate) fn refusal(reason: &RefusalReason, can_ask_again: bool, home: &ReturnTo) -> Response<Bytes> {
    let (title, line) = reason.words();
    let mut page = Page::new(title, line);
    if matches!(reason, RefusalReason::Outage(_)) {
        // An empty address is the address of this very page.
        page = if can_ask_again { page.go("", "Try again") } else { page.line("Go back and send it once more.") };
    }
    page.or(home.as_str(), "Leave").respond(reason.status())
}

/// A request to a name where nothing is confirmed, with a link to where that is done.
pub(crate) fn elsewhere(reason: &RefusalReason, elsewhere: &Elsewhere, home: &ReturnTo) -> Response<Bytes> {
    let (title, line) = reason.words();
    let there = format!("{}{}", elsewhere.origin, home.as_str());
    Page::new(title, line).line(&elsewhere.origin).go(&there, "Open it").respond(reason.status())
}

/// A refusal on the way back from a challenge, with a way on.
pub(crate) fn refusal_on_the_way_back(
    reason: &RefusalReason,
    on: &str,
    message: Option<PopupMessage<'_>>,
) -> Response<Bytes> {
    let (title, line) = reason.words();
    let mut page = Page::new(title, line);
    page.message = message;
    let page = match reason {
        RefusalReason::Outage(_) => page.go("", "Try again").or(on, "Leave"),
        _ => page.go(on, "Go on"),
    };
    page.respond(reason.status())
}

/// The user of a client without a cookie is done with the challenge, whatever came of it.
pub(crate) fn back_to_app() -> Response<Bytes> {
    Page::new("Go back to the app", "You can close this page and go on where you were.").respond(StatusCode::OK)
}

/// The user left the challenge. `again` is where it still waits, or begins anew.
pub(crate) fn left<'a>(
    again: Option<&'a str>,
    cancel: &'a ReturnTo,
    message: Option<PopupMessage<'a>>,
) -> Response<Bytes> {
    let mut page = Page::new("Not confirmed yet", "You left before it was confirmed that it is you. Nothing was done.");
    page.message = message;
    let page = match again {
        Some(again) => page.go(again, "Try again"),
        None => page,
    };
    page.or(cancel.as_str(), "Cancel").respond(StatusCode::OK)
}

/// A form that is posted again: shown, since whoever approves has to see what (threat T41), and sent by a click.
pub(crate) fn resume(to: &ReturnTo, fields: &SavedForm, cancel: &ReturnTo) -> Response<Bytes> {
    let mut page = Page::new("Confirmed", "One last step: continue with what you sent.");
    page.details = fields
        .0
        .iter()
        .filter(|field| is_shown(&field.name))
        .filter_map(|field| Some((field.name.as_str(), field.value.as_deref()?)))
        .collect();
    let line = fields.0.iter().any(|field| field.value.is_none());
    let line = line.then_some("For your safety this was not kept. Please type it again:");
    page.form = Some(Form { action: to.as_str(), line, fields: &fields.0 });
    let mut response = page.or(cancel.as_str(), "Cancel").respond(StatusCode::OK);
    let headers = response.headers_mut();
    // Browsers apply `form-action` to where a post is redirected, which is the application's affair, and may be a
    // challenge once more; this page's one form goes where it says. From a page without a referrer browsers send
    // `Origin: null`, which an application's own check of it would refuse.
    set_policy(headers, POLICY.strip_suffix(FORM_ACTION).unwrap_or(&POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

/// Tokens against request forgery are sent again, but tell a person nothing.
fn is_shown(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with('_') && !name.contains("csrf") && !name.contains("xsrf") && !name.contains("token")
}

/// It is approved for the time that is `left`, and the user has to send it again, because it was not kept.
pub(crate) fn send_again(why: NotKept, left: Duration, page: &str) -> Response<Bytes> {
    let reason = match why {
        NotKept::Body => "What you sent is of a kind that is not kept, such as a file.",
        NotKept::Script => "The page that you were on asked for this, and could not keep it.",
        NotKept::Target => "The address that you used can't be opened again from here.",
    };
    let when = match left.as_secs() / 60 {
        0 => "now".to_owned(),
        1 => "within a minute".to_owned(),
        minutes @ 2..60 => format!("within {minutes} minutes"),
        _ => "within an hour".to_owned(),
    };
    Page::new("Confirmed", reason)
        .line(&format!("Send the same once more {when}, and it goes through."))
        .go(page, "Go back")
        .respond(StatusCode::OK)
}

/// It is approved, and the application that asked for it goes on by itself.
pub(crate) fn approved(on: &str, message: Option<PopupMessage<'_>>) -> Response<Bytes> {
    let mut page = Page::new("Confirmed", "Go back to where you were: it can go on now. You may close this page.");
    page.message = message;
    page.or(on, "Leave").respond(StatusCode::OK)
}

/// It was approved and passed on before; what came of that only the application knows.
pub(crate) fn done(on: &str) -> Response<Bytes> {
    Page::new("Already passed on", "This was confirmed and passed on before. It was not passed on a second time.")
        .line("Look whether it was done before you send it again.")
        .go(on, "Go on")
        .respond(StatusCode::OK)
}

/// The same address once more, asked for by a page of our own.
pub(crate) fn hop(to: &str) -> Response<Bytes> {
    let mut page = Page::new("One moment", "You are being taken back.");
    page.refresh = Some(to);
    page.go(to, "Go on").respond(StatusCode::OK)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn html(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    /// T10, T22: nothing foreign, not framed, not kept, not message on.
    #[test]
    fn t10_t22_pages_carry_their_headers() {
        let page = done("/");
        let header = |name: &str| page.headers()[name].to_str().unwrap();
        assert!(header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(header("content-security-policy").contains("frame-ancestors 'none'"));
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(!html(&page).contains("<script") && !html(&page).contains("http"));
    }

    /// T21: whatever a form holds is text in the page.
    #[test]
    fn t21_a_resumed_form_is_escaped() {
        let hostile = "\"><script>alert(1)</script>\u{202e}'&\r\nx";
        let fields = SavedForm(vec![
            Field { name: hostile.into(), value: Some(hostile.into()) },
            Field { name: "password".into(), value: None },
            Field { name: "csrf_token".into(), value: Some("abc".into()) },
        ]);
        let to = ReturnTo::new("/withdraw?a=\"b").unwrap();
        let page = resume(&to, &fields, &ReturnTo::root());
        let html = html(&page);
        assert!(!html.contains("<script>") && !html.contains("name=\"\">"), "{html}");
        assert_eq!(html.matches("&#34;&#62;&#60;script&#62;alert(1)").count(), 4, "name and value, shown and sent");
        let before = |one: &str, other: &str| html.find(one).unwrap() < html.find(other).unwrap();
        assert!(
            before("</dl>", "was not kept") && before("was not kept", "<input type=\"password\" name=\"password\"")
        );
        assert_eq!(html.matches("csrf_token").count(), 1, "sent again, and not shown");
        let policy = page.headers()["content-security-policy"].to_str().unwrap();
        assert!(policy.ends_with("frame-ancestors 'none'"), "the post may be redirected anywhere: {policy}");
    }
}
