//! Sending a challenge: a code or a link by e-mail, SMS and the like.
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::custom::CustomData;
use crate::error::Error;
use crate::ids::{IdempotencyKey, action_code_of, user_id_of};
use crate::other::{OtherMembers, takes_other_members};
use crate::types::{SmsChannel, UnixSeconds, VerificationMethod};

/// A code to send to somebody, for [`Client::challenge`].
///
/// # Examples
///
/// ```
/// use authsignal_client::{Challenge, Scope, SmsChannel};
///
/// let request = Challenge::email_otp("signIn", "ada@example.com").locale("en-NZ");
/// let request = Challenge::sms("signIn", "+64270000000").sms_channel(SmsChannel::Whatsapp).scope(Scope::Add);
/// let again = Challenge::resend("3a1b0c52-0000-4000-8000-000000000001");
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Challenge {
    #[serde(skip_serializing_if = "Option::is_none")]
    verification_method: Option<VerificationMethod>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<IdempotencyKey>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sms_channel: Option<SmsChannel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "CustomData::is_empty")]
    custom: CustomData,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(Challenge);

/// The setters are the members of the request's body (API reference, challenge; node `src/types`).
impl Challenge {
    /// A code for `action`, whose code is checked when it is sent. The service takes [`Sms`](VerificationMethod::Sms),
    /// [`EmailOtp`](VerificationMethod::EmailOtp) and [`Whatsapp`](VerificationMethod::Whatsapp), and needs the address
    /// besides.
    pub fn new(method: VerificationMethod, action: impl Into<String>) -> Self {
        Self { verification_method: Some(method), action: Some(action.into()), ..Self::default() }
    }

    /// A code by e-mail.
    pub fn email_otp(action: impl Into<String>, address: impl Into<String>) -> Self {
        Self::new(VerificationMethod::EmailOtp, action).email(address)
    }

    /// A code by SMS, to a number in E.164 form.
    pub fn sms(action: impl Into<String>, number: impl Into<String>) -> Self {
        Self::new(VerificationMethod::Sms, action).phone_number(number)
    }

    /// A code by WhatsApp, to a number in E.164 form.
    pub fn whatsapp(action: impl Into<String>, number: impl Into<String>) -> Self {
        Self::new(VerificationMethod::Whatsapp, action).phone_number(number)
    }

    /// The code of a challenge that is pending, once more.
    pub fn resend(challenge_id: impl Into<String>) -> Self {
        Self { challenge_id: Some(challenge_id.into()), ..Self::default() }
    }

    /// The challenge that is pending already, whose code is sent once more, beside a method and an action. Default: none;
    /// [`resend`](Self::resend) needs nothing beside it.
    pub fn challenge_id(mut self, id: impl Into<String>) -> Self {
        self.challenge_id = Some(id.into());
        self
    }

    /// The key of the attempt that this is part of: challenges with the same key are of one attempt. Default: the
    /// service makes one.
    ///
    /// It does not make a second copy harmless: each sends a message, so that none is repeated.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self
    }

    /// The user's id, where a method of a user who is there already is enrolled or changed. Default: nobody's
    /// until it is claimed.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// Where the e-mail goes.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// Where the SMS or the WhatsApp message goes, in E.164 form.
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// The channel of an SMS. Default: the service's.
    pub fn sms_channel(mut self, channel: SmsChannel) -> Self {
        self.sms_channel = Some(channel);
        self
    }

    /// The language of the message, BCP 47. Default: the service's.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// The end user's device, for rules.
    pub fn device_id(mut self, id: impl Into<String>) -> Self {
        self.device_id = Some(id.into());
        self
    }

    /// The end user's IP address, for rules.
    pub fn ip_address(mut self, address: impl Into<String>) -> Self {
        self.ip_address = Some(address.into());
        self
    }

    /// The end user's user agent, for rules.
    pub fn user_agent(mut self, agent: impl Into<String>) -> Self {
        self.user_agent = Some(agent.into());
        self
    }

    /// Data points of the action, for rules. Default: none.
    pub fn custom(mut self, data: CustomData) -> Self {
        self.custom = data;
        self
    }

    /// Whether the claim may enrol the method that was verified, or change one:
    /// [`Scope::Add`](crate::Scope::Add), [`Scope::Update`](crate::Scope::Update), or both with a space
    /// between them. Default: neither.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }
}

impl Challenge {
    /// Whether it says what to send: one that is pending, or a way and an action.
    fn check(&self) -> Result<(), Error> {
        match (self.challenge_id.as_deref(), &self.verification_method, &self.action) {
            (Some(""), ..) => Err(Error::invalid_input("invalid challenge id: it is empty")),
            (Some(_), ..) | (None, Some(_), Some(_)) => Ok(()),
            (None, ..) => Err(Error::invalid_input(
                "invalid challenge: it needs a method and an action, or the id of a pending one",
            )),
        }
    }
}

/// A code that is on its way, from [`Client::challenge`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Challenged {
    /// Which challenge it is, for [`Client::verify`] and [`Client::claim_challenge`].
    pub challenge_id: String,
    /// The key of the attempt; go does not read it.
    pub idempotency_key: Option<String>,
    /// Until when the code is good.
    pub expires_at: Option<UnixSeconds>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Sends a code, or the same one again: `POST /challenge`.
    ///
    /// The answer to it goes to [`verify`](Self::verify); then [`claim_challenge`](Self::claim_challenge) gives a token.
    /// It is never sent a second time once something of it was sent, except where the service asks for that (429 with
    /// `Retry-After`): the user would get two messages.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a
    /// [`UserId`](crate::UserId) or an [`ActionCode`](crate::ActionCode), and for numbers that are not
    /// finite; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::Challenge;
    ///
    /// let sent = client.challenge(Challenge::email_otp("signIn", "ada@example.com")).await?;
    /// // The user types the code.
    /// if client.verify((&*sent.challenge_id, "123456")).await?.is_verified {
    ///     let claimed = client.claim_challenge((sent.challenge_id, "user-1")).await?;
    ///     client.validate_challenge(claimed.token).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn challenge(&self, request: impl Into<Challenge>) -> Result<Challenged, Error> {
        let request = request.into();
        request.check()?;
        request.action.as_deref().map(action_code_of).transpose()?;
        request.user_id.as_deref().map(user_id_of).transpose()?;
        self.transport.run(&self.transport.post(&["challenge"], &request)?).await
    }
}
