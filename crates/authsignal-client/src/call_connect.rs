//! Call Connect: proofs by telephone, an API of its own with a key of its own.
mod builder;
mod finish;
mod start;

use std::fmt;
use std::sync::Arc;

use crate::transport::Transport;

pub use builder::CallConnectBuilder;
pub use finish::{CallFinished, CallState, FinishCall};
pub use start::{CallChannel, CallStarted, StartCall};

/// A client of Authsignal's Call Connect, for telephone support: start a verification for a caller, and tell later how
/// it ended (node `src/call-connect.ts`, the only SDK that has it).
///
/// Clones share the connections and the retry budget. `Debug` shows where the calls go and never the secret.
///
/// # Examples
///
/// ```no_run
/// use authsignal_client::{CallConnect, CallState};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let calls = CallConnect::builder("the-call-connect-secret-key").build()?;
/// let started = calls.start_call(("call-1", "+12025550123")).await?;
/// if started.is_error() {
///     // nothing was sent: `started.error_code` says why
/// }
/// calls.finish_call(("call-1", CallState::ChallengeSucceeded)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct CallConnect {
    transport: Arc<Transport>,
}

impl CallConnect {
    /// Starts a client that authenticates with `secret`, the Call Connect secret key. It is another one than that of
    /// the Server API.
    pub fn builder(secret: impl Into<String>) -> CallConnectBuilder {
        CallConnectBuilder::new(secret.into())
    }
}

impl fmt::Debug for CallConnect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let base = self.transport.base().as_str();
        f.debug_struct("CallConnect").field("base_url", &base).finish_non_exhaustive()
    }
}
