//! What asks from within: a handler that knows more than its layer did, and a job that has no request.
pub(super) mod decide;
pub(super) mod layer;
pub(super) mod pending;
pub(super) mod step_up;
