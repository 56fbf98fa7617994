//! Sessions that are checked by the tenant's keys.
#![allow(clippy::unwrap_used, reason = "clippy lets tests unwrap, but not what they share")]

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use authsignal_client::{Client, Clock, ConfigError};
use authsignal_client::{ErrorKind, Region, SessionFault, SessionVerifier, SessionVerifierBuilder};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use test_support::waiting::until;
use tokio::task::JoinSet;

use crate::support::{Reply, SECRET, Server};

const NOW: u64 = 1_768_471_200;
const PATH: &str = "GET /v1/client/public/tenant-1/.well-known/jwks HTTP/1.1";

/// Keys take a while to make.
static OLD: LazyLock<Key> = LazyLock::new(|| Key::new("old"));
static NEW: LazyLock<Key> = LazyLock::new(|| Key::new("new"));

struct Key {
    signing: EncodingKey,
    public: Value,
}

impl Key {
    fn new(id: &str) -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let pkcs8: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let signing = EncodingKey::from_rsa_der(&pkcs8.as_ref()[26..]);
        let mut public = Jwk::from_encoding_key(&signing, Algorithm::RS256).unwrap();
        public.common.key_id = Some(id.to_owned());
        Self { signing, public: serde_json::to_value(public).unwrap() }
    }

    fn sign(&self, claims: &Value) -> String {
        let kid = self.public["kid"].as_str().unwrap();
        jsonwebtoken::encode(&header(kid), claims, &self.signing).unwrap()
    }
}

fn header(kid: &str) -> Header {
    Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::RS256) }
}

/// A session that ends tomorrow.
fn claims() -> Value {
    json!({ "sub": "ada", "aud": "app", "exp": NOW + 86_400, "tier": "gold" })
}

fn jwks(keys: &[&Key]) -> Reply {
    let keys: Vec<_> = keys.iter().map(|key| &key.public).collect();
    Reply::json(200, &json!({ "keys": keys }).to_string())
}

/// A tenant whose answer can be changed, and a verifier of its sessions.
struct Tenant {
    server: Server,
    answer: Arc<Mutex<Reply>>,
    clock: Clock,
    sessions: SessionVerifier,
}

impl Tenant {
    async fn publishing(answer: Reply) -> Self {
        let answer = Arc::new(Mutex::new(answer));
        let shared = answer.clone();
        let server = Server::start(move |_, _| shared.lock().unwrap().clone()).await;
        let client = server.builder().retries(0).build().unwrap();
        let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(NOW));
        let sessions = client.session_verifier("tenant-1").client_ids(["app"]).clock(clock.clone()).build().unwrap();
        Self { server, answer, clock, sessions }
    }

    fn publish(&self, answer: Reply) {
        *self.answer.lock().unwrap() = answer;
    }

    fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// What becomes of a token, and how often keys were fetched by then.
    async fn verify(&self, token: &str) -> (&'static str, usize) {
        let verdict = self.sessions.verify(token).await.map_or_else(|fault| name(&fault), |_| "good");
        (verdict, self.server.requests().len())
    }
}

fn name(fault: &SessionFault) -> &'static str {
    match fault {
        SessionFault::Malformed => "malformed",
        SessionFault::Algorithm => "algorithm",
        SessionFault::UnknownKey => "unknown key",
        SessionFault::Signature => "signature",
        SessionFault::Audience => "audience",
        SessionFault::Expired => "expired",
        SessionFault::NotYetValid => "not yet valid",
        SessionFault::Unavailable(_) => "unavailable",
        _ => "?",
    }
}

#[tokio::test]
async fn keys_are_fetched_once_and_without_the_secret() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    let base = format!("http://{}/v1", tenant.server.host());
    let own = |builder: SessionVerifierBuilder| {
        builder.client_ids(["web", "app"]).clock(tenant.clock.clone()).build().unwrap()
    };
    let ways = [
        tenant.sessions.clone(),
        own(SessionVerifier::builder("tenant-1").base_url(base.as_str())),
        own(SessionVerifier::builder("").jwks_url(format!("{base}/client/public/tenant-1/.well-known/jwks"))),
    ];
    for (at, sessions) in ways.into_iter().enumerate() {
        for _ in 0..3 {
            let session = sessions.verify(&OLD.sign(&claims())).await.unwrap();
            assert_eq!((session.user_id.as_str(), session.audience.as_str()), ("ada", "app"));
            assert_eq!(session.expires_at, UNIX_EPOCH + Duration::from_secs(NOW + 86_400));
            assert_eq!(session.claims["tier"], "gold");
        }
        assert_eq!(tenant.server.requests().len(), at + 1, "one fetch for each verifier");
    }
    for request in tenant.server.requests() {
        assert_eq!(request.line, PATH);
        assert_eq!(request.header("authorization"), None);
        assert!(!format!("{request:?}").contains(SECRET));
    }
}

