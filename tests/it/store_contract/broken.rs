//! A store that is broken in one way.
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, SystemTime};

use axum_authsignal::Clock;
use axum_authsignal::store::{Error, Key, Store, Version};
use tokio::task::yield_now;

/// Each way, and a case of the contract that notices it.
pub(super) const BROKEN: [(&str, &str); 41] = [
    ("begins full", "nothing_is_there_at_first"),
    ("writes nothing", "what_was_written_is_read"),
    ("takes the empty value for none", "an_empty_value_is_a_value"),
    ("keeps text", "every_byte_is_kept"),
    ("keeps 65,535 bytes", "big_values_are_kept"),
    ("keeps no more than at first", "a_value_grows_and_shrinks"),
    ("has text for keys", "any_bytes_make_a_key"),
    ("has keys in lower case", "keys_are_apart"),
    ("has half a key", "keys_are_apart"),
    ("counts reads", "a_read_changes_nothing"),
    ("shows writes to their writer", "another_task_reads_it_at_once"),
    ("writes what is not there", "nothing_is_replaced_where_nothing_is"),
    ("writes new over old", "what_is_there_is_not_written_as_new"),
    ("takes any version", "only_the_newest_version_is_replaced"),
    ("has one version", "each_write_has_a_version_of_its_own"),
    ("has versions of values", "the_same_bytes_again_are_a_new_write"),
    ("has versions of 32 bits", "versions_that_were_never_given_out_replace_nothing"),
    ("counts refused swaps", "a_refused_swap_leaves_the_record_as_it_was"),
    ("has one version for all records", "a_write_leaves_the_other_records_as_they_were"),
    ("forgets early", "a_record_is_there_until_its_time"),
    ("never forgets", "a_record_is_gone_after_its_time"),
    ("forgets all at once", "each_record_has_its_own_time"),
    ("keeps the first time", "a_write_sets_a_longer_time"),
    ("keeps the longest time", "a_write_sets_a_shorter_time"),
    ("has refused swaps make time", "a_refused_swap_sets_no_new_time"),
    ("has reads make time", "a_read_sets_no_new_time"),
    ("replaces what has run out", "a_version_is_gone_with_its_record"),
    ("keeps its place for what has run out", "its_key_is_free_after_its_time"),
    ("begins to count again", "a_version_is_not_given_out_twice"),
    ("has zero for ever", "no_time_is_no_record"),
    ("counts whole seconds and has zero for ever", "the_least_time_is_not_for_ever"),
    ("counts milliseconds in 31 bits", "a_long_time_is_kept"),
    ("loses what it can't count", "the_longest_time_is_refused_or_kept"),
    ("looks and then writes", "one_of_many_swaps_at_once_writes"),
    ("looks and then writes", "one_of_many_first_writes_at_once_writes"),
    ("looks and then writes", "no_count_is_lost"),
    ("looks and then writes", "one_of_many_writes_at_once_inherits"),
    ("has one lock for all records", "writers_of_other_keys_are_not_disturbed"),
    ("reads version and value apart", "a_reader_sees_whole_values"),
    ("never lets go", "a_call_that_is_given_up_leaves_the_store_whole"),
    ("looks and then writes, whoever waits", "a_write_that_was_given_up_undoes_no_later_one"),
];

type Records = HashMap<Vec<u8>, Record>;

#[derive(Clone, Debug)]
struct Record {
    version: u64,
    value: Vec<u8>,
    first_length: usize,
    expires: Option<SystemTime>,
    writer: Option<tokio::task::Id>,
}

#[derive(Debug)]
pub(super) struct BrokenStore {
    way: &'static str,
    clock: Clock,
    records: Mutex<Records>,
    last_version: AtomicU64,
    is_locked: AtomicBool,
    /// What was looked for and is still to be written, each with how many reads later.
    late: Mutex<Vec<Late>>,
}

#[derive(Debug)]
struct Late {
    number: u64,
    reads: u8,
    name: Vec<u8>,
    value: Vec<u8>,
    ttl: Duration,
}

impl BrokenStore {
    /// In this way, or in none: "".
    pub(super) fn new(way: &'static str, clock: &Clock) -> Self {
        let store = Self {
            way,
            clock: clock.clone(),
            records: Mutex::default(),
            last_version: AtomicU64::new(100),
            is_locked: AtomicBool::new(false),
            late: Mutex::default(),
        };
        if store.is("begins full") {
            let record = Record { version: 1, value: vec![], first_length: 0, expires: None, writer: None };
            store.records().insert(vec![1; 32], record);
        }
        store
    }

    fn is(&self, way: &str) -> bool {
        self.way == way
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap()
    }

    fn key(&self, key: &Key) -> Vec<u8> {
        let bytes = key.as_bytes();
        match self.way {
            "has text for keys" => String::from_utf8_lossy(bytes).into_owned().into_bytes(),
            "has keys in lower case" => bytes.to_ascii_lowercase(),
            "has half a key" => bytes[..16].to_vec(),
            _ => bytes.to_vec(),
        }
    }

    fn is_over(&self, record: &Record) -> bool {
        record.expires.is_some_and(|expires| expires <= self.clock.now()) && !self.is("never forgets")
    }

    fn expires(&self, ttl: Duration, before: Option<&Record>) -> Result<Option<SystemTime>, Error> {
        let now = self.clock.now();
        let ttl = match self.way {
            "forgets early" => ttl / 2,
            "has zero for ever" if ttl.is_zero() => return Ok(None),
            "counts whole seconds and has zero for ever" if ttl.as_secs() == 0 => return Ok(None),
            "counts milliseconds in 31 bits" if i32::try_from(ttl.as_millis()).is_err() => Duration::ZERO,
            _ => ttl,
        };
        let Some(expires) = now.checked_add(ttl) else {
            return if self.is("loses what it can't count") { Ok(Some(now)) } else { Err(Error::full("too long")) };
        };
        let before = before.and_then(|record| record.expires);
        Ok(Some(match before {
            Some(before) if self.is("keeps the first time") => before,
            Some(before) if self.is("keeps the longest time") => before.max(expires),
            _ => expires,
        }))
    }

