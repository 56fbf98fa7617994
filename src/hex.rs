//! Bytes as hexadecimal digits.
use std::fmt::Write as _;

pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("text grows");
        text
    })
}
