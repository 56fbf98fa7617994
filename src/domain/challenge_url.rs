//! Which challenge URLs we send users to. They come from upstream and are not trusted.
use std::fmt;

use authsignal_client::ChallengeUrl;
use authsignal_client::url::is_loopback;
use http::HeaderValue;
use url::{Host, Url};

use crate::config::ConfigError;

/// The domain of the service's own challenge pages (`mfa.authsignal.com` unless the tenant has a custom domain).
const SERVICE: &str = "authsignal.com";

/// The hosts that a challenge may be on.
#[derive(Clone, Debug)]
pub(crate) struct ChallengeHosts {
    custom: Vec<String>,
    emulator: Emulator,
}

/// Where a client that talks to an emulator is sent on to.
#[derive(Clone, Debug)]
enum Emulator {
    /// It is none: its base URL is of `https`, and not on this machine.
    None,
    /// It is on this machine: on any name of it, by the scheme and on the port that the client uses.
    Near { scheme: String, port: Option<u16> },
    /// It is on a host that the client was opened to by name, `ClientBuilder::dangerous_allow_http_to`: on that one by
    /// `http`, and on this machine, where the ports of containers are published as others.
    Named(Host),
}

impl Emulator {
    fn behind(base_url: &Url) -> Self {
        if is_loopback(base_url) {
            return Self::Near { scheme: base_url.scheme().to_owned(), port: base_url.port_or_known_default() };
        }
        // The client has no base URL of `http` but one that was opened.
        match base_url.host().filter(|_| base_url.scheme() == "http") {
            Some(host) => Self::Named(host.to_owned()),
            None => Self::None,
        }
    }

    fn serves(&self, url: &Url) -> bool {
        match self {
            Self::None => false,
            Self::Near { scheme, port } => {
                is_loopback(url) && url.scheme() == scheme && url.port_or_known_default() == *port
            }
            Self::Named(host) => {
                let named = url.host().is_some_and(|other| other.to_owned() == *host);
                url.scheme() == "http" && (named || is_loopback(url))
            }
        }
    }
}

/// A challenge URL that was checked.
#[derive(Clone)]
pub(crate) struct TrustedChallengeUrl(Url);

impl fmt::Debug for TrustedChallengeUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TrustedChallengeUrl([redacted])")
    }
}

impl TrustedChallengeUrl {
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

impl From<TrustedChallengeUrl> for ChallengeUrl {
    fn from(url: TrustedChallengeUrl) -> Self {
        Self::new(url.0)
    }
}

impl ChallengeHosts {
    pub(crate) fn new(custom: &[String], base_url: &Url) -> Result<Self, ConfigError> {
        let custom = custom.iter().map(|host| match Host::parse(host) {
            Ok(Host::Domain(domain)) if is_plain(&domain) => Ok(domain),
            _ => Err(ConfigError::ChallengeHost { host: host.clone() }),
        });
        Ok(Self { custom: custom.collect::<Result<_, _>>()?, emulator: Emulator::behind(base_url) })
    }

    /// Whether users are sent to an emulator, which anybody can prove a challenge on.
    pub(crate) fn trust_an_emulator(&self) -> bool {
        !matches!(self.emulator, Emulator::None)
    }

    /// Takes a URL if users may be sent to it (threat T20): `https` on a known host, or where the emulator is.
    pub(crate) fn check(&self, url: &str) -> Option<TrustedChallengeUrl> {
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
        (known || self.emulator.serves(&url)).then_some(TrustedChallengeUrl(url))
    }

