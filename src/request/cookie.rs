//! The one cookie, which ties flows to a browser.
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

use crate::random::random;
use crate::request::caller::{SEC_FETCH_DEST, SEC_FETCH_MODE, SEC_FETCH_SITE};

/// Which browser it is: 256 random bits that only it and we know.
///
/// It says nothing about who uses the browser. Flows are bound to the user and the session besides, so a value that
/// somebody planted before a login is of no use afterwards (threat T91).
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct BrowserId([u8; 32]);

impl BrowserId {
    /// Stands for every browser, in the name of what is a user's and not a browser's. Records of other purposes have other
    /// names and keys, so a browser that claims to be it finds nothing.
    pub(crate) const ANY: Self = Self([0; 32]);

    pub(crate) fn random() -> Self {
        Self(random())
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn parse(text: &[u8]) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Debug for BrowserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserId([redacted])")
    }
}

/// What follows the id in the cookie of a browser that was challenged.
const CHALLENGED: &[u8] = b".c";

/// A browser that brings its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: BrowserId,
    /// Whether there may be flows of its. One that was never challenged has none to look for, and one that takes this mark
    /// from its cookie is asked about anew.
    pub(crate) was_challenged: bool,
}

impl Known {
    fn parse(text: &[u8]) -> Option<Self> {
        let (id, was_challenged) = text.strip_suffix(CHALLENGED).map_or((text, false), |id| (id, true));
        Some(Self { id: BrowserId::parse(id)?, was_challenged })
    }
}

/// How the cookie is set.
#[derive(Clone, Copy, Debug)]
pub(crate) enum CookieKind {
    /// `__Host-authsignal`: no other host and no other path can set it, and it travels over TLS only. So a browser never
    /// has two, and nobody can lock its user out with a second one (threat T88).
    Secure,
    /// `authsignal`, for plain HTTP on loopback. Whatever runs on another port or another path of this machine can set one
    /// too: beside ours, both are worthless until it is gone.
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
    pub(crate) fn read(self, headers: &HeaderMap) -> Option<BrowserId> {
        self.known(headers).map(|known| known.id)
    }

    /// The same, and whether the browser was challenged.
    ///
    /// Two of them mean that somebody tossed one in, so neither counts (threat T88).
    pub(crate) fn known(self, headers: &HeaderMap) -> Option<Known> {
        let mut ours = self.ours(headers);
        let first = ours.next()?;
        if ours.next().is_some() {
            tracing::warn!(cookie = self.name(), "two cookies of our name in one request: neither is taken");
            return None;
        }
        Known::parse(first)
    }

    fn ours(self, headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
        cookies(headers).filter(move |(name, _)| *name == self.name().as_bytes()).map(|(_, value)| value)
    }

    /// The `Set-Cookie` value that gives a browser its id for as long as the browser runs, with the mark of a challenge.
    pub(crate) fn set(self, browser: &BrowserId) -> HeaderValue {
        let mark = std::str::from_utf8(CHALLENGED).unwrap_or_default();
        self.set_value(format!("{}{mark}", URL_SAFE_NO_PAD.encode(browser.0)))
    }

    /// The `Set-Cookie` value of a new id, before any challenge: calls that a page makes at once would get an id each, of
    /// which the browser keeps one (threat T126). Only for a request that would bring the id if the browser had one: another
    /// site's post does not, and a new id would cut the browser off from its flows.
    pub(crate) fn early(self, method: &Method, headers: &HeaderMap) -> Option<HeaderValue> {
        let says = |name: HeaderName, value: &str| headers.get(name).is_some_and(|found| found == value);
        let is_page = says(SEC_FETCH_MODE, "navigate") && says(SEC_FETCH_DEST, "document");
        let would_bring = match headers.get(SEC_FETCH_SITE) {
            Some(site) => site != "cross-site" || is_page,
            None => !headers.contains_key(header::ORIGIN),
        };
        let is_new = self.ours(headers).next().is_none();
        (matches!(*method, Method::GET | Method::HEAD) && would_bring && is_new)
            .then(|| self.set_value(URL_SAFE_NO_PAD.encode(BrowserId::random().0)))
    }

