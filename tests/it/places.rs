//! Where an application stands: pages of other origins, a proxy in front of it, more than one name.
use authsignal_emulator::{Emulator, Endpoint};
use axum::Router;
use axum::routing::any;
use axum_authsignal::{Authsignal, AuthsignalLayer, RefusalReason};

use crate::support::{
    Ask, CALLBACK, Reply, Visitor, bench, bench_with, builder, emulator, form, get, goes_on, handle, json, way_back,
};

/// Where a proved challenge leads to, at the first step.
async fn led_to(bench: &crate::support::Bench, visitor: &mut Visitor, ask: &Ask) -> Reply {
    let challenge = visitor.challenge(ask).await;
    let back = bench.prove(&challenge);
    let back = if back.target.starts_with("/app/") { stripped(&back) } else { back };
    let reply = visitor.send(&back).await;
    assert_eq!(reply.status, 303, "{}", reply.text());
    reply
}

/// C20, T17: what a page of a listed origin called leads back to that page, or to its origin where that is all that the
/// browser says; a page of any other origin leads nowhere.
#[tokio::test]
async fn c20_t17_a_call_from_a_listed_origin_leads_back_to_its_page() {
    let bench = bench_with(|builder| {
        builder.page_origin("https://app.example.org").page_origin("https://www.example.com").home("/home")
    })
    .await;
    let call = || get("/pay").header("sec-fetch-mode", "cors").header("sec-fetch-site", "cross-site");
    for (origin, referer, back) in [
        ("https://app.example.org", "https://app.example.org/cart?a=b", Some("https://app.example.org/cart?a=b")),
        ("https://app.example.org", "https://app.example.org/", Some("https://app.example.org/")),
        ("https://www.example.com", "", Some("https://www.example.com/")),
        ("https://app.example.com", "https://app.example.com/cart", Some("/cart")),
        ("https://evil.example", "https://evil.example/", None),
        ("https://app.example.org.evil.example", "https://app.example.org@evil.example/", None),
        ("null", "https://app.example.org//evil.example", None),
        ("", "", None),
    ] {
        let mut ask = call();
        for (name, value) in [("origin", origin), ("referer", referer)] {
            if !value.is_empty() {
                ask = ask.header(name, value);
            }
        }
        let mut ada = bench.visitor("ada");
        let reply = led_to(&bench, &mut ada, &ask).await;
        assert!(reply.location().starts_with("/authsignal/callback?flow="), "{}", reply.location());
        let page = ada.send(&get(reply.location()).navigating()).await;
        match back {
            Some(back) => assert_eq!(goes_on(&page), Some(back), "{origin} {referer}"),
            None => {
                assert_eq!(goes_on(&page), None);
                assert!(page.text().contains("Go back to where you were"), "{}", page.text());
                assert!(page.text().contains("href=\"/home\"") && !page.text().contains("evil"), "{}", page.text());
            }
        }
        ada.send(&ask).await.assert_passed();
    }
}

/// T42: a form that a page of a listed origin posts counts as the application's own, and no other's does.
#[tokio::test]
async fn t42_a_form_of_a_listed_origin_is_kept() {
    let bench = bench_with(|builder| builder.page_origin("https://app.example.org")).await;
    for (origin, site, kept) in [
        ("https://app.example.org", "cross-site", true),
        ("https://app.example.org", "same-site", true),
        ("https://other.example.org", "same-site", false),
        ("https://other.example.org", "cross-site", false),
    ] {
        let mut ada = bench.visitor("ada");
        let ask = form("/pay", "to=bob").header("origin", origin).header("sec-fetch-site", site);
        if !kept {
            ada.send(&ask).await.assert_refused(&RefusalReason::CrossSite);
            continue;
        }
        let page = led_to(&bench, &mut ada, &ask).await;
        let page = ada.send(&get(page.location()).navigating()).await;
        assert!(page.text().contains("<form method=\"post\" action=\"/pay\""), "{}", page.text());
    }
    // Where it is not listed, it is another site like any other.
    let plain = crate::support::bench().await;
    let ask = form("/pay", "to=bob").header("origin", "https://app.example.org").header("sec-fetch-site", "cross-site");
    plain.visitor("ada").send(&ask).await.assert_refused(&RefusalReason::CrossSite);
}

