//! How many instructions a guarded request takes, counted by Valgrind: the same on any machine, whatever else runs on it.
//!
//! The application runs in one thread of a process of its own, the stub in another process, which is not counted. It is asked
//! `FEW` and `MANY` times, and the difference is divided by the difference of the two, so that the start drops out.
//!
//! What is kept is no count but a ratio: of ours to the one that is written by hand, compiled by the same compiler with
//! the same HTTP client and counted in the same run. Another compiler changes both.
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use axum::extract::ConnectInfo;
use serde::Deserialize;
use tower::ServiceExt as _;

use crate::app::Peer;
use crate::process::Server;

const FEW: u64 = 50;
const MANY: u64 = 150;

/// What was counted last, in `benches/instructions.json`.
#[derive(Deserialize)]
struct Kept {
    rustc: String,
    /// Instructions of `ours` for each of `by-hand`.
    ratio: f64,
    /// Instructions of `ours-hyper` for each of `floor`.
    hyper_ratio: f64,
}

/// A count fails that is so much higher than what is kept.
const MAX_GROWTH: f64 = 1.05;

/// Asks an application so many times, in this thread.
pub async fn ask(peer: Peer, api_url: &str, times: u64) {
    let app = peer.app(api_url, "allow");
    for user in 0..times {
        let request = http::Request::post("/withdraw")
            .header("host", "localhost:3000")
            .header("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36")
            .header("accept", "*/*")
            .header("accept-language", "en")
            .header("content-type", "application/json")
            .header("x-user", format!("user-{user:08}"))
            .extension(ConnectInfo(SocketAddr::from(([127, 0, 0, 1], 40_000))))
            .body(axum::body::Body::from(r#"{"amount":100,"to":"acc-1"}"#))
            .expect("a request");
        let response = app.clone().oneshot(request).await.expect("it cannot fail");
        assert!(response.status().is_success(), "{peer:?}: {}", response.status());
    }
}

/// Instructions of a process that asks so many times.
fn count(peer: Peer, stub: &Server, times: u64) -> io::Result<u64> {
    let api_url = format!("http://{}/v1", stub.address);
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["ask", peer.name(), &api_url, &times.to_string()])
        .output()?;
    let text = String::from_utf8_lossy(&output.stderr);
    let counted = text.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    match counted {
        Some(count) if output.status.success() => Ok(count),
        _ => Err(io::Error::other(format!("valgrind: {}\n{text}", output.status))),
    }
}

/// Counts, says what it counted, and whether it is more than what was kept.
pub fn run(peers: &[Peer]) -> io::Result<bool> {
    let stub = Server::stub()?;
    let mut counts = Vec::new();
    for &peer in peers {
        let per_request = (count(peer, &stub, MANY)? - count(peer, &stub, FEW)?) as f64 / (MANY - FEW) as f64;
        println!("{:10} {per_request:8.0} instructions a request", peer.name());
        counts.push((peer, per_request));
    }
    let of = |peer| counts.iter().find(|(counted, _)| *counted == peer).map(|(_, count)| *count);
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("instructions.json");
    let kept: Kept = serde_json::from_slice(&std::fs::read(file)?)?;
    let mut is_kept = true;
    for (ours, other, before) in
        [(Peer::Ours, Peer::ByHand, kept.ratio), (Peer::OursHyper, Peer::Floor, kept.hyper_ratio)]
    {
        let (Some(count), Some(other_count)) = (of(ours), of(other)) else { continue };
        let ratio = count / other_count;
        println!("{} / {}: {ratio:.3}; {before:.3} by {} is kept", ours.name(), other.name(), kept.rustc);
        if ratio < before / MAX_GROWTH {
            println!("It has become less by more than 5 %: keep the new ratio in benches/instructions.json.");
        }
        is_kept &= ratio <= before * MAX_GROWTH;
    }
    Ok(is_kept)
}
