//! Takes a token that the service gave after a challenge to the flow that it is for. The way back and a request that
//! brings its token do it alike.
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{Validate, VerificationMethod};

use crate::authsignal::Inner;
use crate::budget::Budget;
use crate::decided::Ended;
use crate::decided::outcome::Outcome;
use crate::domain::flow::{AskId, Asking, Flow, Kind, Opening, Resolution, Unproven, Validation};
use crate::outage::Outage;
use crate::refusal::RefusalReason;
use crate::store;
use crate::store::flows::{BindingHash, Holder, detached};
use crate::upstream::Unanswered;

/// The longest token that is looked at, in bytes.
pub(crate) const MAX_TOKEN: usize = 4 * 1024;

/// Tokens are opaque; their characters are those that RFC 6750 gives to bearer tokens.
pub(crate) fn is_token(text: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(legal)
}

/// Why a token proved nothing.
#[derive(Debug)]
pub(crate) struct Unredeemed {
    pub(crate) reason: RefusalReason,
    /// When to try again.
    pub(crate) wait: Option<Duration>,
    /// The flow, where one is known.
    pub(crate) flow: Option<Box<Flow>>,
}

impl Unredeemed {
    pub(crate) fn of(reason: impl Into<RefusalReason>, flow: Flow) -> Self {
        Self { reason: reason.into(), wait: None, flow: Some(Box::new(flow)) }
    }

    fn after(self, wait: Option<Duration>) -> Self {
        Self { wait, ..self }
    }
}

impl From<RefusalReason> for Unredeemed {
    fn from(reason: RefusalReason) -> Self {
        Self { reason, wait: None, flow: None }
    }
}

impl From<store::Error> for Unredeemed {
    fn from(error: store::Error) -> Self {
        RefusalReason::from(Outage::of_store(&error)).into()
    }
}

impl Inner {
    /// Asks the service about a token and writes what it means for the flow. It runs in a task of its own, so whoever
    /// hangs up half way changes nothing (threats T13 and T85).
    pub(crate) async fn redeem(
        self: Arc<Self>,
        holder: Holder,
        binding: BindingHash,
        token: String,
    ) -> Result<(Resolution, Flow), Unredeemed> {
        detached(async move { self.validate(&holder, &binding, token).await }).await?
    }

    /// Tells all who listen what came of a challenge. What it proves nothing for is told by whoever refuses it.
    fn tell_answered(&self, answered: &Resolution, flow: &Flow) {
        let outcome = match answered {
            Resolution::Approve(_) => Outcome::Proved,
            Resolution::Left => Outcome::Left,
            Resolution::Fail(_) => Outcome::Failed,
            Resolution::Already | Resolution::Unproven(_) => return,
        };
        self.tell_of_flow(outcome, flow);
    }

    /// Tells all who listen what came of a challenge or of a review, by where its flow stands now.
    pub(crate) fn tell_of_flow(&self, outcome: Outcome, flow: &Flow) {
        let method = match &flow.stage.kind {
            Kind::Approved(proof) => proof.method.as_ref(),
            _ => None,
        };
        let reason = match &flow.stage.kind {
            Kind::Failed(state) if outcome == Outcome::Failed => Some(RefusalReason::State(state.clone())),
            Kind::Insufficient(shortfall) => Some(RefusalReason::Unproven((*shortfall).into())),
            _ => None,
        };
        let actor = flow.opening.actor();
        let ended = Ended::of_flow(outcome, &flow.opening, &actor);
        self.listeners.tell(&Ended { method, reason: reason.as_ref(), ..ended });
    }

    async fn validate(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        token: String,
    ) -> Result<(Resolution, Flow), Unredeemed> {
        let by = AskId::random();
        let (asking, flow) = self.flows.ask(holder, binding, by).await?.ok_or(RefusalReason::UnknownFlow)?;
        match asking {
            Asking::Ask(_) | Asking::Counted => {}
            // Nobody was asked, which is no proof for whoever has to show one.
            Asking::Known if *holder == Holder::Bearer => {
                let wait = flow.stage.until.after(self.flows.now());
                return Err(Unredeemed::of(RefusalReason::OverBudget(Budget::Validates), flow).after(Some(wait)));
            }
            Asking::Known => return Ok((Resolution::Already, flow)),
            Asking::Over(wait) => {
                Budget::Validates.warn(&flow.opening.action);
                return Err(Unredeemed::of(RefusalReason::OverBudget(Budget::Validates), flow).after(Some(wait)));
            }
            Asking::Expired => return Err(Unredeemed::of(RefusalReason::Unproven(Unproven::Expired), flow)),
        }
        let opening = &flow.opening;
        let question = Validate::new(token).user_id(opening.user.clone()).action(opening.action.clone());
        let asked = self.upstream.ask(&opening.action, self.client.validate_challenge(question)).await;
        let validated = match asked {
            Ok(validated) => validated,
            Err(Unanswered { outage, wait }) => {
                // Whoever is told to slow down is not to ask without end.
                if outage != Outage::RateLimited
                    && let Err(error) = self.flows.was_not_answered(holder, binding, by).await
                {
                    Outage::of_store(&error);
                }
                return Err(Unredeemed::of(outage, flow).after(wait));
            }
        };
        let (answered, flow) = self.take_answer(holder, binding, &Validation::from(validated)).await?;
        match answered {
            Resolution::Unproven(why) => Err(Unredeemed::of(RefusalReason::Unproven(why), flow)),
            Resolution::Approve(_) | Resolution::Already | Resolution::Left | Resolution::Fail(_) => {
                Ok((answered, flow))
            }
        }
    }

    /// Writes what the service's answer about an attempt means for its flow, and tells of it.
    pub(crate) async fn take_answer(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        validation: &Validation,
    ) -> Result<(Resolution, Flow), Unredeemed> {
        let answered = self.flows.answer(holder, binding, validation).await?;
        let (answered, flow) = answered.ok_or(RefusalReason::UnknownFlow)?;
        self.tell_answered(&answered, &flow);
        if let (Resolution::Fail(_), Kind::Insufficient(_)) = (&answered, &flow.stage.kind) {
            warn_of_insufficient(&flow.opening, validation.method.as_ref());
        }
        // Also where this was written before, and only the store's answer was lost.
        if matches!(answered, Resolution::Approve(_) | Resolution::Already) {
            let opening = &flow.opening;
            self.gives_room_back(opening, &opening.attempt);
            self.flows.give_room_back(opening.user.as_str(), opening.session.as_deref(), &opening.attempt).await;
        }
        Ok((answered, flow))
    }
}

/// Says what a proof was and what would have counted, and where that is set.
fn warn_of_insufficient(opening: &Opening, method: Option<&VerificationMethod>) {
    let methods: Vec<_> = opening.proof.methods().iter().map(VerificationMethod::as_str).collect();
    tracing::warn!(
        action = %opening.action,
        method = method.map_or("none was named", VerificationMethod::as_str),
        counts = (!methods.is_empty()).then(|| methods.join(", ")),
        max_age_seconds = opening.proof.max_age.map(|age| age.as_secs()),
        "a proof does not count on its route, and its user is challenged anew; let Authsignal offer for this action only what \
         counts (its portal), or change `AuthsignalLayer::methods` and `AuthsignalLayer::max_age`"
    );
}
