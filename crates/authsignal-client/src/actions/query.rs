//! Looking for the actions of a user.
use serde::Deserialize;

use crate::client::Client;
use crate::error::Error;
use crate::ids::{ActionCode, action_code_of, user_id_of};
use crate::other::OtherMembers;
use crate::types::{ActionState, Timestamp, VerificationMethod};

/// Which attempts to list, for [`Client::query_user_actions`].
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use authsignal_client::{ActionState, QueryActions};
///
/// let query = QueryActions::new()
///     .codes(["withdrawal", "signIn"])
///     .from_date(SystemTime::now() - Duration::from_secs(24 * 3600))
///     .state(ActionState::ChallengeSucceeded);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct QueryActions {
    codes: Vec<String>,
    from_date: Option<Timestamp>,
    state: Option<ActionState>,
}

/// The setters are the parameters of the request's query (API reference, query user actions; node `src/types`).
impl QueryActions {
    /// All attempts of the last thirty days.
    pub fn new() -> Self {
        Self::default()
    }

    /// Attempts at these actions only. Their codes are checked when the query is sent; none at all stand for every
    /// action. Default: every action.
    pub fn codes<C: Into<String>>(mut self, codes: impl IntoIterator<Item = C>) -> Self {
        self.codes = codes.into_iter().map(Into::into).collect();
        self
    }

    /// Attempts since then only. Default, and the most: thirty days ago.
    pub fn from_date(mut self, moment: impl Into<Timestamp>) -> Self {
        self.from_date = Some(moment.into());
        self
    }

    /// Attempts that stand here only. Default: anywhere.
    pub fn state(mut self, state: ActionState) -> Self {
        self.state = Some(state);
        self
    }
}

impl From<&str> for QueryActions {
    /// Attempts at one action.
    fn from(code: &str) -> Self {
        Self::new().codes([code])
    }
}

impl From<ActionCode> for QueryActions {
    /// Attempts at one action.
    fn from(code: ActionCode) -> Self {
        Self::new().codes([code])
    }
}

impl From<ActionState> for QueryActions {
    /// Attempts that stand here.
    fn from(state: ActionState) -> Self {
        Self::new().state(state)
    }
}

/// One attempt of a user, from [`Client::query_user_actions`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserAction {
    /// The action's code.
    pub action_code: String,
    /// The key of the attempt.
    pub idempotency_key: String,
    /// The time at which it was tracked.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Option<Timestamp>,
    /// The state.
    pub state: ActionState,
    /// The time of the last change of the state.
    pub state_updated_at: Option<Timestamp>,
    /// With what the user proved themselves, once they have.
    pub verification_method: Option<VerificationMethod>,
    /// The authenticator that the user verified with: the id of a [`UserAuthenticator`](crate::UserAuthenticator).
    pub verified_by_authenticator_id: Option<String>,
    /// The user agent that it was tracked with. This and what follows is in the API reference and in no SDK.
    pub user_agent: Option<String>,
    /// The IP address that it was tracked with.
    pub ip_address: Option<String>,
    /// The country of that address, `NZ` for example.
    pub country_code: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

impl Client {
    /// Lists the attempts of a user, of thirty days at most: `GET /users/{userId}/actions`.
    ///
    /// The service does not page them, and says nothing of their order. At most 4 MiB are read, which is some
    /// thousands: narrow the query for users who are that busy.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a
    /// [`UserId`](crate::UserId) or an [`ActionCode`]; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::QueryActions;
    ///
    /// let withdrawals = client.query_user_actions("user-1", "withdrawal").await?;
    /// let all = client.query_user_actions("user-1", QueryActions::new()).await?;
    /// println!("{} of {}", withdrawals.len(), all.len());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn query_user_actions(
        &self,
        user_id: impl AsRef<str>,
        query: impl Into<QueryActions>,
    ) -> Result<Vec<UserAction>, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let query = query.into();
        for code in &query.codes {
            action_code_of(code)?;
        }
        let codes = Some(query.codes.join(",")).filter(|codes| !codes.is_empty());
        let call = self.transport.get(&["users", user, "actions"])?.asking([
            ("fromDate", query.from_date.as_ref().map(Timestamp::as_str)),
            ("codes", codes.as_deref()),
            ("state", query.state.as_ref().map(ActionState::as_str)),
        ])?;
        self.transport.run_list(&call.about_many()).await
    }
}
