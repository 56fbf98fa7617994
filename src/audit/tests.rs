//! Each kind of tampering is found by the verifier, which is written in another language.
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs::write;
use std::path::{Path, PathBuf};
use std::process::Command;

use secrecy::SecretSlice;

use super::chain::{Chain, head_of};
use super::event::{AuditEvent, AuditHead, AuditKind};
use super::json_lines::AuditJsonLines;
use super::sink::AuditSink as _;

const EVENTS: usize = 100_000;
pub(super) const KEY: &str = "an audit's key, of 32 bytes or more";

pub(super) fn folder() -> PathBuf {
    let folder = std::env::temp_dir()
        .join(format!("authsignal-audit-{}", crate::hex::hexadecimal(&crate::random::random::<8>())));
    std::fs::create_dir(&folder).unwrap();
    folder
}

/// What the verifier prints, and whether it found nothing.
pub(super) fn verified(file: &Path, arguments: &[&str]) -> (bool, String) {
    let verifier = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/verify_audit.py");
    let arguments = [verifier.into(), file.into()].into_iter().chain(arguments.iter().map(OsString::from));
    let output = Command::new("python3").args(arguments).env("AUDIT_KEY", KEY).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.lines().all(|line| line.ends_with("could not be written")), "the verifier itself fails: {said}");
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

fn event(number: usize) -> AuditEvent {
    AuditEvent {
        at: "2026-11-27T18:00:00Z".to_owned(),
        user: Some(format!("user-{}\n\u{2028}\"", number % 997)),
        outcome: Some(if number.is_multiple_of(3) { "refused" } else { "allowed" }),
        action: Some("pay".to_owned()),
        ..AuditEvent::default()
    }
}

/// Writes a chain of so many events through the sink, as a process does.
async fn chain(sink: &AuditJsonLines, key: &str, events: usize, is_closed: bool) -> AuditHead {
    let mut chain = Chain::new(SecretSlice::from(key.as_bytes().to_vec()));
    let first = chain.first("2026-11-27T18:00:00Z".to_owned(), sink.last().await.unwrap());
    let closed = AuditEvent { kind: AuditKind::Closed, ..event(0) };
    chain.wrote(head_of(&first));
    sink.record(first).await.unwrap();
    for event in (0..events).map(event).chain(is_closed.then_some(closed)) {
        let event = chain.next(event);
        chain.wrote(head_of(&event));
        sink.record(event).await.unwrap();
    }
    chain.head().unwrap().clone()
}

