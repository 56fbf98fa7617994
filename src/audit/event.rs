//! One event of the audit, and the line that it is written as.
use std::io;

use authsignal_client::is_unseen;
use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// One decision, or the beginning or the end of a chain, as an [`AuditSink`](crate::AuditSink) is given it.
///
/// Its MAC is over the very bytes of [`to_line`](Self::to_line): keep that line as it is, in a column of text and not of JSON, so
/// that the chain can be verified. `docs/verify_audit.py` does, and `docs/observability.md` says what it shows.
///
/// It names the user, which is what an audit is for. Sessions, tokens and what was sent are not in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditEvent {
    /// The form of the event: 1.
    pub form: u8,
    /// The chain that it belongs to: a random name for each handle of each process.
    pub chain: String,
    /// Its number in the chain, from 0 on.
    pub sequence: u64,
    /// When it ended, by RFC 3339.
    pub at: String,
    /// What it is.
    pub kind: AuditKind,
    /// How many events between the one before and this one could not be written.
    pub lost: u64,
    /// Of the first event of a chain: the last one that the sink had before, of another chain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<AuditHead>,
    /// The decision's id: the key of the attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<String>,
    /// The action.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The id of the user whose account it is, whoever was behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The route's template.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    /// How it ended: [`Outcome::as_str`](crate::Outcome::as_str).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outcome: Option<&'static str>,
    /// The code of the refusal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<&'static str>,
    /// The state that Authsignal refused it with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Why Authsignal could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub outage: Option<&'static str>,
    /// Why nobody was asked, and the application's own words for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
    /// On a route that is only observed: how it would have ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub would: Option<&'static str>,
    /// Who is behind the request where it is not the user in person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The id of whoever acts in the user's place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub impersonator: Option<String>,
    /// With what it was proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The rules that decided, at most 64.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<String>,
    /// How long Authsignal took to decide, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upstream_ms: Option<u64>,
    /// The MAC of the event before, in hexadecimal; empty for the first.
    pub previous: String,
    /// The MAC of this one: HMAC-SHA-256 over its line up to `,"mac":"`.
    pub mac: String,
}

/// What an [`AuditEvent`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditKind {
    /// A chain begins.
    Begun,
    /// A decision has ended.
    Decided,
    /// A chain is closed: nothing comes after it.
    Closed,
}

/// Where a chain stands: what a verifier needs, kept elsewhere, to see that the end was not cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AuditHead {
    /// The chain.
    pub chain: String,
    /// The number of its last event.
    pub sequence: u64,
    /// The MAC of its last event.
    pub mac: String,
}

impl AuditHead {
    /// A head that was kept.
    #[must_use]
    pub fn new(chain: impl Into<String>, sequence: u64, mac: impl Into<String>) -> Self {
        Self { chain: chain.into(), sequence, mac: mac.into() }
    }
}

impl AuditEvent {
    /// The event as one line of JSON, without a line break, and without a character that nobody would see: those are
    /// escaped. Its MAC is over this line.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "plain data is always written")]
    pub fn to_line(&self) -> String {
        let mut line = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut line, Seen)).expect("an event is plain data");
        String::from_utf8(line).expect("JSON is UTF-8")
    }
}

/// Writes what nobody would see, or would turn a line round, as the escape that JSON has for it: to a program it is the same text.
struct Seen;

impl Formatter for Seen {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if fragment.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, char)) = rest.char_indices().find(|(_, char)| is_unseen(*char)) {
            writer.write_all(&rest.as_bytes()[..at])?;
            for unit in char.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = &rest[at + char.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

impl Default for AuditEvent {
    /// One of a decision of which nothing is known yet.
    fn default() -> Self {
        Self {
            form: 1,
            chain: String::new(),
            sequence: 0,
            at: String::new(),
            kind: AuditKind::Decided,
            lost: 0,
            after: None,
            decision_id: None,
            action: None,
            user: None,
            route: None,
            outcome: None,
            code: None,
            state: None,
            outage: None,
            skipped: None,
            would: None,
            actor: None,
            impersonator: None,
            method: None,
            rules: Vec::new(),
            upstream_ms: None,
            previous: String::new(),
            mac: String::new(),
        }
    }
}
