//! What a router knows of its routes: that what it calls guarded is, and that tests can hold it.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use axum::http::Method;
use axum_authsignal::{AuthsignalLayer, Coverage, GuardedRouter, RefusalReason, Unenrolled};

use crate::logs::Log;
use crate::support::{Bench, Visitor, ask, bench};

fn app(bench: &Bench) -> GuardedRouter {
    let layer = |action: &str| AuthsignalLayer::new(&bench.authsignal, action);
    let admin = GuardedRouter::new()
        .guarded(Method::DELETE, "/users/{id}", &layer("delete-user"), async || "done")
        .unguarded(Method::GET, "/", async || "admin");
    let refunds = GuardedRouter::new().guarded(Method::POST, "/refund", &layer("refund"), async || "done");
    GuardedRouter::new()
        .unguarded(Method::GET, "/", async || "welcome")
        .unguarded(Method::POST, "/sign-in", async || "hello")
        .guarded(Method::POST, "/withdraw", &layer("withdrawal"), async || "done")
        .unguarded(Method::GET, "/withdraw", async || "a form")
        .guarded(
            Method::GET,
            "/export",
            &layer("export").remember(Duration::from_secs(600)).unenrolled(Unenrolled::Deny),
            async || "done",
        )
        .merge(refunds)
        .nest("/admin", admin)
}

fn panics(assertion: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(assertion)).unwrap_err();
    panic.downcast_ref::<String>().unwrap().clone()
}

/// Every route is asked for: exactly those that the report calls guarded are challenged.
#[tokio::test]
async fn what_is_called_guarded_is_and_nothing_else() {
    let bench = bench().await;
    let app = app(&bench);
    let routes = app.routes().to_vec();
    let log = Log::default();
    let router = {
        let _listening = log.listen();
        app.into_router().merge(bench.authsignal.routes())
    };
    assert_eq!(routes.len(), 8);
    for route in &routes {
        let target = route.path().replace("{id}", "7");
        let reply = Visitor::new(&router, "ada").send(&ask(route.method().as_str(), &target)).await;
        let is_challenged = reply.reason() == Some(&RefusalReason::ChallengeRequired);
        assert_eq!((is_challenged, reply.status == 200), (route.guard().is_some(), route.guard().is_none()), "{route}");
        assert!(log.text().contains(&route.to_string()), "{}", log.text());
    }
    let export = routes.iter().find(|route| route.path() == "/export").unwrap();
    assert_eq!(export.to_string(), "GET /export: export, covers Action, remembered for 600 s, unenrolled: Deny");
    assert_eq!(export.guard().map(|guard| guard.coverage), Some(Coverage::Action));
    assert_eq!(routes.last().unwrap().to_string(), "GET /admin: not guarded");
}

#[tokio::test]
async fn a_route_that_lost_its_layer_fails_the_test() {
    let bench = bench().await;
    let app = app(&bench);
    app.assert_guarded(["POST /withdraw", "GET /export", "DELETE /admin/users/{id}", "POST /refund"]);
    app.assert_no_unguarded_mutation(["POST /sign-in"]);

    let said = panics(|| app.assert_guarded(["POST /withdraw", "GET /withdraw", "POST /gone"]));
    assert!(
        said.starts_with("not guarded: [\"GET /withdraw\", \"POST /gone\"]; there are:\n  GET /: not guarded"),
        "{said}"
    );
    let said = panics(|| app.assert_no_unguarded_mutation([]));
    assert_eq!(said, "these may change something, and are not guarded: [\"POST /sign-in\"]");
    let said = panics(|| app.assert_no_unguarded_mutation(["POST /sign-in", "POST /withdraw"]));
    assert!(said.starts_with("these exceptions are guarded, or not there: [\"POST /withdraw\"]"), "{said}");
}
