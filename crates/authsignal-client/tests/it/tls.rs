//! TLS against real servers: which certificates are accepted, and which HTTP the handshake agrees on, for both HTTP clients.
//!
//! Roots come from the system, so the calls are made in a process of their own whose system trusts a root of the test's.
use std::convert::Infallible;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use authsignal_client::{CallConnect, Client, ClientBuilder, ErrorKind};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::SECRET;

/// Set in the process that makes the calls: where the servers are.
const SERVERS: &str = "TEST_TLS_SERVERS";
const AMPLE: Duration = Duration::from_secs(60);
const H1: &str = "HTTP/1.1";
const H2: &str = "HTTP/2.0";

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn root(name: &str) -> Issuer {
    let mut root = CertificateParams::default();
    root.distinguished_name.push(rcgen::DnType::CommonName, name);
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(root, KeyPair::generate().expect("a key")).expect("a root")
}

/// A TLS server whose certificate `issuer` signed, for `name` and until `year`; it counts the requests that get through.
struct Server {
    port: u16,
    requests: Arc<AtomicUsize>,
}

impl Server {
    async fn start(issuer: &Issuer, name: &str, years: (i32, i32), protocols: &[&str]) -> Self {
        let mut certificate = CertificateParams::new([name.to_owned()]).expect("a name");
        certificate.not_before = date_time_ymd(years.0, 1, 1);
        certificate.not_after = date_time_ymd(years.1, 1, 1);
        certificate.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().expect("a key");
        let certificate = certificate.signed_by(&key, issuer).expect("a certificate");
        let mut tls = ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
            .with_safe_default_protocol_versions()
            .expect("versions of TLS")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .expect("a certificate and its key");
        tls.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        let acceptor = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("a bound address").port();
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, counted) = (acceptor.clone(), Arc::clone(&counted));
                tokio::spawn(async move {
                    let Ok(stream) = acceptor.accept(stream).await else { return };
                    let is_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
                    let service = service_fn(move |request: Request<Incoming>| {
                        counted.fetch_add(1, Ordering::SeqCst);
                        let answer =
                            format!(r#"{{"isEnrolled":true,"success":true,"email":"{:?}"}}"#, request.version());
                        std::future::ready(Ok::<_, Infallible>(Response::new(Full::new(Bytes::from(answer)))))
                    });
                    let _ = if is_h2 {
                        http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service).await
                    } else {
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service).await
                    };
                });
            }
        });
        Self { port, requests }
    }
}

/// T76: neither a wrong name nor an old certificate nor a foreign root gets the secret; over a good connection ALPN says which HTTP
/// is spoken.
#[tokio::test]
async fn t76_certificates_are_checked_and_alpn_picks_the_http() {
    if let Ok(servers) = std::env::var(SERVERS) {
        let ports: Vec<u16> = servers.split(',').map(|port| port.parse().expect("a port")).collect();
        return calls(ports.try_into().expect("seven servers")).await;
    }
    let (trusted, foreign) = (root("trusted"), root("foreign"));
    let (now, both) = ((2020, 2090), ["h2", "http/1.1"]);
    let good = [
        Server::start(&trusted, "localhost", now, &both).await,
        Server::start(&trusted, "localhost", now, &["http/1.1"]).await,
        Server::start(&trusted, "localhost", now, &[]).await,
    ];
    let bad = [
        Server::start(&trusted, "other.example", now, &both).await,
        Server::start(&trusted, "localhost", (2020, 2021), &both).await,
        Server::start(&trusted, "localhost", (2089, 2090), &both).await,
        Server::start(&foreign, "localhost", now, &both).await,
    ];
    let file = std::env::temp_dir().join(format!("authsignal-root-{}.pem", std::process::id()));
    std::fs::write(&file, trusted.pem()).unwrap();
    let ports: Vec<_> = good.iter().chain(&bad).map(|server| server.port.to_string()).collect();
    let mut again = Command::new(std::env::current_exe().unwrap());
    again.args(["tls::t76_certificates_are_checked_and_alpn_picks_the_http", "--exact", "--nocapture"]);
    again.env(SERVERS, ports.join(",")).env("SSL_CERT_FILE", &file).env_remove("SSL_CERT_DIR");
    let output = tokio::task::spawn_blocking(move || again.output().unwrap()).await.unwrap();
    std::fs::remove_file(&file).unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    let is_good = output.status.success() && told.contains("1 passed");
    assert!(is_good, "{told}{}", String::from_utf8_lossy(&output.stderr));
    for (index, server) in bad.iter().enumerate() {
        assert_eq!(server.requests.load(Ordering::SeqCst), 0, "nothing is sent to {index}");
    }
    assert!(good.iter().all(|server| server.requests.load(Ordering::SeqCst) > 0));
}

/// Where a client is to speak to, and by which HTTP.
fn clients(port: u16) -> [(&'static str, ClientBuilder); 6] {
    let builder = || {
        let base = format!("https://localhost:{port}/v1");
        Client::builder(SECRET).base_url(base).deadline(AMPLE).connect_timeout(AMPLE).retries(0)
    };
    [
        ("reqwest", builder()),
        ("reqwest, HTTP/2", builder().http2()),
        ("reqwest, HTTP/2 alone", builder().http2_prior_knowledge()),
        ("hyper", builder().hyper()),
        ("hyper, HTTP/2", builder().hyper().http2()),
        ("hyper, HTTP/2 alone", builder().hyper().http2_prior_knowledge()),
    ]
}

async fn calls([both, h1, none, name, expired, early, foreign]: [u16; 7]) {
    let connect = Err(ErrorKind::Connect);
    // server, its port, what each of the six clients finds there
    let table = [
        ("HTTP/2 and HTTP/1.1", both, [Ok(H1), Ok(H2), Ok(H2), Ok(H1), Ok(H2), Ok(H2)]),
        ("HTTP/1.1", h1, [Ok(H1), Ok(H1), connect, Ok(H1), Ok(H1), connect]),
        // Without ALPN a handshake agrees on nothing: what is sent by HTTP/2 is not understood.
        ("no ALPN", none, [Ok(H1), Ok(H1), Err(ErrorKind::Interrupted), Ok(H1), Ok(H1), Err(ErrorKind::Interrupted)]),
        ("another name", name, [connect; 6]),
        ("expired", expired, [connect; 6]),
        ("not valid yet", early, [connect; 6]),
        ("a foreign root", foreign, [connect; 6]),
    ];
    for (server, port, expected) in table {
        for ((client, builder), expected) in clients(port).into_iter().zip(expected) {
            let found = builder.build().expect("a client").get_user("user-1").await;
            let found = found.map(|user| user.email.unwrap_or_default()).map_err(|error| error.kind());
            assert_eq!(found.as_deref(), expected.as_ref().map(|found| *found), "{client} to {server}");
        }
    }
    for (port, is_good) in [(both, true), (foreign, false)] {
        for is_hyper in [false, true] {
            let builder = CallConnect::builder(SECRET).base_url(format!("https://localhost:{port}")).deadline(AMPLE);
            let builder = if is_hyper { builder.hyper() } else { builder };
            let outcome =
                builder.connect_timeout(AMPLE).retries(0).build().expect("a client").start_call("call-1").await;
            assert_eq!(
                outcome.err().is_none_or(|error| error.kind() != ErrorKind::Connect),
                is_good,
                "{port} {is_hyper}"
            );
        }
    }
}
