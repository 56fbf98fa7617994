//! The socket: listening, and hanging up when a test wants it or the emulator is gone.
use std::future::poll_fn;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::connect_info::Connected;
use axum::serve::{self, IncomingStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// A listener that can be closed from outside, at once: the port is free when [`close`](Self::close) returns.
#[derive(Clone)]
pub(crate) struct Listener {
    listener: Arc<Mutex<Option<TcpListener>>>,
    hang_up: HangUp,
    address: SocketAddr,
}

impl Listener {
    pub(crate) async fn open(address: SocketAddr, hang_up: &HangUp) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|why| io::Error::new(why.kind(), format!("{address}: {why}")))?;
        let address = listener.local_addr()?;
        Ok(Self { listener: Arc::new(Mutex::new(Some(listener))), hang_up: hang_up.clone(), address })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more connections and answers nothing on those that are open.
    pub(crate) fn close(&self) {
        self.hang_up.close();
        self.listener.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

impl serve::Listener for Listener {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        let mut complained = false;
        loop {
            let next = poll_fn(|cx| match &*self.listener.lock().unwrap_or_else(PoisonError::into_inner) {
                Some(listener) => listener.poll_accept(cx),
                None => Poll::Pending,
            });
            match next.await {
                Ok((stream, peer)) => {
                    // Only costs speed where it isn't possible.
                    let _ = stream.set_nodelay(true);
                    let hung_up = self.hang_up.of_another();
                    return (Connection { stream, hung_up }, peer);
                }
                // Out of descriptors, most likely: some will be free soon.
                Err(error) => {
                    if !complained {
                        tracing::warn!(%error, "the emulator could not take a connection; it is tried again");
                        complained = true;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

/// Ends one connection without another byte.
#[derive(Debug, Clone, Default)]
pub(crate) struct HangUp {
    this: Arc<AtomicBool>,
    all: Arc<AtomicBool>,
}

impl HangUp {
    pub(crate) fn now(&self) {
        self.this.store(true, Ordering::Release);
    }

    /// That of another connection to the same emulator.
    pub(crate) fn of_another(&self) -> Self {
        Self { this: Arc::default(), all: Arc::clone(&self.all) }
    }

    /// Ends every connection to this emulator, and each that is begun from now on.
    pub(crate) fn close(&self) {
        self.all.store(true, Ordering::Release);
    }

    /// Whether this connection is over.
    pub(crate) fn done(&self) -> bool {
        self.this.load(Ordering::Acquire) || self.all.load(Ordering::Acquire)
    }
}

impl Connected<IncomingStream<'_, Listener>> for HangUp {
    fn connect_info(stream: IncomingStream<'_, Listener>) -> Self {
        stream.io().hung_up.clone()
    }
}

/// One connection.
pub(crate) struct Connection {
    stream: TcpStream,
    hung_up: HangUp,
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.hung_up.done() {
            buf.clear();
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.hung_up.done() {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// Where this machine reaches what listens on `address`.
pub(crate) fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_is_reached() {
        for (bound, reached) in [
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "[::1]:1"),
            ("[::1]:1", "[::1]:1"),
            ("192.0.2.7:1", "192.0.2.7:1"),
        ] {
            assert_eq!(reachable(bound.parse().unwrap()).to_string(), reached);
        }
    }
}
