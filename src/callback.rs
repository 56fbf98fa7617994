//! The way back from a challenge.
//!
//! One address does it all. With a `token` it takes the service's answer, and leads on at once, so that the token leaves
//! the address bar; without one it is the flow's own page, which says where the flow stands and what is next.
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use authsignal_client::ActionState;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::{MethodRouter, any, get};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response};

use crate::authsignal::{Authsignal, Inner};
use crate::domain::challenge_url::TrustedChallengeUrl;
use crate::domain::flow::{Flow, Kind, Opening};
use crate::domain::page_origin;
use crate::domain::place::Place;
use crate::domain::saved_request::SavedRequest;
use crate::domain::ticket::Ticket;
use crate::redeem::{Unredeemed, is_token};
use crate::refusal::{Refusal, RefusalReason};
use crate::request::cookie::BrowserId;
use crate::request::prefetch::is_prefetch;
use crate::response::headers::{no_store, rejected, see_other};
use crate::response::module::step_up_module;
use crate::response::page::{LinkKind, Page, PageKind};
use crate::response::popup::PopupMessage;
use crate::response::resume_form::ResumeForm;
use crate::store;
use crate::store::flows::{BindingHash, Holder};

/// The longest query that is looked at, in bytes.
const MAX_QUERY: usize = 8 * 1024;

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
            handle.inner().is_callback_mounted.store(true, Ordering::Relaxed);
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
        self.inner().is_callback_mounted.store(true, Ordering::Relaxed);
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

/// What the address asks for.
#[derive(Debug, PartialEq, Eq)]
struct Query {
    ticket: Ticket,
    token: Option<String>,
    /// Whether this is the second try, from a page of our own.
    hopped: bool,
}

impl Query {
    /// Takes exactly one flow and at most one token, of sane size and characters (threat T11). Parameters that we do not
    /// know are ignored: the service may add some.
    fn parse(query: &str) -> Option<Self> {
        if query.len() > MAX_QUERY {
            return None;
        }
        let (mut ticket, mut token, mut hopped) = (None, None, false);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "flow" if ticket.is_none() => ticket = Some(Ticket::parse(&value)?),
                "token" if token.is_none() && is_token(&value) => token = Some(value.into_owned()),
                "flow" | "token" => return None,
                "hop" => hopped = true,
                _ => {}
            }
        }
        Some(Self { ticket: ticket?, token, hopped })
    }
}

/// Whether a client without a cookie has its user come back here, and if so, whether with a token.
fn is_bearers(query: &str) -> Option<bool> {
    let has = |wanted: &str| form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == wanted);
    (has("bearer") && !has("flow")).then(|| has("token"))
}

impl Inner {
    async fn way_back(self: Arc<Self>, parts: &mut Parts) -> Response<Bytes> {
        let stop = match self.check(parts).await {
            Ok(response) => return response,
            Err(stop) => stop,
        };
        let Unredeemed { reason, wait, flow } = match stop {
            Stop::Respond(response) => {
                // This address holds a ticket and a token, so even somebody else's page must not be kept or told on.
                let mut response = rejected(*response, None);
                no_store(response.headers_mut());
                return response;
            }
            Stop::Refuse(refused) => refused,
        };
        let action = flow.as_ref().map(|flow| &flow.opening.action);
        tracing::info!(
            action = action.map(tracing::field::display),
            reason = reason.as_str(),
            state = reason.state(),
            "way back refused"
        );
        let on = flow.as_ref().and_then(|flow| self.page_of_saved(&flow.saved));
        let on = on.unwrap_or_else(|| self.answers.home.as_str().to_owned());
        let refusal = Refusal::new(reason, action).retry_after_of(wait);
        let popup = flow.as_ref().and_then(|flow| self.popup_message(parts, flow, "failed", None));
        self.answers.refuse_on_the_way_back(parts, refusal, &on, popup)
    }

    /// The checks, in the order that the threats T1 to T16 ask for.
    async fn check(self: &Arc<Self>, parts: &mut Parts) -> Result<Response<Bytes>, Stop> {
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
        let query = Query::parse(query).ok_or(RefusalReason::InvalidCallback)?;
        // Without the browser's cookie there is no key that a record opens with, so an unknown flow and somebody else's
        // look the same (threats T7, T8, T14 and T108).
        let browser = self.cookie.read(&parts.headers).ok_or(RefusalReason::UnknownFlow)?;
        let (binding, flow) = self.flows.find(&browser, query.ticket).await?.ok_or(RefusalReason::UnknownFlow)?;
        let user = match self.identify(parts).await {
            Ok(Some(user)) => user,
            Ok(None) | Err(_) if !query.hopped => {
                let hop = Page::new(PageKind::Hop).link(LinkKind::Continue, self.hop_to(parts));
                return Ok(self.answers.page(parts, hop));
            }
            Ok(None) => return Err(RefusalReason::Unauthenticated.into()),
            Err(response) => return Err(Stop::Respond(Box::new(response))),
        };
        let (place, _) = self.place_of(parts);
        if user.id != flow.opening.user.as_str() || user.session != flow.opening.session {
            return Err(RefusalReason::OtherUser.into());
        }
        match query.token {
            None => self.page_of(parts, &flow),
            Some(token) => self.take(place, browser, binding, query.ticket, token).await,
        }
    }

