//! Counts in the store how often Authsignal is asked about a flow, so that all nodes share the count (threat T118).
use super::{BindingHash, FlowStore, Holder, Tries};
use crate::domain::flow::{AskId, Asking, Flow};
use crate::store::Error;

impl FlowStore {
    /// Whether the way back `by` may ask about a flow, which counts from now on; and the flow, if it is there.
    pub(crate) async fn ask(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        by: AskId,
    ) -> Result<Option<(Asking, Flow)>, Error> {
        let mut tries = Tries::default();
        loop {
            let slot = self.slot(holder, binding).await?;
            let Some(flow) = &slot.record else { return Ok(None) };
            let asking = flow.ask(self.validate_budget, by, self.now());
            let Asking::Ask(asked) = &asking else { return Ok(Some((asking, flow.clone()))) };
            let flow = Flow { asked: asked.clone(), ..flow.clone() };
            if tries.wrote(self.write(holder, &slot, &flow).await)? {
                return Ok(Some((asking, flow)));
            }
        }
    }

    /// Counts no more what Authsignal did not answer.
    pub(crate) async fn was_not_answered(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        by: AskId,
    ) -> Result<(), Error> {
        let mut tries = Tries::default();
        loop {
            let slot = self.slot(holder, binding).await?;
            let Some(flow) = &slot.record else { return Ok(()) };
            let Some(asked) = flow.asked.without(by) else { return Ok(()) };
            let flow = Flow { asked, ..flow.clone() };
            if tries.wrote(self.write(holder, &slot, &flow).await)? {
                return Ok(());
            }
        }
    }
}
