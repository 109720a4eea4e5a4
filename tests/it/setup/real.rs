//! The whole way with the real Python, pip and network: an empty home becomes one that classifies images.

use std::fs;
use std::process::Command;

use crate::harness::{Place, installed_home, run, two_classes};

/// Returns whether pip can reach the package index; prints why the test is skipped otherwise.
fn reaches_pypi() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--retries=0",
        "--timeout=20",
    ]);
    pip.args(["--disable-pip-version-check", "--only-binary=:all:", "six"]);
    let works = pip.current_dir(folder.path()).output();
    if works.is_ok_and(|output| output.status.success()) {
        return true;
    }
    eprintln!("not tested: python3 and pip are missing, or cannot reach PyPI");
    false
}

#[test]
fn an_empty_home_is_set_up_and_classifies() {
    let images = Place::empty();
    two_classes(&images.folder().join("images"), 6, 0);
    if !reaches_pypi() {
        return;
    }
    let frostline = |args: &str| {
        let mut command = images.command(args);
        for name in ["ORT_DYLIB_PATH", "VIRTUAL_ENV", "CONDA_PREFIX"] {
            command.env_remove(name);
        }
        run(&mut command)
    };
    frostline("setup").exits(0).says(&[
        "installed ONNX Runtime",
        "installed the backbone efficientnet-lite0",
    ]);
    frostline("setup").exits(0).says(&["is already installed"]);
    frostline("extract {dir}/images -o {dir}/store").exits(0);
    frostline("fit-head {dir}/store -o {dir}/head").exits(0);
    let labels =
        frostline("classify {dir}/images/red/0.png {dir}/images/blue/0.png --head {dir}/head");
    let rows: Vec<_> = labels.exits(0).out.lines().map(str::to_owned).collect();
    assert!(
        rows[1].contains(",red,") && rows[2].contains(",blue,"),
        "{rows:?}"
    );
    if let Some(installed) = installed_home() {
        // Made from the same weights.
        let network = "models/efficientnet-lite0.onnx";
        let made = fs::read(images.folder().join("home").join(network)).unwrap();
        assert!(made == fs::read(installed.join(network)).unwrap());
    }
}
