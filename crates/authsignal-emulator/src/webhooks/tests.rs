//! Against an application that takes webhooks with this crate's own extractor.
mod receiver;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use authsignal_client::webhook::{ChallengeLogType, EventData, SIGNATURE_HEADER};
use authsignal_client::{ActionCode, ActionState, VerificationMethod};
use test_support::waiting::in_time;
use tokio::net::TcpListener;

use super::*;
use crate::db::Db;
use crate::db::action::{ActionId, RecordedAction, TrackInput};
use crate::db::user::{Authenticator, AuthenticatorKind, User};
use crate::webhooks::event::EventSubject;
use crate::webhooks::tests::receiver::{NEVER, Receiver};

const SECRET: &str = "canary-secret";

struct Bench {
    webhooks: Webhooks,
    clock: Clock,
    receiver: Receiver,
    elsewhere: Arc<AtomicUsize>,
}

/// Everything goes to one receiver, and `withdrawal` is asked about.
async fn bench() -> Bench {
    let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(1_768_471_200));
    let (receiver, elsewhere) = Receiver::start(SECRET, &clock).await;
    let settings = WebhookSettings {
        url: Some(receiver.target()),
        log_url: Some(receiver.target()),
        verify_urls: BTreeMap::from([("withdrawal".to_owned(), receiver.target())]),
        ..WebhookSettings::default()
    };
    let webhooks = Webhooks::new(settings, vec![SECRET.to_owned()], "tenant-1".to_owned(), clock.clone());
    Bench { webhooks, clock, receiver, elsewhere }
}

