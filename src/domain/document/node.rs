//! A value in a document, and what it may not hold: what programs read differently.
use std::collections::HashSet;

use super::super::body_fault::BodyFaultKind;
use super::super::fields::Fields;

/// A value in a document.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// As it is written; [`is_plain_number`] holds of it.
    Number(String),
    Text(String),
    List(Vec<Self>),
    /// Names are distinct.
    Object(Vec<(String, Self)>),
}

/// The longest number, in characters.
const MAX_NUMBER: usize = 24;
/// The greatest whole number that a double and all below it hold: 2^53 - 1.
const MAX_WHOLE: u64 = (1 << 53) - 1;
/// The most significant digits that every double brings back.
const MAX_SIGNIFICANT: usize = 15;

/// Whether every program reads the same number: a double holds it, and it is written in one way but for zeros at the end of a
/// fraction.
pub(crate) fn is_plain_number(text: &str) -> bool {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let magnitude = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = match magnitude.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (magnitude, None),
    };
    let is_written = text.len() <= MAX_NUMBER
        && is_digits(whole)
        && (whole == "0" || !whole.starts_with('0'))
        && fraction.is_none_or(is_digits);
    let is_zero = magnitude.bytes().all(|byte| byte == b'0' || byte == b'.');
    if !is_written || (is_zero && magnitude.len() < text.len()) {
        return false;
    }
    match fraction {
        None => whole.parse::<u64>().is_ok_and(|whole| whole <= MAX_WHOLE),
        Some(fraction) => {
            let digits = [whole, fraction].concat();
            digits.trim_start_matches('0').trim_end_matches('0').len() <= MAX_SIGNIFICANT
                && whole.len() <= MAX_SIGNIFICANT
        }
    }
}

impl Node {
    pub(super) fn add_to(&self, fields: &mut Fields) {
        match self {
            Self::Null => fields.add("null"),
            Self::Bool(true) => fields.add("true"),
            Self::Bool(false) => fields.add("false"),
            Self::Number(text) => {
                fields.add("number");
                fields.add(text);
            }
            Self::Text(text) => {
                fields.add("text");
                fields.add(text);
            }
            Self::List(nodes) => {
                fields.add("list");
                fields.add(nodes.len().to_be_bytes());
                nodes.iter().for_each(|node| node.add_to(fields));
            }
            Self::Object(members) => {
                fields.add("object");
                add_members(fields, members);
            }
        }
    }
}

pub(super) fn add_members(fields: &mut Fields, members: &[(String, Node)]) {
    fields.add(members.len().to_be_bytes());
    for (name, node) in members {
        fields.add(name);
        node.add_to(fields);
    }
}

/// The names that stand beside each other, none of which may come again.
#[derive(Debug, Default)]
pub(crate) struct Names(HashSet<String>);

impl Names {
    /// Takes a name down; fails where it is there, upper and lower case counting as the same: there are programs that read
    /// them so, and take the last.
    pub(crate) fn add(&mut self, name: &str) -> Result<(), BodyFaultKind> {
        if self.0.insert(name.to_lowercase()) { Ok(()) } else { Err(BodyFaultKind::DuplicateName) }
    }
}
