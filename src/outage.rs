//! No decision could be had: what kind of fault an error is, and what the log says of it.
use std::time::Duration;

use authsignal_client::{self as client, ActionCode};

pub(crate) use crate::domain::failover::Outage;
use crate::log::Chain;
use crate::store;

/// How long a caller is asked to wait where the service does not say: 5 seconds.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

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
