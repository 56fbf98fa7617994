//! A store that is gone exactly while somebody comes back from a challenge: what was proved is not lost.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_emulator::{Endpoint, Fault};
use axum_authsignal::store::{Error, Key, MemoryStore, Store, Version};
use axum_authsignal::{Outage, RefusalReason};

use crate::support::{Ask, Bench, Reply, Visitor, bench_with, clock, form, get, parameter};

/// A store in memory that answers so many calls more, and none after them.
#[derive(Clone, Debug)]
struct Gone {
    inner: MemoryStore,
    left: Arc<AtomicUsize>,
}

const NEVER: usize = usize::MAX / 2;

impl Gone {
    fn call(&self) -> Result<(), Error> {
        let answered = |left: usize| left.checked_sub(1);
        match self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, answered) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::unavailable("the connection is gone")),
        }
    }
}

impl Store for Gone {
    async fn load(&self, key: &Key) -> Result<Option<(Version, bytes::Bytes)>, Error> {
        self.call()?;
        Store::load(&self.inner, key).await
    }

    async fn swap(&self, key: &Key, expected: Option<Version>, value: Vec<u8>, ttl: Duration) -> Result<bool, Error> {
        self.call()?;
        Store::swap(&self.inner, key, expected, value, ttl).await
    }
}

async fn bench() -> (Bench, Gone) {
    let store = Gone { inner: MemoryStore::new().clock(clock()), left: Arc::new(AtomicUsize::new(NEVER)) };
    (bench_with(|builder| builder.store(store.clone())).await, store)
}

/// Goes where a browser is led, and gives what it is shown there, with its address.
async fn follow(visitor: &mut Visitor, ask: &Ask, token: &str) -> (String, Reply) {
    let mut at = ask.clone();
    for _ in 0..5 {
        let reply = visitor.send_request(visitor.request(&at)).await;
        if reply.status != 303 {
            return (at.target, reply);
        }
        at = get(reply.location()).navigating().header("sec-fetch-site", "same-origin");
        assert!(!at.target.contains(token), "{}", at.target);
    }
    panic!("led in a circle: {}", at.target);
}

/// Where a link of the page leads.
fn link(page: &Reply, label: &str) -> Option<String> {
    let before = page.text().split_once(&format!(">{label}</a>"))?.0;
    Some(before.rsplit_once("href=\"")?.1.split_once('"')?.0.replace("&#38;", "&"))
}

/// T10: whatever call of the store's it is that is not answered, and none after it, whoever proved the challenge tries again once
/// the store is back, and goes on. The address holds no token meanwhile, nor anything that another browser could use.
#[tokio::test]
async fn t10_a_store_that_is_gone_on_the_way_back_loses_no_proof() {
    let (bench, store) = bench().await;
    let (mut lost, mut tried, mut sealed) = (0, 0, 0);
    for is_service_down in [false, true] {
        for comes_known in [true, false] {
            for calls in 0..16 {
                let ask = form(&format!("/pay/{calls}"), "to=bob");
                let mut ada = bench.visitor("ada").in_session(&format!("{is_service_down}{comes_known}"));
                let challenge = ada.challenge(&ask).await;
                let back = bench.prove(&challenge);
                let token = parameter(&back.target, "token").unwrap();
                if is_service_down {
                    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).times(9));
                }
                store.left.store(calls, Ordering::SeqCst);
                // A strict session's cookie comes with the second request.
                let mut stranger = Visitor { user: None, ..ada.clone() };
                let first = if comes_known { &mut ada } else { &mut stranger };
                let (mut address, mut page) = follow(first, &back, &token).await;
                for _ in 0..2 {
                    (address, page) = follow(&mut ada, &get(&address).navigating(), &token).await;
                }
                store.left.store(NEVER, Ordering::SeqCst);
                bench.emulator.clear_faults();
                if page.reason() == Some(&RefusalReason::Outage(Outage::Store)) {
                    lost += 1;
                    assert_eq!(page.status, 503);
                }
                if address.contains("kept=") {
                    sealed += 1;
                    // Somebody else's browser makes nothing of it, nor does another user in this one.
                    for mut other in [ada.elsewhere(), ada.signed_in_as("bob")] {
                        let (_, page) = follow(&mut other, &get(&address).navigating(), &token).await;
                        assert!(page.refusal.is_some(), "{}", page.text());
                    }
                    // And what was changed is no token that anybody would be asked about.
                    let asked = bench.validates();
                    let (head, kept) = address.split_once("kept=").unwrap();
                    for changed in [format!("{kept}A"), kept[..kept.len() - 2].to_owned(), String::new(), token.clone()]
                    {
                        let at = get(&format!("{head}kept={changed}")).navigating();
                        ada.send_request(ada.request(&at)).await;
                    }
                    assert_eq!(bench.validates(), asked, "{calls} calls");
                }
                for _ in 0..2 {
                    if let Some(again) = link(&page, "Try again").or_else(|| link(&page, "Continue")) {
                        (_, page) = follow(&mut ada, &get(&again).navigating(), &token).await;
                    }
                }
                assert!(page.text().contains("One last step"), "{calls} calls: {address}: {}", page.text());
                assert_eq!(bench.effects.count(), tried);
                ada.send(&ask).await.assert_passed();
                tried += 1;
            }
        }
    }
    assert!(lost > 8 && sealed > 8, "the store was missed {lost} times, and {sealed} tokens were sealed");
    println!("{tried} ways back, {lost} without a store, {sealed} with the token sealed in the address, 0 proofs lost");
}
