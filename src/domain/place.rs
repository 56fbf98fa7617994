//! PURE: where the application stands as browsers see it: its callback, what a proxy strips, and its other names.
use std::sync::Arc;

use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, HeaderValue, Uri, header};
use url::{Position, Url};

use crate::config::ConfigError;
use crate::domain::page_origin::{Page, PageOrigins};
use crate::domain::return_to::ReturnTo;
use crate::domain::ticket::Ticket;

/// The most characters of a `Host` that are written to the log.
const MAX_SHOWN_HOST: usize = 100;

/// One address under which browsers reach the application.
///
/// What browsers are sent to is public; what is routed, and what an approval covers, is as received. The two differ by a
/// prefix where a proxy strips one (threat T123).
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) callback_url: Url,
    /// The same up to a flow's ticket, which is plain text in a query.
    callback_to_flow: Arc<str>,
    /// What a proxy takes from the beginning of each path: nothing, or a path with no slash at its end.
    prefix: Arc<str>,
}

impl Place {
    pub(crate) fn new(callback_url: Url, prefix: Arc<str>) -> Self {
        let mut callback_to_flow = callback_url.clone();
        callback_to_flow.query_pairs_mut().append_pair("flow", "");
        Self { callback_url, callback_to_flow: callback_to_flow.as_str().into(), prefix }
    }

    /// Our callback with a ticket: what the service is given as `redirectUrl`.
    pub(crate) fn callback_for(&self, ticket: Ticket) -> String {
        let mut url = String::with_capacity(self.callback_to_flow.len() + Ticket::LENGTH);
        url.push_str(&self.callback_to_flow);
        ticket.write_to(&mut url);
        url
    }

    /// The same as a path, for links and redirects within the application.
    pub(crate) fn callback_path_for(&self, ticket: Ticket) -> String {
        self.callback_for(ticket).split_off(self.callback_url[..Position::BeforePath].len())
    }

    /// The page of a flow: with the name of what came of its token, where its record does not say so, and with the mark of a
    /// second try. The path is the configured one: a proxy may have stripped a prefix from what arrives.
    pub(crate) fn flow_path(&self, ticket: Ticket, outcome: Option<&str>, hopped: bool) -> String {
        let outcome = outcome.map(|outcome| format!("&outcome={outcome}")).unwrap_or_default();
        format!("{}{outcome}{}", self.callback_path_for(ticket), if hopped { "&hop=1" } else { "" })
    }

    /// The callback itself, which is nobody's flow.
    pub(crate) fn callback_path(&self) -> String {
        self.callback_url[Position::BeforePath..].to_owned()
    }

    /// Our callback for clients without a cookie, whose way back is their own.
    pub(crate) fn bearer_callback(&self) -> Url {
        let mut url = self.callback_url.clone();
        url.query_pairs_mut().append_pair("bearer", "1");
        url
    }

    /// The path at which the callback arrives, with and without a slash at its end.
    pub(crate) fn received_callbacks(&self) -> Vec<String> {
        let path = self.received_callback();
        match path.trim_end_matches('/') {
            "" => vec![path.to_owned()],
            without => vec![without.to_owned(), format!("{without}/")],
        }
    }

    /// Whether the callback arrives at this path.
    pub(crate) fn is_received_callback(&self, path: &str) -> bool {
        is_same_path(path, self.received_callback())
    }

    fn received_callback(&self) -> &str {
        self.callback_url.path().strip_prefix(&*self.prefix).unwrap_or(self.callback_url.path())
    }

    fn is_callback(&self, path: &str) -> bool {
        is_same_path(path, self.callback_url.path())
    }

    /// What browsers call a target that arrived as `target`, unless it is one to which nobody is sent: our own callback
    /// (threat T19), or one that could lead away (T17 and T18).
    pub(crate) fn public(&self, target: &str) -> Option<ReturnTo> {
        ReturnTo::new(target)?;
        let public = ReturnTo::new(&format!("{}{target}", self.prefix))?;
        (!self.is_callback(public.path())).then_some(public)
    }

    /// [`public`](Self::public) of a request's target.
    pub(crate) fn public_target(&self, target: &Uri) -> Option<ReturnTo> {
        self.public(target.path_and_query().map_or("/", PathAndQuery::as_str))
    }

    /// The same target at this address, for whoever asked for it at another.
    pub(crate) fn elsewhere(&self, target: &Uri) -> Elsewhere {
        let origin = self.origin();
        let path = self.public_target(target).or_else(|| self.public("/"));
        Elsewhere { url: format!("{origin}{}", path.as_ref().map_or("/", ReturnTo::as_str)), origin }
    }

    /// The page at an absolute URL, such as a `Referer`, if users may be led there and it is not our own callback.
    pub(crate) fn page(&self, url: &str, origins: &PageOrigins) -> Option<Page> {
        let page = origins.page(url, &self.callback_url)?;
        (!page.own_path().is_some_and(|path| self.is_callback(path))).then_some(page)
    }

    /// The origin, as browsers write it.
    pub(crate) fn origin(&self) -> String {
        self.callback_url.origin().ascii_serialization()
    }

