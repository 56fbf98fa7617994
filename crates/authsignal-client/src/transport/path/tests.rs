//! Base URLs, segments and queries, by table and by generated texts.
use std::collections::HashMap;

use percent_encoding::percent_decode_str;
use proptest::prelude::*;

use super::*;
use crate::UserId;

/// T76
#[test]
fn base_urls() {
    let accepted = [
        ("https://api.authsignal.com/v1", "https://api.authsignal.com/v1"),
        ("https://api.authsignal.com/v1/", "https://api.authsignal.com/v1"),
        ("https://api.authsignal.com/v1//", "https://api.authsignal.com/v1"),
        ("https://api.authsignal.com", "https://api.authsignal.com/"),
        ("https://api.authsignal.com/", "https://api.authsignal.com/"),
        ("HTTPS://API.Authsignal.com:443/v1", "https://api.authsignal.com/v1"),
        ("https://proxy.internal:8443/authsignal/v1", "https://proxy.internal:8443/authsignal/v1"),
        ("https://10.0.0.7/v1", "https://10.0.0.7/v1"),
        ("https://[2001:db8::1]/v1", "https://[2001:db8::1]/v1"),
        ("http://localhost:9000/v1", "http://localhost:9000/v1"),
        ("http://LOCALHOST/v1", "http://localhost/v1"),
        ("http://auth.localhost:4000/v1", "http://auth.localhost:4000/v1"),
        ("http://127.0.0.1:9000/v1", "http://127.0.0.1:9000/v1"),
        ("http://127.8.9.10/v1", "http://127.8.9.10/v1"),
        ("http://0x7f.1/v1", "http://127.0.0.1/v1"),
        ("http://[::1]:9000/v1", "http://[::1]:9000/v1"),
    ];
    for (text, expected) in accepted {
        assert_eq!(base_url(text, None).as_ref().map(Url::as_str), Ok(expected), "{text}");
    }
    let refused = [
        "",
        "/v1",
        "api.authsignal.com/v1",
        "//api.authsignal.com/v1",
        "https://",
        "https:///",
        "http://api.authsignal.com/v1",
        "http://169.254.169.254/latest/meta-data",
        "http://[fd00:ec2::254]/",
        "http://10.0.0.7/v1",
        "http://192.168.1.1/",
        "http://0.0.0.0:9000/v1",
        "http://[::]:9000/v1",
        "http://[::ffff:127.0.0.1]/v1",
        "http://128.0.0.1/",
        "http://2130706434.example/",
        "http://localhost.example.com/v1",
        "http://localhost./v1",
        "http://evil.localhost./v1",
        "http://emulator:4000/v1",
        "http://127.0.0.1.example.com/v1",
        "http://127.0.0.1@example.com/v1",
        "http://localhost\\@example.com/v1",
        "http://localhost:80\\.example.com/",
        "https://user@api.authsignal.com/v1",
        "https://user:pass@api.authsignal.com/v1",
        "https://:pass@api.authsignal.com/v1",
        "https://api.authsignal.com/v1?x=1",
        "https://api.authsignal.com/v1?",
        "https://api.authsignal.com/v1#f",
        "https://api.authsignal.com/v1#",
        "https://api.authsignal.com/ v1",
        " https://api.authsignal.com/v1",
        "https://api.authsignal.com/v1\n",
        "https://api.auth\tsignal.com/v1",
        "https://api.authsignal.com:99999/v1",
        "ftp://localhost/v1",
        "file:///etc/passwd",
        "ws://localhost/v1",
        "unix:/run/authsignal.sock",
        "data:text/plain,hello",
        "javascript:alert(1)",
    ];
    for text in refused {
        assert!(matches!(base_url(text, None), Err(ConfigError::BaseUrl { .. })), "{text:?}");
    }
}

