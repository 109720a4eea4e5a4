//! A second run over unchanged files reads nothing and needs no backbone.

use std::fs::{self, File};
use std::thread::sleep;
use std::time::Duration;

use crate::harness::{Place, Ran, run, two_classes};

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

/// The file only saves time. The limit on the size of files stands for a full disk.
#[cfg(target_os = "linux")]
#[test]
fn stamps_that_cannot_be_written_are_a_note() {
    const NOTE: &str = "`stamps.arrow` was not written, so the next run may read files again: ";
    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 1, 0);
    // They share their features, so the part is small.
    for copy in 1..=400 {
        let copy = place.path(&format!("images/red/{copy}.png"));
        fs::copy(place.path("images/red/0.png"), copy).unwrap();
    }
    sleep(Duration::from_millis(2100));
    place.frostline(EXTRACT).exits(0);
    let size = |name: &str| fs::metadata(place.folder().join(name)).unwrap().len();
    let files = ["part-00000.arrow", "index.arrow", "manifest.json"];
    let others = files.map(|name| size(&format!("store/{name}"))).into_iter();
    let blocks = others.max().unwrap().div_ceil(512);
    assert!(size("store/stamps.arrow") > 512 * blocks, "{blocks} blocks");
    let limited = |line: &str| {
        let mut shell = std::process::Command::new("sh");
        let script = format!("ulimit -f {blocks}; exec \"$0\" \"$@\"");
        let command = place.command(line);
        shell.args(["-c", &script]).arg(command.get_program());
        shell
            .args(command.get_args())
            .env("FROSTLINE_HOME", place.path("home"));
        run(&mut shell)
    };
    let told = |ran: Ran| {
        let ran = ran.exits(0).says(&[NOTE]);
        assert!(!ran.err.contains(".frostline-"), "{}", ran.err);
    };
    told(limited("extract {dir}/images -o {dir}/new"));
    told(limited("features merge {dir}/store -o {dir}/merged"));
    for store in ["new", "merged"] {
        assert!(!place.folder().join(store).join("stamps.arrow").exists());
        let line = format!("extract {{dir}}/images -o {{dir}}/{store}");
        place
            .frostline(&line)
            .exits(0)
            .says(&["0 computed, 402 reused"]);
        // A folder in its place.
        let stamps = place.folder().join(store).join("stamps.arrow");
        fs::remove_file(&stamps).unwrap();
        fs::create_dir(&stamps).unwrap();
        told(place.frostline(&line));
    }
    told(place.frostline("features merge {dir}/store -o {dir}/merged"));
}
