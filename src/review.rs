//! Asks the service whether somebody has looked at a request that waits for a review. Whoever looks does it alike: the request
//! that is sent again, and the flow's own page.
use crate::authsignal::Inner;
use crate::decided::outcome::Outcome;
use crate::domain::flow::{Flow, Looking, Reviewed};
use crate::redeem::Unredeemed;
use crate::refusal::RefusalReason;
use crate::store::flows::{BindingHash, Holder};
use crate::upstream::Unanswered;

impl Inner {
    /// The flow as it stands once Authsignal was asked, which it is every few seconds at most, whoever looks (threat T107).
    pub(crate) async fn look_at_review(&self, holder: &Holder, binding: &BindingHash) -> Result<Flow, Unredeemed> {
        let looked = self.flows.look_at_review(holder, binding).await?;
        let (looking, flow) = looked.ok_or(RefusalReason::UnknownFlow)?;
        if !matches!(looking, Looking::Ask(_)) {
            return Ok(flow);
        }
        let opening = &flow.opening;
        let asked = self.client.get_action(&opening.user, &opening.action, &opening.attempt);
        let state = match self.upstream.ask(&opening.action, asked).await {
            Ok(action) => action.state,
            Err(Unanswered { outage, wait }) => return Err(Unredeemed { wait, ..Unredeemed::of(outage, flow) }),
        };
        let taken = self.flows.take_review(holder, binding, &opening.attempt, &state).await?;
        let (reviewed, flow) = taken.ok_or(RefusalReason::UnknownFlow)?;
        let outcome = match reviewed {
            Reviewed::Approve(_) => Some(Outcome::Proved),
            Reviewed::Fail(_) => Some(Outcome::Failed),
            Reviewed::Waits | Reviewed::Over => None,
        };
        if let Some(outcome) = outcome {
            self.tell_of_flow(outcome, &flow);
            let opening = &flow.opening;
            let (action, decision_id) = (&opening.action, &opening.attempt);
            tracing::info!(%action, %decision_id, state = RefusalReason::State(state).state(), "a request was reviewed");
            self.gives_room_back(opening, &opening.attempt);
            self.flows.give_room_back(opening.user.as_str(), opening.session.as_deref(), &opening.attempt).await;
        }
        Ok(flow)
    }
}
