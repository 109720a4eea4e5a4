//! Hints for errors of `backbones`.

use std::path::Path;

use frostline::backbones::{ALLOW_SHARED, Architecture};
use frostline::error::{BackboneError, HomeProblem, KnownFile, SharedPlace, SharedReason};

use super::{hub, network, runtime};

/// Returns what the user can do about the error.
pub(super) fn hint(error: &BackboneError) -> Option<String> {
    let hint = match error {
        BackboneError::Network { path, problem } => return network::hint(path, problem),
        BackboneError::Runtime(problem) => return runtime::hint(problem),
        BackboneError::Home(problem) => return home(problem),
        BackboneError::Unknown { known, .. } => format!("known backbones: {}", known.join(", ")),
        BackboneError::UnknownArchitecture { .. } => {
            let known = Architecture::ALL.map(|known| known.to_string());
            format!("choose one of {}", known.join(", "))
        }
        BackboneError::OtherNetwork { .. } => {
            "use the network that the features were extracted with".to_owned()
        }
        BackboneError::Download {
            file, path, kept, ..
        } => download(file, path, *kept),
        BackboneError::Hub { problem, .. } => return hub::hint(problem),
        BackboneError::HubVariable { variable, .. } => match *variable {
            "HF_ENDPOINT" => "set it to a URL such as https://HOST, or unset it; passwords go into HF_TOKEN",
            _ => "set it anew, or unset it",
        }
        .to_owned(),
        BackboneError::Proxy { .. } => {
            "set it to http://HOST:PORT or socks5h://HOST:PORT, or unset it".to_owned()
        }
        BackboneError::DiskFull { .. } => {
            "free some space and run the command again, or set FROSTLINE_HOME to a folder on another disk"
                .to_owned()
        }
        _ => return None,
    };
    Some(hint)
}

fn download(file: &KnownFile, path: &Path, kept: u64) -> String {
    let (bytes, sha256) = (file.bytes, &file.sha256);
    let kept = match kept {
        0 => String::new(),
        kept => format!("; {kept} bytes are saved, and the next run continues from there"),
    };
    format!(
        "download it yourself ({bytes} bytes, SHA-256 {sha256}) and pass it with `--from FILE` or save it as \
         `{}`; or set a mirror with `--url URL`, or HTTPS_PROXY or ALL_PROXY to a proxy{kept}",
        path.display()
    )
}

fn home(problem: &HomeProblem) -> Option<String> {
    Some(match problem {
        HomeProblem::Unknown(_) => "set FROSTLINE_HOME to an absolute path".to_owned(),
        HomeProblem::Relative(path) => format!(
            "set it to an absolute path: FROSTLINE_HOME=$PWD/{}",
            path.display()
        ),
        HomeProblem::Shared(SharedPlace { place, reason }) => {
            let fix = match reason {
                SharedReason::Mode(_) => format!("run `chmod go-w {}`", place.display()),
                _ => "set FROSTLINE_HOME to a folder of your own".to_owned(),
            };
            format!("{fix}, or set {ALLOW_SHARED}=1 if you trust everyone who can write there")
        }
        HomeProblem::ReadOnly { .. } => {
            "set FROSTLINE_HOME to a writable folder: backbones are installed there, and its caches make \
             starts faster"
                .to_owned()
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use frostline::backbones::{Home, Registry};
    use frostline::error::Error;

    use super::super::hint;

    #[test]
    fn a_name_that_is_no_architecture() {
        let error = Error::from("vgg20".parse::<super::Architecture>().unwrap_err());
        let hint = hint(&error).unwrap();
        assert!(hint.starts_with("choose one of efficientnet-lite0, efficientnet-lite1"));
    }

    #[test]
    fn the_registry_is_listed() {
        let error = Registry::known_by_name("no-such-net").unwrap_err();
        let hint = hint(&error).unwrap();
        assert!(
            hint.starts_with("known backbones: ") && hint.contains("vgg19"),
            "{hint}"
        );
    }

    #[test]
    fn a_file_that_does_not_come_can_be_given() {
        let failed = |kept| {
            hint(&Error::from(super::BackboneError::Download {
                file: Box::new(super::KnownFile {
                    name: "net.onnx".to_owned(),
                    bytes: 200_000,
                    sha256: "5ac6".to_owned(),
                }),
                failures: Vec::new(),
                path: "/home/downloads/net.onnx".into(),
                kept,
            }))
            .unwrap()
        };
        let nothing = failed(0);
        for word in [
            "--from FILE",
            "`/home/downloads/net.onnx`",
            "200000 bytes",
            "5ac6",
        ] {
            assert!(nothing.contains(word), "{nothing}");
        }
        assert!(nothing.ends_with("a proxy"), "{nothing}");
        assert!(failed(7).ends_with("7 bytes are saved, and the next run continues from there"));
    }

    #[cfg(unix)]
    #[test]
    fn a_home_that_others_can_write_is_closed_by_chmod() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        std::fs::create_dir_all(home.models()).unwrap();
        let mode = std::fs::Permissions::from_mode(0o777);
        std::fs::set_permissions(home.models(), mode).unwrap();
        let open = std::fs::Permissions::from_mode(0o755);
        for place in [folder.path(), home.path()] {
            std::fs::set_permissions(place, open.clone()).unwrap();
        }
        let error = home.check_private().unwrap_err();
        let wanted = format!("run `chmod go-w {}`, or set", home.models().display());
        assert!(hint(&error).unwrap().starts_with(&wanted), "{error}");
    }
}
