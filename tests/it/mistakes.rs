//! Mistakes of whoever sets the layer up: each is told in the log, with what mends it.
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Mutex};

use authsignal_emulator::{Endpoint, Fault};
use axum::Router;
use axum::extract::Extension;
use axum::http::StatusCode;
use axum::routing::get;
use axum_authsignal::{Authsignal, AuthsignalLayer, User};

use crate::logs::Log;
use crate::support::{Bench, Visitor, bench, builder, clock, emulator, get as page};

fn pay(authsignal: &Authsignal) -> Router {
    Router::new().route("/pay", get(async || "done").route_layer(AuthsignalLayer::new(authsignal, "pay")))
}

async fn handle() -> (authsignal_emulator::Emulator, Authsignal) {
    let clock = clock();
    let emulator = emulator(&clock).await;
    let authsignal = builder(&emulator, &clock).build().unwrap();
    (emulator, authsignal)
}

fn count(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[tokio::test]
async fn a_callback_that_was_never_mounted_is_told_once() {
    const SAID: &str = "nothing serves its callback: merge `Authsignal::routes()`";
    let (_emulator, authsignal) = handle().await;
    let log = Log::default();
    let _listening = log.listen();
    let app = pay(&authsignal);
    for _ in 0..3 {
        Visitor::new(&app, "ada").challenge(&page("/pay").navigating()).await;
    }
    assert_eq!(count(&log.text(), SAID), 1, "{}", log.text());
    let mounts: [fn(&Authsignal) -> Router; 2] =
        [Authsignal::routes, |authsignal| Router::new().route("/authsignal/callback", authsignal.callback())];
    for mount in mounts {
        let (_emulator, authsignal) = handle().await;
        let app = pay(&authsignal).merge(mount(&authsignal));
        Visitor::new(&app, "ada").challenge(&page("/pay").navigating()).await;
    }
    assert_eq!(count(&log.text(), SAID), 1, "{}", log.text());
}

#[tokio::test]
async fn a_callback_in_a_nest_is_told() {
    let (emulator, authsignal) = handle().await;
    let log = Log::default();
    let _listening = log.listen();
    let api = pay(&authsignal).merge(authsignal.routes());
    let app = Router::new().nest("/api", api).layer(authsignal.browser_layer());
    let mut ada = Visitor::new(&app, "ada");
    let challenge = ada.challenge(&page("/api/pay").navigating()).await;
    let back = crate::support::way_back(&emulator.succeed(&challenge).unwrap());
    assert_eq!(ada.send(&back).await.status, 404);
    assert!(log.text().contains("the callback's path answers 404"), "{}", log.text());
    assert!(log.text().contains("inside a `nest`"), "{}", log.text());
}

/// The layer around the session's layer, in the place of inside of it.
#[tokio::test]
async fn a_session_that_is_not_there_yet_is_told() {
    let clock = clock();
    let emulator = emulator(&clock).await;
    let identify = |Extension(user): Extension<String>| async move { User::new(user) };
    let authsignal = builder(&emulator, &clock).identify(identify).build().unwrap();
    let log = Log::default();
    let _listening = log.listen();
    let session = || Extension("ada".to_owned());
    let layer = || AuthsignalLayer::new(&authsignal, "pay");
    let app = |outside: bool| {
        let app = Router::new().route("/pay", get(async || "done"));
        let app = if outside { app.layer(session()).layer(layer()) } else { app.layer(layer()).layer(session()) };
        app.merge(authsignal.routes())
    };
    assert_eq!(Visitor::new(&app(false), "ada").send(&page("/pay")).await.status, 403);
    assert!(!log.text().contains("ERROR"), "{}", log.text());
    assert_eq!(Visitor::new(&app(true), "ada").send(&page("/pay")).await.status, 500);
    assert!(
        log.text().contains("ERROR") && log.text().contains("inside of the one that makes the session"),
        "{}",
        log.text()
    );
}

/// What the key's owner did wrong is not what the service did.
#[tokio::test]
async fn a_wrong_secret_is_told_as_one() {
    let Bench { emulator, app, .. } = bench().await;
    let log = Log::default();
    let _listening = log.listen();
    let cases = [
        (Fault::status(401), "refused the API secret key: let it be the one of this tenant"),
        (Fault::status(400), "Authsignal refused the call"),
        (Fault::status(503).times(9), "no answer from Authsignal"),
    ];
    for (fault, said) in cases {
        emulator.clear_faults();
        emulator.inject_fault(Endpoint::Track, fault);
        let before = log.text().len();
        assert_eq!(
            Visitor::new(&app, "ada").send(&page("/pay")).await.status,
            StatusCode::SERVICE_UNAVAILABLE.as_u16()
        );
        let text = log.text();
        let errors: Vec<_> = text[before..].lines().filter(|line| line.contains("ERROR")).collect();
        assert!(errors.len() == 1 && errors[0].contains(said), "{said}: {errors:?}");
    }
}

/// `new` with something that is no action code: the panic names the line that called it.
#[tokio::test]
async fn a_wrong_action_code_is_told_where_it_is_written() {
    let (_emulator, authsignal) = handle().await;
    let place = Arc::new(Mutex::new(String::new()));
    let written = Arc::clone(&place);
    let old = take_hook();
    let this = std::thread::current().id();
    set_hook(Box::new(move |panic| {
        if std::thread::current().id() == this {
            *written.lock().unwrap() = format!("{} {panic}", panic.location().map_or("", |location| location.file()));
        }
    }));
    let result = catch_unwind(AssertUnwindSafe(|| AuthsignalLayer::new(&authsignal, "with draw")));
    set_hook(old);
    assert!(result.is_err());
    let said = place.lock().unwrap().clone();
    assert!(said.starts_with(file!()) && said.contains("with draw"), "{said}");
}
