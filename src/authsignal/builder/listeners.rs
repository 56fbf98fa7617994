//! What is told of decisions, and to whom.
use std::sync::Arc;

use super::AuthsignalBuilder;
use crate::audit::sink::AuditSink;
use crate::decided::explain::MAX_KEPT;

impl AuthsignalBuilder {
    /// Whether log and spans name the user of each decision, in the field `user_id`. Default: no; the decision's id leads to the
    /// user at Authsignal.
    pub fn log_user_ids(mut self, yes: bool) -> Self {
        self.listeners.log_user_ids = yes;
        self
    }

    /// Records each decision: an event each, chained by a MAC under `key`, of at least 32 random bytes, so that an event that was
    /// dropped, changed, swapped or put in is found by whoever has the key. It is for the audit alone: whoever has it can make
    /// events, so let it be no other secret, and out of reach of whoever can write where the events are kept. Default: none.
    ///
    /// Events are written by a task of their own, so that no decision waits for the sink. At most 8,192 wait. What finds no room, and
    /// what the sink does not take within five seconds, is lost: the log says so, the metric `authsignal_audit_lost_total` counts
    /// it, and the next event that is written says how many are missing. [`close_audit`](crate::Authsignal::close_audit) writes what
    /// waits at the end of the process.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # use axum_authsignal::{AuditJsonLines, AuthsignalBuilder};
    /// # fn example(builder: AuthsignalBuilder) -> Result<AuthsignalBuilder, Box<dyn std::error::Error>> {
    /// let sink = AuditJsonLines::open("/var/log/bank/audit.jsonl")?;
    /// let builder = builder.audit(sink, std::env::var("AUDIT_KEY")?);
    /// # Ok(builder)
    /// # }
    /// ```
    pub fn audit(mut self, sink: impl AuditSink, key: impl AsRef<[u8]>) -> Self {
        self.audit = Some((Arc::new(sink), key.as_ref().to_vec().into()));
        self
    }

    /// Keeps the explanations of the last `decisions` in the memory of this process, for
    /// [`Authsignal::explain`](crate::Authsignal::explain): a few hundred bytes each, at most 10,000. Each decision then takes some
    /// microseconds more. Default: none.
    ///
    /// The log has the same at `debug`, under the target `axum_authsignal::explain`, whatever is set here.
    pub fn keep_explanations(mut self, decisions: usize) -> Self {
        self.listeners.kept.most = decisions.min(MAX_KEPT);
        self
    }
}
