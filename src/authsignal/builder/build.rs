//! Checks every setting and builds the handle.
use std::sync::{Arc, Mutex};

use authsignal_client::SecretKey;
use authsignal_client::url::{is_loopback, redacted_url};
use secrecy::ExposeSecret as _;
use url::Url;

use super::programs::parse_bearer_callback;
use super::{AuthsignalBuilder, MIN_SECRET};
use crate::audit::chain::MIN_KEY;
use crate::audit::queue::Audit;
use crate::authsignal::{Authsignal, Inner, Mistakes};
use crate::budget::Ledger;
use crate::budget::failover::Failovers;
use crate::config::ConfigError;
use crate::domain::challenge_url::ChallengeHosts;
use crate::domain::page_origin::PageOrigins;
use crate::domain::place::{HostName, Place, Places, check_prefix, parse_prefix};
use crate::domain::return_to::ReturnTo;
use crate::domain::tenant::{KnownBy, TENANT_LABEL, Tenant, Tenants};
use crate::meter;
use crate::outbox::Outbox;
use crate::request::cookie::CookieKind;
use crate::request::signals::Addresses;
use crate::response::answers::Answers;
use crate::response::language::Languages;
use crate::response::pages::Look;
use crate::store::flows::FlowStore;
use crate::store::seal::KeyRing;
use crate::store::{AnyStore, MemoryStore};
use crate::upstream::Upstream;

/// Under which the master secret is derived from the API secret key where none is given.
const MASTER_LABEL: &str = "axum-authsignal master v1";

