//! What the bodies of requests may have in them: names and types, as the API reference has them.
use serde_json::{Map, Value};

use crate::emulator::fuzz::routes::Route;
use crate::emulator::request_log::Endpoint;

/// Of which type a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Flag,
    Number,
    Texts,
    Object,
    Objects,
    /// Custom data points.
    Points,
    Any,
}

impl Kind {
    /// Null is as good as nothing.
    fn takes(self, value: &Value) -> bool {
        let is_point = |value: &Value| match value {
            Value::Array(values) => values.iter().all(Value::is_string),
            value => !value.is_object(),
        };
        match (self, value) {
            (_, Value::Null) | (Self::Any, _) | (Self::Text, Value::String(_)) | (Self::Flag, Value::Bool(_)) => true,
            (Self::Number, Value::Number(_)) => true,
            (Self::Texts, Value::Array(values)) => values.iter().all(Value::is_string),
            (Self::Objects, Value::Array(values)) => values.iter().all(Value::is_object),
            (Self::Object, Value::Object(_)) => true,
            (Self::Points, Value::Object(points)) => points.values().all(is_point),
            _ => false,
        }
    }
}

type Members = &'static [(&'static str, Kind)];

const TRACK: Members = &[
    ("idempotencyKey", Kind::Text),
    ("redirectUrl", Kind::Text),
    ("redirectToSettings", Kind::Flag),
    ("email", Kind::Text),
    ("phoneNumber", Kind::Text),
    ("username", Kind::Text),
    ("ipAddress", Kind::Text),
    ("userAgent", Kind::Text),
    ("deviceId", Kind::Text),
    ("scope", Kind::Text),
    ("custom", Kind::Points),
    ("challengeId", Kind::Text),
    ("locale", Kind::Text),
    ("customDomain", Kind::Text),
];

const CHALLENGE: Members = &[
    ("verificationMethod", Kind::Text),
    ("action", Kind::Text),
    ("challengeId", Kind::Text),
    ("idempotencyKey", Kind::Text),
    ("userId", Kind::Text),
    ("email", Kind::Text),
    ("phoneNumber", Kind::Text),
    ("smsChannel", Kind::Text),
    ("locale", Kind::Text),
    ("deviceId", Kind::Text),
    ("ipAddress", Kind::Text),
    ("userAgent", Kind::Text),
    ("custom", Kind::Points),
    ("scope", Kind::Text),
];

const USER: Members = &[
    ("email", Kind::Text),
    ("emailVerified", Kind::Flag),
    ("phoneNumber", Kind::Text),
    ("phoneNumberVerified", Kind::Flag),
    ("username", Kind::Text),
    ("displayName", Kind::Text),
    ("custom", Kind::Points),
    ("locale", Kind::Text),
    ("defaultVerificationMethod", Kind::Text),
];

const AUTHENTICATOR: Members = &[
    ("verificationMethod", Kind::Text),
    ("email", Kind::Text),
    ("phoneNumber", Kind::Text),
    ("otpUri", Kind::Text),
    ("isDefault", Kind::Flag),
    ("oobChannel", Kind::Text),
];

const CALL: Members = &[
    ("referenceId", Kind::Text),
    ("phoneNumber", Kind::Text),
    ("country", Kind::Text),
    ("userId", Kind::Text),
    ("username", Kind::Text),
    ("channel", Kind::Text),
    ("email", Kind::Text),
    ("locale", Kind::Text),
    ("actionCode", Kind::Text),
];

const CALL_OVER: Members =
    &[("referenceId", Kind::Text), ("state", Kind::Text), ("userId", Kind::Text), ("payload", Kind::Object)];

const FIND: Members =
    &[("challengeId", Kind::Text), ("userId", Kind::Text), ("action", Kind::Text), ("verificationMethod", Kind::Text)];

const SIGNED: Members = &[("challengeId", Kind::Text), ("publicKey", Kind::Text), ("signature", Kind::Text)];

const FAULT: Members = &[
    ("endpoint", Kind::Text),
    ("kind", Kind::Text),
    ("status", Kind::Number),
    ("delayMs", Kind::Number),
    ("headers", Kind::Object),
    ("body", Kind::Any),
    ("contentType", Kind::Text),
    ("bytes", Kind::Number),
    ("state", Kind::Text),
    ("members", Kind::Object),
    ("times", Kind::Number),
    ("always", Kind::Flag),
    ("share", Kind::Number),
    ("seed", Kind::Number),
];

