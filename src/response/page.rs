//! The pages that people see, as values: what a responder renders in its own way, and `pages` renders in ours.
use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use http::StatusCode;

use super::language::Words;
use super::language::text::Text;
use super::popup::{self, PopupMessage};
use super::resume_form::{FieldKind, FormField, ResumeForm, UnkeptField};
use crate::domain::form::UnkeptReason;
use crate::domain::saved_request::NotKept;
use crate::refusal::{Refusal, RefusalReason};

/// A page that somebody sees instead of the application's: on the way back from a challenge, or where a page was refused.
///
/// Whoever renders one with templates of their own needs its [`kind`](Self::kind) with the values that it shows, and its
/// [`links`](Self::links). [`title`](Self::title), [`text`](Self::text) and [`say`](Self::say) give our words for it, in
/// the language that the browser asks for.
///
/// # Examples
///
/// A page in the application's own frame, with our words:
///
/// ```
/// use axum_authsignal::{Page, PageKind};
///
/// fn html(page: &Page) -> Option<String> {
///     if matches!(page.kind(), PageKind::Resume(_)) {
///         return None; // This one has a form, and stays ours.
///     }
///     let (language, title, text) = (page.language(), page.title(), page.text().join(" "));
///     let links: Vec<_> =
///         page.links().iter().map(|link| format!("<a href='{}'>{}</a>", escaped(link.href()), page.label(link))).collect();
///     Some(format!("<html lang='{language}'><h1>{title}</h1><p>{}</p>{}</html>", escaped(&text), links.concat()))
/// }
///
/// fn escaped(text: &str) -> String {
///     text.replace('&', "&amp;").replace('<', "&lt;").replace('\'', "&#39;").replace('"', "&quot;")
/// }
/// ```
#[derive(Clone)]
pub struct Page {
    kind: PageKind,
    links: Vec<PageLink>,
    more: Vec<Line>,
    popup: Option<PopupMessage>,
    again: Option<ResumeForm>,
    words: Words,
}

/// A line that stands below the usual text.
#[derive(Clone)]
enum Line {
    Text(Text<'static>),
    Literal(String),
}

/// Which page it is, with the values that it shows.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum PageKind {
    /// It was confirmed, and the form that was sent is posted again with a click. Nothing was done yet.
    Resume(ResumeForm),
    /// The same address is asked for once more, by a page of the application's own site, so that the browser brings the
    /// session's cookie. It leads on by itself at once: `<meta http-equiv="refresh">` to its one link.
    Hop,
    /// The user left the challenge. [`LinkKind::TryAgain`] is where it still waits, or begins anew.
    Left,
    /// It was confirmed and passed on before.
    Done,
    /// It was confirmed, and the page or the program that asked goes on by itself.
    Approved,
    /// It was confirmed, and what was sent could not be kept: the user sends the same once more.
    #[non_exhaustive]
    SendAgain {
        /// Why it was not kept.
        why: NotKept,
        /// How long the approval waits for it.
        left: Duration,
        /// The fields that it was not kept for, as far as they are known.
        fields: Vec<UnkeptField>,
    },
    /// A guarded page in a frame, whose challenge is opened in a window of its own. It may be framed by the application's
    /// own pages.
    OwnWindow,
    /// The user of an app, or of another client without a cookie, is done with the challenge, whatever came of it.
    BackToApp,
    /// It does not go on.
    Refusal(Refusal),
}

/// A way on from a page.
#[derive(Clone)]
pub struct PageLink {
    kind: LinkKind,
    href: String,
}

/// What a link means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkKind {
    /// On with what the user was doing.
    Continue,
    /// On in a window of its own (`target="_blank"`).
    NewWindow,
    /// The same once more.
    TryAgain,
    /// To see whether somebody has looked at it meanwhile.
    LookAgain,
    /// To the page that the form was on, to fill it in and send it once more.
    BackToForm,
    /// Away from it: nothing is done.
    Cancel,
}

impl Page {
    pub(crate) fn new(kind: PageKind) -> Self {
        Self { kind, links: Vec::new(), more: Vec::new(), popup: None, again: None, words: Words::default() }
    }

    pub(crate) fn link(mut self, kind: LinkKind, href: impl Into<String>) -> Self {
        self.links.push(PageLink { kind, href: href.into() });
        self
    }

    pub(crate) fn and(mut self, text: Text<'static>) -> Self {
        self.more.push(Line::Text(text));
        self
    }

