//! The state in a file: what outlives an emulator, and which files are not taken.
use std::path::PathBuf;
use std::time::Duration;

use authsignal_client::{ActionState, Clock, Track, Validate};
use authsignal_emulator::{Config, Emulator, Outcome};
use serde_json::{Value, json};
use test_support::waiting::until;

/// A file of its own for each test, that goes with it.
struct File(PathBuf);

impl File {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("keep-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder.join("state.json"))
    }

    async fn start(&self) -> std::io::Result<Emulator> {
        Emulator::builder().state_file(&self.0).start().await
    }

    fn text(&self) -> String {
        std::fs::read_to_string(&self.0).unwrap()
    }

    /// The names of all files beside it.
    fn beside(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.0.parent().unwrap()).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(self.0.parent().unwrap());
    }
}

#[tokio::test]
async fn everything_outlives_the_emulator() {
    let file = File::new("outlives");
    let first = file.start().await.unwrap();
    let (secret, tenant) = (first.secret().to_owned(), first.tenant_id().to_owned());
    let app = first.user("ada").enroll_email_otp("ada@example.com").enroll_authenticator_app();
    first.set_outcome("read", Outcome::Block);
    first.advance(Duration::from_secs(100_000));
    let track = || Track::new("withdrawal").redirect_url("https://app.example.com/back");
    let tracked = first.client().track("ada", track()).await.unwrap();
    assert_eq!(tracked.state, ActionState::ChallengeRequired);
    let token = tracked.token.unwrap();
    let url = tracked.url.unwrap().secret().to_owned();
    let first_now = first.now();
    drop(first);

    let second = file.start().await.unwrap();
    assert_eq!((second.secret(), second.tenant_id()), (secret.as_str(), tenant.as_str()));
    assert!(second.now() >= first_now, "its clock is still ahead");
    assert!(second.user("ada").is_enrolled());
    assert_eq!(second.outcomes()["read"], Outcome::Block);
    // What was about to be proved can be: the token, the URL and the user's app are good.
    let client = second.client();
    assert!(!client.validate_challenge(Validate::new(token.secret())).await.unwrap().is_valid);
    let token = url.split_once("?token=").unwrap().1;
    let back = second.succeed(&format!("{}/?token={token}", second.origin())).unwrap();
    let token = back.split_once("?token=").unwrap().1;
    assert!(client.validate_challenge(Validate::new(token)).await.unwrap().is_valid);
    assert_eq!(second.messages().len(), 1, "one more code was sent");
    assert_eq!(app.secret().len(), 32);

    second.reset();
    drop(second);
    let third = file.start().await.unwrap();
    assert!(third.users().is_empty() && third.outcomes().is_empty(), "a reset is kept too");
}

#[tokio::test]
async fn sessions_outlive_it() {
    let file = File::new("sessions");
    let config = Config::from_toml("[[app_clients]]\nid = \"web\"").unwrap();
    let start = async || Emulator::builder().config(&config).state_file(&file.0).start().await.unwrap();
    let first = start().await;
    first.user("ada").enroll_email_otp("ada@example.com");
    let client = first.client();
    let track = Track::new("withdrawal").redirect_url("https://app.example.com/back");
    let tracked = client.track("ada", track).await.unwrap();
    let back = first.succeed(tracked.url.unwrap().secret()).unwrap();
    let token = back.split_once("?token=").unwrap().1;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |emulator: &Emulator, path: &str, body: Value| -> (u16, Value) {
        let url = format!("{}/{path}", emulator.base_url());
        let response = http.post(url).basic_auth(emulator.secret(), Some("")).json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    };
    let (status, session) = post(&first, "sessions", json!({ "token": token, "clientId": "web" })).await;
    assert_eq!(status, 200, "{session}");
    drop(first);
    let second = start().await;
    let asked = json!({ "accessToken": session["accessToken"], "clientIds": ["web"] });
    assert_eq!(post(&second, "sessions/validate", asked).await.0, 200);
    let asked = json!({ "refreshToken": session["refreshToken"] });
    assert_eq!(post(&second, "sessions/refresh", asked).await.0, 200);
}

#[tokio::test]
async fn it_is_written_while_it_runs_and_only_when_something_changed() {
    let file = File::new("running");
    let emulator = file.start().await.unwrap();
    emulator.user("ada").email("ada@example.com");
    // Within a second or so, without anybody asking.
    until("it is written", async || file.0.exists() && file.text().contains("ada@example.com")).await;
    std::fs::remove_file(&file.0).unwrap();
    emulator.save().unwrap();
    assert!(!file.0.exists(), "nothing has changed");
    assert_eq!(emulator.users(), ["ada"]);
    emulator.save().unwrap();
    assert!(!file.0.exists(), "reading changes nothing");
    emulator.advance(Duration::from_secs(1));
    emulator.save().unwrap();
    assert!(file.0.exists(), "the clock is part of it");
    assert_eq!(file.beside(), ["state.json"], "nothing is left beside it");
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let file = File::new("mode");
    drop(file.start().await.unwrap());
    assert_eq!(std::fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600);
    std::fs::set_permissions(&file.0, std::fs::Permissions::from_mode(0o644)).unwrap();
    let emulator = file.start().await.unwrap();
    emulator.user("ada").email("ada@example.com");
    drop(emulator);
    assert_eq!(std::fs::metadata(&file.0).unwrap().permissions().mode() & 0o777, 0o600, "and again");
}

