//! What reads what callers send, without the way there: more of it in the same time.
use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use authsignal_client::webhook::Webhook;
use authsignal_client::{Clock, Timestamp};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderValue, header};

use crate::config::Config;
use crate::credentials::tokens::{NewSession, Subject, Tokens};
use crate::credentials::totp::App;
use crate::credentials::webauthn::credential::Credential;
use crate::fuzz::random::Random;
use crate::fuzz::{TEXTS, number};
use crate::http::input::{
    Input, Parameters, action_code, has_key, idempotency_key, looks_like_an_address, moment, user_id,
};
use crate::http::redirect::way_back;

/// A P-256 key in COSE: the base point of the curve.
const COSE: &str =
    "pQECAyYgASFYIGsX0fLhLEJH-Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWIlggT-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU";
const KEY: &str = "the-api-secret-key";

/// What there is to read with.
struct Desk {
    random: Random,
    now: SystemTime,
    tokens: Tokens,
    token: String,
    session: String,
    webhook: Webhook,
    file: Vec<&'static str>,
}

impl Desk {
    fn new(seed: u64) -> Self {
        let now = UNIX_EPOCH + Duration::from_secs(1_768_471_200);
        let tokens = Tokens::soon("t".into(), Duration::from_secs(600));
        let subject = Subject {
            tenant_id: "t".into(),
            user_id: "ada".into(),
            email: None,
            phone_number: None,
            action_code: "withdrawal".into(),
            idempotency_key: "k".into(),
        };
        let session = NewSession {
            client_id: "app",
            user_id: "ada",
            verification_method: None,
            custom: serde_json::Map::new(),
            ttl: 900,
        };
        Self {
            random: Random::new(seed),
            now,
            token: tokens.issue(subject, "", now),
            session: tokens.issue_session(session, now).0,
            tokens,
            webhook: Webhook::new(KEY).unwrap().clock(Clock::manual(now)),
            file: include_str!("../../docs/emulator.toml").lines().collect(),
        }
    }

    /// Bodies, by every reader.
    fn body(&mut self) {
        let names = ["email", "phoneNumber", "custom", "flag", "texts", "items"];
        let mut member = || format!(r#""{}":{}"#, self.random.pick(&names), self.random.json(2));
        let members = [member(), member()];
        let mut body = format!("{{{}}}", members.join(",")).into_bytes();
        if self.random.once_in(4) {
            self.random.corrupted(&mut body);
        }
        let Ok(input) = Input::parse(&body) else { return };
        for name in names {
            let (text, flag) = (input.text(name), input.maybe_flag(name));
            assert!(!matches!((&text, &flag), (Ok(Some(_)), Ok(Some(_)))), "both a text and a flag");
            assert!(input.required(name).is_ok() == text.is_ok_and(|text| text.is_some_and(|text| !text.is_empty())));
            _ = (input.flag(name), input.is_null(name), input.texts(name), input.objects(name), input.object(name));
        }
        _ = (input.custom(), input.phone_number());
        assert!(input.email().ok().flatten().is_none_or(|email| looks_like_an_address(&email)));
    }

    fn query(&mut self) {
        let text = self.random.text();
        let query = Parameters::parse(&format!("a={text}&b&{}", self.random.text()));
        _ = (query.get("a"), query.get("b"), query.get(&text));
    }

    fn ids(&mut self) {
        let text = self.random.text();
        let ids = [
            user_id(text.clone()).map(String::from).ok(),
            action_code(text.clone()).map(String::from).ok(),
            idempotency_key(text.clone()).map(String::from).ok(),
        ];
        for id in ids.into_iter().flatten() {
            assert!(id == text && !id.is_empty() && id.len() <= 1024 && !id.contains(char::is_control), "{id:?}");
        }
    }

    fn key(&mut self) {
        let credentials = match self.random.below(3) {
            0 => self.random.text(),
            1 => format!("Basic {}", self.random.text()),
            _ => format!("Basic {}", STANDARD.encode(self.random.mutated(KEY))),
        };
        let Ok(value) = HeaderValue::from_bytes(credentials.as_bytes()) else { return };
        let has = has_key(&HeaderMap::from_iter([(header::AUTHORIZATION, value)]), &[KEY.to_owned()]);
        assert!(!has || credentials.starts_with("Basic dGhlLWFwaS1zZWNyZXQta2V5"), "{credentials}");
    }

    fn time(&mut self) {
        let text =
            if self.random.once_in(2) { self.random.text() } else { self.random.mutated("2026-01-15T10:00:00.000Z") };
        if let Some(time) = moment(&text) {
            assert!(moment(Timestamp::from(time).as_str()).is_some(), "{text:?}");
        }
    }

    /// Of all tokens that look like one of ours, only ours are.
    fn token(&mut self) {
        let ours = if self.random.once_in(2) { self.token.clone() } else { self.session.clone() };
        let text = if self.random.once_in(10) { self.random.text() } else { self.random.mutated(&ours) };
        assert!(self.tokens.check(&text, self.now).is_err() || text == self.token, "{text}");
        assert!(self.tokens.check_session(&text, None, self.now).is_err() || text == self.session, "{text}");
    }

    /// Webhooks with the right signature, so that they are read, and with wrong ones.
    fn webhook(&mut self) {
        let kind = self.random.pick(&["email.created", "action.verify", "authenticator.created", "x"]);
        let mut body = match self.random.below(3) {
            0 => self.random.json(3),
            1 => format!(r#"{{"records":[{}]}}"#, self.random.json(3)),
            _ => format!(
                r#"{{"version":1,"type":"{kind}","id":"1","source":"s","tenantId":"t","time":"2026-01-15T10:00:00.000Z",
                    "data":{{"to":"a","code":"1","userId":"ada","action":"a","idempotencyKey":"k","x":{}}}}}"#,
                self.random.json(3)
            ),
        }
        .into_bytes();
        if self.random.once_in(4) {
            self.random.corrupted(&mut body);
        }
        let header = self.webhook.sign(&body);
        _ = self.webhook.construct_event(&body, &header);
        let forged = if self.random.once_in(2) { self.random.text() } else { self.random.mutated(&header) };
        // More signatures than the right one do no harm.
        let (_, right) = header.split_once(",v2=").unwrap();
        assert!(self.webhook.construct_event(&body, &forged).is_err() || forged.contains(right), "{forged}");
    }

