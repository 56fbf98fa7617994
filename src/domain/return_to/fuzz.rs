//! Ways back, from a kept corpus and at random, resolved by the URL standard's own parser.
use super::*;
use crate::fuzz::{Target, fuzz};

const TARGET: Target = Target {
    name: "return_path",
    share: 20_000,
    words: &[
        "//",
        "/\\",
        "/.",
        "/..",
        "/%2e",
        "%2f",
        "%5c",
        "%09",
        "%0a",
        "@evil.example",
        "://evil.example",
        "?",
        "#",
        "\u{ff0f}",
        "https:",
        "https://app.example.com",
        ":80",
    ],
};

/// T17, T18: whatever is taken stays on the origin that it is resolved against, decoded once more as well.
#[test]
fn t17_t18_a_fuzzed_way_back_stays_on_the_origin() {
    let bases = ["https://app.example.com/deep/er?x#y", "http://localhost:3000/", "https://[::1]:8443/a/b"];
    let bases = bases.map(|base| Url::parse(base).unwrap());
    fuzz(&TARGET, |input, _| {
        let text = String::from_utf8_lossy(input);
        if let Some(taken) = ReturnTo::of_origin(&text, &bases[0]) {
            assert_eq!(Url::parse(&text).unwrap().origin(), bases[0].origin());
            assert!(ReturnTo::new(taken.as_str()).is_some());
        }
        let Some(taken) = ReturnTo::new(&text) else { return false };
        assert_eq!(taken.as_str(), text);
        assert!(text.len() <= 2048 && text.bytes().all(|byte| byte.is_ascii_graphic()));
        let decoded = percent_decode_str(taken.path()).decode_utf8_lossy();
        for base in &bases {
            let joined = base.join(taken.as_str()).unwrap();
            assert_eq!(joined.origin(), base.origin());
            assert!(!joined.path().starts_with("//") && joined.fragment().is_none() && joined.username().is_empty());
            assert_eq!(base.join(&decoded).unwrap().origin(), base.origin(), "decoded once more");
        }
        if let Ok(uri) = taken.as_str().parse::<http::Uri>() {
            assert_eq!((uri.authority(), uri.scheme()), (None, None));
        }
        // As it is read back from a store.
        let written = serde_json::to_string(&taken).unwrap();
        assert!(serde_json::from_str::<ReturnTo>(&written).unwrap() == taken);
        true
    });
}
