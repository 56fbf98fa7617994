//! What would stop a request, on a route that stops none.
use crate::domain::extent::Extent;
use crate::refusal::RefusalReason;

/// The first reason that would have stopped a request.
pub(super) struct Overlooked {
    can_stop: bool,
    reason: Option<RefusalReason>,
}

impl Overlooked {
    /// Nothing yet.
    pub(super) fn new(extent: &Extent) -> Self {
        Self { can_stop: extent.can_stop(), reason: None }
    }

    /// Stops the request, or notes why it would be.
    ///
    /// # Errors
    ///
    /// The reason, on a route that stops requests.
    pub(super) fn or_stop(&mut self, reason: RefusalReason) -> Result<(), RefusalReason> {
        if self.can_stop {
            return Err(reason);
        }
        self.reason.get_or_insert(reason);
        Ok(())
    }

    pub(super) fn reason(&self) -> Option<&RefusalReason> {
        self.reason.as_ref()
    }

    pub(super) fn into_reason(self) -> Option<RefusalReason> {
        self.reason
    }
}
