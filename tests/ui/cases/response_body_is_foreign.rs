//~ `AuthsignalLayer` cannot answer with a body of type `http_body_util::Empty<bytes::Bytes>`
//~ put the layer inside every layer that changes the response body
use axum_authsignal::{Authsignal, AuthsignalLayer};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Empty, Full};
use tower::{Service, ServiceBuilder, service_fn};

fn guarded(authsignal: &Authsignal) -> impl Service<Request<Full<Bytes>>> {
    ServiceBuilder::new().layer(AuthsignalLayer::new(authsignal, "pay")).service(service_fn(
        |_: Request<Full<Bytes>>| async { Ok::<_, std::io::Error>(Response::new(Empty::<Bytes>::new())) },
    ))
}

fn main() {
    let _ = guarded;
}
