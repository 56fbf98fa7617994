//! How the dashboard looks with names and lists as long as they get, and with nothing in it, on a desk and on phones, in light and in
//! dark. `SCREENSHOTS=docs/screenshots cargo test -p authsignal-emulator --test sdk dashboard` takes its pictures anew.
use std::path::PathBuf;
use std::time::Duration;

use authsignal_client::{Clock, CustomData, Track};
use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome, Rule, Tenant};
use fantoccini::Locator;
use serde_json::{Value, json};
use test_support::visitor::Visitor;

/// What its picture is called, its width, its height, whether it is dark.
type Screen = (&'static str, u32, u32, bool);

const SCREENS: [Screen; 6] = [
    ("desk", 1200, 800, false),
    ("desk-dark", 1200, 800, true),
    ("tablet", 800, 1000, false),
    ("phone", 360, 780, false),
    ("phone-dark", 360, 780, true),
    ("small-phone", 320, 640, false),
];
/// What the documentation shows.
const PICTURES: [&str; 2] = ["dashboard-desk", "dashboard-phone-dark"];

/// What goes beyond the screen or its card, and what is cut.
const MEASURE: &str = r##"
    const faults = [];
    const width = document.documentElement.clientWidth;
    const said = element => `${element.tagName} "${element.textContent.trim().slice(0, 40)}"`;
    let seen = 0;
    for (const element of document.body.querySelectorAll("*")) {
        if (!element.checkVisibility() || element.closest(".skip, svg, option")) continue;
        const { left, right, width: wide } = element.getBoundingClientRect();
        if (wide === 0) continue;
        seen += 1;
        if (left < -0.5 || right > width + 0.5) faults.push(`${said(element)} at ${left} to ${right} of ${width}`);
        const card = element.closest(".card")?.getBoundingClientRect();
        if (card && (left < card.left || right > card.right)) faults.push(`${said(element)} leaves its card`);
        const named = element.matches("button, a, select, summary, .chip, .state, h1, h2, time, label, dt, dd, p");
        const cut = element.scrollWidth > element.clientWidth + 1;
        if (named && element.clientWidth && cut) faults.push(`${said(element)} is cut`);
    }
    const tabs = [...document.querySelectorAll(".jump a")];
    if (tabs.length !== 8) faults.push(`${tabs.length} tabs`);
    scrollTo(0, 0);
    for (const tab of tabs.filter(tab => tab.checkVisibility())) {
        const { left, right, top, bottom } = tab.getBoundingClientRect();
        const ends = [[left + 1, top + 1 + (bottom - top) / 2], [right - 1, bottom - 1 - (bottom - top) / 2]];
        if (!ends.every(([x, y]) => document.elementFromPoint(x, y) === tab)) faults.push(`the tab ${said(tab)} is cut`);
    }
    return { seen, faults };
"##;

async fn turn_on(visitor: &Visitor, (_, width, _, dark): Screen, height: u32) {
    let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500 });
    visitor.devtools("Emulation.setDeviceMetricsOverride", metrics).await;
    let features =
        json!({ "features": [{ "name": "prefers-color-scheme", "value": if dark { "dark" } else { "light" } }] });
    visitor.devtools("Emulation.setEmulatedMedia", features).await;
}

/// Looks over the dashboard as it is, on these screens. Says how many elements were measured.
async fn look(visitor: &Visitor, name: &str, screens: &[Screen]) -> u64 {
    let mut measured = 0;
    for &screen in screens {
        turn_on(visitor, screen, screen.2).await;
        visitor.look_over().await;
        let found = visitor.evaluates(MEASURE).await;
        assert_eq!(found["faults"], json!([]), "{name} on {}", screen.0);
        measured += found["seen"].as_u64().unwrap();
        visitor.passes_axe().await;
        let picture = format!("{name}-{}", screen.0);
        let folder = std::env::var_os("SCREENSHOTS").filter(|_| PICTURES.contains(&&*picture));
        if let Some(folder) = folder {
            let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(folder);
            visitor.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
            let height = visitor.evaluates("return document.documentElement.scrollHeight").await.as_u64().unwrap();
            turn_on(visitor, screen, height.try_into().unwrap()).await;
            std::fs::write(folder.join(format!("{picture}.png")), visitor.picture().await).unwrap();
            visitor.devtools("Emulation.setScrollbarsHidden", json!({ "hidden": false })).await;
        }
    }
    measured
}

async fn arrive(emulator: &Emulator) -> Visitor {
    let site = format!("http://localhost:{}", emulator.local_address().port());
    let visitor = Visitor::arrive_at(site, json!({})).await;
    visitor.open("/emulator").await;
    visitor.waits_for(Locator::Css("#live.on")).await;
    visitor.waits_for(Locator::Css("#connect *")).await;
    visitor
}

/// What the foot of a list says.
async fn foot(visitor: &Visitor, list: &str) -> Value {
    visitor
        .evaluates(&format!(
            "const foot = document.querySelector('#{list}-beyond'); return foot.checkVisibility() && foot.textContent"
        ))
        .await
}

#[tokio::test]
async fn an_empty_dashboard_fits_on_every_screen() {
    let emulator = Emulator::start().await.unwrap();
    let visitor = arrive(&emulator).await;
    let measured = look(&visitor, "dashboard-empty", &SCREENS).await;
    assert!(measured > 200, "{measured}");
    visitor.leaves().await;
}

