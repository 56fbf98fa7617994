//! Faults of the wire: servers that break in one way each, and clients of them.
use std::sync::Arc;
use std::time::Duration;

use authsignal_emulator::Emulator;
use axum_authsignal::Client;
use axum_authsignal::client::ClientBuilder;
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tower::service_fn;

/// What a server does with each request.
#[derive(Clone, Debug)]
pub(crate) enum Broken {
    /// Nobody listens.
    Refused,
    /// Its name is not found.
    NoName,
    /// It is asked for TLS, and speaks none.
    NoTls,
    /// It is asked for TLS, and says nothing.
    SilentTls,
    Reset,
    /// It sends this, and closes.
    Closes(Vec<u8>),
    /// It sends this, and nothing more.
    Stalls(Vec<u8>),
}

/// A server, for as long as it lives.
pub(crate) struct Server {
    /// What clients are told.
    base: String,
    broken: Broken,
    serving: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

const NO_NAME: &str = "authsignal.invalid";

impl Server {
    pub(crate) async fn start(broken: Broken) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let base = match broken {
            Broken::NoName => format!("http://{NO_NAME}:{port}/v1"),
            Broken::NoTls | Broken::SilentTls => format!("https://127.0.0.1:{port}/v1"),
            _ => format!("http://127.0.0.1:{port}/v1"),
        };
        // A port that was taken a moment ago is nobody else's.
        let serving = (!matches!(broken, Broken::Refused)).then(|| tokio::spawn(serve(listener, broken.clone())));
        Self { base, broken, serving }
    }

    fn builder(&self, secret: &str) -> ClientBuilder {
        let client = Client::builder(secret).base_url(&self.base);
        if matches!(self.broken, Broken::NoName) { client.dangerous_allow_http_to(NO_NAME) } else { client }
    }

    /// A client that meets the fault. Only what has to run into a deadline has a short one.
    pub(crate) fn client(&self, secret: &str) -> Client {
        let client = self.builder(secret).retries(0).connect_timeout(Duration::from_secs(10));
        let short = Duration::from_millis(300);
        let client = match self.broken {
            Broken::Stalls(_) => client.deadline(short),
            Broken::SilentTls => client.connect_timeout(short).deadline(Duration::from_secs(20)),
            _ => client.deadline(Duration::from_secs(20)),
        };
        client.build().unwrap()
    }

    /// Where the service is said to be.
    pub(crate) fn origin(&self) -> &str {
        self.base.strip_suffix("/v1").unwrap()
    }

    /// A client of the same service by its address, which reaches the emulator in its place: challenges are where the service is.
    pub(crate) fn well(&self, emulator: &Emulator) -> Client {
        let [origin, shown] = [emulator.origin(), self.origin()].map(Arc::<str>::from);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let forward = service_fn(move |mut request: http::Request<Bytes>| {
            let (origin, http, shown) = (Arc::clone(&origin), http.clone(), Arc::clone(&shown));
            async move {
                let target = request.uri().path_and_query().unwrap().as_str().to_owned();
                *request.uri_mut() = format!("{origin}{target}").parse().unwrap();
                let answer = http.execute(reqwest::Request::try_from(request).unwrap()).await?;
                let status = answer.status();
                let text = answer.text().await?;
                let text = text.replace(&*origin, &shown);
                let mut answer = http::Response::new(http_body_util::Full::new(Bytes::from(text)));
                *answer.status_mut() = status;
                answer.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
                Ok::<_, reqwest::Error>(answer)
            }
        });
        self.builder(emulator.secret()).deadline(Duration::from_secs(60)).transport(forward).build().unwrap()
    }
}

async fn serve(listener: TcpListener, broken: Broken) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        tokio::spawn(answer(stream, broken.clone()));
    }
}

async fn answer(mut stream: TcpStream, broken: Broken) {
    match broken {
        Broken::Reset => {
            read_request(&mut stream).await;
            // Closed with bytes of the other's unread, or with this, a connection is reset.
            stream.set_zero_linger().unwrap();
        }
        Broken::NoTls => {
            let mut hello = [0; 5];
            _ = stream.read(&mut hello).await;
            _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
        }
        Broken::SilentTls => std::future::pending().await,
        Broken::Closes(bytes) => {
            read_request(&mut stream).await;
            _ = stream.write_all(&bytes).await;
            _ = stream.shutdown().await;
        }
        Broken::Stalls(bytes) => {
            read_request(&mut stream).await;
            _ = stream.write_all(&bytes).await;
            std::future::pending::<()>().await;
        }
        Broken::Refused | Broken::NoName => {}
    }
}

/// Reads a request's head, and as much body as it announces.
async fn read_request(stream: &mut TcpStream) {
    let mut read = Vec::new();
    let mut part = [0; 4096];
    loop {
        let Ok(length @ 1..) = stream.read(&mut part).await else { return };
        read.extend_from_slice(&part[..length]);
        let text = String::from_utf8_lossy(&read).to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.split("content-length: ").nth(1).and_then(|rest| rest.split('\r').next()?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return;
        }
    }
}
