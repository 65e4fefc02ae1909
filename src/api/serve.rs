//! Takes connections, a bounded number of them, each with bounds of its own.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;

use crate::engine::Stop;
use crate::ports::desk::Desk;
use crate::ports::{Clock, Records};

use super::door::Ends;
use super::{Deps, router};

/// Connections at one time; further ones wait.
const CONNECTIONS_MAX: usize = 256;
/// How long a connection may be idle or take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long a head may be, in bytes.
const HEAD_MAX: usize = 32 * 1024;
/// How long a connection is used. Whoever does not read answers cannot hold it for longer.
const CONNECTION_LASTS: Duration = Duration::from_mins(5);
/// How long requests have to end once somebody asks to stop.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait where no connection can be taken, such as for want of file descriptors.
const REFUSED_FOR: Duration = Duration::from_millis(200);

/// Answers at an address until somebody asks to stop, and a little longer for what is under way.
///
/// # Errors
///
/// Fails where the listener has no address. What goes wrong with single connections is theirs.
pub async fn serve<R, C>(listener: TcpListener, deps: Deps<R, C>, stop: Stop) -> io::Result<()>
where
    R: Records + Desk + 'static,
    C: Clock + 'static,
{
    let router = router(listener.local_addr()?, deps);
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let next = tokio::select! {
            biased;
            () = stop.asked() => break,
            next = accept(&listener, &places) => next,
            Some(_) = connections.join_next() => continue,
        };
        match next {
            Ok((stream, ends, place)) => {
                let (router, stop) = (router.clone(), stop.clone());
                connections.spawn(async move {
                    let _place = place;
                    converse(stream, ends, router, stop).await;
                });
            }
            Err(error) => {
                tracing::warn!("the API cannot take a connection: {error}");
                tokio::time::sleep(REFUSED_FOR).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    // Those that take longer are cut off with the set.
    let _ = tokio::time::timeout(STOP_WITHIN, ended).await;
    Ok(())
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> io::Result<(TcpStream, Ends, OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await;
    let place = place.expect("nobody closes the semaphore");
    let (stream, peer) = listener.accept().await?;
    let local = stream.local_addr()?;
    Ok((stream, Ends { peer, local }, place))
}

/// Answers the requests of one connection.
async fn converse(stream: TcpStream, ends: Ends, router: Router, stop: Stop) {
    // Small answers should not wait for more to come; where that cannot be had, they do.
    let _ = stream.set_nodelay(true);
    let router = TowerToHyperService::new(router);
    let has_asked = Arc::new(AtomicBool::new(false));
    let asking = Arc::clone(&has_asked);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let mut request = request.map(Body::new);
        asking.store(true, Ordering::Relaxed);
        request.extensions_mut().insert(ends);
        router.call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_WITHIN).max_buf_size(HEAD_MAX);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let asked = tokio::select! {
        // Whatever ends a connection early is the client's doing, and its own to know.
        _ = connection.as_mut() => false,
        () = stop.asked() => true,
        () = tokio::time::sleep(CONNECTION_LASTS) => true,
    };
    // Whoever has not asked for anything yet is not waited for.
    if asked && has_asked.load(Ordering::Relaxed) {
        connection.as_mut().graceful_shutdown();
        let _ = tokio::time::timeout(STOP_WITHIN, connection).await;
    }
}
