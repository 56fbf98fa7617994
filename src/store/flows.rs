//! Carries out on the store what [`flow`](crate::domain::flow) says, as the [`machine`] asks for it.
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::{ActionState, Clock, IdempotencyKey};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::Instrument as _;

use super::key::Key;
use super::record;
use super::seal::{KeyRing, Purpose};
use crate::domain::flow::{Admission, AskId, Asking, Flow, Moment, Proof, RequestId, Resolution, Validation};
use crate::domain::proof_policy::Shortfall;
use crate::domain::saved_request::SavedRequest;
use crate::domain::waiting::Room;
use crate::request::cookie::BrowserId;
use crate::store::{AnyStore, Error};
use machine::{Found, MANY_TRIES, Step, Transition};
use transition::{Admit, Answer, Ask, Begun, Look, Open, SaveRequest, WasNotAnswered};

mod holder;
mod machine;
#[cfg(test)]
mod model;
mod proof;
mod review;
mod revoke;
pub(crate) mod sign_in;
mod spend;
mod ticket;
mod token;
mod transition;
mod wait;
pub(crate) mod waiting_decision;

pub(crate) use holder::Holder;
pub(crate) use spend::Spending;

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

/// What a request that a flow may cover gets.
#[derive(Debug)]
pub(crate) enum Admitted {
    /// It passes; an approval that is good once is spent on it from now on.
    Pass(Proof, Flow, Option<Spending>),
    SameChallenge(Flow),
    /// It may be the request that has just spent this flow's approval, sent twice.
    Repeated(Flow),
    /// It was proved, but not as the route asks.
    Insufficient(Shortfall),
    /// Somebody has to look at it.
    UnderReview(Flow),
    /// Whoever looked at it did not let it pass.
    Refused(ActionState, Flow),
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
    /// What a flow says, with what was spent on the request.
    fn new(met: Option<(Admission, Flow)>, spending: Option<Spending>) -> Self {
        match met {
            Some((Admission::Pass(proof, _), flow)) => Self::Pass(proof, flow, spending),
            Some((Admission::SameChallenge, flow)) => Self::SameChallenge(flow),
            Some((Admission::Repeated, flow)) => Self::Repeated(flow),
            Some((Admission::Insufficient(shortfall), _)) => Self::Insufficient(shortfall),
            Some((Admission::UnderReview, flow)) => Self::UnderReview(flow),
            Some((Admission::Refused(state), flow)) => Self::Refused(state, flow),
            Some((Admission::Nothing, _)) | None => Self::Nothing,
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
        let place = Place::of(holder, binding);
        let mut step = self.begin(place, Admit { by });
        loop {
            step = match step {
                Step::Done(met) => return Ok(Admitted::new(met, None)),
                Step::Swap(swap) => return self.spend(holder, binding, by, swap).await,
                step => self.advance(place, step).await?,
            };
        }
    }

    /// What a request would get that a flow covers, and the flow. Nothing is spent, and nothing written.
    pub(crate) async fn look(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        by: RequestId,
    ) -> Result<Option<(Admission, Flow)>, Error> {
        let flow = self.run(Place::of(holder, binding), Look::<Flow>::new()).await?;
        Ok(flow.map(|flow| (flow.admit(by, self.now()), flow)))
    }

    /// Writes a new flow, unless another request for the same thing was faster.
    pub(crate) async fn open(
        self: &Arc<Self>,
        holder: &Holder,
        binding: &BindingHash,
        by: RequestId,
        flow: Flow,
    ) -> Result<Opened, Error> {
        let is_bearer = *holder == Holder::Bearer;
        for _ in 0..MANY_TRIES {
            match self.run(Place::of(holder, binding), Open { flow: flow.clone(), by, is_bearer }).await? {
                Begun::New => return Ok(Opened::New(flow)),
                Begun::Joined(flow) => return Ok(Opened::Joined(*flow)),
                Begun::Approved => {
                    if let Admitted::Pass(proof, flow, spending) = self.admit(holder, binding, by).await? {
                        return Ok(Opened::Pass(proof, flow, spending));
                    }
                }
            }
        }
        Err(Error::contended())
    }

    /// Changes how the user of a flow goes on, unless the flow is another attempt's by now.
    pub(crate) async fn save_request(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        attempt: &IdempotencyKey,
        saved: &SavedRequest,
    ) -> Result<(), Error> {
        self.run(Place::of(holder, binding), SaveRequest { attempt, saved }).await
    }

    /// Applies the service's answer to a flow, and gives the flow as it then stands.
    pub(crate) async fn answer(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        answer: &Validation,
    ) -> Result<Option<(Resolution, Flow)>, Error> {
        self.run(Place::of(holder, binding), Answer(answer)).await
    }

    /// Whether the way back `by` may ask about a flow, which counts from now on, so that all nodes share the count (threat
    /// T118); and the flow, if it is there.
    pub(crate) async fn ask(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        by: AskId,
    ) -> Result<Option<(Asking, Flow)>, Error> {
        self.run(Place::of(holder, binding), Ask { by, most: self.validate_budget }).await
    }

    /// Counts no more what Authsignal did not answer.
    pub(crate) async fn was_not_answered(
        &self,
        holder: &Holder,
        binding: &BindingHash,
        by: AskId,
    ) -> Result<(), Error> {
        self.run(Place::of(holder, binding), WasNotAnswered { by }).await
    }

    fn begin<T: Transition>(&self, place: Place<'_>, transition: T) -> Step<T> {
        Step::begin(transition, self.keys.names(place.purpose, place.browser, place.what))
    }

    /// Carries a transition out.
    async fn run<T>(&self, place: Place<'_>, transition: T) -> Result<T::Outcome, Error>
    where
        T: Transition<Record: Serialize + DeserializeOwned>,
    {
        self.finish(place, self.begin(place, transition)).await
    }

    /// Carries a transition on to its end.
    async fn finish<T>(&self, place: Place<'_>, mut step: Step<T>) -> Result<T::Outcome, Error>
    where
        T: Transition<Record: Serialize + DeserializeOwned>,
    {
        loop {
            step = match step {
                Step::Done(outcome) => return Ok(outcome),
                step => self.advance(place, step).await?,
            };
        }
    }

    /// Asks the store what a step asks for.
    async fn advance<T>(&self, place: Place<'_>, step: Step<T>) -> Result<Step<T>, Error>
    where
        T: Transition<Record: Serialize + DeserializeOwned>,
    {
        match step {
            Step::Load(load) => {
                let found = self.load(place.purpose, place.browser, load.key()).await?;
                Ok(load.found(found, self.now(), |user| self.names_of_revocations(user.as_str())))
            }
            Step::Check(check) => {
                let found = self.load(Purpose::Revocations, &BrowserId::ANY, check.key()).await?;
                check.found(found, self.now())
            }
            Step::Swap(swap) => {
                let Place { purpose, browser, what } = place;
                let plain = record::write(&swap.record);
                let sealed = self.keys.seal(purpose, browser, what, &swap.key, &plain);
                let wrote = self.store.swap(&swap.key, swap.expected, sealed, swap.ttl).await;
                swap.answered(wrote)
            }
            Step::Done(_) => Ok(step),
        }
    }

    async fn load<R: DeserializeOwned>(
        &self,
        purpose: Purpose,
        browser: &BrowserId,
        key: &Key,
    ) -> Result<Found<R>, Error> {
        let Some((version, sealed)) = self.store.load(key).await? else { return Ok(Found::Nothing) };
        let opened = self.keys.open(purpose, browser, key, &sealed);
        Ok(match opened.and_then(|plain| record::read(&plain)) {
            Some(record) => Found::Here(version, record),
            None => {
                tracing::warn!(what = ?purpose, %key, "a record in the store does not open under its key and is ignored");
                Found::Void(version)
            }
        })
    }
}

/// What a record is, whose key it is sealed with, and what it is named by.
#[derive(Clone, Copy)]
struct Place<'a> {
    purpose: Purpose,
    browser: &'a BrowserId,
    what: &'a [u8; 32],
}

impl<'a> Place<'a> {
    /// Where a flow is.
    fn of(holder: &'a Holder, binding: &'a BindingHash) -> Self {
        Self { purpose: holder.purpose(), browser: holder.browser(), what: binding }
    }

    /// Where a record is that counts for all browsers.
    fn of_all(purpose: Purpose, what: &'a [u8; 32]) -> Self {
        Self { purpose, browser: &BrowserId::ANY, what }
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

#[cfg(test)]
mod tests;
