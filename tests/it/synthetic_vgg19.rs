//! VGG19 with seeded weights, from every kind of weight file and in the layout of `examples/synthetic_vgg19`.

use std::fs;
use std::path::{Path, PathBuf};

use frostline::backbones::onnx::read_network;
use frostline::backbones::{Home, RuntimeLibrary};
use serde_json::Value;

use self::network::Width;
use crate::golden_networks::{answer, check_near, generator, list, numbers, open, tensors};
use crate::harness::{command, golden, installed_home, number, run};

#[path = "../../examples/synthetic_vgg19/encode.rs"]
mod encode;
#[path = "../../examples/synthetic_vgg19/network.rs"]
mod network;
#[path = "../../crates/frostline-onnx/src/weights/tests/sample.rs"]
#[expect(dead_code, reason = "the reader's own tests use the rest")]
mod sample;

/// Environment variable with the path of the full-width file that `examples/synthetic_vgg19` wrote.
const FULL: &str = "FROSTLINE_SYNTHETIC_VGG19";

fn write_narrow(path: &Path) {
    let file = fs::File::create(path).unwrap();
    encode::encode_model(&network::model(Width::NARROW), file).unwrap();
}

/// A tensor in a file: name, shape, bytes.
type Row = (String, Vec<usize>, Vec<u8>);

fn rows(network: &Value) -> Vec<Row> {
    let row = |(name, shape): (&str, Vec<usize>)| {
        let numbers: Vec<f32> = generator::numbers(name, &shape).collect();
        (name.to_owned(), shape, sample::floats(&numbers))
    };
    tensors(network).into_iter().map(row).collect()
}

/// Returns the pickled state dict of a `.pth` file; each tensor's storage is named by its number.
fn pickled(rows: &[Row]) -> Vec<u8> {
    let tensor = |(number, (name, shape, bytes)): (usize, &'_ Row)| {
        let shape: Vec<u32> = shape.iter().map(|&size| size as u32).collect();
        let strides: Vec<u32> = (1..=shape.len())
            .map(|after| shape[after..].iter().product())
            .collect();
        let len = (bytes.len() / 4) as u32;
        let key = number.to_string();
        let tensor = sample::tensor(&key, "FloatStorage", len, 0, &shape, &strides);
        (name.clone(), tensor)
    };
    let entries: Vec<_> = rows.iter().enumerate().map(tensor).collect();
    let entries = entries
        .iter()
        .map(|(name, tensor)| (&**name, tensor.clone()));
    sample::dict(&entries.collect::<Vec<_>>())
}

fn safetensors(rows: &[Row]) -> Vec<u8> {
    let tensors = rows.iter();
    let tensors = tensors.map(|(name, shape, bytes)| (&**name, "F32", &**shape, bytes.clone()));
    sample::safetensors(&tensors.collect::<Vec<_>>())
}

/// Returns the same tensors with timm's names and shapes.
fn timms(rows: &[Row]) -> Vec<Row> {
    let rename = |(name, shape, bytes): &Row| {
        let renamed = name
            .replace("classifier.0", "pre_logits.fc1")
            .replace("classifier.3", "pre_logits.fc2")
            .replace("classifier.6", "head.fc");
        let shape = match (&*renamed, &**shape) {
            ("pre_logits.fc1.weight", &[out, all]) => vec![out, all / 49, 7, 7],
            ("pre_logits.fc2.weight", &[out, all]) => vec![out, all, 1, 1],
            (_, shape) => shape.to_vec(),
        };
        (renamed, shape, bytes.clone())
    };
    rows.iter().map(rename).collect()
}