impl AuthsignalBuilder {
    /// Builds the handle.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] names the first setting that is missing or cannot work.
    pub fn build(self) -> Result<Authsignal, ConfigError> {
        if self.is_refused_in_release && !cfg!(debug_assertions) {
            return Err(ConfigError::ScriptInRelease);
        }
        let callback_url = self.callback_url.ok_or(ConfigError::MissingCallbackUrl)?;
        let prefix = self.public_prefix.as_deref().map_or_else(|| Ok(Arc::from("")), parse_prefix)?;
        let place = |callback_url: &str| {
            let callback_url = parse_callback(callback_url, self.insecure_cookies)?;
            check_prefix(&prefix, &callback_url)?;
            Ok::<_, ConfigError>(Place::new(callback_url, Arc::clone(&prefix)))
        };
        let main = place(&callback_url)?;
        let named = |(name, url): &(String, Option<String>)| {
            Ok((HostName::parse(name)?, url.as_deref().map(place).transpose()?))
        };
        let places = Places::new(main, self.names.iter().map(named).collect::<Result<_, ConfigError>>()?)?;
        let identify = self.identify.ok_or(ConfigError::MissingIdentify)?;
        let older_api_keys = self.older_api_keys.iter().map(|key| SecretKey::new(key.expose_secret()));
        let older_api_keys = older_api_keys.collect::<Result<Vec<_>, _>>().map_err(|_| ConfigError::OlderApiKey)?;
        if let Some(tenant_id) = self.tenant_id.as_ref().filter(|id| id.is_empty()) {
            return Err(ConfigError::TenantId { tenant_id: tenant_id.clone() });
        }
        for secret in self.secret.iter().chain(&self.older_secrets) {
            let length = secret.expose_secret().len();
            if length < MIN_SECRET {
                return Err(ConfigError::WeakSecret { length, least: MIN_SECRET });
            }
        }
        let tenant = |known_by| Tenant::new(self.client.base_url(), &places.main.callback_url, known_by);
        let tenants = Tenants {
            current: tenant(match &self.tenant_id {
                Some(id) => KnownBy::Id(id),
                None => KnownBy::ApiKey(self.client.derive_key(TENANT_LABEL)),
            }),
            older: older_api_keys.iter().map(|key| tenant(KnownBy::ApiKey(key.derive_key(TENANT_LABEL)))).collect(),
        };
        let tenant = tenants.current;
        let older_secrets = self.older_secrets.iter().map(|secret| secret.expose_secret());
        let keys = match &self.secret {
            Some(secret) => KeyRing::new(secret.expose_secret(), &older_secrets.collect::<Vec<_>>(), tenants),
            None => {
                let of_api_keys: Vec<_> = older_api_keys.iter().map(|key| key.derive_key(MASTER_LABEL)).collect();
                let older: Vec<_> = older_secrets.chain(of_api_keys.iter().map(|key| &key[..])).collect();
                KeyRing::new(&self.client.derive_key(MASTER_LABEL), &older, tenants)
            }
        };
        let challenge_hosts = ChallengeHosts::new(&self.challenge_hosts, self.client.base_url())?;
        if challenge_hosts.trust_an_emulator() {
            // Nothing else tells a forgotten `AUTHSIGNAL_API_URL` in production from the service (threat T103).
            meter::insecure();
            tracing::warn!(
                stepup_insecure = true,
                base_url = redacted_url(self.client.base_url().as_str()),
                "an emulator decides, on which anybody can prove any challenge: in production, let the client's base URL \
                 (`AUTHSIGNAL_API_URL`, `ClientBuilder::base_url`) be your tenant's region"
            );
        }
        // Whoever cancels at the callback must not be led to the callback (threat T19).
        let home = places.main.public(&self.home);
        let home = home.ok_or_else(|| ConfigError::Home { path: self.home.clone() })?;
        let bearer_callback_url = self.bearer_callback_url.as_deref().map(parse_bearer_callback).transpose()?;
        let brand = self.brand.check(&places)?;
        let languages = Languages::new(self.languages)?;
        let page_origins = PageOrigins::new(&self.page_origins)?;
        let store = self.store.unwrap_or_else(|| AnyStore::new(MemoryStore::new().clock(self.clock.clone())));
        let store = store.timeout(self.store_timeout);
        if let Some((_, key)) = &self.audit {
            let length = key.expose_secret().len();
            if length < MIN_KEY {
                return Err(ConfigError::AuditKey { length, least: MIN_KEY });
            }
        }
        let audit = self.audit.map(|(sink, key)| Audit::new(sink, key, self.clock.clone()));
        let listeners = self.listeners.of(self.clock.clone(), audit);
        meter::describe_metrics();
        Ok(Authsignal::new(Inner {
            flows: Arc::new(FlowStore {
                store,
                keys,
                clock: self.clock,
                challenge_ttl: self.challenge_ttl,
                validate_budget: self.validate_budget,
                pending_flow_budget: self.pending_flow_budget,
            }),
            page_origins: page_origins.clone(),
            ledger: Ledger::new(self.challenge_budget, self.refusal_budget),
            identify,
            answers: Answers {
                custom: self.responder,
                bearer: self.bearer,
                home,
                page_origins,
                look: Arc::new(Look::new(brand)),
                languages,
            },
            cookie: if self.insecure_cookies { CookieKind::Loopback } else { CookieKind::Secure },
            challenge_hosts,
            addresses: Addresses::new(self.ip_source),
            custom_domain: self.custom_domain,
            bearer_callback_url,
            body_limit: self.body_limit,
            warned: Mutex::default(),
            tenant,
            mistakes: Mistakes::default(),
            places,
            upstream: Upstream::new(self.breaker, self.max_upstream_calls),
            outbox: Arc::new(Outbox::new(self.max_observed)),
            failovers: Failovers::new(self.failover_budget),
            listeners,
            client: self.client,
        }))
    }
}

fn parse_callback(text: &str, insecure_cookies: bool) -> Result<Url, ConfigError> {
    let refused = |reason| ConfigError::CallbackUrl { url: redacted_url(text), reason };
    let url = Url::parse(text).map_err(|_| refused("it is not an absolute URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it carries a user name or a password"));
    }
    if url.fragment().is_some() {
        return Err(refused("it carries a fragment, which never reaches a server"));
    }
    if url.query_pairs().any(|(name, _)| matches!(&*name, "flow" | "token" | "hop" | "outcome" | "bearer")) {
        return Err(refused("its query uses `flow`, `token`, `hop`, `outcome` or `bearer`, which are added to it"));
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
