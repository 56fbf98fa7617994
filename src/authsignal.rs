//! The handle that layers and callback share.
pub(crate) mod builder;
mod mistakes;

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use authsignal_client::{ActionCode, Client, IdempotencyKey};
use axum::extract::OriginalUri;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Response, header};
use url::Url;

pub(crate) use self::mistakes::Mistakes;
use crate::audit::event::AuditHead;
use crate::budget::failover::Failovers;
use crate::budget::{Asker, Ledger};
use crate::decided::Listeners;
use crate::decided::explain::Explanation;
use crate::domain::challenge_url::ChallengeHosts;
use crate::domain::flow::Opening;
use crate::domain::page_origin::PageOrigins;
use crate::domain::place::{Name, Place, Places};
use crate::domain::tenant::Tenant;
use crate::outbox::{Observed, Outbox};
use crate::request::cookie::CookieKind;
use crate::request::identify::{AnyIdentify, User};
use crate::request::signals::Addresses;
use crate::response::answers::Answers;
use crate::store;
use crate::store::flows::FlowStore;
use crate::upstream::{Upstream, UpstreamState};

/// The longest response of an extractor that is handed on, in bytes.
const MAX_REJECTION: usize = 1024 * 1024;

/// Everything that the layers and the callback of one application share: the client, the store, the keys, and how to
/// tell who is asking. Cheap to clone.
///
/// # Examples
///
/// ```
/// use axum_authsignal::{Authsignal, Client, User};
/// # use axum::http::HeaderMap;
///
/// # fn main() -> Result<(), axum_authsignal::ConfigError> {
/// let authsignal = Authsignal::builder(Client::builder("the-api-secret-key").build()?)
///     .callback_url("https://app.example.com/authsignal/callback")
///     .identify(|headers: HeaderMap| async move {
///         // Any extractors; in an application, its session.
///         let user = headers.get("x-user")?.to_str().ok()?;
///         Some(User::new(user))
///     })
///     .build()?;
/// let app: axum::Router = axum::Router::new().merge(authsignal.routes());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Authsignal(Arc<Inner>);

/// What the rooms of the layer and the callback work with.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) client: Client,
    /// Who is told of each decision.
    pub(crate) listeners: Listeners,
    /// The breaker in front of it, and how many calls are on their way.
    pub(crate) upstream: Upstream,
    /// What observed routes have still to tell.
    pub(crate) outbox: Arc<Outbox>,
    /// What has passed undecided of late.
    pub(crate) failovers: Failovers,
    pub(crate) flows: Arc<FlowStore>,
    /// Whose pages count as our own besides those of the callback's origin.
    pub(crate) page_origins: PageOrigins,
    /// What each user and session has taken in a while.
    pub(crate) ledger: Ledger,
    pub(crate) identify: AnyIdentify,
    pub(crate) answers: Answers,
    /// Where browsers reach the application.
    pub(crate) places: Places,
    pub(crate) cookie: CookieKind,
    pub(crate) challenge_hosts: ChallengeHosts,
    pub(crate) addresses: Addresses,
    /// The custom domain of the tenant that challenges are asked for on.
    pub(crate) custom_domain: Option<String>,
    /// Where users of clients without a cookie are led from the challenge.
    pub(crate) bearer_callback_url: Option<Url>,
    pub(crate) body_limit: usize,
    /// The actions for which it was logged that an unenrolled user passed.
    pub(crate) warned: Mutex<HashSet<ActionCode>>,
    /// Whose flows they are: what an outer layer's verdict has to share with an inner one.
    pub(crate) tenant: Tenant,
    /// What was noticed of how all this is set up.
    pub(crate) mistakes: Mistakes,
}

impl Inner {
    /// A challenge for what a flow is about was proved, or joined it, and counts no more.
    pub(crate) fn gives_room_back(&self, opening: &Opening, attempt: &IdempotencyKey) {
        let asker = Asker { user: opening.user.as_str(), session: opening.session.as_deref(), action: &opening.action };
        self.ledger.proved(asker, attempt);
    }

