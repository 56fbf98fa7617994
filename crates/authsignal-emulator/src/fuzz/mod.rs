//! Generated requests, each of which is answered or refused as the service would, and never brings anything down.
//!
//! The same seed makes the same requests. `FUZZ` is how many go through the router, `FUZZ_SEED` what they are made from:
//!
//! ```sh
//! cargo test -p authsignal-emulator --lib fuzz -- --nocapture
//! FUZZ=1000000 cargo test -p authsignal-emulator --release --lib fuzz -- --nocapture
//! ```
mod expected;
mod maker;
mod members;
mod parsers;
mod random;
mod request;
mod routes;
mod samples;

use std::collections::{BTreeMap, HashSet};
use std::time::{Duration, Instant, UNIX_EPOCH};

use authsignal_client::Clock;
use axum::Router;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::config::Config;
use crate::db::Db;
use crate::fuzz::expected::Answered;
use crate::fuzz::maker::Maker;
use crate::fuzz::random::Random;
use crate::fuzz::request::{Case, Loot};
use crate::fuzz::routes::is_control;
use crate::handle::Emulator;
use crate::request_log::Endpoint;
use crate::server::router::router;
use crate::tenant::Tenant;

/// How many go through the router unless `FUZZ` says otherwise: less than a minute without optimisation.
const REQUESTS: u64 = 60_000;
/// How many texts go straight to what reads them.
const TEXTS: u64 = 1_000_000;
/// After how many requests the emulator forgets everything and has other settings, so that it stays as fast as it was.
const ROUND: u64 = 5_000;

/// Seconds of the Unix epoch: 2026-01-15T10:00:00Z.
const START: Duration = Duration::from_secs(1_768_471_200);

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

/// Shows what led to a panic.
struct Shown<'a>(&'a Case, u64);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("request {}: {}", self.1, self.0);
        }
    }
}

async fn answer(app: &Router, case: &Case) -> Answered {
    let Ok(response) = app.clone().oneshot(case.request()).await;
    let (parts, body) = response.into_parts();
    Answered { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
}

#[tokio::test]
async fn fuzzed_requests() {
    let (count, seed) = (number("FUZZ", REQUESTS), number("FUZZ_SEED", 1));
    let clock = Clock::manual(UNIX_EPOCH + START);
    let file = Config::from_file("docs/emulator.toml").unwrap();
    let emulator = Emulator::builder().config(&file).port(0).clock(clock.clone()).start().await.unwrap();
    let (shared, app) = (&emulator.shared, router(&emulator.shared));
    let mut maker = Maker { shared, random: Random::new(seed), loot: Loot::default() };
    let (mut statuses, mut well, begun) = (BTreeMap::<_, u64>::new(), HashSet::new(), Instant::now());
    for at in 0..count {
        if at % ROUND == 0 {
            let tenant = if at % (2 * ROUND) == 0 { Tenant::new() } else { file.tenant().clone() };
            clock.set(UNIX_EPOCH + START);
            *shared.db() = Db::new(tenant, clock.now());
            emulator.clear_received_requests();
            maker.loot = Loot::default();
        }
        maker.help();
        clock.advance(Duration::from_millis(maker.random.below(2_000) as u64));
        let case = maker.case();
        let shown = Shown(&case, at);
        let answered = answer(&app, &case).await;
        *statuses.entry(answered.status.as_u16()).or_default() += 1;
        expected::check(&case, &answered, shared);
        drop(shown);
        if is_control(case.uri.path()) {
            // What was injected, and where webhooks would go, is no matter of the next requests. A short list is soon shown.
            emulator.clear_faults();
            emulator.send_webhooks(None, None, &[]).unwrap();
            emulator.clear_received_requests();
        } else if !answered.status.is_client_error() {
            well.extend(shared.requests.all().back().map(|seen| seen.endpoint));
            maker.loot.take(&answered.json());
        }
    }
    println!("{count} requests from seed {seed} in {:.1?}; answers by status: {statuses:?}", begun.elapsed());
    // What browsers do takes proofs that nobody has here.
    let servers = Endpoint::TABLE.iter().filter(|known| known.2.iter().all(|route| !route.1.starts_with("/client/")));
    let missed: Vec<_> = servers.filter(|known| !well.contains(&known.0)).map(|known| known.1).collect();
    assert!(missed.is_empty() || count < REQUESTS, "never answered but with errors: {missed:?}");
}
