//! Where connections come from: one of ours, one of the application's, or its pool.
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use redis::aio::ConnectionLike;
use redis::{Cmd, Value};

use crate::fault::Fault;

pub(crate) type Answer<'a> = Pin<Box<dyn Future<Output = Result<Value, Fault>> + Send + 'a>>;

/// Something that commands can be sent through.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    fn send<'a>(&'a self, command: &'a Cmd) -> Answer<'a>;
}

/// A connection of the application's, which it can clone and which comes back by itself.
pub(crate) struct Given<C>(pub(crate) C);

impl<C: ConnectionLike + Clone + Send + Sync> Source for Given<C> {
    fn send<'a>(&'a self, command: &'a Cmd) -> Answer<'a> {
        let mut connection = self.0.clone();
        Box::pin(async move { Ok(command.query_async(&mut connection).await?) })
    }
}

impl<C> fmt::Debug for Given<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given")
    }
}

/// Takes a connection for each command, and gives it back after it.
pub(crate) struct Pool<F>(pub(crate) F);

impl<F, Fut, C, E> Source for Pool<F>
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<C, E>> + Send,
    C: ConnectionLike + Send,
    E: fmt::Display + Send,
{
    fn send<'a>(&'a self, command: &'a Cmd) -> Answer<'a> {
        Box::pin(async move {
            let taken = (self.0)().await;
            let mut connection =
                taken.map_err(|error| Fault::other(format!("no connection from the pool: {error}")))?;
            Ok(command.query_async(&mut connection).await?)
        })
    }
}

impl<F> fmt::Debug for Pool<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pool")
    }
}
