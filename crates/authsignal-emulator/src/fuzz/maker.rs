//! Makes requests: the routes that there are, with what belongs there, and with what doesn't.
use authsignal_client::ActionState;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::db::action::Scope;
use crate::fuzz::members::{self, MemberType, OTHERS};
use crate::fuzz::random::Random;
use crate::fuzz::request::{Case, Loot};
use crate::fuzz::routes::{ROUTES, Route};
use crate::fuzz::samples::{
    ACTIONS, DEVICES, FIELDS, NOWHERE, ODD_HEADERS, ODD_METHODS, PARAMETERS, RAW_SEGMENTS, TYPES, USERS, alike,
};
use crate::request_log::Endpoint;
use crate::server::gateway::MAX_BODY;
use crate::state::AppState;

/// Makes requests for one emulator.
pub(super) struct Maker<'a> {
    pub(super) shared: &'a AppState,
    pub(super) random: Random,
    pub(super) loot: Loot,
}

impl Maker<'_> {
    pub(super) fn case(&mut self) -> Case {
        loop {
            let route = &ROUTES[self.random.below(ROUTES.len())];
            // There are more of the others, and less is known of what they take.
            if !route.needs_key() && self.random.once_in(2) {
                continue;
            }
            // What no server would have handed on is made anew.
            let Ok(uri) = self.target(route).parse::<Uri>() else { continue };
            let odd = self.random.once_in(25).then(|| self.random.pick(ODD_METHODS));
            let Ok(method) = odd.unwrap_or(route.method).parse::<Method>() else { continue };
            let (headers, has_key) = self.headers(route);
            let body = self.body(route);
            let breaks = self.random.once_in(300);
            return Case { method, uri, headers, body, breaks, has_key };
        }
    }

    fn target(&mut self, Route { endpoint, path, .. }: &Route) -> String {
        let route = match self.random.below(60) {
            0 => format!("/{}/{}", self.random.pick(NOWHERE), self.random.pick(NOWHERE)),
            1 => format!("{path}/{}", self.random.pick(NOWHERE)),
            _ => (*path).to_owned(),
        };
        let mut target = String::new();
        if ROUTES.iter().any(|route| route.path == *path && route.has_versions()) && self.random.once_in(2) {
            target.push_str("/v1");
        }
        let known = self.known();
        for segment in route.split('/').skip(1) {
            target.push('/');
            let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
            match name {
                _ if self.random.once_in(60) => target.push_str(self.random.pick(RAW_SEGMENTS)),
                Some(name) => target.push_str(&self.segment(name, &known)),
                None => target.push_str(segment),
            }
        }
        if self.random.once_in(100) {
            target.push_str(self.random.pick(&["/", "//", "/x", "%2F", ";a=b", "/../users/eve"]));
        }
        let is_page = [Endpoint::ChallengePage, Endpoint::Emulator].contains(endpoint);
        if self.random.once_in(3) || is_page || [Endpoint::GetChallenge, Endpoint::QueryUsers].contains(endpoint) {
            target.push('?');
            target.push_str(&self.form(if is_page { FIELDS } else { PARAMETERS }));
        }
        if *endpoint == Endpoint::OpenMagicLink {
            let link = self.shared.db().inbox.newest_first().find_map(|message| message.link.clone());
            let link = link.and_then(|link| Some(link.split_once('?')?.1.to_owned())).unwrap_or_default();
            target = format!("{path}?{}", if self.random.once_in(3) { self.random.mutated(&link) } else { link });
        }
        target
    }

    /// What belongs together: a user, one of their attempts, methods and devices.
    fn known(&mut self) -> [(&'static str, Option<String>); 5] {
        let db = self.shared.db();
        let action = db.actions.keys().nth(self.random.below(db.actions.len()));
        let name = action.map(|id| id.user.to_string());
        let user = name.as_ref().and_then(|name| db.users.get(name));
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
        if !self.random.once_in(20) {
            return;
        }
        let now = self.shared.clock.now();
        let mut db = self.shared.db();
        let action = db.actions.keys().nth(self.random.below(db.actions.len())).cloned();
        let Some(id) = action else { return };
        db.set_state(&id, ActionState::ChallengeSucceeded, now);
        let record = db.actions[&id].record.clone();
        drop(db);
        self.loot.take(&json!({ "token": self.shared.token_with(&record, Scope::ALL) }));
    }

    fn segment(&mut self, name: &str, known: &[(&'static str, Option<String>)]) -> String {
        if name == "jumbled" {
            let query = self.form(PARAMETERS);
            return format!("{}{query}", self.random.pick(&["challenges", "challenges", "challenge", "users"]));
        }
        let plain = match name {
            _ if self.random.once_in(12) => self.random.text(),
            "tenant" => self.shared.tokens.tenant.clone(),
            "act" => self.random.pick(&["succeed", "decline", "quit", "approve", "claim"]).to_owned(),
            "challenge" => self.meant("challengeId"),
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
            "token" | "accessToken" | "refreshToken" | "challengeId" | "idempotencyKey" | "userAuthenticatorId" => {
                let message = self.shared.db().inbox.newest_first().next().map(|message| message.challenge_id.clone());
                let message = message.filter(|_| name == "challengeId" && self.random.once_in(2));
                let known = message.or_else(|| self.loot.of(name, &mut self.random));
                let known = known.unwrap_or_else(|| "eyJhbGciOiJSUzI1NiJ9.e30.AA".to_owned());
                return if self.random.once_in(12) { self.random.mutated(&known) } else { known };
            }
            "deviceCode" | "challenge" => {
                let known = self.loot.of(if name == "challenge" { "challengeId" } else { name }, &mut self.random);
                return known.unwrap_or_default();
            }
            "code" | "verificationCode" => {
                let code = self.shared.db().inbox.newest_first().next().and_then(|message| message.code.clone());
                return code.unwrap_or_else(|| "000000".to_owned());
            }
            name => alike(name),
        };
        match alike {
            [] => self.random.text(),
            alike => self.random.pick(alike).to_owned(),
        }
    }

    fn headers(&mut self, route: &Route) -> (HeaderMap, bool) {
        let mut headers = HeaderMap::new();
        let key = self.shared.secrets[self.random.below(self.shared.secrets.len())].clone();
        let bearer = |maker: &mut Self| format!("Bearer {}", maker.meant("token"));
        let (authorization, has_key) = match self.random.below(60) {
            0 => (None, false),
            1 => (Some(bearer(self)), false),
            2 => (Some(self.random.text()), false),
            3 => (Some(format!("Basic {}", STANDARD.encode(self.random.text()))), false),
            4 => (Some(format!("Basic {}", self.random.text())), false),
            5 => (Some(format!("Basic {}", STANDARD.encode(&key[1..]))), false),
            6..12 if route.is_for_clients() => {
                (Some(format!("Basic {}", STANDARD.encode(&self.shared.tokens.tenant))), false)
            }
            _ if !route.needs_key() => (Some(bearer(self)), false),
            _ => (Some(format!("Basic {}", STANDARD.encode(format!("{key}:")))), true),
        };
        let authorization = authorization.and_then(|text| HeaderValue::from_bytes(text.as_bytes()).ok());
        authorization.map(|value| headers.insert(header::AUTHORIZATION, value));
        let fit = if route.endpoint == Endpoint::ChallengePage { TYPES[3] } else { TYPES[0] };
        let kind = if self.random.once_in(10) { self.random.pick(TYPES) } else { fit };
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        if !self.random.once_in(10) {
            headers.insert(header::HOST, HeaderValue::from_static("localhost"));
        }
        while self.random.once_in(8) {
            let name = HeaderName::from_static(self.random.pick(ODD_HEADERS));
            if let Ok(value) = HeaderValue::from_bytes(self.random.text().as_bytes()) {
                headers.append(name, value);
            }
        }
        (headers, has_key)
    }

    fn body(&mut self, route: &Route) -> Bytes {
        if route.method == "GET" && !self.random.once_in(20) {
            return Bytes::new();
        }
        let mut body = match route.endpoint {
            Endpoint::ChallengePage => self.form(FIELDS).into_bytes(),
            _ if self.random.once_in(25) => self.random.json(3).into_bytes(),
            Endpoint::BatchEnrollVerifiedAuthenticators if !self.random.once_in(3) => {
                let items: Vec<_> = (0..self.random.below(4)).map(|_| self.object(&[OTHERS[5]])).collect();
                format!(r#"{{"authenticators":[{}]}}"#, items.join(",")).into_bytes()
            }
            _ => match members::of(route) {
                [] => self.object(OTHERS).into_bytes(),
                members => self.object(&[members]).into_bytes(),
            },
        };
        match self.random.below(1500) {
            0..150 => self.random.corrupted(&mut body),
            150 => body.resize(MAX_BODY + self.random.below(3) - 1, b' '),
            151 => body.resize(17 * MAX_BODY, b' '),
            152..180 => body.clear(),
            _ => {}
        }
        body.into()
    }

    /// An object with some of these members, and sometimes with one twice or of the wrong type.
    fn object(&mut self, of: &[&'static [(&'static str, MemberType)]]) -> String {
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

    fn value(&mut self, name: &str, kind: MemberType) -> String {
        match kind {
            MemberType::Text => Value::from(self.meant(name)).to_string(),
            MemberType::Number => self.random.pick(&["0", "1", "200", "503", "600000", "0.5"]).to_owned(),
            MemberType::Object if name.ends_with("Credential") => self.credential(),
            MemberType::Any => self.random.json(2),
            MemberType::Flag => self.random.pick(&["true", "false", "null"]).to_owned(),
            MemberType::Texts => Value::from(vec![self.meant(name), self.meant(name)]).to_string(),
            MemberType::Objects => format!("[{}]", self.object(&[OTHERS[5]])),
            MemberType::Object | MemberType::Points => self.random.points().to_string(),
        }
    }

    /// What a browser says about a passkey, as far as its form goes.
    fn credential(&mut self) -> String {
        let mut part = || Value::from(URL_SAFE_NO_PAD.encode(self.random.json(2)));
        let response = json!({
            "clientDataJSON": part(),
            "attestationObject": part(),
            "authenticatorData": part(),
            "signature": part(),
            "userHandle": part(),
        });
        json!({ "id": part(), "rawId": part(), "type": "public-key", "response": response }).to_string()
    }
}
