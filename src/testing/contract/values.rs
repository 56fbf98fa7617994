//! What is written is what is read.
use std::collections::HashSet;
use std::sync::Arc;

use super::subject::{Subject, UNHURRIED, key};
use crate::store::{Key, Store};

pub async fn nothing_is_there_at_first<S: Store>(subject: Subject<S>) {
    for number in [0, 1, 127, 255] {
        assert_eq!(subject.value(key(number)).await, None, "nothing was written");
    }
}

pub async fn what_was_written_is_read<S: Store>(subject: Subject<S>) {
    let first = subject.write(key(1), b"one").await;
    assert_eq!(subject.value(key(1)).await.as_deref(), Some(&b"one"[..]));
    assert!(subject.swap(key(1), Some(first), "two", UNHURRIED).await, "its version was the newest");
    assert_eq!(subject.value(key(1)).await.as_deref(), Some(&b"two"[..]), "the newest value counts");
}

pub async fn an_empty_value_is_a_value<S: Store>(subject: Subject<S>) {
    let version = subject.write(key(1), []).await;
    assert_eq!(subject.value(key(1)).await, Some(vec![]), "nothing at all is a value, and no missing record");
    assert!(!subject.swap(key(1), None, [1], UNHURRIED).await, "there is a record");
    assert!(subject.swap(key(1), Some(version), [], UNHURRIED).await);
    assert_eq!(subject.value(key(1)).await, Some(vec![]));
}

/// Values are sealed: no text in any encoding, no JSON.
pub async fn every_byte_is_kept<S: Store>(subject: Subject<S>) {
    let all: Vec<u8> = (0..=255).collect();
    let values =
        [all.clone(), all.into_iter().rev().collect(), vec![0; 3], b"\xff\xfe\0\r\n'\"\\".to_vec(), vec![b' '; 3]];
    for (value, number) in values.into_iter().zip(1..) {
        subject.write(key(number), value.clone()).await;
        assert_eq!(subject.value(key(number)).await, Some(value), "byte for byte");
    }
}

/// A form of 16 KiB is kept in its record, and what waits of a user is counted in one.
pub async fn big_values_are_kept<S: Store>(subject: Subject<S>) {
    for (length, number) in [16 * 1024, 65_536, 70_000, 256 * 1024].into_iter().zip(1..) {
        let value: Vec<u8> = (0..length).map(|at: u32| at.to_le_bytes()[1] ^ at.to_le_bytes()[0]).collect();
        subject.write(key(number), value.clone()).await;
        assert!(subject.value(key(number)).await == Some(value), "{length} bytes come back as they were");
    }
}

pub async fn a_value_grows_and_shrinks<S: Store>(subject: Subject<S>) {
    let mut version = subject.write(key(1), [0; 10]).await;
    for length in [266, 3, 20_000, 0, 1] {
        assert!(subject.swap(key(1), Some(version), vec![7; length], UNHURRIED).await);
        assert_eq!(subject.value(key(1)).await, Some(vec![7; length]));
        version = subject.version(key(1)).await;
    }
}

/// Keys are MACs: any 32 bytes, whatever they mean in the database's own language.
pub async fn any_bytes_make_a_key<S: Store>(subject: Subject<S>) {
    let bytes = [0, b'\n', b'\r', b' ', b'*', b'?', b'[', b'{', b'}', b'%', b'_', b'\'', b'"', b'\\', b':', b'/'];
    for byte in bytes.into_iter().chain([0x7f, 0x80, 0xc3, 0xff]) {
        subject.write(key(byte), [byte]).await;
    }
    for byte in bytes.into_iter().chain([0x7f, 0x80, 0xc3, 0xff]) {
        assert_eq!(subject.value(key(byte)).await, Some(vec![byte]), "the key of bytes {byte:#04x}");
    }
}

/// Keys that differ in one bit of 256, and in the case of a letter.
pub async fn keys_are_apart<S: Store>(subject: Subject<S>) {
    let mut keys: HashSet<Key> = HashSet::from([key(b'a'), key(b'A'), key(0)]);
    for bit in 0..256 {
        let mut bytes = [0; 32];
        bytes[bit / 8] = 1 << (bit % 8);
        keys.insert(Key::from(bytes));
    }
    for key in &keys {
        assert!(subject.swap(*key, None, *key.as_bytes(), UNHURRIED).await, "{key} is another key");
    }
    for key in &keys {
        assert_eq!(subject.value(*key).await.as_deref(), Some(&key.as_bytes()[..]), "each has its own value");
    }
}

pub async fn a_read_changes_nothing<S: Store>(subject: Subject<S>) {
    subject.write(key(1), [1]).await;
    let first = subject.load(key(1)).await;
    for _ in 0..5 {
        assert_eq!(subject.load(key(1)).await, first, "the same version and the same value");
    }
    assert_eq!(subject.load(key(2)).await, None);
    assert!(subject.swap(key(2), None, [2], UNHURRIED).await, "a read makes no record");
}

pub async fn another_task_reads_it_at_once<S: Store>(subject: Subject<S>) {
    let subject = Arc::new(subject);
    for number in 0..100 {
        subject.write(key(number), [number]).await;
        let other = Arc::clone(&subject);
        let read = tokio::spawn(async move { other.value(key(number)).await }).await;
        assert_eq!(read.ok().flatten(), Some(vec![number]), "what was written is there for everybody");
    }
}
