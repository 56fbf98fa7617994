//! Authenticators: those of a user, and those of the tenant.
mod batch;
mod enroll;
mod webauthn;

use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;
use crate::ids::user_id_of;
use crate::other::OtherMembers;
use crate::types::{SmsChannel, Timestamp, VerificationMethod, open_enum};

pub use batch::{AuthenticatorTransport, BatchEnrolled, BatchFailure, VerifiedCredential};
pub use enroll::{EnrollVerified, Enrolled};
pub use webauthn::{
    AaguidMapping, AuthenticatorAttachment, CredentialDeviceType, ParsedUserAgent, UserAgentBrowser, UserAgentCpu,
    UserAgentDevice, UserAgentEngine, UserAgentOs, WebauthnCredential,
};

open_enum!(
    /// What an app authenticator runs on (API reference, Client API; browser `src/api/types`).
    DevicePlatform {
        /// iOS.
        Ios = "IOS",
        /// Android.
        Android = "ANDROID",
        /// A browser.
        Web = "WEB",
    }
);

/// One enrolled method of one user (node `src/types`, API reference, authenticators).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserAuthenticator {
    /// The user's id; the Client API leaves it out.
    pub user_id: Option<String>,
    /// The authenticator's id.
    pub user_authenticator_id: String,
    /// The method.
    pub verification_method: VerificationMethod,
    /// The time at which it was added.
    pub created_at: Timestamp,
    /// The time at which it was verified first.
    pub verified_at: Option<Timestamp>,
    /// The time at which it was used last.
    pub last_verified_at: Option<Timestamp>,
    /// The address of an e-mail method.
    pub email: Option<String>,
    /// The number of SMS and WhatsApp.
    pub phone_number: Option<String>,
    /// The name of a passkey or security key.
    pub username: Option<String>,
    /// The name that a passkey or security key shows.
    pub display_name: Option<String>,
    /// The channel of the last SMS.
    pub previous_sms_channel: Option<SmsChannel>,
    /// The name of the device behind it; only node's types have it.
    pub device_name: Option<String>,
    /// Whether the user is asked for it first.
    pub is_default: Option<bool>,
    /// The platform of the device behind it; the Client API has it.
    pub device_platform: Option<DevicePlatform>,
    /// The time at which it failed last; the Client API and node's types have it.
    pub errored_at: Option<Timestamp>,
    /// The code of that failure.
    pub error_code: Option<String>,
    /// The credential of a passkey or security key.
    pub webauthn_credential: Option<WebauthnCredential>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A method as the tenant has configured it, from [`Client::get_tenant_authenticators`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TenantAuthenticator {
    /// The authenticator's id.
    pub authenticator_id: String,
    /// The method.
    pub verification_method: VerificationMethod,
    /// Whether it can be used.
    pub is_active: bool,
    /// Whether users may change theirs.
    pub is_editable_by_user: Option<bool>,
    /// Whether it is kept out of users' sight.
    pub is_hidden_to_user: Option<bool>,
    /// The channel of an SMS, of the SMS method.
    pub sms_channel: Option<SmsChannel>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Lists the methods that a user has enrolled: `GET /users/{userId}/authenticators`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a [`UserId`](crate::UserId);
    /// else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// for authenticator in client.get_authenticators("user-1").await? {
    ///     println!("{}", authenticator.verification_method);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_authenticators(&self, user_id: impl AsRef<str>) -> Result<Vec<UserAuthenticator>, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let call = self.transport.get(&["users", user, "authenticators"])?;
        self.transport.run_list(&call.about_many()).await
    }

    /// Removes a method from a user: `DELETE /users/{userId}/authenticators/{userAuthenticatorId}`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when there is no such method, which may also be because an earlier try of
    /// this call, whose answer was lost, has removed it; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput)
    /// for an id that is not one; [`Malformed`](crate::ErrorKind::Malformed) also when the answer denies that it is
    /// done; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// match client.delete_authenticator("user-1", "8f1c2d34-5a6b-4c7d-8e9f-0a1b2c3d4e5f").await {
    ///     Err(error) if error.is_not_found() => println!("it was gone already"),
    ///     other => other?,
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_authenticator(
        &self,
        user_id: impl AsRef<str>,
        user_authenticator_id: impl AsRef<str>,
    ) -> Result<(), Error> {
        let user = user_id_of(user_id.as_ref())?;
        let segments = ["users", user, "authenticators", user_authenticator_id.as_ref()];
        self.transport.run_done(&self.transport.delete(&segments)?.safe_to_repeat()).await
    }

    /// Lists the methods that the tenant has configured: `GET /authenticators` (API reference; no SDK has it).
    ///
    /// # Errors
    ///
    /// As [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let configured = client.get_tenant_authenticators().await?;
    /// assert!(configured.iter().any(|authenticator| authenticator.is_active), "track would be refused");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_tenant_authenticators(&self) -> Result<Vec<TenantAuthenticator>, Error> {
        self.transport.run_list(&self.transport.get(&["authenticators"])?.about_many()).await
    }
}
