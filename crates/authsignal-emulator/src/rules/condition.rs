//! One comparison, and several that have to hold together.
use std::cmp::Ordering;
use std::mem::discriminant;

use ipnet::IpNet;
use serde_json::{Number, Value};

use crate::rules::facts::{Known, ValueType, Variable, address};

/// What a variable is compared with, and how.
///
/// | in code | in a file | holds when the variable |
/// |---|---|---|
/// | [`eq`](Self::eq), [`ne`](Self::ne) | `eq`, `ne` | is, or is not, this text, number or truth |
/// | [`gt`](Self::gt), [`gte`](Self::gte), [`lt`](Self::lt), [`lte`](Self::lte) | the same | is a number above, at least, below, at most this one |
/// | [`one_of`](Self::one_of), [`none_of`](Self::none_of) | `in`, `not_in` | is one of these, or none of them |
/// | [`contains`](Self::contains) | `contains` | is a list with this text, or a text with this in it |
/// | [`starts_with`](Self::starts_with) | `starts_with` | is a text that begins so |
/// | [`exists`](Self::exists), [`absent`](Self::absent) | `exists = true`, `exists = false` | is known, or is not |
///
/// A variable of another type, or one that isn't known, meets no condition but [`absent`](Self::absent): also not
/// [`ne`](Self::ne) and [`none_of`](Self::none_of). Texts are compared exactly, numbers by their value, and `ip.address`
/// by the networks that the texts are: `203.0.113.7`, `203.0.113.0/24`, `2001:db8::/32`.
#[derive(Debug, Clone, PartialEq)]
pub struct Condition {
    pub(crate) operator: Operator,
    pub(crate) operand: Value,
}

/// How a variable is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    Eq,
    Ne,
    Gt,
    Gte,
    Lt,
    Lte,
    In,
    NotIn,
    Contains,
    StartsWith,
    Exists,
}

pub(crate) const OPERATORS: [(&str, Operator); 11] = [
    ("eq", Operator::Eq),
    ("ne", Operator::Ne),
    ("gt", Operator::Gt),
    ("gte", Operator::Gte),
    ("lt", Operator::Lt),
    ("lte", Operator::Lte),
    ("in", Operator::In),
    ("not_in", Operator::NotIn),
    ("contains", Operator::Contains),
    ("starts_with", Operator::StartsWith),
    ("exists", Operator::Exists),
];

impl Operator {
    pub(crate) fn named(name: &str) -> Option<Self> {
        OPERATORS.iter().find(|known| known.0 == name).map(|known| known.1)
    }

    pub(crate) fn name(self) -> &'static str {
        OPERATORS.iter().find(|known| known.1 == self).map_or("", |known| known.0)
    }
}

impl Condition {
    pub(crate) fn new(operator: Operator, operand: impl Into<Value>) -> Self {
        Self { operator, operand: operand.into() }
    }

    /// It is this text, number or truth.
    #[must_use]
    pub fn eq(value: impl Into<Value>) -> Self {
        Self::new(Operator::Eq, value)
    }

    /// It is another text, number or truth than this.
    #[must_use]
    pub fn ne(value: impl Into<Value>) -> Self {
        Self::new(Operator::Ne, value)
    }

    /// It is a number above this one.
    #[must_use]
    pub fn gt(number: impl Into<Value>) -> Self {
        Self::new(Operator::Gt, number)
    }

    /// It is this number or one above.
    #[must_use]
    pub fn gte(number: impl Into<Value>) -> Self {
        Self::new(Operator::Gte, number)
    }

    /// It is a number below this one.
    #[must_use]
    pub fn lt(number: impl Into<Value>) -> Self {
        Self::new(Operator::Lt, number)
    }

    /// It is this number or one below.
    #[must_use]
    pub fn lte(number: impl Into<Value>) -> Self {
        Self::new(Operator::Lte, number)
    }

