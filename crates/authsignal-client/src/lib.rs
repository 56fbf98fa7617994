//! The Authsignal Server API over HTTP, Call Connect and webhooks: a client that knows nothing of axum, tower services or
//! flows.
//!
//! [`Client`] is cheap to clone and shares one pool of connections. Every call has one deadline over all its tries, is
//! repeated only where repeating is safe, reads at most 256 KiB of an answer, 4 MiB where it lists things, and
//! never follows a redirect, so the API secret key goes to the configured host and nowhere else.
//!
//! Requests are small types with a short form: `client.track("user-1", "withdrawal")` is all of it, where nothing more
//! is to be said, and `client.track("user-1", Track::new("withdrawal").locale("en-NZ"))` says more. Members of answers
//! are there where the service always sends them, and `Option` otherwise; values that this version does not know are
//! kept, in the `Unknown` of each enum, and so are members, in `other`.
//!
//! ```no_run
//! use authsignal_client::{ActionState, Client, CustomData, Track};
//!
//! # async fn withdraw() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::from_env()?;
//! let request = Track::new("withdrawal").custom(CustomData::new().with("amount", 100).with("currency", "EUR"));
//! let tracked = client.track("user-1", request).await?;
//! match tracked.state {
//!     ActionState::Allow => { /* carry on */ }
//!     ActionState::ChallengeRequired => { /* send the user to `tracked.url` */ }
//!     _ => { /* refuse: this arm also takes states that are not known yet */ }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # The endpoints
//!
//! All of the Server API (API reference; the SDKs have 24 of these between them).
//!
//! | | endpoint | method | safe to repeat |
//! |---|---|---|---|
//! | 1 | `GET /users` | [`query_users`](Client::query_users), [`users_stream`](Client::users_stream) | yes |
//! | 2 | `GET /users/{userId}` | [`get_user`](Client::get_user) | yes |
//! | 3 | `PATCH /users/{userId}` | [`update_user`](Client::update_user) | yes, it sets the same again |
//! | 4 | `DELETE /users/{userId}` | [`delete_user`](Client::delete_user) | yes |
//! | 5 | `GET /users/{userId}/authenticators` | [`get_authenticators`](Client::get_authenticators) | yes |
//! | 6 | `POST /users/{userId}/authenticators` | [`enroll_verified_authenticator`](Client::enroll_verified_authenticator) | no, the recovery codes are shown once |
//! | 7 | `DELETE /users/{userId}/authenticators/{userAuthenticatorId}` | [`delete_authenticator`](Client::delete_authenticator) | yes, but the second answer may be 404 |
//! | 8 | `POST /users/authenticators` | [`batch_enroll_verified_authenticators`](Client::batch_enroll_verified_authenticators) | yes, each user and credential counts once |
//! | 9 | `GET /authenticators` | [`get_tenant_authenticators`](Client::get_tenant_authenticators) | yes |
//! | 10 | `POST /users/{userId}/actions/{action}` | [`track`](Client::track) | yes, under its idempotency key; no, without one |
//! | 11 | `GET /users/{userId}/actions/{action}/{idempotencyKey}` | [`get_action`](Client::get_action) | yes |
//! | 12 | `GET /users/{userId}/actions` | [`query_user_actions`](Client::query_user_actions) | yes |
//! | 13 | `PATCH /users/{userId}/actions/{action}/{idempotencyKey}` | [`update_action`](Client::update_action) | yes, it sets the same again |
//! | 14 | `POST /validate` | [`validate_challenge`](Client::validate_challenge) | yes, it only asks |
//! | 15 | `POST /challenge` | [`challenge`](Client::challenge) | no, it sends a message |
//! | 16 | `POST /verify` | [`verify`](Client::verify) | no, attempts are counted |
//! | 17 | `POST /claim` | [`claim_challenge`](Client::claim_challenge) | no, a challenge is claimed once |
//! | 18 | `GET /challenges` | [`get_challenge`](Client::get_challenge) | yes |
//! | 19 | `POST /sessions` | [`create_session`](Client::create_session) | no, each makes a session |
//! | 20 | `POST /sessions/validate` | [`validate_session`](Client::validate_session) | yes, it only asks |
//! | 21 | `POST /sessions/refresh` | [`refresh_session`](Client::refresh_session) | no, the first ends the token of the second |
//! | 22 | `POST /sessions/revoke` | [`revoke_session`](Client::revoke_session) | yes |
//! | 23 | `POST /sessions/user/revoke` | [`revoke_user_sessions`](Client::revoke_user_sessions) | yes |
//! | 24 | `GET /users/{userId}/devices` | [`get_devices`](Client::get_devices) | yes |
//! | 25 | `PATCH /users/{userId}/devices/{deviceId}` | [`update_device`](Client::update_device) | yes, it sets the same again |
//! | 26 | `POST /users/{userId}/devices/{deviceId}/invalidate` | [`invalidate_device`](Client::invalidate_device) | yes |
//!
//! And Call Connect, which is a service of its own with a key of its own:
//!
//! | | endpoint | method | safe to repeat |
//! |---|---|---|---|
//! | 1 | `POST /call/start` | [`CallConnect::start_call`] | no, it sends a message |
//! | 2 | `POST /call/finish` | [`CallConnect::finish_call`] | no, it is not documented |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `axum` | no | [`webhook::Delivery`] is an extractor of axum's (of `axum-core` alone) |
//! | `jwks` | no | `SessionVerifier`: access tokens of sessions are checked without a call per token |
//!
//! # What is repeated
//!
//! | what went wrong | which calls are tried again |
//! |---|---|
//! | no connection, so nothing was sent | all |
//! | connection lost; status 500, 502, 503 or 504 | those that are safe to repeat |
//! | silence for half of what is left of the deadline | those that are safe to repeat |
//! | status 429 | all, but only when `Retry-After` says when, and that is within the deadline |
//! | everything else | none |
//!
//! At most twice by default, after about 200 and 400 ms (each between half and one and a half times that), and never
//! more than 10 % of the calls of the last ten seconds plus one a second: a service that is down is not held down. A call that
//! cannot be repeated, or not any more, waits until its deadline.
//!
//! # Where the SDKs disagree
//!
//! What Authsignal's own SDKs do, read in their sources (node 2.21.0, python 4.3.0, java 2.10.1, authsignalgo v2, ruby
//! 5.2.1, php 4.5.0, dotnet 4.3.0), and what this client does. Where the API reference says it, that is followed.
//!
//! | about | the SDKs | this client | because |
//! |---|---|---|---|
//! | changing a user | java and ruby POST, the others PATCH | PATCH | API reference |
//! | looking up a challenge | node GET; dotnet means to POST, java forgets the `?`, go says `/v1` twice | GET with a query | API reference |
//! | other queries | dotnet fails before it sends one; php has no `state`; node writes a space as `+` | every parameter, `+` as `%2B` and a space as `%20` | a space and a plus read alike everywhere |
//! | ids in paths | node, java, go, dotnet as they are; python leaves `/`; ruby not in `track`; php writes a space as `+` | each is one segment, encoded once; `.` and `..` are refused | another id must not be another address |
//! | members that are not set | go sends `redirectToSettings` as `null`, dotnet as `false`, and `skipVerificationCheck` as `false` | not sent | the default is the service's |
//! | `null` | node sends it; python and php drop it at the top; java, ruby and dotnet drop it | sent where it says something: [`UpdateDevice::forgotten`] | API reference, update device |
//! | a body without members | php sends no body | `{}` | it is JSON |
//! | a request without a body | python, go, ruby and php say that it is JSON | no `Content-Type` | there is nothing to have a type |
//! | `Accept` | python and go `*/*`; node JSON, text, then anything; ruby JSON | JSON | that is what is read |
//! | `Accept-Encoding` | node four kinds of compression | not sent | what is read is limited by its length |
//! | `User-Agent` | java on GET only, dotnet with its DI only | always, with the version | RFC 9110, section 10.1.5 |
//! | `X-Authsignal-Version` | not in go; behind the package in node, python and dotnet | the version of this crate | it tells and decides nothing (an assumption) |
//! | base URL | php without `/v1`, the others with it; ruby's default is a host of old; a `/` at the end breaks most | with `/v1`; a `/` at the end is taken off | API reference, regions |
//! | `AUTHSIGNAL_API_URL` | php alone reads it | read by [`from_env`](Client::from_env) | an emulator needs no code |
//! | idempotency key of `track` | left to the service where the caller has none | sent, unless [`Track::without_idempotency_key`] | a repeated `track` is one action |
//! | what is a success | python below 400, php to 399, the others 2xx | 2xx; redirects are not followed | the key goes to one host |
//! | type of an answer | python asks for exactly `application/json`; the others do not look | JSON with or without parameters, or no type | a page of a proxy's is no answer |
//! | answer of a delete or revoke | ruby fails without a body; python and go read none | nothing, or an object that does not deny it | API reference: `{"success":true}` and 204 |
//! | code of an error | node, java, ruby, dotnet `error`; python, go, php `errorCode` | `errorCode`, else `error` | the service sends both; `error` may be a sentence |
//! | words of an error | `errorDescription` | that, else `message` | the gateway in front says `message` |
//! | an error without a body | node makes it a 500 of its own, java and go fail on it | the status counts | it is what the service said |
//! | unknown values of an enum | dotnet throws, java gives null, the others pass them on | kept, as `Unknown` | the service grows |
//! | action in a validate answer | node, java, dotnet `actionCode`; python, go, ruby, php `action` | either; malformed if they differ | one of them would be wrong |
//! | a token that proves nothing | fixtures have 200 with `isValid` false or without it, 400, and 422 | not valid, and no error | all of them say the same |
//! | an attempt that is not there | older node `undefined`, the others an error | an error, [`is_not_found`](Error::is_not_found) | it is not "allowed" |
//! | actions of a deleted user | no SDK sends `actions=true`; two pages of the documentation differ | by choice, [`DeleteUser::actions`] | API reference |
//! | members nobody has heard of | sent by node, python, ruby and php, and read by most | [`Track::other`] and its like; [`OtherMembers`] | the service grows |
//! | members of `track` | go alone `crypto`, not `locale` and `customDomain`; go does not read `ruleIds` | all | each is documented or read |
//! | members of a user | node alone types `emailVerified`, `phoneNumberVerified`, `locale`; java alone `defaultVerificationMethod` | all | API reference |
//! | members of an enrolment | go alone `otpUri`; node and java alone `isDefault` | both; not `oobChannel`, which is deprecated | `verificationMethod` says the same |
//! | members of `challenge` | node alone has `challengeId`, `userId`, `deviceId`, `ipAddress`, `userAgent`, `custom`, `scope` | all | API reference |
//! | action codes of a query | `actionCodes` in node, java and dotnet, sent as `codes` | [`QueryActions::codes`] | the name on the wire |
//! | name of a credential | go `webAuthnCredential`, read whatever its case | `webauthnCredential` | what the service sends |
//! | action of a pending challenge | text; the API reference says a number | text | an action code is none |
//! | `expiresAt` | dotnet below 2^31 | any whole number of seconds | 2038 |
//! | end of a call | node a boolean; the API reference shows the text `"true"` | both | either may come |
//! | number of a caller | needed in the API reference, not in node | not needed | [`CallChannel::Email`] needs none |
//! | host of Call Connect | node `us-connect.authsignal.com`; older pages `connect.authsignal.com/v1` | node's | it is newer |
//! | time to connect, and in all | node and java none; python 2 s; go 10 s; ruby 60 s; php 3 s and 10 s; dotnet 100 s | 1 s, and 5 s over all tries | somebody waits for the page |
//! | repeating | node, java, dotnet 2 times, POST too once the connection broke; ruby by choice; python, go, php never | 2 times, what is safe to repeat | two messages, two sessions |
//! | `Retry-After` | node alone | honoured, within the deadline | RFC 9110, section 10.2.3 |
#![cfg_attr(docsrs, feature(doc_cfg))]

