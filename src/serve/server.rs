//! Listens, looks for changed heads, and stops in good order.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{interval, timeout};

use super::app::App;
use super::events::{Event, Host};
use super::loading::Again;
use super::options::ServeOptions;
use super::routes::routes;
use crate::error::{Result, ServeError};
use crate::http::{Acceptor, IO_THREADS, Listening, accept};

/// How often the histograms are brought up to date.
const TIDY: Duration = Duration::from_secs(5);

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
    let listening = Listening {
        listener,
        connections: app.options.limits.connections,
        header_time: app.options.limits.header_time,
    };
    let graceful = tokio::select! {
        graceful = accept(listening, routes(Arc::clone(&app)), &app) => graceful,
        () = look_after(&app) => unreachable!("it has no end"),
    };
    app.host.event(&Event::Stopping);
    let left = graceful.count();
    let cut = match timeout(app.options.grace, graceful.shutdown()).await {
        Ok(()) => 0,
        Err(_) => left,
    };
    app.host.event(&Event::Stopped { cut });
    Ok(())
}

/// Keeps the metrics and the watched heads up to date, without an end.
async fn look_after(app: &Arc<App>) {
    let (mut tidy, mut look) = (interval(TIDY), interval(app.options.watch_interval));
    loop {
        tokio::select! {
            _ = tidy.tick() => app.metrics.tidy(),
            _ = look.tick(), if app.options.watch.is_some() => {
                let app = Arc::clone(app);
                tokio::task::spawn_blocking(move || app.reload(Again::Changed));
            }
        }
    }
}

impl Acceptor for Arc<App> {
    fn is_stopped(&self) -> bool {
        let is_stopped = self.host.is_stopped();
        if is_stopped {
            self.ready.store(false, Ordering::Relaxed);
        }
        if self.host.wants_reload() {
            let app = Self::clone(self);
            tokio::task::spawn_blocking(move || app.reload(Again::All));
        }
        is_stopped
    }

    fn refused(&self) {
        self.metrics.refused_connection();
    }

    fn failed(&self, error: &io::Error) {
        let error = error.to_string();
        self.host.event(&Event::NotAccepted { error });
    }
}