    pub(crate) fn is_origin(&self, origin: &HeaderValue) -> bool {
        origin.as_bytes() == self.origin().as_bytes()
    }

    /// The name in the callback's address, with its port where that is not the scheme's own.
    fn authority(&self) -> &str {
        &self.callback_url[Position::BeforeHost..Position::AfterPort]
    }

    fn host(&self) -> &str {
        self.callback_url.host_str().unwrap_or_default()
    }
}

/// Where a request belongs that was sent to another name of the application.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// The origin, as people are told it.
    pub(crate) origin: String,
    /// The same target there.
    pub(crate) url: String,
}

/// Every address of the application.
#[derive(Debug)]
pub(crate) struct Places {
    /// The one of `callback_url`.
    pub(crate) main: Place,
    others: Vec<(HostName, Option<Place>)>,
}

/// What is known of the name that a request was sent to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Name<'a> {
    /// One that we have a callback for, or none.
    Known,
    /// One whose visitors are led to the main address.
    Led,
    /// Some other. Nothing follows from it: proxies rewrite it, and clients write it (threat T9).
    Unknown(&'a str),
}

impl Places {
    pub(crate) fn new(main: Place, others: Vec<(HostName, Option<Place>)>) -> Result<Self, ConfigError> {
        let mut names: Vec<&HostName> = Vec::new();
        for (name, _) in &others {
            let of_main = name.matches(main.host(), main.callback_url.port_or_known_default());
            let reason = if of_main { "it is the callback's own" } else { "it is given twice" };
            if of_main || names.contains(&name) {
                return Err(ConfigError::HostName { name: name.to_string(), reason });
            }
            names.push(name);
        }
        Ok(Self { main, others })
    }

