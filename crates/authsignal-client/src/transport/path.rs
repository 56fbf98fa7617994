//! The address of an endpoint: where the secret may go, and ids as single segments.
use http::Uri;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use url::{Host, Url};

use crate::config::ConfigError;
use crate::error::Error;
use crate::url::{is_loopback, redacted_url};

/// Everything but the unreserved characters of RFC 3986, section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Takes a base URL if the secret may be sent there (T76): `https`, or `http` on this machine and on `http_host`. Its path
/// loses trailing slashes.
pub(crate) fn base_url(text: &str, http_host: Option<&Host>) -> Result<Url, ConfigError> {
    let refuse = |reason| ConfigError::BaseUrl { url: redacted_url(text), reason };
    // The parser silently drops tabs and newlines and turns a backslash into a slash; what is not there to see is
    // not a URL that somebody meant.
    if text.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\') {
        return Err(refuse("it holds white space, a control character or a backslash"));
    }
    let mut url = Url::parse(text).map_err(|_| refuse("it is not an absolute URL"))?;
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" if http_host.is_some() && url.host().map(|host| host.to_owned()).as_ref() == http_host => {}
        "http" if http_host.is_some() => {
            return Err(refuse(
                "http is for this machine and for the host that `dangerous_allow_http_to` names; use https",
            ));
        }
        "http" => {
            return Err(refuse(
                "http is for this machine only (localhost, 127.0.0.0/8, [::1]); use https, or name the host of an emulator in \
             `dangerous_allow_http_to` or AUTHSIGNAL_DANGEROUSLY_ALLOW_HTTP_TO",
            ));
        }
        _ => return Err(refuse("its scheme is not https")),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it holds a user name or a password"));
    }
    if url.query().is_some() {
        return Err(refuse("it has a query"));
    }
    if url.fragment().is_some() {
        return Err(refuse("it has a fragment"));
    }
    let path = url.path().trim_end_matches('/').to_owned();
    url.set_path(&path);
    Ok(url)
}

/// The address of an endpoint: each of `segments` is exactly one segment below `root`, which ends without a slash, encoded
/// once (T70).
///
/// Two lists of segments never give the same address. Encoded, nothing is left in a segment that a URL parser would read
/// or change, but for one that is empty, `.` or `..` (M5): those are refused.
/// `Url::path_segments_mut` is not used because it drops such segments silently (M6).
pub(crate) fn endpoint(root: &str, segments: &[&str]) -> Result<Uri, Error> {
    if segments.iter().any(|segment| matches!(*segment, "" | "." | "..")) {
        return Err(not_one_segment());
    }
    let mut text = String::with_capacity(root.len() + segments.iter().map(|segment| segment.len() + 3).sum::<usize>());
    text.push_str(root);
    for segment in segments {
        text.push('/');
        text.extend(utf8_percent_encode(segment, SEGMENT));
    }
    let uri = Uri::try_from(text).map_err(|_| not_one_segment())?;
    // The root itself is an endpoint where it has a path.
    if segments.is_empty() && uri.path() == "/" { Err(not_one_segment()) } else { Ok(uri) }
}

fn not_one_segment() -> Error {
    Error::invalid_input("invalid id: it cannot be one segment of a path")
}

/// An address with `pairs` as its query, or without one.
///
/// A space becomes `%20` and a plus `%2B`: unlike the form encoding, which writes a space as `+`, every server reads
/// these the same way.
pub(crate) fn with_query<'a>(uri: &Uri, pairs: impl Iterator<Item = (&'a str, &'a str)>) -> Result<Uri, Error> {
    let pairs: Vec<_> = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
    if pairs.is_empty() {
        return Ok(uri.clone());
    }
    let text = format!("{uri}?{}", pairs.join("&"));
    Uri::try_from(text).map_err(|_| Error::invalid_input("invalid query: it is too long for an address"))
}

/// A text as it stands in a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

#[cfg(test)]
mod tests;
