//! The words on pages that somebody in a test presses or looks for; here alone, so that a page may be worded anew.

/// Sends a form once more that was kept while its user proved it.
pub const CONTINUE: &str = "Continue";
/// Leaves without going on.
pub const CANCEL: &str = "Cancel";
/// Asks once more: after an outage, or for the challenge that was left.
pub const TRY_AGAIN: &str = "Try again";

/// Takes a code, on the emulator's challenge page.
pub(crate) const CONFIRM: &str = "Confirm";
/// The field for it there.
pub(crate) const CODE_FIELD: &str = "code";
