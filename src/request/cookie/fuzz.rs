//! Cookie headers, from a kept corpus and at random, read a second time byte by byte.
use super::*;
use crate::fuzz::{Target, fuzz};

const TARGET: Target = Target {
    name: "cookie",
    share: 20_000,
    words: &[
        "; ",
        ";",
        "\n",
        "__Host-authsignal=",
        "authsignal=",
        "; __Host-authsignal=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "; authsignal=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA.c",
        ".c",
        "\u{2000}",
        "\"",
        "a=b",
    ],
};

/// What stands behind our name, in each cookie that has it.
fn ours<'a>(lines: &[&'a [u8]], name: &str) -> Vec<&'a [u8]> {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let pairs = lines.iter().flat_map(|line| line.split(|byte| *byte == b';'));
    let trimmed = pairs.map(|pair| {
        let start = pair.iter().position(|byte| !is_blank(byte)).unwrap_or(pair.len());
        let end = pair.iter().rposition(|byte| !is_blank(byte)).map_or(start, |last| last + 1);
        &pair[start..end]
    });
    trimmed.filter_map(|pair| pair.strip_prefix(name.as_bytes())?.strip_prefix(b"=")).collect()
}

/// Whether it is 32 bytes in base64url, written in the one way there is, with or without the mark.
fn is_written_by_us(value: &[u8]) -> bool {
    let id = value.strip_suffix(b".c").unwrap_or(value);
    let is_letter = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    id.len() == 43 && id.iter().all(is_letter) && b"AEIMQUYcgkosw048".contains(&id[42])
}

/// T88, T113: a cookie is taken exactly where there is one of our very name, and it is what we write to the byte.
#[test]
fn t88_t113_a_fuzzed_cookie_is_taken_only_as_we_write_it() {
    fuzz(&TARGET, |input, _| {
        let lines: Vec<_> = input.split(|byte| *byte == b'\n').collect();
        let values: Result<Vec<_>, _> = lines.iter().map(|line| HeaderValue::from_bytes(line)).collect();
        let Ok(values) = values else { return false };
        let headers: HeaderMap = values.into_iter().map(|value| (header::COOKIE, value)).collect();
        let mut taken = false;
        for kind in [CookieKind::Secure, CookieKind::Loopback] {
            let known = kind.known(&headers);
            let wanted = match ours(&lines, kind.name())[..] {
                [value] if is_written_by_us(value) => Some(value),
                _ => None,
            };
            let written = known.as_ref().map(|known| {
                let mark = if known.was_challenged { ".c" } else { "" };
                format!("{}{mark}", URL_SAFE_NO_PAD.encode(known.id.as_bytes())).into_bytes()
            });
            assert_eq!(written.as_deref(), wanted, "{kind:?}");
            kind.early(&Method::GET, &headers);
            taken |= known.is_some();
        }
        taken
    });
}
