//! Over hyper alone: a pool that is kept alive, rustls with the platform's roots, and as many HTTP/2 connections as it takes.
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Uri};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt as _;
use tokio::net::TcpStream;
use tower::{Service, ServiceExt as _};

use super::settings::{HTTP2_SILENCE, HttpVersion, IDLE_TIMEOUT, LOOPBACK, Settings};
use super::wire::{BoxError, Exchange, Exchanged, TransportError, Unanswered, lost};
use crate::url::is_loopback;

/// The most calls that one lane carries at a time where HTTP/2 is spoken: what servers commonly take on one connection.
const MAX_STREAMS: usize = 100;

type Pool = Client<Connector, Full<Bytes>>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type Later<T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + Send>>;

pub(super) struct OverHyper {
    lanes: Lanes,
}

impl OverHyper {
    pub(super) fn new(settings: &Settings) -> Result<Self, rustls::Error> {
        let connector = Connector::new(settings)?;
        let mut pool = Client::builder(TokioExecutor::new());
        pool.pool_idle_timeout(IDLE_TIMEOUT).pool_timer(TokioTimer::new()).timer(TokioTimer::new());
        // A connection without a sign of life is given up, and the next try makes another.
        pool.http2_keep_alive_interval(HTTP2_SILENCE).http2_keep_alive_timeout(HTTP2_SILENCE);
        pool.http2_only(settings.http == HttpVersion::Http2);
        Ok(Self { lanes: Lanes::new(settings.http != HttpVersion::Http1, move || pool.build(connector.clone())) })
    }
}

impl Exchange for OverHyper {
    fn exchange(&self, request: Request<Bytes>) -> Exchanged {
        let (pool, seat) = self.lanes.take();
        let answer = pool.request(request.map(Full::new));
        Box::pin(async move {
            let answer = answer.await.map_err(unanswered)?;
            Ok(answer.map(|body| {
                let body = body.map_err(|error| BoxError::from(TransportError::ours(Unanswered::Lost, error)));
                if seat.is_some() { Seated { body, seat }.boxed_unsync() } else { body.boxed_unsync() }
            }))
        })
    }
}

fn unanswered(error: Error) -> BoxError {
    let cause = if error.is_connect() { Unanswered::Unsent } else { lost(&error) };
    TransportError::ours(cause, error).into()
}

/// Pools of connections side by side. A pool has one connection where HTTP/2 is spoken and waits for room on it, so the next
/// lane begins where one is full. With HTTP/1.1 there is one lane.
struct Lanes {
    open: Box<dyn Fn() -> Pool + Send + Sync>,
    first: Pool,
    /// None without HTTP/2.
    counted: Option<Mutex<Vec<Lane>>>,
}

struct Lane {
    pool: Pool,
    /// Shared with every call that is on its way.
    seats: Seat,
}

type Seat = Arc<()>;

impl Lanes {
    fn new(http2: bool, open: impl Fn() -> Pool + Send + Sync + 'static) -> Self {
        let first = open();
        let lane = Lane { pool: first.clone(), seats: Seat::default() };
        Self { open: Box::new(open), first, counted: http2.then(|| Mutex::new(vec![lane])) }
    }

    /// The first lane with room, and a seat that is taken until it is dropped.
    fn take(&self) -> (Pool, Option<Seat>) {
        let Some(lanes) = &self.counted else { return (self.first.clone(), None) };
        let mut lanes = lanes.lock().unwrap_or_else(PoisonError::into_inner);
        let at = match lanes.iter().position(|lane| Arc::strong_count(&lane.seats) <= MAX_STREAMS) {
            Some(at) => at,
            None => {
                lanes.push(Lane { pool: (self.open)(), seats: Seat::default() });
                lanes.len() - 1
            }
        };
        (lanes[at].pool.clone(), Some(Arc::clone(&lanes[at].seats)))
    }
}

/// A body that keeps its seat until it is read or given up.
struct Seated<B> {
    body: B,
    seat: Option<Seat>,
}

