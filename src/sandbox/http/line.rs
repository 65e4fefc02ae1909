//! Connections that can be cut, so that a client sees them break instead of an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};

/// The switch of one connection. Cut once, it stays cut.
#[derive(Clone, Debug)]
pub(super) struct Switch {
    /// Bytes that may still be sent.
    left: Arc<AtomicU64>,
    server: Arc<AtomicBool>,
}

impl Switch {
    fn new(server: Arc<AtomicBool>) -> Self {
        Self { left: Arc::new(AtomicU64::new(u64::MAX)), server }
    }

    /// Cuts the connection when this many more bytes were sent.
    pub(super) fn cut_after(&self, bytes: u64) {
        self.left.store(bytes, Ordering::SeqCst);
    }

    /// Returns how many of `wanted` bytes may be sent now.
    fn allowance(&self, wanted: usize) -> usize {
        let left = self.left.load(Ordering::SeqCst);
        usize::try_from(left).map_or(wanted, |left| left.min(wanted))
    }

    fn sent(&self, bytes: usize) {
        let bytes = bytes as u64;
        let less = |left: u64| (left != u64::MAX).then(|| left.saturating_sub(bytes));
        // Without a limit there is nothing to count, and nothing is changed.
        let _ = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, less);
    }

    fn is_cut(&self) -> bool {
        self.left.load(Ordering::SeqCst) == 0 || self.server.load(Ordering::SeqCst)
    }
}

/// A connection with its switch.
#[derive(Debug)]
pub(super) struct Line {
    stream: TcpStream,
    switch: Switch,
}

/// A listener whose connections have switches, and one switch for all of them.
#[derive(Debug)]
pub(super) struct Lines {
    listener: TcpListener,
    all: Arc<AtomicBool>,
}

impl Lines {
    /// Wraps a listener. Setting `all` cuts every connection.
    pub(super) fn new(listener: TcpListener, all: Arc<AtomicBool>) -> Self {
        Self { listener, all }
    }
}

impl Listener for Lines {
    type Io = Line;
    type Addr = (SocketAddr, Switch);

    async fn accept(&mut self) -> (Line, Self::Addr) {
        let (stream, address) = Listener::accept(&mut self.listener).await;
        // Small answers would wait for the client's acknowledgement otherwise. Without it they
        // are only slower.
        let _ = stream.set_nodelay(true);
        let switch = Switch::new(self.all.clone());
        (Line { stream, switch: switch.clone() }, (address, switch))
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok((self.listener.local_addr()?, Switch::new(self.all.clone())))
    }
}

impl Connected<IncomingStream<'_, Lines>> for Switch {
    fn connect_info(stream: IncomingStream<'_, Lines>) -> Self {
        stream.remote_addr().1.clone()
    }
}

impl Line {
    fn broken(&self) -> Option<io::Error> {
        self.switch.is_cut().then(|| io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Line {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if let Some(error) = self.broken() {
            return Poll::Ready(Err(error));
        }
        let allowed = self.switch.allowance(bytes.len());
        let written = Pin::new(&mut self.stream).poll_write(context, &bytes[..allowed]);
        if let Poll::Ready(Ok(count)) = &written {
            self.switch.sent(*count);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => Pin::new(&mut self.stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
