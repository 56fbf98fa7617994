//! Why the emulator could not do what a test asked for.
use authsignal_client::{ActionState, Token};
use thiserror::Error;

/// Why the emulator could not do what a test asked for.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The URL has no token.
    #[error("invalid challenge URL: no token")]
    NotAChallenge,
    /// The token isn't one of this emulator's, or its action is gone.
    #[error("invalid token in the URL: not one of this emulator's")]
    InvalidToken,
    /// The token has expired: ten minutes have gone by on the emulator's clock.
    #[error("expired token in the URL")]
    ExpiredToken,
    /// The page has no such button for an action in this state.
    #[error("nothing to prove or decline: the action is {state}")]
    NothingToDo {
        /// The state of the action.
        state: ActionState,
    },
    /// What was asked for is done, but there is no `redirectUrl` to go to. A popup would now be told the token.
    #[error("done, but the action was tracked without a redirectUrl")]
    NoRedirectUrl {
        /// The token that would have gone there.
        token: Token,
    },
    /// No such action was tracked.
    #[error("unknown action: none such was tracked")]
    UnknownAction,
    /// No such challenge waits for a button, or not for this user's.
    #[error("unknown challenge: none such waits for a button on a phone of this user")]
    UnknownChallenge,
    /// The verification webhook said no. The button can be pressed again.
    #[error("the verification webhook refused the proof")]
    Vetoed,
    /// A webhook of the tenant's, which sends its messages, didn't take one.
    #[error("a webhook of the tenant's didn't take the message")]
    NotSent,
}
