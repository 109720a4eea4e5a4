//! Checks, made before any work is done, that an output does not overwrite the wrong file.
//!
//! An output never replaces one of its own inputs, under whatever name, and is never written into a feature
//! store or into the folders of `FROSTLINE_HOME`. It replaces a file of another kind only if the caller
//! allows that.

mod file_id;
mod kind;

use std::fs;
use std::path::{Path, PathBuf};

use self::file_id::FileId;
use self::kind::Content;
pub use self::kind::Wanted;
use super::inputs::Inputs;
use crate::backbones::Home;
use crate::error::{OutputProblem, Result};
use crate::features::{is_store, store_around};
use crate::images::{Labels, Names};
use crate::outputs;
use crate::progress::Silent;

/// Whether an output may replace a file of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Overwrite {
    /// Refuses with an error that names the file.
    #[default]
    Refuse,
    /// Replaces the file. Inputs are never replaced.
    Allow,
}

/// The files that a command reads, so that none of them is overwritten.
#[derive(Debug, Clone, Default)]
pub struct OutputGuard {
    files: Vec<PathBuf>,
    images: Vec<Inputs>,
    /// Folders that no output may be written to.
    closed: Vec<PathBuf>,
}

impl OutputGuard {
    /// Creates a guard that protects no files yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Guards files, such as heads, tables and lists, and the files in stores. Missing files are fine.
    #[must_use]
    pub fn reads<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        for path in paths.into_iter().map(Into::into) {
            if is_store(&path) {
                self.files.extend(files_in(&path));
            } else {
                self.files.push(path);
            }
        }
        self
    }

    /// Guards a network's file with its manifest and weights; [`Self::home`] guards installed ones.
    #[must_use]
    pub fn network(self, file: Option<&Path>) -> Self {
        let files = file.into_iter().flat_map(|file| {
            let [manifest, data] = [
                file.with_extension("toml"),
                file.with_added_extension("data"),
            ];
            [file.to_owned(), manifest, data]
        });
        self.reads(files)
    }

    /// Guards images, including those in folders.
    #[must_use]
    pub fn images(mut self, inputs: &Inputs) -> Self {
        if matches!(inputs, Inputs::List(_)) {
            // Standard input may be redirected from a file.
            self.files.push("/dev/stdin".into());
        }
        self.images.push(inputs.local());
        self
    }

    /// Guards a feature store or a folder of images.
    #[must_use]
    pub fn data(self, path: &Path) -> Self {
        if is_store(path) {
            return self.reads([path]);
        }
        self.images(&Inputs::Paths(vec![path.to_owned()], Names::Any))
    }

    /// Guards the installed models, runtimes and caches.
    #[must_use]
    pub fn home(mut self, home: &Home) -> Self {
        self.files.extend(files_in(&home.models()));
        self.closed.extend([
            home.models(),
            home.downloads(),
            home.runtime(),
            home.runtime_cuda(),
            home.cache(),
        ]);
        self
    }

    /// Checks a file before it is written. Changes nothing and creates no missing folders.
    ///
    /// # Errors
    /// [`OutputProblem`] if the file is an input, is inside a store or is of another kind;
    /// [`Error::Io`](crate::Error::Io) if it cannot be written.
    pub fn check(&self, output: &Path, wanted: Wanted, overwrite: Overwrite) -> Result<()> {
        if wanted.is_binary() && outputs::is_terminal(output) {
            let wanted = wanted.name();
            return Err(OutputProblem::Terminal { wanted }.into());
        }
        if outputs::is_stdout(output) {
            return Ok(());
        }
        if wanted == Wanted::ManPage {
            kind::refuse_special(output)?;
        }
        let content = Content::of(output);
        self.refuse_input(output, content.as_ref())?;
        self.check_folder(output)?;
        if let Some(content) = content.filter(|_| overwrite == Overwrite::Refuse) {
            content.refuse_unless(wanted, output)?;
        }
        outputs::check(output)
    }

    /// Checks the folder of a feature store before it is created or extended. Changes nothing.
    ///
    /// # Errors
    /// [`OutputProblem`] if the path or one of its parents is a file, or if it is inside another store or a
    /// folder of `FROSTLINE_HOME`.
    pub fn check_store(&self, store: &Path) -> Result<()> {
        let file = store.ancestors().find(|above| above.is_file());
        let place = store.to_owned();
        match file.map(Path::to_owned) {
            None => self.check_folder(store)?,
            Some(file) if file == store => Err(OutputProblem::StoreIsFile { store: place })?,
            Some(file) => Err(OutputProblem::StoreBelowFile { store: place, file })?,
        }
        Ok(())
    }

    /// Checks the folder that a file or folder will be written to.
    fn check_folder(&self, place: &Path) -> Result<(), OutputProblem> {
        let output = place.to_owned();
        if let Some(store) = store_around(place) {
            return Err(OutputProblem::InsideStore { output, store });
        }
        match self.closed_around(place).map(Path::to_owned) {
            Some(folder) => Err(OutputProblem::InsideHome { output, folder }),
            None => Ok(()),
        }
    }

    fn closed_around(&self, output: &Path) -> Option<&Path> {
        let folder = outputs::existing_folder(output)?;
        let is_around = |closed: &&PathBuf| {
            fs::canonicalize(closed).is_ok_and(|closed| folder.starts_with(closed))
        };
        self.closed.iter().find(is_around).map(PathBuf::as_path)
    }

    fn refuse_input(&self, output: &Path, content: Option<&Content>) -> Result<(), OutputProblem> {
        let Some(id) = FileId::of(output) else {
            return Ok(());
        };
        let is_output = |path: &PathBuf| FileId::of(path).as_ref() == Some(&id);
        let listed = self.images.iter().flat_map(Inputs::paths);
        let found = self.files.iter().chain(listed).find(|path| is_output(path));
        let found = match (found, content) {
            (Some(found), _) => Some(found.clone()),
            // A text file, such as an earlier output among the images, is not an image: no scan is needed.
            (None, Some(content)) if !content.is_text() => {
                self.scanned().into_iter().find(is_output)
            }
            (None, _) => None,
        };
        let output = output.to_owned();
        found.map_or(Ok(()), |input| {
            Err(OutputProblem::IsInput { output, input })
        })
    }

    /// Returns all images, including those in folders. The task itself reports unreadable folders.
    fn scanned(&self) -> Vec<PathBuf> {
        let scans = self
            .images
            .iter()
            .flat_map(|inputs| inputs.scan(Labels::None, &Silent));
        let mut files = Vec::new();
        for scan in scans {
            let found = scan.entries.iter();
            files.extend(found.filter_map(|found| Some(found.sample().place.file()?.to_owned())));
        }
        files
    }
}

