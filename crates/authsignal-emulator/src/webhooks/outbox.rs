//! What waits to be sent: plain values, the time is an argument.
use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use serde_json::Value;

use crate::webhooks::target::Target;

/// At least how long it takes until something is sent again (docs, webhooks, delivery: events; assumed for batches, of
/// which it says "periodically").
pub(super) const PAUSE: Duration = Duration::from_secs(30);
/// How often an event is sent again at most (docs, webhooks, delivery).
const MAX_RETRIES: u32 = 3;
/// The most records of one batch (docs, log events).
const MAX_BATCH: usize = 500;
/// How much may wait; the oldest go first.
const MAX_WAITING: usize = 10_000;

/// Something to send, in the background.
#[derive(Debug, Clone)]
pub(super) struct OutgoingWebhook {
    pub(super) to: Target,
    pub(super) kind: &'static str,
    pub(super) id: String,
    pub(super) body: Bytes,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// Whether it is a batch of log records, which is sent until it is taken.
    pub(super) is_batch: bool,
}

/// A log record, or what makes it when its time has come, so that it tells how things ended.
pub(super) enum Record {
    Ready(Value),
    Later(Box<dyn FnOnce() -> Option<Value> + Send>),
}

impl Record {
    fn make(self) -> Option<Value> {
        match self {
            Self::Ready(record) => Some(record),
            Self::Later(make) => make(),
        }
    }
}

/// Records in batches, as they are sent.
pub(super) fn batches(records: Vec<Record>) -> Vec<Vec<Value>> {
    let records: Vec<_> = records.into_iter().filter_map(Record::make).collect();
    records.chunks(MAX_BATCH).map(<[Value]>::to_vec).collect()
}

/// What waits.
#[derive(Default)]
pub(super) struct Outbox {
    /// From when each may be sent.
    outgoing: VecDeque<(SystemTime, OutgoingWebhook)>,
    records: VecDeque<(SystemTime, Record)>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.outgoing.is_empty() && self.records.is_empty()
    }

    /// Puts in something that has not been tried yet.
    pub(super) fn put(&mut self, outgoing: OutgoingWebhook, now: SystemTime) {
        push(&mut self.outgoing, now, outgoing);
    }

    /// Puts something back that was not taken, if it is to be tried again.
    pub(super) fn put_back(&mut self, outgoing: OutgoingWebhook, now: SystemTime) {
        if outgoing.is_batch || outgoing.attempts <= MAX_RETRIES {
            push(&mut self.outgoing, now.checked_add(PAUSE).unwrap_or(now), outgoing);
        }
    }

    /// Puts in a record that may be sent from `due` on.
    pub(super) fn log(&mut self, record: Record, due: SystemTime) {
        push(&mut self.records, due, record);
    }

    /// Takes out what may be sent by now.
    pub(super) fn take_due(&mut self, now: SystemTime) -> Vec<OutgoingWebhook> {
        take(&mut self.outgoing, |due, _| due <= now)
    }

    /// Takes out the batches that wait for their next try.
    pub(super) fn take_batches(&mut self) -> Vec<OutgoingWebhook> {
        take(&mut self.outgoing, |_, outgoing| outgoing.is_batch)
    }

    /// Takes out the records that may be sent by `now`, or with `None` all of them.
    pub(super) fn take_records(&mut self, now: Option<SystemTime>) -> Vec<Record> {
        take(&mut self.records, |due, _| now.is_none_or(|now| due <= now))
    }
}

fn push<T>(waiting: &mut VecDeque<(SystemTime, T)>, due: SystemTime, what: T) {
    if waiting.len() == MAX_WAITING {
        tracing::warn!("more than {MAX_WAITING} webhooks of the emulator wait: the oldest is dropped");
        waiting.pop_front();
    }
    waiting.push_back((due, what));
}

