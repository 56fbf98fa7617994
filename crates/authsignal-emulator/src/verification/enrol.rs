//! Beginning to enrol a method, and taking one away.
use authsignal_client::UserId;

use crate::db::action::{ActionId, Scope};
use crate::db::enrol::NotEnrollable;
use crate::db::user::{Authenticator, AuthenticatorKind};
use crate::state::AppState;
use crate::webhooks::event::WebhookEvent;

impl AppState {
    /// Begins to enrol a method, which takes a proof to finish.
    pub(crate) fn begin_enrolment(
        &self,
        id: &ActionId,
        scope: Scope,
        kind: AuthenticatorKind,
    ) -> Result<Authenticator, NotEnrollable> {
        let now = self.clock.now();
        let mut db = self.db();
        db.enrollable(id, scope, &kind.method())?;
        Ok(db.user_mut(id.user.as_str(), now).begin(kind, now).clone())
    }

    /// Takes a method away from its user.
    pub(crate) fn remove_authenticator(&self, user: &UserId, authenticator: &str) -> Option<Authenticator> {
        let removed = self.db().users.get_mut(user.as_str()).and_then(|user| user.remove(authenticator))?;
        self.webhooks.tell(&WebhookEvent::authenticator_deleted(user.as_str(), &removed, self.clock.now()));
        Some(removed)
    }
}
