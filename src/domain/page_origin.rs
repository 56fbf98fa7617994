//! PURE: the pages that lead back: those of our own origin, and those of the origins that the application lists.
use std::fmt;

use authsignal_client::url::{is_loopback, redacted_url};
use http::HeaderValue;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::config::ConfigError;
use crate::domain::return_to::ReturnTo;

/// The origins of the application's pages that are not the callback's.
#[derive(Clone, Debug, Default)]
pub(crate) struct PageOrigins(Vec<String>);

/// A page that a user may be led back to.
///
/// The path is checked when it is made and when it is read back. Its origin is one of the list in both cases: a page whose
/// origin is no longer listed leads nowhere (threats T17 and T18).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Page {
    /// None: our own.
    origin: Option<String>,
    path: ReturnTo,
}

impl PageOrigins {
    pub(crate) fn new(listed: &[String]) -> Result<Self, ConfigError> {
        listed.iter().map(|origin| parse(origin)).collect::<Result<_, _>>().map(Self)
    }

    /// Whether an `Origin` is one of the list.
    pub(crate) fn has(&self, origin: &HeaderValue) -> bool {
        self.0.iter().any(|listed| listed.as_bytes() == origin.as_bytes())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Takes an absolute URL, such as a `Referer`, of the origin of `own` or of a listed one.
    pub(crate) fn page(&self, url: &str, own: &Url) -> Option<Page> {
        if let Some(path) = ReturnTo::of_origin(url, own) {
            return Some(Page { origin: None, path });
        }
        let parsed = Url::parse(url).ok()?;
        let origin = parsed.origin().ascii_serialization();
        let origin = self.0.iter().find(|listed| **listed == origin)?.clone();
        Some(Page { origin: Some(origin), path: ReturnTo::of_origin(url, &parsed)? })
    }

    /// The root of a listed origin, where an `Origin` is all that a browser says.
    pub(crate) fn root(&self, origin: &HeaderValue) -> Option<Page> {
        let origin = self.0.iter().find(|listed| listed.as_bytes() == origin.as_bytes())?.clone();
        Some(Page { origin: Some(origin), path: ReturnTo::new("/")? })
    }

    /// The address of a page, unless its origin is no longer one of the list.
    pub(crate) fn link(&self, page: &Page) -> Option<String> {
        match &page.origin {
            None => Some(page.path.as_str().to_owned()),
            Some(origin) => self.0.contains(origin).then(|| format!("{origin}{}", page.path.as_str())),
        }
    }
}

impl Page {
    /// The origin, where it is not our own.
    pub(crate) fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }

    /// The path, for a page of our own origin.
    pub(crate) fn own_path(&self) -> Option<&str> {
        self.origin.is_none().then(|| self.path.path())
    }
}

#[cfg(test)]
impl From<ReturnTo> for Page {
    fn from(path: ReturnTo) -> Self {
        Self { origin: None, path }
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({}{:?})", self.origin.as_deref().unwrap_or_default(), self.path.path())
    }
}

/// Takes an origin as browsers write it, in any case and with a slash at its end.
fn parse(text: &str) -> Result<String, ConfigError> {
    let refused = |reason| ConfigError::PageOrigin { origin: redacted_url(text), reason };
    let url = Url::parse(text).map_err(|_| refused("it is not an origin, such as `https://app.example.com`"))?;
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("it carries more than scheme, host and port"));
    }
    if url.path() != "/" {
        return Err(refused("it carries a path: a whole origin is listed"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(refused("`http` is taken on loopback only")),
        _ => return Err(refused("its scheme is neither `https` nor `http`")),
    }
    Ok(url.origin().ascii_serialization())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed() -> PageOrigins {
        PageOrigins::new(&["https://app.example.com".into(), "HTTP://LocalHost:5173/".into()]).unwrap()
    }

    #[test]
    fn an_origin_is_listed_as_browsers_write_it() {
        assert_eq!(listed().0, ["https://app.example.com", "http://localhost:5173"]);
        for bad in [
            "app.example.com",
            "https://",
            "https://app.example.com/app",
            "https://app.example.com/?a",
            "https://app.example.com/#a",
            "https://ada:secret@app.example.com",
            "http://app.example.com",
            "ftp://app.example.com",
            "null",
            "*",
            "https://*.example.com/x",
        ] {
            let error = PageOrigins::new(&[bad.into()]).unwrap_err();
            assert!(!error.to_string().contains("secret"), "{error}");
        }
    }

    /// T17, T18: what is no page of a listed origin leads nowhere, neither when it is written nor when it is read.
    #[test]
    fn t17_t18_only_pages_of_listed_origins_lead_back() {
        let own = Url::parse("https://api.example.com/authsignal/callback").unwrap();
        let list = listed();
        for (url, link) in [
            ("https://api.example.com/a?b", "/a?b"),
            ("https://app.example.com", "https://app.example.com/"),
            ("https://APP.example.com:443/cart?a=b#c", "https://app.example.com/cart?a=b"),
            ("http://localhost:5173/", "http://localhost:5173/"),
        ] {
            let page = list.page(url, &own).expect(url);
            assert_eq!(list.link(&page).as_deref(), Some(link));
            let read: Page = serde_json::from_str(&serde_json::to_string(&page).unwrap()).unwrap();
            assert_eq!(list.link(&read).as_deref(), Some(link));
            assert_eq!(
                PageOrigins::default().link(&read).is_some(),
                link.starts_with('/'),
                "{url} is not listed any more"
            );
        }
        for url in [
            "https://app.example.com.evil.example/",
            "https://evil.example/https://app.example.com/",
            "https://app.example.com:444/",
            "http://app.example.com/",
            "https://app.example.com@evil.example/",
            "https://app.example.com//evil.example",
            "https://app.example.com/%09/evil.example",
            "https://app.example.com/%5cevil",
            "//app.example.com/",
            "/cart",
            "null",
            "",
            "data:text/html,x",
        ] {
            assert_eq!(list.page(url, &own).and_then(|page| list.link(&page)), None, "{url}");
        }
        for stored in [
            r#"{"origin":"https://evil.example","path":"/"}"#,
            r#"{"origin":"https://app.example.com.","path":"/"}"#,
            r#"{"origin":"javascript:alert(1)//","path":"/"}"#,
        ] {
            assert_eq!(list.link(&serde_json::from_str(stored).unwrap()), None, "{stored}");
        }
        assert!(
            serde_json::from_str::<Page>(r#"{"origin":"https://app.example.com","path":".evil.example"}"#).is_err()
        );
        assert!(serde_json::from_str::<Page>(r#"{"origin":null,"path":"//evil.example"}"#).is_err());
    }

    /// T42: an origin counts by every one of its bytes.
    #[test]
    fn t42_an_origin_is_compared_byte_by_byte() {
        let has = |origin: &'static str| listed().has(&HeaderValue::from_static(origin));
        assert!(has("https://app.example.com") && has("http://localhost:5173"));
        for other in ["null", "", "https://app.example.com/", "https://app.example.com:443", "https://APP.example.com"]
        {
            assert!(!has(other), "{other}");
        }
    }
}
