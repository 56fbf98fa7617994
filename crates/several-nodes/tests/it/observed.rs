//! What is observed outlives the process that observed it, if that ends in order; and what a process that is killed loses.
use std::collections::BTreeSet;
use std::io::{BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome};
use test_support::waiting::{MAX_WAIT, end_of, first_line};

use crate::support::PATIENCE;

/// So many ask at once.
const CLIENTS: usize = 8;
/// How many events are sent when the process is ended, and how many at least are not yet.
const SENT: usize = 300;
const BACKLOG: usize = 100;

struct Process {
    child: Child,
    stdout: BufReader<ChildStdout>,
    url: String,
}

impl Process {
    fn start(emulator: &Emulator) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_observed"));
        command
            .env("AUTHSIGNAL_API_URL", emulator.base_url())
            .env("AUTHSIGNAL_API_SECRET_KEY", emulator.secret())
            .env_remove("AUTHSIGNAL_SECRET_KEY");
        if std::env::var_os("RUST_LOG").is_none() {
            command.env("RUST_LOG", "off");
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (line, stdout) = first_line(&mut child);
        let url = line.trim().strip_prefix("A node is open: ").expect("it starts").to_owned();
        Self { child, stdout, url }
    }

    fn signal(&self, name: &str) {
        let status = Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// What it says last, once it has ended.
    fn end(&mut self) -> String {
        let mut rest = String::new();
        end_of(&mut self.child);
        self.stdout.read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The keys of the requests that were answered, and of what Authsignal has, where the process is ended by this signal in the
/// middle of its work; and what it said last.
async fn ended_by(signal: &str) -> (BTreeSet<String>, BTreeSet<String>, String) {
    let emulator = Emulator::start().await.unwrap();
    emulator.set_outcome("pay", Outcome::Challenge);
    // Slow enough that much waits.
    emulator.inject_fault(Endpoint::Track, Fault::delay(Duration::from_millis(60)).always());
    let mut process = Process::start(&emulator);
    let answered = Arc::new(Mutex::new(BTreeSet::new()));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let answered = Arc::clone(&answered);
            let url = format!("{}/pay", process.url);
            tokio::spawn(async move {
                let http = reqwest::Client::builder().no_proxy().timeout(MAX_WAIT).build().unwrap();
                // Until nobody answers any more.
                loop {
                    let request = http.post(&url).header("x-user", format!("user-{client}"));
                    let Ok(response) = request.send().await else { return };
                    assert_eq!(response.status(), 200);
                    let Ok(key) = response.text().await else { return };
                    answered.lock().unwrap().insert(key);
                }
            })
        })
        .collect();
    let told = || -> BTreeSet<String> {
        emulator.all_actions().into_iter().map(|action| action.idempotency_key.to_string()).collect()
    };
    let begun = Instant::now();
    while told().len() < SENT || told().len() + BACKLOG > answered.lock().unwrap().len() {
        assert!(begun.elapsed() < PATIENCE, "nothing waits");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    process.signal(signal);
    let last = tokio::task::spawn_blocking(move || process.end()).await.unwrap();
    for client in clients {
        client.await.unwrap();
    }
    let answered = answered.lock().unwrap().clone();
    (answered, told(), last)
}

/// A process that is ended by SIGTERM under load, and drains: every request that was answered is known to Authsignal.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_ends_in_order_loses_no_event() {
    let (answered, told, last) = ended_by("-TERM").await;
    let lost = answered.difference(&told).count();
    println!(
        "SIGTERM: {} requests answered, {} events sent, {lost} lost; it said: {}",
        answered.len(),
        told.len(),
        last.trim()
    );
    assert_eq!(lost, 0);
    assert_eq!(answered, told);
    assert_eq!(last.trim(), format!("sent {} lost 0 waiting 0", told.len()));
}

/// What a process that is killed has not sent is lost, and there is nobody to say so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_loses_what_it_has_not_sent() {
    let (answered, told, last) = ended_by("-KILL").await;
    let lost = answered.difference(&told).count();
    println!("SIGKILL: {} requests answered, {} events sent, {lost} lost", answered.len(), told.len());
    assert_eq!(last, "");
    assert!(lost > 0, "nothing was on its way");
}
