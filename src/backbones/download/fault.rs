//! Why a download failed.

use std::io;
use std::time::Duration;

use super::{DownloadOptions, LeastRate};
use crate::error::Error;
use crate::phrases::counted;

/// Why a transfer stopped.
#[derive(Debug)]
pub(in crate::backbones) enum Fault {
    /// The connection was lost; another one may deliver the rest.
    Broken(String),
    /// The URL does not work; another one may.
    Refused(String),
    /// This machine has a problem, which no other URL solves.
    Local(Error),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Local(error)
    }
}

impl Fault {
    /// Converts an error of the HTTP client.
    pub(super) fn of(error: ureq::Error, options: &DownloadOptions) -> Self {
        use ureq::{Error as E, Timeout};
        match error {
            E::Timeout(Timeout::Connect | Timeout::Resolve) => Self::Refused(format!(
                "could not connect within {}",
                seconds(options.connect)
            )),
            E::Timeout(_) => {
                Self::Broken(format!("no data arrived for {}", seconds(options.silence)))
            }
            E::HostNotFound => Self::Refused("host not found".to_owned()),
            E::TooManyRedirects => Self::Refused("it redirects too many times".to_owned()),
            E::ConnectProxyFailed(why) => {
                Self::Refused(format!("the proxy failed to connect: {why}"))
            }
            E::Rustls(why) => Self::Refused(format!("the connection is not secure: {why}")),
            E::Io(error) => Self::of_io(&error),
            other => Self::Refused(other.to_string()),
        }
    }

    /// Returns the fault of a server that sent only `bytes` in the period of the minimum rate.
    pub(super) fn too_slow(bytes: u64, least: LeastRate) -> Self {
        let came = counted(usize::try_from(bytes).unwrap_or(usize::MAX), "byte");
        let time = seconds(least.within);
        Self::Refused(format!("it is too slow: {came} in {time}"))
    }

    fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind as K;
        match error.kind() {
            K::ConnectionRefused => Self::Refused("the connection was refused".to_owned()),
            K::UnexpectedEof | K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe => {
                Self::Broken("the connection was lost".to_owned())
            }
            // The standard library has no error kind for an unknown host, only this message.
            _ if error.to_string().starts_with("failed to lookup address") => {
                Self::Refused("host not found".to_owned())
            }
            _ => Self::Broken(error.to_string()),
        }
    }

    /// Appends `more` to the message.
    pub(super) fn with(self, more: &str) -> Self {
        match self {
            Self::Broken(why) => Self::Broken(why + more),
            Self::Refused(why) => Self::Refused(why + more),
            Self::Local(error) => Self::Local(error),
        }
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_full_disk_is_told_as_one() {
        let error = |kind: io::ErrorKind| Error::on_disk(Path::new("net.part"), 2000, kind.into());
        let full = error(io::ErrorKind::StorageFull).to_string();
        assert_eq!(full, "the disk is full: `net.part` needs 2000 more bytes");
        let denied = error(io::ErrorKind::PermissionDenied);
        assert!(matches!(denied, Error::Io { .. }), "{denied}");
    }
}
