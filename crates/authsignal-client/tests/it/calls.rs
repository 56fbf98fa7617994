//! Every call of both clients, for tests that are about all of them.
use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use authsignal_client::Client;
use authsignal_client::{
    ActionState, CallConnect, CallState, Challenge, EnrollVerified, Error, QueryActions, QueryUsers, Track, UpdateUser,
    VerificationMethod, VerifiedCredential,
};
use futures_util::TryStreamExt;

use crate::support::{KEY, Reply, Request, SECRET};
use crate::through::Through as _;

/// Secrets that requests carry; whatever may be printed must not hold the word.
pub(crate) const TOKEN: &str = "CANARY.2";
pub(crate) const OTP_URI: &str = "otpauth://totp/x?secret=CANARY3";
const CODE: &str = "CANARY4";
/// It is not the same in a URL.
const ID_TOKEN: &str = "CANARY.5/+=";
const ACCESS_TOKEN: &str = "CANARY.6";
const REFRESH_TOKEN: &str = "CANARY7";

/// The clients of one server, each made when it is used first: that takes a while.
pub(crate) struct Api {
    origin: String,
    settings: Settings,
    client: OnceLock<Client>,
    calls: OnceLock<CallConnect>,
}

#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) secret: &'static str,
    pub(crate) retries: u32,
    pub(crate) deadline: Duration,
    pub(crate) hedge_after: Option<Duration>,
}

/// Enough for a slow machine.
const AMPLE: Duration = Duration::from_secs(60);

impl Default for Settings {
    fn default() -> Self {
        Self { secret: SECRET, retries: 2, deadline: AMPLE, hedge_after: None }
    }
}

impl Api {
    pub(crate) fn new(origin: String, settings: Settings) -> Self {
        Self { origin, settings, client: OnceLock::new(), calls: OnceLock::new() }
    }

    pub(crate) fn client(&self) -> &Client {
        let Settings { secret, retries, deadline, hedge_after } = self.settings;
        self.client.get_or_init(|| {
            let mut builder = Client::builder(secret).base_url(format!("{}/v1", self.origin)).retries(retries);
            if let Some(delay) = hedge_after {
                builder = builder.hedge_after(delay);
            }
            builder.deadline(deadline).connect_timeout(AMPLE).through().build().expect("a client")
        })
    }

    pub(crate) fn calls(&self) -> &CallConnect {
        let Settings { secret, retries, deadline, .. } = self.settings;
        self.calls.get_or_init(|| {
            let builder = CallConnect::builder(secret).base_url(&self.origin).retries(retries);
            builder.deadline(deadline).connect_timeout(AMPLE).through().build().expect("a client")
        })
    }
}

/// What a call does on the wire.
struct Facts {
    /// Method and target, which no two calls share.
    target: &'static str,
    /// Whether it is repeated once something of it was sent.
    safe: bool,
    /// The shortest good answer, with secrets where there may be some; `{key}` stands for the idempotency key.
    good: &'static str,
}

macro_rules! calls {
    ($($name:ident: $target:literal, $safe:literal, $good:literal;)*) => {
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Call {
            $($name,)*
        }

        impl Call {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$name,)*];

            fn facts(self) -> Facts {
                match self {
                    $(Self::$name => Facts { target: $target, safe: $safe, good: $good },)*
                }
            }
        }
    };
}

const AUTHENTICATOR: &str = r#"{"userAuthenticatorId":"a","verificationMethod":"SMS","createdAt":"t"}"#;
const DEVICE: &str = r#"{"userId":"u","deviceId":"d","createdAt":"t"}"#;

