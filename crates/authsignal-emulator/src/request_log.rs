//! What the emulator was asked.
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

/// How many requests are remembered; the oldest go first.
const MAX_REQUESTS: usize = 10_000;

macro_rules! endpoints {
    ($($(#[$doc:meta])* $name:ident = $wire:literal: $($method:literal $route:literal),+;)+) => {
        /// The endpoints of the emulator.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Endpoint {
            $($(#[$doc])* #[doc = concat!("\n\n", $("`", $method, " ", $route, "` "),+)] $name,)+
            /// What stands under `/emulator`, which the service doesn't have. It is not remembered.
            Emulator,
            /// Everything else.
            Unknown,
        }

        impl Endpoint {
            /// All of them with their names, methods and routes.
            pub(crate) const TABLE: &[(Self, &str, &[(&str, &str)])] = &[$((Self::$name, $wire, &[$(($method, $route)),+]),)+];
        }
    };
}

endpoints!(
    /// Ask for a decision.
    Track = "track": "POST" "/users/{user}/actions/{action}";
    /// One attempt as it stands.
    GetAction = "getAction": "GET" "/users/{user}/actions/{action}/{key}";
    /// A user's attempts.
    QueryUserActions = "queryUserActions": "GET" "/users/{user}/actions";
    /// An operator's decision.
    UpdateAction = "updateAction": "PATCH" "/users/{user}/actions/{action}/{key}";
    /// What a token proves.
    ValidateChallenge = "validateChallenge": "POST" "/validate";
    /// Find users.
    QueryUsers = "queryUsers": "GET" "/users";
    /// What is known of a user.
    GetUser = "getUser": "GET" "/users/{user}";
    /// Change what is known of a user. `POST /users/authenticators`, of the same form, counts as
    /// [`BatchEnrollVerifiedAuthenticators`](Self::BatchEnrollVerifiedAuthenticators).
    UpdateUser = "updateUser": "PATCH" "/users/{user}", "POST" "/users/{user}";
    /// Remove a user.
    DeleteUser = "deleteUser": "DELETE" "/users/{user}";
    /// A user's methods.
    GetAuthenticators = "getAuthenticators": "GET" "/users/{user}/authenticators";
    /// Enrol a method that was verified elsewhere.
    EnrollVerifiedAuthenticator = "enrollVerifiedAuthenticator": "POST" "/users/{user}/authenticators";
    /// Remove a method.
    DeleteAuthenticator = "deleteAuthenticator": "DELETE" "/users/{user}/authenticators/{authenticator}";
    /// Import passkeys.
    BatchEnrollVerifiedAuthenticators = "batchEnrollVerifiedAuthenticators": "POST" "/users/authenticators";
    /// The tenant's methods.
    GetTenantAuthenticators = "getTenantAuthenticators": "GET" "/authenticators";
    /// Send a code, to nobody in particular.
    Challenge = "challenge": "POST" "/challenge";
    /// Look at a code.
    Verify = "verify": "POST" "/verify";
    /// Give a challenge to a user.
    ClaimChallenge = "claimChallenge": "POST" "/claim";
    /// Find a pending challenge.
    GetChallenge = "getChallenge": "GET" "/challenges", "POST" "/challenges", "GET" "/v1/challenges", "POST" "/{jumbled}";
    /// Begin a session.
    CreateSession = "createSession": "POST" "/sessions";
    /// Is an access token good?
    ValidateSession = "validateSession": "POST" "/sessions/validate";
    /// A new pair of tokens.
    RefreshSession = "refreshSession": "POST" "/sessions/refresh";
    /// End a session.
    RevokeSession = "revokeSession": "POST" "/sessions/revoke";
    /// End all sessions of a user.
    RevokeUserSessions = "revokeUserSessions": "POST" "/sessions/user/revoke";
    /// A user's devices.
    GetDevices = "getDevices": "GET" "/users/{user}/devices";
    /// Remember or forget a device.
    UpdateDevice = "updateDevice": "PATCH" "/users/{user}/devices/{device}";
    /// Invalidate a device.
    InvalidateDevice = "invalidateDevice": "POST" "/users/{user}/devices/{device}/invalidate";
    /// Call Connect: begin.
    StartCall = "startCall": "POST" "/call/start";
    /// Call Connect: how it ended.
    FinishCall = "finishCall": "POST" "/call/finish";
    /// The keys of the tenant's tokens.
    Jwks = "jwks": "GET" "/client/public/{tenant}/.well-known/jwks";
    /// The tenant's methods.
    ClientGetTenantAuthenticators = "clientGetTenantAuthenticators": "GET" "/client/authenticators";
    /// What the React SDK begins with.
    ClientInit = "clientInit": "POST" "/client/init";
    /// The user's methods.
    ClientGetAuthenticators = "clientGetAuthenticators": "GET" "/client/user-authenticators";
    /// Change a method.
    ClientUpdateAuthenticator = "clientUpdateAuthenticator": "PATCH" "/client/user-authenticators/{authenticator}";
    /// Remove a method.
    ClientRemoveAuthenticator = "clientRemoveAuthenticator": "DELETE" "/client/user-authenticators/{authenticator}";
    /// Enrol codes by e-mail.
    ClientEnrollEmailOtp = "clientEnrollEmailOtp": "POST" "/client/user-authenticators/email-otp";
    /// Send a code by e-mail.
    ClientChallengeEmailOtp = "clientChallengeEmailOtp": "POST" "/client/challenge/email-otp";
    /// Take a code that came by e-mail.
    ClientVerifyEmailOtp = "clientVerifyEmailOtp": "POST" "/client/verify/email-otp";
    /// Enrol codes by SMS.
    ClientEnrollSms = "clientEnrollSms": "POST" "/client/user-authenticators/sms";
    /// Send a code by SMS.
    ClientChallengeSms = "clientChallengeSms": "POST" "/client/challenge/sms";
    /// Take a code that came by SMS.
    ClientVerifySms = "clientVerifySms": "POST" "/client/verify/sms";
    /// Send a code by WhatsApp.
    ClientChallengeWhatsapp = "clientChallengeWhatsapp": "POST" "/client/challenge/whatsapp";
    /// Take a code that came by WhatsApp.
    ClientVerifyWhatsapp = "clientVerifyWhatsapp": "POST" "/client/verify/whatsapp";
    /// Enrol an authenticator app.
    ClientEnrollTotp = "clientEnrollTotp": "POST" "/client/user-authenticators/totp";
    /// Take a code of an authenticator app.
    ClientVerifyTotp = "clientVerifyTotp": "POST" "/client/verify/totp";
    /// Enrol links by e-mail.
    ClientEnrollEmailMagicLink = "clientEnrollEmailMagicLink": "POST" "/client/user-authenticators/email-magic-link";
    /// Send a link by e-mail.
    ClientChallengeEmailMagicLink = "clientChallengeEmailMagicLink": "POST" "/client/challenge/email-magic-link";
    /// Was the link opened?
    ClientFinalizeEmailMagicLink = "clientFinalizeEmailMagicLink": "POST" "/client/verify/email-magic-link/finalize";
    /// Begin a sign-in.
    ClientChallenge = "clientChallenge": "POST" "/client/challenge", "POST" "/client/challenge/web";
    /// Begin to make a passkey.
    ClientPasskeyRegistrationOptions = "clientPasskeyRegistrationOptions":
        "POST" "/client/user-authenticators/passkey/registration-options",
        "POST" "/client/user-authenticators/passkey/registration-options/web";
    /// Take a passkey that was made.
    ClientAddPasskey = "clientAddPasskey": "POST" "/client/user-authenticators/passkey";
    /// Begin to ask for a passkey.
    ClientPasskeyAuthenticationOptions = "clientPasskeyAuthenticationOptions":
        "POST" "/client/user-authenticators/passkey/authentication-options",
        "POST" "/client/user-authenticators/passkey/authentication-options/web";
    /// Take the signature of a passkey.
    ClientVerifyPasskey = "clientVerifyPasskey": "POST" "/client/verify/passkey";
    /// Is there such a passkey?
    ClientGetPasskey = "clientGetPasskey": "GET" "/client/user-authenticators/passkey";
    /// Begin to register a security key.
    ClientSecurityKeyRegistrationOptions = "clientSecurityKeyRegistrationOptions":
        "POST" "/client/user-authenticators/security-key/registration-options";
    /// Take a security key.
    ClientAddSecurityKey = "clientAddSecurityKey": "POST" "/client/user-authenticators/security-key";
    /// Begin to ask for a security key.
    ClientSecurityKeyAuthenticationOptions = "clientSecurityKeyAuthenticationOptions":
        "POST" "/client/user-authenticators/security-key/authentication-options";
    /// Take the signature of a security key.
    ClientVerifySecurityKey = "clientVerifySecurityKey": "POST" "/client/verify/security-key";
    /// Ask by a push message.
    ClientChallengePush = "clientChallengePush": "POST" "/client/challenge/push";
    /// What was answered to a push message?
    ClientVerifyPush = "clientVerifyPush": "POST" "/client/verify/push";
    /// Show a QR code.
    ClientChallengeQrCode = "clientChallengeQrCode": "POST" "/client/challenge/qr-code";
    /// What became of a QR code?
    ClientVerifyQrCode = "clientVerifyQrCode": "POST" "/client/verify/qr-code";
    /// Find a key of a phone.
    ClientGetCredential = "clientGetCredential":
        "GET" "/client/user-authenticators/push",
        "GET" "/client/user-authenticators/qr-code",
        "GET" "/client/user-authenticators/in-app";
    /// Enrol a key of a phone.
    ClientAddCredential = "clientAddCredential":
        "POST" "/client/user-authenticators/push",
        "POST" "/client/user-authenticators/qr-code",
        "POST" "/client/user-authenticators/in-app";
    /// Remove a key of a phone.
    ClientRemoveCredential = "clientRemoveCredential":
        "POST" "/client/user-authenticators/push/remove",
        "POST" "/client/user-authenticators/qr-code/remove",
        "POST" "/client/user-authenticators/in-app/remove";
    /// What is a phone asked?
    ClientGetPushChallenge = "clientGetPushChallenge":
        "GET" "/client/user-authenticators/push/challenge",
        "POST" "/client/user-authenticators/push/challenge/sign";
    /// Read a QR code with a phone.
    ClientClaimChallenge = "clientClaimChallenge": "POST" "/client/user-authenticators/qr-code/challenge/claim";
    /// Answer on a phone.
    ClientUpdateChallenge = "clientUpdateChallenge":
        "POST" "/client/user-authenticators/push/challenge",
        "POST" "/client/user-authenticators/qr-code/challenge";
    /// Prove something by a key of an app.
    ClientVerifyInApp = "clientVerifyInApp": "POST" "/client/verify/in-app";
    /// Open the link of a mail.
    OpenMagicLink = "openMagicLink": "GET" "/api/verify-magic-link";
    /// The page where users prove themselves.
    ChallengePage = "challengePage": "GET" "/", "POST" "/";
);

impl Endpoint {
    /// The endpoint of a route, by the path that it was registered with.
    pub(crate) fn of(method: &Method, route: Option<&str>) -> Self {
        let route = route.unwrap_or_default();
        if route.starts_with("/emulator") {
            return Self::Emulator;
        }
        let path = route.strip_prefix("/v1").unwrap_or(route);
        let is_asked = |known: &(&str, &str)| known.0 == method.as_str() && (known.1 == route || known.1 == path);
        let found = Self::TABLE.iter().find(|(_, _, routes)| routes.iter().any(is_asked));
        found.map_or(Self::Unknown, |(endpoint, _, _)| *endpoint)
    }

    /// Its name under `/emulator/`: `track` for example, the node SDK's names where it has one.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE
            .iter()
            .find(|(endpoint, _, _)| *endpoint == self)
            .map_or(if self == Self::Emulator { "emulator" } else { "unknown" }, |(_, name, _)| name)
    }

    /// The names of all that faults can be injected for.
    pub(crate) fn names() -> impl Iterator<Item = &'static str> {
        Self::TABLE.iter().map(|(_, name, _)| *name).chain(["unknown"])
    }

    /// The endpoint of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let found = Self::TABLE.iter().find(|(_, known, _)| *known == name);
        found.map(|(endpoint, _, _)| *endpoint).or_else(|| (name == "unknown").then_some(Self::Unknown))
    }
}

