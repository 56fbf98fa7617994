//! What the bodies of requests may have in them: names and types, as the API reference has them.
use serde_json::{Map, Value};

use crate::fuzz::routes::Route;
use crate::request_log::Endpoint;

/// Of which type a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum MemberType {
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

impl MemberType {
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

type Members = &'static [(&'static str, MemberType)];

const TRACK: Members = &[
    ("idempotencyKey", MemberType::Text),
    ("redirectUrl", MemberType::Text),
    ("redirectToSettings", MemberType::Flag),
    ("email", MemberType::Text),
    ("phoneNumber", MemberType::Text),
    ("username", MemberType::Text),
    ("ipAddress", MemberType::Text),
    ("userAgent", MemberType::Text),
    ("deviceId", MemberType::Text),
    ("scope", MemberType::Text),
    ("custom", MemberType::Points),
    ("challengeId", MemberType::Text),
    ("locale", MemberType::Text),
    ("customDomain", MemberType::Text),
];

const CHALLENGE: Members = &[
    ("verificationMethod", MemberType::Text),
    ("action", MemberType::Text),
    ("challengeId", MemberType::Text),
    ("idempotencyKey", MemberType::Text),
    ("userId", MemberType::Text),
    ("email", MemberType::Text),
    ("phoneNumber", MemberType::Text),
    ("smsChannel", MemberType::Text),
    ("locale", MemberType::Text),
    ("deviceId", MemberType::Text),
    ("ipAddress", MemberType::Text),
    ("userAgent", MemberType::Text),
    ("custom", MemberType::Points),
    ("scope", MemberType::Text),
];

const USER: Members = &[
    ("email", MemberType::Text),
    ("emailVerified", MemberType::Flag),
    ("phoneNumber", MemberType::Text),
    ("phoneNumberVerified", MemberType::Flag),
    ("username", MemberType::Text),
    ("displayName", MemberType::Text),
    ("custom", MemberType::Points),
    ("locale", MemberType::Text),
    ("defaultVerificationMethod", MemberType::Text),
];

const AUTHENTICATOR: Members = &[
    ("verificationMethod", MemberType::Text),
    ("email", MemberType::Text),
    ("phoneNumber", MemberType::Text),
    ("otpUri", MemberType::Text),
    ("isDefault", MemberType::Flag),
    ("oobChannel", MemberType::Text),
];

const CALL: Members = &[
    ("referenceId", MemberType::Text),
    ("phoneNumber", MemberType::Text),
    ("country", MemberType::Text),
    ("userId", MemberType::Text),
    ("username", MemberType::Text),
    ("channel", MemberType::Text),
    ("email", MemberType::Text),
    ("locale", MemberType::Text),
    ("actionCode", MemberType::Text),
];

const CALL_OVER: Members = &[
    ("referenceId", MemberType::Text),
    ("state", MemberType::Text),
    ("userId", MemberType::Text),
    ("payload", MemberType::Object),
];

const FIND: Members = &[
    ("challengeId", MemberType::Text),
    ("userId", MemberType::Text),
    ("action", MemberType::Text),
    ("verificationMethod", MemberType::Text),
];

const SIGNED: Members =
    &[("challengeId", MemberType::Text), ("publicKey", MemberType::Text), ("signature", MemberType::Text)];

const FAULT: Members = &[
    ("endpoint", MemberType::Text),
    ("kind", MemberType::Text),
    ("status", MemberType::Number),
    ("delayMs", MemberType::Number),
    ("headers", MemberType::Object),
    ("body", MemberType::Any),
    ("contentType", MemberType::Text),
    ("bytes", MemberType::Number),
    ("state", MemberType::Text),
    ("members", MemberType::Object),
    ("times", MemberType::Number),
    ("always", MemberType::Flag),
    ("share", MemberType::Number),
    ("seed", MemberType::Number),
];

