//! What people are shown: the same fields on the emulator's challenge page and on the page that posts the form again.
use axum::Router;
use axum::routing::post;
use axum_authsignal::client::CustomData;
use axum_authsignal::{Approved, AuthsignalLayer, Summary, Transaction};
use serde::Deserialize;

use super::{of_form, of_json, with_app};
use crate::resume::unescape;
use crate::support::{Bench, Visitor, bench, get};

/// The pairs of a page's list.
fn pairs(html: &str) -> Vec<(String, String)> {
    let list = html.split_once("<dl").expect(html).1.split_once("</dl>").unwrap().0;
    let text = |html: &str| unescape(&html.replace("<bdi>", "").replace("</bdi>", ""));
    list.split("<dt>")
        .skip(1)
        .map(|row| {
            let (name, rest) = row.split_once("</dt>").unwrap();
            let value = rest.split_once("<dd>").unwrap().1.split_once("</dd>").unwrap().0;
            (text(name), text(value))
        })
        .collect()
}

/// What the challenge page shows, and what the page behind it does between the action and the address.
async fn both(bench: &Bench, visitor: &mut Visitor, body: &str, language: &str) -> [Vec<(String, String)>; 2] {
    let ask = of_form("/transfer", body).header("accept-language", language);
    let challenge = visitor.challenge(&ask).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = client.get(&challenge).header("accept-language", language).send().await.unwrap().text().await.unwrap();
    let back = visitor.send(&bench.prove(&challenge)).await;
    let resume = visitor.send(&get(back.location()).navigating().header("accept-language", language)).await;
    let mut resumed = pairs(resume.text());
    assert_eq!(resumed.pop().unwrap().1, "/transfer");
    resumed.remove(0);
    [pairs(&page), resumed]
}

fn sorted(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.sort_unstable();
    pairs
}

/// T27: whoever approves is shown the same before and after, whatever somebody typed.
#[tokio::test]
async fn t27_the_challenge_and_the_page_behind_it_show_the_same_fields() {
    let (bench, _, mut ada) = with_app().await;
    for (language, urgent) in [("en", "Yes"), ("de", "Ja"), ("fr", "Oui"), ("es", "Sí")] {
        let hostile = "to=%3C%2Fdd%3E%3Cscript%3E%22%26%27+b%C3%B6b&amount=10&rate=2.50&urgent=true&csrf_token=t0ken";
        let [challenge, resumed] = both(&bench, &mut ada, hostile, language).await;
        let want = [("To", "</dd><script>\"&' böb"), ("Amount", "10"), ("Rate", "2.5"), ("Urgent", urgent)];
        assert_eq!(resumed, want.map(|(name, value)| (name.to_owned(), value.to_owned())), "in the type's order");
        assert_eq!(sorted(challenge), sorted(resumed));
        bench.clock.advance(crate::support::MINUTE * 6);
    }
}

/// What is not in the summary is sent, and not shown; labels are the application's, in the user's language.
#[tokio::test]
async fn t48_secrets_are_not_shown_and_labels_are_the_users() {
    #[derive(Deserialize, Transaction)]
    struct Transfer {
        #[transaction(name = "toAccount", label = "Recipient", label_in("de", "Empfänger"))]
        to: String,
        #[transaction(display)]
        kind: char,
        #[transaction(hidden)]
        risk: u8,
        #[transaction(skip)]
        pin: String,
    }

    struct Sum {
        cents: u64,
    }

    impl<'de> Deserialize<'de> for Sum {
        fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            #[derive(Deserialize)]
            struct Fields {
                cents: u64,
            }
            Fields::deserialize(deserializer).map(|fields| Self { cents: fields.cents })
        }
    }

    impl Transaction for Sum {
        const NAME: &'static str = "sum";

        fn data_points(&self) -> CustomData {
            CustomData::new().with("cents", self.cents)
        }

        fn summary(&self, language: &str) -> Summary {
            let label = if language == "de" { "Betrag" } else { "Amount" };
            let euros = format!("{}.{:02} EUR", self.cents / 100, self.cents % 100);
            Summary::new().with(label, euros).with("New password", "canary").with("To\u{202e}", "bo\u{200b}b")
        }
    }

    let bench = bench().await;
    let transfer = AuthsignalLayer::new(&bench.authsignal, "transfer").transaction::<Transfer>();
    let sum = AuthsignalLayer::new(&bench.authsignal, "sum").transaction::<Sum>();
    let app = Router::new()
        .route(
            "/transfer",
            post(|transfer: Approved<Transfer>| async move { transfer.pin.clone() }).route_layer(transfer),
        )
        .route("/sum", post(|sum: Approved<Sum>| async move { sum.cents.to_string() }).route_layer(sum))
        .merge(bench.authsignal.routes());
    let mut ada = Visitor::new(&app, "ada");
    let [challenge, resumed] = both(&bench, &mut ada, "to=bob&kind=x&risk=7&pin=1234", "de-AT").await;
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(resumed, [pair("Empfänger", "bob"), pair("Kind", "x")]);
    assert_eq!(sorted(challenge), [pair("Kind", "x"), pair("Risk", "7"), pair("To account", "bob")], "the data points");
    assert_eq!(ada.send(&of_form("/transfer", "to=bob&kind=x&risk=7&pin=1234")).await.text(), "1234");

    let ask = of_form("/sum", "cents=1050");
    let challenge = ada.challenge(&ask).await;
    assert_eq!(bench.tracked()["custom"], serde_json::json!({ "cents": 1050 }));
    let back = ada.send(&bench.prove(&challenge)).await;
    let resume = ada.send(&get(back.location()).navigating()).await;
    let shown = pairs(resume.text());
    assert_eq!(shown[1..3], [pair("Amount", "10.50 EUR"), pair("To[U+202E]", "bo[U+200B]b")]);
    assert!(!resume.text().contains("canary"));
    assert_eq!(ada.send(&ask).await.text(), "1050");
    // A script is told as ever.
    ada.challenge(&of_json("/sum", r#"{"cents":1}"#)).await;
}
