//! `extract --retry-failed`: which images are tried again, and what becomes of the others.

use std::fs;

use crate::harness::{Place, contents, tree};
use crate::steps_shards::names;

const AGAIN: &str = "extract {dir}/images -o {dir}/store --retry-failed";

/// A store of images in two classes, with `red/bad.jpg`, which is not an image.
fn with_a_bad_one() -> Option<Place> {
    let place = Place::fitted()?;
    fs::write(place.path("images/red/bad.jpg"), "<html>").unwrap();
    place
        .frostline("extract {dir}/images -o {dir}/store")
        .exits(3);
    Some(place)
}

#[test]
fn without_an_index_nothing_is_known_to_have_failed() {
    let Some(place) = with_a_bad_one() else {
        return;
    };
    let index = place.path("store/index.arrow");
    let before = fs::read(&index).unwrap();
    fs::remove_file(&index).unwrap();
    place.frostline(AGAIN).exits(1).says(&[
        "store` lists no samples: it has no `index.arrow`",
        "run the same `frostline extract` again, without --retry-failed",
    ]);
    place
        .frostline("extract {dir}/images -o {dir}/store")
        .exits(3);
    assert_eq!(fs::read(&index).unwrap(), before);
}

#[test]
fn classes_are_those_of_all_images() {
    let Some(place) = with_a_bad_one() else {
        return;
    };
    let ran = place.frostline(AGAIN).exits(3);
    let ran = ran.says(&["0 computed, 0 reused, 1 skipped", "classes   blue 6, red 6"]);
    assert!(!ran.err.contains("class folders"), "{}", ran.err);
    // Of a class, a shard may have only images that cannot be used.
    let line = "extract {dir}/images --shard 0/3 -o {dir}/shard";
    place.frostline(line);
    for name in names(&place.path("shard")) {
        if name.starts_with("red") {
            fs::write(place.path(&format!("images/{name}")), "<html>").unwrap();
        }
    }
    let ran = place.frostline(line).exits(3).says(&["classes   blue"]);
    assert!(!ran.err.contains("class folders"), "{}", ran.err);
}

#[test]
fn a_skipped_image_that_is_gone_is_no_longer_counted() {
    let Some(place) = with_a_bad_one() else {
        return;
    };
    let Some(shard) = (0..3).map(|n| format!("{n}/3")).find(|shard| {
        let line = format!(
            "extract {{dir}}/images --shard {shard} -o {{dir}}/{}",
            &shard[..1]
        );
        place.frostline(&line).code == 3
    }) else {
        panic!("no shard has the image");
    };
    let shard = &shard[..1];
    place
        .frostline(&format!("features status {{dir}}/{shard}"))
        .exits(1);
    fs::remove_file(place.path("images/red/bad.jpg")).unwrap();
    for store in ["store", shard] {
        let line = format!("extract {{dir}}/images -o {{dir}}/{store} --retry-failed");
        let ran = place.frostline(&line).exits(0);
        ran.says(&["1 skipped image is gone and no longer listed", "0 skipped"]);
        let index = contents(&place.path(store)).0;
        assert_eq!((index.skipped().len(), index.n_used()), (0, index.len()));
    }
    place.frostline("features status {dir}/store").exits(0);
    let status = place.frostline(&format!("features status {{dir}}/{shard}"));
    assert!(status.out.contains(" finished "), "{}", status.out);
    assert_eq!(contents(&place.path("store")).0.len(), 12);
}

#[test]
fn images_of_other_runs_are_refused_and_the_rest_stays_listed() {
    let Some(place) = with_a_bad_one() else {
        return;
    };
    let before = tree(&place.folder().join("store"));
    for (images, to) in [
        ("{dir}/images/red", "store"),
        ("{dir}/images --shard 0/2", "1-2"),
    ] {
        place.frostline("extract {dir}/images --shard 1/2 -o {dir}/1-2");
        place
            .frostline(&format!("extract {images} -o {{dir}}/{to} --retry-failed"))
            .exits(1)
            .says(&[
                "lists none of these images",
                "by the same paths, and its shard",
            ]);
    }
    assert!(tree(&place.folder().join("store")) == before);
    // A list of some images does not tell whether the others exist.
    let [bad, worse] = ["bad", "worse"].map(|name| place.path(&format!("images/red/{name}.jpg")));
    fs::copy(&bad, &worse).unwrap();
    fs::write(place.path("list"), format!("{bad}\n{worse}")).unwrap();
    let line = "extract --list {dir}/list -o {dir}/listed";
    place.frostline(line).exits(1);
    fs::write(place.path("list"), &bad).unwrap();
    let ran = place.frostline(&format!("{line} --retry-failed")).exits(3);
    ran.says(&["1 skipped image is not among these images and not tried again"]);
    assert_eq!(names(&place.path("listed")), [bad, worse]);
}
