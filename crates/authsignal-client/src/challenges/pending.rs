//! Looking up a challenge that is under way.
use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;
use crate::ids::{action_code_of, user_id_of};
use crate::other::OtherMembers;
use crate::types::{SmsChannel, UnixSeconds, VerificationMethod};

/// Which pending challenge to look up, for [`Client::get_challenge`]: by its id or its user. The default asks for neither, and is
/// refused when it is sent.
///
/// # Examples
///
/// ```
/// use authsignal_client::{GetChallenge, VerificationMethod};
///
/// let one = GetChallenge::by_id("3a1b0c52-0000-4000-8000-000000000001");
/// let of_a_user = GetChallenge::by_user("user-1").action("signIn").verification_method(VerificationMethod::Sms);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct GetChallenge {
    challenge_id: Option<String>,
    user_id: Option<String>,
    action: Option<String>,
    verification_method: Option<VerificationMethod>,
}

/// The setters are the parameters of the request's query (API reference, get challenge; node `src/types`).
impl GetChallenge {
    /// The challenge with this id.
    pub fn by_id(challenge_id: impl Into<String>) -> Self {
        Self { challenge_id: Some(challenge_id.into()), ..Self::default() }
    }

    /// A challenge of this user; if there are several, which one is not documented.
    pub fn by_user(user_id: impl Into<String>) -> Self {
        Self { user_id: Some(user_id.into()), ..Self::default() }
    }

    /// It has to be this user's. Default: anybody's.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// It has to be for this action. Default: any.
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// Its code has to be sent this way. Default: any.
    pub fn verification_method(mut self, method: VerificationMethod) -> Self {
        self.verification_method = Some(method);
        self
    }

    /// A question that was left empty by mistake must not find somebody's challenge.
    fn check(&self) -> Result<(), Error> {
        if self.challenge_id.is_none() && self.user_id.is_none() {
            return Err(Error::invalid_input("invalid query: it needs the id of a challenge or of a user"));
        }
        if self.challenge_id.as_deref() == Some("") {
            return Err(Error::invalid_input("invalid challenge id: it is empty"));
        }
        self.user_id.as_deref().map(user_id_of).transpose()?;
        self.action.as_deref().map(action_code_of).transpose()?;
        Ok(())
    }
}

impl GetChallenge {
    /// T72: whatever waits for its code elsewhere, it is not what was asked for.
    fn is_answered_by(&self, pending: &PendingChallenge) -> bool {
        fn agree<T: PartialEq>(asked: &Option<T>, told: &Option<T>) -> bool {
            asked.is_none() || told.is_none() || asked == told
        }
        agree(&self.challenge_id, &pending.challenge_id)
            && agree(&self.action, &pending.action)
            && agree(&self.verification_method, &pending.verification_method)
    }
}

impl From<&str> for GetChallenge {
    /// The challenge with this id.
    fn from(challenge_id: &str) -> Self {
        Self::by_id(challenge_id)
    }
}

impl From<String> for GetChallenge {
    /// The challenge with this id.
    fn from(challenge_id: String) -> Self {
        Self::by_id(challenge_id)
    }
}

/// A challenge that waits for its code, from [`Client::get_challenge`]. Where there is none, nothing of it is there
/// (an assumption: every SDK's type allows it).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PendingChallenge {
    /// Which challenge it is.
    pub challenge_id: Option<String>,
    /// Until when its code is good.
    pub expires_at: Option<UnixSeconds>,
    /// The channel that its code was sent by.
    pub verification_method: Option<VerificationMethod>,
    /// How the SMS was brought.
    pub sms_channel: Option<SmsChannel>,
    /// Where the SMS or the WhatsApp message went.
    pub phone_number: Option<String>,
    /// Where the e-mail went.
    pub email: Option<String>,
    /// The action's code. The API reference says that this is a number, which no action code is.
    pub action: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Looks up a challenge that waits for its code: `GET /challenges`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) where the service says that there is none, which may also be an answer
    /// without members; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not one, and
    /// for neither id nor user; [`Malformed`](crate::ErrorKind::Malformed) also when the answer is about another one;
    /// else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let pending = client.get_challenge("3a1b0c52-0000-4000-8000-000000000001").await?;
    /// if let Some(email) = pending.email {
    ///     println!("a code was sent to {email}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_challenge(&self, request: impl Into<GetChallenge>) -> Result<PendingChallenge, Error> {
        let request = request.into();
        request.check()?;
        let call = self.transport.get(&["challenges"])?.asking([
            ("challengeId", request.challenge_id.as_deref()),
            ("userId", request.user_id.as_deref()),
            ("action", request.action.as_deref()),
            ("verificationMethod", request.verification_method.as_ref().map(VerificationMethod::as_str)),
        ])?;
        let pending = self.transport.run(&call).await?;
        if !request.is_answered_by(&pending) {
            return Err(Error::malformed("it answers another challenge"));
        }
        Ok(pending)
    }
}
