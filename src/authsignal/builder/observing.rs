//! What is told of decisions, and to whom.
use super::AuthsignalBuilder;
use crate::decided::explain::MAX_KEPT;

impl AuthsignalBuilder {
    /// Whether log and spans name the user of each decision, in the field `user_id`. Default: no; the decision's id leads to the
    /// user at Authsignal.
    pub fn log_user_ids(mut self, yes: bool) -> Self {
        self.listeners.log_user_ids = yes;
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
