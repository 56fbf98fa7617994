//! What is told of decisions, and to whom.
use super::AuthsignalBuilder;

impl AuthsignalBuilder {
    /// Whether log and spans name the user of each decision, in the field `user_id`. Default: no; the decision's id leads to the
    /// user at Authsignal.
    pub fn log_user_ids(mut self, yes: bool) -> Self {
        self.listeners.log_user_ids = yes;
        self
    }
}
