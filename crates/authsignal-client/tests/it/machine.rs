//! Machines without what most have: here, certificates of any authority.
use std::process::Command;

use authsignal_client::CallConnect;
use authsignal_client::{Client, ConfigError};

use crate::support::{Reply, SECRET, Server};

/// Set in the process that has no certificates.
const WITHOUT: &str = "TEST_WITHOUT_CERTIFICATES";

/// A slim image has no certificates of authorities. Whoever speaks no TLS needs none; whoever does is told at once.
#[tokio::test]
async fn without_certificates_plain_http_works_and_https_says_what_is_missing() {
    if std::env::var_os(WITHOUT).is_none() {
        let empty = std::env::temp_dir().join(format!("authsignal-no-certificates-{}", std::process::id()));
        std::fs::create_dir_all(&empty).unwrap();
        let name = "machine::without_certificates_plain_http_works_and_https_says_what_is_missing";
        let mut again = Command::new(std::env::current_exe().unwrap());
        again.args([name, "--exact", "--nocapture"]);
        again.env(WITHOUT, "yes").env("SSL_CERT_FILE", "/dev/null").env("SSL_CERT_DIR", &empty);
        let output = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
        std::fs::remove_dir(&empty).unwrap();
        let told = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success() && told.contains("1 passed"),
            "{told}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        return;
    }
    let server = Server::start(|_, request| Reply::good(request)).await;
    server.client().get_user("user-1").await.unwrap();
    server.api().calls().start_call("call-1").await.unwrap();
    let sessions = authsignal_client::SessionVerifier::builder("the-tenant").client_ids(["app"]);
    sessions.base_url(format!("http://{}/v1", server.host())).build().unwrap();

    for refused in [
        Client::builder(SECRET).build().map(drop),
        Client::builder(SECRET).hyper().build().map(drop),
        CallConnect::builder(SECRET).build().map(drop),
    ] {
        let error = refused.unwrap_err();
        assert!(matches!(error, ConfigError::HttpClient { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("No CA certificates") && text.contains("ca-certificates"), "{text}");
    }
}
