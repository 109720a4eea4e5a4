//! What `features merge` and `features status` say of shards that are not those of one run, and of what is no
//! shard.

use std::fs;

use crate::harness::{Place, contents, two_classes};

fn extract(place: &Place, line: &str) {
    let ran = place.frostline(&format!("extract {line}"));
    ran.exits(0);
}

/// Extracts both halves of some images into `{to}0` and `{to}1`.
fn halves(place: &Place, inputs: &str, to: &str) {
    for half in 0..2 {
        extract(
            place,
            &format!("{inputs} --shard {half}/2 -o {{dir}}/{to}{half}"),
        );
    }
}

#[test]
fn shards_of_two_folders_are_not_one_run() {
    let Some(place) = Place::fitted() else { return };
    // Other images, of other names: 16 and not 12.
    two_classes(&place.folder().join("others"), 8, 50);
    halves(&place, "{dir}/images", "a");
    halves(&place, "{dir}/others", "b");
    let words = [
        "a0` and `",
        "b1` cannot be merged: they are the shards 0/2 of 12 images in `",
        "images` and 1/2 of 16 images in `",
        "others`",
    ];
    for command in [
        "features merge -o {dir}/merged --partial",
        "features status",
    ] {
        let line = format!("{command} {{dir}}/a0 {{dir}}/b1");
        place.frostline(&line).exits(1).says(&words);
        // Both are shard 1/2.
        let line = format!("{command} {{dir}}/a0 {{dir}}/a1 {{dir}}/b1");
        let said = [
            "they are the shards 1/2 with ",
            " images that are not the same",
        ];
        place.frostline(&line).exits(1).says(&said);
    }
    assert!(!place.folder().join("merged").exists());
}

