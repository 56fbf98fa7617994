//! The store in the memory of one process.
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use authsignal_client::Clock;
use bytes::Bytes;

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
    by_key: HashMap<Key, Record, BuildHasherDefault<KeyHasher>>,
    /// When to look whether a record has expired, soonest first. Each record is in it once, so that writing it anew for
    /// longer, as a flow does at every step, leaves this as it is.
    by_expiry: BTreeSet<(SystemTime, Key)>,
    bytes: usize,
    last_version: u64,
}

struct Record {
    version: Version,
    value: Bytes,
    /// The bytes set aside for it.
    room: usize,
    expires: SystemTime,
    /// Where it is in `by_expiry`: never later than it expires.
    looked_at: SystemTime,
}

/// Takes 8 bytes of a key as they are: keys are MACs, so nobody chooses them and they are spread evenly already.
#[derive(Default)]
struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk() {
            self.0 = u64::from_ne_bytes(*first);
        }
    }

    /// The length that stands before the bytes is the same for all keys.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
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
        while let Some(&(looked_at, key)) = self.by_expiry.first() {
            if looked_at > now {
                break;
            }
            self.by_expiry.pop_first();
            let Entry::Occupied(mut entry) = self.by_key.entry(key) else { continue };
            let record = entry.get_mut();
            if record.expires > now {
                record.looked_at = record.expires;
                self.by_expiry.insert((record.expires, key));
            } else {
                self.bytes -= entry.remove().room;
            }
        }
    }

    fn write(&mut self, key: Key, value: Bytes, room: usize, expires: SystemTime) {
        let before = self.by_key.get(&key).map(|record| (record.looked_at, record.room));
        let looked_at = match before {
            Some((looked_at, _)) if looked_at <= expires => looked_at,
            _ => {
                if let Some((too_late, _)) = before {
                    self.by_expiry.remove(&(too_late, key));
                }
                self.by_expiry.insert((expires, key));
                expires
            }
        };
        self.bytes = self.bytes - before.map_or(0, |(_, room)| room) + room;
        self.last_version += 1;
        let version = Version::new(self.last_version);
        self.by_key.insert(key, Record { version, value, room, expires, looked_at });
    }
}

impl Store for MemoryStore {
    async fn load(&self, key: &Key) -> Result<Option<(Version, Bytes)>, Error> {
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
        records.write(*key, Bytes::from(value.into_boxed_slice()), room, expires);
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

    /// 20,000 calls at random on few keys do what a plain list does: T50's bounds, T117's room and every expiry included.
    #[tokio::test]
    async fn t50_t117_it_does_what_a_plain_list_does() {
        #[derive(Clone)]
        struct Listed(Version, Vec<u8>, usize, SystemTime);
        let (store, clock) = store();
        let (most_records, most_bytes) = (6, 6 * (40 + ROOM_TO_GROW));
        let store = store.limits(most_records, most_bytes);
        let mut list: [Option<Listed>; 8] = std::array::from_fn(|_| None);
        let mut seed = 1u64;
        let mut below = |n: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % n
        };
        let (mut written, mut refused, mut expired) = (0, 0, 0);
        for _ in 0..20_000 {
            clock.advance(Duration::from_millis(below(200)));
            let index = below(8) as usize;
            let (key, now) = (Key::of(index as u8), clock.now());
            for slot in &mut list {
                if slot.take_if(|listed| listed.3 <= now).is_some() {
                    expired += 1;
                }
            }
            let listed = list[index].clone();
            let loaded = store.load(&key).await.unwrap();
            assert_eq!(loaded, listed.as_ref().map(|listed| (listed.0, Bytes::from(listed.1.clone()))));
            let ttl = Duration::from_millis(1 + below(3_000));
            let value = vec![index as u8; below(400) as usize];
            let others = list.iter().flatten().filter(|other| Some(other.0) != listed.as_ref().map(|listed| listed.0));
            let (records, bytes) = others.fold((0, 0), |(records, bytes), other| (records + 1, bytes + other.2));
            let kept = listed.as_ref().map(|listed| listed.2).filter(|&room| value.len() <= room);
            let room = kept.unwrap_or(value.len() + ROOM_TO_GROW);
            let fits = records < most_records && (kept.is_some() || bytes + room <= most_bytes);
            match store.swap(&key, listed.map(|listed| listed.0), value.clone(), ttl).await {
                Ok(is_written) => {
                    assert!(is_written && fits);
                    let version = store.load(&key).await.unwrap().unwrap().0;
                    list[index] = Some(Listed(version, value, room, now + ttl));
                    written += 1;
                }
                Err(error) => {
                    assert!(error.kind() == ErrorKind::Full && !fits);
                    refused += 1;
                }
            }
            assert_eq!(store.len(), list.iter().flatten().count());
            let held = store.records();
            assert_eq!(held.by_expiry.len(), held.by_key.len());
            assert_eq!(held.bytes, list.iter().flatten().map(|listed| listed.2).sum::<usize>());
        }
        println!("{written} written, {refused} refused for want of room, {expired} expired");
        assert!(written > 1_000 && refused > 1_000 && expired > 1_000);
    }
}
