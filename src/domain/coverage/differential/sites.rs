//! Applications that route what they are asked for in every way that moves an address.
use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::middleware::from_fn;
use axum::response::Response;
use axum::routing::any;
use http::Uri;
use tower::ServiceExt as _;
use tower::util::MapRequestLayer;

use super::sent::{digested, handled};

fn routes() -> Router {
    Router::new()
        .route("/pay", any(handled))
        .route("/t/{tenant}/pay", any(handled))
        .route("/t/{tenant}/pay/{id}", any(handled))
        .route("/w/{*rest}", any(handled))
        .fallback(handled)
}

fn guarded() -> Router {
    routes().layer(from_fn(digested))
}

/// An outer router, which notes the address as received, then something that moves it, then `inner`.
fn moved(inner: Router, to: fn(&Request) -> String) -> Router {
    let between = tower::service_fn(move |mut request: Request| {
        if let Ok(target) = Uri::try_from(to(&request)) {
            *request.uri_mut() = target;
        }
        let inner = inner.clone();
        async move { Ok::<Response, Infallible>(inner.oneshot(request).await.unwrap()) }
    });
    Router::new().fallback_service(between)
}

fn target(request: &Request) -> &str {
    request.uri().path_and_query().map_or("/", |target| target.as_str())
}

fn host(request: &Request) -> &str {
    request.headers()["host"].to_str().unwrap()
}

/// The parameters of the path that was routed are all that is left of it.
fn gone(request: Request) -> Request {
    let (mut parts, body) = request.into_parts();
    parts.uri = Uri::from_static("/pay");
    Request::from_parts(parts, body)
}

pub(super) fn sites() -> Vec<(&'static str, Router)> {
    vec![
        ("one router", guarded()),
        ("nested", Router::new().nest("/n/{who}", guarded()).merge(guarded())),
        ("a layer outside a nest", Router::new().nest("/n/{who}", routes()).layer(from_fn(digested))),
        ("a service in a service", Router::new().nest_service("/n/{who}", guarded()).fallback_service(guarded())),
        ("a host's path", moved(guarded(), |request| format!("/t/{}{}", host(request), target(request)))),
        ("a host in the address", moved(guarded(), |request| format!("http://{}{}", host(request), target(request)))),
        ("a host in the query", moved(guarded(), |request| format!("{}?host={}", request.uri().path(), host(request)))),
        (
            "a prefix stripped",
            moved(guarded(), |request| {
                target(request).trim_start_matches("/n/one").trim_start_matches("/n/two").to_owned()
            }),
        ),
        ("a path that is gone", {
            let lost = Router::new()
                .route("/t/{tenant}/pay", any(handled))
                .layer(from_fn(digested))
                .layer(MapRequestLayer::new(gone));
            moved(lost, |request| format!("/t/{}/pay", host(request)))
        }),
        ("no outer router", guarded().layer(MapRequestLayer::new(|request: Request| request))),
    ]
}
