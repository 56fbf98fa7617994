//! Why a request did not pass.
use std::time::Duration;

use http::StatusCode;

use crate::budget::Budget;
use crate::client::{ActionCode, ActionState, InvalidId};
use crate::domain::flow::Unproven;
use crate::outage::{Outage, RETRY_AFTER};

/// Why a request did not pass, in the extensions of every response that this crate answers with, whoever built it.
///
/// # Examples
///
/// ```
/// use axum_authsignal::{Refusal, RefusalReason};
///
/// fn was_blocked<B>(response: &http::Response<B>) -> bool {
///     let refusal = response.extensions().get::<Refusal>();
///     refusal.is_some_and(|refusal| matches!(refusal.reason(), RefusalReason::State(_)))
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    reason: RefusalReason,
    action: Option<ActionCode>,
    retry_after: Option<Duration>,
}

/// The longest that a caller is asked to wait, whatever the service says.
const MAX_RETRY_AFTER: Duration = Duration::from_secs(10 * 60);

/// The reason of a [`Refusal`].
///
/// A problem document's `type` is the address of the variant's documentation.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalReason {
    /// Nobody is signed in. 401; Authsignal was not asked.
    Unauthenticated,
    /// An extractor that identifies the user refused the request, with its own response.
    IdentifyRejected,
    /// The user's id cannot be sent to Authsignal. 403.
    InvalidUser(InvalidId),
    /// The user has to prove more first: 303 to the challenge for browsers, 403 (or 401) with its URL for clients.
    ChallengeRequired,
    /// Authsignal answered with a state that does not pass: `BLOCK`, a review, or one that we do not know. 403.
    State(ActionState),
    /// The user has nothing enrolled, and the route asks for that. 403.
    NotEnrolled,
    /// No decision could be had. 503 with `Retry-After`.
    Outage(Outage),
    /// Authsignal's answer had no challenge URL, or one that we do not send anybody to. 502.
    UntrustedChallenge,
    /// The request has to be challenged, and its body is longer than what an approval can cover. 413.
    BodyTooLarge,
    /// The body broke off while it was read. 400.
    BodyUnreadable,
    /// The body did not come in time. 408.
    BodyTooSlow,
    /// The request's target is not a path. 400.
    InvalidTarget,
    /// The browser, or a library in the page, asked ahead of the user. 503 without `Retry-After` and with no body, whatever a
    /// responder says; nothing was tracked. A success would be taken for the answer to the click that follows.
    Prefetch,
    /// The callback was called with something else than one flow and one token. 400.
    InvalidCallback,
    /// No such flow: it has run out, or belongs to another browser. 404.
    UnknownFlow,
    /// The flow belongs to another user or another session. 403.
    OtherUser,
    /// A page of another origin made the browser send this, where it would have to be challenged. 403. Pages of yours are
    /// let in by [`page_origin`](crate::AuthsignalBuilder::page_origin).
    CrossSite,
    /// It was sent to a name of the application's that is
    /// [led to another](crate::AuthsignalBuilder::also_at). 303 to the same page there for browsers that go to one, and
    /// else 403, with words that say where to go.
    OtherHost,
    /// This form was confirmed and passed on to its handler a moment ago, and was not passed on a second time. 409.
    ///
    /// Whether the handler did what it was asked to is not known here: its answer may have been lost, or have been a
    /// failure. A request that is known not to have reached its handler leaves its approval as it was.
    AlreadyDone,
    /// This user, in this session, has used up what they may take from others in a while; Authsignal was not asked, or its
    /// challenge was not handed out. 429 with `Retry-After`.
    OverBudget(Budget),
    /// The callback stands behind a guarded layer, where nobody could ever get through. 500, and a fault of the
    /// application's: merge [`Authsignal::routes`](crate::Authsignal::routes) outside.
    CallbackGuarded,
    /// The handler takes a [`Verdict`](crate::Verdict), and no layer guards its route. 500, and a fault of the
    /// application's: add an [`AuthsignalLayer`](crate::AuthsignalLayer).
    Unguarded,
    /// The token proves nothing for this flow. 403.
    Unproven(Unproven),
}

