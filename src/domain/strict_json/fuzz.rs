//! Bodies in JSON, from a kept corpus and at random, read a second time by serde_json.
use serde_json::Value;

use super::super::document::{Document, Node, is_plain_number};
use super::*;
use crate::fuzz::{Target, fuzz};

const TARGET: Target = Target {
    name: "strict_json",
    share: 20_000,
    words: &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "\\u0061",
        "\\ud83d\\ude00",
        "\\ud800",
        "\\u0000",
        "\\n",
        "\"a\":",
        "\"A\":1,",
        "null",
        "true",
        "-0",
        "1e3",
        "0.1",
        "9007199254740991",
        "9007199254740992",
        " ",
        "\u{feff}",
        "é",
    ],
};

/// Numbers and names below a node that no strict reading takes.
fn faults(node: &Node) -> usize {
    let doubled = |members: &[(String, Node)]| {
        let is_doubled =
            |at: usize| members[..at].iter().any(|(name, _)| name.to_lowercase() == members[at].0.to_lowercase());
        (0..members.len()).filter(|at| is_doubled(*at)).count()
    };
    match node {
        Node::Number(text) => usize::from(!is_plain_number(text)),
        Node::Text(text) => usize::from(text.contains('\0')),
        Node::List(nodes) => nodes.iter().map(faults).sum(),
        Node::Object(members) => doubled(members) + members.iter().map(|(_, node)| faults(node)).sum::<usize>(),
        Node::Null | Node::Bool(_) => 0,
    }
}

/// A value written anew: equal values are written alike.
fn written(node: &Node) -> String {
    let text = |text: &str| serde_json::to_string(text).unwrap();
    match node {
        Node::Null => "null".into(),
        Node::Bool(flag) => flag.to_string(),
        Node::Number(number) => number.clone(),
        Node::Text(value) => text(value),
        Node::List(nodes) => format!("[{}]", nodes.iter().map(written).collect::<Vec<_>>().join(",")),
        Node::Object(members) => {
            let members = members.iter().map(|(name, node)| text(name) + ":" + &written(node));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
    }
}

/// T63: what is taken is what serde_json reads, has nothing twice and no number that is not plain, and its digest is that of
/// the value, however it is written.
#[test]
fn t63_fuzzed_json_is_taken_only_as_serde_json_reads_it() {
    fuzz(&TARGET, |input, _| {
        let Ok(node) = parse(input) else { return false };
        assert_eq!(faults(&node), 0);
        let ours: Value = Document::Json(node.clone()).decode().unwrap();
        assert_eq!(ours, serde_json::from_slice::<Value>(input).unwrap());
        let again = parse(written(&node).as_bytes()).unwrap();
        assert_eq!(again, node);
        assert_eq!(Document::Json(again).digest("T"), Document::Json(node).digest("T"));
        true
    });
}
