//! Tracking an action: the question whether it may go on, and the answer.
use std::borrow::Borrow;
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::crypto::Crypto;
use crate::client::Client;
use crate::custom::CustomData;
use crate::error::Error;
use crate::ids::{ActionCode, IdempotencyKey, action_code_of, user_id_of};
use crate::other::{OtherMembers, takes_other_members};
use crate::transport::json::{null_is_default, texts_or_nothing};
use crate::types::{ActionState, ChallengeUrl, Token, VerificationMethod};

/// An attempt at an action, for [`Client::track`]. Only the action's code is needed.
///
/// # Examples
///
/// ```
/// use authsignal_client::{CustomData, Track};
///
/// let request = Track::new("withdrawal")
///     .redirect_url("https://app.example.com/callback")
///     .ip_address("203.0.113.42")
///     .custom(CustomData::new().with("amount", 100));
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Track {
    #[serde(skip)]
    action: Arc<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    idempotency_key: Option<IdempotencyKey>,
    /// Whether the service makes the key.
    #[serde(skip)]
    keyless: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    redirect_to_settings: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    device_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "CustomData::is_empty")]
    custom: CustomData,
    #[serde(skip_serializing_if = "Option::is_none")]
    challenge_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_domain: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    crypto: Option<Crypto>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(Track);

/// The setters are the members of the request's body (API reference, track action; node `src/types`).
impl Track {
    /// An attempt at `action`, whose code is checked when it is sent: 1 to 64 letters, digits, `_` and `-`.
    pub fn new(action: impl Into<String>) -> Self {
        Self::of(action.into().into())
    }

    fn of(action: Arc<str>) -> Self {
        Self {
            action,
            idempotency_key: None,
            keyless: false,
            redirect_url: None,
            redirect_to_settings: None,
            email: None,
            phone_number: None,
            username: None,
            ip_address: None,
            user_agent: None,
            device_id: None,
            scope: None,
            custom: CustomData::new(),
            challenge_id: None,
            locale: None,
            custom_domain: None,
            crypto: None,
            other: OtherMembers::default(),
        }
    }

    /// The key of this attempt. Default: a new random key for every call of [`Client::track`].
    ///
    /// What the service does with a key that it knows is not documented: it may give the old action, in any state.
    /// Never use one again for a new authorisation.
    pub fn idempotency_key(mut self, key: IdempotencyKey) -> Self {
        self.idempotency_key = Some(key);
        self.keyless = false;
        self
    }

    /// Leaves the key to the service, as the SDKs do where they are given none, in place of an earlier
    /// [`idempotency_key`](Self::idempotency_key). Default: this client makes one.
    ///
    /// Such a call is not repeated once something of it was sent: two copies are two actions. What a lost answer was about
    /// cannot be known then.
    pub fn without_idempotency_key(mut self) -> Self {
        self.idempotency_key = None;
        self.keyless = true;
        self
    }

    /// With a key, unless the service is to make it.
    fn with_key(mut self) -> Self {
        if !self.keyless {
            self.idempotency_key.get_or_insert_with(IdempotencyKey::random);
        }
        self
    }

    /// Where the challenge page sends the browser afterwards, with a query parameter `token` added. Default: none, the
    /// page stays.
    pub fn redirect_url(mut self, url: impl Into<String>) -> Self {
        self.redirect_url = Some(url.into());
        self
    }

    /// Whether the user sees the list of their methods after the challenge, before they are sent back. Default: the
    /// service's, no.
    pub fn redirect_to_settings(mut self, yes: bool) -> Self {
        self.redirect_to_settings = Some(yes);
        self
    }

    /// The user's e-mail address, stored on the user and offered when they enrol.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// The user's phone number in E.164 form (`+64270000000`), stored on the user and offered when they enrol.
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// The user's name for passkeys, stored on the user.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
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

    /// The end user's device, for rules: the value of the browser SDK's `__as_aid` cookie.
    pub fn device_id(mut self, id: impl Into<String>) -> Self {
        self.device_id = Some(id.into());
        self
    }

    /// What the returned token may do with the user's methods: a [`Scope`](crate::Scope), or several with a space
    /// between them. Default: the service's, `read:authenticators`.
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Data points of the action, for rules. Default: none.
    pub fn custom(mut self, data: CustomData) -> Self {
        self.custom = data;
        self
    }

    /// An anonymous challenge that this user claims; its action has to be the same.
    pub fn challenge_id(mut self, id: impl Into<String>) -> Self {
        self.challenge_id = Some(id.into());
        self
    }

    /// The language of page and messages, BCP 47. Default: the service's.
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// Which of the tenant's active custom domains the challenge URL has. Default: the tenant's default.
    pub fn custom_domain(mut self, domain: impl Into<String>) -> Self {
        self.custom_domain = Some(domain.into());
        self
    }

    /// The transaction of a crypto withdrawal, for rules (go `types.go`).
    pub fn crypto(mut self, crypto: Crypto) -> Self {
        self.crypto = Some(crypto);
        self
    }
}

impl From<&str> for Track {
    fn from(action: &str) -> Self {
        Self::new(action)
    }
}

