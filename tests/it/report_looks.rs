//! The layout and colours of a report: nothing is wider than the screen, and text has enough contrast.

use std::fs;

use frostline::report::{Page, render};

use crate::harness::{Browser, pets};

#[test]
fn nothing_is_wider_than_the_screen() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, render(&pets())).unwrap();
    for scheme in ["light", "dark"] {
        for width in [320, 390, 768, 1280] {
            browser.prefer(scheme);
            browser.resize(width, 800);
            browser.open(&file);
            let excess = browser
                .js("return document.documentElement.scrollWidth - innerWidth")
                .as_i64()
                .unwrap();
            assert!(excess <= 0, "{excess} pixels too many at {width}");
            browser.js("document.querySelector('#images .tile').click()");
            let inside = browser.js(
                "const box = document.getElementById('photo').getBoundingClientRect(); \
                return box.left >= 0 && box.right <= innerWidth",
            );
            assert_eq!(inside, true, "the window at {width}");
        }
    }
    assert_eq!(browser.complaints(), [""; 0]);
}

/// Returns a page with `n` classes of five images, each class confused with the next one.
fn classes(n: usize) -> Page {
    let mut confusion = vec![vec![0; n]; n];
    for class in 0..n {
        confusion[class][class] = 4;
        confusion[class][(class + 1) % n] = 1;
    }
    Page {
        classes: (0..n)
            .map(|i| format!("a class with a long name {i}"))
            .collect(),
        confusion: confusion.into(),
        ..Page::default()
    }
}

#[test]
fn a_matrix_of_many_classes_fits_the_screen() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    browser.resize(1280, 900);
    for (n, shown) in [
        (2, 2),
        (10, 10),
        (11, 11),
        (20, 20),
        (22, 22),
        (23, 23),
        (30, 30),
        (50, 20),
        (200, 20),
    ] {
        fs::write(&file, render(&classes(n))).unwrap();
        browser.open(&file);
        let [rows, excess] = [
            "return document.querySelectorAll('.confusion tbody tr').length",
            "const box = document.querySelector('#confusion .scroll');
             return box.scrollWidth - box.clientWidth",
        ]
        .map(|script| browser.js(script).as_i64().unwrap());
        assert_eq!((rows, excess), (shown, 0), "{n} classes");
    }
}

/// Returns the lowest contrast of visible text with its background, as WCAG 2 defines it.
pub(crate) const LEAST_CONTRAST: &str = r"
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgb = (colour) => {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = colour;
      canvas.fillRect(0, 0, 1, 1);
      return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = ([r, g, b]) => {
      const curve = (c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
      const linear = [r, g, b].map((c) => curve(c / 255));
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const behind = (node) => {
      for (; node; node = node.parentElement) {
        const colour = rgb(getComputedStyle(node).backgroundColor);
        if (colour[3] === 255) return colour;
      }
      return rgb('white');
    };
    let least = [99, ''];
    for (const node of document.querySelectorAll('main *, header *')) {
      const text = [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim());
      if (!text || !node.checkVisibility() || node.closest('svg')) continue;
      const pair = [light(rgb(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
      const contrast = (pair[0] + 0.05) / (pair[1] + 0.05);
      if (contrast < least[0]) least = [contrast, node.outerHTML.slice(0, 120)];
    }
    return least";

#[test]
fn text_stands_out_in_light_and_dark() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    let mut page = pets();
    // Cells of every shade.
    page.classes = (0..10).map(|i| format!("class {i}")).collect();
    page.confusion = (0..10)
        .map(|i| {
            (0..10)
                .map(|j| {
                    if i == j {
                        10 * i
                    } else if (i + 1) % 10 == j {
                        100 - 10 * i
                    } else {
                        0
                    }
                })
                .collect()
        })
        .collect::<Vec<Vec<usize>>>()
        .into();
    fs::write(&file, render(&page)).unwrap();
    for scheme in ["light", "dark"] {
        browser.prefer(scheme);
        browser.open(&file);
        let least = browser.js(LEAST_CONTRAST);
        assert!(least[0].as_f64().unwrap() >= 4.5, "{scheme}: {least}");
        // The button switches to the other scheme.
        let colour = || browser.js("return getComputedStyle(document.body).backgroundColor");
        let before = colour();
        browser.click("#theme");
        assert_ne!(before, colour());
        let least = browser.js(LEAST_CONTRAST);
        assert!(
            least[0].as_f64().unwrap() >= 4.5,
            "switched from {scheme}: {least}"
        );
    }
}

#[test]
fn charts_say_what_they_show() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    fs::write(&file, render(&pets())).unwrap();
    browser.open(&file);
    browser.devtools("Accessibility.enable", &serde_json::json!({}));
    let tree = browser.devtools("Accessibility.getFullAXTree", &serde_json::json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let said: Vec<&str> = nodes
        .iter()
        .filter_map(|node| node["name"]["value"].as_str())
        .collect();
    let says = |words: &str| {
        assert!(
            said.iter().any(|name| name.contains(words)),
            "{words} in {said:?}"
        );
    };
    says("Loss after each epoch training loss 1.000 at epoch 1, 0.100 at epoch 10");
    says("cat predicted as dog: 2\u{a0}images, 66.7\u{a0}% of cat");
    says("cat/2.png ✗ dog 90\u{a0}% true: cat 5\u{a0}%");
    says("Reliability diagram 9\u{a0}images: confidence 55.0\u{a0}%, accuracy 50.0\u{a0}%");
}
