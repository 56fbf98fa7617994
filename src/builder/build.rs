//! Checks every setting and builds the handle.
use std::sync::{Arc, Mutex};

use secrecy::ExposeSecret as _;
use url::Url;

use super::{AuthsignalBuilder, MIN_SECRET};
use crate::authsignal::{Authsignal, Inner, is_loopback};
use crate::browser::CookieKind;
use crate::challenge_url::ChallengeHosts;
use crate::client::shown;
use crate::config::ConfigError;
use crate::keeper::Keeper;
use crate::page_origin::PageOrigins;
use crate::respond::Answers;
use crate::return_to::ReturnTo;
use crate::seal::{Key, Keys};
use crate::store::{AnyStore, MemoryStore};

impl AuthsignalBuilder {
    /// Builds the handle.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that is missing or cannot work.
    pub fn build(self) -> Result<Authsignal, ConfigError> {
        let callback_url = self.callback_url.ok_or(ConfigError::MissingCallbackUrl)?;
        let callback_url = parse_callback(&callback_url, self.insecure_cookies)?;
        let identify = self.identify.ok_or(ConfigError::MissingIdentify)?;
        for secret in self.secret.iter().chain(&self.older_secrets) {
            let length = secret.expose_secret().len();
            if length < MIN_SECRET {
                return Err(ConfigError::WeakSecret { length, least: MIN_SECRET });
            }
        }
        let api_secret = self.client.secret().expose_secret().as_bytes();
        let secret = self.secret.as_ref().map_or(api_secret, |secret| secret.expose_secret());
        let older: Vec<_> = self.older_secrets.iter().map(|secret| secret.expose_secret()).collect();
        let keys = Keys::new(secret, &older);
        let challenge_hosts = ChallengeHosts::new(&self.challenge_hosts, self.client.base_url())?;
        // Whoever cancels at the callback must not be led to the callback (threat T19).
        let home = ReturnTo::new(&self.home).filter(|home| home.path() != callback_url.path());
        let home = home.ok_or_else(|| ConfigError::Home { path: self.home.clone() })?;
        let page_origins = PageOrigins::new(&self.page_origins)?;
        let tenant = Arc::from(tenant(self.client.base_url(), &callback_url));
        let store = self.store.unwrap_or_else(|| AnyStore::new(MemoryStore::new().clock(self.clock.clone())));
        let store = store.timeout(self.store_timeout);
        Ok(Authsignal::new(Inner {
            keeper: Keeper { store, keys, clock: self.clock, challenge_life: self.challenge_life },
            page_origins,
            identify,
            answers: Answers { custom: self.responder, bearer: self.bearer, home },
            cookie: if self.insecure_cookies { CookieKind::Loopback } else { CookieKind::Secure },
            challenge_hosts,
            ip_source: self.ip_source,
            body_limit: self.body_limit,
            warned: Mutex::default(),
            tenant,
            callback_url,
            client: self.client,
        }))
    }
}

/// Which service and application: two handles with the same are one, two that differ never share a flow.
fn tenant(base_url: &Url, callback_url: &Url) -> String {
    let mut fields = crate::coverage::Fields::new("tenant");
    fields.add(base_url.as_str());
    fields.add(callback_url.as_str());
    Key::from(fields.finish()).to_string()
}

fn parse_callback(text: &str, insecure_cookies: bool) -> Result<Url, ConfigError> {
    let refused = |reason| ConfigError::CallbackUrl { url: shown(text), reason };
    let url = Url::parse(text).map_err(|_| refused("it is not an absolute URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it carries a user name or a password"));
    }
    if url.fragment().is_some() {
        return Err(refused("it carries a fragment, which never reaches a server"));
    }
    if url.query_pairs().any(|(name, _)| matches!(&*name, "flow" | "token" | "hop")) {
        return Err(refused("its query uses `flow`, `token` or `hop`, which are added to it"));
    }
    // axum takes no route with a segment that begins like a parameter of its older versions; braces are encoded by now.
    let is_route = url.path().split('/').all(|segment| !segment.starts_with([':', '*']));
    if ReturnTo::new(url.path()).is_none() || !is_route {
        return Err(refused("its path is not a plain one"));
    }
    match (url.scheme(), is_loopback(&url), insecure_cookies) {
        ("https", _, false) | ("http", true, true) => Ok(url),
        ("https", _, true) => Err(refused("`with_insecure_cookies` is for `http` on loopback only")),
        ("http", true, false) => Err(refused("`http` on loopback needs `with_insecure_cookies`")),
        ("http", false, _) => Err(refused("`http` is taken on loopback only")),
        _ => Err(refused("its scheme is neither `https` nor `http`")),
    }
}
