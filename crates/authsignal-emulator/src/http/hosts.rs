//! By which name somebody has asked the emulator.
use authsignal_client::url::is_loopback;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, header};
use url::Url;

/// By which names the emulator may be asked.
#[derive(Debug, Clone)]
pub(crate) enum Hosts {
    /// It listens on this machine alone: by those of this machine, and by the host of the public URL that it was given.
    Loopback { public: Option<Url> },
    /// It listens elsewhere on purpose, and nobody knows under which names.
    Any,
}

/// All hosts that a request says it asks, as URLs. None when it says nothing, or something that isn't one.
pub(crate) fn asked(parts: &Parts) -> Option<Vec<Url>> {
    let hosts = parts.headers.get_all(header::HOST).iter().map(|host| host.to_str().ok());
    let target = parts.uri.authority().map(|authority| Some(authority.as_str()));
    let urls: Vec<Url> = hosts.chain(target).map(|host| host.and_then(url_of)).collect::<Option<_>>()?;
    (!urls.is_empty()).then_some(urls)
}

/// The origin that was asked, if its name is one of this machine's, which leads nobody elsewhere.
pub(crate) fn loopback_origin(headers: &HeaderMap) -> Option<String> {
    let mut hosts = headers.get_all(header::HOST).iter();
    let url = url_of(hosts.next()?.to_str().ok()?)?;
    (hosts.next().is_none() && is_loopback(&url)).then(|| url.origin().ascii_serialization())
}

fn url_of(host: &str) -> Option<Url> {
    let authority: Authority = host.parse().ok()?;
    let url = Url::parse(&format!("http://{authority}/")).ok()?;
    (url.username().is_empty() && url.password().is_none() && url.path() == "/").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine() {
        for (host, origin) in [
            ("localhost:4000", Some("http://localhost:4000")),
            ("LocalHost:8080", Some("http://localhost:8080")),
            ("localhost", Some("http://localhost")),
            ("127.0.0.1:1", Some("http://127.0.0.1:1")),
            ("127.8.8.8:1", Some("http://127.8.8.8:1")),
            ("[::1]:4000", Some("http://[::1]:4000")),
            ("evil.example", None),
            ("localhost.evil.example:4000", None),
            ("evil.example@localhost", None),
            ("localhost@evil.example", None),
            ("0.0.0.0:4000", None),
            ("192.168.0.7:4000", None),
            ("emulator:4000", None),
            ("localhost:4000/x", None),
            ("localhost:", Some("http://localhost")),
            ("", None),
        ] {
            let headers = HeaderMap::from_iter([(header::HOST, host.parse().unwrap())]);
            assert_eq!(loopback_origin(&headers).as_deref(), origin, "{host:?}");
        }
        let mut two = HeaderMap::new();
        for host in ["localhost", "127.0.0.1"] {
            two.append(header::HOST, host.parse().unwrap());
        }
        assert_eq!(loopback_origin(&two), None);
        assert_eq!(loopback_origin(&HeaderMap::new()), None);
    }
}
