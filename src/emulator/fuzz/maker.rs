//! Makes requests: the routes that there are, with what belongs there, and with what doesn't.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::members::{self, Kind, OTHERS};
use super::random::Random;
use super::request::{Case, Loot};
use crate::client::ActionState;
use crate::emulator::gateway::LONGEST_BODY;
use crate::emulator::{Endpoint, Shared};

const USERS: &[&str] =
    &["ada", "eve", "bob", "ä b+c/d?e#f", "auth0|1", "authenticators", "\u{1f600}", "%41", "ada@example.com"];
const ACTIONS: &[&str] = &["withdrawal", "signIn", "sign-in_2", "transfer", "Unknown"];
const DEVICES: &[&str] = &["a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d", "d", "ä/."];
const METHODS: &[&str] =
    &["EMAIL_OTP", "EMAIL_OTP", "SMS", "SMS", "WHATSAPP", "EMAIL_MAGIC_LINK", "AUTHENTICATOR_APP", "PASSKEY", "PUSH"];
const STATES: &[&str] = &["ALLOW", "BLOCK", "CHALLENGE_REQUIRED", "CHALLENGE_SUCCEEDED", "REVIEW_REQUIRED"];
const PARAMETERS: &[&str] = &[
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
const FIELDS: &[&str] = &["mode", "force_enrollment", "view", "sent", "step", "code", "email"];
const TYPES: &[&str] = &[
    "application/json",
    "application/json; charset=utf-16",
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=",
    "",
    "/;=",
];
const ODD_METHODS: &[&str] =
    &["PUT", "OPTIONS", "HEAD", "TRACE", "CONNECT", "BREW", "get", "PATCH", "DELETE", "POST", "GET"];
const ODD_HEADERS: &[&str] = &[
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

/// Makes requests for one emulator.
pub(super) struct Maker<'a> {
    pub(super) shared: &'a Shared,
    pub(super) random: Random,
    pub(super) loot: Loot,
}

impl Maker<'_> {
    pub(super) fn case(&mut self) -> Case {
        loop {
            let (endpoint, _, routes) = Endpoint::TABLE[self.random.below(Endpoint::TABLE.len())];
            let (method, route) = routes[self.random.below(routes.len())];
            // What no server would have handed on is made anew.
            let Ok(uri) = self.target(endpoint, route).parse::<Uri>() else { continue };
            let odd = self.random.once_in(25).then(|| self.random.pick(ODD_METHODS));
            let Ok(method) = odd.unwrap_or(method).parse::<Method>() else { continue };
            let (headers, has_key) = self.headers(endpoint, route);
            let body = self.body(endpoint, method.as_str(), route);
            let breaks = self.random.once_in(300);
            return Case { method, uri, headers, body, breaks, has_key };
        }
    }

    fn target(&mut self, endpoint: Endpoint, route: &str) -> String {
        let mut target = if self.random.once_in(2) { "/v1".to_owned() } else { String::new() };
        if endpoint == Endpoint::ChallengePage {
            target.clear();
        }
        let nowhere =
            ["users", "v2", "actions", "challenge", "health", ".well-known", "graphql", "index.html", "{user}"];
        let route = match self.random.below(60) {
            0 => format!("/{}/{}", self.random.pick(&nowhere), self.random.pick(&nowhere)),
            1 => format!("{route}/{}", self.random.pick(&nowhere)),
            _ => route.to_owned(),
        };
        let known = self.known();
        for segment in route.split('/').skip(1) {
            target.push('/');
            let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            match name {
                _ if self.random.once_in(60) => target.push_str(&self.raw_segment()),
                Some(name) => target.push_str(&self.segment(name, &known)),
                None => target.push_str(segment),
            }
        }
        if self.random.once_in(100) {
            target.push_str(self.random.pick(&["/", "//", "/x", "%2F", ";a=b", "/../users/eve"]));
        }
        let fields = if endpoint == Endpoint::ChallengePage { FIELDS } else { PARAMETERS };
        if self.random.once_in(3) || endpoint == Endpoint::GetChallenge || endpoint == Endpoint::QueryUsers {
            target.push('?');
            target.push_str(&self.form(fields));
        }
        target
    }

    /// What a server would hand on, and yet nobody should send.
    fn raw_segment(&mut self) -> String {
        let known =
            ["", ".", "..", "%2E%2E", "%FF", "%00", "%", "%zz", "%C3", "a%2Fb", "+", ";", "users", "v1", "{user}", "~"];
        self.random.pick(&known).to_owned()
    }

    /// What belongs together: a user, one of their attempts, methods and devices.
    fn known(&mut self) -> [(&'static str, Option<String>); 5] {
        let world = self.shared.world();
        let action = world.actions.keys().nth(self.random.below(world.actions.len()));
        let name = action.map(|id| id.user.to_string());
        let user = name.as_ref().and_then(|name| world.users.get(name));
        [
            ("action", action.map(|id| id.action.to_string())),
            ("key", action.map(|id| id.key.to_string())),
            ("authenticator", user.and_then(|user| Some(user.authenticators.last()?.id.clone()))),
            ("device", user.and_then(|user| user.devices.keys().next().cloned())),
            ("user", name),
        ]
    }

    /// Does what requests alone seldom bring about: a user proves an attempt.
    pub(super) fn help(&mut self) {
        if self.random.once_in(10) {
            let now = self.shared.clock.now();
            let mut world = self.shared.world();
            let action = world.actions.keys().nth(self.random.below(world.actions.len())).cloned();
            action.map(|id| world.set_state(&id, ActionState::ChallengeSucceeded, now));
        }
    }

    fn segment(&mut self, name: &str, known: &[(&'static str, Option<String>)]) -> String {
        if name == "jumbled" {
            let query = self.form(PARAMETERS);
            return format!("{}{query}", self.random.pick(&["challenges", "challenges", "challenge", "users"]));
        }
        let plain = match name {
            _ if self.random.once_in(12) => self.random.text(),
            "tenant" => self.shared.tokens.tenant.clone(),
            "user" if self.random.once_in(2) => self.random.pick(USERS).to_owned(),
            "action" if self.random.once_in(3) => self.random.pick(ACTIONS).to_owned(),
            "device" if self.random.once_in(3) => self.random.pick(DEVICES).to_owned(),
            _ => {
                let known = known.iter().find(|known| known.0 == name).and_then(|known| known.1.clone());
                known.unwrap_or_else(|| self.random.text())
            }
        };
        utf8_percent_encode(&plain, NON_ALPHANUMERIC).to_string()
    }

    fn form(&mut self, names: &[&str]) -> String {
        let mut form = form_urlencoded::Serializer::new(String::new());
        let skipped = 2 + self.random.below(names.len());
        for name in names {
            if self.random.once_in(skipped) {
                form.append_pair(name, &self.meant(name));
            }
        }
        if names == FIELDS && !self.random.once_in(20) {
            form.append_pair("token", &self.meant("token"));
        }
        let mut form = form.finish();
        if self.random.once_in(20) {
            form.push_str(self.random.pick(&["&token=%FF", "&&=&%", "&token", "%00", "&a=%zz", "?x", "&limit=-1"]));
        }
        form
    }

    /// A value that a member or parameter of this name could have, or else any text.
    fn meant(&mut self, name: &str) -> String {
        if self.random.once_in(10) {
            return self.random.text();
        }
        let alike = match name {
            "token" | "accessToken" | "refreshToken" | "challengeId" | "idempotencyKey" => {
                let message =
                    self.shared.world().inbox.newest_first().next().map(|message| message.challenge_id.clone());
                let message = message.filter(|_| name == "challengeId" && self.random.once_in(2));
                let known = message.or_else(|| self.loot.of(name, &mut self.random));
                let known = known.unwrap_or_else(|| "eyJhbGciOiJSUzI1NiJ9.e30.AA".to_owned());
                return if self.random.once_in(12) { self.random.mutated(&known) } else { known };
            }
            "code" | "verificationCode" => {
                let code = self.shared.world().inbox.newest_first().next().and_then(|message| message.code.clone());
                return code.unwrap_or_else(|| "000000".to_owned());
            }
            "userId" | "lastEvaluatedUserId" => USERS,
            "action" | "actionCode" | "codes" => ACTIONS,
            "deviceId" => DEVICES,
            "verificationMethod" | "defaultVerificationMethod" | "oobChannel" | "view" => METHODS,
            "state" => STATES,
            "email" | "username" => &["ada@example.com", "eve@example.com", "ada"],
            "phoneNumber" => &["+64270000000", "9876543210", "+1"],
            "smsChannel" | "channel" => &["DEFAULT", "WHATSAPP", "SMS", "EMAIL"],
            "clientId" | "clientIds" => &["46e1", "app", "https://challenge.authsignal.com/t"],
            "referenceId" => &["call-1", "call-2"],
            "rememberedUntil" | "fromDate" => &["2027-01-15T10:00:00.000Z", "2026-01-01T00:00:00Z", "2025-01-01"],
            "limit" => &["1", "100", "101", "0"],
            "redirectUrl" => &["https://app.example.com/back?flow=1#top", "myapp://done", "/relative"],
            "scope" => &["add:authenticators", "update:authenticators", "read:authenticators"],
            "otpUri" => &["otpauth://totp/a?secret=JBSWY3DPEHPK3PXP", "otpauth://hotp/a?secret=JBSWY3DPEHPK3PXP"],
            "ipAddress" => &["203.0.113.7", "2001:db8::1", "::ffff:10.0.0.1"],
            "step" => &["verify", "send", "address", "decline", "quit"],
            "mode" => &["popup", "redirect"],
            "actions" | "force_enrollment" => &["true", "false"],
            "sent" => &["1"],
            _ => return self.random.text(),
        };
        self.random.pick(alike).to_owned()
    }

    fn headers(&mut self, endpoint: Endpoint, route: &str) -> (HeaderMap, bool) {
        let mut headers = HeaderMap::new();
        let key = self.shared.secrets[self.random.below(self.shared.secrets.len())].clone();
        let bearer = |maker: &mut Self| format!("Bearer {}", maker.meant("token"));
        let is_for_token = route.starts_with("/client") || endpoint == Endpoint::ChallengePage;
        let (authorization, has_key) = match self.random.below(60) {
            0 => (None, false),
            1 => (Some(bearer(self)), false),
            2 => (Some(self.random.text()), false),
            3 => (Some(format!("Basic {}", STANDARD.encode(self.random.text()))), false),
            4 => (Some(format!("Basic {}", self.random.text())), false),
            5 => (Some(format!("Basic {}", STANDARD.encode(&key[1..]))), false),
            _ if is_for_token => (Some(bearer(self)), false),
            _ => (Some(format!("Basic {}", STANDARD.encode(format!("{key}:")))), true),
        };
        let authorization = authorization.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
        authorization.map(|value| headers.insert(header::AUTHORIZATION, value));
        let fit = if endpoint == Endpoint::ChallengePage { TYPES[3] } else { TYPES[0] };
        let kind = if self.random.once_in(10) { self.random.pick(TYPES) } else { fit };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        while self.random.once_in(8) {
            let name = HeaderName::from_static(self.random.pick(ODD_HEADERS));
            if let Ok(value) = HeaderValue::from_bytes(self.random.text().as_bytes()) {
                headers.append(name, value);
            }
        }
        (headers, has_key)
    }

    fn body(&mut self, endpoint: Endpoint, method: &str, route: &str) -> Bytes {
        if method == "GET" && !self.random.once_in(20) {
            return Bytes::new();
        }
        let mut body = match endpoint {
            Endpoint::ChallengePage => self.form(FIELDS).into_bytes(),
            _ if self.random.once_in(25) => self.random.json(3).into_bytes(),
            Endpoint::BatchEnrollVerifiedAuthenticators if !self.random.once_in(3) => {
                let items: Vec<_> = (0..self.random.below(4)).map(|_| self.object(&[OTHERS[5]])).collect();
                format!(r#"{{"authenticators":[{}]}}"#, items.join(",")).into_bytes()
            }
            _ => match members::of(endpoint, method, route) {
                [] => self.object(OTHERS).into_bytes(),
                members => self.object(&[members]).into_bytes(),
            },
        };
        match self.random.below(1500) {
            0..150 => self.random.corrupted(&mut body),
            150 => body.resize(LONGEST_BODY + self.random.below(3) - 1, b' '),
            151 => body.resize(17 * LONGEST_BODY, b' '),
            152..180 => body.clear(),
            _ => {}
        }
        body.into()
    }

    /// An object with some of these members, and sometimes with one twice or of the wrong type.
    fn object(&mut self, of: &[&'static [(&'static str, Kind)]]) -> String {
        let mut members = Vec::new();
        // Where much is wrong, only the first mistake is met.
        let (wrong, absent) = (if self.random.once_in(3) { 10 } else { 1000 }, 4 + self.random.below(12));
        for (name, kind) in of.iter().copied().flatten() {
            // One that makes another request of it.
            let turns = *name == "challengeId" && of[0].len() > 4 && !self.random.once_in(6);
            if self.random.once_in(absent) || turns || (of.len() > 1 && !self.random.once_in(6)) {
                continue;
            }
            let value = if self.random.once_in(wrong) { self.random.json(2) } else { self.value(name, *kind) };
            members.push(format!(r#""{name}":{value}"#));
            if self.random.once_in(100) {
                members.push(format!(r#""{name}":{}"#, self.random.json(2)));
            }
        }
        if self.random.once_in(20) {
            members.push(format!("{}:{}", Value::from(self.random.text()), self.random.json(3)));
        }
        format!("{{{}}}", members.join(","))
    }

    fn value(&mut self, name: &str, kind: Kind) -> String {
        match kind {
            Kind::Text => Value::from(self.meant(name)).to_string(),
            Kind::Flag => self.random.pick(&["true", "false", "null"]).to_owned(),
            Kind::Texts => Value::from(vec![self.meant(name), self.meant(name)]).to_string(),
            Kind::Objects => format!("[{}]", self.object(&[OTHERS[5]])),
            Kind::Object | Kind::Points => self.random.points().to_string(),
        }
    }
}
