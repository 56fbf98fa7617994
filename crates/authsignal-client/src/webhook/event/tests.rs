//! The events of the docs with the least, with more, and with what nobody expects; and what is no event.
mod members;

use serde_json::{Value, json};

use super::*;
use crate::types::{ActionState, SmsChannel, VerificationMethod};
use crate::webhook::{ChallengeLogType, ErrorKind, Outcome};

fn envelope(kind: &str, member: &str, data: Value) -> Value {
    let mut envelope = json!({
        "version": 1, "id": "0b6a1c1e", "source": "https://authsignal.com", "time": "2026-01-15T10:00:00.000Z",
        "tenantId": "11111111", "type": kind,
    });
    envelope[member] = data;
    envelope
}

fn parse(payload: &Value) -> Result<Delivery, Error> {
    Delivery::parse(payload.to_string().as_bytes())
}

fn single(kind: &str, data: Value) -> EventData {
    let delivery = parse(&envelope(kind, "data", data)).unwrap();
    delivery.into_iter().next().unwrap().data
}

/// A batch of one.
fn record(kind: &str, record: Value) -> EventData {
    let delivery = parse(&json!({ "records": [envelope(kind, "record", record)] })).unwrap();
    delivery.into_iter().next().unwrap().data
}

fn email() -> Value {
    json!({
        "to": "ada@example.com", "userId": "user-1", "actionCode": "signIn", "idempotencyKey": "5d1f9c52",
        "code": "123456", "url": "https://mfa.authsignal.com/api/verify-magic-link?token=eyJ",
        "verificationMethod": "EMAIL_OTP", "userAgent": "Mozilla/5.0", "ipAddress": "203.0.113.42",
        "timezone": "Pacific/Auckland", "locale": "en-NZ", "customVariables": { "tier": "gold" },
    })
}

fn action_log() -> Value {
    json!({
        "tenantId": "11111111", "userId": "user-1", "actionCode": "signIn", "idempotencyKey": "5d1f9c52",
        "createdAt": "2026-01-15T10:00:00.000Z", "updatedAt": "2026-01-15T10:00:30.000Z",
        "state": "CHALLENGE_SUCCEEDED", "stateUpdatedAt": "2026-01-15T10:00:30.000Z", "outcome": "CHALLENGE",
        "verificationMethod": "EMAIL_OTP", "allowedVerificationMethods": ["EMAIL_OTP"],
        "enrolledVerificationMethods": ["EMAIL_OTP", "SMS"], "rules": [{ "ruleId": "6b0e8f3a", "name": "New device" }],
        "priorityRuleId": "6b0e8f3a", "ipAddress": "203.0.113.42", "countryCode": "NZ", "email": "ada@example.com",
        "phoneNumber": "+64270000000", "deviceId": "a46b7c1e", "customVariables": { "tier": "gold" },
    })
}

fn challenge_log() -> Value {
    json!({
        "tenantId": "11111111", "userId": "user-1", "actionCode": "signIn", "idempotencyKey": "5d1f9c52",
        "createdAt": "2026-01-15T10:00:05.000Z", "type": "EMAIL_OTP_SEND_DOWNSTREAM_FAILED",
        "verificationMethod": "EMAIL_OTP", "email": "ada@example.com", "phoneNumber": "+64270000000",
        "errorDescription": "Provider refused the message", "statusCode": 502, "data": { "provider": "custom" },
    })
}