/// What an endpoint's bodies have. An endpoint that isn't here gets the members of all others.
pub(super) fn of(route: &Route) -> Members {
    match route.endpoint {
        Endpoint::Track => TRACK,
        Endpoint::UpdateAction => &[("state", MemberType::Text), ("custom", MemberType::Points)],
        Endpoint::ValidateChallenge => {
            &[("token", MemberType::Text), ("userId", MemberType::Text), ("action", MemberType::Text)]
        }
        Endpoint::UpdateUser => USER,
        Endpoint::EnrollVerifiedAuthenticator => AUTHENTICATOR,
        Endpoint::BatchEnrollVerifiedAuthenticators => &[("authenticators", MemberType::Objects)],
        Endpoint::Challenge => CHALLENGE,
        Endpoint::Verify => &[("challengeId", MemberType::Text), ("verificationCode", MemberType::Text)],
        Endpoint::ClaimChallenge => &[
            ("challengeId", MemberType::Text),
            ("userId", MemberType::Text),
            ("skipVerificationCheck", MemberType::Flag),
        ],
        Endpoint::GetChallenge if (route.method, route.path) == ("POST", "/challenges") => FIND,
        Endpoint::CreateSession => {
            &[("token", MemberType::Text), ("clientId", MemberType::Text), ("action", MemberType::Text)]
        }
        Endpoint::ValidateSession => &[("accessToken", MemberType::Text), ("clientIds", MemberType::Texts)],
        Endpoint::RefreshSession => &[("refreshToken", MemberType::Text)],
        Endpoint::RevokeSession => &[("accessToken", MemberType::Text)],
        Endpoint::RevokeUserSessions => &[("userId", MemberType::Text)],
        Endpoint::UpdateDevice => &[("rememberedUntil", MemberType::Text)],
        Endpoint::StartCall => CALL,
        Endpoint::FinishCall => CALL_OVER,
        Endpoint::ClientUpdateAuthenticator => &[("previousSmsChannel", MemberType::Text)],
        Endpoint::ClientEnrollEmailOtp | Endpoint::ClientEnrollEmailMagicLink => &[("email", MemberType::Text)],
        Endpoint::ClientEnrollSms => &[("phoneNumber", MemberType::Text)],
        Endpoint::ClientChallengeEmailOtp | Endpoint::ClientChallengeSms | Endpoint::ClientChallengeWhatsapp => {
            &[("userAuthenticatorId", MemberType::Text), ("smsChannel", MemberType::Text)]
        }
        Endpoint::ClientChallengeEmailMagicLink => &[("userAuthenticatorId", MemberType::Text)],
        Endpoint::ClientVerifyEmailOtp
        | Endpoint::ClientVerifySms
        | Endpoint::ClientVerifyWhatsapp
        | Endpoint::ClientVerifyTotp => &[("verificationCode", MemberType::Text)],
        Endpoint::ClientChallenge => &[("action", MemberType::Text), ("idempotencyKey", MemberType::Text)],
        Endpoint::ClientPasskeyRegistrationOptions => &[
            ("authenticatorAttachment", MemberType::Text),
            ("username", MemberType::Text),
            ("displayName", MemberType::Text),
        ],
        Endpoint::ClientPasskeyAuthenticationOptions => &[("challengeId", MemberType::Text)],
        Endpoint::ClientAddPasskey => &[
            ("registrationCredential", MemberType::Object),
            ("conditionalCreate", MemberType::Flag),
            ("challengeId", MemberType::Text),
            ("deviceId", MemberType::Text),
        ],
        Endpoint::ClientVerifyPasskey => &[
            ("authenticationCredential", MemberType::Object),
            ("challengeId", MemberType::Text),
            ("deviceId", MemberType::Text),
        ],
        Endpoint::ClientChallengePush => &[("userAuthenticatorId", MemberType::Text), ("action", MemberType::Text)],
        Endpoint::ClientVerifyPush => &[("challengeId", MemberType::Text)],
        Endpoint::ClientChallengeQrCode => &[("action", MemberType::Text), ("custom", MemberType::Points)],
        Endpoint::ClientVerifyQrCode => &[("challengeId", MemberType::Text), ("deviceCode", MemberType::Text)],
        Endpoint::ClientAddCredential => {
            &[("publicKey", MemberType::Text), ("deviceName", MemberType::Text), ("devicePlatform", MemberType::Text)]
        }
        Endpoint::ClientRemoveCredential => &[("publicKey", MemberType::Text), ("signature", MemberType::Text)],
        Endpoint::ClientUpdateChallenge => &[
            ("challengeId", MemberType::Text),
            ("publicKey", MemberType::Text),
            ("signature", MemberType::Text),
            ("approved", MemberType::Flag),
        ],
        Endpoint::ClientClaimChallenge | Endpoint::ClientVerifyInApp => SIGNED,
        _ => match route.path {
            "/emulator/outcomes/{action}" => &[("outcome", MemberType::Text)],
            "/emulator/clock" => &[("advanceSeconds", MemberType::Number), ("set", MemberType::Text)],
            "/emulator/actions/{user}/{action}/{key}/state" => &[("state", MemberType::Text)],
            "/emulator/challenge/{act}" => &[("url", MemberType::Text)],
            "/emulator/challenges/{challenge}/{act}" => &[("userId", MemberType::Text)],
            "/emulator/faults" => FAULT,
            "/emulator/users/{user}" if route.method == "PUT" => &[
                ("email", MemberType::Text),
                ("phoneNumber", MemberType::Text),
                ("username", MemberType::Text),
                ("methods", MemberType::Texts),
            ],
            "/emulator/webhooks" => {
                &[("url", MemberType::Text), ("logUrl", MemberType::Text), ("verify", MemberType::Object)]
            }
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
        ("userId", MemberType::Text),
        ("verificationMethod", MemberType::Text),
        ("credentialId", MemberType::Text),
        ("credentialPublicKey", MemberType::Text),
        ("transports", MemberType::Texts),
        ("aaguid", MemberType::Text),
        ("name", MemberType::Text),
    ],
    &[("verificationCode", MemberType::Text), ("token", MemberType::Text), ("userAuthenticatorId", MemberType::Text)],
];

/// Whether a body with these members must be refused, whatever its texts say.
pub(super) fn refuses(members: Members, body: &[u8]) -> bool {
    if members.is_empty() || body.is_empty() {
        return false;
    }
    let Ok(said) = serde_json::from_slice::<Map<String, Value>>(body) else { return true };
    members.iter().any(|(name, kind)| said.get(*name).is_some_and(|value| !kind.takes(value)))
}
