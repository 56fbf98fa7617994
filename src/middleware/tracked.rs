//! What Authsignal answered about a request, and what that means on its route.
use authsignal_client::{ActionCode, ActionState, ChallengeUrl, Token, VerificationMethod};

use crate::authsignal::Inner;
use crate::domain::actor::Actor;
use crate::domain::decision::{Answered, Decision, Refused, decide};
use crate::domain::policy::Policy;
use crate::refusal::RefusalReason;
use crate::upstream::Unanswered;
use crate::verdict::question::Question;

/// What Authsignal answered, as far as it is acted upon.
pub(super) struct Tracked {
    pub(super) state: ActionState,
    pub(super) is_enrolled: Option<bool>,
    /// Empty where the route names no methods.
    allowed: Vec<VerificationMethod>,
    enrolled: Vec<VerificationMethod>,
    pub(super) url: Option<ChallengeUrl>,
    pub(super) token: Option<Token>,
    pub(super) rule_ids: Vec<String>,
}

impl Tracked {
    /// Asks Authsignal. Which methods there are is read only where the route names some: it costs, and a list that cannot be
    /// read is no reason to have no decision elsewhere.
    pub(super) async fn ask(authsignal: &Inner, question: &Question) -> Result<Self, Unanswered> {
        let Question { user, track, action, policy, .. } = question;
        let Inner { upstream, client, .. } = authsignal;
        if policy.proof.methods.is_some() {
            let asked = Box::pin(client.track(user, track.track().clone()));
            return upstream.ask(action, asked).await.map(|tracked| Self {
                state: tracked.state,
                is_enrolled: tracked.is_enrolled,
                allowed: tracked.allowed_verification_methods,
                enrolled: tracked.enrolled_verification_methods,
                url: tracked.url,
                token: tracked.token,
                rule_ids: tracked.rule_ids,
            });
        }
        upstream.ask(action, client.track_decision(user, track.track())).await.map(|tracked| Self {
            state: tracked.state,
            is_enrolled: tracked.is_enrolled,
            allowed: Vec::new(),
            enrolled: Vec::new(),
            url: tracked.url,
            token: tracked.token,
            rule_ids: tracked.rule_ids,
        })
    }

    /// What it means for a request of this actor's, of a route with this policy.
    pub(super) fn decision(&self, policy: &Policy, actor: &Actor) -> Decision {
        let Self { state, is_enrolled, allowed, enrolled, .. } = self;
        let decision = decide(&Answered { state, is_enrolled: *is_enrolled, allowed, enrolled }, policy);
        match policy.no_person(actor) {
            Some(no_person) => no_person.decides(decision),
            None => decision,
        }
    }

    /// Says what keeps everybody from a route.
    pub(super) fn warn_of_methods(&self, action: &ActionCode, policy: &Policy) {
        let words = |methods: &[VerificationMethod]| {
            methods.iter().map(VerificationMethod::as_str).collect::<Vec<_>>().join(", ")
        };
        tracing::error!(
            %action,
            methods = words(policy.proof.methods()),
            offered = words(&self.allowed),
            setter = "AuthsignalLayer::methods",
            "Authsignal offers none of the methods that count on this route, so nobody gets through: allow one of them for the \
             action in its portal, or name others"
        );
    }
}

/// Why a request that does not go on is refused.
pub(super) fn reason_of(refused: Refused) -> RefusalReason {
    match refused {
        Refused::State(state) => RefusalReason::State(state),
        Refused::Unenrolled => RefusalReason::NotEnrolled,
        Refused::NoPerson => RefusalReason::NoPerson,
        Refused::MethodsNotOffered => RefusalReason::MethodsNotOffered,
        Refused::Insufficient(shortfall) => RefusalReason::Unproven(shortfall.into()),
    }
}
