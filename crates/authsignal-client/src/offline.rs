//! Sessions that are checked here, by the tenant's public keys.
mod claims;
mod fault;
mod keys;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::errors::ErrorKind as JwtErrorKind;
use jsonwebtoken::{Algorithm, Validation, crypto};
use serde::de::IgnoredAny;
use serde_json::{Map, Value};
use url::Url;

use self::claims::Rules;
use self::keys::KeyRing;
use crate::builder::{Region, http_host};
use crate::client::Client;
use crate::clock::Clock;
use crate::config::ConfigError;
use crate::transport::Transport;
use crate::transport::json::without_lone_surrogates;
use crate::transport::path;
use crate::transport::settings::{Carrier, HttpVersion, Settings};
use crate::url::redacted_url;

pub use self::claims::VerifiedSession;
pub use self::fault::SessionFault;

/// What is longer is not looked at. Servers take about as much in all the headers of a request.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// The most leeway there is.
const MAX_LEEWAY: Duration = Duration::from_secs(60);

impl Client {
    /// Starts a verifier of the sessions of a tenant, whose keys are fetched with the connections, deadline and retries
    /// of this client, and without its secret.
    ///
    /// The tenant's id is in the portal.
    pub fn session_verifier(&self, tenant_id: impl Into<String>) -> SessionVerifierBuilder {
        SessionVerifierBuilder::new(tenant_id.into(), Source::Client(self.transport.clone()))
    }
}

/// Checks access tokens of sessions without asking the service about each: by their signature, against the public keys
/// of the tenant.
///
/// The keys (JWKS) have to be enabled in the portal (docs, session management). Clones share them.
///
/// # What it checks
///
/// The token is a JWT signed with RS256, and with no other algorithm, by a key that the tenant publishes; it is for one
/// of the app clients that were named (`aud`); it has not expired (`exp`), and is valid already where it says when
/// (`nbf`), both with 30 seconds of leeway unless told otherwise.
///
/// # What it cannot see
///
/// Whatever happened after the token was made. Until it expires, it is taken although the session was revoked
/// (`POST /sessions/revoke`, `POST /sessions/user/revoke`), was refreshed (which revokes the earlier pair), the user was
/// deleted, or an e-mail address, a custom attribute or the app client was changed. Where that matters, ask the service
/// (`POST /sessions/validate`); where it may matter a little, make access tokens short-lived in the portal.
///
/// It also cannot see what the application was not told: that a session is genuine does not mean that its user may do
/// what they ask for.
///
/// # When keys are fetched
///
/// | when | what |
/// |---|---|
/// | the first token comes, or one whose key id is not known | fetched, at most once a minute; all who wait share one fetch |
/// | the keys are older than an hour | fetched with the next token; if that fails, they go on being used |
/// | the keys are older than six hours, or there were never any | [`SessionFault::Unavailable`] until they are here |
/// | a fetch has failed | the next one after five seconds |
///
/// So a key that the service withdraws is taken for an hour at most while the service can be reached, and for six if it
/// cannot. A set of more than 64 keys, or one that is no JSON of at most 256 KiB, counts as a failure. Redirects are not
/// followed.
///
/// # Examples
///
/// ```no_run
/// use authsignal_client::Region;
/// use authsignal_client::{SessionFault, SessionVerifier};
///
/// # async fn example(access_token: &str) -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = SessionVerifier::builder("the-tenant-id").region(Region::Eu).client_ids(["the-app-client-id"]).build()?;
/// match sessions.verify(access_token).await {
///     Ok(session) => println!("{} until {:?}", session.user_id, session.expires_at),
///     Err(fault) if fault.is_unavailable() => { /* 503: nothing is known about the token */ }
///     Err(fault) => println!("401: {fault}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SessionVerifier {
    keys: Arc<KeyRing>,
    rules: Arc<Rules>,
    clock: Clock,
}