    /// The configuration's own lines, in another order and with mistakes.
    fn config(&mut self) {
        let mut lines: Vec<_> =
            (0..self.random.below(8)).map(|_| self.file[self.random.below(self.file.len())]).collect();
        let wrong = self.random.mutated(lines.first().copied().unwrap_or_default());
        lines.push(&wrong);
        let text = lines.iter().map(|line| line.trim_start_matches("# ")).collect::<Vec<_>>().join("\n");
        if let Err(why) = Config::from_toml(&text) {
            assert!(!why.to_string().is_empty());
        }
    }

    fn credential(&mut self) {
        let (id, aaguid) = (self.random.text(), self.random.text());
        let key = if self.random.once_in(10) { self.random.text() } else { self.random.mutated(COSE) };
        let aaguid = self.random.once_in(3).then_some(aaguid.as_str());
        if let Ok(credential) = Credential::import(&id, &key, &[&id], aaguid) {
            assert!(!credential.id().is_empty());
        }
        assert!(Credential::import("AA", COSE, &[], None).is_ok(), "the key itself is good");
    }

    fn app(&mut self) {
        let text = self
            .random
            .mutated("otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP&digits=8&period=60&algorithm=SHA256&issuer=a");
        if let Some(app) = App::from_uri(&text) {
            assert!(app.step(&app.code(self.now), self.now).is_some(), "{text}");
            _ = (app.uri(), app.secret(), app.seconds_left(self.now), app.step(&self.random.text(), self.now));
        }
    }

    /// Wherever a browser is sent, a header can say so.
    fn way(&mut self) {
        let way = way_back(&self.random.text(), &self.random.text());
        assert!(HeaderValue::from_str(&way).is_ok(), "{way:?}");
    }
}

/// A kind of text, how often it comes compared with the others, and what reads it.
type Reader = (&'static str, usize, fn(&mut Desk));

const READERS: &[Reader] = &[
    ("bodies", 160, Desk::body),
    ("queries", 150, Desk::query),
    ("ids", 200, Desk::ids),
    ("keys", 130, Desk::key),
    ("times", 200, Desk::time),
    ("tokens", 40, Desk::token),
    ("webhooks", 30, Desk::webhook),
    ("configurations", 10, Desk::config),
    ("credentials", 30, Desk::credential),
    ("apps", 40, Desk::app),
    ("ways back", 50, Desk::way),
];

#[test]
fn fuzzed_texts() {
    let seed = number("FUZZ_SEED", 1);
    let (mut desk, mut counts, begun) = (Desk::new(seed), BTreeMap::<_, u64>::new(), Instant::now());
    let draw: Vec<_> = READERS.iter().flat_map(|reader| std::iter::repeat_n(reader, reader.1)).collect();
    for _ in 0..TEXTS {
        let (name, _, read) = draw[desk.random.below(draw.len())];
        read(&mut desk);
        *counts.entry(*name).or_default() += 1;
    }
    println!("{TEXTS} texts from seed {seed} in {:.1?}: {counts:?}", begun.elapsed());
}