/// Every type with the least that it has to have.
fn least() -> Vec<(&'static str, Value)> {
    let challenge = json!({ "to": "t", "actionCode": "a", "idempotencyKey": "k" });
    let change = json!({ "userId": "u", "userAuthenticatorId": "i", "verificationMethod": "SMS", "createdAt": "c" });
    vec![
        ("email.created", challenge),
        ("sms.created", json!({ "to": "t", "code": "c", "actionCode": "a", "idempotencyKey": "k" })),
        ("push.created", json!({ "challengeId": "c", "userId": "u", "actionCode": "a", "idempotencyKey": "k" })),
        ("authenticator.created", change.clone()),
        ("authenticator.updated", change.clone()),
        ("authenticator.deleted", change),
        (
            "action.verify",
            json!({
                "userId": "u", "action": "a", "idempotencyKey": "k", "verifiedAt": "v", "state": "CHALLENGE_SUCCEEDED",
                "verificationMethod": "SMS",
            }),
        ),
        (
            "action.log_created",
            json!({
                "tenantId": "t", "userId": "u", "actionCode": "a", "idempotencyKey": "k", "createdAt": "c",
                "updatedAt": "u", "state": "ALLOW", "stateUpdatedAt": "s", "outcome": "ALLOW",
            }),
        ),
        (
            "challenge.log_created",
            json!({
                "tenantId": "t", "userId": "u", "actionCode": "a", "idempotencyKey": "k", "createdAt": "c", "type": "NEW",
            }),
        ),
    ]
}

#[test]
fn an_envelope_is_kept_whole() {
    let delivery = parse(&envelope("email.created", "data", email())).unwrap();
    let [event] = delivery.events() else { panic!("one event") };
    assert_eq!((event.version, event.id.as_str(), event.source.as_str()), (1, "0b6a1c1e", "https://authsignal.com"));
    assert_eq!((event.time.as_str(), event.tenant_id.as_str()), ("2026-01-15T10:00:00.000Z", "11111111"));
    assert_eq!(event.data.kind(), "email.created");
}

/// What is new is kept, and does not show (T97).
#[test]
fn members_that_are_new_are_kept() {
    for (kind, mut data) in least() {
        data["brandNew"] = json!({ "secret": "canary" });
        let mut envelope = envelope(kind, "data", data);
        envelope["region"] = json!("canary");
        let event = parse(&envelope).unwrap().into_iter().next().unwrap();
        assert_eq!(event.other.iter().collect::<Vec<_>>(), [("region", &json!("canary"))], "{kind}");
        let other = match &event.data {
            EventData::EmailCreated(data) => &data.other,
            EventData::SmsCreated(data) => &data.other,
            EventData::PushCreated(data) => &data.other,
            EventData::AuthenticatorCreated(data)
            | EventData::AuthenticatorUpdated(data)
            | EventData::AuthenticatorDeleted(data) => &data.other,
            EventData::ActionVerify(data) => &data.other,
            EventData::ActionLogCreated(data) => &data.other,
            EventData::ChallengeLogCreated(data) => &data.other,
            EventData::Unknown(event) => panic!("{event:?}"),
        };
        assert_eq!(other.iter().collect::<Vec<_>>(), [("brandNew", &json!({ "secret": "canary" }))], "{kind}");
        assert!(!format!("{event:?}").contains("canary"), "{event:?}");
    }
}

#[test]
fn the_least_is_enough_and_less_is_kept_as_unknown() {
    for (kind, data) in least() {
        let event = single(kind, data.clone());
        assert!(event.kind() == kind && !matches!(event, EventData::Unknown(_)), "{kind}");
        let mut more = data.clone();
        for member in ["email", "code", "url", "customVariables", "rules", "allowedVerificationMethods", "data"] {
            if more.get(member).is_none() {
                more[member] = Value::Null;
            }
        }
        more["somethingNew"] = json!({ "a": [1] });
        assert!(!matches!(single(kind, more), EventData::Unknown(_)), "{kind}: null is absent, and more is ignored");

        for member in data.as_object().unwrap().keys() {
            let mut less = data.clone();
            less.as_object_mut().unwrap().remove(member);
            let EventData::Unknown(event) = single(kind, less.clone()) else { panic!("{kind} without {member}") };
            assert_eq!((event.kind.as_str(), &event.data), (kind, &less), "{kind}: {member}");
            let fault = event.fault.unwrap();
            assert!(fault.contains(&format!("missing field `{member}`")), "{kind}: {fault}");
        }
        let list = Value::Array(data.as_object().unwrap().values().cloned().collect());
        let listed = single(kind, list);
        assert!(matches!(listed, EventData::Unknown(_)), "{kind}: a list of the members is no object");
    }
}