impl SessionVerifier {
    /// Starts a verifier that needs no secret key: what it fetches is public.
    ///
    /// The tenant's id is in the portal.
    pub fn builder(tenant_id: impl Into<String>) -> SessionVerifierBuilder {
        SessionVerifierBuilder::new(tenant_id.into(), Source::Region(Region::default()))
    }

    /// Checks an access token. Keys are fetched where they are needed; with keys that are known, nothing is sent.
    ///
    /// # Errors
    ///
    /// [`SessionFault`] says why the token is not taken, or that nothing can be said about it.
    pub async fn verify(&self, access_token: &str) -> Result<VerifiedSession, SessionFault> {
        if access_token.len() > MAX_TOKEN_BYTES {
            return Err(SessionFault::Malformed);
        }
        let header = jsonwebtoken::decode_header(access_token).map_err(|_| SessionFault::Malformed)?;
        if header.alg != Algorithm::RS256 {
            return Err(SessionFault::Algorithm);
        }
        // What is critical has to be understood (RFC 7515, section 4.1.11), and none of it is.
        if header.crit.is_some() {
            return Err(SessionFault::Malformed);
        }
        let key = self.keys.get(&header.kid.ok_or(SessionFault::Malformed)?).await?;
        jsonwebtoken::decode::<IgnoredAny>(access_token, &key, &signature_alone()).map_err(|error| {
            match error.kind() {
                JwtErrorKind::InvalidSignature => SessionFault::Signature,
                _ => SessionFault::Malformed,
            }
        })?;
        self.rules.judge(claims(access_token).ok_or(SessionFault::Malformed)?, self.clock.now())
    }
}

/// What a token says whose signature was right: read here, because half a character in a claim of the application's is no
/// reason to refuse a session.
fn claims(token: &str) -> Option<Map<String, Value>> {
    let payload = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&without_lone_surrogates(&payload)).ok()
}

/// RS256 and the rest to us: the library knows only the system's clock, and takes a token without `aud`.
fn signature_alone() -> Validation {
    let mut validation = Validation::new(Algorithm::RS256);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}

impl fmt::Debug for SessionVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionVerifier").field("rules", &self.rules).finish_non_exhaustive()
    }
}

/// Where the keys come from.
#[derive(Clone)]
enum Source {
    Region(Region),
    BaseUrl(String),
    JwksUrl(String),
    Client(Arc<Transport>),
}

/// Builds a [`SessionVerifier`]; made by [`SessionVerifier::builder`] or [`Client::session_verifier`].
///
/// Of a client, a region, a base URL and a JWKS URL, the one that was named last counts.
#[derive(Clone)]
#[must_use]
pub struct SessionVerifierBuilder {
    tenant_id: String,
    source: Source,
    http_host: Option<String>,
    client_ids: Vec<String>,
    clock: Clock,
    leeway: Duration,
}

impl SessionVerifierBuilder {
    fn new(tenant_id: String, source: Source) -> Self {
        let leeway = Duration::from_secs(30);
        Self { tenant_id, source, http_host: None, client_ids: Vec::new(), clock: Clock::default(), leeway }
    }

    /// The app clients whose sessions are taken, by their ids. At least one has to be named: the keys of a tenant sign
    /// for all of its clients, and the tokens of challenges too.
    pub fn client_ids(mut self, ids: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.client_ids = ids.into_iter().map(Into::into).collect();
        self
    }

    /// The region of the tenant. Default: [`Region::Us`], or where the client is.
    pub fn region(mut self, region: Region) -> Self {
        self.source = Source::Region(region);
        self
    }

