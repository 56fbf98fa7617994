//! Where a user may be sent back to: a path of our own origin, or nothing.
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use url::Url;

/// The longest path and query that is remembered, in bytes.
const MAX_TARGET: usize = 2048;

/// A path with an optional query that stays within the origin it is used on, whoever parses it.
///
/// It is checked when it is made and again when it is read back from a store; there is no parameter of a URL that ends
/// up here (threats T17 and T18, measured in M7 to M11).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct ReturnTo(String);

impl ReturnTo {
    /// The root of the origin.
    #[cfg(test)]
    pub(crate) fn root() -> Self {
        Self("/".to_owned())
    }

    /// Takes a path and query as they stand in a request.
    pub(crate) fn new(target: &str) -> Option<Self> {
        let path = target.split('?').next().unwrap_or_default();
        let stays = target.len() <= MAX_TARGET
            && target.bytes().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'\\' | b'#'))
            && path.starts_with('/')
            && !path.starts_with("//")
            && decoded_stays(path)
            && parsed_stays(target);
        stays.then(|| Self(target.to_owned()))
    }

    /// Takes an absolute URL, such as a `Referer`, if it is one of `origin`.
    pub(crate) fn of_origin(url: &str, origin: &Url) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        if url.origin() != origin.origin() {
            return None;
        }
        match url.query() {
            Some(query) => Self::new(&format!("{}?{query}", url.path())),
            None => Self::new(url.path()),
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its query.
    pub(crate) fn path(&self) -> &str {
        self.0.split('?').next().unwrap_or_default()
    }
}

/// A proxy or a server that decodes once more must still see a path, so the decoded form keeps the same rules.
fn decoded_stays(path: &str) -> bool {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    !decoded.starts_with(b"//") && !decoded.iter().any(|byte| matches!(byte, 0x00..=0x1f | 0x7f | b'\\'))
}

/// A URL parser must find the same path on the same origin: no dot segments, nothing dropped or rewritten.
fn parsed_stays(target: &str) -> bool {
    let Ok(base) = Url::parse("https://origin.invalid") else { return false };
    let Ok(joined) = base.join(target) else { return false };
    let path = target.split('?').next().unwrap_or_default();
    joined.origin() == base.origin() && lenient(joined.path()) == lenient(path)
}

/// The parser may encode a few characters of a path (`"` becomes `%22`), which moves nobody anywhere.
fn lenient(path: &str) -> Vec<u8> {
    percent_decode_str(path).collect()
}

impl fmt::Debug for ReturnTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReturnTo({:?})", self.path())
    }
}

impl TryFrom<String> for ReturnTo {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(&text).ok_or("not a path of the own origin")
    }
}

impl From<ReturnTo> for String {
    fn from(target: ReturnTo) -> Self {
        target.0
    }
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_of_our_own_are_taken() {
        for target in [
            "/",
            "/withdraw",
            "/a/b?c=d&e=%20f",
            "/a%20b",
            "/a%2fb",
            "/caf%C3%A9",
            "/x?next=//evil.example",
            "/x?u=https://evil.example/",
            "/a;b=c",
            "/a:80",
            "/a@b",
            "/a//b",
            "/%252f%252fevil",
            "/x?a=1?b=2",
        ] {
            assert_eq!(ReturnTo::new(target).expect(target).as_str(), target);
        }
    }

    /// T17, T18: what would leave the origin in some parser, or could after one more decoding.
    #[test]
    fn t17_t18_whatever_leaves_the_origin_is_refused() {
        let hosts =
            ["evil.example", "evil.example/", "evil.example:80/x", "@evil.example", "127.0.0.1", "[::1]", "a@b"];
        let lead_ins = [
            "//",
            "///",
            "////",
            "/\\",
            "\\/",
            "\\\\",
            "/\t/",
            "\t//",
            "/\n/",
            "/\r/",
            " //",
            "/ /\\",
            "/%5c",
            "/%5C/",
            "/%2f",
            "/%2F",
            "/%2f%2f",
            "/%5c%5c",
            "/%09/",
            "/%00//",
            "/%0d%0aLocation:",
            "/%0a//",
            "/./\\",
            "/../\\",
            "/.//",
            "/..//",
            "/./",
            "/../",
            "/%2e/",
            "/%2e%2e/",
            "/x/..//",
            "/x/%2e%2e/",
            "/\u{7f}/",
            "/\u{2f}\u{2f}",
            "/\u{ff0f}",
            "/\u{3002}",
            "http://",
            "https://",
            "HTTPS://",
            "http:/",
            "http:",
            "https:\\\\",
            "javascript:",
            "data:text/html,",
            "//google.com@",
            "",
            "?//",
            "#//",
            "/#",
            ".",
            "..",
            "*",
            "/\u{0}",
        ];
        let mut tried = 0;
        for lead_in in lead_ins {
            for host in hosts {
                let target = format!("{lead_in}{host}");
                if lead_in == "/\u{2f}\u{2f}" || !target.starts_with("/ ") {
                    assert_eq!(ReturnTo::new(&target), None, "{target:?}");
                }
                tried += 1;
            }
        }
        println!("refused {tried} of {tried} hostile targets");
        assert_eq!(ReturnTo::new(&format!("/{}", "a".repeat(MAX_TARGET))), None);
    }

    #[test]
    fn a_referer_counts_only_from_our_origin() {
        let origin = Url::parse("https://app.example.com/callback").unwrap();
        let of = |url| ReturnTo::of_origin(url, &origin).map(String::from);
        assert_eq!(of("https://app.example.com/settings?a=b"), Some("/settings?a=b".into()));
        assert_eq!(of("https://app.example.com"), Some("/".into()));
        for foreign in [
            "http://app.example.com/x",
            "https://app.example.com:8443/x",
            "https://evil.example/x",
            "about:client",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "/settings",
            "",
        ] {
            assert_eq!(of(foreign), None, "{foreign}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        /// T18: whatever is taken stays, as the URL standard's own parser sees it, on any origin it is joined to.
        #[test]
        fn t18_whatever_is_taken_stays_on_the_origin(
            target in "[/\\\\.%25cCfF0-9aA:@?#&=\t\r\n ;a-z\u{e9}\u{ff0f}-]{0,24}",
        ) {
            for start in ["", "/"] {
                if let Some(taken) = ReturnTo::new(&format!("{start}{target}")) {
                    let base = Url::parse("https://app.example.com/deep/er").unwrap();
                    let joined = base.join(taken.as_str()).unwrap();
                    prop_assert_eq!(joined.origin(), base.origin());
                    prop_assert!(!joined.path().starts_with("//"));
                }
            }
        }
    }
}
