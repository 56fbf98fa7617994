//! Carries out on the store what [`flow`](crate::domain::flow) says: load, transition, swap, and again when the swap was lost.
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{Clock, IdempotencyKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::key::Key;
use super::record;
use super::seal::{KeyRing, Purpose};
use crate::domain::flow::{Admission, Flow, Moment, Proof, RequestId, Resolution, Stage, Validation};
use crate::domain::saved_request::SavedRequest;
use crate::domain::ticket::Ticket;
use crate::domain::waiting::Room;
use crate::request::cookie::BrowserId;
use crate::store::{AnyStore, Error, ErrorKind, Version};

mod ask;
mod holder;
mod proof;
mod revoke;
mod spend;
mod token;
mod wait;

pub(crate) use holder::Holder;
pub(crate) use spend::Spending;

/// How often a transition is tried while others keep writing the same record.
const TRIES: usize = 16;
/// The same for what a user's requests at once all write.
const MANY_TRIES: usize = 64;
/// How often a store that lost an answer is asked again: a write of ours that happened is found as ours (M3, M4).
const LOST_ANSWERS: usize = 2;

/// The flows in the store.
#[derive(Clone, Debug)]
pub(crate) struct FlowStore {
    pub(crate) store: AnyStore,
    pub(crate) keys: KeyRing,
    pub(crate) clock: Clock,
    /// How long a challenge waits for its proof.
    pub(crate) challenge_ttl: Duration,
    /// How often Authsignal may be asked about tokens for one flow.
    pub(crate) validate_budget: u32,
    /// How much may wait for its proof at once, of one user and session.
    pub(crate) pending_flow_budget: Room,
}

/// What a flow is found by: a hash of everything that it is bound to apart from the browser.
pub(crate) type BindingHash = [u8; 32];

/// A place in the store: where a record is, or would go.
struct Slot<T = Flow> {
    key: Key,
    version: Option<Version>,
    record: Option<T>,
}

/// What a request that a flow may cover gets.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It passes; an approval that is good once is spent on it from now on.
    Pass(Proof, Flow, Option<Spending>),
    SameChallenge(Flow),
    /// It may be the request that has just spent this flow's approval, sent twice.
    Repeated(Flow),
    Nothing,
}

/// What came of opening a flow.
#[derive(Debug)]
pub(crate) enum Opened {
    /// It is ours.
    New(Flow),
    /// Another request for the same thing was faster; this is its flow.
    Joined(Flow),
    /// Another request for the same thing was faster, and its approval passes this one.
    Pass(Proof, Flow, Option<Spending>),
}

impl Admitted {
    /// What there is nothing to be written for.
    fn of(met: Admission, flow: Flow) -> Self {
        match met {
            Admission::Pass(proof, _) => Self::Pass(proof, flow, None),
            Admission::SameChallenge => Self::SameChallenge(flow),
            Admission::Repeated => Self::Repeated(flow),
            Admission::Nothing => Self::Nothing,
        }
    }
}

impl FlowStore {
    pub(crate) fn now(&self) -> Moment {
        self.clock.now().into()
    }

    /// What the flow that covers a request, if there is one, says; an approval is spent by `by` before this returns.
    pub(crate) async fn admit(
        self: &Arc<Self>,
        holder: &Holder,
        binding: &BindingHash,
        by: RequestId,
    ) -> Result<Admitted, Error> {
        let slot = self.slot(holder, binding).await?;
        let Some(flow) = &slot.record else { return Ok(Admitted::Nothing) };
        match flow.admit(by, self.now()) {
            Admission::Pass(_, Some(_)) => self.spend(holder, binding, by, slot).await,
            met => Ok(slot.record.map_or(Admitted::Nothing, |flow| Admitted::of(met, flow))),
        }
    }

    /// What a request would get that a flow covers, and the flow. Nothing is spent, and nothing written.
    pub(crate) async fn look(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        by: RequestId,
    ) -> Result<Option<(Admission, Flow)>, Error> {
        let flow = self.slot(holder, binding).await?.record;
        Ok(flow.map(|flow| (flow.admit(by, self.now()), flow)))
    }

