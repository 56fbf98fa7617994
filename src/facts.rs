//! What a request tells Authsignal about the user's surroundings.
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, Ordering};

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, header};

use crate::browser::cookies;

/// The most characters of a user agent that are sent on.
const LONGEST_AGENT: usize = 512;
/// The cookie in which Authsignal's browser SDK keeps the device id (browser SDK, `src/authsignal.ts`).
const DEVICE_COOKIE: &str = "__as_aid";
/// The longest device id that is sent on; the browser SDK makes UUIDs.
const LONGEST_DEVICE: usize = 64;

/// Where the client's address is read from.
///
/// The address is a signal for Authsignal's rules, never part of what an approval is bound to. A header is worth what
/// the proxy in front is worth: name the one that *your* proxy sets and that clients cannot reach past it. None of these
/// ever takes the leftmost entry of a list, which is the client's to write (threat T68).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IpSource {
    /// The socket's peer, from axum's `ConnectInfo<SocketAddr>` or a `SocketAddr` in the request's extensions. The
    /// default, for applications with no proxy in front. Serve with
    /// `into_make_service_with_connect_info::<SocketAddr>()`.
    #[default]
    Peer,
    /// The rightmost entry of `X-Forwarded-For`, which the nearest proxy wrote.
    RightmostXForwardedFor,
    /// `X-Real-IP`, as nginx sets it.
    XRealIp,
    /// `CF-Connecting-IP`, of Cloudflare.
    CfConnectingIp,
    /// `CloudFront-Viewer-Address`, of Amazon CloudFront.
    CloudFrontViewerAddress,
    /// `Fly-Client-IP`, of Fly.io.
    FlyClientIp,
    /// `True-Client-IP`, of Akamai and Cloudflare Enterprise.
    TrueClientIp,
    /// `X-Envoy-External-Address`, of Envoy.
    XEnvoyExternalAddress,
    /// None: no address is sent.
    None,
}

impl IpSource {
    fn read(self, parts: &Parts) -> Option<IpAddr> {
        let headers = &parts.headers;
        match self {
            Self::Peer => peer(parts),
            Self::RightmostXForwardedFor => client_ip::rightmost_x_forwarded_for(headers).ok(),
            Self::XRealIp => client_ip::x_real_ip(headers).ok(),
            Self::CfConnectingIp => client_ip::cf_connecting_ip(headers).ok(),
            Self::CloudFrontViewerAddress => client_ip::cloudfront_viewer_address(headers).ok(),
            Self::FlyClientIp => client_ip::fly_client_ip(headers).ok(),
            Self::TrueClientIp => client_ip::true_client_ip(headers).ok(),
            Self::XEnvoyExternalAddress => client_ip::x_envoy_external_address(headers).ok(),
            Self::None => None,
        }
    }
}

fn peer(parts: &Parts) -> Option<IpAddr> {
    static WARNED: AtomicBool = AtomicBool::new(false);
    let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address);
    let peer = connected.or_else(|| parts.extensions.get::<SocketAddr>()).map(SocketAddr::ip);
    if peer.is_none() && !WARNED.swap(true, Ordering::Relaxed) {
        tracing::warn!(
            "no peer address in the request, so Authsignal is told none: serve with \
             `into_make_service_with_connect_info::<SocketAddr>()`, or name another `IpSource`"
        );
    }
    peer
}

/// What a request tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) ip_address: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) device_id: Option<String>,
}

impl Facts {
    pub(crate) fn of(parts: &Parts, source: IpSource) -> Self {
        Self {
            ip_address: source.read(parts).map(|ip| ip.to_canonical().to_string()),
            user_agent: user_agent(&parts.headers),
            device_id: device_id(&parts.headers),
        }
    }
}

/// The user agent, if it is printable ASCII (T69), cut to a length that no service minds.
fn user_agent(headers: &HeaderMap) -> Option<String> {
    let agent = headers.get(header::USER_AGENT)?.to_str().ok()?;
    let agent: String = agent.chars().filter(|c| !c.is_control()).take(LONGEST_AGENT).collect();
    (!agent.trim().is_empty()).then_some(agent)
}

