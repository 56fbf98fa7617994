use serde::Deserialize;
use serde_json::{Map, Value};

use super::Client;
use super::error::Error;
use super::ids::user_id_of;
use super::json::null_is_default;
use super::types::VerificationMethod;

/// What Authsignal knows about a user, from [`Client::get_user`] (API reference, get user).
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserAttributes {
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
    /// What the user is asked for first.
    pub default_verification_method: Option<VerificationMethod>,
}

impl Client {
    /// Looks up a user: `GET /users/{userId}`.
    ///
    /// A user whom the service does not know is no error: they are not enrolled (the test suites of all SDKs read a
    /// user after deleting it).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](super::ErrorKind::InvalidInput) for an id that is not a [`UserId`](super::UserId);
    /// else as [`ErrorKind`](super::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: axum_authsignal::Client) -> Result<(), axum_authsignal::client::Error> {
    /// if !client.get_user("user-1").await?.is_enrolled {
    ///     println!("nothing enrolled yet");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_user(&self, user_id: impl AsRef<str>) -> Result<UserAttributes, Error> {
        let user = user_id_of(user_id.as_ref())?;
        self.transport.run(&self.transport.get(&["users", user.as_str()])?).await
    }
}
