//! PURE: each change of a flow as the [machine](super::machine) carries it out. What a flow becomes is said by
//! [`flow`](crate::domain::flow); here, what is written of it and what comes of that.
use std::marker::PhantomData;

use authsignal_client::IdempotencyKey;

use super::machine::{Found, Next, Record, Transition};
use crate::domain::flow::{Admission, AskId, Asking, Flow, Kind, Moment, RequestId, Resolution, Validation};
use crate::domain::saved_request::SavedRequest;

pub(super) fn write<T>(flow: Flow, now: Moment, outcome: T) -> Next<Flow, T> {
    let ttl = flow.stage.until.after(now);
    Next::Write(flow, ttl, outcome)
}

/// Changes nothing.
pub(crate) struct Look<R>(PhantomData<R>);

impl<R> Look<R> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<R: Record> Transition for Look<R> {
    type Record = R;
    type Outcome = Option<R>;

    fn apply(&self, found: Found<R>, _: Moment) -> Next<R, Option<R>> {
        Next::Done(found.record())
    }
}

/// A request that a flow may cover: an approval that is good once is spent on it.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct Admit {
    pub(crate) by: RequestId,
}

impl Transition for Admit {
    type Record = Flow;
    type Outcome = Option<(Admission, Flow)>;

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, Self::Outcome> {
        let Some(flow) = found.record() else { return Next::Done(None) };
        match flow.admit(self.by, now) {
            Admission::Pass(proof, Some(stage)) => {
                let flow = Flow { stage, ..flow };
                write(flow.clone(), now, Some((Admission::Pass(proof, None), flow)))
            }
            // Also a write of ours whose answer was lost.
            met => Next::Done(Some((met, flow))),
        }
    }
}

/// A new flow, unless another request for the same thing was faster.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct Open {
    pub(crate) flow: Flow,
    pub(crate) by: RequestId,
    /// A client without a cookie passes with its token in hand alone.
    pub(crate) is_bearer: bool,
}

/// What came of opening a flow.
#[derive(Clone)]
pub(crate) enum Begun {
    New,
    /// Another request for the same thing was faster; this is its flow.
    Joined(Box<Flow>),
    /// Another request for the same thing was faster, and its approval may pass this one.
    Approved,
}

impl Transition for Open {
    type Record = Flow;
    type Outcome = Begun;

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, Begun> {
        if let Some(found) = found.record() {
            if found.opening.attempt == self.flow.opening.attempt {
                return Next::Done(Begun::New);
            }
            match found.admit(self.by, now) {
                Admission::SameChallenge | Admission::UnderReview => return Next::Done(Begun::Joined(Box::new(found))),
                Admission::Pass(..) if !self.is_bearer || found.opening.is_review => {
                    return Next::Done(Begun::Approved);
                }
                Admission::Pass(..)
                | Admission::Repeated
                | Admission::Insufficient(_)
                | Admission::Refused(_)
                | Admission::Nothing => {}
            }
        }
        write(self.flow.clone(), now, Begun::New)
    }
}

/// How the user of a flow goes on, unless the flow is another attempt's by now.
#[cfg_attr(test, derive(Clone))]
pub(crate) struct SaveRequest<'a> {
    pub(crate) attempt: &'a IdempotencyKey,
    pub(crate) saved: &'a SavedRequest,
}

impl Transition for SaveRequest<'_> {
    type Record = Flow;
    type Outcome = ();

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, ()> {
        match found.record().filter(|flow| flow.opening.attempt == *self.attempt) {
            Some(flow) => write(Flow { saved: self.saved.clone(), ..flow }, now, ()),
            None => Next::Done(()),
        }
    }
}

/// The service's answer about a token.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct Answer<'a>(pub(crate) &'a Validation);

impl Transition for Answer<'_> {
    type Record = Flow;
    type Outcome = Option<(Resolution, Flow)>;

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, Self::Outcome> {
        let Some(flow) = found.record() else { return Next::Done(None) };
        let answered = flow.answer(self.0, now);
        match &answered {
            Resolution::Approve(stage) | Resolution::Fail(stage) => {
                let flow = flow.answered(stage.clone());
                write(flow.clone(), now, Some((answered, flow)))
            }
            Resolution::Already | Resolution::Left | Resolution::Unproven(_) => Next::Done(Some((answered, flow))),
        }
    }
}

/// A way back that is about to ask the service, which counts from now on.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct Ask {
    pub(crate) by: AskId,
    /// How often the service may be asked.
    pub(crate) most: u32,
}

impl Transition for Ask {
    type Record = Flow;
    type Outcome = Option<(Asking, Flow)>;

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, Self::Outcome> {
        let Some(flow) = found.record() else { return Next::Done(None) };
        let asking = flow.ask(self.most, self.by, now);
        match &asking {
            Asking::Ask(asked) => {
                let flow = Flow { asked: asked.clone(), ..flow };
                write(flow.clone(), now, Some((asking, flow)))
            }
            Asking::Counted | Asking::Known | Asking::Over(_) | Asking::Expired => Next::Done(Some((asking, flow))),
        }
    }
}

/// A way back that the service did not answer: it counts no more.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct WasNotAnswered {
    pub(crate) by: AskId,
}

impl Transition for WasNotAnswered {
    type Record = Flow;
    type Outcome = ();

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, ()> {
        let Some(flow) = found.record() else { return Next::Done(()) };
        match flow.asked.without(self.by) {
            Some(asked) => write(Flow { asked, ..flow }, now, ()),
            None => Next::Done(()),
        }
    }
}

/// A request that was dropped before its handler: what was spent on it is good again. Gives the flow if there was something
/// to undo.
#[cfg_attr(test, derive(Clone, Hash))]
pub(crate) struct GiveBack {
    pub(crate) by: RequestId,
}

impl Transition for GiveBack {
    type Record = Flow;
    type Outcome = Option<Flow>;

    fn apply(&self, found: Found<Flow>, now: Moment) -> Next<Flow, Option<Flow>> {
        let Some(flow) = found.record() else { return Next::Done(None) };
        match flow.stage.give_back(self.by, now) {
            Some(stage) => {
                let flow = Flow { stage, ..flow };
                write(flow.clone(), now, Some(flow))
            }
            // The spend may still be on its way: written anew, the record is no more what that expects.
            None if flow.stage.is_live(now) && matches!(flow.stage.kind, Kind::Approved(_)) => write(flow, now, None),
            None => Next::Done(None),
        }
    }
}
