//! How our pages look by default, and the headers that keep a page safe, whoever rendered it.
//!
//! No script but the one that ends a popup, nothing from elsewhere but the application's logo, readable on a phone, and each says what happened and what
//! is next.
use std::borrow::Cow;

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use sha2::{Digest as _, Sha256};

use super::brand::Brand;
use super::headers::no_store;
use super::language::text::Text;
use super::page::{LinkKind, Page, PageKind, PageLink};
use super::resume_form::{FieldKind, FormField};
use super::turbo::stream;
use crate::domain::page_origin::PageOrigins;

const STYLE: &str = include_str!("../../templates/page.css");

const POLICY: HeaderName = HeaderName::from_static("content-security-policy");

/// The look of an application's pages.
#[derive(Clone, Debug)]
pub(crate) struct Look {
    name: Option<String>,
    logo: Option<String>,
    style: String,
    /// A policy that allows our one style sheet, the logo, and nothing else.
    policy: String,
}

/// A page as Turbo puts it into a page of the application's, which has styles of its own, or into a frame of it.
#[derive(Template)]
#[template(path = "inside.html")]
struct Inside<'a> {
    frame: Option<&'a str>,
    title: &'a str,
    lang: &'a str,
    is_right_to_left: bool,
    lines: &'a [Cow<'static, str>],
    links: Vec<Link<'a>>,
    small: Option<String>,
}

#[derive(Template)]
#[template(path = "page.html")]
struct View<'a> {
    look: &'a Look,
    lang: &'a str,
    is_right_to_left: bool,
    title: &'a str,
    logo: Option<&'a str>,
    lines: &'a [Cow<'static, str>],
    refresh: Option<&'a str>,
    details: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    form: Option<Form<'a>>,
    links: Vec<Link<'a>>,
    small: Option<String>,
    script: Option<String>,
}

struct Form<'a> {
    target: &'a str,
    enctype: &'static str,
    /// What its fields for secrets are for.
    line: Option<&'a str>,
    fields: &'a [FormField],
    button: &'a str,
}

struct Link<'a> {
    class: &'static str,
    href: &'a str,
    label: String,
    is_new_window: bool,
}

impl Look {
    pub(crate) fn new(brand: Brand) -> Self {
        let style = STYLE.to_owned() + &brand.accent.map(|accent| accent.css()).unwrap_or_default();
        let hash = STANDARD.encode(Sha256::digest(&style));
        let images = brand.logo.as_ref().map(|logo| format!("; img-src {}", logo.sources)).unwrap_or_default();
        let policy = format!("default-src 'none'; style-src 'sha256-{hash}'{images}; base-uri 'none'");
        Self { name: brand.name, logo: brand.logo.map(|logo| logo.src), style, policy }
    }

    /// A page as it looks by default.
    pub(crate) fn render(&self, page: &Page) -> Response<Bytes> {
        let (title, lines) = (page.title(), page.text());
        let say = |text| page.say(text).into_owned();
        let is_resumed = matches!(page.kind(), PageKind::Resume(_));
        let button = say(if is_resumed { Text::Continue } else { Text::TryAgain });
        let (action, sent_to, type_again) = (say(Text::Action), say(Text::SentTo), say(Text::TypeAgain));
        let mut details = Vec::new();
        let mut form = None;
        if let Some(resume) = page.form() {
            details.push(pair((&*action, resume.name())));
            details.extend(resume.summary().map(pair));
            if resume.summary().next().is_none() {
                let shown = resume.fields().iter().filter(|field| field.is_shown());
                details.extend(shown.filter_map(|field| Some((field.label().into(), field.shown()?.into()))));
            }
            details.push(pair((&*sent_to, resume.target())));
            let has_secrets = resume.fields().iter().any(|field| field.kind() == FieldKind::Secret);
            let line = has_secrets.then_some(&*type_again);
            let (target, enctype, fields) = (resume.target(), resume.enctype(), resume.fields());
            form = Some(Form { target, enctype, line, fields, button: &button });
        }
        // At a name that leads to another the logo's address is none that the policy knows.
        let logo = self.logo.as_deref().filter(|_| !page.is_elsewhere());
        let refresh = page.links().first().filter(|_| matches!(page.kind(), PageKind::Hop)).map(|link| link.href());
        let view = View {
            look: self,
            lang: page.language(),
            is_right_to_left: page.is_right_to_left(),
            title: &title,
            logo,
            lines: &lines,
            refresh,
            details,
            form,
            links: links(page),
            small: small(page),
            script: page.script(),
        };
        let html = view.render().expect("a template writes to memory");
        let mut response = Response::new(Bytes::from(html));
        *response.status_mut() = page.status();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
        // Browsers apply `form-action` to where a post is redirected, which is the application's affair, and may be a
        // challenge once more; the page with the form has one, which goes where it says.
        let form_action = if page.form().is_some() { "" } else { "; form-action 'self'" };
        let script = page.script().map(|_| format!("; script-src {}", page.script_source())).unwrap_or_default();
        headers.insert(POLICY, policy(format!("{}{form_action}{script}", self.policy)));
        response
    }
}