fn take<T>(waiting: &mut VecDeque<(SystemTime, T)>, wanted: impl Fn(SystemTime, &T) -> bool) -> Vec<T> {
    let (taken, left) =
        std::mem::take(waiting).into_iter().partition::<VecDeque<_>, _>(|(due, what)| wanted(*due, what));
    *waiting = left;
    taken.into_iter().map(|(_, what)| what).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::UNIX_EPOCH;

    use super::*;

    fn at(milliseconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_millis(milliseconds)
    }

    fn outgoing(attempts: u32, is_batch: bool) -> OutgoingWebhook {
        let to = Target::new("http://127.0.0.1:1/", None).unwrap();
        OutgoingWebhook { to, kind: "k", id: attempts.to_string(), body: Bytes::new(), attempts, is_batch }
    }

    fn batches_of(outbox: &mut Outbox) -> Vec<Vec<Value>> {
        batches(outbox.take_records(None))
    }

    #[test]
    fn a_record_that_is_made_late_tells_how_things_ended() {
        let ended = Arc::new(AtomicBool::new(false));
        let mut outbox = Outbox::default();
        let seen = Arc::clone(&ended);
        outbox.log(Record::Later(Box::new(move || Some(seen.load(Ordering::Relaxed).into()))), at(0));
        outbox.log(Record::Later(Box::new(|| None)), at(0));
        ended.store(true, Ordering::Relaxed);
        assert_eq!(batches_of(&mut outbox), [[Value::from(true)]]);
    }

    fn ids(outgoing: &[OutgoingWebhook]) -> Vec<&str> {
        outgoing.iter().map(|outgoing| outgoing.id.as_str()).collect()
    }

    #[test]
    fn what_is_put_back_waits_for_half_a_minute() {
        let mut outbox = Outbox::default();
        outbox.put(outgoing(0, false), at(1000));
        outbox.put_back(outgoing(1, false), at(1000));
        assert_eq!(ids(&outbox.take_due(at(1000))), ["0"]);
        assert!(outbox.take_due(at(30_999)).is_empty() && !outbox.is_empty());
        assert_eq!(ids(&outbox.take_due(at(31_000))), ["1"]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_event_is_tried_four_times_and_a_batch_until_it_is_taken() {
        for (attempts, is_batch, comes_back) in [
            (1, false, true),
            (2, false, true),
            (3, false, true),
            (4, false, false),
            (4, true, true),
            (u32::MAX, true, true),
        ] {
            let mut outbox = Outbox::default();
            outbox.put_back(outgoing(attempts, is_batch), at(0));
            assert_eq!(!outbox.is_empty(), comes_back, "{attempts}, batch: {is_batch}");
        }
    }

    #[test]
    fn records_wait_each_for_itself_and_travel_by_the_five_hundred() {
        let mut outbox = Outbox::default();
        for n in 0..1001 {
            outbox.log(Record::Ready(n.into()), at(600_000));
        }
        outbox.log(Record::Ready((-1).into()), at(600_001));
        assert!(outbox.take_records(Some(at(599_999))).is_empty());
        let batches = batches(outbox.take_records(Some(at(600_000))));
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [500, 500, 1]);
        assert_eq!(batches.concat(), (0..1001).map(Value::from).collect::<Vec<_>>());
        assert_eq!(batches_of(&mut outbox), [[Value::from(-1)]]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn batches_that_wait_are_told_from_events() {
        let mut outbox = Outbox::default();
        outbox.put_back(outgoing(1, false), at(0));
        outbox.put_back(outgoing(2, true), at(0));
        assert_eq!(ids(&outbox.take_batches()), ["2"]);
        assert_eq!(ids(&outbox.take_due(at(30_000))), ["1"]);
    }

    #[test]
    fn it_is_bounded() {
        let mut outbox = Outbox::default();
        (0..=MAX_WAITING).for_each(|n| outbox.log(Record::Ready(n.into()), at(0)));
        assert_eq!(batches_of(&mut outbox).concat(), (1..=MAX_WAITING).map(Value::from).collect::<Vec<_>>());
    }
}
