//! Halves of characters in JSON: what JavaScript writes and no Rust text can hold.
use std::borrow::Cow;

use memchr::memchr;

/// Beyond this depth nothing is read anyhow.
const MAX_DEPTH: usize = 128;

/// JSON whose texts can be read: each escape of half a character (`\ud83d` without its other half) is U+FFFD.
///
/// In ids, tokens and words of the service's two values must not become one, so such a member becomes `false`, which is
/// no text and is refused where it is read. Nothing else changes, and what is no JSON stays what it is. JavaScript's
/// strings hold such halves and `JSON.stringify` writes them; RFC 8259, section 8.2, leaves open what becomes of them.
pub(crate) fn without_lone_surrogates(json: &[u8]) -> Cow<'_, [u8]> {
    // Most answers have no escape at all, which is found out many bytes at a time.
    let suspicious =
        memchr(b'\\', json).is_some() && json.windows(3).any(|bytes| matches!(bytes, [b'\\', b'u', b'd' | b'D']));
    let mended = if suspicious { mend(json) } else { None };
    mended.map_or(Cow::Borrowed(json), Cow::Owned)
}

/// What a text is of, by the member that it stands in.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// People wrote it.
    Text,
    /// It is compared, or handed back.
    Id,
    /// Whatever the application or the rules put there, to any depth.
    Free,
}

fn kind_of(name: &[u8]) -> Kind {
    const FREE: [&[u8]; 6] = [b"custom", b"customVariables", b"metadata", b"output", b"payload", b"tokenPayload"];
    const IDS: [&[u8]; 10] =
        [b"id", b"token", b"url", b"action", b"actionCode", b"code", b"recoveryCodes", b"state", b"sub", b"aud"];
    const ENDINGS: [&[u8]; 4] = [b"Id", b"Ids", b"Key", b"Token"];
    if FREE.contains(&name) {
        Kind::Free
    // A name that is escaped itself may be any.
    } else if IDS.contains(&name) || ENDINGS.iter().any(|ending| name.ends_with(ending)) || name.contains(&b'\\') {
        Kind::Id
    } else {
        Kind::Text
    }
}

/// `None` where there is nothing to mend, or no JSON to mend it in.
fn mend(json: &[u8]) -> Option<Vec<u8>> {
    let mut mended = Vec::with_capacity(json.len());
    let mut copied = 0;
    let (mut at, mut kind, mut around) = (0, Kind::Text, Vec::new());
    while let Some(byte) = json.get(at) {
        match byte {
            b'{' | b'[' if around.len() == MAX_DEPTH => return None,
            b'{' | b'[' => around.push(kind),
            b'}' | b']' => kind = around.pop()?,
            b'"' => {
                let end = end_of_text(json, at + 1)?;
                let text = &json[at + 1..end];
                let rest = json[end + 1..].trim_ascii_start();
                let is_name = rest.first() == Some(&b':');
                if is_name && kind_within(&around) != Kind::Free {
                    kind = kind_of(text);
                }
                if let Some(whole) = whole(text)? {
                    mended.extend_from_slice(&json[copied..at]);
                    if kind == Kind::Id && !is_name {
                        mended.extend_from_slice(b"false");
                    } else {
                        mended.push(b'"');
                        mended.extend_from_slice(&whole);
                        mended.push(b'"');
                    }
                    copied = end + 1;
                }
                at = end;
            }
            _ => {}
        }
        at += 1;
    }
    mended.extend_from_slice(&json[copied..]);
    Some(mended)
}

fn kind_within(around: &[Kind]) -> Kind {
    around.last().copied().unwrap_or(Kind::Text)
}

