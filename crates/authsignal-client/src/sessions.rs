//! Sessions of app clients: made, validated, refreshed, revoked.
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::Error;
use crate::ids::user_id_of;
use crate::other::{Body, OtherMembers, takes_other_members};
use crate::transport::json::{null_is_default, object};
use crate::types::{Token, UnixSeconds, VerificationMethod};

/// What a session is made of, for [`Client::create_session`].
///
/// # Examples
///
/// ```
/// use authsignal_client::CreateSession;
///
/// let request = CreateSession::new("the-token-of-the-callback", "the-app-client-id").action("signIn");
/// assert!(!format!("{request:?}").contains("the-token"));
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct CreateSession {
    token: Token,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(CreateSession);

impl CreateSession {
    /// The token of a challenge that was completed, and the app client that the session is for.
    pub fn new(token: impl Into<Token>, client_id: impl Into<String>) -> Self {
        Self { token: token.into(), client_id: client_id.into(), action: None, other: OtherMembers::default() }
    }

    /// The token has to be for this action. Default: any. Only node has it.
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }
}

impl<T: Into<Token>, C: Into<String>> From<(T, C)> for CreateSession {
    /// The token, and the id of the app client.
    fn from((token, client_id): (T, C)) -> Self {
        Self::new(token, client_id)
    }
}

/// The tokens of a session, from [`Client::create_session`] and [`Client::refresh_session`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Session {
    /// The token that the user shows: a JWT, for the app client.
    pub access_token: Token,
    /// The token that makes a new pair, once.
    pub refresh_token: Token,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A question about an access token, for [`Client::validate_session`].
///
/// # Examples
///
/// ```
/// use authsignal_client::ValidateSession;
///
/// let request = ValidateSession::new("the-access-token").client_ids(["the-app-client-id"]);
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct ValidateSession {
    access_token: Token,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_ids: Option<Vec<String>>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(ValidateSession);

impl ValidateSession {
    /// Whose is this access token?
    pub fn new(access_token: impl Into<Token>) -> Self {
        Self { access_token: access_token.into(), client_ids: None, other: OtherMembers::default() }
    }

    /// It has to be for one of these app clients. Default: any of the tenant's. An empty list is refused when the
    /// request is sent.
    pub fn client_ids<C: Into<String>>(mut self, ids: impl IntoIterator<Item = C>) -> Self {
        self.client_ids = Some(ids.into_iter().map(Into::into).collect());
        self
    }
}

impl From<&str> for ValidateSession {
    fn from(access_token: &str) -> Self {
        Self::new(access_token)
    }
}

impl From<String> for ValidateSession {
    fn from(access_token: String) -> Self {
        Self::new(access_token)
    }
}

impl From<Token> for ValidateSession {
    fn from(access_token: Token) -> Self {
        Self::new(access_token)
    }
}

/// A session that is good, from [`Client::validate_session`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ValidSession {
    /// The user of the session.
    #[serde(deserialize_with = "object")]
    pub user: SessionUser,
    /// The time at which the access token ends.
    pub expires_at: UnixSeconds,
    /// With what the user proved themselves; only node reads it.
    pub verification_method: Option<VerificationMethod>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// The user of a session.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SessionUser {
    /// The user's id.
    pub user_id: String,
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
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessToken<'a> {
    access_token: &'a Token,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RefreshToken<'a> {
    refresh_token: &'a Token,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Whose<'a> {
    user_id: &'a str,
}

impl Body for AccessToken<'_> {}
impl Body for RefreshToken<'_> {}
impl Body for Whose<'_> {}

impl Client {
    /// Makes a session of a challenge that was completed: `POST /sessions`.
    ///
    /// The tenant needs an app client, and its JWKS URL switched on (docs, session management). Every call makes a
    /// session, so this is never sent a second time once something of it was sent, except where the service asks for
    /// that (429 with `Retry-After`).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`](crate::ErrorKind::Rejected) for a token whose challenge was not completed; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let session = client.create_session(("the-token-of-the-callback", "the-app-client-id")).await?;
    /// let header = format!("Bearer {}", session.access_token.secret());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn create_session(&self, request: impl Into<CreateSession>) -> Result<Session, Error> {
        let request = request.into();
        let call = self.transport.post(&["sessions"], &request)?.confidential().carrying(request.token.secret());
        self.transport.run(&call).await
    }

    /// Asks whose an access token is, and whether it is good still: `POST /sessions/validate`.
    ///
    /// Unlike a check of its signature alone it sees whether the session was revoked.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`](crate::ErrorKind::Unauthorized) for a session that is over, was revoked or never was
    /// (the one answer known to us is in the history of the ruby SDK: 401 with the code `unauthorized`, the same as for
    /// a wrong secret key); [`InvalidInput`](crate::ErrorKind::InvalidInput) for an empty list of app clients; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::ValidateSession;
    ///
    /// let request = ValidateSession::new("the-access-token").client_ids(["the-app-client-id"]);
    /// println!("{}", client.validate_session(request).await?.user.user_id);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn validate_session(&self, request: impl Into<ValidateSession>) -> Result<ValidSession, Error> {
        let request = request.into();
        if request.client_ids.as_ref().is_some_and(Vec::is_empty) {
            return Err(Error::invalid_input("invalid app clients: the list is empty"));
        }
        let call = self.transport.post(&["sessions", "validate"], &request)?.safe_to_repeat();
        self.transport.run(&call.carrying(request.access_token.secret())).await
    }

    /// Makes a new pair of tokens, and ends the one before: `POST /sessions/refresh`.
    ///
    /// This is never sent a second time once something of it was sent, except where the service asks for that (429 with
    /// `Retry-After`): a pair whose answer was lost is lost, and the user has to sign in again.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`](crate::ErrorKind::Unauthorized) or [`Rejected`](crate::ErrorKind::Rejected) for a
    /// refresh token that is over, was used or never was; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let session = client.refresh_session("the-refresh-token").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn refresh_session(&self, refresh_token: impl Into<Token>) -> Result<Session, Error> {
        let refresh_token = refresh_token.into();
        let body = RefreshToken { refresh_token: &refresh_token };
        let call = self.transport.post(&["sessions", "refresh"], &body)?.confidential();
        self.transport.run(&call.carrying(refresh_token.secret())).await
    }

    /// Ends the session of an access token: `POST /sessions/revoke`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Malformed`](crate::ErrorKind::Malformed) also when the answer denies that it is done; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// client.revoke_session("the-access-token").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke_session(&self, access_token: impl Into<Token>) -> Result<(), Error> {
        let access_token = access_token.into();
        let body = AccessToken { access_token: &access_token };
        let call = self.transport.post(&["sessions", "revoke"], &body)?.safe_to_repeat();
        self.transport.run_done(&call.carrying(access_token.secret())).await
    }

    /// Ends all sessions of a user: `POST /sessions/user/revoke`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a [`UserId`](crate::UserId);
    /// [`Malformed`](crate::ErrorKind::Malformed) also when the answer denies that it is done; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// client.revoke_user_sessions("user-1").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn revoke_user_sessions(&self, user_id: impl AsRef<str>) -> Result<(), Error> {
        let user = user_id_of(user_id.as_ref())?;
        let body = Whose { user_id: user };
        let call = self.transport.post(&["sessions", "user", "revoke"], &body)?.safe_to_repeat();
        self.transport.run_done(&call).await
    }
}