/// A request as it arrived.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ReceivedRequest {
    /// The endpoint it went to.
    pub endpoint: Endpoint,
    /// Its method.
    pub method: Method,
    /// Its path and query, still encoded.
    pub path: String,
    /// Its headers, the credentials among them.
    pub headers: HeaderMap,
    /// Its body; empty when it was longer than the emulator reads.
    pub body: Bytes,
    /// When it arrived, by the emulator's clock.
    pub at: SystemTime,
    /// How it was answered, so far.
    pub answer: RequestAnswer,
}

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestAnswer {
    /// It is still under way.
    UnderWay,
    /// With this status.
    Status(StatusCode),
    /// Not at all: a fault hung up, or whoever asked went away.
    Unanswered,
}

impl ReceivedRequest {
    /// The status of its answer; `None` while it is under way, and where there was no answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        if let RequestAnswer::Status(status) = self.answer { Some(status) } else { None }
    }

    /// The body as JSON; [`Value::Null`] when it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// All requests, in the order of their arrival.
#[derive(Debug, Default)]
pub(crate) struct RequestLog {
    all: Mutex<VecDeque<ReceivedRequest>>,
    /// How many there were, those forgotten included. Changed by whoever holds `all`.
    arrived: AtomicUsize,
}

impl RequestLog {
    /// Remembers a request, and what comes of it.
    pub(crate) fn record(&self, request: ReceivedRequest) -> UnderWay<'_> {
        let mut all = self.all();
        if all.len() == MAX_REQUESTS {
            all.pop_front();
        }
        all.push_back(request);
        UnderWay { log: self, number: self.arrived.fetch_add(1, Ordering::Relaxed), answer: RequestAnswer::Unanswered }
    }

    pub(crate) fn all(&self) -> MutexGuard<'_, VecDeque<ReceivedRequest>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A remembered request that is being answered. It counts as unanswered when this is dropped before it was.
