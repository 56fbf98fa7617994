//! What the records of a log batch say, member by member (docs, webhooks, log events).
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::actions::RuleSnapshot;
use crate::other::OtherMembers;
use crate::transport::json::null_is_default;
use crate::types::{ActionState, Timestamp, VerificationMethod, open_enum};

open_enum!(
    /// What the rules decided about an action, once and for all (docs, `action.log_created`).
    Outcome {
        /// Carry on.
        Allow = "ALLOW",
        /// Ask for more proof.
        Challenge = "CHALLENGE",
        /// Wait for an operator.
        Review = "REVIEW",
        /// Refuse.
        Block = "BLOCK",
    }
);

/// An action that has come to its end: `action.log_created`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActionLog {
    /// The tenant.
    pub tenant_id: String,
    /// The user's id.
    pub user_id: String,
    /// The action's code.
    pub action_code: String,
    /// The key of the attempt.
    pub idempotency_key: String,
    /// The time at which it was tracked.
    pub created_at: Timestamp,
    /// The time of the last change.
    pub updated_at: Timestamp,
    /// The state that it ended in.
    pub state: ActionState,
    /// The time of the last change of the state.
    pub state_updated_at: Timestamp,
    /// The decision of the rules.
    pub outcome: Outcome,
    /// The method that the user verified with, if they did.
    pub verification_method: Option<VerificationMethod>,
    /// The methods that were allowed.
    #[serde(default, deserialize_with = "null_is_default")]
    pub allowed_verification_methods: Vec<VerificationMethod>,
    /// The methods that the user had enrolled.
    #[serde(default, deserialize_with = "null_is_default")]
    pub enrolled_verification_methods: Vec<VerificationMethod>,
    /// The rules that matched.
    #[serde(default, deserialize_with = "null_is_default")]
    pub rules: Vec<RuleSnapshot>,
    /// The rule that decided.
    pub priority_rule_id: Option<String>,
    /// The user's address, where `track` told it.
    pub ip_address: Option<String>,
    /// The country of that address.
    pub country_code: Option<String>,
    /// The user's e-mail address as it was then.
    pub email: Option<String>,
    /// The user's phone number as it was then.
    pub phone_number: Option<String>,
    /// The user's device, where `track` told it.
    pub device_id: Option<String>,
    /// The data points that `track` told.
    #[serde(default, deserialize_with = "null_is_default")]
    pub custom_variables: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// Something that happened to a challenge: `challenge.log_created`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ChallengeLog {
    /// The tenant.
    pub tenant_id: String,
    /// The user's id.
    pub user_id: String,
    /// The action's code.
    pub action_code: String,
    /// The key of the attempt.
    pub idempotency_key: String,
    /// The time of the record.
    pub created_at: Timestamp,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: ChallengeLogType,
    /// The method of the challenge.
    pub verification_method: Option<VerificationMethod>,
    /// The address that a message went to.
    pub email: Option<String>,
    /// The number that a message went to.
    pub phone_number: Option<String>,
    /// The error, in words.
    pub error_description: Option<String>,
    /// The HTTP status of whoever should have brought the message. The docs have it as a number and as a text; both are
    /// taken.
    #[serde(default, deserialize_with = "status")]
    pub status_code: Option<u16>,
    /// What else there is to say.
    #[serde(default, deserialize_with = "null_is_default")]
    pub data: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A status, or `None` for what is none: a log entry is not refused for it.
fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number.as_u64().and_then(|number| number.try_into().ok()),
        Value::String(text) => text.parse().ok(),
        _ => None,
    })
}

open_enum!(
    /// What happened to a challenge (docs, `challenge.log_created`, which says that there are more).
    ChallengeLogType {
        /// An e-mail with a code was sent.
        EmailOtpSent = "EMAIL_OTP_SENT",
        /// The code was right.
        EmailOtpCodeValid = "EMAIL_OTP_CODE_VALID",
        /// The code was wrong, or too old.
        EmailOtpInvalidOrExpired = "EMAIL_OTP_INVALID_OR_EXPIRED",
        /// Too many codes were wrong.
        EmailOtpMaxAttemptsExceeded = "EMAIL_OTP_MAX_ATTEMPTS_EXCEEDED",
        /// Too many e-mails were asked for.
        EmailOtpRateLimitExceeded = "EMAIL_OTP_RATE_LIMIT_EXCEEDED",
        /// Whoever sends the e-mails failed.
        EmailOtpSendDownstreamFailed = "EMAIL_OTP_SEND_DOWNSTREAM_FAILED",
        /// An e-mail with a link was sent.
        EmailMagicLinkSent = "EMAIL_MAGIC_LINK_SENT",
        /// The link was wrong, or too old.
        EmailMagicLinkInvalidOrExpired = "EMAIL_MAGIC_LINK_INVALID_OR_EXPIRED",
        /// Too many e-mails were asked for.
        EmailMagicLinkRateLimitExceeded = "EMAIL_MAGIC_LINK_RATE_LIMIT_EXCEEDED",
        /// Whoever sends the e-mails failed.
        EmailMagicLinkSendDownstreamFailed = "EMAIL_MAGIC_LINK_SEND_DOWNSTREAM_FAILED",
        /// An SMS was sent.
        SmsSent = "SMS_SENT",
        /// It arrived.
        SmsDelivered = "SMS_DELIVERED",
        /// It did not arrive.
        SmsNotDelivered = "SMS_NOT_DELIVERED",
        /// The code was right.
        SmsCodeValid = "SMS_CODE_VALID",
        /// The code was wrong, or too old.
        SmsCodeInvalidOrExpired = "SMS_CODE_INVALID_OR_EXPIRED",
        /// Too many codes were wrong.
        SmsMaxAttemptsExceeded = "SMS_MAX_ATTEMPTS_EXCEEDED",
        /// Too many messages were asked for.
        SmsRateLimitExceeded = "SMS_RATE_LIMIT_EXCEEDED",
        /// Whoever sends the messages failed.
        SmsSendDownstreamFailed = "SMS_SEND_DOWNSTREAM_FAILED",
        /// A WhatsApp message was sent.
        WhatsappSent = "WHATSAPP_SENT",
        /// The code was right.
        WhatsappCodeValid = "WHATSAPP_CODE_VALID",
        /// The code was wrong, or too old.
        WhatsappCodeInvalidOrExpired = "WHATSAPP_CODE_INVALID_OR_EXPIRED",
        /// Too many codes were wrong.
        WhatsappMaxAttemptsExceeded = "WHATSAPP_MAX_ATTEMPTS_EXCEEDED",
        /// Too many messages were asked for.
        WhatsappRateLimitExceeded = "WHATSAPP_RATE_LIMIT_EXCEEDED",
        /// Whoever sends the messages failed.
        WhatsappSendDownstreamFailed = "WHATSAPP_SEND_DOWNSTREAM_FAILED",
    }
);
