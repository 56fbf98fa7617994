//! Faults that a test injects: answers other than the emulator would give.
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authsignal_client::ActionState;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::request_log::Endpoint;

/// How the next call of an endpoint is answered, instead of as the emulator would.
///
/// Given to [`Emulator::inject_fault`](crate::Emulator::inject_fault). [`after`](Self::after), [`header`](Self::header) and
/// [`times`](Self::times) can be added to any of them.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use authsignal_emulator::Fault;
///
/// let overloaded = Fault::status(503).header("retry-after", "1").times(2);
/// let too_slow = Fault::delay(Duration::from_secs(30));
/// let from_the_future = Fault::state("SOMETHING_NEW").after(Duration::from_millis(10));
/// ```
#[derive(Debug, Clone)]
#[must_use = "does nothing until it is given to `Emulator::inject_fault`"]
pub struct Fault {
    pub(crate) effect: FaultEffect,
    pub(crate) delay: Duration,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// How many calls more; `None` for all.
    times: Option<usize>,
    dice: Option<Dice>,
}

#[derive(Debug, Clone)]
pub(crate) enum FaultEffect {
    /// As the emulator would, with members of the JSON body replaced or (by null) removed.
    Real { merge: Option<Value> },
    /// The service's own error body with this status.
    Status(StatusCode),
    /// Exactly this.
    Body { status: StatusCode, content_type: HeaderValue, body: Bytes },
    /// The real answer up to here, then the connection is closed.
    Cut { after: usize },
    /// The connection is closed without an answer.
    HangUp,
}

impl Fault {
    fn new(effect: FaultEffect) -> Self {
        Self { effect, delay: Duration::ZERO, headers: Vec::new(), times: Some(1), dice: None }
    }

    /// The real answer with another `state`, which needn't be one that anybody knows.
    pub fn state(state: impl Into<ActionState>) -> Self {
        Self::merge(json!({ "state": state.into() }))
    }

    /// The real answer with these members instead; a member that is null is removed.
    pub fn merge(members: Value) -> Self {
        Self::new(FaultEffect::Real { merge: Some(members) })
    }

    /// The real answer, `by` later.
    pub fn delay(by: Duration) -> Self {
        Self::new(FaultEffect::Real { merge: None }).after(by)
    }

    /// An answer with this status, and a body in the form of the service's errors. Nothing else happens: a `track`
    /// answered so records no action.
    ///
    /// # Panics
    ///
    /// When `status` is not between 100 and 999.
    pub fn status(status: u16) -> Self {
        Self::new(FaultEffect::Status(status_code(status)))
    }

    /// Exactly this answer. Nothing else happens: a `track` answered so records no action.
    ///
    /// # Panics
    ///
    /// When `status` is not between 100 and 999, or `content_type` cannot be a header.
    pub fn body(status: u16, content_type: &str, body: impl Into<Bytes>) -> Self {
        let content_type = content_type.try_into().expect("the content type has only visible ASCII characters");
        Self::new(FaultEffect::Body { status: status_code(status), content_type, body: body.into() })
    }

    /// The real answer, whose body ends after `bytes` bytes although its `Content-Length` promised all of it.
    pub fn cut(bytes: usize) -> Self {
        Self::new(FaultEffect::Cut { after: bytes })
    }

    /// No answer: the request is read and the connection closed. Nothing else happens.
    pub fn hang_up() -> Self {
        Self::new(FaultEffect::HangUp)
    }

    /// Waits so long before the answer is even thought of. Default: not at all.
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Adds a header to the answer, in place of one of the same name.
    ///
    /// # Panics
    ///
    /// When `name` or `value` cannot be a header.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name = HeaderName::try_from(name).expect("the name is one of a header");
        self.headers.push((name, value.try_into().expect("the value has only visible ASCII characters")));
        self
    }

    /// Answers so many calls like this. Default: 1.
    pub fn times(mut self, times: usize) -> Self {
        self.times = Some(times);
        self
    }

    /// Answers every call like this, until [`Emulator::clear_faults`](crate::Emulator::clear_faults).
    pub fn always(mut self) -> Self {
        self.times = None;
        self
    }

    /// Answers only a share of the calls like this: 0.0 none of them, 1.0 all. The same `seed` picks the same calls
    /// again. How long is said by [`times`](Self::times), which counts the calls that are hit; until then, for ever.
    pub fn share(mut self, share: f64, seed: u64) -> Self {
        self.dice = Some(Dice { share, state: seed });
        self.times = None;
        self
    }

    /// The real answer, under another content type.
    ///
    /// # Panics
    ///
    /// When `content_type` cannot be a header.
    pub fn content_type(content_type: &str) -> Self {
        Self::delay(Duration::ZERO).header("content-type", content_type)
    }

    /// How many calls more it is for, if they are counted, and which share of the calls.
    pub(crate) fn left(&self) -> (Option<usize>, Option<f64>) {
        (self.times, self.dice.as_ref().map(|dice| dice.share))
    }

    /// Whether this call is one of those that are meant.
    fn is_hit(&mut self) -> bool {
        self.dice.as_mut().is_none_or(Dice::roll)
    }
}

