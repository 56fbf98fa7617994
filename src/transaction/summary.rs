//! What people are shown of a transaction.
use std::fmt;

use authsignal_client::CustomValue;

use crate::domain::readable::readable;

/// What people are shown of a [`Transaction`](crate::Transaction): labels and values, in order.
///
/// At most 32 of them, a label of 64 characters, a value of 512: what is longer is refused with 422
/// ([`RefusalReason::BodyInvalid`](crate::RefusalReason::BodyInvalid)), since what is cut would be approved unseen. Control
/// characters, and characters that have no width, join others or turn the direction of writing, are shown by their numbers, and so are
/// blanks that a text begins or ends with; of a list, a text that holds a comma or a quote is quoted. A label that says
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
