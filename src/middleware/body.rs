//! Bodies: how ours becomes the response, and how a request's is read and handed on as the very same bytes.
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::BoxError;
use axum::body::Body;
use bytes::{Buf as _, Bytes, BytesMut};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::combinators::{BoxBody, UnsyncBoxBody};
use http_body_util::{BodyExt as _, Full};

use crate::refusal::RefusalReason;

/// How long a body may take that has to be read: 30 seconds.
const READING: Duration = Duration::from_secs(30);

/// A response body that our own answers can become.
///
/// It is implemented for concrete types, so that a stack which changes the body somewhere else gets an error that says
/// so. A response body of your own implements it in one line.
#[diagnostic::on_unimplemented(
    message = "`AuthsignalLayer` cannot answer with a body of type `{Self}`",
    label = "no answer of `axum-authsignal` can be made into this response body",
    note = "put the layer inside every layer that changes the response body (compression, limits, timeouts), or map the \
            body back with `tower_http::map_response_body`; axum's `Router::layer` does this by itself"
)]
pub trait RefusalBody {
    /// Makes a whole response body of `bytes`.
    fn from_bytes(bytes: Bytes) -> Self;
}

/// A request body that can be put together again after a part of it, or all, was read.
///
/// It is implemented for concrete types, as [`RefusalBody`] is.
#[diagnostic::on_unimplemented(
    message = "`AuthsignalLayer` cannot hand on a body of type `{Self}` once it was read",
    label = "this request body cannot be put together again",
    note = "put the layer inside every layer that changes the request body (decompression, limits), or map the body with \
            `tower_http::map_request_body`; axum's `Router::layer` does this by itself"
)]
pub trait ReplayBody: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + Sized + 'static {
    /// The body that begins with `read` and goes on with what is left in `rest`.
    fn replay(read: Bytes, rest: Option<Self>) -> Self;

    /// The body that begins with `read` and then breaks off with the very `error` that it broke off with before.
    fn break_off(read: Bytes, error: Self::Error) -> Self;
}

impl RefusalBody for Body {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::from(bytes)
    }
}

impl RefusalBody for Full<Bytes> {
    fn from_bytes(bytes: Bytes) -> Self {
        Self::new(bytes)
    }
}

impl<E> RefusalBody for BoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Full::new(bytes).map_err(|never| match never {}).boxed()
    }
}

impl<E> RefusalBody for UnsyncBoxBody<Bytes, E> {
    fn from_bytes(bytes: Bytes) -> Self {
        Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
    }
}

impl ReplayBody for Body {
    fn replay(read: Bytes, rest: Option<Self>) -> Self {
        match rest {
            None => Self::from(read),
            Some(rest) => Self::new(Replayed { read, rest }.map_err(axum::Error::into_inner)),
        }
    }

    // Not wrapped a second time: an extractor that tells errors apart looks no deeper than it would without us.
    fn break_off(read: Bytes, error: Self::Error) -> Self {
        Self::new(BrokenOff { read, error: Some(error.into_inner()) })
    }
}

impl ReplayBody for Full<Bytes> {
    fn replay(read: Bytes, rest: Option<Self>) -> Self {
        // A body of one piece was read whole, or, where its length said enough, not at all.
        rest.filter(|_| read.is_empty()).unwrap_or_else(|| Self::new(read))
    }

    fn break_off(_: Bytes, error: Self::Error) -> Self {
        match error {}
    }
}

impl<E: Into<BoxError> + Send + Sync + 'static> ReplayBody for BoxBody<Bytes, E>
where
    Self: HttpBody<Data = Bytes, Error = E> + Send + Sync + Unpin,
{
    fn replay(read: Bytes, rest: Option<Self>) -> Self {
        match rest {
            None => Self::from_bytes(read),
            Some(rest) => Replayed { read, rest }.boxed(),
        }
    }

    fn break_off(read: Bytes, error: E) -> Self {
        BrokenOff { read, error: Some(error) }.boxed()
    }
}

