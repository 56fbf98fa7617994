//! What every store has to do, stamped for each store that there is.
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum_authsignal::Clock;
use axum_authsignal::store::{Key, MemoryStore, Store, Version};

pub(crate) const TTL: Duration = Duration::from_secs(60);

/// A store under test, and how its time is moved.
pub(crate) struct Subject<S> {
    pub(crate) store: S,
    pub(crate) clock: Clock,
}

fn key(number: u8) -> Key {
    Key::from([number; 32])
}

async fn version<S: Store>(store: &S, key: &Key) -> Version {
    store.load(key).await.unwrap().expect("a record").0
}

async fn value<S: Store>(store: &S, key: &Key) -> Option<Vec<u8>> {
    store.load(key).await.unwrap().map(|(_, value)| value)
}

pub(crate) async fn what_was_written_is_read<S: Store>(subject: Subject<S>) {
    let store = subject.store;
    assert_eq!(value(&store, &key(1)).await, None);
    for (number, bytes) in [vec![], vec![0], vec![0xff; 70_000], (0..=255).collect()].into_iter().enumerate() {
        let key = key(u8::try_from(number).unwrap());
        assert!(store.swap(&key, None, bytes.clone(), TTL).await.unwrap());
        assert_eq!(value(&store, &key).await, Some(bytes));
    }
    assert_eq!(value(&store, &key(9)).await, None, "keys are apart");
}

pub(crate) async fn only_the_expected_version_is_replaced<S: Store>(subject: Subject<S>) {
    let store = subject.store;
    assert!(!store.swap(&key(1), Some(Version::new(1)), vec![1], TTL).await.unwrap(), "there is none yet");
    assert_eq!(value(&store, &key(1)).await, None);
    assert!(store.swap(&key(1), None, vec![1], TTL).await.unwrap());
    assert!(!store.swap(&key(1), None, vec![2], TTL).await.unwrap(), "there is one");
    let mut seen = vec![version(&store, &key(1)).await];
    for number in 2..40 {
        let last = *seen.last().unwrap();
        assert!(store.swap(&key(1), Some(last), vec![number], TTL).await.unwrap());
        for old in &seen {
            assert!(!store.swap(&key(1), Some(*old), vec![0], TTL).await.unwrap(), "an old version");
        }
        assert_eq!(value(&store, &key(1)).await, Some(vec![number]));
        let new = version(&store, &key(1)).await;
        assert!(!seen.contains(&new), "each write has a version of its own");
        seen.push(new);
    }
    // The same bytes again are a new write.
    let last = version(&store, &key(1)).await;
    assert!(store.swap(&key(1), Some(last), vec![39], TTL).await.unwrap());
    assert_ne!(version(&store, &key(1)).await, last);
}

pub(crate) async fn a_record_is_gone_after_its_time<S: Store>(subject: Subject<S>) {
    let Subject { store, clock } = subject;
    assert!(store.swap(&key(1), None, vec![1], TTL).await.unwrap());
    assert!(store.swap(&key(2), None, vec![2], TTL * 3).await.unwrap());
    let old = version(&store, &key(1)).await;
    clock.advance(TTL - Duration::from_millis(1));
    assert_eq!(value(&store, &key(1)).await, Some(vec![1]));
    clock.advance(Duration::from_millis(1));
    assert_eq!(value(&store, &key(1)).await, None);
    assert!(!store.swap(&key(1), Some(old), vec![3], TTL).await.unwrap(), "its version is gone with it");
    assert!(store.swap(&key(1), None, vec![3], TTL).await.unwrap());
    assert_ne!(version(&store, &key(1)).await, old, "a version is not given out twice");
    assert_eq!(value(&store, &key(2)).await, Some(vec![2]), "the others stay");
}

pub(crate) async fn a_write_sets_a_new_time<S: Store>(subject: Subject<S>) {
    let Subject { store, clock } = subject;
    assert!(store.swap(&key(1), None, vec![1], TTL).await.unwrap());
    clock.advance(TTL / 2);
    let first = version(&store, &key(1)).await;
    assert!(store.swap(&key(1), Some(first), vec![2], TTL).await.unwrap());
    clock.advance(TTL / 2 + TTL / 4);
    assert_eq!(value(&store, &key(1)).await, Some(vec![2]), "a longer one");
    let second = version(&store, &key(1)).await;
    assert!(store.swap(&key(1), Some(second), vec![3], TTL / 4).await.unwrap());
    clock.advance(TTL / 4);
    assert_eq!(value(&store, &key(1)).await, None, "a shorter one");
}

pub(crate) async fn no_time_is_no_record<S: Store>(subject: Subject<S>) {
    let store = subject.store;
    let _ = store.swap(&key(1), None, vec![1], Duration::ZERO).await;
    assert_eq!(value(&store, &key(1)).await, None, "zero is never for ever");
    assert!(store.swap(&key(1), None, vec![2], TTL).await.unwrap());
}

/// T24: of any number of swaps at once that expect the same, one writes.
pub(crate) async fn one_of_many_swaps_at_once_writes<S: Store + Clone>(subject: Subject<S>) {
    const PARALLEL: u8 = 64;
    const ROUNDS: usize = 50;
    let store = subject.store;
    let mut expected = None;
    for round in 0..ROUNDS {
        let mut set = tokio::task::JoinSet::new();
        for number in 0..PARALLEL {
            let store = store.clone();
            set.spawn(async move { store.swap(&key(1), expected, vec![number], TTL).await.unwrap().then_some(number) });
        }
        let winners: Vec<u8> = set.join_all().await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "round {round}");
        let (version, value) = store.load(&key(1)).await.unwrap().unwrap();
        assert_eq!(value, winners);
        expected = Some(version);
    }
    println!("{ROUNDS} rounds of {PARALLEL} swaps at once, one written in each");
}

/// Stamps the contract for a store.
macro_rules! store_contract {
    ($store:ident, $subject:expr) => {
        mod $store {
            use super::*;
            store_contract!(@ $subject; what_was_written_is_read only_the_expected_version_is_replaced
                a_record_is_gone_after_its_time a_write_sets_a_new_time no_time_is_no_record
                one_of_many_swaps_at_once_writes);
        }
    };
    (@ $subject:expr; $($rule:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $rule() {
                super::$rule($subject).await;
            }
        )+
    };
}

store_contract!(memory, {
    let start: SystemTime = UNIX_EPOCH + Duration::from_secs(1_800_000_000);
    let clock = Clock::manual(start);
    Subject { store: MemoryStore::new().clock(clock.clone()), clock }
});
