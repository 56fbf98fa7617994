//! Who is asking.
#![allow(clippy::result_large_err, reason = "the error is the response itself, as in axum's own rejections")]

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use http::request::Parts;

/// The user of a request, as the application knows them.
///
/// # Examples
///
/// ```
/// use axum_authsignal::User;
///
/// let user = User::new("user-1").session("the session's id").email("ada@example.com");
/// assert_eq!(user.id(), "user-1");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    pub(crate) id: String,
    pub(crate) session: Option<String>,
    pub(crate) is_bearer: bool,
    pub(crate) is_machine: bool,
    /// Who acts as this user.
    pub(crate) impersonator: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) phone_number: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) locale: Option<String>,
}

impl User {
    /// The user with this id: 1 to 1,024 bytes, no control characters, not `.` or `..`.
    ///
    /// An id that breaks these rules makes no [`UserId`](crate::UserId); its requests are refused with 403.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            session: None,
            is_bearer: false,
            is_machine: false,
            impersonator: None,
            email: None,
            phone_number: None,
            username: None,
            locale: None,
        }
    }

    /// Binds approvals to this session of the user's: after a logout, in another session, they are worth nothing.
    /// Any text that stays the same while the session lasts. Default: approvals are bound to user and browser only.
    #[must_use]
    pub fn session(mut self, session: impl Into<String>) -> Self {
        self.session = Some(session.into());
        self
    }

    /// Says that this request shows who its user is by something that no browser adds by itself (`Authorization: Bearer`, an
    /// API key, a client certificate), in this session: the token's id (`jti`, `sid`), say, or the key's.
    ///
    /// Such a client needs no cookie of ours. It repeats the request that was challenged with the token of the proof in the
    /// header `authsignal-token`, each time anew: nothing is [remembered](crate::AuthsignalLayer::remember) for it. Default:
    /// approvals are a browser's, which brings our cookie.
    #[must_use]
    pub fn bearer(mut self, session: impl Into<String>) -> Self {
        self.is_bearer = true;
        self.session(session)
    }

    /// Says that no person is behind this request: it is a service's, by a token of the user's, or scheduled work. What becomes
    /// of it is for its route to say ([`AuthsignalLayer::machines`](crate::AuthsignalLayer::machines)): refused, unless it says
    /// otherwise. Default: the user is there.
    #[must_use]
    pub fn machine(mut self) -> Self {
        self.is_machine = true;
        self
    }

    /// Says that somebody else acts as this user, such as an administrator who looks at a page as the user sees it: by the
    /// id of their own, by which Authsignal knows them. What becomes of the request is for its route to say
    /// ([`AuthsignalLayer::impersonation`](crate::AuthsignalLayer::impersonation)): refused, unless it says otherwise. It comes
    /// before [`machine`](Self::machine). Default: nobody does.
    ///
    /// # Examples
    ///
    /// ```
    /// # use axum_authsignal::User;
    /// # struct Session { user: String, admin: Option<String> }
    /// fn identity(session: Session) -> User {
    ///     let user = User::new(session.user);
    ///     match session.admin {
    ///         Some(admin) => user.impersonated_by(admin),
    ///         None => user,
    ///     }
    /// }
    /// ```
    #[must_use]
    pub fn impersonated_by(mut self, impersonator: impl Into<String>) -> Self {
        self.impersonator = Some(impersonator.into());
        self
    }

    /// The id of who proves something for this request.
    pub(crate) fn prover(&self) -> &str {
        self.impersonator.as_ref().unwrap_or(&self.id)
    }

    /// Whether it is the account's own user who asks.
    pub(crate) fn is_person(&self) -> bool {
        !self.is_machine && self.impersonator.is_none()
    }

    /// The address that the service offers when the user enrols by e-mail. Default: none is sent.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// The number that the service offers when the user enrols by SMS, in E.164 form. Default: none is sent.
    #[must_use]
    pub fn phone_number(mut self, phone_number: impl Into<String>) -> Self {
        self.phone_number = Some(phone_number.into());
        self
    }

    /// The name that a passkey is made for. Default: none is sent.
    #[must_use]
    pub fn username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// The language of the challenge and of messages (BCP 47), `en-NZ` for example. Default: the one that the browser likes
    /// best, by `Accept-Language`.
    #[must_use]
    pub fn locale(mut self, locale: impl Into<String>) -> Self {
        self.locale = Some(locale.into());
        self
    }

    /// The user's id, as it was given.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Tells who is asking; for what the closures of
/// [`AuthsignalBuilder::identify`](crate::AuthsignalBuilder::identify) cannot say.
pub trait Identify: Send + Sync + 'static {
    /// The user of a request, `None` if nobody is signed in, or a response that answers the request instead.
    ///
    /// # Errors
    ///
    /// A response that is sent as it is; the handler does not run.
    fn identify(&self, parts: &mut Parts) -> impl Future<Output = Result<Option<User>, Response>> + Send;
}

type Identified<'a> = Pin<Box<dyn Future<Output = Result<Option<User>, Response>> + Send + 'a>>;

/// [`Identify`] as a trait object.
trait ErasedIdentify: Send + Sync {
    fn identify<'a>(&'a self, parts: &'a mut Parts) -> Identified<'a>;
}

