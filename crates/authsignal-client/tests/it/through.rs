//! The contract of transports: whatever carries the requests, every test of this suite holds. Redirects are not followed,
//! limits and deadlines are kept, secrets are cut out, what was not sent is told apart from what was lost.
//!
//! The suite runs once by itself, through reqwest, and once more in a process of its own through each of the others.
use std::convert::Infallible;
use std::error::Error as _;
use std::io;
use std::process::Command;

use authsignal_client::{CallConnectBuilder, Client, ClientBuilder, ErrorKind, TransportError};
use bytes::Bytes;
use http::{HeaderValue, Request, Response, Uri, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tower::service_fn;

use crate::support::{Reply, SECRET, Server};

/// Says through what the clients of this process send.
const THROUGH: &str = "TEST_TRANSPORT";

/// A builder of either client.
pub(crate) trait Through: Sized {
    /// Sends through what this process is to test.
    fn through(self) -> Self;
}

macro_rules! through {
    ($builder:ident) => {
        impl Through for $builder {
            fn through(self) -> Self {
                match std::env::var(THROUGH).as_deref() {
                    Err(_) => self,
                    Ok("hyper") => self.hyper(),
                    Ok("own") => self.transport(service_fn(own)),
                    Ok(other) => panic!("{THROUGH} is {other}"),
                }
            }
        }
    };
}

through!(ClientBuilder);
through!(CallConnectBuilder);

/// What a user may bring: no pool, no TLS, a connection for each request.
async fn own(mut request: Request<Bytes>) -> Result<Response<Incoming>, TransportError> {
    let authority = request.uri().authority().expect("an absolute address").clone();
    let mut stream = TcpStream::connect(authority.as_str()).await.map_err(TransportError::connect)?;
    if request.uri().scheme_str() == Some("https") {
        let read = stream.read(&mut [0]).await;
        return Err(TransportError::connect(read.map_or_else(|error| error, |_| io::ErrorKind::Unsupported.into())));
    }
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(TransportError::connect)?;
    tokio::spawn(connection);
    let host = HeaderValue::try_from(authority.as_str()).expect("a host");
    request.headers_mut().insert(header::HOST, host);
    let target = request.uri().path_and_query().expect("a path").clone();
    *request.uri_mut() = Uri::from(target);
    sender.send_request(request.map(Full::new)).await.map_err(TransportError::interrupted)
}

/// Runs the whole suite again, in a process whose clients send through something else, without the tests that are about a
/// pool where there is none.
#[allow(clippy::print_stdout, reason = "a test that counts says what it counted")]
async fn everything_holds_through(transport: &str, without: &[&str]) {
    if std::env::var_os(THROUGH).is_some() {
        return;
    }
    let mut again = Command::new(std::env::current_exe().expect("this very program"));
    again.env(THROUGH, transport);
    for test in without {
        again.args(["--skip", test]);
    }
    let output = tokio::task::spawn_blocking(move || again.output().expect("it runs")).await.expect("no panic");
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    let result = told.lines().find(|line| line.starts_with("test result")).unwrap_or_default();
    println!("through {transport}: {result}");
    assert!(!result.contains(" 0 passed"), "{result}");
}

#[tokio::test]
async fn everything_holds_through_hyper() {
    everything_holds_through("hyper", &[]).await;
}

#[tokio::test]
async fn everything_holds_through_a_service_of_the_users_own() {
    everything_holds_through(
        "own",
        &["a_silent_pooled_connection_does_not_take_the_whole_deadline", "connections_are_kept"],
    )
    .await;
}

/// T97: a transport of somebody's may put what it sent into its errors, and into those of its bodies.
#[tokio::test]
async fn t97_an_error_of_a_foreign_transport_shows_nothing_of_the_request() {
    let tells_all = service_fn(|request: Request<Bytes>| async move {
        let secret = request.headers()["authorization"].to_str().expect("text").to_owned();
        Err::<Response<Full<Bytes>>, _>(io::Error::other(format!("it is lost: {secret} {request:?}")))
    });
    let client = Client::builder("canary-secret").transport(tells_all).retries(0).build().unwrap();
    for error in [
        client.get_user("canary-user").await.unwrap_err(),
        client.track("canary-user", "canary-action").await.unwrap_err(),
        client.validate_challenge("canary-token").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Interrupted);
        let source = error.source().expect("what the transport said");
        assert!(source.to_string().contains("is lost"), "{source}");
        let shown = format!("{error} {error:?} {error:#?} {source} {source:?}");
        let basic = "Y2FuYXJ5LXNlY3JldDo=";
        assert!(!shown.contains("canary") && !shown.contains(basic), "{shown}");
    }
}

