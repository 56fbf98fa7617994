//! Every page of ours that has an address, in four languages, on a desk and on a phone, in light and in dark: axe-core looks at
//! each. With `SCREENSHOTS=docs/screenshots` in the environment, one sheet for each page is written to `docs/screenshots/pages`.
use std::path::PathBuf;

use authsignal_emulator::Outcome;
use axum::Router;
use axum::http::header;
use axum::routing::{get, post};
use axum_authsignal::AuthsignalLayer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use test_support::visitor::Visitor;

use crate::sites::{emulator, handle, listen, page, serve};

mod reviews;
mod transactions;

const LANGUAGES: [&str; 4] = ["en", "de", "fr", "es"];
/// Width, height, and colour scheme.
const SCREENS: [(u32, u32, &str); 4] =
    [(560, 560, "light"), (560, 560, "dark"), (320, 560, "light"), (320, 560, "dark")];
const LOGO: &str = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 24 24' width='32' height='32'>\
                    <path fill='#0b6b4f' d='M12 2 2 8v2h20V8zM4 12v7h3v-7zm6 0v7h4v-7zm7 0v7h3v-7zM2 20v2h20v-2z'/></svg>";
const FORMS: &str = "<form id=\"kept\" method=\"post\" action=\"/pay\"><input type=\"hidden\" name=\"to\" value=\"Bob\">\
                     <input type=\"hidden\" name=\"amount\" value=\"250\"><input type=\"hidden\" name=\"password\" value=\"x\"></form>\
                     <form id=\"plain\" method=\"post\" action=\"/pay\" enctype=\"text/plain\"></form>\
                     <form id=\"parts\" method=\"post\" action=\"/pay\" enctype=\"multipart/form-data\">\
                     <input type=\"hidden\" name=\"to\" value=\"Bob\"><input type=\"hidden\" name=\"pin\" value=\"1\">\
                     <input type=\"file\" name=\"receipt\" aria-label=\"Receipt\"><input type=\"file\" name=\"annex\" hidden></form>\
                     <form id=\"long\" method=\"post\" action=\"/pay\"><input type=\"hidden\" name=\"to\" value=\"Bob\">\
                     <input type=\"hidden\" name=\"note_for_the_bank\"></form>";

async fn screen(visitor: &Visitor, (width, height, scheme): (u32, u32, &str)) {
    let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
    visitor.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    visitor.devtools("Emulation.setEmulatedMedia", features).await;
}

/// How high the page is.
async fn height(visitor: &Visitor) -> u32 {
    let height = visitor.evaluates("return document.documentElement.scrollHeight").await;
    height.as_u64().unwrap().try_into().unwrap()
}

/// Has the browser ask for its pages in a language.
async fn speak(visitor: &Visitor, language: &str) {
    visitor.devtools("Network.setExtraHTTPHeaders", json!({ "headers": { "Accept-Language": language } })).await;
}

/// Looks at the page that is there, in every language and on every screen.
async fn sheet(visitor: &Visitor, name: &str) -> usize {
    let mut pictures = Vec::new();
    for language in LANGUAGES {
        speak(visitor, language).await;
        visitor.reload().await;
        pictures.extend(pictures_of(visitor, name, language).await);
    }
    visitor.devtools("Network.setExtraHTTPHeaders", json!({ "headers": {} })).await;
    keep(visitor, name, pictures).await
}

/// Looks at the page that is there, which is in this language, on every screen.
async fn pictures_of(visitor: &Visitor, name: &str, language: &str) -> Vec<String> {
    assert_eq!(visitor.evaluates("return document.documentElement.lang").await, json!(language), "{name}");
    let mut pictures = Vec::new();
    for one in SCREENS {
        screen(visitor, one).await;
        visitor.look_over().await;
        visitor.passes_axe().await;
        screen(visitor, (one.0, height(visitor).await, one.2)).await;
        pictures.push(STANDARD.encode(visitor.picture().await));
    }
    pictures
}

/// Writes the sheet where it is wanted, and says how many pictures it has.
async fn keep(visitor: &Visitor, name: &str, pictures: Vec<String>) -> usize {
    let count = pictures.len();
    if let Some(folder) = std::env::var_os("SCREENSHOTS") {
        let address = visitor.address().await;
        write(visitor, &PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder).join("pages"), name, pictures).await;
        visitor.browser.goto(address.as_str()).await.unwrap();
    }
    count
}