fn pair<'a>((label, value): (&'a str, &'a str)) -> (Cow<'a, str>, Cow<'a, str>) {
    (Cow::Borrowed(label), Cow::Borrowed(value))
}

/// What a page says, for Turbo to show in the page that asked or in a frame of it.
pub(crate) fn render_inside(page: &Page, frame: Option<&str>) -> Response<Bytes> {
    let (title, lines) = (page.title(), page.text());
    let (lang, is_right_to_left) = (page.language(), page.is_right_to_left());
    let inside =
        Inside { frame, title: &title, lang, is_right_to_left, lines: &lines, links: links(page), small: small(page) };
    stream(inside.render().expect("a template writes to memory"), page.status())
}

/// What people read out to those who help them, in no language: the code of a refusal, and the id of the decision.
fn small(page: &Page) -> Option<String> {
    let PageKind::Refusal(refusal) = page.kind() else { return None };
    let code = refusal.reason().code();
    Some(refusal.decision_id().map_or_else(|| code.to_owned(), |id| format!("{code}\n{id}")))
}

/// The ways on from a page, of which the likeliest looks like it, unless that is the button of a form.
fn links(page: &Page) -> Vec<Link<'_>> {
    let has_form = page.form().is_some();
    let link = |link| Link {
        class: if PageLink::kind(link) == LinkKind::Cancel || has_form { "other" } else { "go" },
        href: link.href(),
        label: page.label(link).into_owned(),
        is_new_window: link.kind() == LinkKind::NewWindow,
    };
    page.links().iter().map(link).collect()
}

/// Whether the application's own pages may frame a page: one that has nothing to click that could do harm, and that nobody
/// would see otherwise (threats T22 and T125).
#[derive(Clone, Copy, Debug)]
pub(crate) enum Framing<'a> {
    Never,
    ByOwnPages(&'a PageOrigins),
}

/// What keeps a page safe, whoever rendered it: it is neither kept, nor told on, nor framed, and no base address moves its
/// links. Policies add up, so ours stands beside the page's own; what the page loads is up to whoever rendered it.
pub(crate) fn protect(headers: &mut HeaderMap, page: &Page, framing: Framing<'_>) {
    no_store(headers);
    if page.form().is_some() {
        // From a page without a referrer browsers send `Origin: null` with a form, which an application's own check of it
        // would refuse.
        headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    }
    let ancestors = match framing {
        Framing::Never => {
            headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
            "'none'".to_owned()
        }
        Framing::ByOwnPages(origins) => {
            headers.remove(header::X_FRAME_OPTIONS);
            origins.iter().fold("'self'".to_owned(), |list, origin| format!("{list} {origin}"))
        }
    };
    let ours = policy(format!("base-uri 'none'; object-src 'none'; frame-ancestors {ancestors}"));
    let all: Vec<_> = headers.get_all(POLICY).iter().chain([&ours]).map(HeaderValue::as_bytes).collect();
    let all = HeaderValue::from_bytes(&all.join(&b", "[..])).expect("header values and a comma make one");
    headers.insert(POLICY, all);
}

