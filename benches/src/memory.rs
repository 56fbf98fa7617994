//! How much memory a request takes that waits for Authsignal.
use std::io;

use crate::app::Peer;
use crate::duel::Ratio;
use crate::process::Server;
use crate::stub;

/// How long the answers take: long enough that all wait at once, also on a busy machine. There it may be, with the time that
/// it takes to begin all, more than half of a call's deadline (5 s): then some of ours are sent a second time, and have no time
/// left for the answer to that.
const DELAY: &str = "/__delay/2000";

/// Lets `waiting` requests wait at once on an answer that takes its time, `rounds` times with a fresh process.
pub fn run(peers: &[Peer], waiting: usize, rounds: usize) -> io::Result<String> {
    let stub = Server::stub()?;
    let mut kilobytes = vec![(Vec::new(), Vec::new()); peers.len()];
    for round in 0..rounds {
        for (&peer, (alone, all)) in peers.iter().zip(&mut kilobytes) {
            stub::ask(&stub.address, "/__delay/0")?;
            let server = Server::peer(peer, &stub, "allow")?;
            server.turn("/withdraw", 8, 1.0)?;
            stub::ask(&stub.address, DELAY)?;
            let held = server.hold("/withdraw", waiting)?;
            if held.not_ok > 0 {
                eprintln!("\n{}: {} answers were not 200", peer.name(), held.not_ok);
            }
            if held.not_ok > waiting as u64 / 20 {
                return Err(io::Error::other(format!("{}: {} answers were not 200", peer.name(), held.not_ok)));
            }
            alone.push((held.peak - held.connected) as f64 / waiting as f64);
            all.push((held.peak - held.before) as f64 / waiting as f64);
            eprint!("\rround {} of {rounds}: {}       ", round + 1, peer.name());
        }
    }
    eprintln!();
    let mut text = format!(
        "{waiting} requests waiting at once; median of {rounds} rounds\n\n\
         | peer | kB per waiting request | with its connection |\n|---|---|---|\n"
    );
    for (peer, (alone, all)) in peers.iter().zip(kilobytes) {
        text += &format!("| {} | {:.1} | {:.1} |\n", peer.name(), Ratio::of(alone).median, Ratio::of(all).median);
    }
    Ok(text)
}
