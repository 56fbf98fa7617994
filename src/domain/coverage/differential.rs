//! Pairs of requests that are nearly one, read by the very extractors that handlers use: where two have one digest, every
//! extractor has to give the same for both (threats T27, T39, T62 to T64, T109 to T111).
//!
//! The same seed makes the same pairs. `DIFFERENTIAL` is how many, `DIFFERENTIAL_SEED` what they are made from:
//!
//! ```sh
//! DIFFERENTIAL=1000000 DIFFERENTIAL_SEED=1 cargo test --release --lib differential -- --nocapture
//! ```
mod multiparts;
mod sent;
mod sites;
mod texts;

use std::collections::BTreeMap;
use std::time::Instant;

use self::sent::{REFUSED, Sent, seen};
use self::sites::sites;
use crate::fuzz::Random;

/// How many pairs unless `DIFFERENTIAL` says otherwise: some ten seconds without optimisation.
const PAIRS: u64 = 20_000;

const HOSTS: [&str; 5] = ["one", "two", "one.example", "ONE", "one:80"];

const PATHS: [&str; 22] = [
    "/pay",
    "/pay/",
    "//pay",
    "/t/one/pay",
    "/t/two/pay",
    "/t/%6fne/pay",
    "/t/one%2Ftwo/pay",
    "/t/%FF/pay",
    "/t/%FE/pay",
    "/t/one/pay/7",
    "/t/one/pay/8",
    "/t/one/pay/one",
    "/w/a/b",
    "/w/a%2fb",
    "/w/a%2Fb",
    "/n/one/pay",
    "/n/two/pay",
    "/n/one/t/one/pay",
    "/n/one/t/two/pay",
    "/n/two/t/one/pay",
    "/n/one/w/a",
    "/other",
];

const QUERIES: [&str; 16] = [
    "",
    "",
    "?",
    "?a",
    "?a=",
    "?a=1",
    "?a=%31",
    "?a=1&a=2",
    "?a=2&a=1",
    "?a=1&b=2",
    "?a=+",
    "?a=%20",
    "?a=1&",
    "?host=one",
    "?a=%FF",
    "?a=%FE",
];

const ORIGINS: [&str; 7] = ["", "", "", "", "http://a.example", "https://a.example", "http://b.example"];

fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().expect("a number"))
}

fn target(random: &mut Random) -> String {
    format!("{}{}{}", random.pick(&ORIGINS), random.pick(&PATHS), random.pick(&QUERIES))
}

fn sent(random: &mut Random) -> Sent {
    let method = random.pick(&["POST", "POST", "POST", "PUT", "GET"]);
    Sent { method, target: target(random), host: random.pick(&HOSTS), types: vec![], encodings: vec![], body: vec![] }
}

/// Changes where a request goes in one thing, or two.
fn move_a_little(random: &mut Random, sent: &mut Sent) {
    match random.below(5) {
        0 | 1 => sent.host = random.pick(&HOSTS),
        2 => sent.target = target(random),
        3 => {
            let path = sent.target.split('?').next().unwrap().to_owned();
            sent.target = path + random.pick(&QUERIES);
        }
        _ => sent.method = random.pick(&["POST", "PUT", "GET", "HEAD"]),
    }
}

