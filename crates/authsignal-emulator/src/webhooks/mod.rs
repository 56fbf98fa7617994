//! Webhooks, on their way out of the emulator (docs, webhooks, delivery).
//!
//! | what | how |
//! |---|---|
//! | `email.created`, `sms.created`, `push.created`, `action.verify` | [`ask`](Webhooks::ask): once, and the answer decides |
//! | `authenticator.*` | [`tell`](Webhooks::tell): in the background, again up to three times |
//! | `action.log_created`, `challenge.log_created` | [`log`](Webhooks::log): in batches, later, until they are taken |
//!
//! What waits, waits by the emulator's clock. A test moves that without telling anybody, so as long as something waits the
//! clock is looked at every few milliseconds.
pub(crate) mod event;
pub(crate) mod outbox;
pub(crate) mod sent;
pub(crate) mod target;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authsignal_client::{Clock, webhook};
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use uuid::Uuid;

use crate::tenant::Tenant;
use crate::webhooks::event::{WebhookEvent, time};
use crate::webhooks::outbox::{Outbox, OutgoingWebhook, Record};
use crate::webhooks::sent::{Sent, SentWebhook};
use crate::webhooks::target::{Target, WebhookAnswer};

/// How often the clock is looked at while something waits.
const TICK: Duration = Duration::from_millis(20);

/// Where webhooks go. Without a URL, those that would go there are not sent.
#[derive(Debug, Clone)]
pub(crate) struct WebhookSettings {
    /// Where events go. Default: nowhere.
    pub(crate) url: Option<Target>,
    /// Where batches of log records go. Default: nowhere.
    pub(crate) log_url: Option<Target>,
    /// Where `action.verify` goes, by the code of the action: `verificationWebhookUrl` of its configuration. Default:
    /// nowhere.
    pub(crate) verify_urls: BTreeMap<String, Target>,
    /// How long an answer may take, in real time. Default: 10 s, an assumption (the service documents none).
    pub(crate) timeout: Duration,
    /// How long log records wait: the time to live of the tenant's tokens. Default: 10 minutes.
    pub(crate) log_delay: Duration,
}

impl Default for WebhookSettings {
    fn default() -> Self {
        Self {
            url: None,
            log_url: None,
            verify_urls: BTreeMap::new(),
            timeout: Duration::from_secs(10),
            log_delay: Duration::from_secs(10 * 60),
        }
    }
}

impl WebhookSettings {
    /// What a tenant says about webhooks.
    ///
    /// # Errors
    ///
    /// When one of its URLs cannot be one.
    pub(crate) fn of(tenant: &Tenant) -> io::Result<Self> {
        let target = |url: &Option<String>| {
            url.as_deref().map(|url| Target::new(url, tenant.webhook_http_host.as_deref())).transpose()
        };
        let mut verify_urls = BTreeMap::new();
        for (action, settings) in &tenant.actions {
            if let Some(url) = target(&settings.verification_webhook_url)? {
                verify_urls.insert(action.clone(), url);
            }
        }
        Ok(Self {
            url: target(&tenant.webhook_url)?,
            log_url: target(&tenant.webhook_log_url)?,
            verify_urls,
            timeout: tenant.webhook_timeout,
            log_delay: tenant.token_ttl,
        })
    }
}

/// The webhooks of one emulator. What runs in the background ends when this is dropped.
pub(crate) struct Webhooks {
    shared: Arc<WebhookState>,
    worker: JoinHandle<()>,
}

/// A webhook whose answer was waited for, and was no success.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WebhookRefused {
    /// The type of the event.
    pub(crate) kind: &'static str,
    /// What came instead.
    pub(crate) answer: WebhookAnswer,
}

impl Webhooks {
    /// Signs with each of `secrets`, as the service does while two keys are active. It needs a tokio runtime.
    pub(crate) fn new(settings: WebhookSettings, secrets: Vec<String>, tenant_id: String, clock: Clock) -> Self {
        let settings = Mutex::new(settings);
        let shared = Arc::new(WebhookState {
            settings,
            secrets,
            tenant_id,
            clock,
            outbox: Mutex::default(),
            sent: Mutex::default(),
            wake: Notify::new(),
        });
        Self { worker: tokio::spawn(work(Arc::clone(&shared))), shared }
    }

