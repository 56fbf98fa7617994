//! Assertions about a page, each of which says what it saw.
use authsignal_client::ActionState;
use axum_authsignal::RefusalReason;
use http::StatusCode;

use crate::page::Page;

#[expect(clippy::return_self_not_must_use, reason = "an assertion has had its effect; the chain is a convenience")]
impl Page {
    /// Checks that a layer let the request through to its handler, for whatever reason, and that nothing was refused after.
    ///
    /// # Panics
    ///
    /// If a layer did not, or none was on the way.
    #[track_caller]
    pub fn assert_allowed(self) -> Self {
        if self.refusal().is_some() || self.verdict().is_none() {
            self.fail("expected a handler that ran");
        }
        self
    }

    /// Checks that a layer let the request through because the user proved it.
    ///
    /// # Panics
    ///
    /// If it did not, or for another reason.
    #[track_caller]
    pub fn assert_verified(self) -> Self {
        if self.refusal().is_some() || !self.verdict().is_some_and(axum_authsignal::Verdict::is_verified) {
            self.fail("expected a handler that ran by a proof");
        }
        self
    }

    /// Checks that a proof is asked for, for `action`.
    ///
    /// # Panics
    ///
    /// If it is not, or for another action.
    #[track_caller]
    pub fn assert_challenged(self, action: &str) -> Self {
        if self.challenged_action() != Some(action) {
            self.fail(&format!("expected a challenge for `{action}`"));
        }
        self
    }

    /// Checks that Authsignal blocked the request.
    ///
    /// # Panics
    ///
    /// If it did not.
    #[track_caller]
    pub fn assert_blocked(self) -> Self {
        self.assert_refused(&RefusalReason::State(ActionState::Block))
    }

    /// Checks that no decision could be had, and that the request did not go on because of that.
    ///
    /// # Panics
    ///
    /// If one could.
    #[track_caller]
    pub fn assert_outage(self) -> Self {
        if !self.refusal().is_some_and(|refusal| matches!(refusal.reason(), RefusalReason::Outage(_))) {
            self.fail("expected an outage");
        }
        self
    }

    /// Checks that the request was refused for this reason.
    ///
    /// # Panics
    ///
    /// If it was not, or for another reason.
    #[track_caller]
    pub fn assert_refused(self, reason: &RefusalReason) -> Self {
        if self.refusal().map(axum_authsignal::Refusal::reason) != Some(reason) {
            self.fail(&format!("expected a refusal, {reason:?}"));
        }
        self
    }

    /// Checks the status of the last answer.
    ///
    /// # Panics
    ///
    /// If it is another.
    #[track_caller]
    pub fn assert_status(self, status: u16) -> Self {
        if StatusCode::from_u16(status).ok() != Some(self.status()) {
            self.fail(&format!("expected the status {status}"));
        }
        self
    }

    /// Checks that the page says this somewhere: blanks and line ends count as one blank.
    ///
    /// # Panics
    ///
    /// If it does not.
    #[track_caller]
    pub fn assert_text(self, text: &str) -> Self {
        if !self.text().contains(text) {
            self.fail(&format!("expected the words `{text}`"));
        }
        self
    }
}
