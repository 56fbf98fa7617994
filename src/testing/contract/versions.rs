//! A record is replaced only as what it is.
use super::subject::{Subject, UNHURRIED, key};
use crate::store::{Store, Version};

pub async fn nothing_is_replaced_where_nothing_is<S: Store>(subject: Subject<S>) {
    for version in [0, 1, 2, u64::MAX] {
        assert!(!subject.swap(key(1), Some(Version::new(version)), [1], UNHURRIED).await, "there is no record");
    }
    assert_eq!(subject.value(key(1)).await, None, "and none was made");
}

pub async fn what_is_there_is_not_written_as_new<S: Store>(subject: Subject<S>) {
    subject.write(key(1), [1]).await;
    assert!(!subject.swap(key(1), None, [2], UNHURRIED).await, "there is a record");
    assert_eq!(subject.value(key(1)).await, Some(vec![1]));
}

/// T24: no approval is spent twice, since the second spends what is no more.
pub async fn only_the_newest_version_is_replaced<S: Store>(subject: Subject<S>) {
    let mut seen = vec![subject.write(key(1), [1]).await];
    for number in 2..40 {
        let newest = seen[seen.len() - 1];
        assert!(subject.swap(key(1), Some(newest), [number], UNHURRIED).await, "the newest version");
        for old in &seen {
            assert!(!subject.swap(key(1), Some(*old), [0], UNHURRIED).await, "version {} is old", old.number());
        }
        assert_eq!(subject.value(key(1)).await, Some(vec![number]));
        seen.push(subject.version(key(1)).await);
    }
}

pub async fn each_write_has_a_version_of_its_own<S: Store>(subject: Subject<S>) {
    let mut seen = vec![subject.write(key(1), [1]).await];
    for number in 2..40 {
        assert!(subject.swap(key(1), seen.last().copied(), [number], UNHURRIED).await);
        let new = subject.version(key(1)).await;
        assert!(!seen.contains(&new), "version {} is given out twice", new.number());
        seen.push(new);
    }
}

pub async fn the_same_bytes_again_are_a_new_write<S: Store>(subject: Subject<S>) {
    let first = subject.write(key(1), [1]).await;
    assert!(subject.swap(key(1), Some(first), [1], UNHURRIED).await);
    assert_ne!(subject.version(key(1)).await, first, "a write is a write");
    assert!(!subject.swap(key(1), Some(first), [1], UNHURRIED).await);
}

pub async fn versions_that_were_never_given_out_replace_nothing<S: Store>(subject: Subject<S>) {
    let version = subject.write(key(1), [1]).await.number();
    let others = [0, 1, 2, 1 << 31, 1 << 32, 1 << 63, u64::MAX, version.wrapping_add(1), version.wrapping_sub(1)];
    let more = [version ^ (1 << 32), version ^ (1 << 53), version ^ (1 << 63)];
    for other in others.into_iter().chain(more).filter(|other| *other != version) {
        let swapped = subject.swap(key(1), Some(Version::new(other)), [2], UNHURRIED).await;
        assert!(!swapped, "{other} is not {version}: all 64 bits count");
    }
    assert_eq!(subject.value(key(1)).await, Some(vec![1]));
}

pub async fn a_refused_swap_leaves_the_record_as_it_was<S: Store>(subject: Subject<S>) {
    let old = subject.write(key(1), [1]).await;
    assert!(subject.swap(key(1), Some(old), [2], UNHURRIED).await);
    let before = subject.load(key(1)).await;
    for expected in [None, Some(old)] {
        assert!(!subject.swap(key(1), expected, [3], UNHURRIED).await);
        assert_eq!(subject.load(key(1)).await, before, "its version and its value");
    }
    let newest = before.map(|(version, _)| version);
    assert!(subject.swap(key(1), newest, [4], UNHURRIED).await, "whose version is still good");
}

pub async fn a_write_leaves_the_other_records_as_they_were<S: Store>(subject: Subject<S>) {
    let one = subject.write(key(1), [1]).await;
    let two = subject.write(key(2), [2]).await;
    for number in 10..20 {
        let newest = subject.version(key(1)).await;
        assert!(subject.swap(key(1), Some(newest), [number], UNHURRIED).await);
    }
    assert_ne!(subject.version(key(1)).await, one);
    assert_eq!(subject.load(key(2)).await, Some((two, vec![2])), "its version and its value");
}
