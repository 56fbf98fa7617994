//! A transaction that is sent as a form, in a browser: what is read on the challenge, what is read on the page behind it, and what
//! the handler gets are the same fields.
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use authsignal_emulator::Emulator;
use axum::Router;
use axum::routing::{get, post};
use axum_authsignal::client::visible;
use axum_authsignal::{Approved, AuthsignalLayer, Transaction};
use fantoccini::Locator;
use serde::Deserialize;
use serde_json::json;
use test_support::visitor::Visitor;

use crate::sites::{emulator, handle, listen, page, serve};

#[derive(Clone, Debug, Deserialize, Transaction)]
#[serde(deny_unknown_fields)]
struct Transfer {
    recipient: String,
    amount: u64,
    rate: f64,
    reference: String,
    purpose: String,
    note: String,
    #[transaction(name = "billingAddress")]
    billing_address: String,
    memo: String,
    alias: String,
    urgent: bool,
    #[transaction(skip)]
    csrf_token: String,
}

/// What somebody types who wants it read as something else, or who means no harm.
const AWKWARD: [(&str, &str); 11] = [
    ("recipient", "\u{202e}bob\u{200b} & \u{2066}sons"),
    ("amount", ""),
    ("rate", "2.50"),
    ("reference", "123456789012345678901234567890 "),
    ("purpose", "</dd><b>bold</b>&amp;"),
    ("note", "first line\nsecond line\n\nlast line"),
    ("billing_address", "rue  de   l’Été, שלום 12 (b)"),
    ("memo", " Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"),
    ("alias", "שלום (b) 12!"),
    ("urgent", "true"),
    ("csrf_token", "t0ken"),
];

/// What every row of a page's list says, as it is seen.
const ROWS: &str = "return [...document.querySelectorAll('dl > div')].map(row =>
    [row.querySelector('dt').innerText, row.querySelector('dd').innerText, row.querySelectorAll(':not(dt, dd, bdi)').length])";

/// The alias from left to right, as it is seen.
const ALIAS: &str = "const value = [...document.querySelectorAll('dl > div')].find(row => row.querySelector('dt').innerText === 'Alias')
    .querySelector('dd'), range = document.createRange(), places = [];
    for (let node, nodes = document.createTreeWalker(value, NodeFilter.SHOW_TEXT); node = nodes.nextNode();)
        for (let at = 0; at < node.length; at += 1) {
            range.setStart(node, at);
            range.setEnd(node, at + 1);
            places.push([range.getBoundingClientRect().left, node.data[at]]);
        }
    return places.sort(([one], [other]) => one - other).map(([, char]) => char).join('')";

/// A bank where Ada sends money.
pub(crate) struct Bank {
    emulator: Emulator,
    given: Arc<Mutex<Vec<Transfer>>>,
    pub(crate) ada: Visitor,
}

pub(crate) async fn bank() -> Bank {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site).build().unwrap();
    let given = Arc::new(Mutex::new(Vec::new()));
    let taken = Arc::clone(&given);
    let transfer = async move |transfer: Approved<Transfer>| {
        taken.lock().unwrap().push(transfer.into_value());
        page("Sent", "")
    };
    let field = |(name, _): (&str, &str)| format!("<label>{name} <textarea name=\"{name}\"></textarea></label>");
    let fields = AWKWARD.map(field).concat();
    let form = format!("<form method=\"post\" action=\"/transfer\">{fields}<button>Send</button></form>");
    let layer = AuthsignalLayer::new(&authsignal, "transfer").transaction::<Transfer>();
    let app = Router::new()
        .route("/", get(async move || page("Transfer money", &form)))
        .route("/blank", get(async || page("Sheet", "")))
        .route("/favicon.ico", get(async || ()))
        .route("/transfer", post(transfer).route_layer(layer))
        .merge(authsignal.routes());
    serve(listener, app);
    Bank { emulator, given, ada: Visitor::arrive_at(site, json!({})).await }
}

impl Bank {
    /// Sends the form, up to its challenge. What was passed on a moment ago has to have another amount.
    pub(crate) async fn sends(&self, amount: &str) {
        self.ada.open("/").await;
        let fields = AWKWARD.map(|(name, value)| (name, if name == "amount" { amount } else { value }));
        let fill = "for (const [name, value] of args) document.querySelector(`[name=${name}]`).value = value";
        self.ada.runs(fill, json!(fields)).await.unwrap();
        self.ada.click("Send").await;
        self.ada.sees("Transfer").await;
    }

    /// Proves it, up to the page that sends the form again.
    pub(crate) async fn proves(&self) {
        let challenge = self.ada.address().await;
        self.ada.browser.goto(&self.emulator.succeed(challenge.as_str()).unwrap()).await.unwrap();
        self.ada.waits_for(Locator::Css("form button.go")).await;
    }

    pub(crate) async fn goes_on(&self) {
        self.ada.waits_for(Locator::Css("form button.go")).await.click().await.unwrap();
        self.ada.sees("Sent").await;
    }

    /// The labels and values that the page shows, in order.
    async fn shown(&self) -> Vec<(String, String)> {
        let rows = self.ada.evaluates(ROWS).await;
        let rows: Vec<(String, String, u64)> = serde_json::from_value(rows).unwrap();
        rows.into_iter()
            .map(|(label, value, elements)| {
                assert_eq!(elements, 0, "{label} is text alone");
                (label, value)
            })
            .collect()
    }
}