impl<E: Into<BoxError> + Send + 'static> ReplayBody for UnsyncBoxBody<Bytes, E>
where
    Self: HttpBody<Data = Bytes, Error = E> + Send + Unpin,
{
    fn replay(read: Bytes, rest: Option<Self>) -> Self {
        match rest {
            None => Self::from_bytes(read),
            Some(rest) => Replayed { read, rest }.boxed_unsync(),
        }
    }

    fn break_off(read: Bytes, error: E) -> Self {
        BrokenOff { read, error: Some(error) }.boxed_unsync()
    }
}

/// What was read, then the rest, in order.
struct Replayed<B> {
    read: Bytes,
    rest: B,
}

impl<B: HttpBody<Data = Bytes> + Unpin> HttpBody for Replayed<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let this = self.get_mut();
        if this.read.has_remaining() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.read)))));
        }
        pin!(&mut this.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        !self.read.has_remaining() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let read = self.read.remaining() as u64;
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        if let Some(upper) = rest.upper().and_then(|upper| upper.checked_add(read)) {
            hint.set_upper(upper);
        }
        hint.set_lower(rest.lower().saturating_add(read));
        hint
    }
}

/// What was read, then the error that ended it.
struct BrokenOff<E> {
    read: Bytes,
    error: Option<E>,
}

/// Nothing in it is ever pinned.
impl<E> Unpin for BrokenOff<E> {}

impl<E> HttpBody for BrokenOff<E> {
    type Data = Bytes;
    type Error = E;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, E>>> {
        let this = self.get_mut();
        if this.read.has_remaining() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut this.read)))));
        }
        Poll::Ready(this.error.take().map(Err))
    }
}

/// A request's body, as far as it was read.
pub(crate) enum Reading<B> {
    /// Not at all.
    Unread(B),
    /// All of it; trailers, which no approval covers, are dropped.
    Whole(Bytes),
    /// As much as showed that it is too long, or too slow.
    TooLong(Bytes, B),
    /// It breaks off, as it did when it was read.
    Broken(B),
}

impl<B: ReplayBody> Reading<B> {
    /// Reads the body if that was not done yet, up to `limit` bytes.
    pub(crate) async fn read(self, limit: usize) -> Result<Self, RefusalReason> {
        match self.read_in_time(limit).await {
            Ok((read, true)) => Ok(read),
            Ok((_, false)) => Err(RefusalReason::BodyTooSlow),
            Err((_, error)) => {
                tracing::debug!(error = %error.into(), "a request's body broke off");
                Err(RefusalReason::BodyUnreadable)
            }
        }
    }

    /// Reads the body, and leaves it as it came where it is too long, too slow or breaks off; with why the latter two would be
    /// refused.
    pub(crate) async fn read_or_leave(self, limit: usize) -> (Self, Option<RefusalReason>) {
        match self.read_in_time(limit).await {
            Ok((read, is_in_time)) => (read, (!is_in_time).then_some(RefusalReason::BodyTooSlow)),
            Err((read, error)) => (Self::Broken(B::break_off(read, error)), Some(RefusalReason::BodyUnreadable)),
        }
    }

    /// As far as it was read, and whether that was in time; or what came before the error that ended it.
    async fn read_in_time(self, limit: usize) -> Result<(Self, bool), (Bytes, B::Error)> {
        let Self::Unread(mut body) = self else { return Ok((self, true)) };
        if body.size_hint().lower() > limit as u64 {
            return Ok((Self::TooLong(Bytes::new(), body), true));
        }
        let mut read = BytesMut::new();
        match tokio::time::timeout(READING, collect(&mut body, &mut read, limit)).await {
            Ok(Ok(true)) => Ok((Self::Whole(read.freeze()), true)),
            Ok(Ok(false)) => Ok((Self::TooLong(read.freeze(), body), true)),
            Err(_) => Ok((Self::TooLong(read.freeze(), body), false)),
            Ok(Err(error)) => Err((read.freeze(), error)),
        }
    }

    /// Whether it is known that there is nothing in it, without reading.
    pub(crate) fn is_empty(&self) -> bool {
        matches!(self, Self::Unread(body) if body.is_end_stream())
    }

    /// The bytes, if all of them were read.
    pub(crate) fn whole(&self) -> Option<&Bytes> {
        match self {
            Self::Whole(bytes) => Some(bytes),
            Self::Unread(_) | Self::TooLong(..) | Self::Broken(_) => None,
        }
    }