/// What a pair is made as: an honest second sending, or something that hopes to be taken for one.
type Kind = (&'static str, bool, fn(&mut Random) -> (Sent, Sent));

const KINDS: [Kind; 7] = [
    ("multipart again", true, |random| {
        let (one, other) = multiparts::again(random);
        with(random, one, other)
    }),
    ("multipart", false, near_multipart),
    ("multipart", false, near_multipart),
    ("multipart", false, near_multipart),
    ("text again", true, |random| {
        let (one, other) = texts::again(random);
        let first = sent(random);
        (with_text(&first, one), with_text(&first, other))
    }),
    ("text", false, |random| {
        let (one, other) = texts::near(random);
        let first = sent(random);
        let (first, mut second) = (with_text(&first, one), with_text(&first, other));
        if random.one_in(20) {
            move_a_little(random, &mut second);
        }
        (first, second)
    }),
    ("address", false, |random| {
        let first = with_text(&sent(random), texts::again(random).0);
        let mut second = first.clone();
        for _ in 0..random.pick(&[1, 1, 1, 2]) {
            move_a_little(random, &mut second);
        }
        (first, second)
    }),
];

fn near_multipart(random: &mut Random) -> (Sent, Sent) {
    let (one, other) = multiparts::near(random);
    let (mut first, mut second) = with(random, one, other);
    if random.one_in(15) {
        let other = random.pick(&["multipart/form-data; boundary=EVIL", "text/plain"]).to_owned();
        let types = if random.one_in(2) { &mut first.types } else { &mut second.types };
        types.insert(random.below(2), other);
    }
    if random.one_in(30) {
        second.encodings.push("gzip");
    }
    (first, second)
}

fn with(random: &mut Random, one: multiparts::Written, other: multiparts::Written) -> (Sent, Sent) {
    let first = Sent { method: "POST", ..sent(random) };
    let [one, other] =
        [one, other].map(|(content_type, body)| Sent { types: vec![content_type], body, ..first.clone() });
    (one, other)
}

fn with_text(sent: &Sent, (types, encodings, body): texts::Written) -> Sent {
    Sent { types, encodings, body, ..sent.clone() }
}

/// What came of the pairs of one kind.
#[derive(Debug, Default)]
struct Counts {
    pairs: u64,
    /// Pairs of which one is nothing that comes through to a handler.
    unread: u64,
    equal_digests: u64,
    /// Of these, pairs that are not the same to the byte.
    of_unequal_requests: u64,
    unequal_values: u64,
}

/// T27, T39, T62, T63, T64, T109, T110, T111.
#[tokio::test]
async fn t109_t110_t111_differential_pairs_of_one_digest_are_read_alike() {
    let (count, seed) = (number("DIFFERENTIAL", PAIRS), number("DIFFERENTIAL_SEED", 1));
    let (mut random, sites, begun) = (Random::new(seed), sites(), Instant::now());
    let mut counts = BTreeMap::<_, Counts>::new();
    let (mut equal, mut unequal_values, mut honest, mut honest_equal) = (0, Vec::new(), 0, 0);
    for _ in 0..count {
        let (kind, is_honest, make) = random.pick(&KINDS);
        let (first, second) = make(&mut random);
        let (site, app) = &sites[random.below(sites.len())];
        let counts = counts.entry(kind).or_default();
        counts.pairs += 1;
        let (Some(one), Some(other)) = (seen(app, &first).await, seen(app, &second).await) else {
            counts.unread += 1;
            continue;
        };
        let is_equal = one.digest == other.digest;
        honest += u64::from(is_honest);
        honest_equal += u64::from(is_honest && is_equal);
        if !is_equal {
            assert!(!is_honest, "a second sending is challenged again, on {site}: {first:#?} {second:#?}");
            continue;
        }
        equal += 1;
        counts.equal_digests += 1;
        counts.of_unequal_requests += u64::from(first != second);
        for (one, other) in one.values().await.into_iter().zip(other.values().await) {
            // Without a body and a type HEAD is GET, of which `Form` reads the query. Of HEAD it reads nothing, and the
            // handler does not run: a refusal is no value.
            let is_refused =
                first.method != second.method && [&one, &other].iter().any(|(_, read)| read.starts_with(REFUSED));
            if one != other && !is_refused {
                counts.unequal_values += 1;
                unequal_values.push((*site, first.clone(), second.clone(), one, other.1));
                break;
            }
        }
    }
    println!(
        "{count} pairs from seed {seed} in {:.1?}: {equal} of one digest, {} of them with unequal values; \
         {honest} honest second sendings, {honest_equal} of one digest",
        begun.elapsed(),
        unequal_values.len(),
    );
    counts.iter().for_each(|(kind, counts)| println!("{kind}: {counts:?}"));
    assert!(unequal_values.is_empty(), "{:#?}", unequal_values.first());
    assert_eq!(honest, honest_equal);
    let found = counts["multipart"].of_unequal_requests;
    assert!(found > count / 200, "only {found} forms that differ in their boundary alone: the pairs are too far apart");
}
