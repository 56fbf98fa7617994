//! A service that hangs under a crowd of guarded requests: who waits, who is shed, what others feel, and how soon all is well again.
//!
//! The crowd is 500 requests here. The figures in `docs/outages.md` are of 10,000:
//!
//! ```text
//! ulimit -n 65536; OUTAGE_REQUESTS=10000 cargo test --release --all-features --test it outages::hang -- --nocapture
//! ```
use std::net::SocketAddr;
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault, Outcome};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use axum_authsignal::{Authsignal, AuthsignalLayer, Circuit, Client};
use test_support::waiting::until;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::support::{CALLBACK, clock, emulator, who};

const ROUNDS: usize = 5;
/// How long unguarded requests are made beside a crowd.
const BESIDE: Duration = Duration::from_millis(1_500);

fn request(path: &str, connection: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nhost: app\r\nx-user: ada\r\nconnection: {connection}\r\n\r\n")
}

/// The status of a request on a connection of its own, and how long it took. What the system turned away before it was accepted,
/// since so many came at once, is sent again.
async fn ask(address: SocketAddr, path: &'static str) -> (u16, Duration) {
    let begun = Instant::now();
    let answer = loop {
        match try_ask(address, path).await {
            Ok(answer) if !answer.is_empty() => break answer,
            _ => sleep(Duration::from_millis(20)).await,
        }
        assert!(begun.elapsed() < Duration::from_secs(120), "no answer");
    };
    let status = answer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
    (status.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&answer))), begun.elapsed())
}

async fn try_ask(address: SocketAddr, path: &str) -> std::io::Result<Vec<u8>> {
    // No more than a queue of the system's has room for: what it turns away waits for seconds.
    static CONNECTING: Semaphore = Semaphore::const_new(500);
    let connecting = CONNECTING.acquire().await.expect("it is never closed");
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request(path, "close").as_bytes()).await?;
    drop(connecting);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// How long unguarded requests take, one after another on a connection that stays: the 99th of 100.
async fn beside(address: SocketAddr) -> Duration {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (begun, mut took) = (Instant::now(), Vec::new());
    while begun.elapsed() < BESIDE {
        let asked = Instant::now();
        stream.write_all(request("/open", "keep-alive").as_bytes()).await.unwrap();
        let (mut read, mut answer) = (0, [0; 1024]);
        while !answer[..read].ends_with(b"\r\n\r\nopen") {
            let length = stream.read(&mut answer[read..]).await.unwrap();
            assert!(length > 0, "an unguarded request is answered");
            read += length;
        }
        took.push(asked.elapsed());
        sleep(Duration::from_millis(1)).await;
    }
    took.sort_unstable();
    took[took.len() * 99 / 100]
}

/// Bytes of this process that are in memory.
fn resident() -> Option<u64> {
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    Some(pages.split(' ').nth(1)?.parse::<u64>().ok()? * 4096)
}

/// T83, T84: with the service hanging, a crowd is shed at once apart from those who may wait, unguarded requests do not feel it,
/// who leaves makes room, and all is well within five seconds of the service's return.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t83_t84_a_service_that_hangs_under_a_crowd_holds_nobody_else() {
    let requests =
        std::env::var("OUTAGE_REQUESTS").map_or(500, |text| text.parse().expect("OUTAGE_REQUESTS is a number"));
    let room = (requests / 10).clamp(8, 512);
    let emulator = emulator(&clock()).await;
    emulator.set_outcome("pay", Outcome::Allow);
    // Long enough that a crowd is all there before the first of it gives up, also where other programs run.
    let deadline = Duration::from_secs(if requests > 1_000 { 30 } else { 5 });
    let client = Client::builder(emulator.secret()).base_url(emulator.base_url());
    let client = client.connect_timeout(deadline).deadline(deadline).build().unwrap();
    let authsignal = Authsignal::builder(client)
        .callback_url(CALLBACK)
        .max_upstream_calls(room)
        .identify(|headers: http::HeaderMap| async move { who(&headers) })
        .build()
        .unwrap();
    let layer = AuthsignalLayer::new(&authsignal, "pay");
    let app = Router::new()
        .route("/pay", get(async || "paid").route_layer(layer))
        .route("/open", get(async || "open"))
        .route("/refused", get(async || StatusCode::SERVICE_UNAVAILABLE));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    assert_eq!(ask(address, "/pay").await.0, 200);

    emulator.inject_fault(Endpoint::Track, Fault::delay(Duration::from_secs(3600)).always());
    let (mut control, mut hanging, mut shed_after, mut waiting_bytes) = (vec![], vec![], vec![], vec![]);
    let (mut control_crowd, mut hanging_crowd) = (vec![], vec![]);
    let crowd = |path| {
        let mut crowd = JoinSet::new();
        (0..requests).for_each(|_| drop(crowd.spawn(ask(address, path))));
        crowd
    };
    for _ in 0..ROUNDS {
        // The same crowd, which the application itself refuses: what it costs to refuse so many.
        let refused = crowd("/refused");
        control_crowd.push(beside(address).await);
        assert!(refused.join_all().await.iter().all(|(status, _)| *status == 503));
        control.push(beside(address).await);

        let before = resident();
        let mut asking = crowd("/pay");
        hanging_crowd.push(beside(address).await);
        for _ in room..requests {
            let (status, took) = asking.join_next().await.unwrap().unwrap();
            assert_eq!(status, 503);
            shed_after.push(took);
        }
        assert_eq!((authsignal.upstream().in_flight, authsignal.upstream().circuit), (room, Circuit::Closed));
        hanging.push(beside(address).await);
        waiting_bytes.extend(before.zip(resident()).map(|(before, now)| now.saturating_sub(before) / room as u64));
        asking.shutdown().await;
        until("whoever left has made room", async || authsignal.upstream().in_flight == 0).await;
    }
    shed_after.sort_unstable();
    println!(
        "{requests} guarded requests at once, {room} wait; {ROUNDS} rounds: {} shed, all with 503, the 99th of 100 after {:?}",
        shed_after.len(),
        shed_after[shed_after.len() * 99 / 100]
    );
    println!("p99 of unguarded requests, with nobody waiting: {control:?}; with {room}: {hanging:?}");
    println!("while the crowd is answered, by the application: {control_crowd:?}; by the guard: {hanging_crowd:?}");
    println!("bytes for each that waits, with both ends of its two connections in this process: {waiting_bytes:?}");
    // Other programs run beside tests, so that the bound is wide, and the calmest round counts; the figures are said.
    let (spread, found) = (*control.iter().max().unwrap(), *hanging.iter().min().unwrap());
    assert!(found < spread * 3 + Duration::from_millis(20), "{found:?} against {spread:?}");

    // Those who stay run into the deadline, which opens the breaker; what comes then is answered at once.
    let asking = crowd("/pay");
    let ended = asking.join_all().await;
    assert!(ended.iter().all(|(status, _)| *status == 503));
    assert_ne!(authsignal.upstream().circuit, Circuit::Closed);
    assert_eq!(ask(address, "/pay").await.0, 503);
    emulator.clear_faults();
    let back = Instant::now();
    while authsignal.upstream().circuit != Circuit::Closed {
        ask(address, "/pay").await;
        sleep(Duration::from_millis(20)).await;
        assert!(back.elapsed() < Duration::from_secs(5), "not normal within five seconds");
    }
    println!("normal {:?} after the service's return", back.elapsed());
    for _ in 0..20 {
        assert_eq!(ask(address, "/pay").await.0, 200);
    }
    assert_eq!(authsignal.upstream().in_flight, 0);
    server.abort();
}
