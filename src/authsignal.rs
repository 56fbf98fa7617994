//! The handle that layers and callback share.
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::routing::MethodRouter;
use http::HeaderValue;
use url::Url;

use crate::browser::CookieKind;
use crate::builder::AuthsignalBuilder;
use crate::callback;
use crate::challenge_url::ChallengeHosts;
use crate::client::{ActionCode, Client};
use crate::facts::Addresses;
use crate::identify::AnyIdentify;
use crate::keeper::{Keeper, Ticket};
use crate::page_origin::{Page, PageOrigins};
use crate::respond::Answers;
use crate::return_to::ReturnTo;
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
    pub(crate) keeper: Keeper,
    /// Whose pages count as our own besides those of the callback's origin.
    pub(crate) page_origins: PageOrigins,
    pub(crate) identify: AnyIdentify,
    pub(crate) answers: Answers,
    pub(crate) callback_url: Url,
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
}

impl Inner {
    /// Our callback with a ticket: what the service is given as `redirectUrl`.
    pub(crate) fn callback_for(&self, ticket: Ticket) -> Url {
        let mut url = self.callback_url.clone();
        url.query_pairs_mut().append_pair("flow", &ticket.to_string());
        url
    }

    /// The same as a path, for links and redirects within the application.
    pub(crate) fn callback_path_for(&self, ticket: Ticket) -> String {
        let url = self.callback_for(ticket);
        format!("{}?{}", url.path(), url.query().unwrap_or_default())
    }

    /// The page at an absolute URL, such as a `Referer`, if users may be led there and it is not our own callback.
    pub(crate) fn page_at(&self, url: &str) -> Option<Page> {
        let page = self.page_origins.page(url, &self.callback_url)?;
        (!page.own_path().is_some_and(|path| self.is_callback(path))).then_some(page)
    }

    /// Whether an `Origin` is that of the application's own pages: the callback's, or a listed one.
    pub(crate) fn is_own_origin(&self, origin: &HeaderValue) -> bool {
        let ours = self.callback_url.origin().ascii_serialization();
        origin.as_bytes() == ours.as_bytes() || self.page_origins.has(origin)
    }

    /// Whether this is the callback's path, with or without a slash at its end.
    pub(crate) fn is_callback(&self, path: &str) -> bool {
        is_same_path(path, self.callback_url.path())
    }

    /// A page of the application's that is not our own callback (threat T19).
    pub(crate) fn page(&self, target: Option<ReturnTo>) -> Option<ReturnTo> {
        target.filter(|target| !self.is_callback(target.path()))
    }
}

impl Authsignal {
    /// Begins a handle on the service behind `client`.
    pub fn builder(client: Client) -> AuthsignalBuilder {
        AuthsignalBuilder::new(client)
    }

    /// A router with the callback at the path of the callback URL, with and without a slash at its end, so that it is found
    /// behind `NormalizePath` too. Merge it outside every guarded layer.
    pub fn routes<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let path = self.0.callback_url.path();
        let without = path.trim_end_matches('/');
        let router = Router::new().route(path, self.callback());
        match (without, path) {
            ("", _) => router,
            (without, path) if without == path => router.route(&format!("{path}/"), self.callback()),
            (without, _) => router.route(without, self.callback()),
        }
    }

    /// The callback by itself, for those who mount it themselves. The path must be the callback URL's as the browser
    /// sees it.
    pub fn callback<S: Clone + Send + Sync + 'static>(&self) -> MethodRouter<S> {
        callback::handler(Arc::clone(&self.0))
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
        f.debug_struct("Authsignal").field("callback_url", &self.0.callback_url.as_str()).finish_non_exhaustive()
    }
}

/// Whether two paths differ in slashes at their end at most.
pub(crate) fn is_same_path(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}
