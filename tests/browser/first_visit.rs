//! The first visit of a single-page application: five calls at once from a browser that has nothing of ours (threat T126).
use axum::Router;
use axum::routing::get;
use axum_authsignal::AuthsignalLayer;
use serde_json::json;

use crate::sites::{emulator, handle, listen, page, serve};
use test_support::visitor::Visitor;

const CALLS: usize = 5;
const APP: &str = r#"<button>Load</button><p class="done"></p><script>
    document.querySelector("button").onclick = async () => {
        const calls = [1, 2, 3, 4, 5].map(n => fetch("/part/" + n));
        const answers = await Promise.all(calls);
        const texts = await Promise.all(answers.map(answer => answer.text()));
        window.urls = texts.map(text => { try { return JSON.parse(text).url } catch { return null } });
        document.querySelector(".done").textContent = answers.map(answer => answer.status).join(" ");
    };
</script>"#;

#[tokio::test]
async fn t126_five_calls_at_once_from_a_new_browser_all_end_well() {
    let emulator = emulator().await;
    let (listener, port) = listen().await;
    let site = format!("http://localhost:{port}");
    let authsignal = handle(&emulator, &site).build().unwrap();
    let home = Router::new().route("/", get(async || page("Overview", APP))).layer(authsignal.browser_layer());
    let app = (1..=CALLS).fold(home, |app, n| {
        let layer = AuthsignalLayer::new(&authsignal, format!("part-{n}"));
        app.route(&format!("/part/{n}"), get(async || "a part").route_layer(layer))
    });
    serve(listener, app.route("/favicon.ico", get(async || ())).merge(authsignal.routes()));

    let ada = Visitor::arrive_at(site, json!({})).await;
    ada.open("/").await;
    ada.click("Load").await;
    ada.reads(".done", "403 403 403 403 403").await;
    let urls = ada.evaluates("return window.urls").await;
    let urls: Vec<_> = urls.as_array().unwrap().iter().map(|url| url.as_str().unwrap().to_owned()).collect();
    let mut ended_well = 0;
    for (url, n) in urls.iter().zip(1..) {
        ada.browser.goto(url).await.unwrap();
        ada.confirms(&format!("Part {n}")).await;
        ended_well += usize::from(ada.sees_one_of(&["Overview", "This has expired"]).await == "Overview");
    }
    println!("{ended_well} of {CALLS} proofs ended well");
    assert_eq!(ended_well, CALLS);
    assert_eq!(ada.cookies().await, [("authsignal".to_owned(), "Lax".to_owned())], "one browser, one id");
    ada.click("Load").await;
    ada.reads(".done", "200 200 200 200 200").await;
    ada.leaves().await;
}