#[tokio::test]
async fn keys_come_and_go() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    let (old, new) = (OLD.sign(&claims()), NEW.sign(&claims()));
    assert_eq!(tenant.verify(&old).await, ("good", 1));
    tenant.publish(jwks(&[&OLD, &NEW]));
    assert_eq!(tenant.verify(&new).await, ("unknown key", 1), "it was asked just now");
    tenant.advance(60);
    assert_eq!(tenant.verify(&old).await, ("good", 1));
    assert_eq!(tenant.verify(&new).await, ("good", 2));
    tenant.publish(jwks(&[&NEW]));
    tenant.advance(3_599);
    assert_eq!(tenant.verify(&old).await, ("good", 2));
    tenant.advance(1);
    assert_eq!(tenant.verify(&old).await, ("unknown key", 3));
    assert_eq!(tenant.verify(&new).await, ("good", 3));
}

#[tokio::test]
async fn made_up_key_ids_bring_no_load() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    for minute in 1..=3 {
        let mut callers = JoinSet::new();
        for id in 0..100 {
            let sessions = tenant.sessions.clone();
            let token = jsonwebtoken::encode(&header(&id.to_string()), &claims(), &OLD.signing).unwrap();
            callers.spawn(async move { sessions.verify(&token).await.map_or_else(|fault| name(&fault), |_| "good") });
        }
        let verdicts: HashSet<_> = callers.join_all().await.into_iter().collect();
        assert_eq!(verdicts, HashSet::from(["unknown key"]));
        assert_eq!(tenant.server.requests().len(), minute);
        tenant.advance(60);
    }
}

#[tokio::test]
async fn all_who_wait_share_one_fetch() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    let token = OLD.sign(&claims());
    let mut callers = JoinSet::new();
    for _ in 0..50 {
        let (sessions, token) = (tenant.sessions.clone(), token.clone());
        callers.spawn(async move { sessions.verify(&token).await.map_or_else(|fault| name(&fault), |_| "good") });
    }
    assert_eq!(callers.join_all().await, ["good"; 50]);
    assert_eq!(tenant.server.requests().len(), 1);
}

#[tokio::test]
async fn a_caller_who_hangs_up_takes_no_fetch_along() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    let token = OLD.sign(&claims());
    tokio::select! {
        biased;
        verdict = tenant.sessions.verify(&token) => panic!("nobody is that fast: {verdict:?}"),
        () = std::future::ready(()) => {}
    }
    until("the fetch goes on", async || tenant.server.requests().len() == 1).await;
    assert_eq!(tenant.verify(&token).await, ("good", 1));
}

#[tokio::test]
async fn keys_outlive_an_outage_but_not_for_ever() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    let (old, new) = (OLD.sign(&claims()), NEW.sign(&claims()));
    assert_eq!(tenant.verify(&old).await, ("good", 1));
    tenant.publish(Reply::json(503, "{}"));
    tenant.advance(3_600);
    assert_eq!(tenant.verify(&old).await, ("good", 2));
    assert_eq!(tenant.verify(&new).await, ("unavailable", 2), "it may be a new one");
    tenant.advance(5 * 3_600 - 1);
    assert_eq!(tenant.verify(&old).await, ("good", 3));
    tenant.advance(1);
    assert_eq!(tenant.verify(&old).await, ("unavailable", 3));
    tenant.publish(jwks(&[&OLD]));
    assert_eq!(tenant.verify(&old).await, ("unavailable", 3), "the last try was a second ago");
    tenant.advance(4);
    assert_eq!(tenant.verify(&old).await, ("good", 4));
}

#[tokio::test]
async fn while_somebody_fetches_an_aged_key_is_used() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    let token = OLD.sign(&claims());
    assert_eq!(tenant.verify(&token).await, ("good", 1));
    tenant.publish(Reply::hang());
    tenant.advance(3_600);
    let (sessions, copy) = (tenant.sessions.clone(), token.clone());
    let waiting = tokio::spawn(async move { sessions.verify(&copy).await.is_ok() });
    until("the keys are fetched again", async || tenant.server.requests().len() == 2).await;
    assert_eq!(tenant.verify(&token).await, ("good", 2), "and waits for nobody");
    assert!(!waiting.is_finished());
    waiting.abort();
}

