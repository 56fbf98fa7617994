//! Where a URL leads, as far as its host says it, and how it may be shown.
use url::{Host, Url};

/// Whether a URL leads to this machine and nowhere else: `localhost` and what is below it (RFC 6761, section 6.3),
/// `127.0.0.0/8` and `[::1]`.
pub(crate) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        None => false,
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
    }
}

/// A URL as it may be shown: without what may hold a secret.
pub(crate) fn redacted_url(text: &str) -> String {
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
}