    /// Who is asking, and what answers the request if that cannot be told.
    pub(crate) async fn identify(&self, parts: &mut Parts) -> Result<Option<User>, Response<Bytes>> {
        let response = match self.identify.identify(parts).await {
            Ok(user) => return Ok(user),
            Err(response) => response,
        };
        let (mut head, body) = response.into_parts();
        // A rejection is a few words; one that cannot be read keeps its status and loses them.
        let bytes = axum::body::to_bytes(body, MAX_REJECTION).await.unwrap_or_else(|_| {
            head.headers.remove(header::CONTENT_LENGTH);
            Bytes::new()
        });
        Err(Response::from_parts(head, bytes))
    }

    /// The address that a request was sent to, and what is known of its name.
    pub(crate) fn place_of<'s, 'r>(&'s self, parts: &'r Parts) -> (&'s Place, Name<'r>) {
        let target = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        self.places.of(target, &parts.headers)
    }

    /// The page that a request was sent from, if users may be led back there.
    pub(crate) fn came_from(&self, parts: &Parts) -> Option<String> {
        let referer = parts.headers.get(header::REFERER)?.to_str().ok()?;
        self.page_origins.link(&self.place_of(parts).0.page(referer, &self.page_origins)?)
    }

    /// Whether an `Origin` is that of the application's own pages: a callback's, or a listed one.
    pub(crate) fn is_own_origin(&self, place: &Place, origin: &HeaderValue) -> bool {
        place.is_origin(origin) || self.page_origins.has(origin)
    }
}

impl Authsignal {
    /// The client that this handle asks.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// How the way to Authsignal is, as this handle sees it: whether the
    /// [circuit breaker](crate::AuthsignalBuilder::circuit_breaker) lets calls through, since when, and how many are on their way.
    /// For a health page; nothing is asked.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, Circuit};
    /// fn health(authsignal: &Authsignal) -> String {
    ///     let upstream = authsignal.upstream();
    ///     match upstream.circuit {
    ///         Circuit::Closed => format!("well, {} calls on their way", upstream.in_flight),
    ///         _ => format!("Authsignal is out ({:?}) since {:?}", upstream.outage, upstream.since),
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn upstream(&self) -> UpstreamState {
        self.0.upstream.state(self.0.flows.clock.now())
    }

    /// Why a decision ended as it did: each check in its order, of which the last one decided. By its id, which stands in the log,
    /// in problem documents, on pages, in verdicts, and at Authsignal as the key of the attempt. The oldest comes first: a challenge,
    /// and the request that passed with its proof, are two of one id.
    ///
    /// Empty unless [`keep_explanations`](crate::AuthsignalBuilder::keep_explanations) keeps some, and the decision was made by this
    /// process not long ago.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::Authsignal;
    /// fn support(authsignal: &Authsignal, id: &str) -> String {
    ///     authsignal.explain(id).iter().map(|explanation| format!("{explanation}\n")).collect()
    /// }
    /// ```
    #[must_use]
    pub fn explain(&self, decision_id: impl AsRef<str>) -> Vec<Explanation> {
        self.0.listeners.kept.of(decision_id.as_ref())
    }

    /// What became of the events of [observed](crate::AuthsignalLayer::observe) routes so far, in this process.
    #[must_use]
    pub fn observed(&self) -> Observed {
        self.0.outbox.state()
    }

