//! A second run over unchanged files reads nothing and needs no backbone.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::Duration;

use crate::harness::{Place, two_classes};

const EXTRACT: &str = "extract {dir}/images -o {dir}/store";

#[test]
fn what_is_known_is_told_without_a_network_and_what_changed_is_computed() {
    let Some(place) = Place::installed() else {
        return;
    };
    let images = place.folder().join("images");
    two_classes(&images, 3, 0);
    place
        .frostline(EXTRACT)
        .exits(0)
        .says(&["6 computed, 0 duplicates"]);
    // Stamps count only once the clock has moved on; until then the files are read.
    place
        .frostline(EXTRACT)
        .exits(0)
        .says(&["0 computed, 6 reused"]);
    sleep(Duration::from_millis(2100));
    place
        .frostline(EXTRACT)
        .exits(0)
        .says(&["0 computed, 6 reused"]);
    let index = fs::read(place.folder().join("store/index.arrow")).unwrap();
    let stamped = fs::metadata(place.folder().join("store/stamps.arrow")).unwrap();
    let without = |args: &str| {
        let mut command = place.command(args);
        command.env("ORT_DYLIB_PATH", place.folder().join("no-runtime"));
        crate::harness::run(&mut command)
    };
    for args in [EXTRACT, "extract {dir}/images -o {dir}/store --verify"] {
        without(args)
            .exits(0)
            .says(&["0 computed, 6 reused", "not needed: all features cached"]);
    }
    assert_eq!(
        fs::read(place.folder().join("store/index.arrow")).unwrap(),
        index
    );
    let still = fs::metadata(place.folder().join("store/stamps.arrow")).unwrap();
    assert_eq!(
        still.modified().unwrap(),
        stamped.modified().unwrap(),
        "something was written"
    );
    // Features that may differ need the network.
    without("extract {dir}/images -o {dir}/store --precision fp16").exits(1);
    // If the modification time is set back, the change time reveals the new content.
    let class = fs::read_dir(&images)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let mut files: Vec<_> = fs::read_dir(class)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.sort();
    let (bytes, modified) = (
        fs::read(&files[0]).unwrap(),
        fs::metadata(&files[0]).unwrap().modified().unwrap(),
    );
    let other = fs::read(&files[1]).unwrap();
    fs::write(&files[0], &other).unwrap();
    File::options()
        .write(true)
        .open(&files[0])
        .unwrap()
        .set_modified(modified)
        .unwrap();
    place
        .frostline(EXTRACT)
        .exits(0)
        .says(&["0 computed, 6 reused"]);
    assert_ne!(
        fs::read(place.folder().join("store/index.arrow")).unwrap(),
        index,
        "the index is unchanged"
    );
    fs::write(&files[0], &bytes).unwrap();
    place
        .frostline(EXTRACT)
        .exits(0)
        .says(&["0 computed, 6 reused"]);
    assert_eq!(
        fs::read(place.folder().join("store/index.arrow")).unwrap(),
        index
    );
    // A store without stamps, as older versions wrote it, works too.
    fs::remove_file(place.folder().join("store/stamps.arrow")).unwrap();
    without(EXTRACT).exits(0).says(&["0 computed, 6 reused"]);
}
