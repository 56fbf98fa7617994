//! `Authsignal::approve`: takes the token of a sign-in as a fresh proof.
use std::time::Duration;

use authsignal_client::{ActionCode, ActionState, InvalidId, UserId, Validate};
use http::request::Parts;
use thiserror::Error;

use crate::authsignal::Authsignal;
use crate::domain::flow::{RequestId, Unproven, Validation};
use crate::domain::sign_in::{NoSignIn, sign_in_of};
use crate::outage::{Outage, whole_seconds};
use crate::random::random;
use crate::redeem::is_token;
use crate::request::identify::User;
use crate::store;
use crate::store::flows::detached;
use crate::store::flows::sign_in::{SignInRecord, sign_in_binding};
use crate::upstream::Unanswered;

/// Why the token of a sign-in was not taken: [`Authsignal::approve`]. Its user is asked as if there were none.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SignInError {
    /// [`User::session`] names none, or it is a client without a cookie, a machine, or somebody who acts as another.
    #[error("a sign-in counts for the user's own session in a browser, and none is named: give it to `User::session`")]
    NoSession,
    /// The browser has no id of ours yet.
    #[error("the browser has no id yet: put `Authsignal::browser_layer` around the pages on the way to the sign-in")]
    NoBrowser,
    /// The user's id is none.
    #[error("invalid user id: {0}")]
    InvalidUser(InvalidId),
    /// The action's code is none.
    #[error("invalid action: {0}")]
    InvalidAction(InvalidId),
    /// What was given as the token cannot be one.
    #[error("the token cannot be read")]
    InvalidToken,
    /// The token proves nothing of this user's sign-in.
    #[error("the token proves no sign-in of this user: {0:?}")]
    Unproven(Unproven),
    /// The sign-in was not proved: it was allowed without a proof, refused, or left.
    #[error("the sign-in was not proved: {0}")]
    State(ActionState),
    /// It was proved more than 24 hours ago, or the service does not say when.
    #[error("the sign-in was proved too long ago")]
    TooOld,
    /// This attempt at a sign-in was taken before.
    #[error("this attempt at a sign-in was taken before")]
    AlreadyTaken,
    /// Authsignal or the store could not be asked.
    #[error("no answer ({outage:?})")]
    #[non_exhaustive]
    Outage {
        /// Why.
        outage: Outage,
        /// When to try again, where that is known: in whole seconds, as `Retry-After` has them.
        retry_after: Option<Duration>,
    },
}

impl From<NoSignIn> for SignInError {
    fn from(why: NoSignIn) -> Self {
        match why {
            NoSignIn::Unproven(why) => Self::Unproven(why),
            NoSignIn::State(state) => Self::State(state),
            NoSignIn::TooOld => Self::TooOld,
        }
    }
}

impl From<store::Error> for SignInError {
    fn from(error: store::Error) -> Self {
        Self::Outage { outage: Outage::of_store(&error), retry_after: None }
    }
}

impl Authsignal {
    /// Takes the token of a sign-in that the application had its user prove by itself, so that routes which
    /// [accept it](crate::AuthsignalLayer::accepts_sign_in) do not ask once more a minute later.
    ///
    /// `parts` are those of the request that ends the sign-in, `user` is who is signed in now and in which
    /// [session](User::session), as [`identify`](crate::AuthsignalBuilder::identify) will name them, and `action` is the one that
    /// the sign-in was tracked as: one of its own, that no layer guards. The token is validated here, with the service; only
    /// a challenge that succeeded, of this user and action, is taken, with the time at which it did. Each attempt is taken
    /// once, on all nodes together. The proof counts in this browser, which needs an id before
    /// ([`browser_layer`](Self::browser_layer)), for this user and session, until it is too old for a route, at most 24
    /// hours, and ends with [`revoke`](Self::revoke) and [`forget`](Self::forget).
    ///
    /// # Errors
    ///
    /// [`SignInError`] says why it was not taken. That is no reason against the sign-in: its user is asked where a route
    /// asks.
    ///
    /// # Examples
    ///
    /// ```
    /// use axum::http::request::Parts;
    /// use axum_authsignal::{Authsignal, User};
    ///
    /// /// The end of the application's own sign-in, once the token was validated and the session made.
    /// async fn signed_in(authsignal: &Authsignal, parts: &Parts, user: &str, session: &str, token: &str) {
    ///     let user = User::new(user).session(session);
    ///     if let Err(error) = authsignal.approve(parts, &user, "signIn", token).await {
    ///         eprintln!("they will be asked again: {error}");
    ///     }
    /// }
    /// ```
    pub async fn approve(
        &self,
        parts: &Parts,
        user: &User,
        action: impl AsRef<str>,
        token: impl AsRef<str>,
    ) -> Result<(), SignInError> {
        let (action, token) = (action.as_ref(), token.as_ref());
        let taken = self.take_sign_in(parts, user, action, token).await;
        match &taken {
            Ok(()) => tracing::info!(action, "a sign-in is taken as a fresh proof"),
            Err(error) => tracing::info!(action, %error, "a sign-in is not taken as a fresh proof"),
        }
        taken
    }

    async fn take_sign_in(&self, parts: &Parts, user: &User, action: &str, token: &str) -> Result<(), SignInError> {
        let inner = self.inner();
        let is_own = !user.is_bearer && !user.is_machine && user.impersonator.is_none();
        let session = user.session.clone().filter(|_| is_own).ok_or(SignInError::NoSession)?;
        let browser = inner.cookie.read(&parts.headers).ok_or(SignInError::NoBrowser)?;
        let user = UserId::new(user.id.clone()).map_err(SignInError::InvalidUser)?;
        let action = ActionCode::new(action).map_err(SignInError::InvalidAction)?;
        if !is_token(token) {
            return Err(SignInError::InvalidToken);
        }
        let callback_url = inner.place_of(parts).0.callback_url.as_str();
        let binding = sign_in_binding(callback_url, user.as_str(), &session, action.as_str());
        let (inner, token) = (std::sync::Arc::clone(inner), token.to_owned());
        // Whoever hangs up half way has not lost the attempt for nothing.
        detached(async move {
            // What is revoked from here on ends it.
            let known = inner.flows.revoked(user.as_str(), Some(&session)).await?;
            let question = Validate::new(token).user_id(user.clone()).action(action.clone());
            let asked = inner.upstream.ask(&action, inner.client.validate_challenge(question)).await;
            let validated = asked.map_err(|Unanswered { outage, wait }| SignInError::Outage {
                outage,
                retry_after: wait.map(whole_seconds),
            })?;
            let (opening, proof) =
                sign_in_of(&Validation::from(validated), (user, &session, action), inner.flows.now())?;
            if !inner.flows.take_attempt(&opening, RequestId(random())).await? {
                return Err(SignInError::AlreadyTaken);
            }
            let record = SignInRecord { opening, proof, known };
            Ok(inner.flows.keep_sign_in(&browser, &binding, &record).await?)
        })
        .await?
    }
}
