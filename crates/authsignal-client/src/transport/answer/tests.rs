//! Answers of every shape: what is read, what is refused, what an error shows.
use http::HeaderValue;
use http::header::HeaderName;

use super::*;
use crate::{ActionState, ErrorKind, TrackDecision, Tracked, UserAttributes, Validated};

fn headers(list: &[(HeaderName, &'static str)]) -> HeaderMap {
    list.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
}

fn plain<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    value(&HeaderMap::new(), body, &Redactor::new([]))
}

const TRACKED: &str = r#"{"state":"ALLOW","idempotencyKey":"k"}"#;

#[test]
fn content_types() {
    let table = [
        ("application/json", true),
        ("application/json; charset=utf-8", true),
        ("Application/JSON", true),
        ("application/problem+json", true),
        ("text/html", false),
        ("text/plain", false),
        ("application/jsonp", false),
        ("application/x-ndjson", false),
        ("text/html; application/json", false),
        ("", false),
    ];
    for (content_type, expected) in table {
        let headers = headers(&[(CONTENT_TYPE, content_type)]);
        let tracked = value::<Tracked>(&headers, TRACKED.as_bytes(), &Redactor::new([]));
        assert_eq!(tracked.is_ok(), expected, "{content_type:?}");
    }
    assert!(plain::<Tracked>(TRACKED.as_bytes()).is_ok(), "no content type");
}

/// T74: thirty faults, three endpoints in four forms, always malformed.
#[test]
fn faulty_bodies_are_malformed() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let deep_objects = r#"{"a":"#.repeat(100_000);
    let deep_member = format!(r#"{{"state":{}1{}}}"#, "[".repeat(5000), "]".repeat(5000));
    let faults: [&[u8]; 33] = [
        b"",
        b" ",
        b"null",
        b"true",
        b"0",
        b"\"ALLOW\"",
        b"[]",
        b"[{}]",
        br#"["ALLOW","k",true,null,null,[],[],null,[]]"#,
        br#"[true,"CHALLENGE_SUCCEEDED",null,"u","a","a","k",null,null,null]"#,
        b"{",
        b"}",
        b"{\"state\"",
        b"{\"state\":",
        b"{\"state\":\"ALLOW\"",
        b"{\"state\":\"ALLOW\",",
        b"{'state':'ALLOW'}",
        b"{state:ALLOW}",
        b"{\"state\":\"ALLOW\"} {}",
        b"{\"state\":\"ALLOW\"}x",
        b"{\"state\":\"\xff\"}",
        b"{\"state\":\"\\ud800\"}",
        b"{\"state\":\"a\nb\"}",
        b"\xef\xbb\xbf{}",
        b"\0",
        b"<!doctype html><title>Sign in</title>",
        b"upstream connect error",
        b"\x1f\x8b\x08\x00",
        b"{\"state\":NaN}",
        b"{\"state\":\"ALLOW\",\"state\":\"BLOCK\"}",
        deep.as_bytes(),
        deep_objects.as_bytes(),
        deep_member.as_bytes(),
    ];
    for fault in faults {
        let errors = [
            plain::<Tracked>(fault).map(drop),
            plain::<TrackDecision>(fault).map(drop),
            plain::<crate::Action>(fault).map(drop),
            // Every member is optional here, so give the faults something to be about.
            plain::<Validated>(fault).map(drop),
        ];
        for error in errors {
            let text = String::from_utf8_lossy(&fault[..fault.len().min(60)]);
            assert_eq!(error.map_err(|error| error.kind()), Err(ErrorKind::Malformed), "{text}");
        }
    }
}

/// T74: a list is one of objects, and nothing else.
#[test]
fn lists() {
    let read = |body: &str| {
        let users = list::<UserAttributes>(&HeaderMap::new(), body.as_bytes(), &Redactor::new([]));
        users.map(|users| users.len()).map_err(|error| error.kind())
    };
    let table = [
        ("[]", Some(0)),
        (" [ ] ", Some(0)),
        (r#"[{"isEnrolled":true},{"isEnrolled":false,"new":[1]}]"#, Some(2)),
        (r#"[{"isEnrolled":true},{}]"#, None),
        (r#"[{"isEnrolled":true},null]"#, None),
        (r#"[{"isEnrolled":true}"#, None),
        (r#"[{"isEnrolled":true}] []"#, None),
        (r#"[["u",true,null,false,null,false,null,null,null,{},[],[],null]]"#, None),
        (r#"{"isEnrolled":true}"#, None),
        (r#"{"0":{"isEnrolled":true}}"#, None),
        ("null", None),
        ("", None),
        (r#""[]""#, None),
    ];
    for (body, expected) in table {
        assert_eq!(read(body), expected.ok_or(ErrorKind::Malformed), "{body}");
    }
    let error = list::<UserAttributes>(&HeaderMap::new(), br#"[{"isEnrolled":7}]"#, &Redactor::new([])).unwrap_err();
    assert!(error.to_string().contains("at `[0].isEnrolled`"), "{error}");
}

/// A page of somebody's in front of the service is no success of a delete.
#[test]
fn what_is_done() {
    let done = |body: &str, content_type| {
        let headers = headers(&[(CONTENT_TYPE, content_type)]);
        done(&headers, body.as_bytes(), &Redactor::new([])).map_err(|error| error.kind())
    };
    assert_eq!(done(r#"{"success":true}"#, "application/json"), Ok(()));
    assert_eq!(done("", "text/plain"), Ok(()));
    assert_eq!(done("<h1>Signed in</h1>", "text/html"), Err(ErrorKind::Malformed));
    assert_eq!(done("<h1>Signed in</h1>", "application/json"), Err(ErrorKind::Malformed));
    assert_eq!(done(r#"{"success":true}"#, "text/html"), Err(ErrorKind::Malformed));
}

/// T73: what is not exactly one of the eight is unknown, what is no text is malformed.
#[test]
fn states() {
    let known = [
        ActionState::Allow,
        ActionState::Block,
        ActionState::ChallengeRequired,
        ActionState::ChallengeSucceeded,
        ActionState::ChallengeFailed,
        ActionState::ReviewRequired,
        ActionState::ReviewSucceeded,
        ActionState::ReviewFailed,
    ];
    let tracked = |json: &str| {
        plain::<Tracked>(format!(r#"{{"state":{json},"idempotencyKey":"k"}}"#).as_bytes()).map(|tracked| tracked.state)
    };
    for state in &known {
        let text = state.as_str();
        assert_eq!(&tracked(&format!("{text:?}")).unwrap(), state);
        let twisted = [
            text.to_lowercase(),
            format!("{text} "),
            format!(" {text}"),
            format!("{text}\\u0000"),
            text.replace('_', "-"),
            format!("{text}_NEW"),
        ];
        for twisted in twisted.iter().filter(|twisted| *twisted != text) {
            let state = tracked(&format!("\"{twisted}\"")).unwrap();
            assert!(matches!(state, ActionState::Unknown(_)), "{twisted:?} is read as {state:?}");
        }
    }
    for text in ["", "REVIEW", "CHALLENGE", "ALLOWED", "Unknown", "ＡＬＬＯＷ", "OK", "true", "0"] {
        assert_eq!(tracked(&format!("{text:?}")).unwrap(), ActionState::Unknown(text.to_owned()));
    }
    for json in ["null", "true", "1", "1.5", "[]", "[\"ALLOW\"]", "{}", "{\"ALLOW\":null}"] {
        assert_eq!(tracked(json).unwrap_err().kind(), ErrorKind::Malformed, "{json}");
    }
}

#[test]
fn null_is_absent_and_unknown_members_are_ignored() {
    let json = r#"{"state":"ALLOW","idempotencyKey":"k","isEnrolled":null,"url":null,"token":null,
        "allowedVerificationMethods":null,"ruleIds":null,"brandNew":{"a":[1]}}"#;
    let tracked = plain::<Tracked>(json.as_bytes()).unwrap();
    assert!(tracked.is_enrolled.is_none() && tracked.url.is_none() && tracked.token.is_none());
    assert!(tracked.allowed_verification_methods.is_empty() && tracked.rule_ids.is_empty());
    let user = plain::<UserAttributes>(br#"{"isEnrolled":false,"emailVerified":null,"custom":null}"#).unwrap();
    assert!(!user.email_verified && user.custom.is_empty());
}

#[test]
fn validated() {
    let read = |json: &str| plain::<Validated>(json.as_bytes());
    assert!(!read("{}").unwrap().is_valid, "absent");
    assert!(!read(r#"{"isValid":null}"#).unwrap().is_valid, "null");
    assert!(!read(r#"{"error":"invalid_request"}"#).unwrap().is_valid, "an error with status 200");
    assert!(read(r#"{"isValid":"true"}"#).is_err(), "a text is no boolean");
    assert!(read(r#"{"isValid":1}"#).is_err(), "a number is no boolean");
    let action = |json: &str| read(json).map(|validated| validated.action).map_err(|error| error.kind());
    assert_eq!(action(r#"{"action":"a"}"#), Ok(Some("a".to_owned())));
    assert_eq!(action(r#"{"actionCode":"a"}"#), Ok(Some("a".to_owned())));
    assert_eq!(action(r#"{"action":"a","actionCode":"a"}"#), Ok(Some("a".to_owned())));
    assert_eq!(action(r#"{"action":"a","actionCode":"b"}"#), Err(ErrorKind::Malformed));
}

#[test]
fn a_malformed_answer_says_where_and_shows_a_piece() {
    let body = r#"{"state":"ALLOW","idempotencyKey":"k","ruleIds":[1234567]}"#;
    let error = plain::<Tracked>(body.as_bytes()).unwrap_err();
    assert!(error.to_string().contains("at `ruleIds[0]`: invalid type"), "{error}");
    assert!(!format!("{error} {error:?}").contains("1234567"), "{error:?}");
    assert_eq!(error.excerpt(), Some(r#"{"state":"ALLOW","idempotencyKey":"k","ruleIds":[[cut]]}"#));
}

/// Section 3.5 of the API's own forms, and what stands in front of it.
#[test]
fn refusals() {
    let sentence = "The request is unauthorized. Check that your API key and region base URL are correctly configured.";
    let all = format!(r#"{{"error":"unauthorized","errorCode":"unauthorized","errorDescription":"{sentence}"}}"#);
    // status, body, kind, code, description
    let table = [
        (401, all.as_str(), ErrorKind::Unauthorized, Some("unauthorized"), Some(sentence)),
        (400, r#"{"error":"invalid_request"}"#, ErrorKind::Rejected, Some("invalid_request"), None),
        (400, r#"{"errorCode":"a","error":"b"}"#, ErrorKind::Rejected, Some("a"), None),
        (400, r#"{"errorCode":"","error":"b"}"#, ErrorKind::Rejected, Some("b"), None),
        (400, r#"{"errorCode":7,"error":"b"}"#, ErrorKind::Rejected, Some("b"), None),
        (404, r#"{"message":"Not Found"}"#, ErrorKind::Rejected, None, Some("Not Found")),
        (403, "", ErrorKind::Rejected, None, None),
        (422, r#"{"errorCode":"invalid_request_token"}"#, ErrorKind::Rejected, Some("invalid_request_token"), None),
        (429, r#"{"errorCode":"too_many_requests"}"#, ErrorKind::RateLimited, Some("too_many_requests"), None),
        (500, "[]", ErrorKind::Server, None, None),
        (502, "<h1>Bad gateway</h1>", ErrorKind::Server, None, None),
        (503, "{", ErrorKind::Server, None, None),
        (599, "null", ErrorKind::Server, None, None),
        (302, "", ErrorKind::Redirected, None, None),
        (600, "", ErrorKind::Malformed, None, None),
    ];
    for (status, body, kind, code, description) in table {
        let error = refusal(status, &HeaderMap::new(), body.as_bytes(), &Redactor::new([]));
        let got = (error.status(), error.kind(), error.code(), error.description());
        assert_eq!(got, (Some(status), kind, code, description), "{status} {body}");
        assert_eq!(error.excerpt().is_none(), code.is_some() || description.is_some() || body.is_empty(), "{body}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
}

#[test]
fn retry_after_forms() {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let later = "Sun, 06 Nov 1994 08:50:07 GMT";
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    // Retry-After, Date, expected
    let table = [
        ("0", None, seconds(0)),
        ("120", None, seconds(120)),
        (" 7 ", None, seconds(7)),
        (later, Some(date), seconds(30)),
        (date, Some(later), seconds(0)),
        (later, None, None),
        (later, Some("yesterday"), None),
        ("soon", Some(date), None),
        ("-1", Some(date), None),
        ("1.5", Some(date), None),
        ("99999999999999999999999", None, None),
        ("", Some(date), None),
    ];
    for (after, now, expected) in table {
        let mut headers = headers(&[(RETRY_AFTER, after)]);
        if let Some(now) = now {
            headers.insert(DATE, HeaderValue::from_static(now));
        }
        assert_eq!(retry_after(&headers), expected, "{after:?} {now:?}");
    }
    assert_eq!(retry_after(&HeaderMap::new()), None);
}
