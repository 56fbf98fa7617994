//! A record is there for its time, and gone after it.
use std::time::Duration;

use super::subject::{Subject, key};
use crate::store::Store;

pub async fn a_record_is_there_until_its_time<S: Store>(subject: Subject<S>) {
    let version = subject.write_briefly(key(1), [1]).await;
    subject.pass(subject.just_before()).await;
    assert_eq!(subject.load(key(1)).await, Some((version, vec![1])), "its time is not over");
}

pub async fn a_record_is_gone_after_its_time<S: Store>(subject: Subject<S>) {
    subject.write_briefly(key(1), [1]).await;
    subject.outlive(subject.ttl()).await;
    assert_eq!(subject.value(key(1)).await, None, "its time is over");
}

pub async fn each_record_has_its_own_time<S: Store>(subject: Subject<S>) {
    assert!(subject.swap(key(2), None, [2], subject.ttl() * 4).await);
    subject.write_briefly(key(1), [1]).await;
    subject.outlive(subject.ttl()).await;
    assert_eq!(subject.value(key(1)).await, None);
    assert_eq!(subject.value(key(2)).await, Some(vec![2]), "the others stay");
}

pub async fn a_write_sets_a_longer_time<S: Store>(subject: Subject<S>) {
    let first = subject.write_briefly(key(1), [1]).await;
    assert!(subject.swap(key(1), Some(first), [2], subject.ttl() * 4).await);
    subject.outlive(subject.ttl()).await;
    assert_eq!(subject.value(key(1)).await, Some(vec![2]), "the last write says until when");
}

pub async fn a_write_sets_a_shorter_time<S: Store>(subject: Subject<S>) {
    assert!(subject.swap(key(1), None, [1], subject.ttl() * 10).await);
    let first = subject.version(key(1)).await;
    assert!(subject.swap(key(1), Some(first), [2], subject.ttl()).await);
    subject.outlive(subject.ttl()).await;
    assert_eq!(subject.value(key(1)).await, None, "the last write says until when");
}

pub async fn a_refused_swap_sets_no_new_time<S: Store>(subject: Subject<S>) {
    let old = subject.write_briefly(key(1), [1]).await;
    assert!(subject.swap(key(1), Some(old), [2], subject.ttl()).await);
    for expected in [None, Some(old)] {
        assert!(!subject.swap(key(1), expected, [3], subject.ttl() * 10).await);
    }
    subject.outlive(subject.ttl()).await;
    assert_eq!(subject.value(key(1)).await, None, "what was not written made nothing longer");
}

pub async fn a_read_sets_no_new_time<S: Store>(subject: Subject<S>) {
    subject.write_briefly(key(1), [1]).await;
    subject.pass(subject.ttl() / 2).await;
    assert_eq!(subject.value(key(1)).await, Some(vec![1]));
    subject.outlive(subject.ttl() / 2).await;
    assert_eq!(subject.value(key(1)).await, None, "reading made nothing longer");
}

/// An approval that has run out is not spent by who read it before.
pub async fn a_version_is_gone_with_its_record<S: Store>(subject: Subject<S>) {
    let old = subject.write_briefly(key(1), [1]).await;
    subject.outlive(subject.ttl()).await;
    assert!(!subject.swap(key(1), Some(old), [2], subject.ttl()).await, "its record is gone");
    assert_eq!(subject.value(key(1)).await, None);
}

pub async fn its_key_is_free_after_its_time<S: Store>(subject: Subject<S>) {
    subject.write_briefly(key(1), [1]).await;
    subject.outlive(subject.ttl()).await;
    assert!(subject.swap(key(1), None, [2], subject.ttl()).await, "there is no record any more");
    assert_eq!(subject.value(key(1)).await, Some(vec![2]));
}

/// Who has read the old record must not replace the new one.
pub async fn a_version_is_not_given_out_twice<S: Store>(subject: Subject<S>) {
    let mut seen = Vec::new();
    for number in 0..3 {
        let new = subject.write_briefly(key(1), [number]).await;
        assert!(!seen.contains(&new), "version {} is given out twice", new.number());
        for old in &seen {
            assert!(!subject.swap(key(1), Some(*old), [0], subject.ttl()).await, "of a record that is gone");
        }
        seen.push(new);
        subject.outlive(subject.ttl()).await;
    }
}

pub async fn no_time_is_no_record<S: Store>(subject: Subject<S>) {
    // Whether it is an error is the store's affair.
    let _ = subject.store.swap(&key(1), None, vec![1], Duration::ZERO).await;
    subject.outlive(Duration::ZERO).await;
    assert_eq!(subject.value(key(1)).await, None, "zero is never for ever");
    assert!(subject.swap(key(1), None, [2], subject.ttl()).await);
}

/// Databases count in seconds or milliseconds, and have "for ever" at zero.
pub async fn the_least_time_is_not_for_ever<S: Store>(subject: Subject<S>) {
    for (ttl, number) in [1, 999, 1_000, 999_999, 999_999_999].map(Duration::from_nanos).into_iter().zip(1..) {
        let _ = subject.store.swap(&key(number), None, vec![1], ttl).await;
    }
    subject.outlive(Duration::from_secs(1)).await;
    for number in 1..=5 {
        assert_eq!(subject.value(key(number)).await, None, "a second is over");
    }
}

/// `remember` may be long.
pub async fn a_long_time_is_kept<S: Store>(subject: Subject<S>) {
    let day = Duration::from_secs(24 * 60 * 60);
    for (days, number) in [1, 30, 400].into_iter().zip(1..) {
        assert!(subject.swap(key(number), None, [number], day * days).await);
    }
    subject.outlive(subject.ttl()).await;
    for number in 1..=3 {
        assert_eq!(subject.value(key(number)).await, Some(vec![number]));
    }
}

pub async fn the_longest_time_is_refused_or_kept<S: Store>(subject: Subject<S>) {
    let years = |years: u64| Duration::from_secs(years.saturating_mul(31_536_000));
    for (ttl, number) in [years(300), years(100_000), years(u64::MAX), Duration::MAX].into_iter().zip(1..) {
        let written = subject.store.swap(&key(number), None, vec![number], ttl).await.unwrap_or(false);
        assert_eq!(subject.value(key(number)).await, written.then(|| vec![number]), "{ttl:?}");
    }
}
