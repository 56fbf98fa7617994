//! Where the events of the audit go.
use std::error::Error as StdError;
use std::fmt;
use std::future::ready;
use std::pin::Pin;

use super::event::{AuditEvent, AuditHead};

/// Where the events of the audit go: [`AuthsignalBuilder::audit`](crate::AuthsignalBuilder::audit).
///
/// One is given at a time, in their order. One that fails is lost, which the log says, and the next event says how many were. One that
/// is not written within five seconds is given up, and [`last`](Self::last) is asked before the next whether it was written for all
/// that: if not, it is lost as well; where that says none, another chain is begun. [`AuditJsonLines`](crate::AuditJsonLines) is one that writes a file.
///
/// # Examples
///
/// ```
/// use axum_authsignal::{AuditError, AuditEvent, AuditSink};
///
/// struct ToLog;
///
/// impl AuditSink for ToLog {
///     async fn record(&self, event: AuditEvent) -> Result<(), AuditError> {
///         tracing::info!(target: "audit", "{}", event.to_line());
///         Ok(())
///     }
/// }
/// ```
pub trait AuditSink: Send + Sync + 'static {
    /// Keeps an event.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if it is not kept.
    fn record(&self, event: AuditEvent) -> impl Future<Output = Result<(), AuditError>> + Send;

    /// The last event that is kept, of whatever chain: a new chain names it, so that nobody cuts off what is before. Default: none,
    /// for sinks that cannot tell.
    /// It has to wait for an event that is still on its way.
    ///
    /// # Errors
    ///
    /// [`AuditError`] if it cannot be found out.
    fn last(&self) -> impl Future<Output = Result<Option<AuditHead>, AuditError>> + Send {
        ready(Ok(None))
    }
}

/// Why an event of the audit was not written.
#[derive(Debug)]
pub struct AuditError(Box<dyn StdError + Send + Sync>);

impl AuditError {
    /// What the sink ran into.
    #[must_use]
    pub fn new(source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self(source.into())
    }
}

impl fmt::Display for AuditError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the audit's sink failed")
    }
}

impl StdError for AuditError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&*self.0)
    }
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, AuditError>> + Send + 'a>>;

/// [`AuditSink`] as a trait object.
pub(crate) trait ErasedSink: Send + Sync {
    fn record(&self, event: AuditEvent) -> Boxed<'_, ()>;
    fn last(&self) -> Boxed<'_, Option<AuditHead>>;
}

impl<S: AuditSink> ErasedSink for S {
    fn record(&self, event: AuditEvent) -> Boxed<'_, ()> {
        Box::pin(AuditSink::record(self, event))
    }

    fn last(&self) -> Boxed<'_, Option<AuditHead>> {
        Box::pin(AuditSink::last(self))
    }
}
