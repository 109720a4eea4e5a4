//! Why a repository of the model hub cannot be used.

use std::path::PathBuf;

use crate::phrases::in_quotes;

/// Why a repository of the model hub, or a file in it, cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HubProblem {
    /// There is no such repository, or it is private: the hub does not say which.
    #[error("there is no such repository, or it is private")]
    NotFound {
        /// Whether a token was sent.
        token: bool,
    },
    /// The repository has no such branch, tag or commit.
    #[error("it has no revision `{revision}`")]
    NoRevision {
        /// The revision.
        revision: String,
    },
    /// The repository has no such file.
    #[error("it has no file `{file}`; it has {}", listed(files))]
    NoFile {
        /// The file.
        file: String,
        /// The files that it has.
        files: Vec<String>,
    },
    /// The files are given only to users who have accepted the licence.
    #[error("its files are given only to users who have accepted its conditions")]
    Gated {
        /// The page on which they are accepted.
        page: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub refuses the request.
    #[error("the hub refuses access: {status}")]
    Denied {
        /// The HTTP status.
        status: String,
        /// Whether a token was sent.
        token: bool,
    },
    /// The hub limits the number of requests.
    #[error("the hub limits the number of requests{}", after(*wait))]
    Limited {
        /// The seconds after which it accepts the next one, if it says so.
        wait: Option<u64>,
    },
    /// The hub cannot be reached, or its answer cannot be used.
    #[error("{url}: {why}")]
    Unusable {
        /// The URL.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be downloaded.
    #[error("cannot download `{file}`: {}", failures.join("; "))]
    Transfer {
        /// The file.
        file: String,
        /// The failure of each attempt.
        failures: Vec<String>,
        /// How many bytes have arrived and are kept.
        kept: u64,
    },
    /// A file changed between the list of files and the download.
    #[error("`{file}` has changed on the hub: it is not the file of the pinned revision any more")]
    Changed {
        /// The file.
        file: String,
    },
    /// A file in the hub's local cache is not the one that its name says.
    #[error("cannot use `{}` in the hub's local cache: {problem}", file.display())]
    Cached {
        /// The file.
        file: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Its configuration changes the network that its architecture stands for.
    #[error("its `config.json` changes the network with `{field}`, which frostline does not build")]
    Variant {
        /// The field.
        field: &'static str,
    },
    /// There is neither one ONNX network nor weights of an architecture that frostline builds.
    #[error(
        "it has {}; it has {}",
        if *several { "several ONNX networks" } else {
            "no ONNX network, and no weights of an architecture that frostline builds"
        },
        listed(files)
    )]
    NoNetwork {
        /// Whether there is more than one ONNX network.
        several: bool,
        /// The files that there are.
        files: Vec<String>,
    },
    /// The network must not be used, and the repository is not in the local cache.
    #[error(
        "HF_HUB_OFFLINE is set, and {} is not in the cache `{}`",
        file.as_ref().map_or("the repository".to_owned(), |file| format!("`{file}`")),
        cache.display()
    )]
    Offline {
        /// The file that is missing, unless the whole repository is.
        file: Option<String>,
        /// The cache.
        cache: PathBuf,
    },
}

fn listed(files: &[String]) -> String {
    match files {
        [] => "no files".to_owned(),
        files => in_quotes(files.iter().map(String::as_str)),
    }
}

fn after(wait: Option<u64>) -> String {
    wait.map_or_else(String::new, |seconds| {
        format!(", and accepts the next one in {seconds} s")
    })
}
