//! Existing files, local files given with `--from`, concurrent downloads, and links or pipes at the target.

use std::fs;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use frostline::Error;
use frostline::backbones::Fetched;
use frostline::error::FileKind;

use super::{LFS_POINTER, Place, SHA256, content, server};
use crate::scripted_server::{Reply, Server, has_loopback, ok, rest};

#[test]
fn a_file_that_is_there_needs_no_network() {
    if !has_loopback() {
        return;
    }
    let place = Place::new();
    fs::create_dir_all(&place.download.folder).unwrap();
    fs::write(place.download.path(), content()).unwrap();
    let (server, urls) = server([]);
    assert_eq!(place.fetch(&urls).unwrap(), Fetched::BeforeNow);
    assert!(server.requests().is_empty());
}

#[test]
fn a_wrong_file_at_its_place_is_replaced() {
    if !has_loopback() {
        return;
    }
    let place = Place::new();
    fs::create_dir_all(&place.download.folder).unwrap();
    fs::write(place.download.path(), &content()[..1000]).unwrap();
    let (server, urls) = server([rest(&content(), 1000)]);
    place.fetches(&urls);
    assert_eq!(server.ranges(), [Some("bytes=1000-".to_owned())]);
}

#[test]
fn a_wrong_file_at_its_place_does_not_replace_a_longer_part() {
    if !has_loopback() {
        return;
    }
    let place = Place::with_part(&content()[..5000]);
    fs::write(place.download.path(), [9; 2000]).unwrap();
    let (server, urls) = server([rest(&content(), 5000)]);
    place.fetches(&urls);
    assert_eq!(server.ranges(), [Some("bytes=5000-".to_owned())]);
}

#[test]
fn a_second_pull_is_kept_away_and_does_no_harm() {
    if !has_loopback() {
        return;
    }
    let whole = ok(&content());
    let pieces: Vec<_> = whole.chunks(whole.len() / 4).map(<[u8]>::to_vec).collect();
    let slow = Server::new(vec![Reply::Slow(pieces, Duration::from_millis(100))]);
    let place = Place::new();
    thread::scope(|scope| {
        scope.spawn(|| place.fetches(&[slow.url("/net.onnx")]));
        while slow.requests().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        let error = place.fetch(&[slow.url("/net.onnx")]).unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error:?}");
        let error = place
            .download
            .adopt(&write(&place, "copy", &content()))
            .unwrap_err();
        assert!(matches!(error, Error::Locked { .. }), "{error:?}");
    });
    place.is_complete();
}

fn write(place: &Place, name: &str, bytes: &[u8]) -> PathBuf {
    let path = place.folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_file_by_hand_is_checked_and_copied() {
    let place = Place::with_part(&[1; 77]);
    let file = write(&place, "from-usb.bin", &content());
    assert_eq!(place.download.adopt(&file).unwrap(), Fetched::Now);
    place.is_complete();
    assert!(file.exists());
    assert_eq!(place.download.adopt(&file).unwrap(), Fetched::BeforeNow);
}

#[test]
fn what_is_given_by_hand_instead_is_named() {
    let mut wrong = content();
    wrong[3] = 9;
    let cases: [(&[u8], &str); 5] = [
        (LFS_POINTER, "a Git LFS pointer"),
        (b"<html>", "a web page"),
        (&content()[..1000], "cut off: it has 1000 bytes"),
        (&[content(), vec![0]].concat(), "it has 200001 bytes"),
        (&wrong, "SHA-256"),
    ];
    for (bytes, words) in cases {
        let place = Place::new();
        let error = place
            .download
            .adopt(&write(&place, "given", bytes))
            .unwrap_err();
        let Error::File { kind, .. } = &error else {
            panic!("{error:?}");
        };
        let said = error.to_string();
        assert!(said.contains("given") && said.contains(words), "{said}");
        let FileKind::Known(file) = kind else {
            panic!("{error:?}");
        };
        assert_eq!((file.bytes, &*file.sha256), (200_000, SHA256));
        assert!(!place.download.path().exists());
    }
    let error = Place::new()
        .download
        .adopt("/no/such/file".as_ref())
        .unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error:?}");
}

/// A prepared folder cannot make frostline change or create files elsewhere, and pipes and devices are
/// refused immediately.
#[cfg(unix)]
#[test]
fn links_and_pipes_in_its_place_are_refused() {
    use std::os::unix::fs::symlink;
    if !has_loopback() {
        return;
    }
    for name in ["net.onnx.part", "net.onnx.lock"] {
        let place = Place::with_part(b"");
        fs::remove_file(place.part()).unwrap();
        let victim = write(&place, "victim", b"precious");
        let planted = place.download.folder.join(name);
        for target in [&victim, &place.folder.path().join("missing")] {
            symlink(target, &planted).unwrap();
            let (_server, urls) = server([ok(&content())]);
            let error = place.fetch(&urls).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert_eq!(cause, "it is a symbolic link, not a regular file");
            fs::remove_file(&planted).unwrap();
        }
        fs::hard_link(&victim, &planted).unwrap();
        place.fetch(&server([ok(&content())]).1).unwrap_err();
        assert_eq!(fs::read(&victim).unwrap(), b"precious");
        assert!(!place.folder.path().join("missing").exists());
        assert!(!place.download.path().exists());
    }
    let place = Place::with_part(b"");
    let pipe = place.folder.path().join("pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    for given in [&*pipe, "/dev/zero".as_ref(), place.folder.path()] {
        let error = place.download.adopt(given).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error:?}");
    }
    fs::rename(&pipe, place.download.path()).unwrap();
    place.fetch(&server([ok(&content())]).1).unwrap_err();
}

#[cfg(unix)]
#[test]
fn a_link_to_the_file_is_followed_and_to_another_one_is_replaced() {
    use std::os::unix::fs::symlink;
    if !has_loopback() {
        return;
    }
    let place = Place::with_part(b"");
    let right = write(&place, "right", &content());
    let wrong = write(&place, "wrong", &content()[..1000]);
    symlink(&right, place.download.path()).unwrap();
    let (none, urls) = server([]);
    assert_eq!(place.fetch(&urls).unwrap(), Fetched::BeforeNow);
    assert!(none.requests().is_empty());
    let link = place.folder.path().join("link");
    symlink(&right, &link).unwrap();
    fs::remove_file(place.download.path()).unwrap();
    assert_eq!(place.download.adopt(&link).unwrap(), Fetched::Now);
    fs::remove_file(place.download.path()).unwrap();
    symlink(&wrong, place.download.path()).unwrap();
    place.fetches(&server([ok(&content())]).1);
    assert!(!place.download.path().is_symlink());
    assert_eq!(fs::read(&wrong).unwrap(), content()[..1000]);
}
