//! Webhooks as an application gets them: from what users do at the emulator to this crate's own extractor.
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use authsignal_client::webhook::{ChallengeLogType, Delivery, Event, EventData, Webhook};
use authsignal_client::{Track, VerificationMethod};
use authsignal_emulator::{Emulator, Tenant, WebhookAnswer};
use axum::Router;
use axum::extract::{FromRef, State};
use axum::routing::post;
use http::StatusCode;
use serde_json::json;
use test_support::waiting::in_time;
use tokio::net::TcpListener;
use tokio::sync::mpsc;

use crate::support::{Bench, bench, bench_of, text};

#[derive(Clone)]
struct App {
    webhook: Webhook,
    answers: Arc<Mutex<VecDeque<u16>>>,
    arrived: mpsc::UnboundedSender<Event>,
}

impl FromRef<App> for Webhook {
    fn from_ref(app: &App) -> Self {
        app.webhook.clone()
    }
}

async fn take(State(app): State<App>, delivery: Delivery) -> StatusCode {
    for event in delivery {
        app.arrived.send(event).unwrap();
    }
    let answer = app.answers.lock().unwrap().pop_front().unwrap_or(200);
    StatusCode::from_u16(answer).unwrap()
}

/// An application that takes all webhooks of an emulator, and is asked about `withdrawal`.
pub(crate) struct Receiver {
    answers: Arc<Mutex<VecDeque<u16>>>,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Receiver {
    pub(crate) async fn of(bench: &Bench) -> Self {
        let (arrived, events) = mpsc::unbounded_channel();
        let answers = Arc::<Mutex<VecDeque<u16>>>::default();
        let webhook = Webhook::new(bench.emulator.secret()).unwrap().clock(bench.clock.clone());
        let app = App { webhook, answers: Arc::clone(&answers), arrived };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hooks", listener.local_addr().unwrap());
        let router = Router::new().route("/hooks", post(take)).with_state(app);
        tokio::spawn(async move { axum::serve(listener, router).await });
        bench.emulator.send_webhooks(Some(&url), Some(&url), &[("withdrawal", &url)]).unwrap();
        Self { answers, events }
    }

    pub(crate) fn answers(&self, answers: impl IntoIterator<Item = u16>) {
        self.answers.lock().unwrap().extend(answers);
    }

    async fn next(&mut self) -> EventData {
        in_time("a webhook", self.events.recv()).await.unwrap().data
    }
}

async fn send(bench: &Bench) -> (u16, String) {
    let body = json!({ "verificationMethod": "EMAIL_OTP", "action": "withdrawal", "email": "ada@example.com" });
    let (status, sent) = bench.post("/challenge", body).await;
    (status, sent["challengeId"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn a_code_travels_by_webhook_and_the_proof_is_asked_about() {
    let bench = bench().await;
    let mut receiver = Receiver::of(&bench).await;
    let (_, challenge) = send(&bench).await;
    let EventData::EmailCreated(mail) = receiver.next().await else { panic!("email.created") };
    assert_eq!((mail.to.as_str(), mail.action_code.as_str()), ("ada@example.com", "withdrawal"));
    let code = mail.code.unwrap();
    assert_eq!(Some(code.secret()), bench.emulator.messages()[0].code.as_deref());

    let verify = json!({ "challengeId": challenge, "verificationCode": code.secret() });
    assert_eq!(bench.post("/verify", verify).await.1["isVerified"], true);
    let claim = json!({ "challengeId": challenge, "userId": "ada" });
    receiver.answers([403]);
    assert_eq!(bench.post("/claim", claim.clone()).await.0, 400, "the veto");
    let EventData::ActionVerify(asked) = receiver.next().await else { panic!("action.verify") };
    assert_eq!((asked.user_id.as_str(), asked.action.as_str()), ("ada", "withdrawal"));
    assert!(bench.emulator.actions("ada").is_empty(), "nothing came of it");

    assert_eq!(bench.post("/claim", claim).await.0, 200);
    assert!(matches!(receiver.next().await, EventData::ActionVerify(_)));
    let EventData::AuthenticatorCreated(created) = receiver.next().await else { panic!("authenticator.created") };
    assert_eq!(created.verification_method, VerificationMethod::EmailOtp);
}

#[tokio::test]
async fn a_veto_on_the_page_leaves_the_code_good() {
    let bench = bench().await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let mut receiver = Receiver::of(&bench).await;
    let tracked = bench.track().await;
    bench.open(text(&tracked["url"]), "").await;
    assert!(matches!(receiver.next().await, EventData::EmailCreated(_)));
    let code = bench.emulator.code_for("ada").unwrap();
    let fields = [("step", "verify"), ("view", "EMAIL_OTP"), ("code", &code)];
    receiver.answers([500]);
    assert_eq!(bench.submit(text(&tracked["token"]), &fields).await.status(), 422);
    assert_eq!(bench.emulator.actions("ada")[0].state.as_str(), "CHALLENGE_REQUIRED");
    assert_eq!(bench.submit(text(&tracked["token"]), &fields).await.status(), 303);
    assert_eq!(bench.emulator.actions("ada")[0].state.as_str(), "CHALLENGE_SUCCEEDED");
}

#[tokio::test]
async fn a_message_that_nobody_sends_fails_its_challenge() {
    let bench = bench().await;
    let receiver = Receiver::of(&bench).await;
    receiver.answers([500]);
    assert_eq!(send(&bench).await.0, 502);
    assert!(bench.emulator.messages().is_empty());
    let (status, _) = send(&bench).await;
    assert_eq!((status, bench.emulator.messages().len()), (200, 1));
    let sent = bench.emulator.webhooks();
    assert_eq!(sent.iter().map(|hook| hook.answer.is_accepted()).collect::<Vec<_>>(), [false, true]);
}

#[tokio::test]
async fn changes_of_methods_are_told() {
    let bench = bench().await;
    let mut receiver = Receiver::of(&bench).await;
    let path = "/users/ada/authenticators";
    let (_, enrolled) =
        bench.post(path, json!({ "verificationMethod": "EMAIL_OTP", "email": "ada@example.com" })).await;
    let id = text(&enrolled["authenticator"]["userAuthenticatorId"]).to_owned();
    let EventData::AuthenticatorCreated(created) = receiver.next().await else { panic!("authenticator.created") };
    assert_eq!(created.user_authenticator_id, id);
    bench.patch("/users/ada", json!({ "email": "new@example.com", "emailVerified": true })).await;
    let EventData::AuthenticatorUpdated(updated) = receiver.next().await else { panic!("authenticator.updated") };
    assert_eq!(updated.email.as_deref(), Some("new@example.com"));
    bench.delete(&format!("{path}/{id}")).await;
    let EventData::AuthenticatorDeleted(deleted) = receiver.next().await else { panic!("authenticator.deleted") };
    assert_eq!(deleted.user_authenticator_id, id);
}

#[tokio::test]
async fn logs_tell_how_it_ended() {
    let bench = bench_of(Tenant::new()).await;
    bench.emulator.user("ada").enroll_email_otp("ada@example.com");
    let mut receiver = Receiver::of(&bench).await;
    let tracked = bench.track().await;
    bench.track_with(json!({ "idempotencyKey": tracked["idempotencyKey"] })).await;
    bench.open(text(&tracked["url"]), "").await;
    let code = bench.emulator.code_for("ada").unwrap();
    for code in ["000", &code] {
        let fields = [("step", "verify"), ("view", "EMAIL_OTP"), ("code", code)];
        bench.submit(text(&tracked["token"]), &fields).await;
    }
    for _ in 0..2 {
        let event = receiver.next().await;
        assert!(matches!(event, EventData::EmailCreated(_) | EventData::ActionVerify(_)), "{event:?}");
    }
    bench.advance(600);
    let EventData::ActionLogCreated(log) = receiver.next().await else { panic!("action.log_created") };
    assert_eq!((log.state.as_str(), log.action_code.as_str()), ("CHALLENGE_SUCCEEDED", "withdrawal"));
    for kind in [
        ChallengeLogType::EmailOtpSent,
        ChallengeLogType::EmailOtpInvalidOrExpired,
        ChallengeLogType::EmailOtpCodeValid,
    ] {
        let EventData::ChallengeLogCreated(log) = receiver.next().await else { panic!("challenge.log_created") };
        assert_eq!(log.kind, kind);
    }
    bench.emulator.flush_logs().await;
    assert!(receiver.events.try_recv().is_err(), "a track of a known key is no new action");
}

/// In a network of containers an application has a name and no certificate: plain HTTP is for this one name, which settings
/// give. 0.0.0.0 leads here too, and is none of this machine's names.
#[tokio::test]
async fn by_plain_http_they_go_to_the_named_host_alone() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (arrived, mut events) = mpsc::unbounded_channel();
    let take = post(async move |body: String| arrived.send(body).unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/hooks", take)).await });
    let url = format!("http://0.0.0.0:{port}/hooks");

    let refused = Emulator::builder().tenant(Tenant::new().webhook_url(&url)).start().await.unwrap_err();
    assert!(refused.to_string().contains("dangerous_allow_webhooks_by_http_to"), "{refused}");
    let tenant = Tenant::new().webhook_url(&url).dangerous_allow_webhooks_by_http_to("0.0.0.0");
    let emulator = Emulator::builder().tenant(tenant).start().await.unwrap();
    let elsewhere = emulator.send_webhooks(Some("http://app.example:1/"), None, &[]).unwrap_err();
    assert!(elsewhere.to_string().contains("dangerous_allow_webhooks_by_http_to"), "{elsewhere}");
    emulator.user("ada").enroll_email_otp("ada@example.com");
    let tracked = emulator.client().track("ada", Track::new("withdrawal")).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    http.get(tracked.url.unwrap().secret()).send().await.unwrap();
    let event = in_time("a webhook", events.recv()).await.unwrap();
    assert!(event.contains("email.created"), "{event}");
    assert_eq!(emulator.webhooks()[0].answer, WebhookAnswer::Status(200));
}
