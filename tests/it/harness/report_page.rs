//! A report page with known results.

use frostline::head::{Bootstrap, Comparison, Interval, IntervalMethod, LearningPoint};
use frostline::images::{RgbImage, thumbnail};
use ndarray::Array2;

use frostline::report::{
    Bin, Candidate, ClassRow, Curves, DataCare, Duplicate, DuplicateGroup, Epoch, Figure,
    HeadComparison, Measure, Neighbour, Origin, OtherPrediction, Page, Photo, Picture, Provenance,
    Reliability, Search, Suspect, Thumbnail, Unit, worst_first,
};

/// Returns a JPEG thumbnail of one colour.
pub(crate) fn jpeg(colour: [u8; 3]) -> Thumbnail {
    let image = RgbImage::new(32, 24, colour.repeat(32 * 24)).unwrap();
    Thumbnail(thumbnail(&image, 32, 70))
}

/// Returns an image of class `truth`, one of three, predicted as `predicted` with probability `p`.
pub(crate) fn photo(path: &str, truth: usize, predicted: usize, p: f64) -> Photo {
    let rest = (1.0 - p) / 2.0;
    let probability = |class: usize| if class == predicted { p } else { rest };
    let mut top: Vec<_> = (0..3).map(|class| (class, probability(class))).collect();
    top.sort_by(|a, b| b.1.total_cmp(&a.1));
    Photo {
        path: path.to_owned(),
        truth,
        predicted,
        top,
        rejected: None,
        thumbnail: Some(jpeg([
            80 * truth as u8 + 40,
            120,
            80 * predicted as u8 + 40,
        ])),
        neighbours: Vec::new(),
        other: None,
        doubted: false,
    }
}

/// Returns a page with these images and their confusion matrix.
pub(crate) fn page_of(classes: [&str; 3], mut photos: Vec<Photo>) -> Page {
    photos.sort_by(worst_first);
    let mut confusion = vec![vec![0; 3]; 3];
    for photo in &photos {
        confusion[photo.truth][photo.predicted] += 1;
    }
    Page {
        title: "pets".to_owned(),
        classes: classes.map(str::to_owned).into(),
        confusion: confusion.into(),
        photos,
        ..Page::default()
    }
}

/// Returns a page with every section: nine images, four right, one of those unknown.
pub(crate) fn pets() -> Page {
    let mut photos = vec![
        photo("cat/1.png", 0, 0, 0.95),
        photo("cat/2.png", 0, 1, 0.9),
        photo("cat/3.png", 0, 1, 0.6),
        photo("dog/1.png", 1, 1, 0.8),
        photo("dog/2.png", 1, 2, 0.7),
        photo("dog/odd one.png", 1, 1, 0.5),
        photo("hen/1.png", 2, 2, 0.99),
        photo("hen/2.png", 2, 0, 0.55),
        photo("hen/3.png", 2, 0, 0.65),
    ];
    photos[5].rejected = Some("it is like none of the training images".to_owned());
    for (place, photo) in photos
        .iter_mut()
        .enumerate()
        .filter(|(_, photo)| !photo.is_right())
    {
        photo.neighbours = vec![Neighbour {
            picture: place % 2,
            similarity: 0.87,
        }];
    }
    let versus = compared(&mut photos);
    let training = ["cat", "dog"].map(|class| Picture {
        path: format!("train/{class}.png"),
        class: class.to_owned(),
        thumbnail: Some(jpeg([200, 100, 50])),
        doubted: class == "dog",
    });
    Page {
        training: training.into(),
        versus: Some(versus),
        ..figures(page_of(["cat", "dog", "hen"], photos))
    }
}

