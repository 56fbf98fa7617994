//! What a request tells Authsignal about the user's surroundings.
use std::fmt::Write as _;
use std::net::IpAddr;

use http::request::Parts;
use http::{HeaderMap, header};

use crate::request::accept_language::preferred;
use crate::request::cookie::cookies;

mod address;

pub(crate) use address::Addresses;
pub use address::IpSource;

/// The most characters of a user agent that are sent on.
const MAX_USER_AGENT: usize = 512;
/// The longest IPv6 address, written without a zone.
const MAX_IP_TEXT: usize = 39;
/// The cookie in which Authsignal's browser SDK keeps the device id (browser SDK, `src/authsignal.ts`).
const DEVICE_COOKIE: &str = "__as_aid";
/// The longest device id that is sent on; the browser SDK makes UUIDs.
const MAX_DEVICE_ID: usize = 64;

/// What a request tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    pub(crate) ip_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) device_id: Option<String>,
    pub(crate) locale: Option<String>,
}

impl Signals {
    pub(crate) fn of(parts: &Parts, addresses: &Addresses) -> Self {
        Self {
            ip_address: addresses.of(parts).map(ip_text),
            user_agent: user_agent(&parts.headers),
            device_id: device_id(&parts.headers),
            locale: preferred(&parts.headers).map(str::to_owned),
        }
    }
}

fn ip_text(ip: IpAddr) -> String {
    let mut text = String::with_capacity(MAX_IP_TEXT);
    _ = write!(text, "{ip}");
    text
}

/// The user agent, if it is printable ASCII (T69), cut to a length that no service minds. A tab, which `to_str` takes for
/// printable, is left out.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let mut agent = if agent.contains('\t') { agent.replace('\t', "") } else { agent.to_owned() };
    agent.truncate(MAX_USER_AGENT);
    (!agent.trim().is_empty()).then_some(agent)
}

/// The id that Authsignal's browser SDK gave the device: a hint under the browser's control, bounded and checked for its
/// characters, and never a reason to pass.
fn device_id(headers: &HeaderMap) -> Option<String> {
    let mut ids = cookies(headers).filter(|(name, _)| *name == DEVICE_COOKIE.as_bytes());
    let (_, id) = ids.next()?;
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_one = ids.next().is_none() && (1..=MAX_DEVICE_ID).contains(&id.len()) && id.iter().all(legal);
    std::str::from_utf8(id).ok().filter(|_| is_one).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue, Request};

    fn signals(parts: &Parts) -> Signals {
        Signals::of(parts, &Addresses::new(IpSource::None))
    }

    fn parts(headers: &[(&'static str, &[u8])]) -> Parts {
        let mut parts = Request::new(()).into_parts().0;
        for (name, value) in headers {
            parts.headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        parts
    }

    /// T69: bytes that no user agent has are left out, and the rest is bounded.
    #[test]
    fn t69_a_user_agent_is_text_or_nothing() {
        let agent = |value: &[u8]| signals(&parts(&[("user-agent", value)])).user_agent;
        assert_eq!(agent(b"Mozilla/5.0 (X11)").as_deref(), Some("Mozilla/5.0 (X11)"));
        assert_eq!(agent(&b"a".repeat(9000)).map(|agent| agent.len()), Some(MAX_USER_AGENT));
        for byte in 0x80..=0xffu8 {
            assert_eq!(agent(&[b'a', byte]), None);
        }
        assert_eq!(agent(b"a\tb").as_deref(), None.or(Some("ab")));
        assert_eq!(agent(b" "), None);
    }

    #[test]
    fn a_device_id_is_short_and_plain_or_nothing() {
        let device = |cookie: &str| signals(&parts(&[("cookie", cookie.as_bytes())])).device_id;
        let id = "a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d";
        assert_eq!(device(&format!("a=b; __as_aid={id}")).as_deref(), Some(id));
        let long = format!("__as_aid={}", "a".repeat(65));
        for cookie in ["__as_aid=", "__as_aid=a b", "__as_aid=<script>", "__as_aid=a; __as_aid=b", "as_aid=x", &long] {
            assert_eq!(device(cookie), None, "{cookie}");
        }
    }
}
