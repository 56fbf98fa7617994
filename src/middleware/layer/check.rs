//! Whether what a layer was given goes together.
use super::AuthsignalLayer;
use crate::config::ConfigError;

impl AuthsignalLayer {
    /// The layer, if its settings go together. Each setting says what it does not go with. What does not go together is also
    /// found, with a panic, when the layer is put on a route; this tells before, as an error.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Policies`] with the settings that do not go together, or the one that is out of range.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::{Authsignal, AuthsignalLayer, ConfigError};
    /// # fn example(authsignal: &Authsignal) -> Result<(), ConfigError> {
    /// let layer = AuthsignalLayer::try_new(authsignal, "withdraw")?.checked()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn checked(self) -> Result<Self, ConfigError> {
        self.check()?;
        Ok(self)
    }

    pub(in crate::middleware) fn check(&self) -> Result<(), ConfigError> {
        let action = || self.guard.action.as_str().to_owned();
        let of_itself =
            self.guard.policy.sign_in.as_ref().filter(|sign_in| sign_in.action == self.guard.action.as_str());
        let checked = match of_itself {
            Some(_) => Err(
                "`accepts_sign_in` names the action of its own layer, whose proofs are no sign-in: name the one that \
                            the application tracks its sign-in as"
                    .to_owned(),
            ),
            None => self.guard.policy.check(),
        };
        checked.map_err(|reason| ConfigError::Policies { action: action(), reason })
    }
}