/// One picture of them all, half as large.
async fn write(visitor: &Visitor, folder: &PathBuf, name: &str, pictures: Vec<String>) {
    visitor.open("/blank").await;
    let lay_out = r#"
        document.body.replaceChildren();
        document.body.style = "margin:8px;display:grid;grid-template-columns:repeat(2,280px) repeat(2,160px);gap:8px;background:#888";
        for (const picture of args) {
            const image = Object.assign(new Image(), { src: `data:image/png;base64,${picture}` });
            image.style.width = "100%";
            document.body.append(image);
            await image.decode();
        }"#;
    visitor.runs(lay_out, json!(pictures)).await.unwrap();
    screen(visitor, (928, 560, "light")).await;
    screen(visitor, (928, height(visitor).await, "light")).await;
    let asked = json!({ "cmd": "Page.captureScreenshot", "params": { "format": "jpeg", "quality": 72 } });
    let answer: Value = visitor.driver("goog/cdp/execute", asked).await;
    std::fs::create_dir_all(folder).unwrap();
    let picture = STANDARD.decode(answer["value"]["data"].as_str().unwrap()).unwrap();
    std::fs::write(folder.join(format!("{name}.jpg")), picture).unwrap();
}

#[tokio::test]
async fn every_page_is_right_in_every_language_and_on_every_screen() {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site)
        .refusal_budget(10_000, std::time::Duration::from_secs(60))
        .app_name("The small bank")
        .logo("/logo.svg")
        .accent_color("#0b6b4f")
        .build()
        .unwrap();
    let guard = |action| AuthsignalLayer::new(&authsignal, action);
    let withdraw = guard("withdraw").named("Withdraw money").named_in("de", "Geld abheben");
    let withdraw = withdraw.named_in("fr", "Retirer de l’argent").named_in("es", "Retirar dinero");
    let app = Router::new()
        .route("/", get(async || page("Home", FORMS)))
        .route("/blank", get(async || page("Sheet", "")))
        .route("/favicon.ico", get(async || ()))
        .route("/logo.svg", get(async || ([(header::CONTENT_TYPE, "image/svg+xml")], LOGO)))
        .route("/card", get(async || page("Your card", "")).route_layer(guard("view-card")))
        .route("/close", get(async || page("Closed", "")).route_layer(guard("close-account")))
        .route("/pay", post(async || page("Paid", "")).route_layer(withdraw))
        .merge(authsignal.routes());
    serve(listener, app);
    let ada = Visitor::arrive_at(site.clone(), json!({})).await;
    ada.devtools("Network.enable", json!({})).await;
    let proves = async || ada.browser.goto(&emulator.succeed(ada.address().await.as_str()).unwrap()).await.unwrap();
    let sends = async |form: &str| {
        ada.open("/").await;
        let fill = "const chosen = new DataTransfer(); chosen.items.add(new File(['x'], 'receipt of March 2026.pdf'));
            document.querySelector('[name=receipt]').files = chosen.files;
            document.querySelector('[name=note_for_the_bank]').value = 'x'.repeat(20_000);";
        ada.evaluates(&format!("{fill} document.getElementById('{form}').submit()")).await;
        ada.sees("Withdraw").await;
        proves().await;
        ada.sees("One last step").await;
    };
    let mut count = 0;

    ada.open("/card").await;
    ada.sees("View card").await;
    ada.click("Cancel").await;
    ada.sees("Not confirmed yet").await;
    count += sheet(&ada, "left").await;
    let flow = ada.address().await;
    for (outcome, name) in [("server", "outage"), ("rejected", "mistaken-key"), ("unproven", "unproven")] {
        ada.browser.goto(&format!("{flow}&outcome={outcome}")).await.unwrap();
        count += sheet(&ada, name).await;
    }

    sends("kept").await;
    count += sheet(&ada, "resume").await;
    let flow = ada.address().await;
    ada.evaluates("document.querySelector('[type=password]').value = 'x'; document.forms[0].submit()").await;
    ada.sees("Paid").await;
    ada.browser.goto(flow.as_str()).await.unwrap();
    ada.sees("Already passed on").await;
    count += sheet(&ada, "done").await;

    sends("plain").await;
    count += sheet(&ada, "send-again").await;
    sends("parts").await;
    count += sheet(&ada, "resume-file").await;
    sends("long").await;
    count += sheet(&ada, "not-kept").await;

    ada.open("/").await;
    let call = "const answer = await fetch('/pay', { method: 'POST', body: 'x', referrerPolicy: 'no-referrer' });
        return (await answer.json()).url;";
    let challenge = ada.runs(call, json!(null)).await.unwrap();
    ada.browser.goto(&emulator.succeed(challenge.as_str().unwrap()).unwrap()).await.unwrap();
    if ada.sees_one_of(&["Confirmed", "Home"]).await == "Confirmed" {
        count += sheet(&ada, "approved").await;
    }

    emulator.set_outcome("close-account", Outcome::Block);
    for (path, name) in [
        ("/close", "refused"),
        ("/authsignal/callback?flow=x", "broken"),
        ("/authsignal/callback?bearer=1", "back-to-app"),
    ] {
        ada.open(path).await;
        count += sheet(&ada, name).await;
    }
    println!("{count} pictures of pages, 0 violations");
    assert!(count >= 192, "{count}");
    ada.leaves().await;
}