impl<I: Identify> ErasedIdentify for I {
    fn identify<'a>(&'a self, parts: &'a mut Parts) -> Identified<'a> {
        Box::pin(Identify::identify(self, parts))
    }
}

/// Any way to tell who is asking.
#[derive(Clone)]
pub(crate) struct AnyIdentify(Arc<dyn ErasedIdentify>);

impl AnyIdentify {
    pub(crate) fn new(identify: impl Identify) -> Self {
        Self(Arc::new(identify))
    }

    pub(crate) async fn identify(&self, parts: &mut Parts) -> Result<Option<User>, Response> {
        self.0.identify(parts).await
    }
}

impl fmt::Debug for AnyIdentify {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identify")
    }
}

/// What a closure that identifies may give: a [`User`], an `Option` of one, or a `Result` of either whose error answers
/// the request.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who the user is",
    label = "a closure that identifies gives `User`, `Option<User>`, or a `Result` of these",
    note = "map the user of your session into one: `session.user_id.map(axum_authsignal::User::new)`"
)]
pub trait IntoIdentity: sealed::Identity {
    /// The user, nobody, or a response in the place of either.
    ///
    /// # Errors
    ///
    /// The response that answers the request.
    fn into_identity(self) -> Result<Option<User>, Response>;
}

mod sealed {
    /// Keeps [`IntoIdentity`](super::IntoIdentity) to the types that it is written for.
    #[expect(unnameable_types, reason = "it is there to be out of reach")]
    pub trait Identity {}
    impl Identity for super::User {}
    impl Identity for Option<super::User> {}
    impl<T: Identity, E> Identity for Result<T, E> {}
}

impl IntoIdentity for User {
    fn into_identity(self) -> Result<Option<User>, Response> {
        Ok(Some(self))
    }
}

impl IntoIdentity for Option<User> {
    fn into_identity(self) -> Result<Option<User>, Response> {
        Ok(self)
    }
}

impl<T: IntoIdentity, E: IntoResponse> IntoIdentity for Result<T, E> {
    fn into_identity(self) -> Result<Option<User>, Response> {
        self.map_err(IntoResponse::into_response)?.into_identity()
    }
}

/// An async closure over axum extractors that says who the user is.
///
/// It is implemented for closures of one to eight arguments, each an extractor that needs no body
/// ([`FromRequestParts`]) for the state `S`.
#[diagnostic::on_unimplemented(
    message = "this closure cannot tell who the user is",
    label = "not an async closure over extractors that gives a `User`",
    note = "write `|session: MySession| async move {{ session.user_id.map(User::new) }}`: one to eight arguments, each \
            an extractor that implements `FromRequestParts<S>`, and `User` or `Option<User>` as the outcome",
    note = "an extractor that needs the router's state goes with `identify_with_state(state, closure)`"
)]
pub trait IdentifyFn<S, T>: Send + Sync + 'static {
    /// Runs the extractors, then the closure.
    fn call(&self, parts: &mut Parts, state: &S) -> impl Future<Output = Result<Option<User>, Response>> + Send;
}

macro_rules! identify_fn {
    ($($extractor:ident)+) => {
        impl<F, Fut, S, $($extractor,)+> IdentifyFn<S, ($($extractor,)+)> for F
        where
            F: Fn($($extractor,)+) -> Fut + Send + Sync + 'static,
            Fut: Future<Output: IntoIdentity> + Send,
            S: Send + Sync,
            $($extractor: FromRequestParts<S> + Send,)+
        {
            #[allow(non_snake_case, reason = "the arguments are named after their types")]
            async fn call(&self, parts: &mut Parts, state: &S) -> Result<Option<User>, Response> {
                $(
                    let $extractor =
                        $extractor::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
                )+
                let identity = self($($extractor,)+);
                identity.await.into_identity()
            }
        }
    };
}

identify_fn!(A);
identify_fn!(A B);
identify_fn!(A B C);
identify_fn!(A B C D);
identify_fn!(A B C D E);
identify_fn!(A B C D E G);
identify_fn!(A B C D E G H);
identify_fn!(A B C D E G H I);

/// A closure over extractors, with the state that they need.
pub(crate) struct Extracting<F, S, T> {
    closure: F,
    state: S,
    arguments: PhantomData<fn(T)>,
}

impl<F, S, T> Extracting<F, S, T> {
    pub(crate) fn new(closure: F, state: S) -> Self {
        Self { closure, state, arguments: PhantomData }
    }
}

impl<F, S, T> Identify for Extracting<F, S, T>
where
    F: IdentifyFn<S, T>,
    S: Send + Sync + 'static,
    T: 'static,
{
    async fn identify(&self, parts: &mut Parts) -> Result<Option<User>, Response> {
        self.closure.call(parts, &self.state).await
    }
}

/// A plain closure over the parts of a request.
pub(crate) struct FromParts<F>(pub(crate) F);

impl<F> Identify for FromParts<F>
where
    F: Fn(&Parts) -> Option<User> + Send + Sync + 'static,
{
    async fn identify(&self, parts: &mut Parts) -> Result<Option<User>, Response> {
        Ok((self.0)(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_and_addresses_do_not_show_in_debug() {
        let user = User::new("ada").session("canary-session").email("canary@example.com").phone_number("+64canary");
        assert_eq!(format!("{user:?}"), "User { id: \"ada\", .. }");
    }
}