#[tokio::test]
async fn a_file_that_is_none_is_refused_and_left_as_it_is() {
    let file = File::new("refused");
    drop(file.start().await.unwrap());
    let good = file.text();
    let mut newer: Value = serde_json::from_str(&good).unwrap();
    newer["version"] = json!(2);
    newer["unheardOf"] = json!({});
    let mut stranger: Value = serde_json::from_str(&good).unwrap();
    stranger["db"]["unheardOf"] = json!(1);
    let mut mistyped: Value = serde_json::from_str(&good).unwrap();
    mistyped["secret"] = json!({ "canary": "canary" });
    let mut keyless: Value = serde_json::from_str(&good).unwrap();
    keyless["key"] = json!("canary");
    for (name, text, expected) in [
        ("cut", good[..good.len() / 2].to_owned(), "invalid JSON"),
        ("text", "state".to_owned(), "invalid JSON"),
        ("other JSON", "{}".to_owned(), "version"),
        ("a list", "[1]".to_owned(), "invalid state"),
        ("newer", newer.to_string(), "version 2"),
        ("a stranger's", stranger.to_string(), "db.unheardOf"),
        ("mistyped", mistyped.to_string(), "invalid secret"),
        ("without a key", keyless.to_string(), "invalid key"),
    ] {
        std::fs::write(&file.0, &text).unwrap();
        let why = file.start().await.unwrap_err();
        assert_eq!(why.kind(), std::io::ErrorKind::InvalidData, "{name}");
        let shown = why.to_string();
        assert!(shown.contains(expected) && shown.contains("state.json"), "{name}: {shown}");
        assert!(!shown.contains("canary"), "{name}: {shown}");
        assert_eq!(file.text(), text, "{name}: it is left alone");
    }
    std::fs::write(&file.0, &good).unwrap();
    assert!(file.start().await.is_ok());
}

/// As `touch` or a container makes one.
#[tokio::test]
async fn an_empty_file_is_an_empty_state() {
    let file = File::new("empty");
    for empty in ["", "\n", " \t\r\n"] {
        std::fs::write(&file.0, empty).unwrap();
        let emulator = file.start().await.unwrap();
        assert!(emulator.users().is_empty(), "{empty:?}");
        emulator.user("ada").email("ada@example.com");
        drop(emulator);
        assert_eq!(file.start().await.unwrap().users(), ["ada"], "{empty:?}");
    }
}

#[tokio::test]
async fn two_on_one_file_are_one_too_many() {
    let file = File::new("two");
    let first = file.start().await.unwrap();
    first.user("ada").email("ada@example.com");
    for _ in 0..2 {
        let why = file.start().await.unwrap_err();
        assert_eq!(why.kind(), std::io::ErrorKind::WouldBlock);
        assert!(why.to_string().contains("state.json") && why.to_string().contains("another emulator"), "{why}");
        // The file is another one from then on.
        first.save().unwrap();
    }
    drop(first);
    assert_eq!(file.start().await.unwrap().users(), ["ada"]);
}

/// What a link leads to is what is kept; the link stays one.
#[cfg(unix)]
#[tokio::test]
async fn a_link_to_the_file_stays_one() {
    let file = File::new("link");
    let link = file.0.with_file_name("link.json");
    std::os::unix::fs::symlink("state.json", &link).unwrap();
    let emulator = Emulator::builder().state_file(&link).start().await.unwrap();
    emulator.user("ada").email("ada@example.com");
    assert!(file.start().await.unwrap_err().to_string().contains("another emulator"), "it is the same file");
    drop(emulator);
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(file.text().contains("ada@example.com"));
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_refused_at_the_start() {
    let file = File::new("place");
    for path in [file.0.join("below a file"), file.0.with_file_name("nowhere/state.json"), PathBuf::from("/")] {
        std::fs::write(&file.0, "").unwrap();
        let refused = Emulator::builder().state_file(&path).start().await.unwrap_err();
        std::fs::remove_file(&file.0).unwrap();
        assert!(refused.to_string().contains(&*path.to_string_lossy()), "{refused}");
    }
}

#[tokio::test]
async fn what_is_set_counts_instead_of_what_was_kept() {
    let file = File::new("set");
    let first = file.start().await.unwrap();
    first.user("ada").email("ada@example.com");
    let (secret, tenant) = (first.secret().to_owned(), first.tenant_id().to_owned());
    drop(first);
    let config = Config::from_toml("[tenant]\nid = \"11111111-2222-4333-8444-555555555555\"\n[[users]]\nid = \"bob\"");
    let builder = Emulator::builder().config(&config.unwrap()).secret("s3cret").state_file(&file.0);
    let second = builder.start().await.unwrap();
    assert_eq!((second.secret(), second.tenant_id()), ("s3cret", "11111111-2222-4333-8444-555555555555"));
    assert!(second.secret() != secret && second.tenant_id() != tenant);
    assert_eq!(second.users(), ["ada", "bob"], "new users of the settings join those that were kept");
}

#[tokio::test]
async fn a_clock_of_its_own_stays_where_it_is() {
    let file = File::new("clock");
    let clock = Clock::manual(std::time::UNIX_EPOCH + Duration::from_secs(1_768_471_200));
    for _ in 0..2 {
        let emulator = Emulator::builder().clock(clock.clone()).state_file(&file.0).start().await.unwrap();
        assert_eq!(emulator.now(), clock.now());
        emulator.advance(Duration::from_secs(60));
    }
}
