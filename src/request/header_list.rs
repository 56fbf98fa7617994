//! Takes header values apart at separators outside quoted strings (RFC 9110, section 5.6).
use http::{HeaderMap, HeaderName};

/// The members of a list, over all lines of that name and in order, trimmed; an unreadable line has none.
pub(crate) fn members<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers.get_all(name).iter().filter_map(|line| line.to_str().ok()).flat_map(|line| split(line, b','))
}

/// A member and its parameters, trimmed: `prefetch;prerender` is `prefetch` and then `prerender`.
pub(crate) fn parameters(member: &str) -> impl Iterator<Item = &str> {
    split(member, b';')
}

/// The weight of a member in thousandths (RFC 9110, section 12.4.2). One that is no weight counts as none: 0.
pub(crate) fn weight(member: &str) -> u16 {
    let weights = parameters(member).skip(1).filter_map(|parameter| parameter.split_once('='));
    let mut weights = weights.filter(|(name, _)| name.trim().eq_ignore_ascii_case("q"));
    let Some((_, value)) = weights.next() else { return 1000 };
    let value = value.trim();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    if fraction.len() > 3 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    match whole {
        "0" => format!("{fraction:0<3}").parse().unwrap_or(0),
        "1" if fraction.bytes().all(|byte| byte == b'0') => 1000,
        _ => 0,
    }
}

fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (mut quoted, mut escaped) = (false, false);
        let end = text.bytes().position(|byte| {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ => return byte == separator && !quoted,
            }
            false
        });
        let (first, behind) = match end {
            Some(end) => (&text[..end], Some(&text[end + 1..])),
            None => (text, None),
        };
        rest = behind;
        Some(first.trim_matches([' ', '\t']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_separator_in_quotes_separates_nothing() {
        let cases: [(&str, &[&str]); 8] = [
            ("", &[""]),
            ("a", &["a"]),
            ("a, b\t,c", &["a", "b", "c"]),
            ("a,,b,", &["a", "", "b", ""]),
            (r#"a;x="1,2", b"#, &[r#"a;x="1,2""#, "b"]),
            (r#"a;x="\",", b"#, &[r#"a;x="\",""#, "b"]),
            (r#""a, b"#, &[r#""a, b"#]),
            (r"a\,b", &[r"a\", "b"]),
        ];
        for (text, want) in cases {
            assert_eq!(split(text, b',').collect::<Vec<_>>(), want, "{text}");
        }
    }

    #[test]
    fn weights_are_read_as_the_standard_writes_them() {
        let cases = [
            ("a", 1000),
            ("a;q=1", 1000),
            ("a;q=1.000", 1000),
            ("a; Q = 0.5", 500),
            ("a;level=1;q=0.25", 250),
            ("a;q=0.001", 1),
            ("a;q=0", 0),
            ("a;q=0.", 0),
            ("a;q=0.0", 0),
            ("a;q=1.1", 0),
            ("a;q=0.1234", 0),
            ("a;q=", 0),
            ("a;q=-1", 0),
            ("a;q=.5", 0),
            ("a;q=half", 0),
            ("a;q=0.5;q=1", 500),
            ("a;x=\";q=0\"", 1000),
            ("a;quality=0", 1000),
        ];
        for (member, want) in cases {
            assert_eq!(weight(member), want, "{member}");
        }
    }
}
