//! Tests scans of folders of every shape, created in a temporary folder.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::names::EXTENSIONS;
use super::*;
use crate::error::{Error, ImagesError, ListProblem};
use crate::progress::tests::StopsAt;

/// Creates a folder with empty files; nothing here reads them.
fn tree(files: &[&str]) -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for file in files {
        touch(&root.path().join(file));
    }
    root
}

fn touch(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, b"").unwrap();
}

fn scan(root: &TempDir) -> Scan {
    scan_folder(root.path(), Labels::FromFolders).unwrap()
}

fn listed_inputs(inputs: &[PathBuf], labels: Labels, names: Names) -> Result<Scan> {
    scan_inputs(inputs, labels, names, &Silent)
}

fn list_of(paths: Vec<PathBuf>) -> Scan {
    scan_list(paths, &Silent).unwrap()
}

fn parsed(list: &[u8], separator: Separator) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    let each = |path| {
        paths.push(path);
        true
    };
    read_list(list, separator, each).unwrap();
    paths
}

/// Formats each entry as `name`, `name = class` or `name: reason`.
fn lines(scan: &Scan) -> Vec<String> {
    let line = |found: Found| match (found.reason(), &found.sample().class) {
        (Some(reason), _) => format!("{}: {reason}", found.sample().name),
        (None, Some(class)) => format!("{} = {class}", found.sample().name),
        (None, None) => found.sample().name.clone(),
    };
    scan.entries.iter().map(line).collect()
}

