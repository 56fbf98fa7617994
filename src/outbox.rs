//! What is sent after the fact: a bounded queue, so many senders at once, and a way to wait until all of it is sent.
use std::collections::VecDeque;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::sync::Notify;

/// How many events wait, unless told otherwise.
pub(crate) const MAX_WAITING: usize = 4096;
/// How many are on their way at once.
const MAX_SENDERS: usize = 32;

/// Sends one event, and says whether it arrived.
type Sending = Pin<Box<dyn Future<Output = bool> + Send>>;

/// An event that waits: what it needs, and how it is sent.
pub(crate) type Event = Box<dyn FnOnce() -> Sending + Send>;

/// What became of the events of [observed](crate::AuthsignalLayer::observe) routes: [`Authsignal::observed`](crate::Authsignal::observed).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Observed {
    /// How many wait or are on their way.
    pub waiting: usize,
    /// How many Authsignal has.
    pub sent: u64,
    /// How many it will not get: there was no room for them, it was out too long, or the process ended before.
    pub lost: u64,
}

/// The queue.
pub(crate) struct Outbox {
    queue: Mutex<Queue>,
    /// Something was sent or lost.
    changed: Notify,
    max_waiting: usize,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Event>,
    senders: usize,
    sent: u64,
    lost: u64,
}

impl Outbox {
    pub(crate) fn new(max_waiting: usize) -> Self {
        Self { queue: Mutex::default(), changed: Notify::new(), max_waiting }
    }

    /// Takes an event, or gives it back where there was no room for it in time.
    pub(crate) async fn put(self: &Arc<Self>, event: Event, patience: Duration) -> Result<(), Event> {
        let Err(event) = self.try_put(event) else { return Ok(()) };
        let mut event = Some(event);
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                // From here on nothing that changes is missed.
                changed.as_mut().enable();
                match event.take().map(|event| self.try_put(event)) {
                    Some(Err(back)) => event = Some(back),
                    _ => return,
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(patience, waiting).await;
        match event {
            None => Ok(()),
            Some(event) => {
                self.queue().lost += 1;
                Err(event)
            }
        }
    }

    fn try_put(self: &Arc<Self>, event: Event) -> Result<(), Event> {
        let mut queue = self.queue();
        if queue.waiting.len() >= self.max_waiting {
            return Err(event);
        }
        queue.waiting.push_back(event);
        if queue.senders < MAX_SENDERS {
            queue.senders += 1;
            drop(queue);
            tokio::spawn(Sender::new(self).run());
        }
        Ok(())
    }

    pub(crate) fn state(&self) -> Observed {
        let queue = self.queue();
        Observed { waiting: queue.waiting.len() + queue.senders, sent: queue.sent, lost: queue.lost }
    }

    /// Waits until nothing waits any more, at most so long.
    pub(crate) async fn drain(&self, deadline: Duration) -> Observed {
        let empty = async {
            loop {
                let changed = self.changed.notified();
                tokio::pin!(changed);
                changed.as_mut().enable();
                if self.state().waiting == 0 {
                    return;
                }
                changed.await;
            }
        };
        let _ = tokio::time::timeout(deadline, empty).await;
        self.state()
    }

    /// No code of others runs while the lock is held, so a poisoned lock still guards a sound queue.
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those that send, until nothing waits. However it ends, it is counted.
struct Sender {
    outbox: Arc<Outbox>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// It has not run yet.
    Begun,
    Sending,
    /// Nothing waits.
    Idle,
}

impl Sender {
    /// It is counted already.
    fn new(outbox: &Arc<Outbox>) -> Self {
        Self { outbox: Arc::clone(outbox), phase: Phase::Begun }
    }

    async fn run(mut self) {
        while let Some(event) = self.next() {
            self.phase = Phase::Sending;
            let sent = unless_it_panics(event).await;
            self.phase = Phase::Idle;
            let mut queue = self.outbox.queue();
            match sent {
                Some(true) => queue.sent += 1,
                Some(false) | None => queue.lost += 1,
            }
            drop(queue);
            if sent.is_none() {
                tracing::error!(lost = 1, "an event of an observed route is lost: the client's transport panicked");
            }
            self.outbox.changed.notify_waiters();
        }
        self.phase = Phase::Idle;
    }

    fn next(&self) -> Option<Event> {
        let next = self.outbox.queue().waiting.pop_front();
        // There is room now.
        self.outbox.changed.notify_waiters();
        next
    }
}

/// Whether an event arrived, or nothing where what it is sent by panics. Whether the thread panics says nothing of that: it does as
/// well where a runtime ends because what it ran has panicked.
async fn unless_it_panics(event: Event) -> Option<bool> {
    let mut sending = catch_unwind(AssertUnwindSafe(event)).ok()?;
    std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| sending.as_mut().poll(cx))) {
        Ok(polled) => polled.map(Some),
        Err(_) => Poll::Ready(None),
    })
    .await
}

