//! How many calls a second go through where 512 are on their way at once and each is answered after 100 ms: by HTTP/2 against
//! HTTP/1.1, through either HTTP client, in turns.
//!
//! The stub takes 128 calls at a time on an HTTP/2 connection, as common gateways do. Plain text; one thread sends.
use std::cell::Cell;
use std::error::Error;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use axum_authsignal::Client;

use crate::app::ours;
use crate::duel::Ratio;
use crate::process::Server;
use crate::stub::ask;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How many calls are on their way at once.
const AT_ONCE: usize = 512;
const DELAY_MS: u32 = 100;

/// Calls a second, and how many failed.
async fn turn(client: &Client) -> Result<(f64, u64)> {
    let (done, failed) = (Rc::new(Cell::new(0_u64)), Rc::new(Cell::new(0)));
    let workers: Vec<_> = (0..AT_ONCE)
        .map(|user| {
            let (client, done, failed) = (client.clone(), Rc::clone(&done), Rc::clone(&failed));
            tokio::task::spawn_local(async move {
                let user = format!("user-{user}");
                loop {
                    match client.track(&user, "allow").await {
                        Ok(_) => done.set(done.get() + 1),
                        Err(_) => failed.set(failed.get() + 1),
                    }
                }
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(500)).await; // Until all are under way.
    let (before, began) = (done.get(), Instant::now());
    tokio::time::sleep(Duration::from_secs(1)).await;
    let per_second = (done.get() - before) as f64 / began.elapsed().as_secs_f64();
    for worker in workers {
        worker.abort();
        let _ = worker.await;
    }
    Ok((per_second, failed.get()))
}

pub async fn run(turns: usize) -> Result<String> {
    let stub = Server::stub()?;
    ask(&stub.address, &format!("/__delay/{DELAY_MS}"))?;
    let builder = || ours::client(&format!("http://{}/v1", stub.address));
    let clients = [
        ("hyper, HTTP/1.1", builder().hyper().build()?),
        ("hyper, HTTP/2", builder().hyper().http2_prior_knowledge().build()?),
        ("hyper, HTTP/1.1 again", builder().hyper().build()?),
        ("reqwest, HTTP/1.1", builder().build()?),
        ("reqwest, HTTP/2", builder().http2_prior_knowledge().build()?),
    ];
    let (mut found, mut failed) = (vec![Vec::new(); clients.len()], vec![0; clients.len()]);
    for number in 0..turns {
        let mut round = vec![0.0; clients.len()];
        for offset in 0..clients.len() {
            let index = (number + offset) % clients.len(); // So that none is always first.
            let (per_second, failures) = turn(&clients[index].1).await?;
            round[index] = per_second;
            failed[index] += failures;
        }
        for (ratios, per_second) in found.iter_mut().zip(&round) {
            ratios.push((per_second / round[0], *per_second));
        }
        eprint!("\rturn {} of {turns} ", number + 1);
    }
    eprintln!();
    let most = AT_ONCE as f64 * 1000.0 / f64::from(DELAY_MS);
    let mut text = format!(
        "{AT_ONCE} calls at once, answered after {DELAY_MS} ms, so at most {most:.0} a second; {turns} turns of 1 s\n\n\
         | client | calls a second, x hyper's by HTTP/1.1 | share of the most there can be | failed |\n|---|---|---|---|\n"
    );
    for (((name, _), ratios), failed) in clients.iter().zip(found).zip(failed) {
        let (ratios, rates): (Vec<f64>, Vec<f64>) = ratios.into_iter().unzip();
        writeln!(text, "| {name} | {} | {:.2} | {failed} |", Ratio::of(ratios), Ratio::of(rates).median / most)?;
    }
    Ok(text)
}
