//! What goes over the wire for actions, and what comes back.
use std::time::{Duration, SystemTime};

use authsignal_client::IdempotencyKey;
use authsignal_client::{
    ActionState, Crypto, CustomData, ErrorKind, QueryActions, Scope, Track, UpdateAction, VerificationMethod,
};
use serde_json::json;

use super::{answering, good};
use crate::support::{KEY, Reply, Request, Server};

#[tokio::test]
async fn every_member_of_track() {
    let server = Server::start(good).await;
    let request = Track::new("withdrawal")
        .idempotency_key(IdempotencyKey::new(KEY).unwrap())
        .redirect_url("https://app.example.com/cb?flow=1")
        .redirect_to_settings(true)
        .email("ada@example.com")
        .phone_number("+64270000000")
        .username("ada")
        .ip_address("203.0.113.42")
        .user_agent("Mozilla/5.0")
        .device_id("device-1")
        .scope(Scope::Read)
        .custom(CustomData::new().with("amount", 100).with("ok", true).with("tags", vec!["a".to_owned()]))
        .challenge_id("challenge-1")
        .locale("en-NZ")
        .custom_domain("mfa.example.com")
        .crypto(Crypto::new().asset("BTC").address("bc1").txn_hash("ff").asset_amount(0.5).asset_amount_usd(30_000));
    let tracked = server.client().track("user-1", request).await.unwrap();
    assert_eq!(tracked.idempotency_key.as_str(), KEY);
    let expected = json!({
        "idempotencyKey": KEY, "redirectUrl": "https://app.example.com/cb?flow=1", "redirectToSettings": true,
        "email": "ada@example.com", "phoneNumber": "+64270000000", "username": "ada",
        "ipAddress": "203.0.113.42", "userAgent": "Mozilla/5.0", "deviceId": "device-1",
        "scope": "read:authenticators", "custom": {"amount": 100, "ok": true, "tags": ["a"]},
        "challengeId": "challenge-1", "locale": "en-NZ", "customDomain": "mfa.example.com",
        "crypto": {"asset": "BTC", "address": "bc1", "txnHash": "ff", "assetAmount": 0.5, "assetAmountUsd": 30000},
    });
    assert_eq!(server.requests()[0].json(), expected);
}

#[tokio::test]
async fn what_is_not_set_is_not_sent() {
    let server = Server::start(good).await;
    let client = server.client();
    client.track("user-1", "withdrawal").await.unwrap();
    client.track("user-1", "withdrawal").await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].json(), json!({"idempotencyKey": requests[0].key()}));
    assert_ne!(requests[0].key(), requests[1].key(), "every call is an attempt of its own");
}

#[tokio::test]
async fn numbers_that_json_has_not_are_refused() {
    let server = Server::start(good).await;
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let request = Track::new("a").custom(CustomData::new().with("n", number));
        assert_eq!(server.client().track("u", request).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        let request = Track::new("a").crypto(Crypto::new().asset_amount(number));
        assert_eq!(server.client().track("u", request).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_tracked_answer() {
    let body = format!(
        r#"{{"state":"CHALLENGE_REQUIRED","idempotencyKey":"{KEY}","isEnrolled":true,
        "url":"https://mfa.authsignal.com/?token=eyJ","token":"eyJ",
        "allowedVerificationMethods":["EMAIL_OTP","HOLOGRAM"],"enrolledVerificationMethods":["EMAIL_OTP"],
        "defaultVerificationMethod":"EMAIL_OTP","ruleIds":["6b0e8f3a"]}}"#
    );
    let server = Server::replying(Reply::json(200, &body)).await;
    let request = Track::new("withdrawal").idempotency_key(IdempotencyKey::new(KEY).unwrap());
    let tracked = server.client().track("user-1", request).await.unwrap();
    assert_eq!(tracked.state, ActionState::ChallengeRequired);
    assert_eq!(tracked.is_enrolled, Some(true));
    assert_eq!(tracked.url.unwrap().secret(), "https://mfa.authsignal.com/?token=eyJ");
    assert_eq!(tracked.token.unwrap().secret(), "eyJ");
    let hologram = VerificationMethod::Unknown("HOLOGRAM".to_owned());
    assert_eq!(tracked.allowed_verification_methods, [VerificationMethod::EmailOtp, hologram]);
    assert_eq!(tracked.default_verification_method, Some(VerificationMethod::EmailOtp));
    assert_eq!(tracked.rule_ids, ["6b0e8f3a"]);
}

/// What does not decide is not looked at; what does is read as strictly as ever.
#[tokio::test]
async fn a_decision_is_the_part_of_the_answer_that_decides() {
    let server = Server::start(|_, request: &Request| {
        Reply::json(
            200,
            &format!(
                r#"{{"state":"CHALLENGE_REQUIRED","idempotencyKey":"{}","isEnrolled":false,"ruleIds":7,
                "url":"https://mfa.authsignal.com/?token=eyJ","token":"eyJ","allowedVerificationMethods":{{}}}}"#,
                request.key()
            ),
        )
    })
    .await;
    let decision = server.client().track_decision("user-1", Track::new("withdrawal").locale("de")).await.unwrap();
    assert_eq!((decision.state, decision.is_enrolled), (ActionState::ChallengeRequired, Some(false)));
    assert_eq!(decision.url.unwrap().secret(), "https://mfa.authsignal.com/?token=eyJ");
    assert_eq!(decision.token.unwrap().secret(), "eyJ");
    let request = &server.requests()[0];
    assert_eq!(request.json(), json!({"idempotencyKey": request.key(), "locale": "de"}));
    assert_eq!(decision.idempotency_key.as_str(), request.key());
}

