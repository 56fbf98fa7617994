//! Layers that rewrite a request, outside the guard and inside it: what was approved is what runs.
use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn, map_request};
use axum::response::Response;
use axum::routing::any;
use axum_authsignal::AuthsignalLayer;
use tower::Layer as _;
use tower_http::normalize_path::NormalizePathLayer;

use crate::shapes::{raw, serve, status};
use crate::support::{Ask, Bench, Visitor, bench, form, get, handle, post};

/// The method override of Rack, Express and others: the header, or the field `_method` of a posted form.
async fn override_method(mut request: Request, next: Next) -> Response {
    if *request.method() == Method::POST {
        // It takes the header away, as some do, so that what is behind it sees the method alone.
        let named = request.headers_mut().remove("x-http-method-override");
        let mut named = named.and_then(|value| Some(value.to_str().ok()?.to_owned()));
        if named.is_none() {
            let (parts, body) = request.into_parts();
            let body = axum::body::to_bytes(body, 64 * 1024).await.unwrap();
            named = form_urlencoded::parse(&body).find(|(name, _)| name == "_method").map(|(_, value)| value.into());
            request = Request::from_parts(parts, body.into());
        }
        if let Some(method) = named.and_then(|named| Method::from_bytes(named.as_bytes()).ok()) {
            *request.method_mut() = method;
        }
    }
    next.run(request).await
}

/// A guarded route with an override outside the guard, as the documentation asks for, or inside.
fn overridden(bench: &Bench, inside: bool) -> Router {
    let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
    // The first of two is the outer one.
    let route = if inside {
        any(handle).layer((layer, from_fn(override_method)))
    } else {
        any(handle).layer((from_fn(override_method), layer))
    };
    Router::new().route("/pay", route).with_state(bench.effects.clone()).merge(bench.authsignal.routes())
}

fn overriding(ask: Ask, method: &str) -> Ask {
    ask.header("x-http-method-override", method)
}

/// T54: with the override outside, the guard sees the method that runs: an approval of one is nothing to another, by
/// whatever way it is named.
#[tokio::test]
async fn t54_a_method_that_is_overridden_outside_is_the_method_that_was_approved() {
    let bench = bench().await;
    let app = overridden(&bench, false);
    let plain = || post("/pay", "text/plain", "x");
    let all = [
        plain(),
        overriding(plain(), "DELETE"),
        overriding(plain(), "PUT"),
        overriding(plain(), "GET"),
        form("/pay", "to=bob"),
        form("/pay", "to=bob&_method=DELETE"),
        form("/pay", "_method=DELETE&to=bob"),
        form("/pay", "to=bob&_method=PUT"),
    ];
    let mut refused = 0;
    for (at, approved) in all.iter().enumerate() {
        let mut ada = Visitor::new(&app, "ada");
        bench.approve(&mut ada, approved).await;
        let before = bench.effects.count();
        for (_, other) in all.iter().enumerate().filter(|(other, _)| *other != at) {
            ada.challenge(other).await;
            refused += 1;
        }
        assert_eq!(bench.effects.count(), before);
        ada.send(approved).await.assert_passed();
        let named = approved.headers.get("x-http-method-override").map(|value| value.to_str().unwrap());
        let in_form = ["DELETE", "PUT"]
            .into_iter()
            .find(|method| String::from_utf8_lossy(&approved.body).contains(&format!("_method={method}")));
        assert_eq!(bench.effects.last().method.as_str(), named.or(in_form).unwrap_or("POST"));
    }
    println!("{refused} of {refused} other methods refused");
}