mod actions;
mod authenticators;
mod builder;
mod call_connect;
mod challenges;
mod client;
mod clock;
mod config;
mod custom;
mod devices;
mod error;
mod ids;
#[cfg(feature = "jwks")]
mod offline;
mod other;
mod secret;
mod sessions;
mod transport;
mod types;
pub mod url;
mod users;
pub mod webhook;

pub use actions::{
    Action, Crypto, QueryActions, RuleSnapshot, Track, Tracked, UpdateAction, UpdatedAction, UserAction,
};
pub use authenticators::{
    AaguidMapping, AuthenticatorAttachment, AuthenticatorTransport, BatchEnrolled, BatchFailure, CredentialDeviceType,
    DevicePlatform, EnrollVerified, Enrolled, ParsedUserAgent, TenantAuthenticator, UserAgentBrowser, UserAgentCpu,
    UserAgentDevice, UserAgentEngine, UserAgentOs, UserAuthenticator, VerifiedCredential, WebauthnCredential,
};
pub use builder::{ClientBuilder, Region};
pub use call_connect::{
    CallChannel, CallConnect, CallConnectBuilder, CallFinished, CallStarted, CallState, FinishCall, StartCall,
};
pub use challenges::{
    Challenge, Challenged, Claim, Claimed, FailureReason, GetChallenge, PendingChallenge, Validate, Validated,
    Verified, Verify,
};
pub use client::Client;
pub use clock::Clock;
pub use config::ConfigError;
pub use custom::{CustomData, CustomNumber, CustomValue};
pub use devices::{Device, UpdateDevice};
pub use error::{Error, ErrorKind};
pub use ids::{ActionCode, IdempotencyKey, InvalidId, UserId};
#[cfg(feature = "jwks")]
pub use offline::{SessionFault, SessionVerifier, SessionVerifierBuilder, VerifiedSession};
pub use other::OtherMembers;
pub use secret::SecretKey;
pub use sessions::{CreateSession, Session, SessionUser, ValidSession, ValidateSession};
pub use types::{ActionState, ChallengeUrl, Scope, SmsChannel, Timestamp, Token, UnixSeconds, VerificationMethod};
pub use users::{DeleteUser, QueryUsers, UpdateUser, UpdatedUser, UserAttributes, UserSummary, UsersPage};

/// The program of the README compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
