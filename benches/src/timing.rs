//! Whether the time of an answer tells what must not be told, as dudect does it (Reparaz, Balasch and Verbauwhede, "Dude, is my
//! code constant time?", 2017): two kinds of input in random order, and Welch's t of how long they take, of all times and of
//! those below some percentiles. Beyond 4.5 they differ. Controls, which do differ, show that a difference is seen.
use std::fmt::Write as _;
use std::future::poll_fn;
use std::hint::black_box;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, Response};
use axum::routing::get;
use axum_authsignal::store::MemoryStore;
use axum_authsignal::webhook::Webhook;
use axum_authsignal::{Authsignal, AuthsignalLayer, Client, User};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http_body_util::Full;
use tower::{Service as _, ServiceExt as _};

use crate::store::Random;

/// Beyond this, two kinds of input take different times.
const MAX_T: f64 = 4.5;
/// How many flows other browsers have begun. Each input is made anew: of few, those of one kind may happen to lie better in
/// memory than those of the other.
const FOREIGN: usize = 20_000;
/// Below which of these parts of all times they are compared as well.
const PERCENTILES: [f64; 4] = [0.5, 0.75, 0.9, 0.99];
/// From how many times the percentiles are taken.
const CALIBRATION: usize = 20_000;

/// Count, mean and sum of squares (Welford).
#[derive(Clone, Copy, Default)]
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let off = value - self.mean;
        self.mean += off / self.count;
        self.squares += off * (value - self.mean);
    }

    fn variance_of_mean(self) -> f64 {
        self.squares / (self.count - 1.0) / self.count
    }
}

/// Welch's t of two kinds of times.
fn welch([one, other]: [Moments; 2]) -> f64 {
    (one.mean - other.mean) / (one.variance_of_mean() + other.variance_of_mean()).sqrt()
}

/// What came of a case.
struct Found {
    /// The largest t of all, whatever its sign.
    t: f64,
    /// Nanoseconds by which the means of the faster half are apart.
    apart: f64,
    median: f64,
}

/// Takes so many times of inputs of two kinds, each after the other at random.
async fn compare(samples: usize, mut once: impl AsyncFnMut(usize, &mut Random) -> Duration) -> Found {
    let mut random = Random(25);
    let mut first = Vec::with_capacity(CALIBRATION);
    for _ in 0..CALIBRATION {
        let kind = random.below(2) as usize;
        first.push(once(kind, &mut random).await.as_nanos() as f64);
    }
    first.sort_unstable_by(f64::total_cmp);
    let bounds = PERCENTILES.map(|part| first[(CALIBRATION as f64 * part) as usize]);
    let (mut all, mut below) = ([Moments::default(); 2], [[Moments::default(); 2]; PERCENTILES.len()]);
    for _ in 0..samples {
        let kind = random.below(2) as usize;
        let took = once(kind, &mut random).await.as_nanos() as f64;
        all[kind].add(took);
        for (moments, bound) in below.iter_mut().zip(bounds) {
            if took < bound {
                moments[kind].add(took);
            }
        }
    }
    let t = below.iter().chain([&all]).map(|moments| welch(*moments).abs()).fold(0.0, f64::max);
    Found { t, apart: below[0][0].mean - below[0][1].mean, median: bounds[0] }
}

/// The same bytes, wrong in the first of them or in the last.
fn changed(tag: &[u8], kind: usize, random: &mut Random) -> Vec<u8> {
    let mut tag = tag.to_vec();
    let at = [0, tag.len() - 1][kind];
    tag[at] ^= u8::try_from(random.below(255) + 1).unwrap_or(1);
    tag
}

/// Compares as nobody should.
fn naive(one: &[u8], other: &[u8]) -> bool {
    one.iter().zip(other).all(|(one, other)| black_box(one) == black_box(other))
}

/// A service that asks everybody for a proof.
async fn challenges(request: Request<Bytes>) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let asked: serde_json::Value = serde_json::from_slice(request.body()).unwrap_or_default();
    let answer = serde_json::json!({
        "state": "CHALLENGE_REQUIRED",
        "idempotencyKey": asked["idempotencyKey"],
        "isEnrolled": true,
        "url": format!("https://mfa.authsignal.com/?token=a&back={}", asked["redirectUrl"].as_str().unwrap_or_default()),
    });
    Ok(Response::new(Full::from(answer.to_string())))
}

fn app() -> Router {
    let client = Client::builder("a-key").transport(tower::service_fn(challenges)).build().expect("a client");
    let authsignal = Authsignal::builder(client)
        .callback_url("https://app.example.com/authsignal/callback")
        .store(MemoryStore::new().limits(usize::MAX, usize::MAX))
        .identify(|headers: HeaderMap| async move { Some(User::new(headers.get("x-user")?.to_str().ok()?)) })
        .build()
        .expect("a handle");
    let layer = AuthsignalLayer::new(&authsignal, "pay");
    Router::new().route("/pay", get(|| async { "paid" }).route_layer(layer)).merge(authsignal.routes())
}

fn ask(target: &str, user: &str, cookie: Option<&str>) -> Request<Body> {
    let mut request = Request::get(target).header("x-user", user).header("accept", "text/html");
    request = request.header("sec-fetch-mode", "navigate");
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    request.body(Body::empty()).expect("a request")
}