#[tokio::test]
async fn a_dashboard_in_use_fits_on_every_screen() {
    let day = std::time::UNIX_EPOCH + Duration::from_secs(1_768_471_200);
    let emulator =
        Emulator::builder().clock(Clock::manual(day)).secret("a-secret-for-the-picture").start().await.unwrap();
    let client = emulator.client();
    emulator.user("ada").enroll_email_otp("ada@example.com");
    emulator.user("grace").enroll_push("Grace’s phone");
    emulator.set_outcome("transfer", Outcome::Review);
    client.track("grace", Track::new("transfer")).await.unwrap();
    client.track("bob", Track::new("view-card")).await.unwrap();
    let paid = client.track("ada", Track::new("pay").redirect_url("http://localhost:3000/back")).await.unwrap();
    emulator.succeed(paid.url.unwrap().secret()).unwrap();
    emulator.set_outcome("close-account", Outcome::Block);
    client.track("ada", Track::new("close-account")).await.unwrap();
    client.track("ada", Track::new("withdraw").redirect_url("http://localhost:3000/back")).await.unwrap();
    emulator.inject_fault(Endpoint::GetUser, Fault::hang_up());
    client.get_user("ada").await.unwrap();
    emulator.inject_fault(Endpoint::Track, Fault::status(503).times(2));
    let visitor = arrive(&emulator).await;
    visitor.reads("state", "REVIEW_REQUIRED").await;
    look(&visitor, "dashboard", &SCREENS).await;
    visitor.leaves().await;
}

#[tokio::test]
async fn long_names_and_long_lists_fit_on_every_screen() {
    let (user, action) = ("w".repeat(256), "W".repeat(64));
    let rule = Rule::new("R".repeat(120)).on(action.clone()).outcome(Outcome::Challenge);
    // Two figures for the month, the day and the hour: none is longer, whenever the test runs.
    let clock = Clock::manual(std::time::UNIX_EPOCH + Duration::from_secs(1_795_821_512));
    let emulator = Emulator::builder().clock(clock).tenant(Tenant::new().rule(rule)).start().await.unwrap();
    let client = emulator.client();
    let id = |number: usize| format!("{number:03}{}", &user[3..]);
    for number in 0..105 {
        let _ = emulator
            .user(&id(number))
            .enroll_email_otp(format!("{}@example.com", "m".repeat(64)))
            .enroll_sms("+64270000000");
        let track = || {
            Track::new(action.clone())
                .redirect_url("http://localhost:3000/back")
                .custom(CustomData::new().with("c".repeat(200), "d".repeat(200)))
        };
        let tracked = client.track(&*id(number), track()).await.unwrap();
        emulator.succeed(tracked.url.unwrap().secret()).unwrap();
    }
    for number in 0..15 {
        let code = format!("{number:02}{}", "R".repeat(62));
        emulator.set_outcome(&*code, Outcome::Review);
        client.track(&*id(number), Track::new(code)).await.unwrap();
        client.track(&*id(number), Track::new(action.clone())).await.unwrap();
        client.track(&*format!("n{}", &id(number)[1..]), Track::new(action.clone())).await.unwrap();
        emulator.inject_fault(Endpoint::ClientSecurityKeyAuthenticationOptions, Fault::status(503).times(2));
    }
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let path = "client/user-authenticators/security-key/authentication-options";
    let long = http.post(format!("{}/{path}?{}", emulator.base_url(), "q".repeat(2000)));
    long.header("x".repeat(300), "y".repeat(300)).send().await.unwrap();

    let visitor = arrive(&emulator).await;
    visitor.waits_until("document.querySelectorAll('#actions > li').length === 12").await;
    for (list, total) in
        [("actions", 150), ("users", 120), ("inbox", 105), ("requests", 151), ("faults", 15), ("waiting", 15)]
    {
        let all = match list {
            "waiting" => String::new(),
            "inbox" => " all: /emulator/messages".into(),
            other => format!(" all: /emulator/{other}"),
        };
        let more = total.min(100) - 12;
        let said = foot(&visitor, list).await.as_str().unwrap().replace(['\u{a0}', '\n'], " ");
        let expected = format!("12 of {total}Show {more} more{}", all.trim_start());
        assert_eq!(said.replace("more ", "more"), expected, "{list}");
    }
    let measured = look(&visitor, "dashboard-long", &SCREENS).await;
    println!("{measured} elements of twelve rows were measured");
    visitor
        .evaluates(
            "for (const more of document.querySelectorAll('.beyond button')) if (more.checkVisibility()) more.click()",
        )
        .await;
    visitor.waits_until("document.querySelectorAll('#actions > li').length === 100").await;
    visitor.evaluates("for (const one of document.querySelectorAll('details')) one.open = true").await;
    let whole = look(&visitor, "dashboard-whole", &[SCREENS[0], SCREENS[5]]).await;
    println!("{whole} elements of whole lists were measured");
    assert!(whole > measured, "{whole} after {measured}");
    assert!(foot(&visitor, "actions").await.as_str().unwrap().starts_with("100 of 150Show fewer"));
    visitor.leaves().await;
}
