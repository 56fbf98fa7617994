//! Enrolling one verified authenticator.
use serde::{Deserialize, Serialize};

use super::UserAuthenticator;
use crate::client::Client;
use crate::error::Error;
use crate::ids::user_id_of;
use crate::other::{OtherMembers, takes_other_members};
use crate::transport::json::{null_is_default, object};
use crate::types::{Token, VerificationMethod};

/// A method that the application has verified itself, for [`Client::enroll_verified_authenticator`].
///
/// # Examples
///
/// ```
/// use authsignal_client::{EnrollVerified, VerificationMethod};
///
/// let request = EnrollVerified::new(VerificationMethod::EmailOtp).email("ada@example.com").is_default(true);
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct EnrollVerified {
    verification_method: VerificationMethod,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    /// It holds the shared secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    otp_uri: Option<Token>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_default: Option<bool>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(EnrollVerified);

impl EnrollVerified {
    /// Enrols `method`. The service takes `EMAIL_MAGIC_LINK`, `EMAIL_OTP`, `SMS` and `AUTHENTICATOR_APP`, newer docs
    /// also `PASSKEY` and `WHATSAPP` (API reference, enroll verified authenticator).
    pub fn new(method: VerificationMethod) -> Self {
        Self {
            verification_method: method,
            email: None,
            phone_number: None,
            otp_uri: None,
            is_default: None,
            other: OtherMembers::default(),
        }
    }

    /// The verified address, for the e-mail methods.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// The verified number in E.164 form, for SMS and WhatsApp.
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// The whole `otpauth://totp/…?secret=…`, for an authenticator app. It is a secret and is kept like one.
    pub fn otp_uri(mut self, uri: impl Into<String>) -> Self {
        self.otp_uri = Some(Token::new(uri));
        self
    }

    /// Whether the user is asked for this method first. Default: the service's.
    pub fn is_default(mut self, yes: bool) -> Self {
        self.is_default = Some(yes);
        self
    }
}

/// What was enrolled, from [`Client::enroll_verified_authenticator`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Enrolled {
    /// The method.
    #[serde(deserialize_with = "object")]
    pub authenticator: UserAuthenticator,
    /// Recovery codes to show to the user once; empty where the service made none.
    #[serde(default, deserialize_with = "null_is_default")]
    pub recovery_codes: Vec<Token>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Enrols a method that the application has verified itself: `POST /users/{userId}/authenticators`.
    ///
    /// It is never sent a second time once something of it was sent, except where the service asks for that
    /// (429 with `Retry-After`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a [`UserId`](crate::UserId);
    /// [`Rejected`](crate::ErrorKind::Rejected) where the service does not take the method or its address; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::{EnrollVerified, VerificationMethod};
    ///
    /// let request = EnrollVerified::new(VerificationMethod::Sms).phone_number("+64270000000");
    /// let enrolled = client.enroll_verified_authenticator("user-1", request).await?;
    /// for code in &enrolled.recovery_codes {
    ///     // show `code.secret()` to the user, once
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn enroll_verified_authenticator(
        &self,
        user_id: impl AsRef<str>,
        request: impl Into<EnrollVerified>,
    ) -> Result<Enrolled, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let request = request.into();
        let mut call = self.transport.post(&["users", user, "authenticators"], &request)?.confidential();
        if let Some(uri) = &request.otp_uri {
            let secret = uri.secret().split(['?', '&']).find_map(|pair| pair.strip_prefix("secret="));
            call = call.carrying(uri.secret()).carrying(secret.unwrap_or_default());
        }
        self.transport.run(&call).await
    }
}