    /// The body as it came.
    pub(crate) fn replay(self) -> B {
        match self {
            Self::Unread(body) | Self::Broken(body) => body,
            Self::Whole(bytes) => B::replay(bytes, None),
            Self::TooLong(read, rest) => B::replay(read, Some(rest)),
        }
    }
}

/// Reads up to `limit` bytes, and whether that is all.
async fn collect<B: ReplayBody>(body: &mut B, read: &mut BytesMut, limit: usize) -> Result<bool, B::Error> {
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        read.extend_from_slice(&data);
        if read.len() > limit {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::VecDeque;

    use http::header::{HeaderMap, HeaderValue, TRAILER};

    /// A body of given pieces; an empty piece stands for a fault.
    struct Pieces(VecDeque<&'static [u8]>);

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = BoxError;

        fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| match piece {
                [] => Err("cut".into()),
                piece => Ok(Frame::data(Bytes::from_static(piece))),
            }))
        }
    }

    fn pieces(pieces: &[&'static [u8]]) -> Body {
        Body::new(Pieces(pieces.iter().copied().collect()))
    }

    /// T62, T65: at, below and past the limit, the handler gets the very bytes that came, in order.
    #[tokio::test]
    async fn t62_t65_what_was_read_is_handed_on_in_order() {
        for (limit, is_whole) in [(5, false), (6, true), (7, true), (0, false), (3, false)] {
            let read = Reading::Unread(pieces(&[b"abc", b"de", b"f"])).read(limit).await.unwrap();
            assert_eq!(read.whole().is_some(), is_whole, "limit {limit}");
            let handed_on = read.replay().collect().await.unwrap().to_bytes();
            assert_eq!(handed_on, "abcdef", "limit {limit}");
        }
        let read = Reading::Unread(Body::from("abcdef")).read(3).await.unwrap();
        assert!(matches!(&read, Reading::TooLong(read, _) if read.is_empty()), "a length that is known is not read");
        assert_eq!(read.replay().collect().await.unwrap().to_bytes(), "abcdef");
        for limit in [3, 6] {
            let read = Reading::Unread(Full::new(Bytes::from("abcdef"))).read(limit).await.unwrap();
            assert_eq!(read.replay().collect().await.unwrap().to_bytes(), "abcdef", "of one piece, limit {limit}");
            let boxed = http_body_util::BodyExt::boxed(Pieces([&b"abc"[..], b"de", b"f"].into()));
            let read = Reading::Unread(boxed).read(limit).await.unwrap();
            assert_eq!(read.replay().collect().await.unwrap().to_bytes(), "abcdef", "boxed, limit {limit}");
        }
    }

    /// T67: what no approval covers does not ride along with what one does.
    #[tokio::test]
    async fn t67_trailers_are_dropped_where_the_body_is_read() {
        let trailers = || async { Some(Ok(HeaderMap::from_iter([(TRAILER, HeaderValue::from_static("x"))]))) };
        let body = || Body::new(Full::new(Bytes::from("abc")).with_trailers(trailers()));
        for (read, kept) in [(Reading::Unread(body()), true), (Reading::Unread(body()).read(3).await.unwrap(), false)] {
            let handed_on = read.replay().collect().await.unwrap();
            assert_eq!(handed_on.trailers().is_some(), kept);
            assert_eq!(handed_on.to_bytes(), "abc");
        }
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_is_refused() {
        let read = Reading::Unread(pieces(&[b"abc", b""])).read(10).await;
        assert!(matches!(read, Err(RefusalReason::BodyUnreadable)));
    }

    #[tokio::test]
    async fn a_body_that_breaks_off_past_the_limit_breaks_off_for_the_handler() {
        let read = Reading::Unread(pieces(&[b"abc", b""])).read(2).await.unwrap();
        assert!(read.replay().collect().await.is_err());
    }

    /// T66: a body that never ends in time is refused, by the clock that tests can pause.
    #[tokio::test(start_paused = true)]
    async fn t66_a_slow_body_is_given_up() {
        struct Never;
        impl HttpBody for Never {
            type Data = Bytes;
            type Error = BoxError;
            fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
                Poll::Pending
            }
        }
        let read = Reading::Unread(Body::new(Never)).read(10).await;
        assert!(matches!(read, Err(RefusalReason::BodyTooSlow)));
    }
}
