//! Finds ONNX Runtime's shared library, and checks it before it is used.
//!
//! The library is searched for in this order: `ORT_DYLIB_PATH`, the binary's folder, the `onnxruntime`
//! package of the Python environment that frostline is installed in, `FROSTLINE_HOME/runtime-cuda` and
//! `FROSTLINE_HOME/runtime`, the `onnxruntime` package of an active Python environment, and on Linux the
//! loader's path (on other systems, it includes the working directory). The first one found is used. If it is
//! unsuitable, that is an error, since frostline must not silently use a different one. Nothing is loaded
//! from the working directory, nor from a `FROSTLINE_HOME` that other users can write to.
//!
//! ONNX Runtime 1.29 and later collects and uploads usage data unless the environment variable
//! [`NO_TELEMETRY`] is set before it starts. The binary sets it first of all; a program that uses this
//! library has to set it at the start of its `main`, or be started with it. Otherwise ONNX Runtime is not
//! started: see [`RuntimeLibrary::refuse_telemetry`].

mod elf;
mod places;
mod search_path;

pub use self::places::Origin;

use std::env;
use std::ffi::{CStr, c_char};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use self::places::VARIABLE;
use super::home::Home;
use crate::error::{LibraryProblem, Result, RuntimeProblem};
use crate::inputs::{self, Links};

/// The environment variable that keeps ONNX Runtime from collecting and uploading usage data, whatever its
/// value.
pub const NO_TELEMETRY: &str = "ORT_DISABLE_TELEMETRY";

/// The first minor version that uploads usage data on Linux and macOS.
const FIRST_WITH_TELEMETRY: u32 = 29;

/// An ONNX Runtime that can be loaded and is new enough.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RuntimeLibrary {
    /// Its path; only a file name if the loader found it.
    pub path: PathBuf,
    /// The version it reports, such as `1.32.0`.
    pub version: String,
    /// How it was found.
    pub origin: Origin,
}

impl RuntimeLibrary {
    /// Finds the library and checks that it is ONNX Runtime and new enough.
    ///
    /// # Errors
    /// [`RuntimeProblem`] if no file is found (with the searched folders), or if the file is not a library,
    /// not ONNX Runtime, or too old.
    pub fn find(home: &Home) -> Result<Self> {
        if let Some(path) = env::var_os(VARIABLE).filter(|path| !path.is_empty()) {
            return check(absolute(Path::new(&path))?, Origin::Variable);
        }
        let mut looked = Vec::new();
        for (folder, origin) in places::folders(home) {
            if let Some(path) = places::library_in(&folder) {
                if origin == Origin::Home {
                    // All files: the library loads its providers, which load NVIDIA's libraries.
                    let files = places::files_in(&folder);
                    files
                        .iter()
                        .try_for_each(|file| home.require_private(file))?;
                }
                return check(&path, origin);
            }
            looked.push(folder);
        }
        on_the_loaders_path(looked)
    }
}

/// What the setup needs to know of a library that it installs.
#[cfg(feature = "cli")]
impl RuntimeLibrary {
    /// Checks that the file at an absolute path is ONNX Runtime and new enough.
    ///
    /// # Errors
    /// [`RuntimeProblem`].
    pub(crate) fn at(path: &Path) -> Result<Self> {
        check(path, Origin::Given)
    }

    /// Returns the library in a folder, as [`Self::find`] would choose it there.
    pub(crate) fn in_folder(folder: &Path) -> Option<PathBuf> {
        places::library_in(folder)
    }

    /// Returns whether a library of this file name is found.
    pub(crate) fn is_name(name: &str) -> bool {
        places::is_library_name(name)
    }

    /// Returns the file name of a library whose version is unknown.
    pub(crate) fn plain_name() -> String {
        file_name()
    }

    /// Returns whether a file starts as a shared library does, of this system or another one.
    pub(crate) fn is_start(start: &[u8]) -> bool {
        is_library_start(start)
    }
}

/// Returns the library that the loader finds by name, after it was not found in `folders`.
fn on_the_loaders_path(folders: Vec<PathBuf>) -> Result<RuntimeLibrary> {
    let library = file_name();
    let loader = if SEARCHES {
        let path = Path::new(&library);
        refuse_working_directory(path, Origin::Loader)?;
        match examine(path, Origin::Loader) {
            Ok(library) => return Ok(library),
            Err(problem) => Some(problem),
        }
    } else {
        None
    };
    let missing = RuntimeProblem::Missing {
        library,
        folders,
        loader,
    };
    Err(missing.into())
}

