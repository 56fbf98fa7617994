//! Pairs of multipart bodies, from a kept corpus and at random, read by the parser that axum's `Multipart` has.
use futures_util::{FutureExt as _, stream};
use http::{HeaderValue, Uri};

use super::address::Params;
use super::*;
use crate::fuzz::{Target, change, fuzz};

/// A kept input is a content type, a line break and a body.
const TARGET: Target = Target {
    name: "multipart",
    share: 6_000,
    words: &[
        "\r\n",
        "\r\n\r\n",
        "--",
        "\r\n--x1",
        "--x1--",
        "Content-Disposition: form-data; name=\"a\"",
        "; filename=\"b\"",
        "; boundary=x1",
        "\"",
        " ",
        "\n",
    ],
};

const BOUNDARIES: [&str; 6] = ["x1", "x2", "----WebKitFormBoundaryA1", "a", "x1x1", "\"x2\""];

fn cut(input: &[u8]) -> Option<(HeaderValue, &[u8])> {
    let at = input.iter().position(|byte| *byte == b'\n')?;
    Some((HeaderValue::from_bytes(&input[..at]).ok()?, &input[at + 1..]))
}

fn digest_of(content_type: &HeaderValue, body: &[u8]) -> Digest {
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.clone())]);
    let uri = Uri::from_static("/pay");
    let address = Address { received: uri.clone(), routed: uri, route: None, params: Params::Missing };
    digest(Coverage::Request, None, &Shape { method: &Method::POST, address: &address, headers: &headers }, body)
}

/// The fields as multer gives them, up to where it gives up.
fn read(content_type: &HeaderValue, body: &[u8]) -> Vec<String> {
    let boundary = content_type.to_str().ok().and_then(|text| multer::parse_boundary(text).ok());
    let Some(boundary) = boundary else { return vec!["no boundary".into()] };
    let body = stream::iter([Ok::<_, std::io::Error>(body.to_vec())]);
    let mut multipart = multer::Multipart::new(body, boundary);
    let mut all = Vec::new();
    let reading = async {
        loop {
            let field = match multipart.next_field().await {
                Ok(Some(field)) => field,
                Ok(None) => return,
                Err(_) => return all.push("unreadable".into()),
            };
            let head = format!("{:?} {:?} {:?}", field.name(), field.file_name(), field.content_type());
            match field.bytes().await {
                Ok(content) => all.push(format!("{head} {}", content.escape_ascii())),
                Err(_) => return all.push(format!("{head} unreadable")),
            }
        }
    };
    reading.now_or_never().expect("all of it is here");
    all
}

/// The same with another boundary, wherever the old one stands.
fn with_boundary(input: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut made = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        match rest.strip_prefix(from) {
            Some(behind) => {
                made.extend_from_slice(to);
                rest = behind;
            }
            None => {
                made.push(rest[0]);
                rest = &rest[1..];
            }
        }
    }
    made
}

/// T109, T110: two bodies of one digest are one to multer, whatever was changed between them.
#[test]
fn t109_t110_fuzzed_multipart_forms_of_one_digest_are_read_alike() {
    fuzz(&TARGET, |input, random| {
        let mut other = input.to_vec();
        let mut steps = 0;
        if !random.one_in(4) {
            other = with_boundary(&other, b"x1", random.pick(&BOUNDARIES).as_bytes());
            steps += 1;
        }
        if steps == 0 || random.one_in(3) {
            change(&mut other, random);
        }
        let (Some((one_type, one)), Some((other_type, other))) = (cut(input), cut(&other)) else { return false };
        if (&one_type, one) == (&other_type, other) || digest_of(&one_type, one) != digest_of(&other_type, other) {
            return false;
        }
        assert_eq!(read(&one_type, one), read(&other_type, other), "{other_type:?} \"{}\"", other.escape_ascii());
        true
    });
}
