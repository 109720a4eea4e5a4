//! Features and probabilities that are not finite or too large: only the affected image is skipped, with the
//! reason.

use std::fs;

use frostline::backbones::DEFAULT_BACKBONE;
use frostline::head::{HeadFile, LinearHead, TrainingRecord};

use crate::harness::{
    Place, WHITE, WHITE_IS_INFINITE, contents, gains, two_classes, write_picture,
};

/// Creates `images` of two classes with two identical white images among the red ones, and a network that
/// multiplies by the gains `all` one after another.
fn with_white(all: &[f32]) -> Option<Place> {
    let place = Place::installed()?;
    let network = format!("home/models/{DEFAULT_BACKBONE}.onnx");
    gains(&place.folder().join(network), all);
    two_classes(&place.folder().join("images"), 6, 0);
    for name in ["2white", "3white"] {
        let path = place.folder().join(format!("images/red/{name}.png"));
        write_picture(&path, WHITE, 1);
    }
    Some(place)
}

/// Removes the training record from the head, so that `evaluate`, `report` and `suggest` use its training
/// images.
fn forget_training_images(place: &Place) {
    let head = HeadFile {
        record: TrainingRecord::default(),
        ..HeadFile::read(place.path("head")).unwrap()
    };
    head.write(place.path("head")).unwrap();
}

fn largest(store: &str) -> f32 {
    let (_, features) = contents(store);
    let values = features.values().flatten();
    values.fold(0.0, |most: f32, value| {
        assert!(value.is_finite(), "{value}");
        most.max(value.abs())
    })
}

#[test]
fn an_image_with_infinite_features_is_skipped_by_every_command() {
    let Some(place) = with_white(&WHITE_IS_INFINITE) else {
        return;
    };
    let reason = "2white.png: has features that are not finite";
    let again = "3white.png: has features that are not finite";
    for batch in ["1", "3", "64"] {
        let args = format!("extract {{dir}}/images -o {{dir}}/{batch} --batch-size {batch}");
        let ran = place.frostline(&args).exits(3);
        ran.says(&["12 computed, 0 duplicates, 2 skipped", reason, again]);
        assert!((1.0..2.3).contains(&largest(&place.path(batch))));
    }
    place.frostline("fit-head {dir}/64 -o {dir}/head").exits(0);
    forget_training_images(&place);
    for store in ["", " --store {dir}/new", " --store {dir}/new"] {
        let args = format!("classify {{dir}}/images --head {{dir}}/head{store}");
        let ran = place.frostline(&args).exits(3);
        let rows: Vec<&str> = ran.out.lines().skip(1).collect();
        assert_eq!(rows.len(), 14);
        let skipped = rows.iter().filter(|row| row.contains("not finite"));
        assert_eq!(skipped.count(), 2, "{rows:#?}");
        assert_eq!(rows.iter().filter(|row| row.contains(",ok,")).count(), 12);
        assert!(!ran.out.contains(",NaN"), "{}", ran.out);
    }
    for args in [
        "evaluate {dir}/images --head {dir}/head",
        "suggest {dir}/images --head {dir}/head",
        "report {dir}/images --head {dir}/head -o {dir}/page.html",
    ] {
        place.frostline(args).exits(3).says(&[reason, again]);
    }
}

/// 32,000 times the values of red and blue, at most 2.04, stays below 65,504; for white's 2.5 it does not.
#[test]
fn what_16_bits_cannot_hold_is_not_kept() {
    let Some(place) = with_white(&[32_000.0]) else {
        return;
    };
    let extract = "extract {dir}/images -o {dir}/half --dtype f16";
    for times in ["12 computed, 0 duplicates", "0 computed, 12 reused"] {
        let ran = place.frostline(extract).exits(3);
        ran.says(&[times, "2 skipped", "beyond 65504", "--dtype f32"]);
    }
    assert!((3e4..65_504.0).contains(&largest(&place.path("half"))));
    let full = "extract {dir}/images -o {dir}/full";
    place
        .frostline(full)
        .exits(0)
        .says(&["13 computed, 1 duplicate"]);
    assert!(largest(&place.path("full")) > 65_536.0);
}

#[test]
fn a_store_of_16_bits_keeps_nothing_of_features_that_are_all_too_large() {
    let Some(place) = with_white(&[1e6]) else {
        return;
    };
    let extract = "extract {dir}/images -o {dir}/half --dtype f16";
    let ran = place.frostline(extract).exits(1);
    ran.says(&["none of 14 images could be used", "--dtype f32"]);
    assert!(!fs::exists(place.path("half/part-00000.arrow")).unwrap());
}

/// One weight of the head makes only white's logits infinite: 2.5 × 1.5e38 overflows a float.
#[test]
fn a_probability_that_is_no_number_is_not_ok() {
    let Some(place) = with_white(&[1.0]) else {
        return;
    };
    place
        .frostline("extract {dir}/images -o {dir}/store")
        .exits(0);
    place
        .frostline("fit-head {dir}/store -o {dir}/head")
        .exits(0);
    forget_training_images(&place);
    let write = |name: &str, huge: f32| {
        let file = HeadFile::read(place.path("head")).unwrap();
        let mut weight = file.head.weight().to_owned();
        // The map's last value is in its blue channel.
        weight.row_mut(0)[191] = huge;
        weight.row_mut(1)[191] = -huge;
        let head = LinearHead::new(weight, file.head.bias().to_owned()).unwrap();
        HeadFile { head, ..file }.write(place.path(name)).unwrap();
    };
    write("white", 1.5e38);
    write("all", 3.4e38);
    let why = "has probabilities that are not finite";
    for store in ["", " --store {dir}/store"] {
        let args = format!("classify {{dir}}/images --head {{dir}}/white{store}");
        let ran = place.frostline(&args).exits(3);
        let bad: Vec<&str> = ran.out.lines().filter(|row| row.contains(why)).collect();
        assert_eq!(bad.len(), 2, "{}", ran.out);
        assert!(
            bad.iter().all(|row| row.contains("white.png,,,skipped: ")),
            "{bad:?}"
        );
        assert_eq!(ran.out.matches(",ok,").count(), 12);
        assert!(!ran.out.contains(",NaN"), "{}", ran.out);
    }
    for data in ["images", "store"] {
        for (command, output) in [
            ("evaluate", ""),
            ("suggest", ""),
            ("report", " -o {dir}/page"),
        ] {
            let args = format!("{command} {{dir}}/{data} --head {{dir}}/white{output}");
            let ran = place.frostline(&args).exits(3).says(&["2white.png", why]);
            assert!(!ran.out.contains("NaN"), "`{args}`: {}", ran.out);
        }
    }
    for args in [
        "classify {dir}/images --head {dir}/all",
        "evaluate {dir}/store --head {dir}/all",
        "suggest {dir}/store --head {dir}/all",
        "report {dir}/store --head {dir}/all -o {dir}/none",
    ] {
        let ran = place.frostline(args).exits(1);
        assert!((ran.out + &ran.err).contains(why), "`{args}`: {}", ran.err);
    }
}