/// T97 stays with the canaries; this is the audit's own promise: of 100,000 events in three chains, each kind of tampering is found.
#[tokio::test]
async fn each_kind_of_tampering_with_a_hundred_thousand_events_is_found() {
    let folder = folder();
    let file = folder.join("audit.jsonl");
    let sink = AuditJsonLines::open(&file).unwrap();
    chain(&sink, KEY, 10, true).await;
    // One that was killed.
    chain(&sink, KEY, 10, false).await;
    let head = chain(&sink, KEY, EVENTS, true).await;
    let head = format!("{}:{}:{}", head.chain, head.sequence, head.mac);
    let honest = std::fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = honest.split_inclusive('\n').collect();
    let count = lines.len();
    assert_eq!(count, 12 + 11 + EVENTS + 2);
    let (is_well, said) = verified(&file, &["--head", &head]);
    assert!(is_well, "{said}");

    let with_key = |key: &str| {
        let mut forged = Chain::new(SecretSlice::from(key.as_bytes().to_vec()));
        let last = |line: &str, name: &str| {
            let value: serde_json::Value = serde_json::from_str(line).unwrap();
            value[name].as_str().map_or_else(|| value[name].to_string(), str::to_owned)
        };
        let before = lines[500];
        forged.name = last(before, "chain");
        forged.wrote(AuditHead::new(
            last(before, "chain"),
            last(before, "sequence").parse().unwrap(),
            last(before, "mac"),
        ));
        let mut text = lines[..=500].concat();
        for number in 501..count - 1 {
            let changed = if number == 501 {
                AuditEvent { outcome: Some("allowed"), user: Some("mallory".to_owned()), ..event(0) }
            } else {
                event(number)
            };
            let event = forged.next(changed);
            forged.wrote(head_of(&event));
            writeln!(text, "{}", event.to_line()).unwrap();
        }
        let closed = forged.next(AuditEvent { kind: AuditKind::Closed, ..event(0) });
        text + &closed.to_line() + "\n"
    };
    let edited = |at: usize, from: &str, to: &str| {
        let line = lines[at].replacen(from, to, 1);
        assert_ne!(line, lines[at]);
        [&lines[..at].concat(), &line, &lines[at + 1..].concat()].map(|part| part.as_str()).concat()
    };
    let without = |from: usize, to: usize| [&lines[..from], &lines[to..]].concat().concat();
    let swapped = |one: usize, other: usize| {
        let mut lines = lines.clone();
        lines.swap(one, other);
        lines.concat()
    };
    let put_in = |at: usize, line: &str| [&lines[..at].concat(), line, &lines[at..].concat()].concat();
    let cases = [
        ("drop one", without(5000, 5001)),
        ("drop the first", without(0, 1)),
        ("drop many", without(5000, 9000)),
        ("drop a whole chain", without(0, 12)),
        ("drop the killed one", without(12, 23)),
        ("drop what begins a chain", without(23, 24)),
        ("cut the killed one", without(20, 23)),
        ("change who", edited(5001, "user-", "ada-")),
        ("change how it ended", edited(5000, "allowed", "refused")),
        ("change a number", edited(5000, "\"sequence\":", "\"sequence\":1")),
        ("change what is linked", edited(5000, "\"previous\":\"", "\"previous\":\"0")),
        ("change the MAC", edited(5000, "\"mac\":\"", "\"mac\":\"0")),
        ("change what was lost", edited(5000, "\"lost\":0", "\"lost\":1")),
        ("a blank", edited(5000, "{\"form\"", "{ \"form\"")),
        ("a member twice", edited(5000, "\"mac\":\"", "\"mac\":\"x\",\"mac\":\"")),
        ("swap neighbours", swapped(5000, 5001)),
        ("swap distant ones", swapped(5000, 90_000)),
        ("swap two of two chains", swapped(3, 15)),
        ("put in an older one", put_in(5000, lines[100])),
        ("put in another chain's", put_in(5000, lines[3])),
        (
            "put in a forged one",
            put_in(5000, edited(5000, "user-", "mallory-").split_inclusive('\n').nth(5000).unwrap()),
        ),
        ("double one", put_in(5000, lines[5000])),
        ("double a chain", put_in(count, &lines[..12].concat())),
        ("cut the last", without(count - 1, count)),
        ("cut the end", without(count - 4000, count)),
        ("cut in a line", honest[..honest.len() - 100].to_owned()),
        ("hash anew with another key", with_key("another key, of 32 bytes or more.")),
        ("nothing left", String::new()),
    ];
    let altered = folder.join("altered.jsonl");
    for (kind, text) in &cases {
        write(&altered, text).unwrap();
        let (is_well, said) = verified(&altered, &[]);
        assert!(!is_well, "{kind}: {said}");
    }
    // What a chain cannot show by itself: a last chain that is gone as a whole, and an end that is said to be open. A head that was
    // kept elsewhere shows both; and so the test does not pass for a verifier that finds fault with everything.
    for (kind, text, arguments) in
        [("no last chain", without(23, count), "--open"), ("an open end", without(count - 4000, count), "--open")]
    {
        write(&altered, &text).unwrap();
        assert!(verified(&altered, &[arguments]).0, "{kind}");
        assert!(!verified(&altered, &[arguments, "--head", &head]).0, "{kind}");
    }
    // With the key itself, it is the head alone that shows it: with the key anybody is the application.
    write(&altered, with_key(KEY)).unwrap();
    assert!(verified(&altered, &[]).0 && !verified(&altered, &["--head", &head]).0);
    println!("{} kinds of tampering with {count} events: all found", cases.len() + 3);
    std::fs::remove_dir_all(folder).unwrap();
}

/// T21: what a terminal makes of a line is what stands in it, and a reader of JSON gets the very id.
#[test]
fn t21_a_line_has_nothing_unseen() {
    let id = "ada\u{202e}\u{200b}\u{e0061} \u{2028}\u{7f}bob";
    let line = AuditEvent { user: Some(id.to_owned()), ..event(0) }.to_line();
    assert!(line.contains(r#""ada\u202e\u200b\udb40\udc61 \u2028\u007fbob""#), "{line}");
    assert!(!line.chars().any(authsignal_client::is_unseen));
    assert_eq!(serde_json::from_str::<serde_json::Value>(&line).unwrap()["user"], id);
}
