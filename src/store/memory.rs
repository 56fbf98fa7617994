//! The store in the memory of one process.
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use authsignal_client::Clock;

use super::{Error, Key, ROOM_TO_GROW, Store, Version};

/// A store in the memory of one process. The default.
///
/// It is enough for one node; a restart forgets every flow, so users who were at a challenge start again. It holds at
/// most 100,000 records and 64 MiB of them and then takes no new ones until some have expired (threat T50); what has
/// expired is swept with every write. Each record has [`ROOM_TO_GROW`] set aside when it is new, so that what is there
/// can go on in a store that is full (threat T117). Clones share their records.
#[derive(Clone)]
pub struct MemoryStore {
    records: Arc<Mutex<Records>>,
    clock: Clock,
    most_records: usize,
    most_bytes: usize,
}

#[derive(Default)]
struct Records {
    by_key: HashMap<Key, Record>,
    /// Soonest first.
    by_expiry: BTreeSet<(SystemTime, Key)>,
    bytes: usize,
    last_version: u64,
}

struct Record {
    version: Version,
    value: Vec<u8>,
    /// The bytes set aside for it.
    room: usize,
    expires: SystemTime,
}

impl MemoryStore {
    /// An empty store on the system's clock.
    #[must_use]
    pub fn new() -> Self {
        Self { records: Arc::default(), clock: Clock::system(), most_records: 100_000, most_bytes: 64 * 1024 * 1024 }
    }

    /// Takes the time from `clock`. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Holds at most `records` records of `bytes` bytes together, where each counts as [`ROOM_TO_GROW`] bytes more than
    /// it has when it is new. Default: 100,000 and 64 MiB.
    #[must_use]
    pub fn limits(mut self, records: usize, bytes: usize) -> Self {
        self.most_records = records;
        self.most_bytes = bytes;
        self
    }

    /// How many records there are that have not expired.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut records = self.records();
        records.sweep(self.clock.now());
        records.by_key.len()
    }

    /// Whether there is no record that has not expired.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No code of others runs while the lock is held, so a poisoned lock still guards sound records.
    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn sweep(&mut self, now: SystemTime) {
        while let Some(&(expires, key)) = self.by_expiry.first() {
            if expires > now {
                break;
            }
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(record) = self.by_key.remove(key) {
            self.by_expiry.remove(&(record.expires, *key));
            self.bytes -= record.room;
        }
    }
}

impl Store for MemoryStore {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Vec<u8>)>, Error> {
        let now = self.clock.now();
        let records = self.records();
        let live = records.by_key.get(key).filter(|record| record.expires > now);
        Ok(live.map(|record| (record.version, record.value.clone())))
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        let now = self.clock.now();
        let expires = now.checked_add(ttl).ok_or_else(|| Error::full("no clock reaches the end of this record"))?;
        let mut records = self.records();
        records.sweep(now);
        let current = records.by_key.get(key);
        if current.map(|record| record.version) != expected {
            return Ok(false);
        }
        // What is there has its place, and its room as long as it keeps to it.
        let (freed_records, freed_bytes) = current.map_or((0, 0), |record| (1, record.room));
        let keeps_to_it = current.is_some() && value.len() <= freed_bytes;
        let room = if keeps_to_it { freed_bytes } else { value.len().saturating_add(ROOM_TO_GROW) };
        if records.by_key.len() - freed_records >= self.most_records {
            return Err(Error::full("the store in memory holds as many records as it may"));
        }
        if !keeps_to_it && (records.bytes - freed_bytes).saturating_add(room) > self.most_bytes {
            return Err(Error::full("the store in memory holds as many bytes as it may"));
        }
        records.remove(key);
        records.last_version += 1;
        let version = Version::new(records.last_version);
        records.bytes += room;
        records.by_expiry.insert((expires, *key));
        records.by_key.insert(*key, Record { version, value, room, expires });
        Ok(true)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("most_records", &self.most_records)
            .field("most_bytes", &self.most_bytes)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::ErrorKind;

    const MINUTE: Duration = Duration::from_secs(60);

    fn store() -> (MemoryStore, Clock) {
        let clock = Clock::manual(SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000));
        (MemoryStore::new().clock(clock.clone()), clock)
    }

    /// T50: limits on records and bytes hold, and expiry gives the room back.
    #[tokio::test]
    async fn t50_it_is_bounded_and_sweeps_what_has_expired() {
        let (store, clock) = store();
        let store = store.limits(3, 3 * (30 + ROOM_TO_GROW));
        for byte in 0..3 {
            assert!(store.swap(&Key::of(byte), None, vec![0; 30], MINUTE).await.unwrap());
        }
        assert_eq!(store.swap(&Key::of(9), None, vec![], MINUTE).await.unwrap_err().kind(), ErrorKind::Full);
        clock.advance(MINUTE / 2);
        // T117: full by records and by bytes, and each has the room that was set aside for it, however often it is used.
        for length in [30 + ROOM_TO_GROW, 1, 30 + ROOM_TO_GROW] {
            let (version, _) = store.load(&Key::of(0)).await.unwrap().unwrap();
            assert!(store.swap(&Key::of(0), Some(version), vec![0; length], MINUTE).await.unwrap(), "{length}");
        }
        let (version, _) = store.load(&Key::of(0)).await.unwrap().unwrap();
        let grown = store.swap(&Key::of(0), Some(version), vec![0; 31 + ROOM_TO_GROW], MINUTE).await;
        assert_eq!(grown.unwrap_err().kind(), ErrorKind::Full, "but not more");
        clock.advance(MINUTE / 2);
        assert_eq!(store.len(), 1);
        assert!(store.swap(&Key::of(9), None, vec![0; 60], MINUTE).await.unwrap());
        let records = store.records();
        assert_eq!(records.bytes, 30 + 60 + 2 * ROOM_TO_GROW);
        assert_eq!(records.by_expiry.len(), records.by_key.len());
    }
}
