//! The public keys of a tenant: when to fetch them, how long they count.
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use serde::Deserialize;
use serde_json::Value;

use super::fault::SessionFault;
use crate::clock::Clock;
use crate::error::Error;
use crate::transport::Transport;

/// The age at which keys are fetched anew.
const REFRESH_AFTER: Duration = Duration::from_secs(60 * 60);
/// The age at which keys are no longer used, however often fetching failed.
const MAX_AGE: Duration = Duration::from_secs(6 * 60 * 60);
/// The least time between two fetches, so that made-up key ids bring no load upstream.
const PAUSE: Duration = Duration::from_secs(60);
/// The same after one that failed.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(5);
/// The most keys of a set.
const MAX_KEYS: usize = 64;

/// The keys, and where they come from.
pub(super) struct KeyRing {
    transport: Arc<Transport>,
    segments: Vec<String>,
    clock: Clock,
    held: Mutex<CachedKeys<DecodingKey>>,
    /// Whoever holds it may fetch.
    gate: Arc<tokio::sync::Mutex<()>>,
}

/// A JWK Set (RFC 7517, section 5).
#[derive(Deserialize)]
struct KeySet {
    keys: Vec<Value>,
}

impl KeyRing {
    /// Takes the address if it can be one.
    pub(super) fn new(transport: Arc<Transport>, segments: &[&str], clock: Clock) -> Result<Self, Error> {
        transport.get(segments)?;
        let segments = segments.iter().map(|&segment| segment.to_owned()).collect();
        Ok(Self { transport, segments, clock, held: Mutex::default(), gate: Arc::default() })
    }

    /// The key of this id, fetched if need be.
    pub(super) async fn get(self: &Arc<Self>, id: &str) -> Result<DecodingKey, SessionFault> {
        let mut step = self.step(id);
        if let Step::Fetch(known) = step {
            let gate = match known {
                None => self.gate.clone().lock_owned().await,
                Some(known) => match self.gate.clone().try_lock_owned() {
                    Ok(gate) => gate,
                    // It is being fetched, and until then this one is good enough.
                    Err(_) => return Ok(known),
                },
            };
            step = self.step(id);
            if let Step::Fetch(_) = step {
                let ring = self.clone();
                // In a task of its own: callers that hang up would else keep everybody from ever getting a new key.
                let task = tokio::spawn(async move {
                    ring.fetch().await;
                    drop(gate);
                });
                _ = task.await;
                step = self.step(id);
            }
        }
        match step {
            Step::Use(key) | Step::Fetch(Some(key)) => Ok(key),
            Step::Unknown => Err(SessionFault::UnknownKey),
            Step::Unavailable(error) => Err(SessionFault::Unavailable(error)),
            // The runtime is shutting down, or the clock has jumped just now.
            Step::Fetch(None) => Err(SessionFault::Unavailable(Arc::new(Error::interrupted()))),
        }
    }

    fn held(&self) -> MutexGuard<'_, CachedKeys<DecodingKey>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, id: &str) -> Step<DecodingKey> {
        self.held().step(id, self.clock.now())
    }

    async fn fetch(&self) {
        let fetched = self.ask().await;
        self.held().fetched(fetched, self.clock.now());
    }

    async fn ask(&self) -> Result<HashMap<String, DecodingKey>, Error> {
        let segments: Vec<_> = self.segments.iter().map(String::as_str).collect();
        let call = self.transport.get(&segments)?.anonymous();
        let set: KeySet = self.transport.run(&call).await?;
        if set.keys.len() > MAX_KEYS {
            return Err(Error::malformed(format!("it has more than {MAX_KEYS} keys")));
        }
        Ok(set.keys.into_iter().filter_map(usable).collect())
    }
}

/// A key that may have signed sessions, and its id. Others may stand in the set too, and so may what is no key at all.
fn usable(key: Value) -> Option<(String, DecodingKey)> {
    let key: Jwk = serde_json::from_value(key).ok()?;
    let common = &key.common;
    let rsa = matches!(key.algorithm, AlgorithmParameters::RSA(_));
    let algorithm = common.key_algorithm.is_none_or(|algorithm| algorithm == KeyAlgorithm::RS256);
    let signs = common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let verifies = common.key_operations.as_ref().is_none_or(|all| all.contains(&KeyOperations::Verify));
    if !(rsa && algorithm && signs && verifies) {
        return None;
    }
    Some((common.key_id.clone()?, DecodingKey::from_jwk(&key).ok()?))
}

/// What is known, and since when.
struct CachedKeys<K> {
    keys: HashMap<String, K>,
    fetched_at: Option<SystemTime>,
    tried_at: Option<SystemTime>,
    /// What came of the last try, if it came to nothing.
    fault: Option<Arc<Error>>,
}

/// What to do about a token.
#[derive(Debug)]
enum Step<K> {
    /// This is its key.
    Use(K),
    /// Fetch first. If that fails, or somebody is at it, this key is good enough.
    Fetch(Option<K>),
    /// There is no such key.
    Unknown,
    /// Nobody knows.
    Unavailable(Arc<Error>),
}

impl<K: Clone> CachedKeys<K> {
    fn step(&self, id: &str, now: SystemTime) -> Step<K> {
        // Of a time to come nothing is known but that the clock was set back: as if it were long ago.
        let since = |time: Option<SystemTime>| Some(now.duration_since(time?).unwrap_or(Duration::MAX));
        let age = since(self.fetched_at).unwrap_or(Duration::MAX);
        let key = self.keys.get(id).filter(|_| age < MAX_AGE).cloned();
        let pause = if self.fault.is_some() { PAUSE_AFTER_FAILURE } else { PAUSE };
        let may_fetch = since(self.tried_at).is_none_or(|since| since >= pause);
        match (key, &self.fault) {
            (Some(key), _) if age < REFRESH_AFTER || !may_fetch => Step::Use(key),
            (key, _) if may_fetch => Step::Fetch(key),
            (_, Some(fault)) => Step::Unavailable(fault.clone()),
            (_, None) => Step::Unknown,
        }
    }

    fn fetched(&mut self, fetched: Result<HashMap<String, K>, Error>, now: SystemTime) {
        self.tried_at = Some(now);
        match fetched {
            Ok(keys) => (self.keys, self.fetched_at, self.fault) = (keys, Some(now), None),
            Err(error) => {
                tracing::warn!(%error, "the keys of authsignal sessions could not be fetched");
                self.fault = Some(Arc::new(error));
            }
        }
    }
}

impl<K> Default for CachedKeys<K> {
    fn default() -> Self {
        Self { keys: HashMap::new(), fetched_at: None, tried_at: None, fault: None }
    }
}

#[cfg(test)]
mod tests;
