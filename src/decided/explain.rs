//! Why a decision ended as it did: each check in its order, of which the last one decided.
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use authsignal_client::{ActionCode, IdempotencyKey};

use super::outcome::Outcome;

/// The most explanations that are kept.
pub(crate) const MAX_KEPT: usize = 10_000;

/// One check of a decision, and what it found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What was looked at, such as `flow` or `track`.
    pub name: &'static str,
    /// What was found, where there is more to say than that the request went on. No user id, token or address is in it.
    pub found: Option<String>,
}

/// Why a decision ended as it did: [`Authsignal::explain`](crate::Authsignal::explain).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Explanation {
    /// The decision: the key of the attempt.
    pub decision_id: IdempotencyKey,
    /// The action.
    pub action: Option<ActionCode>,
    /// How it ended.
    pub outcome: Outcome,
    /// The code of the reason, where it did not pass.
    pub code: Option<&'static str>,
    /// The route's template.
    pub route: Option<String>,
    /// When it ended.
    pub at: SystemTime,
    /// Each check in its order. The last one decided.
    pub checks: Vec<Check>,
}

impl Explanation {
    /// The check that decided.
    #[must_use]
    pub fn deciding(&self) -> Option<&Check> {
        self.checks.last()
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Check { name, found } in &self.checks {
            match found {
                Some(found) => write!(f, "{name}: {found}; ")?,
                None => write!(f, "{name}; ")?,
            }
        }
        write!(f, "{}", self.outcome)
    }
}

/// The last explanations of this process.
#[derive(Debug, Default)]
pub(crate) struct Explanations {
    /// How many: none unless that was asked for.
    pub(crate) most: usize,
    last: Mutex<VecDeque<Arc<Explanation>>>,
}

impl Explanations {
    pub(crate) fn keep(&self, explanation: Explanation) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        while last.len() >= self.most {
            if last.pop_front().is_none() {
                return;
            }
        }
        last.push_back(Arc::new(explanation));
    }

    /// All that is known of a decision, the oldest first.
    pub(crate) fn of(&self, id: &str) -> Vec<Explanation> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().filter(|kept| kept.decision_id.as_str() == id).map(|kept| Explanation::clone(kept)).collect()
    }
}
