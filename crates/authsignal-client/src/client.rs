//! The client itself: where it calls, and under which secret. What it can be asked stands with the types of each endpoint.
use std::fmt;
use std::sync::Arc;

use url::Url;

use crate::secret::SecretKey;
use crate::transport::Transport;

/// A client of one Authsignal tenant's Server API.
///
/// Clones share the connections and the retry budget. `Debug` shows where the calls go and never the secret.
///
/// # Examples
///
/// ```
/// use authsignal_client::{Client, Region};
///
/// let client = Client::builder("the-api-secret-key").region(Region::Eu).build()?;
/// assert!(!format!("{client:?}").contains("the-api-secret-key"));
/// # Ok::<(), authsignal_client::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) transport: Arc<Transport>,
    pub(crate) secret: SecretKey,
}

impl Client {
    /// The key of 32 bytes that belongs to `label`, for what is kept on behalf of this client's tenant: the secret key itself
    /// stays here. See [`SecretKey::derive_key`].
    #[must_use]
    pub fn derive_key(&self, label: &str) -> [u8; 32] {
        self.secret.derive_key(label)
    }

    /// Where the Server API is, without a trailing slash in its path unless the path is empty.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        self.transport.base()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.base_url().as_str();
        f.debug_struct("Client").field("base_url", &base).field("secret", &self.secret).finish_non_exhaustive()
    }
}