/// T54: inside the guard an override is a misuse, which the documentation names. What names the method is a part of what
/// was approved all the same, in a header as in the field of a form, and no method runs undecided.
#[tokio::test]
async fn t54_a_method_that_is_overridden_inside_is_decided_and_covered() {
    let bench = bench().await;
    let app = overridden(&bench, true);
    let paid = form("/pay", "to=bob");
    let others = [
        overriding(paid.clone(), "DELETE"),
        overriding(paid.clone(), "PUT"),
        overriding(paid.clone(), "POST"),
        form("/pay", "to=bob&_method=DELETE"),
        form("/pay", "_method=PUT&to=bob"),
    ];
    for other in others.iter().chain([&overriding(post("/pay", "text/plain", ""), "GET")]) {
        Visitor::new(&app, "ada").challenge(other).await;
    }
    assert_eq!(bench.effects.count(), 0);
    let mut ada = Visitor::new(&app, "ada");
    bench.approve(&mut ada, &paid).await;
    for other in &others {
        ada.challenge(other).await;
    }
    assert_eq!(bench.effects.count(), 0);
    ada.send(&paid).await.assert_passed();
    assert_eq!(bench.effects.last().method, Method::POST);
    // Who means it, and says it again in the same way, gets what was approved.
    bench.approve(&mut ada, &others[0]).await;
    ada.challenge(&overriding(paid.clone(), "PUT")).await;
    ada.send(&others[0]).await.assert_passed();
    assert_eq!(bench.effects.last().method, Method::DELETE);
}

/// Sends a path elsewhere, as an application does that once renamed a part of itself.
fn rename<B>(mut request: axum::http::Request<B>) -> axum::http::Request<B> {
    if let Some(rest) = request.uri().path_and_query().and_then(|target| target.as_str().strip_prefix("/old/")) {
        *request.uri_mut() = format!("/new/{rest}").parse::<Uri>().unwrap();
    }
    request
}

/// T56: every order of `NormalizePath`, a layer that renames, and the guard, outside the router and inside it. An approval
/// for one path never runs a handler that another path leads to, and the way that was approved is open.
#[tokio::test]
async fn t56_every_order_of_layers_that_rewrite_runs_what_was_approved() {
    let bench = bench().await;
    let mut orders = 0;
    for guard_outside_the_routes in [false, true] {
        for rename_first in [false, true] {
            for normalizes in [false, true] {
                let layer = AuthsignalLayer::new(&bench.authsignal, "pay");
                let route = || any(handle);
                let router = Router::new();
                let router = if guard_outside_the_routes {
                    router.route("/new/{id}", route()).layer(layer)
                } else {
                    router.route("/new/{id}", route().layer(layer))
                };
                let router = router.with_state(bench.effects.clone()).merge(bench.authsignal.routes());
                let name = format!("guard outside {guard_outside_the_routes}, {rename_first}, {normalizes}");
                let trim = NormalizePathLayer::trim_trailing_slash;
                let renaming =
                    |router: Router| Router::new().fallback_service(map_request(async |r| rename(r)).layer(router));
                // Everything that rewrites is outside the router, as axum asks: behind it, it would change no route.
                let server = match (rename_first, normalizes) {
                    (_, false) => serve(map_request(async |r| rename(r)).layer(router.clone())).await,
                    (true, true) => serve(map_request(async |r| rename(r)).layer(trim().layer(router.clone()))).await,
                    (false, true) => serve(trim().layer(map_request(async |r| rename(r)).layer(router.clone()))).await,
                };
                let mut ada = Visitor::new(&router, "ada");
                bench.approve(&mut ada, &get("/new/7")).await;
                let before = bench.effects.count();
                let cookie = ada.cookie.clone().unwrap();
                let send = async |target: &str| {
                    let head = format!("host: a.example\r\nx-user: ada\r\ncookie: {cookie}\r\nconnection: close");
                    status(&raw(server.address, format!("GET {target} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes()).await)
                };
                let others = [
                    "/new/8", "/old/8", "/new/8/", "/old/8/", "/new/7?x", "/old/7?x", "//new/8", "/old//7", "/new/%37",
                ];
                for other in others {
                    assert!(matches!(send(other).await, 403 | 404), "{name} {other}");
                }
                assert_eq!(bench.effects.count(), before, "{name}");
                // Behind another router, what was asked for is not what is routed.
                let behind = renaming(router.clone());
                Visitor { app: behind, ..ada.clone() }.send(&get("/old/8")).await;
                assert_eq!(bench.effects.count(), before, "{name}");
                let same = if normalizes { "/old/7/" } else { "/old/7" };
                assert_eq!(send(same).await, 200, "{name}");
                assert_eq!(bench.effects.count(), before + 1, "{name}");
                assert_eq!(bench.effects.last().uri.path(), "/new/7", "{name}");
                assert_eq!(send("/new/7").await, 403, "{name}");
                orders += 1;
            }
        }
    }
    println!("{orders} orders");
}