#[test]
fn what_is_no_envelope_is_kept_as_unknown_and_what_is_no_event_is_refused() {
    let whole = envelope("email.created", "data", email());
    for member in ["version", "type", "id", "source", "time", "tenantId", "data"] {
        for batch in [false, true] {
            let (member, mut less) = match (batch, member) {
                (true, "data") => ("record", envelope("email.created", "record", email())),
                (true, _) => (member, envelope("email.created", "record", email())),
                (false, _) => (member, whole.clone()),
            };
            less.as_object_mut().unwrap().remove(member);
            let payload = if batch { json!({ "records": [less] }) } else { less.clone() };
            if member == "type" && !batch {
                assert_eq!(parse(&payload).unwrap_err().kind(), ErrorKind::Payload);
                continue;
            }
            let [event] = &parse(&payload).unwrap().into_iter().collect::<Vec<_>>()[..] else { panic!("{member}") };
            let EventData::Unknown(unknown) = &event.data else { panic!("{member}: {event:?}") };
            assert_eq!(unknown.data, less, "{member}: all that came");
            assert_eq!(unknown.kind.is_empty(), member == "type");
            assert_eq!(event.id.is_empty(), member == "id");
            let fault = unknown.fault.as_ref().unwrap();
            assert!(fault.contains(&format!("missing field `{member}`")), "{fault}");
        }
    }
    let mut typed = whole.clone();
    typed["version"] = json!("one");
    let EventData::Unknown(unknown) = parse(&typed).unwrap().into_iter().next().unwrap().data else {
        panic!("{typed}")
    };
    let fault = unknown.fault.unwrap();
    assert_eq!(fault, "the payload cannot be read: at `version` in the payload: it is of another type");

    let deep = format!("{}{}", r#"{"records":"#, "[".repeat(50_000));
    for payload in [
        "",
        "{",
        "null",
        "[]",
        "1",
        "\"text\"",
        "{}",
        "\u{feff}{}",
        "{\"a\":1} {}",
        r#"{"records":{}}"#,
        r#"{"records":null}"#,
        r#"{"a":1e999999}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"type":"\ud80"}"#,
        r#"{"type":1}"#,
        &deep,
    ] {
        let error = Delivery::parse(payload.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Payload, "{}", &payload[..payload.len().min(40)]);
    }
    assert!(Delivery::parse(b"{\"a\":\"\xff\"}").is_err());
}

#[test]
fn batches_are_whole_and_one_odd_record_holds_up_no_other() {
    assert!(matches!(parse(&json!({ "records": [] })), Ok(Delivery::Batch(events)) if events.is_empty()));
    let mut misfit = challenge_log();
    misfit["createdAt"] = json!(1);
    let payload = json!({ "records": [
        envelope("action.log_created", "record", action_log()),
        envelope("challenge.log_created", "record", misfit.clone()),
        envelope("session.log_created", "record", json!({ "id": 7 })),
        envelope("challenge.log_created", "record", challenge_log()),
        7, [], {}, null, "text", { "id": 7, "type": "action.log_created", "record": {} },
    ]});
    let delivery = parse(&payload).unwrap();
    assert!(matches!(&delivery, Delivery::Batch(events) if events.len() == 10));
    let data: Vec<_> = delivery.into_iter().map(|event| event.data).collect();
    assert!(matches!(&data[0], EventData::ActionLogCreated(_)));
    assert!(
        matches!(&data[1], EventData::Unknown(record) if record.kind == "challenge.log_created" && record.data == misfit)
    );
    assert!(matches!(&data[2], EventData::Unknown(record) if record.data == json!({ "id": 7 })));
    assert!(matches!(&data[3], EventData::ChallengeLogCreated(_)));
    for (at, data) in data.iter().enumerate().skip(4) {
        let EventData::Unknown(record) = data else { panic!("{data:?}") };
        assert_eq!(&record.data, &payload["records"][at]);
        assert!(record.fault.as_ref().is_some_and(|fault| fault.contains(&format!("`records[{at}]`"))), "{record:?}");
    }
}

/// Half a character, as JavaScript writes it, makes neither an event unreadable nor a batch.
#[test]
fn half_characters_in_texts_are_replaced_and_ids_with_one_are_not_known() {
    let mut mail = email();
    mail["userAgent"] = json!("HALF");
    mail["customVariables"] = json!({ "HALFId": "HALF" });
    let halved = |value: &Value| value.to_string().replace("HALF", r"\ud83d");
    let delivery = Delivery::parse(halved(&envelope("email.created", "data", mail.clone())).as_bytes()).unwrap();
    let EventData::EmailCreated(read) = delivery.into_iter().next().unwrap().data else { panic!("an e-mail") };
    assert_eq!(read.user_agent.as_deref(), Some("\u{fffd}"));
    assert_eq!(read.custom_variables["\u{fffd}Id"], "\u{fffd}");

    for member in ["userId", "code", "url", "idempotencyKey", "actionCode"] {
        let mut mail = mail.clone();
        mail[member] = json!("xHALF");
        let delivery = Delivery::parse(halved(&envelope("email.created", "data", mail)).as_bytes()).unwrap();
        let data = delivery.into_iter().next().unwrap().data;
        assert!(matches!(&data, EventData::Unknown(event) if event.kind == "email.created"), "{member}: {data:?}");
    }

    let (mut text, mut id) = (challenge_log(), challenge_log());
    text["errorDescription"] = json!("HALF");
    id["userId"] = json!("HALF");
    let records = [text, id, challenge_log()].map(|record| envelope("challenge.log_created", "record", record));
    let delivery = Delivery::parse(halved(&json!({ "records": records })).as_bytes()).unwrap();
    let known = delivery.events().iter().map(|event| !matches!(event.data, EventData::Unknown(_)));
    assert_eq!(known.collect::<Vec<_>>(), [true, false, true]);
}

#[test]
fn an_unknown_type_is_kept() {
    for data in [json!({ "to": "ada" }), json!([1]), json!("text"), json!(false)] {
        let event = single("fax.created", data.clone());
        assert_eq!(event.kind(), "fax.created");
        assert!(matches!(event, EventData::Unknown(event) if event.data == data));
    }
}

/// T97: neither `Debug` nor an error shows a code, a link, or what nobody knows.
#[test]
fn t97_codes_and_links_are_not_shown() {
    let mut mail = email();
    mail["code"] = json!("canary");
    mail["url"] = json!("https://example.com/?token=canary");
    for data in [
        single("email.created", mail.clone()),
        single("fax.created", json!({ "code": "canary" })),
        single(
            "sms.created",
            json!({ "to": "t", "code": "canary", "userId": "u", "actionCode": "a", "idempotencyKey": "k" }),
        ),
    ] {
        assert!(!format!("{data:?} {data:#?}").contains("canary"), "{data:?}");
    }
    for (member, value) in [
        ("code", json!(90210)),
        ("code", json!(["canary"])),
        ("customVariables", json!("canary")),
        ("to", json!({ "canary": 90210 })),
    ] {
        let mut misfit = mail.clone();
        misfit[member] = value;
        let EventData::Unknown(event) = single("email.created", misfit) else { panic!("{member}") };
        let shown = format!("{event:?} {}", event.fault.as_ref().unwrap());
        assert!(shown.contains(member) && !shown.contains("canary") && !shown.contains("90210"), "{shown}");
    }
}