    /// Changes the settings from now on.
    pub(crate) fn change(&self, change: impl FnOnce(&mut WebhookSettings)) {
        change(&mut lock(&self.shared.settings));
    }

    /// Sends an event, once, and waits for the answer: `Ok` if it was taken, or if nobody wants to be asked.
    pub(crate) async fn ask(&self, event: WebhookEvent) -> Result<(), WebhookRefused> {
        let Some(mut outgoing) = self.shared.pack(&event) else { return Ok(()) };
        let answer = self.shared.send(&mut outgoing).await;
        lock(&self.shared.sent).record(&outgoing, answer.clone(), self.shared.clock.now());
        if answer.is_accepted() { Ok(()) } else { Err(WebhookRefused { kind: event.kind, answer }) }
    }

    /// Sends an event in the background.
    pub(crate) fn tell(&self, event: &WebhookEvent) {
        if let Some(outgoing) = self.shared.pack(event) {
            lock(&self.shared.outbox).put(outgoing, self.shared.clock.now());
            self.shared.wake.notify_one();
        }
    }

    /// Keeps a log record for a batch.
    pub(crate) fn log(&self, event: WebhookEvent) {
        self.keep(Record::Ready(self.shared.record(event)));
    }

    /// Keeps a log record for a batch that is made when the batch is.
    pub(crate) fn log_later(&self, make: impl FnOnce() -> Option<WebhookEvent> + Send + 'static) {
        let shared = Arc::downgrade(&self.shared);
        self.keep(Record::Later(Box::new(move || Some(shared.upgrade()?.record(make()?)))));
    }

    fn keep(&self, record: Record) {
        let delay = {
            let settings = lock(&self.shared.settings);
            settings.log_url.as_ref().map(|_| settings.log_delay)
        };
        let Some(delay) = delay else { return };
        let now = self.shared.clock.now();
        lock(&self.shared.outbox).log(record, now.checked_add(delay).unwrap_or(now));
        self.shared.wake.notify_one();
    }

    /// Sends every log record that waits, now, and waits for the answers. What is not taken is tried again later.
    pub(crate) async fn flush_logs(&self) {
        let (records, batches) = {
            let mut outbox = lock(&self.shared.outbox);
            (outbox.take_records(None), outbox.take_batches())
        };
        let records = outbox::batches(records);
        let batches = batches.into_iter().chain(records.iter().filter_map(|batch| self.shared.pack_batch(batch)));
        for batch in batches.collect::<Vec<_>>() {
            self.shared.deliver(batch).await;
        }
    }

    /// Forgets what waits and what was sent, and goes by these settings.
    pub(crate) fn start_over(&self, settings: WebhookSettings) {
        *lock(&self.shared.settings) = settings;
        *lock(&self.shared.outbox) = Outbox::default();
        *lock(&self.shared.sent) = Sent::default();
    }

    /// Sends nothing more in the background.
    pub(crate) fn close(&self) {
        self.worker.abort();
    }

    /// What was sent, or tried, in the order of the first answers; the latest ten thousand.
    pub(crate) fn sent(&self) -> Vec<SentWebhook> {
        lock(&self.shared.sent).all()
    }

    /// How many there are, and at most so many of them, the latest first.
    pub(crate) fn newest(&self, max: usize) -> (usize, Vec<SentWebhook>) {
        lock(&self.shared.sent).newest(max)
    }
}

impl Drop for Webhooks {
    fn drop(&mut self) {
        self.close();
    }
}

impl fmt::Debug for Webhooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Webhooks").field("settings", &*lock(&self.shared.settings)).finish_non_exhaustive()
    }
}

/// What callers and the worker share.
struct WebhookState {
    settings: Mutex<WebhookSettings>,
    secrets: Vec<String>,
    tenant_id: String,
    clock: Clock,
    outbox: Mutex<Outbox>,
    sent: Mutex<Sent>,
    wake: Notify,
}

