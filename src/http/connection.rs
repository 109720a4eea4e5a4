//! One connection: its timers, and the answer to one too many.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_io_timeout::TimeoutStream;

/// The most bytes of the header of a request.
const HEADER: usize = 64 << 10;

/// The address of a client, added to each request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client(pub(crate) SocketAddr);

/// Answers the requests of a connection.
pub(super) fn connect(
    graceful: &GracefulShutdown,
    routes: Router,
    (stream, client): (TcpStream, SocketAddr),
    header_time: Duration,
    permit: OwnedSemaphorePermit,
) {
    // Replies are small and complete; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(header_time)
        .max_buf_size(HEADER);
    let service = TowerToHyperService::new(routes.layer(Extension(Client(client))));
    // hyper limits the time of reading only; a client that does not read its replies would stay for ever.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(header_time));
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // An error means that the client broke off or was too slow; there is nobody to tell.
        let _ = connection.await;
        drop(permit);
    });
}

/// Tells a client that there are too many connections.
pub(super) fn refuse(mut stream: TcpStream, refusals: &Arc<Semaphore>) {
    const REPLY: &[u8] =
        b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
        content-type: application/json\r\ncontent-length: 56\r\n\r\n\
        {\"error\":\"there are too many connections\",\"code\":\"busy\"}";
    let Ok(permit) = Arc::clone(refusals).try_acquire_owned() else {
        return;
    };
    tokio::spawn(async move {
        let answer = async {
            stream.write_all(REPLY).await?;
            stream.shutdown().await?;
            // Closing with unread data would reset the connection before the client reads the reply.
            let mut unread = [0; 4096];
            while stream.read(&mut unread).await? > 0 {}
            std::io::Result::Ok(())
        };
        let _ = timeout(Duration::from_secs(1), answer).await;
        drop(permit);
    });
}
