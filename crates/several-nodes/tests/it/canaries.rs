//! T43, T97: secrets that are searched for in the databases themselves, after whole flows at nodes in processes of their own.
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use authsignal_emulator::{Endpoint, Fault};
use reqwest::Response;
use reqwest::header::{LOCATION, SET_COOKIE};
use test_support::servers::{Postgres, Redis};
use url::Url;

use crate::support::{Nodes, PATIENCE, SAME};

/// Stands for itself: what is written down openly has to be found, or nothing was searched.
const PLANTED: &str = "canary-that-was-planted";

/// The secrets of all that went on.
struct Secrets(Vec<(&'static str, String)>);

impl Secrets {
    fn add(&mut self, what: &'static str, secret: &str) {
        assert!(secret.len() >= 10, "{what}");
        self.0.push((what, secret.to_owned()));
    }

    /// A URL's flow and token, and the token's signature by itself.
    fn add_url(&mut self, url: &str) {
        for (name, value) in Url::parse(url).unwrap().query_pairs() {
            match &*name {
                "flow" => self.add("ticket", &value),
                "token" => {
                    self.add("token", &value);
                    self.add("signature of a token", value.rsplit('.').next().unwrap());
                }
                _ => {}
            }
        }
    }

    /// Each of them as it is, in hex, and in base64 at each of the three offsets.
    fn forms(&self) -> Vec<(&'static str, String)> {
        let mut forms = Vec::new();
        for (what, secret) in &self.0 {
            forms.push((*what, secret.clone()));
            forms.push((*what, secret.bytes().map(|byte| format!("{byte:02x}")).collect()));
            forms.extend((0..3).map(|skipped| (*what, base64(&secret.as_bytes()[skipped..]))));
        }
        forms
    }

    /// Searches for all of them in `bytes`, and for what was planted.
    fn assert_hidden(&self, place: &str, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        assert!(text.contains(PLANTED), "{place} was not searched");
        let forms = self.forms();
        for (what, form) in &forms {
            assert!(!text.contains(form.as_str()), "{what} is in {place}: {form}");
        }
        let (secrets, forms, length) = (self.0.len(), forms.len(), bytes.len());
        println!("{place}: {secrets} secrets in {forms} forms, in {length} bytes: 0 hits");
    }
}

/// Whole groups of three bytes alone, which do not depend on what stands behind them.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |three: &[u8]| {
        let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
        [18, 12, 6, 0].map(|shift| char::from(LETTERS[(bits >> shift) as usize & 63]))
    };
    bytes.chunks_exact(3).flat_map(group).collect()
}

/// Tries again where the store took too long, on a machine that has much else to do.
async fn insists(mut ask: impl AsyncFnMut() -> Response) -> Response {
    let start = Instant::now();
    loop {
        let response = ask().await;
        let outcome = response.headers().get(LOCATION).and_then(|location| location.to_str().ok()).unwrap_or_default();
        let is_late = matches!(response.status().as_u16(), 502 | 503) || outcome.contains("outcome=store");
        if !is_late || start.elapsed() > PATIENCE {
            return response;
        }
    }
}

/// Flows in every stage: that wait, that were left, whose token could not be checked yet, that were proved, spent, declined and
/// forgotten. Between two nodes, with forms that are kept for later.
async fn live(nodes: &Nodes) -> Secrets {
    let mut secrets = Secrets(Vec::new());
    secrets.add("API key", nodes.emulator.secret());
    secrets.add("master secret", SAME.0);
    let (user, session) = ("canary-user-of-a-bank", "canary-session-of-theirs");
    secrets.add("user", user);
    secrets.add("session", session);
    nodes.enroll(user);
    let mut cookie = String::from("other=1");
    let mut challenges = Vec::new();
    for id in 0..6 {
        let form = format!("id={id}&note=canary-note-{id}&password=canary-password-{id}");
        secrets.add("form value", &format!("canary-note-{id}"));
        secrets.add("password", &format!("canary-password-{id}"));
        let headers = [("x-user", user), ("x-session", session), ("cookie", &*cookie)];
        let response = insists(async || nodes.ask(id % 2, "/pay", &headers, Some(&form)).await).await;
        let challenge = response.headers()[LOCATION].to_str().unwrap().to_owned();
        if let Some(set) = response.headers().get(SET_COOKIE) {
            cookie = set.to_str().unwrap().split(';').next().unwrap().to_owned();
            secrets.add("cookie", cookie.split_once('=').unwrap().1);
        }
        secrets.add_url(&challenge);
        challenges.push((challenge, form));
    }
    let headers = [("x-user", user), ("x-session", session), ("cookie", &*cookie)];
    let back = async |url: String, secrets: &mut Secrets| {
        secrets.add_url(&url);
        let url = Url::parse(&url).unwrap();
        let target = format!("{}?{}", url.path(), url.query().unwrap());
        let response = insists(async || nodes.ask(1, &target, &headers, None).await).await;
        response.headers()[LOCATION].to_str().unwrap().to_owned()
    };
    back(nodes.emulator.quit(&challenges[0].0).unwrap(), &mut secrets).await;
    back(nodes.emulator.decline(&challenges[1].0).unwrap(), &mut secrets).await;
    nodes.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).times(20));
    let told = back(nodes.emulator.succeed(&challenges[2].0).unwrap(), &mut secrets).await;
    assert!(told.contains("outcome=server"), "{told}");
    nodes.emulator.clear_faults();
    for number in [3, 4] {
        back(nodes.emulator.succeed(&challenges[number].0).unwrap(), &mut secrets).await;
    }
    let paid = insists(async || nodes.ask(0, "/pay", &headers, Some(&challenges[3].1)).await).await;
    assert_eq!(paid.text().await.unwrap(), "paid 3");
    secrets
}

