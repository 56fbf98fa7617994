//! What a body says, read once and strictly: the tree that is digested, and that a value is made of.
//!
//! There is no second reading: the digest is of this tree, and the value that a handler is given is made of this tree, so equal
//! digests are equal values, whatever stands in the bytes.
use serde::de::DeserializeOwned;

use self::decode::Decoder;
use self::node::add_members;
pub(crate) use self::node::{Names, Node, is_plain_number};
use super::body_fault::BodyFault;
use super::coverage::Digest;
use super::fields::Fields;

mod decode;
mod node;

/// A body as a whole.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Document {
    /// There is none: no bytes, and no content type.
    Nothing,
    Json(Node),
    /// The fields of a form, in order; their values are texts.
    Form(Vec<(String, Node)>),
}

impl Document {
    /// A digest that two documents share only if they are the same.
    pub(crate) fn digest(&self, kind: &str) -> Digest {
        let mut fields = Fields::new("document");
        fields.add(kind);
        match self {
            Self::Nothing => fields.add("nothing"),
            Self::Json(node) => {
                fields.add("json");
                node.add_to(&mut fields);
            }
            Self::Form(pairs) => {
                fields.add("form");
                add_members(&mut fields, pairs);
            }
        }
        Digest(fields.finish())
    }

    /// Makes a value of it.
    pub(crate) fn decode<T: DeserializeOwned>(self) -> Result<T, BodyFault> {
        let decoder = match self {
            Self::Nothing => Decoder::Nothing,
            Self::Json(node) => Decoder::Value(node),
            Self::Form(pairs) => Decoder::Form(pairs),
        };
        serde_path_to_error::deserialize(decoder).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner();
            let path = if path == "." { String::new() } else { path };
            let path = match (&inner.field, path.as_str()) {
                (None, path) => path.to_owned(),
                (Some(field), "") => field.clone(),
                (Some(field), path) if path == field || path.ends_with(&format!(".{field}")) => path.to_owned(),
                (Some(field), path) => format!("{path}.{field}"),
            };
            BodyFault::new(&path, inner.kind)
        })
    }
}

#[cfg(test)]
mod tests;
