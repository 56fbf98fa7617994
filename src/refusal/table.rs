//! What each reason is called, answered with, and said to be.
use authsignal_client::ActionState;
use http::StatusCode;

use super::RefusalReason;
use crate::budget::Budget;
use crate::domain::flow::Unproven;
use crate::outage::Outage;

/// One reason.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// What it is called for good: no code is ever given to another reason. A new reason takes the next free number.
    pub(super) code: &'static str,
    /// The variant's own name, which is its anchor in the documentation.
    pub(super) anchor: &'static str,
    /// A short name for logs.
    pub(super) name: &'static str,
    /// What a client gets, where no responder chooses another.
    pub(super) status: StatusCode,
    /// What a person reads: a title, and what it means for them. Never a word of the service's own.
    pub(super) words: (&'static str, &'static str),
}

fn row(
    code: &'static str,
    anchor: &'static str,
    name: &'static str,
    status: StatusCode,
    title: &'static str,
    text: &'static str,
) -> Row {
    Row { code, anchor, name, status, words: (title, text) }
}

impl RefusalReason {
    pub(super) fn row(&self) -> Row {
        match self {
            Self::Unauthenticated => row(
                "AUTHSIGNAL-R001",
                "Unauthenticated",
                "unauthenticated",
                StatusCode::UNAUTHORIZED,
                "Please sign in",
                "This needs you to be signed in. Sign in, then try again.",
            ),
            Self::IdentifyRejected => row(
                "AUTHSIGNAL-R002",
                "IdentifyRejected",
                "identify_rejected",
                StatusCode::FORBIDDEN,
                "This can't be done",
                "We could not tell whose account this is for, so nothing was done.",
            ),
            Self::InvalidUser(_) => row(
                "AUTHSIGNAL-R003",
                "InvalidUser",
                "invalid_user",
                StatusCode::FORBIDDEN,
                "This can't be done",
                "We could not tell whose account this is for, so nothing was done.",
            ),
            Self::ChallengeRequired => row(
                "AUTHSIGNAL-R004",
                "ChallengeRequired",
                "challenge_required",
                StatusCode::FORBIDDEN,
                "Please confirm it's you",
                "This needs one more proof that it is you.",
            ),
            Self::State(ActionState::ReviewRequired) => row(
                "AUTHSIGNAL-R005",
                "State",
                "state",
                StatusCode::FORBIDDEN,
                "This is being reviewed",
                "Somebody has to look at this first. Nothing was done yet.",
            ),
            Self::State(_) => row(
                "AUTHSIGNAL-R006",
                "State",
                "state",
                StatusCode::FORBIDDEN,
                "This was refused",
                "For your safety this was not allowed. Nothing was done.",
            ),
            Self::NotEnrolled => row(
                "AUTHSIGNAL-R007",
                "NotEnrolled",
                "not_enrolled",
                StatusCode::FORBIDDEN,
                "Set up a way to confirm first",
                "This is only for accounts with a second way to confirm that it is you. Nothing was done.",
            ),
            Self::UnderReview => row(
                "AUTHSIGNAL-R035",
                "UnderReview",
                "under_review",
                StatusCode::ACCEPTED,
                "This is being looked at",
                "Somebody looks at this before it is done. Nothing was done yet: look again in a while.",
            ),
            Self::MethodsNotOffered => row(
                "AUTHSIGNAL-R031",
                "MethodsNotOffered",
                "methods_not_offered",
                StatusCode::FORBIDDEN,
                "This can't be confirmed",
                "Nothing was done. Please tell the people who run this.",
            ),
            Self::Outage(Outage::Rejected) => row(
                "AUTHSIGNAL-R008",
                "Outage",
                "outage",
                StatusCode::SERVICE_UNAVAILABLE,
                "This can't be confirmed right now",
                "Nothing was done. Please tell the people who run this.",
            ),
            Self::Outage(_) => row(
                "AUTHSIGNAL-R009",
                "Outage",
                "outage",
                StatusCode::SERVICE_UNAVAILABLE,
                "This can't be checked right now",
                "Nothing was done. Please try again in a few seconds.",
            ),
            Self::UntrustedChallenge => row(
                "AUTHSIGNAL-R010",
                "UntrustedChallenge",
                "untrusted_challenge",
                StatusCode::BAD_GATEWAY,
                "This can't be confirmed right now",
                "Nothing was done. Please try again later.",
            ),
            Self::BodyTooLarge => row(
                "AUTHSIGNAL-R011",
                "BodyTooLarge",
                "body_too_large",
                StatusCode::PAYLOAD_TOO_LARGE,
                "This is too large",
                "What you sent is too large to be confirmed. Nothing was done.",
            ),
            Self::BodyUnreadable => row(
                "AUTHSIGNAL-R012",
                "BodyUnreadable",
                "body_unreadable",
                StatusCode::BAD_REQUEST,
                "This could not be read",
                "What you sent did not arrive whole. Nothing was done.",
            ),
            Self::BodyTooSlow => row(
                "AUTHSIGNAL-R013",
                "BodyTooSlow",
                "body_too_slow",
                StatusCode::REQUEST_TIMEOUT,
                "This took too long",
                "What you sent did not arrive in time. Nothing was done.",
            ),
            Self::InvalidTarget => row(
                "AUTHSIGNAL-R014",
                "InvalidTarget",
                "invalid_target",
                StatusCode::BAD_REQUEST,
                "This address can't be used",
                "Nothing was done.",
            ),
            Self::Prefetch => row(
                "AUTHSIGNAL-R015",
                "Prefetch",
                "prefetch",
                StatusCode::SERVICE_UNAVAILABLE,
                "Not asked for yet",
                "The browser asked ahead of you. Nothing was done.",
            ),
            Self::InvalidCallback => row(
                "AUTHSIGNAL-R016",
                "InvalidCallback",
                "invalid_callback",
                StatusCode::BAD_REQUEST,
                "This link is not complete",
                "It does not look like one that the confirmation page leads to.",
            ),
            Self::InvalidToken => row(
                "AUTHSIGNAL-R017",
                "InvalidToken",
                "invalid_token",
                StatusCode::BAD_REQUEST,
                "This could not be confirmed",
                "The proof that came along could not be read. Nothing was done.",
            ),
            Self::UnknownFlow => row(
                "AUTHSIGNAL-R018",
                "UnknownFlow",
                "unknown_flow",
                StatusCode::NOT_FOUND,
                "This has expired",
                "It took too long, or was begun in another browser. Nothing was done: start again where you were.",
            ),
            Self::OtherUser => row(
                "AUTHSIGNAL-R019",
                "OtherUser",
                "other_user",
                StatusCode::FORBIDDEN,
                "This belongs to another sign-in",
                "It was begun by somebody else, or before you signed in again. Nothing was done.",
            ),
            Self::CrossSite => row(
                "AUTHSIGNAL-R020",
                "CrossSite",
                "cross_site",
                StatusCode::FORBIDDEN,
                "This can't be done from here",
                "It came from a page of another site. Nothing was done: start again on this one.",
            ),
            Self::OtherHost => row(
                "AUTHSIGNAL-R021",
                "OtherHost",
                "other_host",
                StatusCode::FORBIDDEN,
                "Please use our main address",
                "Nothing was done here: open our main address, and start again there.",
            ),
            Self::AlreadyDone => row(
                "AUTHSIGNAL-R022",
                "AlreadyDone",
                "already_done",
                StatusCode::CONFLICT,
                "Already passed on",
                "This was confirmed, and passed on a moment ago. It was not passed on twice. Look whether it was done \
                 before you send it again.",
            ),
            Self::OverBudget(Budget::Challenges) => row(
                "AUTHSIGNAL-R023",
                "OverBudget",
                "over_budget",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many at once",
                "You have begun this several times without confirming it. Nothing was done: confirm one of those, or try \
                 again in a few minutes.",
            ),
            Self::OverBudget(Budget::Refusals) => row(
                "AUTHSIGNAL-R024",
                "OverBudget",
                "over_budget",
                StatusCode::TOO_MANY_REQUESTS,
                "Please wait a while",
                "This was refused several times. Nothing was done: try again in a few minutes.",
            ),
            Self::OverBudget(Budget::PendingFlows) => row(
                "AUTHSIGNAL-R025",
                "OverBudget",
                "over_budget",
                StatusCode::TOO_MANY_REQUESTS,
                "Too much at once",
                "You have begun many things without confirming them. Nothing was done: confirm one of those, or try again in \
                 a few minutes.",
            ),
            Self::OverBudget(Budget::Validates) => row(
                "AUTHSIGNAL-R026",
                "OverBudget",
                "over_budget",
                StatusCode::TOO_MANY_REQUESTS,
                "Too many tries",
                "This was tried many times without a proof. Nothing was done: start again where you were in a few \
 minutes.",
            ),
            Self::CallbackGuarded => row(
                "AUTHSIGNAL-R027",
                "CallbackGuarded",
                "callback_guarded",
                StatusCode::INTERNAL_SERVER_ERROR,
                "This can't be confirmed",
                "Nothing was done. Please tell the people who run this.",
            ),
            Self::Unguarded => row(
                "AUTHSIGNAL-R028",
                "Unguarded",
                "unguarded",
                StatusCode::INTERNAL_SERVER_ERROR,
                "This can't be confirmed",
                "Nothing was done. Please tell the people who run this.",
            ),
            Self::NoPerson => row(
                "AUTHSIGNAL-R034",
                "NoPerson",
                "no_person",
                StatusCode::FORBIDDEN,
                "This can't be done for somebody else",
                "This has to be done by the person whose account it is. Nothing was done.",
            ),
            Self::Unproven(Unproven::Expired) => row(
                "AUTHSIGNAL-R029",
                "Unproven",
                "unproven",
                StatusCode::FORBIDDEN,
                "This has expired",
                "It took too long. Nothing was done: start again where you were.",
            ),
            Self::Unproven(Unproven::Method) => row(
                "AUTHSIGNAL-R032",
                "Unproven",
                "unproven",
                StatusCode::FORBIDDEN,
                "Please confirm it in another way",
                "It was confirmed, but not in a way that is enough for this. Nothing was done: try again, and choose another way.",
            ),
            Self::Unproven(Unproven::Age) => row(
                "AUTHSIGNAL-R033",
                "Unproven",
                "unproven",
                StatusCode::FORBIDDEN,
                "Please confirm it once more",
                "It was confirmed too long ago for this. Nothing was done: try again, and confirm it anew.",
            ),
            Self::Unproven(_) => row(
                "AUTHSIGNAL-R030",
                "Unproven",
                "unproven",
                StatusCode::FORBIDDEN,
                "This could not be confirmed",
                "The proof was not for this. Nothing was done.",
            ),
            Self::BodyUnsupported => row(
                "AUTHSIGNAL-R036",
                "BodyUnsupported",
                "body_unsupported",
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "This could not be read",
                "What you sent is of a kind that is not read here. Nothing was done.",
            ),
            Self::BodyMalformed(_) => row(
                "AUTHSIGNAL-R037",
                "BodyMalformed",
                "body_malformed",
                StatusCode::BAD_REQUEST,
                "This is not clear",
                "What you sent can be read in more than one way. Nothing was done.",
            ),
            Self::BodyInvalid(_) => row(
                "AUTHSIGNAL-R038",
                "BodyInvalid",
                "body_invalid",
                StatusCode::UNPROCESSABLE_ENTITY,
                "This is not complete",
                "Something is missing in what you sent, or does not fit. Nothing was done.",
            ),
            Self::DataConflict => row(
                "AUTHSIGNAL-R039",
                "DataConflict",
                "data_conflict",
                StatusCode::INTERNAL_SERVER_ERROR,
                "This can't be confirmed",
                "Nothing was done. Please tell the people who run this.",
            ),
        }
    }
}
