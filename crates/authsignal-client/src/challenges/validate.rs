//! Validating the token that a user brings back from a challenge.
use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::other::{OtherMembers, takes_other_members};
use crate::types::{ActionState, Timestamp, Token, VerificationMethod};

/// A question about a token, for [`Client::validate_challenge`].
///
/// # Examples
///
/// ```
/// use authsignal_client::Validate;
///
/// let request = Validate::new("the-token-of-the-callback").user_id("user-1").action("withdrawal");
/// assert!(!format!("{request:?}").contains("the-token"));
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Validate {
    token: Token,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<String>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(Validate);

impl Validate {
    /// What does `token` prove? It comes from the callback, from a client SDK, or from track.
    pub fn new(token: impl Into<String>) -> Self {
        Token::new(token).into()
    }

    /// It has to be this user's, or it is not valid. Default: any user's.
    pub fn user_id(mut self, user_id: impl Into<String>) -> Self {
        self.user_id = Some(user_id.into());
        self
    }

    /// It has to be for this action, or it is not valid. Default: any.
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }
}

impl From<&str> for Validate {
    fn from(token: &str) -> Self {
        Self::new(token)
    }
}

impl From<Token> for Validate {
    fn from(token: Token) -> Self {
        Self { token, user_id: None, action: None, other: OtherMembers::default() }
    }
}

/// What a token proves, from [`Client::validate_challenge`].
///
/// Go on only if it [`is_valid`](Self::is_valid), its state is
/// [`ChallengeSucceeded`](ActionState::ChallengeSucceeded), and user, action and idempotency key are those of the
/// attempt at hand: the service does not say that a token is good only once.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Wire")]
#[non_exhaustive]
pub struct Validated {
    /// Whether a challenge was completed. False where the service does not say.
    pub is_valid: bool,
    /// Where the action stands.
    pub state: Option<ActionState>,
    /// The time of the last change of the state.
    pub state_updated_at: Option<Timestamp>,
    /// The user's id.
    pub user_id: Option<String>,
    /// The action's code: `action`, or `actionCode` (the SDKs read one or the other, the service sends both).
    pub action: Option<String>,
    /// The key of the attempt.
    pub idempotency_key: Option<String>,
    /// With what the user proved themselves.
    pub verification_method: Option<VerificationMethod>,
    /// The session of a Veriff check.
    pub veriff_session_id: Option<String>,
    /// Why the token is not valid, a sentence of the service's for a log. It has no secret in it.
    pub error: Option<String>,
    /// Members that this version does not know.
    pub other: OtherMembers,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wire {
    is_valid: Option<bool>,
    state: Option<ActionState>,
    state_updated_at: Option<Timestamp>,
    user_id: Option<String>,
    action: Option<String>,
    action_code: Option<String>,
    idempotency_key: Option<String>,
    verification_method: Option<VerificationMethod>,
    veriff_session_id: Option<String>,
    error: Option<String>,
    #[serde(flatten)]
    other: OtherMembers,
}

impl TryFrom<Wire> for Validated {
    type Error = &'static str;

    fn try_from(wire: Wire) -> Result<Self, Self::Error> {
        let action = match (wire.action, wire.action_code) {
            (Some(action), Some(code)) if action != code => return Err("`action` and `actionCode` differ"),
            (action, code) => action.or(code),
        };
        Ok(Self {
            is_valid: wire.is_valid.unwrap_or(false),
            state: wire.state,
            state_updated_at: wire.state_updated_at,
            user_id: wire.user_id,
            action,
            idempotency_key: wire.idempotency_key,
            verification_method: wire.verification_method,
            veriff_session_id: wire.veriff_session_id,
            error: wire.error,
            other: wire.other,
        })
    }
}

impl Validated {
    fn not_valid(error: Option<String>) -> Self {
        Self {
            is_valid: false,
            state: None,
            state_updated_at: None,
            user_id: None,
            action: None,
            idempotency_key: None,
            verification_method: None,
            veriff_session_id: None,
            error,
            other: OtherMembers::default(),
        }
    }
}

impl Client {
    /// Asks what a token proves: `POST /validate`.
    ///
    /// A token that proves nothing is an answer and no error, in every form in which services have said so: status 200
    /// with `isValid` false or absent, 400, 422, and 401 with a code other than `unauthorized` (fixtures in the
    /// histories of the ruby, php and python SDKs).
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthorized`](crate::ErrorKind::Unauthorized) when it is the secret key that is refused: 401 with
    /// the code `unauthorized`, or with none. [`Malformed`](crate::ErrorKind::Malformed) also when the answer names two
    /// actions; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::{ActionState, Validate};
    ///
    /// let request = Validate::new("the-token-of-the-callback").user_id("user-1").action("withdrawal");
    /// let validated = client.validate_challenge(request).await?;
    /// if validated.is_valid && validated.state == Some(ActionState::ChallengeSucceeded) {
    ///     // compare user, action and idempotency key with the attempt that was started
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn validate_challenge(&self, request: impl Into<Validate>) -> Result<Validated, Error> {
        let request = request.into();
        let call = self.transport.post(&["validate"], &request)?.safe_to_repeat().hedged();
        let call = call.carrying(request.token.secret());
        match self.transport.run::<Validated>(&call).await {
            Ok(mut validated) => {
                validated.error = validated.error.map(|error| self.transport.redactor(&call).message(&error));
                Ok(validated)
            }
            Err(error) if refuses_the_token(&error) => {
                Ok(Validated::not_valid(error.description().or(error.code()).map(str::to_owned)))
            }
            Err(error) => Err(error),
        }
    }
}

fn refuses_the_token(error: &Error) -> bool {
    match error.status() {
        Some(400 | 422) => true,
        Some(401) => error.code().is_some_and(|code| !code.eq_ignore_ascii_case("unauthorized")),
        _ => false,
    }
}