impl From<String> for Track {
    fn from(action: String) -> Self {
        Self::new(action)
    }
}

impl From<ActionCode> for Track {
    fn from(action: ActionCode) -> Self {
        Self::of(action.into())
    }
}

/// The service's decision about an attempt, from [`Client::track`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Tracked {
    /// The decision.
    pub state: ActionState,
    /// The key of this attempt: the one that was sent, or the service's where none was.
    pub idempotency_key: IdempotencyKey,
    /// Whether the user has a verified method. A user who has none is allowed what others are challenged for
    /// (docs, FAQ).
    pub is_enrolled: Option<bool>,
    /// The challenge page for this attempt.
    pub url: Option<ChallengeUrl>,
    /// The token for the client SDKs, good for about ten minutes.
    pub token: Option<Token>,
    /// With what the user may prove themselves.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allowed_verification_methods: Vec<VerificationMethod>,
    /// What the user has enrolled.
    #[serde(default, deserialize_with = "null_is_default")]
    pub enrolled_verification_methods: Vec<VerificationMethod>,
    /// The method that the user is asked for first.
    pub default_verification_method: Option<VerificationMethod>,
    /// The rules that matched.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rule_ids: Vec<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// What decides about an attempt, from [`Client::track_decision`]: the part of [`Tracked`] that whoever guards something
/// acts upon.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct TrackDecision {
    /// The decision.
    pub state: ActionState,
    /// The key of this attempt: the one that was sent, or the service's where none was.
    pub idempotency_key: IdempotencyKey,
    /// Whether the user has a verified method. A user who has none is allowed what others are challenged for
    /// (docs, FAQ).
    pub is_enrolled: Option<bool>,
    /// The challenge page for this attempt.
    pub url: Option<ChallengeUrl>,
    /// The token for the client SDKs, good for about ten minutes.
    pub token: Option<Token>,
    /// The rules that matched. They decide nothing, so an answer that lists none in a way that is understood has none.
    #[serde(default, deserialize_with = "texts_or_nothing")]
    pub rule_ids: Vec<String>,
}

/// An answer that says which attempt it is about.
trait OfAttempt: DeserializeOwned {
    fn idempotency_key(&self) -> &IdempotencyKey;
}

impl OfAttempt for Tracked {
    fn idempotency_key(&self) -> &IdempotencyKey {
        &self.idempotency_key
    }
}

impl OfAttempt for TrackDecision {
    fn idempotency_key(&self) -> &IdempotencyKey {
        &self.idempotency_key
    }
}

impl Client {
    /// Asks for a decision about an attempt of a user: `POST /users/{userId}/actions/{action}`.
    ///
    /// The user is created if there is none. The request carries an idempotency key, its own or a random one, and every try
    /// of one call the same, so that repeating it makes no second action. Only
    /// [`without_idempotency_key`](Track::without_idempotency_key) leaves it out, and is not repeated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a [`UserId`](crate::UserId) or an
    /// [`ActionCode`], and for numbers that are not finite; [`Malformed`](crate::ErrorKind::Malformed) also when the
    /// answer is about another idempotency key; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let tracked = client.track("user-1", "withdrawal").await?;
    /// println!("{}", tracked.state);
    /// # Ok(())
    /// # }
    /// ```
    pub async fn track(&self, user_id: impl AsRef<str>, request: impl Into<Track>) -> Result<Tracked, Error> {
        self.track_as(user_id.as_ref(), &request.into().with_key()).await
    }

    /// As [`track`](Self::track), but reads of the answer only what decides. Members besides these are neither kept nor looked
    /// at: the call costs less, and a list of methods that cannot be read is no reason to have no decision. Whoever needs the
    /// request afterwards lends it.
    ///
    /// # Errors
    ///
    /// As [`track`](Self::track).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::{ActionState, Track};
    ///
    /// let decision = client.track_decision("user-1", Track::new("withdrawal")).await?;
    /// let may_go_on = decision.state == ActionState::Allow;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn track_decision(
        &self,
        user_id: impl AsRef<str>,
        request: impl Borrow<Track>,
    ) -> Result<TrackDecision, Error> {
        let request = request.borrow();
        let lacks_key = request.idempotency_key.is_none();
        let with_key = lacks_key.then(|| Box::new(request.clone().with_key()));
        self.track_as(user_id.as_ref(), with_key.as_deref().unwrap_or(request)).await
    }

    async fn track_as<T: OfAttempt>(&self, user_id: &str, request: &Track) -> Result<T, Error> {
        let user = user_id_of(user_id)?;
        let action = action_code_of(&request.action)?;
        let mut call = self.transport.post(&["users", user, "actions", action], request)?;
        if !request.keyless {
            call = call.safe_to_repeat();
        }
        let tracked: T = self.transport.run(&call).await?;
        // T72: whatever is decided about another attempt, this one has no decision.
        if request.idempotency_key.as_ref().is_some_and(|key| key != tracked.idempotency_key()) {
            return Err(Error::malformed("it answers another idempotency key"));
        }
        Ok(tracked)
    }
}
