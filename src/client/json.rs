//! JSON where serde alone would take more than the service means.
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// Reads `null` as the absent member that it stands for.
pub(super) fn null_is_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A struct that is written as an object, which is how the service writes all of them: serde would also take an array
/// of its members in their order.
pub(super) struct Object<T>(pub(super) T);

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
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Object::deserialize(deserializer)?.0)
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
        let read = |value| serde_json::from_value::<Drawing>(value).map(|drawing| drawing.origin.x);
        assert_eq!(read(json!({"origin": {"x": 7}})).unwrap(), 7);
        assert!(read(json!({"origin": [7, null]})).is_err());
    }
}
