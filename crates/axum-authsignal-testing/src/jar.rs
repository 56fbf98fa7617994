//! The cookies of a browser: who may set which, and where they go along (RFC 6265bis, as Chromium keeps it).
use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cookie::{Cookie, SameSite};
use url::Url;

/// How many bytes a cookie's name and value may have together.
const MAX_COOKIE: usize = 4096;

/// How a request came about, as far as cookies ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Site {
    /// By a page of the same site, or by the user's own hand.
    Same,
    /// Another site leads the browser to a page, by a method that changes nothing.
    CrossPage,
    /// Another site has it sent otherwise.
    Cross,
}

#[derive(Clone, Debug)]
struct StoredCookie {
    name: String,
    value: String,
    host: String,
    /// Whether hosts below that one get it too.
    is_wide: bool,
    path: String,
    is_secure: bool,
    same_site: SameSite,
    expires: Option<SystemTime>,
}

/// All cookies of a browser, the oldest first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Jar(Vec<StoredCookie>);

impl Jar {
    /// Takes a `Set-Cookie` of an answer from `url`, or says why it does not.
    pub(crate) fn set(&mut self, url: &Url, header: &str, now: SystemTime) -> Result<(), &'static str> {
        let cookie = Cookie::parse(header).map_err(|_| "it is no cookie")?;
        let (name, value) = cookie.name_value();
        let starts = |prefix: &str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
        let is_secure = cookie.secure() == Some(true);
        let asked = cookie.domain().filter(|domain| !domain.is_empty());
        let host = url.host_str().unwrap_or_default();
        if name.len() + value.len() > MAX_COOKIE {
            return Err("it is longer than 4,096 bytes");
        }
        if is_secure && !is_trustworthy(url) {
            return Err("it is `Secure`, and was sent by plain http");
        }
        if (starts("__Secure-") || starts("__Host-")) && !is_secure {
            return Err("its name asks for `Secure`");
        }
        if starts("__Host-") && (asked.is_some() || cookie.path() != Some("/")) {
            return Err("its name asks for `Path=/` and for no `Domain`");
        }
        let same_site = cookie.same_site().unwrap_or(SameSite::Lax);
        if same_site == SameSite::None && !is_secure {
            return Err("`SameSite=None` asks for `Secure`");
        }
        let domain = asked.map(str::to_ascii_lowercase);
        if let Some(domain) = &domain
            && !(domain == host || (is_below(host, domain) && domain.contains('.')))
        {
            return Err("its `Domain` is not one of the host's");
        }
        let path = cookie.path().filter(|path| path.starts_with('/')).map(str::to_owned);
        let stored = StoredCookie {
            name: name.to_owned(),
            value: value.to_owned(),
            is_wide: domain.is_some() && host.parse::<IpAddr>().is_err(),
            host: domain.unwrap_or_else(|| host.to_owned()),
            path: path.unwrap_or_else(|| default_path(url)),
            is_secure,
            same_site,
            expires: expires(&cookie, now),
        };
        let is_same = |other: &StoredCookie| {
            (&other.name, &other.host, &other.path, other.is_wide)
                == (&stored.name, &stored.host, &stored.path, stored.is_wide)
        };
        let is_over = stored.expires.is_some_and(|expires| expires <= now);
        match self.0.iter().position(is_same) {
            Some(at) if is_over => drop(self.0.remove(at)),
            // One that is replaced keeps its age, which orders what is sent.
            Some(at) => self.0[at] = stored,
            None if is_over => {}
            None => self.0.push(stored),
        }
        Ok(())
    }

    /// What goes along with a request to `url`: the value of its `Cookie`.
    pub(crate) fn cookies_for(&self, url: &Url, site: Site, now: SystemTime) -> Option<String> {
        let host = url.host_str().unwrap_or_default();
        let goes = |cookie: &&StoredCookie| {
            (cookie.host == host || (cookie.is_wide && is_below(host, &cookie.host)))
                && is_within(url.path(), &cookie.path)
                && (!cookie.is_secure || is_trustworthy(url))
                && cookie.expires.is_none_or(|expires| expires > now)
                && match cookie.same_site {
                    SameSite::Strict => site == Site::Same,
                    SameSite::Lax => site != Site::Cross,
                    SameSite::None => true,
                }
        };
        let mut going: Vec<_> = self.0.iter().filter(goes).collect();
        // The longest path first, then the oldest.
        going.sort_by_key(|cookie| std::cmp::Reverse(cookie.path.len()));
        let pair = |cookie: &&StoredCookie| {
            if cookie.name.is_empty() { cookie.value.clone() } else { format!("{}={}", cookie.name, cookie.value) }
        };
        (!going.is_empty()).then(|| going.iter().map(pair).collect::<Vec<_>>().join("; "))
    }

    /// The value of a cookie of this name, whatever page it is for.
    pub(crate) fn value(&self, name: &str, now: SystemTime) -> Option<&str> {
        let is_it = |cookie: &&StoredCookie| cookie.name == name && cookie.expires.is_none_or(|expires| expires > now);
        self.0.iter().find(is_it).map(|cookie| cookie.value.as_str())
    }
}

/// `https`, or this machine, which browsers take for as good.
fn is_trustworthy(url: &Url) -> bool {
    url.scheme() == "https" || authsignal_client::url::is_loopback(url)
}

