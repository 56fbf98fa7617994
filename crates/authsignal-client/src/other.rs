//! Members that this version does not know, sent and received.
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// Members that this version does not know, by name: what an answer or a webhook has beyond the fields of its type, at its top.
/// Requests take them with their own `other`.
///
/// `Debug` shows how many there are, and nothing of them: what is not known may be a secret.
///
/// # Examples
///
/// ```no_run
/// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
/// use authsignal_client::Track;
///
/// let request = Track::new("withdrawal").other("brandNew", true);
/// let tracked = client.track("user-1", request).await?;
/// println!("{:?}", tracked.other.get("brandNew"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OtherMembers(Map<String, Value>);

impl OtherMembers {
    /// The value of a member.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// Every member, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn insert(&mut self, name: String, value: Value) {
        self.0.insert(name, value);
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Value> {
        self.0.remove(name)
    }
}

impl fmt::Debug for OtherMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OtherMembers({})", self.0.len())
    }
}

/// The bytes that most bodies have room in.
const USUAL_BODY: usize = 512;

/// What the body of a request is made of.
pub(crate) trait Body: Serialize {
    /// Members besides those of the type.
    fn unknown(&self) -> Option<&OtherMembers> {
        None
    }
}

/// The JSON of a request, as it is sent.
pub(crate) fn to_json(body: &impl Body) -> Result<Vec<u8>, Error> {
    match body.unknown() {
        Some(unknown) if !unknown.is_empty() => Ok(to_value(body)?.to_string().into_bytes()),
        _ => {
            let mut json = Vec::with_capacity(USUAL_BODY);
            serde_json::to_writer(&mut json, body).map_err(|error| Error::invalid_input(error.to_string()))?;
            Ok(json)
        }
    }
}

/// The JSON of a request. A member that is set twice is refused: which of the two counts would be the service's guess.
pub(crate) fn to_value(body: &impl Body) -> Result<Value, Error> {
    let mut value = serde_json::to_value(body).map_err(|error| Error::invalid_input(error.to_string()))?;
    let Some(unknown) = body.unknown().filter(|unknown| !unknown.is_empty()) else { return Ok(value) };
    let Value::Object(members) = &mut value else {
        return Err(Error::invalid_input("invalid other members: the body is no object"));
    };
    for (name, value) in unknown.iter() {
        if members.insert(name.to_owned(), value.clone()).is_some() {
            return Err(Error::invalid_input("invalid other members: one of them is set already"));
        }
    }
    Ok(value)
}

/// Lets a request, with a field `other`, hold members that this version does not know.
macro_rules! takes_other_members {
    ($request:ident) => {
        impl $request {
            /// Also sends a member that this version does not know, in place of an earlier one of the same name. Default:
            /// none. One that is set already is refused when the request is sent.
            pub fn other(mut self, name: impl Into<String>, value: impl Into<serde_json::Value>) -> Self {
                self.other.insert(name.into(), value.into());
                self
            }
        }

        impl $crate::other::Body for $request {
            fn unknown(&self) -> Option<&$crate::other::OtherMembers> {
                Some(&self.other)
            }
        }
    };
}

pub(crate) use takes_other_members;