/// T72
#[tokio::test]
async fn an_answer_about_another_attempt_is_malformed() {
    for key in ["other", "5D1F9C52-8C1A-4C55-8E35-0B6A0AD0A001", "5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001 ", ""] {
        let body = format!(r#"{{"state":"ALLOW","idempotencyKey":"{key}"}}"#);
        let server = Server::replying(Reply::json(200, &body)).await;
        let request = Track::new("a").idempotency_key(IdempotencyKey::new(KEY).unwrap());
        let tracked = server.client().track("u", request.clone()).await;
        assert_eq!(tracked.unwrap_err().kind(), ErrorKind::Malformed, "{key:?}");
        let decision = server.client().track_decision("u", request).await;
        assert_eq!(decision.unwrap_err().kind(), ErrorKind::Malformed, "{key:?}");
    }
}

#[tokio::test]
async fn an_action() {
    let body = r#"{"state":"CHALLENGE_SUCCEEDED","createdAt":"2026-01-15T10:00:00.000Z",
        "stateUpdatedAt":"2026-01-15T10:00:30.000Z","verificationMethod":"EMAIL_OTP","ruleIds":["r"],
        "priorityRuleId":"r","rules":[{"ruleId":"r","name":"New device","description":"d","metadata":{"a":1}}],
        "output":{"device.isNew":true}}"#;
    let server = Server::replying(Reply::json(200, body)).await;
    let action = server.client().get_action("user-1", "withdrawal", KEY).await.unwrap();
    assert_eq!(action.state, ActionState::ChallengeSucceeded);
    assert_eq!(action.created_at.as_str(), "2026-01-15T10:00:00.000Z");
    assert_eq!(action.rules[0].metadata["a"], 1);
    assert_eq!(action.output["device.isNew"], true);
    assert_eq!(action.priority_rule_id.as_deref(), Some("r"));
}

/// Rules that are no objects are malformed, though serde would take their members in order.
#[tokio::test]
async fn a_rule_is_an_object() {
    let body = r#"{"state":"ALLOW","createdAt":"t","stateUpdatedAt":"t","rules":[["r","New device","d",{}]]}"#;
    let error = answering(body).await.client().get_action("user-1", "withdrawal", KEY).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn an_action_is_changed() {
    let body = r#"{"state":"REVIEW_SUCCEEDED","createdAt":"2026-01-15T10:00:00.000Z",
        "stateUpdatedAt":"2026-01-15T10:00:30.000Z","verificationMethod":"EMAIL_OTP","ruleIds":["r"],
        "output":{"device.isNew":true}}"#;
    let server = answering(body).await;
    let client = server.client();
    let updated = client.update_action("user-1", "withdrawal", KEY, ActionState::ReviewSucceeded).await.unwrap();
    assert_eq!(updated.state, ActionState::ReviewSucceeded);
    assert_eq!(updated.created_at.unwrap().as_str(), "2026-01-15T10:00:00.000Z");
    assert_eq!(updated.state_updated_at.unwrap().as_str(), "2026-01-15T10:00:30.000Z");
    assert_eq!(updated.verification_method, Some(VerificationMethod::EmailOtp));
    assert_eq!((updated.rule_ids, &updated.output["device.isNew"]), (vec!["r".to_owned()], &json!(true)));
    let new = ActionState::from("ON_ICE");
    let request = UpdateAction::new(new).custom(CustomData::new().with("reviewer", "grace"));
    client.update_action("user-1", "withdrawal", KEY, request).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target(), format!("PATCH /v1/users/user-1/actions/withdrawal/{KEY}"));
    assert_eq!(requests[0].json(), json!({"state": "REVIEW_SUCCEEDED"}));
    assert_eq!(requests[1].json(), json!({"state": "ON_ICE", "custom": {"reviewer": "grace"}}));

    let server = answering(r#"{"state":"ON_ICE"}"#).await;
    let updated = server.client().update_action("user-1", "a", "k", ActionState::Block).await.unwrap();
    assert_eq!(updated.state, ActionState::Unknown("ON_ICE".to_owned()));
    assert!(updated.created_at.is_none() && updated.rule_ids.is_empty() && updated.output.is_empty());
}

