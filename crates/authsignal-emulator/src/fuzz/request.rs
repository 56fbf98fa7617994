//! One request, and what is kept of answers for the next ones.
use std::collections::BTreeMap;
use std::fmt;

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::Value;

use crate::fuzz::random::Random;
use crate::server::listener::HangUp;

/// One request.
pub(super) struct Case {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// Whether the body breaks off.
    pub(super) breaks: bool,
    /// Whether it has one of the secret keys.
    pub(super) has_key: bool,
}

impl Case {
    pub(super) fn request(&self) -> Request {
        let pieces = self.body.chunks(1 + self.body.len() / 2).map(Bytes::copy_from_slice).map(Ok);
        let end = self.breaks.then(|| Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
        let pieces = pieces.chain(end).collect::<Vec<_>>();
        let mut request = Request::new(Body::from_stream(futures_util::stream::iter(pieces)));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request.extensions_mut().insert(ConnectInfo(HangUp::default()));
        request
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {:.2000}", self.method, self.uri.to_string())?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {:.2000}", String::from_utf8_lossy(value.as_bytes()))?;
        }
        let breaks = if self.breaks { ", and breaks off" } else { "" };
        write!(f, "{} bytes{breaks}:\n{:.4000}", self.body.len(), String::from_utf8_lossy(&self.body))
    }
}

/// What earlier answers gave: tokens, ids and keys by the names of their members.
#[derive(Default)]
pub(super) struct Loot(BTreeMap<String, Vec<String>>);

impl Loot {
    pub(super) fn take(&mut self, answer: &Value) {
        match answer {
            Value::Object(members) => {
                for (name, value) in members {
                    match value {
                        Value::String(text)
                            if name.ends_with("oken") || name.ends_with("Id") || name.ends_with("Key") =>
                        {
                            let known = self.0.entry(name.clone()).or_default();
                            if known.len() == 32 {
                                known.remove(0);
                            }
                            known.push(text.clone());
                        }
                        value => self.take(value),
                    }
                }
            }
            Value::Array(values) => values.iter().take(8).for_each(|value| self.take(value)),
            _ => {}
        }
    }

    /// One of those that a member of this name had, the newest most often.
    pub(super) fn of(&self, name: &str, random: &mut Random) -> Option<String> {
        let known = self.0.get(name)?;
        let at = if random.once_in(2) { known.len() - 1 } else { random.below(known.len()) };
        known.get(at).cloned()
    }
}
