//! No decision could be had: what kind of fault it was, and what that means.
use std::time::Duration;

use authsignal_client::{self as client, ActionCode};

use crate::log::Chain;
use crate::store;

/// The kind of fault that left a request without a decision.
///
/// Each means that the request is refused with 503, and but for [`Rejected`](Self::Rejected) a `Retry-After`; none of them
/// ever lets it pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Outage {
    /// Authsignal could not be reached, or the connection broke.
    Connect,
    /// Authsignal did not answer in time.
    Timeout,
    /// Authsignal answered with a fault of its own (5xx).
    Server,
    /// Authsignal asked us to slow down (429).
    RateLimited,
    /// Authsignal refused the call: the API secret key, the region, or a value that we sent (4xx). It is for the people who
    /// run this to mend, and the answer does not say when to try again.
    Rejected,
    /// Authsignal's answer could not be read.
    Malformed,
    /// The store of flows failed.
    Store,
}

/// How long a caller is asked to wait where the service does not say: 5 seconds.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

impl Outage {
    /// A short name for logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Timeout => "timeout",
            Self::Server => "server",
            Self::RateLimited => "rate_limited",
            Self::Rejected => "rejected",
            Self::Malformed => "malformed",
            Self::Store => "store",
        }
    }
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
            ErrorKind::Connect | ErrorKind::Interrupted => Self::Connect,
            ErrorKind::Timeout => Self::Timeout,
            ErrorKind::Server => Self::Server,
            ErrorKind::RateLimited => Self::RateLimited,
            ErrorKind::Malformed | ErrorKind::TooLarge | ErrorKind::Redirected => Self::Malformed,
            _ => Self::Rejected,
        }
    }
}
