//! What goes over the wire for authenticators, and what comes back.
use authsignal_client::{
    AuthenticatorAttachment, AuthenticatorTransport, CredentialDeviceType, DevicePlatform, EnrollVerified, ErrorKind,
    SmsChannel, VerificationMethod, VerifiedCredential,
};
use serde_json::json;

use super::answering;
use crate::support::{Reply, Server};

#[tokio::test]
async fn an_enrolment() {
    let body = r#"{"authenticator":{"userId":"user-1","userAuthenticatorId":"8f1c","verificationMethod":"PASSKEY",
        "createdAt":"2026-01-15T10:00:00.000Z","previousSmsChannel":"DEFAULT","isDefault":true,
        "webauthnCredential":{"credentialId":"q83v","deviceId":"d","name":"Chrome on Mac OS",
        "aaguidMapping":{"name":"Apple Passwords","svgIconLight":"data:"},"credentialBackedUp":true,
        "credentialDeviceType":"multiDevice","authenticatorAttachment":"cross-platform",
        "parsedUserAgent":{"ua":"M","browser":{"name":"Chrome","major":"131"},"device":{"type":""},
        "engine":{"name":"Blink"},"os":{"name":"Mac OS"},"cpu":{"architecture":"arm64"}}}},
        "recoveryCodes":["7k2m-9xqa"]}"#;
    let server = Server::replying(Reply::json(200, body)).await;
    let request = EnrollVerified::new(VerificationMethod::AuthenticatorApp).otp_uri("otpauth://totp/a?secret=b");
    let enrolled = server.client().enroll_verified_authenticator("user-1", request).await.unwrap();
    assert_eq!(server.requests()[0].json()["otpUri"], "otpauth://totp/a?secret=b");
    let credential = enrolled.authenticator.webauthn_credential.unwrap();
    assert_eq!(credential.credential_device_type, Some(CredentialDeviceType::MultiDevice));
    assert_eq!(credential.authenticator_attachment, Some(AuthenticatorAttachment::CrossPlatform));
    assert_eq!(credential.parsed_user_agent.unwrap().cpu.unwrap().architecture.as_deref(), Some("arm64"));
    assert_eq!(enrolled.recovery_codes[0].secret(), "7k2m-9xqa");
}

#[tokio::test]
async fn every_member_of_an_enrolment() {
    let server =
        answering(r#"{"authenticator":{"userAuthenticatorId":"a","verificationMethod":"X","createdAt":"t"}}"#).await;
    let client = server.client();
    let request = EnrollVerified::new(VerificationMethod::Sms).phone_number("+64270000000");
    let enrolled = client.enroll_verified_authenticator("user-1", request).await.unwrap();
    assert_eq!(enrolled.authenticator.verification_method.as_str(), "X");
    assert!(enrolled.recovery_codes.is_empty() && enrolled.authenticator.webauthn_credential.is_none());
    let request = EnrollVerified::new(VerificationMethod::EmailOtp).email("ada@example.com").is_default(true);
    client.enroll_verified_authenticator("user-1", request).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[0].target(), "POST /v1/users/user-1/authenticators");
    assert_eq!(requests[0].json(), json!({"verificationMethod": "SMS", "phoneNumber": "+64270000000"}));
    let expected = json!({"verificationMethod": "EMAIL_OTP", "email": "ada@example.com", "isDefault": true});
    assert_eq!(requests[1].json(), expected);
}

