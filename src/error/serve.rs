//! Why a server cannot be started, or a model not be served.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Why a server cannot be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The address cannot be listened on.
    #[error("cannot listen on `{address}`")]
    Address {
        /// The address.
        address: SocketAddr,
        /// The system's error.
        #[source]
        source: io::Error,
    },
    /// Other machines can reach the address, but no token protects it.
    #[error(
        "`bind` is {address}, which other machines can reach, but no token is required of them"
    )]
    Open {
        /// The address.
        address: SocketAddr,
    },
    /// The file of the token cannot be used.
    #[error("the token in `{}` {problem}", path.display())]
    Token {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: TokenProblem,
    },
    /// The name or version of a model cannot be used.
    #[error("`{name}` cannot be the name of a model: {problem}")]
    Name {
        /// The name, with the version.
        name: String,
        /// What is wrong with it.
        problem: NameProblem,
    },
    /// Two heads have the same name and version.
    #[error(
        "`{}` and `{}` have the same model name `{name}` and version `{version}`",
        first.display(),
        second.display()
    )]
    Repeated {
        /// The name.
        name: String,
        /// The version.
        version: String,
        /// One head.
        first: PathBuf,
        /// The other head.
        second: PathBuf,
    },
    /// The folder has none of the gallery's images.
    #[error(
        "`{}` has none of the images of `{}`, such as `{example}`",
        folder.display(),
        store.display()
    )]
    GalleryImages {
        /// The folder.
        folder: PathBuf,
        /// The store of the gallery.
        store: PathBuf,
        /// An image of the store, relative to the folder that was extracted.
        example: String,
    },
    /// There is neither a head nor a folder of heads.
    #[error("there is no head to serve")]
    NoHead,
    /// The system gives no random numbers for the address of the page.
    #[error("cannot draw a random address for the page")]
    NoRandomness(#[source] io::Error),
    /// The threads that serve connections cannot be started.
    #[error("cannot start the threads of the server")]
    Threads(#[source] io::Error),
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenProblem {
    /// It is easily guessed.
    #[error("has {0} characters, but must have at least 16")]
    Short(usize),
    /// A header cannot contain it.
    #[error("contains spaces or characters other than visible ASCII")]
    Characters,
}

/// What is wrong with the name of a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameProblem {
    /// It is empty.
    #[error("a name and a version have at least one character")]
    Empty,
    /// It is too long.
    #[error("a name and a version have at most 200 bytes")]
    Long,
    /// It contains control characters.
    #[error("it contains control characters")]
    Control,
}
