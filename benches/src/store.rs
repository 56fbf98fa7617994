//! How the store in memory takes it when there are many records: `load`, and `load` and `swap`, at 10^6 records against
//! 10^3, and the bytes that a record takes. A `load` hands out the record where it is, so it is measured with all bytes
//! read, too. Beside it stands the least that any store can do: 800 bytes from somewhere in as much memory, read or copied.
use std::fmt::Write as _;
use std::hint::black_box;
use std::io;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use axum_authsignal::store::{Key, MemoryStore, Store as _};
use bytes::Bytes;

use crate::load::resident_kb;

/// The bytes of a record.
pub const RECORD: usize = 800;
const HOUR: Duration = Duration::from_secs(3600);

/// What a future gives that never waits.
pub fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("the store in memory never waits"),
    }
}

/// Numbers at random (SplitMix64).
pub struct Random(pub u64);

impl Random {
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }
}

/// The key of a record, as evenly spread as a MAC.
pub fn key(index: u64) -> Key {
    let mut random = Random(index);
    let mut bytes = [0; 32];
    bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|chunk| *chunk = random.number().to_ne_bytes());
    Key::from(bytes)
}

/// A store with so many records.
pub fn filled(records: u64) -> MemoryStore {
    let store = MemoryStore::new().limits(usize::MAX, usize::MAX);
    for index in 0..records {
        let is_written = ready(store.swap(&key(index), None, vec![7; RECORD], HOUR));
        assert!(is_written.expect("it has room"));
    }
    store
}

pub fn load(store: &MemoryStore, key: &Key) -> Bytes {
    ready(store.load(key)).expect("it is in memory").expect("it is there").1
}

pub fn load_and_swap(store: &MemoryStore, key: &Key) -> bool {
    let (version, _) = ready(store.load(key)).expect("it is in memory").expect("it is there");
    ready(store.swap(key, Some(version), vec![7; RECORD], HOUR)).expect("it has room")
}

/// Reads all of a record.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

/// Nanoseconds of one call, the least of many batches.
fn least(mut call: impl FnMut()) -> f64 {
    let mut batch = || {
        let began = Instant::now();
        (0..2_000).for_each(|_| call());
        began.elapsed().as_nanos() as f64 / 2_000.0
    };
    (0..200).map(|_| batch()).fold(f64::MAX, f64::min)
}

pub fn run() -> io::Result<String> {
    let me = i32::try_from(std::process::id()).map_err(io::Error::other)?;
    let sizes = [1_000, 100_000, 1_000_000];
    let (mut rows, mut bytes) = ([[0.0; 3]; 5], 0);
    for (column, records) in sizes.into_iter().enumerate() {
        let before = resident_kb(me)?;
        let store = filled(records);
        bytes = (resident_kb(me)? - before) * 1024 / records;
        let mut random = Random(1);
        rows[0][column] = least(|| drop(black_box(load(&store, &key(random.below(records))))));
        rows[1][column] = least(|| _ = black_box(sum(&load(&store, &key(random.below(records))))));
        rows[2][column] = least(|| assert!(load_and_swap(&store, &key(random.below(records)))));
        drop(store);
        let plain: Vec<Box<[u8]>> = (0..records).map(|_| vec![7; RECORD].into()).collect();
        rows[3][column] = least(|| _ = black_box(sum(&plain[random.below(records) as usize])));
        rows[4][column] = least(|| drop(black_box(plain[random.below(records) as usize].to_vec())));
    }
    let mut text = "| | 10^5 against 10^3 records | 10^6 against 10^3 |\n|---|---|---|\n".to_owned();
    let names = [
        "`load`",
        "`load`, and all 800 bytes read",
        "`load` and `swap` for another 800",
        "nothing but 800 bytes read",
        "nothing but a copy of 800 bytes",
    ];
    for (name, row) in names.into_iter().zip(rows) {
        let _ = writeln!(text, "| {name} | {:.1} x | {:.1} x |", row[1] / row[0], row[2] / row[0]);
        eprintln!("{name}: {:.0}, {:.0}, {:.0} ns", row[0], row[1], row[2]);
    }
    let _ = writeln!(text, "\n{bytes} bytes for a record of {RECORD}, at 10^6");
    Ok(text)
}