impl Bench {
    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// Waits for what is written down once an answer is here.
    async fn until(&self, is_so: impl Fn(&[SentWebhook]) -> bool) -> Vec<SentWebhook> {
        for _ in 0..3000 {
            let sent = self.webhooks.sent();
            if is_so(&sent) {
                return sent;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{:?}", self.webhooks.sent())
    }

    fn nothing_waits(&self) -> bool {
        lock(&self.webhooks.shared.outbox).is_empty()
    }
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_768_471_200)
}

fn action() -> RecordedAction {
    let mut db = Db::default();
    let id = ActionId::named("ada", "withdrawal", "key-1").unwrap();
    let told = TrackInput {
        ip_address: Some("203.0.113.42".into()),
        user_agent: Some("Mozilla/5.0".into()),
        device_id: Some("device-1".into()),
        locale: Some("en-NZ".into()),
        custom: serde_json::Map::from_iter([("tier".to_owned(), "gold".into())]),
        ..TrackInput::default()
    };
    let mut action = db.track(&id, told, now());
    action.state = ActionState::ChallengeSucceeded;
    action.verification_method = Some(VerificationMethod::EmailOtp);
    action
}

fn about() -> EventSubject {
    (&action()).into()
}

fn code() -> WebhookEvent {
    WebhookEvent::email_code(&about(), "ada@example.com", "123456")
}

fn changed() -> WebhookEvent {
    WebhookEvent::authenticator_created(
        "ada",
        &Authenticator::new(AuthenticatorKind::Sms("+64270000000".into()), now()),
    )
}

fn verify() -> WebhookEvent {
    WebhookEvent::action_verify(&about(), &VerificationMethod::EmailOtp, Some("method-1"), now())
}

fn logged() -> WebhookEvent {
    WebhookEvent::challenge_log(&about(), &ChallengeLogType::EmailOtpSent, now())
}

/// What is sent is signed, and is what the types of `webhook` read: no member misspelt, none missing, none null.
#[tokio::test]
async fn every_event_arrives_as_what_it_is() {
    let mut bench = bench().await;
    let method = Authenticator::new(AuthenticatorKind::EmailOtp("ada@example.com".into()), now());
    let events = [
        code(),
        WebhookEvent::email_link(&about(), "ada@example.com", "https://example.com/link"),
        WebhookEvent::sms(&about(), "+64270000000", "123456"),
        WebhookEvent::push(&about(), "challenge-1"),
        WebhookEvent::authenticator_created("ada", &method),
        WebhookEvent::authenticator_updated("ada", &method, now()),
        WebhookEvent::authenticator_deleted("ada", &method, now()),
        verify(),
    ];
    let mut arrived = Vec::new();
    for event in events {
        let kind = event.kind;
        bench.webhooks.ask(event).await.unwrap();
        let event = bench.receiver.next().await.remove(0);
        assert_eq!((event.version, event.source.as_str()), (1, "https://authsignal.com"), "{kind}");
        assert_eq!((event.tenant_id.as_str(), event.time.as_str()), ("tenant-1", "2026-01-15T10:00:00.000Z"), "{kind}");
        assert_eq!((event.data.kind(), event.id.len()), (kind, 36));
        arrived.push(event.data);
    }
    let Ok(
        [
            EventData::EmailCreated(code),
            EventData::EmailCreated(link),
            EventData::SmsCreated(sms),
            EventData::PushCreated(push),
            EventData::AuthenticatorCreated(created),
            EventData::AuthenticatorUpdated(updated),
            EventData::AuthenticatorDeleted(deleted),
            EventData::ActionVerify(verify),
        ],
    ) = <[EventData; 8]>::try_from(arrived)
    else {
        panic!("of their types")
    };
    assert_eq!(
        (code.to.as_str(), code.code.unwrap().secret(), code.url.is_none()),
        ("ada@example.com", "123456", true)
    );
    assert_eq!(
        (code.user_id.as_deref(), code.action_code.as_str(), code.idempotency_key.as_str()),
        (Some("ada"), "withdrawal", "key-1")
    );
    assert_eq!((code.ip_address.unwrap(), code.user_agent.unwrap()), ("203.0.113.42".into(), "Mozilla/5.0".into()));
    assert_eq!((code.locale.unwrap().as_str(), code.custom_variables["tier"].as_str()), ("en-NZ", Some("gold")));
    assert_eq!(code.verification_method, Some(VerificationMethod::EmailOtp));
    assert_eq!((link.url.unwrap().secret(), link.code.is_none()), ("https://example.com/link", true));
    assert_eq!(link.verification_method, Some(VerificationMethod::EmailMagicLink));
    assert_eq!((sms.to.as_str(), sms.code.secret(), sms.custom_variables.len()), ("+64270000000", "123456", 1));
    assert_eq!((push.challenge_id.as_str(), push.user_agent.as_deref()), ("challenge-1", Some("Mozilla/5.0")));
    assert_eq!((created.user_id.as_str(), &created.user_authenticator_id), ("ada", &method.id));
    assert_eq!((created.email.as_deref(), created.phone_number), (Some("ada@example.com"), None));
    assert!(created.updated_at.is_none() && updated.updated_at.is_some() && deleted.deleted_at.is_some());
    assert_eq!((verify.action.as_str(), verify.state), ("withdrawal", ActionState::ChallengeSucceeded));
    assert_eq!(verify.user_authenticator_id.as_deref(), Some("method-1"));
    let bodies: String = bench.webhooks.sent().iter().map(|sent| sent.body.to_string()).collect();
    assert!(!bodies.contains("null") && !bodies.contains(SECRET), "{bodies}");
}

/// While two keys are active, whoever has either can tell.
#[tokio::test]
async fn a_webhook_is_signed_with_every_key() {
    let mut bench = bench().await;
    let secrets = vec!["another-secret".to_owned(), SECRET.to_owned()];
    bench.webhooks = Webhooks::new(WebhookSettings::default(), secrets, "tenant-1".to_owned(), bench.clock.clone());
    let (mut other, _) = Receiver::start("another-secret", &bench.clock).await;
    for receiver in [&mut bench.receiver, &mut other] {
        bench.webhooks.change(|settings| settings.url = Some(receiver.target()));
        bench.webhooks.ask(code()).await.unwrap();
        let (headers, _) = in_time("a webhook", receiver.arrived.recv()).await.unwrap();
        assert_eq!(headers[SIGNATURE_HEADER].to_str().unwrap().matches(",v2=").count(), 2);
    }
    let (third, _) = Receiver::start("a-third-secret", &bench.clock).await;
    bench.webhooks.change(|settings| settings.url = Some(third.target()));
    let refused = bench.webhooks.ask(code()).await.unwrap_err();
    assert_eq!(refused.answer, WebhookAnswer::Status(401));
}

#[tokio::test]
async fn a_veto_is_final_and_another_try_is_another_event() {
    let mut bench = bench().await;
    bench.receiver.answer([403, 200]);
    let refused = bench.webhooks.ask(verify()).await.unwrap_err();
    assert_eq!(refused, WebhookRefused { kind: "action.verify", answer: WebhookAnswer::Status(403) });
    assert!(bench.nothing_waits(), "it is not sent again");
    bench.webhooks.ask(verify()).await.unwrap();
    let ids = [bench.receiver.next().await.remove(0).id, bench.receiver.next().await.remove(0).id];
    assert_ne!(ids[0], ids[1]);
    let sent = bench.webhooks.sent();
    let seen: Vec<_> = sent.iter().map(|sent| (&sent.id, sent.attempts, sent.answer.is_accepted())).collect();
    assert_eq!(seen, [(&ids[0], 1, false), (&ids[1], 1, true)]);
    assert_eq!((sent[0].kind.as_str(), &sent[0].url, sent[0].at), ("action.verify", &bench.receiver.url, now()));
}

#[tokio::test]
async fn whatever_is_no_success_in_time_refuses() {
    let bench = bench().await;
    for status in [300, 307, 400, 404, 500, 503] {
        bench.receiver.answer([status]);
        assert_eq!(bench.webhooks.ask(code()).await.unwrap_err().answer, WebhookAnswer::Status(status));
    }
    assert_eq!(bench.elsewhere.load(Ordering::Relaxed), 0, "no redirect is followed");
    for status in [201, 202, 204] {
        bench.receiver.answer([status]);
        bench.webhooks.ask(code()).await.unwrap();
    }

    bench.receiver.answer([NEVER]);
    bench.webhooks.change(|settings| settings.timeout = Duration::from_millis(30));
    assert_eq!(bench.webhooks.ask(code()).await.unwrap_err().answer, WebhookAnswer::TimedOut);

    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    bench.webhooks.change(|settings| {
        settings.timeout = Duration::from_secs(10);
        settings.url = Some(Target::new(&format!("http://{closed}/?key=canary"), None).unwrap());
    });
    let answer = bench.webhooks.ask(code()).await.unwrap_err().answer;
    assert!(matches!(&answer, WebhookAnswer::Unreachable(why) if !why.contains("canary")), "{answer:?}");
    assert!(bench.nothing_waits());
}

#[tokio::test]
async fn an_action_is_asked_about_at_its_own_url() {
    let mut bench = bench().await;
    bench.webhooks.change(|settings| settings.url = None);
    bench.webhooks.ask(verify()).await.unwrap();
    assert_eq!(bench.receiver.next().await[0].data.kind(), "action.verify");
    let other = RecordedAction { action: ActionCode::new("signIn").unwrap(), ..action() };
    bench.receiver.answer([403]);
    bench
        .webhooks
        .ask(WebhookEvent::action_verify(&(&other).into(), &VerificationMethod::Sms, None, now()))
        .await
        .unwrap();
    assert_eq!(bench.webhooks.sent().len(), 1, "nobody wants to be asked about that one");
}

#[tokio::test]
async fn without_a_url_nothing_is_sent() {
    let clock = Clock::manual(now());
    let webhooks = Webhooks::new(WebhookSettings::default(), vec![SECRET.to_owned()], "tenant-1".to_owned(), clock);
    webhooks.ask(code()).await.unwrap();
    webhooks.ask(verify()).await.unwrap();
    webhooks.tell(&changed());
    webhooks.log(logged());
    webhooks.flush_logs().await;
    assert!(webhooks.sent().is_empty() && lock(&webhooks.shared.outbox).is_empty());
}

/// A first try and three more, at least 30 seconds apart by the emulator's clock: the same event, signed anew.
#[tokio::test]
async fn what_is_told_is_tried_four_times() {
    let mut bench = bench().await;
    for (answers, accepted) in [([500, 404, 503, 200], true), ([500, 500, 500, 500], false)] {
        bench.receiver.answer(answers);
        bench.webhooks.tell(&changed());
        let mut ids = Vec::new();
        for attempt in 1..=4 {
            // The receiver takes nothing that was signed more than five minutes ago, or ahead.
            ids.push(bench.receiver.next().await.remove(0).id);
            let sent =
                bench.until(|sent| sent.last().is_some_and(|sent| sent.id == ids[0] && sent.attempts == attempt)).await;
            assert_eq!(sent.last().unwrap().answer, WebhookAnswer::Status(answers[attempt as usize - 1]));
            bench.advance(299);
        }
        ids.dedup();
        assert_eq!(ids.len(), 1, "repeated under its id");
        assert_eq!(bench.webhooks.sent().last().unwrap().answer.is_accepted(), accepted);
        assert!(bench.nothing_waits(), "there is no fifth");
    }
    assert_eq!(bench.webhooks.sent().len(), 2);
}

#[tokio::test]
async fn a_receiver_that_never_answers_holds_up_no_other() {
    let mut bench = bench().await;
    bench.receiver.answer([NEVER]);
    bench.webhooks.tell(&changed());
    bench.receiver.next().await;
    bench.webhooks.tell(&changed());
    bench.receiver.next().await;
    let sent = bench.until(|sent| !sent.is_empty()).await;
    assert_eq!((sent.len(), &sent[0].answer), (1, &WebhookAnswer::Status(200)));
}

/// After ten minutes, by the five hundred, until they are taken.
#[tokio::test]
async fn logs_arrive_in_batches_until_they_are_taken() {
    let mut bench = bench().await;
    let user = User { email: Some("ada@example.com".into()), ..User::default() };
    bench.webhooks.log(WebhookEvent::action_log(&action(), Some(&user)));
    for _ in 0..500 {
        bench.webhooks.log(logged().with("statusCode", 502));
    }
    bench.advance(600);
    let mut batches = [bench.receiver.next().await, bench.receiver.next().await];
    batches.sort_by_key(|batch| std::cmp::Reverse(batch.len()));
    assert_eq!(batches.each_ref().map(Vec::len), [500, 1]);
    let EventData::ActionLogCreated(log) = &batches[0][0].data else { panic!("{:?}", batches[0][0]) };
    assert_eq!(
        (log.tenant_id.as_str(), log.user_id.as_str(), log.action_code.as_str()),
        ("tenant-1", "ada", "withdrawal")
    );
    assert_eq!(
        (&log.outcome, &log.state),
        (&authsignal_client::webhook::Outcome::Challenge, &ActionState::ChallengeSucceeded)
    );
    assert_eq!((log.email.as_deref(), log.device_id.as_deref()), (Some("ada@example.com"), Some("device-1")));
    let EventData::ChallengeLogCreated(log) = &batches[1][0].data else { panic!("{:?}", batches[1][0]) };
    assert_eq!((&log.kind, log.status_code), (&ChallengeLogType::EmailOtpSent, Some(502)));
    bench.until(|sent| sent.len() == 2 && sent.iter().all(|sent| sent.answer.is_accepted())).await;

    bench.receiver.answer([500; 9]);
    bench.webhooks.log(logged());
    bench.advance(600);
    for attempt in 1..=10 {
        assert_eq!(bench.receiver.next().await.len(), 1);
        bench.until(|sent| sent.get(2).is_some_and(|sent| sent.attempts == attempt)).await;
        bench.advance(30);
    }
    let last = bench.webhooks.sent().pop().unwrap();
    assert_eq!((last.kind.as_str(), last.attempts, last.answer), ("records", 10, WebhookAnswer::Status(200)));
    assert!(bench.nothing_waits());
}

#[tokio::test]
async fn logs_can_be_sent_at_once() {
    let mut bench = bench().await;
    bench.webhooks.log(logged());
    bench.receiver.answer([500]);
    bench.webhooks.flush_logs().await;
    bench.webhooks.log(logged());
    bench.webhooks.flush_logs().await;
    let sent = bench.webhooks.sent();
    let seen: Vec<_> = sent.iter().map(|sent| (sent.attempts, sent.answer.clone())).collect();
    assert_eq!(seen, [(2, WebhookAnswer::Status(200)), (1, WebhookAnswer::Status(200))]);
    assert!(bench.nothing_waits());
    let batches = [bench.receiver.next().await, bench.receiver.next().await, bench.receiver.next().await];
    assert!(batches[0][0].id == batches[1][0].id && batches[1][0].id != batches[2][0].id);
}

/// Whatever waits, and whatever is under way.
#[tokio::test]
async fn nothing_goes_on_once_it_is_dropped() {
    let mut bench = bench().await;
    bench.receiver.answer([500, NEVER]);
    bench.webhooks.tell(&changed());
    bench.receiver.next().await;
    bench.webhooks.tell(&changed());
    bench.receiver.next().await;
    bench.webhooks.log(logged());
    let shared = Arc::downgrade(&bench.webhooks.shared);
    drop(bench.webhooks);
    for _ in 0..3000 {
        if shared.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("something still holds on to it");
}