/// Writes the same weights to every kind of file.
fn files(rows: &[Row], folder: &Path) -> [PathBuf; 4] {
    let state = pickled(rows);
    let keys: Vec<_> = (0..rows.len()).map(|number| number.to_string()).collect();
    let storages = keys.iter().zip(rows);
    let storages = storages.map(|(key, (.., bytes))| {
        let len = (bytes.len() / 4) as i64;
        (key.as_str(), len, bytes.clone())
    });
    let storages: Vec<_> = storages.collect();
    let contents = [
        ("legacy.pth", sample::legacy(&state, &storages)),
        ("zip.pth", sample::archive(&state, &storages, "little")),
        ("torchvision.safetensors", safetensors(rows)),
        ("timm.safetensors", safetensors(&timms(rows))),
    ];
    contents.map(|(name, bytes)| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    })
}

/// Imports a file of VGG19 weights into `home` and returns the network's path.
fn imported(file: &Path, home: &Path, more: &[&str]) -> PathBuf {
    // The backbone's name must not have a file extension.
    let name = file
        .file_name()
        .unwrap()
        .to_str()
        .unwrap()
        .replace('.', "-");
    let args = ["models", "import", file.to_str().unwrap()];
    let args = args.into_iter().chain(["--arch", "vgg19", "--name", &name]);
    let mut import = command(args.chain(more.iter().copied()));
    run(import.env("FROSTLINE_HOME", home)).exits(0);
    home.join("models").join(name + ".onnx")
}

#[test]
fn weights_of_every_kind_of_file_give_the_same_features() {
    let Some(home) = installed_home() else { return };
    let golden = &golden("vgg19")["narrow"];
    let folder = tempfile::tempdir().unwrap();
    let models = tempfile::tempdir().unwrap();
    let mut networks = files(&rows(golden), folder.path())
        .map(|file| open(&home, &imported(&file, models.path(), &[])));
    for input in list(&golden["inputs"]) {
        let wanted = numbers(&input["features"]);
        let answers = networks.each_mut().map(|network| answer(network, input));
        for got in &answers {
            check_near(got, &wanted, "narrow VGG19");
            let first: Vec<f64> = got[..16].iter().map(|&x| x.into()).collect();
            assert!(
                first
                    .iter()
                    .zip(&wanted)
                    .all(|(x, y)| (x - y).abs() <= 1e-4)
            );
            let same = answers[0].iter().zip(got);
            assert!(same.into_iter().all(|(x, y)| (x - y).abs() <= 1e-5));
        }
    }
}

#[test]
fn the_classifier_can_be_kept() {
    let Some(home) = installed_home() else { return };
    let golden = &golden("vgg19")["narrow"];
    let folder = tempfile::tempdir().unwrap();
    let [_, zip, ..] = files(&rows(golden), folder.path());
    let mut network = open(
        &home,
        &imported(&zip, folder.path(), &["--keep-classifier"]),
    );
    assert_eq!(network.spec.backbone.layer, "logits");
    let input = &golden["inputs"][0];
    let logits = answer(&mut network, input);
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let powers = logits.iter().map(|x| (x - largest).exp());
    let sum: f32 = powers.clone().sum();
    let probabilities: Vec<f32> = powers.take(16).map(|power| power / sum).collect();
    check_near(
        &probabilities,
        &numbers(&input["first_16_probabilities"]),
        "softmax of the logits",
    );
}

/// Cuts a file in the zoo's layout before its classifier, in a new home with the runtime of `home`.
fn cut(home: &Path, file: &Path, place: &Path) -> PathBuf {
    let library = RuntimeLibrary::find(&Home::at(home)).unwrap();
    let file = file.to_str().unwrap();
    let mut import = command(["models", "import", file, "--name", "cut"]);
    import.env("FROSTLINE_HOME", place);
    import.env("ORT_DYLIB_PATH", library.path);
    run(&mut import)
        .exits(0)
        .says(&["44 of 48 layers and 36 of 38 weights", "is dynamic now"]);
    place.join("models/cut.onnx")
}

