//! No decision could be had: what kind of fault an error is, and what the log says of it.
use std::net::{Ipv4Addr, UdpSocket};
use std::time::Duration;

use authsignal_client::{self as client, ActionCode};

pub(crate) use crate::domain::failover::Outage;
use crate::log::Chain;
use crate::store;

/// How long a caller is asked to wait where the service does not say: 5 seconds.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// A time to wait in whole seconds, which is all that `Retry-After` has: whoever keeps to it comes no earlier.
pub(crate) fn whole_seconds(wait: Duration) -> Duration {
    Duration::from_secs(wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)))
}

impl Outage {
    /// What a fault of the service's means, once it is in the log with all that caused it.
    pub(crate) fn of_service(error: &client::Error, action: &ActionCode) -> Self {
        let outage = Self::kind(error);
        let said = match (outage, error.status()) {
            (Self::Rejected, Some(status)) if status == 401 || status == 403 => {
                "Authsignal refused the API secret key: let it be the one of this tenant and region (`AUTHSIGNAL_SECRET`, \
                 `AUTHSIGNAL_API_URL`, or what `Client::builder` and `ClientBuilder::base_url` were given)"
            }
            (Self::Rejected, _) => "Authsignal refused the call",
            (Self::Malformed, _) => "Authsignal's answer could not be read",
            (Self::Overloaded, _) => {
                "this process has no means left to ask Authsignal: raise the limit of open files (`ulimit -n`), or lower \
                 `AuthsignalBuilder::max_upstream_calls`"
            }
            _ => "no answer from Authsignal",
        };
        tracing::error!(%action, outage = outage.as_str(), error = %Chain(error), "{said}");
        outage
    }

    /// What a fault of the store's means, once it is in the log with all that caused it.
    pub(crate) fn of_store(error: &store::Error) -> Self {
        tracing::error!(error = %Chain(error), "the store of flows failed");
        Self::Store
    }

    fn kind(error: &client::Error) -> Self {
        use client::ErrorKind;
        match error.kind() {
            ErrorKind::Connect if is_exhausted(error) => Self::Overloaded,
            ErrorKind::Connect => Self::Connect,
            ErrorKind::Interrupted => Self::Interrupted,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Server => Self::Server,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Malformed | ErrorKind::TooLarge | ErrorKind::Redirected => Self::Malformed,
            _ => Self::Rejected,
        }
    }
}

/// What the system says where a process has no more files, ports or memory for a connection: on Linux and other Unix systems, and
/// on Windows.
const EXHAUSTED: [&str; 10] = [
    "(os error 12)",
    "(os error 23)",
    "(os error 24)",
    "(os error 49)",
    "(os error 55)",
    "(os error 99)",
    "(os error 105)",
    "(os error 10024)",
    "(os error 10048)",
    "(os error 10055)",
];

/// Whether it was this process that had no means to connect, which a flood of callers takes from it: no fault of the service's
/// (threat T77). A name that was not looked up for that says no such thing, so it is tried whether a socket can be had.
fn is_exhausted(error: &client::Error) -> bool {
    let text = Chain(error).to_string();
    EXHAUSTED.iter().any(|said| text.contains(said)) || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).is_err()
}
