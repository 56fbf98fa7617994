//! The languages that a browser asks for.
use std::cmp::Reverse;

use http::{HeaderMap, header};

use crate::request::header_list::{members, parameters, weight};

/// The most languages of a header that are looked at, and the longest tag in bytes (RFC 5646, section 4.4.1).
const MAX_LANGUAGES: usize = 32;
const MAX_TAG: usize = 35;

/// The language tags of `Accept-Language`, those with the greatest weight first, and of equals in order (RFC 9110, section
/// 12.5.4). `*`, what is no tag, and what is not wanted at all is passed over.
pub(crate) fn accepted(headers: &HeaderMap) -> Vec<&str> {
    let ranges = members(headers, &header::ACCEPT_LANGUAGE).take(MAX_LANGUAGES);
    let weighed = ranges.map(|range| (parameters(range).next().unwrap_or_default(), weight(range)));
    let mut wanted: Vec<_> = weighed.filter(|(tag, weight)| *weight > 0 && is_tag(tag)).collect();
    wanted.sort_by_key(|(_, weight)| Reverse(*weight));
    wanted.into_iter().map(|(tag, _)| tag).collect()
}

/// The first of them.
pub(crate) fn preferred(headers: &HeaderMap) -> Option<&str> {
    let mut best: Option<(u16, &str)> = None;
    for range in members(headers, &header::ACCEPT_LANGUAGE).take(MAX_LANGUAGES) {
        let (tag, weight) = (parameters(range).next().unwrap_or_default(), weight(range));
        if weight > best.map_or(0, |(best, _)| best) && is_tag(tag) {
            best = Some((weight, tag));
        }
    }
    best.map(|(_, tag)| tag)
}

/// Whether it is written as a tag of a language is (BCP 47).
pub(crate) fn is_tag(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    tag.len() <= MAX_TAG
        && (2..=8).contains(&language.len())
        && language.bytes().all(|byte| byte.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn languages_are_in_the_order_of_their_weights() {
        let all = HeaderMap::from_iter([(
            header::ACCEPT_LANGUAGE,
            HeaderValue::from_static("fr;q=0.5, de-AT, *, en;q=0.5, es;q=0, it;q=0.7"),
        )]);
        assert_eq!(accepted(&all), ["de-AT", "it", "fr", "en"]);
    }

    #[test]
    fn the_language_with_the_greatest_weight_is_first() {
        let long = format!("en-{}", ["abcdefgh"; 4].join("-"));
        let many = format!("{}de", "*,".repeat(MAX_LANGUAGES));
        let cases: [(&[&str], Option<&str>); 24] = [
            (&["en"], Some("en")),
            (&["en-NZ"], Some("en-NZ")),
            (&["de-CH-1996"], Some("de-CH-1996")),
            (&["zh-Hans-CN, zh;q=0.9"], Some("zh-Hans-CN")),
            (&["de-AT,de;q=0.9,en;q=0.8"], Some("de-AT")),
            (&["en;q=0.8, de"], Some("de")),
            (&["en;q=0.8, de;q=0.9"], Some("de")),
            (&["en;q=0.5,de;q=0.5"], Some("en")),
            (&["en;q=0.1", "fr;q=0.2"], Some("fr")),
            (&["*, en;q=0.5"], Some("en")),
            (&["*"], None),
            (&["en;q=0"], None),
            (&["en;q=0, de;q=0.001"], Some("de")),
            (&["en;q=x"], None),
            (&[""], None),
            (&["e"], None),
            (&["x-private"], None),
            (&["en_US, de;q=0.1"], Some("de")),
            (&["en-, de;q=0.1"], Some("de")),
            (&["<script>, de;q=0.1"], Some("de")),
            (&["en-US.UTF-8"], None),
            (&["\"en\""], None),
            (&[&long], None),
            (&[&many], None),
        ];
        for (lines, want) in cases {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(header::ACCEPT_LANGUAGE, HeaderValue::from_str(line).unwrap());
            }
            assert_eq!(preferred(&headers), want, "{lines:?}");
            assert_eq!(accepted(&headers).first().copied(), want, "{lines:?}");
        }
    }
}