    /// Takes a token: asks the service, writes what it means, and leads on.
    async fn take(
        self: &Arc<Self>,
        place: &Place,
        browser: BrowserId,
        binding: BindingHash,
        ticket: Ticket,
        token: String,
    ) -> Result<Response<Bytes>, Stop> {
        let (_, flow) = Arc::clone(self).redeem(Holder::Browser(browser), binding, token).await?;
        let approved = matches!(flow.stage.kind, Kind::Approved(_) | Kind::Spent { .. });
        let saved = &flow.saved;
        let on = matches!(saved, SavedRequest::Page(_)).then(|| self.page_of_saved(saved)).flatten();
        let on = on.filter(|_| approved).unwrap_or_else(|| place.callback_path_for(ticket));
        Ok(lead_to(&on))
    }

    /// The same address with the mark of a second try.
    ///
    /// A session cookie with `SameSite=Strict` does not come along when another site leads the browser here, and comes
    /// along when a page of ours does. The path is the configured one: a proxy may have stripped a prefix from this one.
    fn hop_to(&self, parts: &Parts) -> String {
        let (place, _) = self.place_of(parts);
        format!("{}?{}&hop=1", place.callback_url.path(), parts.uri.query().unwrap_or_default())
    }

    /// A page of the application that is a good place to go on from.
    fn page_of_saved(&self, saved: &SavedRequest) -> Option<String> {
        match saved {
            SavedRequest::Page(page) => Some(page.as_str().to_owned()),
            SavedRequest::Form { .. } | SavedRequest::Sent => None,
            SavedRequest::NotKept { page, .. } | SavedRequest::Client { page } => {
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
    fn popup_message(
        &self,
        parts: &Parts,
        flow: &Flow,
        outcome: &'static str,
        to: Option<&str>,
    ) -> Option<PopupMessage> {
        let nonce = flow.opening.attempt.as_str().to_owned();
        Some(PopupMessage { nonce, outcome, origin: self.opener_of(parts, flow)?, to: to.map(str::to_owned) })
    }

    /// The flow's own page.
    fn page_of(&self, parts: &Parts, flow: &Flow) -> Result<Response<Bytes>, Stop> {
        let now = self.flows.now();
        if !flow.stage.is_live(now) {
            return Err(Unredeemed::of(RefusalReason::UnknownFlow, flow.clone()).into());
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
        let time_left = flow.stage.until.after(now);
        let page = match (&flow.stage.kind, saved) {
            // Enrolment was skipped, or left nothing to prove: whoever asks for the page again is tracked again.
            (Kind::Failed(ActionState::Allow), _) => left(page.as_deref(), "failed"),
            (Kind::Failed(state), _) => {
                let reason = RefusalReason::State(state.clone());
                return Err(Unredeemed::of(reason, flow.clone()).into());
            }
            (Kind::Pending, _) => left(challenge().as_ref().map(TrustedChallengeUrl::as_str), "cancelled"),
            (Kind::Approved(_), SavedRequest::Page(to)) => return Ok(lead_to(to.as_str())),
            (Kind::Approved(_), SavedRequest::Form { to, fields }) => {
                let Opening { action, name, .. } = &flow.opening;
                let form = ResumeForm::new(action.clone(), name.as_deref(), to, fields, time_left);
                Page::new(PageKind::Resume(form)).link(LinkKind::Cancel, home.as_str())
            }
            (Kind::Approved(_), SavedRequest::NotKept { why, .. }) => {
                Page::new(PageKind::SendAgain { why: *why, left: time_left }).link(LinkKind::Continue, on)
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
fn lead_to(page: &str) -> Response<Bytes> {
    let mut response = see_other(HeaderValue::from_str(page).expect("a checked path is printable ASCII"));
    no_store(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redeem::MAX_TOKEN;

    /// T11: doubled, oversized, empty and strange parameters are refused before anything is asked.
    #[test]
    fn t11_only_one_flow_and_one_plain_token_are_taken() {
        let flow = format!("flow={}", Ticket::random());
        let parsed = Query::parse(&format!("{flow}&token=eyJ.a-b_c~1.x&other=%FF")).unwrap();
        assert_eq!(parsed.token.as_deref(), Some("eyJ.a-b_c~1.x"));
        assert!(Query::parse(&flow).unwrap().token.is_none());
        assert!(Query::parse(&format!("{flow}&hop=1")).unwrap().hopped);
        let long_token = format!("{flow}&token={}", "a".repeat(MAX_TOKEN + 1));
        let long_query = format!("{flow}&x={}", "a".repeat(MAX_QUERY));
        let bad = [
            "",
            "token=a",
            "flow=",
            "flow=a",
            "flow=a&token=b",
            "flow",
            &format!("{flow}&{flow}"),
            &format!("{flow}&token=a&token=b"),
            &format!("{flow}&token=a&token=a"),
            &format!("{flow}&token=a&%74oken=b"),
            &format!("{flow}&token="),
            &format!("{flow}&token"),
            &format!("{flow}&token=a%00"),
            &format!("{flow}&token=a%0d%0ab"),
            &format!("{flow}&token=a+b"),
            &format!("{flow}&token=%FF"),
            &format!("{flow}&token=<script>"),
            &format!("{flow}&token=a&token"),
            &format!("{flow}A"),
            &format!("{flow}%3D"),
            &long_token,
            &long_query,
        ];
        for query in bad {
            assert_eq!(Query::parse(query), None, "{query}");
        }
    }
}
