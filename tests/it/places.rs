//! Where an application stands: pages of other origins, a proxy in front of it, more than one name.
use axum_authsignal::RefusalReason;

use crate::support::{Ask, Reply, Visitor, bench_with, form, get, json};

/// Where a proved challenge leads to, at the first step.
async fn led_to(bench: &crate::support::Bench, visitor: &mut Visitor, ask: &Ask) -> Reply {
    let challenge = visitor.challenge(ask).await;
    let back = visitor.send(&bench.prove(&challenge)).await;
    assert_eq!(back.status, 303, "{}", back.text());
    back
}

/// C20, T17: what a page of a listed origin called leads back to that page, or to its origin where that is all that the
/// browser says; a page of any other origin leads nowhere.
#[tokio::test]
async fn c20_t17_a_call_from_a_listed_origin_leads_back_to_its_page() {
    let bench = bench_with(|builder| {
        builder.page_origin("https://app.example.org").page_origin("https://www.example.com").home("/home")
    })
    .await;
    let call = || json("/pay", "{}").header("sec-fetch-mode", "cors").header("sec-fetch-site", "cross-site");
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
        match back {
            Some(back) => assert_eq!(reply.location(), back, "{origin} {referer}"),
            None => {
                assert!(reply.location().starts_with("/authsignal/callback?flow="), "{}", reply.location());
                let page = ada.send(&get(reply.location()).navigating()).await;
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
