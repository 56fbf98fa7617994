//! Looking for users: one page, or all of them as a stream.
use std::collections::HashSet;

use futures_util::stream::{self, Stream};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::client::Client;
use crate::error::Error;
use crate::other::OtherMembers;
use crate::transport::json::{null_is_default, objects};
use crate::transport::path;
use crate::types::{Timestamp, Token, VerificationMethod};

/// Whom to look for, for [`Client::query_users`] and [`Client::users_stream`]: at least one of the first four.
///
/// # Examples
///
/// ```
/// use authsignal_client::QueryUsers;
///
/// let query = QueryUsers::new().phone_number("+64270000000").limit(20);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct QueryUsers {
    username: Option<String>,
    email: Option<String>,
    phone_number: Option<String>,
    token: Option<Token>,
    limit: Option<u32>,
    last_evaluated_user_id: Option<String>,
}

/// The setters are the parameters of the request's query (API reference, query users; node `src/types`).
impl QueryUsers {
    /// Nobody yet; as it is, it is refused when it is sent.
    pub fn new() -> Self {
        Self::default()
    }

    /// Users with exactly this name for passkeys.
    pub fn username(mut self, name: impl Into<String>) -> Self {
        self.username = Some(name.into());
        self
    }

    /// Users with exactly this e-mail address.
    pub fn email(mut self, address: impl Into<String>) -> Self {
        self.email = Some(address.into());
        self
    }

    /// Users with exactly this phone number, in E.164 form.
    pub fn phone_number(mut self, number: impl Into<String>) -> Self {
        self.phone_number = Some(number.into());
        self
    }

    /// The user of an ID token of Apple's or Google's, which the service verifies (`start-sign-in.ts` of the Cognito
    /// example).
    ///
    /// It is sent in the query of the URL, which proxies may log; nothing of this crate shows it.
    pub fn token(mut self, id_token: impl Into<Token>) -> Self {
        self.token = Some(id_token.into());
        self
    }

    /// The most users on one page. Default and maximum: the service's, which are not documented.
    pub fn limit(mut self, users: u32) -> Self {
        self.limit = Some(users);
        self
    }

    /// Goes on behind this user, the [`last_evaluated_user_id`](UsersPage::last_evaluated_user_id) of the page before;
    /// [`UsersPage::next`] does it. Default: from the beginning.
    pub fn last_evaluated_user_id(mut self, user_id: impl Into<String>) -> Self {
        self.last_evaluated_user_id = Some(user_id.into());
        self
    }

    /// Whether it looks for somebody. The service refuses a query that does not (tests of the go and php SDKs), and an
    /// attribute left empty by mistake must not find everybody.
    fn check(&self) -> Result<(), Error> {
        let token = self.token.as_ref().map(Token::secret);
        let filters = [self.username.as_deref(), self.email.as_deref(), self.phone_number.as_deref(), token];
        if filters.contains(&Some("")) {
            return Err(Error::invalid_input("invalid query: it looks for an empty text"));
        }
        if filters.iter().all(Option::is_none) {
            return Err(Error::invalid_input(
                "invalid query: it needs a name, an e-mail address, a phone number or a token",
            ));
        }
        Ok(())
    }
}

/// Some of the users who were looked for, from [`Client::query_users`].
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UsersPage {
    /// The users. A page may be empty and not be the last.
    #[serde(deserialize_with = "objects")]
    pub users: Vec<UserSummary>,
    /// The user after whom the next page begins, if there is one.
    pub last_evaluated_user_id: Option<String>,
    /// What the ID token says, if there was one in the query. Its signature was verified by the service.
    pub token_payload: Option<Map<String, Value>>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
    /// What this page answers.
    #[serde(skip)]
    query: QueryUsers,
}

impl UsersPage {
    /// The query of the next page, if there is one.
    #[must_use]
    pub fn next(&self) -> Option<QueryUsers> {
        let last = self.last_evaluated_user_id.as_ref().filter(|last| !last.is_empty())?;
        Some(self.query.clone().last_evaluated_user_id(last))
    }
}

