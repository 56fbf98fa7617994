//! Records, from a kept corpus and at random, sealed, changed and read.
use super::*;
use crate::domain::flow::Flow;
use crate::domain::flow::tests::every_record;
use crate::fuzz::{Target, change, folder, fuzz};
use crate::store::record;

/// What is kept is every record there is, as it is written now, and what never was one.
const TARGET: Target = Target {
    name: "record",
    share: 3_000,
    words: &[
        "\0",
        "\u{1}",
        "\u{7f}",
        "/",
        "ada",
        "pay",
        "https://mfa.authsignal.com/?token=x",
        "ALLOW",
        "CHALLENGE_REQUIRED",
    ],
};

/// T44: a sealed record that was changed never opens, and what opens is read as a flow that is written the same again, or as
/// nothing.
#[test]
fn t44_a_fuzzed_record_opens_only_as_it_was_sealed() {
    let keys = KeyRing::new(b"secret", &[b"older"], Tenants::one(Tenant::of(1)));
    let browser = BrowserId::random();
    let key = keys.name(Purpose::Flow, &browser, &[1; 32]);
    let mut changed_records = 0_u64;
    fuzz(&TARGET, |input, random| {
        let sealed = keys.seal(Purpose::Flow, &browser, &[1; 32], &key, input);
        assert_eq!(keys.open(Purpose::Flow, &browser, &key, &sealed).as_deref(), Some(input));
        let mut changed = sealed.clone();
        for _ in 0..=random.below(3) {
            change(&mut changed, random);
        }
        if changed != sealed {
            assert_eq!(keys.open(Purpose::Flow, &browser, &key, &changed), None, "{}", changed.escape_ascii());
            changed_records += 1;
        }
        // Such bytes as they come, which nobody has sealed.
        assert_eq!(keys.open(Purpose::Flow, &browser, &key, input), None);
        let Some(flow) = record::read::<Flow>(input) else { return false };
        let written = record::write(&flow);
        let again: Flow = record::read(&written).unwrap();
        assert_eq!(record::write(&again), written);
        true
    });
    println!("{changed_records} changed records, 0 opened");
}

/// Bytes of an older format are read as nothing, and what is made of them finds nothing: whoever changes the format writes them
/// anew, with `KEEP=1`.
#[test]
fn the_kept_records_are_of_this_format() {
    for (name, flow) in every_record() {
        let (file, bytes) = (folder(TARGET.name).join(name), record::write(&flow));
        if std::env::var_os("KEEP").is_some() {
            std::fs::write(&file, &bytes).unwrap();
        }
        assert!(std::fs::read(&file).is_ok_and(|kept| kept == bytes), "{name}: `KEEP=1 cargo test --lib kept_records`");
    }
}