fn problem(result: Result<Scan>) -> ImagesError {
    match result.unwrap_err() {
        Error::Images(problem) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn first_folders_are_classes_and_order_is_by_parts() {
    let root = tree(&[
        "dog/1.jpg",
        "cat/b.png",
        "cat/a/2.JPG",
        "cat/a.jpg",
        "cat-big/1.jpg",
        "10/x.gif",
        "2/x.gif",
    ]);
    let scan = scan(&root);
    assert_eq!(scan.layout, FolderLayout::ClassFolders);
    assert_eq!(
        lines(&scan),
        [
            "10/x.gif = 10",
            "2/x.gif = 2",
            "cat/a/2.JPG = cat",
            "cat/a.jpg = cat",
            "cat/b.png = cat",
            "cat-big/1.jpg = cat-big",
            "dog/1.jpg = dog"
        ]
    );
    assert_eq!(
        scan.entries.get(2).unwrap().sample().place.file().unwrap(),
        root.path().join("cat/a/2.JPG")
    );
    assert!(scan.notes.is_empty());
}

#[test]
fn a_flat_folder_has_no_classes() {
    let root = tree(&["b.jpg", "a.jpg", "notes/readme.txt", "raw.DNG", "Makefile"]);
    let scan = scan(&root);
    assert_eq!(scan.layout, FolderLayout::Flat);
    assert_eq!(lines(&scan), ["a.jpg", "b.jpg"]);
    assert_eq!(
        ignored_text(&scan.ignored).unwrap(),
        "1 without extension, 1 .dng, 1 .txt"
    );
    assert!(scan.empty_classes.is_empty());
}

#[test]
fn without_labels_every_depth_is_flat() {
    let root = tree(&["x.jpg", "cat/a.jpg", "cat/in/b.jpg"]);
    let scan = scan_folder(root.path(), Labels::None).unwrap();
    assert_eq!(scan.layout, FolderLayout::Flat);
    assert_eq!(lines(&scan), ["cat/a.jpg", "cat/in/b.jpg", "x.jpg"]);
}

#[test]
fn images_beside_class_folders_are_named() {
    let root = tree(&["cat/a.jpg", "dog/a.jpg", "bird.jpg"]);
    assert_eq!(lines(&scan(&root))[0], "bird.jpg: is not in a class folder");
}

#[test]
fn hidden_and_junk_names_are_left_out_without_a_word() {
    let root = tree(&[
        "cat/a.jpg",
        "dog/a.jpg",
        ".ipynb_checkpoints/a.jpg",
        "cat/.git/a.jpg",
        "cat/._a.jpg",
        "__MACOSX/cat/a.jpg",
        "dog/@eaDir/a.jpg",
        "cat/Thumbs.db",
        "cat/.DS_Store",
        "desktop.ini",
    ]);
    let scan = scan(&root);
    assert_eq!(lines(&scan), ["cat/a.jpg = cat", "dog/a.jpg = dog"]);
    assert!(scan.ignored.is_empty() && scan.notes.is_empty() && scan.empty_classes.is_empty());
}

#[test]
fn a_hidden_root_is_a_root() {
    let root = tree(&[".cache/cat/a.jpg"]);
    let scan = scan_folder(&root.path().join(".cache"), Labels::FromFolders).unwrap();
    assert_eq!(lines(&scan), ["cat/a.jpg = cat"]);
}

#[test]
fn empty_classes_are_named() {
    let root = tree(&[
        "a/1.jpg",
        "text/readme.txt",
        "c/1.jpg",
        "broken/1.jpg",
        ".hidden/x",
    ]);
    fs::create_dir(root.path().join("void")).unwrap();
    assert_eq!(scan(&root).empty_classes, ["text", "void"]);
}

#[test]
fn two_spellings_of_a_name_are_one_class() {
    let root = tree(&["cafe\u{301}/1.jpg", "caf\u{e9}/2.jpg", "tea/1.jpg"]);
    let scan = scan(&root);
    let classes: Vec<_> = scan
        .entries
        .iter()
        .map(|e| e.sample().class.clone().unwrap())
        .collect();
    let classes: Vec<_> = classes.iter().map(|class| &**class).collect();
    assert_eq!(classes, ["caf\u{e9}", "caf\u{e9}", "tea"]);
    assert!(
        scan.notes[0].starts_with("2 folders named `caf\u{e9}` in different"),
        "{:?}",
        scan.notes
    );
}

#[test]
fn a_root_one_level_too_high_is_told() {
    let root = tree(&["train/cat/1.jpg", "train/dog/1.jpg"]);
    let note = &scan(&root).notes[0];
    let below = root.path().join("train");
    assert!(
        note.contains("one class in") && note.contains("`train`"),
        "{note}"
    );
    let end = format!(
        "its folders `cat`, `dog` contain the images: did you mean `{}`?",
        below.display()
    );
    assert!(note.ends_with(&end), "{note}");
}

#[test]
fn parts_of_a_data_set_are_told() {
    for files in [&["train/cat/1.jpg", "Val/cat/1.jpg"][..], &["train/1.jpg"]] {
        let root = tree(files);
        assert!(
            scan(&root).notes[0].contains("named like dataset splits"),
            "{files:?}"
        );
    }
    assert!(scan(&tree(&["train/1.jpg", "bus/1.jpg"])).notes.is_empty());
}

#[test]
fn a_place_without_images_is_an_error_that_says_what_was_wanted() {
    let missing = problem(scan_folder(
        Path::new("/does_not_exist"),
        Labels::FromFolders,
    ));
    assert_eq!(missing, ImagesError::Missing("/does_not_exist".to_owned()));
    assert_eq!(missing.to_string(), "`/does_not_exist` does not exist");

    let root = tree(&["a.dng", "b.dng", "c.txt"]);
    let none = problem(scan_folder(root.path(), Labels::FromFolders));
    assert!(
        none.to_string().ends_with("contains no image files"),
        "{none}"
    );
    let held = [("dng".to_owned(), 2), ("txt".to_owned(), 1)];
    let wanted = ImagesError::None {
        folder: Some(root.path().display().to_string()),
        extensions: &EXTENSIONS,
        ignored: held.into(),
    };
    assert_eq!(none, wanted);

    let text = problem(scan_folder(&root.path().join("c.txt"), Labels::FromFolders)).to_string();
    assert!(text.ends_with("c.txt` is a file, not a folder"), "{text}");
    let empty = tempfile::tempdir().unwrap();
    let none = problem(scan_folder(empty.path(), Labels::None));
    assert!(matches!(none, ImagesError::None { ignored, .. } if ignored.is_empty()));
}

#[test]
fn expected_formats_are_listed_to_be_named_later() {
    let root = tree(&["IMG_1.HEIC", "b.avif"]);
    assert_eq!(lines(&scan(&root)), ["IMG_1.HEIC", "b.avif"]);
}

#[test]
fn inputs_are_taken_as_given() {
    let root = tree(&["one.dat", "folder/cat/a.jpg", "folder/b.jpg", "void/x.txt"]);
    let at = |name: &str| root.path().join(name);
    let single = listed_inputs(&[at("one.dat")], Labels::FromFolders, Names::Extensions).unwrap();
    assert_eq!(lines(&single), [at("one.dat").display().to_string()]);

    let inputs = [at("one.dat"), at("folder"), at("gone.jpg"), at("void")];
    let several = listed_inputs(&inputs, Labels::None, Names::Extensions).unwrap();
    let name = |name: &str| at(name).display().to_string();
    let wanted = [
        name("one.dat"),
        name("folder/b.jpg"),
        name("folder/cat/a.jpg"),
        format!("{}: no such file", name("gone.jpg")),
    ];
    assert_eq!(lines(&several), wanted);
    assert!(several.notes[0].ends_with("void` contains no image files"));
    let missing = problem(listed_inputs(
        &[at("gone.jpg")],
        Labels::None,
        Names::Extensions,
    ));
    assert_eq!(missing, ImagesError::Missing(name("gone.jpg")));
    let none = problem(listed_inputs(&[], Labels::None, Names::Extensions));
    assert_eq!(none.to_string(), "the inputs contain no image files");
}

/// By default, names decide. With `Names::Any`, files that start like images are listed too.
#[test]
fn files_of_any_name_are_images_by_their_content() {
    let root = tree(&["cat/b.jpg", "cat/empty", ".hidden"]);
    let png = b"\x89PNG\r\n\x1a\n".as_slice();
    for (name, bytes) in [
        ("cat/IMG_1", png),
        ("dog/a.jpg?w=300", b"\xff\xd8\xff\xe0"),
        ("dog/photo.2024", b"GIF89a"),
        ("dog/phone", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
        ("dog/notes.txt", b"a word"),
        ("dog/page", b"<html>"),
    ] {
        let path = root.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let inputs = [root.path().to_path_buf()];
    let by_name = listed_inputs(&inputs, Labels::FromFolders, Names::Extensions).unwrap();
    assert_eq!(lines(&by_name), ["cat/b.jpg = cat"]);
    assert_eq!(by_name.ignored.values().sum::<usize>(), 7);
    let by_content = listed_inputs(&inputs, Labels::FromFolders, Names::Any).unwrap();
    let wanted = [
        "cat/IMG_1 = cat",
        "cat/b.jpg = cat",
        "dog/a.jpg?w=300 = dog",
        "dog/phone = dog",
        "dog/photo.2024 = dog",
    ];
    assert_eq!(lines(&by_content), wanted);
    let ignored = [(String::new(), 2), ("txt".to_owned(), 1)];
    assert_eq!(by_content.ignored, ignored.into());
    // A file that is named explicitly needs no `Names::Any`.
    let named = [root.path().join("cat/IMG_1")];
    let scan = listed_inputs(&named, Labels::None, Names::Extensions).unwrap();
    assert_eq!(scan.entries.len(), 1);
}

#[test]
fn lists_keep_their_order_and_their_bytes() {
    let paths = parsed(b"b.jpg\r\na b.jpg\n\n./c.jpg", Separator::Newline);
    assert_eq!(paths, ["b.jpg", "a b.jpg", "./c.jpg"].map(PathBuf::from));
    let paths = parsed(b"new\nline.jpg\0cr\r\0\0", Separator::Nul);
    assert_eq!(paths, ["new\nline.jpg", "cr\r"].map(PathBuf::from));
    for separator in [Separator::Newline, Separator::Nul] {
        let marked = parsed(b"\xef\xbb\xbfa.jpg", separator);
        assert_eq!(marked, [PathBuf::from("a.jpg")]);
        assert!(parsed(b"\xef\xbb\xbf", separator).is_empty());
    }

    let root = tree(&["b.jpg", "a.bin"]);
    let at = |name: &str| root.path().join(name);
    let scan = list_of(vec![
        at("b.jpg"),
        at("gone"),
        at("a.bin"),
        root.path().into(),
    ]);
    let name = |name: &str| at(name).display().to_string();
    let folder = format!("{}: is a folder, not a regular file", root.path().display());
    assert_eq!(
        lines(&scan),
        [
            name("b.jpg"),
            format!("{}: no such file", name("gone")),
            name("a.bin"),
            folder
        ]
    );
    assert!(list_of(vec![]).entries.is_empty());
}

#[cfg(unix)]
mod unix {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::symlink;
    use std::process::Command;

    use super::*;
    use crate::images::path_text::from_text;

    #[test]
    fn links_that_lead_back_are_not_followed() {
        let root = tree(&["cat/1.jpg", "dog/a/b/1.jpg"]);
        symlink("..", root.path().join("cat/up")).unwrap();
        symlink("../../..", root.path().join("dog/a/b/top")).unwrap();
        symlink(".", root.path().join("dog/here")).unwrap();
        let scan = scan(&root);
        assert_eq!(lines(&scan), ["cat/1.jpg = cat", "dog/a/b/1.jpg = dog"]);
        assert_eq!(scan.notes.len(), 3);
        assert!(
            scan.notes[0].contains("cat/up` is a link to a parent folder and was not followed"),
            "{:?}",
            scan.notes
        );
    }

    #[test]
    fn a_loop_through_another_folder_ends_too() {
        let (root, other) = (tree(&["cat/1.jpg"]), tree(&["x/2.jpg"]));
        symlink(other.path(), root.path().join("cat/away")).unwrap();
        symlink(root.path(), other.path().join("x/back")).unwrap();
        let scan = scan(&root);
        assert_eq!(lines(&scan), ["cat/1.jpg = cat", "cat/away/x/2.jpg = cat"]);
        assert_eq!(scan.notes.len(), 1);
    }

    #[test]
    fn links_to_folders_and_files_elsewhere_are_followed() {
        let (root, other) = (tree(&["cat/1.jpg"]), tree(&["2.jpg", "3.txt"]));
        symlink(other.path(), root.path().join("dog")).unwrap();
        symlink(other.path().join("2.jpg"), root.path().join("cat/2.jpg")).unwrap();
        symlink(other.path().join("3.txt"), root.path().join("cat/3.txt")).unwrap();
        let scan = scan(&root);
        assert_eq!(
            lines(&scan),
            ["cat/1.jpg = cat", "cat/2.jpg = cat", "dog/2.jpg = dog"]
        );
        assert_eq!(scan.ignored["txt"], 2);
    }

    /// 20 folders with two links each to the next one: 2²⁰ paths lead to the image in the last folder.
    #[test]
    fn a_folder_is_read_once_through_links() {
        let (root, chain) = (tree(&["cat/1.jpg"]), tree(&["20/2.jpg"]));
        for level in 0..20 {
            let folder = chain.path().join(level.to_string());
            fs::create_dir(&folder).unwrap();
            for name in ["a", "b"] {
                symlink(format!("../{}", level + 1), folder.join(name)).unwrap();
            }
        }
        symlink(chain.path().join("0"), root.path().join("cat/chain")).unwrap();
        let scan = scan(&root);
        let deep = format!("cat/chain/{}2.jpg = cat", "a/".repeat(20));
        assert_eq!(lines(&scan), ["cat/1.jpg = cat", &deep]);
        let [note] = &scan.notes[..] else {
            panic!("{:?}", scan.notes)
        };
        let said = "20 folders behind links had already been read through another link and were skipped: `";
        assert!(note.starts_with(said), "{note}");
    }

    #[test]
    fn two_classes_may_be_links_to_one_folder() {
        let (root, other) = (tree(&["cat/1.jpg"]), tree(&["2.jpg", "in/3.jpg"]));
        for name in ["dog", "wolf"] {
            symlink(other.path(), root.path().join(name)).unwrap();
        }
        symlink(other.path().join("in"), root.path().join("cat/in")).unwrap();
        let found = [
            "cat/1.jpg = cat",
            "cat/in/3.jpg = cat",
            "dog/2.jpg = dog",
            "dog/in/3.jpg = dog",
            "wolf/2.jpg = wolf",
            "wolf/in/3.jpg = wolf",
        ];
        let scanned = scan(&root);
        assert_eq!(lines(&scanned), found);
        assert!(scanned.notes.is_empty(), "{:?}", scanned.notes);
        let flat = scan_folder(root.path(), Labels::None).unwrap();
        assert_eq!(flat.entries.len(), found.len());
        // A second link leads to a folder behind the first one.
        symlink(other.path().join("in"), other.path().join("again")).unwrap();
        let scanned = scan(&root);
        assert_eq!(scanned.entries.len(), found.len());
        assert!(scanned.notes[0].starts_with("2 folders behind links"));
    }

    /// The folder is deeper than a path can be long, and the stack too small for a frame per level.
    #[test]
    fn depth_is_limited_by_the_system_alone() {
        let root = tree(&["cat/1.jpg"]);
        let dig = "cd \"$0\"/cat && for i in $(seq 2500); do mkdir d && cd -P d || exit 1; done";
        let sh = |script: &str| {
            let mut sh = Command::new("sh");
            sh.args(["-c", script]).arg(root.path()).status().unwrap()
        };
        assert!(sh(dig).success());
        let folder = root.path().to_owned();
        let small = std::thread::Builder::new().stack_size(192 << 10);
        let walk = move || scan_folder(&folder, Labels::FromFolders).unwrap();
        let scanned = small.spawn(walk).unwrap().join().unwrap();
        // `std::fs::remove_dir_all` would keep every level open.
        assert!(sh("rm -rf \"$0\"/cat").success());
        let lines = lines(&scanned);
        assert_eq!(lines[0], "cat/1.jpg = cat");
        assert!(lines[1].contains("cannot be read: File name too long"));
        assert_eq!(lines.len(), 2);
    }

    #[test]
    fn odd_objects_are_skipped_and_never_opened() {
        let root = tree(&["cat/1.jpg", "cat/folder.jpg/2.jpg"]);
        let at = |name: &str| root.path().join("cat").join(name);
        symlink("self.jpg", at("self.jpg")).unwrap();
        symlink("nowhere/x.jpg", at("dangling.jpg")).unwrap();
        symlink("nowhere/x.txt", at("dangling.txt")).unwrap();
        let made = Command::new("mkfifo").arg(at("pipe.jpg")).status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "mkfifo is needed"
        );
        let lines = lines(&scan(&root));
        assert_eq!(lines[0], "cat/1.jpg = cat");
        assert_eq!(
            lines[1],
            "cat/dangling.jpg: is a link to `nowhere/x.jpg`, which does not exist"
        );
        assert_eq!(lines[2], "cat/folder.jpg/2.jpg = cat");
        assert_eq!(
            lines[3],
            "cat/pipe.jpg: is a named pipe, not a regular file"
        );
        assert!(
            lines[4].starts_with("cat/self.jpg: is a link that cannot be followed: "),
            "{}",
            lines[4]
        );
        assert_eq!(lines.len(), 5);

        let listed = list_of(vec![at("pipe.jpg"), at("dangling.jpg")]);
        assert!(listed.entries.iter().all(|entry| entry.reason().is_some()));
    }

    #[test]
    fn names_that_are_not_utf_8_can_be_undone() {
        let root = tree(&["plain/1.jpg"]);
        let folder = OsStr::from_bytes(b"caf\xe9");
        touch(
            &root
                .path()
                .join(folder)
                .join(OsStr::from_bytes(b"na\xefve.jpg")),
        );
        let scan = scan(&root);
        assert_eq!(
            lines(&scan),
            ["caf\\xe9/na\\xefve.jpg = caf\\xe9", "plain/1.jpg = plain"]
        );
        let found = scan.entries.get(0).unwrap();
        let sample = found.sample();
        assert_eq!(
            sample.place,
            root.path().join(from_text(&sample.name)).into()
        );
    }

    #[test]
    fn an_unreadable_folder_does_not_end_the_run() {
        use std::os::unix::fs::PermissionsExt;
        let root = tree(&["cat/1.jpg", "shut/1.jpg"]);
        let shut = root.path().join("shut");
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o000)).unwrap();
        let scan = scan(&root);
        let open_to_all = fs::read_dir(&shut).is_ok();
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(scan.entries.len(), 2);
        // The root user can read everything.
        assert!(open_to_all || lines(&scan)[1].starts_with("shut: cannot be read: "));
    }
}

mod several_folders {
    use super::*;

    fn scan(root: &Path, inputs: &[&str], labels: Labels) -> Result<Scan> {
        let inputs: Vec<PathBuf> = inputs.iter().map(|input| root.join(input)).collect();
        listed_inputs(&inputs, labels, Names::Extensions)
    }

    /// Returns each sample's name below `root`, and its class.
    fn named(root: &Path, scan: &Scan) -> Vec<(String, Option<String>)> {
        let root = format!("{}/", root.display());
        let samples = scan.entries.iter();
        samples
            .map(|found| {
                let sample = found.sample();
                let name = sample.name.strip_prefix(&root).unwrap();
                (name.to_owned(), sample.class.as_deref().map(str::to_owned))
            })
            .collect()
    }

    #[test]
    fn with_class_folders_share_their_classes() {
        let root = tree(&[
            "a/cat/1.jpg",
            "a/dog/1.jpg",
            "b/cat/1.jpg",
            "b/fox/x/1.jpg",
            "b/elk/x.txt",
        ]);
        let scan = scan(root.path(), &["a", "b"], Labels::FromFolders).unwrap();
        assert_eq!(scan.layout, FolderLayout::ClassFolders);
        let wanted = [
            ("a/cat/1.jpg", "cat"),
            ("a/dog/1.jpg", "dog"),
            ("b/cat/1.jpg", "cat"),
            ("b/fox/x/1.jpg", "fox"),
        ];
        let wanted = wanted.map(|(name, class)| (name.to_owned(), Some(class.to_owned())));
        assert_eq!(named(root.path(), &scan), wanted);
        assert_eq!(scan.empty_classes, ["elk"]);
        assert_eq!(scan.ignored["txt"], 1);
    }

    #[test]
    fn a_class_is_empty_only_where_all_its_folders_are() {
        let root = tree(&["a/cat/1.jpg", "a/dog/x.txt", "b/dog/1.jpg"]);
        let scan = scan(root.path(), &["a", "b"], Labels::FromFolders).unwrap();
        assert!(scan.empty_classes.is_empty(), "{:?}", scan.empty_classes);
    }

    #[test]
    fn given_twice_count_once() {
        let root = tree(&["a/cat/1.jpg", "a/dog/1.jpg"]);
        let scan = scan(root.path(), &["a", "a/"], Labels::FromFolders).unwrap();
        assert_eq!(scan.entries.len(), 2);
    }

    #[test]
    fn with_and_without_classes_are_refused() {
        let root = tree(&["a/cat/1.jpg", "b/1.jpg"]);
        for inputs in [["a", "b"], ["b", "a"], ["a", "b/1.jpg"]] {
            let problem = problem(scan(root.path(), &inputs, Labels::FromFolders));
            let text = problem.to_string();
            assert!(text.contains("a folder for each class"), "{text}");
            assert!(
                matches!(&problem, ImagesError::MixedFolders { with, .. } if with.ends_with('a')),
                "{problem:?}"
            );
        }
        assert_eq!(
            scan(root.path(), &["a", "b"], Labels::None)
                .unwrap()
                .entries
                .len(),
            2
        );
    }

    #[test]
    fn that_are_flat_have_no_classes() {
        let root = tree(&["a/1.jpg", "b/1.jpg"]);
        let scan = scan(root.path(), &["a", "b"], Labels::FromFolders).unwrap();
        assert_eq!(scan.layout, FolderLayout::Flat);
        let wanted = ["a/1.jpg", "b/1.jpg"].map(|name| (name.to_owned(), None));
        assert_eq!(named(root.path(), &scan), wanted);
    }
}

#[test]
fn a_list_is_read_as_it_comes_and_no_further_than_wanted() {
    let mut names = Vec::new();
    let each = |path: PathBuf| {
        names.push(path);
        names.len() < 3
    };
    read_list(
        &b"a.jpg\r\n\nb c.jpg\nlast\nmore"[..],
        Separator::Newline,
        each,
    )
    .unwrap();
    assert_eq!(names, ["a.jpg", "b c.jpg", "last"].map(PathBuf::from));
    let mut names = Vec::new();
    let each = |path| {
        names.push(path);
        true
    };
    read_list(&b"new\nline\0without an end"[..], Separator::Nul, each).unwrap();
    assert_eq!(names, ["new\nline", "without an end"].map(PathBuf::from));
    let mut names = Vec::new();
    let each = |path| {
        names.push(path);
        true
    };
    // A byte order mark is dropped only before the first name; elsewhere, it is part of the name.
    let marked = "\u{feff}a\n\u{feff}b\n";
    read_list(marked.as_bytes(), Separator::Newline, each).unwrap();
    assert_eq!(names, ["a", "\u{feff}b"].map(PathBuf::from));
    let endless = vec![b'x'; 2 << 20];
    let error = read_list(&endless[..], Separator::Newline, |_| true).unwrap_err();
    assert!(error.to_string().contains("1 MiB"), "{error}");
}

#[test]
fn a_list_with_nul_bytes_is_no_list_of_lines() {
    // A byte more than a name at the start, in the middle and at the end; and UTF-16.
    for list in [
        &b"a.jpg\0b.jpg\0"[..],
        b"a.jpg\nb\0.jpg\n",
        b"\xff\xfea\0\n\0",
    ] {
        let error = read_list(list, Separator::Newline, |_| true).unwrap_err();
        let problem = error.get_ref().unwrap().downcast_ref();
        assert_eq!(problem, Some(&ListProblem::Nul));
    }
}

/// Whenever it asks, a scan stops, whatever it lists.
#[test]
fn a_scan_that_should_stop_ends_at_once() {
    let root = tree(&[
        "cat/1.jpg",
        "cat/2.jpg",
        "dog/deep/er/1.jpg",
        "dog/notes.txt",
    ]);
    let inputs = |names: &[&str]| names.iter().map(|name| root.path().join(name)).collect();
    let cases: [Vec<PathBuf>; 4] = [
        inputs(&[""]),
        inputs(&["cat", "dog"]),
        inputs(&["cat/1.jpg", "cat/2.jpg"]),
        inputs(&["*/*.jpg"]),
    ];
    for paths in &cases {
        let scan =
            |progress: &StopsAt| scan_inputs(paths, Labels::None, Names::Extensions, progress);
        check_stops(&scan, 2);
    }
    let list = inputs(&["cat/1.jpg", "dog/none.jpg", "cat/2.jpg"]);
    check_stops(&|progress| scan_list(list.clone(), progress), 3);
}

/// Checks that a scan asks a number of times at least, and stops each time.
fn check_stops(scan: &dyn Fn(&StopsAt) -> Result<Scan>, least: usize) {
    let all = StopsAt::new(usize::MAX);
    scan(&all).unwrap();
    assert!(all.asked() >= least, "{}", all.asked());
    for nth in 1..=all.asked() {
        let progress = StopsAt::new(nth);
        let stopped = scan(&progress).unwrap_err();
        assert!(
            matches!(stopped, Error::Interrupted { kept: None }),
            "{stopped}"
        );
        assert!(
            progress.asked() <= nth + 2,
            "{} after {nth}",
            progress.asked()
        );
    }
}
