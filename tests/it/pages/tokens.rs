//! No address that stays has a token, on a page either.
use authsignal_emulator::{Endpoint, Fault};

use crate::support::{Ask, Reply, Visitor, bench, get};

/// T10: whatever comes of it, and whatever else stands in the address, a request with a token ends in a redirect to an
/// address of ours without one, where a page says the same.
#[tokio::test]
async fn t10_no_token_stays_in_an_address_whatever_comes_of_it() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut count = 0;
    for (name, status, says) in [
        ("proved", 303, ""),
        ("left", 200, "Not confirmed yet"),
        ("declined", 403, "This was refused"),
        ("another token", 403, "This could not be confirmed"),
        ("nobody", 401, "Please sign in"),
        ("another user", 403, "This belongs to another sign-in"),
        ("no cookie", 404, "This has expired"),
        ("another flow", 404, "This has expired"),
        ("outage", 503, "be checked right now"),
        ("mistaken key", 503, "be confirmed right now"),
        ("garbage", 400, "This link is not complete"),
        ("doubled", 400, "This link is not complete"),
        ("no flow", 400, "This link is not complete"),
        ("posted", 400, "This link is not complete"),
        ("expired", 404, "This has expired"),
        ("spent", 303, ""),
        ("after another proof", 303, ""),
    ] {
        for site in ["cross-site", "same-site", "same-origin", "none"] {
            let mut ada = bench.visitor("ada");
            let challenge = ada.challenge(&paid).await;
            let back = match name {
                "left" => bench.emulator.quit(&challenge),
                "declined" => bench.emulator.decline(&challenge),
                _ => bench.emulator.succeed(&challenge),
            };
            let mut back = crate::support::way_back(&back.unwrap()).header("sec-fetch-site", site);
            let token = crate::support::parameter(&back.target, "token").unwrap();
            let own = back.target.clone();
            match name {
                "another token" | "after another proof" => back.target = back.target.replace(&token, "aaa.bbb.ccc"),
                "garbage" => back.target.push_str("%00&x=%3Cscript%3E"),
                "doubled" => back.target.push_str("&%74oken=x"),
                "no flow" => back.target = format!("/authsignal/callback?token={token}"),
                // As long as one of ours, and none.
                "another flow" => {
                    let at = back.target.find("flow=").unwrap() + "flow=".len();
                    let other = if back.target[at..].starts_with('A') { "B" } else { "A" };
                    back.target.replace_range(at..=at, other);
                }
                "posted" => back.method = axum::http::Method::POST,
                _ => {}
            }
            let mut who = ada.clone();
            match name {
                "nobody" => who.user = None,
                "another user" => who.user = Some("bob".into()),
                "no cookie" => who.cookie = None,
                "outage" => bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).always()),
                "mistaken key" => bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(401)),
                "expired" => bench.clock.advance(crate::support::MINUTE * 10),
                "spent" | "after another proof" => {
                    who.send(&get(&own).navigating()).await;
                    if name == "spent" {
                        who.send(&paid).await.assert_passed();
                    }
                }
                _ => {}
            }
            let led = who.send_request(who.request(&back)).await;
            // How often a busy machine tried again is not what this is about.
            bench.emulator.clear_faults();
            assert_eq!(led.status, 303, "{name} {site}: {}", led.text());
            let is_clean = |reply: &Reply| {
                let all = format!("{:?} {}", reply.headers, reply.text());
                assert!(!all.contains("token=") && !all.contains(&token), "{name} {site}: {all}");
                reply.assert_private();
            };
            is_clean(&led);
            let mut seen = who.send_request(who.request(&get(led.location()).navigating())).await;
            if led.location() == "/pay" {
                assert_eq!(status, 303, "{name} {site}");
                count += 1;
                continue;
            }
            if name == "nobody" {
                let hopped = get(&format!("{}&hop=1", led.location())).navigating();
                seen = who.send_request(who.request(&hopped)).await;
            }
            if name != "left" {
                is_clean(&seen);
            }
            assert_eq!(seen.status, status, "{name} {site}: {} {}", led.location(), seen.text());
            assert!(seen.text().contains(says), "{name} {site}: {}", seen.text());
            count += 1;
        }
    }
    assert_eq!(count, 68);
    println!("{count} ways back with a token: 0 pages at an address that has one");
}

/// T10: a proof that could not be looked at is not lost with its address: trying again takes it, once, and asks for no other.
#[tokio::test]
async fn t10_a_token_that_nobody_could_be_asked_about_is_taken_by_trying_again() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&paid).await;
    let back = bench.prove(&challenge);
    bench.emulator.inject_fault(Endpoint::ValidateChallenge, Fault::status(503).always());
    let page = ada.send(&back).await;
    assert_eq!(page.status, 503);
    let again = page.text().split("class=\"go\" href=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert!(again.starts_with("/authsignal/callback?flow=") && !again.contains("token"), "{again}");
    // Still nobody: it waits for the next try.
    assert_eq!(ada.send(&get(&again).navigating()).await.status, 503);
    bench.emulator.clear_faults();
    assert_eq!(ada.send(&get(&again).navigating()).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
    assert_eq!(bench.effects.count(), 1);
}

/// T10, T15: a kept token that proves nothing is asked about once, and the challenge goes on to wait.
#[tokio::test]
async fn t10_t15_a_kept_token_that_proves_nothing_is_asked_about_once() {
    let bench = bench().await;
    let paid = get("/pay").navigating();
    let mut ada = bench.visitor("ada");
    let challenge = ada.challenge(&paid).await;
    let back = bench.prove(&challenge);
    let token = crate::support::parameter(&back.target, "token").unwrap();
    let wrong = Ask { target: back.target.replace(&token, "aaa.bbb.ccc"), ..back.clone() };
    let mut nobody = Visitor { user: None, ..ada.clone() };
    let clean = nobody.send(&wrong).await.location().to_owned();
    assert_eq!(bench.validates(), 0, "nobody is signed in");
    let refused = ada.send(&get(&clean).navigating()).await;
    assert_eq!(refused.status, 403, "{}", refused.text());
    for _ in 0..2 {
        let page = ada.send(&get(&clean).navigating()).await;
        assert!(page.text().contains("Not confirmed yet"), "{}", page.text());
    }
    assert_eq!(bench.validates(), 1);
    // Nobody else takes it: not another browser, not another user of this one.
    nobody.send(&back).await;
    for mut other in [ada.elsewhere(), ada.signed_in_as("bob")] {
        assert_ne!(other.send(&get(&clean).navigating()).await.status, 303);
    }
    assert_eq!(bench.validates(), 1);
    assert_eq!(ada.send(&get(&clean).navigating()).await.location(), "/pay");
    ada.send(&paid).await.assert_passed();
}
