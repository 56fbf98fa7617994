//! What asks from within: a handler that knows more than its layer did, and a job that has no request.
pub(super) mod layer;
pub(super) mod step_up;
