//! A proxy in front of a server that loses answers: it cuts the connection after the server did what it was asked.
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, AtomicU32, AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Stands between a store and its server.
pub struct Proxy {
    port: u16,
    state: Arc<ProxyState>,
}

struct ProxyState {
    upstream: AtomicU16,
    /// Of a hundred answers, how many are lost, and the connection with them.
    percent: AtomicU64,
    random: AtomicU64,
    lost: AtomicU32,
    /// Connections up to this number say nothing more.
    frozen: watch::Sender<u32>,
    connections: AtomicU32,
}

impl ProxyState {
    fn loses(&self) -> bool {
        let step =
            |seed: u64| Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        let seed = self.random.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap();
        let is_lost = (seed >> 33) % 100 < self.percent.load(Ordering::Relaxed);
        self.lost.fetch_add(u32::from(is_lost), Ordering::Relaxed);
        is_lost
    }
}

impl Proxy {
    pub async fn start(upstream: u16, percent: u64, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(ProxyState {
            upstream: AtomicU16::new(upstream),
            percent: AtomicU64::new(percent),
            random: AtomicU64::new(seed),
            lost: AtomicU32::new(0),
            frozen: watch::Sender::new(0),
            connections: AtomicU32::new(0),
        });
        let proxy = Self { port, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = state.connections.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::spawn(carry(stream, number, Arc::clone(&state)));
            }
        });
        proxy
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The connections that there are say nothing more; new ones do.
    pub fn freeze(&self) {
        self.state.frozen.send_replace(self.state.connections.load(Ordering::Relaxed));
    }

    /// They go on where they were.
    pub fn thaw(&self) {
        self.state.frozen.send_replace(0);
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// New connections lead to another server.
    pub fn lead_to(&self, upstream: u16) {
        self.state.upstream.store(upstream, Ordering::Relaxed);
    }

    /// Loses so many of a hundred answers from now on.
    pub fn lose(&self, percent: u64) {
        self.state.percent.store(percent, Ordering::Relaxed);
    }

    pub fn lost(&self) -> u32 {
        self.state.lost.load(Ordering::Relaxed)
    }
}

/// Carries one connection's bytes. An answer that is lost takes the connection with it, as in any network.
async fn carry(stream: TcpStream, number: u32, state: Arc<ProxyState>) {
    let upstream = state.upstream.load(Ordering::Relaxed);
    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (stream.into_split(), server.into_split());
    let there = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from_server.read(&mut buffer).await {
        if length == 0 || state.loses() {
            break;
        }
        // The sender is in the state, which is held here.
        let _ = state.frozen.subscribe().wait_for(|frozen| number > *frozen).await;
        if to_client.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    there.abort();
}
