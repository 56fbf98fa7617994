//! The one cookie, which ties flows to a browser.
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

/// Fresh random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

/// Which browser it is: 256 random bits that only it and we know.
///
/// It says nothing about who uses the browser. Flows are bound to the user and the session besides, so a value that
/// somebody planted before a login is of no use afterwards (threat T91).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BrowserId([u8; 32]);

impl BrowserId {
    pub(crate) fn random() -> Self {
        Self(random())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for BrowserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserId([redacted])")
    }
}

/// How the cookie is set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CookieKind {
    /// `__Host-authsignal`: no other host and no other path can set it, and it travels over TLS only.
    Secure,
    /// `authsignal`, for plain HTTP on loopback.
    Loopback,
}

impl CookieKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Secure => "__Host-authsignal",
            Self::Loopback => "authsignal",
        }
    }

    /// The browser's id, if the request brings exactly one cookie of ours.
    ///
    /// Two of them mean that somebody tossed one in, so neither counts (threat T88).
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<BrowserId> {
        let mut ours = cookies(headers).filter(|cookie| cookie.name() == self.name());
        let first = ours.next()?;
        if ours.next().is_some() {
            tracing::warn!(cookie = self.name(), "two cookies of our name in one request: neither is taken");
            return None;
        }
        BrowserId::parse(first.value())
    }

    /// The `Set-Cookie` value that gives a browser its id, for as long as the browser runs.
    pub(crate) fn set(self, browser: &BrowserId) -> HeaderValue {
        let cookie = Cookie::build((self.name(), URL_SAFE_NO_PAD.encode(browser.0)))
            .path("/")
            .http_only(true)
            .secure(matches!(self, Self::Secure))
            .same_site(SameSite::Lax)
            .build();
        let mut value =
            HeaderValue::from_str(&cookie.to_string()).expect("a name of ours and base64url make a header value");
        value.set_sensitive(true);
        value
    }
}

/// Every cookie of a request that can be read, over all `Cookie` headers (HTTP/2 may split them). One that cannot be
/// hides none of the others.
pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| std::str::from_utf8(pair).ok())
        .filter_map(|pair| Cookie::parse(pair.trim()).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (header::COOKIE, HeaderValue::from_str(cookie).unwrap())).collect()
    }

    #[test]
    fn what_is_set_is_read_back() {
        for kind in [CookieKind::Secure, CookieKind::Loopback] {
            let browser = BrowserId::random();
            let set = kind.set(&browser);
            let pair = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            assert_eq!(kind.read(&with(&[&format!("a=b; {pair}; c=d")])), Some(browser));
        }
    }

    /// T88, T89, T90: a host cookie, Lax, and one of constant size.
    #[test]
    fn t88_t89_t90_the_cookie_is_what_the_threats_ask_for() {
        let set = CookieKind::Secure.set(&BrowserId::random());
        let set = set.to_str().unwrap();
        let (pair, attributes) = set.split_once("; ").unwrap();
        assert!(pair.starts_with("__Host-authsignal=") && pair.len() == 18 + 43, "{}", pair.len());
        let mut attributes: Vec<_> = attributes.split("; ").collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
        assert!(set.len() <= 120);
        assert!(!CookieKind::Loopback.set(&BrowserId::random()).to_str().unwrap().contains("Secure"));
    }

    /// T88: a second cookie of our name, in either order and in either header, makes both worthless.
    #[test]
    fn t88_two_cookies_of_our_name_are_none() {
        let kind = CookieKind::Secure;
        let [one, other] = [BrowserId::random(), BrowserId::random()]
            .map(|browser| kind.set(&browser).to_str().unwrap().split(';').next().unwrap().to_owned());
        assert!(kind.read(&with(&[&one])).is_some());
        for cookies in [vec![format!("{one}; {other}")], vec![format!("{other}; {one}")], vec![one.clone(), other]] {
            assert_eq!(kind.read(&with(&cookies.iter().map(String::as_str).collect::<Vec<_>>())), None);
        }
    }

    #[test]
    fn an_unreadable_cookie_hides_no_other() {
        let browser = BrowserId::random();
        let set = CookieKind::Secure.set(&browser);
        let pair = set.to_str().unwrap().split(';').next().unwrap();
        for other in ["n=\u{e9}", "=", "=x", "novalue", ""] {
            let both = format!("{other}; {pair}; {other}");
            let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(both.as_bytes()).unwrap())]);
            assert_eq!(CookieKind::Secure.read(&headers), Some(browser.clone()), "{other:?}");
        }
        let latin1 = [b"n=\xe9; ", pair.as_bytes()].concat();
        let headers = HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_bytes(&latin1).unwrap())]);
        assert_eq!(CookieKind::Secure.read(&headers), Some(browser));
    }

    #[test]
    fn what_is_not_an_id_of_ours_is_nothing() {
        let long = format!("__Host-authsignal={}", "A".repeat(44));
        for cookie in
            ["__Host-authsignal=", "__Host-authsignal=abc", &long, "__host-authsignal=AAAA", "authsignal=x", "\"", ""]
        {
            assert_eq!(CookieKind::Secure.read(&with(&[cookie])), None, "{cookie}");
        }
    }

    #[test]
    fn an_id_does_not_show_in_debug() {
        assert_eq!(format!("{:?}", BrowserId::random()), "BrowserId([redacted])");
    }
}