fn files_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

    fn said(result: Result<()>) -> String {
        result.map_or_else(|error| error.to_string(), |()| "allowed".to_owned())
    }

    #[test]
    fn an_input_is_known_under_each_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("images")).unwrap();
        fs::write(path("images/a.png"), PNG).unwrap();
        fs::write(path("images/labels.csv"), "path,label\n").unwrap();
        fs::write(path("head"), "head").unwrap();
        fs::hard_link(path("images/a.png"), path("hard")).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("images/a.png", path("link")).unwrap();
        let guard = OutputGuard::new()
            .images(&Inputs::Paths(vec![path("images")], Names::Any))
            .reads([path("head")]);
        let check = |name: &str| said(guard.check(&path(name), Wanted::Text, Overwrite::Allow));
        assert!(check("head").ends_with("is also an input"));
        assert!(check("images/a.png").ends_with("is also an input"));
        let linked = |name: &str| check(name).contains("is the same file as the input `");
        assert!(linked("hard"));
        assert!(!cfg!(unix) || linked("link"));
        assert!(linked("images/../images/a.png"));
        // Earlier and new outputs are allowed, also next to the images.
        assert_eq!(check("images/labels.csv"), "allowed");
        assert_eq!(check("images/new.csv"), "allowed");
        assert_eq!(check("missing/folder/new.csv"), "allowed");
        assert!(!path("missing").exists());
    }

    #[test]
    fn a_listed_file_is_an_input_whatever_it_holds() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("a.jpg");
        fs::write(&text, "text").unwrap();
        for inputs in [|paths| Inputs::Paths(paths, Names::Any), Inputs::List] {
            let guard = OutputGuard::new().images(&inputs(vec![text.clone()]));
            let said = said(guard.check(&text, Wanted::Text, Overwrite::Allow));
            assert!(said.ends_with("is also an input"), "{said}");
        }
    }

    #[test]
    fn nothing_is_written_into_a_store_or_among_the_installed() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        for name in ["store", "webapp", "home/models"] {
            fs::create_dir_all(path(name)).unwrap();
        }
        fs::write(
            path("store/manifest.json"),
            r#"{"format": "frostline-features"}"#,
        )
        .unwrap();
        fs::write(path("webapp/manifest.json"), r#"{"name": "app"}"#).unwrap();
        let guard = OutputGuard::new().home(&Home::at(path("home")));
        let check = |name: &str| said(guard.check(&path(name), Wanted::Text, Overwrite::Allow));
        assert!(check("store/new.csv").contains("is inside the feature store"));
        assert!(check("store/a/b/new.csv").contains("is inside the feature store"));
        assert!(check("home/models/new.csv").contains("FROSTLINE_HOME"));
        assert_eq!(check("webapp/new.csv"), "allowed");
        assert_eq!(check("home/new.csv"), "allowed");
        assert!(guard.check_folder(&path("store/inner")).is_err());
        guard.check_folder(&path("store")).unwrap();
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink("store/later.csv", path("link")).unwrap();
            assert!(check("link").contains("is inside the feature store"));
        }
    }
}
