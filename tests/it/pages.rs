//! The pages that people see: named for responders, recognised as the application's, in the language of whoever looks.
use std::sync::{Arc, Mutex};

use authsignal_emulator::{Endpoint, Fault};
use axum::Router;
use axum::http::{HeaderValue, Response};
use axum::routing::any;
use axum_authsignal::{Answer, AuthsignalLayer, ConfigError, Language, LinkKind, Page, PageKind, RefusalReason, Text};
use bytes::Bytes;

use crate::support::{
    Ask, Bench, Reply, Visitor, bench, bench_with, builder, clock, emulator, form, get, handle, json, post,
};

mod tokens;

/// Is challenged, proves it, and sees the page after it.
async fn page_after(bench: &Bench, visitor: &mut Visitor, ask: &Ask, accept_language: &str) -> Reply {
    let challenge = visitor.challenge(&ask.clone().header("accept-language", accept_language)).await;
    let back = visitor.send(&bench.prove(&challenge)).await;
    assert_eq!(back.status, 303, "{}", back.text());
    visitor.send(&get(back.location()).navigating().header("accept-language", accept_language)).await
}

/// What a responder was shown: which page, and what its links mean.
type Shown = Arc<Mutex<Vec<(String, Vec<LinkKind>)>>>;

fn named(page: &Page) -> &'static str {
    match page.kind() {
        PageKind::Resume(_) => "resume",
        PageKind::Hop => "hop",
        PageKind::Left => "left",
        PageKind::Done => "done",
        PageKind::Approved => "approved",
        PageKind::SendAgain { .. } => "send again",
        PageKind::OwnWindow => "own window",
        PageKind::BackToApp => "back to the app",
        PageKind::Refusal(_) => "refusal",
        other => panic!("{other:?}"),
    }
}

/// Every page of ours has a name, and a responder's own keeps the headers that make it safe.
#[tokio::test]
async fn t22_every_page_is_named_and_the_applications_own_is_as_safe() {
    let shown = Shown::default();
    let seen = Arc::clone(&shown);
    let bench = bench_with(|builder| {
        builder.respond(move |_, answer| {
            let Answer::Page(page) = answer else { return None };
            let links = page.links().iter().map(|link| link.kind()).collect();
            seen.lock().unwrap().push((named(page).to_owned(), links));
            let html = format!("<h1>{}</h1><p>{}</p>", page.title(), page.text().join(" "));
            let mut response = Response::new(Bytes::from(html));
            *response.status_mut() = page.status();
            let policy = HeaderValue::from_static("default-src 'self'");
            response.headers_mut().insert("content-security-policy", policy);
            Some(response)
        })
    })
    .await;
    let mut ada = bench.visitor("ada");
    let check = |page: &Reply, name: &str, links: &[LinkKind]| {
        assert_eq!(shown.lock().unwrap().last(), Some(&(name.to_owned(), links.to_vec())), "{}", page.text());
        page.assert_private();
        let policy = page.header("content-security-policy");
        let framed = name == "own window";
        let ours =
            format!("base-uri 'none'; object-src 'none'; frame-ancestors {}", if framed { "'self'" } else { "'none'" });
        assert_eq!(policy, format!("default-src 'self', {ours}"), "{name}");
        assert_eq!(page.header("x-frame-options"), if framed { "" } else { "DENY" }, "{name}");
        let referrer = if name == "resume" { "same-origin" } else { "no-referrer" };
        assert_eq!(page.header("referrer-policy"), referrer, "{name}");
    };
    use LinkKind::{Cancel, Continue, NewWindow, TryAgain};

    let page = page_after(&bench, &mut ada, &form("/pay", "amount=10"), "en").await;
    check(&page, "resume", &[Cancel]);
    let own = bench.tracked()["redirectUrl"].as_str().unwrap().to_owned();
    let own = crate::support::way_back(&own);
    ada.send(&form("/pay", "amount=10")).await.assert_passed();
    check(&ada.send(&own).await, "done", &[Continue]);

    let page = page_after(&bench, &mut ada, &post("/pay", "text/plain", "x").navigating(), "en").await;
    check(&page, "send again", &[Continue]);
    let page = page_after(&bench, &mut ada, &json("/pay", "{}"), "en").await;
    check(&page, "approved", &[Continue]);

    let challenge = ada.challenge(&get("/other").navigating()).await;
    let left = crate::support::way_back(&bench.emulator.quit(&challenge).unwrap());
    let left = ada.send(&left).await.location().to_owned();
    check(&ada.send(&get(&left).navigating()).await, "left", &[TryAgain, Cancel]);
    let mut nobody = Visitor { user: None, ..ada.clone() };
    check(&nobody.send(&get(&left).navigating()).await, "hop", &[Continue]);
    let stranded = nobody.send(&get(&format!("{left}&hop=1")).navigating()).await;
    check(&stranded, "refusal", &[Continue]);
    assert_eq!(stranded.status, 401);

    let framed = get("/other").navigating().header("sec-fetch-dest", "iframe");
    check(&ada.send(&framed).await, "own window", &[NewWindow]);
    let app = get("/authsignal/callback?bearer=1").navigating();
    check(&ada.send(&app).await, "back to the app", &[]);

    bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).times(9));
    check(&ada.send(&get("/pay/1").navigating()).await, "refusal", &[TryAgain, Cancel]);
    let names: std::collections::BTreeSet<_> = shown.lock().unwrap().iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), 9, "{names:?}");
}

