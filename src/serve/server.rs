//! Accepts connections, looks for changed heads, and stops in good order.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Router;
use axum::extract::Extension;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{interval, sleep, timeout};
use tokio_io_timeout::TimeoutStream;

use super::app::App;
use super::events::{Event, Host};
use super::guard::Client;
use super::loading::Again;
use super::options::ServeOptions;
use super::routes::routes;
use crate::error::{Result, ServeError};

/// How often the host is asked whether to reload or to stop.
const TICK: Duration = Duration::from_millis(50);
/// For how many ticks connections are still accepted after a request to stop. Requests that were sent before
/// it may not have been read yet, and hyper closes connections whose next request has not begun.
const SETTLING: u32 = 3;
/// How often the histograms are brought up to date.
const TIDY: Duration = Duration::from_secs(5);
/// The pause after the system could not accept a connection, for example for lack of open files.
const PAUSE: Duration = Duration::from_millis(100);
/// The number of threads for connections. They parse and wait; the networks have their own threads.
const IO_THREADS: usize = 2;
/// The most bytes of the header of a request.
const HEADER: usize = 64 << 10;
/// How many refused connections are answered at a time; others are closed without an answer.
const REFUSALS: usize = 64;

/// Serves heads until the host asks to stop.
///
/// # Errors
/// If the options are unsafe or contradict each other, the address cannot be listened on, or a head cannot be
/// loaded.
pub fn serve(options: ServeOptions, host: Arc<dyn Host>) -> Result<()> {
    options.check()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(IO_THREADS)
        .enable_all()
        .build()
        .map_err(ServeError::Threads)?;
    let served = runtime.block_on(run(Arc::new(App::new(options, host))));
    // Connections that did not finish in time end here.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn run(app: Arc<App>) -> Result<()> {
    let address = app.options.bind;
    let bound = |source| ServeError::Address { address, source };
    let listener = TcpListener::bind(address).await.map_err(bound)?;
    let address = listener.local_addr().map_err(bound)?;
    let loading = Arc::clone(&app);
    let loaded = tokio::task::spawn_blocking(move || loading.load_all()).await;
    loaded.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    app.ready.store(true, Ordering::Relaxed);
    app.host.event(&Event::Listening { address });
    let graceful = accept(&app, listener).await;
    app.host.event(&Event::Stopping);
    let left = graceful.count();
    let cut = match timeout(app.options.grace, graceful.shutdown()).await {
        Ok(()) => 0,
        Err(_) => left,
    };
    app.host.event(&Event::Stopped { cut });
    Ok(())
}

/// Accepts connections until the host asks to stop; then readiness ends at once, and the listener is closed
/// shortly after.
async fn accept(app: &Arc<App>, listener: TcpListener) -> GracefulShutdown {
    let (graceful, routes) = (GracefulShutdown::new(), routes(Arc::clone(app)));
    let connections = Arc::new(Semaphore::new(app.options.limits.connections));
    let refusals = Arc::new(Semaphore::new(REFUSALS));
    let (mut tick, mut tidy) = (interval(TICK), interval(TIDY));
    let mut look = interval(app.options.watch_interval);
    let (mut settling, mut failing) = (0, false);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    failing = false;
                    if let Ok(permit) = Arc::clone(&connections).try_acquire_owned() {
                        connect(app, &graceful, routes.clone(), stream, client, permit);
                    } else {
                        app.metrics.refused_connection();
                        refuse(stream, &refusals);
                    }
                }
                Err(error) => {
                    // Told once, and not ten times a second until it is over.
                    if !failing {
                        app.host.event(&Event::NotAccepted { error: error.to_string() });
                    }
                    failing = true;
                    sleep(PAUSE).await;
                }
            },
            _ = tick.tick() => {
                if app.host.is_stopped() {
                    app.ready.store(false, Ordering::Relaxed);
                    if settling == SETTLING {
                        return graceful;
                    }
                    settling += 1;
                }
                if app.host.wants_reload() {
                    let app = Arc::clone(app);
                    tokio::task::spawn_blocking(move || app.reload(Again::All));
                }
            }
            _ = tidy.tick() => app.metrics.tidy(),
            _ = look.tick(), if app.options.watch.is_some() => {
                let app = Arc::clone(app);
                tokio::task::spawn_blocking(move || app.reload(Again::Changed));
            }
        }
    }
}

fn connect(
    app: &App,
    graceful: &GracefulShutdown,
    routes: Router,
    stream: TcpStream,
    client: SocketAddr,
    permit: OwnedSemaphorePermit,
) {
    // Replies are small and complete; waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(app.options.limits.header_time)
        .max_buf_size(HEADER);
    let service = TowerToHyperService::new(routes.layer(Extension(Client(client))));
    // hyper limits the time of reading only; a client that does not read its replies would stay for ever.
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(app.options.limits.header_time));
    let connection = builder.serve_connection(TokioIo::new(Box::pin(stream)), service);
    let connection = graceful.watch(connection);
    tokio::spawn(async move {
        // An error means that the client broke off or was too slow; there is nobody to tell.
        let _ = connection.await;
        drop(permit);
    });
}

/// Tells a client that there are too many connections.
fn refuse(mut stream: TcpStream, refusals: &Arc<Semaphore>) {
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