    /// Whether there is a flow, whatever it says.
    pub(crate) async fn has(&self, holder: &Holder, binding: &BindingHash) -> Result<bool, Error> {
        Ok(self.slot(holder, binding).await?.record.is_some())
    }

    /// Writes a new flow, unless another request for the same thing was faster.
    pub(crate) async fn open(
        self: &Arc<Self>,
        holder: &Holder,
        binding: &BindingHash,
        by: RequestId,
        flow: Flow,
    ) -> Result<Opened, Error> {
        let mut tries = Tries::default();
        loop {
            let slot = self.slot(holder, binding).await?;
            if let Some(found) = &slot.record {
                if found.opening.attempt == flow.opening.attempt {
                    return Ok(Opened::New(flow));
                }
                match found.admit(by, self.now()) {
                    Admission::SameChallenge => return Ok(Opened::Joined(found.clone())),
                    // A client without a cookie passes with its token in hand alone.
                    Admission::Pass(..) if *holder == Holder::Bearer => {}
                    Admission::Pass(..) => {
                        if let Admitted::Pass(proof, flow, spending) = self.admit(holder, binding, by).await? {
                            return Ok(Opened::Pass(proof, flow, spending));
                        }
                    }
                    Admission::Repeated | Admission::Nothing => {}
                }
            }
            if tries.wrote(self.write(holder, &slot, &flow).await)? {
                return Ok(Opened::New(flow));
            }
        }
    }

    /// Changes how the user of a flow goes on, unless the flow is another attempt's by now.
    pub(crate) async fn save_request(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        attempt: &IdempotencyKey,
        saved: &SavedRequest,
    ) -> Result<(), Error> {
        let mut tries = Tries::default();
        loop {
            let slot = self.slot(holder, binding).await?;
            let Some(flow) = slot.record.as_ref().filter(|flow| flow.opening.attempt == *attempt) else {
                return Ok(());
            };
            let mut flow = flow.clone();
            flow.saved = saved.clone();
            if tries.wrote(self.write(holder, &slot, &flow).await)? {
                return Ok(());
            }
        }
    }

    /// Writes down which flow a ticket is for.
    pub(crate) async fn write_ticket(
        &self,
        browser: &BrowserId,
        ticket: Ticket,
        binding: &BindingHash,
    ) -> Result<(), Error> {
        let key = self.keys.name(Purpose::Ticket, browser, ticket.as_bytes());
        let sealed = self.keys.seal(Purpose::Ticket, browser, &key, binding);
        let life = self.challenge_ttl + crate::domain::flow::ENDED;
        // A random ticket is new; a second try finds the first one's record, which says the same.
        let mut tries = Tries::default();
        while !tries.wrote(self.store.swap(&key, None, sealed.clone(), life).await)? {
            if self.store.load(&key).await?.is_some() {
                break;
            }
        }
        Ok(())
    }

    /// The flow that a ticket is for, if it is this browser's.
    pub(crate) async fn find(&self, browser: &BrowserId, ticket: Ticket) -> Result<Option<(BindingHash, Flow)>, Error> {
        for key in self.keys.names(Purpose::Ticket, browser, ticket.as_bytes()) {
            let Some((_, sealed)) = self.store.load(&key).await? else { continue };
            let opened = self.keys.open(Purpose::Ticket, browser, &key, &sealed);
            let Some(binding) = opened.and_then(|plain| BindingHash::try_from(plain).ok()) else {
                warn_unopened(Purpose::Ticket, &key);
                continue;
            };
            let holder = Holder::Browser(browser.clone());
            return Ok(self.slot(&holder, &binding).await?.record.map(|flow| (binding, flow)));
        }
        Ok(None)
    }

