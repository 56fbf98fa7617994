//! One connection that all calls share, and that is made anew when it is lost.
//!
//! [`redis::aio::ConnectionManager`] does this for a single server. Sentinel has to be asked anew which server it is, and a
//! server that vanishes without closing the connection has to be noticed too, so this does it for all of them.
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::ConnectionLike;
use redis::{Cmd, RedisResult};
use tokio::sync::Mutex;

use crate::fault::{Fault, FaultKind};
use crate::source::{Answer, Source};

/// How long after a failure nobody tries to connect again.
const PAUSE: Duration = Duration::from_millis(100);
/// How long an answer is waited for before a connection whose caller gives up counts as lost.
const PATIENCE: Duration = Duration::from_millis(100);

/// What rustls does where it finds no provider of cryptography, or two.
const PANICKED: &str = "connecting to Redis panicked; for `rediss://` the application has to install a `CryptoProvider` of rustls' \
                        when it starts";
const SHUTDOWN: &str = "the runtime is shutting down";

pub(crate) type Connecting<C> = Pin<Box<dyn Future<Output = RedisResult<C>> + Send>>;

/// A connection that is made when it is first needed, and again after it was lost.
pub(crate) struct Link<C>(Arc<Inner<C>>);

struct Inner<C> {
    connect: Box<dyn Fn() -> Connecting<C> + Send + Sync>,
    current: StdMutex<Current<C>>,
    /// Held by who connects; the last time that it failed.
    connecting: Arc<Mutex<Option<(Instant, Fault)>>>,
}

struct Current<C> {
    connection: Option<C>,
    /// Counts the connections, so that only the one that was lost is dropped.
    number: u64,
}

impl<C: Clone + Send + Sync + 'static> Link<C> {
    pub(crate) fn new(connect: impl Fn() -> Connecting<C> + Send + Sync + 'static) -> Self {
        let current = StdMutex::new(Current { connection: None, number: 0 });
        Self(Arc::new(Inner { connect: Box::new(connect), current, connecting: Arc::default() }))
    }

    async fn connection(&self) -> Result<(u64, C), Fault> {
        if let Some(live) = self.0.live() {
            return Ok(live);
        }
        let mut last_failure = Arc::clone(&self.0.connecting).lock_owned().await;
        if let Some(live) = self.0.live() {
            return Ok(live);
        }
        if let Some((_, fault)) = last_failure.as_ref().filter(|(at, _)| at.elapsed() < PAUSE) {
            return Err(fault.clone());
        }
        // In a task of its own: if this caller gives up, the next one finds the connection.
        let inner = Arc::clone(&self.0);
        let task = tokio::spawn(async move {
            match (inner.connect)().await {
                Ok(connection) => {
                    *last_failure = None;
                    Ok(inner.put(connection))
                }
                // It was there, and hung up on us: the next try may fare better.
                Err(error) if error.is_io_error() && !error.is_connection_refusal() => Err(error.into()),
                Err(error) => {
                    let fault = Fault::from(error).unsent();
                    *last_failure = Some((Instant::now(), fault.clone()));
                    Err(fault)
                }
            }
        });
        task.await.unwrap_or_else(|error| Err(Fault::other(if error.is_panic() { PANICKED } else { SHUTDOWN })))
    }
}

impl<C: Clone> Inner<C> {
    fn current(&self) -> MutexGuard<'_, Current<C>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn live(&self) -> Option<(u64, C)> {
        let current = self.current();
        current.connection.clone().map(|connection| (current.number, connection))
    }

    fn put(&self, connection: C) -> (u64, C) {
        let mut current = self.current();
        current.number += 1;
        current.connection = Some(connection.clone());
        (current.number, connection)
    }

    fn drop_connection(&self, number: u64) {
        let mut current = self.current();
        if current.number == number {
            current.connection = None;
        }
    }
}

/// An answer that is waited for. Given up after a while, it takes the connection with it: a server that went away without a
/// word, or a network in between that did, answers nobody.
struct Awaited<'a, C: Clone> {
    inner: &'a Inner<C>,
    number: u64,
    since: Instant,
    is_over: bool,
}

impl<C: Clone> Drop for Awaited<'_, C> {
    fn drop(&mut self) {
        if !self.is_over && self.since.elapsed() >= PATIENCE {
            self.inner.drop_connection(self.number);
        }
    }
}

impl<C: ConnectionLike + Clone + Send + Sync + 'static> Source for Link<C> {
    fn send<'a>(&'a self, command: &'a Cmd) -> Answer<'a> {
        Box::pin(async move {
            let (number, mut connection) = self.connection().await?;
            let mut awaited = Awaited { inner: &self.0, number, since: Instant::now(), is_over: false };
            let answer = command.query_async(&mut connection).await.map_err(Fault::from);
            awaited.is_over = true;
            if answer.as_ref().is_err_and(|fault| fault.kind == FaultKind::Lost) {
                self.0.drop_connection(number);
            }
            answer
        })
    }
}

impl<C> fmt::Debug for Link<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Link")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use redis::aio::MultiplexedConnection;
    use redis::{Client, cmd};

    use super::*;

    /// Counts how often it is asked for a connection, which it never gets.
    fn refused() -> (Link<MultiplexedConnection>, Arc<AtomicU32>) {
        let asked = Arc::<AtomicU32>::default();
        let counted = Arc::clone(&asked);
        // Nobody listens at port 1.
        let client = Client::open("redis://127.0.0.1:1/").expect("a URL");
        let link = Link::new(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            let client = client.clone();
            Box::pin(async move { client.get_multiplexed_async_connection().await })
        });
        (link, asked)
    }

    #[tokio::test]
    async fn a_redis_that_is_not_there_is_not_asked_by_everybody() {
        let (link, asked) = refused();
        let start = Instant::now();
        for _ in 0..100 {
            assert_eq!(link.send(&cmd("PING")).await.map_err(|fault| fault.kind), Err(FaultKind::Other));
        }
        let (asked, pauses) = (asked.load(Ordering::SeqCst), start.elapsed().as_millis() / PAUSE.as_millis());
        assert!(asked > 0 && u128::from(asked) <= pauses + 1, "100 calls connected {asked} times in {pauses} pauses");
    }

    /// A panic of the TLS library's is a fault that says what is missing.
    #[tokio::test]
    async fn a_panic_while_connecting_says_what_to_do() {
        let link = Link::<MultiplexedConnection>::new(|| Box::pin(async { panic!("no provider") }));
        for _ in 0..2 {
            let fault = link.send(&cmd("PING")).await.expect_err("there is no connection");
            assert!(fault.to_string().contains("CryptoProvider"), "{fault}");
        }
    }
}
