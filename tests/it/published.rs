//! Preprocessing published with networks: `preprocessor_config.json` of transformers and `config.json` of
//! timm, compared with what these libraries compute (`scripts/reference_networks.py`).

use std::fs;
use std::path::{Path, PathBuf};

use frostline::backbones::{BackboneManifest, PublishedPreprocessing};
use frostline::images::{Crop, Preprocessing, Preprocessor, Resize};
use safetensors::SafeTensors;

use crate::harness::{
    command, formula_picture, golden, installed_home, run, share_runtime, two_classes,
};

const BLOCK: usize = 16;

fn exports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/exports")
}

#[test]
fn published_settings_prepare_images_as_their_libraries_do() {
    let about = golden("exports/processors");
    let bytes = fs::read(exports().join("processors.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let wanted = |name: &str| -> Vec<f32> {
        let tensor = tensors.tensor(name).unwrap();
        let values = tensor.data().as_chunks::<4>().0.iter();
        values.map(|&bytes| f32::from_le_bytes(bytes)).collect()
    };
    let cases = about["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 24);
    let mut failures = Vec::new();
    for case in cases {
        let name = case["tensors"].as_str().unwrap();
        let file = exports().join(case["file"].as_str().unwrap());
        let published = PublishedPreprocessing::beside(&file.with_file_name("model.onnx"));
        let published = published.unwrap().unwrap();
        assert_eq!((&published.file, published.ignored.len()), (&file, 0));
        let settings = published.preprocessing;
        let shape = case["shape"].as_array().unwrap();
        let [rows, columns] = [1, 2].map(|axis| shape[axis].as_u64().unwrap() as usize);
        assert_eq!(settings.output_size(), (columns as u32, rows as u32));
        let picture =
            formula_picture(&about["pictures"][case["picture"].as_u64().unwrap() as usize]);
        let mut values = vec![0.0; settings.num_values()];
        Preprocessor::new(&settings)
            .unwrap()
            .apply(&picture, &mut values);
        let singles: Vec<f32> = (0..200_u64)
            .map(|i| values[(i * 2_654_435_761 % (1 << 32)) as usize % values.len()])
            .collect();
        let blocks = block_means(&values, rows, columns);
        let differences = [
            mean_difference(&singles, &wanted(&format!("{name}.singles"))),
            mean_difference(&blocks, &wanted(&format!("{name}.blocks"))),
        ];
        println!(
            "| {name} | {:.1e} | {:.1e} |",
            differences[0], differences[1]
        );
        if differences
            .iter()
            .any(|&difference| difference > 1.0 / 255.0)
        {
            failures.push(format!("{name}: {differences:?}, {settings:?}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn mean_difference(got: &[f32], wanted: &[f32]) -> f32 {
    assert_eq!(got.len(), wanted.len());
    let differences = got.iter().zip(wanted).map(|(a, b)| (a - b).abs());
    differences.sum::<f32>() / got.len() as f32
}

/// Returns the means of blocks of 16 × 16 values, shape (3, rows, columns).
fn block_means(values: &[f32], rows: usize, columns: usize) -> Vec<f32> {
    let mean = |c: usize, y: usize, x: usize| {
        let row = |dy: usize| {
            let first = (c * rows + y * BLOCK + dy) * columns + x * BLOCK;
            values[first..first + BLOCK].iter().sum::<f32>()
        };
        (0..BLOCK).map(row).sum::<f32>() / (BLOCK * BLOCK) as f32
    };
    let mut means = Vec::new();
    for c in 0..3 {
        for y in 0..rows / BLOCK {
            means.extend((0..columns / BLOCK).map(|x| mean(c, y, x)));
        }
    }
    means
}

/// Reads a configuration from a file of this name.
fn read(name: &str, text: &str) -> frostline::Result<Option<PublishedPreprocessing>> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("onnx")).unwrap();
    fs::write(folder.path().join(name), text).unwrap();
    PublishedPreprocessing::beside(&folder.path().join("onnx/model.onnx"))
}

#[test]
fn what_a_processor_leaves_out_is_its_default() {
    let text =
        r#"{"image_processor_type": "BeitImageProcessor", "size": 256, "new": [1], "old": false}"#;
    let published = read("preprocessor_config.json", text).unwrap().unwrap();
    // The signature of `BeitImageProcessor.__init__` in transformers 4.57.
    let settings = published.preprocessing;
    assert_eq!(settings.resize, Resize::Exact(256, 256));
    assert_eq!(settings.crop, Crop::Center(224, 224));
    assert_eq!((settings.mean, settings.std), ([0.5; 3], [0.5; 3]));
    assert_eq!(published.ignored, ["new"]);
    assert!(published.to_string().ends_with("; ignored: `new`"));
    // The attributes of `BeitImageProcessorFast`.
    let fast = r#"{"image_processor_type": "BeitImageProcessorFast", "pad_size": {"height": 9, "width": 9}}"#;
    let published = read("preprocessor_config.json", fast).unwrap().unwrap();
    let settings = published.preprocessing;
    assert_eq!(
        (settings.resize, settings.crop),
        (Resize::Exact(224, 224), Crop::None)
    );
    assert!(published.ignored.is_empty());
    let timm = r#"{"architecture": "resnet18", "global_pool": "avg", "pretrained_cfg":
        {"input_size": [3, 224, 224], "tag": "a1", "hf_hub_id": "timm/x", "new": 1}}"#;
    let published = read("config.json", timm).unwrap().unwrap();
    assert_eq!(published.ignored, ["new"]);
}

#[test]
fn pixel_values_need_not_be_scaled_or_normalised() {
    let text = r#"{"image_processor_type": "ViTImageProcessorFast", "do_rescale": false,
                   "do_normalize": false, "size": {"height": 32, "width": 48, "longest_edge": null}}"#;
    let settings = read("preprocessor_config.json", text).unwrap().unwrap();
    let wanted = Preprocessing::default();
    let settings = settings.preprocessing;
    assert_eq!(settings.resize, Resize::Exact(48, 32));
    assert_eq!(
        (settings.crop, settings.layout),
        (Crop::None, wanted.layout)
    );
    assert_eq!((settings.scale, settings.mean), (1.0, [0.0; 3]));
}

#[test]
fn what_cannot_be_done_is_refused() {
    let vit =
        |fields: &str| format!(r#"{{"image_processor_type": "ViTImageProcessor", {fields}}}"#);
    let unnamed = |fields: &str| {
        format!(r#"{{"resample": 3, "image_mean": [0, 0, 0], "image_std": [1, 1, 1], {fields}}}"#)
    };
    for (text, words) in [
        ("{".to_owned(), "EOF"),
        ("[]".to_owned(), "not a JSON object"),
        (
            vit(r#""resample": 6"#),
            "`resample` is 6, but must be one of Pillow's filters, 0 to 5",
        ),
        (
            vit(r#""size": {"longest_edge": 5}"#),
            r#"its `size` is {"longest_edge":5}"#,
        ),
        (
            vit(r#""size": {"shortest_edge": 5}"#),
            "its images keep their aspect ratio",
        ),
        (
            vit(r#""image_mean": [0.5]"#),
            "`image_mean` is [0.5], but must be three numbers",
        ),
        (vit(r#""size": 20000"#), "`resize` is 20000x20000"),
        (
            vit(r#""do_resize": false"#),
            "its images keep their aspect ratio",
        ),
        (
            unnamed(r#""size": 224"#),
            "either the shorter edge or both edges",
        ),
        (
            unnamed(r#""size": {"height": 9, "width": 9}, "do_pad": true"#),
            "its `do_pad` is not supported",
        ),
        (
            vit(r#""do_pad": true, "pad_size": 9"#),
            "its `do_pad` is not supported",
        ),
        (
            vit(r#""use_square_size": true"#),
            "its `use_square_size` is not supported",
        ),
        (
            unnamed(r#""image_processor_type": "LevitImageProcessor""#),
            "Levit is not supported",
        ),
    ] {
        let error = read("preprocessor_config.json", &text)
            .unwrap_err()
            .to_string();
        assert!(error.contains(words), "{error}");
    }
    let timm = |fields: &str| format!(r#"{{"pretrained_cfg": {{{fields}}}}}"#);
    for (text, words) in [
        (
            timm(r#""crop_mode": "border""#),
            "its `crop_mode` is `border`",
        ),
        (
            timm(r#""interpolation": "random""#),
            "`interpolation` is \"random\"",
        ),
        (
            timm(r#""input_size": [1, 28, 28]"#),
            "must be [3, height, width]",
        ),
        (timm(r#""input_size": [3, 28, 30]"#), "not a square"),
    ] {
        let error = read("config.json", &text).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn the_configuration_of_a_network_says_nothing_about_images() {
    for text in [r#"{"model_type": "vit", "image_size": 224}"#, "no JSON"] {
        assert_eq!(read("config.json", text).unwrap(), None);
    }
    let old = r#"{"architecture": "resnet18", "input_size": [3, 160, 160], "crop_pct": 0.95}"#;
    let settings = read("config.json", old).unwrap().unwrap().preprocessing;
    // math.floor(160 / 0.95)
    assert_eq!(settings.resize, Resize::Shorter(168));
}

#[test]
fn where_shown_settings_come_from_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vit.onnx");
    fs::copy(exports().join("vit_dynamo_1.onnx"), &file).unwrap();
    let show = || {
        let mut show = command(["models", "show", file.to_str().unwrap()]);
        let shown = run(show.env("FROSTLINE_HOME", folder.path().join("home"))).exits(0);
        shown.out
    };
    let out = show();
    assert!(out.contains("\nmanifest (default values: "), "{out}");
    let config = folder.path().join("preprocessor_config.json");
    let text = r#"{"image_processor_type": "ViTImageProcessor", "size": 48}"#;
    fs::write(&config, text).unwrap();
    let out = show();
    let title = format!(
        "\nmanifest (default values, with the preprocessing of {})\n",
        config.display()
    );
    assert!(
        out.contains(&title) && out.contains("resize = [48, 48]"),
        "{out}"
    );
    fs::write(file.with_extension("toml"), "name = \"vit\"\n").unwrap();
    let out = show();
    assert!(out.contains("\nmanifest\n"), "{out}");
}

#[test]
fn options_take_precedence_over_what_is_published() {
    let Some(installed) = installed_home() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("vit.onnx");
    fs::copy(exports().join("vit_dynamo_1.onnx"), &file).unwrap();
    let config = folder.path().join("preprocessor_config.json");
    let write = |edge: u32| {
        let text = format!(r#"{{"image_processor_type": "ViTImageProcessor", "size": {edge}}}"#);
        fs::write(&config, text).unwrap();
    };
    let home = folder.path().join("home");
    share_runtime(&installed, &home);
    let import = |options: &[&str]| {
        let file = file.to_str().unwrap();
        let mut command = command([&["models", "import", file, "--replace"], options].concat());
        run(command.env("FROSTLINE_HOME", &home))
    };
    let preprocessing = || {
        let path = home.join("models/vit.toml");
        BackboneManifest::read(&path).unwrap().preprocessing
    };
    write(32);
    let published = "using the preprocessing of `";
    import(&[]).exits(0).says(&[published, "resize 32x32"]);
    assert_eq!(preprocessing().resize, Resize::Exact(32, 32));
    import(&["--mean", "0.25"]).exits(0).says(&[published]);
    let settings = preprocessing();
    assert_eq!((settings.mean, settings.std), ([0.25; 3], [0.5; 3]));
    write(64);
    let ran = import(&[]).exits(1);
    ran.says(&[
        "it makes images of 64 × 64 pixels, but the network takes 32 × 32",
        "set all of --resize",
    ]);
    let all = [
        "--resize=32x32",
        "--crop=none",
        "--interpolation=box",
        "--mean=0",
        "--std=1",
        "--scale=1",
    ];
    let ran = import(&all).exits(0);
    assert!(!ran.err.contains(published), "{}", ran.err);
    write(32);
    let images = folder.path().join("images");
    two_classes(&images, 2, 1);
    let store = folder.path().join("store");
    let [file, images, store] = [&file, &images, &store].map(|path| path.to_str().unwrap());
    let mut extract = command(["extract", images, "-o", store, "--backbone", file]);
    let ran = run(extract.env("FROSTLINE_HOME", &home)).exits(0);
    ran.says(&["there is no manifest", published, "resize 32x32"]);
}
