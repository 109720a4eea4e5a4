//! A store in a read-only folder can be read and used; only extracting new images into it fails.

#![cfg(unix)]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;

use crate::harness::{Place, Ran, run, tree, two_classes};

/// Runs the command as a user whom file modes and limits restrict; root switches to a user who owns nothing.
/// Returns `None` and prints why if root cannot switch.
pub(crate) fn bound_by_modes(command: Command) -> Option<Command> {
    let folder = tempfile::tempdir().unwrap();
    if fs::metadata(folder.path()).unwrap().uid() != 0 {
        return Some(command);
    }
    let nobody = |program: &std::ffi::OsStr| {
        let mut nobody = Command::new("setpriv");
        nobody.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
        nobody.arg(program);
        nobody
    };
    let works = nobody(command.get_program()).arg("--version").output();
    if !works.is_ok_and(|output| output.status.success()) {
        eprintln!("not tested: root cannot run the binary as another user");
        return None;
    }
    let mut other = nobody(command.get_program());
    other.args(command.get_args());
    for (name, value) in command.get_envs() {
        other.env(name, value.unwrap_or_default());
    }
    Some(other)
}

fn read_only(place: &Place, args: &str) -> Option<Ran> {
    Some(run(&mut bound_by_modes(place.command(args))?))
}

/// Copies the runtime into the home: another user cannot follow a link into a private home.
pub(crate) fn copy_runtime(place: &Place) {
    let runtime = place.folder().join("home/runtime");
    let installed = fs::canonicalize(&runtime).unwrap();
    fs::remove_file(&runtime).unwrap();
    fs::create_dir(&runtime).unwrap();
    for file in fs::read_dir(installed).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), runtime.join(file.file_name())).unwrap();
    }
}

/// Creates [`Place::fitted`] with a store that only root can write to, and `new`, six images missing from the
/// store, two of them identical.
pub(crate) fn with_closed_store() -> Option<Place> {
    let place = Place::fitted()?;
    copy_runtime(&place);
    two_classes(&place.folder().join("new"), 3, 100);
    let equal = fs::read(place.path("new/red/0.png")).unwrap();
    fs::write(place.path("new/red/1.png"), equal).unwrap();
    for (path, mode) in [("", 0o755), ("store", 0o555)] {
        fs::set_permissions(place.path(path), Permissions::from_mode(mode)).unwrap();
    }
    Some(place)
}

#[test]
fn a_store_that_is_read_only_is_read() {
    let Some(place) = with_closed_store() else {
        return;
    };
    let before = tree(&place.folder().join("store"));
    let classify = "classify {dir}/images --head {dir}/head";
    let wanted = place.frostline(classify).exits(0).out;
    let stored = format!("{classify} --store {{dir}}/store");
    let Some(ran) = read_only(&place, &stored) else {
        return;
    };
    let ran = ran.exits(0);
    assert_eq!(ran.out, wanted);
    assert!(!ran.err.contains("read-only"), "{}", ran.err);
    let extract = "extract {dir}/images -o {dir}/store";
    let ran = read_only(&place, extract).unwrap().exits(0);
    ran.says(&["0 computed, 12 reused"]);
    assert_eq!(tree(&place.folder().join("store")), before);
}