impl Drop for Sender {
    /// It has nothing to send, or its runtime ends.
    fn drop(&mut self) {
        let is_over = self.phase != Phase::Idle;
        let mut queue = self.outbox.queue();
        queue.senders -= 1;
        let mut lost = u64::from(self.phase == Phase::Sending);
        let mut left = VecDeque::new();
        if is_over && queue.senders == 0 {
            // Nobody is left to send them.
            left = std::mem::take(&mut queue.waiting);
            lost += left.len() as u64;
        }
        queue.lost += lost;
        // Something came after this one saw nothing.
        let goes_on = !is_over && !queue.waiting.is_empty() && queue.senders < MAX_SENDERS;
        let runtime = goes_on.then(Handle::try_current).and_then(Result::ok);
        queue.senders += usize::from(runtime.is_some());
        drop(queue);
        drop(left);
        if let Some(runtime) = runtime {
            runtime.spawn(Self::new(&self.outbox).run());
        }
        if lost > 0 {
            tracing::error!(
                lost,
                setter = "Authsignal::drain",
                "events of observed routes are lost: the runtime ended before they were sent"
            );
        }
        self.outbox.changed.notify_waiters();
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox").field("state", &self.state()).field("max_waiting", &self.max_waiting).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use tokio::sync::Semaphore;

    use super::*;

    const MOMENT: Duration = Duration::from_millis(50);

    fn event(send: impl Future<Output = bool> + Send + 'static) -> Event {
        Box::new(move || Box::pin(send))
    }

    /// So many wait, and one more is given back after its time; whatever was taken is sent.
    #[tokio::test(start_paused = true)]
    async fn what_has_no_room_is_given_back_and_counted() {
        let (outbox, gate) = (Arc::new(Outbox::new(10)), Arc::new(Semaphore::new(0)));
        let held = |gate: &Arc<Semaphore>| {
            let gate = Arc::clone(gate);
            event(async move { gate.acquire().await.map(tokio::sync::SemaphorePermit::forget).is_ok() })
        };
        let (mut taken, mut back) = (0, 0);
        for _ in 0..MAX_SENDERS + 15 {
            match outbox.put(held(&gate), MOMENT).await {
                Ok(()) => taken += 1,
                Err(_) => back += 1,
            }
            tokio::task::yield_now().await;
        }
        assert_eq!((taken, back), (MAX_SENDERS as u64 + 10, 5));
        assert_eq!(outbox.state(), Observed { waiting: MAX_SENDERS + 10, sent: 0, lost: 5 });
        assert_eq!(outbox.drain(MOMENT).await.waiting, MAX_SENDERS + 10, "a drain ends in time");
        // Room that comes meanwhile is taken.
        let more = tokio::spawn({
            let (outbox, event) = (Arc::clone(&outbox), held(&gate));
            async move { outbox.put(event, Duration::from_secs(60)).await.is_ok() }
        });
        tokio::task::yield_now().await;
        gate.add_permits(1_000);
        assert!(more.await.unwrap());
        assert_eq!(outbox.drain(MOMENT).await, Observed { waiting: 0, sent: taken + 1, lost: 5 });
    }

    /// From many threads at once: each event that was taken is sent once, and none waits for ever.
    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn every_event_that_was_taken_is_sent_once() {
        let (outbox, sent) = (Arc::new(Outbox::new(64)), Arc::new(AtomicU64::new(0)));
        let putting: Vec<_> = (0..8)
            .map(|_| {
                let (outbox, sent) = (Arc::clone(&outbox), Arc::clone(&sent));
                tokio::spawn(async move {
                    for number in 0..1_000_u32 {
                        let sent = Arc::clone(&sent);
                        let sending = async move {
                            if number % 7 == 0 {
                                tokio::task::yield_now().await;
                            }
                            sent.fetch_add(1, Ordering::Relaxed);
                            true
                        };
                        assert!(outbox.put(event(sending), Duration::from_secs(60)).await.is_ok());
                    }
                })
            })
            .collect();
        for task in putting {
            task.await.unwrap();
        }
        let state = outbox.drain(Duration::from_secs(60)).await;
        assert_eq!((state, sent.load(Ordering::Relaxed)), (Observed { waiting: 0, sent: 8_000, lost: 0 }, 8_000));
    }

    /// T86: what panics is lost and said, and what waits behind it is sent.
    #[tokio::test]
    async fn t86_a_transport_that_panics_loses_its_own_event_alone() {
        let outbox = Arc::new(Outbox::new(200));
        for number in 0..100 {
            let sending = async move { if number % 10 == 0 { panic!("a transport of the user's") } else { true } };
            assert!(outbox.put(event(sending), MOMENT).await.is_ok());
        }
        assert_eq!(outbox.drain(Duration::from_secs(60)).await, Observed { waiting: 0, sent: 90, lost: 10 });
    }

    /// A runtime that ends without a drain loses what is not sent, and that is counted.
    #[test]
    fn what_a_runtime_leaves_behind_is_lost_and_counted() {
        let outbox = Arc::new(Outbox::new(200));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            for _ in 0..100 {
                assert!(outbox.put(event(std::future::pending()), MOMENT).await.is_ok());
            }
            tokio::task::yield_now().await;
        });
        drop(runtime);
        assert_eq!(outbox.state(), Observed { waiting: 0, sent: 0, lost: 100 });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let state = runtime.block_on(async {
            assert!(outbox.put(event(async { true }), MOMENT).await.is_ok());
            outbox.drain(Duration::from_secs(60)).await
        });
        assert_eq!(state, Observed { waiting: 0, sent: 1, lost: 100 });
    }

    /// So does one that ends because what it ran has panicked, as a test's does whose assertion fails: no sender begins another
    /// on a runtime that is over.
    #[test]
    fn what_a_runtime_that_panics_leaves_behind_is_lost_and_counted() {
        let outbox = Arc::new(Outbox::new(200));
        let put = Arc::clone(&outbox);
        let panicked = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                for _ in 0..100 {
                    assert!(put.put(event(std::future::pending()), MOMENT).await.is_ok());
                }
                tokio::task::yield_now().await;
                panic!("an assertion that fails");
            });
        });
        assert!(panicked.join().is_err());
        assert_eq!(outbox.state(), Observed { waiting: 0, sent: 0, lost: 100 });
    }
}