/// Adds the predictions of another head, which is right about the images with an odd number in their names,
/// and compares the two.
fn compared(photos: &mut [Photo]) -> HeadComparison {
    let targets: Vec<usize> = photos.iter().map(|photo| photo.truth).collect();
    for photo in &mut *photos {
        let is_right = photo.path.contains(['1', '3']);
        let predicted = if is_right {
            photo.truth
        } else {
            1 - photo.truth.min(1)
        };
        photo.other = Some(OtherPrediction {
            predicted,
            confidence: 0.8,
        });
    }
    let probabilities = |predicted: &dyn Fn(&Photo) -> usize| {
        Array2::from_shape_fn((photos.len(), 3), |(i, class)| {
            if class == predicted(&photos[i]) {
                0.8
            } else {
                0.1
            }
        })
    };
    let first = probabilities(&|photo| photo.predicted);
    let second = probabilities(&|photo| photo.other.unwrap().predicted);
    let bootstrap = Bootstrap::new(100, 0);
    let comparison = Comparison::new(&targets, first.view(), second.view(), bootstrap).unwrap();
    HeadComparison {
        heads: ["first.safetensors", "second.safetensors"].map(str::to_owned),
        comparison,
    }
}

/// Fills in everything that is not about single images.
fn figures(page: Page) -> Page {
    let measure = |value| Measure {
        value,
        interval: Some(Interval {
            low: value - 0.1,
            high: value + 0.05,
            method: IntervalMethod::Bootstrap,
        }),
    };
    let figure = |name: &str, unit, value| Figure {
        name: name.to_owned(),
        meaning: "of all images".to_owned(),
        measure: measure(value),
        unit,
    };
    let row = ClassRow {
        precision: measure(0.5),
        recall: measure(0.4),
        f1: measure(0.44),
        support: 3,
        absent: false,
    };
    let epoch = |epoch: usize| Epoch {
        epoch,
        train_loss: 1.0 / epoch as f64,
        validation_loss: Some(1.2 / epoch as f64),
        validation_accuracy: Some(0.9 - 0.3 / epoch as f64),
    };
    let candidate = |lr, accuracy| Candidate {
        lr: Some(lr),
        accuracy: Some(accuracy),
        accuracy_std: Some(0.02),
        brier: Some(0.3),
        ..Candidate::default()
    };
    let point = |n, mean| LearningPoint {
        n,
        share: n as f64 / 100.0,
        mean,
        low: mean - 0.03,
        high: mean + 0.03,
    };
    Page {
        subtitle: "head on 9 images of 3 classes".to_owned(),
        notes: vec!["One image could not be used.".to_owned()],
        headline: vec![
            figure("Accuracy", Unit::Share, 4.0 / 9.0),
            figure("Log loss", Unit::Number, 0.9),
        ],
        per_class: vec![row; 3],
        reliability: Some(Reliability {
            bins: vec![Bin {
                range: [0.5, 0.6],
                confidence: 0.55,
                accuracy: 0.5,
                count: 9,
            }],
            ece: 0.12,
        }),
        curves: Some(Curves {
            epochs: (1..=10).map(epoch).collect(),
            best: Some(7),
        }),
        learning_curve: vec![point(10, 0.7), point(50, 0.8), point(100, 0.85)],
        search: Some(Search {
            candidates: (1..=12)
                .map(|i| candidate(0.001 * f64::from(i), 0.8))
                .collect(),
            chosen: 3,
            at_edge: Vec::new(),
        }),
        care: Some(care()),
        provenance: vec![Provenance {
            name: "Backbone".to_owned(),
            facts: vec![("sha256".to_owned(), "692f9f927f1df1b8".repeat(4))],
        }],
        ..page
    }
}

/// Returns a near-duplicate pair and a possible label error.
fn care() -> DataCare {
    let copy = |class: &str| Duplicate {
        path: format!("{class}/1.png"),
        class: class.to_owned(),
        origin: Origin::Training,
        thumbnail: Some(jpeg([90, 90, 200])),
    };
    DataCare {
        checked: Origin::Training,
        duplicates: vec![DuplicateGroup {
            similarity: Some(0.95),
            images: ["cat", "dog"].map(copy).into(),
            n_images: 2,
            contradictory: true,
            leaked: false,
        }],
        n_duplicates: 1,
        n_suspects: 1,
        suspects: vec![Suspect {
            path: "cat/2.png".to_owned(),
            given: "cat".to_owned(),
            likely: "dog".to_owned(),
            probability: 0.9,
            confident: true,
            thumbnail: None,
        }],
        not_checked: None,
    }
}
