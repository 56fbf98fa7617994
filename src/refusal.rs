//! Why a request did not pass.
#[cfg(test)]
mod documented;
mod table;

use std::time::Duration;

use authsignal_client::{ActionCode, ActionState, IdempotencyKey, InvalidId, VerificationMethod};
use http::StatusCode;

use crate::budget::Budget;
use crate::domain::body_fault::BodyFault;
use crate::domain::failover::NoFailover;
use crate::domain::flow::Unproven;
use crate::outage::{Outage, RETRY_AFTER, whole_seconds};

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
    decision_id: Option<IdempotencyKey>,
    retry_after: Option<Duration>,
    no_failover: Option<NoFailover>,
    methods: Vec<VerificationMethod>,
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
    /// Somebody has to look at the request before it may pass, and has not yet
    /// ([`review`](crate::AuthsignalLayer::review)). 202 with `Retry-After`; the very same request says how it stands.
    UnderReview,
    /// The user has nothing enrolled, or nothing that [counts](crate::AuthsignalLayer::methods) on the route, which asks for
    /// that. 403.
    NotEnrolled,
    /// Authsignal offers for this action none of the methods that [count](crate::AuthsignalLayer::methods) on the route, so
    /// nobody gets through. 403, and a fault of how one of the two is set up, which the log names.
    MethodsNotOffered,
    /// No decision could be had. 503, with `Retry-After` where trying again can help.
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
    /// The header `authsignal-token` holds something else than one token of at most 4 KiB. 400.
    InvalidToken,
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
    /// This form, or this request with the token of its proof, was passed on to its handler a moment ago, and was not passed on
    /// a second time. 409.
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
    /// The handler takes a [`Verdict`](crate::Verdict), and no layer guards its route; or a table of [actions](crate::Actions) does not
    /// name it; or a [`StepUp`](crate::StepUp) has no layer of its own, or asks for what cannot be asked. 500, and a fault of the
    /// application's: add an [`AuthsignalLayer`](crate::AuthsignalLayer), or what the log says.
    Unguarded,
    /// No person is behind the request ([`User::machine`](crate::User::machine)), or somebody acts as its user
    /// ([`User::impersonated_by`](crate::User::impersonated_by)), and the route does not take that as it is. 403.
    NoPerson,
    /// The token proves nothing for this flow. 403.
    Unproven(Unproven),
    /// The route [reads a transaction](crate::AuthsignalLayer::transaction), and the body is none that it reads: neither
    /// `application/json` nor `application/x-www-form-urlencoded`, or not in UTF-8, or with two content types, or with a
    /// `Content-Encoding`. 415; Authsignal was not asked.
    BodyUnsupported,
    /// The body of a [transaction](crate::AuthsignalLayer::transaction) is not written as its content type says, or so that programs
    /// read it differently. 400; Authsignal was not asked.
    BodyMalformed(BodyFault),
    /// The body does not fit the [transaction](crate::AuthsignalLayer::transaction) that the route is about. 422; Authsignal was not
    /// asked.
    BodyInvalid(BodyFault),
    /// Both [`custom`](crate::AuthsignalLayer::custom) and the [transaction](crate::AuthsignalLayer::transaction) have a data point of
    /// one name. 500, and a fault of the application's; Authsignal was not asked.
    DataConflict,
}

impl Refusal {
    pub(crate) fn new(reason: RefusalReason, action: Option<&ActionCode>) -> Self {
        let retry_after = reason.is_passing().then_some(RETRY_AFTER);
        let action = action.cloned();
        Self { reason, action, decision_id: None, retry_after, no_failover: None, methods: Vec::new() }
    }

    /// Which decision it is.
    pub(crate) fn of_decision(self, id: Option<&IdempotencyKey>) -> Self {
        Self { decision_id: id.cloned(), ..self }
    }

    /// Takes over what the service said of when to try again, within reason.
    pub(crate) fn retry_after_of(mut self, service: Option<Duration>) -> Self {
        if let Some(wait) = service {
            self.retry_after = Some(whole_seconds(wait.clamp(Duration::from_secs(1), MAX_RETRY_AFTER)));
        }
        self
    }

    pub(crate) fn without_failover(self, why: Option<NoFailover>) -> Self {
        Self { no_failover: why, ..self }
    }

    /// Tells which methods count, where that is why.
    pub(crate) fn naming(self, methods: &[VerificationMethod]) -> Self {
        let is_why = matches!(
            self.reason,
            RefusalReason::NotEnrolled | RefusalReason::MethodsNotOffered | RefusalReason::Unproven(Unproven::Method)
        );
        if is_why { Self { methods: methods.to_vec(), ..self } } else { self }
    }

    /// The verification methods that count on the route, where it [names some](crate::AuthsignalLayer::methods) and that is why
    /// the request did not pass; else empty.
    #[must_use]
    pub fn methods(&self) -> &[VerificationMethod] {
        &self.methods
    }

    /// Why the request did not pass in an outage, on a route that [lets some pass](crate::OnOutage).
    #[must_use]
    pub fn no_failover(&self) -> Option<NoFailover> {
        self.no_failover
    }

    /// How long the caller is asked to wait, in an outage or over a budget: in whole seconds, as `Retry-After` has them.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// The reason.
    #[must_use]
    pub fn reason(&self) -> &RefusalReason {
        &self.reason
    }

    /// The id of the decision: the key of the attempt, by which the service knows it too if it was asked. It stands in the log, in
    /// the problem document and on the page. None on a way back that belongs to no flow, and for
    /// [`Unguarded`](RefusalReason::Unguarded), where nothing was decided.
    #[must_use]
    pub fn decision_id(&self) -> Option<&IdempotencyKey> {
        self.decision_id.as_ref()
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
        self.row().name
    }

