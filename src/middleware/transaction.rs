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
    /// Reads a body as what its route is about. Where the layer cannot stop a request, and its handler is given nothing of the body, one
    /// that is none goes on as it came, without data points; where step-up is off it is not read at all.
    pub(super) async fn read_body<B: ReplayBody>(
        &self,
        reader: &BodyReader,
        parts: &mut Parts,
        mut body: Reading<B>,
    ) -> Result<(Reading<B>, Option<ReadBody>), Stop> {
        // What an outer layer has read is not for the handler of this one.
        parts.extensions.remove::<Slot>();
        let (extent, limit) = (&self.policy.extent, self.authsignal.body_limit);
        if extent.can_stop() || reader.type_name.is_some() {
            body = body.read(limit).await?;
            let read = self.read_transaction(reader, parts, body.whole().ok_or(RefusalReason::BodyTooLarge)?)?;
            return Ok((body, Some(read)));
        }
        if extent.off.is_some() {
            return Ok((body, None));
        }
        body = body.read_or_leave(limit).await?;
        let read = body.whole().and_then(|whole| self.read_transaction(reader, parts, whole).ok());
        Ok((body, read))
    }

    /// Reads a whole body. The value waits in the request for its verdict.
    fn read_transaction(
        &self,
        reader: &BodyReader,
        parts: &mut Parts,
        whole: &[u8],
    ) -> Result<ReadBody, RefusalReason> {
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
        if let Some(slot) = read.slot.take() {
            parts.extensions.insert(slot);
        }
        Ok(read)
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