/// What says that nothing was sent is believed, and repeated whatever the call; nothing else is.
#[tokio::test]
async fn a_transport_says_what_was_not_sent() {
    for (connects, kind, tries) in [(false, ErrorKind::Connect, 2), (true, ErrorKind::Interrupted, 1)] {
        let (sent, mut seen) = tokio::sync::mpsc::unbounded_channel();
        let fails = service_fn(move |_: Request<Bytes>| {
            sent.send(()).expect("a listener");
            let error = io::Error::from(io::ErrorKind::BrokenPipe);
            let error = if connects { TransportError::interrupted(error) } else { TransportError::connect(error) };
            std::future::ready(Err::<Response<Full<Bytes>>, _>(error))
        });
        let client = Client::builder(SECRET).transport(fails).retries(1).build().unwrap();
        assert_eq!(client.claim_challenge(("c-1", "user-1")).await.unwrap_err().kind(), kind);
        drop(client);
        let mut count = 0;
        while seen.try_recv().is_ok() {
            count += 1;
        }
        assert_eq!(count, tries, "{kind:?}");
    }
}

/// T76: a transport of one's own changes nothing about where the secret may go.
#[tokio::test]
async fn t76_a_base_url_is_checked_whatever_sends_to_it() {
    let nobody = service_fn(|_: Request<Bytes>| async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) });
    for base in ["http://api.authsignal.com/v1", "ftp://localhost/v1", "https://user@api.authsignal.com/v1"] {
        let built = Client::builder(SECRET).base_url(base).transport(nobody).build();
        assert!(built.is_err(), "{base}");
    }
}

/// T75: requests with the secret go to the base URL and nowhere else, whatever an id looks like.
#[tokio::test]
async fn t75_every_transport_is_handed_the_base_url_and_no_other() {
    let (sent, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let notes = service_fn(move |request: Request<Bytes>| {
        sent.send(request.uri().clone()).expect("a listener");
        std::future::ready(Ok::<_, Infallible>(
            Response::builder()
                .status(307)
                .header("location", "https://evil.example/")
                .body(Full::<Bytes>::default())
                .unwrap(),
        ))
    });
    let client = Client::builder(SECRET).base_url("https://api.example.com/v1").transport(notes).build().unwrap();
    for id in ["a", "@evil.example", "//evil.example", "?x", "#x", "\\evil.example", "a b", "%2e%2e"] {
        assert_eq!(client.get_user(id).await.unwrap_err().kind(), ErrorKind::Redirected, "{id}");
        let uri = seen.try_recv().unwrap();
        assert_eq!(uri.authority().map(|authority| authority.as_str()), Some("api.example.com"), "{id}: {uri}");
        assert!(uri.path().starts_with("/v1/users/") && uri.path().matches('/').count() == 3, "{id}: {uri}");
    }
    assert!(seen.try_recv().is_err(), "each was sent once");
}

/// More calls at once than one HTTP/2 connection has room for do not stand in line, also where HTTP/2 is not spoken.
#[tokio::test]
async fn hyper_carries_many_calls_at_once() {
    let server = Server::start(|_, request| Reply::good(request)).await;
    let client = server.builder().hyper().http2().build().unwrap();
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..250 {
        let client = client.clone();
        calls.spawn(async move { client.get_user("user-1").await.map(drop) });
    }
    for call in calls.join_all().await {
        call.unwrap();
    }
    assert_eq!(server.requests().len(), 250);
}