/// What the application calls a thing is shown as it is written, letter by letter and blank by blank.
#[tokio::test]
async fn a_label_is_shown_as_the_application_writes_it() {
    #[derive(Deserialize, Transaction)]
    struct Order {
        #[transaction(label = "iPhone  16")]
        phone: String,
        #[transaction(label = "ßeta")]
        beta: u8,
    }

    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site).build().unwrap();
    let form = "<form method=\"post\" action=\"/order\"><input name=\"phone\" value=\"blue\"><input name=\"beta\" value=\"1\">\
                <button>Order</button></form>";
    let layer = AuthsignalLayer::new(&authsignal, "order").transaction::<Order>();
    let order = async |order: Approved<Order>| page("Ordered", &format!("{} {}", order.phone, order.beta));
    let app = Router::new()
        .route("/", get(async || page("Order a phone", form)))
        .route("/order", post(order).route_layer(layer))
        .merge(authsignal.routes());
    serve(listener, app);
    let ada = Visitor::arrive_at(site, json!({})).await;
    ada.open("/").await;
    ada.click("Order").await;
    ada.sees("Order").await;
    let challenge = ada.address().await;
    ada.browser.goto(&emulator.succeed(challenge.as_str()).unwrap()).await.unwrap();
    ada.waits_for(Locator::Css("form button.go")).await;
    let rows: Vec<(String, String, u64)> = serde_json::from_value(ada.evaluates(ROWS).await).unwrap();
    let labels: Vec<_> = rows.iter().map(|(label, ..)| label.as_str()).collect();
    assert_eq!(labels, ["Action", "iPhone  16", "ßeta", "Sent to"]);
    let transform = "return [...document.querySelectorAll('dt, label span')].map(label =>
        ['', '::first-letter'].map(part => getComputedStyle(label, part).textTransform)).flat()";
    let transforms: Vec<String> = serde_json::from_value(ada.evaluates(transform).await).unwrap();
    assert_eq!(transforms, ["none"; 8], "and no style makes another of it");
    ada.leaves().await;
}

/// By their labels, of which none stands twice.
fn by_label(pairs: Vec<(String, String)>) -> BTreeMap<String, String> {
    let count = pairs.len();
    let pairs: BTreeMap<_, _> = pairs.into_iter().collect();
    assert_eq!(pairs.len(), count, "{pairs:?}");
    pairs
}

/// T21, T27: label by label, as Chromium shows it, in every language of ours.
#[tokio::test]
async fn t21_t27_the_challenge_the_page_behind_it_and_the_handler_have_the_same_fields() {
    let bank = bank().await;
    bank.ada.devtools("Network.enable", json!({})).await;
    let mut compared = 0;
    for (language, yes, amount) in
        [("en", "Yes", "250"), ("de", "Ja", "0"), ("fr", "Oui", "9007199254740991"), ("es", "Sí", "1")]
    {
        let headers = json!({ "headers": { "Accept-Language": language } });
        bank.ada.devtools("Network.setExtraHTTPHeaders", headers).await;
        bank.sends(amount).await;
        assert_eq!(bank.ada.evaluates("return document.documentElement.lang").await, json!(language));
        let challenge = by_label(bank.shown().await);
        let before = bank.ada.evaluates(ALIAS).await;
        bank.proves().await;
        assert_eq!(bank.ada.evaluates("return document.documentElement.lang").await, json!(language));
        assert_eq!(bank.ada.evaluates(ALIAS).await, before, "letters and brackets stand where they stood");
        let mut rows = bank.shown().await;
        assert_eq!(rows.remove(0).1, "Transfer", "the action");
        assert_eq!(rows.pop().unwrap().1, "/transfer", "where it is sent to");
        let resumed = by_label(rows);
        bank.goes_on().await;

        let got = bank.given.lock().unwrap().pop().unwrap();
        let typed: BTreeMap<_, _> = AWKWARD.into();
        assert_eq!(got.recipient, typed["recipient"], "sent as it was typed");
        assert_eq!(got.note, typed["note"].replace('\n', "\r\n"), "as forms send it");
        assert_eq!(got.amount.to_string(), amount);
        assert_eq!(got.csrf_token, typed["csrf_token"]);
        let handler = [
            ("Recipient", visible(&got.recipient).into_owned()),
            ("Amount", got.amount.to_string()),
            ("Rate", got.rate.to_string()),
            ("Reference", visible(&got.reference).into_owned()),
            ("Purpose", got.purpose),
            ("Note", visible(&got.note).into_owned()),
            ("Billing address", got.billing_address),
            ("Memo", visible(&got.memo).into_owned()),
            ("Alias", got.alias),
            ("Urgent", if got.urgent { yes } else { "no" }.to_owned()),
        ];
        let handler = by_label(handler.map(|(label, value)| (label.to_owned(), value)).into());
        assert_eq!(challenge, handler, "{language}: the challenge");
        assert_eq!(resumed, handler, "{language}: the page behind it");
        assert_eq!(handler["Recipient"], "[U+202E]bob[U+200B] & [U+2066]sons");
        assert_eq!(handler["Reference"], "123456789012345678901234567890[U+0020]");
        assert!(handler["Memo"].starts_with("[U+0020]Donau"), "{}", handler["Memo"]);
        compared += handler.len();
    }
    println!("{compared} fields compared on two pages and in the handler: the same");
    assert!(bank.given.lock().unwrap().is_empty(), "each ran once");
    bank.ada.leaves().await;
}
