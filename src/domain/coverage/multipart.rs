//! Multipart forms: what is left of one without its boundary, which every sending draws anew.
use http::{HeaderMap, header};

use crate::domain::fields::Fields;

/// A multipart form that every parser takes apart at the same places, whatever its boundary (threat T109).
///
/// Parsers differ in what they take for a delimiter: blanks behind it (RFC 2046, section 5.1.1), text before the first
/// one, a lone LF, what a boundary is if it is named twice. So this is the narrowest grammar that clients of today write
/// (browsers, curl, .NET, Python, Go, Node.js), and the boundary occurs nowhere but where it delimits. Whatever else it
/// is, is compared by its bytes, boundary and all.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Multipart<'a> {
    /// The content type before and behind the boundary, with its quotes.
    content_type: (&'a str, &'a str),
    /// Whether a line break stands before the first delimiter, and whether one stands behind the last.
    breaks: (bool, bool),
    /// Each part's headers and content, as they stand between two delimiters.
    parts: Vec<&'a [u8]>,
}

impl<'a> Multipart<'a> {
    pub(crate) fn of(headers: &'a HeaderMap, body: &'a [u8]) -> Option<Self> {
        let mut types = headers.get_all(header::CONTENT_TYPE).iter();
        let content_type = types.next()?.to_str().ok()?;
        if types.next().is_some() || headers.contains_key(header::CONTENT_ENCODING) {
            return None;
        }
        let (before, boundary, behind) = cut_boundary(content_type)?;
        let delimiter = [b"--", boundary.as_bytes()].concat();
        let breaks_first = body.starts_with(b"\r\n");
        let body = body.strip_prefix(b"\r\n").unwrap_or(body);
        let mut rest = body.strip_prefix(delimiter.as_slice())?;
        let mut parts = Vec::new();
        loop {
            if let Some(end) = rest.strip_prefix(b"--") {
                let is_end = end.is_empty() || end == b"\r\n";
                let breaks = (breaks_first, !end.is_empty());
                return is_end.then_some(Self { content_type: (before, behind), breaks, parts });
            }
            rest = rest.strip_prefix(b"\r\n")?;
            // The next occurrence anywhere has to be the next delimiter.
            let at = find(rest, &delimiter)?;
            let part = rest[..at].strip_suffix(b"\r\n")?;
            // A part without an end to its headers has them run on into the next one.
            find(part, b"\r\n\r\n")?;
            parts.push(part);
            rest = &rest[at + delimiter.len()..];
        }
    }

    /// Whether all that is around its parts is as every browser writes it for a form.
    pub(crate) fn is_a_browsers(&self) -> bool {
        self.content_type == ("multipart/form-data; boundary=", "") && self.breaks == (false, true)
    }

    /// Each part's headers and content, as they stand between two delimiters.
    pub(crate) fn parts(&self) -> impl Iterator<Item = &'a [u8]> {
        self.parts.iter().copied()
    }

    pub(super) fn add_to(&self, fields: &mut Fields) {
        fields.add(self.content_type.0);
        fields.add(self.content_type.1);
        fields.add([u8::from(self.breaks.0), u8::from(self.breaks.1)]);
        for part in &self.parts {
            fields.add(part);
        }
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Cuts a content type where its boundary begins and ends, if it names exactly one and nobody reads another.
fn cut_boundary(content_type: &str) -> Option<(&str, &str, &str)> {
    let (essence, mut rest) = content_type.split_once(';')?;
    if !essence.eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let mut found = None;
    loop {
        let (name, value) = rest.trim_start_matches(' ').split_once('=')?;
        let (value, behind, is_fit): (_, _, fn(u8) -> bool) = match value.strip_prefix('"') {
            // `behind` has the quote at its end.
            Some(quoted) => {
                let (value, behind) = quoted.split_at(quoted.find('"')?);
                (value, behind, is_quotable)
            }
            None => {
                let (value, behind) = value.split_at(value.find(';').unwrap_or(value.len()));
                (value, behind, is_token)
            }
        };
        let is_parameter = !name.is_empty() && name.bytes().all(is_token) && value.bytes().all(is_fit);
        if !is_parameter {
            return None;
        }
        // `boundary*0=` is a boundary for whoever reads RFC 2231.
        if name.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("boundary")) {
            let is_plain = name.len() == 8 && is_boundary(value, behind.starts_with('"'));
            if !is_plain || found.is_some() {
                return None;
            }
            let before = content_type.len() - value.len() - behind.len();
            found = Some((&content_type[..before], value, behind));
        }
        match behind.strip_prefix('"').unwrap_or(behind) {
            "" => return found,
            behind => rest = behind.strip_prefix(';')?,
        }
    }
}

