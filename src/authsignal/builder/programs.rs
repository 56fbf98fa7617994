//! Settings for clients that are programs and keep no cookie.
use url::Url;

use super::AuthsignalBuilder;
use crate::config::ConfigError;
use authsignal_client::url::{is_loopback, redacted_url};

impl AuthsignalBuilder {
    /// Answers clients that send `Authorization: Bearer` with 401 and the `WWW-Authenticate` challenge of RFC 9470, in
    /// the place of 403, when more proof is needed. Default: off.
    pub fn bearer_challenges(mut self) -> Self {
        self.bearer = true;
        self
    }

    /// Where the challenge page leads the users of [bearer](crate::User::bearer) clients: a page (`https`, or `http` on
    /// loopback) or a deep link (`com.example.app:/proved`) of the client's own, which is given the token as the parameter
    /// `token`, and repeats its request with it in the header `authsignal-token`. Default: a page of ours that says to go
    /// back to the app, for clients that get the token from Authsignal's own SDKs.
    pub fn bearer_callback_url(mut self, url: impl Into<String>) -> Self {
        self.bearer_callback_url = Some(url.into());
        self
    }
}

/// Checks where bearer clients are led. Whoever is led there is given a token, so it must be an address that nobody else
/// reads, and no scheme that runs something.
pub(super) fn parse_bearer_callback(text: &str) -> Result<Url, ConfigError> {
    let refused = |reason| ConfigError::BearerCallbackUrl { url: redacted_url(text), reason };
    let url = Url::parse(text).map_err(|_| refused("it is not an absolute URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it carries a user name or a password"));
    }
    if url.fragment().is_some() {
        return Err(refused("it carries a fragment, behind which a token would be lost"));
    }
    if url.query_pairs().any(|(name, _)| name == "token") {
        return Err(refused("its query uses `token`, which is added to it"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        "http" => Err(refused("`http` is taken on loopback only")),
        // A scheme of an app is a domain name reversed (RFC 8252, section 7.1), which no scheme of a browser's is.
        scheme if scheme.contains('.') => Ok(url),
        _ => Err(refused("its scheme is neither `https` nor an app's own, such as `com.example.app`")),
    }
}