/// What arrives of a request that a browser sends through a proxy that strips `/app`.
fn stripped(ask: &Ask) -> Ask {
    let target = ask.target.strip_prefix("/app").unwrap_or_else(|| panic!("{} is another application's", ask.target));
    Ask { target: target.to_owned(), ..ask.clone() }
}

/// T123: behind a proxy that strips a prefix, whatever browsers are sent to is public, and whatever is routed and covered
/// is as received: pages, forms, links, the hop, the callback.
#[tokio::test]
async fn t123_a_stripped_prefix_stands_in_all_that_browsers_see() {
    let bench = bench_with(|builder| {
        builder.callback_url("https://app.example.com/app/authsignal/callback").public_prefix("/app/").home("/start")
    })
    .await;
    let mut ada = bench.visitor("ada");
    let page = get("/app/pay?a=b").navigating();
    let challenge = ada.challenge(&stripped(&page)).await;
    let sent = bench.tracked()["redirectUrl"].as_str().unwrap().to_owned();
    assert!(sent.starts_with("https://app.example.com/app/authsignal/callback?flow="), "{sent}");

    // Left, and the session's cookie one hop later.
    let flow = way_back(&sent);
    let left = ada.send(&stripped(&flow)).await;
    assert!(left.text().contains("href=\"/app/start\""), "{}", left.text());
    let back = bench.prove(&challenge);
    let mut nobody = Visitor { user: None, ..ada.clone() };
    let clean = nobody.send(&stripped(&back)).await;
    let hop = nobody.send(&stripped(&get(clean.location()).navigating())).await;
    assert!(hop.text().contains("url=/app/authsignal/callback?flow="), "{}", hop.text());
    assert_eq!(ada.send(&stripped(&back)).await.location(), "/app/pay?a=b");
    ada.send(&stripped(&page)).await.assert_passed();
    let done = ada.send(&stripped(&flow)).await;
    assert!(done.text().contains("href=\"/app/pay?a=b\""), "{}", done.text());

    // A form, and it is known again when it is sent twice.
    let posted = form("/app/pay", "to=bob&amount=10");
    let reply = led_to(&bench, &mut ada, &stripped(&posted)).await;
    assert!(reply.location().starts_with("/app/authsignal/callback?flow="), "{}", reply.location());
    let resume = ada.send(&stripped(&get(reply.location()).navigating())).await;
    assert!(resume.text().contains("<form method=\"post\" action=\"/app/pay\""), "{}", resume.text());
    ada.send(&stripped(&posted)).await.assert_passed();
    ada.send(&stripped(&posted)).await.assert_refused(&RefusalReason::AlreadyDone);

    // A page's own call, and a refusal.
    let call = json("/app/pay", "{}").header("referer", "https://app.example.com/app/cart");
    let reply = led_to(&bench, &mut ada, &stripped(&call)).await;
    let page = ada.send(&stripped(&get(reply.location()).navigating())).await;
    assert_eq!(goes_on(&page), Some("/app/cart"));
    let broken = ada.send(&get("/authsignal/callback").navigating()).await;
    assert!(broken.text().contains("href=\"/app/start\""), "{}", broken.text());
    // What is covered is what arrives: no prefix was digested, so that the callback's own path is guarded as received.
    assert_eq!(bench.effects.last().uri.path(), "/pay");
    // With the prefix left on, nobody's callback is there.
    assert_eq!(ada.send(&get("/app/authsignal/callback?flow=x")).await.status, 404);
}

