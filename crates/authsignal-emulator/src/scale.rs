//! Calls take as long with ten thousand users as with a hundred.
//!
//! ```sh
//! cargo test -p authsignal-emulator --lib scale -- --nocapture
//! ```
use std::time::{Duration, Instant};

use authsignal_client::{UserId, VerificationMethod};
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

use crate::db::action::{ActionId, TrackInput};
use crate::db::challenge::{NewChallenge, Waiting};
use crate::db::session::Session;
use crate::db::user::AuthenticatorKind;
use crate::handle::Emulator;
use crate::server::listener::HangUp;
use crate::server::router::router;

const FEW: usize = 100;
const MANY: usize = 10_000;
const ACTIONS: usize = 5;
/// Of the rounds the fastest counts, which is the one that the machine did least else in.
const ROUNDS: usize = 15;
const CALLS: usize = 50;

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    Track,
    GetUser,
    QueryUserActions,
    ValidateChallenge,
    GetChallenge,
    GetChallengeOfUser,
    RefreshSession,
    RevokeUserSessions,
    DeleteUser,
}

const ALL: [Call; 9] = [
    Call::Track,
    Call::GetUser,
    Call::QueryUserActions,
    Call::ValidateChallenge,
    Call::GetChallenge,
    Call::GetChallengeOfUser,
    Call::RefreshSession,
    Call::RevokeUserSessions,
    Call::DeleteUser,
];

/// An emulator whose users each have a method, attempts, a challenge with its message, and a session.
struct Town {
    emulator: Emulator,
    app: Router,
    /// Those who are asked about: as many in each town, far from each other.
    asked: Vec<Person>,
    /// How many calls were made.
    made: usize,
}

/// What calls name of a user.
struct Person {
    name: String,
    token: String,
    challenge: String,
    refresh_token: String,
}

impl Town {
    async fn of(users: usize) -> Self {
        let emulator = Emulator::start().await.unwrap();
        let mut town = Self { app: router(&emulator.shared), emulator, asked: Vec::new(), made: 0 };
        for at in 0..users {
            let mut person = town.settle(format!("user-{at:05}"));
            if at % (users / FEW) == 0 {
                let record = town.emulator.actions(&person.name).remove(0);
                person.token = town.emulator.shared.token(&record);
                town.asked.push(person);
            }
        }
        town
    }

    /// Brings in one user with everything but a token.
    fn settle(&self, name: String) -> Person {
        let shared = &self.emulator.shared;
        let (email, now, ttl) = (format!("{name}@example.com"), shared.clock.now(), Duration::from_secs(3600));
        let mut db = shared.db();
        db.user_mut(&name, now).enrol_verified(AuthenticatorKind::EmailOtp(email.clone()), true, now);
        let ids = (0..ACTIONS).map(|at| ActionId::named(&name, "withdrawal", &format!("key-{at}")).unwrap());
        let ids: Vec<_> = ids.collect();
        for id in &ids {
            db.track(id, TrackInput::default(), now);
        }
        let asked = NewChallenge::of(&ids[0], VerificationMethod::EmailOtp, Waiting::Code("123456".into()), ttl);
        let challenge = db.open(NewChallenge { to: Some(email), ..asked }, now);
        let message = shared.message(&challenge, now);
        db.inbox.put(message.unwrap());
        let session = Session {
            id: Uuid::new_v4().to_string(),
            user: UserId::new(name.as_str()).unwrap(),
            client_id: "app".into(),
            refresh_token: Uuid::new_v4().to_string(),
            expires_at: now + ttl,
            refreshable_until: now + ttl,
            verification_method: None,
        };
        let refresh_token = session.refresh_token.clone();
        db.put_session(session, now);
        Person { name, token: String::new(), challenge: challenge.id, refresh_token }
    }

    async fn call(&self, method: &str, path: &str, body: Value) -> Value {
        let key = STANDARD.encode(format!("{}:", self.emulator.secret()));
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::AUTHORIZATION, format!("Basic {key}"));
        let mut request = request.body(Body::from(body.to_string())).unwrap();
        request.extensions_mut().insert(ConnectInfo(HangUp::default()));
        let Ok(response) = self.app.clone().oneshot(request).await;
        assert!(response.status().is_success(), "{method} {path}: {}", response.status());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap_or_default()
    }

    /// How long some calls of one kind take.
    async fn round(&mut self, call: Call) -> Duration {
        let mut spent = Duration::ZERO;
        for _ in 0..CALLS {
            self.made += 1;
            let at = self.made % self.asked.len();
            // Whoever goes, came for that.
            let goes = matches!(call, Call::DeleteUser | Call::RevokeUserSessions);
            let guest = goes.then(|| self.settle(format!("{}-{}", self.asked[at].name, self.made)));
            let person = guest.as_ref().unwrap_or(&self.asked[at]);
            let user = format!("/v1/users/{}", person.name);
            let (method, path, body) = match call {
                Call::Track => ("POST", format!("{user}/actions/withdrawal"), json!({})),
                Call::GetUser => ("GET", user, json!({})),
                Call::QueryUserActions => ("GET", format!("{user}/actions"), json!({})),
                Call::ValidateChallenge => ("POST", "/v1/validate".to_owned(), json!({ "token": person.token })),
                Call::GetChallenge => ("GET", format!("/v1/challenges?challengeId={}", person.challenge), json!({})),
                Call::GetChallengeOfUser => ("GET", format!("/v1/challenges?userId={}", person.name), json!({})),
                Call::RefreshSession => {
                    ("POST", "/v1/sessions/refresh".to_owned(), json!({ "refreshToken": person.refresh_token }))
                }
                Call::RevokeUserSessions => {
                    ("POST", "/v1/sessions/user/revoke".to_owned(), json!({ "userId": person.name }))
                }
                Call::DeleteUser => ("DELETE", format!("{user}?actions=true"), json!({})),
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
    let mut best = ALL.map(|call| (call, Duration::MAX, Duration::MAX));
    for _ in 0..ROUNDS {
        for (call, with_few, with_many) in &mut best {
            *with_few = few.round(*call).await.min(*with_few);
            *with_many = many.round(*call).await.min(*with_many);
        }
    }
    println!("microseconds a call, with {FEW} and with {MANY} users, each with {ACTIONS} actions:");
    for (call, few, many) in &best {
        let [of_few, of_many] = [few, many].map(|round| round.as_secs_f64() * 1e6 / CALLS as f64);
        let name = format!("{call:?}");
        println!("{name:20} {of_few:7.0} {of_many:7.0}   {:.2} times as long", of_many / of_few);
    }
    for (call, few, many) in best {
        assert!(many <= few * 2, "{call:?}: {few:?} with {FEW} users, {many:?} with {MANY}, {CALLS} calls each");
    }
}
