//! Where the client's address is read from, and what is said once when it cannot be.
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::atomic::{AtomicU8, Ordering};

use axum::extract::ConnectInfo;
use http::request::Parts;
use http::{HeaderMap, HeaderName};

use crate::request::header_list::parameters;

/// Where the client's address is read from.
///
/// The address is a signal for Authsignal's rules, never part of what an approval is bound to. A header is worth what
/// the proxy in front is worth: name the one that *your* proxy sets and that clients cannot reach past it. Of lists, and of
/// headers that came twice, the rightmost entry is read, which the nearest proxy wrote, and never the leftmost, which is the
/// client's to write (threat T68). Ports, brackets and quotes around an address are taken off.
///
/// A request whose address is missing or cannot be read is decided without one; the log has a warning the first time.
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
    /// `for` in the rightmost entry of `Forwarded` (RFC 7239), which the nearest proxy wrote.
    RightmostForwarded,
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
    fn header(self) -> Option<HeaderName> {
        let name = match self {
            Self::Peer | Self::None => return None,
            Self::RightmostXForwardedFor => "x-forwarded-for",
            Self::RightmostForwarded => "forwarded",
            Self::XRealIp => "x-real-ip",
            Self::CfConnectingIp => "cf-connecting-ip",
            Self::CloudFrontViewerAddress => "cloudfront-viewer-address",
            Self::FlyClientIp => "fly-client-ip",
            Self::TrueClientIp => "true-client-ip",
            Self::XEnvoyExternalAddress => "x-envoy-external-address",
        };
        Some(HeaderName::from_static(name))
    }

    /// The address in the rightmost entry of this source's header.
    fn read(self, entry: &[u8]) -> Option<IpAddr> {
        let entry = std::str::from_utf8(entry).ok()?;
        match self {
            Self::RightmostForwarded => {
                let mut nodes = parameters(entry).filter_map(|pair| pair.split_once('='));
                let mut nodes = nodes.by_ref().filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
                let (_, node) = nodes.next()?;
                if nodes.next().is_some() { None } else { address(node) }
            }
            // It writes the port behind IPv6 addresses too, and no brackets around them (CloudFront Developer Guide, "Add
            // CloudFront request headers").
            Self::CloudFrontViewerAddress => {
                let without_port = entry.rsplit_once(':').and_then(|(ip, _)| ip.trim().parse().ok());
                without_port.or_else(|| address(entry))
            }
            _ => address(entry),
        }
    }
}

/// Reads addresses from one source, and says once of each fault that it cannot.
#[derive(Debug)]
pub(crate) struct Addresses {
    source: IpSource,
    warned: AtomicU8,
}

/// Why an address is not known, or not the client's.
#[derive(Clone, Copy)]
enum Fault {
    Missing = 1,
    Unreadable = 2,
    BehindProxy = 4,
}

/// What proxies add; in front of a peer of this network they say that the peer is one.
const FORWARDED: [HeaderName; 3] = [
    HeaderName::from_static("x-forwarded-for"),
    HeaderName::from_static("forwarded"),
    HeaderName::from_static("x-real-ip"),
];

impl Addresses {
    pub(crate) fn new(source: IpSource) -> Self {
        Self { source, warned: AtomicU8::new(0) }
    }

    pub(crate) fn of(&self, parts: &Parts) -> Option<IpAddr> {
        let Some(name) = self.source.header() else {
            return if self.source == IpSource::Peer { self.peer(parts) } else { None };
        };
        let Some(line) = parts.headers.get_all(&name).iter().next_back() else {
            if self.is_first(Fault::Missing) {
                tracing::warn!(
                    header = %name,
                    "a request without the header that has its client's address, so Authsignal is told none, and rules about \
                     addresses do nothing: name what your proxy sets with `AuthsignalBuilder::ip_source`"
                );
            }
            return None;
        };
        let address = self.source.read(rightmost(line.as_bytes()));
        if address.is_none() && self.is_first(Fault::Unreadable) {
            tracing::warn!(
                header = %name,
                "a client's address could not be read, so Authsignal is told none, and rules about addresses do nothing: see \
                 what your proxy sets, and name it with `AuthsignalBuilder::ip_source`"
            );
        }
        address.map(|ip| ip.to_canonical())
    }

    fn peer(&self, parts: &Parts) -> Option<IpAddr> {
        let connected = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(address)| address);
        let peer = connected.or_else(|| parts.extensions.get::<SocketAddr>()).map(|peer| peer.ip().to_canonical());
        match peer {
            None if self.is_first(Fault::Missing) => tracing::warn!(
                "no peer address in the request, so Authsignal is told none, and rules about addresses do nothing: serve with \
                 `into_make_service_with_connect_info::<SocketAddr>()`, or name another source with \
                 `AuthsignalBuilder::ip_source`"
            ),
            Some(ip) if is_inside(ip) && is_forwarded(&parts.headers) && self.is_first(Fault::BehindProxy) => {
                tracing::warn!(
                    "a proxy seems to be in front, and Authsignal is told its address as every client's: name the header that \
                     it sets with `AuthsignalBuilder::ip_source`"
                );
            }
            _ => {}
        }
        peer
    }

    fn is_first(&self, fault: Fault) -> bool {
        let bit = fault as u8;
        self.warned.fetch_or(bit, Ordering::Relaxed) & bit == 0
    }
}

fn is_inside(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    FORWARDED.iter().any(|name| headers.contains_key(name))
}

/// What is behind the last comma. Quotes are followed from the end, which the proxy wrote: a quote that a client has left
/// open further left hides nothing.
fn rightmost(line: &[u8]) -> &[u8] {
    let mut quoted = false;
    for (at, byte) in line.iter().enumerate().rev() {
        let is_escaped = || line[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        match byte {
            b'"' if !(quoted && is_escaped()) => quoted = !quoted,
            b',' if !quoted => return &line[at + 1..],
            _ => {}
        }
    }
    line
}

/// An address with or without a port (RFC 7239, section 6): `203.0.113.7:54321`, `"[2001:db8::1]:443"`.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text);
    let text = text.trim_matches([' ', '\t']);
    let v6 = |text: &str| {
        // A zone means something on the machine alone that wrote it.
        let (ip, zone) = text.split_once('%').unwrap_or((text, "zone"));
        if zone.is_empty() { None } else { ip.parse::<Ipv6Addr>().ok().map(IpAddr::from) }
    };
    if let Some(bracketed) = text.strip_prefix('[') {
        let (ip, port) = bracketed.split_once(']')?;
        return if port.is_empty() || is_port(port.strip_prefix(':')?) { v6(ip) } else { None };
    }
    match text.split_once(':') {
        Some((ip, port)) if !port.contains(':') => {
            if is_port(port) {
                ip.parse().ok().map(IpAddr::V4)
            } else {
                None
            }
        }
        Some(_) => v6(text),
        None => text.parse().ok(),
    }
}

/// A port, or a name in its place (RFC 7239, section 6: `obfport`).
fn is_port(text: &str) -> bool {
    let named = |name: &str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
    match text.strip_prefix('_') {
        Some(name) => !name.is_empty() && named(name),
        None => text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u16>().is_ok(),
    }
}

#[cfg(test)]
mod tests;
