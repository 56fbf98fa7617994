//! What was sent, and what came of it.
use std::collections::VecDeque;
use std::time::SystemTime;

use serde_json::Value;

use crate::webhooks::outbox::OutgoingWebhook;
use crate::webhooks::target::WebhookAnswer;

/// How many are remembered; the oldest go first.
const MAX_SENT: usize = 10_000;

/// A webhook that the emulator has sent, or tried to.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SentWebhook {
    /// The type of its event; of a batch of log records, `records`.
    pub kind: String,
    /// The URL that it went to.
    pub url: String,
    /// The id of its event; of a batch, that of its first record.
    pub id: String,
    /// The number of attempts.
    pub attempts: u32,
    /// The answer to the last attempt.
    pub answer: WebhookAnswer,
    /// The time of that, by the emulator's clock.
    pub at: SystemTime,
    /// The body that was sent.
    pub body: Value,
}

/// All of them, in the order of their first answers.
#[derive(Debug, Default)]
pub(super) struct Sent(VecDeque<SentWebhook>);

impl Sent {
    /// Writes down what came of an attempt.
    pub(super) fn record(&mut self, outgoing: &OutgoingWebhook, answer: WebhookAnswer, at: SystemTime) {
        let known =
            if outgoing.attempts > 1 { self.0.iter_mut().rev().find(|sent| sent.id == outgoing.id) } else { None };
        if let Some(sent) = known {
            (sent.attempts, sent.answer, sent.at) = (outgoing.attempts, answer, at);
            return;
        }
        if self.0.len() == MAX_SENT {
            self.0.pop_front();
        }
        self.0.push_back(SentWebhook {
            kind: outgoing.kind.to_owned(),
            url: outgoing.to.url().to_owned(),
            id: outgoing.id.clone(),
            attempts: outgoing.attempts,
            answer,
            at,
            body: serde_json::from_slice(&outgoing.body).unwrap_or_default(),
        });
    }

    pub(super) fn all(&self) -> Vec<SentWebhook> {
        self.0.iter().cloned().collect()
    }

    /// How many there are, and at most so many of them, newest first.
    pub(super) fn newest(&self, max: usize) -> (usize, Vec<SentWebhook>) {
        (self.0.len(), self.0.iter().rev().take(max).cloned().collect())
    }
}
