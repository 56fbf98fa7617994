//! Data points of the application's own, for rules to look at.
use std::collections::BTreeMap;

use serde::ser::Error as _;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

/// Data points of the application's own that rules can look at, by name.
///
/// # Examples
///
/// ```
/// use authsignal_client::{CustomData, CustomValue};
///
/// let data = CustomData::new().with("amount", 100).with("currency", "EUR").with("tags", vec!["new".to_owned()]);
/// assert_eq!(serde_json::to_string(&data)?, r#"{"amount":100,"currency":"EUR","tags":["new"]}"#);
///
/// // `null` clears what is there; what is nested goes as it is.
/// let data = CustomData::new().with("tier", CustomValue::Null).with("cart", serde_json::json!({ "items": [1, "a"] }));
/// assert_eq!(serde_json::to_string(&data)?, r#"{"cart":{"items":[1,"a"]},"tier":null}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct CustomData(BTreeMap<String, CustomValue>);

impl CustomData {
    /// No data at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value, in place of an earlier one of the same name.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<CustomValue>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&CustomValue> {
        self.0.get(name)
    }

    /// Every name with its value, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &CustomValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is no data.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<CustomValue>> Extend<(N, V)> for CustomData {
    fn extend<I: IntoIterator<Item = (N, V)>>(&mut self, data: I) {
        self.0.extend(data.into_iter().map(|(name, value)| (name.into(), value.into())));
    }
}

impl<N: Into<String>, V: Into<CustomValue>> FromIterator<(N, V)> for CustomData {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(data: I) -> Self {
        let mut all = Self::new();
        all.extend(data);
        all
    }
}

/// A value of a custom data point: text, number, boolean, or for a multi-select a list of texts (API reference, track;
/// the lists: keycloak provider 2.2.2). The SDKs send whatever JSON they are handed, so this has the rest of it too: what a tenant
/// makes of it is the tenant's.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum CustomValue {
    /// A text.
    Text(String),
    /// A number.
    Number(CustomNumber),
    /// True or false.
    Boolean(bool),
    /// The chosen texts of a multi-select.
    TextList(Vec<String>),
    /// No value, which is sent as one: `null` clears what is there.
    Null,
    /// A list of anything.
    List(Vec<Value>),
    /// An object.
    Object(Map<String, Value>),
}

/// A number as it is sent: whole numbers exactly, others as the nearest `f64`.
///
/// JSON has no NaN and no infinity; a request with one is refused when it is sent, with
/// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CustomNumber(Number);

#[derive(Clone, Copy, Debug, PartialEq)]
enum Number {
    Signed(i64),
    Unsigned(u64),
    Float(f64),
}

impl Serialize for CustomNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Number::Signed(number) => serializer.serialize_i64(number),
            Number::Unsigned(number) => serializer.serialize_u64(number),
            Number::Float(number) if number.is_finite() => serializer.serialize_f64(number),
            Number::Float(_) => Err(S::Error::custom("a number is not finite")),
        }
    }
}

macro_rules! number_from {
    ($($from:ty => $variant:ident,)*) => {
        $(
            impl From<$from> for CustomNumber {
                fn from(number: $from) -> Self {
                    Self(Number::$variant(number.into()))
                }
            }

            impl From<$from> for CustomValue {
                fn from(number: $from) -> Self {
                    Self::Number(number.into())
                }
            }
        )*
    };
}

number_from!(i32 => Signed, i64 => Signed, u32 => Unsigned, u64 => Unsigned, f64 => Float,);

impl From<&str> for CustomValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for CustomValue {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<bool> for CustomValue {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl<T: Into<Self>> From<Option<T>> for CustomValue {
    /// `None` is [`Null`](Self::Null).
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl From<Map<String, Value>> for CustomValue {
    fn from(members: Map<String, Value>) -> Self {
        Self::Object(members)
    }
}

impl From<Vec<Value>> for CustomValue {
    fn from(values: Vec<Value>) -> Self {
        Self::List(values)
    }
}

impl From<Value> for CustomValue {
    fn from(value: Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => value.into(),
            Value::String(text) => text.into(),
            Value::Array(values) => values.into(),
            Value::Object(members) => members.into(),
            Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
                (Some(number), ..) => number.into(),
                (_, Some(number), _) => number.into(),
                (_, _, number) => number.unwrap_or(f64::NAN).into(),
            },
        }
    }
}

impl From<Vec<String>> for CustomValue {
    fn from(texts: Vec<String>) -> Self {
        Self::TextList(texts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_on_the_wire() {
        let table: [(CustomValue, &str); 17] = [
            ("a \"b\"".into(), r#""a \"b\"""#),
            (String::new().into(), r#""""#),
            (true.into(), "true"),
            ((-1_i32).into(), "-1"),
            (7_u32.into(), "7"),
            (i64::MIN.into(), "-9223372036854775808"),
            (u64::MAX.into(), "18446744073709551615"),
            (0.1_f64.into(), "0.1"),
            (vec!["a".to_owned(), "b".to_owned()].into(), r#"["a","b"]"#),
            (Vec::<String>::new().into(), "[]"),
            (CustomValue::Null, "null"),
            (None::<&str>.into(), "null"),
            (Some("a").into(), r#""a""#),
            (json!(null).into(), "null"),
            (json!([1, "a", null, { "b": [true] }]).into(), r#"[1,"a",null,{"b":[true]}]"#),
            (json!({ "a": { "b": 0.5 } }).into(), r#"{"a":{"b":0.5}}"#),
            (json!(18_446_744_073_709_551_615_u64).into(), "18446744073709551615"),
        ];
        for (value, expected) in table {
            assert_eq!(serde_json::to_string(&value).unwrap(), expected);
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(serde_json::to_string(&CustomValue::from(number)).is_err(), "{number}");
        }
    }

    #[test]
    fn later_values_win_and_names_are_ordered() {
        let data = CustomData::new().with("b", 1).with("a", 2).with("b", 3);
        assert_eq!(data, CustomData::from_iter([("a", 2), ("b", 3)]));
        assert_eq!(data.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["a", "b"]);
        assert!(CustomData::new().is_empty() && !data.is_empty());
    }
}
