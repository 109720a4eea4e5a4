//! Many images: few elements, and a place that does not move.

use std::fs;

use crate::harness::{ESCAPE, Labelling, Person, Place};

/// Writes different small images.
fn write_pictures(place: &Place, n: u32) {
    let folder = place.folder().join("images");
    fs::create_dir_all(&folder).unwrap();
    for i in 0..n {
        let pixel = [
            (i % 251) as u8,
            (i / 251 * 20) as u8,
            if i % 2 == 0 { 20 } else { 220 },
        ];
        let ppm = [b"P6 12 12 255\n".as_slice(), &pixel.repeat(144)].concat();
        fs::write(folder.join(format!("{i:05}.ppm")), ppm).unwrap();
    }
}

/// Whether all images in the visible part of the grid are there.
const SHOWN: &str = "const grid = document.getElementById('sort-grid').getBoundingClientRect();
     const seen = [...document.querySelectorAll('.tile')].filter((tile) => {
       const { top, bottom } = tile.getBoundingClientRect();
       return bottom > grid.top && top < grid.bottom;
     });
     return seen.length > 5 && seen.every((tile) => tile.querySelector('img')?.naturalWidth > 0)";

#[test]
fn few_of_many_images_are_elements_and_the_place_stays() {
    let n = 3000;
    let Some(place) = Place::installed() else {
        return;
    };
    write_pictures(&place, n);
    let labelling = Labelling::start(&place, "");
    let Some(person) = Person::at(&labelling) else {
        return;
    };
    // The order changes once more when the images were grouped.
    person.reads("#hint", "Groups of similar images");
    let tiles = || {
        person
            .0
            .js("return document.querySelectorAll('.tile').length")
            .as_u64()
            .unwrap()
    };
    assert!(tiles() < 120, "{} tiles", tiles());
    // Every part of the way down has its images.
    for part in 1..=8 {
        person.0.js(&format!(
            "const grid = document.getElementById('sort-grid');
             grid.scrollTop = (grid.scrollHeight - grid.clientHeight) * {part} / 8"
        ));
        person.sees(SHOWN);
        assert!(tiles() < 160, "{} tiles", tiles());
    }
    let all = person
        .0
        .js("return document.querySelectorAll('*').length")
        .as_u64()
        .unwrap();
    assert!(all < 2000, "{all} elements");

    // An image in the middle is labelled: the next one takes its place, and the images around it
    // keep their elements.
    person
        .0
        .js("const grid = document.getElementById('sort-grid');
         grid.scrollTop = grid.scrollHeight / 2");
    person.sees(SHOWN);
    // One that is not the last of its row, where the next one would be elsewhere.
    person.0.js(
        "const { top } = document.getElementById('sort-grid').getBoundingClientRect();
         const place = (tile) => tile.getBoundingClientRect();
         const tiles = [...document.querySelectorAll('.tile')].filter((tile) => place(tile).top > top + 200);
         tiles.sort((a, b) => place(a).top - place(b).top || place(a).left - place(b).left);
         const tile = tiles.find((tile, i) => place(tiles[i + 1]).top === place(tile).top);
         tile.focus();
         window.before = { y: place(tile).y, id: tile.dataset.id,
           near: [...document.querySelectorAll('.tile img')] }",
    );
    person.classifies("one");
    person.reads("#tally", "1 of 3,000");
    let after = person.0.js(
        "const tile = document.activeElement;
         const kept = window.before.near.filter((img) => img.isConnected).length;
         return [tile.getBoundingClientRect().y - window.before.y, tile.dataset.id !== window.before.id,
           kept / window.before.near.length]",
    );
    assert_eq!((&after[0], &after[1]), (&0.into(), &true.into()));
    assert!(after[2].as_f64().unwrap() > 0.9, "{after}");
    person.was_not_disturbed(&labelling);
}

#[test]
fn a_selection_that_is_given_up_selects_nothing() {
    let Some(place) = Place::installed() else {
        return;
    };
    write_pictures(&place, 500);
    let rows: Vec<String> = (0..500).map(|i| format!("{i:05}.ppm,one\n")).collect();
    fs::write(
        place.path("labels.csv"),
        "path,label\n".to_owned() + &rows.concat(),
    )
    .unwrap();
    let labelling = Labelling::start(&place, "");
    let Some(person) = Person::at(&labelling) else {
        return;
    };
    person.reads("#tally", "500 of 500");
    person.0.js("[...document.querySelectorAll('#sort button')]
           .find((tab) => tab.textContent.startsWith('Labelled')).click()");
    person.sees("return document.querySelectorAll('#sort-grid .tile[data-id]').length > 5");
    person.0.js(
        "document.querySelector('#sort-grid .tile[data-id]').focus();
         const send = window.fetch;
         window.fetch = async (...asked) => {
           await new Promise((go) => { window.go = go; });
           return send(...asked);
         }",
    );
    person.press(&["a"]);
    person.reads("#target", "Selecting");
    // A key does not label the one image in focus meanwhile.
    person.press(&["x"]);
    person.reads("#said", "still being selected");
    person.press(&[ESCAPE]);
    person.reads("#target", "Label the image in focus");
    person.0.js("window.go()");
    std::thread::sleep(std::time::Duration::from_secs(1));
    person.reads("#target", "Label the image in focus");
    assert_eq!(labelling.get("api/state")["n_left_out"], 0);
    person.was_not_disturbed(&labelling);
}
