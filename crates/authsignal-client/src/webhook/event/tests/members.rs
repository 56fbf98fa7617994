//! The events of the docs, with every member.
use super::*;

#[test]
fn messages_with_every_member() {
    let EventData::EmailCreated(mail) = single("email.created", email()) else { panic!("an e-mail") };
    assert_eq!(
        (mail.to.as_str(), mail.user_id.as_deref(), mail.action_code.as_str()),
        ("ada@example.com", Some("user-1"), "signIn")
    );
    assert_eq!((mail.idempotency_key.as_str(), mail.code.unwrap().secret()), ("5d1f9c52", "123456"));
    assert_eq!(mail.url.unwrap().secret(), "https://mfa.authsignal.com/api/verify-magic-link?token=eyJ");
    assert_eq!(mail.verification_method, Some(VerificationMethod::EmailOtp));
    assert_eq!((mail.user_agent.unwrap(), mail.ip_address.unwrap()), ("Mozilla/5.0".into(), "203.0.113.42".into()));
    assert_eq!((mail.timezone.unwrap(), mail.locale.unwrap()), ("Pacific/Auckland".into(), "en-NZ".into()));
    assert_eq!(mail.custom_variables["tier"], "gold");

    let data = json!({
        "to": "+64270000000", "code": "123456", "userId": "user-1", "actionCode": "signIn", "idempotencyKey": "5d1f9c52",
        "locale": "en-NZ", "verificationMethod": "SMS", "customVariables": { "tier": "gold" },
    });
    let EventData::SmsCreated(sms) = single("sms.created", data) else { panic!("an sms") };
    assert_eq!(
        (sms.to.as_str(), sms.code.secret(), sms.user_id.as_deref()),
        ("+64270000000", "123456", Some("user-1"))
    );
    assert_eq!((sms.action_code.as_str(), sms.idempotency_key.as_str()), ("signIn", "5d1f9c52"));
    assert_eq!((sms.locale.as_deref(), sms.verification_method), (Some("en-NZ"), Some(VerificationMethod::Sms)));
    assert_eq!(sms.custom_variables["tier"], "gold");

    let data = json!({
        "challengeId": "3a1b0c52", "userId": "user-1", "actionCode": "signIn", "idempotencyKey": "5d1f9c52",
        "userAgent": "Mozilla/5.0", "timezone": "Pacific/Auckland", "ipAddress": "203.0.113.42",
    });
    let EventData::PushCreated(push) = single("push.created", data) else { panic!("a push message") };
    assert_eq!((push.challenge_id.as_str(), push.user_id.as_str()), ("3a1b0c52", "user-1"));
    assert_eq!((push.action_code.as_str(), push.idempotency_key.as_str()), ("signIn", "5d1f9c52"));
    assert_eq!((push.user_agent.as_deref(), push.ip_address.as_deref()), (Some("Mozilla/5.0"), Some("203.0.113.42")));
    assert_eq!(push.timezone.as_deref(), Some("Pacific/Auckland"));
}

