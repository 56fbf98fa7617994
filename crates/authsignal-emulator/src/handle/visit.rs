//! What a test does on the challenge page in its user's place.
use authsignal_client::{Token, VerificationMethod};

use crate::error::EmulatorError;
use crate::handle::Emulator;
use crate::verification::visit::Redirect;

impl Emulator {
    /// Does what a user does on the challenge page, successfully, and returns the URL that the browser is sent to.
    ///
    /// Uses the user's default method. One who has nothing enrolled enrols e-mail, with the address from `track` or
    /// one made up. For an action that is proved already this is "Continue".
    ///
    /// # Errors
    ///
    /// [`EmulatorError::NothingToDo`] when the action asks for no proof, and the others by their names.
    pub fn succeed(&self, url: &str) -> Result<String, EmulatorError> {
        url_of(self.shared.succeed(url, None)?)
    }

    /// As [`succeed`](Self::succeed), by a method of the test's choice among those that the page offers its user.
    ///
    /// # Errors
    ///
    /// [`EmulatorError::NothingToDo`] also when the page does not offer that method.
    pub fn succeed_by(&self, url: &str, method: &VerificationMethod) -> Result<String, EmulatorError> {
        url_of(self.shared.succeed(url, Some(method))?)
    }

    /// Quits the challenge page and returns the URL that the browser is sent to: with a token, whose action is still
    /// what it was.
    ///
    /// # Errors
    ///
    /// When the URL isn't a challenge's, or the action has no `redirectUrl`.
    pub fn quit(&self, url: &str) -> Result<String, EmulatorError> {
        url_of(self.shared.quit(url)?)
    }

    /// Refuses for good, which makes the action `CHALLENGE_FAILED`, and returns the URL that the browser is sent to.
    ///
    /// # Errors
    ///
    /// [`EmulatorError::NothingToDo`] when the action isn't `CHALLENGE_REQUIRED`, and the others by their names.
    pub fn decline(&self, url: &str) -> Result<String, EmulatorError> {
        url_of(self.shared.decline(url)?)
    }
}

fn url_of(departure: Redirect) -> Result<String, EmulatorError> {
    let Redirect { url, token } = departure;
    url.ok_or_else(|| EmulatorError::NoRedirectUrl { token: Token::new(token) })
}