#[tokio::test]
async fn actions_of_a_user() {
    let body = r#"[{"actionCode":"signIn","idempotencyKey":"k","createdAt":"2026-01-15T10:00:00.000Z",
        "updatedAt":"2026-01-15T10:00:31.000Z","state":"CHALLENGE_SUCCEEDED",
        "stateUpdatedAt":"2026-01-15T10:00:30.000Z","verificationMethod":"EMAIL_OTP",
        "verifiedByAuthenticatorId":"8f1c","userAgent":"Mozilla/5.0","ipAddress":"203.0.113.42","countryCode":"NZ"},
        {"actionCode":"pay","idempotencyKey":"l","createdAt":"t","state":"ON_ICE"}]"#;
    let server = answering(body).await;
    let actions = server.client().query_user_actions("user-1", QueryActions::new()).await.unwrap();
    let [all, bare] = &actions[..] else { panic!("{actions:?}") };
    let texts = [&all.action_code, &all.idempotency_key].map(String::as_str);
    assert_eq!(texts, ["signIn", "k"]);
    let times = [Some(&all.created_at), all.updated_at.as_ref(), all.state_updated_at.as_ref()];
    let times = times.map(|time| time.unwrap().as_str());
    assert_eq!(times, ["2026-01-15T10:00:00.000Z", "2026-01-15T10:00:31.000Z", "2026-01-15T10:00:30.000Z"]);
    assert_eq!(all.state, ActionState::ChallengeSucceeded);
    assert_eq!(all.verification_method, Some(VerificationMethod::EmailOtp));
    let texts = [&all.verified_by_authenticator_id, &all.user_agent, &all.ip_address, &all.country_code];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), ["8f1c", "Mozilla/5.0", "203.0.113.42", "NZ"]);
    assert_eq!(bare.state.as_str(), "ON_ICE");
    assert!(bare.updated_at.is_none() && bare.verification_method.is_none() && bare.country_code.is_none());
}

#[tokio::test]
async fn a_query_of_actions() {
    let server = answering("[]").await;
    let client = server.client();
    let moment = SystemTime::UNIX_EPOCH + Duration::from_millis(1_768_471_200_123);
    let queries = [
        (QueryActions::new(), ""),
        ("withdrawal".into(), "?codes=withdrawal"),
        (ActionState::Block.into(), "?state=BLOCK"),
        (QueryActions::new().codes(Vec::<String>::new()), ""),
        (
            QueryActions::new().codes(["a", "b"]).from_date(moment).state(ActionState::ReviewRequired),
            "?fromDate=2026-01-15T10%3A00%3A00.123Z&codes=a%2Cb&state=REVIEW_REQUIRED",
        ),
    ];
    for (query, expected) in queries {
        assert!(client.query_user_actions("user-1", query).await.unwrap().is_empty());
        let requests = server.requests();
        assert_eq!(requests.last().unwrap().target(), format!("GET /v1/users/user-1/actions{expected}"));
    }
}

#[tokio::test]
async fn scopes_are_texts() {
    let server = Server::start(good).await;
    let client = server.client();
    client.track("user-1", Track::new("withdrawal").scope(Scope::Add)).await.unwrap();
    client
        .track("user-1", Track::new("withdrawal").scope(format!("{} {}", Scope::Update, Scope::Remove)))
        .await
        .unwrap();
    let scopes = server.requests().iter().map(|request| request.json()["scope"].clone()).collect::<Vec<_>>();
    assert_eq!(scopes, ["add:authenticators", "update:authenticators remove:authenticators"]);
}
