//! Spends an approval on a request, and gives it back if the request never gets to its handler (threat T120).
//!
//! The swap runs in a task of its own, which hands over a [`Spending`] with the outcome. A request can be dropped at any
//! await: by a client that hangs up, or by a timeout layer. Then the `Spending` is dropped, here or in that task, and that
//! undoes the swap. Once the handler is called there is no way back: whether it had an effect, nobody can know.
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::machine::{Step, Swap};
use super::transition::{Admit, GiveBack};
use super::{Admitted, BindingHash, FlowStore, Holder, Place, detached};
use crate::domain::flow::{APPROVED, Admission, RequestId};
use crate::log::Chain;
use crate::store::Error;

/// How long a store that is away is waited for before it is asked again: at first, and at most.
const MIN_PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(5);

/// An approval that is spent on a request which is still on its way to its handler. Dropped before that, it is given back.
#[must_use = "dropped at once, it gives back what was spent"]
pub(crate) struct Spending(Option<Spent>);

struct Spent {
    flows: Arc<FlowStore>,
    holder: Holder,
    binding: BindingHash,
    by: RequestId,
    runtime: Handle,
}

impl Spending {
    /// There is nothing to give back: the handler is reached, or nothing was spent after all.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Spending {
    fn drop(&mut self) {
        let Some(spent) = self.0.take() else { return };
        let runtime = spent.runtime.clone();
        runtime.spawn(async move { spent.give_back().await }.in_current_span());
    }
}

impl fmt::Debug for Spending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Spending")
    }
}

impl Spent {
    /// A store that is away now is asked again, for as long as an approval is good.
    async fn give_back(self) {
        let (start, mut pause) = (Instant::now(), MIN_PAUSE);
        loop {
            match self.flows.run(Place::of(&self.holder, &self.binding), GiveBack { by: self.by }).await {
                Ok(Some(flow)) => {
                    return tracing::info!(
                        action = %flow.opening.action,
                        "a request was dropped before its handler: its approval is good again"
                    );
                }
                Ok(None) => return,
                Err(error) if start.elapsed() < APPROVED => {
                    tracing::debug!(error = %Chain(&error), "an approval cannot be given back yet, and is tried again");
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(MAX_PAUSE);
                }
                Err(error) => {
                    return tracing::error!(
                        error = %Chain(&error),
                        "a request was dropped before its handler, and its approval is lost"
                    );
                }
            }
        }
    }
}

impl FlowStore {
    /// Spends an approval, unless somebody else is faster.
    pub(super) async fn spend(
        self: &Arc<Self>,
        holder: &Holder,
        binding: &BindingHash,
        by: RequestId,
        swap: Swap<Admit>,
    ) -> Result<Admitted, Error> {
        let spent = Spent {
            flows: Arc::clone(self),
            holder: holder.clone(),
            binding: *binding,
            by,
            runtime: Handle::current(),
        };
        detached(spend(Spending(Some(spent)), swap)).await?
    }
}

/// An error leaves it unknown whether this request spent the approval, so on the way out it is given back if it did.
async fn spend(spending: Spending, swap: Swap<Admit>) -> Result<Admitted, Error> {
    let Some(Spent { flows, holder, binding, .. }) = &spending.0 else { return Ok(Admitted::Nothing) };
    let met = flows.finish(Place::of(holder, binding), Step::Swap(swap)).await?;
    if matches!(met, Some((Admission::Pass(..), _))) {
        return Ok(Admitted::new(met, Some(spending)));
    }
    spending.keep();
    Ok(Admitted::new(met, None))
}
