//! How a challenged user goes on afterwards: what is kept of the request, and where the way back leads.
use bytes::Bytes;
use http::request::Parts;
use http::{Method, header};

use super::case::Case;
use crate::domain::flow::Flow;
use crate::domain::form::{SavedForm, UnkeptReason};
use crate::domain::saved_request::{NotKept, SavedRequest};
use crate::request::caller::{Caller, SEC_FETCH_SITE, is_boosted};
use crate::store;
use crate::store::flows::{BindingHash, Holder};

impl Case<'_> {
    /// How the user goes on after the challenge.
    pub(super) fn saved_request(&self, parts: &Parts, body: Option<&Bytes>) -> SavedRequest {
        let authsignal = self.authsignal();
        let header = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let page = |name| self.place.page(header(name)?, &authsignal.page_origins);
        let sent_from = || page("hx-current-url").or_else(|| page("referer"));
        // What another origin's page calls may be told no more than that origin.
        let caller = || {
            let origin = || authsignal.page_origins.root(parts.headers.get(header::ORIGIN)?);
            sent_from().or_else(origin)
        };
        let target = self.place.public_target(&self.question.address.received);
        let not_kept = |why, fields| SavedRequest::NotKept { why, page: sent_from(), fields };
        let asking = authsignal.answers.caller(parts);
        if self.sends_a_form(parts) {
            let form = body.map_or_else(|| Err(Vec::new()), |body| SavedForm::of(&parts.headers, body));
            return match (target, form) {
                (None, _) => not_kept(NotKept::Target, Vec::new()),
                (Some(to), Ok(form)) => {
                    let page = form.misses_something().then(sent_from).flatten();
                    SavedRequest::Form { to, form, page }
                }
                (_, Err(unkept)) if asking == Caller::Navigation => not_kept(NotKept::Body, unkept),
                // Blanks and line breaks that a script writes as no form does are nothing that its user knows of.
                (_, Err(mut unkept)) => {
                    unkept.retain(|field| field.why != UnkeptReason::Encoding);
                    not_kept(if unkept.is_empty() { NotKept::Script } else { NotKept::Body }, unkept)
                }
            };
        }
        let is_page = matches!(parts.method, Method::GET | Method::HEAD);
        match asking {
            Caller::Navigation if is_page => match target {
                Some(target) => SavedRequest::Page(target),
                None => not_kept(NotKept::Target, Vec::new()),
            },
            Caller::Navigation => not_kept(NotKept::Body, Vec::new()),
            Caller::Htmx | Caller::Turbo if !parts.method.is_safe() => {
                SavedRequest::NotKept { why: NotKept::Script, page: caller(), fields: Vec::new() }
            }
            Caller::Htmx if is_page && is_boosted(&parts.headers) && target.is_some() => {
                target.map_or(SavedRequest::Client { page: None }, SavedRequest::Page)
            }
            Caller::Htmx | Caller::Turbo | Caller::Client | Caller::Bearer => SavedRequest::Client { page: caller() },
        }
    }

    /// Whether it is a form that a page can post again in its place: what answers it is a page.
    pub(super) fn sends_a_form(&self, parts: &Parts) -> bool {
        parts.method == Method::POST
            && match self.authsignal().answers.caller(parts) {
                Caller::Navigation | Caller::Turbo => true,
                Caller::Htmx => is_boosted(&parts.headers),
                Caller::Client | Caller::Bearer => false,
            }
    }

    /// Has the user go on from where this request came, rather than where an earlier one for the same thing did. What a
    /// script sent does not lead away from what the user sent.
    pub(super) async fn save_request(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        flow: &Flow,
        saved: SavedRequest,
    ) -> Result<(), store::Error> {
        let minor = |saved: &SavedRequest| {
            matches!(saved, SavedRequest::Client { .. } | SavedRequest::NotKept { why: NotKept::Script, .. })
        };
        if saved == flow.saved || (minor(&saved) && !minor(&flow.saved)) {
            return Ok(());
        }
        self.authsignal().flows.save_request(holder, binding, &flow.opening.attempt, &saved).await
    }

    /// Whether this request posts the form that a flow has kept.
    pub(super) fn is_form_of(&self, parts: &Parts, flow: &Flow) -> bool {
        let SavedRequest::Form { to, .. } = &flow.saved else { return false };
        parts.method == Method::POST && self.place.public_target(&self.question.address.received).as_ref() == Some(to)
    }

    /// Notes that a kept form was posted again, where the approval outlives that, so that it is not offered twice.
    pub(super) async fn mark_sent(&self, parts: &Parts, holder: &Holder, binding: &BindingHash, flow: &Flow) {
        if flow.opening.remember.is_none() || !self.is_form_of(parts, flow) {
            return;
        }
        let flows = &self.authsignal().flows;
        if let Err(error) = flows.save_request(holder, binding, &flow.opening.attempt, &SavedRequest::Sent).await {
            tracing::warn!(error = %crate::log::Chain(&error), "a form that was sent again stays on offer");
        }
    }

    /// Whether a page of another origin makes this browser send what may change something: a sibling's with all the cookies
    /// that our own page would send (threat T42).
    pub(super) fn is_foreign(&self, parts: &Parts) -> bool {
        !parts.method.is_safe() && !self.is_from_our_own_page(parts)
    }

    /// Says which setter lets pages of another origin in, where they are the application's.
    pub(super) fn warn_of_foreign(&self, parts: &Parts) {
        tracing::warn!(
            action = %self.guard.action,
            origin = ?parts.headers.get(header::ORIGIN),
            "a page of another origin sent what would have to be challenged, which is refused; if it is a page of yours, \
             list its origin with `AuthsignalBuilder::page_origin`"
        );
    }

    /// Whether it comes from a page of the application's own origin or of a listed one. Browsers say so in `Sec-Fetch-Site`,
    /// older ones in `Origin`; what sends neither is no browser.
    fn is_from_our_own_page(&self, parts: &Parts) -> bool {
        let authsignal = self.authsignal();
        let origin = parts.headers.get(header::ORIGIN);
        match parts.headers.get(SEC_FETCH_SITE) {
            Some(site) if site == "same-origin" || site == "none" => true,
            Some(_) => origin.is_some_and(|origin| authsignal.page_origins.has(origin)),
            None => origin.is_none_or(|origin| authsignal.is_own_origin(self.place, origin)),
        }
    }
}