/// A user who was looked for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct UserSummary {
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
    /// The name that passkeys show. This and what follows is in the API reference and in no SDK.
    pub display_name: Option<String>,
    /// Whether the user has at least one verified method.
    pub is_enrolled: Option<bool>,
    /// What the user has enrolled.
    #[serde(default, deserialize_with = "null_is_default")]
    pub enrolled_verification_methods: Vec<VerificationMethod>,
    /// When the user was created.
    pub created_at: Option<Timestamp>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// Where a walk through the pages is.
struct Walk {
    client: Client,
    next: Option<QueryUsers>,
    users: std::vec::IntoIter<UserSummary>,
    /// The cursors so far.
    seen: HashSet<String>,
}

impl Walk {
    async fn turn_to(&mut self, query: QueryUsers) -> Result<(), Error> {
        let page = self.client.query_users(query).await?;
        self.next = page.next();
        let cursor = self.next.as_ref().and_then(|next| next.last_evaluated_user_id.clone());
        if cursor.is_some_and(|cursor| !self.seen.insert(cursor)) {
            return Err(Error::malformed("the next page is one that was there before"));
        }
        self.users = page.users.into_iter();
        Ok(())
    }
}

impl Client {
    /// Looks for users, one page at a time: `GET /users`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) when nothing says whom to look for, or says
    /// it with an empty text; else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use authsignal_client::QueryUsers;
    ///
    /// let mut next = Some(QueryUsers::new().email("ada@example.com"));
    /// while let Some(query) = next {
    ///     let page = client.query_users(query).await?;
    ///     for user in &page.users {
    ///         println!("{}", user.user_id);
    ///     }
    ///     next = page.next();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn query_users(&self, query: impl Into<QueryUsers>) -> Result<UsersPage, Error> {
        let query = query.into();
        query.check()?;
        let limit = query.limit.map(|limit| limit.to_string());
        let token = query.token.as_ref().map(Token::secret);
        let mut call = self.transport.get(&["users"])?.about_many().asking([
            ("username", query.username.as_deref()),
            ("email", query.email.as_deref()),
            ("phoneNumber", query.phone_number.as_deref()),
            ("token", token),
            ("limit", limit.as_deref()),
            ("lastEvaluatedUserId", query.last_evaluated_user_id.as_deref()),
        ])?;
        if let Some(token) = token {
            call = call.carrying(token).carrying(path::encoded(token));
        }
        let mut page: UsersPage = self.transport.run(&call).await?;
        page.query = query;
        Ok(page)
    }

    /// Looks for users and gives them one after the other, asking for the next page whenever one is used up.
    ///
    /// The stream is one of `futures-core`; `futures-util` and others have methods for it. A walk ends with its first
    /// error. Each page is a call of its own, with its own deadline and its own repetitions.
    /// A service that would lead it round in circles is found out, and that is
    /// [`Malformed`](crate::ErrorKind::Malformed).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use std::pin::pin;
    ///
    /// use authsignal_client::QueryUsers;
    /// use futures_util::TryStreamExt;
    ///
    /// let mut users = pin!(client.users_stream(QueryUsers::new().email("ada@example.com")));
    /// while let Some(user) = users.try_next().await? {
    ///     println!("{}", user.user_id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn users_stream(&self, query: QueryUsers) -> impl Stream<Item = Result<UserSummary, Error>> + Send + use<> {
        let walk = Walk {
            client: self.clone(),
            seen: query.last_evaluated_user_id.iter().cloned().collect(),
            next: Some(query),
            users: Vec::new().into_iter(),
        };
        stream::try_unfold(walk, |mut walk| async move {
            loop {
                if let Some(user) = walk.users.next() {
                    return Ok(Some((user, walk)));
                }
                let Some(query) = walk.next.take() else { return Ok(None) };
                walk.turn_to(query).await?;
            }
        })
    }
}
