//! The files that a case starts with.

use std::fs;
use std::path::Path;

use frostline::ClassIndex;
use frostline::features::{Content, Digest, Existing, Index, IndexRow, StoreWriter};
use frostline::head::{HeadFile, LinearHead};
use frostline::images::{DecodeOptions, decode, thumbnail};
use ndarray::{Array1, Array2, Axis, s};
use serde::Deserialize;

use crate::harness::{BLUE, RED, command, manifest, run, two_classes, write_picture};

/// Files in the case's folder before the command runs.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Given {
    /// The home that `frostline setup` installs, with EfficientNet-Lite0.
    SetUp,
    /// A `home` with ONNX Runtime and a small network as the default backbone.
    Installed,
    /// `Installed`, `images/{blue,red}/{0…5}.png`, and `store`, `trained` and `head` made from them; `head`
    /// is `trained` without its training record, so that it can be evaluated on its own training images.
    Fitted,
    /// Only `images`.
    Images,
    /// `images/blue/2b.jpg`, an HTML page.
    BadImage,
    /// `bad/{a,b}/1.jpg`, text files.
    OnlyBadImages,
    /// `one/cat/1.png`.
    OneClass,
    /// `a/{blue,red}/1.png` and `b/{blue,green}/1.png`.
    TwoRoots,
    /// `split/{train,validation}/1.png`.
    Splits,
    /// `flat/{1,2}.png`.
    Flat,
    /// The images `odd/{blue/IMG_1,red/2.png?w=300}`, and `odd/red/notes.txt`.
    OddNames,
    /// `rare/cat/good.png`, and next to it a PNG with a wrong checksum, a 12-bit JPEG and a PNG in Apple's
    /// `CgBI` variant.
    RarePictures,
    /// A HEIC named `.jpg`, another HEIC, and an AVIF, complete and cut off, in the folder of one class.
    NewerPictures,
    /// `flat-store`, the features of `images/blue`, without classes.
    FlatStore,
    /// `other`, the features of `images` with another interpolation.
    OtherPreprocessing,
    /// `contradiction`, the features of images where `blue/0.png` and `red/copy.png` are duplicates.
    Contradiction,
    /// `different`, a store of 20 images each of `cold` and `warm`, without near-duplicates.
    Different,
    /// `singles`, the same with one image per class.
    Singles,
    /// `nothing`, an empty folder.
    EmptyFolder,
    /// `animals/{cat,dog}/{0,1}.png`, whose classes none of these heads has.
    OtherClasses,
    /// `old`, a file containing `old`.
    OldFile,
    /// `webapp` and `images`, each with the `manifest.json` of a web app.
    ForeignManifests,
    /// `weights.csv`, which is valid for blue and red; `other.csv`, `more.csv` and `zero.csv`, which are not.
    ClassWeights,
    /// For `images`: `labels.csv`, which calls blue images `sea` and red ones `fire`, has no label for
    /// `blue/5.png`, does not list `red/5.png`, and lists an image that is not there; `twice.csv`, which
    /// contradicts itself; `none.csv`, which lists other images; `splits.csv`, where images 0 and 1 of each
    /// class are `train`, 2 and 3 `validation`, and the others `test`.
    LabelFiles,
    /// `cut`, the first half of `head`.
    CutHead,
    /// Next to `head`: `flipped`, a copy with one flipped bit in a weight's exponent; `overflowing`, with
    /// weights of 3e38.
    HostileHeads,
    /// Next to `head`: `turned`, the same head with its classes in reverse order; `blind`, which always
    /// predicts blue; `foreign`, with other classes; `elsewhere`, for the features of another network.
    OtherHeads,
    /// `lib.so`, a text file.
    TextLibrary,
    /// Next to the default backbone: `aaa.onnx`, whose manifest has an unknown key, and `zzz.onnx`, a text
    /// file.
    BrokenNeighbour,
    /// `home`, an empty folder, as `FROSTLINE_HOME`.
    EmptyHome,
}