#[test]
fn the_zoos_layout_is_cut_to_the_same_features() {
    let Some(home) = installed_home() else { return };
    let golden = &golden("vgg19")["narrow"];
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("narrow.onnx");
    write_narrow(&whole);
    let cut = cut(&home, &whole, folder.path());
    let weights = read_network(&cut).unwrap().outline().initializers;
    assert_eq!(weights, 36, "the last layer's weights are dropped");
    let mut network = open(&home, &cut);
    for input in list(&golden["inputs"]) {
        let got = answer(&mut network, input);
        check_near(&got, &numbers(&input["features"]), "narrow VGG19, cut");
    }
}

#[test]
fn the_full_file_is_cut_to_pytorchs_4096_features() {
    let Some(home) = installed_home() else { return };
    let Some(file) = full_file() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut network = open(&home, &cut(&home, &file, folder.path()));
    for input in list(&golden("vgg19")["full"]["inputs"]) {
        let got = answer(&mut network, input);
        assert_eq!(got.len(), 4096);
        let wanted = numbers(&input["first_16"]);
        let near = got.iter().zip(&wanted);
        assert!(
            near.into_iter()
                .all(|(&x, y)| (f64::from(x) - y).abs() <= 1e-4)
        );
        check_near(&got[..16], &wanted, "VGG19, cut");
        let norm = got
            .iter()
            .map(|&x| f64::from(x).powi(2))
            .sum::<f64>()
            .sqrt();
        assert!((norm / number(&input["norm"]) - 1.0).abs() < 1e-5, "{norm}");
    }
}

/// Returns the full-width file; prints why a test is skipped if there is none.
fn full_file() -> Option<PathBuf> {
    let file = std::env::var_os(FULL);
    if file.is_none() {
        eprintln!(
            "not tested: {FULL} does not name the file that `cargo run --release --example synthetic_vgg19 \
             -- FILE.onnx` writes"
        );
    }
    file.map(PathBuf::from)
}

/// Checks the probabilities of a file in the zoo's layout, with its classifier and softmax.
fn check_probabilities(home: &Path, file: &Path, golden: &Value) {
    let mut frozen = open(home, file);
    assert_eq!(frozen.spec.backbone.layer, "vgg0_softmax_fwd");
    for input in list(&golden["inputs"]) {
        let got = answer(&mut frozen, input);
        assert_eq!(got.len(), 1000);
        check_near(
            &got[..16],
            &numbers(&input["first_16_probabilities"]),
            "probabilities",
        );
        assert!((got.iter().sum::<f32>() - 1.0).abs() < 1e-4);
    }
}

#[test]
fn the_narrow_file_in_the_zoos_layout_is_torchvisions_network() {
    let Some(home) = installed_home() else { return };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("narrow.onnx");
    write_narrow(&file);
    check_probabilities(&home, &file, &golden("vgg19")["narrow"]);
}

#[test]
fn the_full_file_in_the_zoos_layout_is_torchvisions_network() {
    let Some(home) = installed_home() else { return };
    let Some(file) = full_file() else { return };
    check_probabilities(&home, &file, &golden("vgg19")["full"]);
}

#[test]
fn the_zoos_layout() {
    let model = network::model(Width::NARROW);
    let graph = model.graph.unwrap();
    assert_eq!(model.ir_version, Some(3));
    assert_eq!(model.opset_import[0].version, Some(7));
    let names = graph
        .input
        .iter()
        .map(|input| input.name.as_deref().unwrap());
    let names: Vec<_> = names.collect();
    assert_eq!(names.len(), 1 + 38);
    assert_eq!(names[..3], ["data", "vgg0_conv0_weight", "vgg0_conv0_bias"]);
    assert_eq!(names[38], "vgg0_dense2_bias");
    let operators = graph
        .node
        .iter()
        .map(|node| node.op_type.as_deref().unwrap());
    let last: Vec<_> = operators.skip(16 * 2 + 5).collect();
    let dense = ["Flatten", "Gemm", "Relu", "Dropout"];
    let expected = [&dense[..], &dense, &["Flatten", "Gemm", "Softmax"]].concat();
    assert_eq!(last, expected);
}