/// A user is challenged: the flow's ticket, and the browser's cookie.
async fn begin(app: &Router, user: &str) -> (String, String) {
    let response = app.clone().oneshot(ask("/pay", user, None)).await.expect("an answer");
    let said = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let ticket = said("location").split_once("flow=").expect("a ticket").1.split('&').next().unwrap_or_default();
    let cookie = said("set-cookie").split(';').next().unwrap_or_default();
    (ticket.to_owned(), cookie.to_owned())
}

/// 43 characters that stand for 256 random bits, as tickets are written.
fn unknown(random: &mut Random) -> String {
    let bytes: Vec<u8> = (0..4).flat_map(|_| random.number().to_le_bytes()).collect();
    URL_SAFE_NO_PAD.encode(bytes)
}

fn one_of(kind: usize, [one, other]: [String; 2]) -> String {
    if kind == 0 { one } else { other }
}

/// The same with other letters at its beginning, or near its end: the last one has bits that mean nothing.
fn misspelt(text: &str, kind: usize, random: &mut Random) -> String {
    let (places, other) = ([0..10, 32..42][kind].clone(), unknown(random));
    let mut text = text.to_owned();
    text.replace_range(places.clone(), &other[places]);
    text
}

/// How long it takes until a way back is answered.
async fn time_of(app: &mut Router, ticket: &str, cookie: &str) -> Duration {
    let request = ask(&format!("/authsignal/callback?flow={ticket}&token=ey.ab.cd"), "mallory", Some(cookie));
    poll_fn(|context| tower::Service::<Request<Body>>::poll_ready(app, context)).await.expect("it is ready");
    let begun = Instant::now();
    let response = app.call(black_box(request)).await;
    let took = begun.elapsed();
    drop(black_box(response));
    took
}

struct Report {
    text: String,
    is_good: bool,
}

impl Report {
    fn add(&mut self, name: &str, samples: usize, found: &Found, differs: bool) {
        self.is_good &= (found.t >= MAX_T) == differs;
        let wanted = if differs { "control: has to differ" } else { "must not differ" };
        let Found { t, apart, median } = found;
        let _ = writeln!(self.text, "| {name} | {samples} | {t:.1} | {apart:+.1} ns of {median:.0} | {wanted} |");
        eprintln!("{name}: t {t:.1}");
    }
}

/// All cases, so many times each; whether each is as it should be.
pub async fn run(samples: usize) -> (String, bool) {
    let text =
        "| two kinds of input | times | largest t | apart, of the faster half | |\n|---|---|---|---|---|\n".to_owned();
    let mut report = Report { text, is_good: true };

    let (webhook, body) = (Webhook::new("a-secret").expect("a secret"), b"{}");
    let header = webhook.sign(body);
    let (time, tag) = header.split_once(",v2=").expect("one signature");
    let tag = STANDARD_NO_PAD.decode(tag).expect("base64");
    let found = compare(samples, async |kind, random| {
        let header = format!("{time},v2={}", STANDARD_NO_PAD.encode(changed(&tag, kind, random)));
        let begun = Instant::now();
        let answer = webhook.construct_event(black_box(body), black_box(&header));
        let took = begun.elapsed();
        assert!(answer.is_err());
        took
    });
    report.add("webhook: signature wrong in its first byte, or its last", samples, &found.await, false);
    let found = compare(samples, async |kind, random| {
        let given = changed(&tag, kind, random);
        let begun = Instant::now();
        let is_same = naive(black_box(&given), black_box(&tag));
        let took = begun.elapsed();
        assert!(!is_same);
        took
    });
    report.add("the same, compared byte by byte", samples, &found.await, true);

    let mut app = app();
    let (own, cookie) = begin(&app, "mallory").await;
    let mut foreign = Vec::with_capacity(FOREIGN);
    for number in 0..FOREIGN {
        foreign.push(begin(&app, &format!("user-{number}")).await);
    }
    let any_foreign = |random: &mut Random| foreign[random.below(FOREIGN as u64) as usize].0.clone();
    type Draw<'a> = Box<dyn Fn(usize, &mut Random) -> String + 'a>;
    let tickets: [(&str, Draw<'_>, bool); 4] = [
        ("way back: a ticket of nobody's, or another of nobody's", Box::new(|_, random| unknown(random)), false),
        (
            "way back: a ticket of nobody's, or of another browser's flow",
            // As much is drawn for either.
            Box::new(|kind, random| one_of(kind, [unknown(random), any_foreign(random)])),
            false,
        ),
        (
            "way back: the own ticket, wrong at its beginning, or near its end",
            Box::new(|kind, random| misspelt(&own, kind, random)),
            false,
        ),
        (
            "way back: a ticket of nobody's, or the own",
            Box::new(|kind, random| one_of(kind, [unknown(random), own.clone()])),
            true,
        ),
    ];
    for (name, draw, differs) in tickets {
        let found = compare(samples, async |kind, random| time_of(&mut app, &draw(kind, random), &cookie).await);
        report.add(name, samples, &found.await, differs);
    }
    let (theirs, their_cookie) = &foreign[0];
    let (name, value) = their_cookie.split_once('=').expect("a cookie");
    let found = compare(samples, async |kind, random| {
        let cookie = format!("{name}={}", misspelt(value, kind, random));
        time_of(&mut app, theirs, &cookie).await
    });
    report.add("way back: another's cookie, wrong at its beginning, or near its end", samples, &found.await, false);
    (report.text, report.is_good)
}