/// T124, T9: what is sent to a name that is given is led to the callback's host, or told to go there, and nothing is asked;
/// with a callback of its own it is challenged and comes back there; with any other it changes nothing.
#[tokio::test]
async fn t124_t9_names_that_are_given_are_led_or_have_their_own_callback() {
    let bench = bench_with(|builder| {
        builder
            .also_at("www.example.com")
            .callback_url_at("preview.example.com", "https://preview.example.com/authsignal/callback")
    })
    .await;
    let mut ada = bench.visitor("ada");
    let at = |ask: Ask, host: &str| ask.header("host", host);
    let page = || get("/pay?a=b").navigating();

    let led = ada.send(&at(page(), "www.example.com")).await;
    led.assert_refused(&RefusalReason::OtherHost);
    assert_eq!((led.status, led.location(), led.cookie()), (303, "https://app.example.com/pay?a=b", None));
    // In HTTP/2 the name is the target's.
    let led = ada.send(&get("https://WWW.example.com:443/pay").navigating()).await;
    assert_eq!((led.status, led.location()), (303, "https://app.example.com/pay"));
    let led = ada.send(&at(get("/pay/%2e%2e").navigating(), "www.example.com")).await;
    assert!(led.location().starts_with("https://app.example.com/"), "{}", led.location());
    let posted = ada.send(&at(form("/pay", "a=b"), "www.example.com")).await;
    posted.assert_refused(&RefusalReason::OtherHost);
    assert_eq!(posted.status, 403);
    assert!(posted.text().contains("href=\"https://app.example.com/\""), "{}", posted.text());
    let called = ada.send(&at(json("/pay", "{}"), "www.example.com")).await;
    called.assert_refused(&RefusalReason::OtherHost);
    assert!(called.json()["detail"].as_str().unwrap().contains("https://app.example.com"), "{}", called.text());
    let called = ada.send(&at(get("/pay"), "www.example.com")).await;
    assert_eq!(called.status, 403, "a script would follow a redirect and see nothing");
    assert_eq!((bench.effects.count(), bench.emulator.received_requests().len()), (0, 0));

    let challenge = ada.challenge(&at(page(), "preview.example.com")).await;
    let back = bench.emulator.succeed(&challenge).unwrap();
    let back = back.strip_prefix("https://preview.example.com").unwrap_or_else(|| panic!("{back}"));
    let reply = ada.send(&at(get(back).navigating(), "preview.example.com")).await;
    assert_eq!(reply.location(), "/pay?a=b");
    // What was approved there counts there alone.
    ada.challenge(&page()).await;
    ada.send(&at(page(), "preview.example.com")).await.assert_passed();

    for host in ["evil.example", "app.example.com.evil.example", "127.0.0.1:8080", "a b"] {
        let mut ada = bench.visitor("ada");
        bench.approve(&mut ada, &at(page(), host)).await;
        let sent = bench.tracked()["redirectUrl"].as_str().unwrap().to_owned();
        assert!(sent.starts_with("https://app.example.com/authsignal/callback?flow="), "{sent}");
        ada.send(&page()).await.assert_passed();
    }
}

/// T124: two handles behind one callback path, which may share store and secret: each way back finds its own.
#[tokio::test]
async fn t124_two_handles_share_a_callback_path() {
    let bench = bench().await;
    let store = axum_authsignal::store::MemoryStore::new().clock(bench.clock.clone());
    let other_service = emulator(&bench.clock).await;
    let handle_on =
        |emulator: &Emulator| builder(emulator, &bench.clock).store(store.clone()).secret([7; 32]).build().unwrap();
    let (one, other) = (handle_on(&bench.emulator), handle_on(&other_service));
    let app = Router::new()
        .route("/one", any(handle).layer(AuthsignalLayer::new(&one, "pay")))
        .route("/other", any(handle).layer(AuthsignalLayer::new(&other, "pay")))
        .with_state(bench.effects.clone())
        .merge(Authsignal::routes_of([&one, &other]));
    let mut ada = Visitor::new(&app, "ada");
    for (path, emulator) in [("/one", &bench.emulator), ("/other", &other_service)] {
        let page = get(path).navigating();
        let challenge = ada.challenge(&page).await;
        let back = way_back(&emulator.succeed(&challenge).unwrap());
        assert_eq!(ada.send(&back).await.location(), path);
        ada.send(&page).await.assert_passed();
    }
    let calls = [&bench.emulator, &other_service].map(|emulator| emulator.calls(Endpoint::ValidateChallenge));
    assert_eq!((calls, bench.effects.count()), ([1, 1], 2));
    let stranger = ada.send(&way_back(&format!("{CALLBACK}?flow={}", "A".repeat(43)))).await;
    stranger.assert_refused(&RefusalReason::UnknownFlow);
}
