//! A disk that stalls: what was written late is in the chain once, and what was not is said to be lost.
use std::sync::Arc;
use std::time::Duration;

use authsignal_client::Clock;
use secrecy::SecretSlice;
use tokio::sync::{Mutex, Semaphore};

use super::event::{AuditEvent, AuditHead, AuditKind};
use super::json_lines::AuditJsonLines;
use super::queue::Audit;
use super::sink::{AuditError, AuditSink};
use super::tests::{KEY, folder, verified};

/// A file whose writes wait for a permit each, and are done even where nobody waits any more, as `spawn_blocking` does.
#[derive(Clone)]
struct Stalling {
    file: AuditJsonLines,
    permits: Arc<Semaphore>,
    turn: Arc<Mutex<()>>,
    can_say: bool,
}

impl AuditSink for Stalling {
    async fn record(&self, event: AuditEvent) -> Result<(), AuditError> {
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let this = self.clone();
        let write = async move {
            this.permits.acquire().await.map_err(AuditError::new)?.forget();
            let written = this.file.record(event).await;
            drop(turn);
            written
        };
        tokio::spawn(write).await.map_err(AuditError::new)?
    }

    async fn last(&self) -> Result<Option<AuditHead>, AuditError> {
        if !self.can_say {
            return Ok(None);
        }
        let _turn = self.turn.lock().await;
        self.file.last().await
    }
}

fn event() -> AuditEvent {
    AuditEvent { action: Some("pay".to_owned()), ..AuditEvent::default() }
}

/// What the file has after a write stalled for six seconds, with so many permits before it, and what the verifier says of it.
async fn stalled(permits: usize, can_say: bool) -> (Vec<(AuditKind, u64)>, String) {
    let folder = folder();
    let path = folder.join("audit.jsonl");
    let file = AuditJsonLines::open(&path).unwrap();
    let sink = Stalling { file, permits: Arc::new(Semaphore::new(permits)), turn: Arc::default(), can_say };
    let permits = Arc::clone(&sink.permits);
    let audit = Audit::new(Arc::new(sink), SecretSlice::from(KEY.as_bytes().to_vec()), Clock::system());
    audit.tell(event());
    tokio::time::sleep(Duration::from_secs(6)).await;
    permits.add_permits(100);
    audit.tell(event());
    let head = audit.close().await.unwrap();
    assert_eq!(audit.head(), Some(head.clone()));
    let head = format!("{}:{}:{}", head.chain, head.sequence, head.mac);
    let (_, said) = verified(&path, &["--head", &head]);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_dir_all(folder).unwrap();
    let told = text.lines().map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = match event["kind"].as_str().unwrap() {
            "begun" => AuditKind::Begun,
            "closed" => AuditKind::Closed,
            _ => AuditKind::Decided,
        };
        (kind, event["lost"].as_u64().unwrap())
    });
    (told.collect(), said)
}

/// C9: a write that is given up and lands late is no tampering, and nothing is said to be lost that is there.
#[tokio::test(start_paused = true)]
async fn c9_what_a_slow_disk_writes_late_is_in_the_chain_once() {
    use AuditKind::{Begun, Closed, Decided};
    let (told, said) = stalled(1, true).await;
    assert_eq!((told, said.as_str()), (vec![(Begun, 0), (Decided, 0), (Decided, 0), (Closed, 0)], "0 problems\n"));
}

/// C9: nor is it where the beginning of the chain stalls; the event that waited for it is lost, and counted.
#[tokio::test(start_paused = true)]
async fn c9_a_chain_that_begins_late_begins_once() {
    use AuditKind::{Begun, Closed, Decided};
    let (told, said) = stalled(0, true).await;
    assert_eq!((told, said.lines().last()), (vec![(Begun, 0), (Decided, 1), (Closed, 0)], Some("0 problems")));
}

/// C9: a sink that cannot say what it has gets another chain, which says what is not known to be there.
#[tokio::test(start_paused = true)]
async fn c9_a_sink_that_cannot_say_begins_another_chain() {
    use AuditKind::{Begun, Closed, Decided};
    let (told, said) = stalled(1, false).await;
    assert_eq!(told, [(Begun, 0), (Decided, 0), (Begun, 0), (Decided, 1), (Closed, 0)], "{said}");
    assert!(said.contains("what stood before is not there") && !said.contains("doubled"), "{said}");
}
