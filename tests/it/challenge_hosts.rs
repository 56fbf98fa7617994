//! Where challenges may be, by where the client was told that the service is.
use authsignal_emulator::{Emulator, Endpoint, Fault, Outcome};
use axum::http::HeaderMap;
use axum_authsignal::{Authsignal, Client};
use url::Url;

use crate::support::{CALLBACK, Effects, Reply, Visitor, app, clock, emulator, get, who};

/// The answer to somebody who is challenged, where the client calls the emulator by another name than it does itself.
async fn challenged(emulator: &Emulator, host: &str) -> Reply {
    let mut base = Url::parse(emulator.base_url()).unwrap();
    base.set_host(Some(host)).unwrap();
    let client = Client::builder(emulator.secret()).base_url(base.as_str()).build().unwrap();
    let authsignal = Authsignal::builder(client).callback_url(CALLBACK);
    let authsignal = authsignal.identify(|headers: HeaderMap| async move { who(&headers) }).build().unwrap();
    Visitor::new(&app(&authsignal, &Effects::default()), "ada").send(&get("/pay").navigating()).await
}

/// `AUTHSIGNAL_API_URL=http://localhost:4000/v1`, and challenges on `127.0.0.1`, or by the name that was asked.
#[tokio::test]
async fn every_name_of_this_machine_is_where_the_emulator_is() {
    let emulator = emulator(&clock()).await;
    emulator.set_outcome("pay", Outcome::Challenge);
    for host in ["localhost", "127.0.0.1", "auth.localhost"] {
        let reply = challenged(&emulator, host).await;
        assert_eq!(reply.status, 303, "{host}: {:?}", reply.reason());

        let url = format!("{}/?token=a", emulator.origin());
        emulator.inject_fault(Endpoint::Track, Fault::merge(serde_json::json!({ "url": url })));
        let reply = challenged(&emulator, host).await;
        assert_eq!((reply.status, reply.header("location")), (303, &*url), "{host}: {:?}", reply.reason());
    }
}