/// Machines see the same folder under different paths.
#[test]
fn the_same_images_under_another_path_are_one_run() {
    let Some(place) = Place::fitted() else { return };
    fs::create_dir(place.path("mount")).unwrap();
    for (name, bytes) in crate::harness::tree(&place.folder().join("images")) {
        let path = place.folder().join("mount").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    extract(&place, "{dir}/images --shard 0/2 -o {dir}/0");
    extract(&place, "{dir}/mount --shard 1/2 -o {dir}/1");
    let ran = place.frostline("features merge {dir}/0 {dir}/1 -o {dir}/merged");
    let ran = ran.exits(0);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
    assert_eq!(
        contents(&place.path("merged")).0,
        contents(&place.path("store")).0
    );
}

#[test]
fn images_that_came_between_two_shards_are_told() {
    let Some(place) = Place::fitted() else { return };
    extract(&place, "{dir}/images --shard 0/2 -o {dir}/0");
    two_classes(&place.folder().join("images"), 8, 0);
    extract(&place, "{dir}/images --shard 1/2 -o {dir}/1");
    let said = [
        "the images have changed between the shards: `",
        "0` is one of 12 images in `",
        "1` of 16 images",
        "images may be missing",
    ];
    for command in ["features merge -o {dir}/merged", "features status"] {
        let line = format!("{command} {{dir}}/0 {{dir}}/1");
        place.frostline(&line).exits(0).says(&said);
    }
    // The older shard again, which opens no network.
    extract(&place, "{dir}/images --shard 0/2 -o {dir}/0");
    let ran = place
        .frostline("features merge {dir}/0 {dir}/1 -o {dir}/merged")
        .exits(0);
    assert!(!ran.err.contains("changed"), "{}", ran.err);
    assert_eq!(contents(&place.path("merged")).0.len(), 16);
}

/// The list of each machine may have another order.
#[test]
fn the_order_of_a_list_does_not_matter() {
    let Some(place) = Place::fitted() else { return };
    let mut paths: Vec<String> = ["red/1", "blue/0", "red/5", "blue/4"]
        .map(|name| place.path(&format!("images/{name}.png")))
        .into();
    for half in 0..2 {
        paths.reverse();
        fs::write(place.path("list"), paths.join("\n")).unwrap();
        extract(
            &place,
            &format!("--list {{dir}}/list --shard {half}/2 -o {{dir}}/{half}"),
        );
    }
    let ran = place
        .frostline("features merge {dir}/0 {dir}/1 -o {dir}/merged")
        .exits(0);
    assert!(!ran.err.contains("warning"), "{}", ran.err);
}

/// Records of earlier versions do not tell what was divided.
#[test]
fn old_records_are_accepted() {
    let Some(place) = Place::fitted() else { return };
    two_classes(&place.folder().join("others"), 8, 50);
    extract(&place, "{dir}/images --shard 0/2 -o {dir}/0");
    extract(&place, "{dir}/others --shard 1/2 -o {dir}/1");
    let path = place.path("1/shard.json");
    let mut record: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let fields = record.as_object_mut().unwrap();
    assert!(fields.remove("divided").is_some() && fields.remove("checksum").is_some());
    let text = serde_json::to_string_pretty(&record).unwrap();
    let blank = "0".repeat(64);
    let open = text.trim_end_matches("\n}");
    let mut bytes = format!("{open},\n  \"checksum\":\"{blank}\"\n}}\n").into_bytes();
    assert!(frostline::features::fuzz::reseal(&mut bytes));
    fs::write(&path, bytes).unwrap();
    place
        .frostline("features merge {dir}/0 {dir}/1 -o {dir}/merged")
        .exits(0);
}

#[test]
fn a_target_whose_own_run_has_not_finished_is_refused() {
    let Some(place) = Place::fitted() else { return };
    halves(&place, "{dir}/images", "");
    fs::remove_file(place.path("store/index.arrow")).unwrap();
    let line = "features merge {dir}/0 {dir}/1 -o {dir}/store";
    place.frostline(line).exits(1).says(&[
        "the extraction into `",
        "store` has not finished",
        "--partial",
    ]);
    assert!(!place.folder().join("store/index.arrow").exists());
    let partial = place.frostline(&format!("{line} --partial"));
    partial.exits(0).says(&["unfinished shards", "store"]);
    assert_eq!(contents(&place.path("store")).0.len(), 12);
}

#[test]
fn images_that_no_source_has_are_counted() {
    let Some(place) = Place::fitted() else { return };
    halves(&place, "{dir}/images", "");
    let line = "features merge {dir}/0 {dir}/1 -o {dir}/merged";
    let ran = place.frostline(line).exits(0);
    assert!(!ran.err.contains("kept"), "{}", ran.err);
    fs::remove_file(place.path("images/red/0.png")).unwrap();
    fs::rename(
        place.path("images/red/1.png"),
        place.path("images/red/new.png"),
    )
    .unwrap();
    halves(&place, "{dir}/images", "");
    let kept = "kept      2 images of the existing store in none of the sources";
    place.frostline(line).exits(0).says(&["13 images", kept]);
    let json = place.frostline(&format!("{line} --format json")).exits(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(
        (&json["n_kept"], &json["n_images"]),
        (&2.into(), &13.into())
    );
    let fresh = "features merge {dir}/0 {dir}/1 -o {dir}/fresh";
    place.frostline(fresh).exits(0).says(&["11 images"]);
}

#[test]
fn partial_results_do_without_a_store() {
    let Some(place) = Place::fitted() else { return };
    extract(&place, "{dir}/images --shard 0/2 -o {dir}/0");
    let line = "features merge {dir}/0 {dir}/1 -o {dir}/merged";
    place.frostline(line).exits(1).says(&["1` does not exist"]);
    place
        .frostline(&format!("{line} --partial"))
        .exits(0)
        .says(&[
            "missing stores:",
            "missing shards:",
            "1/2",
            "from 1 source,",
        ]);
    place
        .frostline("features merge {dir}/1 -o {dir}/none --partial")
        .exits(1)
        .says(&["there are no stores to merge"]);
}

#[test]
fn what_is_no_shard_is_named() {
    let Some(place) = Place::fitted() else { return };
    halves(&place, "{dir}/images", "shards/");
    let all = "{dir}/shards/0 {dir}/shards/1";
    fs::write(place.path("shards/slurm.log"), "done").unwrap();
    fs::create_dir(place.path("shards/old")).unwrap();
    for stray in ["slurm.log", "old"] {
        let line = format!("features merge {all} {{dir}}/shards/{stray} -o {{dir}}/merged");
        let ran = place.frostline(&line).exits(1);
        ran.says(&[
            &format!("shards/{stray}` is neither a feature store nor a table of features"),
            "hint: leave it out: a pattern such as `shards/*` matches everything",
        ]);
        let line = format!("features status {all} {{dir}}/shards/{stray}");
        let ran = place.frostline(&line).exits(1);
        assert!(ran.out.contains("stray"), "{}", ran.out);
        ran.says(&[
            &format!("shards/{stray}` is not a feature store"),
            "leave it out",
        ]);
    }
}

#[test]
fn a_shard_is_counted_once() {
    let Some(place) = Place::fitted() else { return };
    halves(&place, "{dir}/images", "");
    extract(&place, "{dir}/images --shard 1/2 -o {dir}/copy");
    let total = |stores: &str| {
        let ran = place.frostline(&format!("features status {stores} --format json"));
        let json: serde_json::Value = serde_json::from_str(&ran.exits(0).out).unwrap();
        [&json["n_images"], &json["n_done"]].map(|n| n.as_u64().unwrap())
    };
    assert_eq!(total("{dir}/0 {dir}/1"), [12, 12]);
    assert_eq!(total("{dir}/0 {dir}/1 {dir}/copy"), [12, 12]);
    assert_eq!(total("{dir}/0 {dir}/1 {dir}/copy/../0"), [12, 12]);
    assert_eq!(total("{dir}/store {dir}/store/"), [12, 12]);
    // An unfinished copy does not hide the finished one.
    fs::remove_file(place.path("1/index.arrow")).unwrap();
    let ran = place
        .frostline("features status {dir}/0 {dir}/1 {dir}/copy")
        .exits(1);
    let totals = ran
        .out
        .lines()
        .find(|line| line.starts_with("total"))
        .unwrap();
    let totals: Vec<&str> = totals.split_whitespace().collect();
    assert_eq!(totals[1..], ["12", "12", "0", "0"]);
}
