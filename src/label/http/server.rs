//! Listens, starts the background threads, and stops in good order.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::timeout;

use super::guard::Guard;
use super::routes::routes;
use crate::error::{Error, Result, ServeError, ThreadsFor};
use crate::http::{Acceptor, IO_THREADS, Listening, accept};
use crate::images::Scan;
use crate::label::labeller::{LabelEvent, Labeller};

/// The longest time for sending the header of a request.
const HEADER_TIME: Duration = Duration::from_secs(20);
/// The most connections: a browser opens a few for each tab.
const CONNECTIONS: usize = 128;
/// How long running requests may take after a request to stop.
const GRACE: Duration = Duration::from_secs(5);

/// Serves a session until the host asks to stop. `scan` has the images whose features are computed.
///
/// # Errors
/// If the address cannot be listened on, or the system gives no threads.
pub fn serve(labeller: &Arc<Labeller>, scan: Scan) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(IO_THREADS)
        .enable_all()
        .build()
        .map_err(ServeError::Threads)?;
    let served = runtime.block_on(run(labeller, scan));
    // Also ends the streams of events.
    labeller.stop();
    runtime.shutdown_timeout(Duration::from_secs(1));
    served
}

async fn run(labeller: &Arc<Labeller>, scan: Scan) -> Result<()> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, labeller.options.port));
    let bound = |source| ServeError::Address { address, source };
    let listener = TcpListener::bind(address).await.map_err(bound)?;
    let address = listener.local_addr().map_err(bound)?;
    labeller.listening(address)?;
    let guard = Guard::new(address)?;
    let page = guard.page();
    let routes = routes(Arc::clone(labeller), Arc::new(guard));
    let listening = Listening {
        listener,
        connections: CONNECTIONS,
        header_time: HEADER_TIME,
    };
    let threads = start(labeller, scan)?;
    labeller.host.event(&LabelEvent::Listening { page });
    let graceful = accept(listening, routes, &Stopping(labeller)).await;
    labeller.host.event(&LabelEvent::Stopping);
    labeller.stop();
    let _ = timeout(GRACE, graceful.shutdown()).await;
    for thread in threads {
        let _ = tokio::task::spawn_blocking(|| thread.join()).await;
    }
    labeller.write_all()
}

struct Stopping<'l>(&'l Labeller);

impl Acceptor for Stopping<'_> {
    fn is_stopped(&self) -> bool {
        self.0.host.is_stopped()
    }
}

/// Starts the background threads.
fn start(labeller: &Arc<Labeller>, scan: Scan) -> Result<Vec<thread::JoinHandle<()>>> {
    let begin = |work: Box<dyn FnOnce(&Labeller) + Send>| {
        let labeller = Arc::clone(labeller);
        let started = thread::Builder::new().spawn(move || work(&labeller));
        started.map_err(|source| Error::NoThread {
            purpose: ThreadsFor::Images,
            source,
        })
    };
    Ok(vec![
        begin(Box::new(move |labeller| labeller.extract(scan)))?,
        begin(Box::new(Labeller::keep_ranked))?,
        begin(Box::new(Labeller::keep_analysed))?,
        begin(Box::new(Labeller::keep_written))?,
    ])
}