impl Given {
    pub(super) fn make(self, dir: &Path) {
        let text = |name: &str, content: &str| {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, content).unwrap();
        };
        match self {
            Self::SetUp | Self::Installed | Self::Fitted => {}
            Self::Images => two_classes(&dir.join("images"), 6, 0),
            Self::BadImage => text("images/blue/2b.jpg", "<html></html>"),
            Self::OnlyBadImages => {
                text("bad/a/1.jpg", "text");
                text("bad/b/1.jpg", "text");
            }
            Self::OneClass => write_picture(&dir.join("one/cat/1.png"), RED, 1),
            Self::TwoRoots => {
                for (seed, name) in (1..).zip(["a/blue", "a/red", "b/blue", "b/green"]) {
                    write_picture(&dir.join(name).join("1.png"), RED, seed);
                }
            }
            Self::Splits => {
                for (seed, name) in (1..).zip(["train", "validation"]) {
                    write_picture(&dir.join("split").join(name).join("1.png"), RED, seed);
                }
            }
            Self::Flat => {
                write_picture(&dir.join("flat/1.png"), RED, 17);
                write_picture(&dir.join("flat/2.png"), RED, 18);
            }
            Self::OddNames => {
                write_picture(&dir.join("odd/blue/IMG_1"), BLUE, 1);
                write_picture(&dir.join("odd/red/2.png?w=300"), RED, 2);
                text("odd/red/notes.txt", "a word");
            }
            Self::RarePictures => rare_pictures(&dir.join("rare/cat")),
            Self::NewerPictures => newer_pictures(&dir.join("newer/cat")),
            Self::FlatStore => extract(dir, &["images/blue", "-o", "flat-store"]),
            Self::OtherPreprocessing => {
                extract(
                    dir,
                    &["images", "-o", "other", "--interpolation", "bicubic"],
                );
            }
            Self::Contradiction => {
                let images = dir.join("two");
                two_classes(&images, 3, 0);
                fs::copy(images.join("blue/0.png"), images.join("red/copy.png")).unwrap();
                extract(dir, &["two", "-o", "contradiction"]);
            }
            Self::Different => different(&dir.join("different"), 40),
            Self::Singles => different(&dir.join("singles"), 2),
            Self::EmptyFolder => fs::create_dir(dir.join("nothing")).unwrap(),
            Self::OtherClasses => {
                for (name, seed) in [("cat/0", 1), ("cat/1", 2), ("dog/0", 3), ("dog/1", 4)] {
                    write_picture(&dir.join(format!("animals/{name}.png")), RED, seed);
                }
            }
            Self::ForeignManifests => {
                text("webapp/manifest.json", r#"{"name": "app"}"#);
                text("images/manifest.json", r#"{"name": "app"}"#);
            }
            Self::OldFile => text("old", "old"),
            Self::ClassWeights => {
                text("weights.csv", "class,weight\nred,2.5\nblue,1\n");
                text("other.csv", "class,weight\nblue,1\ncat,1\n");
                text("more.csv", "class,weight\nblue,1\nred,1\ngreen,1\n");
                text("zero.csv", "class,weight\nblue,1\nred,0\n");
            }
            Self::LabelFiles => label_files(&text),
            Self::CutHead => {
                let head = fs::read(dir.join("head")).unwrap();
                fs::write(dir.join("cut"), &head[..head.len() / 2]).unwrap();
            }
            Self::HostileHeads => hostile_heads(dir),
            Self::OtherHeads => other_heads(dir),
            Self::TextLibrary => text("lib.so", "text"),
            Self::BrokenNeighbour => {
                let models = dir.join("home/models");
                let whole = models.join("efficientnet-lite0.onnx");
                fs::copy(whole, models.join("aaa.onnx")).unwrap();
                text("home/models/aaa.toml", "name = \"aaa\"\nnam = 1\n");
                text("home/models/zzz.onnx", "text");
                text("home/models/zzz.toml", "name = \"zzz\"\n");
            }
            Self::EmptyHome => fs::create_dir(dir.join("home")).unwrap(),
        }
    }
}

fn label_files(text: &impl Fn(&str, &str)) {
    let classes = [("blue", "sea"), ("red", "fire")];
    let each = |line: &dyn Fn(&str, &str, usize) -> String| -> String {
        let lines = classes.iter().flat_map(|(class, label)| {
            let line = move |number| line(class, label, number);
            (0..6).map(line).collect::<Vec<_>>()
        });
        lines.collect()
    };
    let labels = each(&|class, label, number| match (class, number) {
        ("blue", 5) => "blue/5.png;\r\n".to_owned(),
        ("red", 5) => "gone.png;fire\r\n".to_owned(),
        _ => format!("{class}/{number}.png;{label}\r\n"),
    });
    text("labels.csv", &format!("\u{feff}path;label\r\n{labels}"));
    text("twice.csv", "path,label\nblue/0.png,sea\nblue/0.png,fire\n");
    text("none.csv", "path,label\nx.png,sea\n");
    let splits = each(&|class, _, number| {
        let split = ["train", "validation", "test"][number / 2];
        format!("{class}/{number}.png,{split}\n")
    });
    text("splits.csv", &format!("path,split\n{splits}"));
}

fn newer_pictures(folder: &Path) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/newer");
    fs::create_dir_all(folder).unwrap();
    fs::copy(golden.join("turned6.heic"), folder.join("photo.jpg")).unwrap();
    fs::copy(golden.join("second.heic"), folder.join("IMG_1.HEIC")).unwrap();
    let avif = fs::read(golden.join("alpha.avif")).unwrap();
    fs::write(folder.join("cut.avif"), &avif[..avif.len() - 20]).unwrap();
    fs::write(folder.join("whole.avif"), avif).unwrap();
}

