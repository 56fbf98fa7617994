//! What many do at once is as if they did it one after another.
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::task::{JoinSet, yield_now};

use super::subject::{Subject, UNHURRIED, key};
use crate::store::{Store, Version};

const PARALLEL: u8 = 64;
const ROUNDS: usize = 50;
/// So that a case ends, whatever the store does.
const MAX_TRIES: usize = 1_000_000;

/// Who of many wrote that expect the same at once, each their number.
async fn winners<S: Store>(subject: &Subject<S>, expected: Option<Version>) -> Vec<u8> {
    let mut set = JoinSet::new();
    for number in 0..PARALLEL {
        let swap = subject.swap(key(1), expected, [number], UNHURRIED);
        set.spawn(async move { swap.await.then_some(number) });
    }
    set.join_all().await.into_iter().flatten().collect()
}

/// T24: of any number of swaps at once that expect the same, one writes.
pub async fn one_of_many_swaps_at_once_writes<S: Store>(subject: Subject<S>) {
    let mut expected = subject.write(key(1), [0]).await;
    for round in 0..ROUNDS {
        let winners = winners(&subject, Some(expected)).await;
        assert_eq!(winners.len(), 1, "round {round}: one writes");
        let (version, value) = subject.load(key(1)).await.expect("a record");
        assert_eq!(value, winners, "round {round}: what it wrote is there");
        expected = version;
    }
}

pub async fn one_of_many_first_writes_at_once_writes<S: Store>(subject: Subject<S>) {
    let winners = winners(&subject, None).await;
    assert_eq!(winners.len(), 1, "one writes");
    assert_eq!(subject.value(key(1)).await, Some(winners), "what it wrote is there");
}

/// After the end of a record there is one new one, and none by who expects the old.
pub async fn one_of_many_writes_at_once_inherits<S: Store>(subject: Subject<S>) {
    let old = subject.write_briefly(key(1), [0]).await;
    subject.outlive(subject.ttl()).await;
    assert_eq!(winners(&subject, Some(old)).await, [] as [u8; 0], "the old record is gone");
    let winners = winners(&subject, None).await;
    assert_eq!(winners.len(), 1, "one writes");
    assert_eq!(subject.value(key(1)).await, Some(winners));
}

pub async fn writers_of_other_keys_are_not_disturbed<S: Store>(subject: Subject<S>) {
    let mut set = JoinSet::new();
    for number in 0..PARALLEL {
        set.spawn(subject.swap(key(number), None, [number], UNHURRIED));
    }
    assert!(set.join_all().await.into_iter().all(|wrote| wrote), "each has a key of its own");
    for number in 0..PARALLEL {
        assert_eq!(subject.value(key(number)).await, Some(vec![number]));
    }
}

/// What waits of a user is counted so.
pub async fn no_count_is_lost<S: Store>(subject: Subject<S>) {
    const EACH: u32 = 10;
    let subject = Arc::new(subject);
    subject.write(key(1), 0_u32.to_le_bytes()).await;
    let mut set = JoinSet::new();
    for _ in 0..8 {
        let subject = Arc::clone(&subject);
        set.spawn(async move {
            let mut done = 0;
            for _ in 0..MAX_TRIES {
                if done == EACH {
                    break;
                }
                let (version, value) = subject.load(key(1)).await.expect("the count");
                let count = u32::from_le_bytes(value.try_into().expect("four bytes"));
                let more = (count + 1).to_le_bytes();
                done += u32::from(subject.swap(key(1), Some(version), more, UNHURRIED).await);
                yield_now().await;
            }
        });
    }
    set.join_all().await;
    assert_eq!(subject.value(key(1)).await, Some((8 * EACH).to_le_bytes().to_vec()), "each counted once");
}

/// A version and a value that are read together belong together, and no value is a mixture.
pub async fn a_reader_sees_whole_values<S: Store>(subject: Subject<S>) {
    const LENGTH: usize = 20_000;
    let subject = Arc::new(subject);
    let first = subject.write(key(1), [0; LENGTH]).await;
    let mut set = JoinSet::new();
    let writer = Arc::clone(&subject);
    set.spawn(async move {
        let mut seen = vec![(first, 0)];
        for number in 1..=100 {
            let newest = seen[seen.len() - 1].0;
            assert!(writer.swap(key(1), Some(newest), [number; LENGTH], UNHURRIED).await);
            seen.push((writer.version(key(1)).await, number));
        }
        seen
    });
    for _ in 0..3 {
        let reader = Arc::clone(&subject);
        set.spawn(async move {
            let mut seen = Vec::new();
            for _ in 0..MAX_TRIES {
                if seen.last().is_some_and(|(_, number)| *number == 100) {
                    break;
                }
                let (version, value) = reader.load(key(1)).await.expect("a record");
                let number = value[0];
                assert!(value == [number; LENGTH], "a mixture of two values");
                seen.push((version, number));
                yield_now().await;
            }
            seen
        });
    }
    let mut all: Vec<_> = set.join_all().await.into_iter().flatten().collect();
    all.sort_by_key(|(version, number)| (*number, version.number()));
    all.dedup();
    assert_eq!(all.len(), 101, "each value has one version, whoever reads it");
}

/// A caller who hangs up drops the call at any await.
pub async fn a_call_that_is_given_up_leaves_the_store_whole<S: Store>(subject: Subject<S>) {
    subject.write(key(1), [0]).await;
    for number in 1..=100 {
        let newest = subject.version(key(1)).await;
        let key_of_it = key(1);
        let mut load = Box::pin(subject.store.load(&key_of_it));
        let mut swap = Box::pin(subject.swap(key(1), Some(newest), [number; 100], UNHURRIED));
        // Begun, and dropped: what it wrote is whole.
        poll_fn(|cx| Poll::Ready((load.as_mut().poll(cx).is_ready(), swap.as_mut().poll(cx).is_ready()))).await;
        drop((load, swap));
        let value = subject.value(key(1)).await.expect("a record");
        assert!(value == [0] || value == [value[0]; 100], "{value:?} was never written");
    }
    let newest = subject.version(key(1)).await;
    // A write that was given up may still be on its way at a server.
    let mut tries = 0;
    let mut written = subject.swap(key(1), Some(newest), [101], UNHURRIED).await;
    while !written && tries < 100 {
        let newest = subject.version(key(1)).await;
        written = subject.swap(key(1), Some(newest), [101], UNHURRIED).await;
        tries += 1;
    }
    assert!(written && subject.value(key(1)).await == Some(vec![101]), "the store works on");
}

/// A write that is still on its way when its caller has hung up comes too late for what has been written since.
pub async fn a_write_that_was_given_up_undoes_no_later_one<S: Store>(subject: Subject<S>) {
    let mut newest = subject.write(key(1), [0]).await;
    for number in 1..=30 {
        let mut late = Box::pin(subject.swap(key(1), Some(newest), [0xff], UNHURRIED));
        poll_fn(|cx| Poll::Ready(late.as_mut().poll(cx).is_ready())).await;
        drop(late);
        let mut tries = 0;
        newest = subject.version(key(1)).await;
        while !subject.swap(key(1), Some(newest), [number], UNHURRIED).await {
            tries += 1;
            assert!(tries < 100, "the store works on");
            newest = subject.version(key(1)).await;
        }
        for _ in 0..10 {
            yield_now().await;
            assert_eq!(subject.value(key(1)).await, Some(vec![number]), "what was written last is there");
        }
        newest = subject.version(key(1)).await;
    }
}
