//! Verifying what a user typed, and claiming a verified challenge.
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::ids::user_id_of;
use crate::other::{OtherMembers, takes_other_members};
use crate::types::{Token, VerificationMethod, open_enum};

/// A code that somebody typed, for [`Client::verify`].
///
/// # Examples
///
/// ```
/// use authsignal_client::Verify;
///
/// let request = Verify::new("3a1b0c52-0000-4000-8000-000000000001", "123456");
/// assert!(!format!("{request:?}").contains("123456"));
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Verify {
    challenge_id: String,
    verification_code: Token,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(Verify);

impl Verify {
    /// Is this the code of that challenge?
    pub fn new(challenge_id: impl Into<String>, verification_code: impl Into<Token>) -> Self {
        Self {
            challenge_id: challenge_id.into(),
            verification_code: verification_code.into(),
            other: OtherMembers::default(),
        }
    }
}

impl<I: Into<String>, C: Into<Token>> From<(I, C)> for Verify {
    /// The challenge's id, and the code.
    fn from((challenge_id, verification_code): (I, C)) -> Self {
        Self::new(challenge_id, verification_code)
    }
}

/// Whether a code was the right one, from [`Client::verify`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Verified {
    /// Whether it was.
    pub is_verified: bool,
    /// The address that is proved by that, of a code by e-mail.
    pub email: Option<String>,
    /// The number that is proved by that, of a code by SMS or WhatsApp.
    pub phone_number: Option<String>,
    /// How the code was sent.
    pub verification_method: Option<VerificationMethod>,
    /// Why it was not the right one.
    pub failure_reason: Option<FailureReason>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

open_enum!(
    /// Why a code was not the right one (node `src/types/index.ts`; no other SDK reads it).
    FailureReason {
        /// It is another one, or it is too late.
        CodeInvalidOrExpired = "CODE_INVALID_OR_EXPIRED",
        /// There were too many attempts.
        MaxAttemptsExceeded = "MAX_ATTEMPTS_EXCEEDED",
    }
);

/// Whose a challenge is, for [`Client::claim_challenge`].
///
/// # Examples
///
/// ```
/// use authsignal_client::Claim;
///
/// let request = Claim::new("3a1b0c52-0000-4000-8000-000000000001", "user-1");
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Claim {
    challenge_id: String,
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    skip_verification_check: Option<bool>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(Claim);

impl Claim {
    /// The challenge is this user's, whose id is checked when the request is sent.
    pub fn new(challenge_id: impl Into<String>, user_id: impl Into<String>) -> Self {
        Self {
            challenge_id: challenge_id.into(),
            user_id: user_id.into(),
            skip_verification_check: None,
            other: OtherMembers::default(),
        }
    }

    /// Whether it may be claimed before its code was verified. Default: the service's, no.
    pub fn skip_verification_check(mut self, yes: bool) -> Self {
        self.skip_verification_check = Some(yes);
        self
    }
}

impl<I: Into<String>, U: Into<String>> From<(I, U)> for Claim {
    /// The challenge's id, and the user's.
    fn from((challenge_id, user_id): (I, U)) -> Self {
        Self::new(challenge_id, user_id)
    }
}

/// A challenge that is a user's now, from [`Client::claim_challenge`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Claimed {
    /// The token for [`Client::validate_challenge`] or [`Client::create_session`].
    pub token: Token,
    /// How the code was sent.
    pub verification_method: Option<VerificationMethod>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Asks whether a code is that of a challenge: `POST /verify`.
    ///
    /// A wrong code is an answer and no error. The service counts attempts, so this is never sent a second time once
    /// something of it was sent, except where the service asks for that (429 with `Retry-After`).
    ///
    /// # Errors
    ///
    /// As [`ErrorKind`](crate::ErrorKind) says; a challenge that the service does not know is
    /// [`Rejected`](crate::ErrorKind::Rejected).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let verified = client.verify(("3a1b0c52-0000-4000-8000-000000000001", "123456")).await?;
    /// if let Some(reason) = verified.failure_reason {
    ///     println!("{reason}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn verify(&self, request: impl Into<Verify>) -> Result<Verified, Error> {
        let request = request.into();
        let call = self.transport.post(&["verify"], &request)?.carrying(request.verification_code.secret());
        self.transport.run(&call).await
    }

    /// Ties a verified challenge to a user, and gives a token for it: `POST /claim`.
    ///
    /// A challenge can be claimed once, so this is never sent a second time once something of it was sent, except where
    /// the service asks for that (429 with `Retry-After`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a
    /// [`UserId`](crate::UserId); [`Rejected`](crate::ErrorKind::Rejected) for a challenge that is not
    /// verified, is over, or was claimed already; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let claimed = client.claim_challenge(("3a1b0c52-0000-4000-8000-000000000001", "user-1")).await?;
    /// let validated = client.validate_challenge(claimed.token).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn claim_challenge(&self, request: impl Into<Claim>) -> Result<Claimed, Error> {
        let request = request.into();
        user_id_of(&request.user_id)?;
        self.transport.run(&self.transport.post(&["claim"], &request)?.confidential()).await
    }
}