/// A panic elsewhere leaves nothing half-done in these that would matter.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl WebhookState {
    /// The envelope of an event, and its id.
    fn envelope(&self, event: &WebhookEvent, member: &str) -> (String, Value) {
        let id = Uuid::new_v4().to_string();
        let mut envelope = json!({
            "version": 1,
            "id": id,
            "source": "https://authsignal.com",
            "time": time(self.clock.now()),
            "tenantId": self.tenant_id,
            "type": event.kind,
        });
        envelope[member] = event.data.clone();
        (id, envelope)
    }

    fn record(&self, event: WebhookEvent) -> Value {
        self.envelope(&event.with("tenantId", self.tenant_id.as_str()), "record").1
    }

    /// An event for whoever wants it.
    fn pack(&self, event: &WebhookEvent) -> Option<OutgoingWebhook> {
        let settings = lock(&self.settings);
        let to = match &event.action {
            Some(action) => settings.verify_urls.get(action),
            None => settings.url.as_ref(),
        };
        let (to, (id, envelope)) = (to?.clone(), self.envelope(event, "data"));
        Some(OutgoingWebhook {
            to,
            kind: event.kind,
            id,
            body: envelope.to_string().into(),
            attempts: 0,
            is_batch: false,
        })
    }

    /// A batch, if anybody wants it.
    fn pack_batch(&self, records: &[Value]) -> Option<OutgoingWebhook> {
        let to = lock(&self.settings).log_url.clone()?;
        let id = records.first()?["id"].as_str().unwrap_or_default().to_owned();
        let body = json!({ "records": records }).to_string().into();
        Some(OutgoingWebhook { to, kind: "records", id, body, attempts: 0, is_batch: true })
    }

    /// Tries once. Every try is signed anew, so that a late one is not refused for its age (an assumption).
    async fn send(&self, outgoing: &mut OutgoingWebhook) -> WebhookAnswer {
        let timeout = lock(&self.settings).timeout;
        let seconds = self.clock.unix_seconds().try_into().unwrap_or(i64::MAX);
        let header = webhook::sign(self.secrets.iter().map(String::as_str), seconds, &outgoing.body);
        outgoing.attempts += 1;
        let answer = outgoing.to.post(header, outgoing.body.clone(), timeout).await;
        if !answer.is_accepted() {
            let (url, kind, attempt) = (outgoing.to.shown(), outgoing.kind, outgoing.attempts);
            tracing::warn!(%url, kind, attempt, %answer, "a webhook of the emulator was not accepted");
        }
        answer
    }

    /// Tries once, and puts back what is to be tried again.
    async fn deliver(&self, mut outgoing: OutgoingWebhook) {
        let answer = self.send(&mut outgoing).await;
        let now = self.clock.now();
        if !answer.is_accepted() {
            // First, so that whoever sees the answer can move the clock on to the next try.
            lock(&self.outbox).put_back(outgoing.clone(), now);
            self.wake.notify_one();
        }
        lock(&self.sent).record(&outgoing, answer, now);
    }

    /// Everything that may be sent by now.
    fn take_due(&self) -> Vec<OutgoingWebhook> {
        let now = self.clock.now();
        let (records, mut due) = {
            let mut outbox = lock(&self.outbox);
            (outbox.take_records(Some(now)), outbox.take_due(now))
        };
        due.extend(outbox::batches(records).iter().filter_map(|batch| self.pack_batch(batch)));
        due
    }
}

/// Sends what waits, each in a task of its own: a receiver that is slow holds up no other.
async fn work(shared: Arc<WebhookState>) {
    let mut running = JoinSet::new();
    loop {
        for outgoing in shared.take_due() {
            let shared = Arc::clone(&shared);
            running.spawn(async move { shared.deliver(outgoing).await });
        }
        while running.try_join_next().is_some() {}
        let is_empty = lock(&shared.outbox).is_empty();
        let woken = shared.wake.notified();
        if is_empty {
            woken.await;
        } else {
            // Either will do: something new, or time that may have passed.
            let _ = tokio::time::timeout(TICK, woken).await;
        }
    }
}

#[cfg(test)]
mod tests;