    /// Waits until Authsignal has every event of [observed](crate::AuthsignalLayer::observe) routes, at most so long, and says
    /// what became of them. For the end of a process, after the server has answered its last request; what still waits then
    /// ends with it, and is an error in the log. [`close_audit`](Self::close_audit) comes after it, since what is observed is
    /// recorded when it is sent.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use axum_authsignal::Authsignal;
    /// # async fn sigterm() {}
    /// async fn serve(app: axum::Router, authsignal: Authsignal) -> std::io::Result<()> {
    ///     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    ///     axum::serve(listener, app).with_graceful_shutdown(sigterm()).await?;
    ///     // Every request has its answer. Nobody waits for what follows but the process.
    ///     let observed = authsignal.drain(Duration::from_secs(20)).await;
    ///     println!("{} events sent, {} lost, {} left", observed.sent, observed.lost, observed.waiting);
    ///     Ok(())
    /// }
    /// ```
    pub async fn drain(&self, deadline: Duration) -> Observed {
        let observed = self.0.outbox.drain(deadline).await;
        if observed.waiting > 0 {
            tracing::error!(
                waiting = observed.waiting,
                ?deadline,
                "events of observed routes are not sent yet, and end with the process: is Authsignal out, or the deadline too short?"
            );
        }
        observed
    }

    /// Where the chain of the [audit](crate::AuthsignalBuilder::audit) stands, as far as its sink has it. Kept where whoever writes the
    /// audit cannot write, it shows a verifier that the end was not cut off since.
    #[must_use]
    pub fn audit_head(&self) -> Option<AuditHead> {
        self.0.listeners.audit.as_ref()?.head()
    }

    /// Writes what waits for the [audit](crate::AuthsignalBuilder::audit)'s sink, closes its chain, and says where that stands. For the
    /// end of the process, once it serves nobody any more: what is decided afterwards is not recorded. `None` without an audit, and
    /// where the sink has taken nothing.
    pub async fn close_audit(&self) -> Option<AuditHead> {
        self.0.listeners.audit.as_ref()?.close().await
    }

    /// Ends everything that this user was asked for or has proved, in each browser and session: once this has returned, no
    /// request that begins then passes by an older approval, a challenge that still waits, or a remembered action, on any node
    /// that shares the store. For a change of the password, or a theft.
    ///
    /// What begins afterwards is not affected: end the user's sessions first, or whoever has stolen one is asked for a new
    /// proof and no more. A request that began before this returned may still pass.
    ///
    /// It is one record per user, whatever the number of flows, which is kept for 26 hours: longer than any approval lives. A
    /// request that meets a flow asks the store for it once more, and is refused with 503 where it cannot be read.
    ///
    /// # Errors
    ///
    /// [`store::Error`] if it could not be written under each name that nodes may look for. It may have been written
    /// nevertheless; try again, and hold back what depends on it.
    pub async fn revoke(&self, user: impl AsRef<str>) -> Result<(), store::Error> {
        self.0.flows.revoke(user.as_ref(), None).await?;
        tracing::info!("all approvals of a user are revoked");
        Ok(())
    }

    /// Ends everything that this user was asked for or has proved in this session, the one that
    /// [`User::session`](crate::User::session) names: as [`revoke`](Self::revoke), for a logout.
    ///
    /// Of one user, 64 sessions are told apart in 26 hours. One more, and all of that user's flows end.
    ///
    /// # Errors
    ///
    /// As [`revoke`](Self::revoke).
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, store};
    /// # struct Session { user: String, id: String }
    /// # impl Session { async fn end(self) {} }
    /// async fn log_out(authsignal: &Authsignal, session: Session) -> Result<(), store::Error> {
    ///     authsignal.forget(&session.user, &session.id).await?;
    ///     session.end().await;
    ///     Ok(())
    /// }
    /// ```
    pub async fn forget(&self, user: impl AsRef<str>, session: impl AsRef<str>) -> Result<(), store::Error> {
        self.0.flows.revoke(user.as_ref(), Some(session.as_ref())).await?;
        tracing::info!("all approvals of a session are revoked");
        Ok(())
    }

    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    pub(crate) fn inner(&self) -> &Arc<Inner> {
        &self.0
    }
}

impl fmt::Debug for Authsignal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authsignal")
            .field("callback_url", &self.0.places.main.callback_url.as_str())
            .finish_non_exhaustive()
    }
}
