//! Reviews in the store, so that all nodes share when Authsignal was last asked about one.
use authsignal_client::{ActionState, IdempotencyKey};

use super::machine::{Found, Next, Transition};
use super::transition::write;
use super::{BindingHash, FlowStore, Holder, Place};
use crate::domain::flow::{Flow, Looking, Moment, Reviewed};
use crate::store::Error;

/// Somebody who looks, which counts from now on.
struct LookAtReview;

impl Transition for LookAtReview {
    type Record = Flow;
    type Outcome = Option<(Looking, Flow)>;

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, Self::Outcome> {
        let Some(flow) = found.record() else { return Next::Done(None) };
        match flow.stage.look(now) {
            Looking::Ask(stage) => {
                let flow = Flow { stage: stage.clone(), ..flow };
                write(flow.clone(), now, Some((Looking::Ask(stage), flow)))
            }
            looking @ (Looking::Wait(_) | Looking::Over) => Next::Done(Some((looking, flow))),
        }
    }
}

/// What the service says of an attempt, unless the flow is another's by now.
struct TakeReview<'a> {
    attempt: &'a IdempotencyKey,
    state: &'a ActionState,
}

impl Transition for TakeReview<'_> {
    type Record = Flow;
    type Outcome = Option<(Reviewed, Flow)>;

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, Self::Outcome> {
        let Some(flow) = found.record().filter(|flow| flow.opening.attempt == *self.attempt) else {
            return Next::Done(None);
        };
        let reviewed = flow.stage.reviewed(self.state, now);
        match &reviewed {
            Reviewed::Approve(stage) | Reviewed::Fail(stage) => {
                let flow = Flow { stage: stage.clone(), ..flow };
                write(flow.clone(), now, Some((reviewed, flow)))
            }
            Reviewed::Waits | Reviewed::Over => Next::Done(Some((reviewed, flow))),
        }
    }
}

impl FlowStore {
    /// Whether Authsignal is to be asked about a review, which counts from now on; and the flow, if it is there.
    pub(crate) async fn look_at_review(
        &self,
        holder: &Holder,
        binding: &BindingHash,
    ) -> Result<Option<(Looking, Flow)>, Error> {
        self.run(Place::of(holder, binding), LookAtReview).await
    }

    /// Applies what Authsignal says of an attempt under review, and gives the flow as it then stands.
    pub(crate) async fn take_review(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        attempt: &IdempotencyKey,
        state: &ActionState,
    ) -> Result<Option<(Reviewed, Flow)>, Error> {
        self.run(Place::of(holder, binding), TakeReview { attempt, state }).await
    }
}
