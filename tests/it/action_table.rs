//! One table for a whole router: what it names is guarded as it says, and nothing else reaches a handler.
use std::panic::{AssertUnwindSafe, catch_unwind};

use authsignal_emulator::Outcome;
use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::routing::{any, get as getting, post};
use axum_authsignal::{
    Actions, ActionsLayer, AuthsignalLayer, ConfigError, Coverage, Grounds, GuardedRouter, RefusalReason,
};
use tower::{Layer as _, ServiceExt as _};

use crate::logs::Log;
use crate::shapes::{FORMS, raw, serve, status};
use crate::support::{Ask, Bench, Effects, MINUTE, Reply, Visitor, ask, bench, form, get, handle, json};

/// A table that guards GET and POST of these routes.
fn table(bench: &Bench, routes: &[&str]) -> ActionsLayer {
    let guard = |actions: Actions, route: &&str| actions.on(Method::POST, *route, "pay").on(Method::GET, *route, "pay");
    routes.iter().fold(Actions::new(&bench.authsignal), guard).build().unwrap()
}

type Shape = (&'static str, fn(&Bench) -> Router<Effects>);

/// Ways to hang a table. `/admin/pay` is what each guards, where anything can be.
const SHAPES: [Shape; 13] = [
    ("Router::route_layer", |bench| {
        Router::new().route("/admin/pay", any(handle)).route_layer(table(bench, &["/admin/pay"]))
    }),
    ("Router::layer", |bench| Router::new().route("/admin/pay", any(handle)).layer(table(bench, &["/admin/pay"]))),
    ("outside of a nest", |bench| {
        let admin = Router::new().route("/pay", any(handle));
        Router::new().nest("/admin", admin).route_layer(table(bench, &["/admin/pay"]))
    }),
    ("inside of a nest", |bench| {
        let admin = Router::new().route("/pay", any(handle)).route_layer(table(bench, &["/admin/pay"]));
        Router::new().nest("/admin", admin)
    }),
    ("inside and outside of a nest", |bench| {
        let table = table(bench, &["/admin/pay"]);
        Router::new()
            .nest("/admin", Router::new().route("/pay", any(handle)).route_layer(table.clone()))
            .route_layer(table)
    }),
    ("nest of a template", |bench| {
        let area = Router::new().route("/{what}", any(handle));
        let app = Router::new().nest("/{area}", area).route("/{area}/{what}/", any(handle));
        app.route_layer(table(bench, &["/{area}/{what}", "/{area}/{what}/"]))
    }),
    ("wildcard", |bench| Router::new().route("/{*rest}", any(handle)).route_layer(table(bench, &["/{*rest}"]))),
    ("nest_service", |bench| {
        let inner = Router::new().route("/pay", any(handle)).route_layer(table(bench, &["/admin/pay"]));
        Router::new().nest_service("/admin", inner.with_state(bench.effects.clone()))
    }),
    ("merged before and after", |bench| {
        let pay = Router::new().route("/admin/pay", any(handle));
        let open = Router::new().route("/open", getting(async || "open"));
        pay.route_layer(table(bench, &["/admin/pay"])).merge(open)
    }),
    // From here on nothing is named that could be asked about.
    ("fallback", |bench| Router::new().fallback(handle).layer(table(bench, &["/admin/pay"]))),
    ("outside of a nest_service", |bench| {
        let inner = Router::new().route("/pay", any(handle)).with_state(bench.effects.clone());
        let inner: Router = inner;
        Router::new().nest_service("/admin", inner).route_layer(table(bench, &["/admin/pay", "/admin/{*rest}"]))
    }),
    ("another name", |bench| {
        Router::new().route("/admin/pay", any(handle)).route_layer(table(bench, &["/admin/{id}", "/admin/pay/"]))
    }),
    ("outside of the router", |bench| {
        let inner = Router::new().route("/admin/pay", any(handle)).with_state(bench.effects.clone());
        let outside = table(bench, &["/admin/pay"]).layer(inner);
        Router::new().fallback_service(outside)
    }),
];

/// T53, T55: 64 forms of a path by five methods on thirteen shapes, over sockets: no handler is reached undecided.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn t53_t55_no_form_of_a_path_reaches_a_handler_past_a_table() {
    let bench = bench().await;
    let mut all = 0;
    for (name, shape) in SHAPES {
        let server = serve(shape(&bench).with_state(bench.effects.clone())).await;
        let (mut decided, mut refused, mut unknown, mut malformed) = (0, 0, 0, 0);
        for form in FORMS {
            for method in ["GET", "HEAD", "POST", "PUT", "OPTIONS"] {
                let before = bench.tracks();
                let request = format!(
                    "{method} {form} HTTP/1.1\r\nhost: a.example\r\nx-user: ada\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
                );
                let status = status(&raw(server.address, request.as_bytes()).await);
                assert_eq!(bench.effects.count(), 0, "{name}: {method} {form}: {status}");
                match (status, bench.tracks() - before) {
                    (403, 1) => decided += 1,
                    (500, 0) => refused += 1,
                    (404 | 405, 0) => unknown += 1,
                    (400 | 0, 0) => malformed += 1,
                    other => panic!("{name}: {method} {form}: {other:?}"),
                }
                all += 1;
            }
        }
        println!("{name}: {decided} asked about, {refused} refused, {unknown} without a route, {malformed} malformed");
        let is_named =
            !matches!(name, "fallback" | "outside of a nest_service" | "another name" | "outside of the router");
        assert_eq!(decided >= 12, is_named, "{name}: {decided}");
        assert!(refused >= 3, "{name}: what it does not name is refused");
        bench.clock.advance(MINUTE * 11);
    }
    println!(
        "{} forms, {} shapes, 5 methods, {all} requests: 0 reached a handler undecided",
        FORMS.len(),
        SHAPES.len()
    );
    assert_eq!((all, bench.effects.count()), (FORMS.len() * SHAPES.len() * 5, 0));
}

