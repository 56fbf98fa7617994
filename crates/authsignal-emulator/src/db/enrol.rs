//! What may be enrolled, by whom.
use authsignal_client::VerificationMethod;

use crate::db::Db;
use crate::db::action::{ActionId, Scope};
use crate::db::user::{Authenticator, User};
use crate::lifecycle;

/// Why a method cannot be enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotEnrollable {
    /// The action was refused, or there is none.
    Closed,
    /// The user has a method, and the token may not add to it.
    Scope,
    /// The tenant does not offer the method.
    Method,
    /// A first method proves the action, and this one may not.
    Action,
}

impl Db {
    /// Whether a user may enrol `method` under an action, and why not.
    pub(crate) fn enrollable(
        &self,
        id: &ActionId,
        scope: Scope,
        method: &VerificationMethod,
    ) -> Result<(), NotEnrollable> {
        let action = self.actions.get(id).ok_or(NotEnrollable::Closed)?;
        if !lifecycle::is_open_to_enrolment(&action.record.state) {
            return Err(NotEnrollable::Closed);
        }
        if !self.may_enrol_method(id, scope, method) {
            return Err(NotEnrollable::Scope);
        }
        if !self.offers(method) {
            return Err(NotEnrollable::Method);
        }
        let has_one = self.users.get(id.user.as_str()).is_some_and(User::is_enrolled);
        if has_one || self.is_allowed(id, method) { Ok(()) } else { Err(NotEnrollable::Action) }
    }

    /// Whether a user may enrol this method, be it as one more or in the place of another.
    pub(crate) fn may_enrol_method(&self, id: &ActionId, scope: Scope, method: &VerificationMethod) -> bool {
        self.may_enrol(id, scope) || self.may_replace(id, scope, method)
    }

    /// Whether a new address of the user's may take the place of the one before (docs, "Scopes": `update`).
    pub(super) fn may_replace(&self, id: &ActionId, scope: Scope, method: &VerificationMethod) -> bool {
        let Some(action) = self.actions.get(id) else { return false };
        let is_old = |known: &&Authenticator| known.method() == *method && known.kind.address().is_some();
        let has_one = |user: &User| user.enrolled().iter().any(is_old);
        let replaces = scope.update && self.users.get(id.user.as_str()).is_some_and(has_one);
        replaces && lifecycle::is_open_to_enrolment(&action.record.state)
    }

    /// Whether the tenant offers a method. Who offers push messages has an app, which may read QR codes and sign for
    /// itself: what tenants don't name because the dotnet SDK throws on methods that it does not know.
    pub(crate) fn offers(&self, method: &VerificationMethod) -> bool {
        let offered = &self.policy.methods;
        offered.contains(method) || is_of_apps(method) && offered.contains(&VerificationMethod::Push)
    }
}

/// Whether it is one that is seldom named; see [`Db::offers`].
pub(super) fn is_of_apps(method: &VerificationMethod) -> bool {
    matches!(method, VerificationMethod::QrCode | VerificationMethod::InApp)
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::*;
    use crate::db::action::TrackInput;
    use crate::db::user::AuthenticatorKind;
    use crate::tenant::Tenant;
    use crate::tenant::action::ActionSettings;
    use authsignal_client::ActionState;

    const EMAIL: VerificationMethod = VerificationMethod::EmailOtp;
    const APP: VerificationMethod = VerificationMethod::AuthenticatorApp;
    const SMS: VerificationMethod = VerificationMethod::Sms;

    fn db(tenant: Tenant, kinds: &[AuthenticatorKind]) -> (Db, ActionId) {
        let mut db = Db::new(tenant, UNIX_EPOCH);
        for kind in kinds {
            db.user_mut("ada", UNIX_EPOCH).enrol_verified(kind.clone(), false, UNIX_EPOCH);
        }
        let id = ActionId::named("ada", "withdrawal", "1").unwrap();
        db.track(&id, TrackInput::default(), UNIX_EPOCH);
        (db, id)
    }

    #[test]
    fn by_scope_and_by_what_there_is() {
        let email = AuthenticatorKind::EmailOtp("ada@example.com".into());
        for (kinds, scope, method, expected) in [
            (vec![], "", EMAIL, Ok(())),
            (vec![], "", VerificationMethod::QrCode, Ok(())),
            (vec![], "", VerificationMethod::PalmBiometricsRr, Err(NotEnrollable::Method)),
            (vec![email.clone()], "", EMAIL, Err(NotEnrollable::Scope)),
            (vec![email.clone()], "", APP, Err(NotEnrollable::Scope)),
            (vec![email.clone()], "add:authenticators", APP, Ok(())),
            (vec![email.clone()], "update:authenticators", EMAIL, Ok(())),
            (vec![email.clone()], "update:authenticators", SMS, Err(NotEnrollable::Scope)),
            (vec![email.clone()], "update:authenticators", APP, Err(NotEnrollable::Scope)),
            (vec![email], "remove:authenticators", EMAIL, Err(NotEnrollable::Scope)),
        ] {
            let (db, id) = db(Tenant::default(), &kinds);
            let found = db.enrollable(&id, Scope::parse(scope), &method);
            assert_eq!(found, expected, "{method} with {scope:?}, {} enrolled", kinds.len());
        }
    }

    #[test]
    fn not_under_an_action_that_was_refused() {
        let (mut db, id) = db(Tenant::default(), &[]);
        for (state, expected) in [
            (ActionState::Block, Err(NotEnrollable::Closed)),
            (ActionState::ChallengeFailed, Err(NotEnrollable::Closed)),
            (ActionState::ReviewRequired, Err(NotEnrollable::Closed)),
            (ActionState::ChallengeSucceeded, Ok(())),
        ] {
            db.set_state(&id, state.clone(), UNIX_EPOCH);
            assert_eq!(db.enrollable(&id, Scope::default(), &EMAIL), expected, "{state}");
        }
        let unknown = ActionId::named("ada", "withdrawal", "2").unwrap();
        assert_eq!(db.enrollable(&unknown, Scope::default(), &EMAIL), Err(NotEnrollable::Closed));
    }

    #[test]
    fn a_first_method_has_to_be_one_that_proves_the_action() {
        let tenant = || Tenant::new().methods([EMAIL, APP]).action("withdrawal", ActionSettings::new().methods([APP]));
        let (fresh, id) = db(tenant(), &[]);
        assert_eq!(fresh.enrollable(&id, Scope::default(), &EMAIL), Err(NotEnrollable::Action));
        assert_eq!(fresh.enrollable(&id, Scope::default(), &APP), Ok(()));
        assert_eq!(fresh.enrollable(&id, Scope::default(), &SMS), Err(NotEnrollable::Method));
        assert!(!fresh.offers(&VerificationMethod::QrCode), "no push messages, no app");
        let (known, id) = db(tenant(), &[AuthenticatorKind::EmailOtp("ada@example.com".into())]);
        assert_eq!(known.enrollable(&id, Scope::parse("add:authenticators"), &EMAIL), Ok(()));
    }
}
