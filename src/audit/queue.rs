//! What waits to be written, and the task that writes it: a decision waits for no sink.
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use authsignal_client::Clock;
use jiff::Timestamp;
use secrecy::SecretSlice;
use tokio::runtime::Handle;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::chain::{Chain, head_of};
use super::event::{AuditEvent, AuditHead, AuditKind};
use super::sink::{AuditError, ErasedSink};
use crate::log::Chain as Causes;
use crate::meter;

/// How many events wait at once. One more, and it is lost.
pub(crate) const MAX_WAITING: usize = 8192;

/// How long a sink may take over one event.
const SINK_TIMEOUT: Duration = Duration::from_secs(5);

const NO_ANSWER: &str = "no answer within 5 seconds";

/// The audit of one handle.
pub(crate) struct Audit {
    sink: Arc<dyn ErasedSink>,
    key: SecretSlice<u8>,
    clock: Clock,
    sender: OnceLock<Sender<Waiting>>,
    written: Arc<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// Lost since the last event that was written.
    lost: AtomicU64,
    /// Whether the log says already that events are being lost.
    is_losing: AtomicBool,
    head: Mutex<Option<AuditHead>>,
}

enum Waiting {
    Event(Box<AuditEvent>),
    /// Closes the chain, and tells where it stands.
    Close(oneshot::Sender<Option<AuditHead>>),
}

impl Audit {
    pub(crate) fn new(sink: Arc<dyn ErasedSink>, key: SecretSlice<u8>, clock: Clock) -> Self {
        Self { sink, key, clock, sender: OnceLock::new(), written: Arc::default() }
    }

    /// Has an event written. It is lost if too many wait.
    pub(crate) fn tell(&self, event: AuditEvent) {
        let event = Box::new(AuditEvent { at: now(&self.clock), ..event });
        match self.sender().map(|sender| sender.try_send(Waiting::Event(event))) {
            Some(Ok(())) => {}
            Some(Err(TrySendError::Full(_))) => self.written.lose("full", "8,192 events wait for the audit's sink"),
            Some(Err(TrySendError::Closed(_))) => {
                self.written.lose("closed", "its chain is closed, or its sink has panicked")
            }
            None => self.written.lose("runtime", "no runtime of tokio's to write the audit in"),
        }
    }

    /// Where the chain stands, as far as it is written.
    pub(crate) fn head(&self) -> Option<AuditHead> {
        self.written.head.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Writes all that waits, and closes the chain. What is told afterwards is lost.
    pub(crate) async fn close(&self) -> Option<AuditHead> {
        let (tell, told) = oneshot::channel();
        self.sender()?.send(Waiting::Close(tell)).await.ok()?;
        told.await.ok()?
    }

    /// The way to the task that writes, which begins with the first event.
    fn sender(&self) -> Option<&Sender<Waiting>> {
        if self.sender.get().is_none() {
            let runtime = Handle::try_current().ok()?;
            self.sender.get_or_init(|| {
                let (sender, waiting) = channel(MAX_WAITING);
                let writer = Writer {
                    sink: Arc::clone(&self.sink),
                    chain: Chain::new(self.key.clone()),
                    clock: self.clock.clone(),
                    written: Arc::clone(&self.written),
                    unsure: None,
                };
                runtime.spawn(writer.run(waiting));
                sender
            });
        }
        self.sender.get()
    }
}

impl Written {
    /// Counts an event that the sink has not taken, with those before it whose number it would have said.
    fn lose_all(&self, count: u64, error: &str) {
        if let Some(before) = count.checked_sub(1) {
            self.lost.fetch_add(before, Ordering::Relaxed);
            self.lose("sink", error);
        }
    }

