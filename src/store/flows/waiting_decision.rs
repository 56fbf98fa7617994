//! The name of a decision that waits for its proof, for an application that keeps it: sealed, so that nobody reads what it is
//! about, and nobody makes another of it.
use authsignal_client::{ActionCode, IdempotencyKey, UserId};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use super::{BindingHash, FlowStore};
use crate::domain::flow::Moment;
use crate::random::random;
use crate::request::cookie::BrowserId;
use crate::store::record;
use crate::store::seal::Purpose;

/// Which decision it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WaitingDecision {
    /// Who proves it.
    pub(crate) user: UserId,
    /// Whose account it is about.
    pub(crate) account: UserId,
    pub(crate) is_machine: bool,
    /// Whether it is somebody else who looks at it, and not the user who proves it.
    pub(crate) is_review: bool,
    pub(crate) action: ActionCode,
    pub(crate) attempt: IdempotencyKey,
    /// What its flow is found by.
    pub(crate) binding: BindingHash,
    pub(crate) until: Moment,
}

/// How many bytes stand in front of what is sealed: they name the key.
const NAME: usize = 32;

impl FlowStore {
    /// A text by which the decision is found again, at every node.
    pub(crate) fn seal_decision(&self, decision: &WaitingDecision) -> String {
        let what: [u8; NAME] = random();
        let key = self.keys.name(Purpose::Decision, &BrowserId::ANY, &what);
        let sealed = self.keys.seal(Purpose::Decision, &BrowserId::ANY, &what, &key, &record::write(decision));
        URL_SAFE_NO_PAD.encode([&what[..], &sealed].concat())
    }

    /// The decision of such a text, if it is one of ours.
    pub(crate) fn open_decision(&self, id: &str) -> Option<WaitingDecision> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        let (what, sealed) = bytes.split_first_chunk::<NAME>()?;
        let names = self.keys.names(Purpose::Decision, &BrowserId::ANY, what);
        let plain = names.iter().find_map(|key| self.keys.open(Purpose::Decision, &BrowserId::ANY, key, sealed))?;
        record::read(&plain)
    }
}
