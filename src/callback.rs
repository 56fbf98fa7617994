//! The way back from a challenge.
//!
//! One address does it all. With a `token` it takes the service's answer, and leads on at once, whatever comes of it, so that
//! the token leaves the address bar; without one it is the flow's own page, which says where the flow stands and what is
//! next. A token that cannot be taken yet waits sealed in the store: until the session's cookie comes along, or until somebody
//! can be asked.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{MethodRouter, any, get};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, Response};

use crate::authsignal::{Authsignal, Inner};
use crate::decided::Ended;
use crate::decided::outcome::Outcome;
use crate::domain::flow::{Kind, Opening};
use crate::domain::place::Place;
use crate::domain::saved_request::SavedRequest;
use crate::domain::ticket::Ticket;
use crate::outage::Outage;
use crate::redeem::Unredeemed;
use crate::refusal::{Refusal, RefusalReason};
use crate::request::cookie::BrowserId;
use crate::request::prefetch::is_prefetch;
use crate::response::headers::{no_store, rejected};
use crate::response::module::step_up_module;
use crate::response::page::{LinkKind, Page, PageKind};
use crate::store;
use crate::store::flows::{BindingHash, Holder};

mod page;
mod query;

use page::lead_to;
use query::{CARRIED, Query, code_of, has_token, is_bearers};

impl Authsignal {
    /// A router with the callback at the path of the callback URL, as it arrives, with and without a slash at its end, so
    /// that it is found behind `NormalizePath` too. Merge it outside every guarded layer.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Self::routes_of([self])
    }

    /// One router with the callbacks of several handles, which may share their path, as those of several tenants behind
    /// one callback URL do: a way back is its handle's that began it. Merge it outside every guarded layer.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::Authsignal;
    /// fn callbacks(one: &Authsignal, other: &Authsignal) -> axum::Router {
    ///     Authsignal::routes_of([one, other])
    /// }
    /// ```
    pub fn routes_of<'a, S: Clone + Send + Sync + 'static>(handles: impl IntoIterator<Item = &'a Self>) -> Router<S> {
        let mut paths: BTreeMap<String, Vec<Arc<Inner>>> = BTreeMap::new();
        for handle in handles {
            handle.inner().mistakes.is_callback_mounted.note();
            let own: BTreeSet<_> = handle.inner().places.iter().flat_map(Place::received_callbacks).collect();
            for path in own {
                paths.entry(path).or_default().push(Arc::clone(handle.inner()));
            }
        }
        let modules: BTreeSet<_> =
            paths.keys().map(|path| format!("{}/step-up.js", path.trim_end_matches('/'))).collect();
        let router = modules.iter().fold(Router::new(), |router, path| {
            router.route(path, get(|headers: HeaderMap| async move { step_up_module(&headers).map(Body::from) }))
        });
        paths.into_iter().fold(router, |router, (path, handles)| router.route(&path, handler(handles)))
    }

    /// The callback by itself, for those who mount it themselves. The path must be the callback URL's, without the
    /// prefix that a proxy [strips](crate::AuthsignalBuilder::public_prefix).
    pub fn callback<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        self.inner().mistakes.is_callback_mounted.note();
        handler(vec![Arc::clone(self.inner())])
    }
}

/// Serves the callback of every handle that shares a path.
fn handler<S: Clone + Send + Sync + 'static>(handles: Vec<Arc<Inner>>) -> MethodRouter<S> {
    let handles: Arc<[_]> = handles.into();
    any(move |request: Request| async move {
        let (mut parts, _) = request.into_parts();
        let handle = owner(&handles, &parts).await;
        handle.way_back(&mut parts).await.map(Body::from)
    })
}

/// The handle that began what a request comes back from: its records open with no other's keys, and are found by no
/// other's name. What is nobody's is answered by the first, and so is what cannot be looked up.
async fn owner(handles: &[Arc<Inner>], parts: &Parts) -> Arc<Inner> {
    let first = Arc::clone(&handles[0]);
    let query = if handles.len() > 1 { Query::parse(parts.uri.query().unwrap_or_default()) } else { None };
    let Some(query) = query else { return first };
    let mut failing = None;
    for handle in handles {
        let Some(browser) = handle.cookie.read(&parts.headers) else { continue };
        match handle.flows.find(&browser, query.ticket).await {
            Ok(Some(_)) => return Arc::clone(handle),
            Ok(None) => {}
            // It says so itself when it is asked once more.
            Err(_) => failing = failing.or_else(|| Some(Arc::clone(handle))),
        }
    }
    failing.unwrap_or(first)
}

/// Why the way back ends here.
enum Stop {
    Refuse(Unredeemed),
    Respond(Box<Response<Bytes>>),
}