/// T76: a host that was named takes http, and nothing that merely looks like it does.
#[test]
fn http_to_a_named_host() {
    let opened = |named: &str, text: &str| base_url(text, Some(&Host::parse(named).unwrap())).is_ok();
    for (named, text) in [
        ("emulator", "http://emulator:4000/v1"),
        ("EMULATOR", "http://Emulator/v1"),
        ("172.17.0.2", "http://172.17.0.2:4000/v1"),
        ("[fd00::2]", "http://[fd00::2]:4000/v1"),
        ("emulator", "http://localhost:4000/v1"),
        ("emulator", "https://api.authsignal.com/v1"),
    ] {
        assert!(opened(named, text), "{named}: {text}");
    }
    for (named, text) in [
        ("emulator", "http://emulator.example.com/v1"),
        ("emulator", "http://my.emulator/v1"),
        ("emulator", "http://emulator./v1"),
        ("emulator", "http://api.authsignal.com/v1"),
        ("emulator", "http://emulator@evil.example/v1"),
        ("emulator", "http://user@emulator/v1"),
        ("emulator", "http://emulator/v1?x=1"),
        ("emulator", "ftp://emulator/v1"),
        ("172.17.0.2", "http://172.17.0.3/v1"),
    ] {
        assert!(!opened(named, text), "{named}: {text}");
    }
}

const BASE: &str = "https://api.authsignal.com/v1";

/// An address as a URL parser reads it, which changes nothing of it.
fn as_url(uri: Result<Uri, Error>) -> Result<Url, Error> {
    let text = uri?.to_string();
    let url = Url::parse(&text).unwrap();
    assert_eq!(url.as_str(), text, "a URL parser reads something else");
    Ok(url)
}

fn action_url(user: &str) -> Result<Url, Error> {
    as_url(endpoint(BASE, &["users", user, "actions", "pay"]))
}

/// The user id that a server reads out of the path, if the path is one of ours at all.
fn read_back(url: &Url) -> Option<String> {
    let rest = url.as_str().strip_prefix("https://api.authsignal.com/v1/users/")?;
    let segment = rest.strip_suffix("/actions/pay")?;
    let decoded = percent_decode_str(segment).decode_utf8().ok()?;
    (!segment.contains(['/', '?', '#', '\\'])).then(|| decoded.into_owned())
}

/// M5, M6, T70: each is refused, or it is exactly one segment that reads back as itself.
#[test]
fn hostile_ids_stay_one_segment() {
    let hostile = [
        "..",
        ".",
        "...",
        "%2e%2e",
        "%2E%2e",
        "%2e",
        ".%2e",
        "%252e%252e",
        "\\..",
        "..\\",
        "a/b",
        "a/../b",
        "../x",
        "/",
        "//",
        "a?b",
        "?",
        "a#b",
        "#",
        "a%b",
        "%",
        "%%",
        "%zz",
        "%00",
        "a b",
        " ",
        "a+b",
        "+",
        "a;b",
        "a&b=c",
        "a:b",
        "@",
        "user@example.com",
        "auth0|abc",
        "a\\b",
        "\\",
        "",
        "\t",
        "a\tb",
        "\n",
        "\r\n",
        "\0",
        "a\u{7f}",
        "\u{85}",
        "é",
        "e\u{301}",
        "\u{202e}",
        "\u{feff}",
        "\u{fffd}",
        "日本",
        "😀",
        "~",
        "-",
        "_",
        "'",
        "\"",
        "<>",
        "{}",
        "[]",
        "^",
        "`",
        "http://example.com/",
        "//example.com",
        "javascript:",
    ];
    let mut seen = HashMap::new();
    for id in hostile {
        match action_url(id) {
            Ok(url) => {
                assert_eq!(read_back(&url).as_deref(), Some(id), "{url}");
                assert_eq!(seen.insert(url.to_string(), id), None, "two ids, one path");
            }
            Err(error) => assert_eq!(error.kind(), crate::ErrorKind::InvalidInput, "{id:?}"),
        }
    }
    for refused in ["..", ".", ""] {
        assert!(action_url(refused).is_err(), "{refused:?} even where nobody checked it before");
    }
    for taken in ["%2e%2e", "a/b", "a?b", "a#b", "auth0|abc", "a b", "a+b"] {
        assert!(action_url(taken).is_ok(), "{taken:?}");
    }
}

