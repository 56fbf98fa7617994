//! Headers and bodies of webhooks, from a kept corpus and at random, checked a second time by hand.
use std::time::{Duration, UNIX_EPOCH};

use authsignal_client::Clock;
use authsignal_client::webhook::Webhook;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::{Target, corpus, fuzz};

/// A kept input is a header, a line break and a body, signed by another program.
const TARGET: Target = Target {
    name: "webhook",
    share: 10_000,
    words: &["t=", ",t=1768471200", "v2=", ",v2=", ",v1=", ",", "=", "==", "1768471200", "+", "-", " ", "\n", "00"],
};

const SECRET: &str = "corpus-secret";
const NOW: u64 = 1_768_471_200;

/// T100: a delivery is taken only where its one time is near and one of its signatures is the secret's over this very body; so
/// of a header that was changed, no signature and no time.
#[test]
fn t100_a_fuzzed_webhook_is_taken_only_as_it_was_signed() {
    let clock = Clock::manual(UNIX_EPOCH + Duration::from_secs(NOW));
    let five_minutes = Duration::from_secs(300);
    let webhook = Webhook::new(SECRET).unwrap().clock(clock).future_tolerance(five_minutes);
    let cut = |input: &[u8]| {
        let at = input.iter().position(|byte| *byte == b'\n')?;
        Some((std::str::from_utf8(&input[..at]).ok()?.to_owned(), input[at + 1..].to_vec()))
    };
    let kept: Vec<_> = corpus(TARGET.name).iter().filter_map(|input| cut(input)).collect();
    fuzz(&TARGET, |input, _| {
        let Some((header, body)) = cut(input) else { return false };
        let Ok(delivery) = webhook.construct_event(&body, &header) else { return false };
        assert!(delivery.into_iter().all(|event| !format!("{event:?}").is_empty()));
        let times: Vec<i64> =
            header.split(',').filter_map(|item| item.strip_prefix("t=")).map(|t| t.parse().unwrap()).collect();
        let [seconds] = times[..] else { panic!("{times:?}") };
        assert!(seconds.abs_diff(NOW.cast_signed()) <= 300);
        let mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap();
        let mac = mac.chain_update(format!("{seconds}.")).chain_update(&body);
        let signature = format!("v2={}", STANDARD_NO_PAD.encode(mac.finalize().into_bytes()));
        let has = |header: &str| header.split(',').any(|item| item == signature);
        assert!(has(&header));
        assert!(kept.iter().any(|(kept, of)| *of == body && has(kept)), "nobody signed this");
        true
    });
}