/// Picks calls by a seed.
#[derive(Debug, Clone)]
struct Dice {
    share: f64,
    state: u64,
}

impl Dice {
    /// SplitMix64: nothing here is a secret, and the same on every machine.
    fn roll(&mut self) -> bool {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // 53 bits are what a double holds.
        ((mixed >> 11) as f64) < self.share * 9_007_199_254_740_992.0
    }
}

fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).expect("the status has three digits")
}

/// The answers that wait for their calls. Those under `None` wait for any call of the API.
#[derive(Debug, Default)]
pub(crate) struct Faults(Mutex<HashMap<Option<Endpoint>, VecDeque<Fault>>>);

impl Faults {
    pub(crate) fn push(&self, endpoint: Option<Endpoint>, fault: Fault) {
        if fault.times != Some(0) {
            self.locked().entry(endpoint).or_default().push_back(fault);
        }
    }

    pub(crate) fn clear(&self) {
        self.locked().clear();
    }

    /// The answer for a call of `endpoint` that has just arrived.
    pub(crate) fn take(&self, endpoint: Endpoint) -> Option<Fault> {
        let mut all = self.locked();
        let any = (endpoint != Endpoint::Emulator).then_some(None);
        [Some(Some(endpoint)), any].into_iter().flatten().find_map(|key| take(all.get_mut(&key)?))
    }

    /// The answers that wait, in line; those for any call first, the others by the names of their endpoints.
    pub(crate) fn waiting(&self) -> Vec<(Option<Endpoint>, Fault)> {
        let all = self.locked();
        let mut waiting: Vec<_> =
            all.iter().flat_map(|(endpoint, queue)| queue.iter().map(|one| (*endpoint, one.clone()))).collect();
        // The order within a line stays: sorting is stable.
        waiting.sort_by_key(|(endpoint, _)| endpoint.map(Endpoint::name));
        waiting
    }

    fn locked(&self) -> MutexGuard<'_, HashMap<Option<Endpoint>, VecDeque<Fault>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The first of them that is for this call, one of its times used up.
fn take(queue: &mut VecDeque<Fault>) -> Option<Fault> {
    let at = queue.iter_mut().position(Fault::is_hit)?;
    match &mut queue[at].times {
        Some(1) => return queue.remove(at),
        Some(times) => *times -= 1,
        None => {}
    }
    queue.get(at).cloned()
}

/// Writes `members` over those of `body`; null removes.
pub(crate) fn merge(body: &mut Value, members: &Value) {
    let (Some(body), Some(members)) = (body.as_object_mut(), members.as_object()) else { return };
    for (name, value) in members {
        if value.is_null() {
            body.remove(name);
        } else {
            body.insert(name.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_wait_for_their_own_endpoint_in_order() {
        let faults = Faults::default();
        faults.push(Some(Endpoint::Track), Fault::status(500).times(2));
        faults.push(Some(Endpoint::Track), Fault::status(404));
        faults.push(Some(Endpoint::Track), Fault::status(418).times(0));
        let next = |endpoint| match faults.take(endpoint)?.effect {
            FaultEffect::Status(status) => Some(status.as_u16()),
            _ => None,
        };
        assert_eq!(next(Endpoint::GetUser), None);
        assert_eq!([(); 4].map(|()| next(Endpoint::Track)), [Some(500), Some(500), Some(404), None]);
    }

    #[test]
    fn some_wait_for_any_call_but_those_of_the_emulator_itself() {
        let faults = Faults::default();
        faults.push(None, Fault::hang_up().always());
        for _ in 0..3 {
            assert!(faults.take(Endpoint::Track).is_some() && faults.take(Endpoint::GetUser).is_some());
            assert!(faults.take(Endpoint::Emulator).is_none());
        }
        faults.clear();
        assert!(faults.take(Endpoint::Track).is_none() && faults.waiting().is_empty());
    }

    #[test]
    fn a_share_is_the_same_for_the_same_seed() {
        let hits = |share, seed| -> Vec<usize> {
            let faults = Faults::default();
            faults.push(Some(Endpoint::Track), Fault::status(500).share(share, seed));
            (0..1000).filter(|_| faults.take(Endpoint::Track).is_some()).collect()
        };
        assert_eq!((hits(0.0, 1).len(), hits(1.0, 1).len()), (0, 1000));
        let third = hits(0.3, 7);
        assert!((250..350).contains(&third.len()), "{}", third.len());
        assert_eq!(third, hits(0.3, 7));
        assert_ne!(third, hits(0.3, 8));

        let faults = Faults::default();
        faults.push(Some(Endpoint::Track), Fault::status(500).share(0.5, 7).times(3));
        assert_eq!((0..100).filter(|_| faults.take(Endpoint::Track).is_some()).count(), 3, "hits are counted");
    }

    #[test]
    fn merging() {
        let mut body = json!({ "state": "ALLOW", "url": "u", "token": "t" });
        merge(&mut body, &json!({ "state": 7, "url": null, "new": {} }));
        assert_eq!(body, json!({ "state": 7, "token": "t", "new": {} }));
        merge(&mut body, &json!("no object"));
        assert_eq!(body["state"], 7);
    }
}
