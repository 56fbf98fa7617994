//! Values out of a document, by serde.
use std::fmt;

use serde::de::value::{MapAccessDeserializer, MapDeserializer, SeqDeserializer, StringDeserializer};
use serde::de::{self, Deserializer, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;

use super::super::body_fault::BodyFaultKind;
use super::node::{Node, is_plain_number};

/// Why a value cannot be made. Nothing of the values themselves is in it, which are the user's.
#[derive(Debug)]
pub(super) struct DecodeError {
    pub(super) kind: BodyFaultKind,
    /// The field that it is about, where serde names one.
    pub(super) field: Option<String>,
}

impl DecodeError {
    fn of(kind: BodyFaultKind) -> Self {
        Self { kind, field: None }
    }

    fn about(kind: BodyFaultKind, field: &str) -> Self {
        Self { kind, field: Some(field.to_owned()) }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.detail())
    }
}

impl std::error::Error for DecodeError {}

impl de::Error for DecodeError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self::of(BodyFaultKind::WrongValue)
    }

    fn invalid_type(_: Unexpected<'_>, _: &dyn Expected) -> Self {
        Self::of(BodyFaultKind::WrongType)
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::about(BodyFaultKind::UnknownField, field)
    }

    fn missing_field(field: &'static str) -> Self {
        Self::about(BodyFaultKind::MissingField, field)
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::about(BodyFaultKind::DuplicateName, field)
    }
}

/// Hands a document on to the type that it is to become.
#[derive(Debug)]
pub(super) enum Decoder {
    Nothing,
    Value(Node),
    /// A value of a form, which is a text that may be a number or a flag, as its type says.
    Field(String),
    Form(Vec<(String, Node)>),
}

impl<'de> IntoDeserializer<'de, DecodeError> for Decoder {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

fn members(
    members: Vec<(String, Node)>,
) -> MapDeserializer<'static, impl Iterator<Item = (String, Decoder)>, DecodeError> {
    MapDeserializer::new(members.into_iter().map(|(name, node)| (name, Decoder::Value(node))))
}

fn fields(
    pairs: Vec<(String, Node)>,
) -> MapDeserializer<'static, impl Iterator<Item = (String, Decoder)>, DecodeError> {
    MapDeserializer::new(pairs.into_iter().map(|(name, node)| match node {
        Node::Text(text) => (name, Decoder::Field(text)),
        node => (name, Decoder::Value(node)),
    }))
}

/// A number that was found to be plain, so that it fits one of these.
fn visit_number<'de, V: Visitor<'de>>(text: &str, visitor: V) -> Result<V::Value, DecodeError> {
    if let Ok(number) = text.parse::<u64>() {
        return visitor.visit_u64(number);
    }
    if let Ok(number) = text.parse::<i64>() {
        return visitor.visit_i64(number);
    }
    match text.parse::<f64>() {
        Ok(number) => visitor.visit_f64(number),
        Err(_) => Err(DecodeError::of(BodyFaultKind::Number)),
    }
}

/// For a type that asks for a number: of a form it is a text, by the same rules as a number of JSON.
macro_rules! deserialize_numbers {
    ($($method:ident)*) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
                match self {
                    Self::Field(text) if is_plain_number(&text) => visit_number(&text, visitor),
                    Self::Field(text) => Err(DecodeError::of(if text.parse::<f64>().is_ok() {
                        BodyFaultKind::Number
                    } else {
                        BodyFaultKind::WrongType
                    })),
                    other => other.deserialize_any(visitor),
                }
            }
        )*
    };
}

impl<'de> Deserializer<'de> for Decoder {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Nothing | Self::Value(Node::Null) => visitor.visit_unit(),
            Self::Value(Node::Bool(flag)) => visitor.visit_bool(flag),
            Self::Value(Node::Number(text)) => visit_number(&text, visitor),
            Self::Value(Node::Text(text)) | Self::Field(text) => visitor.visit_string(text),
            Self::Value(Node::List(nodes)) => {
                let mut list = SeqDeserializer::new(nodes.into_iter().map(Self::Value));
                let value = visitor.visit_seq(&mut list)?;
                list.end()?;
                Ok(value)
            }
            Self::Value(Node::Object(nodes)) => {
                let mut map = members(nodes);
                let value = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(value)
            }
            Self::Form(pairs) => {
                let mut map = fields(pairs);
                let value = visitor.visit_map(&mut map)?;
                map.end()?;
                Ok(value)
            }
        }
    }

    deserialize_numbers! {
        deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Field(text) if text == "true" => visitor.visit_bool(true),
            Self::Field(text) if text == "false" => visitor.visit_bool(false),
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Nothing | Self::Value(Node::Null) => visitor.visit_none(),
            other => visitor.visit_some(other),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self {
            Self::Value(Node::Text(text)) | Self::Field(text) => {
                let text: StringDeserializer<DecodeError> = text.into_deserializer();
                visitor.visit_enum(text)
            }
            Self::Value(Node::Object(nodes)) if nodes.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(members(nodes)))
            }
            other => other.deserialize_any(visitor),
        }
    }

    /// No body is an object without members, so that a type whose every field has a default takes it, and any other says which
    /// field is missing.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self {
            Self::Nothing => visitor.visit_map(members(Vec::new())),
            other => other.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        char str string bytes byte_buf unit unit_struct seq tuple tuple_struct identifier ignored_any
    }
}
