//! What a user waits where one answer in a hundred takes a second: without such answers, with them, and with them where slow reads
//! are sent a second time.
//!
//! The stub answers after 20 to 60 ms, each as often as any other, and every hundredth call after a second; always the same ones.
//! A read is sent again a tenth after the p99 of a run without slow answers, as somebody would set it who has looked.
use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use axum_authsignal::Client;
use tokio::task::JoinSet;

use crate::app::ours;
use crate::process::Server;
use crate::stub::ask;

type Failure = Box<dyn Error + Send + Sync>;
type Result<T> = std::result::Result<T, Failure>;

const KEY: &str = "f7f6ff4c-600f-4d61-99a2-b1157fe43777";
/// How many calls are on their way at once.
const AT_ONCE: u32 = 32;
/// How many calls each setting makes in a turn, and how many turns there are.
const CALLS: u32 = 1600;
const TURNS: usize = 4;

/// How often a call is slow, and whether the client does something about it.
const SETTINGS: [(&str, u32, bool); 3] =
    [("no slow answers", 0, false), ("1 % take a second", 100, false), ("the same, hedged", 100, true)];

#[derive(Clone, Copy)]
enum Read {
    Action,
    Token,
}

impl Read {
    async fn ask(self, client: &Client) -> Result<()> {
        match self {
            Self::Action => drop(client.get_action("ada", "withdrawal", KEY).await?),
            Self::Token => drop(client.validate_challenge("a-token").await?),
        }
        Ok(())
    }
}

/// How long so many calls took, each, and how many the stub got for them.
async fn turn(client: &Client, read: Read, stub: &Server, slow_every: u32) -> Result<(Vec<Duration>, u64)> {
    ask(&stub.address, &format!("/__slow/{slow_every}"))?;
    let calls = || Ok::<_, Failure>(ask(&stub.address, "/__calls")?.as_u64().unwrap_or(0));
    let before = calls()?;
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let client = client.clone();
        workers.spawn(async move {
            let mut took = Vec::new();
            for _ in 0..CALLS / AT_ONCE {
                let began = Instant::now();
                read.ask(&client).await?;
                took.push(began.elapsed());
            }
            Ok::<_, Failure>(took)
        });
    }
    let mut all = Vec::new();
    while let Some(took) = workers.join_next().await {
        all.append(&mut took??);
    }
    Ok((all, calls()? - before))
}

/// Milliseconds that so large a share of the calls did not exceed.
fn at(sorted: &[Duration], share: f64) -> f64 {
    let index = (sorted.len() as f64 * share) as usize;
    sorted.get(index).map_or(f64::NAN, |took| took.as_secs_f64() * 1000.0)
}

pub async fn run() -> Result<String> {
    let mut text = String::from(
        "| call | by | setting | p50, ms | p99, ms | p99 against none slow | p99.9, ms | calls sent for 100 |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for (name, read) in [("get_action", Read::Action), ("validate", Read::Token)] {
        for (by, is_hyper) in [("reqwest", false), ("hyper", true)] {
            let stub = Server::stub()?;
            ask(&stub.address, "/__delay/20")?;
            ask(&stub.address, "/__spread/40")?;
            let builder = || {
                let builder = ours::client(&format!("http://{}/v1", stub.address));
                if is_hyper { builder.hyper() } else { builder }
            };
            let plain = builder().build()?;
            turn(&plain, read, &stub, 0).await?; // Connects.
            let (mut took, _) = turn(&plain, read, &stub, 0).await?;
            took.sort_unstable();
            let hedge_after = Duration::from_secs_f64(at(&took, 0.99) * 1.1 / 1000.0);
            let hedging = builder().hedge_after(hedge_after).build()?;
            turn(&hedging, read, &stub, 0).await?;

            let mut found = SETTINGS.map(|_| (Vec::new(), 0));
            for _ in 0..TURNS {
                for ((_, slow_every, is_hedged), (all, sent)) in SETTINGS.iter().zip(&mut found) {
                    let client = if *is_hedged { &hedging } else { &plain };
                    let (mut took, calls) = turn(client, read, &stub, *slow_every).await?;
                    all.append(&mut took);
                    *sent += calls;
                }
            }
            let mut without = f64::NAN;
            for ((setting, slow_every, is_hedged), (mut all, sent)) in SETTINGS.into_iter().zip(found) {
                all.sort_unstable();
                let p99 = at(&all, 0.99);
                if slow_every == 0 {
                    without = p99;
                }
                let after = if is_hedged { format!(" after {} ms", hedge_after.as_millis()) } else { String::new() };
                let (p50, p999) = (at(&all, 0.5), at(&all, 0.999));
                let (ratio, sent) = (p99 / without, sent as f64 * 100.0 / all.len() as f64);
                writeln!(
                    text,
                    "| {name} | {by} | {setting}{after} | {p50:.0} | {p99:.0} | {ratio:.2} | {p999:.0} | {sent:.2} |"
                )?;
            }
        }
    }
    Ok(text)
}
