//! Changing what the service knows about a user.
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::custom::CustomData;
use crate::error::Error;
use crate::ids::user_id_of;
use crate::other::{OtherMembers, takes_other_members};
use crate::transport::json::null_is_default;
use crate::types::VerificationMethod;

/// What changes about a user, for [`Client::update_user`]. What is not set stays as it is.
///
/// # Examples
///
/// ```
/// use authsignal_client::{CustomData, UpdateUser};
///
/// let request = UpdateUser::new()
///     .email("ada@example.com")
///     .email_verified(true)
///     .custom(CustomData::new().with("tier", "gold"));
/// ```
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct UpdateUser {
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number_verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    display_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<CustomData>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_verification_method: Option<VerificationMethod>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(UpdateUser);

/// The setters are the members of the request's body (API reference, update user; node `src/types`).
impl UpdateUser {
    /// Nothing changes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// The e-mail address.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// Whether the address is proved. Default: the service's, no; if so, the user's e-mail methods follow a new address.
    pub fn email_verified(mut self, yes: bool) -> Self {
        self.email_verified = Some(yes);
        self
    }

    /// The phone number in E.164 form. The service refuses numbers that cannot be one (`+6427000000`, histories of the
    /// SDKs' tests).
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// Whether the number is proved. Default: the service's, no; if so, the user's SMS methods follow a new number.
    pub fn phone_number_verified(mut self, yes: bool) -> Self {
        self.phone_number_verified = Some(yes);
        self
    }

    /// The name for passkeys, usually the e-mail address.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
        self
    }

    /// The name that passkeys show.
    pub fn display_name(mut self, name: impl Into<String>) -> Self {
        self.display_name = Some(name.into());
        self
    }

    /// Data points of the user, for rules: texts, numbers and booleans.
    pub fn custom(mut self, data: CustomData) -> Self {
        self.custom = Some(data);
        self
    }

    /// The language, BCP 47.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// The method that the user is asked for first; of the SDKs, only java's types have it.
    pub fn default_verification_method(mut self, method: VerificationMethod) -> Self {
        self.default_verification_method = Some(method);
        self
    }
}

/// A user after a change, from [`Client::update_user`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UpdatedUser {
    /// The user's id.
    pub user_id: Option<String>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the address is proved; false where the service does not say.
    #[serde(default, deserialize_with = "null_is_default")]
    pub email_verified: bool,
    /// The phone number, E.164.
    pub phone_number: Option<String>,
    /// Whether the number is proved; false where the service does not say.
    #[serde(default, deserialize_with = "null_is_default")]
    pub phone_number_verified: bool,
    /// The name for passkeys.
    pub username: Option<String>,
    /// The name that passkeys show.
    pub display_name: Option<String>,
    /// The language, BCP 47.
    pub locale: Option<String>,
    /// The method that the user is asked for first.
    pub default_verification_method: Option<VerificationMethod>,
    /// The user's custom data points.
    #[serde(default, deserialize_with = "null_is_default")]
    pub custom: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Changes a user, and creates one if there is none: `PATCH /users/{userId}`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a
    /// [`UserId`](crate::UserId), and for numbers that are not finite; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::UpdateUser;
    ///
    /// let user = client.update_user("user-1", UpdateUser::new().phone_number("+64270000000")).await?;
    /// assert!(!user.phone_number_verified);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_user(
        &self,
        user_id: impl AsRef<str>,
        request: impl Into<UpdateUser>,
    ) -> Result<UpdatedUser, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let call = self.transport.patch(&["users", user], &request.into())?.safe_to_repeat();
        self.transport.run(&call).await
    }
}
