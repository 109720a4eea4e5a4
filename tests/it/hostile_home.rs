//! Folders that other users can write to, files in the working directory named like backbones, and cache
//! files that frostline did not write.

#![cfg(unix)]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, SystemTime};

use crate::harness::{Place, installed_home, run, two_classes};

const CLASSIFY: &str = "classify {dir}/images --head {dir}/head";

fn set_mode(path: &str, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn pipe(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Creates [`Place::fitted`] in a folder that other users can enter.
fn open_to_all() -> Option<Place> {
    let place = Place::fitted()?;
    for name in ["", "home", "home/models"] {
        set_mode(&place.path(name), 0o755);
    }
    Some(place)
}

#[test]
fn an_installed_network_that_changed_on_disk_is_refused() {
    let Some(place) = Place::fitted() else { return };
    let import =
        "models import {dir}/home/models/efficientnet-lite0.onnx --name other --layer scaled0";
    let extract = "extract {dir}/images -o {dir}/new --backbone other";
    place.frostline(import).exits(0);
    place.frostline(extract).exits(0);
    let network = place.path("home/models/other.onnx");
    let mut bytes = fs::read(&network).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&network, &bytes).unwrap();
    for command in [extract, "models show other"] {
        place.frostline(command).exits(1).says(&[
            "other.onnx` is damaged: its SHA-256 is",
            "hint: install it again",
        ]);
    }
    let shown = place.frostline("doctor").exits(1).out;
    assert!(shown.contains("MISSING  backbone other"), "{shown}");
    place.frostline(&format!("{import} --replace")).exits(0);
    place.frostline(extract).exits(0);
}

#[test]
fn a_home_that_others_can_write_to_is_refused_by_all_that_open_a_network() {
    let Some(place) = open_to_all() else { return };
    place.frostline(CLASSIFY).exits(0);
    let commands = [
        CLASSIFY,
        "extract {dir}/images -o {dir}/new",
        "evaluate {dir}/images --head {dir}/head",
        "report {dir}/images --head {dir}/head -o {dir}/report.html",
        "suggest {dir}/images --head {dir}/head -o {dir}/suggested.csv",
        "preview {dir}/images -o {dir}/preview.png",
        "models show efficientnet-lite0",
        "models list",
        "models import {dir}/home/models/efficientnet-lite0.onnx --name other --layer scaled0",
    ];
    for (name, mode) in [("home", 0o1777), ("home/models", 0o757), ("", 0o777)] {
        let before = fs::metadata(place.path(name)).unwrap().permissions();
        set_mode(&place.path(name), mode);
        for command in commands {
            let folder = place.path(name);
            let folder = folder.trim_end_matches('/');
            place.frostline(command).exits(1).says(&[
                &format!("other users can write to `{folder}` (mode {mode:04o})"),
                &format!("hint: run `chmod go-w {folder}`"),
                "FROSTLINE_ALLOW_SHARED_HOME=1",
            ]);
        }
        let shown = place.frostline("doctor").exits(1).out;
        assert!(
            shown.contains("MISSING  FROSTLINE_HOME: other users"),
            "{shown}"
        );
        assert_eq!(shown.matches("MISSING").count(), 1, "{shown}");
        place
            .frostline(&format!("{CLASSIFY} --allow-shared-home"))
            .exits(0);
        let mut allowed = place.command(CLASSIFY);
        run(allowed.env("FROSTLINE_ALLOW_SHARED_HOME", "1")).exits(0);
        let mut not = place.command(CLASSIFY);
        run(not.env("FROSTLINE_ALLOW_SHARED_HOME", "0")).exits(1);
        fs::set_permissions(place.path(name), before).unwrap();
    }
    place.frostline(CLASSIFY).exits(0);
}

#[test]
fn no_code_is_loaded_and_no_cache_used_that_others_can_write() {
    let Some(place) = open_to_all() else { return };
    place.frostline(CLASSIFY).exits(0);
    let runtime = fs::canonicalize(place.path("home/runtime")).unwrap();
    fs::remove_file(place.path("home/runtime")).unwrap();
    fs::create_dir(place.path("home/runtime")).unwrap();
    for file in fs::read_dir(runtime).unwrap() {
        let file = file.unwrap();
        let copy = Path::new(&place.path("home/runtime")).join(file.file_name());
        fs::copy(file.path(), &copy).unwrap();
        fs::set_permissions(copy, Permissions::from_mode(0o644)).unwrap();
    }
    // A library that ONNX Runtime might load.
    let provider = place.path("home/runtime/libonnxruntime_providers_shared.so");
    fs::write(&provider, "text").unwrap();
    let graphs = fs::read_dir(place.path("home/cache/graphs")).unwrap();
    let graph = graphs.map(|entry| entry.unwrap().path()).next().unwrap();
    let graph = graph.join("graph.onnx").display().to_string();
    for (name, mode) in [
        (place.path("home/runtime"), 0o755),
        (provider, 0o644),
        (place.path("home/cache"), 0o755),
        (place.path("home/cache/graphs"), 0o755),
        (graph, 0o644),
    ] {
        set_mode(&name, mode | 0o002);
        let words = format!("other users can write to `{name}`");
        place.frostline(CLASSIFY).exits(1).says(&[&words]);
        set_mode(&name, mode);
    }
    place.frostline(CLASSIFY).exits(0);
}

#[test]
fn a_home_is_made_for_its_user_alone() {
    let place = Place::empty();
    let mut pull = place.command("models pull efficientnet-lite0");
    pull.env("PATH", "").env_remove("VIRTUAL_ENV");
    run(pull.env_remove("CONDA_PREFIX")).exits(1);
    for name in ["home", "home/downloads"] {
        let mode = fs::metadata(place.path(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700, "{name}");
    }
}

/// Files and folders in the working directory have the names of backbones that the command uses.
#[test]
fn a_file_with_the_name_of_a_backbone_is_not_taken_for_it() {
    let Some(place) = Place::fitted() else { return };
    let wanted = place
        .frostline("models show efficientnet-lite0")
        .exits(0)
        .out;
    let here = place.folder().join("here");
    fs::create_dir(&here).unwrap();
    let models = place.folder().join("home/models");
    fs::copy(
        models.join("efficientnet-lite0.onnx"),
        here.join("efficientnet-lite0"),
    )
    .unwrap();
    fs::write(
        here.join("efficientnet-lite0.toml"),
        "name = \"efficientnet-lite0\"\n[preprocessing]\nresize = 99\n",
    )
    .unwrap();
    fs::create_dir(here.join("vgg19")).unwrap();
    let in_folder = |args: &str| {
        let mut command = place.command(args);
        run(command.current_dir(&here))
    };
    assert_eq!(
        in_folder("models show efficientnet-lite0").exits(0).out,
        wanted
    );
    for args in [
        "extract {dir}/images -o {dir}/new",
        "preview {dir}/images -o {dir}/p.png",
        CLASSIFY,
    ] {
        let with_backbone = format!("{args} --backbone efficientnet-lite0");
        in_folder(&with_backbone).exits(0);
    }
    let shown = place.frostline("features show {dir}/new").exits(0).out;
    assert!(!shown.contains("99") && !shown.contains("here"), "{shown}");
    let shown = in_folder("models show ./efficientnet-lite0").exits(0).out;
    assert!(shown.contains("resize = 99"), "{shown}");
    in_folder("models show vgg19")
        .exits(1)
        .says(&["not installed", "models pull vgg19"]);
    fs::copy(here.join("efficientnet-lite0"), here.join("mine")).unwrap();
    in_folder("models show mine")
        .exits(1)
        .says(&["not installed", "`./mine`"]);
}

#[test]
fn what_is_no_file_is_not_imported() {
    let place = Place::empty();
    pipe(&place.folder().join("pipe.onnx"));
    symlink("/dev/zero", place.path("zero.onnx")).unwrap();
    for (file, kind) in [
        ("{dir}/pipe.onnx", "a named pipe"),
        ("{dir}/zero.onnx", "a device"),
        ("/dev/zero", "a device"),
        ("/dev/fd/0", "not a regular file"),
    ] {
        for args in [
            format!("models import {file}"),
            format!("models import {file} --arch resnet18"),
            format!("models pull efficientnet-lite0 --from {file}"),
        ] {
            let mut command = place.command(&args);
            let ran = run(command.stdin(std::process::Stdio::piped())).exits(1);
            ran.says(&["cannot read", kind]);
        }
    }
    assert!(!Path::new(&place.path("home/models")).exists());
}

/// Creates a home with EfficientNet-Lite0 and a filled cache, a head and its images.
fn with_cache() -> Option<Place> {
    let installed = installed_home()?;
    let place = Place::empty();
    fs::create_dir(place.path("home")).unwrap();
    symlink(
        fs::canonicalize(installed.join("runtime")).unwrap(),
        place.path("home/runtime"),
    )
    .unwrap();
    fs::create_dir(place.path("home/models")).unwrap();
    for file in ["efficientnet-lite0.onnx", "efficientnet-lite0.toml"] {
        let copy = place.folder().join("home/models").join(file);
        fs::copy(installed.join("models").join(file), copy).unwrap();
    }
    two_classes(&place.folder().join("images"), 2, 0);
    // Younger files are not cached.
    sleep(Duration::from_millis(2100));
    place
        .frostline("extract {dir}/images -o {dir}/store")
        .exits(0);
    place
        .frostline("fit-head {dir}/store -o {dir}/head")
        .exits(0);
    place.frostline(CLASSIFY).exits(0);
    Some(place)
}

fn cache_files(place: &Place) -> Vec<PathBuf> {
    let cache = place.folder().join("home/cache");
    let graphs = fs::read_dir(cache.join("graphs")).unwrap();
    let graph = graphs.map(|entry| entry.unwrap().path()).next().unwrap();
    let names = ["graph.onnx", "weights.bin", "sum"];
    let mut files = vec![cache.join("checksums.json")];
    files.extend(names.map(|name| graph.join(name)));
    assert!(files.iter().all(|file| file.is_file()), "{files:?}");
    files
}

#[test]
fn a_damaged_cache_changes_no_label() {
    let Some(place) = with_cache() else { return };
    let wanted = place.frostline(CLASSIFY).exits(0).out;
    for file in cache_files(&place) {
        let right = fs::read(&file).unwrap();
        let place_of = |i: usize| (i * 7919 + 3) * right.len() / (4 * 7919);
        for i in 0..4 {
            let mut flipped = right.clone();
            flipped[place_of(i)] ^= 1 << (2 * i);
            fs::write(&file, flipped).unwrap();
            let ran = place.frostline(CLASSIFY).exits(0);
            assert_eq!(
                ran.out,
                wanted,
                "byte {} of {}",
                place_of(i),
                file.display()
            );
        }
        fs::write(&file, &right[..right.len() / 2]).unwrap();
        assert_eq!(
            place.frostline(CLASSIFY).exits(0).out,
            wanted,
            "{}",
            file.display()
        );
    }
}

#[test]
fn pipes_and_links_in_the_cache_are_not_read() {
    let Some(place) = with_cache() else { return };
    let wanted = place.frostline(CLASSIFY).exits(0).out;
    for file in cache_files(&place) {
        let [away, name] = [place.folder().join("away"), file];
        fs::rename(&name, &away).unwrap();
        pipe(&name);
        assert_eq!(place.frostline(CLASSIFY).exits(0).out, wanted);
        if name.symlink_metadata().is_ok() {
            fs::remove_file(&name).unwrap();
        }
        symlink(&away, &name).unwrap();
        let before = fs::read(&away).unwrap();
        assert_eq!(place.frostline(CLASSIFY).exits(0).out, wanted);
        assert_eq!(fs::read(&away).unwrap(), before, "the target was changed");
        if !name.exists() {
            fs::rename(&away, &name).unwrap();
        }
    }
}

#[test]
fn what_a_killed_process_left_in_the_cache_goes() {
    let Some(place) = Place::fitted() else { return };
    fs::remove_dir_all(place.path("home/cache")).unwrap();
    let leftover = place
        .folder()
        .join("home/cache/graphs/.frostline-0123456789abcdef");
    fs::create_dir_all(&leftover).unwrap();
    fs::write(leftover.join("weights.bin"), "half").unwrap();
    let time = SystemTime::now() - Duration::from_mins(1);
    File::open(&leftover).unwrap().set_modified(time).unwrap();
    place.frostline(CLASSIFY).exits(0);
    assert!(!leftover.exists());
    let graphs = fs::read_dir(place.path("home/cache/graphs")).unwrap();
    let names = graphs.map(|entry| entry.unwrap().file_name());
    assert!(
        names
            .into_iter()
            .all(|name| !name.to_string_lossy().starts_with('.'))
    );
}
