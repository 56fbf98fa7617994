//! Spends the application's own proof of a request in an outage, once for all nodes.
use std::time::Duration;

use super::machine::{Found, Next, Record, Step, Transition};
use super::{BindingHash, FlowStore, Place};
use crate::domain::flow::{Moment, RequestId};
use crate::request::cookie::BrowserId;
use crate::store::Error;
use crate::store::seal::Purpose;

/// How long it is kept that a request passed with a proof: the very same one passes no more for so long.
pub(crate) const FALLBACK_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// A proof that is spent on this run of its request, and on no other.
struct SpendProof {
    by: RequestId,
}

impl Record for RequestId {}

impl Transition for SpendProof {
    type Record = RequestId;
    /// None where nobody can say on what it was spent.
    type Outcome = Option<bool>;

    fn apply(&self, found: Found<RequestId>, _: Moment) -> Next<RequestId, Option<bool>> {
        match found {
            Found::Nothing => Next::Write(self.by, FALLBACK_TTL, Some(true)),
            Found::Here(_, spent) => Next::Done(Some(spent == self.by)),
            Found::Void(_) => Next::Done(None),
        }
    }
}

impl FlowStore {
    /// Spends the proof of a request on this run of it; `false` if it was spent on another.
    ///
    /// # Errors
    ///
    /// Also where there is a record that cannot be read: nobody can say on what the proof was spent.
    pub(crate) async fn spend_proof(&self, binding: &BindingHash, by: RequestId) -> Result<bool, Error> {
        self.spend_once(Purpose::Fallback, binding, by).await
    }

    /// Spends what is named so, once in 24 hours.
    pub(super) async fn spend_once(&self, purpose: Purpose, what: &[u8; 32], by: RequestId) -> Result<bool, Error> {
        // Under each of its names: a node that knows only the older master secret or API key looks there (threat T92).
        for name in self.keys.names(purpose, &BrowserId::ANY, what) {
            let step = Step::begin(SpendProof { by }, vec![name]);
            let spent = self.finish(Place::of_all(purpose, what), step).await?;
            if !spent.ok_or_else(|| Error::unavailable("the record of a spent proof cannot be read"))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
