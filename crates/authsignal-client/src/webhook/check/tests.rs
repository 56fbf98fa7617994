//! T100: forged, replayed, re-encoded and mislabelled webhooks, and the vectors that every implementation agrees on.
use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};

use super::*;

/// 2026-01-15T10:00:00Z.
const START: i64 = 1_768_471_200;
const SECRET: &str = "test-secret-key-123";
const PREVIOUS: &str = "previous-secret-456";
/// 375 bytes.
const BODY: &str = r#"{"version":1,"id":"0b6a1c1e-4a5f-4c3e-9a51-7f2f6f0f8a11","source":"https://authsignal.com","time":"2026-01-15T10:00:00.000Z","tenantId":"11111111-2222-4333-8444-555555555555","type":"email.created","data":{"to":"ada@example.com","code":"123456","userId":"user-1","actionCode":"signIn","idempotencyKey":"5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001","verificationMethod":"EMAIL_OTP"}}"#;
const TAG: &str = "6F3SrHy/rMqZgStt9VDOza68b36q6tQWYiW+Rxjavaw";
const PREVIOUS_TAG: &str = "5gNjREN/DngV5TxFXjIdHRzL+UpFcxrd1m0inp/nh54";

fn webhook(secret: &str, now: i64) -> Webhook {
    Webhook::new(secret).unwrap().clock(Clock::manual(UNIX_EPOCH + Duration::from_secs(now.try_into().unwrap())))
}

fn outcome(webhook: &Webhook, header: &str, body: &[u8]) -> Result<(), ErrorKind> {
    webhook.construct_event(body, header).map(drop).map_err(|error| error.kind())
}

fn tag(secret: &str, message: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.chain_update(message).finalize().into_bytes().to_vec()
}

#[test]
fn the_vectors() {
    let table = [
        ("A", SECRET, BODY, TAG),
        ("B", PREVIOUS, BODY, PREVIOUS_TAG),
        (
            "C",
            SECRET,
            r#"{"version":1,"type":"sms.created","data":{"to":"+64270000000","code":"987654","note":"café"}}"#,
            "QiS2ma4AqVQ/+Swb94vAh3oEo4y40PoU74OpJ9meFKs",
        ),
        ("D", SECRET, "", "+WEyBgjEbaAhPRepuXc9WhE5U3o/gcCTkmBRCZWRB6E"),
    ];
    for (name, secret, body, tag) in table {
        let webhook = webhook(secret, START);
        let header = format!("t={START},v2={tag}");
        assert_eq!(webhook.sign(body.as_bytes()), header, "{name}");
        // C is an event of which little is said; D is signed, and none.
        let want = if body.is_empty() { Err(ErrorKind::Payload) } else { Ok(()) };
        assert_eq!(outcome(&webhook, &header, body.as_bytes()), want, "{name}");
    }
}

/// While two keys are active, either is enough.
#[test]
fn a_rotated_key() {
    let header = format!("t={START},v2={PREVIOUS_TAG},v2={TAG}");
    assert_eq!(sign([PREVIOUS, SECRET], START, BODY.as_bytes()), header);
    for secret in [SECRET, PREVIOUS] {
        assert_eq!(outcome(&webhook(secret, START), &header, BODY.as_bytes()), Ok(()), "{secret}");
    }
    assert_eq!(outcome(&webhook("a-third", START), &header, BODY.as_bytes()), Err(ErrorKind::Mismatch));
}

/// Of the headers that node's tests have, which were signed with a secret that is not public: they are read, and they are
/// nothing to another secret.
#[test]
fn the_published_headers() {
    let payload = r#"{"version":1,"id":"bc1598bc-e5d6-4c69-9afb-1a6fe3469d6e","source":"https://authsignal.com","time":"2025-02-20T01:51:56.070Z","tenantId":"7752d28e-e627-4b1b-bb81-b45d68d617bc","type":"email.created","data":{"to":"chris@authsignal.com","code":"157743","userId":"b9f74d36-fcfc-4efc-87f1-3664ab5a7fb0","actionCode":"accountRecovery","idempotencyKey":"ba8c1a7c-775d-4dff-9abe-be798b7b8bb9","verificationMethod":"EMAIL_OTP"}}"#;
    assert_eq!(payload.len(), 419);
    Delivery::parse(payload.as_bytes()).unwrap();
    let table = [
        (1_740_016_316, "t=1740016316,v2=NwFcIT68pK7g+m365Jj4euXj/ke3GSnkTpMPcRVi5q4", ErrorKind::Mismatch),
        (
            1_740_016_037,
            "t=1740016037,v2=zI5rg1XJtKH8dXTX9VCSwy07qTPJliXkK9ppgNjmzqw,v2=KMg8mXXGO/SmNNmcszKXI4UaEVHLc21YNWthHfispQo",
            ErrorKind::Mismatch,
        ),
        (START, "123", ErrorKind::Format),
        (START, "t=1630000000,v2=invalid_signature", ErrorKind::Tolerance),
        (START, "t=1768471200,v2=invalid_signature", ErrorKind::Mismatch),
    ];
    for (now, header, want) in table {
        assert_eq!(outcome(&webhook(SECRET, now), header, payload.as_bytes()), Err(want), "{header}");
    }
}