    /// What it is called for good, such as `AUTHSIGNAL-R005`: what people tell their support, and what `docs/refusals.md` is
    /// ordered by. Some reasons have several, by what users, developers and operators do about them.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.row().code
    }

    /// The variant's own name, which is its anchor in the documentation.
    pub(crate) fn anchor(&self) -> &'static str {
        self.row().anchor
    }

    /// The state that Authsignal answered with, as far as it is worth repeating: an unknown one only if it is a word.
    pub(crate) fn state(&self) -> Option<&str> {
        let state = match self {
            Self::State(state) => state,
            Self::UnderReview => &ActionState::ReviewRequired,
            _ => return None,
        };
        let word = |text: &str| {
            (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        Some(state.as_str()).filter(|text| word(text))
    }

    /// What is wrong with a body, and where.
    pub(crate) fn body_fault(&self) -> Option<&BodyFault> {
        match self {
            Self::BodyMalformed(fault) | Self::BodyInvalid(fault) => Some(fault),
            _ => None,
        }
    }

    /// Whether it is an outage that is over by itself: what we are set up with wrongly stays wrong.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Outage(outage) if *outage != Outage::Rejected)
    }

    /// The status that a client gets, where no responder chooses another.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.row().status
    }

    /// What a person is told: a title, and what it means for them. Never a word of the service's own.
    pub(crate) fn words(&self) -> (&'static str, &'static str) {
        self.row().words
    }
}

impl From<Outage> for RefusalReason {
    fn from(outage: Outage) -> Self {
        Self::Outage(outage)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::body_fault::BodyFaultKind;

    /// Every reason, and of each what it tells apart.
    pub(crate) fn every_reason() -> Vec<RefusalReason> {
        use RefusalReason::*;
        let mut all = vec![
            Unauthenticated,
            IdentifyRejected,
            InvalidUser(InvalidId::Empty),
            ChallengeRequired,
            State(ActionState::Block),
            State(ActionState::ReviewRequired),
            UnderReview,
            NotEnrolled,
            MethodsNotOffered,
            UntrustedChallenge,
            BodyTooLarge,
            BodyUnreadable,
            BodyTooSlow,
            InvalidTarget,
            Prefetch,
            InvalidCallback,
            InvalidToken,
            UnknownFlow,
            OtherUser,
            CrossSite,
            OtherHost,
            AlreadyDone,
            CallbackGuarded,
            Unguarded,
            NoPerson,
            Unproven(crate::domain::flow::Unproven::Token),
            Unproven(crate::domain::flow::Unproven::Expired),
            Unproven(crate::domain::flow::Unproven::Method),
            Unproven(crate::domain::flow::Unproven::Age),
            BodyUnsupported,
            BodyMalformed(BodyFault::new("amount", BodyFaultKind::Number)),
            BodyInvalid(BodyFault::new("amount", BodyFaultKind::MissingField)),
            DataConflict,
        ];
        all.extend(
            [crate::outage::Outage::Connect, crate::outage::Outage::Overloaded, crate::outage::Outage::Rejected]
                .map(Outage),
        );
        all.extend([Budget::Challenges, Budget::Refusals, Budget::Validates, Budget::PendingFlows].map(OverBudget));
        all
    }

    /// What a code means is what somebody has written down: none is given again, to another reason, or in another order.
    #[test]
    fn codes_are_one_of_a_kind_and_frozen() {
        let frozen = [
            "Unauthenticated",
            "IdentifyRejected",
            "InvalidUser",
            "ChallengeRequired",
            "State", // a review
            "State",
            "NotEnrolled",
            "Outage", // the service refuses us
            "Outage",
            "UntrustedChallenge",
            "BodyTooLarge",
            "BodyUnreadable",
            "BodyTooSlow",
            "InvalidTarget",
            "Prefetch",
            "InvalidCallback",
            "InvalidToken",
            "UnknownFlow",
            "OtherUser",
            "CrossSite",
            "OtherHost",
            "AlreadyDone",
            "OverBudget", // challenges
            "OverBudget", // refusals
            "OverBudget", // pending flows
            "OverBudget", // validates
            "CallbackGuarded",
            "Unguarded",
            "Unproven", // expired
            "Unproven",
            "MethodsNotOffered",
            "Unproven", // by another method
            "Unproven", // too old
            "NoPerson",
            "UnderReview",
            "BodyUnsupported",
            "BodyMalformed",
            "BodyInvalid",
            "DataConflict",
        ];
        let of_table: BTreeMap<_, _> = every_reason().iter().map(|reason| (reason.code(), reason.anchor())).collect();
        let of_table: Vec<_> = of_table.into_iter().collect();
        let wanted: Vec<_> = (1..).map(|number| format!("AUTHSIGNAL-R{number:03}")).zip(frozen).collect();
        let wanted: Vec<_> = wanted.iter().map(|(code, anchor)| (&**code, *anchor)).collect();
        assert_eq!(of_table, wanted);
        let written: Vec<_> =
            include_str!("refusal/table.rs").split("\"AUTHSIGNAL-R").skip(1).map(|rest| &rest[..3]).collect();
        assert_eq!(written.len(), frozen.len(), "a row has a code of its own");
        println!("{} codes", frozen.len());
    }

    /// A mistaken key is not one that is right in five seconds.
    #[test]
    fn only_what_is_over_by_itself_says_when_to_try_again() {
        for reason in every_reason() {
            let is_passing =
                matches!(reason, RefusalReason::Outage(outage) if outage != crate::outage::Outage::Rejected);
            assert_eq!(Refusal::new(reason.clone(), None).retry_after().is_some(), is_passing, "{reason:?}");
            let promises = reason.words().1.contains("in a few seconds");
            assert_eq!(promises, is_passing, "{reason:?}");
        }
    }
}
