//! Where webhooks go, and how one is put there.
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use authsignal_client::url::{is_loopback, redacted_url};
use authsignal_client::webhook::SIGNATURE_HEADER;
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use reqwest::redirect;
use url::{Host, Url};

use crate::log::Chain;

/// What came of one attempt to deliver a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum WebhookAnswer {
    /// It was answered with this status. Redirects are not followed.
    Status(u16),
    /// There was no answer in time.
    TimedOut,
    /// Nobody took it; in words, why.
    Unreachable(String),
}

impl WebhookAnswer {
    /// Whether it was taken: a status from 200 to 299.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Status(200..=299))
    }
}

impl fmt::Display for WebhookAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "status {status}"),
            Self::TimedOut => f.write_str("no answer in time"),
            Self::Unreachable(why) => f.write_str(why),
        }
    }
}

/// A URL that webhooks may go to.
#[derive(Clone)]
pub(crate) struct Target {
    url: Url,
    /// Made when something is sent: where TLS is spoken, it needs certificates that a machine may lack.
    http: Arc<OnceLock<reqwest::Client>>,
}

impl Target {
    /// Takes a URL: `https`, or `http` on this machine and on `http_host`, with neither user name nor password.
    ///
    /// # Errors
    ///
    /// When it is another one.
    pub(crate) fn new(text: &str, http_host: Option<&str>) -> io::Result<Self> {
        let refuse = |reason| {
            io::Error::new(io::ErrorKind::InvalidInput, format!("invalid webhook URL {}: {reason}", redacted_url(text)))
        };
        let url = Url::parse(text).map_err(|_| refuse("not an absolute URL"))?;
        let is_named = || {
            http_host
                .and_then(|host| Host::parse(host).ok())
                .is_some_and(|host| url.host().map(|of_url| of_url.to_owned()) == Some(host))
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" if is_named() => tracing::warn!(
                url = redacted_url(text),
                "webhooks go out unencrypted: `dangerous_allow_webhooks_by_http_to` is for networks of containers"
            ),
            "http" => {
                return Err(refuse(
                    "http is for this machine and for the host that `dangerous_allow_webhooks_by_http_to` names \
                     (webhooks.dangerous_allow_http_to); use https",
                ));
            }
            _ => return Err(refuse("its scheme is not https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse("a user name or a password in it"));
        }
        Ok(Self { url, http: Arc::default() })
    }

    fn http(&self) -> reqwest::Result<&reqwest::Client> {
        if let Some(http) = self.http.get() {
            return Ok(http);
        }
        let is_plain = self.url.scheme() == "http";
        let mut http = reqwest::Client::builder()
            .user_agent(concat!("authsignal-emulator/", env!("CARGO_PKG_VERSION")))
            .redirect(redirect::Policy::none())
            .referer(false)
            .retry(reqwest::retry::never())
            .https_only(!is_plain);
        if is_plain || is_loopback(&self.url) {
            http = http.no_proxy();
        }
        if is_plain {
            // Otherwise those of the machine are looked for, and none at all is an error.
            http = http.tls_certs_only([]);
        }
        let http = http.build()?;
        Ok(self.http.get_or_init(|| http))
    }

    /// As it may be shown.
    pub(super) fn shown(&self) -> String {
        redacted_url(self.url.as_str())
    }

    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// Sends `body` once. Of the answer, only the status is looked at.
    pub(super) async fn post(&self, signature: String, body: Bytes, timeout: Duration) -> WebhookAnswer {
        let http = match self.http() {
            Ok(http) => http,
            Err(error) => return WebhookAnswer::Unreachable(Chain(&error).to_string()),
        };
        let request = http.post(self.url.clone()).header(CONTENT_TYPE, "application/json");
        let request = request.header(SIGNATURE_HEADER, signature).timeout(timeout).body(body);
        match request.send().await {
            Ok(response) => WebhookAnswer::Status(response.status().as_u16()),
            Err(error) if error.is_timeout() => WebhookAnswer::TimedOut,
            Err(error) => WebhookAnswer::Unreachable(Chain(&error.without_url()).to_string()),
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
            assert_eq!(Target::new(text, None).unwrap().url(), text);
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
            let error = Target::new(text, None).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput, "{text}");
            assert!(!error.to_string().contains("password@"), "{error}");
        }
    }

    #[test]
    fn one_host_by_plain_http() {
        for (text, host, taken) in [
            ("http://app:3000/hook", "app", true),
            ("http://APP/hook", "app", true),
            ("http://10.0.0.1:3000/hook", "10.0.0.1", true),
            ("http://127.0.0.1/hook", "app", true),
            ("http://app.evil.example/hook", "app", false),
            ("http://evil.example/hook", "app", false),
            ("http://app@evil.example/hook", "app", false),
            ("http://user@app/hook", "app", false),
            ("ftp://app/hook", "app", false),
        ] {
            assert_eq!(Target::new(text, Some(host)).is_ok(), taken, "{text} {host}");
        }
    }
}
