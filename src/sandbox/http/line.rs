//! Connections that can be cut, so that a client sees them break instead of an answer.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use axum::extract::connect_info::Connected;
use axum::serve::{IncomingStream, Listener};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

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
pub(super) struct Line {
    stream: Stream,
    switch: Switch,
}

/// What goes over a connection.
enum Stream {
    Plain(TcpStream),
    /// The handshake of TLS, which the first read or write ends.
    Greeting(Box<Accept<TcpStream>>),
    Secret(Box<TlsStream<TcpStream>>),
}

/// What can be read and written.
trait Duplex: AsyncRead + AsyncWrite + Unpin {}

impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl Stream {
    /// Ends the handshake, where there is one.
    fn poll_open(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Pin<&mut dyn Duplex>>> {
        if let Self::Greeting(accept) = self {
            let stream = ready!(Pin::new(&mut **accept).poll(context))?;
            *self = Self::Secret(Box::new(stream));
        }
        match self {
            Self::Plain(stream) => Poll::Ready(Ok(Pin::new(stream))),
            Self::Secret(stream) => Poll::Ready(Ok(Pin::new(&mut **stream))),
            Self::Greeting(_) => Poll::Pending,
        }
    }
}

/// A listener whose connections have switches, and one switch for all of them.
pub(super) struct Lines {
    listener: TcpListener,
    acceptor: Option<TlsAcceptor>,
    all: Arc<AtomicBool>,
}

impl Lines {
    /// Wraps a listener. Setting `all` cuts every connection.
    pub(super) fn new(
        listener: TcpListener,
        acceptor: Option<TlsAcceptor>,
        all: Arc<AtomicBool>,
    ) -> Self {
        Self { listener, acceptor, all }
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
        let stream = match &self.acceptor {
            None => Stream::Plain(stream),
            // Not awaited here: one client that is slow to greet would keep all others out.
            Some(acceptor) => Stream::Greeting(Box::new(acceptor.accept(stream))),
        };
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
            None => match ready!(self.stream.poll_open(context)) {
                Ok(stream) => stream.poll_read(context, buffer),
                Err(error) => Poll::Ready(Err(error)),
            },
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
        let stream = ready!(self.stream.poll_open(context))?;
        let written = stream.poll_write(context, &bytes[..allowed]);
        if let Poll::Ready(Ok(count)) = &written {
            self.switch.sent(*count);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.broken() {
            Some(error) => Poll::Ready(Err(error)),
            None => ready!(self.stream.poll_open(context))?.poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Secret(stream) => Pin::new(&mut **stream).poll_shutdown(context),
            // Nothing was said yet; the socket closes as it is dropped.
            Stream::Greeting(_) => Poll::Ready(Ok(())),
        }
    }
}