calls! {
    QueryUsers: "GET /v1/users?token=CANARY.5%2F%2B%3D", true, r#"{"users":[]}"#;
    UsersStream: "GET /v1/users?username=ada", true, r#"{"users":[]}"#;
    GetUser: "GET /v1/users/user-1", true, r#"{"isEnrolled":true}"#;
    UpdateUser: "PATCH /v1/users/user-1", true, r#"{"userId":"u"}"#;
    DeleteUser: "DELETE /v1/users/user-1", true, r#"{"success":true}"#;
    GetAuthenticators: "GET /v1/users/user-1/authenticators", true, "[{authenticator}]";
    Enroll: "POST /v1/users/user-1/authenticators", false,
        r#"{"authenticator":{authenticator},"recoveryCodes":["CANARY"]}"#;
    DeleteAuthenticator: "DELETE /v1/users/user-1/authenticators/a-1", true, r#"{"success":true}"#;
    BatchEnroll: "POST /v1/users/authenticators", true, r#"{"total":1,"succeeded":1,"failed":0}"#;
    GetTenantAuthenticators: "GET /v1/authenticators", true,
        r#"[{"authenticatorId":"a","verificationMethod":"SMS","isActive":true}]"#;
    Track: "POST /v1/users/user-1/actions/withdrawal", true,
        r#"{"state":"ALLOW","idempotencyKey":"{key}","url":"https://mfa/?token=CANARY","token":"CANARY"}"#;
    TrackDecision: "POST /v1/users/user-1/actions/payment", true,
        r#"{"state":"ALLOW","idempotencyKey":"{key}","url":"https://mfa/?token=CANARY","token":"CANARY"}"#;
    GetAction: "GET /v1/users/user-1/actions/withdrawal/5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001", true,
        r#"{"state":"ALLOW","createdAt":"t","stateUpdatedAt":"t"}"#;
    QueryActions: "GET /v1/users/user-1/actions", true,
        r#"[{"actionCode":"a","idempotencyKey":"k","createdAt":"t","state":"ALLOW"}]"#;
    UpdateAction: "PATCH /v1/users/user-1/actions/withdrawal/5d1f9c52-8c1a-4c55-8e35-0b6a0ad0a001", true,
        r#"{"state":"BLOCK"}"#;
    Validate: "POST /v1/validate", true, r#"{"isValid":true,"state":"CHALLENGE_SUCCEEDED"}"#;
    Challenge: "POST /v1/challenge", false, r#"{"challengeId":"c"}"#;
    Verify: "POST /v1/verify", false, r#"{"isVerified":true}"#;
    Claim: "POST /v1/claim", false, r#"{"token":"CANARY"}"#;
    GetChallenge: "GET /v1/challenges?challengeId=c-1", true, r#"{"challengeId":"c-1"}"#;
    CreateSession: "POST /v1/sessions", false, r#"{"accessToken":"CANARY","refreshToken":"CANARY"}"#;
    ValidateSession: "POST /v1/sessions/validate", true, r#"{"user":{"userId":"u"},"expiresAt":1}"#;
    RefreshSession: "POST /v1/sessions/refresh", false, r#"{"accessToken":"CANARY","refreshToken":"CANARY"}"#;
    RevokeSession: "POST /v1/sessions/revoke", true, "";
    RevokeUserSessions: "POST /v1/sessions/user/revoke", true, "";
    GetDevices: "GET /v1/users/user-1/devices", true, "[{device}]";
    UpdateDevice: "PATCH /v1/users/user-1/devices/d-1", true, "{device}";
    InvalidateDevice: "POST /v1/users/user-1/devices/d-1/invalidate", true, "{device}";
    Start: "POST /call/start", false, r#"{"messageId":"m"}"#;
    Finish: "POST /call/finish", false, r#"{"success":true}"#;
}

impl Call {
    /// The call that a request is of.
    pub(crate) fn of(request: &Request) -> Self {
        let of = |call: &&Self| call.target() == request.target();
        *Self::ALL.iter().find(of).unwrap_or_else(|| panic!("no call sends {}", request.line))
    }

