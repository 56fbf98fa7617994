//! Actions as types, so that a handler names the one that it has to be guarded as.
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use axum::extract::FromRequestParts;
use http::request::Parts;

use crate::verdict::{MissingVerdict, Verdict};

/// An action, as a type: written once, named by the layer and by the handler.
///
/// A code that is none (`^[a-zA-Z0-9_-]{1,64}$`) does not build where it is used; `cargo check` alone does not look.
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::post};
/// use axum_authsignal::{Action, Authsignal, AuthsignalLayer, VerdictFor};
///
/// struct Withdrawal;
///
/// impl Action for Withdrawal {
///     const CODE: &'static str = "withdraw";
/// }
///
/// async fn withdraw(verdict: VerdictFor<Withdrawal>) -> String {
///     format!("withdrawn by {}", verdict.user_id())
/// }
///
/// fn app(authsignal: &Authsignal) -> Router {
///     Router::new().route(
///         "/withdraw",
///         post(withdraw).route_layer(AuthsignalLayer::for_action::<Withdrawal>(authsignal)),
///     )
/// }
/// ```
///
/// ```compile_fail,E0080
/// use axum_authsignal::{Action, Authsignal, AuthsignalLayer};
///
/// struct Withdrawal;
///
/// impl Action for Withdrawal {
///     const CODE: &'static str = "with draw";
/// }
///
/// let layer: fn(&Authsignal) -> AuthsignalLayer = AuthsignalLayer::for_action::<Withdrawal>;
/// ```
pub trait Action: 'static {
    /// The action's code at Authsignal: 1 to 64 letters, digits, `_` and `-`.
    const CODE: &'static str;
}

/// The code of an action, checked when the program is compiled.
pub(crate) const fn code<A: Action>() -> &'static str {
    const { assert!(is_code(A::CODE), "`Action::CODE` has to be 1 to 64 letters, digits, `_` and `-`") };
    A::CODE
}

/// What [`ActionCode`](crate::ActionCode) takes, for the compiler.
const fn is_code(text: &str) -> bool {
    let text = text.as_bytes();
    let mut at = 0;
    while at < text.len() {
        if !(text[at].is_ascii_alphanumeric() || text[at] == b'_' || text[at] == b'-') {
            return false;
        }
        at += 1;
    }
    0 < at && at <= 64
}

/// The [`Verdict`] of a request that was decided as the action `A`: an extractor for the handlers of guarded routes.
///
/// On a route whose innermost layer is another action's, or that has none, extracting it fails with 500
/// ([`RefusalReason::Unguarded`](crate::RefusalReason::Unguarded)), and the log names both actions. So a handler that takes
/// it does not run by what a layer around the whole router decided.
pub struct VerdictFor<A> {
    verdict: Verdict,
    action: PhantomData<fn() -> A>,
}

impl<A> VerdictFor<A> {
    /// As the verdict of this action, which the caller knows it is.
    #[cfg(feature = "testing")]
    pub(crate) fn from_verdict(verdict: Verdict) -> Self {
        Self { verdict, action: PhantomData }
    }

    /// The verdict, for what takes one of any action.
    #[must_use]
    pub fn into_verdict(self) -> Verdict {
        self.verdict
    }
}

impl<A> Deref for VerdictFor<A> {
    type Target = Verdict;

    fn deref(&self) -> &Verdict {
        &self.verdict
    }
}

impl<A> From<VerdictFor<A>> for Verdict {
    fn from(verdict: VerdictFor<A>) -> Self {
        verdict.verdict
    }
}

impl<A> Clone for VerdictFor<A> {
    fn clone(&self) -> Self {
        Self { verdict: self.verdict.clone(), action: PhantomData }
    }
}

impl<A> fmt::Debug for VerdictFor<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.verdict.fmt(f)
    }
}

impl<A: Action, S: Sync> FromRequestParts<S> for VerdictFor<A> {
    type Rejection = MissingVerdict;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let wanted = code::<A>();
        let found = parts.extensions.get::<Verdict>();
        match found.filter(|verdict| verdict.action().as_str() == wanted) {
            Some(verdict) => Ok(Self { verdict: verdict.clone(), action: PhantomData }),
            None => Err(MissingVerdict { wanted: Some(wanted), found: found.map(|verdict| verdict.action().clone()) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_code;
    use authsignal_client::ActionCode;

    #[test]
    fn the_compiler_takes_the_codes_that_the_client_takes() {
        let each =
            (0..=0x2ff).filter_map(char::from_u32).flat_map(|c| [c.to_string(), format!("a{c}"), format!("{c}b")]);
        let lengths = (0..70).map(|length| "a".repeat(length));
        let tried = each.chain(lengths).filter(|text| is_code(text) == ActionCode::new(text.as_str()).is_ok()).count();
        assert_eq!(tried, 0x300 * 3 + 70);
    }
}