/// Afterwards the session is over, which is written down as well.
async fn sign_out(nodes: &Nodes) {
    let headers = [("x-user", "canary-user-of-a-bank"), ("x-session", "canary-session-of-theirs")];
    let response = insists(async || nodes.ask(0, "/sign-out", &headers, Some("")).await).await;
    assert!(response.status().is_success());
}

/// All that is said to Redis, as its `MONITOR` repeats it.
fn monitor(redis: &Redis) -> Arc<Mutex<Vec<u8>>> {
    let mut stream = TcpStream::connect(("127.0.0.1", redis.port)).unwrap();
    stream.write_all(b"MONITOR\r\n").unwrap();
    let mut lines = BufReader::new(stream);
    let mut line = Vec::new();
    lines.read_until(b'\n', &mut line).unwrap();
    assert_eq!(line, b"+OK\r\n");
    let said = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&said);
    std::thread::spawn(move || {
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            heard.lock().unwrap().append(&mut line);
        }
    });
    said
}

#[tokio::test(flavor = "multi_thread")]
async fn t43_t97_canaries_are_nowhere_in_redis() {
    let redis = Redis::persistent("always");
    let said = monitor(&redis);
    let nodes = Nodes::start(&redis.url(), &[SAME; 2]).await;
    let secrets = live(&nodes).await;
    let mut connection = redis::Client::open(redis.url()).unwrap().get_connection().unwrap();
    let look = |connection: &mut redis::Connection| {
        let keys: Vec<Vec<u8>> = redis::cmd("KEYS").arg("*").query(connection).unwrap();
        let mut found = Vec::new();
        for key in &keys {
            let value: Vec<u8> = redis::cmd("GET").arg(key).query(connection).unwrap();
            found.extend([&key[..], &value].concat());
        }
        (keys.len(), found)
    };
    redis.cli(&["SET", "planted", PLANTED]);
    let (before, mut found) = look(&mut connection);
    assert!(before > 12, "{before} keys");
    sign_out(&nodes).await;
    let (after, more) = look(&mut connection);
    found.extend(more);
    println!("{before} keys, and {after} after the end of the session");
    secrets.assert_hidden("the keys and values of Redis", &found);
    secrets.assert_hidden("the files of Redis", &redis.files());
    let said = said.lock().unwrap().clone();
    assert!(String::from_utf8_lossy(&said).contains("EVALSHA"));
    secrets.assert_hidden("all that was said to Redis", &said);
}

#[tokio::test(flavor = "multi_thread")]
async fn t43_t97_canaries_are_nowhere_in_postgresql() {
    let postgres = Postgres::start();
    let nodes = Nodes::start(&postgres.url(), &[SAME; 2]).await;
    let secrets = live(&nodes).await;
    sign_out(&nodes).await;
    let records: u32 = postgres.sql("SELECT count(*) FROM authsignal_records").trim().parse().unwrap();
    assert!(records > 12, "{records} records");
    postgres.sql(&format!("CREATE TABLE planted AS SELECT '{PLANTED}' AS text"));
    postgres.sql("CHECKPOINT");
    secrets.assert_hidden("the files of PostgreSQL", &postgres.files());
}

#[tokio::test(flavor = "multi_thread")]
async fn t43_t97_canaries_are_nowhere_in_sqlite() {
    let folder = std::env::temp_dir().join(format!("authsignal-canaries-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let nodes = Nodes::start(&format!("sqlite://{}/flows.db?mode=rwc", folder.display()), &[SAME; 2]).await;
    let secrets = live(&nodes).await;
    sign_out(&nodes).await;
    std::fs::write(folder.join("planted"), PLANTED).unwrap();
    let files = std::fs::read_dir(&folder).unwrap().flatten();
    let found = files.flat_map(|file| std::fs::read(file.path()).unwrap()).collect::<Vec<_>>();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(String::from_utf8_lossy(&found).contains("authsignal_records"));
    secrets.assert_hidden("the files of SQLite", &found);
}