impl From<RefusalReason> for Stop {
    fn from(reason: RefusalReason) -> Self {
        Self::Refuse(reason.into())
    }
}

impl From<Unredeemed> for Stop {
    fn from(refused: Unredeemed) -> Self {
        Self::Refuse(refused)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Refuse(error.into())
    }
}

impl Inner {
    async fn way_back(self: Arc<Self>, parts: &mut Parts) -> Response<Bytes> {
        let mut found = None;
        let stop = match self.check(parts, &mut found).await {
            Ok(response) => return response,
            Err(stop) => stop,
        };
        let Unredeemed { reason, wait, flow } = match stop {
            Stop::Respond(response) => {
                // This address holds a ticket and a token, so even somebody else's page must not be kept or told on.
                let refusal = Refusal::new(RefusalReason::IdentifyRejected, None);
                let mut response = rejected(*response, refusal);
                no_store(response.headers_mut());
                return response;
            }
            Stop::Refuse(refused) => refused,
        };
        let opening = flow.as_ref().map(|flow| &flow.opening);
        let query = parts.uri.query().unwrap_or_default();
        let asked = Query::parse(query);
        let place = self.place_of(parts).0;
        let is_store_gone = reason == RefusalReason::Outage(Outage::Store);
        let is_carried = asked.as_ref().is_some_and(|asked| asked.carried.is_some()) && !is_store_gone;
        if (has_token(query) || is_carried) && reason != RefusalReason::Prefetch {
            // What is seen is a page at an address without it, which says the same.
            let clean = match &asked {
                Some(asked) if reason != RefusalReason::InvalidCallback => {
                    let clean = place.flow_path(asked.ticket, code_of(&reason), asked.hopped);
                    let token = asked.token.as_deref().filter(|_| is_store_gone);
                    let carried = token
                        .zip(self.cookie.read(&parts.headers))
                        .map(|(token, browser)| self.flows.carry_token(&browser, asked.ticket, token));
                    with_carried(clean, carried.as_deref())
                }
                _ => place.callback_path(),
            };
            self.tell_turned_back(found.as_ref(), &reason);
            // The page carries the refusal, and this does not: it is one.
            return lead_to(&clean);
        }
        // What came of a token was logged when it came.
        if asked.as_ref().is_none_or(|asked| asked.outcome.as_ref() != Some(&reason)) {
            self.tell_turned_back(found.as_ref(), &reason);
        }
        let again = asked.map_or_else(String::new, |asked| {
            with_carried(place.flow_path(asked.ticket, None, false), asked.carried.as_deref())
        });
        let on = flow.as_ref().and_then(|flow| self.page_of_saved(&flow.saved));
        let on = on.unwrap_or_else(|| self.answers.home.as_str().to_owned());
        let refusal = Refusal::new(reason, opening.map(|opening| &opening.action)).retry_after_of(wait);
        let refusal = refusal.of_decision(opening.map(|opening| &opening.attempt));
        let refusal = refusal.naming(opening.map_or(&[][..], |opening| opening.proof.methods()));
        let popup = flow.as_ref().and_then(|flow| self.popup_message(parts, flow, "failed", None));
        let form = flow.as_ref().and_then(|flow| self.form_of(flow));
        self.answers.refuse_on_the_way_back(parts, refusal, &again, &on, popup, form)
    }

    /// Tells all who listen that a way back gets no further, and why.
    fn tell_turned_back(&self, opening: Option<&Opening>, reason: &RefusalReason) {
        let outcome = Outcome::TurnedBack;
        let actor = opening.map(Opening::actor);
        let ended = opening.zip(actor.as_ref()).map_or_else(
            || Ended::new(outcome, None, None),
            |(opening, actor)| Ended::of_flow(outcome, opening, actor),
        );
        self.listeners.tell(&Ended { reason: Some(reason), ..ended });
    }

