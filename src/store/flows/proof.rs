//! Spends the application's own proof of a request in an outage, once for all nodes.
use std::time::Duration;

use super::{BindingHash, FlowStore, Tries};
use crate::domain::flow::RequestId;
use crate::request::cookie::BrowserId;
use crate::store::Error;
use crate::store::seal::Purpose;

/// How long it is kept that a request passed with a proof: the very same one passes no more for so long.
pub(crate) const FALLBACK_TTL: Duration = Duration::from_secs(24 * 60 * 60);

impl FlowStore {
    /// Spends the proof of a request on this run of it; `false` if it was spent on another.
    ///
    /// # Errors
    ///
    /// Also where there is a record that cannot be read: nobody can say on what the proof was spent.
    pub(crate) async fn spend_proof(&self, binding: &BindingHash, by: RequestId) -> Result<bool, Error> {
        let mut tries = Tries::default();
        loop {
            let slot = self.slot_of::<RequestId>(Purpose::Fallback, &BrowserId::ANY, binding).await?;
            match (&slot.record, slot.version) {
                (Some(spent), _) => return Ok(*spent == by),
                (None, Some(_)) => return Err(Error::unavailable("the record of a spent proof cannot be read")),
                (None, None) => {}
            }
            if tries.wrote(self.write_as(Purpose::Fallback, &BrowserId::ANY, &slot, &by, FALLBACK_TTL).await)? {
                return Ok(true);
            }
        }
    }
}
