//! The handle that layers and callback share.
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::OriginalUri;
use axum::routing::MethodRouter;
use http::HeaderValue;
use http::request::Parts;

use crate::browser::CookieKind;
use crate::budget::{Asker, Ledger};
use crate::builder::AuthsignalBuilder;
use crate::callback;
use crate::challenge_url::ChallengeHosts;
use crate::client::{ActionCode, Client, IdempotencyKey};
use crate::facts::Addresses;
use crate::flow::Opening;
use crate::identify::AnyIdentify;
use crate::keeper::Keeper;
use crate::middleware::BrowserLayer;
use crate::page_origin::PageOrigins;
use crate::place::{Name, Place, Places, shown_host};
use crate::respond::Answers;
use crate::tenant::Tenant;

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
    pub(crate) keeper: Arc<Keeper>,
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
    pub(crate) body_limit: usize,
    /// The actions for which it was logged that an unenrolled user passed.
    pub(crate) warned: Mutex<HashSet<ActionCode>>,
    /// Whose flows they are: what an outer layer's verdict has to share with an inner one.
    pub(crate) tenant: Tenant,
    /// Whether it was logged that requests come by a name that no setter gives.
    pub(crate) warned_of_host: AtomicBool,
    /// Whether it was logged that a page's call was challenged before its browser had an id.
    pub(crate) warned_of_first_call: AtomicBool,
}

impl Inner {
    /// A challenge for what a flow is about was proved, or joined it, and counts no more.
    pub(crate) fn gives_room_back(&self, opening: &Opening, attempt: &IdempotencyKey) {
        let asker = Asker { user: opening.user.as_str(), session: opening.session.as_deref(), action: &opening.action };
        self.ledger.proved(asker, attempt);
    }

    /// The address that a request was sent to, and what is known of its name.
    pub(crate) fn place_of<'s, 'r>(&'s self, parts: &'r Parts) -> (&'s Place, Name<'r>) {
        let target = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        self.places.of(target, &parts.headers)
    }

    /// Whether an `Origin` is that of the application's own pages: a callback's, or a listed one.
    pub(crate) fn is_own_origin(&self, place: &Place, origin: &HeaderValue) -> bool {
        place.is_origin(origin) || self.page_origins.has(origin)
    }

    /// Once per handle: on a host that no setter names, browsers do not bring back what the challenge was begun with.
    pub(crate) fn warn_of_host(&self, host: &str) {
        if !self.warned_of_host.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                host = shown_host(host),
                callback_url = %self.places.main.callback_url,
                "challenged on another host than the callback's: if browsers use this name, they come back to the \
                 callback without their cookie, which the log calls `unknown_flow`; \
                 `AuthsignalBuilder::also_at` or `callback_url_at` name it. If a proxy rewrites `Host`, all is well"
            );
        }
    }
}

impl Authsignal {
    /// Begins a handle on the service behind `client`.
    pub fn builder(client: Client) -> AuthsignalBuilder {
        AuthsignalBuilder::new(client)
    }

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
            let own: BTreeSet<_> = handle.0.places.iter().flat_map(Place::received_callbacks).collect();
            for path in own {
                paths.entry(path).or_default().push(Arc::clone(&handle.0));
            }
        }
        paths.into_iter().fold(Router::new(), |router, (path, handles)| router.route(&path, callback::handler(handles)))
    }

    /// The callback by itself, for those who mount it themselves. The path must be the callback URL's, without the
    /// prefix that a proxy [strips](crate::AuthsignalBuilder::public_prefix).
    pub fn callback<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        callback::handler(vec![Arc::clone(&self.0)])
    }

    /// A layer for the pages of a single-page application: it gives a browser its id with the page, so that the calls that
    /// the page then makes at once share it, and each of their proofs ends well. It asks nothing and keeps nothing, and
    /// leaves alone what shared caches may keep (`Cache-Control: public`, `s-maxage`, or a `max-age` that is not `private`):
    /// serve the page that makes the calls without.
    ///
    /// A guarded page needs none. It works for pages on the host of the callback, whose cookie it is; an API on a host of its
    /// own puts the layer around a call that its pages make before the others.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum::{Router, response::Html, routing::get};
    /// # use axum_authsignal::Authsignal;
    /// fn pages(authsignal: &Authsignal) -> Router {
    ///     Router::new().route("/", get(async || Html("<script src=app.js></script>"))).layer(authsignal.browser_layer())
    /// }
    /// ```
    #[must_use]
    pub fn browser_layer(&self) -> BrowserLayer {
        BrowserLayer::new(self.0.cookie)
    }

    /// The client that this handle asks.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
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

/// Whether two paths differ in slashes at their end at most.
pub(crate) fn is_same_path(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
