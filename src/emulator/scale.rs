//! Calls take as long with ten thousand users as with a hundred.
//!
//! ```sh
//! cargo test --lib scale -- --nocapture
//! ```
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tower::ServiceExt as _;
use uuid::Uuid;

use super::Emulator;
use super::builder::router;
use super::line::HangUp;
use super::world::{ActionId, Kind, NewChallenge, RecordedAction, Session, Told, Waiting};
use crate::client::{UserId, VerificationMethod};

const FEW: usize = 100;
const MANY: usize = 10_000;
const ACTIONS: usize = 5;
/// Of each round the fastest counts, which is the one that the machine did least else in.
const ROUNDS: usize = 12;
const CALLS: usize = 25;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Call {
    Track,
    GetUser,
    QueryUserActions,
    Validate,
    GetChallenge,
    RefreshSession,
}

const ALL: [Call; 6] =
    [Call::Track, Call::GetUser, Call::QueryUserActions, Call::Validate, Call::GetChallenge, Call::RefreshSession];

/// An emulator whose users each have a method, attempts, a challenge, a message and a session.
struct Town {
    emulator: Emulator,
    app: Router,
    /// Those who are asked about: as many in each town, far from each other.
    asked: Vec<Person>,
    next: usize,
}

/// What a user has that calls name.
struct Person {
    name: String,
    token: String,
    challenge: String,
    refresh_token: String,
}

impl Town {
    async fn of(users: usize) -> Self {
        let emulator = Emulator::start().await.unwrap();
        let app = router(&emulator.shared);
        let mut town = Self { emulator, app, asked: Vec::new(), next: 0 };
        for at in 0..users {
            let (person, record) = town.settle(format!("user-{at:05}"));
            if at % (users / FEW) == 0 {
                // Signing takes longer than all the rest.
                let token = town.emulator.shared.token(&record);
                town.asked.push(Person { token, ..person });
            }
        }
        town
    }

    /// Brings in one user with everything but a token, and an attempt that one can be about.
    fn settle(&self, name: String) -> (Person, RecordedAction) {
        let shared = &self.emulator.shared;
        let (email, now, life) = (format!("{name}@example.com"), shared.clock.now(), Duration::from_secs(3600));
        let mut world = shared.world();
        world.user_mut(&name, now).enrol_verified(Kind::EmailOtp(email.clone()), true, now);
        let ids = (0..ACTIONS).map(|at| ActionId::named(&name, "withdrawal", &format!("key-{at}")).unwrap());
        let ids: Vec<_> = ids.collect();
        let mut records: Vec<_> = ids.iter().map(|id| world.track(id, Told::default(), now)).collect();
        let asked = NewChallenge::of(&ids[0], VerificationMethod::EmailOtp, Waiting::Code("123456".into()), life);
        let challenge = world.open(NewChallenge { to: Some(email), ..asked }, now);
        let message = shared.message(&challenge, now);
        world.inbox.put(message.unwrap());
        let refresh_token = Uuid::new_v4().to_string();
        let session = Session {
            id: Uuid::new_v4().to_string(),
            user: UserId::new(name.as_str()).unwrap(),
            client_id: "app".into(),
            refresh_token: refresh_token.clone(),
            expires_at: now + life,
            refreshable_until: now + life,
            verification_method: None,
        };
        world.put_session(session, now);
        drop(world);
        (Person { name, token: String::new(), challenge: challenge.id, refresh_token }, records.swap_remove(0))
    }

    async fn call(&self, method: &str, path: &str, body: String) -> Value {
        let key = STANDARD.encode(format!("{}:", self.emulator.secret()));
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Basic {key}"));
        let mut request = request.body(Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(HangUp::default()));
        let Ok(response) = self.app.clone().oneshot(request).await;
        assert_eq!(response.status(), 200, "{method} {path}");
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap()
    }

    /// How long a few calls take.
    async fn round(&mut self, call: Call) -> Duration {
        let mut spent = Duration::ZERO;
        for _ in 0..CALLS {
            self.next += 1;
            let at = self.next % self.asked.len();
            let person = &self.asked[at];
            let user = format!("/v1/users/{}", person.name);
            let (method, path, body) = match call {
                Call::Track => ("POST", format!("{user}/actions/withdrawal"), String::new()),
                Call::GetUser => ("GET", user, String::new()),
                Call::QueryUserActions => ("GET", format!("{user}/actions"), String::new()),
                Call::Validate => ("POST", "/v1/validate".into(), json!({ "token": person.token }).to_string()),
                Call::GetChallenge => {
                    ("GET", format!("/v1/challenges?challengeId={}", person.challenge), String::new())
                }
                Call::RefreshSession => {
                    ("POST", "/v1/sessions/refresh".into(), json!({ "refreshToken": person.refresh_token }).to_string())
                }
            };
            let begun = Instant::now();
            let answer = self.call(method, &path, body).await;
            spent += begun.elapsed();
            if let Some(next) = answer["refreshToken"].as_str() {
                self.asked[at].refresh_token = next.to_owned();
            }
        }
        spent
    }
}

#[tokio::test]
async fn scales() {
    let (mut few, mut many) = (Town::of(FEW).await, Town::of(MANY).await);
    let mut best = BTreeMap::<_, (Duration, Duration)>::new();
    for _ in 0..ROUNDS {
        for call in ALL {
            let (few, many) = (few.round(call).await, many.round(call).await);
            let best = best.entry(call).or_insert((few, many));
            *best = (best.0.min(few), best.1.min(many));
        }
    }
    for (call, (few, many)) in &best {
        let micros = |round: &Duration| round.as_secs_f64() * 1e6 / CALLS as f64;
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!(
            "{call:?}: {:.0} µs with {FEW} users, {:.0} µs with {MANY}, {ratio:.2} times as long",
            micros(few),
            micros(many)
        );
    }
    for (call, (few, many)) in best {
        assert!(many <= few * 2, "{call:?}: {few:?} with {FEW} users, {many:?} with {MANY}");
    }
}
