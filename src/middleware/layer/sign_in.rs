//! Whether a fresh sign-in stands in the place of a challenge.
use std::time::Duration;

use super::AuthsignalLayer;
use crate::domain::sign_in::AcceptedSignIn;

impl AuthsignalLayer {
    /// Takes a sign-in as `action`, which the application [approved](crate::Authsignal::approve) and which is younger than
    /// `max_age`, in the place of a challenge, so that nobody who has just proved it is asked again. Default: none is taken.
    ///
    /// Authsignal is asked as ever: what it blocks is blocked, and a sign-in stands only where it asks for a challenge. It
    /// counts for the same user, session and browser, by a [method](Self::methods) that counts here, and until it is
    /// [revoked](crate::Authsignal::revoke). The verdict is that of the sign-in:
    /// [`Grounds::Verified`](crate::Grounds::Verified). The action itself stays `CHALLENGE_REQUIRED` at the service.
    ///
    /// It needs a `max_age` of one second to 24 hours, and an approval that covers more than this very request
    /// ([`covers`](Self::covers), [`remember`](Self::remember)): whoever signed in has seen no details. The sign-in's action is
    /// another than the layer's own. What does not go
    /// together is found by [`checked`](Self::checked).
    ///
    /// # Examples
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer, ConfigError, Coverage};
    /// # fn example(authsignal: &Authsignal) -> Result<(), ConfigError> {
    /// let layer = AuthsignalLayer::new(authsignal, "view-statements")
    ///     .covers(Coverage::Action)
    ///     .accepts_sign_in("signIn", Duration::from_secs(5 * 60))
    ///     .checked()?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn accepts_sign_in(mut self, action: impl Into<String>, max_age: Duration) -> Self {
        self.guard.policy.sign_in = Some(AcceptedSignIn { action: action.into(), max_age });
        self
    }
}
