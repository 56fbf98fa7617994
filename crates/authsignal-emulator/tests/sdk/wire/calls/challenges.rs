//! Codes that the application asks for itself.
use authsignal_client::{
    Challenge, Claim, GetChallenge, IdempotencyKey, Scope, SmsChannel, VerificationMethod, Verify,
};
use serde_json::json;

use super::{Call, KEY, custom};

pub(super) fn calls() -> Vec<Call> {
    let started = json!({ "challengeId": "challenge-1", "idempotencyKey": KEY, "expiresAt": 1_768_471_800 });
    let claimed = json!({ "token": "eyJ", "verificationMethod": "EMAIL_OTP" });
    vec![
        call!("challenge"; {
            "verificationMethod": "SMS", "action": "signIn", "idempotencyKey": KEY, "userId": "user-1",
            "email": "ada@example.com", "phoneNumber": "+64270000000", "smsChannel": "WHATSAPP", "locale": "en-NZ",
            "deviceId": "device-1", "ipAddress": "203.0.113.42", "userAgent": "Mozilla/5.0 (X11)",
            "custom": { "tier": "gold", "amount": 100, "ratio": 0.5, "instant": true }, "scope": "add:authenticators",
        } => started; client.challenge(
            Challenge::sms("signIn", "+64270000000")
                .idempotency_key(IdempotencyKey::new(KEY).unwrap())
                .user_id("user-1")
                .email("ada@example.com")
                .sms_channel(SmsChannel::Whatsapp)
                .locale("en-NZ")
                .device_id("device-1")
                .ip_address("203.0.113.42")
                .user_agent("Mozilla/5.0 (X11)")
                .custom(custom())
                .scope(Scope::Add)
        )),
        call!("challenge", "by e-mail"; {
            "verificationMethod": "EMAIL_OTP", "action": "signIn", "email": "ada@example.com",
        } => started; client.challenge(Challenge::email_otp("signIn", "ada@example.com"))),
        call!("challenge", "once more, and how"; {
            "challengeId": "challenge-1", "verificationMethod": "EMAIL_OTP", "action": "signIn", "email": "ada@example.com",
        } => started; client.challenge(Challenge::email_otp("signIn", "ada@example.com").challenge_id("challenge-1"))),
        call!("challenge", "once more"; { "challengeId": "challenge-1" } => started;
            client.challenge(Challenge::resend("challenge-1"))),
        call!("verify"; { "challengeId": "challenge-1", "verificationCode": "012345" } => { "isVerified": true };
            client.verify(Verify::new("challenge-1", "012345"))),
        call!("claimChallenge"; { "challengeId": "challenge-1", "userId": "user-1", "skipVerificationCheck": true } =>
            claimed; client.claim_challenge(Claim::new("challenge-1", "user-1").skip_verification_check(true))),
        call!("claimChallenge", "once it is verified"; { "challengeId": "challenge-1", "userId": "user-1" } =>
            claimed; client.claim_challenge(("challenge-1", "user-1"))),
        call!("getChallenge"; {
            "challengeId": "challenge-1", "userId": "user 1+", "action": "signIn", "verificationMethod": "EMAIL_OTP",
        } => {}; client.get_challenge(
            GetChallenge::by_id("challenge-1")
                .user_id("user 1+")
                .action("signIn")
                .verification_method(VerificationMethod::EmailOtp)
        )),
        call!("getChallenge", "by its id"; { "challengeId": "challenge-1" } => {};
            client.get_challenge("challenge-1")),
        call!("getChallenge", "by its user"; { "userId": "user-1" } => {};
            client.get_challenge(GetChallenge::by_user("user-1"))),
    ]
}