    /// The base URL of the Server API, version included, in place of the region's. Rules as for
    /// [`ClientBuilder::base_url`](crate::ClientBuilder::base_url).
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.source = Source::BaseUrl(url.into());
        self
    }

    /// The very address of the keys, as the portal shows it; the tenant's id is not used then. Rules as for
    /// [`ClientBuilder::base_url`](crate::ClientBuilder::base_url).
    ///
    /// Default: `{base URL}/client/public/{tenant id}/.well-known/jwks`, which is not in the API reference but in the
    /// history of the SDKs.
    pub fn jwks_url(mut self, url: impl Into<String>) -> Self {
        self.source = Source::JwksUrl(url.into());
        self
    }

    /// Also takes a base URL or a JWKS URL of `http` on this one host, which is not this machine. Whoever is on the way can
    /// sign sessions then: it is for an emulator in a network of containers, as
    /// [`ClientBuilder::dangerous_allow_http_to`](crate::ClientBuilder::dangerous_allow_http_to) is. Default: none.
    pub fn dangerous_allow_http_to(mut self, host: impl Into<String>) -> Self {
        self.http_host = Some(host.into());
        self
    }

    /// By which tokens expire and keys age. Default: the system's clock.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// By how much this clock and the service's may differ. Default: 30 s, at most 60.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway.min(MAX_LEEWAY);
        self
    }

    /// Builds the verifier. Nothing is sent.
    ///
    /// # Errors
    ///
    /// - [`ConfigError::MissingClientIds`]: no app client was named, or an empty one.
    /// - [`ConfigError::TenantId`]: the tenant's id cannot be one.
    /// - [`ConfigError::BaseUrl`]: the base URL or the JWKS URL is not one that keys may be fetched from.
    /// - [`ConfigError::HttpHost`]: what [`dangerous_allow_http_to`](Self::dangerous_allow_http_to) was given is no host.
    /// - [`ConfigError::HttpClient`]: no HTTP client can be made on this machine.
    /// - [`ConfigError::MissingTransport`]: the crate was built without an HTTP client. A verifier of a client's
    ///   ([`Client::session_verifier`]) fetches keys as that client sends.
    pub fn build(self) -> Result<SessionVerifier, ConfigError> {
        if self.client_ids.is_empty() || self.client_ids.iter().any(String::is_empty) {
            return Err(ConfigError::MissingClientIds);
        }
        // jsonwebtoken picks its cryptography by Cargo features and panics when another crate has switched on a second
        // one. Naming it settles that; an application that has chosen before keeps its choice.
        let _already_chosen = crypto::aws_lc::DEFAULT_PROVIDER.install_default();
        let http_host = self.http_host.as_deref().map(http_host).transpose()?;
        let secretless = |base: &str| secretless(path::base_url(base, http_host.as_ref())?);
        let of_tenant = ["client", "public", &self.tenant_id, ".well-known", "jwks"];
        let (transport, segments) = match &self.source {
            Source::Region(region) => (secretless(region.base_url())?, &of_tenant[..]),
            Source::BaseUrl(url) => (secretless(url)?, &of_tenant[..]),
            Source::JwksUrl(url) => (secretless(url)?, &[][..]),
            Source::Client(transport) => (transport.clone(), &of_tenant[..]),
        };
        let keys = KeyRing::new(transport, segments, self.clock.clone()).map_err(|_| match self.source {
            Source::JwksUrl(url) => ConfigError::BaseUrl { url: redacted_url(&url), reason: "it has no path" },
            _ => ConfigError::TenantId { tenant_id: self.tenant_id },
        })?;
        let rules = Rules { client_ids: self.client_ids, leeway: self.leeway };
        Ok(SessionVerifier { keys: Arc::new(keys), rules: Arc::new(rules), clock: self.clock })
    }
}

/// A transport with the defaults of a [`Client`], and nothing that anybody could be given.
fn secretless(base: Url) -> Result<Arc<Transport>, ConfigError> {
    let settings = Settings {
        secret: None,
        base,
        connect_timeout: Duration::from_secs(1),
        deadline: Duration::from_secs(5),
        retries: 2,
        hedge_after: None,
        http: HttpVersion::Http1,
        carrier: Carrier::BuiltIn,
    };
    Ok(Arc::new(Transport::new(settings)?))
}

impl fmt::Debug for SessionVerifierBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionVerifierBuilder")
            .field("tenant_id", &self.tenant_id)
            .field("client_ids", &self.client_ids)
            .field("leeway", &self.leeway)
            .finish_non_exhaustive()
    }
}
