//! Reads what a request does out of its body, before anybody is asked about it.
use std::panic::{AssertUnwindSafe, catch_unwind};

use authsignal_client::CustomData;
use http::request::Parts;

use super::body::{Reading, ReplayBody};
use super::guard::Guard;
use super::overlooked::Overlooked;
use crate::decided::trail::Trail;
use crate::refusal::{Refusal, RefusalReason};
use crate::transaction::{BodyReader, ReadBody, Slot};
use crate::verdict::Verdict;

impl Guard {
    /// Reads a body as what its route is about. Where the layer cannot stop a request, one that is none goes on as it came, without
    /// data points, and the handler's own extractor answers with what the layer would have; where step-up is off and no extractor
    /// asks for the value it is not read at all.
    pub(super) async fn read_body<B: ReplayBody>(
        &self,
        reader: &BodyReader,
        parts: &mut Parts,
        mut body: Reading<B>,
        overlooked: &mut Overlooked,
        trail: &Trail,
    ) -> Result<(Reading<B>, Option<ReadBody>), RefusalReason> {
        // What an outer layer has read is not for the handler of this one.
        parts.extensions.remove::<Slot>();
        let (extent, limit) = (&self.policy.extent, self.authsignal.body_limit);
        if extent.off.is_some() && reader.type_name.is_none() {
            return Ok((body, None));
        }
        let amiss;
        if extent.can_stop() {
            (body, amiss) = (body.read(limit).await?, None);
        } else {
            (body, amiss) = body.read_or_leave(limit).await;
        }
        let read = match (amiss, body.whole()) {
            (Some(amiss), _) => Err(amiss),
            (None, None) => Err(RefusalReason::BodyTooLarge),
            (None, Some(whole)) => self.read_transaction(reader, parts, whole),
        };
        match read {
            Ok(read) => Ok((body, Some(read))),
            Err(reason) => {
                overlooked.or_stop(reason.clone())?;
                if let Some(type_name) = reader.type_name {
                    let refusal = Refusal::new(reason, Some(&self.action)).of_decision(Some(&trail.id()));
                    let answer = self.authsignal.answers.refuse(parts, refusal, self.authsignal.came_from(parts));
                    parts.extensions.insert(Slot::unread(type_name, answer));
                }
                Ok((body, None))
            }
        }
    }

    /// Reads a whole body. The value waits in the request for its verdict.
    fn read_transaction(
        &self,
        reader: &BodyReader,
        parts: &mut Parts,
        whole: &[u8],
    ) -> Result<ReadBody, RefusalReason> {
        let words = self.authsignal.answers.words(parts);
        let read = self.unless_it_panics("AuthsignalLayer::transaction", || reader.read(parts, whole, words.tag()));
        let mut read = read.and_then(|read| read).inspect_err(|reason| {
            let fault = reason.body_fault();
            tracing::debug!(
                action = %self.action,
                reason = reason.as_str(),
                fault = fault.map(|fault| fault.kind.as_str()),
                path = fault.map(|fault| fault.path.escape_debug().to_string()),
                "a body is none that the route reads"
            );
        })?;
        if let Some(slot) = read.slot.take() {
            parts.extensions.insert(slot);
        }
        Ok(read)
    }

    /// What a closure of the application's gives. One that panics says nothing of a request, which is refused, or passes where
    /// the route stops none.
    pub(super) fn unless_it_panics<T>(
        &self,
        setter: &'static str,
        closure: impl FnOnce() -> T,
    ) -> Result<T, RefusalReason> {
        catch_unwind(AssertUnwindSafe(closure)).map_err(|_| {
            tracing::error!(action = %self.action, setter, "what the application gave the layer panicked");
            RefusalReason::Unguarded
        })
    }

    /// Hands the value on with its verdict. What an outer layer has read is not for the handler of this one.
    pub(super) fn pass_value(&self, parts: &mut Parts, verdict: Option<&Verdict>) {
        let slot = parts.extensions.remove::<Slot>().filter(|_| self.reader.is_some());
        if let (Some(slot), Some(verdict)) = (slot, verdict) {
            parts.extensions.insert(slot.passed(verdict.clone()));
        }
    }

    /// The data points of a request with those of its value. A name that both have would have one of them unsaid.
    pub(super) fn joined(
        &self,
        mut custom: CustomData,
        read: &ReadBody,
        overlooked: &mut Overlooked,
    ) -> Result<CustomData, RefusalReason> {
        let points = || read.data_points.iter();
        if let Some((name, _)) = points().find(|(name, _)| custom.get(name).is_some()) {
            tracing::error!(
                action = %self.action,
                name,
                setter = "AuthsignalLayer::custom",
                "both `custom` and the transaction have a data point of this name: rename one of them"
            );
            return overlooked.or_stop(RefusalReason::DataConflict).map(|()| custom);
        }
        custom.extend(points().map(|(name, value)| (name, value.clone())));
        Ok(custom)
    }
}
