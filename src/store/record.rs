//! How what goes to a store is written: compact, and with nothing in it that says what it is. [`seal`](super::seal) has the
//! number of the format, which counts every change of what is written here.
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) fn write<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_allocvec(record).expect("a record is plain data")
}

pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    postcard::from_bytes(bytes).ok()
}