impl<B: Body<Data = Bytes, Error = BoxError> + Unpin> Body for Seated<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if matches!(frame, Poll::Ready(None)) {
            self.seat = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Makes connections, TLS included, each within its time.
#[derive(Clone)]
struct Connector {
    https: Arc<HttpsConnector<HttpConnector<Resolver>>>,
    timeout: Duration,
}

impl Connector {
    fn new(settings: &Settings) -> Result<Self, rustls::Error> {
        let mut http = HttpConnector::new_with_resolver(Resolver { is_near: is_loopback(&settings.base) });
        http.set_nodelay(true);
        http.enforce_http(false);
        let secure = settings.base.scheme() == "https";
        let tls = ClientConfig::builder_with_provider(aws_lc_rs::default_provider().into());
        let tls = tls.with_safe_default_protocol_versions()?;
        let tls = if secure {
            tls.with_platform_verifier()?.with_no_client_auth()
        } else {
            // Where no TLS is spoken, a machine needs no certificates of authorities.
            tls.with_root_certificates(RootCertStore::empty()).with_no_client_auth()
        };
        let https = HttpsConnectorBuilder::new().with_tls_config(tls);
        let https = if secure { https.https_only() } else { https.https_or_http() };
        let https = match settings.http {
            HttpVersion::Http1 => https.enable_http1().wrap_connector(http),
            HttpVersion::Negotiated => https.enable_all_versions().wrap_connector(http),
            HttpVersion::Http2 => https.enable_http2().wrap_connector(http),
        };
        Ok(Self { https: Arc::new(https), timeout: settings.connect_timeout })
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Later<Stream, BoxError>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, target: Uri) -> Self::Future {
        let connecting = tokio::time::timeout(self.timeout, HttpsConnector::clone(&self.https).oneshot(target));
        Box::pin(async move { connecting.await? })
    }
}

/// Looks names up as the system does, but those of this machine not at all.
#[derive(Clone)]
struct Resolver {
    is_near: bool,
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = std::io::Error;
    type Future = Later<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        if self.is_near {
            // A resolver that asks the network might be told another address for `app.localhost` (RFC 6761, section 6.3).
            let found = LOOPBACK.map(|ip| SocketAddr::new(ip, 0)).to_vec();
            return Box::pin(std::future::ready(Ok(found.into_iter())));
        }
        let found = GaiResolver::new().oneshot(name);
        Box::pin(async move { Ok(found.await?.collect::<Vec<_>>().into_iter()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::path::base_url;
    use crate::transport::settings::Carrier;

    fn lanes(http: HttpVersion) -> Lanes {
        let settings = Settings {
            secret: None,
            base: base_url("http://localhost:1/v1", None).expect("a base URL"),
            connect_timeout: Duration::from_secs(1),
            deadline: Duration::from_secs(5),
            retries: 0,
            hedge_after: None,
            http,
            carrier: Carrier::Hyper,
        };
        OverHyper::new(&settings).expect("no certificates are needed").lanes
    }

    fn open(lanes: &Lanes) -> usize {
        lanes.counted.as_ref().map_or(1, |lanes| lanes.lock().expect("no panic").len())
    }

    /// A connection has room for a hundred streams, and hyper's pool would let the rest wait for them.
    #[test]
    fn another_lane_is_opened_for_every_hundred_calls_on_their_way() {
        let lanes = lanes(HttpVersion::Negotiated);
        let mut seats: Vec<_> = (0..100).map(|_| lanes.take().1.expect("a seat")).collect();
        assert_eq!(open(&lanes), 1);
        seats.extend((0..150).map(|_| lanes.take().1.expect("a seat")));
        assert_eq!(open(&lanes), 3);
        drop(seats);
        let again: Vec<_> = (0..300).map(|_| lanes.take().1).collect();
        assert_eq!((open(&lanes), again.len()), (3, 300), "what was given back is taken first");
    }

    #[test]
    fn without_http2_there_is_one_lane() {
        let lanes = lanes(HttpVersion::Http1);
        let seats: Vec<_> = (0..300).map(|_| lanes.take().1).collect();
        assert!(seats.iter().all(Option::is_none));
        assert_eq!(open(&lanes), 1);
    }

    /// A call takes its seat until its answer is read: a body that is still coming has a stream.
    #[tokio::test]
    async fn a_seat_is_kept_until_the_body_ends() {
        let seat = Seat::default();
        let body = Full::new(Bytes::from_static(b"{}")).map_err(|never| match never {});
        let mut seated = Seated { body, seat: Some(Arc::clone(&seat)) };
        while seated.frame().await.is_some() {
            assert_eq!(Arc::strong_count(&seat), 2);
        }
        assert_eq!(Arc::strong_count(&seat), 1);
    }
}
