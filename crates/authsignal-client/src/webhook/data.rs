//! What the single events say, member by member (docs, webhooks, one page for each event).
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::other::OtherMembers;
use crate::transport::json::null_is_default;
use crate::types::{ActionState, SmsChannel, Timestamp, Token, VerificationMethod};

/// A code or a link has to be sent by e-mail: `email.created`.
///
/// It is for tenants that send their own messages. Any answer but 200 fails the challenge.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EmailCreated {
    /// The address that it is for.
    pub to: String,
    /// The user's id. Absent where a challenge of the Server API belongs to nobody yet (an assumption: the
    /// documentation has it always).
    pub user_id: Option<String>,
    /// The action that is confirmed with it.
    pub action_code: String,
    /// The key of the attempt.
    pub idempotency_key: String,
    /// The code, of an e-mail OTP.
    pub code: Option<Token>,
    /// The link, of a magic link. Who has it can use it, so it is kept like a token.
    pub url: Option<Token>,
    /// The method: one of the two.
    pub verification_method: Option<VerificationMethod>,
    /// The user's browser, where `track` told it.
    pub user_agent: Option<String>,
    /// The user's address, where `track` told it.
    pub ip_address: Option<String>,
    /// The time zone of that address, `Pacific/Auckland` for example.
    pub timezone: Option<String>,
    /// The language of the message, BCP 47.
    pub locale: Option<String>,
    /// The data points that `track` told.
    #[serde(default, deserialize_with = "null_is_default")]
    pub custom_variables: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A code has to be sent by SMS: `sms.created`.
///
/// It is for tenants that send their own messages. Any answer but 200 fails the challenge.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct SmsCreated {
    /// The number that it is for, in E.164 form.
    pub to: String,
    /// The code.
    pub code: Token,
    /// The user's id. Absent where a challenge of the Server API belongs to nobody yet (an assumption: the
    /// documentation has it always).
    pub user_id: Option<String>,
    /// The action that is confirmed with it.
    pub action_code: String,
    /// The key of the attempt.
    pub idempotency_key: String,
    /// The language of the message, BCP 47.
    pub locale: Option<String>,
    /// The method of the challenge.
    pub verification_method: Option<VerificationMethod>,
    /// The data points that `track` told.
    #[serde(default, deserialize_with = "null_is_default")]
    pub custom_variables: Map<String, Value>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A push message has to be sent to the user's app: `push.created`.
///
/// It is for tenants that send their own messages. Any answer but 200 fails the challenge.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PushCreated {
    /// The challenge that the app answers.
    pub challenge_id: String,
    /// The user's id.
    pub user_id: String,
    /// The action that is confirmed with it.
    pub action_code: String,
    /// The key of the attempt.
    pub idempotency_key: String,
    /// The user's browser, where `track` told it.
    pub user_agent: Option<String>,
    /// The time zone of the user's address.
    pub timezone: Option<String>,
    /// The user's address, where `track` told it.
    pub ip_address: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A method of a user was added, changed or removed: `authenticator.created`, `authenticator.updated` and
/// `authenticator.deleted`.
///
/// An answer that is no success is asked for again up to three times, at least 30 seconds apart.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct AuthenticatorChange {
    /// The user's id.
    pub user_id: String,
    /// The authenticator's id.
    pub user_authenticator_id: String,
    /// The method.
    pub verification_method: VerificationMethod,
    /// The time at which it was added.
    pub created_at: Timestamp,
    /// The time at which it was changed, for `authenticator.updated`.
    pub updated_at: Option<Timestamp>,
    /// The time at which it was removed, for `authenticator.deleted`.
    pub deleted_at: Option<Timestamp>,
    /// The address of an e-mail method.
    pub email: Option<String>,
    /// The number of SMS and WhatsApp.
    pub phone_number: Option<String>,
    /// The channel of the last SMS.
    pub previous_sms_channel: Option<SmsChannel>,
    /// The id of a passkey's credential, base64url.
    pub credential_id: Option<String>,
    /// The public key of a passkey, base64url, where the tenant has it sent.
    pub credential_public_key: Option<String>,
    /// The model that made a passkey.
    pub aaguid: Option<String>,
    /// What the user sees of a passkey, `Chrome on Mac OS` for example.
    pub credential_name: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// A challenge is about to succeed: `action.verify`.
///
/// Any answer but 200, and none in time, keeps the action from becoming `CHALLENGE_SUCCEEDED`; nothing is sent again, but
/// the user can prove themselves again.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ActionVerify {
    /// The user's id.
    pub user_id: String,
    /// The action's code. The one event that calls it `action`, and not `actionCode`.
    pub action: String,
    /// The key of the attempt.
    pub idempotency_key: String,
    /// The time at which the user verified.
    pub verified_at: Timestamp,
    /// What the action is about to become: always `CHALLENGE_SUCCEEDED`.
    pub state: ActionState,
    /// The method that the user verified with.
    pub verification_method: VerificationMethod,
    /// The id of the authenticator that the user verified with.
    pub user_authenticator_id: Option<String>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}