/// T6, T74, T75
#[tokio::test]
async fn what_is_no_set_of_keys() {
    let mut many: Vec<_> = (0..64).map(|id| json!({ "kty": "RSA", "kid": id.to_string() })).collect();
    many.push(OLD.public.clone());
    let padding = " ".repeat(256 * 1024);
    let set = json!({ "keys": [OLD.public] }).to_string();
    let followed = Arc::new(AtomicBool::new(false));
    let flag = followed.clone();
    let elsewhere = Server::start(move |_, _| {
        flag.store(true, Ordering::SeqCst);
        jwks(&[&OLD])
    })
    .await;
    let redirect = format!("Location: http://{}/\r\n", elsewhere.host());
    let table = [
        ("65 keys", Reply::json(200, &json!({ "keys": many }).to_string()), ErrorKind::Malformed),
        ("too long", Reply::json(200, &format!("{set}{padding}")), ErrorKind::TooLarge),
        ("a page", Reply::with(200, "Content-Type: text/html\r\n", "<p>"), ErrorKind::Malformed),
        ("a page that says it is JSON", Reply::json(200, "<p>"), ErrorKind::Malformed),
        ("a list", Reply::json(200, &json!([OLD.public]).to_string()), ErrorKind::Malformed),
        ("no keys", Reply::json(200, "{}"), ErrorKind::Malformed),
        ("keys that are none", Reply::json(200, r#"{"keys":{}}"#), ErrorKind::Malformed),
        ("cut", jwks(&[&OLD]).cut(9), ErrorKind::Malformed),
        ("not enabled", Reply::json(404, r#"{"message":"Not Found"}"#), ErrorKind::Rejected),
        ("down", Reply::json(500, &set), ErrorKind::Server),
        ("elsewhere", Reply::with(302, &redirect, &set), ErrorKind::Redirected),
        ("hung up", Reply::hang_up(), ErrorKind::Interrupted),
    ];
    for (name, reply, kind) in table {
        let tenant = Tenant::publishing(reply).await;
        let token = OLD.sign(&claims());
        let fault = tenant.sessions.verify(&token).await.unwrap_err();
        assert!(fault.is_unavailable(), "{name}: {fault:?}");
        let SessionFault::Unavailable(error) = fault else { unreachable!() };
        assert_eq!(error.kind(), kind, "{name}");
        assert_eq!(tenant.verify(&token).await, ("unavailable", 1), "{name} is not asked again at once");
        tenant.publish(jwks(&[&OLD]));
        tenant.advance(5);
        assert_eq!(tenant.verify(&token).await, ("good", 2), "{name} is got over");
    }
    assert!(!followed.load(Ordering::SeqCst));

    many.remove(0);
    let tenant = Tenant::publishing(Reply::with(
        200,
        "Content-Type: application/jwk-set+json\r\n",
        &json!({ "keys": many }).to_string(),
    ))
    .await;
    assert_eq!(
        tenant.verify(&OLD.sign(&claims())).await,
        ("good", 1),
        "keys that are none keep nobody from the others"
    );
}

/// T6
#[tokio::test]
async fn t6_a_forged_session_is_none() {
    let tenant = Tenant::publishing(jwks(&[&OLD])).await;
    let good = OLD.sign(&claims());
    let (head, signature) = good.rsplit_once('.').unwrap();
    let (_, body) = head.split_once('.').unwrap();
    let encode = |header: Value| {
        use base64::Engine as _;
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(header.to_string())
    };
    let modulus = OLD.public["n"].as_str().unwrap();
    let public = EncodingKey::from_base64_secret(&base64_of(modulus)).unwrap();
    let with = |header: Header, key: &EncodingKey| jsonwebtoken::encode(&header, &claims(), key).unwrap();
    let hs256 = Header { kid: Some("old".into()), ..Header::new(Algorithm::HS256) };
    let jwk = serde_json::from_value(NEW.public.clone()).unwrap();
    let table = [
        ("the public key as a secret", with(hs256, &public), "algorithm"),
        ("no algorithm", format!("{}.{body}.", encode(json!({ "alg": "none", "kid": "old" }))), "malformed"),
        ("no algorithm, signed", format!("{}.{body}.{signature}", encode(json!({ "alg": "nOnE" }))), "malformed"),
        ("another algorithm", with(Header { alg: Algorithm::RS512, ..header("old") }, &OLD.signing), "algorithm"),
        ("another hash", with(Header { alg: Algorithm::PS256, ..header("old") }, &OLD.signing), "algorithm"),
        ("another key", with(header("old"), &NEW.signing), "signature"),
        ("its own key", with(Header { jwk: Some(jwk), ..header("old") }, &NEW.signing), "signature"),
        ("no key", with(Header::new(Algorithm::RS256), &OLD.signing), "malformed"),
        ("critical", with(Header { crit: Some(vec!["b64".into()]), ..header("old") }, &OLD.signing), "malformed"),
        ("no signature", format!("{head}."), "signature"),
        ("another signature", format!("{head}.AAAA"), "signature"),
        ("another body", good.replace(body, &encode(json!({ "sub": "eve", "aud": "app" }))), "signature"),
        ("a signed text", jsonwebtoken::encode(&header("old"), &"ada", &OLD.signing).unwrap(), "malformed"),
        ("nobody", OLD.sign(&json!({ "aud": "app", "exp": NOW + 1 })), "malformed"),
        ("another client", OLD.sign(&json!({ "sub": "ada", "aud": "web", "exp": NOW + 1 })), "audience"),
        ("a challenge", OLD.sign(&json!({ "sub": "ada", "aud": "https://challenge", "exp": NOW + 1 })), "audience"),
        ("over", OLD.sign(&json!({ "sub": "ada", "aud": "app", "exp": NOW - 30 })), "expired"),
        ("to come", OLD.sign(&json!({ "sub": "ada", "aud": "app", "exp": NOW, "nbf": NOW + 31 })), "not yet valid"),
        ("empty", String::new(), "malformed"),
        ("dots", "..".to_owned(), "malformed"),
        ("too long", format!("{good}{}", "A".repeat(16 * 1024)), "malformed"),
    ];
    assert_eq!(tenant.verify(&good).await, ("good", 1));
    for (name, token, expected) in table {
        assert_eq!(tenant.verify(&token).await, (expected, 1), "{name}");
    }
}

fn base64_of(base64url: &str) -> String {
    let text = base64url.replace('-', "+").replace('_', "/");
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    text + &padding
}

#[tokio::test]
async fn the_leeway_is_what_was_said_and_never_much() {
    let token = OLD.sign(&json!({ "sub": "ada", "aud": "app", "exp": NOW }));
    for (leeway, taken) in [(0, 0), (10, 10), (3_600, 60)] {
        let server = Server::replying(jwks(&[&OLD])).await;
        let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(NOW - 1) + Duration::from_secs(taken));
        let builder = server.client().session_verifier("tenant-1").client_ids(["app"]).clock(clock.clone());
        let sessions = builder.leeway(Duration::from_secs(leeway)).build().unwrap();
        assert!(sessions.verify(&token).await.is_ok(), "{leeway}");
        clock.advance(Duration::from_secs(1));
        assert_eq!(sessions.verify(&token).await.map_err(|fault| name(&fault)), Err("expired"), "{leeway}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work() {
    let builder = || SessionVerifier::builder("tenant-1").client_ids(["app"]);
    assert!(builder().region(Region::Eu).build().is_ok());
    let ids = |ids: &[&str]| builder().client_ids(ids.iter().copied()).build().map(drop);
    assert_eq!(ids(&[]), Err(ConfigError::MissingClientIds));
    assert_eq!(ids(&["app", ""]), Err(ConfigError::MissingClientIds));
    for tenant in ["", ".", ".."] {
        let fault = SessionVerifier::builder(tenant).client_ids(["app"]).build().unwrap_err();
        assert!(matches!(fault, ConfigError::TenantId { .. }), "{tenant:?}: {fault}");
    }
    for url in ["http://example.com/jwks", "https://u:p@example.com/jwks", "https://example.com", "jwks"] {
        let fault = builder().jwks_url(url).build().unwrap_err();
        assert!(matches!(fault, ConfigError::BaseUrl { .. }), "{url}: {fault}");
    }
    let fault = builder().base_url("http://example.com/v1").build().unwrap_err();
    assert!(matches!(fault, ConfigError::BaseUrl { .. }), "{fault}");
    let client = Client::builder("CANARY-1").build().unwrap();
    let sessions = client.session_verifier("tenant-1").client_ids(["app"]);
    let printed = format!("{sessions:?} {:?}", sessions.clone().build().unwrap());
    assert!(!printed.contains("CANARY"), "{printed}");
}
