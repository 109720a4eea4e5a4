//! Rows match their files for any batch size, number of threads and file names, and images never change.

use std::fs;

use crate::harness::{Place, command, contents, frostline, installed_home, tree, two_classes};

/// Returns `path`, `label` and `status` of each row.
fn rows(csv: &str) -> Vec<[String; 3]> {
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let row = |record: csv::StringRecord| [0, 1, 3].map(|i| record[i].to_owned());
    reader
        .records()
        .map(|record| row(record.unwrap()))
        .collect()
}

#[test]
fn rows_are_the_same_whatever_the_batches_and_threads() {
    let Some(place) = Place::fitted() else { return };
    two_classes(&place.folder().join("ten"), 5, 20);
    fs::write(place.path("ten/blue/2b.jpg"), "text").unwrap();
    let classify = "classify {dir}/ten --head {dir}/head";
    let mut wanted = Vec::new();
    for i in ["0", "1", "2", "2b", "3", "4"] {
        let file = if i == "2b" {
            "2b.jpg".to_owned()
        } else {
            format!("{i}.png")
        };
        wanted.push((format!("blue/{file}"), if i == "2b" { "" } else { "blue" }));
    }
    wanted.extend((0..5).map(|i| (format!("red/{i}.png"), "red")));
    for batch in ["1", "3", "4", "10", "64"] {
        for threads in ["1", "8"] {
            let ran = place.frostline(&format!(
                "{classify} --batch-size {batch} --threads {threads}"
            ));
            let rows = rows(&ran.exits(3).out);
            let got = rows
                .iter()
                .map(|[path, label, _]| (path.as_str(), label.as_str()));
            let wanted = wanted
                .iter()
                .map(|(name, label)| (place.path(&format!("ten/{name}")), *label));
            for (got, wanted) in got.zip(wanted) {
                assert_eq!(
                    got,
                    (wanted.0.as_str(), wanted.1),
                    "batch {batch}, {threads} threads"
                );
            }
            assert_eq!(rows.len(), 11);
        }
    }
}

/// Uses EfficientNet-Lite0, whose sums may be computed in a different order.
#[test]
fn batches_of_1_and_32_agree() {
    let Some(_) = installed_home() else { return };
    let place = Place::empty();
    two_classes(&place.folder().join("images"), 8, 0);
    let (images, head) = (place.path("images"), place.path("head"));
    let [one, many] = ["1", "32"].map(|batch| {
        let store = place.path(batch);
        frostline(["extract", &images, "-o", &store, "--batch-size", batch]).exits(0);
        contents(&store)
    });
    assert_eq!(one.0, many.0);
    for (digest, features) in &one.1 {
        let differences = features
            .iter()
            .zip(&many.1[digest])
            .map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f32::max);
        assert!(largest <= 1e-4, "{largest}");
    }
    frostline(["fit-head", &place.path("1"), "-o", &head]).exits(0);
    let [one, many] = ["1", "32"].map(|batch| {
        let args = ["classify", &images, "--head", &head, "--batch-size", batch];
        rows(&frostline(args).exits(0).out)
    });
    assert_eq!(one, many);
    assert_eq!(one.len(), 16);
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_not_utf8_can_be_read_back() {
    use std::ffi::OsStr;
    use std::io::Write;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Stdio;

    use frostline::images::path_text::from_text;

    let Some(place) = Place::installed() else {
        return;
    };
    two_classes(&place.folder().join("images"), 6, 0);
    // Latin-1: a lone byte e9 is not valid UTF-8.
    let class = place
        .folder()
        .join("images")
        .join(OsStr::from_bytes(b"caf\xe9"));
    fs::rename(place.path("images/red"), &class).unwrap();
    let file = class.join(OsStr::from_bytes(b"na\xefve.png"));
    fs::rename(class.join("3.png"), &file).unwrap();
    place
        .frostline("extract {dir}/images -o {dir}/store")
        .exits(0)
        .says(&["caf\\xe9 6"]);
    place
        .frostline("fit-head {dir}/store -o {dir}/head")
        .exits(0);
    let ran = place
        .frostline("classify {dir}/images --head {dir}/head")
        .exits(0);
    assert!(
        ran.out
            .starts_with("path,label,probability,status,p_blue,p_caf\\xe9\n"),
        "{}",
        ran.out
    );
    let rows = rows(&ran.out);
    let row = rows
        .iter()
        .find(|[path, ..]| path.contains("na\\xefve"))
        .unwrap();
    assert_eq!(
        (from_text(&row[0]), row[1].as_str()),
        (file.clone(), "caf\\xe9")
    );

    let mut listed = place.command("classify - -0 --head {dir}/head");
    let mut child = listed
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(file.as_os_str().as_bytes())
        .unwrap();
    let out = child.wait_with_output().unwrap().stdout;
    assert_eq!(self::rows(std::str::from_utf8(&out).unwrap())[0], *row);

    let args = [
        OsStr::new("classify"),
        file.as_os_str(),
        OsStr::new("--head"),
        OsStr::new("head"),
    ];
    let mut command = command(args);
    command
        .current_dir(place.folder())
        .env("FROSTLINE_HOME", place.path("home"));
    assert!(command.output().unwrap().status.success());
}

#[test]
fn no_command_touches_the_images() {
    let Some(place) = Place::fitted() else { return };
    fs::write(place.path("images/red/2b.jpg"), "text").unwrap();
    fs::write(place.path("images/notes.txt"), "text").unwrap();
    let images = place.folder().join("images");
    let modified = |name: &str| fs::metadata(images.join(name)).unwrap().modified().unwrap();
    let times = || ["", "red", "blue", "red/0.png"].map(modified);
    let before = (tree(&images), times());
    let commands: &[(i32, &str)] = &[
        (3, "extract {dir}/images -o {dir}/new"),
        (3, "extract {dir}/images -o {dir}/new --overwrite"),
        (1, "extract {dir}/images -o {dir}/images"),
        (1, "extract {dir}/images -o {dir}/images --overwrite"),
        (3, "classify {dir}/images --head {dir}/head"),
        (
            3,
            "classify {dir}/images --head {dir}/head --store {dir}/new",
        ),
        (
            1,
            "classify {dir}/images --head {dir}/head --store {dir}/images",
        ),
        (3, "evaluate {dir}/images --head {dir}/head"),
        (1, "fit-head {dir}/images -o {dir}/new-head"),
        (1, "features show {dir}/images"),
        (1, "features export {dir}/images -o {dir}/table"),
        (1, "models show {dir}/images/red/0.png"),
    ];
    for (code, args) in commands {
        place.frostline(args).exits(*code);
        assert!(
            (tree(&images), times()) == before,
            "`{args}` changed the images"
        );
    }
}