/// A page, a form, a script and a program.
fn callers(target: &str) -> [Ask; 3] {
    [
        form(target, "amount=10"),
        json(target, "{\"amount\":10}").header("sec-fetch-mode", "cors").header("sec-fetch-site", "same-origin"),
        json(target, "{\"amount\":10}"),
    ]
}

/// What is named is guarded as its own action, comes back by the callback, which the table lets pass, and passes once.
#[tokio::test]
async fn each_route_of_a_table_is_guarded_as_its_own_action() {
    let bench = bench().await;
    let kept = AuthsignalLayer::new(&bench.authsignal, "kept").remember(MINUTE * 10);
    let actions = Actions::new(&bench.authsignal)
        .on(Method::POST, "/pay", "pay")
        .on(Method::DELETE, "/pay", "refund")
        .on_layer(Method::POST, "/shops/{shop}/kept", kept)
        .unguarded(Method::GET, "/pay")
        .build()
        .unwrap();
    let shop = Router::new().route("/kept", any(handle));
    let app = Router::new()
        .route("/pay", any(handle))
        .nest("/shops/{shop}", shop)
        .merge(bench.authsignal.routes())
        .route_layer(actions.clone())
        .with_state(bench.effects.clone());
    for ask in callers("/pay").into_iter().chain(callers("/shops/7/kept")) {
        let mut ada = Visitor::new(&app, "ada");
        bench.approve(&mut ada, &ask).await;
        let before = bench.effects.count();
        ada.send(&ask).await.assert_passed();
        assert_eq!(bench.effects.count(), before + 1);
        let verdict = bench.effects.last().verdict.unwrap();
        let action = if ask.target == "/pay" { "pay" } else { "kept" };
        assert!(verdict.is_verified() && verdict.action().as_str() == action, "{verdict:?}");
        bench.clock.advance(std::time::Duration::from_secs(20));
        let again = ada.send(&ask).await;
        assert_eq!(again.status == 200, action == "kept", "{}", again.text());
    }
    let mut ada = Visitor::new(&app, "ada");
    for (method, reason) in [
        ("GET", None),
        ("HEAD", None),
        ("POST", Some(RefusalReason::ChallengeRequired)),
        ("DELETE", Some(RefusalReason::ChallengeRequired)),
        ("OPTIONS", Some(RefusalReason::ChallengeRequired)),
        ("PUT", Some(RefusalReason::Unguarded)),
        ("FOO", Some(RefusalReason::Unguarded)),
    ] {
        let before = bench.effects.count();
        let reply = ada.send(&ask(method, "/pay")).await;
        assert_eq!(reply.reason(), reason.as_ref(), "{method}");
        let status = reason.map_or(200, |reason| if reason == RefusalReason::Unguarded { 500 } else { 403 });
        assert_eq!((reply.status, bench.effects.count() - before), (status, usize::from(status == 200)), "{method}");
        if status == 200 {
            assert!(bench.effects.last().verdict.is_none(), "nothing was decided");
        }
    }
    let preflight = ask("OPTIONS", "/pay").header("origin", "https://a.example");
    let preflight = preflight.header("access-control-request-method", "POST");
    Visitor { user: None, cookie: None, ..ada.clone() }.send(&preflight).await.assert_passed();

    let named: Vec<_> = actions.routes().iter().map(ToString::to_string).collect();
    assert_eq!(
        named,
        [
            "POST /pay: pay, covers Request, unenrolled: Allow",
            "DELETE /pay: refund, covers Request, unenrolled: Allow",
            "POST /shops/{shop}/kept: kept, covers Action, remembered for 600 s, unenrolled: Allow",
            "GET /pay: not guarded"
        ]
    );
    assert_eq!(actions.action(&Method::POST, "/pay").map(|action| action.as_str()), Some("pay"));
    assert_eq!((actions.action(&Method::HEAD, "/pay"), actions.action(&Method::POST, "/other")), (None, None));
}