/// The id that Authsignal's browser SDK gave the device: a hint under the browser's control, bounded and checked for its
/// characters, and never a reason to pass.
fn device_id(headers: &HeaderMap) -> Option<String> {
    let mut ids = cookies(headers).filter(|(name, _)| *name == DEVICE_COOKIE.as_bytes());
    let (_, id) = ids.next()?;
    let legal = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let is_one = ids.next().is_none() && (1..=LONGEST_DEVICE).contains(&id.len()) && id.iter().all(legal);
    std::str::from_utf8(id).ok().filter(|_| is_one).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue, Request};

    fn parts(headers: &[(&'static str, &[u8])]) -> Parts {
        let mut parts = Request::new(()).into_parts().0;
        for (name, value) in headers {
            parts.headers.append(HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
        }
        parts
    }

    /// T68: whatever a client writes into headers, the address is the socket's or the trusted hop's.
    #[test]
    fn t68_a_client_cannot_choose_its_address() {
        let spoofs: [&[(&str, &[u8])]; 8] = [
            &[("x-forwarded-for", b"6.6.6.6")],
            &[("x-forwarded-for", b"6.6.6.6, 7.7.7.7")],
            &[("forwarded", b"for=6.6.6.6")],
            &[("x-real-ip", b"6.6.6.6")],
            &[("cf-connecting-ip", b"6.6.6.6")],
            &[("true-client-ip", b"6.6.6.6")],
            &[("x_forwarded_for", b"6.6.6.6")],
            &[("x-client-ip", b"6.6.6.6"), ("client-ip", b"6.6.6.6")],
        ];
        for spoof in spoofs {
            let mut parts = parts(spoof);
            parts.extensions.insert(ConnectInfo(SocketAddr::from(([203, 0, 113, 9], 4711))));
            let ip = |source| Facts::of(&parts, source).ip_address;
            assert_eq!(ip(IpSource::Peer).as_deref(), Some("203.0.113.9"), "{spoof:?}");
            assert_eq!(ip(IpSource::None), None);
        }
        let chained =
            parts(&[("x-forwarded-for", b"6.6.6.6, 198.51.100.1"), ("x-forwarded-for", b"6.6.6.7, 192.0.2.7")]);
        let ip = Facts::of(&chained, IpSource::RightmostXForwardedFor).ip_address;
        assert_eq!(ip.as_deref(), Some("192.0.2.7"));
        for broken in [&b""[..], b"6.6.6.6, ", b"unknown", b"6.6.6.6, evil", b"\xff"] {
            let ip = Facts::of(&parts(&[("x-forwarded-for", broken)]), IpSource::RightmostXForwardedFor).ip_address;
            assert_eq!(ip, None, "{broken:?}");
        }
    }

    #[test]
    fn the_peer_comes_from_either_extension() {
        let mut parts = parts(&[]);
        assert_eq!(Facts::of(&parts, IpSource::Peer).ip_address, None);
        parts.extensions.insert("[::ffff:192.0.2.1]:80".parse::<SocketAddr>().unwrap());
        assert_eq!(Facts::of(&parts, IpSource::Peer).ip_address.as_deref(), Some("192.0.2.1"));
    }

    /// T69: bytes that no user agent has are left out, and the rest is bounded.
    #[test]
    fn t69_a_user_agent_is_text_or_nothing() {
        let agent = |value: &[u8]| Facts::of(&parts(&[("user-agent", value)]), IpSource::None).user_agent;
        assert_eq!(agent(b"Mozilla/5.0 (X11)").as_deref(), Some("Mozilla/5.0 (X11)"));
        assert_eq!(agent(&b"a".repeat(9000)).map(|agent| agent.len()), Some(LONGEST_AGENT));
        for byte in 0x80..=0xffu8 {
            assert_eq!(agent(&[b'a', byte]), None);
        }
        assert_eq!(agent(b"a\tb").as_deref(), None.or(Some("ab")));
        assert_eq!(agent(b" "), None);
    }

    #[test]
    fn a_device_id_is_short_and_plain_or_nothing() {
        let device = |cookie: &str| Facts::of(&parts(&[("cookie", cookie.as_bytes())]), IpSource::None).device_id;
        let id = "a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d";
        assert_eq!(device(&format!("a=b; __as_aid={id}")).as_deref(), Some(id));
        let long = format!("__as_aid={}", "a".repeat(65));
        for cookie in ["__as_aid=", "__as_aid=a b", "__as_aid=<script>", "__as_aid=a; __as_aid=b", "as_aid=x", &long] {
            assert_eq!(device(cookie), None, "{cookie}");
        }
    }
}