/// T100, case by case: what is as Authsignal makes it is taken, and nothing else.
#[test]
fn t100_forged_replayed_and_re_encoded_webhooks_are_refused() {
    use ErrorKind::{Format, Mismatch, Tolerance};
    let body = BODY.as_bytes();
    let pretty: serde_json::Value = serde_json::from_str(BODY).unwrap();
    let pretty = serde_json::to_string(&pretty).unwrap();
    let digest = STANDARD.decode(format!("{TAG}=")).unwrap();
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let own = |tag: &[u8]| format!("t={START},v2={}", STANDARD_NO_PAD.encode(tag));
    let with = |tag: &str| format!("t={START},v2={tag}");
    let right = with(TAG);
    let swapped: String = TAG.chars().map(|c| if c.is_lowercase() { c.to_ascii_uppercase() } else { c }).collect();

    type Case<'a> = (&'a str, String, Vec<u8>, i64, Result<(), ErrorKind>);
    let case =
        |name, header: &str, body: &[u8], now, want| -> Case<'_> { (name, header.into(), body.into(), now, want) };
    let cases = [
        case("as it was sent", &right, body, START, Ok(())),
        case("at the edge of the tolerance", &right, body, START + 300, Ok(())),
        case("a clock that is slow", &right, body, START - 31_536_000, Ok(())),
        case("signature first", &format!("v2={TAG},t={START}"), body, START, Ok(())),
        case("another version besides", &format!("t={START},v1=x,v2={TAG},v3=y"), body, START, Ok(())),
        case("a second key first", &format!("t={START},v2={PREVIOUS_TAG},v2={TAG}"), body, START, Ok(())),
        case("garbage first", &format!("t={START},v2=,v2=%,v2={TAG}"), body, START, Ok(())),
        case("a time with zeros", &format!("t=00{START},v2={TAG}"), body, START, Ok(())),
        case("no header", "", body, START, Err(Format)),
        case("no item", "123", body, START, Err(Format)),
        case("the signature alone", TAG, body, START, Err(Format)),
        case("no time", &format!("v2={TAG}"), body, START, Err(Format)),
        case("no signature", &format!("t={START}"), body, START, Err(Format)),
        case("the old version", &format!("t={START},v1={TAG}"), body, START, Err(Format)),
        case("a time that is no number", &format!("t=now,v2={TAG}"), body, START, Err(Format)),
        case("a time with a fraction", &format!("t={START}.0,v2={TAG}"), body, START, Err(Format)),
        case("a time too large", &format!("t=99999999999999999999,v2={TAG}"), body, START, Err(Format)),
        case("two times", &format!("t={START},t={},v2={TAG}", START + 1), body, START, Err(Format)),
        case("another separator", &format!("t={START};v2={TAG}"), body, START, Err(Format)),
        case("a blank behind the comma", &format!("t={START}, v2={TAG}"), body, START, Err(Format)),
        case("capitals", &format!("T={START},V2={TAG}"), body, START, Err(Format)),
        case("replayed after the tolerance", &right, body, START + 301, Err(Tolerance)),
        case("replayed after a year", &right, body, START + 31_536_000, Err(Tolerance)),
        case("old and forged", "t=1630000000,v2=invalid_signature", body, START, Err(Tolerance)),
        case("time zero", &format!("t=0,v2={TAG}"), body, START, Err(Tolerance)),
        case("before all time", &format!("t=-1,v2={TAG}"), body, START, Err(Tolerance)),
        case("replayed with a new time", &format!("t={},v2={TAG}", START + 301), body, START + 301, Err(Mismatch)),
        case("a second later", &format!("t={},v2={TAG}", START + 1), body, START, Err(Mismatch)),
        case("invented", &with("invalid_signature"), body, START, Err(Mismatch)),
        case("empty", &with(""), body, START, Err(Mismatch)),
        case("another secret", &with(PREVIOUS_TAG), body, START, Err(Mismatch)),
        case("no secret", &own(&tag("", format!("{START}.{BODY}").as_bytes())), body, START, Err(Mismatch)),
        case("a plain hash", &own(&Sha256::digest(format!("{START}.{BODY}"))), body, START, Err(Mismatch)),
        case("the body alone", &own(&tag(SECRET, body)), body, START, Err(Mismatch)),
        case("no dot", &own(&tag(SECRET, format!("{START}{BODY}").as_bytes())), body, START, Err(Mismatch)),
        case("padded", &with(&format!("{TAG}=")), body, START, Err(Mismatch)),
        case("the other alphabet", &with(&URL_SAFE_NO_PAD.encode(&digest)), body, START, Err(Mismatch)),
        case("hexadecimal", &with(&hex), body, START, Err(Mismatch)),
        case("in capitals", &with(&swapped), body, START, Err(Mismatch)),
        case("quoted", &with(&format!("\"{TAG}\"")), body, START, Err(Mismatch)),
        case("a blank behind it", &with(&format!("{TAG} ")), body, START, Err(Mismatch)),
        case("half of it", &own(&digest[..16]), body, START, Err(Mismatch)),
        case("a byte more", &own(&[digest.as_slice(), &[0]].concat()), body, START, Err(Mismatch)),
        case("a stray bit in the last character", &with(&TAG.replace("vaw", "vax")), body, START, Err(Mismatch)),
        case("another code", &right, BODY.replace("123456", "123457").as_bytes(), START, Err(Mismatch)),
        case("parsed and written again", &right, pretty.as_bytes(), START, Err(Mismatch)),
        case("a line end behind it", &right, format!("{BODY}\n").as_bytes(), START, Err(Mismatch)),
        case("a byte order mark", &right, format!("\u{feff}{BODY}").as_bytes(), START, Err(Mismatch)),
        case("cut short", &right, &body[..body.len() - 1], START, Err(Mismatch)),
        case("nothing", &right, b"", START, Err(Mismatch)),
    ];
    for (name, header, body, now, want) in &cases {
        assert_eq!(outcome(&webhook(SECRET, *now), header, body), *want, "{name}: {header}");
    }
    let taken = cases.iter().filter(|case| case.4.is_ok()).count();
    println!("{} cases: {taken} taken, {} refused", cases.len(), cases.len() - taken);
}