#[tokio::test]
async fn an_enrolment_is_an_object() {
    let body = r#"{"authenticator":["user-1","a","SMS","t",null,null,null,null,null,null,null,null,null,null,null,null,null]}"#;
    let request = EnrollVerified::new(VerificationMethod::Sms);
    let error = answering(body).await.client().enroll_verified_authenticator("u", request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn authenticators_of_a_user() {
    let body = r#"[{"userId":"user-1","userAuthenticatorId":"8f1c","verificationMethod":"SMS",
        "createdAt":"2026-01-15T10:00:00.000Z","verifiedAt":"2026-01-15T10:00:05.000Z",
        "lastVerifiedAt":"2026-01-16T08:00:00.000Z","email":"ada@example.com","phoneNumber":"+64270000000",
        "username":"ada","displayName":"Ada L.","previousSmsChannel":"WHATSAPP","isDefault":false,"deviceName":"Pixel",
        "devicePlatform":"ANDROID","erroredAt":"2026-01-17T08:00:00.000Z","errorCode":"e"},
        {"userAuthenticatorId":"a","verificationMethod":"HOLOGRAM","createdAt":"t","previousSmsChannel":"PIGEON",
        "devicePlatform":"AMIGA","webauthnCredential":{"credentialId":"c","credentialDeviceType":"x",
        "authenticatorAttachment":"y"}}]"#;
    let server = answering(body).await;
    let authenticators = server.client().get_authenticators("user-1").await.unwrap();
    assert_eq!(server.requests()[0].target(), "GET /v1/users/user-1/authenticators");
    let [all, bare] = &authenticators[..] else { panic!("{authenticators:?}") };
    assert_eq!((all.user_authenticator_id.as_str(), &all.verification_method), ("8f1c", &VerificationMethod::Sms));
    assert_eq!(all.created_at.as_str(), "2026-01-15T10:00:00.000Z");
    let times = [&all.verified_at, &all.last_verified_at, &all.errored_at];
    let times = times.map(|time| time.as_ref().unwrap().as_str());
    assert_eq!(times, ["2026-01-15T10:00:05.000Z", "2026-01-16T08:00:00.000Z", "2026-01-17T08:00:00.000Z"]);
    let texts = [&all.user_id, &all.email, &all.phone_number, &all.username, &all.display_name, &all.device_name];
    let expected = ["user-1", "ada@example.com", "+64270000000", "ada", "Ada L.", "Pixel"];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), expected);
    assert_eq!((&all.previous_sms_channel, all.is_default), (&Some(SmsChannel::Whatsapp), Some(false)));
    assert_eq!((&all.device_platform, all.error_code.as_deref()), (&Some(DevicePlatform::Android), Some("e")));
    assert_eq!(bare.verification_method.as_str(), "HOLOGRAM");
    assert_eq!(bare.previous_sms_channel.as_ref().unwrap().as_str(), "PIGEON");
    assert_eq!(bare.device_platform.as_ref().unwrap().as_str(), "AMIGA");
    let credential = bare.webauthn_credential.as_ref().unwrap();
    assert_eq!(credential.credential_device_type.as_ref().unwrap().as_str(), "x");
    assert_eq!(credential.authenticator_attachment.as_ref().unwrap().as_str(), "y");
    assert!(bare.user_id.is_none() && bare.is_default.is_none() && bare.errored_at.is_none());
    assert!(answering("[]").await.client().get_authenticators("u").await.unwrap().is_empty());
}

