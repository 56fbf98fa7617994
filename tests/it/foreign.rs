//! What pages of other origins make a browser send (threat T42): no approval is asked for it, and none is good for it.
use authsignal_emulator::Outcome;
use axum_authsignal::RefusalReason;

use crate::support::{Ask, Bench, ORIGIN, Reply, ask, bench, bench_with, form, get, json, post};

/// What a browser says of a page of another origin, of a sibling's, and of one that hides what it is.
const FOREIGN: [&[(&str, &str)]; 11] = [
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "same-site"), ("origin", "https://evil.example.com")],
    &[("sec-fetch-site", "cross-site"), ("origin", ORIGIN)],
    &[("sec-fetch-site", "something-new")],
    &[("origin", "https://evil.example")],
    &[("origin", "null")],
    &[("origin", "http://app.example.com")],
    &[("origin", "https://app.example.com:444")],
    &[("origin", "https://app.example.com.evil.example")],
    &[("origin", "https://evil.app.example.com")],
];
const OWN: [&[(&str, &str)]; 5] = [
    &[],
    &[("sec-fetch-site", "same-origin")],
    &[("sec-fetch-site", "none")],
    &[("origin", ORIGIN)],
    &[("sec-fetch-site", "same-origin"), ("origin", ORIGIN)],
];

fn from(mut ask: Ask, page: &[(&str, &str)]) -> Ask {
    ask.headers.remove("sec-fetch-site");
    page.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
}

/// What a page can make a browser send: a form, a script's call, htmx's, another method.
fn unsafe_asks(target: &str) -> [Ask; 6] {
    [
        form(target, "to=mallory&amount=canary"),
        post(target, "application/x-www-form-urlencoded", "to=mallory&amount=canary"),
        post(target, "text/plain", "{\"amount\":10000}"),
        json(target, "{\"amount\":10000}"),
        form(target, "a=b").header("hx-request", "true"),
        ask("DELETE", target),
    ]
}

fn assert_turned_away(reply: &Reply, why: &str) {
    assert_eq!(reply.reason(), Some(&RefusalReason::CrossSite), "{why}");
    assert_eq!((reply.status, reply.cookie()), (403, None), "{why}");
    assert!(!reply.text().contains("canary") && reply.headers.get("location").is_none(), "{why}");
    reply.assert_private();
}

/// T42: with a cookie of ours and without, before a proof and after, remembered or not: never challenged, never passed.
#[tokio::test]
async fn t42_no_approval_passes_what_another_origin_sends() {
    let mut tried = 0;
    for target in ["/pay", "/kept", "/action", "/route/7"] {
        for own in unsafe_asks(target) {
            let bench = bench().await;
            let mut ada = bench.visitor("ada");
            let mut turned_away = async |bench: &Bench, ada: &crate::support::Visitor, when: &str| {
                for page in FOREIGN {
                    let why = format!("{} {target} {page:?} {when}", own.method);
                    let (before, challenges) = (bench.effects.count(), bench.emulator.messages().len());
                    assert_turned_away(&ada.clone().send(&from(own.clone(), page)).await, &why);
                    assert_eq!(bench.effects.count(), before, "{why}");
                    assert_eq!(bench.emulator.messages().len(), challenges, "{why}");
                    tried += 1;
                }
            };
            turned_away(&bench, &ada, "with no cookie").await;
            ada.challenge(&get("/other")).await;
            turned_away(&bench, &ada, "with a cookie").await;
            let challenge = ada.challenge(&from(own.clone(), &[])).await;
            turned_away(&bench, &ada, "while its own page's challenge waits").await;
            ada.send(&bench.prove(&challenge)).await;
            turned_away(&bench, &ada, "once its own page's is proved").await;
            ada.send(&from(own.clone(), &[])).await.assert_passed();
            assert_eq!(bench.effects.count(), 1);
        }
    }
    println!("{tried} requests of other origins: 0 passed, 0 challenged");
}

/// T42: a sibling's form that is sent twice, with the user's proof in between, which a link to the same thing got.
#[tokio::test]
async fn t42_what_another_origin_opened_passes_nothing_of_its_own() {
    let bench = bench().await;
    let mut ada = bench.visitor("ada");
    // A link on the sibling's page opens the approval: that is a GET, and the user sees what it is for.
    let link = get("/kept").navigating().header("sec-fetch-site", "same-site");
    bench.approve(&mut ada, &link).await;
    let sibling = from(form("/kept", "to=mallory"), FOREIGN[2]);
    for _ in 0..2 {
        assert_turned_away(&ada.send(&sibling).await, "remembered, opened by a sibling");
    }
    // The page itself may be asked for from anywhere, and the user's own form goes through.
    ada.send(&link).await.assert_passed();
    ada.send(&form("/kept", "to=bob")).await.assert_passed();
    assert_eq!(bench.effects.count(), 2);
}

/// What Authsignal allows passes: whether another origin may send it is for the application's own defence to say.
#[tokio::test]
async fn t42_what_is_allowed_is_the_applications_own_affair() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    for page in FOREIGN {
        bench.visitor("ada").send(&from(form("/pay", "a=b"), page)).await.assert_passed();
    }
    bench.emulator.set_outcome("pay", Outcome::Block);
    let reply = bench.visitor("ada").send(&from(form("/pay", "a=b"), FOREIGN[0])).await;
    assert!(matches!(reply.reason(), Some(RefusalReason::State(_))));
    assert_eq!((bench.effects.count(), bench.tracks()), (FOREIGN.len(), FOREIGN.len() + 1));
}

/// T42: our own pages', listed pages', and what is no browser's at all goes its way.
#[tokio::test]
async fn t42_own_pages_and_listed_ones_are_challenged() {
    let listed = "https://pages.example.com";
    let bench = bench_with(|builder| builder.page_origin(listed)).await;
    let listed: [&[(&str, &str)]; 3] = [
        &[("origin", listed)],
        &[("origin", listed), ("sec-fetch-site", "same-site")],
        &[("origin", listed), ("sec-fetch-site", "cross-site")],
    ];
    for page in OWN.into_iter().chain(listed) {
        for own in unsafe_asks("/pay") {
            let own = from(own, page);
            let mut ada = bench.visitor("ada");
            bench.approve(&mut ada, &own).await;
            ada.send(&own).await.assert_passed();
        }
    }
    for page in FOREIGN {
        assert_turned_away(&bench.visitor("ada").send(&from(form("/pay", "a=b"), page)).await, "not listed");
    }
}
