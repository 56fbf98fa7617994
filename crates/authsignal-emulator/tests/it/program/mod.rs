//! The program `authsignal-emulator`, as somebody in another language runs it.

mod access;
mod roots;
mod state;

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use test_support::waiting::{MAX_WAIT, end_of, read_from, until_blocking};

/// How long it may take to say something before a test fails.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program while it runs; it ends with the test, also when that panics.
struct Running {
    child: Child,
    /// What it wrote to stdout after the first line, for people.
    told: String,
    _stdout: BufReader<ChildStdout>,
    base_url: String,
    secret: String,
    dashboard: String,
    http: reqwest::Client,
    /// What it has written to stderr so far.
    said: Arc<Mutex<String>>,
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_authsignal-emulator"));
    command.args(args).stdin(Stdio::null());
    command
}

/// What it says when it ends by itself.
fn output(args: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = program(args).output().unwrap();
    let [stdout, stderr] = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (status.code().unwrap(), stdout, stderr)
}

impl Running {
    fn start(args: &[&str]) -> Self {
        Self::of(&mut program(args))
    }

    fn of(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let ((line, told), stdout) = read_from(&mut child, |stdout| {
            let (mut line, mut told) = (String::new(), String::new());
            stdout.read_line(&mut line).unwrap();
            while !told.ends_with("Ctrl-C ends it.\n") && stdout.read_line(&mut told).unwrap() > 0 {}
            (line, told)
        });
        let words: Vec<_> = line.trim_end().split(' ').collect();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let &[name, base_url, secret, dashboard] = words.as_slice() else {
            let mut said = String::new();
            stderr.read_to_string(&mut said).unwrap();
            panic!("{line:?} {said}")
        };
        assert!(told.ends_with("Ctrl-C ends it.\n"), "{told}");
        let said = Arc::<Mutex<String>>::default();
        let heard = Arc::clone(&said);
        std::thread::spawn(move || {
            let mut line = String::new();
            while stderr.read_line(&mut line).is_ok_and(|length| length > 0) {
                heard.lock().unwrap().push_str(&std::mem::take(&mut line));
            }
        });
        assert_eq!(name, "authsignal-emulator");
        let value = |word: &str, name: &str| word.strip_prefix(&format!("{name}=")).expect(name).to_owned();
        Self {
            base_url: value(base_url, "base_url"),
            secret: value(secret, "secret"),
            dashboard: value(dashboard, "dashboard"),
            http: reqwest::Client::builder().no_proxy().timeout(MAX_WAIT).build().unwrap(),
            child,
            told,
            _stdout: stdout,
            said,
        }
    }

    async fn api(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = self.http.request(method, format!("{}/{path}", self.base_url)).basic_auth(&self.secret, Some(""));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        response.json().await.unwrap()
    }

    async fn control(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let request = self.http.request(method, format!("{}/{path}", self.dashboard));
        let request = if let Some(body) = body { request.json(&body) } else { request };
        let response = request.send().await.unwrap();
        assert!(response.status().is_success(), "{path}");
        serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default()
    }

    /// Where this machine reaches it, whatever its public URL.
    fn near(&self) -> String {
        match self.value("It listens on ") {
            Some(address) => format!("http://{}", address.replace("0.0.0.0", "127.0.0.1")),
            None => self.dashboard.trim_end_matches("/emulator").to_owned(),
        }
    }

    /// The key that it asks for under `/emulator`.
    fn key(&self) -> String {
        self.value("The key to it, as a password or a bearer token: ").expect("a key")
    }

    fn value(&self, name: &str) -> Option<String> {
        self.told.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
    }