/// A responder that answers a refusal is not asked about its page, and one that only renders pages gets it.
#[tokio::test]
async fn a_refusal_is_asked_about_before_its_page() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    let bench = bench_with(|builder| {
        builder.respond(move |parts, answer| {
            let (name, own) = match answer {
                Answer::Challenge(_) => ("challenge", None),
                Answer::Refusal(_) => ("refusal", parts.headers.get("x-own")),
                _ => ("page", None),
            };
            seen.lock().unwrap().push(name);
            own.map(|_| Response::new(Bytes::from("own")))
        })
    })
    .await;
    bench.emulator.set_outcome("pay", authsignal_emulator::Outcome::Block);
    let mut ada = bench.visitor("ada");
    for (ask, want) in [
        (get("/pay").navigating(), vec!["refusal", "page"]),
        (get("/pay").navigating().header("x-own", "1"), vec!["refusal"]),
        (get("/pay"), vec!["refusal"]),
    ] {
        ada.send(&ask).await;
        assert_eq!(std::mem::take(&mut *asked.lock().unwrap()), want);
    }
}

/// The page with the form says what is about to be done: its name in the right language, where it goes, and the values.
#[tokio::test]
async fn the_last_step_says_what_is_about_to_be_done() {
    let bench = bench().await;
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let named = layer("withdraw").named("Withdraw money").named_in("de", "Geld abheben").named_in("fr-CA", "Retirer");
    let app: Router = Router::new()
        .route("/withdraw", any(handle).layer(named))
        .route("/plain", any(handle).layer(layer("close-account")))
        .with_state(bench.effects.clone())
        .merge(bench.authsignal.routes());
    let cases = [
        ("/withdraw?from=7", "en", "One last step", "Action", "Withdraw money", "Sent to"),
        ("/withdraw?from=7", "de-AT", "Ein letzter Schritt", "Vorgang", "Geld abheben", "Gesendet an"),
        ("/withdraw?from=7", "fr", "Une dernière étape", "Action", "Retirer", "Envoyé à"),
        ("/withdraw?from=7", "es", "Un último paso", "Acción", "Withdraw money", "Enviado a"),
        ("/plain", "it", "One last step", "Action", "Close account", "Sent to"),
    ];
    for (target, language, title, action, name, sent_to) in cases {
        let mut ada = Visitor::new(&app, "ada");
        let page = page_after(&bench, &mut ada, &form(target, "amount=10"), language).await;
        let html = page.text();
        let lang = language.split('-').next().unwrap().replace("it", "en");
        assert!(html.contains(&format!("<html lang=\"{lang}\">")), "{language}: {html}");
        assert!(html.contains(&format!("<h1>{title}</h1>")), "{language}: {html}");
        let row = |name: &str, value: &str| format!("<div><dt><bdi>{name}</bdi></dt><dd><bdi>{value}</bdi></dd></div>");
        let rows = [row(action, name), row("Amount", "10"), row(sent_to, target)].join("\n");
        assert!(html.contains(&rows), "{language}: {html}");
    }
}

/// What is a mistake of the application's own is said so, to people as to programs.
#[tokio::test]
async fn a_mistaken_key_is_no_matter_of_a_few_seconds() {
    let bench = bench().await;
    for (language, words) in [
        ("en", "Please tell the people who run this"),
        ("de", "die diese Anwendung betreiben"),
        ("fr", "les responsables de cette application"),
        ("es", "quienes gestionan esta aplicación"),
    ] {
        bench.emulator.inject_fault(Endpoint::Track, Fault::status(401));
        let page = bench.visitor("ada").send(&get("/pay").navigating().header("accept-language", language)).await;
        assert_eq!((page.status, page.headers.get("retry-after")), (503, None), "{language}");
        assert!(page.text().contains(words), "{language}: {}", page.text());
        assert!(!page.text().contains("href=\"\""), "nothing to try again: {}", page.text());
    }
    bench.emulator.inject_fault(Endpoint::Track, Fault::status(401));
    let problem = bench.visitor("ada").send(&get("/pay").header("accept-language", "de")).await;
    assert_eq!(problem.headers.get("retry-after"), None);
    assert_eq!(problem.json()["title"], "This can't be confirmed right now", "programs are told in English");
}