#[test]
fn changes_and_the_veto_with_every_member() {
    let data = json!({
        "userId": "user-1", "userAuthenticatorId": "8f1c2d34", "verificationMethod": "PASSKEY",
        "createdAt": "2026-01-15T10:00:00.000Z", "email": "ada@example.com", "phoneNumber": "+64270000000",
        "credentialId": "q83vASNFZ4k", "credentialPublicKey": "pQECAyYgASFYIA", "aaguid": "fbfc3007",
        "credentialName": "Chrome on Mac OS", "updatedAt": "2026-01-16T10:00:00.000Z", "previousSmsChannel": "WHATSAPP",
        "deletedAt": "2026-01-17T10:00:00.000Z",
    });
    for kind in ["authenticator.created", "authenticator.updated", "authenticator.deleted"] {
        let event = single(kind, data.clone());
        assert_eq!(event.kind(), kind);
        let (EventData::AuthenticatorCreated(change)
        | EventData::AuthenticatorUpdated(change)
        | EventData::AuthenticatorDeleted(change)) = event
        else {
            panic!("{kind}")
        };
        assert_eq!((change.user_id.as_str(), change.user_authenticator_id.as_str()), ("user-1", "8f1c2d34"));
        assert_eq!(change.verification_method, VerificationMethod::Passkey);
        assert_eq!(change.created_at.as_str(), "2026-01-15T10:00:00.000Z");
        assert_eq!(change.updated_at.unwrap().as_str(), "2026-01-16T10:00:00.000Z");
        assert_eq!(change.deleted_at.unwrap().as_str(), "2026-01-17T10:00:00.000Z");
        assert_eq!(change.previous_sms_channel, Some(SmsChannel::Whatsapp));
        let texts = [change.email, change.phone_number, change.credential_id, change.credential_public_key];
        assert_eq!(texts.map(Option::unwrap), ["ada@example.com", "+64270000000", "q83vASNFZ4k", "pQECAyYgASFYIA"]);
        assert_eq!([change.aaguid, change.credential_name].map(Option::unwrap), ["fbfc3007", "Chrome on Mac OS"]);
    }

    let data = json!({
        "userId": "user-1", "action": "signIn", "idempotencyKey": "5d1f9c52", "verifiedAt": "2026-01-15T10:00:30.000Z",
        "state": "CHALLENGE_SUCCEEDED", "verificationMethod": "EMAIL_OTP", "userAuthenticatorId": "8f1c2d34",
    });
    let EventData::ActionVerify(verify) = single("action.verify", data) else { panic!("a veto") };
    assert_eq!((verify.user_id.as_str(), verify.action.as_str()), ("user-1", "signIn"));
    assert_eq!(
        (verify.idempotency_key.as_str(), verify.verified_at.as_str()),
        ("5d1f9c52", "2026-01-15T10:00:30.000Z")
    );
    assert_eq!(verify.state, ActionState::ChallengeSucceeded);
    assert_eq!(verify.verification_method, VerificationMethod::EmailOtp);
    assert_eq!(verify.user_authenticator_id.as_deref(), Some("8f1c2d34"));
}

#[test]
fn logs_with_every_member() {
    let EventData::ActionLogCreated(log) = record("action.log_created", action_log()) else { panic!("an action") };
    assert_eq!(
        [log.tenant_id, log.user_id, log.action_code, log.idempotency_key],
        ["11111111", "user-1", "signIn", "5d1f9c52"]
    );
    let times = [&log.created_at, &log.updated_at, &log.state_updated_at].map(|time| &time.as_str()[17..19]);
    assert_eq!(times, ["00", "30", "30"]);
    assert_eq!((log.state, log.outcome), (ActionState::ChallengeSucceeded, Outcome::Challenge));
    assert_eq!(log.verification_method, Some(VerificationMethod::EmailOtp));
    assert_eq!(log.allowed_verification_methods, [VerificationMethod::EmailOtp]);
    assert_eq!(log.enrolled_verification_methods, [VerificationMethod::EmailOtp, VerificationMethod::Sms]);
    assert_eq!((log.rules[0].rule_id.as_str(), log.rules[0].name.as_deref()), ("6b0e8f3a", Some("New device")));
    let texts = [log.priority_rule_id, log.ip_address, log.country_code, log.email, log.phone_number, log.device_id];
    let want = ["6b0e8f3a", "203.0.113.42", "NZ", "ada@example.com", "+64270000000", "a46b7c1e"];
    assert_eq!(texts.map(Option::unwrap), want);
    assert_eq!(log.custom_variables["tier"], "gold");

    let EventData::ChallengeLogCreated(log) = record("challenge.log_created", challenge_log()) else { panic!("one") };
    assert_eq!(
        [log.tenant_id, log.user_id, log.action_code, log.idempotency_key],
        ["11111111", "user-1", "signIn", "5d1f9c52"]
    );
    assert_eq!(
        (log.kind, log.created_at.as_str()),
        (ChallengeLogType::EmailOtpSendDownstreamFailed, "2026-01-15T10:00:05.000Z")
    );
    assert_eq!((log.verification_method, log.status_code), (Some(VerificationMethod::EmailOtp), Some(502)));
    let texts = [log.email, log.phone_number, log.error_description].map(Option::unwrap);
    assert_eq!(texts, ["ada@example.com", "+64270000000", "Provider refused the message"]);
    assert_eq!(log.data["provider"], "custom");
}

/// The docs have it as a number, and on one page as a text.
#[test]
fn a_status_in_a_log_may_be_a_text() {
    for (status, want) in [
        (json!(502), Some(502)),
        (json!("502"), Some(502)),
        (json!(null), None),
        (json!("none"), None),
        (json!(-1), None),
        (json!(70000), None),
        (json!([]), None),
    ] {
        let mut log = challenge_log();
        log["statusCode"] = status.clone();
        let EventData::ChallengeLogCreated(log) = record("challenge.log_created", log) else { panic!("{status}") };
        assert_eq!(log.status_code, want, "{status}");
    }
}
