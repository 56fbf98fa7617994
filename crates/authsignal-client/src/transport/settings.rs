//! What the calls of a client are made with, all of it checked.
#[cfg(any(feature = "reqwest", feature = "hyper"))]
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use url::Url;

use super::wire::Wire;
use crate::secret::SecretKey;

/// Shorter than the 60 s after which common load balancers hang up: fewer calls meet a connection that is just closing.
#[cfg(any(feature = "reqwest", feature = "hyper"))]
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(45);

/// How long an HTTP/2 connection may be silent while it carries calls, and how long it may take to say that it is there.
#[cfg(any(feature = "reqwest", feature = "hyper"))]
pub(super) const HTTP2_SILENCE: Duration = Duration::from_secs(1);

/// What names of this machine stand for.
#[cfg(any(feature = "reqwest", feature = "hyper"))]
pub(super) const LOOPBACK: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

#[cfg_attr(
    not(any(feature = "reqwest", feature = "hyper")),
    expect(dead_code, reason = "some are for the HTTP clients of this crate")
)]
pub(crate) struct Settings {
    /// None for what is public.
    pub(crate) secret: Option<SecretKey>,
    pub(crate) base: Url,
    pub(crate) connect_timeout: Duration,
    pub(crate) deadline: Duration,
    pub(crate) retries: u32,
    pub(crate) hedge_after: Option<Duration>,
    pub(crate) http: HttpVersion,
    pub(crate) carrier: Carrier,
}

/// Which HTTP is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum HttpVersion {
    #[default]
    Http1,
    /// HTTP/2 where the TLS handshake agrees on it, else HTTP/1.1.
    Negotiated,
    /// HTTP/2 from the first byte.
    Http2,
}

/// What carries the requests.
#[derive(Clone, Default)]
pub(crate) enum Carrier {
    /// reqwest where it is built in, else hyper.
    #[default]
    BuiltIn,
    #[cfg(feature = "hyper")]
    Hyper,
    /// A service of the user's.
    Own(Wire),
}