/// Characters of RFC 2046 that the `mime` crate, with which axum reads them, takes there too. Dashes alone would make a
/// delimiter of what ends the last one.
fn is_boundary(value: &str, quoted: bool) -> bool {
    let fits =
        |byte: u8| byte.is_ascii_alphanumeric() || b"'+-._".contains(&byte) || (quoted && b"/:=?".contains(&byte));
    (1..=70).contains(&value.len()) && value.bytes().all(fits) && value.bytes().any(|byte| byte != b'-')
}

/// RFC 9110, section 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What stands for itself between quotes. With a backslash some parsers escape, and others do not.
fn is_quotable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\')
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(content_type: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())])
    }

    /// Whether it is compared without its boundary, with `B` in the body for `boundary`.
    fn is_plain(content_type: &str, boundary: &str, body: &str) -> bool {
        Multipart::of(&headers(content_type), body.replace('B', boundary).as_bytes()).is_some()
    }

    const BODY: &str = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n10\r\n--B--\r\n";

    /// T109: what multer reads of a content type is what is cut out, or nothing is.
    #[test]
    fn t109_boundaries_are_the_ones_that_multer_reads() {
        let cut = [
            ("multipart/form-data; boundary=x1", "x1"),
            ("multipart/form-data;boundary=x1", "x1"),
            ("Multipart/Form-Data; BOUNDARY=x1", "x1"),
            ("multipart/form-data; boundary=\"x1\"", "x1"),
            ("multipart/form-data; boundary=\"----=_Part/1:2?3\"", "----=_Part/1:2?3"),
            ("multipart/form-data; boundary=x1; charset=utf-8", "x1"),
            ("multipart/form-data; charset=utf-8; boundary=x1", "x1"),
            ("multipart/form-data; charset=\"utf-8\"; boundary=\"x1\"; a=\"b;c=d\"", "x1"),
            ("multipart/form-data; a=\";boundary=y\"; boundary=x1", "x1"),
            ("multipart/form-data; boundary=----WebKitFormBoundary'+._", "----WebKitFormBoundary'+._"),
        ];
        for (content_type, boundary) in cut {
            assert_eq!(multer::parse_boundary(content_type).as_deref(), Ok(boundary), "{content_type}");
            let (before, found, behind) = cut_boundary(content_type).expect(content_type);
            assert_eq!((found, format!("{before}{found}{behind}")), (boundary, content_type.to_owned()));
            assert!(is_plain(content_type, boundary, BODY), "{content_type}");
        }
        let whole = [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=x1; boundary=y2",
            "multipart/form-data; boundary=x1; boundary*0=y2",
            "multipart/form-data; boundary=x1; Boundary*=utf-8''y2",
            "multipart/form-data; boundary*=x1",
            "multipart/form-data; boundary=x1;",
            "multipart/form-data; boundary=x1 ; a=b",
            "multipart/form-data; boundary =x1",
            "multipart/form-data; boundary= x1",
            "multipart/form-data;\tboundary=x1",
            "multipart/form-data ; boundary=x1",
            "multipart/form-data; boundary=x/1",
            "multipart/form-data; boundary=x=1",
            "multipart/form-data; boundary=\"x 1\"",
            "multipart/form-data; boundary=\"x\\1\"",
            "multipart/form-data; boundary=\"x1\"y",
            "multipart/form-data; boundary=\"x1",
            "multipart/form-data; boundary=x1\"",
            "multipart/form-data; boundary=x1, multipart/form-data; boundary=y2",
            "multipart/form-data; a; boundary=x1",
            "multipart/form-data; a b=1; boundary=x1",
            "multipart/form-data; a=\"\\\"; boundary=x1",
            "multipart/form-data; a=\"\\\"; boundary=y2; b=\\\"\"; boundary=x1",
            "multipart/form-data; boundary=---",
            "multipart/form-data, boundary=x1",
            "multipart/mixed; boundary=x1",
        ];
        for content_type in whole {
            assert_eq!(cut_boundary(content_type), None, "{content_type}");
        }
        for (length, is_cut) in [(1, true), (70, true), (71, false)] {
            let content_type = format!("multipart/form-data; boundary={}", "x".repeat(length));
            assert_eq!(cut_boundary(&content_type).is_some(), is_cut, "{length}");
        }
    }

    /// T109: the places at which parsers differ about what a delimiter is.
    #[test]
    fn t109_only_a_body_that_everybody_takes_apart_alike_is_compared_without_its_boundary() {
        let content_type = "multipart/form-data; boundary=x1";
        let plain = [
            ("as browsers write it", BODY.to_owned()),
            ("no last line break", BODY.trim_end().to_owned()),
            ("a first line break", format!("\r\n{BODY}")),
            ("nothing", "--B--\r\n".to_owned()),
            ("an empty part", "--B\r\na: b\r\n\r\n\r\n--B--".to_owned()),
            ("no headers", "--B\r\n\r\n\r\n\r\n--B--".to_owned()),
            ("line breaks and dashes", BODY.replace("10", "\r\n--\r\n-\n--b\r\r\n")),
        ];
        for (why, body) in &plain {
            assert!(is_plain(content_type, "x1", body), "{why}");
        }
        let whole = [
            ("blanks behind a boundary", BODY.replacen("--B\r\n", "--B \r\n", 1)),
            ("blanks behind another", BODY.replace("10", "1\r\n--B\t\r\na: b\r\n\r\n0")),
            ("a preamble", format!("x\r\n{BODY}")),
            ("a boundary in the preamble", format!("--B--\r\n{BODY}")),
            ("two line breaks", format!("\r\n\r\n{BODY}")),
            ("an epilogue", format!("{BODY}x")),
            ("two last line breaks", format!("{BODY}\r\n")),
            ("LF", BODY.replace("\r\n", "\n")),
            ("LF at a boundary", BODY.replace("\r\n--B--", "\n--B--")),
            ("a boundary in a value", BODY.replace("10", "a--Bc")),
            ("a boundary in a line", BODY.replace("10", "\r\n--Bc")),
            ("a boundary in a name", BODY.replace("\"a\"", "\"--B\"")),
            ("headers without an end", "--B\r\na: b\r\n--B\r\nc: d\r\n\r\n1\r\n--B--".to_owned()),
            ("no content", "--B\r\na: b\r\n\r\n--B--".to_owned()),
            ("no line", "--B\r\n--B--".to_owned()),
            ("no end", BODY.replace("--B--", "")),
            ("half an end", BODY.replace("--B--\r\n", "--B-")),
            ("an end and something", BODY.replace("--B--", "--B--x")),
            ("nothing at all", String::new()),
        ];
        for (why, body) in &whole {
            assert!(!is_plain(content_type, "x1", body), "{why}");
        }
        let mut twice = headers(content_type);
        twice.append(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        assert_eq!(Multipart::of(&twice, BODY.replace('B', "x1").as_bytes()), None, "two types");
        let mut encoded = headers(content_type);
        encoded.append(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        assert_eq!(Multipart::of(&encoded, BODY.replace('B', "x1").as_bytes()), None, "encoded");
    }

    #[test]
    fn a_form_sent_again_differs_in_its_boundary_alone() {
        let digest = |content_type: &str, boundary: &str, body: &str| {
            let mut fields = Fields::new("test");
            let (headers, body) = (headers(content_type), body.replace('B', boundary));
            Multipart::of(&headers, body.as_bytes()).expect(content_type).add_to(&mut fields);
            fields.finish()
        };
        let first = digest("multipart/form-data; boundary=x1", "x1", BODY);
        assert_eq!(first, digest("multipart/form-data; boundary=y-longer-2", "y-longer-2", BODY));
        for (why, content_type, body) in [
            ("quotes", "multipart/form-data; boundary=\"x1\"", BODY.to_owned()),
            ("a parameter", "multipart/form-data; boundary=x1; charset=utf-7", BODY.to_owned()),
            ("a parameter before", "multipart/form-data; charset=utf-7; boundary=x1", BODY.to_owned()),
            ("another value", "multipart/form-data; boundary=x1", BODY.replace("10", "10000")),
            ("another name", "multipart/form-data; boundary=x1", BODY.replace("\"a\"", "\"b\"")),
            (
                "one more part",
                "multipart/form-data; boundary=x1",
                BODY.replace("--B--", "--B\r\na: b\r\n\r\n\r\n--B--"),
            ),
            ("a break before", "multipart/form-data; boundary=x1", format!("\r\n{BODY}")),
            ("no break behind", "multipart/form-data; boundary=x1", BODY.trim_end().to_owned()),
        ] {
            assert_ne!(first, digest(content_type, "x1", &body), "{why}");
        }
    }
}
