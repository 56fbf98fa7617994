//! Runs a closure of the application's to its end, its panic or its deadline.
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

/// What a closure of the application's gives, later.
pub(super) type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// How it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Panic,
    TooSlow,
}

/// What it gives within `timeout`. After a panic it is polled no more, so that nobody sees what that left behind.
pub(super) async fn run<T>(begin: impl FnOnce() -> Later<T>, timeout: Duration) -> Result<T, Broken> {
    let begun = catch_unwind(AssertUnwindSafe(begin));
    let mut running = begun.map_err(|_| Broken::Panic)?;
    let running = std::future::poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| running.as_mut().poll(cx))) {
        Ok(Poll::Ready(given)) => Poll::Ready(Ok(given)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(_) => Poll::Ready(Err(Broken::Panic)),
    });
    tokio::time::timeout(timeout, running).await.unwrap_or(Err(Broken::TooSlow))
}