/// T60: a route that nobody named is refused, for people and programs, and the log says what is missing, once; one that no
/// router matched is refused whatever the table says of others, and the log says where it belongs.
#[tokio::test]
async fn t60_what_a_table_does_not_name_is_refused_and_said() {
    let bench = bench().await;
    bench.emulator.set_outcome("pay", Outcome::Allow);
    let log = Log::default();
    let _listening = log.listen();
    for others in [false, true] {
        let actions = Actions::new(&bench.authsignal).on(Method::POST, "/pay", "pay");
        let actions = if others { actions.others_unguarded() } else { actions };
        let app = Router::new().route("/pay", any(handle)).route("/forgotten/{id}", any(handle)).fallback(handle);
        let app = app.layer(actions.build().unwrap()).with_state(bench.effects.clone());
        let mut ada = Visitor::new(&app, "ada");
        ada.send(&json("/pay", "{}")).await.assert_passed();
        assert_eq!(bench.effects.last().verdict.unwrap().grounds(), &Grounds::Allowed);
        let before = (bench.effects.count(), log.text().len());
        for ask in callers("/forgotten/7") {
            let reply = ada.send(&ask).await;
            if others {
                reply.assert_passed();
            } else {
                reply.assert_refused(&RefusalReason::Unguarded);
                assert_eq!((reply.status, reply.text().contains("AUTHSIGNAL-R028")), (500, true), "{}", reply.text());
            }
        }
        let ran = bench.effects.count() - before.0;
        assert_eq!(ran, if others { 3 } else { 0 });
        for ask in [get("/nowhere"), json("/nowhere", "{}")] {
            let reply = ada.send(&ask).await;
            reply.assert_refused(&RefusalReason::Unguarded);
            assert_eq!(reply.status, 500);
        }
        assert_eq!(bench.effects.count() - before.0, ran, "a fallback is no route");
        let said = log.text()[before.1..].to_owned();
        let errors = |words: &str| said.lines().filter(|line| line.contains("ERROR") && line.contains(words)).count();
        assert_eq!(errors("the table of actions does not name"), usize::from(!others), "{said}");
        assert_eq!(said.contains("/forgotten/{id}"), !others, "{said}");
        assert_eq!(errors("Router::route_layer"), 2, "{said}");
    }
}

/// What would guard something else than it says is no table.
#[tokio::test]
async fn a_table_that_cannot_be_meant_is_refused_at_start() {
    let bench = bench().await;
    let actions = || Actions::new(&bench.authsignal);
    let twice = actions().on(Method::POST, "/pay", "pay").on(Method::POST, "/pay", "other");
    let mut refused = 0;
    for (actions, why) in [
        (twice, "twice"),
        (actions().on(Method::POST, "/pay", "pay").unguarded(Method::POST, "/pay"), "twice"),
        (actions().unguarded(Method::GET, "/").unguarded(Method::GET, "/"), "twice"),
        (actions().on(Method::GET, "/a/{id}", "pay").on(Method::GET, "/a/{name}", "other"), "twice"),
        (actions().on(Method::GET, "/a/{id}", "pay").unguarded(Method::POST, "/a/{name}"), "twice"),
        (actions().on(Method::GET, "/a/{id}/b", "pay").unguarded(Method::GET, "/a/{*id}"), "twice"),
        (actions().on(Method::HEAD, "/pay", "pay"), "HEAD"),
        (actions().unguarded(Method::HEAD, "/pay"), "HEAD"),
        (actions().on(Method::POST, "", "pay"), "begin with"),
        (actions().on(Method::POST, "pay", "pay"), "begin with"),
        (actions().on(Method::POST, "*", "pay"), "begin with"),
        (actions().on(Method::POST, "https://a.example/pay", "pay"), "begin with"),
        (actions().on(Method::POST, "/pay/:id", "pay"), "{id}"),
        (actions().on(Method::POST, "/pay/*rest", "pay"), "{*rest}"),
        (actions().on(Method::POST, "/pay/{id", "pay"), ""),
        (actions().on(Method::POST, "/pay/id}", "pay"), ""),
        (actions().on(Method::POST, "/pay/{}", "pay"), ""),
        (actions().on(Method::POST, "/pay/{a}{b}", "pay"), ""),
        (actions().on(Method::POST, "/{*rest}/pay", "pay"), ""),
        (actions().on(Method::POST, "/pay/{*}", "pay"), ""),
    ] {
        match actions.build() {
            Err(ConfigError::Route { route, reason, .. }) => {
                assert!(reason.contains(why) && !route.is_empty(), "{route}: {reason}");
                // axum itself takes none of them.
                let path = route.split_once(' ').unwrap().1.to_owned();
                let is_axums = |path: String| Router::<()>::new().route(&path, any(async || "done"));
                if !matches!(why, "twice" | "HEAD") {
                    assert!(catch_unwind(AssertUnwindSafe(|| is_axums(path.clone()))).is_err(), "axum takes {path}");
                }
                refused += 1;
            }
            other => panic!("{why}: {other:?}"),
        }
    }
    println!("{refused} tables refused");
    let error = |actions: Actions| actions.build().unwrap_err();
    assert!(matches!(error(actions().on(Method::POST, "/pay", "no action")), ConfigError::Action { .. }));
    let nobody = AuthsignalLayer::new(&bench.authsignal, "pay").share(0);
    assert!(matches!(error(actions().on_layer(Method::POST, "/pay", nobody)), ConfigError::Policies { .. }));
    // What axum takes, a table does.
    for path in ["/", "/pay", "/pay/", "/a//b", "/{id}", "/a/{id}/b", "/{*rest}", "/a/{*rest}", "/a{{b}}", "/pre-{id}"]
    {
        let _: Router = Router::new().route(path, any(async || "done"));
        actions().on(Method::POST, path, "pay").on(Method::GET, path, "pay").build().unwrap();
    }
}