    /// Applies the service's answer to a flow, and gives the flow as it then stands.
    pub(crate) async fn answer(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        answer: &Validation,
    ) -> Result<Option<(Resolution, Flow)>, Error> {
        let mut tries = Tries::default();
        loop {
            let slot = self.slot(holder, binding).await?;
            let Some(flow) = &slot.record else { return Ok(None) };
            let answered = flow.answer(answer, self.now());
            let (Resolution::Approve(stage) | Resolution::Fail(stage)) = &answered else {
                return Ok(Some((answered, flow.clone())));
            };
            let flow = flow.clone().answered(stage.clone());
            if tries.wrote(self.write(holder, &slot, &flow).await)? {
                return Ok(Some((answered, flow)));
            }
        }
    }

    /// A flow that was begun before its user was revoked is none: the place that it leaves can be written.
    async fn slot(&self, holder: &Holder, binding: &BindingHash) -> Result<Slot, Error> {
        let slot: Slot = self.slot_of(holder.purpose(), holder.browser(), binding).await?;
        let Some(Flow { opening, known, .. }) = &slot.record else { return Ok(slot) };
        let standing = self.revoked(opening.user.as_str(), opening.session.as_deref()).await?;
        if known.covers(&standing) {
            return Ok(slot);
        }
        tracing::info!(action = %opening.action, "a flow that was begun before its user was revoked counts no more");
        Ok(Slot { record: None, ..slot })
    }

    /// The record under the current master secret and tenant, or else under an older one, or else the place for a new one.
    async fn slot_of<T: DeserializeOwned>(
        &self,
        purpose: Purpose,
        browser: &BrowserId,
        what: &[u8; 32],
    ) -> Result<Slot<T>, Error> {
        let mut place = None;
        for key in self.keys.names(purpose, browser, what) {
            let Some((version, sealed)) = self.store.load(&key).await? else {
                place.get_or_insert(Slot { key, version: None, record: None });
                continue;
            };
            let opened = self.keys.open(purpose, browser, &key, &sealed);
            let record = opened.and_then(|plain| record::read(&plain));
            if record.is_some() {
                return Ok(Slot { key, version: Some(version), record });
            }
            warn_unopened(purpose, &key);
            place.get_or_insert(Slot { key, version: Some(version), record: None });
        }
        Ok(place.expect("there is always a current master secret"))
    }

    async fn write(&self, holder: &Holder, slot: &Slot, flow: &Flow) -> Result<bool, Error> {
        self.write_as(holder.purpose(), holder.browser(), slot, flow, self.ttl(&flow.stage)).await
    }

    async fn write_as<T: Serialize>(
        &self,
        purpose: Purpose,
        browser: &BrowserId,
        slot: &Slot<T>,
        record: &T,
        ttl: Duration,
    ) -> Result<bool, Error> {
        let sealed = self.keys.seal(purpose, browser, &slot.key, &record::write(record));
        self.store.swap(&slot.key, slot.version, sealed, ttl).await
    }

    fn ttl(&self, stage: &Stage) -> Duration {
        stage.until.after(self.now())
    }
}

/// Runs to its end even if whoever waits for it goes away.
pub(crate) async fn detached<T, F>(task: F) -> Result<T, Error>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    match tokio::spawn(task.in_current_span()).await {
        Ok(output) => Ok(output),
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => Err(Error::unavailable("the runtime is shutting down")),
        },
    }
}

fn warn_unopened(what: Purpose, key: &Key) {
    tracing::warn!(?what, %key, "a record in the store does not open under its key and is ignored");
}

/// Bounds how often a transition is tried.
struct Tries {
    most: usize,
    lost_swaps: usize,
    lost_answers: usize,
}

impl Default for Tries {
    fn default() -> Self {
        Self { most: TRIES, lost_swaps: 0, lost_answers: 0 }
    }
}

impl Tries {
    fn many() -> Self {
        Self { most: MANY_TRIES, ..Self::default() }
    }

    /// Whether a swap wrote; an error only once trying again has no more hope.
    fn wrote(&mut self, swapped: Result<bool, Error>) -> Result<bool, Error> {
        match swapped {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.lost_swaps += 1;
                if self.lost_swaps == self.most { Err(Error::contended()) } else { Ok(false) }
            }
            Err(error) if error.kind() == ErrorKind::Unavailable && self.lost_answers < LOST_ANSWERS => {
                self.lost_answers += 1;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests;
