//! What happens in the server, for logs, and what its host asks of it.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Serialize;

use crate::head::approximately;

/// Receives what happens, and tells when to reload and when to stop. Several threads call it.
pub trait Host: Send + Sync {
    /// Receives an event.
    fn event(&self, event: &Event);
    /// Returns whether to stop. It is called several times a second.
    fn is_stopped(&self) -> bool;
    /// Returns whether to look for changed heads now; the next call returns `false` again.
    fn wants_reload(&self) -> bool {
        false
    }
}

/// Something that happened. No event contains the content of an image or its name.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Event {
    /// The server accepts connections.
    Listening {
        /// The address.
        address: SocketAddr,
    },
    /// A network was loaded.
    Network {
        /// Its name.
        backbone: String,
        /// What runs it.
        engine: String,
        /// The number of lanes and threads, and other remarks.
        notes: Vec<String>,
        /// Why it runs on the CPU although a GPU was to be used if there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        why_not_gpu: Option<String>,
    },
    /// The gallery was read.
    Gallery {
        /// The number of its images.
        images: usize,
        /// The share of the nearest images that an approximate search finds, measured on a sample; `null` up
        /// to 50,000 images, which are all compared.
        recall: Option<f64>,
    },
    /// A model is served from now on, for the first time or in place of another head.
    Loaded {
        /// Its name.
        model: String,
        /// Its version.
        version: String,
        /// The number of its classes.
        classes: usize,
        /// The name of its backbone.
        backbone: String,
        /// Whether it replaced another head.
        replaced: bool,
    },
    /// A head cannot be loaded.
    NotLoaded {
        /// Its name.
        model: String,
        /// Its version.
        version: String,
        /// Why.
        error: String,
        /// Whether the head that was loaded before is still served.
        kept: bool,
    },
    /// A head in the watched folder is not served, because another one has the same name and version.
    Hidden {
        /// Its name.
        model: String,
        /// Its version.
        version: String,
        /// The head that is not served.
        path: String,
    },
    /// The watched folder cannot be read; its heads stay in service as they are.
    FolderNotRead {
        /// Why.
        error: String,
    },
    /// A model is no longer served.
    Removed {
        /// Its name.
        model: String,
        /// Its version.
        version: String,
    },
    /// A request was answered.
    Request {
        /// The method.
        method: String,
        /// The path, without the query.
        path: String,
        /// The status code.
        status: u16,
        /// The time from the header to the reply.
        #[serde(rename = "seconds", serialize_with = "seconds")]
        took: Duration,
        /// The address of the client.
        client: SocketAddr,
    },
    /// The server stops: it accepts no connections, and finishes running requests.
    Stopping,
    /// The server has stopped.
    Stopped {
        /// The number of requests that did not finish in time.
        cut: usize,
    },
    /// The system could not accept a connection.
    NotAccepted {
        /// The system's error.
        error: String,
    },
}

fn seconds<S: serde::Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e6).round() / 1e6)
}

impl Event {
    /// Returns whether the event needs attention.
    #[must_use]
    pub fn is_warning(&self) -> bool {
        matches!(
            self,
            Self::NotLoaded { .. }
                | Self::Hidden { .. }
                | Self::FolderNotRead { .. }
                | Self::NotAccepted { .. }
                | Self::Stopped { cut: 1.. }
        )
    }
}

impl std::fmt::Display for Event {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listening { address } => write!(f, "listening on http://{address}"),
            Self::Network {
                backbone, engine, ..
            } => write!(f, "loaded the backbone `{backbone}`: {engine}"),
            Self::Gallery { images, recall } => {
                let images = crate::phrases::counted(*images, "image");
                write!(f, "loaded a gallery of {images}")?;
                recall.map_or(Ok(()), |recall| {
                    write!(f, "; {}", approximately("its nearest images", recall))
                })
            }
            Self::Loaded {
                model,
                version,
                classes,
                backbone,
                replaced,
            } => {
                let done = if *replaced { "replaced" } else { "loaded" };
                let classes = crate::phrases::counted(*classes, "class");
                write!(
                    f,
                    "{done} model `{model}`, version {version}: {classes} on `{backbone}`"
                )
            }
            Self::NotLoaded {
                model,
                version,
                error,
                kept,
            } => {
                let still = if *kept {
                    "; the previous head is still served"
                } else {
                    ""
                };
                write!(
                    f,
                    "cannot load model `{model}`, version {version}: {error}{still}"
                )
            }
            Self::Hidden {
                model,
                version,
                path,
            } => write!(
                f,
                "`{path}` is not served: another head is model `{model}`, version {version}"
            ),
            Self::FolderNotRead { error } => {
                write!(f, "{error}; heads stay in service as they are")
            }
            Self::Removed { model, version } => {
                write!(f, "removed model `{model}`, version {version}")
            }
            Self::Request {
                method,
                path,
                status,
                took,
                client,
            } => {
                let ms = took.as_secs_f64() * 1e3;
                write!(f, "{client} {method} {path} {status} in {ms:.1} ms")
            }
            Self::Stopping => write!(f, "stopping: finishing running requests"),
            Self::Stopped { cut: 0 } => write!(f, "stopped"),
            Self::Stopped { cut } => {
                let cut = crate::phrases::counted(*cut, "connection");
                write!(f, "stopped; {cut} did not finish in time")
            }
            Self::NotAccepted { error } => write!(f, "cannot accept a connection: {error}"),
        }
    }
}
