//! Where a URL leads, as far as its host says it, and how it may be shown: for those who take URLs as settings beside those of
//! a client.
use url::{Host, Url};

/// Whether a URL leads to this machine and nowhere else: `localhost` and what is below it (RFC 6761, section 6.3),
/// `127.0.0.0/8` and `[::1]`.
///
/// # Examples
///
/// ```
/// use authsignal_client::url::is_loopback;
///
/// assert!(is_loopback(&"http://app.localhost:4000/".parse()?));
/// assert!(!is_loopback(&"http://127.0.0.1.example.com/".parse()?));
/// # Ok::<(), url::ParseError>(())
/// ```
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
    }
}

/// A URL as an error or a log may show it, whether it can be read or not: without what may hold a secret, which is user name,
/// password, query and fragment, and with control characters escaped.
///
/// # Examples
///
/// ```
/// use authsignal_client::url::redacted_url;
///
/// assert_eq!(redacted_url("https://ada:pass@example.com/v1?key=k#f"), "https://example.com/v1");
/// ```
#[must_use]
pub fn redacted_url(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let text = &text[..end];
    let start = text.find("//").map_or(0, |at| at + 2);
    let (scheme, rest) = text.split_at(start);
    // A password may hold a slash, so everything up to the last `@` goes.
    format!("{scheme}{}", rest.rfind('@').map_or(rest, |at| &rest[at + 1..])).escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_one_machine_by_many_names() {
        let near =
            ["localhost", "LOCALHOST", "app.localhost", "a.b.localhost", "127.0.0.1", "127.8.9.10", "0x7f.1", "[::1]"];
        for host in near {
            assert!(is_loopback(&Url::parse(&format!("http://{host}:4000/")).unwrap()), "{host}");
        }
        let far = [
            "localhost.",
            "app.localhost.",
            "localhost.example.com",
            "notlocalhost",
            "app.notlocalhost",
            "127.0.0.1.example.com",
            "128.0.0.1",
            "0.0.0.0",
            "[::]",
            "[::ffff:127.0.0.1]",
            "emulator",
        ];
        for host in far {
            assert!(!is_loopback(&Url::parse(&format!("http://{host}:4000/")).unwrap()), "{host}");
        }
        assert!(!is_loopback(&Url::parse("data:text/plain,localhost").unwrap()));
    }

    /// T97
    #[test]
    fn a_refused_url_is_shown_without_its_secrets() {
        let table = [
            ("https://user:canary@host/v1", "https://host/v1"),
            ("https://user:can/ary@host/v1", "https://host/v1"),
            ("https://host/v1?key=canary", "https://host/v1"),
            ("https://host/v1#canary", "https://host/v1"),
            ("canary@host", "host"),
            ("http://host/\n", r"http://host/\n"),
        ];
        for (text, expected) in table {
            assert_eq!(redacted_url(text), expected, "{text:?}");
        }
    }
}
