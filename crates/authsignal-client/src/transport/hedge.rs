//! A second try beside a first that is slow: whichever answers first counts, and the other is given up.
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::time::timeout;

/// Makes an `attempt`, and another beside it where `delay` has passed without an outcome and `pay` allows it.
///
/// A success counts at once, and so does a failure that `counts`. Any other failure leaves the call to the attempt that is still on
/// its way, and is told by `of_two` from that one's, if it fails as well.
pub(super) async fn hedged<T, E, F: Future<Output = Result<T, E>>>(
    delay: Duration,
    attempt: impl Fn() -> F,
    pay: impl FnOnce() -> bool,
    counts: impl Fn(&E) -> bool,
    of_two: impl FnOnce(E, E) -> E,
) -> Result<T, E> {
    let mut first = pin!(attempt());
    if let Ok(outcome) = timeout(delay, &mut first).await {
        return outcome;
    }
    if !pay() {
        return first.await;
    }
    tracing::debug!(?delay, "authsignal call is slow and sent a second time");
    match select(first, pin!(attempt())).await {
        Either::Left((Err(failure), second)) if !counts(&failure) => {
            second.await.map_err(|later| of_two(failure, later))
        }
        Either::Right((Err(failure), first)) if !counts(&failure) => {
            first.await.map_err(|later| of_two(failure, later))
        }
        Either::Left((outcome, _)) | Either::Right((outcome, _)) => outcome,
    }
}