/// Whether the loader is asked for a library by name. The loaders of macOS and Windows also search the
/// working directory.
const SEARCHES: bool = cfg!(all(unix, not(target_os = "macos")));

/// Returns the library's file name. Without a folder, the loader looks for it where it looks for all
/// libraries.
fn file_name() -> String {
    let (prefix, suffix) = (env::consts::DLL_PREFIX, env::consts::DLL_SUFFIX);
    format!("{prefix}onnxruntime{suffix}")
}

/// Refuses a relative path, which would run whatever is in the working directory.
fn absolute(path: &Path) -> Result<&Path> {
    if path.is_absolute() {
        return Ok(path);
    }
    Err(RuntimeProblem::RelativePath(path.to_owned()).into())
}

fn check(path: &Path, origin: Origin) -> Result<RuntimeLibrary> {
    refuse_working_directory(path, origin)?;
    let unfit = |problem| RuntimeProblem::Library {
        path: path.to_owned(),
        origin: origin.to_string(),
        problem,
    };
    Ok(examine(path, origin).map_err(unfit)?)
}

/// Loads a library and checks that it is ONNX Runtime; the error is what is wrong with it.
fn examine(path: &Path, origin: Origin) -> Result<RuntimeLibrary, LibraryProblem> {
    if origin != Origin::Loader {
        looks_like_a_library(path)?;
    }
    let needed = ort::MINOR_VERSION;
    let (version, has_api) = ask(path, needed)?;
    if minor(&version).is_none_or(|minor| minor < needed) {
        let found = version;
        return Err(LibraryProblem::Version { found, needed });
    }
    if !has_api {
        let found = version;
        return Err(LibraryProblem::NoApi { found, needed });
    }
    Ok(RuntimeLibrary {
        path: path.to_owned(),
        version,
        origin,
    })
}

/// Returns the minor version: the 32 in `1.32.0`.
fn minor(version: &str) -> Option<u32> {
    let rest = version.strip_prefix("1.")?;
    rest.split('.').next()?.parse().ok()
}

/// Refuses to load a library if the loader would look for it, or for its dependencies, in the working
/// directory.
fn refuse_working_directory(path: &Path, origin: Origin) -> Result<()> {
    let Some(search_path) = env::var_os(search_path::VARIABLE).filter(|_| SEARCHES) else {
        return Ok(());
    };
    let Some(problem) = search_path::problem(origin, &search_path) else {
        return Ok(());
    };
    let path = path.to_owned();
    Err(RuntimeProblem::SearchPath { path, problem }.into())
}

impl RuntimeLibrary {
    /// Checks that this library uploads no usage data when it is started.
    ///
    /// # Errors
    /// [`RuntimeProblem::Telemetry`] if it would collect and upload usage data because [`NO_TELEMETRY`] is
    /// not set.
    pub fn refuse_telemetry(&self) -> Result<()> {
        self.refuse_telemetry_unless(env::var_os(NO_TELEMETRY).is_some())
    }

    fn refuse_telemetry_unless(&self, is_off: bool) -> Result<()> {
        let uploads = minor(&self.version).is_none_or(|minor| minor >= FIRST_WITH_TELEMETRY);
        if is_off || !uploads {
            return Ok(());
        }
        let version = self.version.clone();
        Err(RuntimeProblem::Telemetry { version }.into())
    }
}

/// Checks the content of the file, so that a text file, a folder or an incomplete download is reported as
/// such instead of by a message of the loader or a crash.
fn looks_like_a_library(path: &Path) -> Result<(), LibraryProblem> {
    let system = |e: io::Error| LibraryProblem::System(e.to_string());
    let mut file = inputs::open(path, Links::Follow).map_err(system)?;
    let mut start = [0; 4];
    let read = file.read(&mut start).map_err(system)?;
    if !is_library_start(&start[..read]) {
        return Err(LibraryProblem::Foreign);
    }
    if elf::is_cut(&mut file).map_err(system)? {
        let length = file.metadata().map_err(system)?.len();
        return Err(LibraryProblem::Cut(length));
    }
    Ok(())
}

/// Returns whether these are the first bytes of a library: ELF, Mach-O (also of several architectures), PE.
fn is_library_start(start: &[u8]) -> bool {
    matches!(
        start,
        [0x7f, b'E', b'L', b'F', ..]
            | [0xcf, 0xfa, 0xed, 0xfe, ..]
            | [0xca, 0xfe, 0xba, 0xbe, ..]
            | [b'M', b'Z', _, _, ..]
    )
}