fn rare_pictures(folder: &Path) {
    write_picture(&folder.join("good.png"), RED, 1);
    let good = fs::read(folder.join("good.png")).unwrap();
    let place = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|w| w == what);
    let mut wrong = good.clone();
    // The last byte of the pixel data is 9 bytes before `IEND`: a checksum and a length are in between.
    let end = place(&wrong, b"IEND").unwrap();
    wrong[end - 9] ^= 1;
    fs::write(folder.join("checksum.png"), wrong).unwrap();
    let apple = [&good[..8], b"\0\0\0\x04CgBI\x50\0\x20\x02????", &good[8..]];
    fs::write(folder.join("apple.png"), apple.concat()).unwrap();
    let good = decode(&good, &DecodeOptions::default()).unwrap();
    let mut jpeg = thumbnail(&good, u32::MAX, 90);
    let frame = place(&jpeg, b"\xff\xc0").unwrap();
    jpeg[frame + 4] = 12;
    fs::write(folder.join("deep.jpg"), jpeg).unwrap();
}

/// Writes a store of pseudo-random features whose first value is larger for `warm`.
fn different(store: &Path, images: u16) {
    let mut writer = StoreWriter::open(store, manifest(), Existing::Extend).unwrap();
    let mut index = Index::default();
    for image in 0..images {
        let warm = image % 2 == 1;
        let noise = |i: u16| f32::from((image * 31 + i * 17 + image * i * 7) % 23) / 11.0 - 1.0;
        let mut features: Vec<f32> = (0..12).map(noise).collect();
        features[0] += if warm { 1.0 } else { -1.0 };
        let digest = Digest::of(&image.to_le_bytes());
        writer.push(digest, &features).unwrap();
        let class = if warm { "warm" } else { "cold" };
        index.push(IndexRow {
            path: format!("{class}/{image}.png"),
            class: Some(class.to_owned()),
            content: Ok(Content {
                digest,
                width: 4,
                height: 3,
            }),
        });
    }
    writer.finish_run(&index, &[]).unwrap();
}

fn hostile_heads(dir: &Path) {
    let head = HeadFile::read(dir.join("head")).unwrap();
    let mut bytes = fs::read(dir.join("head")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8 + header + 3] ^= 1 << 6;
    fs::write(dir.join("flipped"), bytes).unwrap();
    let d = head.head.n_features();
    let weight = Array2::from_shape_fn((2, d), |(class, _)| if class == 0 { 3e38 } else { -3e38 });
    let overflowing = HeadFile {
        head: LinearHead::new(weight, Array1::zeros(2)).unwrap(),
        ..head
    };
    overflowing.write(dir.join("overflowing")).unwrap();
}

fn other_heads(dir: &Path) {
    let head = HeadFile::read(dir.join("head")).unwrap();
    let write = |name: &str, head: HeadFile| head.write(dir.join(name)).unwrap();
    let weight = head.head.weight().slice(s![..;-1, ..]).to_owned();
    let bias = head.head.bias().slice(s![..;-1]).to_owned();
    write(
        "turned",
        HeadFile {
            head: LinearHead::new(weight, bias).unwrap(),
            classes: ClassIndex::from_ordered(["red", "blue"]).unwrap(),
            ..head.clone()
        },
    );
    write(
        "blind",
        HeadFile {
            head: LinearHead::zeros(2, head.head.weight().len_of(Axis(1))),
            ..head.clone()
        },
    );
    write(
        "foreign",
        HeadFile {
            classes: ClassIndex::from_names(["cat", "dog"]),
            ..head.clone()
        },
    );
    let mut elsewhere = head;
    elsewhere.manifest["backbone"]["sha256"] = "0".repeat(64).into();
    write("elsewhere", elsewhere);
}

/// Runs `extract` in the case's folder, with the home in it.
fn extract(dir: &Path, args: &[&str]) {
    let mut command = command([&["extract"], args].concat());
    let command = command
        .current_dir(dir)
        .env("FROSTLINE_HOME", dir.join("home"));
    run(command).exits(0);
}
