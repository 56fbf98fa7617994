//! Answers that are lost on the way: a proxy cuts the connection where it stood, after Redis did what it was asked.
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use authsignal_store_redis::RedisStore;
use axum_authsignal::store::{ErrorKind, Store};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::{MINUTE, REDIS, empty, key};

/// Stands between a store and Redis.
pub(crate) struct Proxy {
    port: u16,
    state: Arc<ProxyState>,
}

struct ProxyState {
    /// Of a hundred answers, how many are lost, and the connection with them.
    percent: u64,
    random: AtomicU64,
    lost: AtomicU32,
    /// Connections up to this number say nothing more.
    frozen: AtomicU32,
    connections: AtomicU32,
}

impl ProxyState {
    fn loses(&self) -> bool {
        let step =
            |seed: u64| Some(seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407));
        let seed = self.random.fetch_update(Ordering::Relaxed, Ordering::Relaxed, step).unwrap();
        let is_lost = (seed >> 33) % 100 < self.percent;
        self.lost.fetch_add(u32::from(is_lost), Ordering::Relaxed);
        is_lost
    }
}

impl Proxy {
    pub(crate) async fn start(upstream: u16, percent: u64, seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(ProxyState {
            percent,
            random: AtomicU64::new(seed),
            lost: AtomicU32::new(0),
            frozen: AtomicU32::new(0),
            connections: AtomicU32::new(0),
        });
        let proxy = Self { port, state: Arc::clone(&state) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = state.connections.fetch_add(1, Ordering::Relaxed) + 1;
                tokio::spawn(carry(stream, upstream, number, Arc::clone(&state)));
            }
        });
        proxy
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// The connections that there are say nothing more; new ones do.
    pub(crate) fn freeze(&mut self) {
        self.state.frozen.store(self.state.connections.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    pub(crate) fn lost(&self) -> u32 {
        self.state.lost.load(Ordering::Relaxed)
    }
}

/// Carries one connection's bytes. An answer that is lost takes the connection with it, as in any network.
async fn carry(stream: TcpStream, upstream: u16, number: u32, state: Arc<ProxyState>) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", upstream)).await else { return };
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (stream.into_split(), server.into_split());
    let there = tokio::spawn(async move { tokio::io::copy(&mut from_client, &mut to_server).await });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(length) = from_server.read(&mut buffer).await {
        if length == 0 || state.loses() {
            break;
        }
        if number <= state.frozen.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if to_client.write_all(&buffer[..length]).await.is_err() {
            break;
        }
    }
    there.abort();
}

/// Eight count in one record, and of every ten answers one is lost. What was written is known, or else said to be unknown.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn t25_a_lost_answer_is_asked_for_again_and_counts_once() {
    const EACH: u32 = 100;
    let proxy = Proxy::start(REDIS.port, 10, 11).await;
    let store = empty(RedisStore::new(&proxy.url()).unwrap());
    while !store.swap(&key(1), None, 0_u32.to_le_bytes().to_vec(), MINUTE).await.unwrap_or(false) {}
    let mut set = JoinSet::new();
    for _ in 0..8 {
        let store = store.clone();
        set.spawn(async move {
            let (mut written, mut refused, mut unknown) = (0, 0, 0);
            while written < EACH {
                let Ok(Some((version, value))) = store.load(&key(1)).await else { continue };
                let count = u32::from_le_bytes(value[..].try_into().unwrap());
                match store.swap(&key(1), Some(version), (count + 1).to_le_bytes().to_vec(), MINUTE).await {
                    Ok(true) => written += 1,
                    Ok(false) => refused += 1,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::Unavailable);
                        unknown += 1;
                    }
                }
            }
            (written, refused, unknown)
        });
    }
    let done = set.join_all().await;
    let sum = |of: fn(&(u32, u32, u32)) -> u32| done.iter().map(of).sum::<u32>();
    let (written, refused, unknown) = (sum(|each| each.0), sum(|each| each.1), sum(|each| each.2));
    let value = store.load(&key(1)).await.unwrap().unwrap().1;
    let count = u32::from_le_bytes(value[..].try_into().unwrap());
    println!("{} answers lost; {written} written, {refused} refused, {unknown} unknown, {count} counted", proxy.lost());
    assert!(proxy.lost() > 50, "answers were lost");
    assert!((written..=written + unknown).contains(&count), "{written} and {unknown}: {count}");
}
