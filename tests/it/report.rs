//! The command line's report, with real features and files.

use std::fs;

use crate::harness::{BLUE, Browser, Place, RED, write_picture};
use crate::inputs::{archive, compress, images, parquet_of};

/// Creates four validation images, one of them in the wrong folder, with their features in `val`.
fn place() -> Option<Place> {
    let place = Place::fitted()?;
    let images = place.folder().join("new");
    for (name, colour, seed) in [
        ("blue/a.png", BLUE, 70),
        ("blue/b.png", RED, 71),
        ("red/c.png", RED, 72),
        ("red/d.png", RED, 73),
    ] {
        write_picture(&images.join(name), colour, seed);
    }
    place.frostline("extract {dir}/new -o {dir}/val").exits(0);
    Some(place)
}

/// Counts the thumbnails of evaluated images, and of the training images near them.
fn pictures(page: &str) -> usize {
    thumbnails(page).len()
}

#[test]
fn a_store_with_its_images_and_the_training_images_near() {
    let Some(place) = place() else { return };
    place
        .frostline(
            "report --head {dir}/head {dir}/val --images {dir}/new --train {dir}/store \
            --train-images {dir}/images -o {dir}/r.html",
        )
        .exits(0)
        .says(&["3 of 4 images right"]);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    // Four images, and the five training images nearest to the only mistake.
    assert_eq!(pictures(&page), 9);
    for words in [
        "75.0\u{a0}%",
        "95\u{a0}% confidence interval",
        "efficientnet-lite0",
        "Most confident mistakes",
        "ONNX Runtime",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let Some(browser) = Browser::start() else {
        return;
    };
    browser.open(&place.folder().join("r.html"));
    browser.click(".confusion [data-truth='0'][data-predicted='1']");
    let names = browser
        .texts("return [...document.querySelectorAll('#cell .tile')].map((tile) => tile.title)");
    assert_eq!(names, ["blue/b.png"]);
    // The red image's nearest neighbours are red training images.
    let near = browser.texts(
        "return [...document.querySelectorAll('#worst .neighbours li \
        .other')].map((word) => word.textContent)",
    );
    assert_eq!(near, ["red"; 5]);
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn other_pictures_of_the_same_names_are_not_shown() {
    let Some(place) = place() else { return };
    write_picture(&place.folder().join("new/red/c.png"), BLUE, 99);
    place
        .frostline("fit-head {dir}/store -o {dir}/own")
        .exits(0);
    place
        .frostline("report --head {dir}/own {dir}/val --images {dir}/new --train {dir}/val -o {dir}/r.html")
        .exits(0)
        .says(&[
            "1 image without a thumbnail, such as `red/c.png`: its file was not found in `",
            "The head was not trained on 4 images of the store",
        ]);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    // Three images, and the two unchanged ones near the only mistake.
    assert_eq!(pictures(&page), 5);
    // The training images are the evaluated ones, which are no duplicates of themselves.
    assert!(!page.contains("training and evaluated"));
}

#[test]
fn a_folder_of_images_shows_itself() {
    let Some(place) = place() else { return };
    fs::write(place.folder().join("new/red/broken.png"), "no picture").unwrap();
    place
        .frostline("report --head {dir}/head {dir}/new -o {dir}/r.html")
        .exits(3)
        .says(&["3 of 4 images right", "red/broken.png"]);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    assert_eq!(pictures(&page), 4);
    assert!(
        page.contains("\"path\":\"blue/b.png\""),
        "names are those below the folder"
    );
}

#[test]
fn a_folder_keeps_its_features_in_a_new_store() {
    let Some(place) = place() else { return };
    for _ in 0..2 {
        let line = "report --head {dir}/head {dir}/new --store {dir}/kept --train {dir}/store -o \
            {dir}/r.html";
        place
            .frostline(line)
            .exits(0)
            .says(&["3 of 4 images right"]);
    }
}

#[test]
fn labels_that_could_not_be_checked_are_not_called_right() {
    let Some(place) = place() else { return };
    place
        .frostline("extract {dir}/images/blue -o {dir}/flat")
        .exits(0);
    let line = "report --head {dir}/head {dir}/val --train {dir}/flat -o {dir}/r.html";
    place.frostline(line).exits(0);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    let why = "labels were not checked for errors: 6 of the 6 images have no class";
    assert!(page.contains(&format!(
        "<h3>Possible label errors</h3><p class=\"fine\">{why}</p>"
    )));
}

#[test]
fn a_store_alone_says_how_its_images_are_shown() {
    let Some(place) = place() else { return };
    fs::rename(place.path("new"), place.path("gone")).unwrap();
    place
        .frostline("report --head {dir}/head {dir}/val -o {dir}/r.html")
        .exits(0)
        .says(&["add --images"]);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    assert_eq!(pictures(&page), 0);
    // The page is made by the library, so it names the parameter, not the option.
    assert!(
        page.contains("set <code><bdi>images</bdi></code> to their folder")
            && !page.contains("--images")
    );
    place
        .frostline("report --head {dir}/head {dir}/gone --train {dir}/store -o {dir}/never.html")
        .exits(1)
        .says(&["add --store"]);
    assert!(!place.folder().join("never.html").exists());
}

/// A store remembers where its images were: also several folders, in a merged store, and after it was moved
/// with them.
#[test]
fn a_store_finds_its_images() {
    let Some(place) = place() else { return };
    let pictures = |of: &str, all: &str| {
        let line =
            format!("report --head {{dir}}/head {of} --include-training {all} -o {{dir}}/r.html");
        place.frostline(&(line + " --overwrite")).exits(0);
        pictures(&fs::read_to_string(place.path("r.html")).unwrap())
    };
    assert_eq!(pictures("{dir}/val", "--train {dir}/store"), 9);
    place
        .frostline("features merge {dir}/val {dir}/store -o {dir}/all")
        .exits(0);
    assert_eq!(pictures("{dir}/all", ""), 16);
    place
        .frostline("extract {dir}/new {dir}/images -o {dir}/both")
        .exits(0);
    assert_eq!(pictures("{dir}/both", ""), 16);
    fs::create_dir(place.path("moved")).unwrap();
    for name in ["val", "new"] {
        fs::rename(place.path(name), place.path(&format!("moved/{name}"))).unwrap();
    }
    assert_eq!(pictures("{dir}/moved/val", ""), 4);
    // Other images with the same names are not shown.
    fs::remove_dir_all(place.path("moved/new")).unwrap();
    crate::harness::two_classes(&place.folder().join("new"), 6, 400);
    fs::rename(place.path("new/red/0.png"), place.path("new/red/c.png")).unwrap();
    assert_eq!(pictures("{dir}/moved/val", ""), 0);
    fs::remove_file(place.path("all/roots.json")).unwrap();
    assert_eq!(pictures("{dir}/all", ""), 0);
}

/// Returns the thumbnails of a page that are in its gallery, and those that the script reads.
fn thumbnails(page: &str) -> Vec<&str> {
    let gallery = page.split("<img data-photo=\"").skip(1);
    let numbered = |rest: &&str| rest.starts_with(|c: char| c.is_ascii_digit());
    let gallery = gallery
        .filter(numbered)
        .filter_map(|rest| rest.split_once("base64,"));
    let near = page.split("\"jpeg\":\"").skip(1);
    let all = gallery.map(|(_, jpeg)| jpeg).chain(near);
    let mut all: Vec<_> = all.filter_map(|rest| rest.split('"').next()).collect();
    all.sort_unstable();
    all
}

/// The thumbnails of members of archives and rows of tables are those of the same images as files.
#[test]
fn images_that_are_not_files_are_shown_like_files() {
    let Some(place) = place() else { return };
    let page = |data: &str| {
        let line =
            format!("report --head {{dir}}/head {data} --include-training -o {{dir}}/r.html");
        place.frostline(&(line + " --overwrite")).exits(0);
        fs::read_to_string(place.folder().join("r.html")).unwrap()
    };
    let files = page("{dir}/images");
    let wanted = thumbnails(&files);
    assert_eq!(wanted.len(), 12);
    let tar = archive(&images(&place));
    compress(&tar, &place.folder().join("a.tar.gz"));
    fs::write(place.path("a.tar"), tar).unwrap();
    fs::write(place.path("a.parquet"), parquet_of(&place)).unwrap();
    for name in ["a.tar", "a.tar.gz", "a.parquet"] {
        let shown = page(&format!("{{dir}}/{name}"));
        assert_eq!(thumbnails(&shown), wanted, "{name}");
        assert!(shown.contains("\"path\":\"blue/0.png\""), "{name}");
        let extract = format!("extract {{dir}}/{name} -o {{dir}}/of-{name}");
        place.frostline(&extract).exits(0);
        for stored in ["", " --images {dir}/{name}"] {
            let stored = page(&format!("{{dir}}/of-{name}{stored}").replace("{name}", name));
            assert_eq!(thumbnails(&stored), wanted, "{name}");
        }
    }
    // The neighbours of the only mistake, and possible label errors, are shown too.
    let near =
        page("{dir}/val --images {dir}/new --train {dir}/of-a.tar --train-images {dir}/a.tar");
    assert_eq!(pictures(&near), 9);
}

/// An archive of other images: a thumbnail is missing for the image that differs, and for no other.
#[test]
fn an_image_that_changed_in_its_archive_is_not_shown() {
    let Some(place) = place() else { return };
    let mut images = images(&place);
    fs::write(place.path("a.tar"), archive(&images)).unwrap();
    place.frostline("extract {dir}/a.tar -o {dir}/of").exits(0);
    images[3].1 = images[4].1.clone();
    fs::write(place.path("a.tar"), archive(&images)).unwrap();
    let line =
        "report --head {dir}/head {dir}/of --images {dir}/a.tar --include-training -o {dir}/r.html";
    place
        .frostline(line)
        .exits(0)
        .says(&["1 image without a thumbnail"]);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    assert_eq!(pictures(&page), 11);
    let missing = line.replace("a.tar --inc", "none.tar --inc");
    let missing = missing.replace("r.html", "never.html");
    place.frostline(&missing).exits(1).says(&["none.tar"]);
}

/// A validation image that is also a training image, in another class.
#[test]
fn duplicates_are_shown_side_by_side() {
    let Some(place) = place() else { return };
    fs::copy(
        place.folder().join("images/red/0.png"),
        place.folder().join("new/blue/same.png"),
    )
    .unwrap();
    place.frostline("extract {dir}/new -o {dir}/leak").exits(0);
    let line = "report --head {dir}/head {dir}/leak --images {dir}/new --train {dir}/store \
        --train-images {dir}/images -o {dir}/r.html";
    place.frostline(line).exits(0);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    let (_, group) = page.split_once("training and evaluated").unwrap();
    let (group, _) = group.split_once("</ul>").unwrap();
    for words in ["title=\"red/", "title=\"blue/", ">training<", ">evaluated<"] {
        assert!(group.contains(words), "{words} in {group}");
    }
    assert!(group.matches("base64,/9j/").count() >= 2, "both are shown");
    assert!(page.contains("different labels"));
}

#[test]
fn two_heads_are_compared_on_their_images() {
    let Some(place) = place() else { return };
    place
        .frostline("fit-head {dir}/store -o {dir}/other --solver lbfgs")
        .exits(0);
    let line = "report --head {dir}/head {dir}/val --images {dir}/new --compare {dir}/other \
        --title A<b>&=1 -o {dir}/r.html";
    place.frostline(line).exits(0);
    let page = fs::read_to_string(place.folder().join("r.html")).unwrap();
    // Both heads are wrong about the red image in the blue folder, and right about the others.
    for words in [
        "Only A is right: 0\u{a0}images",
        "Only B is right: 0\u{a0}images",
        "Both are wrong: 1\u{a0}image",
        "both predict 3 correctly",
        "<h1><bdi>A&lt;b&gt;&amp;=1</bdi></h1>",
    ] {
        assert!(page.contains(words), "{words}");
    }
    let (_, wrong) = page.split_once("data-versus=\"neither\"").unwrap();
    let (wrong, _) = wrong.split_once("</section>").unwrap();
    assert!(wrong.contains("title=\"blue/b.png\"") && wrong.contains("base64,/9j/"));
    let compared = place.frostline("evaluate --head {dir}/head {dir}/val --compare {dir}/other");
    let words = "both right 3; only this head right 0; only the other right 0; both wrong 1";
    assert!(compared.out.contains(words), "{}", compared.out);
}