/// Whether a host is below a domain.
fn is_below(host: &str, domain: &str) -> bool {
    let is_name = host.parse::<IpAddr>().is_err();
    is_name && host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Whether a path is that of a cookie, or below it.
fn is_within(path: &str, of_cookie: &str) -> bool {
    let rest = path.strip_prefix(of_cookie);
    rest.is_some_and(|rest| rest.is_empty() || of_cookie.ends_with('/') || rest.starts_with('/'))
}

/// The folder of the page that set it.
fn default_path(url: &Url) -> String {
    match url.path().rfind('/') {
        Some(at) if at > 0 => url.path()[..at].to_owned(),
        _ => "/".to_owned(),
    }
}

fn expires(cookie: &Cookie<'_>, now: SystemTime) -> Option<SystemTime> {
    if let Some(age) = cookie.max_age() {
        let seconds = u64::try_from(age.whole_seconds()).unwrap_or(0);
        return now.checked_add(Duration::from_secs(seconds));
    }
    let at = cookie.expires_datetime()?.unix_timestamp();
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(at).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    /// What goes to `to` after `from` has set `cookie`.
    fn sent(from: &str, cookie: &str, to: &str, site: Site) -> Result<Option<String>, &'static str> {
        let mut jar = Jar::default();
        jar.set(&url(from), cookie, NOW)?;
        Ok(jar.cookies_for(&url(to), site, NOW))
    }

    #[test]
    fn a_cookie_goes_where_it_may() {
        let app = "https://app.example.com/a/b";
        let table = [
            ("c=1", app, true),
            ("c=1", "https://app.example.com/a", true),
            ("c=1", "https://app.example.com/a/c/d", true),
            ("c=1", "https://app.example.com/ab", false),
            ("c=1", "https://app.example.com/", false),
            ("c=1; Path=/", "https://app.example.com/", true),
            ("c=1; Path=/", "https://app.example.com:8443/", true),
            ("c=1; Path=/", "http://app.example.com/", true),
            ("c=1; Path=/; Secure", "http://app.example.com/", false),
            ("c=1; Path=/", "https://example.com/", false),
            ("c=1; Path=/", "https://x.app.example.com/", false),
            ("c=1; Path=/; Domain=example.com", "https://example.com/", true),
            ("c=1; Path=/; Domain=.EXAMPLE.com", "https://other.example.com/", true),
            ("c=1; Path=/; Domain=example.com", "https://badexample.com/", false),
            ("__Host-c=1; Path=/; Secure", "https://app.example.com/x", true),
        ];
        for (cookie, to, goes) in table {
            let sent = sent(app, cookie, to, Site::Same).unwrap_or_else(|why| panic!("{cookie}: {why}"));
            assert_eq!(sent.is_some(), goes, "{cookie} to {to}");
        }
    }

    #[test]
    fn a_cookie_that_may_not_be_set_says_why() {
        let (app, plain) = ("https://app.example.com/", "http://app.example.com/");
        let table = [
            (app, "__Host-c=1; Path=/", "its name asks for `Secure`"),
            (app, "__host-c=1; Path=/", "its name asks for `Secure`"),
            (app, "__Secure-c=1", "its name asks for `Secure`"),
            (app, "__Host-c=1; Secure", "its name asks for `Path=/` and for no `Domain`"),
            (app, "__Host-c=1; Secure; Path=/a", "its name asks for `Path=/` and for no `Domain`"),
            (
                app,
                "__Host-c=1; Secure; Path=/; Domain=app.example.com",
                "its name asks for `Path=/` and for no `Domain`",
            ),
            (plain, "c=1; Secure", "it is `Secure`, and was sent by plain http"),
            (app, "c=1; SameSite=None", "`SameSite=None` asks for `Secure`"),
            (app, "c=1; Domain=other.example", "its `Domain` is not one of the host's"),
            (app, "c=1; Domain=x.app.example.com", "its `Domain` is not one of the host's"),
            (app, "c=1; Domain=com", "its `Domain` is not one of the host's"),
        ];
        for (from, cookie, why) in table {
            assert_eq!(sent(from, cookie, from, Site::Same), Err(why), "{cookie}");
        }
        assert!(sent("http://localhost:3000/", "c=1; Secure", "http://localhost:3000/", Site::Same).unwrap().is_some());
    }

    #[test]
    fn other_sites_bring_along_what_same_site_says() {
        let app = "https://app.example.com/";
        let all = [Site::Same, Site::CrossPage, Site::Cross];
        for (cookie, goes) in [
            ("c=1; SameSite=Strict", [true, false, false]),
            ("c=1; SameSite=Lax", [true, true, false]),
            ("c=1", [true, true, false]),
            ("c=1; SameSite=None; Secure", [true, true, true]),
        ] {
            assert_eq!(all.map(|site| sent(app, cookie, app, site).unwrap().is_some()), goes, "{cookie}");
        }
    }

    #[test]
    fn a_cookie_is_replaced_removed_and_runs_out() {
        let (app, mut jar) = (url("https://app.example.com/"), Jar::default());
        let later = NOW + Duration::from_secs(60);
        jar.set(&app, "a=1; Max-Age=60", NOW).unwrap();
        jar.set(&app, "b=1", NOW).unwrap();
        jar.set(&app, "a=2; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW).unwrap();
        assert_eq!(jar.cookies_for(&app, Site::Same, NOW).as_deref(), Some("a=2; b=1"));
        assert_eq!(jar.cookies_for(&app, Site::Same, later).as_deref(), Some("b=1"));
        jar.set(&app, "b=; Max-Age=0", NOW).unwrap();
        assert_eq!(jar.cookies_for(&app, Site::Same, later), None);
    }
}