/// What an endpoint's bodies have. An endpoint that isn't here gets the members of all others.
pub(super) fn of(route: &Route) -> Members {
    match route.endpoint {
        Endpoint::Track => TRACK,
        Endpoint::UpdateAction => &[("state", Kind::Text), ("custom", Kind::Points)],
        Endpoint::ValidateChallenge => &[("token", Kind::Text), ("userId", Kind::Text), ("action", Kind::Text)],
        Endpoint::UpdateUser => USER,
        Endpoint::EnrollVerifiedAuthenticator => AUTHENTICATOR,
        Endpoint::BatchEnrollVerifiedAuthenticators => &[("authenticators", Kind::Objects)],
        Endpoint::Challenge => CHALLENGE,
        Endpoint::Verify => &[("challengeId", Kind::Text), ("verificationCode", Kind::Text)],
        Endpoint::ClaimChallenge => {
            &[("challengeId", Kind::Text), ("userId", Kind::Text), ("skipVerificationCheck", Kind::Flag)]
        }
        Endpoint::GetChallenge if (route.method, route.path) == ("POST", "/challenges") => FIND,
        Endpoint::CreateSession => &[("token", Kind::Text), ("clientId", Kind::Text), ("action", Kind::Text)],
        Endpoint::ValidateSession => &[("accessToken", Kind::Text), ("clientIds", Kind::Texts)],
        Endpoint::RefreshSession => &[("refreshToken", Kind::Text)],
        Endpoint::RevokeSession => &[("accessToken", Kind::Text)],
        Endpoint::RevokeUserSessions => &[("userId", Kind::Text)],
        Endpoint::UpdateDevice => &[("rememberedUntil", Kind::Text)],
        Endpoint::StartCall => CALL,
        Endpoint::FinishCall => CALL_OVER,
        Endpoint::ClientUpdateAuthenticator => &[("previousSmsChannel", Kind::Text)],
        Endpoint::ClientEnrollEmailOtp | Endpoint::ClientEnrollEmailMagicLink => &[("email", Kind::Text)],
        Endpoint::ClientEnrollSms => &[("phoneNumber", Kind::Text)],
        Endpoint::ClientChallengeEmailOtp | Endpoint::ClientChallengeSms | Endpoint::ClientChallengeWhatsapp => {
            &[("userAuthenticatorId", Kind::Text), ("smsChannel", Kind::Text)]
        }
        Endpoint::ClientChallengeEmailMagicLink => &[("userAuthenticatorId", Kind::Text)],
        Endpoint::ClientVerifyEmailOtp
        | Endpoint::ClientVerifySms
        | Endpoint::ClientVerifyWhatsapp
        | Endpoint::ClientVerifyTotp => &[("verificationCode", Kind::Text)],
        Endpoint::ClientChallenge => &[("action", Kind::Text), ("idempotencyKey", Kind::Text)],
        Endpoint::ClientPasskeyRegistrationOptions => {
            &[("authenticatorAttachment", Kind::Text), ("username", Kind::Text), ("displayName", Kind::Text)]
        }
        Endpoint::ClientPasskeyAuthenticationOptions => &[("challengeId", Kind::Text)],
        Endpoint::ClientAddPasskey => &[
            ("registrationCredential", Kind::Object),
            ("conditionalCreate", Kind::Flag),
            ("challengeId", Kind::Text),
            ("deviceId", Kind::Text),
        ],
        Endpoint::ClientVerifyPasskey => {
            &[("authenticationCredential", Kind::Object), ("challengeId", Kind::Text), ("deviceId", Kind::Text)]
        }
        Endpoint::ClientChallengePush => &[("userAuthenticatorId", Kind::Text), ("action", Kind::Text)],
        Endpoint::ClientVerifyPush => &[("challengeId", Kind::Text)],
        Endpoint::ClientChallengeQrCode => &[("action", Kind::Text), ("custom", Kind::Points)],
        Endpoint::ClientVerifyQrCode => &[("challengeId", Kind::Text), ("deviceCode", Kind::Text)],
        Endpoint::ClientAddCredential => {
            &[("publicKey", Kind::Text), ("deviceName", Kind::Text), ("devicePlatform", Kind::Text)]
        }
        Endpoint::ClientRemoveCredential => &[("publicKey", Kind::Text), ("signature", Kind::Text)],
        Endpoint::ClientUpdateChallenge => &[
            ("challengeId", Kind::Text),
            ("publicKey", Kind::Text),
            ("signature", Kind::Text),
            ("approved", Kind::Flag),
        ],
        Endpoint::ClientClaimChallenge | Endpoint::ClientVerifyInApp => SIGNED,
        _ => match route.path {
            "/emulator/outcomes/{action}" => &[("outcome", Kind::Text)],
            "/emulator/clock" => &[("advanceSeconds", Kind::Number), ("set", Kind::Text)],
            "/emulator/actions/{user}/{action}/{key}/state" => &[("state", Kind::Text)],
            "/emulator/challenge/{deed}" => &[("url", Kind::Text)],
            "/emulator/challenges/{challenge}/{deed}" => &[("userId", Kind::Text)],
            "/emulator/faults" => FAULT,
            "/emulator/users/{user}" if route.method == "PUT" => &[
                ("email", Kind::Text),
                ("phoneNumber", Kind::Text),
                ("username", Kind::Text),
                ("methods", Kind::Texts),
            ],
            "/emulator/webhooks" => &[("url", Kind::Text), ("logUrl", Kind::Text), ("verify", Kind::Object)],
            _ => &[],
        },
    }
}

/// The members of an import's item, and of whatever has no members of its own.
pub(super) const OTHERS: &[Members] = &[
    TRACK,
    CHALLENGE,
    USER,
    AUTHENTICATOR,
    CALL_OVER,
    &[
        ("userId", Kind::Text),
        ("verificationMethod", Kind::Text),
        ("credentialId", Kind::Text),
        ("credentialPublicKey", Kind::Text),
        ("transports", Kind::Texts),
        ("aaguid", Kind::Text),
        ("name", Kind::Text),
    ],
    &[("verificationCode", Kind::Text), ("token", Kind::Text), ("userAuthenticatorId", Kind::Text)],
];

/// Whether a body with these members must be refused, whatever its texts say.
pub(super) fn refuses(members: Members, body: &[u8]) -> bool {
    if members.is_empty() || body.is_empty() {
        return false;
    }
    let Ok(said) = serde_json::from_slice::<Map<String, Value>>(body) else { return true };
    members.iter().any(|(name, kind)| said.get(*name).is_some_and(|value| !kind.takes(value)))
}
