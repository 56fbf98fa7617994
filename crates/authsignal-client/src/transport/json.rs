//! JSON where serde alone would take more than the service means.
mod surrogates;

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

pub(crate) use surrogates::without_lone_surrogates;

/// Reads `null` as the absent member that it stands for.
pub(crate) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Reads the texts of a list that decides nothing: what is no text, or no list, is left out.
pub(crate) fn texts_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let Value::Array(listed) = Value::deserialize(deserializer)? else { return Ok(Vec::new()) };
    Ok(listed.into_iter().filter_map(|value| if let Value::String(text) = value { Some(text) } else { None }).collect())
}

/// A struct that is written as an object, which is how the service writes all of them: serde would also take an array
/// of its members in their order.
pub(crate) struct Object<T>(pub(crate) T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(members))
            }
        }

        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

/// Reads a member that is an object.
pub(crate) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Object::deserialize(deserializer)?.0)
}

/// Reads a member that is a list of objects; `null` is an empty one.
pub(crate) fn objects<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let objects: Vec<Object<T>> = null_is_default(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// A boolean, or the word for it: the API reference shows the answer of `/call/finish` as `{"success":"true"}`.
pub(crate) struct Agreed(pub(crate) bool);

impl<'de> Deserialize<'de> for Agreed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Word;

        impl Visitor<'_> for Word {
            type Value = bool;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E: Error>(self, yes: bool) -> Result<bool, E> {
                Ok(yes)
            }

            fn visit_str<E: Error>(self, word: &str) -> Result<bool, E> {
                word.parse().map_err(|_| E::custom("a text that is neither true nor false"))
            }
        }

        deserializer.deserialize_any(Word).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Point {
        x: i32,
        y: Option<i32>,
    }

    #[derive(Deserialize)]
    struct Drawing {
        #[serde(deserialize_with = "object")]
        origin: Point,
        #[serde(default, deserialize_with = "objects")]
        points: Vec<Point>,
    }

    #[test]
    fn a_struct_is_an_object() {
        let read = |value| serde_json::from_value::<Object<Point>>(value).map(|object| object.0);
        assert_eq!(read(json!({"x": 1, "y": 2})).unwrap(), Point { x: 1, y: Some(2) });
        for value in [json!([1, 2]), json!([[1, 2]]), json!("x"), json!(null), json!(1), json!({}), json!({"x": "1"})] {
            assert!(read(value.clone()).is_err(), "{value}");
        }
        assert!(serde_json::from_value::<Point>(json!([1, 2])).is_ok(), "serde does what this is against");
    }

    #[test]
    fn members_are_objects() {
        let read = |value| serde_json::from_value::<Drawing>(value).map(|drawing| (drawing.origin.x, drawing.points));
        assert_eq!(read(json!({"origin": {"x": 7}})).unwrap(), (7, Vec::new()));
        assert_eq!(read(json!({"origin": {"x": 7}, "points": null})).unwrap(), (7, Vec::new()));
        let points = vec![Point { x: 1, y: None }];
        assert_eq!(read(json!({"origin": {"x": 7}, "points": [{"x": 1}]})).unwrap(), (7, points));
        assert!(read(json!({"origin": [7, null]})).is_err());
        assert!(read(json!({"origin": {"x": 7}, "points": [[1, null]]})).is_err());
    }

    #[test]
    fn booleans_and_their_words() {
        for (text, expected) in [
            ("true", Some(true)),
            ("false", Some(false)),
            (r#""true""#, Some(true)),
            (r#""false""#, Some(false)),
            (r#""True""#, None),
            (r#""""#, None),
            ("1", None),
            ("[]", None),
        ] {
            assert_eq!(serde_json::from_str::<Agreed>(text).map(|agreed| agreed.0).ok(), expected, "{text}");
        }
    }
}