    /// Why a URL is not taken, and what would open it, for the log: its host, and nothing else of it.
    pub(crate) fn why_refused(&self, url: Option<&str>) -> String {
        let Some(url) = url else { return "the service sent no challenge URL".to_owned() };
        let Ok(url) = Url::parse(url) else { return "the challenge URL is no URL".to_owned() };
        let Some(host) = url.host_str() else { return "the challenge URL has no host".to_owned() };
        let setter = match (url.scheme(), url.port()) {
            ("https", None) => "`AuthsignalBuilder::challenge_host` opens it, if it is a domain of yours",
            ("https", Some(_)) => "its port is none that a challenge is on",
            ("http", _) => {
                "http is taken where the client's own base URL is: on this machine, on the same port, or on the host that \
                 `ClientBuilder::dangerous_allow_http_to` (AUTHSIGNAL_DANGEROUSLY_ALLOW_HTTP_TO) opens"
            }
            _ => "its scheme is not https",
        };
        format!("challenge host `{host}` refused: {setter}")
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
        // All names of this machine are one place: the emulator says `127.0.0.1`, whatever the client calls it.
        for base_url in ["http://127.0.0.1:4010/v1", "http://localhost:4010/v1", "http://[::1]:4010/v1"] {
            let emulated = hosts(base_url);
            for host in ["127.0.0.1", "localhost", "[::1]", "auth.localhost", "127.1"] {
                assert!(emulated.check(&format!("http://{host}:4010/?token=a")).is_some(), "{base_url}: {host}");
            }
        }
        assert!(
            hosts("http://localhost/v1").check("http://127.0.0.1:80/?token=a").is_some(),
            "a port that is not written"
        );
    }

    /// T20, T103: a host that the client was opened to by name is where its challenges are, and so is this machine.
    #[test]
    fn a_host_that_was_opened_by_name() {
        let opened = hosts("http://emulator:4000/v1");
        for url in [
            "http://emulator:4000/?token=a",
            "http://EMULATOR:4000/?token=a",
            "http://emulator/?token=a",
            "http://localhost:4001/?token=a",
            "http://127.0.0.1:4000/?token=a",
            "https://mfa.authsignal.com/?token=a",
        ] {
            assert!(opened.check(url).is_some(), "{url}");
        }
        for url in [
            "https://emulator:4000/?token=a",
            "http://emulator.example.com:4000/?token=a",
            "http://my.emulator:4000/?token=a",
            "http://emulator@evil.example:4000/",
            "http://user@emulator:4000/",
            "http://evil.example:4000/",
            "http://169.254.169.254/",
            "javascript://emulator:4000/%0aalert(1)",
        ] {
            assert!(opened.check(url).is_none(), "{url}");
        }
        let https = hosts("https://emulator:4000/v1");
        assert!(https.check("http://emulator:4000/").is_none() && https.check("https://emulator:4000/").is_none());
    }

    /// T97: the log names the host and the setter, and nothing else of the URL.
    #[test]
    fn why_a_challenge_url_is_refused() {
        let live = hosts("https://api.authsignal.com/v1");
        for (url, host, setter) in [
            ("https://mfa.example.com/canary?token=canary", "mfa.example.com", "challenge_host"),
            ("https://canary:canary@mfa.example.com/?token=canary#canary", "mfa.example.com", "challenge_host"),
            ("http://emulator:4000/?token=canary", "emulator", "dangerous_allow_http_to"),
            ("http://127.0.0.1:4000/?token=canary", "127.0.0.1", "dangerous_allow_http_to"),
            ("https://mfa.authsignal.com:8443/?token=canary", "mfa.authsignal.com", "port"),
            ("ftp://mfa.authsignal.com/canary", "mfa.authsignal.com", "scheme"),
            ("javascript:canary", "no host", ""),
            ("/canary", "no URL", ""),
        ] {
            let why = live.why_refused(Some(url));
            assert!(why.contains(host) && why.contains(setter) && !why.contains("canary"), "{url}: {why}");
        }
        assert!(live.why_refused(None).contains("no challenge URL"));
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
            "http://localhost:4011/",
            "http://localhost.:4010/",
            "http://auth.localhost:4011/",
            "https://127.0.0.1:4010/",
            "http://127.0.0.1:4010@evil.example/",
            "http://127.0.0.1.evil.example:4010/",
            "http://[::1]:4011/",
            "http://[::ffff:127.0.0.1]:4010/",
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
