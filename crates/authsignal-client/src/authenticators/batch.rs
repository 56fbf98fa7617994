//! Enrolling many verified authenticators at once.
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::client::Client;
use crate::error::Error;
use crate::ids::UserId;
use crate::other::{self, Body, OtherMembers, takes_other_members};
use crate::transport::json::objects;
use crate::types::{Token, VerificationMethod, open_enum};

/// The most credentials in one request (API reference, batch enroll).
const MAX_CREDENTIALS: usize = 1000;

open_enum!(
    /// How a browser reaches an authenticator (WebAuthn Level 3, section 5.8.4).
    AuthenticatorTransport {
        /// Bluetooth.
        Ble = "ble",
        /// Another device near by, a phone for example.
        Hybrid = "hybrid",
        /// It is part of the device.
        Internal = "internal",
        /// NFC.
        Nfc = "nfc",
        /// A smart card with contacts.
        SmartCard = "smart-card",
        /// USB.
        Usb = "usb",
    }
);

/// A passkey that was made elsewhere, for [`Client::batch_enroll_verified_authenticators`].
///
/// # Examples
///
/// ```
/// use authsignal_client::{AuthenticatorTransport, VerifiedCredential};
///
/// let credential = VerifiedCredential::new("user-1", "q83vASNFZ4k", "pQECAyYgASFYIA")
///     .name("iPhone")
///     .transports([AuthenticatorTransport::Internal, AuthenticatorTransport::Hybrid]);
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct VerifiedCredential {
    user_id: String,
    verification_method: VerificationMethod,
    credential_id: String,
    /// No secret, but of no use in a log.
    credential_public_key: Token,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    transports: Option<Vec<AuthenticatorTransport>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aaguid: Option<String>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(VerifiedCredential);

/// The setters are the members of an item of the request's body (API reference, batch enroll; dotnet
/// `BatchEnrollVerifiedAuthenticators`).
impl VerifiedCredential {
    /// A passkey of a user: its id, and its public key as a COSE key, both base64url. The user's id is checked when the
    /// request is sent.
    pub fn new(
        user_id: impl Into<String>,
        credential_id: impl Into<String>,
        credential_public_key: impl Into<Token>,
    ) -> Self {
        Self {
            user_id: user_id.into(),
            verification_method: VerificationMethod::Passkey,
            credential_id: credential_id.into(),
            credential_public_key: credential_public_key.into(),
            name: None,
            transports: None,
            aaguid: None,
            other: OtherMembers::default(),
        }
    }

    /// Another method. Default: a passkey, which is all that the service takes today.
    pub fn verification_method(mut self, method: VerificationMethod) -> Self {
        self.verification_method = method;
        self
    }

    /// What the user sees, `iPhone` for example.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// How browsers reach it.
    pub fn transports(mut self, transports: impl IntoIterator<Item = AuthenticatorTransport>) -> Self {
        self.transports = Some(transports.into_iter().collect());
        self
    }

    /// The model of the authenticator, a UUID.
    pub fn aaguid(mut self, aaguid: impl Into<String>) -> Self {
        self.aaguid = Some(aaguid.into());
        self
    }
}

/// What became of a batch, from [`Client::batch_enroll_verified_authenticators`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BatchEnrolled {
    /// How many credentials there were.
    pub total: u64,
    /// How many of them are enrolled.
    pub succeeded: u64,
    /// How many are not.
    pub failed: u64,
    /// Which are not, and why.
    #[serde(default, deserialize_with = "objects")]
    pub failures: Vec<BatchFailure>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A credential that was not enrolled.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct BatchFailure {
    /// The id of the user whom it was for.
    pub user_id: Option<String>,
    /// The credential's id.
    pub credential_id: Option<String>,
    /// The service's code for what is wrong, `conflict` for example: it is another user's.
    pub error_code: Option<String>,
    /// The same in words.
    pub error_description: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

#[derive(Serialize)]
struct Batch {
    authenticators: Vec<Value>,
}

impl Body for Batch {}

impl Client {
    /// Enrols up to 1000 passkeys that were made elsewhere: `POST /users/authenticators`.
    ///
    /// Each stands alone, and one that is enrolled already is enrolled still. A large batch may take longer than the
    /// client's [deadline](crate::ClientBuilder::deadline).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for more than 1000 credentials, and for an
    /// id that is not a [`UserId`](crate::UserId); else as [`ErrorKind`](crate::ErrorKind) says.
    /// Credentials that the service does not take are no error: they are in
    /// [`failures`](BatchEnrolled::failures).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::VerifiedCredential;
    ///
    /// let all: Vec<VerifiedCredential> = vec![/* thousands */];
    /// for batch in all.chunks(1000) {
    ///     let enrolled = client.batch_enroll_verified_authenticators(batch.to_vec()).await?;
    ///     for failure in &enrolled.failures {
    ///         println!("{failure:?}");
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn batch_enroll_verified_authenticators(
        &self,
        credentials: impl IntoIterator<Item = VerifiedCredential>,
    ) -> Result<BatchEnrolled, Error> {
        let authenticators: Vec<_> = credentials.into_iter().take(MAX_CREDENTIALS + 1).collect();
        if authenticators.len() > MAX_CREDENTIALS {
            return Err(Error::invalid_input(format!("invalid batch: more than {MAX_CREDENTIALS} credentials")));
        }
        for (at, credential) in authenticators.iter().enumerate() {
            UserId::new(&credential.user_id)
                .map_err(|error| Error::invalid_input(format!("invalid user id of credential {at}: {error}")))?;
        }
        let authenticators = authenticators.iter().map(other::to_value).collect::<Result<_, _>>()?;
        let call = self.transport.post(&["users", "authenticators"], &Batch { authenticators })?;
        // The service takes each user and credential once (API reference, batch enroll).
        self.transport.run(&call.safe_to_repeat().about_many()).await
    }
}
