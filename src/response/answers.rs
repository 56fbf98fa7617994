//! How a challenge or a refusal looks to whoever asked.
use std::fmt;
use std::sync::Arc;

use authsignal_client::IdempotencyKey;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response};

use super::answer::{Answer, ChallengeAnswer, Responder};
use super::headers::{attach_refusal, see_other, with_retry_after};
use super::language::text::Text;
use super::language::{Languages, Words};
use super::page::{LinkKind, Page, PageKind};
use super::pages::{Framing, Look, protect, render_inside};
use super::popup::PopupMessage;
use super::problem::{Problem, challenge, problem, under_review};
use super::resume_form::ResumeForm;
use super::turbo::leave;
use crate::domain::flow::{Moment, Unproven};
use crate::domain::page_origin::PageOrigins;
use crate::domain::place::Elsewhere;
use crate::domain::return_to::ReturnTo;
use crate::refusal::{Refusal, RefusalReason};
use crate::request::caller::{Caller, TURBO_FRAME, is_framed};

/// How this application answers: its own responder, if it has one, and the settings that answers need.
#[derive(Clone)]
pub(crate) struct Answers {
    pub(crate) custom: Option<Arc<dyn Responder>>,
    /// Whether clients with a bearer token get the challenge of RFC 9470.
    pub(crate) bearer: bool,
    /// Where people go who do not go on.
    pub(crate) home: ReturnTo,
    /// Whose pages may frame a page of ours that is shown in a frame.
    pub(crate) page_origins: PageOrigins,
    pub(crate) look: Arc<Look>,
    pub(crate) languages: Languages,
}

impl Answers {
    /// The answer to a request that has to be proved first.
    pub(crate) fn challenge(&self, parts: &Parts, answer: &ChallengeAnswer) -> Response<Bytes> {
        let response = self.custom(parts, &Answer::Challenge(answer));
        let response = response.unwrap_or_else(|| match self.caller(parts) {
            // Where it can be asked for again, it is: the window brings the cookie, which a frame in another site's page does
            // not, and is led to the same challenge.
            Caller::Navigation if is_framed(&parts.headers) => {
                let again = answer.page.as_ref().map_or(answer.url(), ReturnTo::as_str);
                let page = Page::new(PageKind::OwnWindow).link(LinkKind::NewWindow, again);
                self.show(parts, page, Framing::ByOwnPages(&self.page_origins))
            }
            caller => challenge(caller, answer),
        });
        attach_refusal(response, answer.refusal())
    }

    /// The answer to a request that does not go on. `came_from` is the page that it was sent from.
    pub(crate) fn refuse(&self, parts: &Parts, refusal: Refusal, came_from: Option<String>) -> Response<Bytes> {
        if *refusal.reason() == RefusalReason::Prefetch {
            return declined(refusal);
        }
        self.refused(parts, refusal, |refusal| match self.caller(parts) {
            Caller::Navigation => {
                let framed = is_framed(&parts.headers);
                let framing = if framed { Framing::ByOwnPages(&self.page_origins) } else { Framing::Never };
                let again = if parts.method == Method::GET { Some(String::new()) } else { came_from };
                self.show(parts, self.refusal(refusal, again, self.home.as_str()), framing)
            }
            Caller::Turbo => self.show_inside(parts, self.refusal(refusal, came_from, self.home.as_str())),
            _ => problem(refusal),
        })
    }

    /// The page of a refusal. Where it can help, one may try again at `again`: an empty address is the page's own.
    fn refusal(&self, refusal: &Refusal, again: Option<String>, on: &str) -> Page {
        let page = Page::new(PageKind::Refusal(refusal.clone()));
        match again {
            _ if is_insufficient(refusal.reason()) && on != self.home.as_str() => {
                page.link(LinkKind::TryAgain, on).link(LinkKind::Cancel, self.home.as_str())
            }
            Some(again) if *refusal.reason() == RefusalReason::UnderReview => {
                page.link(LinkKind::LookAgain, again).link(LinkKind::Cancel, self.home.as_str())
            }
            _ if !refusal.reason().is_passing() => page.link(LinkKind::Continue, on),
            Some(again) => page.link(LinkKind::TryAgain, again).link(LinkKind::Cancel, on),
            None => page.and(Text::SendOnceMore).link(LinkKind::Cancel, on),
        }
    }

    /// The answer to a request that somebody has to look at. `flow_page` is the page where a browser sees how it stands.
    pub(crate) fn under_review(
        &self,
        parts: &Parts,
        refusal: Refusal,
        attempt: &IdempotencyKey,
        (expires, flow_page): (Moment, Option<&str>),
    ) -> Response<Bytes> {
        self.refused(parts, refusal, |refusal| match (self.caller(parts), flow_page) {
            (Caller::Navigation, _) => {
                let framed = is_framed(&parts.headers);
                let framing = if framed { Framing::ByOwnPages(&self.page_origins) } else { Framing::Never };
                let again = flow_page.unwrap_or_default().to_owned();
                self.show(parts, self.refusal(refusal, Some(again), self.home.as_str()), framing)
            }
            (Caller::Turbo, Some(page)) => leave(page, refusal.reason().status()),
            (Caller::Turbo, None) => self.show_inside(parts, self.refusal(refusal, None, self.home.as_str())),
            (caller, page) => under_review(refusal, attempt, expires, page.filter(|_| caller == Caller::Htmx)),
        })
    }

