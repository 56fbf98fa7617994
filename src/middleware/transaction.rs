//! Reads what a request does out of its body, before anybody is asked about it.
use authsignal_client::CustomData;
use http::request::Parts;

use super::body::{Reading, ReplayBody};
use super::guard::Guard;
use super::stop::Stop;
use crate::refusal::RefusalReason;
use crate::transaction::{BodyReader, ReadBody, Slot};
use crate::verdict::Verdict;

impl Guard {
    /// Reads a body whole, as what its route is about. The value waits in the request for its verdict.
    pub(super) async fn read_transaction<B: ReplayBody>(
        &self,
        reader: &BodyReader,
        parts: &mut Parts,
        body: Reading<B>,
    ) -> Result<(Reading<B>, ReadBody), Stop> {
        let body = body.read(self.authsignal.body_limit).await?;
        let whole = body.whole().ok_or(RefusalReason::BodyTooLarge)?;
        let words = self.authsignal.answers.words(parts);
        let read = reader.read(parts, whole, words.tag()).inspect_err(|reason| {
            let fault = reason.body_fault();
            tracing::debug!(
                action = %self.action,
                reason = reason.as_str(),
                fault = fault.map(|fault| fault.kind.as_str()),
                path = fault.map(|fault| fault.path.escape_debug().to_string()),
                "a body is none that the route reads"
            );
        });
        let mut read = read?;
        parts.extensions.remove::<Slot>();
        if let Some(slot) = read.slot.take() {
            parts.extensions.insert(slot);
        }
        Ok((body, read))
    }

    /// Hands the value on with its verdict. What an outer layer has read is not for the handler of this one.
    pub(super) fn pass_value(&self, parts: &mut Parts, verdict: Option<&Verdict>) {
        let slot = parts.extensions.remove::<Slot>().filter(|_| self.reader.is_some());
        if let (Some(slot), Some(verdict)) = (slot, verdict) {
            parts.extensions.insert(slot.passed(verdict.clone()));
        }
    }

    /// The data points of a request with those of its value. A name that both have would have one of them unsaid.
    pub(super) fn joined(&self, mut custom: CustomData, read: &ReadBody) -> Result<CustomData, RefusalReason> {
        let points = || read.data_points.iter();
        if let Some((name, _)) = points().find(|(name, _)| custom.get(name).is_some()) {
            tracing::error!(
                action = %self.action,
                name,
                setter = "AuthsignalLayer::custom",
                "both `custom` and the transaction have a data point of this name: rename one of them"
            );
            return Err(RefusalReason::DataConflict);
        }
        custom.extend(points().map(|(name, value)| (name, value.clone())));
        Ok(custom)
    }
}