    /// It is one of these.
    #[must_use]
    pub fn one_of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::new(Operator::In, values.into_iter().map(Into::into).collect::<Vec<_>>())
    }

    /// It is none of these.
    #[must_use]
    pub fn none_of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self::new(Operator::NotIn, values.into_iter().map(Into::into).collect::<Vec<_>>())
    }

    /// It is a list that has this text, or a text that has this in it.
    #[must_use]
    pub fn contains(text: impl Into<String>) -> Self {
        Self::new(Operator::Contains, text.into())
    }

    /// It is a text that begins so.
    #[must_use]
    pub fn starts_with(text: impl Into<String>) -> Self {
        Self::new(Operator::StartsWith, text.into())
    }

    /// It is known.
    #[must_use]
    pub fn exists() -> Self {
        Self::new(Operator::Exists, true)
    }

    /// It isn't known.
    #[must_use]
    pub fn absent() -> Self {
        Self::new(Operator::Exists, false)
    }

    /// Whether a variable of this kind meets it.
    pub(super) fn holds(&self, kind: ValueType, actual: Option<&Value>) -> bool {
        let operand = &self.operand;
        let Some(actual) = actual else { return *self == Self::absent() };
        let same = |value: &Value| same(kind, actual, value);
        let order = || compare(actual.as_number()?, operand.as_number()?);
        match self.operator {
            Operator::Eq => same(operand) == Some(true),
            Operator::Ne => same(operand) == Some(false),
            Operator::Gt => order() == Some(Ordering::Greater),
            Operator::Gte => order().is_some_and(Ordering::is_ge),
            Operator::Lt => order() == Some(Ordering::Less),
            Operator::Lte => order().is_some_and(Ordering::is_le),
            Operator::In => elements(operand).iter().any(|value| same(value) == Some(true)),
            Operator::NotIn => {
                let values = elements(operand);
                !values.is_empty() && values.iter().all(|value| same(value) == Some(false))
            }
            Operator::Contains => match (actual, operand) {
                (Value::Array(chosen), Value::String(_)) => chosen.contains(operand),
                (Value::String(text), Value::String(part)) => text.contains(part.as_str()),
                _ => false,
            },
            Operator::StartsWith => match (actual, operand) {
                (Value::String(text), Value::String(start)) => text.starts_with(start.as_str()),
                _ => false,
            },
            Operator::Exists => *operand == Value::Bool(true),
        }
    }

    /// Why it could never hold for a variable of this kind, if it couldn't.
    pub(crate) fn fault(&self, kind: ValueType) -> Option<&'static str> {
        use Operator::{Contains, Eq, Exists, Gt, Gte, In, Lt, Lte, Ne, NotIn, StartsWith};
        match (self.operator, &self.operand) {
            (Exists, Value::Bool(_)) => None,
            (Exists, _) => Some("true or false is asked for"),
            (Gt | Gte | Lt | Lte, _) if kind != ValueType::Any => Some("this variable is not a number"),
            (Gt | Gte | Lt | Lte, Value::Number(_)) => None,
            (Gt | Gte | Lt | Lte, _) => Some("a finite number is asked for"),
            (Contains | StartsWith, _) if kind == ValueType::Boolean => Some("this variable is not a text"),
            (Contains | StartsWith, Value::String(_)) => None,
            (Contains | StartsWith, _) => Some("a text is asked for"),
            (In | NotIn, Value::Array(values)) => match values.as_slice() {
                [] => Some("the list is empty"),
                [first, rest @ ..] if rest.iter().any(|value| discriminant(value) != discriminant(first)) => {
                    Some("the list has values of several types")
                }
                values => values.iter().find_map(|value| incomparable(kind, value)),
            },
            (In | NotIn, _) => Some("a list is asked for"),
            (Eq | Ne, value) => incomparable(kind, value),
        }
    }
}

/// Why no variable of this kind could be the same as `value`, if none could.
fn incomparable(kind: ValueType, value: &Value) -> Option<&'static str> {
    match (kind, value) {
        (ValueType::Address, Value::String(text)) if network(text).is_some() => None,
        (ValueType::Address, _) => Some("an address or a network is asked for, such as \"203.0.113.0/24\""),
        (ValueType::Text | ValueType::Any, Value::String(_))
        | (ValueType::Boolean | ValueType::Any, Value::Bool(_)) => None,
        (ValueType::Any, Value::Number(_)) => None,
        (ValueType::Text, _) => Some("a text is asked for"),
        (ValueType::Boolean, _) => Some("true or false is asked for"),
        (ValueType::Any, _) => Some("a text, a finite number, true or false is asked for"),
    }
}

fn elements(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// Whether two values are the same; `None` when they aren't of one type.
fn same(kind: ValueType, actual: &Value, value: &Value) -> Option<bool> {
    match (actual, value) {
        (Value::String(actual), Value::String(value)) if kind == ValueType::Address => {
            Some(network(value)?.contains(&address(actual)?))
        }
        (Value::String(actual), Value::String(value)) => Some(actual == value),
        (Value::Bool(actual), Value::Bool(value)) => Some(actual == value),
        (Value::Number(actual), Value::Number(value)) => Some(compare(actual, value)?.is_eq()),
        _ => None,
    }
}

/// Whole numbers exactly, as far as JSON's go here; with a fraction as the nearest `f64`.
fn compare(a: &Number, b: &Number) -> Option<Ordering> {
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

fn whole(number: &Number) -> Option<i128> {
    number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
}

/// A network in CIDR notation; an address alone is a network of one.
pub(crate) fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| address(text).map(IpNet::from))
}

/// Conditions that have to hold together, as one alternative of [`Rule::any`](crate::Rule::any).
#[derive(Debug, Clone, Default, PartialEq)]
#[must_use = "does nothing until a rule is given it"]
pub struct When(pub(crate) Vec<(String, Condition)>);

impl When {
    /// Begins with a condition on a variable.
    pub fn new(variable: impl Into<String>, condition: Condition) -> Self {
        Self::default().and(variable, condition)
    }

    /// Adds another one, which has to hold as well.
    pub fn and(mut self, variable: impl Into<String>, condition: Condition) -> Self {
        self.0.push((variable.into(), condition));
        self
    }

    pub(super) fn holds(&self, known: &Known<'_>) -> bool {
        self.0.iter().all(|(name, condition)| {
            Variable::named(name).is_some_and(|(variable, kind)| condition.holds(kind, known.value(variable).as_ref()))
        })
    }

    pub(super) fn variables(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}