#[tokio::test]
async fn an_authenticator_is_deleted() {
    let server = answering(r#"{"success":true}"#).await;
    server.client().delete_authenticator("user-1", "8f1c").await.unwrap();
    assert_eq!(server.requests()[0].target(), "DELETE /v1/users/user-1/authenticators/8f1c");
    let server = Server::replying(Reply::json(404, r#"{"errorCode":"not_found"}"#)).await;
    assert!(server.client().delete_authenticator("user-1", "8f1c").await.unwrap_err().is_not_found());
}

#[tokio::test]
async fn authenticators_of_the_tenant() {
    let body = r#"[{"authenticatorId":"4c0f","verificationMethod":"SMS","isActive":true,"isEditableByUser":true,
        "isHiddenToUser":false,"smsChannel":"WHATSAPP"},
        {"authenticatorId":"b","verificationMethod":"HOLOGRAM","isActive":false}]"#;
    let server = answering(body).await;
    let authenticators = server.client().get_tenant_authenticators().await.unwrap();
    assert_eq!(server.requests()[0].target(), "GET /v1/authenticators");
    let [all, bare] = &authenticators[..] else { panic!("{authenticators:?}") };
    assert_eq!((all.authenticator_id.as_str(), &all.verification_method), ("4c0f", &VerificationMethod::Sms));
    assert_eq!((all.is_active, all.is_editable_by_user, all.is_hidden_to_user), (true, Some(true), Some(false)));
    assert_eq!(all.sms_channel, Some(SmsChannel::Whatsapp));
    assert_eq!((bare.verification_method.as_str(), bare.is_active), ("HOLOGRAM", false));
    assert!(bare.is_editable_by_user.is_none() && bare.is_hidden_to_user.is_none() && bare.sms_channel.is_none());
}

#[tokio::test]
async fn a_batch() {
    let body = r#"{"total":2,"succeeded":1,"failed":1,"failures":[{"userId":"user-2","credentialId":"q83v",
        "errorCode":"conflict","errorDescription":"Credential already exists for a different user."}]}"#;
    let server = answering(body).await;
    let full = VerifiedCredential::new("user-1", "q83v", "pQEC")
        .name("iPhone")
        .transports([AuthenticatorTransport::Internal, AuthenticatorTransport::Hybrid, "telepathy".into()])
        .aaguid("fbfc3007-154e-4ecc-8c0b-6e020557d7bd");
    let other = VerifiedCredential::new("user-2", "q83v", "pQEC").verification_method(VerificationMethod::SecurityKey);
    let enrolled = server.client().batch_enroll_verified_authenticators([full, other]).await.unwrap();
    let sent = &server.requests()[0];
    assert_eq!(sent.target(), "POST /v1/users/authenticators");
    let expected = json!({"authenticators": [
        {"userId": "user-1", "verificationMethod": "PASSKEY", "credentialId": "q83v", "credentialPublicKey": "pQEC",
         "name": "iPhone", "transports": ["internal", "hybrid", "telepathy"],
         "aaguid": "fbfc3007-154e-4ecc-8c0b-6e020557d7bd"},
        {"userId": "user-2", "verificationMethod": "SECURITY_KEY", "credentialId": "q83v",
         "credentialPublicKey": "pQEC"},
    ]});
    assert_eq!(sent.json(), expected);
    assert_eq!((enrolled.total, enrolled.succeeded, enrolled.failed), (2, 1, 1));
    let [failure] = &enrolled.failures[..] else { panic!("{enrolled:?}") };
    let texts = [&failure.user_id, &failure.credential_id, &failure.error_code, &failure.error_description];
    let expected = ["user-2", "q83v", "conflict", "Credential already exists for a different user."];
    assert_eq!(texts.map(|text| text.as_deref().unwrap()), expected);
}

#[tokio::test]
async fn a_batch_has_its_limit() {
    let server = answering(r#"{"total":1000,"succeeded":1000,"failed":0}"#).await;
    let client = server.client();
    let credentials = |count| (0..count).map(|at| VerifiedCredential::new(format!("user-{at}"), "q83v", "pQEC"));
    let error = client.batch_enroll_verified_authenticators(credentials(1001)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    // It is not counted to its end.
    let endless = std::iter::repeat_with(|| VerifiedCredential::new("user-1", "q83v", "pQEC"));
    let error = client.batch_enroll_verified_authenticators(endless).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(server.connections(), 0);
    let enrolled = client.batch_enroll_verified_authenticators(credentials(1000)).await.unwrap();
    assert!(enrolled.failures.is_empty());
    assert_eq!(server.requests()[0].json()["authenticators"].as_array().map(Vec::len), Some(1000));

    let one_is_none = credentials(3).chain([VerifiedCredential::new("..", "q83v", "pQEC")]);
    let error = client.batch_enroll_verified_authenticators(one_is_none).await.unwrap_err();
    assert_eq!(error.to_string(), "the request cannot be sent: invalid user id of credential 3: it is `.` or `..`");
}