/// Where the text that begins at `at` ends: at its quote.
fn end_of_text(json: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match json.get(at)? {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
}

/// A text with U+FFFD for each half of a character: `Some(None)` if it has none, `None` if it is no JSON.
#[expect(clippy::option_option, reason = "whether it is JSON, and whether it is another text then")]
fn whole(text: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut whole: Option<Vec<u8>> = None;
    let (mut at, mut copied) = (0, 0);
    while let Some(byte) = text.get(at) {
        if *byte != b'\\' {
            at += 1;
            continue;
        }
        if text.get(at + 1) != Some(&b'u') {
            at += 2;
            continue;
        }
        match (unit(text, at)?, text.get(at + 6..)) {
            (0xd800..=0xdbff, Some([b'\\', b'u', ..])) if (0xdc00..=0xdfff).contains(&unit(text, at + 6)?) => at += 12,
            (0xd800..=0xdfff, _) => {
                let whole = whole.get_or_insert_default();
                whole.extend_from_slice(&text[copied..at]);
                whole.extend_from_slice(br"\ufffd");
                at += 6;
                copied = at;
            }
            _ => at += 6,
        }
    }
    if let Some(whole) = &mut whole {
        whole.extend_from_slice(&text[copied..]);
    }
    Some(whole)
}

/// The number of the escape at `at`: `\u` and four digits.
fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = text.get(at + 2..at + 6)?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)? as u16))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn halves_and_wholes() {
        let table = [
            (r#"{"a":"x"}"#, r#"{"a":"x"}"#),
            (r#"{"a":"\ud83d"}"#, r#"{"a":"\ufffd"}"#),
            (r#"{"a":"\uDE00x"}"#, r#"{"a":"\ufffdx"}"#),
            (r#"{"a":"\ud83d\ude00"}"#, r#"{"a":"\ud83d\ude00"}"#),
            (r#"{"a":"\ude00\ud83d"}"#, r#"{"a":"\ufffd\ufffd"}"#),
            (r#"{"a":"\ud83d\ud83d\ude00"}"#, r#"{"a":"\ufffd\ud83d\ude00"}"#),
            (r#"{"a":"\ud83d\n\"\\ud83d"}"#, r#"{"a":"\ufffd\n\"\\ud83d"}"#),
            (r#"{"a":"\\\ud83d"}"#, r#"{"a":"\\\ufffd"}"#),
            (r#"{"b\ud83d":1,"a":["\ud83d",{"c":"\ud83d"}]}"#, r#"{"b\ufffd":1,"a":["\ufffd",{"c":"\ufffd"}]}"#),
            (r#"["\ud83d"]"#, r#"["\ufffd"]"#),
            (r#""\ud83d""#, r#""\ufffd""#),
            (r#"{"userId":"\ud83d","name":"\ud83d"}"#, r#"{"userId":false,"name":"\ufffd"}"#),
            (r#"{"userId" : "\ud83d" , "ruleIds":["\ud83d","r"]}"#, r#"{"userId" : false , "ruleIds":[false,"r"]}"#),
            (
                r#"{"ruleIds":[{"n":"\ud83d"},"\ud83d"],"n":"\ud83d"}"#,
                r#"{"ruleIds":[{"n":"\ufffd"},false],"n":"\ufffd"}"#,
            ),
            (
                r#"{"custom":{"userId":["\ud83d",{"token":"\ud83d"}]},"token":"\ud83d"}"#,
                r#"{"custom":{"userId":["\ufffd",{"token":"\ufffd"}]},"token":false}"#,
            ),
            (r#"{"user\u0049d":"\ud83d"}"#, r#"{"user\u0049d":false}"#),
            (r#"{"userId":"\ufffd"}"#, r#"{"userId":"\ufffd"}"#),
            // What is no JSON is none afterwards.
            (r#"{"a":"\ud83"#, r#"{"a":"\ud83"#),
            (r#"{"a":"\ud83x"}"#, r#"{"a":"\ud83x"}"#),
            (r#"{"a":"\ud83d"#, r#"{"a":"\ud83d"#),
            (r#"]{"a":"\ud83d"}"#, r#"]{"a":"\ud83d"}"#),
        ];
        for (json, expected) in table {
            let got = without_lone_surrogates(json.as_bytes());
            assert_eq!(std::str::from_utf8(&got).unwrap(), expected, "{json}");
        }
        let deep = format!(r#"{}"\ud83d"{}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(without_lone_surrogates(deep.as_bytes()), deep.as_bytes());
    }

    /// Any JSON, written with every character escaped, as the UTF-16 that JavaScript has.
    fn escaped(value: &Value) -> String {
        let text = |text: &str| {
            let units: String = text.encode_utf16().map(|unit| format!("\\u{unit:04x}")).collect();
            format!("\"{units}\"")
        };
        match value {
            Value::String(string) => text(string),
            Value::Array(items) => format!("[{}]", items.iter().map(escaped).collect::<Vec<_>>().join(" ,")),
            Value::Object(members) => {
                let members = members.iter().map(|(name, value)| format!("{} : {}", text(name), escaped(value)));
                format!("{{{}}}", members.collect::<Vec<_>>().join(","))
            }
            other => other.to_string(),
        }
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf =
            prop_oneof![any::<i32>().prop_map(Value::from), any::<String>().prop_map(Value::from), Just(json!(null))];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let members = prop::collection::btree_map(any::<String>(), inner.clone(), 0..4);
            prop_oneof![
                prop::collection::vec(inner, 0..4).prop_map(Value::from),
                members.prop_map(|members| members.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    proptest! {
        #[test]
        fn whole_json_stays_as_it_is(value in values()) {
            let json = escaped(&value);
            prop_assert_eq!(&*without_lone_surrogates(json.as_bytes()), json.as_bytes());
        }

        /// Whatever comes, it is JSON afterwards if it was but for the halves, and of any bytes nothing worse comes.
        #[test]
        fn any_units_can_be_read(units in prop::collection::vec(any::<u16>(), 0..8), bytes in any::<Vec<u8>>()) {
            let text: String = units.iter().map(|unit| format!("\\u{:04x}", unit | 0xd800)).collect();
            let json = format!(r#"{{"name":"{text}","{text}":1,"userId":"{text}"}}"#);
            let read: Value = serde_json::from_slice(&without_lone_surrogates(json.as_bytes())).unwrap();
            let expected = String::from_utf16_lossy(&units.iter().map(|unit| unit | 0xd800).collect::<Vec<_>>());
            prop_assert_eq!(read["name"].as_str(), Some(expected.as_str()));
            prop_assert_eq!(&read[&expected], &json!(1));
            let halves = char::decode_utf16(units.iter().map(|unit| unit | 0xd800)).any(|char| char.is_err());
            let user = if halves { json!(false) } else { json!(expected) };
            prop_assert_eq!(&read["userId"], &user);
            _ = without_lone_surrogates(&bytes);
        }
    }
}
