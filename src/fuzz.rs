//! Inputs from outside, changed at random from a kept corpus: none brings a parser down or keeps it busy, and nothing is taken
//! that a strict second reading refuses.
//!
//! Each target stands beside what it tests, in a `fuzz.rs`; its corpus is in `tests/corpus`, one input a file. The same seed
//! makes the same inputs. `FUZZ` is how many for each target, `FUZZ_SEED` what they are made from:
//!
//! ```sh
//! cargo test --lib fuzz -- --nocapture
//! FUZZ=10000000 FUZZ_SEED=2 cargo test --release --lib fuzz -- --nocapture
//! ```
mod random;
mod upstream;
mod webhook;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(crate) use self::random::Random;

/// The longest input that is made, in bytes: more than any header that servers take, and than any bound of ours on texts.
const MAX_INPUT: usize = 16 * 1024;

/// What no input may take, on a machine that has much else to do.
const MAX_TIME: Duration = Duration::from_secs(30);

/// Bytes that mean something to one parser or another.
const ODD: &[u8] = b"\0\t\n\r \"#%&'+,-./:;<=>?@[\\]_{|}~\x7f\x80\xc2\xe2\xff";

/// Something that reads what comes from outside.
pub(crate) struct Target {
    /// The folder of its corpus.
    pub(crate) name: &'static str,
    /// How many inputs with every run.
    pub(crate) share: u64,
    /// What its inputs are made of.
    pub(crate) words: &'static [&'static str],
}

/// Shows the input that led to a panic.
struct Shown<'a>(&'a str, &'a [u8]);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}: \"{}\"", self.0, self.1.escape_ascii());
        }
    }
}

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Where the inputs of a target are kept.
pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(name)
}

/// The kept inputs of a target, in the order of their names.
pub(crate) fn corpus(name: &str) -> Vec<Vec<u8>> {
    let mut files: Vec<_> = std::fs::read_dir(folder(name)).expect(name).map(|entry| entry.unwrap().path()).collect();
    files.sort_unstable();
    files.into_iter().map(|file| std::fs::read(file).unwrap()).collect()
}

/// Runs `check` on every kept input, and on as many again as are asked for that are made of them. It panics where something is
/// wrong, and says whether the input was taken.
pub(crate) fn fuzz(target: &Target, mut check: impl FnMut(&[u8], &mut Random) -> bool) {
    let (count, seed) = (number("FUZZ", target.share), number("FUZZ_SEED", 1));
    let (kept, mut random) = (corpus(target.name), Random::new(seed));
    let (mut taken, mut slowest, begun) = (0_u64, Duration::ZERO, Instant::now());
    let mut one = |input: &[u8], random: &mut Random| {
        let shown = Shown(target.name, input);
        let begun = Instant::now();
        taken += u64::from(check(input, random));
        let took = begun.elapsed();
        assert!(took < MAX_TIME, "{took:?}");
        slowest = slowest.max(took);
        drop(shown);
    };
    kept.iter().for_each(|input| one(input, &mut random));
    for _ in 0..count {
        let input = made(&kept, target.words, &mut random);
        one(&input, &mut random);
    }
    println!(
        "{}: {count} inputs made of {} kept ones, seed {seed}, in {:.1?}: {taken} taken, 0 wrongly; the slowest took {slowest:.1?}",
        target.name,
        kept.len(),
        begun.elapsed(),
    );
    assert!(taken > 0, "what is taken was never looked at");
}

/// A kept input with up to four changes.
fn made(kept: &[Vec<u8>], words: &[&str], random: &mut Random) -> Vec<u8> {
    let mut input = kept[random.below(kept.len())].clone();
    for _ in 0..random.below(5) {
        match random.below(6) {
            0 => {
                let word = random.pick(words);
                let at = random.below(input.len() + 1);
                input.splice(at..at, word.bytes());
            }
            1 => {
                let other = &kept[random.below(kept.len())];
                input.truncate(random.below(input.len() + 1));
                input.extend_from_slice(&other[random.below(other.len() + 1)..]);
            }
            _ => change(&mut input, random),
        }
    }
    input.truncate(MAX_INPUT);
    input
}

/// Changes an input in one place.
pub(crate) fn change(input: &mut Vec<u8>, random: &mut Random) {
    if input.is_empty() {
        return input.push(random.pick(ODD));
    }
    let at = random.below(input.len());
    let until = at + 1 + random.below((input.len() - at).min(32));
    match random.below(8) {
        0 => input[at] ^= 1 << random.below(8),
        1 => input[at] = random.pick(ODD),
        2 => input.insert(at, random.pick(ODD)),
        3 => drop(input.drain(at..until)),
        4 => {
            let doubled = input[at..until].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, doubled);
        }
        5 => {
            let encoded = format!("%{:02X}", input[at]);
            input.splice(at..=at, encoded.into_bytes());
        }
        6 => input[at] ^= 0x20,
        // Seldom, since what is long takes long.
        _ if random.one_in(20) => {
            let repeated = input[at..until].repeat(1 + random.below(MAX_INPUT / (until - at)));
            input.splice(at..until, repeated);
        }
        _ => input.swap(at, until - 1),
    }
}
