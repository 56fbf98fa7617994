//! Which challenge URLs we send users to. They come from upstream and are not trusted.
use std::fmt;

use http::HeaderValue;
use url::{Host, Url};

use crate::authsignal::is_loopback;
use crate::client::ChallengeUrl;
use crate::config::ConfigError;

/// The domain of the service's own challenge pages (`mfa.authsignal.com` unless the tenant has a custom domain).
const SERVICE: &str = "authsignal.com";

/// The hosts that a challenge may be on.
#[derive(Clone, Debug)]
pub(crate) struct ChallengeHosts {
    custom: Vec<String>,
    /// The origin of the emulator, where the client talks to one on loopback.
    emulator: Option<url::Origin>,
}

/// A challenge URL that was checked.
#[derive(Clone)]
pub(crate) struct Trusted(Url);

impl fmt::Debug for Trusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Trusted([redacted])")
    }
}

impl Trusted {
    /// The URL as a header's value: what the parser wrote, so it is printable ASCII.
    pub(crate) fn to_header(&self) -> Option<HeaderValue> {
        let mut value = HeaderValue::from_str(self.0.as_str()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// Forbids the page to let the user skip enrolment (node `src/integrations/auth0.ts` appends it the same way).
    pub(crate) fn force_enrollment(mut self) -> Self {
        self.0.query_pairs_mut().append_pair("force_enrollment", "true");
        self
    }
}

impl From<Trusted> for ChallengeUrl {
    fn from(url: Trusted) -> Self {
        Self::new(url.0)
    }
}

impl ChallengeHosts {
    pub(crate) fn new(custom: &[String], base_url: &Url) -> Result<Self, ConfigError> {
        let custom = custom.iter().map(|host| match Host::parse(host) {
            Ok(Host::Domain(domain)) if is_plain(&domain) => Ok(domain),
            _ => Err(ConfigError::ChallengeHost { host: host.clone() }),
        });
        let emulator = is_loopback(base_url).then(|| base_url.origin());
        Ok(Self { custom: custom.collect::<Result<_, _>>()?, emulator })
    }

    /// Whether users are sent to an emulator, which anybody can prove a challenge on.
    pub(crate) fn trust_an_emulator(&self) -> bool {
        self.emulator.is_some()
    }

    /// Takes a URL if users may be sent to it (threat T20): `https` on a known host, or the emulator's own origin.
    pub(crate) fn check(&self, url: &str) -> Option<Trusted> {
        if url.len() > 8192 || !url.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && byte != b'\\') {
            return None;
        }
        let url = Url::parse(url).ok()?;
        if !url.username().is_empty() || url.password().is_some() {
            return None;
        }
        let known = match url.host()? {
            Host::Domain(host) => {
                let service = host == SERVICE || host.strip_suffix(SERVICE).is_some_and(|rest| rest.ends_with('.'));
                let custom = self.custom.iter().any(|custom| custom == host);
                url.scheme() == "https" && url.port().is_none() && (service || custom)
            }
            Host::Ipv4(_) | Host::Ipv6(_) => false,
        };
        let emulated = self.emulator.as_ref().is_some_and(|origin| *origin == url.origin());
        (known || emulated).then_some(Trusted(url))
    }
}

/// Whether a domain has letters, digits, dots and hyphens only, so that it stands for one host.
fn is_plain(domain: &str) -> bool {
    !domain.is_empty() && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(base_url: &str) -> ChallengeHosts {
        ChallengeHosts::new(&["auth.example.com".into()], &Url::parse(base_url).unwrap()).unwrap()
    }

    #[test]
    fn known_hosts_are_taken() {
        let live = hosts("https://api.authsignal.com/v1");
        for url in [
            "https://mfa.authsignal.com/?token=eyJ",
            "https://authsignal.com/x",
            "https://eu.mfa.authsignal.com/",
            "https://AUTH.example.com/challenge?token=abc",
            "https://mfa.authsignal.com:443/?token=a",
        ] {
            assert!(live.check(url).is_some(), "{url}");
        }
        let emulated = hosts("http://127.0.0.1:4010/v1");
        assert!(emulated.check("http://127.0.0.1:4010/?token=a").is_some());
    }

    /// T20: schemes, hosts and spellings that lead elsewhere. T103: loopback counts only with a client on loopback.
    #[test]
    fn t20_hostile_challenge_urls_are_refused() {
        let live = hosts("https://api.authsignal.com/v1");
        let emulated = hosts("http://127.0.0.1:4010/v1");
        let hostile = [
            "",
            "/",
            "//mfa.authsignal.com/",
            "mfa.authsignal.com",
            "javascript:alert(1)",
            "JaVaScRiPt:alert(1)",
            "javascript://mfa.authsignal.com/%0aalert(1)",
            "data:text/html,x",
            "blob:https://mfa.authsignal.com/x",
            "vbscript:x",
            "file:///etc/passwd",
            "about:blank",
            "ftp://mfa.authsignal.com/",
            "http://mfa.authsignal.com/",
            "ws://mfa.authsignal.com/",
            "https://evil.example/",
            "https://authsignal.com.evil.example/",
            "https://evilauthsignal.com/",
            "https://authsignal.com@evil.example/",
            "https://a:b@mfa.authsignal.com/",
            "https://user@mfa.authsignal.com/",
            "https://mfa.authsignal.com:8443/",
            "https://mfa.authsignal.com\\@evil.example/",
            "https://mfa.authsignal.com%2eevil.example/",
            "https://mfa.authsignal.com\u{2e}\u{3002}evil.example/",
            "https:\\\\evil.example",
            "https:/\\evil.example",
            "https://mfa.authsignal.com/\r\nSet-Cookie: a=b",
            "https://mfa.authsignal.com/\t",
            " https://mfa.authsignal.com/",
            "https://mfa.authsignal.com/ x",
            "https://mfa.authsignal.com/\u{202e}",
            "https://[::1]/",
            "https://127.0.0.1/",
            "https://169.254.169.254/",
            "https://0x7f000001/",
            "https://localhost/",
            "https://auth.example.com.evil.example/",
            "https://example.com/",
            "https://x.auth.example.com/",
            "https://auth.example.com:1/",
            "https://",
            "https:///",
            "https://.",
            "https://?",
            "https://.authsignal.com.",
            "https://mfa.authsignal.com./",
            "http://127.0.0.1:4011/",
            "http://localhost:4010/",
            "https://127.0.0.1:4010/",
            "http://127.0.0.1:4010@evil.example/",
            "http://127.0.0.1.evil.example:4010/",
            "http://[::1]:4010/",
            "http://127.1:4011/",
            "http://evil.example:4010/",
        ];
        for url in hostile {
            assert!(live.check(url).is_none(), "live: {url:?}");
            assert!(emulated.check(url).is_none(), "emulated: {url:?}");
        }
        assert!(live.check("http://127.0.0.1:4010/?token=a").is_none(), "loopback with a live client");
        assert!(live.check(&format!("https://mfa.authsignal.com/{}", "a".repeat(9000))).is_none());
        println!("refused {} of {} hostile challenge URLs", hostile.len() * 2 + 2, hostile.len() * 2 + 2);
    }

    #[test]
    fn a_custom_host_is_a_host_name() {
        let base = Url::parse("https://api.authsignal.com/v1").unwrap();
        for host in
            ["", "https://auth.example.com", "auth.example.com/x", "a b", "127.0.0.1", "auth.example.com:1", "*"]
        {
            let built = ChallengeHosts::new(&[host.to_owned()], &base);
            assert!(matches!(built, Err(ConfigError::ChallengeHost { .. })), "{host:?} {built:?}");
        }
    }

    #[test]
    fn enrolment_can_be_forced() {
        let url = hosts("https://api.authsignal.com/v1").check("https://mfa.authsignal.com/?token=a").unwrap();
        assert_eq!(url.force_enrollment().as_str(), "https://mfa.authsignal.com/?token=a&force_enrollment=true");
    }
}
