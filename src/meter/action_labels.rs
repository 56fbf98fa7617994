//! The label of an action, of which there are so many and no more.
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{PoisonError, RwLock};

use authsignal_client::ActionCode;
use metrics::{Key, KeyName, Label, Level, Metadata, SharedString, with_recorder};

use super::DECISIONS;

/// The most actions that have a label of their own. Who names them as they go counts all further ones as `other`.
const MAX_ACTIONS: usize = 256;

/// The label of what is more, and of what belongs to no action.
const OTHER: &str = "other";

const METADATA: Metadata<'static> = Metadata::new("axum_authsignal", Level::INFO, Some("axum_authsignal"));

/// The metrics' keys of each action, made once: counting takes no memory then.
#[derive(Debug, Default)]
pub(crate) struct ActionLabels(RwLock<HashMap<Option<ActionCode>, HashMap<&'static str, Key>>>);

impl ActionLabels {
    /// Counts a decision.
    pub(crate) fn decided(&self, action: Option<&ActionCode>, outcome: &'static str) {
        let action = action.cloned();
        {
            let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
            let known_action = known.get(&action).or_else(|| known.get(&None).filter(|_| known.len() >= MAX_ACTIONS));
            if let Some(key) = known_action.and_then(|keys| keys.get(outcome)) {
                return count(key);
            }
        }
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let is_full = known.len() >= MAX_ACTIONS;
        let action = if is_full && !known.contains_key(&action) { None } else { action };
        let label = action.as_ref().map_or(OTHER, ActionCode::as_str).to_owned();
        let keys = match known.entry(action) {
            Entry::Occupied(keys) => keys.into_mut(),
            Entry::Vacant(empty) => empty.insert(HashMap::new()),
        };
        count(keys.entry(outcome).or_insert_with(|| {
            let labels =
                vec![Label::new("action", SharedString::from(label)), Label::from_static_parts("outcome", outcome)];
            Key::from_parts(KeyName::from_const_str(DECISIONS), labels)
        }));
    }
}

fn count(key: &Key) {
    with_recorder(|recorder| recorder.register_counter(key, &METADATA).increment(1));
}
