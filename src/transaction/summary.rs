//! What people are shown of a transaction.
use std::fmt::{self, Write as _};

use authsignal_client::CustomValue;

use crate::domain::readable::readable;

/// What people are shown of a [`Transaction`](crate::Transaction): labels and values, in order.
///
/// At most 32 of them, a label of 64 characters, a value of 512: what is longer is refused with 422
/// ([`RefusalReason::BodyInvalid`](crate::RefusalReason::BodyInvalid)), since what is cut would be approved unseen. Control
/// characters, and characters that have no width, join others or turn the direction of writing, are shown by their numbers; of a
/// list, a text that holds a comma or a quote is quoted. A label that says
/// that its value is a secret is left out.
///
/// # Examples
///
/// ```
/// use axum_authsignal::Summary;
///
/// let summary = Summary::new().with("Amount", "10.00 EUR").with("Recipient", "Bob").with("Urgent", true);
/// ```
#[derive(Clone, Default, PartialEq)]
#[must_use]
pub struct Summary(pub(crate) Vec<(String, SummaryValue)>);

/// What stands behind a label of a [`Summary`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SummaryValue {
    /// A text, which is escaped wherever it is shown.
    Text(String),
    /// "Yes" or "No", in the page's language.
    Flag(bool),
}

impl Summary {
    /// Nothing at all.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value behind a label.
    pub fn with(mut self, label: impl Into<String>, value: impl Into<SummaryValue>) -> Self {
        self.0.push((label.into(), value.into()));
        self
    }

    /// Adds a data point, with its name in words; one that is no text, number, flag or list of texts is not shown.
    pub fn and_data_point(self, name: &str, value: &CustomValue) -> Self {
        self.and_data_point_as(readable(name), value)
    }

    /// Adds a data point behind a label.
    pub fn and_data_point_as(self, label: impl Into<String>, value: &CustomValue) -> Self {
        match SummaryValue::of(value) {
            Some(value) => self.with(label, value),
            None => self,
        }
    }

    /// Labels and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SummaryValue)> {
        self.0.iter().map(|(label, value)| (label.as_str(), value))
    }
}

impl SummaryValue {
    /// A data point as it is shown, if it can be: as it is sent.
    fn of(value: &CustomValue) -> Option<Self> {
        match value {
            CustomValue::Text(text) => Some(Self::Text(text.clone())),
            CustomValue::Number(_) => serde_json::to_string(value).ok().map(Self::Text),
            CustomValue::Boolean(flag) => Some(Self::Flag(*flag)),
            CustomValue::TextList(texts) => Some(Self::Text(texts.iter().map(listed).collect::<Vec<_>>().join(", "))),
            _ => None,
        }
    }
}

/// A text in which nothing is unseen: what has no width, or turns the direction of what stands around it, is its number.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        if is_unseen(char) {
            let _ = write!(shown, "[U+{:04X}]", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    shown
}

/// Whether a character shows nothing of its own: a control character, or one that Unicode has programs ignore where they cannot show it
/// (`Default_Ignorable_Code_Point`), which has no width, joins, chooses a form or turns the direction. Scripts that join by such a
/// character are shown with its number, too: what looks the same has to be the same.
fn is_unseen(char: char) -> bool {
    (char.is_control() && char != '\n')
        || matches!(
            char,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{3164}'
                | '\u{feff}'
                | '\u{ffa0}'
        )
        || matches!(char, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
        || matches!(char, '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// One of several texts between commas: in quotes where it could be taken for another number of them.
fn listed(text: &String) -> String {
    let is_plain = !text.is_empty() && !text.contains([',', '"']) && text.trim() == text;
    if is_plain { text.clone() } else { serde_json::Value::from(text.as_str()).to_string() }
}

macro_rules! text_from {
    ($($from:ty)*) => {
        $(
            impl From<$from> for SummaryValue {
                fn from(value: $from) -> Self {
                    Self::Text(value.to_string())
                }
            }
        )*
    };
}

text_from!(&str String i32 i64 u32 u64);

impl From<bool> for SummaryValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Labels alone: the values are the user's.
impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(label, _)| label)).finish()
    }
}

impl fmt::Debug for SummaryValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SummaryValue")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// T21: what is shown is all that there is.
    #[test]
    fn t21_nothing_is_unseen() {
        for (text, shown) in [
            ("bob", "bob"),
            ("two\nlines", "two\nlines"),
            ("bo\u{200b}b", "bo[U+200B]b"),
            ("\u{202e}bob", "[U+202E]bob"),
            ("a\0\r\t\u{7f}", "a[U+0000][U+000D][U+0009][U+007F]"),
            ("\u{2066}a\u{2069}\u{e0061}", "[U+2066]a[U+2069][U+E0061]"),
            ("böb 👩\u{200d}👩", "böb 👩[U+200D]👩"),
            ("bob\u{200c}", "bob[U+200C]"),
            ("bob\u{fe0f}\u{e0100}\u{180b}", "bob[U+FE0F][U+E0100][U+180B]"),
            ("\u{34f}\u{115f}\u{1160}\u{3164}\u{ffa0}", "[U+034F][U+115F][U+1160][U+3164][U+FFA0]"),
            ("\u{17b4}\u{17b5}", "[U+17B4][U+17B5]"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn data_points_are_shown_as_they_are_sent() {
        let shown = |value: CustomValue| SummaryValue::of(&value);
        let text = |text: &str| Some(SummaryValue::Text(text.into()));
        assert!(shown("a".into()) == text("a") && shown(10.into()) == text("10") && shown(10.5.into()) == text("10.5"));
        assert!(shown(10.0.into()) == text("10.0") && shown(true.into()) == Some(SummaryValue::Flag(true)));
        assert!(shown(vec!["a".to_owned(), "b".into()].into()) == text("a, b"));
        let list = |texts: &[&str]| shown(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>().into());
        let lists: [&[&str]; 8] =
            [&[], &[""], &["a", "b"], &["a, b"], &["a,b"], &["\"a", "b\""], &["a", " b"], &["\"a, b\""]];
        for (at, one) in lists.iter().enumerate() {
            assert!(lists[..at].iter().all(|other| list(other) != list(one)), "T21: two lists look the same: {one:?}");
        }
        assert!(list(&["a, b", "c"]) == text("\"a, b\", c"));
        assert!(shown(CustomValue::Null).is_none() && shown(serde_json::json!({ "a": 1 }).into()).is_none());
        let debug = format!("{:?}", Summary::new().with("To", "canary"));
        assert!(debug.contains("To") && !debug.contains("canary"));
    }
}