    /// Counts a lost event, and says so where it is the first of several.
    fn lose(&self, why: &'static str, error: &str) {
        self.lost.fetch_add(1, Ordering::Relaxed);
        meter::audited(Some((why, 1)));
        if !self.is_losing.swap(true, Ordering::Relaxed) {
            tracing::error!(
                why,
                error,
                "events of the audit are being lost: `AuthsignalBuilder::audit` has a sink that fails"
            );
        }
    }
}

/// Writes what waits, one after the other.
struct Writer {
    sink: Arc<dyn ErasedSink>,
    chain: Chain,
    clock: Clock,
    written: Arc<Written>,
    unsure: Option<Unsure>,
}

/// An event of which nobody knows whether it was written.
struct Unsure {
    head: AuditHead,
    /// How many are lost if it was not.
    losing: u64,
}

impl Writer {
    async fn run(mut self, mut waiting: Receiver<Waiting>) {
        while let Some(next) = waiting.recv().await {
            match next {
                Waiting::Event(event) => self.write(*event).await,
                Waiting::Close(tell) => {
                    waiting.close();
                    while let Some(next) = waiting.recv().await {
                        if let Waiting::Event(event) = next {
                            self.write(*event).await;
                        }
                    }
                    self.end().await;
                    // Whoever asked may have gone.
                    let _ = tell.send(self.chain.head().cloned());
                    return;
                }
            }
        }
        self.end().await;
    }

    async fn end(&mut self) {
        let at = now(&self.clock);
        self.write(AuditEvent { kind: AuditKind::Closed, at, ..AuditEvent::default() }).await;
        self.is_sure().await;
    }

    async fn write(&mut self, event: AuditEvent) {
        if !self.is_sure().await {
            return self.written.lose("sink", "it does not say whether it has the event before");
        }
        if self.chain.head().is_none() && !self.begin().await {
            return self.written.lose("sink", "its chain could not be begun");
        }
        let lost = self.written.lost.swap(0, Ordering::Relaxed);
        let event = self.chain.next(AuditEvent { lost, ..event });
        if self.record(event, lost + 1).await {
            self.written.is_losing.store(false, Ordering::Relaxed);
            meter::audited(None);
        }
    }

    /// Begins the chain where none is.
    async fn begin(&mut self) -> bool {
        let after = match self.in_time(self.sink.last()).await {
            Ok(after) => after,
            Err(error) => {
                tracing::error!(error = %Causes(&error), "the audit's sink could not say what it has");
                return false;
            }
        };
        let first = self.chain.first(now(&self.clock), after);
        self.record(first, 0).await
    }

    /// Has an event written. `losing` is how many are lost if it is not.
    async fn record(&mut self, event: AuditEvent, losing: u64) -> bool {
        let head = head_of(&event);
        match timeout(SINK_TIMEOUT, self.sink.record(event)).await {
            Ok(Ok(())) => {
                self.wrote(head);
                true
            }
            Ok(Err(error)) => {
                self.written.lose_all(losing, &Causes(&error).to_string());
                false
            }
            Err(_) => {
                tracing::error!(
                    "the audit's sink has not written an event within 5 seconds: it is asked whether it has before the next"
                );
                self.unsure = Some(Unsure { head, losing });
                false
            }
        }
    }

    /// Finds out whether an event was written that took too long: what is on its way to a disk cannot be called back, and a chain that
    /// went on without it would have one number twice. A sink that cannot say has its chain left, and another begun.
    async fn is_sure(&mut self) -> bool {
        let Some(Unsure { head, losing }) = self.unsure.take() else { return true };
        match self.in_time(self.sink.last()).await {
            Ok(Some(last)) if last == head => self.wrote(head),
            Ok(last) => {
                self.written.lose_all(losing, NO_ANSWER);
                if last.is_none() {
                    self.chain.leave();
                }
            }
            Err(_) => {
                self.unsure = Some(Unsure { head, losing });
                return false;
            }
        }
        true
    }

    fn wrote(&mut self, head: AuditHead) {
        *self.written.head.lock().unwrap_or_else(PoisonError::into_inner) = Some(head.clone());
        self.chain.wrote(head);
    }

    async fn in_time<T>(&self, call: impl Future<Output = Result<T, AuditError>>) -> Result<T, AuditError> {
        timeout(SINK_TIMEOUT, call).await.unwrap_or_else(|_| Err(AuditError::new(NO_ANSWER)))
    }
}

fn now(clock: &Clock) -> String {
    Timestamp::try_from(clock.now()).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

impl fmt::Debug for Audit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Audit").field("written", &self.written).finish_non_exhaustive()
    }
}