    /// The checks, in the order that the threats T1 to T16 ask for. What the flow is about that they `found` is told of, also where
    /// it is not for whoever came back to see.
    async fn check(self: &Arc<Self>, parts: &mut Parts, found: &mut Option<Opening>) -> Result<Response<Bytes>, Stop> {
        if is_prefetch(parts) {
            return Err(RefusalReason::Prefetch.into());
        }
        if parts.method != Method::GET {
            return Err(RefusalReason::InvalidCallback.into());
        }
        let query = parts.uri.query().unwrap_or_default();
        if let Some(has_token) = is_bearers(query) {
            // Nothing is known of who it is, and nothing is asked: the client brings its token with its request.
            let callback = self.place_of(parts).0.bearer_callback();
            let clean = format!("{}?{}", callback.path(), callback.query().unwrap_or_default());
            return Ok(if has_token {
                lead_to(&clean)
            } else {
                self.answers.page(parts, Page::new(PageKind::BackToApp))
            });
        }
        let mut query = Query::parse(query).ok_or(RefusalReason::InvalidCallback)?;
        // Without the browser's cookie there is no key that a record opens with, so an unknown flow and somebody else's
        // look the same (threats T7, T8, T14 and T108).
        let browser = self.cookie.read(&parts.headers).ok_or(RefusalReason::UnknownFlow)?;
        if let (None, Some(carried)) = (&query.token, &query.carried) {
            query.token = self.flows.carried_token(&browser, query.ticket, carried);
        }
        let (binding, flow) = self.flows.find(&browser, query.ticket).await?.ok_or(RefusalReason::UnknownFlow)?;
        *found = Some(flow.opening.clone());
        let user = match self.identify(parts).await {
            Ok(Some(user)) => {
                self.mistakes.has_named_on_the_way_back.note();
                user
            }
            Ok(None) | Err(_) if query.token.is_some() => {
                // It waits out of the address until it is known who came back.
                let token = query.token.unwrap_or_default();
                self.flows.keep_token(&browser, query.ticket, &token, &flow).await?;
                let clean = self.place_of(parts).0.flow_path(query.ticket, None, query.hopped);
                return Ok(lead_to(&clean));
            }
            // A session cookie with `SameSite=Strict` does not come along when another site leads the browser here, and comes
            // along when a page of ours does.
            Ok(None) | Err(_) if !query.hopped => {
                let code = query.outcome.as_ref().and_then(code_of);
                let again = self.place_of(parts).0.flow_path(query.ticket, code, true);
                return Ok(self.answers.page(parts, Page::new(PageKind::Hop).link(LinkKind::Continue, again)));
            }
            Ok(None) => {
                self.warn_of_nobody_on_the_way_back(&parts.headers);
                return Err(RefusalReason::Unauthenticated.into());
            }
            Err(response) => {
                self.log_rejection_on_the_way_back(&parts.headers, response.status());
                return Err(Stop::Respond(Box::new(response)));
            }
        };
        let (place, _) = self.place_of(parts);
        if user.prover() != flow.opening.user.as_str() || user.session != flow.opening.session {
            return Err(RefusalReason::OtherUser.into());
        }
        let ticket = query.ticket;
        if let Some(token) = query.token {
            return self.take(place, browser, binding, ticket, token, false).await;
        }
        // After a hop also where the flow is over: whoever comes back twice gets the answer of the first time.
        if (query.hopped || flow.stage.kind == Kind::Pending)
            && query.outcome.is_none()
            && let Some(token) = self.flows.kept_token(&browser, ticket).await?
        {
            return self.take(place, browser, binding, ticket, token, true).await;
        }
        if let Kind::UnderReview { .. } = flow.stage.kind {
            let flow = self.look_at_review(&Holder::Browser(browser), &binding).await?;
            return Ok(self.page_of(parts, &flow, None)?);
        }
        Ok(self.page_of(parts, &flow, query.outcome)?)
    }

    /// Takes a token: asks the service, writes what it means, and leads on. Where nobody could be asked, it is kept for the
    /// next try; whatever came of one that was kept, it is asked about once.
    async fn take(
        self: &Arc<Self>,
        place: &Place,
        browser: BrowserId,
        binding: BindingHash,
        ticket: Ticket,
        token: String,
        is_kept: bool,
    ) -> Result<Response<Bytes>, Stop> {
        let redeemed = Arc::clone(self).redeem(Holder::Browser(browser.clone()), binding, token.clone()).await;
        match &redeemed {
            Err(Unredeemed { reason: RefusalReason::Outage(_), .. }) if is_kept => {}
            Err(Unredeemed { reason: RefusalReason::Outage(_), flow: Some(flow), .. }) => {
                self.flows.keep_token(&browser, ticket, &token, flow).await?;
            }
            _ if is_kept => self.flows.forget_token(&browser, ticket).await?,
            _ => {}
        }
        let (_, flow) = redeemed?;
        let approved = matches!(flow.stage.kind, Kind::Approved(_) | Kind::Spent { .. });
        let saved = &flow.saved;
        let on = matches!(saved, SavedRequest::Page(_)).then(|| self.page_of_saved(saved)).flatten();
        let on = on.filter(|_| approved).unwrap_or_else(|| place.callback_path_for(ticket));
        Ok(lead_to(&on))
    }
}

/// An address of ours with a token that was sealed.
fn with_carried(path: String, carried: Option<&str>) -> String {
    // It is written into an address as it came, so it has to be what we write: one word (threat T11).
    let is_word = |carried: &&str| carried.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    carried.into_iter().filter(is_word).fold(path, |path, carried| format!("{path}&{CARRIED}={carried}"))
}