    pub(crate) fn and_literally(mut self, text: &str) -> Self {
        self.more.push(Line::Literal(text.to_owned()));
        self
    }

    /// With what was sent, to be sent again with a click.
    pub(crate) fn sending_again(self, form: ResumeForm) -> Self {
        Self { again: Some(form), ..self }
    }

    pub(crate) fn telling(self, popup: Option<PopupMessage>) -> Self {
        Self { popup, ..self }
    }

    pub(crate) fn in_words(self, words: Words) -> Self {
        Self { words, ..self }
    }

    /// Which page it is, with the values that it shows.
    #[must_use]
    pub fn kind(&self) -> &PageKind {
        &self.kind
    }

    /// The form that it posts with a click: that of [`PageKind::Resume`], or what a [refusal](PageKind::Refusal) has its user
    /// send again, to be challenged anew.
    #[must_use]
    pub fn form(&self) -> Option<&ResumeForm> {
        match &self.kind {
            PageKind::Resume(form) => Some(form),
            _ => self.again.as_ref(),
        }
    }

    /// The ways on, the likeliest first. The button of a [`ResumeForm`] is not among them.
    #[must_use]
    pub fn links(&self) -> &[PageLink] {
        &self.links
    }

    /// The status that it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.kind {
            PageKind::Refusal(refusal) => refusal.reason().status(),
            // An `object` shows no page that comes with an error's status.
            _ => StatusCode::OK,
        }
    }

    /// The tag of the language that our words for it are in, for the attribute `lang`.
    #[must_use]
    pub fn language(&self) -> &str {
        self.words.tag()
    }

    /// Whether that language is written from right to left, for the attribute `dir`.
    #[must_use]
    pub fn is_right_to_left(&self) -> bool {
        self.words.is_right_to_left()
    }

    /// Our headline for it.
    #[must_use]
    pub fn title(&self) -> Cow<'static, str> {
        self.say(match &self.kind {
            PageKind::Resume(_) | PageKind::SendAgain { .. } => Text::OneLastStep,
            PageKind::Hop => Text::OneMoment,
            PageKind::Left => Text::NotConfirmedYet,
            PageKind::Done => Text::AlreadyPassedOn,
            PageKind::Approved => Text::Confirmed,
            PageKind::OwnWindow => Text::ConfirmItsYou,
            PageKind::BackToApp => Text::BackToApp,
            PageKind::Refusal(refusal) => Text::RefusalTitle(refusal.reason()),
        })
    }

    /// What we say below the headline, a paragraph each.
    #[must_use]
    pub fn text(&self) -> Vec<Cow<'static, str>> {
        let mut lines = match &self.kind {
            PageKind::Resume(form) => {
                let mut lines = vec![self.say(if form.is_reviewed { Text::Reviewed } else { Text::Resume })];
                let is_file = |field: &&FormField| field.kind() == FieldKind::File;
                let files = form.fields.iter().filter(is_file).map(|file| (file.label(), UnkeptReason::File));
                if let Some(named) = self.named(files) {
                    lines.extend([named, self.say(Text::ChooseAgain)]);
                }
                if form.left < MAX_MINUTES {
                    lines.push(self.say(Text::ContinueWithin(minutes(form.left))));
                }
                lines
            }
            PageKind::Hop => vec![self.say(Text::BeingTakenBack)],
            PageKind::Left => vec![self.say(Text::Left)],
            PageKind::Done => vec![self.say(Text::PassedOnBefore), self.say(Text::LookWhetherDone)],
            PageKind::Approved => vec![self.say(Text::Approved)],
            PageKind::SendAgain { why, left, fields } => {
                let named = self.named(fields.iter().map(|field| (field.label(), field.why())));
                let why = named.unwrap_or_else(|| self.say(Text::NotKept(*why)));
                vec![why, self.say(Text::SendAgainWithin(minutes(*left)))]
            }
            PageKind::OwnWindow => vec![self.say(Text::NotInsideThisPage)],
            PageKind::BackToApp => vec![self.say(Text::CloseThisPage)],
            PageKind::Refusal(refusal) => {
                let methods: Vec<_> = refusal.methods().iter().map(|method| self.say(Text::Method(method))).collect();
                let text = self.say(Text::RefusalText(refusal.reason()));
                let needed = (!methods.is_empty()).then(|| self.say(Text::MethodsNeeded(&methods.join(", "))));
                [text].into_iter().chain(needed).collect()
            }
        };
        lines.extend(self.more.iter().map(|line| match line {
            Line::Text(text) => self.say(*text),
            Line::Literal(text) => Cow::Owned(text.clone()),
        }));
        lines
    }

    /// Which fields could not be kept, if there are some.
    fn named(&self, fields: impl Iterator<Item = (String, UnkeptReason)>) -> Option<Cow<'static, str>> {
        let fields: Vec<_> = fields.map(|(name, why)| self.say(Text::Unkept(&apart(&name), why))).collect();
        (!fields.is_empty()).then(|| self.say(Text::NotKeptFields(&fields.join(", "))))
    }

    /// What a link is called.
    #[must_use]
    pub fn label(&self, link: &PageLink) -> Cow<'static, str> {
        self.say(match link.kind {
            LinkKind::Continue => Text::Continue,
            LinkKind::NewWindow => Text::ContinueInNewWindow,
            LinkKind::TryAgain => Text::TryAgain,
            LinkKind::LookAgain => Text::LookAgain,
            LinkKind::BackToForm => Text::BackToForm,
            LinkKind::Cancel => Text::Cancel,
        })
    }

    /// Any text of ours in the page's language.
    #[must_use]
    pub fn say(&self, text: Text<'_>) -> Cow<'static, str> {
        self.words.say(text)
    }

    /// The `<script>` element, if there is one, that tells the page which opened this one in a popup how the challenge ended,
    /// and else leads on where that is the page to go on with. Put it at the end of the body, as it is.
    ///
    /// A policy lets it run by [`script_source`](Self::script_source).
    #[must_use]
    pub fn script(&self) -> Option<String> {
        self.popup.as_ref().map(PopupMessage::element)
    }

    /// What `script-src` of a `Content-Security-Policy` has to name for [`script`](Self::script): its hash.
    #[must_use]
    pub fn script_source(&self) -> &'static str {
        &popup::SOURCE
    }

    /// Whether it is about a name of the application's that leads to another.
    pub(crate) fn is_elsewhere(&self) -> bool {
        matches!(&self.kind, PageKind::Refusal(refusal) if *refusal.reason() == RefusalReason::OtherHost)
    }
}

