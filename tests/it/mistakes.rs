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

/// A session that is not there yet may look as if nobody were signed in: an extractor of the application's own answers 401, or
/// finds no user. It is told once, where somebody seems to be signed in, and never once somebody was named.
#[tokio::test]
async fn a_session_that_looks_like_nobody_is_told_once() {
    const SAID: &str =
        "a guarded route stands outside of the layer that makes the session. `.layer(session)` comes after";
    type Found = Option<Extension<String>>;
    let clock = clock();
    let emulator = emulator(&clock).await;
    let handles = || {
        let refuses =
            |user: Found| async move { user.map(|Extension(user)| User::new(user)).ok_or(StatusCode::UNAUTHORIZED) };
        let leads_to_login = |user: Found| async move {
            user.map(|Extension(user)| User::new(user)).ok_or(axum::response::Redirect::to("/login"))
        };
        let nobody = |user: Found| async move { user.map(|Extension(user)| User::new(user)) };
        [
            (builder(&emulator, &clock).identify(refuses).build().unwrap(), 401),
            (builder(&emulator, &clock).identify(leads_to_login).build().unwrap(), 303),
            (builder(&emulator, &clock).identify(nobody).build().unwrap(), 401),
        ]
    };
    let app = |authsignal: &Authsignal, outside: bool| {
        let layer = AuthsignalLayer::new(authsignal, "pay");
        let app = Router::new().route("/pay", get(async || "done"));
        let session = Extension("ada".to_owned());
        if outside { app.layer(session).layer(layer) } else { app.layer(layer).layer(session) }
    };
    let signed_in = [page("/pay").header("cookie", "id=1"), page("/pay").header("authorization", "Bearer 1")];
    for (authsignal, status) in handles() {
        let log = Log::default();
        let _listening = log.listen();
        let app = app(&authsignal, true);
        // Whoever brings nothing, or our own cookie alone, is nobody.
        for ask in [page("/pay"), page("/pay").header("cookie", "__Host-authsignal=x")] {
            assert_eq!(Visitor::new(&app, "ada").send(&ask).await.status, status);
        }
        assert_eq!(count(&log.text(), SAID), 0, "{}", log.text());
        for ask in signed_in.iter().chain(&signed_in) {
            assert_eq!(Visitor::new(&app, "ada").send(ask).await.status, status);
        }
        assert_eq!(count(&log.text(), SAID), 1, "{}", log.text());
    }
    for (authsignal, status) in handles() {
        let log = Log::default();
        let _listening = log.listen();
        assert_eq!(Visitor::new(&app(&authsignal, false), "ada").send(&signed_in[0]).await.status, 403);
        // A layer that is right, and somebody who has signed out.
        for ask in &signed_in {
            assert_eq!(Visitor::new(&app(&authsignal, true), "ada").send(ask).await.status, status);
        }
        assert_eq!(count(&log.text(), SAID), 0, "{}", log.text());
    }
}

/// The callback outside of the session's layer, which everybody who proves a challenge comes back to.
#[tokio::test]
async fn a_callback_outside_of_the_session_is_told_once() {
    const FAILED: &str = "an extractor of `identify` failed on the way back from a challenge";
    const NOBODY: &str = "the callback stands outside of the layer that makes the session";
    let clock = clock();
    let emulator = emulator(&clock).await;
    let fails = |Extension(user): Extension<String>| async move { User::new(user) };
    let nobody = |user: Option<Extension<String>>| async move { user.map(|Extension(user)| User::new(user)) };
    let refuses = |user: Option<Extension<String>>| async move {
        user.map(|Extension(user)| User::new(user)).ok_or(StatusCode::UNAUTHORIZED)
    };
    let handles = || {
        [
            (builder(&emulator, &clock).identify(fails).build().unwrap(), FAILED, 500),
            (builder(&emulator, &clock).identify(nobody).build().unwrap(), NOBODY, 401),
            (builder(&emulator, &clock).identify(refuses).build().unwrap(), NOBODY, 401),
        ]
    };
    for is_outside in [true, false] {
        for (authsignal, said, status) in handles() {
            let log = Log::default();
            let _listening = log.listen();
            let session = Extension("ada".to_owned());
            let app = if is_outside {
                pay(&authsignal).layer(session).merge(authsignal.routes())
            } else {
                pay(&authsignal).merge(authsignal.routes()).layer(session)
            };
            let mut ada = Visitor::new(&app, "ada");
            let challenge = ada.challenge(&page("/pay").navigating()).await;
            let back = emulator.succeed(&challenge).unwrap();
            let cookie = format!("id=1; {}", ada.cookie.clone().unwrap());
            let mut at = crate::support::way_back(&back).header("cookie", &cookie);
            let mut reply = ada.send(&at).await;
            if is_outside {
                assert_eq!(reply.status, 303);
                at = page(reply.location()).navigating().header("cookie", &cookie);
                let hop = ada.send(&at).await;
                assert_eq!(hop.status, 200);
                at = page(&format!("{}&hop=1", at.target)).navigating().header("cookie", &cookie);
                for _ in 0..2 {
                    reply = ada.send(&at).await;
                    assert_eq!(reply.status, status, "{}", reply.text());
                }
                let (count, text) = (count(&log.text(), said), log.text());
                assert_eq!(count, if status == 500 { 2 } else { 1 }, "{text}");
                assert!(text.contains("comes after `.merge(authsignal.routes())`"), "{text}");
            } else {
                assert_eq!((reply.status, reply.location()), (303, "/pay"));
                assert!(!log.text().contains(said), "{}", log.text());
            }
        }
    }
}

/// `home` left at `/`, in an application that has no such page: told once, when somebody is led there.
#[tokio::test]
async fn a_home_that_is_not_there_is_told_once() {
    const SAID: &str = "people are led to a page that is not there";
    let clock = clock();
    let emulator = emulator(&clock).await;
    let log = Log::default();
    let _listening = log.listen();
    let apps = async |home: Option<&str>| {
        let builder = home.into_iter().fold(builder(&emulator, &clock), |builder, home| builder.home(home));
        let authsignal = builder.build().unwrap();
        let pages =
            Router::new().route("/start", get(async || "welcome")).route("/form", axum::routing::post(async || ()));
        pay(&authsignal).merge(authsignal.routes()).merge(pages).layer(authsignal.browser_layer())
    };
    let led = |path: &str| page(path).navigating().header("sec-fetch-site", "same-origin");
    let mut told = 0;
    for (home, is_there) in [(None, false), (Some("/gone?x"), false), (Some("/form"), false), (Some("/start"), true)] {
        let mut ada = Visitor::new(&apps(home).await, "ada");
        let challenge = ada.challenge(&page("/pay").navigating()).await;
        let left = ada.send(&crate::support::way_back(&emulator.quit(&challenge).unwrap())).await;
        let left = ada.send(&page(left.location()).navigating()).await;
        let home = home.unwrap_or("/");
        assert!(left.text().contains(&format!("href=\"{home}\"")), "{}", left.text());
        // Somebody who types the address, a script, and another page that is not there.
        for ask in [page(home).navigating().header("sec-fetch-site", "none"), page(home), led("/elsewhere")] {
            ada.send(&ask).await;
        }
        assert_eq!(count(&log.text(), SAID), told, "{}", log.text());
        for _ in 0..2 {
            assert_eq!(ada.send(&led(home)).await.status == 200, is_there);
        }
        told += usize::from(!is_there);
        assert_eq!(count(&log.text(), SAID), told, "{}", log.text());
    }
    assert!(log.text().contains("`AuthsignalBuilder::home`") && log.text().contains("/gone"), "{}", log.text());
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
