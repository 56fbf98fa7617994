//! Why a request goes no further, and the answer that it gets.
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{Response, header};

use super::guard::Guard;
use crate::budget::Over;
use crate::decided::Ended;
use crate::decided::outcome::Outcome;
use crate::decided::trail::Trail;
use crate::domain::failover::NoFailover;
use crate::domain::flow::Flow;
use crate::domain::place::Elsewhere;
use crate::meter;
use crate::outage::Outage;
use crate::redeem::Unredeemed;
use crate::refusal::{Refusal, RefusalReason};
use crate::request::cookie::BrowserId;
use crate::response::answer::ChallengeAnswer;
use crate::response::headers::rejected;
use crate::store;

/// Why a request goes no further.
pub(super) enum Stop {
    Refuse(RefusalReason),
    /// No decision, with what the service said of when to try again.
    Outage {
        outage: Outage,
        wait: Option<Duration>,
        /// Why it did not pass for all that, where some do.
        no_failover: Option<NoFailover>,
    },
    /// The token that came along proves nothing.
    Unredeemed(Unredeemed),
    /// A budget is used up.
    Over(Over),
    Challenge {
        answer: Box<ChallengeAnswer>,
        new_browser: Option<BrowserId>,
    },
    /// Somebody has to look at it.
    UnderReview {
        flow: Box<Flow>,
        /// The path of the flow's own page, for browsers.
        page: Option<String>,
        new_browser: Option<BrowserId>,
    },
    /// It was sent to a name where nothing is decided. This is the same target on the host where it is.
    Elsewhere(Elsewhere),
    /// The response of an extractor that identifies.
    Respond(Box<Response<Bytes>>),
}

impl From<RefusalReason> for Stop {
    fn from(reason: RefusalReason) -> Self {
        Self::Refuse(reason)
    }
}

impl From<store::Error> for Stop {
    fn from(error: store::Error) -> Self {
        Self::Refuse(Outage::of_store(&error).into())
    }
}

impl Stop {
    /// The answer to the request that goes no further, once all who listen were told of it.
    pub(super) fn respond(self, guard: &Guard, parts: &Parts, trail: &Trail) -> Response<Bytes> {
        let authsignal = &guard.authsignal;
        let answers = &authsignal.answers;
        let tell = |outcome, reason: &RefusalReason| {
            let ended = Ended { reason: Some(reason), ..guard.ended(parts, outcome) };
            trail.end(&authsignal.listeners, ended);
        };
        let refusal = |reason| {
            tell(Outcome::Refused, &reason);
            let refusal = Refusal::new(reason, Some(&guard.action)).of_decision(Some(&trail.id()));
            refusal.naming(guard.policy.proof.methods())
        };
        let refuse = |refusal| answers.refuse(parts, refusal, authsignal.came_from(parts));
        match self {
            Self::Refuse(reason) => refuse(refusal(reason)),
            Self::Outage { outage, wait, no_failover } => {
                if let Some(why) = no_failover {
                    meter::failover(why.as_str(), outage.as_str());
                    let setter = (why == NoFailover::OverBudget).then_some("AuthsignalBuilder::failover_budget");
                    tracing::warn!(
                        action = %guard.action,
                        outage = outage.as_str(),
                        failover = why.as_str(),
                        setter,
                        "request refused in an outage, on a route that lets some pass"
                    );
                }
                refuse(refusal(outage.into()).retry_after_of(wait).without_failover(no_failover))
            }
            Self::Unredeemed(Unredeemed { reason, wait, flow }) => {
                if let Some(flow) = flow {
                    trail.is_of(&flow.opening.attempt);
                }
                refuse(refusal(reason).retry_after_of(wait))
            }
            Self::Over((budget, wait)) => {
                budget.warn(&guard.action);
                refuse(refusal(RefusalReason::OverBudget(budget)).retry_after_of(Some(wait)))
            }
            Self::Challenge { answer, new_browser } => {
                trail.is_of(&answer.attempt);
                tell(Outcome::Challenged, &RefusalReason::ChallengeRequired);
                let mut response = answers.challenge(parts, &answer);
                if let Some(browser) = new_browser {
                    response.headers_mut().append(header::SET_COOKIE, authsignal.cookie.set(&browser));
                }
                response
            }
            Self::UnderReview { flow, page, new_browser } => {
                trail.is_of(&flow.opening.attempt);
                let reason = RefusalReason::UnderReview;
                tell(Outcome::UnderReview, &reason);
                let refusal = Refusal::new(reason, Some(&guard.action)).of_decision(Some(&flow.opening.attempt));
                let refusal = refusal.retry_after_of(Some(flow.wait(authsignal.flows.now())));
                let stands = (flow.stage.until, page.as_deref());
                let mut response = answers.under_review(parts, refusal, &flow.opening.attempt, stands);
                if let Some(browser) = new_browser {
                    response.headers_mut().append(header::SET_COOKIE, authsignal.cookie.set(&browser));
                }
                response
            }
            Self::Elsewhere(elsewhere) => {
                tracing::info!(action = %guard.action, to = elsewhere.origin, "led to the callback's host");
                answers.elsewhere(parts, refusal(RefusalReason::OtherHost), &elsewhere)
            }
            Self::Respond(response) => {
                let status = response.status();
                if status.is_server_error() {
                    tracing::error!(
                        action = %guard.action,
                        status = status.as_u16(),
                        "an extractor of `identify` failed: what it needs is not there yet. Put this layer inside of the one that \
                         makes the session: `.layer(session)` comes after, or further out"
                    );
                } else {
                    tracing::info!(action = %guard.action, status = status.as_u16(), "refused by an extractor");
                }
                rejected(*response, refusal(RefusalReason::IdentifyRejected))
            }
        }
    }
}