    /// Sends it a signal, and waits for its end: with what, and what it had told.
    fn end(mut self, signal: &str) -> (ExitStatus, String) {
        let sent = Command::new("kill").args(["-s", signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
        let status = end_of(&mut self.child);
        (status, std::mem::take(&mut self.told))
    }

    fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    /// Waits until it has said all of this on stderr.
    fn says(&self, words: &[&str]) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let said = self.said();
            if words.iter().all(|words| said.contains(words)) {
                return said;
            }
            assert!(Instant::now() < end, "{words:?} not in {said:?}");
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder of its own for each test, that goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("bin-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn file(&self, name: &str) -> String {
        self.0.join(name).into_os_string().into_string().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn its_first_line_is_all_that_a_program_needs() {
    let running = Running::start(&["--port", "0", "--secret", "s3cret"]);
    assert_eq!(running.secret, "s3cret");
    assert!(running.base_url.starts_with("http://127.0.0.1:") && running.base_url.ends_with("/v1"));
    running
        .control(Method::PUT, "users/ada", Some(json!({ "email": "ada@example.com", "methods": ["EMAIL_OTP"] })))
        .await;
    let tracked = running.api(Method::POST, "users/ada/actions/withdrawal", Some(json!({}))).await;
    assert_eq!(tracked["state"], "CHALLENGE_REQUIRED", "the key that is made meanwhile is waited for");
    let left = running.control(Method::POST, "challenge/succeed", Some(json!({ "url": tracked["url"] }))).await;
    let validated = running.api(Method::POST, "validate", Some(json!({ "token": left["token"] }))).await;
    assert_eq!(validated["isValid"], true);
    let html =
        running.http.get(&running.dashboard).header("accept", "text/html").send().await.unwrap().text().await.unwrap();
    assert!(html.contains("<title>Authsignal emulator</title>"));
}

#[test]
fn signals_end_it_well() {
    for signal in ["TERM", "INT"] {
        let (status, rest) = Running::start(&["--port=0"]).end(signal);
        assert!(status.success(), "{signal}: {status}");
        assert!(rest.contains("AUTHSIGNAL_API_URL=http://127.0.0.1:") && rest.contains("Ctrl-C"), "{rest}");
    }
}

#[tokio::test]
async fn its_state_outlives_it() {
    let folder = Folder::new("state");
    let state = folder.file("state.json");
    let first = Running::start(&["--port", "0", "--state", &state]);
    let secret = first.secret.clone();
    first
        .control(Method::PUT, "users/ada", Some(json!({ "email": "ada@example.com", "methods": ["EMAIL_OTP"] })))
        .await;
    let redirect = json!({ "redirectUrl": "https://app.example.com/back" });
    let tracked = first.api(Method::POST, "users/ada/actions/withdrawal", Some(redirect)).await;
    let (status, _) = first.end("TERM");
    assert!(status.success());

    let second = Running::start(&["--port", "0", "--state", &state]);
    assert_eq!(second.secret, secret);
    let left = second.control(Method::POST, "challenge/succeed", Some(json!({ "url": tracked["url"] }))).await;
    assert!(left["redirectUrl"].as_str().unwrap().starts_with("https://app.example.com/back?token="));
    let validated = second.api(Method::POST, "validate", Some(json!({ "token": tracked["token"] }))).await;
    assert_eq!(validated["isValid"], true);
    second.end("TERM");

    std::fs::write(&state, "{").unwrap();
    let (code, stdout, stderr) = output(&["--port", "0", "--state", &state]);
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains(&state) && stderr.lines().count() == 1, "{stderr}");
    assert_eq!(std::fs::read_to_string(&state).unwrap(), "{", "and it is left alone");
}

#[tokio::test]
async fn flags_count_instead_of_the_configuration_file() {
    let folder = Folder::new("config");
    let config = folder.file("emulator.toml");
    std::fs::write(&config, "[server]\nport = 0\nsecret = \"of-the-file\"\n[[users]]\nid = \"ada\"\n").unwrap();
    let running = Running::start(&["--config", &config]);
    assert_eq!(running.secret, "of-the-file");
    assert_eq!(running.control(Method::GET, "users", None).await[0]["userId"], "ada");
    let running = Running::start(&["--secret", "of-the-flag", "--config", &config]);
    assert_eq!(running.secret, "of-the-flag");

    std::fs::write(&config, "[server]\nprot = 1\n").unwrap();
    let (code, _, stderr) = output(&["--config", &config]);
    assert_eq!(code, 1);
    assert!(stderr.contains("emulator.toml:2:1: server.prot"), "{stderr}");
    let (code, _, stderr) = output(&["--config", &folder.file("nowhere.toml")]);
    assert!(code == 1 && stderr.contains("nowhere.toml") && stderr.contains("No such file"), "{stderr}");
}

#[test]
fn who_listens_elsewhere_is_told_what_that_means() {
    let running = Running::start(&["--port=0", "--host=0.0.0.0", "--public-url=https://auth.example.test"]);
    assert_eq!(running.base_url, "https://auth.example.test/v1");
    assert_eq!(running.dashboard, "https://auth.example.test/emulator");
}

#[test]
fn the_dashboard_is_opened_in_a_browser() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new("open");
    let (browser, opened) = (folder.file("browser"), folder.file("opened"));
    std::fs::write(
        &browser,
        format!("#!/bin/sh\nprintf '%s\\n' \"$1\" > '{opened}.part' && mv '{opened}.part' '{opened}'\n"),
    )
    .unwrap();
    std::fs::set_permissions(&browser, std::fs::Permissions::from_mode(0o755)).unwrap();
    let running = Running::of(program(&["--port=0", "--open"]).env("BROWSER", &browser));
    until_blocking("the browser is opened", || std::fs::exists(&opened).unwrap());
    assert_eq!(std::fs::read_to_string(&opened).unwrap().trim_end(), running.dashboard);
}

#[test]
fn what_is_asked_wrongly_ends_it_with_two() {
    for (args, named) in [
        (&["--prot=1"][..], "--prot"),
        (&["--port=x"], "x"),
        (&["--host=localhost"], "localhost"),
        (&["serve"], "serve"),
    ] {
        let (code, stdout, stderr) = output(args);
        assert_eq!((code, stdout.as_str()), (2, ""), "{args:?}");
        assert!(stderr.contains(named) && stderr.contains("--help"), "{args:?}: {stderr}");
    }
    for args in [&["--port=0", "--secret", "a b"][..], &["--port=0", "--public-url", "nonsense"]] {
        let (code, _, stderr) = output(args);
        assert!(code == 1 && stderr.starts_with("authsignal-emulator: "), "{args:?}: {stderr}");
    }
    let taken = Running::start(&["--port=0"]);
    let port = taken.base_url.rsplit(':').next().unwrap().trim_end_matches("/v1").to_owned();
    let (code, _, stderr) = output(&["--port", &port]);
    assert!(code == 1 && stderr.contains(&format!("127.0.0.1:{port}")), "{stderr}");
}

#[test]
fn help_and_version() {
    let (code, help, _) = output(&["--help"]);
    assert!(code == 0 && help.contains("--state FILE"), "{help}");
    let version = format!("authsignal-emulator {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(output(&["--version"]), (0, version, String::new()));
}