    fn set_value(self, value: String) -> HeaderValue {
        let cookie = Cookie::build((self.name(), value))
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

/// Adds an early id to a response, unless something inside gave the browser one, or the response may be kept by a cache
/// that serves others from it.
pub(crate) fn add_early(headers: &mut HeaderMap, cookie: HeaderValue) {
    let name = |cookie: &HeaderValue| cookie.as_bytes().split(|byte| *byte == b'=').next().map(<[u8]>::to_vec);
    let is_given = headers.get_all(header::SET_COOKIE).iter().any(|given| name(given) == name(&cookie));
    if !is_given && !is_shared(headers) {
        headers.append(header::SET_COOKIE, cookie);
    }
}

/// Whether a response says that a shared cache may keep it (RFC 9111, section 3, and RFC 9213).
fn is_shared(headers: &HeaderMap) -> bool {
    let directives: Vec<_> = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|directive| {
            let name = directive.split(|byte| *byte == b'=').next().unwrap_or_default();
            name.trim_ascii().to_ascii_lowercase()
        })
        .collect();
    let says = |name: &str| directives.iter().any(|directive| directive == name.as_bytes());
    let is_private = says("private") || says("no-store");
    let for_caches = ["cdn-cache-control", "surrogate-control"].iter().any(|name| headers.contains_key(*name));
    says("public") || says("s-maxage") || (!is_private && (says("max-age") || for_caches))
}

/// Every cookie of a request, name and value, over all `Cookie` headers (HTTP/2 may split them).
///
/// A name is what the browser sent, byte for byte, apart from the blanks between two cookies. `__Host-` is worth something
/// only so: browsers check it in the very bytes that they then send, while a reader that trims whatever Unicode calls
/// white space, or removes quotes, takes `"\u{2000}__Host-authsignal"`, which any sibling host can set (threat T113).
pub(crate) fn cookies(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.get_all(header::COOKIE).iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b';')).filter_map(
        |pair| {
            let pair = trim(pair);
            let equals = pair.iter().position(|byte| *byte == b'=')?;
            Some((&pair[..equals], &pair[equals + 1..]))
        },
    )
}

/// Without the spaces and tabs at either end, which are no part of a cookie (RFC 6265bis, section 5.6).
fn trim(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::sample::Index;
    use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

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
        assert!(pair.starts_with("__Host-authsignal=") && pair.len() == 18 + 43 + 2, "{}", pair.len());
        let mut attributes: Vec<_> = attributes.split("; ").collect();
        attributes.sort_unstable();
        assert_eq!(attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
        assert!(set.len() <= 120);
        let early = CookieKind::Secure.early(&Method::GET, &HeaderMap::new()).unwrap();
        assert_eq!(early.len() + 2, set.len(), "without the mark of a challenge");
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

    /// What a sibling host can set, since a browser does not see `__Host-` in it.
    fn lookalike() -> impl Strategy<Value = Vec<u8>> {
        let blanks = ["\u{2000}", "\u{a0}", "\u{85}", "\u{3000}", "\u{feff}", "\u{200b}", "\u{2028}", "\u{1680}"];
        let odd =
            ["\"", "'", "%5F", "\\", ",", ".", "$", "[", "]", "=", " ", "\t", "+", "\u{ff3f}", "\u{17f}", "\u{212a}"];
        let bytes = prop_oneof![
            proptest::sample::select([&blanks[..], &odd[..]].concat()).prop_map(|text| text.as_bytes().to_vec()),
            any::<u8>().prop_map(|byte| vec![byte]),
        ];
        let name =
            prop_oneof![Just("__Host-authsignal"), Just("authsignal"), Just("__as_aid"), Just("__Secure-authsignal")];
        (name, proptest::collection::vec((any::<Index>(), bytes, any::<bool>()), 0..4), any::<(bool, Index)>())
            .prop_map(|(name, changes, (flip, at))| {
                let mut name = name.as_bytes().to_vec();
                if flip {
                    let at = at.index(name.len());
                    name[at] ^= 0x20;
                }
                for (at, bytes, instead) in changes {
                    let at = at.index(name.len() + 1);
                    let until = if instead { (at + 1).min(name.len()) } else { at };
                    name.splice(at..until, bytes);
                }
                name
            })
    }

    /// T113: of all names that look like one of ours, only the very bytes are taken, and none of the others locks the
    /// browser out beside them.
    #[test]
    fn t113_only_the_very_name_is_taken() {
        let mut runner = TestRunner::new_with_rng(
            ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() },
            TestRng::deterministic_rng(RngAlgorithm::ChaCha),
        );
        let tried = std::cell::Cell::new(0);
        let run = runner.run(&lookalike(), |name| {
            let (real, planted) = (BrowserId::random(), BrowserId::random());
            let planted = URL_SAFE_NO_PAD.encode(planted.0);
            for kind in [CookieKind::Secure, CookieKind::Loopback] {
                let ours = format!("{}={}", kind.name(), URL_SAFE_NO_PAD.encode(real.0));
                let theirs = [&name[..], b"=", planted.as_bytes()].concat();
                for (cookies, want) in [
                    (theirs.clone(), None),
                    ([ours.as_bytes(), b"; ", &theirs].concat(), Some(&real)),
                    ([&theirs, &b"; "[..], ours.as_bytes()].concat(), Some(&real)),
                ] {
                    let Ok(value) = HeaderValue::from_bytes(&cookies) else { continue };
                    let headers = HeaderMap::from_iter([(header::COOKIE, value)]);
                    // What ends the cookie before or begins another is the browser's to refuse, and a blank is no part.
                    let parts: Vec<_> = name.split(|byte| *byte == b';').map(trim).collect();
                    let names_it = parts.last().is_some_and(|last| *last == kind.name().as_bytes())
                        || parts.iter().any(|part| part.starts_with(format!("{}=", kind.name()).as_bytes()));
                    if !names_it {
                        let taken = kind.read(&headers);
                        prop_assert_eq!(taken.as_ref(), want);
                        tried.set(tried.get() + 1);
                    }
                }
            }
            Ok(())
        });
        run.unwrap();
        println!("{} cookies with a name like ours: 0 taken", tried.get());
        assert!(tried.get() > 50_000);
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