/// A name in the middle of a sentence: where it may be written in another direction, it is set apart (Unicode's FSI and PDI).
fn apart(name: &str) -> Cow<'_, str> {
    if name.is_ascii() { Cow::Borrowed(name) } else { Cow::Owned(format!("\u{2068}{name}\u{2069}")) }
}

/// Nobody counts minutes beyond that.
const MAX_MINUTES: Duration = Duration::from_secs(2 * 60 * 60);

fn minutes(left: Duration) -> u64 {
    left.as_secs() / 60
}

impl PageLink {
    /// What it means.
    #[must_use]
    pub fn kind(&self) -> LinkKind {
        self.kind
    }

    /// Where it leads; empty for the page's own address. That of a challenge carries a token: keep it out of logs.
    #[must_use]
    pub fn href(&self) -> &str {
        &self.href
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, links, .. } = self;
        f.debug_struct("Page").field("kind", kind).field("links", links).finish_non_exhaustive()
    }
}

impl fmt::Debug for PageLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageLink").field("kind", &self.kind).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::flow::tests::opening;
    use crate::domain::form::{Enctype, Field, SavedForm, Value};
    use crate::domain::return_to::ReturnTo;

    /// T97: neither a challenge's address nor what somebody typed is in what is written to a log.
    #[test]
    fn t97_a_page_in_the_log_has_no_token_and_no_values() {
        let field = Field { name: "to".into(), value: Value::Text("canary".into()) };
        let file = Field { name: "receipt".into(), value: Value::File("canary.pdf".into()) };
        let fields = SavedForm { enctype: Enctype::Multipart, fields: vec![field, file] };
        let to = ReturnTo::new("/pay?canary=1").unwrap();
        let form = ResumeForm::new(&opening("ada", "pay", "1", None), &to, &fields, Duration::ZERO);
        let page = Page::new(PageKind::Resume(form)).link(LinkKind::TryAgain, "https://x.example/?token=canary");
        let shown = format!("{page:?}");
        assert!(!shown.contains("canary") && shown.contains("TryAgain"), "{shown}");
    }
}
