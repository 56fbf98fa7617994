//! The query of the callback's address, from a kept corpus and at random, read a second time by hand.
use percent_encoding::percent_decode_str;

use super::*;
use crate::fuzz::{Target, fuzz};

const TARGET: Target = Target {
    name: "callback_query",
    share: 20_000,
    words: &[
        "flow=",
        "&flow=",
        "token=",
        "&token=",
        "&%74oken=a",
        "&kept=",
        "&hop=1",
        "&outcome=store",
        "&",
        "=",
        "%00",
        "+",
    ],
};

/// Names and values as the URL standard reads them.
fn pairs(query: &str) -> Vec<(String, String)> {
    let text = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// T11: what is taken has one flow and at most one token, both plain, and says nothing that its parameters do not.
#[test]
fn t11_a_fuzzed_query_is_taken_only_as_it_reads() {
    fuzz(&TARGET, |input, _| {
        let Ok(text) = std::str::from_utf8(input) else { return false };
        is_bearers(text);
        let Some(query) = Query::parse(text) else { return false };
        let pairs = pairs(text);
        let all = |wanted: &str| -> Vec<&str> {
            pairs.iter().filter(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).collect()
        };
        assert!(text.len() <= 8192);
        assert_eq!(all("flow"), [query.ticket.to_string()]);
        assert_eq!(all("token"), query.token.iter().collect::<Vec<_>>());
        if let Some(token) = &query.token {
            assert!((1..=4096).contains(&token.len()) && token.bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(!token.contains(['"', '<', '>', '&', '\'', '%', '\\']));
        }
        assert_eq!(all("kept").first().copied(), query.carried.as_deref());
        assert_eq!(!all("hop").is_empty(), query.hopped);
        let outcome = query.outcome.as_ref().map(|reason| code_of(reason).unwrap());
        let known = |code: &&str| OUTCOMES.iter().any(|(name, _)| name == code);
        assert_eq!(all("outcome").into_iter().find(known), outcome);
        assert_eq!(has_token(text), query.token.is_some());
        true
    });
}
