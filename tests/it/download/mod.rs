//! Downloads from servers that break off, send wrong lengths, stall or serve something else: a file arrives
//! complete or not at all.

mod on_disk;
mod patience;
mod refused;
mod resume;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use frostline::Error;
use frostline::backbones::{Download, DownloadOptions, Fetched, KnownFile};
use frostline::error::BackboneError;
use frostline::progress::{Progress, Silent};

use crate::scripted_server::{Reply, Server};

/// Returns 200,000 bytes without repeated pieces: the integers from 0 up, four bytes each.
fn content() -> Vec<u8> {
    (0..50_000_u32).flat_map(u32::to_le_bytes).collect()
}

/// SHA-256 of [`content`], computed with Python's hashlib.
const SHA256: &str = "7c843739479f0768cc43a7909050a98939f8b2fc5270f7b5348428974f5d3898";

const LFS_POINTER: &[u8] =
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 200000\n";

/// A folder to download the content to.
struct Place {
    folder: tempfile::TempDir,
    download: Download,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let download = Download {
            file: KnownFile {
                name: "net.onnx".to_owned(),
                bytes: 200_000,
                sha256: SHA256.to_owned(),
            },
            folder: folder.path().join("downloads"),
        };
        Self { folder, download }
    }

    fn with_part(part: &[u8]) -> Self {
        let place = Self::new();
        fs::create_dir_all(&place.download.folder).unwrap();
        fs::write(place.part(), part).unwrap();
        place
    }

    fn part(&self) -> PathBuf {
        self.download.folder.join("net.onnx.part")
    }

    fn fetch(&self, urls: &[String]) -> Result<Fetched, Error> {
        self.fetch_within(urls, Duration::from_secs(20), &Silent)
    }

    fn fetch_within(
        &self,
        urls: &[String],
        silence: Duration,
        progress: &dyn Progress,
    ) -> Result<Fetched, Error> {
        let mut options = DownloadOptions::default();
        (options.silence, options.pause) = (silence, Duration::ZERO);
        self.download.fetch(urls, &options, progress)
    }

    /// Downloads from servers that must send at least 1000 bytes in 300 ms.
    fn fetch_at_least(&self, urls: &[String]) -> Result<Fetched, Error> {
        let within = Duration::from_millis(300);
        let mut options = DownloadOptions::default();
        (options.silence, options.pause) = (within, Duration::ZERO);
        (options.least.bytes, options.least.within) = (1000, within);
        self.download.fetch(urls, &options, &Silent)
    }

    #[track_caller]
    fn fetches(&self, urls: &[String]) {
        assert_eq!(self.fetch(urls).unwrap(), Fetched::Now);
        self.is_complete();
    }

    #[track_caller]
    fn is_complete(&self) {
        assert!(
            fs::read(self.download.path()).unwrap() == content(),
            "the content differs"
        );
        assert!(!self.part().exists());
    }

    /// Expects the download to fail without creating the file, and returns the message.
    #[track_caller]
    fn fails(&self, urls: &[String]) -> String {
        let error = self.fetch(urls).unwrap_err();
        assert!(!self.download.path().exists());
        let Error::Backbone(BackboneError::Download {
            file, path, kept, ..
        }) = &error
        else {
            panic!("{error:?}");
        };
        assert_eq!(*path, self.download.path());
        assert_eq!((file.bytes, &*file.sha256), (200_000, SHA256));
        let part = fs::metadata(self.part()).map_or(0, |part| part.len());
        assert_eq!(*kept, part);
        error.to_string()
    }
}

/// Starts a server with one file.
fn server(replies: impl IntoIterator<Item = Vec<u8>>) -> (Server, Vec<String>) {
    let server = Server::new(replies.into_iter().map(Reply::Bytes).collect());
    let urls = vec![server.url("/net.onnx")];
    (server, urls)
}

/// Cuts a response with `body` bytes of body so that only `arrive` of them arrive.
fn cut(mut answer: Vec<u8>, body: usize, arrive: usize) -> Vec<u8> {
    answer.truncate(answer.len() - body + arrive);
    answer
}
