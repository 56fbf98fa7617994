//! Users: what the service knows about one, and how it forgets.
mod query;
mod update;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::Error;
use crate::ids::{UserId, user_id_of};
use crate::other::OtherMembers;
use crate::transport::json::null_is_default;
use crate::types::VerificationMethod;

pub use query::{QueryUsers, UserSummary, UsersPage};
pub use update::{UpdateUser, UpdatedUser};

/// What Authsignal knows about a user, from [`Client::get_user`] (API reference, get user).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserAttributes {
    /// The user's id; only java's types have it.
    pub user_id: Option<String>,
    /// Whether the user has at least one verified method.
    pub is_enrolled: bool,
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
    /// The user's custom data points.
    #[serde(default, deserialize_with = "null_is_default")]
    pub custom: Map<String, Value>,
    /// What the user may enrol and use.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allowed_verification_methods: Vec<VerificationMethod>,
    /// What the user has enrolled.
    #[serde(default, deserialize_with = "null_is_default")]
    pub enrolled_verification_methods: Vec<VerificationMethod>,
    /// The method that the user is asked for first.
    pub default_verification_method: Option<VerificationMethod>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// Whom to delete, for [`Client::delete_user`]. Only the user's id is needed.
///
/// # Examples
///
/// ```
/// use authsignal_client::DeleteUser;
///
/// let request = DeleteUser::new("user-1").actions(true);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct DeleteUser {
    user_id: String,
    actions: bool,
}

impl DeleteUser {
    /// The user with this id, which is checked when the request is sent.
    pub fn new(user_id: impl Into<String>) -> Self {
        Self { user_id: user_id.into(), actions: false }
    }

    /// Whether the user's actions are deleted too (API reference, delete user). Default: no.
    ///
    /// Another page of the documentation, on user management, says that they always are: set this if they have to be.
    pub fn actions(mut self, yes: bool) -> Self {
        self.actions = yes;
        self
    }
}

impl From<&str> for DeleteUser {
    fn from(user_id: &str) -> Self {
        Self::new(user_id)
    }
}

impl From<String> for DeleteUser {
    fn from(user_id: String) -> Self {
        Self::new(user_id)
    }
}

impl From<&String> for DeleteUser {
    fn from(user_id: &String) -> Self {
        Self::new(user_id)
    }
}

impl From<UserId> for DeleteUser {
    fn from(user_id: UserId) -> Self {
        Self::new(user_id)
    }
}

impl From<&UserId> for DeleteUser {
    fn from(user_id: &UserId) -> Self {
        Self::new(user_id.as_str())
    }
}

impl Client {
    /// Looks up a user: `GET /users/{userId}`.
    ///
    /// A user whom the service does not know is no error: they are not enrolled (the test suites of all SDKs read a
    /// user after deleting it).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a [`UserId`];
    /// else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// if !client.get_user("user-1").await?.is_enrolled {
    ///     println!("nothing enrolled yet");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_user(&self, user_id: impl AsRef<str>) -> Result<UserAttributes, Error> {
        let user = user_id_of(user_id.as_ref())?;
        self.transport.run(&self.transport.get(&["users", user])?).await
    }

    /// Deletes a user and their methods, for good: `DELETE /users/{userId}`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) where the service says that there is no such user, which it is not known
    /// to do; [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a [`UserId`];
    /// [`Malformed`](crate::ErrorKind::Malformed) also when the answer denies that it is done; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::DeleteUser;
    ///
    /// client.delete_user("user-1").await?;
    /// client.delete_user(DeleteUser::new("user-2").actions(true)).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn delete_user(&self, request: impl Into<DeleteUser>) -> Result<(), Error> {
        let request = request.into();
        let user = user_id_of(&request.user_id)?;
        let call = self.transport.delete(&["users", user])?.safe_to_repeat();
        self.transport.run_done(&call.asking([("actions", request.actions.then_some("true"))])?).await
    }
}