fn policy(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("a policy of ours is printable ASCII")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::flow::Opening;
    use crate::domain::flow::tests::opening;
    use crate::domain::form::{Enctype, Field, SavedForm, Value};
    use crate::domain::return_to::ReturnTo;
    use crate::response::resume_form::ResumeForm;

    fn page(kind: &PageKind) -> Response<Bytes> {
        let page = Page::new(kind.clone());
        let mut response = Look::new(Brand::default()).render(&page);
        protect(response.headers_mut(), &page, Framing::Never);
        response
    }

    fn html(response: &Response<Bytes>) -> &str {
        std::str::from_utf8(response.body()).unwrap()
    }

    fn policies(response: &Response<Bytes>) -> String {
        response.headers()[POLICY].to_str().unwrap().to_owned()
    }

    /// T10, T22: nothing foreign, not framed, not kept, not told on.
    #[test]
    fn t10_t22_pages_carry_their_headers() {
        let page = page(&PageKind::Done);
        let header = |name: &str| page.headers()[name].to_str().unwrap();
        let policies = policies(&page);
        assert!(policies.starts_with("default-src 'none'; style-src 'sha256-"), "{policies}");
        assert!(policies.contains("form-action 'self'") && policies.contains("frame-ancestors 'none'"), "{policies}");
        assert!(!policies.contains("img-src"), "{policies}");
        assert_eq!(header("x-frame-options"), "DENY");
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "no-referrer");
        assert!(!html(&page).contains("<script") && !html(&page).contains("http"));
    }

    /// T21: whatever a form holds is text in the page.
    #[test]
    fn t21_a_resumed_form_is_escaped() {
        let hostile = "\"><script>alert(1)</script>\u{202e}'&\r\nx";
        let field = |name: &str, value| Field { name: name.into(), value };
        let fields = SavedForm {
            enctype: Enctype::Multipart,
            fields: vec![
                field(hostile, Value::Text(hostile.into())),
                field("password", Value::Secret),
                field("csrf_token", Value::Text("abc".into())),
                field(hostile, Value::File(hostile.into())),
                field(hostile, Value::NoFile),
            ],
        };
        let to = ReturnTo::new("/withdraw?a=\"b").unwrap();
        let opening = Opening { name: Some(hostile.into()), ..opening("ada", "withdraw-money", "1", None) };
        let form = ResumeForm::new(&opening, &to, &fields, Duration::from_secs(299));
        let page = page(&PageKind::Resume(form));
        let html = html(&page);
        assert!(!html.contains("<script>") && !html.contains("name=\"\">"), "{html}");
        assert_eq!(
            html.matches("&#34;&#62;&#60;script&#62;alert(1)").count(),
            11,
            "the action; name and value, shown and sent; the file's field and name, shown, said and labelled"
        );
        let before = |one: &str, other: &str| html.find(one).unwrap() < html.find(other).unwrap();
        assert!(
            before("</dl>", "was not kept") && before("was not kept", "<input type=\"password\" name=\"password\"")
        );
        assert_eq!(html.matches("csrf_token").count(), 1, "sent again, and not shown");
        let policies = policies(&page);
        assert!(!policies.contains("form-action"), "the post may be redirected anywhere: {policies}");
        // Of a transaction its summary is shown, and its fields are sent.
        let summary = vec![(hostile.to_owned(), hostile.to_owned())];
        let form = ResumeForm::new(&Opening { summary, ..opening }, &to, &fields, Duration::from_secs(299));
        let page = self::page(&PageKind::Resume(form));
        let html = self::html(&page);
        let shown = html.split_once("<dl>").unwrap().1.split_once("</dl>").unwrap().0;
        assert!(!html.contains("<script>") && shown.matches("<dt>").count() == 3, "{html}");
        assert_eq!(shown.matches("&#34;&#62;&#60;script&#62;alert(1)").count(), 3, "the action; label and value");
        assert_eq!(html.matches("csrf_token").count(), 1);
    }
}
