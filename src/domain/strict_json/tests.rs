use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;

use super::super::document::Document;
use super::*;

/// T63: what is refused, and as what.
#[test]
fn t63_what_programs_read_differently_is_refused() {
    use BodyFaultKind::*;
    let table: &[(&[u8], &str, BodyFaultKind)] = &[
        (b"", "", Syntax),
        (b" ", "", Syntax),
        (b"\xef\xbb\xbf{}", "", ByteOrderMark),
        (b"\xff\xfe{\0}\0", "", NotUtf8),
        (b"{\"a\":\"\xe9\"}", "", NotUtf8),
        (b"{\"a\":\"\xed\xa0\x80\"}", "", NotUtf8),
        (b"{}{}", "", Syntax),
        (b"{} //", "", Syntax),
        (b"{\"a\":1,}", "", Syntax),
        (b"[1,]", "[1]", Syntax),
        (b"[,1]", "[0]", Syntax),
        (b"{'a':1}", "", Syntax),
        (b"{a:1}", "", Syntax),
        (b"{\"a\" 1}", "a", Syntax),
        (b"[NaN]", "[0]", Syntax),
        (b"[Infinity]", "[0]", Syntax),
        (b"[-Infinity]", "[0]", Syntax),
        (b"[nul]", "[0]", Syntax),
        (b"[True]", "[0]", Syntax),
        (b"[0x10]", "", Syntax),
        (b"[+1]", "[0]", Syntax),
        (b"[.5]", "[0]", Syntax),
        (b"[5.]", "[0]", Syntax),
        (b"[01]", "[0]", Syntax),
        (b"[-01]", "[0]", Syntax),
        (b"[1e]", "[0]", Syntax),
        (b"[--1]", "[0]", Syntax),
        (b"[\"\x01\"]", "[0]", Syntax),
        (b"[\"\\x41\"]", "[0]", Syntax),
        (b"[\"\\u12G4\"]", "[0]", Syntax),
        (b"[\"\\u+123\"]", "[0]", Syntax),
        (b"[\"a", "[0]", Syntax),
        (b"[\"\\", "[0]", Syntax),
        (b"[\x0b1]", "[0]", Syntax),
        ("[\u{a0}1]".as_bytes(), "[0]", Syntax),
        (b"{\"a\":1,\"a\":2}", "a", DuplicateName),
        (b"{\"a\":1,\"a\":1}", "a", DuplicateName),
        (b"{\"a\":1,\"\\u0061\":2}", "a", DuplicateName),
        (b"{\"amount\":1,\"Amount\":2}", "Amount", DuplicateName),
        ("{\"é\":1,\"É\":2}".as_bytes(), "É", DuplicateName),
        (b"{\"a\":[{\"b\":{\"c\":1,\"c\":2}}]}", "a[0].b.c", DuplicateName),
        (b"{\"__proto__\":1,\"__proto__\":2}", "__proto__", DuplicateName),
        (b"[9007199254740992]", "[0]", Number),
        (b"[9007199254740993]", "[0]", Number),
        (b"[-9007199254740992]", "[0]", Number),
        (b"[18446744073709551616]", "[0]", Number),
        (b"[1e3]", "[0]", Number),
        (b"[1E400]", "[0]", Number),
        (b"[1.5e-3]", "[0]", Number),
        (b"[0e0]", "[0]", Number),
        (b"[-0]", "[0]", Number),
        (b"[-0.0]", "[0]", Number),
        (b"[0.1000000000000000055]", "[0]", Number),
        (b"[1234567890123456.5]", "[0]", Number),
        (b"[0.00000000000000000000000001]", "[0]", Number),
        (b"{\"a\":{\"b\":[1,2,1e9]}}", "a.b[2]", Number),
        (b"[\"\\ud800\"]", "[0]", Character),
        (b"[\"\\udc00\"]", "[0]", Character),
        (b"[\"\\ud800\\u0041\"]", "[0]", Character),
        (b"[\"\\ud800\\ud800\"]", "[0]", Character),
        (b"[\"\\u0000\"]", "[0]", Character),
        (b"{\"a\\u0000b\":1}", "", Character),
    ];
    for (body, path, kind) in table {
        let fault = parse(body).unwrap_err();
        assert_eq!((fault.path.as_str(), fault.kind), (*path, *kind), "{}", body.escape_ascii());
    }
    println!("{} bodies refused", table.len());
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    assert!(parse(nested(MAX_DEPTH).as_bytes()).is_ok());
    assert_eq!(parse(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err().kind, TooDeep);
    assert_eq!(parse("[".repeat(1 << 20).as_bytes()).unwrap_err().kind, TooDeep);
}

#[test]
fn what_everybody_reads_alike_is_taken() {
    for text in [
        "null",
        " \t\r\n[ ] ",
        "9007199254740991",
        "-9007199254740991",
        "0.1",
        "10.50",
        "-0.5",
        "123456789012345",
        "12345678901.2345",
        "0.0000000001",
        r#"{"a":{"a":1},"b":[{"a":2},{"a":3}]}"#,
        r#"["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]"#,
    ] {
        let node = parse(text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        let value: Value = Document::Json(node).decode().unwrap();
        assert_eq!(value, serde_json::from_str::<Value>(text).unwrap(), "{text}");
    }
}

/// Bodies on which readers of JSON are known to differ, or which look as if: made of what they differ in, in every place.
fn payloads() -> Vec<Vec<u8>> {
    let values = [
        "1",
        "-1",
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1.0",
        "1.10",
        "0.1",
        "0.30000000000000004",
        "1e3",
        "1E3",
        "1e-7",
        "1e400",
        "-1e400",
        "9007199254740991",
        "9007199254740992",
        "9007199254740993",
        "-9007199254740993",
        "18446744073709551615",
        "18446744073709551616",
        "123456789012345.6",
        "0.1234567890123456789",
        "1e",
        "01",
        "+1",
        ".5",
        "5.",
        "0x1f",
        "1_000",
        "NaN",
        "Infinity",
        "-Infinity",
        "null",
        "nil",
        "true",
        "True",
        "\"\"",
        "\"1\"",
        "\"\\u0061\"",
        "\"\\u0000\"",
        "\"\\ud83d\\ude00\"",
        "\"\\ud83d\"",
        "\"\\ude00\"",
        "\"\\/\"",
        "\"\\'\"",
        "\"\\a\"",
        "\"\t\"",
        "\"\u{7f}\"",
        "\"\u{2028}\"",
        "\"\u{feff}\"",
        "\"é\"",
        "\"e\u{301}\"",
        "'a'",
        "undefined",
        "[]",
        "{}",
        "[1,]",
        "[,]",
        "[1 2]",
        "[[1],[2]]",
        "// 1\n1",
        "/* */ 1",
        "1 // x",
        "1;",
        "1 2",
        "\u{feff}1",
        "\u{a0}1",
        "\u{c}1",
        "",
    ];
    let mut all: Vec<Vec<u8>> = values.iter().map(|value| value.as_bytes().to_vec()).collect();
    all.extend(values.iter().map(|value| format!("{{\"amount\":{value}}}").into_bytes()));
    all.extend(
        [
            r#"{"a":1,"a":2}"#,
            r#"{"a":2,"\u0061":1}"#,
            r#"{"a":1,"A":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":1,"a\u0000":2}"#,
            r#"{"__proto__":{"admin":true}}"#,
            r#"{"constructor":1,"toString":2}"#,
            r#"{"":1}"#,
            r#"{"a":1,"b":2}"#,
            r#"{"b":2,"a":1}"#,
            r#"{"a":1}}"#,
            r#"{"a":1}{"a":2}"#,
            r#"{"a":1"#,
            r#"{"1":1,"0":2}"#,
            r#"[{"a":1},{"a":2}]"#,
            "{\"\u{e9}\":1,\"e\u{301}\":2}",
        ]
        .map(|text| text.as_bytes().to_vec()),
    );
    all.extend([
        b"{\"a\":\"\xff\"}".to_vec(),
        b"{\"a\":\"\xc0\xaf\"}".to_vec(),
        b"\xff\xfe1\0".to_vec(),
        b"{\"a\":\"\xed\xa0\xbd\"}".to_vec(),
        ["[".repeat(40), "]".repeat(40)].concat().into_bytes(),
        ["[".repeat(20), "]".repeat(20)].concat().into_bytes(),
    ]);
    all
}

/// What Python and Node make of each body, hexadecimal, a line each: the value in one way of writing it, or `refused`.
fn others(program: &str, script: &str, bodies: &[Vec<u8>]) -> Vec<String> {
    let mut child = Command::new(program)
        .args([if program == "node" { "-e" } else { "-c" }, script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let lines: String =
        bodies.iter().map(|body| body.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + "\n").collect();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{program}");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// A value in one way of writing it, whoever read it: doubles by their bits, members sorted, texts by their bytes.
fn shown(value: &Value) -> String {
    let text = |text: &str| format!("s{}", text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>());
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => format!("n{:016x}", number.as_f64().unwrap().to_bits()),
        Value::String(value) => text(value),
        Value::Array(values) => format!("[{}]", values.iter().map(shown).collect::<Vec<_>>().join(",")),
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(name, value)| text(name) + ":" + &shown(value)).collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(","))
        }
    }
}

const PYTHON: &str = r#"
import json, struct, sys
def text(s): return 's' + s.encode('utf-8', 'surrogatepass').hex()
def shown(v):
    if v is None: return 'null'
    if v is True: return 'true'
    if v is False: return 'false'
    if isinstance(v, (int, float)): return 'n' + struct.pack('>d', float(v)).hex()
    if isinstance(v, str): return text(v)
    if isinstance(v, list): return '[' + ','.join(map(shown, v)) + ']'
    return '{' + ','.join(sorted(text(k) + ':' + shown(w) for k, w in v.items())) + '}'
for line in sys.stdin:
    try: print(shown(json.loads(bytes.fromhex(line.strip()))))
    except Exception: print('refused')
"#;

const NODE: &str = r#"
const text = (s) => "s" + Buffer.from(s, "utf8").toString("hex");
const shown = (v) => {
    if (v === null || typeof v === "boolean") return String(v);
    if (typeof v === "number") { const b = Buffer.alloc(8); b.writeDoubleBE(v); return "n" + b.toString("hex"); }
    if (typeof v === "string") return text(v);
    if (Array.isArray(v)) return "[" + v.map(shown).join(",") + "]";
    return "{" + Object.keys(v).map((k) => text(k) + ":" + shown(v[k])).sort().join(",") + "}";
};
for (const line of require("fs").readFileSync(0, "utf8").split("\n").slice(0, -1)) {
    try { console.log(shown(JSON.parse(Buffer.from(line, "hex").toString("utf8")))); } catch { console.log("refused"); }
}
"#;

/// T63: a body that is taken is read as the same value by serde_json, by Python's `json` and by Node's `JSON.parse`; and where these
/// differ among themselves it is not taken.
#[test]
fn t63_what_is_taken_is_read_alike_by_serde_json_python_and_node() {
    let bodies = payloads();
    let (python, node) = (others("python3", PYTHON, &bodies), others("node", NODE, &bodies));
    assert_eq!((python.len(), node.len()), (bodies.len(), bodies.len()));
    let (mut taken, mut differ) = (0, 0);
    for ((body, python), node) in bodies.iter().zip(python).zip(node) {
        let serde = serde_json::from_slice::<Value>(body).map_or_else(|_| "refused".to_owned(), |value| shown(&value));
        let said = body.escape_ascii();
        differ += usize::from(serde != python || python != node);
        let Ok(ours) = parse(body) else { continue };
        taken += 1;
        let ours = shown(&Document::Json(ours).decode::<Value>().unwrap());
        assert_eq!(ours, serde, "serde_json: {said}");
        assert_eq!(ours, python, "Python: {said}");
        assert_eq!(ours, node, "Node: {said}");
    }
    println!(
        "{} bodies: {taken} taken, on which all agree; on {differ} of the rest serde_json, Python and Node do not",
        bodies.len()
    );
    assert!(bodies.len() >= 100 && taken >= 30 && differ >= 20);
}