    /// The address that a request was sent to, and what is known of its name.
    pub(crate) fn of<'s, 'r>(&'s self, target: &'r Uri, headers: &'r HeaderMap) -> (&'s Place, Name<'r>) {
        let Some(sent_to) = authority(target, headers) else { return (&self.main, Name::Known) };
        if self.others.is_empty() && sent_to.eq_ignore_ascii_case(self.main.authority()) {
            return (&self.main, Name::Known);
        }
        let Ok(authority) = sent_to.parse::<Authority>() else { return (&self.main, Name::Unknown(sent_to)) };
        let named = self.others.iter().find(|(name, _)| name.matches(authority.host(), authority.port_u16()));
        match named {
            Some((_, Some(place))) => (place, Name::Known),
            Some((_, None)) => (&self.main, Name::Led),
            // Cookies, which the way back depends on, know no ports.
            None if authority.host().eq_ignore_ascii_case(self.main.host()) => (&self.main, Name::Known),
            None => (&self.main, Name::Unknown(sent_to)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Place> {
        std::iter::once(&self.main).chain(self.others.iter().filter_map(|(_, place)| place.as_ref()))
    }
}

/// The name that a request was sent to: the target's in HTTP/2 and in absolute form, else `Host`.
fn authority<'a>(target: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    target.authority().map(Authority::as_str).or_else(|| headers.get(header::HOST)?.to_str().ok())
}

/// A `Host` as it is written to the log: not longer than a line, and with nothing in it that a terminal obeys.
pub(crate) fn shown_host(host: &str) -> String {
    host.chars().take(MAX_SHOWN_HOST).collect::<String>().escape_debug().to_string()
}

/// A host name, for every port or for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HostName {
    host: String,
    port: Option<u16>,
}

impl HostName {
    pub(crate) fn parse(text: &str) -> Result<Self, ConfigError> {
        let refused = || ConfigError::HostName {
            name: text.to_owned(),
            reason: "a host name is asked for, such as `www.example.com` or `localhost:3000`",
        };
        let authority: Authority = text.parse().map_err(|_| refused())?;
        let (host, port) = (authority.host(), authority.port_u16());
        let is_all = authority.port().map_or(host.len(), |port| host.len() + 1 + port.as_str().len()) == text.len();
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._[]:".contains(&byte);
        let parsed = url::Host::parse(host).map_err(|_| refused())?;
        if !is_all || !host.bytes().all(is_plain) || !parsed.to_string().eq_ignore_ascii_case(host) {
            return Err(refused());
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }

    fn matches(&self, host: &str, port: Option<u16>) -> bool {
        host.eq_ignore_ascii_case(&self.host) && (self.port.is_none() || self.port == port)
    }
}

impl std::fmt::Display for HostName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.port {
            Some(port) => write!(f, "{}:{port}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

/// Takes the prefix that a proxy strips, and leaves it without a slash at its end.
pub(crate) fn parse_prefix(text: &str) -> Result<Arc<str>, ConfigError> {
    let prefix = text.strip_suffix('/').unwrap_or(text);
    let is_path = ReturnTo::new(prefix).is_some_and(|path| path.path() == prefix) && !prefix.ends_with('/');
    if is_path { Ok(prefix.into()) } else { Err(refused_prefix(text, "a path is asked for, such as `/app`")) }
}

/// Checks that a callback is where the prefix says that the application is.
pub(crate) fn check_prefix(prefix: &str, callback_url: &Url) -> Result<(), ConfigError> {
    match callback_url.path().strip_prefix(prefix) {
        Some(rest) if prefix.is_empty() || ReturnTo::new(rest).is_some() => Ok(()),
        _ => Err(refused_prefix(prefix, "the path of the callback URL, which is the public one, has to begin with it")),
    }
}

fn refused_prefix(prefix: &str, reason: &'static str) -> ConfigError {
    ConfigError::PublicPrefix { prefix: prefix.to_owned(), reason }
}

/// Whether two paths differ in slashes at their end at most.
fn is_same_path(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(callback: &str, prefix: &str) -> Place {
        Place::new(Url::parse(callback).unwrap(), prefix.into())
    }

    /// T123, T19: what arrives is not what browsers call it, and neither is the callback.
    #[test]
    fn t123_t19_a_stripped_prefix_is_put_before_what_browsers_see() {
        let app = place("https://x.example/app/back", "/app");
        assert_eq!(app.received_callback(), "/back");
        let public = |target: &str| app.public(target).map(|to| to.as_str().to_owned());
        assert_eq!(public("/card?a=b").as_deref(), Some("/app/card?a=b"));
        assert_eq!(public("/").as_deref(), Some("/app/"));
        assert_eq!(public("/app/back").as_deref(), Some("/app/app/back"));
        for target in ["/back", "/back?flow=x", "//evil.example", "/..", "/../card", "card", "", "/a\\b"] {
            assert_eq!(public(target), None, "{target}");
        }
        assert_eq!(app.page("https://x.example/app/back?flow=x", &PageOrigins::default()), None);
        for prefix in
            ["", "/", "app", "//app", "/app?x", "/app#x", "/a/../b", "/app//", "https://x.example/app", "/a b"]
        {
            assert!(parse_prefix(prefix).is_err(), "{prefix}");
        }
        assert_eq!(&*parse_prefix("/app/").unwrap(), "/app");
        for (prefix, callback, fits) in [
            ("", "https://x.example/back", true),
            ("/app", "https://x.example/app/back", true),
            ("/app", "https://x.example/back", false),
            ("/app", "https://x.example/apple/back", false),
            ("/app", "https://x.example/app", false),
            ("/app", "https://x.example/app//back", false),
        ] {
            assert_eq!(check_prefix(prefix, &Url::parse(callback).unwrap()).is_ok(), fits, "{prefix} {callback}");
        }
    }

    /// T9, T124: only names that are given count, by `Host` or by the target, with any port or with one.
    #[test]
    fn t9_t124_only_names_that_are_given_count() {
        let name = |text: &str| HostName::parse(text).unwrap();
        let preview = place("https://preview.example/back", "");
        let main = || place("https://app.example/back", "");
        let others =
            vec![(name("WWW.example"), None), (name("old.example:8080"), None), (name("preview"), Some(preview))];
        let places = Places::new(main(), others).unwrap();
        for (host, want) in [
            ("app.example", "known app.example"),
            ("APP.example:444", "known app.example"),
            ("www.example", "led app.example"),
            ("wWw.example:8443", "led app.example"),
            ("old.example:8080", "led app.example"),
            ("old.example", "unknown app.example"),
            ("preview:3000", "known preview.example"),
            ("evil.example", "unknown app.example"),
            ("www.example.", "unknown app.example"),
            ("www.example.evil.example", "unknown app.example"),
            ("ada@www.example@x", "unknown app.example"),
            ("a b", "unknown app.example"),
        ] {
            let kind = |target: &Uri, headers: &HeaderMap| {
                let (place, name) = places.of(target, headers);
                let name = match name {
                    Name::Known => "known",
                    Name::Led => "led",
                    Name::Unknown(shown) => {
                        assert_eq!(shown, host);
                        "unknown"
                    }
                };
                format!("{name} {}", place.host())
            };
            let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]);
            assert_eq!(kind(&Uri::from_static("/x"), &headers), want, "{host}");
            if let Ok(target) = format!("http://{host}/x").parse() {
                let other = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static("other.example"))]);
                assert_eq!(kind(&target, &other), want, "{host}");
            }
        }
        assert!(matches!(places.of(&Uri::from_static("/"), &HeaderMap::new()), (_, Name::Known)));
        for bad in ["", "https://x.example", "x.example/", "*.example.com", "a b", "ada@x.example", "x:y", "x.example:"]
        {
            assert!(HostName::parse(bad).is_err(), "{bad}");
        }
        for names in [vec!["app.example"], vec!["app.example:443"], vec!["a.example", "A.example"]] {
            let others = names.iter().map(|text| (name(text), None)).collect();
            assert!(Places::new(main(), others).is_err(), "{names:?}");
        }
        assert!(Places::new(main(), vec![(name("app.example:444"), None)]).is_ok());
    }

    #[test]
    fn a_host_in_the_log_is_short_and_plain() {
        assert_eq!(shown_host("a\u{1b}[31m\n\"é\u{202e}"), "a\\u{1b}[31m\\n\\\"é\\u{202e}");
        assert_eq!(shown_host(&"x".repeat(5000)).len(), MAX_SHOWN_HOST);
    }
}
