//! The clients that sessions can be made for.
use std::time::Duration;

use serde_json::{Map, Value};

/// A client that sessions can be made for.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use authsignal_emulator::{AppClient, Tenant};
///
/// let web = AppClient::new("46e1f3a0-web").access_ttl(Duration::from_secs(300)).claim("plan", "pro");
/// let tenant = Tenant::new().app_client(web);
/// # tenant.check().unwrap();
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "does nothing until a tenant is given it"]
pub struct AppClient {
    pub(crate) id: String,
    pub(crate) access_ttl: Duration,
    pub(crate) refresh_ttl: Duration,
    pub(crate) claims: Map<String, Value>,
}

impl AppClient {
    /// A client by its id, which is the audience of its access tokens.
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            access_ttl: Duration::from_secs(15 * 60),
            refresh_ttl: Duration::from_secs(30 * 24 * 60 * 60),
            claims: Map::new(),
        }
    }

    /// How long an access token is taken. Default: 15 minutes, an assumption.
    pub fn access_ttl(mut self, ttl: Duration) -> Self {
        self.access_ttl = ttl;
        self
    }

    /// How long a refresh token is taken. Default: 30 days, an assumption.
    pub fn refresh_ttl(mut self, ttl: Duration) -> Self {
        self.refresh_ttl = ttl;
        self
    }

    /// Adds a claim to its access tokens. Those that every token has cannot be set. Default: none.
    pub fn claim(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.claims.insert(name.into(), value.into());
        self
    }
}