/// Nothing has to be written if an image cannot be used again.
#[test]
fn a_store_with_a_skipped_image_is_read_too() {
    let Some(place) = Place::fitted() else { return };
    copy_runtime(&place);
    let bad = place.path("images/red/bad.jpg");
    fs::write(&bad, "<html>").unwrap();
    let extract = "extract {dir}/images -o {dir}/store";
    place.frostline(extract).exits(3);
    for (path, mode) in [("", 0o755), ("store", 0o555)] {
        fs::set_permissions(place.path(path), Permissions::from_mode(mode)).unwrap();
    }
    let before = tree(&place.folder().join("store"));
    let again = format!("{extract} --retry-failed");
    for (line, words) in [
        (extract, "0 computed, 12 reused, 1 skipped"),
        (&again, "0 computed, 0 reused, 1 skipped"),
        (
            "features merge {dir}/store -o {dir}/store",
            "added     0 vectors",
        ),
    ] {
        let Some(ran) = read_only(&place, line) else {
            return;
        };
        ran.exits(3).says(&[words]);
    }
    // A fixed or new image must be written.
    let place_of_new = place.path("images/red/new.png");
    two_classes(&place.folder().join("new"), 1, 100);
    for file in [&bad, &place_of_new] {
        fs::copy(place.path("new/red/0.png"), file).unwrap();
        let ran = read_only(&place, extract).unwrap().exits(1);
        ran.says(&["store` is read-only and does not contain all of the images"]);
        fs::write(&bad, "<html>").unwrap();
    }
    place.frostline("extract {dir}/new -o {dir}/other").exits(0);
    read_only(&place, "features merge {dir}/other -o {dir}/store")
        .unwrap()
        .exits(1)
        .says(&["store` is read-only and does not contain all of the images"]);
    assert_eq!(tree(&place.folder().join("store")), before);
}

#[test]
fn a_merge_into_a_closed_folder_names_the_store() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir(place.path("closed")).unwrap();
    for (path, mode) in [("", 0o755), ("closed", 0o555)] {
        fs::set_permissions(place.path(path), Permissions::from_mode(mode)).unwrap();
    }
    let line = "features merge {dir}/store -o {dir}/closed/new";
    let Some(ran) = read_only(&place, line) else {
        return;
    };
    let wanted = format!(
        "cannot create `{}`: Permission denied",
        place.path("closed/new")
    );
    let ran = ran.exits(1).says(&[&wanted]);
    assert!(!ran.err.contains(".frostline-"), "{}", ran.err);
}

#[test]
fn new_images_are_classified_and_their_features_not_kept() {
    let Some(place) = with_closed_store() else {
        return;
    };
    let before = tree(&place.folder().join("store"));
    let classify = "classify {dir}/new {dir}/images --head {dir}/head";
    let wanted = place.frostline(classify).exits(0).out;
    let stored = format!("{classify} --store {{dir}}/store");
    let Some(ran) = read_only(&place, &stored) else {
        return;
    };
    let ran = ran
        .exits(0)
        .says(&["read-only: the features of 6 images were computed but not stored"]);
    assert_eq!(ran.out, wanted);
    let extract = "extract {dir}/new -o {dir}/store";
    let ran = read_only(&place, extract).unwrap().exits(1);
    ran.says(&["store` is read-only and does not contain all of the images"]);
    assert_eq!(tree(&place.folder().join("store")), before);
}

/// A closed folder, or a closed manifest in an open one, may be a store; that it is none is not known.
#[test]
fn a_store_that_may_not_be_read_is_not_called_something_else() {
    let Some(place) = with_closed_store() else {
        return;
    };
    for (closed, mode) in [
        ("store", 0o700),
        ("store", 0o744),
        ("store/manifest.json", 0o600),
    ] {
        fs::set_permissions(place.path("store"), Permissions::from_mode(0o755)).unwrap();
        for part in tree(&place.folder().join("store")).keys() {
            let part = place.folder().join("store").join(part);
            fs::set_permissions(part, Permissions::from_mode(0o600)).unwrap();
        }
        fs::set_permissions(place.path(closed), Permissions::from_mode(mode)).unwrap();
        let wanted = format!("cannot read `{}`: Permission denied", place.path(closed));
        for args in [
            "fit-head {dir}/store -o -",
            "features show {dir}/store",
            "inspect {dir}/store",
            "evaluate {dir}/store --head {dir}/head",
            "report {dir}/store --head {dir}/head -o -",
            "suggest {dir}/store --head {dir}/head",
        ] {
            let Some(ran) = read_only(&place, args) else {
                return;
            };
            ran.exits(1).says(&[&wanted]);
        }
    }
}
