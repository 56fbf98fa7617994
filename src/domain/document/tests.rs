use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::super::body_fault::BodyFaultKind;
use super::super::{strict_form, strict_json};
use super::*;

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Payment {
    to: String,
    amount: u64,
    rate: Option<f64>,
    #[serde(default)]
    urgent: bool,
    kind: Option<Kind>,
    #[serde(default)]
    parts: Vec<Part>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Wire,
    Card(u8),
    Frozen { days: u16 },
}

#[derive(Debug, Deserialize, PartialEq)]
struct Part(u32, String);

fn json<T: DeserializeOwned>(text: &str) -> Result<T, BodyFault> {
    Document::Json(strict_json::parse(text.as_bytes())?).decode()
}

fn form<T: DeserializeOwned>(text: &str) -> Result<T, BodyFault> {
    Document::Form(strict_form::parse(text.as_bytes())?).decode()
}

fn fault(path: &str, kind: BodyFaultKind) -> BodyFault {
    BodyFault { path: path.into(), kind }
}

#[test]
fn a_type_is_given_what_serde_json_gives_it() {
    for text in [
        r#"{"to":"bob","amount":10}"#,
        r#"{"to":"b\u00f6b\ud83d\ude00\n","amount":9007199254740991,"rate":0.1,"urgent":true,"kind":"wire"}"#,
        r#"{"kind":{"card":7},"parts":[[1,"a"],[2,"b"]],"amount":0,"to":"","rate":3}"#,
        r#"{"kind":{"frozen":{"days":3}},"to":"x","amount":1,"rate":null}"#,
    ] {
        assert_eq!(json::<Payment>(text).unwrap(), serde_json::from_str::<Payment>(text).unwrap(), "{text}");
        assert_eq!(json::<Value>(text).unwrap(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
    }
}

/// Everything that is wrong names its field.
#[test]
fn a_fault_says_where_it_is() {
    use BodyFaultKind::*;
    for (text, path, kind) in [
        (r#"{"to":"bob"}"#, "amount", MissingField),
        (r#"{"to":"bob","amount":"10"}"#, "amount", WrongType),
        (r#"{"to":"bob","amount":-1}"#, "amount", WrongValue),
        (r#"{"to":"bob","amount":1.5}"#, "amount", WrongType),
        (r#"{"to":"bob","amount":1,"more":2}"#, "more", UnknownField),
        (r#"{"to":"bob","amount":1,"parts":[[1,"a"],[1,2]]}"#, "parts[1][1]", WrongType),
        (r#"{"to":"bob","amount":1,"parts":[[1,"a",3]]}"#, "parts[0]", WrongValue),
        (r#"{"to":"bob","amount":1,"kind":"x"}"#, "kind", WrongValue),
        (r#"{"to":"bob","amount":1,"kind":{"frozen":{}}}"#, "kind.frozen.days", MissingField),
        (r#"[]"#, "", WrongValue),
        (r#""x""#, "", WrongType),
    ] {
        assert_eq!(json::<Payment>(text).unwrap_err(), fault(path, kind), "{text}");
    }
    let long = "n".repeat(1_000);
    let told = json::<Payment>(&format!(r#"{{"to":"bob","amount":1,"{long}":2}}"#)).unwrap_err().path;
    assert_eq!(told.len(), 128);
}

/// T63: a number of a form is one as JSON writes it.
#[test]
fn t63_numbers_of_a_form_are_read_by_the_rules_of_json() {
    use BodyFaultKind::*;
    let payment = form::<Payment>("to=b%C3%B6b+x&amount=10&rate=0.5&urgent=true&kind=wire").unwrap();
    let want = r#"{"to":"böb x","amount":10,"rate":0.5,"urgent":true,"kind":"wire"}"#;
    assert_eq!(payment, json::<Payment>(want).unwrap());
    for (amount, kind) in [
        ("%2B5", Number),
        ("05", Number),
        ("1e3", Number),
        ("-0", Number),
        ("9007199254740993", Number),
        ("inf", Number),
        ("", WrongType),
        ("+5", WrongType),
        ("5+", WrongType),
        ("0x5", WrongType),
        ("1,000", WrongType),
        ("-5", WrongValue),
    ] {
        let text = format!("to=bob&amount={amount}");
        assert_eq!(form::<Payment>(&text).unwrap_err(), fault("amount", kind), "{text}");
    }
    assert_eq!(form::<Payment>("to=b&amount=1&urgent=on").unwrap_err(), fault("urgent", WrongType));
    assert_eq!(form::<Payment>("to=b&amount=1&more=on").unwrap_err(), fault("more", UnknownField));
    let all: BTreeMap<String, String> = form("a=1&b=").unwrap();
    assert_eq!(all, BTreeMap::from([("a".into(), "1".into()), ("b".into(), String::new())]));
}

/// What becomes of a body that is not there is the type's affair.
#[test]
fn no_body_is_what_the_type_makes_of_it() {
    #[derive(Debug, Default, Deserialize, PartialEq)]
    struct Close {
        reason: Option<String>,
    }
    assert_eq!(Document::Nothing.decode::<Close>(), Ok(Close::default()));
    assert_eq!(Document::Nothing.decode::<()>(), Ok(()));
    assert_eq!(Document::Nothing.decode::<Option<Payment>>(), Ok(None));
    let missing = fault("to", BodyFaultKind::MissingField);
    assert_eq!(Document::Nothing.decode::<Payment>().unwrap_err(), missing);
    assert_eq!(form::<Payment>("").unwrap_err(), missing);
    assert_eq!(Document::Nothing.decode::<String>().unwrap_err().kind, BodyFaultKind::WrongType);
}

/// T27, T39: no two documents share a digest, however their parts could run into each other.
#[test]
fn t27_t39_each_document_has_a_digest_of_its_own() {
    let mut digests: BTreeMap<[u8; 32], String> = BTreeMap::new();
    let texts = [
        "null",
        "true",
        "false",
        "1",
        "1.0",
        "\"1\"",
        "\"null\"",
        "[]",
        "{}",
        "[1]",
        "[[1]]",
        "[1,1]",
        "[[],1]",
        "[[1],[]]",
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
        r#"{"a":[1]}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"b":2,"a":1}"#,
        r#"{"a":{"b":2}}"#,
        r#"[{"a":1},{"b":2}]"#,
        r#"[{"a":1,"b":2}]"#,
        r#"["a",1]"#,
        r#"{"a":null}"#,
        r#"{"a":"null"}"#,
        r#"{"":1}"#,
    ];
    let mut add = |document: &Document, kind: &str, shown: String| {
        let same = digests.insert(document.digest(kind).0, shown.clone());
        assert_eq!(same, None, "{shown}");
    };
    for text in texts {
        add(&Document::Json(strict_json::parse(text.as_bytes()).unwrap()), "T", text.into());
        add(&Document::Json(strict_json::parse(text.as_bytes()).unwrap()), "U", format!("another type's {text}"));
    }
    for text in ["a=1", "a=", "a=1&b=2", "b=2&a=1", "a=1%26b%3D2", ""] {
        add(&Document::Form(strict_form::parse(text.as_bytes()).unwrap()), "T", text.into());
    }
    add(&Document::Nothing, "T", "nothing".into());
    assert_eq!(digests.len(), texts.len() * 2 + 7);
    // What stands between the parts, and how a character is written, is not of the value.
    let one = strict_json::parse(b"{\"a\":[1,\"\\u0062\"]}").unwrap();
    let other = strict_json::parse(b" { \"\\u0061\" :\n[ 1 , \"b\" ] }\t").unwrap();
    assert_eq!(Document::Json(one).digest("T"), Document::Json(other).digest("T"));
}
