//! What people are shown of a transaction.
use std::fmt::{self, Write as _};

use authsignal_client::CustomValue;

use crate::domain::readable::readable;

/// What people are shown of a [`Transaction`](crate::Transaction): labels and values, in order.
///
/// At most 32 of them, a label of 64 characters, a value of 512: what is longer is refused with 422
/// ([`RefusalReason::BodyInvalid`](crate::RefusalReason::BodyInvalid)), since what is cut would be approved unseen. Control
/// characters, and characters that have no width or turn the direction of writing, are shown by their numbers. A label that says
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
            CustomValue::TextList(texts) => Some(Self::Text(texts.join(", "))),
            _ => None,
        }
    }
}

/// A text in which nothing is unseen: what has no width, or turns the direction of what stands around it, is its number.
pub(crate) fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        let is_unseen = (char.is_control() && char != '\n')
            || matches!(char, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{feff}')
            || matches!(char, '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}');
        if is_unseen {
            let _ = write!(shown, "[U+{:04X}]", u32::from(char));
        } else {
            shown.push(char);
        }
    }
    shown
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
            ("böb 👩\u{200d}👩", "böb 👩\u{200d}👩"),
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
        assert!(shown(CustomValue::Null).is_none() && shown(serde_json::json!({ "a": 1 }).into()).is_none());
        let debug = format!("{:?}", Summary::new().with("To", "canary"));
        assert!(debug.contains("To") && !debug.contains("canary"));
    }
}
