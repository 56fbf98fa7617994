//! A flow's own page: where it stands, and how its user goes on.
use authsignal_client::ActionState;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response};

use crate::authsignal::Inner;
use crate::domain::challenge_url::TrustedChallengeUrl;
use crate::domain::flow::{Flow, Kind, Unproven};
use crate::domain::page_origin;
use crate::domain::saved_request::{NotKept, SavedRequest};
use crate::redeem::Unredeemed;
use crate::refusal::RefusalReason;
use crate::response::headers::{no_store, see_other};
use crate::response::page::{LinkKind, Page, PageKind};
use crate::response::popup::PopupMessage;
use crate::response::resume_form::{ResumeForm, UnkeptField};

impl Inner {
    /// A page of the application that is a good place to go on from.
    pub(super) fn page_of_saved(&self, saved: &SavedRequest) -> Option<String> {
        match saved {
            SavedRequest::Page(page) => Some(page.as_str().to_owned()),
            SavedRequest::Sent => None,
            SavedRequest::Form { page, .. } | SavedRequest::NotKept { page, .. } | SavedRequest::Client { page } => {
                self.page_origins.link(page.as_ref()?)
            }
        }
    }

    /// The origin of the page whose script was challenged, which may have opened the challenge in a popup.
    fn opener_of(&self, parts: &Parts, flow: &Flow) -> Option<String> {
        let SavedRequest::Client { page } = &flow.saved else { return None };
        match page.as_ref().and_then(page_origin::Page::origin) {
            Some(origin) => self.page_origins.iter().find(|listed| *listed == origin).map(str::to_owned),
            None => Some(self.place_of(parts).0.origin()),
        }
    }

    /// What the page in a popup tells the page that was challenged.
    pub(super) fn popup_message(
        &self,
        parts: &Parts,
        flow: &Flow,
        outcome: &'static str,
        to: Option<&str>,
    ) -> Option<PopupMessage> {
        let nonce = flow.opening.attempt.as_str().to_owned();
        Some(PopupMessage { nonce, outcome, origin: self.opener_of(parts, flow)?, to: to.map(str::to_owned) })
    }

    /// The form that a flow has kept, to be posted again.
    pub(super) fn form_of(&self, flow: &Flow) -> Option<ResumeForm> {
        let SavedRequest::Form { to, form, .. } = &flow.saved else { return None };
        let left = flow.stage.until.after(self.flows.now());
        Some(ResumeForm::new(&flow.opening, to, form, left).reviewed(flow.opening.is_review))
    }

    /// The flow's own page.
    ///
    /// # Errors
    ///
    /// Where it is over, or waits for an answer that nobody could give: why.
    pub(super) fn page_of(
        &self,
        parts: &Parts,
        flow: &Flow,
        outcome: Option<RefusalReason>,
    ) -> Result<Response<Bytes>, Unredeemed> {
        let now = self.flows.now();
        if !flow.stage.is_live(now) {
            let expired = outcome.filter(|outcome| *outcome == RefusalReason::Unproven(Unproven::Expired));
            return Err(Unredeemed::of(expired.unwrap_or(RefusalReason::UnknownFlow), flow.clone()));
        }
        let time_left = flow.stage.until.after(now);
        if let Some(reason) = outcome.filter(|_| flow.stage.kind == Kind::Pending) {
            // It is asked about no more until the flow has run out.
            let wait = matches!(reason, RefusalReason::OverBudget(_)).then_some(time_left);
            return Err(Unredeemed { wait, ..Unredeemed::of(reason, flow.clone()) });
        }
        let home = &self.answers.home;
        let saved = &flow.saved;
        let page = self.page_of_saved(saved);
        let on = page.as_deref().unwrap_or(home.as_str());
        let challenge = || self.challenge_hosts.check(flow.challenge.as_ref()?.url.secret());
        let message = |outcome, to| self.popup_message(parts, flow, outcome, to);
        let left = |again: Option<&str>, outcome| {
            let page = Page::new(PageKind::Left).telling(message(outcome, None));
            let page = again.into_iter().fold(page, |page, again| page.link(LinkKind::TryAgain, again));
            page.link(LinkKind::Cancel, home.as_str())
        };
        let page = match (&flow.stage.kind, saved) {
            // Enrolment was skipped, or left nothing to prove: whoever asks for the page again is tracked again.
            (Kind::Failed(ActionState::Allow), _) if !flow.opening.is_review => left(page.as_deref(), "failed"),
            (Kind::Failed(state), _) => {
                let reason = RefusalReason::State(state.clone());
                return Err(Unredeemed::of(reason, flow.clone()));
            }
            (Kind::UnderReview { .. }, _) => {
                let wait = Some(flow.wait(now));
                return Err(Unredeemed { wait, ..Unredeemed::of(RefusalReason::UnderReview, flow.clone()) });
            }
            (Kind::Insufficient(shortfall), _) => {
                let reason = RefusalReason::Unproven((*shortfall).into());
                return Err(Unredeemed::of(reason, flow.clone()));
            }
            (Kind::Pending, _) => left(challenge().as_ref().map(TrustedChallengeUrl::as_str), "cancelled"),
            (Kind::Approved(_), SavedRequest::Page(to)) => return Ok(lead_to(to.as_str())),
            (Kind::Approved(_), SavedRequest::Form { to, form, .. }) => {
                let form = ResumeForm::new(&flow.opening, to, form, time_left).reviewed(flow.opening.is_review);
                let resume = Page::new(PageKind::Resume(form));
                let resume = page.iter().fold(resume, |resume, page| resume.link(LinkKind::BackToForm, page));
                resume.link(LinkKind::Cancel, home.as_str())
            }
            (Kind::Approved(_), SavedRequest::NotKept { why, fields, .. }) => {
                let fields = fields.iter().map(UnkeptField::from).collect();
                let again = Page::new(PageKind::SendAgain { why: *why, left: time_left, fields });
                // Where it was sent from is the form's page, as far as that is known.
                let kind =
                    if page.is_some() && *why != NotKept::Script { LinkKind::BackToForm } else { LinkKind::Continue };
                again.link(kind, on)
            }
            (Kind::Approved(_), SavedRequest::Client { .. }) => {
                let popup = message("completed", page.as_deref());
                Page::new(PageKind::Approved).link(LinkKind::Continue, on).telling(popup)
            }
            (Kind::Approved(_), SavedRequest::Sent) | (Kind::Spent { .. }, _) => {
                Page::new(PageKind::Done).link(LinkKind::Continue, on)
            }
        };
        Ok(self.answers.page(parts, page))
    }
}

/// Leads on to a page of the application.
pub(super) fn lead_to(page: &str) -> Response<Bytes> {
    let mut response = see_other(HeaderValue::from_str(page).expect("a checked path is printable ASCII"));
    no_store(response.headers_mut());
    response
}