impl Refusal {
    pub(crate) fn new(reason: RefusalReason, action: Option<&ActionCode>) -> Self {
        let retry_after = matches!(reason, RefusalReason::Outage(_)).then_some(RETRY_AFTER);
        Self { reason, action: action.cloned(), retry_after }
    }

    /// Takes over what the service said of when to try again, within reason.
    pub(crate) fn retry_after_of(mut self, service: Option<Duration>) -> Self {
        if let Some(wait) = service {
            self.retry_after = Some(wait.clamp(Duration::from_secs(1), MAX_RETRY_AFTER));
        }
        self
    }

    /// How long the caller is asked to wait, in an outage or over a budget.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &RefusalReason {
        &self.reason
    }

    /// The action of the route, where one is known.
    #[must_use]
    pub fn action(&self) -> Option<&ActionCode> {
        self.action.as_ref()
    }
}

impl RefusalReason {
    /// A short name for logs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::IdentifyRejected => "identify_rejected",
            Self::InvalidUser(_) => "invalid_user",
            Self::ChallengeRequired => "challenge_required",
            Self::State(_) => "state",
            Self::NotEnrolled => "not_enrolled",
            Self::Outage(_) => "outage",
            Self::UntrustedChallenge => "untrusted_challenge",
            Self::BodyTooLarge => "body_too_large",
            Self::BodyUnreadable => "body_unreadable",
            Self::BodyTooSlow => "body_too_slow",
            Self::InvalidTarget => "invalid_target",
            Self::Prefetch => "prefetch",
            Self::InvalidCallback => "invalid_callback",
            Self::UnknownFlow => "unknown_flow",
            Self::OtherUser => "other_user",
            Self::CrossSite => "cross_site",
            Self::OtherHost => "other_host",
            Self::AlreadyDone => "already_done",
            Self::OverBudget(_) => "over_budget",
            Self::CallbackGuarded => "callback_guarded",
            Self::Unguarded => "unguarded",
            Self::Unproven(_) => "unproven",
        }
    }

    /// The variant's own name, which is its anchor in the documentation.
    pub(crate) fn anchor(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "Unauthenticated",
            Self::IdentifyRejected => "IdentifyRejected",
            Self::InvalidUser(_) => "InvalidUser",
            Self::ChallengeRequired => "ChallengeRequired",
            Self::State(_) => "State",
            Self::NotEnrolled => "NotEnrolled",
            Self::Outage(_) => "Outage",
            Self::UntrustedChallenge => "UntrustedChallenge",
            Self::BodyTooLarge => "BodyTooLarge",
            Self::BodyUnreadable => "BodyUnreadable",
            Self::BodyTooSlow => "BodyTooSlow",
            Self::InvalidTarget => "InvalidTarget",
            Self::Prefetch => "Prefetch",
            Self::InvalidCallback => "InvalidCallback",
            Self::UnknownFlow => "UnknownFlow",
            Self::OtherUser => "OtherUser",
            Self::CrossSite => "CrossSite",
            Self::OtherHost => "OtherHost",
            Self::AlreadyDone => "AlreadyDone",
            Self::OverBudget(_) => "OverBudget",
            Self::CallbackGuarded => "CallbackGuarded",
            Self::Unguarded => "Unguarded",
            Self::Unproven(_) => "Unproven",
        }
    }

    /// The state that Authsignal answered with, as far as it is worth repeating: an unknown one only if it is a word.
    pub(crate) fn state(&self) -> Option<&str> {
        let Self::State(state) = self else { return None };
        let word = |text: &str| {
            (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        Some(state.as_str()).filter(|text| word(text))
    }

    /// The status that a client gets, where no responder chooses another.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::IdentifyRejected
            | Self::InvalidUser(_)
            | Self::ChallengeRequired
            | Self::State(_)
            | Self::NotEnrolled
            | Self::OtherUser
            | Self::CrossSite
            | Self::OtherHost
            | Self::Unproven(_) => StatusCode::FORBIDDEN,
            Self::AlreadyDone => StatusCode::CONFLICT,
            Self::OverBudget(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::CallbackGuarded | Self::Unguarded => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Outage(_) | Self::Prefetch => StatusCode::SERVICE_UNAVAILABLE,
            Self::UntrustedChallenge => StatusCode::BAD_GATEWAY,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::BodyUnreadable | Self::InvalidTarget | Self::InvalidCallback => StatusCode::BAD_REQUEST,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::UnknownFlow => StatusCode::NOT_FOUND,
        }
    }

    /// What a person is told: a title, and what it means for them. Never a word of the service's own.
    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        match self {
            Self::Unauthenticated => ("Please sign in", "This needs you to be signed in. Sign in, then try again."),
            Self::IdentifyRejected | Self::InvalidUser(_) => {
                ("This can't be done", "We could not tell whose account this is for, so nothing was done.")
            }
            Self::ChallengeRequired => ("Please confirm it's you", "This needs one more proof that it is you."),
            Self::State(ActionState::ReviewRequired) => {
                ("This is being reviewed", "Somebody has to look at this first. Nothing was done yet.")
            }
            Self::State(_) => ("This was refused", "For your safety this was not allowed. Nothing was done."),
            Self::NotEnrolled => (
                "Set up a way to confirm first",
                "This is only for accounts with a second way to confirm that it is you. Nothing was done.",
            ),
            Self::Outage(_) => {
                ("This can't be checked right now", "Nothing was done. Please try again in a few seconds.")
            }
            Self::UntrustedChallenge => {
                ("This can't be confirmed right now", "Nothing was done. Please try again later.")
            }
            Self::BodyTooLarge => {
                ("This is too large", "What you sent is too large to be confirmed. Nothing was done.")
            }
            Self::BodyUnreadable => ("This could not be read", "What you sent did not arrive whole. Nothing was done."),
            Self::BodyTooSlow => ("This took too long", "What you sent did not arrive in time. Nothing was done."),
            Self::InvalidTarget => ("This address can't be used", "Nothing was done."),
            Self::Prefetch => ("Not asked for yet", "The browser asked ahead of you. Nothing was done."),
            Self::InvalidCallback => {
                ("This link is not complete", "It does not look like one that the confirmation page leads to.")
            }
            Self::UnknownFlow => (
                "This has expired",
                "It took too long, or was begun in another browser. Nothing was done: start again where you were.",
            ),
            Self::OtherUser => (
                "This belongs to another sign-in",
                "It was begun by somebody else, or before you signed in again. Nothing was done.",
            ),
            Self::CrossSite => (
                "This can't be done from here",
                "It came from a page of another site. Nothing was done: start again on this one.",
            ),
            Self::OtherHost => {
                ("Please use our main address", "Nothing was done here: open our main address, and start again there.")
            }
            Self::AlreadyDone => (
                "Already passed on",
                "This was confirmed, and passed on a moment ago. It was not passed on twice. Look whether it was done \
                 before you send it again.",
            ),
            Self::OverBudget(Budget::Challenges) => (
                "Too many at once",
                "You have begun this several times without confirming it. Nothing was done: confirm one of those, or try \
                 again in a few minutes.",
            ),
            Self::OverBudget(Budget::Refusals) => {
                ("Please wait a while", "This was refused several times. Nothing was done: try again in a few minutes.")
            }
            Self::OverBudget(Budget::Validates) => (
                "Too many tries",
                "This was tried many times without a proof. Nothing was done: start again where you were in a few minutes.",
            ),
            Self::CallbackGuarded | Self::Unguarded => {
                ("This can't be confirmed", "Nothing was done. Please tell the people who run this.")
            }
            Self::Unproven(Unproven::Expired) => {
                ("This has expired", "It took too long. Nothing was done: start again where you were.")
            }
            Self::Unproven(_) => ("This could not be confirmed", "The proof was not for this. Nothing was done."),
        }
    }
}

impl From<Outage> for RefusalReason {
    fn from(outage: Outage) -> Self {
        Self::Outage(outage)
    }
}
