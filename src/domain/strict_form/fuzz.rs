//! Urlencoded forms, from a kept corpus and at random, read a second time by the URL standard's parser.
use super::super::document::Document;
use super::*;
use crate::fuzz::{Target, fuzz};

const TARGET: Target = Target {
    name: "strict_form",
    share: 20_000,
    words: &["&", "=", "+", "%", "%20", "%00", "%FF", "%C3%A9", ";", "a=", "&a=1", "&A=1", "&b=2", "[]", "%61", "%3D"],
};

/// T64: what is taken is what the URL standard reads, has no name twice, and its digest is that of the fields, however they are
/// written.
#[test]
fn t64_a_fuzzed_form_is_taken_only_as_the_standard_reads_it() {
    fuzz(&TARGET, |input, _| {
        let Ok(fields) = parse(input) else { return false };
        let theirs: Vec<(String, String)> = form_urlencoded::parse(input).into_owned().collect();
        let ours: Vec<_> = fields
            .iter()
            .map(|(name, node)| match node {
                Node::Text(text) => (name.clone(), text.clone()),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(ours, theirs);
        for (at, (name, value)) in ours.iter().enumerate() {
            assert!(!ours[..at].iter().any(|(other, _)| other.eq_ignore_ascii_case(name)));
            assert!(!name.is_empty() && !name.contains('\0') && !value.contains('\0'));
        }
        let written = form_urlencoded::Serializer::new(String::new()).extend_pairs(&ours).finish();
        let again = parse(written.as_bytes()).unwrap();
        assert_eq!(Document::Form(again).digest("T"), Document::Form(fields).digest("T"));
        true
    });
}
