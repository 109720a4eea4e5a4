//! `classify --only-new`: each image is reported once, and none is lost.

use std::fs;

use crate::harness::{BLUE, Place, RED, write_picture};

const LINE: &str = "classify {dir}/inbox --head {dir}/head --only-new --state {dir}/seen.txt";

/// Returns the names of the reported images, sorted.
fn reported(csv: &str) -> Vec<String> {
    let rows = csv.lines().skip(1).filter_map(|row| row.split(',').next());
    let names = rows.filter_map(|path| path.rsplit('/').next());
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn each_image_is_reported_once_whatever_its_name() {
    let Some(place) = Place::fitted() else { return };
    let inbox = place.folder().join("inbox");
    write_picture(&inbox.join("a.png"), BLUE, 900);
    write_picture(&inbox.join("b.png"), RED, 901);
    fs::write(inbox.join("bad.png"), "no picture").unwrap();
    let first = place.frostline(LINE).exits(3);
    assert_eq!(reported(&first.out), ["a.png", "b.png", "bad.png"]);
    // Renamed is not new; what cannot be used is reported again.
    fs::rename(inbox.join("a.png"), inbox.join("c.png")).unwrap();
    write_picture(&inbox.join("d.png"), RED, 902);
    let second = place
        .frostline(LINE)
        .exits(3)
        .says(&["left out 2 images seen before"]);
    assert_eq!(reported(&second.out), ["bad.png", "d.png"]);
    fs::remove_file(inbox.join("bad.png")).unwrap();
    let before = fs::read_to_string(place.path("seen.txt")).unwrap();
    let none = place.frostline(LINE).exits(0);
    assert!(reported(&none.out).is_empty());
    assert_eq!(fs::read_to_string(place.path("seen.txt")).unwrap(), before);
    // One line for each image, and the title and the checksum.
    assert_eq!(before.lines().count(), 5);
}

#[test]
fn images_whose_rows_were_not_written_are_reported_again() {
    let Some(place) = Place::fitted() else { return };
    write_picture(&place.folder().join("inbox/a.png"), BLUE, 900);
    fs::create_dir(place.path("out.csv")).unwrap();
    place
        .frostline(&format!("{LINE} -o {{dir}}/out.csv"))
        .exits(1);
    assert!(!place.folder().join("seen.txt").exists());
    assert_eq!(reported(&place.frostline(LINE).exits(0).out), ["a.png"]);
    // A damaged state is not taken for an empty one.
    let state = fs::read_to_string(place.path("seen.txt")).unwrap();
    fs::write(place.path("seen.txt"), &state[..state.len() - 3]).unwrap();
    place.frostline(LINE).exits(1).says(&["cut off", "--state"]);
    assert_eq!(
        fs::read_to_string(place.path("seen.txt")).unwrap(),
        state[..state.len() - 3]
    );
}

#[test]
fn rows_that_are_not_written_again_are_not_replaced() {
    let Some(place) = Place::fitted() else { return };
    write_picture(&place.folder().join("inbox/a.png"), BLUE, 900);
    let line = format!("{LINE} -o {{dir}}/new.csv");
    place.frostline(&line).exits(0);
    let rows = fs::read_to_string(place.path("new.csv")).unwrap();
    assert_eq!(reported(&rows), ["a.png"]);
    place
        .frostline(&line)
        .exits(1)
        .says(&["not reported again", "--overwrite"]);
    assert_eq!(fs::read_to_string(place.path("new.csv")).unwrap(), rows);
    place.frostline(&format!("{line} --overwrite")).exits(0);
    // Nor is a state made of them.
    let same = LINE.replace("seen.txt", "both.csv") + " -o {dir}/both.csv";
    place.frostline(&same).exits(2).says(&["the same file"]);
    assert!(!place.folder().join("both.csv").exists());
}

#[cfg(unix)]
#[test]
fn a_link_to_the_state_stays_one() {
    let Some(place) = Place::fitted() else { return };
    write_picture(&place.folder().join("inbox/a.png"), BLUE, 900);
    place.frostline(LINE).exits(0);
    std::os::unix::fs::symlink(place.path("seen.txt"), place.path("link")).unwrap();
    write_picture(&place.folder().join("inbox/b.png"), RED, 901);
    let linked = place.frostline(&LINE.replace("seen.txt", "link")).exits(0);
    assert_eq!(reported(&linked.out), ["b.png"]);
    assert!(
        fs::symlink_metadata(place.path("link"))
            .unwrap()
            .is_symlink()
    );
    assert!(reported(&place.frostline(LINE).exits(0).out).is_empty());
}
