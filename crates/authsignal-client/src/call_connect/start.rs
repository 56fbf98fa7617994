//! Starting the verification of a caller.
use serde::{Deserialize, Serialize};

use super::CallConnect;
use crate::error::Error;
use crate::other::{OtherMembers, takes_other_members};
use crate::types::open_enum;

open_enum!(
    /// How a caller gets the message (node `src/call-connect.ts`).
    CallChannel {
        /// WhatsApp.
        Whatsapp = "WHATSAPP",
        /// SMS.
        Sms = "SMS",
        /// E-mail; the API reference does not list it.
        Email = "EMAIL",
    }
);

/// A caller to verify, for [`CallConnect::start_call`].
///
/// # Examples
///
/// ```
/// use authsignal_client::{CallChannel, StartCall};
///
/// let by_text = StartCall::new("call-1").phone_number("(202) 555-0123").country("USA").channel(CallChannel::Sms);
/// let by_mail = StartCall::new("call-2").email("ada@example.com").channel(CallChannel::Email);
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct StartCall {
    reference_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<CallChannel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action_code: Option<String>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(StartCall);

/// The setters are the members of the request's body (node `src/call-connect.ts`).
impl StartCall {
    /// A caller, under the application's own id of the call.
    pub fn new(reference_id: impl Into<String>) -> Self {
        Self {
            reference_id: reference_id.into(),
            phone_number: None,
            country: None,
            user_id: None,
            username: None,
            channel: None,
            email: None,
            locale: None,
            action_code: None,
            other: OtherMembers::default(),
        }
    }

    /// The caller's number: in E.164 form, or in that of [`country`](Self::country). The API reference asks for one
    /// always, node does not.
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// The country that the number is of, `USA` for example. Default: none, the number says it.
    pub fn country(mut self, country: impl Into<String>) -> Self {
        self.country = Some(country.into());
        self
    }

    /// The application's id of the caller.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// The caller's name for passkeys.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
        self
    }

    /// How the caller gets the message. Default: the service's.
    pub fn channel(mut self, channel: CallChannel) -> Self {
        self.channel = Some(channel);
        self
    }

    /// Where an e-mail goes.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// The language of the message, BCP 47. Default: the service's.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// The action that the caller tries. Default: the service's.
    pub fn action_code(mut self, code: impl Into<String>) -> Self {
        self.action_code = Some(code.into());
        self
    }
}

impl From<&str> for StartCall {
    /// The id of the call.
    fn from(reference_id: &str) -> Self {
        Self::new(reference_id)
    }
}

impl<R: Into<String>, P: Into<String>> From<(R, P)> for StartCall {
    /// The id of the call, and the caller's number.
    fn from((reference_id, phone_number): (R, P)) -> Self {
        Self::new(reference_id).phone_number(phone_number)
    }
}

/// What was sent to a caller, or why nothing was, from [`CallConnect::start_call`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct CallStarted {
    /// The id of the message.
    pub message_id: Option<String>,
    /// The channel that it was sent by.
    pub channel: Option<CallChannel>,
    /// The number that it was sent to.
    pub phone_number: Option<String>,
    /// The address that it was sent to.
    pub email: Option<String>,
    /// The error, which the service says in a success.
    pub error: Option<String>,
    /// The same as a code.
    pub error_code: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl CallStarted {
    /// Whether something went wrong.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.error.is_some() || self.error_code.is_some()
    }
}

impl CallConnect {
    /// Sends a caller what they verify themselves with: `POST /call/start`.
    ///
    /// It is never sent a second time once something of it was sent, except where the service asks for that (429 with
    /// `Retry-After`): the caller would get two messages.
    ///
    /// # Errors
    ///
    /// As [`ErrorKind`](crate::ErrorKind) says. A success may hold an error too: ask
    /// [`is_error`](CallStarted::is_error).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(calls: authsignal_client::CallConnect) -> Result<(), authsignal_client::Error> {
    /// let started = calls.start_call(("call-1", "+12025550123")).await?;
    /// if started.is_error() {
    ///     println!("not sent: {:?}", started.error_code);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn start_call(&self, request: impl Into<StartCall>) -> Result<CallStarted, Error> {
        let call = self.transport.post(&["call", "start"], &request.into())?;
        let mut started: CallStarted = self.transport.run(&call).await?;
        let redactor = self.transport.redactor(&call);
        for text in [&mut started.error, &mut started.error_code, &mut started.error_description].into_iter().flatten()
        {
            *text = redactor.message(text);
        }
        Ok(started)
    }
}