/// `OrtApiBase` as its C header declares it: two functions, either of which may be null in a library that is
/// not ONNX Runtime.
#[repr(C)]
struct ApiBase {
    get_api: Option<unsafe extern "C" fn(u32) -> *const ()>,
    version_string: Option<unsafe extern "C" fn() -> *const c_char>,
}

/// Returns the library's version, and whether it has the API of the minor version `needed`.
#[expect(
    unsafe_code,
    reason = "asking a shared library for its version has no safe form"
)]
fn ask(path: &Path, needed: u32) -> Result<(String, bool), LibraryProblem> {
    // SAFETY: the user (or the setup) has chosen to load this library; its initialisers run as in any program
    // that uses it.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| with_cause(&e))?;
    // SAFETY: ONNX Runtime's C API has had this signature since its first release.
    let base = unsafe { library.get::<unsafe extern "C" fn() -> *const ApiBase>(b"OrtGetApiBase") };
    let base = base.map_err(|_| LibraryProblem::NoEntry)?;
    // SAFETY: the function takes no arguments and returns a static table, or null.
    let Some(base) = (unsafe { base().as_ref() }) else {
        return Err(LibraryProblem::EmptyEntry);
    };
    // SAFETY: the table's function takes no arguments and returns a static string, or null.
    let version = base.version_string.map(|version| unsafe { version() });
    let Some(version) = version.filter(|version| !version.is_null()) else {
        return Err(LibraryProblem::NoVersion);
    };
    // SAFETY: the string is static, not null, and ends with NUL.
    let version = unsafe { CStr::from_ptr(version) };
    let version = version.to_string_lossy().into_owned();
    // SAFETY: the table's function takes a number and returns a static table, or null.
    let api = base.get_api.map(|get_api| unsafe { get_api(needed) });
    let has_api = api.is_some_and(|api| !api.is_null());
    // The library stays loaded: it is used right away and need not be linked a second time.
    std::mem::forget(library);
    Ok((version, has_api))
}

fn with_cause(error: &libloading::Error) -> LibraryProblem {
    let cause = std::error::Error::source(error);
    LibraryProblem::System(cause.map_or_else(|| error.to_string(), ToString::to_string))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_no_library_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("libonnxruntime.so");
        fs::write(&text, "not a library").unwrap();
        let cases = [
            (text, "not a shared library"),
            (folder.path().into(), "directory"),
            ("/no/such".into(), "No such"),
        ];
        for (path, wanted) in cases {
            let message = check(&path, Origin::Variable).unwrap_err().to_string();
            assert!(
                message.contains(wanted) && message.contains(&*path.to_string_lossy()),
                "{message}"
            );
        }
    }

    #[test]
    fn the_loader_gets_a_bare_file_name() {
        assert_eq!(Path::new(&file_name()).components().count(), 1);
        if cfg!(target_os = "linux") {
            assert_eq!(file_name(), "libonnxruntime.so");
        }
    }

    #[test]
    fn a_relative_path_is_refused() {
        assert!(absolute(Path::new("/opt/libonnxruntime.so")).is_ok());
        for path in [
            "libonnxruntime.so",
            "./libonnxruntime.so",
            "lib/libonnxruntime.so",
        ] {
            let message = absolute(Path::new(path)).unwrap_err().to_string();
            assert!(
                message.contains(path) && message.contains(VARIABLE),
                "{message}"
            );
        }
    }

    #[test]
    fn a_library_that_uploads_is_started_with_the_variable_only() {
        let refused = |version: &str, is_off| {
            let library = RuntimeLibrary {
                path: file_name().into(),
                version: version.to_owned(),
                origin: Origin::Loader,
            };
            library.refuse_telemetry_unless(is_off).is_err()
        };
        assert!(refused("1.29.0", false) && refused("1.32.0", false));
        assert!(!refused("1.28.1", false) && !refused("1.32.0", true));
    }

    #[test]
    fn a_foreign_library_is_named() {
        let Some(foreign) = ["/lib/x86_64-linux-gnu/libm.so.6", "/lib64/libm.so.6"]
            .iter()
            .find(|p| Path::new(p).exists())
        else {
            return;
        };
        let message = check(Path::new(foreign), Origin::Variable)
            .unwrap_err()
            .to_string();
        assert!(message.contains("not ONNX Runtime"), "{message}");
    }
}
