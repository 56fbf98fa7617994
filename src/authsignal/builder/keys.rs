//! Secrets, older ones beside them, and the tenant.
use super::AuthsignalBuilder;

impl AuthsignalBuilder {
    /// The master secret, of at least 32 random bytes, from which the keys of all records are derived. Default: it is
    /// derived from the API secret key, so that every node has the same without configuration.
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secret = Some(secret.as_ref().to_vec().into());
        self
    }

    /// A master secret that was current before: it still opens what it sealed. May be given several times; drop it once
    /// the flows of its time have run out: after the [life of a challenge](Self::challenge_ttl) and then ten minutes
    /// or, if that is longer, your longest [`remember`](crate::AuthsignalLayer::remember); after 24 hours where a route has a
    /// [`fallback`](crate::AuthsignalLayer::fallback). Default: none.
    ///
    /// Where nodes get a new secret one after the other, give it to all of them here first: what begins at a node with the new
    /// secret is not found at one that does not know it.
    pub fn older_secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.older_secrets.push(secret.as_ref().to_vec().into());
        self
    }

    /// An API secret key of the same tenant that was current before, when the client has a new one: what was begun under
    /// it is still found and, where no [`secret`](Self::secret) is given, opened. It is not sent anywhere. May be given
    /// several times; drop it when you would drop an [`older_secret`](Self::older_secret). Default: none.
    ///
    /// A rotation of the API key needs this setter alone, and one of the master secret `older_secret` alone. After a leak,
    /// give neither: whatever still waits begins anew.
    pub fn older_api_key(mut self, key: impl Into<String>) -> Self {
        self.older_api_keys.push(key.into().into());
        self
    }

    /// The id of the tenant at Authsignal, from its portal. Approvals are bound to it in the place of the API key, so that
    /// a rotation of the key matters only where the master secret is derived from it. Default: they are bound to a MAC of
    /// the API key, so that two tenants never share one.
    ///
    /// The id is taken as it is given: nothing checks that it is the one that the API key belongs to. When you begin to
    /// give it, or stop, flows that wait begin anew; giving the current API key as an
    /// [`older_api_key`](Self::older_api_key) for their time keeps those from before.
    pub fn tenant_id(mut self, id: impl Into<String>) -> Self {
        self.tenant_id = Some(id.into());
        self
    }
}