pub(crate) struct UnderWay<'a> {
    log: &'a RequestLog,
    /// How many had arrived before it.
    number: usize,
    answer: RequestAnswer,
}

impl UnderWay<'_> {
    pub(crate) fn answered(mut self, status: StatusCode) {
        self.answer = RequestAnswer::Status(status);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut all = self.log.all();
        let forgotten = self.log.arrived.load(Ordering::Relaxed) - all.len();
        let known = self.number.checked_sub(forgotten).and_then(|place| all.get_mut(place));
        if let Some(known) = known {
            known.answer = self.answer;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_one_name_and_their_own_routes() {
        let mut routes = Vec::new();
        for (endpoint, name, known) in Endpoint::TABLE {
            assert_eq!((endpoint.name(), Endpoint::named(name)), (*name, Some(*endpoint)));
            for (method, route) in *known {
                let method: Method = method.parse().unwrap();
                for prefix in ["", "/v1"] {
                    let found = Endpoint::of(&method, Some(&format!("{prefix}{route}")));
                    assert_eq!(found, *endpoint, "{method} {prefix}{route}");
                }
                routes.push((method, *route));
            }
        }
        let count = routes.len();
        routes.sort_by_key(|(method, route)| (method.to_string(), *route));
        routes.dedup();
        assert_eq!(routes.len(), count, "a route of two endpoints");
        assert_eq!(Endpoint::of(&Method::GET, None), Endpoint::Unknown);
        assert_eq!(Endpoint::named("unknown"), Some(Endpoint::Unknown));
        assert_eq!(Endpoint::named("dance"), None);
    }
}
