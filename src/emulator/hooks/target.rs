//! Where webhooks go, and how one is put there.
use std::fmt;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use reqwest::redirect;
use url::Url;

use crate::client::is_loopback;
use crate::log::Chain;
use crate::webhook::SIGNATURE_HEADER;

/// What came of one attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HookAnswer {
    /// It was answered with this status. Redirects are not followed.
    Status(u16),
    /// There was no answer in time.
    TimedOut,
    /// Nobody took it; in words, why.
    Unreachable(String),
}

impl HookAnswer {
    /// Whether it was taken: a status from 200 to 299.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}

/// A URL that webhooks may go to.
#[derive(Clone)]
pub(in crate::emulator) struct Target {
    url: Url,
    http: reqwest::Client,
}

impl Target {
    /// Takes a URL: `https`, or `http` on this machine, with neither user name nor password.
    ///
    /// # Errors
    ///
    /// When it is another one, or no HTTP client can be made.
    pub(in crate::emulator) fn new(text: &str) -> io::Result<Self> {
        let refuse = |reason| io::Error::new(io::ErrorKind::InvalidInput, format!("webhook URL refused: {reason}"));
        let url = Url::parse(text).map_err(|_| refuse("it is not an absolute URL"))?;
        let near = is_loopback(&url);
        match url.scheme() {
            "https" => {}
            "http" if near => {}
            "http" => return Err(refuse("http is for this machine only; use https")),
            _ => return Err(refuse("its scheme is not https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("it holds a user name or a password"));
        }
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("axum-authsignal-emulator/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .https_only(!near);
        if near {
            http = http.no_proxy();
        }
        Ok(Self { url, http: http.build().map_err(io::Error::other)? })
    }

    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Sends `body` once. Of the answer, only the status is looked at.
    pub(super) async fn post(&self, signature: String, body: Bytes, timeout: Duration) -> HookAnswer {
        let request = self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.header(SIGNATURE_HEADER, signature).timeout(timeout).body(body);
        match request.send().await {
            Ok(response) => HookAnswer::Status(response.status().as_u16()),
            Err(error) if error.is_timeout() => HookAnswer::TimedOut,
            Err(error) => HookAnswer::Unreachable(Chain(&error.without_url()).to_string()),
        }
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Target").field(&self.url.as_str()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        for text in [
            "https://app.example.com/hook?a=1",
            "http://127.0.0.1:1/",
            "http://localhost:3000/hook",
            "http://[::1]:3000/hook",
        ] {
            assert_eq!(Target::new(text).unwrap().url(), text);
        }
        for text in [
            "",
            "/hook",
            "app.example.com/hook",
            "http://app.example.com/hook",
            "http://localhost.example.com/",
            "http://10.0.0.1/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "https://user@app.example.com/",
            "http://user:password@localhost/",
        ] {
            let error = Target::new(text).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
            assert!(!error.to_string().contains("password@"), "{error}");
        }
    }
}
