//! Tests of the registry.

use super::*;

#[test]
fn the_compiled_manifests_are_right() {
    let known = Registry::known();
    assert!(
        known
            .iter()
            .any(|manifest| manifest.name == DEFAULT_BACKBONE)
    );
    assert!(known.is_sorted_by(|a, b| a.name < b.name));
    for manifest in known {
        manifest.preprocessing.check().unwrap();
    }
}

#[test]
fn each_file_in_models_is_compiled_in_under_its_name() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    files.sort();
    let known: Vec<_> = Registry::known().into_iter().map(|m| m.name).collect();
    assert_eq!(known, files);
    assert!(known.iter().any(|name| name == "vgg19"));
}

#[test]
fn sources_are_complete() {
    for manifest in Registry::known() {
        let source = manifest.source.expect("a known backbone has a source");
        let name = source.file_name().unwrap();
        assert!(
            manifest.license.is_some() && source.bytes > 1_000_000,
            "{name}"
        );
        let hex = |c: char| c.is_ascii_digit() || ('a'..='f').contains(&c);
        assert!(source.sha256.len() == 64 && source.sha256.chars().all(hex));
        assert!(source.package.is_some() == source.urls.is_empty(), "{name}");
        for url in &source.urls {
            assert!(
                url.starts_with("https://") && url.ends_with(&format!("/{name}")),
                "{url}"
            );
        }
    }
}

#[test]
fn a_file_has_a_separator_or_an_ending() {
    let files = [
        "./a",
        "a/b",
        "/a",
        "a/",
        "a.onnx",
        "a.ONNX",
        "x.pth",
        "x.safetensors",
    ];
    for file in files {
        assert!(is_file_name(Path::new(file)), "{file}");
    }
    for name in [
        "a",
        "efficientnet-lite0",
        "vgg-1.5",
        "a.b",
        "onnx",
        ".onnx",
        "..",
        ".",
    ] {
        assert!(!is_file_name(Path::new(name)), "{name}");
    }
}

/// A model of IR 8 and opset 13 with one node.
const TINY: &[u8] = b"\x08\x08\x3a\x0b\x0a\x09\x12\x01y\x22\x04Relu\x42\x02\x10\x0d";

fn install(home: &Home, name: &str, manifest: &str) -> PathBuf {
    let models = home.models();
    fs::create_dir_all(&models).unwrap();
    let path = models.join(name).with_added_extension("onnx");
    fs::write(&path, TINY).unwrap();
    fs::write(path.with_extension("toml"), manifest).unwrap();
    path
}

#[test]
fn an_installed_backbone_has_the_name_of_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Home::at(folder.path()));
    let path = install(&registry.home, "mine-1.5", "name = \"mine-1.5\"");
    assert_eq!(registry.resolve(Path::new("mine-1.5")).unwrap().path, path);
    install(&registry.home, "other", "name = \"efficientnet-lite0\"");
    let error = registry.resolve(Path::new("other")).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("its manifest is for `efficientnet-lite0`"),
        "{error}"
    );
    let listing = registry.list();
    let known = listing
        .backbones
        .iter()
        .find(|b| b.manifest.name == DEFAULT_BACKBONE);
    assert_eq!(known.unwrap().path, None);
    assert_eq!(listing.broken.len(), 1);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let registry = Registry::new(Home::at(folder.path()));
    let beside = install(&registry.home, "a", "").with_extension("toml");
    for kind in ["a named pipe", "a device"] {
        fs::remove_file(&beside).unwrap();
        if kind == "a device" {
            std::os::unix::fs::symlink("/dev/zero", &beside).unwrap();
        } else {
            let made = std::process::Command::new("mkfifo").arg(&beside).status();
            assert!(made.unwrap().success());
        }
        let error = registry
            .resolve(&beside.with_extension("onnx"))
            .unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains(kind), "{cause}");
        assert!(registry.resolve(Path::new("a")).is_err());
        assert_eq!(registry.list().broken.len(), 1);
    }
}

#[cfg(unix)]
#[test]
fn a_network_that_others_can_write_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let home = Home::at(folder.path());
    let registry = Registry::new(home.clone());
    let path = install(&home, "a", "name = \"a\"");
    let sha256 = registry.resolve(Path::new("a")).unwrap().sha256().unwrap();
    for place in [
        &path,
        &path.with_extension("toml"),
        &home.models(),
        &folder.path().into(),
    ] {
        let before = fs::metadata(place).unwrap().permissions();
        fs::set_permissions(place, fs::Permissions::from_mode(0o777)).unwrap();
        let error = registry.resolve(Path::new("a")).unwrap_err();
        assert!(
            error.to_string().contains(&*place.to_string_lossy()),
            "{error}"
        );
        if place != &path.with_extension("toml") {
            assert!(registry.find_by_hash("a", &sha256, None).is_err());
        }
        let shared = Registry::new(home.clone().allow_shared());
        assert!(shared.resolve(Path::new("a")).is_ok());
        // The user's own file may be anywhere.
        assert!(registry.resolve(&path).is_ok());
        fs::set_permissions(place, before).unwrap();
    }
    assert!(registry.find_by_hash("a", &sha256, None).is_ok());
}

#[test]
fn a_known_name_says_where_it_would_be() {
    let registry = Registry::new(Home::at("/nonexistent"));
    let error = registry.resolve(Path::new("vgg19")).unwrap_err();
    assert!(error.to_string().contains("not installed"), "{error}");
    let (place, backbones) = not_installed(error);
    assert_eq!(place, Path::new("/nonexistent/models/vgg19.onnx"));
    assert!(backbones.contains(&"vgg19".to_owned()));
}

/// Returns where a network would be installed, and the available backbones.
fn not_installed(error: Error) -> (PathBuf, Vec<String>) {
    match error {
        Error::Backbone(BackboneError::Network {
            problem:
                NetworkProblem::NotInstalled {
                    place, backbones, ..
                },
            ..
        }) => (place, backbones),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_path_without_a_network_is_no_name() {
    let registry = Registry::new(Home::at("/nonexistent"));
    for path in ["..", ".", "a/b", "./x", "/", "src/.."] {
        let error = registry.resolve(Path::new(path)).unwrap_err();
        let said = format!(
            "cannot use the network `{path}`: it is neither the name of a backbone nor a file"
        );
        assert_eq!(error.to_string(), said);
    }
    let missing = registry.resolve(Path::new("a/b.onnx")).unwrap_err();
    assert!(
        missing.to_string().starts_with("cannot read `a/b.onnx`"),
        "{missing}"
    );
}

#[test]
fn an_unknown_name_lists_the_known_ones() {
    let registry = Registry::new(Home::at("/nonexistent"));
    let error = registry.resolve(Path::new("no-such-net")).unwrap_err();
    assert!(error.to_string().contains("no-such-net"), "{error}");
    let (_, backbones) = not_installed(error);
    assert!(backbones.contains(&DEFAULT_BACKBONE.to_owned()));
}