    fn version(&self, value: &[u8], before: Option<&Record>) -> u64 {
        let next = || self.last_version.fetch_add(1, Ordering::SeqCst) + 1;
        match self.way {
            "has one version" => 7,
            "has versions of values" => value.iter().fold(7, |sum, byte| sum * 31 + u64::from(*byte)),
            "begins to count again" => before.map_or(1, |record| record.version + 1),
            _ => next(),
        }
    }

    fn same(&self, there: u64, expected: u64) -> bool {
        match self.way {
            "takes any version" => true,
            "has versions of 32 bits" => there & 0xffff_ffff == expected & 0xffff_ffff,
            _ => there == expected,
        }
    }

    fn check(&self, records: &mut Records, name: &[u8], expected: Option<Version>, ttl: Duration) -> bool {
        let there = records.get_mut(name);
        let is_over = there.as_ref().is_some_and(|record| self.is_over(record));
        let keeps_it = match self.way {
            "replaces what has run out" => expected.is_some(),
            "keeps its place for what has run out" => true,
            _ => false,
        };
        match (there.filter(|_| !is_over || keeps_it), expected) {
            (None, None) => true,
            (None, Some(_)) => self.is("writes what is not there"),
            (Some(record), Some(expected)) if self.same(record.version, expected.number()) => true,
            (Some(_), None) if self.is("writes new over old") => true,
            (Some(_), Some(_)) if self.is("has one version for all records") => true,
            (Some(record), _) => {
                match self.way {
                    "counts refused swaps" => record.version += 1,
                    "has refused swaps make time" => record.expires = Some(self.clock.now() + ttl),
                    _ => {}
                }
                false
            }
        }
    }

    /// Writes what nobody waits for any more, a few reads later.
    fn write_late(&self) -> Result<(), Error> {
        let mut late = self.late.lock().unwrap();
        late.iter_mut().for_each(|late| late.reads -= 1);
        for Late { name, value, ttl, .. } in late.extract_if(.., |late| late.reads == 0) {
            self.write(&mut self.records(), name, true, value, ttl)?;
        }
        Ok(())
    }

    fn write(
        &self,
        records: &mut Records,
        name: Vec<u8>,
        may_write: bool,
        value: Vec<u8>,
        ttl: Duration,
    ) -> Result<bool, Error> {
        if !may_write || self.is("writes nothing") {
            return Ok(may_write);
        }
        let before = records.get(&name).filter(|record| !self.is_over(record)).cloned();
        let first_length = before.as_ref().map_or(value.len(), |record| record.first_length);
        let value = match self.way {
            "keeps text" => String::from_utf8_lossy(&value).into_owned().into_bytes(),
            "keeps 65,535 bytes" => value[..value.len().min(65_535)].to_vec(),
            "keeps no more than at first" => value[..value.len().min(first_length)].to_vec(),
            _ => value,
        };
        let record = Record {
            version: self.version(&value, before.as_ref()),
            expires: self.expires(ttl, before.as_ref())?,
            value,
            first_length,
            writer: tokio::task::try_id(),
        };
        records.insert(name, record);
        Ok(true)
    }
}

impl Store for BrokenStore {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        self.write_late()?;
        let name = self.key(key);
        let early = self.records().get(&name).map(|record| record.version);
        if self.is("reads version and value apart") {
            yield_now().await;
        }
        let mut records = self.records();
        let Some(record) = records.get_mut(&name) else { return Ok(None) };
        if self.is_over(record) {
            if self.is("forgets all at once") {
                records.clear();
            }
            return Ok(None);
        }
        match self.way {
            "counts reads" => record.version += 1,
            "has reads make time" => record.expires = Some(self.clock.now() + Duration::from_secs(60)),
            "shows writes to their writer" if record.writer != tokio::task::try_id() => return Ok(None),
            "takes the empty value for none" if record.value.is_empty() => return Ok(None),
            _ => {}
        }
        let version = match self.way {
            "has one version for all records" => self.last_version.load(Ordering::SeqCst),
            "reads version and value apart" => early.unwrap_or(record.version),
            _ => record.version,
        };
        Ok(Some((Version::new(version), record.value.clone().into())))
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        let name = self.key(key);
        if self.is("looks and then writes") {
            let may_write = self.check(&mut self.records(), &name, expected, ttl);
            // So that all of them look before the first writes.
            for _ in 0..50 {
                yield_now().await;
            }
            return self.write(&mut self.records(), name, may_write, value, ttl);
        }
        if self.is("looks and then writes, whoever waits") {
            if !self.check(&mut self.records(), &name, expected, ttl) {
                return Ok(false);
            }
            let number = self.last_version.fetch_add(1, Ordering::SeqCst);
            self.late.lock().unwrap().push(Late { number, reads: 4, name: name.clone(), value: value.clone(), ttl });
            yield_now().await;
            self.late.lock().unwrap().retain(|late| late.number != number);
            return self.write(&mut self.records(), name, true, value, ttl);
        }
        if self.is("has one lock for all records") || self.is("never lets go") {
            if self.is_locked.swap(true, Ordering::SeqCst) {
                return Ok(false);
            }
            yield_now().await;
            self.is_locked.store(false, Ordering::SeqCst);
        }
        let mut records = self.records();
        let may_write = self.check(&mut records, &name, expected, ttl);
        self.write(&mut records, name, may_write, value, ttl)
    }
}
