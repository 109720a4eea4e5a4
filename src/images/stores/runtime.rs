//! The threads that wait for networks, and the clients of stores, which all images of a process share.

use std::process;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use tokio::runtime::{Builder, Runtime};

use super::patience::Patient;
use super::url::{Scheme, Url};

/// The number of threads that transfer bytes; those that ask for them are the readers of the pipeline.
const THREADS: usize = 2;
/// How long a store may send nothing, and how long an object may take.
const SILENCE: Duration = Duration::from_secs(30);
const LONGEST: Duration = Duration::from_mins(10);

/// A bucket, a container, or a web server.
#[derive(Debug)]
pub(super) struct Bucket {
    pub(super) store: Arc<dyn ObjectStore>,
    /// What comes before the keys of its objects.
    pub(super) base: String,
    /// What comes after them.
    pub(super) query: String,
    pub(super) scheme: Scheme,
}

/// What a process has opened. A forked process has none of its parent's threads, so it opens its own.
#[derive(Default)]
struct Opened {
    process: u32,
    runtime: Option<&'static Runtime>,
    buckets: Vec<Arc<Bucket>>,
}

fn opened() -> MutexGuard<'static, Opened> {
    static OPENED: Mutex<Opened> = Mutex::new(Opened {
        process: 0,
        runtime: None,
        buckets: Vec::new(),
    });
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if opened.process != process::id() {
        *opened = Opened {
            process: process::id(),
            ..Opened::default()
        };
    }
    opened
}

/// Waits for a request.
///
/// # Errors
/// If the system gives no more threads.
pub(super) fn wait<T>(request: impl Future<Output = T>) -> std::io::Result<T> {
    let runtime = {
        let mut opened = opened();
        if let Some(runtime) = opened.runtime {
            runtime
        } else {
            let mut builder = Builder::new_multi_thread();
            let runtime = builder.worker_threads(THREADS).enable_all().build()?;
            *opened.runtime.insert(Box::leak(Box::new(runtime)))
        }
    };
    Ok(runtime.block_on(request))
}

/// Returns the store of a URL.
pub(super) fn bucket(url: &Url) -> object_store::Result<Arc<Bucket>> {
    let is_same = |bucket: &&Arc<Bucket>| bucket.base == url.base && bucket.query == url.query;
    if let Some(found) = opened().buckets.iter().find(is_same) {
        return Ok(Arc::clone(found));
    }
    // The other provider is not compiled in; one that is installed already is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let bucket = Arc::new(Bucket {
        store: open(url)?,
        base: url.base.clone(),
        query: url.query.clone(),
        scheme: url.scheme,
    });
    // Addresses with queries are different each time.
    if url.query.is_empty() {
        opened().buckets.push(Arc::clone(&bucket));
    }
    Ok(bucket)
}

fn open(url: &Url) -> object_store::Result<Arc<dyn ObjectStore>> {
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(10),
            base: 2.0,
        },
        max_retries: 8,
        retry_timeout: Duration::from_secs(90),
    };
    let seconds = |time: Duration| format!("{} seconds", time.as_secs());
    let (silence, longest) = (seconds(SILENCE), seconds(LONGEST));
    let is_set = |name: &str| std::env::var_os(name).is_some();
    macro_rules! from_environment {
        ($builder:ident, $key:ident, $prefix:literal) => {{
            use object_store::ClientConfigKey::{ReadTimeout, Timeout};
            let mut builder = $builder::from_env()
                .with_url(url.base.clone())
                .with_http_connector(Patient)
                .with_retry(retry);
            for (name, key, value) in [
                (concat!($prefix, "TIMEOUT"), Timeout, longest),
                (concat!($prefix, "READ_TIMEOUT"), ReadTimeout, silence),
            ] {
                if !is_set(name) {
                    builder = builder.with_config($key::Client(key), value);
                }
            }
            Ok(Arc::new(builder.build()?))
        }};
    }
    match url.scheme {
        Scheme::S3 => {
            use object_store::aws::AmazonS3ConfigKey;
            from_environment!(AmazonS3Builder, AmazonS3ConfigKey, "AWS_")
        }
        Scheme::Google => {
            use object_store::gcp::GoogleConfigKey;
            from_environment!(GoogleCloudStorageBuilder, GoogleConfigKey, "GOOGLE_")
        }
        Scheme::Azure => {
            use object_store::azure::AzureConfigKey;
            from_environment!(MicrosoftAzureBuilder, AzureConfigKey, "AZURE_")
        }
        Scheme::Http => {
            let options = ClientOptions::new()
                .with_allow_http(url.base.starts_with("http://"))
                .with_read_timeout(SILENCE)
                .with_timeout(LONGEST);
            let store = HttpBuilder::new()
                .with_url(format!("{}{}", url.base, url.query))
                .with_client_options(options)
                .with_http_connector(Patient)
                .with_retry(retry)
                .build()?;
            Ok(Arc::new(store))
        }
    }
}