/// In an outage one may try again where that is possible: a page by its own address, what was sent by the page it came from.
#[tokio::test]
async fn what_was_sent_in_an_outage_leads_back_to_where_it_came_from() {
    let bench = bench().await;
    let form = form("/pay", "amount=10");
    for (ask, link) in [
        (get("/pay").navigating(), Some("")),
        (form.clone().header("referer", "https://app.example.com/form?step=2"), Some("/form?step=2")),
        (form.clone().header("referer", "https://evil.example/form"), None),
        (form.clone().header("referer", "https://app.example.com/authsignal/callback?flow=x"), None),
        (form, None),
    ] {
        bench.emulator.inject_fault(Endpoint::Track, Fault::status(503).always());
        let page = bench.visitor("ada").send(&ask).await;
        assert_eq!(page.status, 503);
        match link {
            Some(href) => assert!(page.text().contains(&format!("href=\"{href}\">Try again</a>")), "{}", page.text()),
            None => assert!(page.text().contains("Go back and send it once more."), "{}", page.text()),
        }
        assert!(page.text().contains("href=\"/\">Cancel</a>") && !page.text().contains("evil"), "{}", page.text());
    }
}

/// The application's name, logo and colour stand on its pages, and a policy lets exactly the logo in.
#[tokio::test]
async fn pages_carry_the_applications_name_logo_and_colour() {
    for (logo, src, sources) in [
        ("/logo.svg?v=2", "/logo.svg?v=2", "https://app.example.com/logo.svg"),
        ("https://cdn.example/a/logo.png?v=2", "https://cdn.example/a/logo.png?v=2", "https://cdn.example/a/logo.png"),
    ] {
        let bench = bench_with(|builder| builder.app_name("Tom & <b>Co</b>").logo(logo).accent_color("#FC0")).await;
        bench.emulator.set_outcome("pay", authsignal_emulator::Outcome::Block);
        let page = bench.visitor("ada").send(&get("/pay").navigating()).await;
        page.assert_refused(&RefusalReason::State(axum_authsignal::client::ActionState::Block));
        let html = page.text();
        assert!(html.contains("<title>This was refused – Tom &#38; &#60;b&#62;Co&#60;/b&#62;</title>"), "{html}");
        assert!(html.contains(&format!("<img src=\"{src}\" alt=\"\">")), "{html}");
        assert!(html.contains("--key:#ffcc00;--on-key:#000000"), "{html}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains(&format!("; img-src {sources};")), "{policy}");
    }
}

struct Tagged(&'static str);

impl Language for Tagged {
    fn tag(&self) -> &str {
        self.0
    }
    fn text(&self, text: Text<'_>) -> Option<String> {
        (text == Text::Continue).then(|| "Vai".to_owned())
    }
}

#[tokio::test]
async fn another_language_is_spoken_where_it_is_asked_for() {
    let bench = bench_with(|builder| builder.language(Tagged("it"))).await;
    let page = get("/authsignal/callback?flow=x").navigating().header("accept-language", "it-CH, de;q=0.9");
    let page = bench.visitor("ada").send(&page).await;
    assert!(page.text().contains("<html lang=\"it\">") && page.text().contains(">Vai</a>"), "{}", page.text());
}

#[tokio::test]
async fn what_would_not_work_on_a_page_is_not_built() {
    let clock = clock();
    let emulator = emulator(&clock).await;
    let builder = || builder(&emulator, &clock);
    for logo in [
        "",
        "logo.svg",
        "http://cdn.example/logo.svg",
        "data:image/svg+xml,x",
        "javascript:alert(1)",
        "//cdn.example/logo.svg",
        "/a/../logo.svg",
        "/logo.svg;x",
        "/a,b.svg",
        "/authsignal/callback",
        "https://ada:pw@cdn.example/logo.svg",
        "https://cdn.example/",
        "https://cdn.example/logo.svg#x",
        "https://cdn.example/logo.svg; script-src *",
    ] {
        let error = builder().logo(logo).build().unwrap_err();
        assert!(matches!(error, ConfigError::Logo { .. }), "{logo}: {error}");
        assert!(!error.to_string().contains("pw"), "{error}");
    }
    for color in ["", "red", "#12345", "#fff}", "rgb(0,0,0)"] {
        let error = builder().accent_color(color).build().unwrap_err();
        assert!(matches!(error, ConfigError::AccentColor { .. }), "{color}: {error}");
    }
    for tag in ["", "x", "en_US", "<script>"] {
        let error = builder().language(Tagged(tag)).build().unwrap_err();
        assert!(matches!(error, ConfigError::Language { .. }), "{tag}: {error}");
    }
}
