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
        task.await.unwrap_or_else(|_| Err(Fault::other("connecting was broken off")))
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
