//! `rediss://` against a real Redis with certificates. Roots come from the system, so the calls are made in a process of their own
//! whose system trusts a root of the test's.
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use authsignal_store_redis::RedisStore;
use axum_authsignal::store::{ErrorKind, Store};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use test_support::servers::Redis;

use crate::support::{MINUTE, empty, key};

/// Set in the process that makes the calls: which Redis it is to trust, and which not.
const TRUSTED: &str = "TEST_TLS_TRUSTED";
const REFUSED: &str = "TEST_TLS_REFUSED";

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn root() -> Issuer {
    let mut root = CertificateParams::default();
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap()
}

/// A Redis whose certificate `issuer` signed for `name`, and its URL.
fn serve(folder: &Path, issuer: &Issuer, name: &str) -> (Redis, String) {
    let mut certificate = CertificateParams::new([name.to_owned()]).unwrap();
    certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = certificate.signed_by(&key, issuer).unwrap();
    let file = |kind: &str, text: String| {
        let file = folder.join(format!("{name}-{kind}.pem"));
        std::fs::write(&file, text).unwrap();
        file.display().to_string()
    };
    let (certificate, key) = (file("certificate", certificate.pem()), file("key", key.serialize_pem()));
    let root = file("root", issuer.pem());
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().to_string();
    let settings = ["--save", "", "--tls-port", &port, "--tls-auth-clients", "no"];
    let files = ["--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file", &root];
    (Redis::with(&[&settings[..], &files].concat()), format!("rediss://localhost:{port}/"))
}

/// What went wrong, and what that came of.
fn causes(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {}", causes(source)))
}

/// In a process that trusts one of them.
async fn call(trusted: &str, refused: &str) {
    rustls::crypto::aws_lc_rs::default_provider().install_default().unwrap();
    let store = empty(RedisStore::new(trusted).unwrap());
    assert!(store.swap(&key(1), None, vec![1], MINUTE).await.unwrap());
    assert_eq!(store.load(&key(1)).await.unwrap().unwrap().1, vec![1]);
    for url in refused.split(' ') {
        let store = empty(RedisStore::new(url).unwrap());
        let error = store.load(&key(1)).await.unwrap_err();
        let causes = causes(&error);
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{causes}");
        assert!(causes.to_lowercase().contains("certificate"), "{causes}");
        println!("{url} is refused: {causes}");
    }
}

#[tokio::test]
async fn rediss_is_for_servers_whose_certificate_the_system_trusts() {
    if let (Ok(trusted), Ok(refused)) = (std::env::var(TRUSTED), std::env::var(REFUSED)) {
        return call(&trusted, &refused).await;
    }
    let folder = std::env::temp_dir().join(format!("authsignal-tls-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let issuer = root();
    let (_redis, trusted) = serve(&folder, &issuer, "localhost");
    let (_named, of_another_name) = serve(&folder, &issuer, "redis.example.com");
    let others = folder.join("others");
    std::fs::create_dir_all(&others).unwrap();
    let (_unknown, of_another_root) = serve(&others, &root(), "localhost");
    let own = std::thread::current().name().unwrap().to_owned();
    let again = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &own, "--nocapture"])
        .env("SSL_CERT_FILE", folder.join("localhost-root.pem"))
        .env_remove("SSL_CERT_DIR")
        .env(TRUSTED, trusted)
        .env(REFUSED, format!("{of_another_name} {of_another_root}"))
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    let told = String::from_utf8_lossy(&again.stdout);
    println!("{told}");
    assert!(again.status.success(), "{told}{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(told.matches("is refused").count(), 2, "it ran: {told}");
}
