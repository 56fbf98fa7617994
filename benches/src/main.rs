//! Measures what a guard costs, against what people write by hand; `docs/performance.md` says what the figures mean.
//!
//! ```text
//! cargo run --release -- duel          CPU time and throughput in turns, against the others
//! cargo run --release -- memory        memory of a request that waits
//! cargo run --release -- instructions  instructions of a request; fails on growth
//! cargo run --release -- store         the store in memory with many records, against few
//! cargo run --release -- slow          p99 where one answer in a hundred takes a second, with hedging and without
//! cargo run --release -- http2         throughput of many calls at once by HTTP/2, against HTTP/1.1
//! cargo run --release -- start         the quick start from exec to its first answer, against a hello world
//! cargo run --release -- timing        whether the time of an answer tells what it must not
//! cargo run --release -- check         whether all peers do what they should
//! ```
use std::error::Error;
use std::process::ExitCode;

use benches::app::Peer;
use benches::duel::{self, Duel};
use benches::load::Load;
use benches::{check, http2, instructions, memory, plot, slow, start, store, stub, timing};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

const USAGE: &str = "\
duel [--peers ours,ours-hyper,by-hand,floor,bare] [--base floor] [--connections 1,64,512] [--turns 24] [--seconds 1]
     [--path /withdraw] [--plot FILE.svg]
memory [--peers ours,ours-hyper,by-hand,floor] [--waiting 5000] [--turns 3]
instructions [--peers ours,ours-hyper,by-hand,floor,bare]
store
slow
http2 [--turns 24]
start [--turns 24]
timing [--samples 1000000]
check";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn block_on<T>(future: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(tokio::task::LocalSet::new().block_on(&runtime, future))
}

fn peer(name: &str) -> Result<Peer> {
    Peer::from_name(name).ok_or_else(|| format!("no peer {name}").into())
}

/// What the processes of a measurement are told.
fn part(arguments: &[&str]) -> Result<bool> {
    match *arguments {
        ["stub"] => block_on(async {
            let listener = stub::listen()?;
            println!("{}", listener.local_addr()?);
            stub::serve(listener).await;
            Ok::<_, std::io::Error>(())
        })??,
        ["serve", name, api_url, action] => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(peer(name)?.serve(api_url, action))?;
        }
        [kind @ ("load" | "hold"), address, path, pid, connections, seconds] => {
            let (address, path) = (address.to_owned(), path.to_owned());
            let (pid, connections, seconds) = (pid.parse()?, connections.parse()?, seconds.parse()?);
            let load = Load { address, path, pid, connections, seconds };
            let json = match kind {
                "load" => serde_json::to_string(&block_on(load.closed_loop())??)?,
                _ => serde_json::to_string(&block_on(load.hold())??)?,
            };
            println!("{json}");
        }
        ["ask", name, api_url, times] => block_on(instructions::ask(peer(name)?, api_url, times.parse()?))?,
        _ => return Err(USAGE.into()),
    }
    Ok(true)
}

fn run() -> Result<bool> {
    use lexopt::prelude::{Long, Value, ValueExt as _};
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let what = arguments.first().map_or("", String::as_str);
    if !["duel", "memory", "instructions", "store", "slow", "http2", "start", "timing", "check"].contains(&what) {
        return part(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let mut peers = match what {
        "memory" => vec![Peer::Ours, Peer::OursHyper, Peer::ByHand, Peer::Floor],
        _ => Peer::ALL.to_vec(),
    };
    let mut duel = Duel {
        peers: Vec::new(),
        base: Peer::Floor,
        path: "/withdraw".to_owned(),
        connections: vec![1, 64, 512],
        turns: if what == "memory" { 3 } else { 24 },
        seconds: 1.0,
    };
    let (mut waiting, mut samples, mut picture) = (5000, 1_000_000, None);
    let mut parser = lexopt::Parser::from_args(&arguments[1..]);
    while let Some(argument) = parser.next()? {
        let Long(name) = argument else {
            return Err(if let Value(value) = argument { format!("what is {value:?}?") } else { USAGE.into() }.into());
        };
        let name = name.to_owned();
        let value = parser.value()?.string()?;
        match name.as_str() {
            "peers" => peers = value.split(',').map(peer).collect::<Result<_>>()?,
            "base" => duel.base = peer(&value)?,
            "path" => duel.path = value,
            "connections" => {
                duel.connections = value.split(',').map(str::parse).collect::<std::result::Result<_, _>>()?
            }
            "turns" => duel.turns = value.parse()?,
            "seconds" => duel.seconds = value.parse()?,
            "waiting" => waiting = value.parse()?,
            "samples" => samples = value.parse()?,
            "plot" => picture = Some(value),
            _ => return Err(USAGE.into()),
        }
    }
    // Connections of both sides, and those upstream.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most)?;
    match what {
        "duel" => {
            duel.peers = peers;
            let rows = duel.run()?;
            println!("{}", duel::table(&duel, &rows));
            if let Some(file) = picture {
                std::fs::write(file, plot::svg(&duel, &rows))?;
            }
            Ok(true)
        }
        "memory" => {
            println!("{}", memory::run(&peers, waiting, duel.turns)?);
            Ok(true)
        }
        "store" => {
            println!("{}", store::run()?);
            Ok(true)
        }
        "slow" => {
            println!("{}", block_on(slow::run())?.map_err(|error| error.to_string())?);
            Ok(true)
        }
        "http2" => {
            println!("{}", block_on(http2::run(duel.turns))?.map_err(|error| error.to_string())?);
            Ok(true)
        }
        "start" => {
            println!("{}", start::run(duel.turns)?);
            Ok(true)
        }
        "timing" => {
            let (text, is_good) = block_on(timing::run(samples))?;
            println!("{text}");
            Ok(is_good)
        }
        "check" => Ok(check::run()?),
        _ => Ok(instructions::run(&peers)?),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