    pub(crate) fn target(self) -> &'static str {
        self.facts().target
    }

    pub(crate) fn is_safe(self) -> bool {
        self.facts().safe
    }

    /// Whether its answer may also be nothing at all.
    pub(crate) fn says_nothing(self) -> bool {
        use Call::{DeleteAuthenticator, DeleteUser, RevokeSession, RevokeUserSessions};
        matches!(self, DeleteUser | DeleteAuthenticator | RevokeSession | RevokeUserSessions)
    }

    /// Whether it carries an idempotency key, which its answer has to name.
    pub(crate) fn has_key(self) -> bool {
        matches!(self, Self::Track | Self::TrackDecision)
    }

    /// Whether its answer is a list.
    pub(crate) fn lists(self) -> bool {
        self.facts().good.starts_with('[')
    }

    /// The most bytes of an answer: more where it lists things, be that in an object.
    pub(crate) fn cap(self) -> usize {
        let lists_within = matches!(self, Self::QueryUsers | Self::UsersStream | Self::BatchEnroll);
        if self.lists() || lists_within { 4 * 1024 * 1024 } else { 256 * 1024 }
    }

    /// The body of a good answer, where there has to be one.
    pub(crate) fn good_body(self) -> String {
        let good = self.facts().good.replace("{authenticator}", AUTHENTICATOR).replace("{device}", DEVICE);
        if good.is_empty() { r#"{"success":true}"#.to_owned() } else { good }
    }

    pub(crate) fn good(self, request: &Request) -> Reply {
        if self.facts().good.is_empty() {
            return Reply::nothing();
        }
        let key = if self.has_key() { request.key() } else { String::new() };
        Reply::json(200, &self.good_body().replace("{key}", &key))
    }

    /// Makes the call, and prints what it gives.
    pub(crate) async fn make(self, api: &Api) -> Result<String, Error> {
        let user = "user-1";
        if self == Self::Start {
            return api.calls().start_call(("call-1", "+12025550123")).await.map(printed);
        }
        if self == Self::Finish {
            return api.calls().finish_call(("call-1", CallState::ChallengeSucceeded)).await.map(printed);
        }
        let client = api.client();
        match self {
            Self::QueryUsers => client.query_users(QueryUsers::new().token(ID_TOKEN)).await.map(printed),
            Self::UsersStream => {
                let users = client.users_stream(QueryUsers::new().username("ada"));
                users.try_collect::<Vec<_>>().await.map(printed)
            }
            Self::GetUser => client.get_user(user).await.map(printed),
            Self::UpdateUser => client.update_user(user, UpdateUser::new()).await.map(printed),
            Self::DeleteUser => client.delete_user(user).await.map(printed),
            Self::GetAuthenticators => client.get_authenticators(user).await.map(printed),
            Self::Enroll => {
                let request = EnrollVerified::new(VerificationMethod::AuthenticatorApp).otp_uri(OTP_URI);
                client.enroll_verified_authenticator(user, request).await.map(printed)
            }
            Self::DeleteAuthenticator => client.delete_authenticator(user, "a-1").await.map(printed),
            Self::BatchEnroll => {
                let credential = VerifiedCredential::new(user, "q83v", "pQEC");
                client.batch_enroll_verified_authenticators([credential]).await.map(printed)
            }
            Self::GetTenantAuthenticators => client.get_tenant_authenticators().await.map(printed),
            Self::Track => client.track(user, "withdrawal").await.map(printed),
            Self::TrackDecision => client.track_decision(user, Track::new("payment")).await.map(printed),
            Self::GetAction => client.get_action(user, "withdrawal", KEY).await.map(printed),
            Self::QueryActions => client.query_user_actions(user, QueryActions::new()).await.map(printed),
            Self::UpdateAction => client.update_action(user, "withdrawal", KEY, ActionState::Block).await.map(printed),
            Self::Validate => client.validate_challenge(TOKEN).await.map(printed),
            Self::Challenge => client.challenge(Challenge::resend("c-1")).await.map(printed),
            Self::Verify => client.verify(("c-1", CODE)).await.map(printed),
            Self::Claim => client.claim_challenge(("c-1", user)).await.map(printed),
            Self::GetChallenge => client.get_challenge("c-1").await.map(printed),
            Self::CreateSession => client.create_session((TOKEN, "client-1")).await.map(printed),
            Self::ValidateSession => client.validate_session(ACCESS_TOKEN).await.map(printed),
            Self::RefreshSession => client.refresh_session(REFRESH_TOKEN).await.map(printed),
            Self::RevokeSession => client.revoke_session(ACCESS_TOKEN).await.map(printed),
            Self::RevokeUserSessions => client.revoke_user_sessions(user).await.map(printed),
            Self::GetDevices => client.get_devices(user).await.map(printed),
            Self::UpdateDevice => client.update_device(user, "d-1", SystemTime::UNIX_EPOCH).await.map(printed),
            Self::InvalidateDevice => client.invalidate_device(user, "d-1").await.map(printed),
            Self::Start | Self::Finish => unreachable!("these are no calls of the client's"),
        }
    }
}

fn printed(value: impl Debug) -> String {
    format!("{value:?} {value:#?}")
}