/// T70: 500 ids put together from the pieces that parsers trip over.
#[test]
fn ids_of_troublesome_pieces_never_collide() {
    const PIECES: [&str; 23] = [
        "", ".", "..", "%2e", "%2E", "%", "2e", "/", "\\", "?", "#", "a", "A", " ", "+", "%20", "%2B", "%2f", "é",
        "\t", ";", "@", ":",
    ];
    let mut seen = HashMap::new();
    for first in PIECES {
        for second in PIECES {
            let id = format!("{first}{second}");
            let Ok(url) = UserId::new(&id).map_err(drop).and_then(|id| action_url(id.as_str()).map_err(drop)) else {
                continue;
            };
            assert_eq!(read_back(&url).as_deref(), Some(id.as_str()));
            let other = seen.insert(url.to_string(), id.clone());
            assert!(other.is_none_or(|other| other == id), "{id:?} collides");
        }
    }
    assert!(seen.len() > 350, "only {} ids were tried", seen.len());
}

fn queried<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Url {
    as_url(with_query(&endpoint(BASE, &["users"]).unwrap(), pairs.into_iter())).unwrap()
}

#[test]
fn queries() {
    let table: [(&[(&str, &str)], &str); 5] = [
        (&[], ""),
        (&[("phoneNumber", "+64270000000")], "?phoneNumber=%2B64270000000"),
        (&[("a", "b c"), ("d", "e&f=g#h?i")], "?a=b%20c&d=e%26f%3Dg%23h%3Fi"),
        (&[("a", ""), ("a", "é%")], "?a=&a=%C3%A9%25"),
        (&[("email", "a.b-c_d~e@example.com")], "?email=a.b-c_d~e%40example.com"),
    ];
    for (pairs, expected) in table {
        assert_eq!(queried(pairs.iter().copied()).as_str(), format!("{BASE}/users{expected}"));
    }
}

proptest! {
    /// Whatever is asked for is what a server reads, whether it takes a `+` for a space or not.
    #[test]
    fn queries_read_back(pairs in prop::collection::vec((any::<String>(), any::<String>()), 0..5)) {
        let url = queried(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let form: Vec<_> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(&form, &pairs);
        let decoded = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let parts = url.query().into_iter().flat_map(|query| query.split('&'));
        let plain: Vec<_> = parts
            .map(|part| part.split_once('=').unwrap())
            .map(|(name, value)| (decoded(name), decoded(value)))
            .collect();
        prop_assert_eq!(&plain, &pairs);
        prop_assert_eq!(url.path(), "/v1/users");
        prop_assert!(url.fragment().is_none());
    }

    /// T70: the path of an id is one-to-one, and reads back.
    #[test]
    fn one_id_one_path(left in any::<String>(), right in any::<String>()) {
        let [one, other] = [&left, &right].map(|id| action_url(id).ok());
        if let Some(url) = &one {
            prop_assert_eq!(read_back(url), Some(left.clone()));
        } else {
            prop_assert!(UserId::new(&left).is_err(), "a valid id was refused");
        }
        if let (Some(one), Some(other)) = (one, other) {
            prop_assert_eq!(one == other, left == right);
        }
    }

    /// T70: neither do two ids and a key next to each other run into each other.
    #[test]
    fn segments_do_not_run_together(left in "[a./%?#\\\\]{1,4}", right in "[a./%?#\\\\]{1,4}") {
        let address = |segments: &[&str]| as_url(endpoint(BASE, segments));
        let (one, other) = (address(&[&left, &right]), address(&[&right, &left]));
        if let (Ok(one), Ok(other)) = (one, other) {
            prop_assert_eq!(one == other, left == right);
            prop_assert_eq!(one.path_segments().map(Iterator::count), Some(3));
        }
    }
}
