//! Names, and values that they could have.
pub(super) const USERS: &[&str] =
    &["ada", "eve", "bob", "ä b+c/d?e#f", "auth0|1", "authenticators", "\u{1f600}", "%41", "ada@example.com"];
pub(super) const ACTIONS: &[&str] = &["withdrawal", "signIn", "sign-in_2", "transfer", "Unknown"];
pub(super) const DEVICES: &[&str] = &["a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d", "d", "ä/."];
pub(super) const METHODS: &[&str] =
    &["EMAIL_OTP", "EMAIL_OTP", "SMS", "SMS", "WHATSAPP", "EMAIL_MAGIC_LINK", "AUTHENTICATOR_APP", "PASSKEY", "PUSH"];
pub(super) const STATES: &[&str] = &["ALLOW", "BLOCK", "CHALLENGE_REQUIRED", "CHALLENGE_SUCCEEDED", "REVIEW_REQUIRED"];
pub(super) const PARAMETERS: &[&str] = &[
    "username",
    "email",
    "phoneNumber",
    "token",
    "limit",
    "lastEvaluatedUserId",
    "codes",
    "fromDate",
    "state",
    "actions",
    "challengeId",
    "userId",
    "action",
    "verificationMethod",
];
pub(super) const FIELDS: &[&str] = &[
    "mode",
    "force_enrollment",
    "view",
    "item",
    "change",
    "told",
    "since",
    "challenge",
    "step",
    "code",
    "email",
    "phone",
    "credential",
    "answer",
    "user",
];
pub(super) const TYPES: &[&str] = &[
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=",
    "",
    "/;=",
];
pub(super) const ODD_METHODS: &[&str] =
    &["PUT", "OPTIONS", "HEAD", "TRACE", "CONNECT", "BREW", "get", "PATCH", "DELETE", "POST", "GET"];
pub(super) const ODD_HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "content-encoding",
    "content-length",
    "cookie",
    "expect",
    "host",
    "origin",
    "access-control-request-method",
    "transfer-encoding",
    "upgrade",
    "x-authsignal-version",
    "x-forwarded-for",
    "x-http-method-override",
];

/// Where nothing is.
pub(super) const NOWHERE: &[&str] =
    &["users", "v2", "actions", "challenge", "health", ".well-known", "graphql", "index.html", "{user}"];
/// What a server would hand on, and yet nobody should send.
pub(super) const RAW_SEGMENTS: &[&str] =
    &["", ".", "..", "%2E%2E", "%FF", "%00", "%", "%zz", "%C3", "a%2Fb", "+", ";", "users", "v1", "{user}", "~"];

/// Values that a member or parameter of this name could have; none where any text will do.
pub(super) fn alike(name: &str) -> &'static [&'static str] {
    match name {
        "userId" | "lastEvaluatedUserId" | "user" => USERS,
        "action" | "actionCode" | "codes" => ACTIONS,
        "deviceId" => DEVICES,
        "verificationMethod" | "defaultVerificationMethod" | "oobChannel" | "view" => METHODS,
        "state" => STATES,
        "email" | "username" => &["ada@example.com", "eve@example.com", "ada"],
        "phoneNumber" | "phone" => &["+64270000000", "9876543210", "+1"],
        "smsChannel" | "channel" | "previousSmsChannel" => &["DEFAULT", "WHATSAPP", "SMS", "EMAIL"],
        "clientId" | "clientIds" => &["web", "web", "app", "https://challenge.authsignal.com/t"],
        "referenceId" => &["call-1", "call-2"],
        "rememberedUntil" | "fromDate" => &["2027-01-15T10:00:00.000Z", "2026-01-01T00:00:00Z", "2025-01-01"],
        "limit" => &["1", "100", "101", "0"],
        "redirectUrl" => &["https://app.example.com/back?flow=1#top", "myapp://done", "/relative"],
        "scope" => &["add:authenticators", "update:authenticators", "read:authenticators"],
        "otpUri" => &["otpauth://totp/a?secret=JBSWY3DPEHPK3PXP", "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP"],
        "ipAddress" => &["203.0.113.7", "2001:db8::1", "::ffff:10.0.0.1"],
        "step" => {
            &["verify", "send", "address", "credential", "wait", "phone", "default", "remove", "decline", "on", "quit"]
        }
        "mode" => &["popup", "redirect", "beside"],
        "answer" => &["approve", "decline", "claim"],
        "publicKey" => &["MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE", "key-1"],
        "authenticatorAttachment" => &["platform", "cross-platform"],
        "outcome" => &["ALLOW", "CHALLENGE", "REVIEW", "BLOCK"],
        "set" => &["2026-01-15T10:00:00.000Z", "2026-01-16T10:00:00.000Z"],
        "endpoint" => &["track", "*", "unknown"],
        "kind" => &["status", "rateLimit", "delay", "body", "cut", "contentType", "hangUp", "state", "merge"],
        "methods" => &["EMAIL_OTP", "SMS", "AUTHENTICATOR_APP", "PASSKEY"],
        "actions" | "force_enrollment" => &["true", "false"],
        "change" => &["1"],
        _ => &[],
    }
}
