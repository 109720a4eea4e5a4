//! The preview of what the network will see.

use std::fs;

use crate::harness::{RED, frostline, two_classes, write_picture};

#[test]
fn a_grid_of_what_the_network_will_see() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(&folder.path().join("images"), 10, 0);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (images, grid) = (path("images"), path("grid.png"));
    // The preview does not need the network to be installed.
    let args = ["preview", &images, "-o", &grid, "--preset", "tutorial"];
    frostline(args)
        .exits(0)
        .says(&["16 images of 224 × 224 pixels"]);
    let sheet = image::open(&grid).unwrap().to_rgb8();
    // Four columns of 224 and five margins of 8; four rows of 16 + 224 and five margins.
    assert_eq!(sheet.dimensions(), (4 * 224 + 40, 4 * 240 + 40));
    // Without a resize, the 40 × 30 pixels of the first image are in the middle of black, from (92, 97) on.
    let first = image::open(folder.path().join("images/blue/0.png"))
        .unwrap()
        .to_rgb8();
    let seen = |x: u32, y: u32| *sheet.get_pixel(8 + x, 8 + 16 + y);
    assert_eq!(seen(0, 0).0, [0, 0, 0]);
    assert_eq!(seen(92, 97), *first.get_pixel(0, 0));
    assert_eq!(seen(131, 126), *first.get_pixel(39, 29));
}

#[test]
fn a_bad_image_is_named_and_the_rest_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(&folder.path().join("images"), 1, 0);
    fs::write(folder.path().join("images/blue/a.png"), "no picture").unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    frostline(["preview", &path("images"), "-o", &path("grid.png")])
        .exits(3)
        .says(&["2 images", "blue/a.png"]);
    fs::write(folder.path().join("none.png"), "no picture").unwrap();
    let reason = "is a text file, not an image";
    frostline(["preview", &path("none.png"), "-o", &path("never.png")])
        .exits(1)
        .says(&["cannot preview `", "none.png`: ", reason]);
    let both = [path("none.png"), path("images/blue/a.png")];
    frostline(["preview", &both[0], &both[1], "-o", &path("never.png")])
        .exits(1)
        .says(&[
            "none of 2 images could be used; for example, `",
            "none.png`: ",
            reason,
        ]);
    assert!(!folder.path().join("never.png").exists());
}

#[test]
fn images_of_any_name_are_shown_when_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    write_picture(&folder.path().join("images/photo.jpg?w=300"), RED, 1);
    write_picture(&folder.path().join("images/IMG_2"), RED, 2);
    let path = |name: &str| folder.path().join(name).display().to_string();
    let args = ["preview", &path("images"), "-o", &path("grid.png")];
    frostline(args).exits(1).says(&["contains no image files"]);
    frostline([&args[..], &["--any-name"]].concat())
        .exits(0)
        .says(&["2 images of"]);
}
