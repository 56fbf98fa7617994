//! Sends requests in a closed loop, or one on each of many connections at once, and reads the clock and the memory of the
//! process that answers. One thread; results are printed as JSON.
use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use nix::time::{clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const BROWSER: &str =
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36";

/// What is asked, of whom.
pub struct Load {
    pub address: String,
    pub path: String,
    pub pid: i32,
    pub connections: usize,
    pub seconds: f64,
}

/// What a closed loop found.
#[derive(Debug, Serialize, Deserialize)]
pub struct Turn {
    pub requests: u64,
    pub not_ok: u64,
    pub per_second: f64,
    /// Microseconds of the process's CPU time for one request.
    pub cpu_us: f64,
    /// How many CPUs the process used.
    pub busy: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
}

/// Resident memory of the process in kB, over one request on each connection.
#[derive(Debug, Serialize, Deserialize)]
pub struct Held {
    pub before: u64,
    pub connected: u64,
    pub peak: u64,
    pub not_ok: u64,
}

/// CPU time so far of all threads of a process.
fn cpu(pid: i32) -> io::Result<Duration> {
    Ok(clock_gettime(clock_getcpuclockid(Pid::from_raw(pid))?)?.into())
}

/// Resident memory of a process.
pub fn resident_kb(pid: i32) -> io::Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).ok_or_else(|| io::Error::other("no VmRSS"))
}

impl Load {
    /// The request of one user.
    fn request(&self, user: usize) -> Vec<u8> {
        let method = if self.path == "/bare" { "GET" } else { "POST" };
        let body = if method == "POST" { r#"{"amount":100,"to":"acc-1"}"# } else { "" };
        let kind = if body.is_empty() { "" } else { "content-type: application/json\r\n" };
        format!(
            "{method} {} HTTP/1.1\r\nhost: {}\r\nuser-agent: {BROWSER}\r\naccept: */*\r\naccept-language: en\r\n\
             x-user: user-{:08}\r\n{kind}content-length: {}\r\n\r\n{body}",
            self.path,
            self.address,
            user % 100_000_000,
            body.len()
        )
        .into_bytes()
    }

    async fn connect(&self) -> io::Result<TcpStream> {
        let stream = TcpStream::connect(&self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    pub async fn closed_loop(self) -> io::Result<Turn> {
        let load = Rc::new(self);
        let counts = Rc::new(Counts::default());
        let start = |_| tokio::task::spawn_local(work(Rc::clone(&load), Rc::clone(&counts)));
        let workers: Vec<_> = (0..load.connections).map(start).collect();
        tokio::time::sleep(Duration::from_millis(250)).await;
        let (cpu_before, began) = (cpu(load.pid)?, Instant::now());
        counts.is_measuring.set(true);
        tokio::time::sleep(Duration::from_secs_f64(load.seconds)).await;
        counts.is_measuring.set(false);
        let (used, took) = (cpu(load.pid)? - cpu_before, began.elapsed().as_secs_f64());
        counts.is_over.set(true);
        for worker in workers {
            let _ = tokio::time::timeout(Duration::from_secs(3), worker).await;
        }
        let mut latencies = counts.latencies.take();
        latencies.sort_unstable();
        let at = |share: f64| {
            let index = (latencies.len() as f64 * share) as usize;
            latencies.get(index).map_or(0.0, |latency| latency.as_secs_f64() * 1000.0)
        };
        let requests = latencies.len() as u64;
        Ok(Turn {
            requests,
            not_ok: counts.not_ok.get(),
            per_second: requests as f64 / took,
            cpu_us: used.as_secs_f64() * 1e6 / requests.max(1) as f64,
            busy: used.as_secs_f64() / took,
            p50_ms: at(0.50),
            p99_ms: at(0.99),
        })
    }

    /// Connects all, then sends one request on each at the same time.
    pub async fn hold(self) -> io::Result<Held> {
        let before = resident_kb(self.pid)?;
        let mut streams = Vec::with_capacity(self.connections);
        for index in 0..self.connections {
            streams.push(self.connect().await?);
            if index % 100 == 99 {
                tokio::time::sleep(Duration::from_millis(5)).await; // So that the backlog is not outrun.
            }
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        let connected = resident_kb(self.pid)?;
        let (done, not_ok) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
        let mut open = Vec::with_capacity(self.connections);
        for (index, mut stream) in streams.into_iter().enumerate() {
            let request = self.request(index);
            let (done, not_ok) = (Rc::clone(&done), Rc::clone(&not_ok));
            open.push(tokio::task::spawn_local(async move {
                let answer = exchange(&mut stream, &request, &mut Vec::with_capacity(1024)).await;
                not_ok.set(not_ok.get() + u64::from(!matches!(answer, Ok(200))));
                done.set(done.get() + 1);
                stream
            }));
        }
        let (mut peak, began) = (connected, Instant::now());
        while done.get() < self.connections && began.elapsed() < Duration::from_secs(60) {
            tokio::time::sleep(Duration::from_millis(25)).await;
            peak = peak.max(resident_kb(self.pid)?);
        }
        Ok(Held { before, connected, peak, not_ok: not_ok.get() + (self.connections - done.get()) as u64 })
    }
}

#[derive(Default)]
struct Counts {
    is_measuring: Cell<bool>,
    is_over: Cell<bool>,
    users: Cell<usize>,
    not_ok: Cell<u64>,
    latencies: RefCell<Vec<Duration>>,
}

async fn work(load: Rc<Load>, counts: Rc<Counts>) {
    let mut answer = Vec::with_capacity(16 * 1024);
    let mut stream = None;
    while !counts.is_over.get() {
        counts.users.set(counts.users.get() + 1);
        let request = load.request(counts.users.get());
        let began = Instant::now();
        let result = match stream.take() {
            Some(stream) => Ok(stream),
            None => load.connect().await,
        };
        let status = match result {
            Ok(mut connected) => {
                let status = exchange(&mut connected, &request, &mut answer).await;
                stream = status.is_ok().then_some(connected);
                status
            }
            Err(error) => Err(error),
        };
        if counts.is_measuring.get() {
            match status {
                Ok(200) => counts.latencies.borrow_mut().push(began.elapsed()),
                _ => counts.not_ok.set(counts.not_ok.get() + 1),
            }
        }
        if status.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Sends a request and reads its answer, which has a `content-length`; the status.
async fn exchange(stream: &mut TcpStream, request: &[u8], answer: &mut Vec<u8>) -> io::Result<u16> {
    stream.write_all(request).await?;
    answer.clear();
    let mut whole = None;
    while whole.is_none_or(|length| answer.len() < length) {
        if stream.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if whole.is_none()
            && let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
            let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
            whole = Some(head + 4 + length.unwrap_or(0));
        }
    }
    let status = answer.get(9..12).and_then(|status| std::str::from_utf8(status).ok()?.parse().ok());
    status.ok_or_else(|| io::ErrorKind::InvalidData.into())
}