/// T100: a time ahead is refused where that was asked for, and the past can be opened.
#[test]
fn t100_the_tolerance_is_a_setting_both_ways() {
    let header = |seconds| sign([SECRET], seconds, BODY.as_bytes());
    let (minute, none) = (Duration::from_secs(60), Duration::ZERO);
    let now = || webhook(SECRET, START);
    let table = [
        ("ahead, by default", now(), i64::MAX, Ok(())),
        ("ahead, at the edge", now().future_tolerance(minute), START + 60, Ok(())),
        ("ahead, past the edge", now().future_tolerance(minute), START + 61, Err(ErrorKind::Tolerance)),
        ("the present, with none ahead", now().future_tolerance(none), START, Ok(())),
        ("a second ahead, with none", now().future_tolerance(none), START + 1, Err(ErrorKind::Tolerance)),
        ("the past, with none ahead", now().future_tolerance(none), START - 300, Ok(())),
        ("a shorter past, at the edge", now().tolerance(minute), START - 60, Ok(())),
        ("a shorter past", now().tolerance(minute), START - 61, Err(ErrorKind::Tolerance)),
        ("any past", now().tolerance(none), 0, Ok(())),
        ("any past, none ahead", now().tolerance(none).future_tolerance(none), START + 1, Err(ErrorKind::Tolerance)),
        ("for ever", now().tolerance(Duration::MAX).future_tolerance(Duration::MAX), i64::MIN, Ok(())),
    ];
    for (name, webhook, seconds, want) in table {
        assert_eq!(outcome(&webhook, &header(seconds), BODY.as_bytes()), want, "{name}");
    }
}

/// T100: with an empty secret everybody could sign.
#[test]
fn t100_there_is_no_webhook_without_a_secret() {
    for (secret, want) in [("", ConfigError::MissingSecret), ("a secret\n", ConfigError::InvalidSecret)] {
        assert_eq!(Webhook::new(secret).map(drop), Err(want), "{secret:?}");
    }
    let client = Client::builder(SECRET).build().unwrap();
    let header = Webhook::new(SECRET).unwrap().sign(BODY.as_bytes());
    assert_eq!(outcome(&Webhook::from(&client), &header, BODY.as_bytes()), Ok(()));
}

/// T97
#[test]
fn debug_shows_no_secret() {
    let webhook = Webhook::new("canary-secret").unwrap();
    assert!(!format!("{webhook:?} {webhook:#?}").contains("canary"), "{webhook:?}");
}

proptest! {
    /// T100: whatever comes, nothing panics, and only what was signed is taken for it.
    #[test]
    fn t100_no_other_header_or_body_is_taken(header in "(t=-?[0-9]{0,20}|v2=[A-Za-z0-9+/=]{0,50}|[ -~]{0,9}|,){0,8}", body in ".{0,99}", at in 0..BODY.len(), bit in 0..8_u8) {
        let webhook = webhook(SECRET, START).tolerance(Duration::ZERO);
        prop_assert!(outcome(&webhook, &header, body.as_bytes()).is_err());
        let mut changed = BODY.as_bytes().to_vec();
        changed[at] ^= 1 << bit;
        prop_assert_eq!(outcome(&webhook, &webhook.sign(BODY.as_bytes()), &changed), Err(ErrorKind::Mismatch));
    }
}