/// A router that knows its routes takes a table that names them all, and none besides.
#[tokio::test]
async fn a_router_that_knows_its_routes_holds_the_table_against_them() {
    let bench = bench().await;
    let router = || {
        let admin = GuardedRouter::new().unguarded(Method::DELETE, "/users/{id}", async || "gone");
        GuardedRouter::new()
            .unguarded(Method::GET, "/", async || "welcome")
            .unguarded(Method::POST, "/pay", async || "done")
            .nest("/admin", admin)
    };
    let actions = || {
        Actions::new(&bench.authsignal)
            .on_layer(Method::POST, "/pay", AuthsignalLayer::new(&bench.authsignal, "pay").covers(Coverage::Route))
            .on(Method::DELETE, "/admin/users/{id}", "delete-user")
    };
    let whole = actions().unguarded(Method::GET, "/").build().unwrap();
    let router_of = |table: &ActionsLayer| router().guarded_by(table);
    let app = router_of(&whole);
    app.assert_guarded(["POST /pay", "DELETE /admin/users/{id}"]);
    app.assert_no_unguarded_mutation([]);
    let routes = app.routes().to_vec();
    let app = app.into_router().merge(bench.authsignal.routes());
    for route in &routes {
        let target = route.path().replace("{id}", "7");
        let reply: Reply = Visitor::new(&app, "ada").send(&ask(route.method().as_str(), &target)).await;
        let is_challenged = reply.reason() == Some(&RefusalReason::ChallengeRequired);
        assert_eq!((is_challenged, reply.status == 200), (route.guard().is_some(), route.guard().is_none()), "{route}");
    }
    let panics = |table: &ActionsLayer| {
        let panic = catch_unwind(AssertUnwindSafe(|| router_of(table))).unwrap_err();
        panic.downcast_ref::<String>().unwrap().clone()
    };
    let said = panics(&actions().build().unwrap());
    assert_eq!(said, "the table of actions does not name: [\"GET /\"]");
    let _ = router_of(&actions().others_unguarded().build().unwrap());
    let stale = actions().unguarded(Method::GET, "/").on(Method::POST, "/users/{id}", "x").build().unwrap();
    assert_eq!(panics(&stale), "the table of actions names routes that are not there: [\"POST /users/{id}\"]");
}

/// Over HTTP/1.1 and a method router of its own: the layer is a layer like any.
#[tokio::test]
async fn a_table_goes_where_axum_takes_a_layer() {
    let bench = bench().await;
    let app = Router::new().route("/pay", post(handle).route_layer(table(&bench, &["/pay"])));
    let app: Router = app.with_state(bench.effects.clone());
    let request = Request::post("/pay").header("x-user", "ada").body(axum::body::Body::empty()).unwrap();
    let reply = Reply::of(app.oneshot(request).await.unwrap()).await;
    reply.assert_refused(&RefusalReason::ChallengeRequired);
}
