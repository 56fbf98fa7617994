//! What a handler or a job adds to what its guard asks: the data points that it knows by then, who asks where there is no
//! request, and what was answered before.
use authsignal_client::{CustomData, IdempotencyKey};

use crate::domain::fields::Fields;
use crate::refusal::RefusalReason;
use crate::request::identify::User;
use crate::verdict::Verdict;

/// What is asked besides what a layer would ask. A layer adds nothing.
#[derive(Clone, Default)]
pub(super) struct Particulars {
    /// The digest of the data points, and of the attempt's name where one was given: an approval is for these alone.
    pub(super) digest: Option<[u8; 32]>,
    /// Who asks, where no request says so.
    pub(super) asker: Option<Box<Asker>>,
    /// What this very request was answered before.
    pub(super) earlier: Vec<Verdict>,
}

/// Who asks without a request.
#[derive(Clone)]
pub(super) struct Asker {
    pub(super) user: User,
    /// The attempt's key, where the caller named one.
    pub(super) attempt: Option<IdempotencyKey>,
    /// Whether a request is known that they asked with.
    pub(super) is_seen: bool,
}

impl Particulars {
    /// The key that the caller gave the attempt.
    pub(super) fn attempt(&self) -> Option<IdempotencyKey> {
        self.asker.as_ref()?.attempt.clone()
    }

    /// Whether nothing is known of where whoever asks is.
    pub(super) fn is_unseen(&self) -> bool {
        self.asker.as_ref().is_some_and(|asker| !asker.is_seen)
    }
}

/// A digest of data points as they are sent: an approval for 10 is none for 10,000, also where the request says neither.
///
/// # Errors
///
/// What cannot be sent (a number that is not finite) has none: nobody could be told what they approve.
pub(super) fn digest(label: &str, data: &CustomData) -> Result<Fields, RefusalReason> {
    let sent = serde_json::to_vec(data).map_err(|error| {
        tracing::error!(%error, "data points that cannot be sent to Authsignal, so that nothing was asked");
        RefusalReason::Unguarded
    })?;
    let mut fields = Fields::new(label);
    fields.add(sent);
    Ok(fields)
}