    /// The answer to a request that belongs to another host.
    pub(crate) fn elsewhere(&self, parts: &Parts, refusal: Refusal, elsewhere: &Elsewhere) -> Response<Bytes> {
        self.refused(parts, refusal, |refusal| match (self.caller(parts), HeaderValue::from_str(&elsewhere.url)) {
            (Caller::Navigation, Ok(location)) if matches!(parts.method, Method::GET | Method::HEAD) => {
                see_other(location)
            }
            (caller @ (Caller::Navigation | Caller::Turbo), _) => {
                let there = format!("{}{}", elsewhere.origin, self.home.as_str());
                let page = Page::new(PageKind::Refusal(refusal.clone())).and_literally(&elsewhere.origin);
                let page = page.link(LinkKind::Continue, there);
                if caller == Caller::Turbo {
                    self.show_inside(parts, page)
                } else {
                    self.show(parts, page, Framing::Never)
                }
            }
            _ => {
                let reason = refusal.reason();
                let detail = format!("Nothing was done: this is answered at {} alone.", elsewhere.origin);
                Problem::of(refusal, reason.status()).detail(&detail).respond()
            }
        })
    }

    /// The answer to a browser that comes back from a challenge and gets no further.
    pub(crate) fn refuse_on_the_way_back(
        &self,
        parts: &Parts,
        refusal: Refusal,
        again: &str,
        on: &str,
        popup: Option<PopupMessage>,
        form: Option<ResumeForm>,
    ) -> Response<Bytes> {
        if *refusal.reason() == RefusalReason::Prefetch {
            return declined(refusal);
        }
        self.refused(parts, refusal, |refusal| {
            let page = match form.filter(|_| is_insufficient(refusal.reason())) {
                Some(form) => Page::new(PageKind::Refusal(refusal.clone()))
                    .sending_again(form)
                    .link(LinkKind::Cancel, self.home.as_str()),
                None => self.refusal(refusal, Some(again.to_owned()), on),
            };
            let page = page.telling(popup);
            self.show(parts, page, Framing::Never)
        })
    }

    /// A page that somebody sees: the application's own, or else ours.
    pub(crate) fn page(&self, parts: &Parts, page: Page) -> Response<Bytes> {
        self.show(parts, page, Framing::Never)
    }

    fn show(&self, parts: &Parts, page: Page, framing: Framing<'_>) -> Response<Bytes> {
        let page = page.in_words(self.words(parts));
        let mut response = self.custom(parts, &Answer::Page(&page)).unwrap_or_else(|| self.look.render(&page));
        protect(response.headers_mut(), &page, framing);
        response
    }

    /// A page of ours inside the application's own, or inside the frame that Turbo asked for. No responder is asked, whose
    /// whole page Turbo could not put into a frame.
    fn show_inside(&self, parts: &Parts, page: Page) -> Response<Bytes> {
        let frame = parts.headers.get(TURBO_FRAME).and_then(|frame| frame.to_str().ok());
        render_inside(&page.in_words(self.words(parts)), frame.filter(|frame| *frame != "_top"))
    }

    /// The words for whoever asks.
    pub(crate) fn words(&self, parts: &Parts) -> Words {
        self.languages.of(&parts.headers)
    }

    /// The application's own answer to a refusal, or else `usual`.
    fn refused(
        &self,
        parts: &Parts,
        refusal: Refusal,
        usual: impl FnOnce(&Refusal) -> Response<Bytes>,
    ) -> Response<Bytes> {
        let response = self.custom(parts, &Answer::Refusal(&refusal));
        let response = response.unwrap_or_else(|| with_retry_after(usual(&refusal), &refusal));
        attach_refusal(response, refusal)
    }

    pub(crate) fn caller(&self, parts: &Parts) -> Caller {
        Caller::of(parts, self.bearer)
    }

    fn custom(&self, parts: &Parts, answer: &Answer<'_>) -> Option<Response<Bytes>> {
        self.custom.as_ref()?.respond(parts, answer)
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("bearer", &self.bearer).finish_non_exhaustive()
    }
}

/// Whether it was proved, and is to be proved once more in another way.
fn is_insufficient(reason: &RefusalReason) -> bool {
    matches!(reason, RefusalReason::Unproven(Unproven::Method | Unproven::Age))
}

/// The answer to a prefetch: a failure, since Chromium takes any success, 204 too, for the answer to the click that
/// follows (threat T121), and nobody reads it, so that no responder is asked. Without `Retry-After`, which would keep the
/// browser from asking ahead for other pages of the site.
fn declined(refusal: Refusal) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = refusal.reason().status();
    attach_refusal(response, refusal)
}
