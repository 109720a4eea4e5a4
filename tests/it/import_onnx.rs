//! `models import` of ONNX files: they are cut, checked with a run, installed and used.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use frostline::images::{Crop, Layout};
use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, ModelProto, NodeProto, TensorProto, ValueInfoProto,
};

use crate::fuzz_seeds::onnx_messages::{bytes, info, model, numbers};
use crate::harness::{Ran, command, installed_home, run, share_runtime};

/// A home with ONNX Runtime and no networks.
struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Option<Self> {
        let installed = installed_home()?;
        let folder = tempfile::tempdir().unwrap();
        share_runtime(&installed, &folder.path().join("home"));
        Some(Self { folder })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn frostline(&self, args: &[&str]) -> Ran {
        run(command(args).env("FROSTLINE_HOME", self.path("home")))
    }

    fn write(&self, name: &str, model: &ModelProto) -> String {
        fs::write(self.path(name), bytes(model)).unwrap();
        self.text(name)
    }

    fn manifest(&self, name: &str) -> frostline::backbones::BackboneManifest {
        let path = self.path("home/models").join(name).with_extension("toml");
        frostline::backbones::BackboneManifest::read(&path).unwrap()
    }
}

fn node(operator: &str, inputs: &[&str], output: &str, ints: &[(&str, &[i64])]) -> NodeProto {
    let attribute = |(name, ints): &(&str, &[i64])| AttributeProto {
        name: Some((*name).to_owned()),
        ints: ints.to_vec(),
        r#type: Some(AttributeType::INTS),
        ..AttributeProto::default()
    };
    NodeProto {
        name: Some(output.to_owned()),
        input: inputs.iter().map(ToString::to_string).collect(),
        output: vec![output.to_owned()],
        op_type: Some(operator.to_owned()),
        attribute: ints.iter().map(attribute).collect(),
        ..NodeProto::default()
    }
}

fn weight(name: &str, dims: &[i64], numbers: &[f32]) -> TensorProto {
    TensorProto {
        dims: dims.to_vec(),
        data_type: Some(DataType::FLOAT),
        raw_data: Some(RefCell::new(
            numbers.iter().flat_map(|n| n.to_le_bytes()).collect(),
        )),
        name: Some(name.to_owned()),
        ..TensorProto::default()
    }
}

/// Builds a network like the Model Zoo's: format 3, weights among the inputs, batch size 1. `nodes` lead from
/// `pool` (1, 3) to `layer`, which is followed by a classifier with softmax.
fn network(input: ValueInfoProto, before: Vec<NodeProto>, nodes: Vec<NodeProto>) -> ModelProto {
    let mut node_list = before;
    node_list.extend(nodes);
    node_list.push(node("MatMul", &["layer", "last.w"], "scores", &[]));
    node_list.push(node("Softmax", &["scores"], "prob", &[]));
    let identity = [2.0, 0.0, 0.0, 0.0, 2.0, 0.0, 0.0, 0.0, 2.0];
    let weights = vec![
        weight("w", &[3, 3], &identity),
        weight("b", &[3], &[4.0; 3]),
        weight("last.w", &[3, 5], &[77.0; 15]),
        numbers("target", &[1, 3]),
    ];
    let mut inputs = vec![input];
    inputs.extend(weights.iter().map(|weight| {
        let name = weight.name.as_deref().unwrap();
        info(name, weight.data_type.unwrap(), &weight.dims)
    }));
    let output = info("prob", DataType::FLOAT, &[1, 5]);
    model(3, 9, node_list, weights, inputs, vec![output])
}

/// Nodes whose features are 2 · mean + 4 of each channel, if positive.
fn twice_the_mean_and_four() -> Vec<NodeProto> {
    vec![
        node("GlobalAveragePool", &["picture"], "pool", &[]),
        node("Reshape", &["pool", "target"], "flat", &[]),
        node("Gemm", &["flat", "w", "b"], "linear", &[]),
        node("Relu", &["linear"], "layer", &[]),
    ]
}

/// Extracts the features of two single-coloured images in one batch.
fn features_of_two_colours(place: &Place, backbone: &str, precision: &str) -> Vec<[f32; 3]> {
    for (name, colour) in [("a", [200, 40, 30]), ("b", [40, 60, 200])] {
        let path = place.path("images").join(format!("{name}.png"));
        fs::create_dir_all(place.path("images")).unwrap();
        image::RgbImage::from_pixel(20, 20, image::Rgb(colour))
            .save(path)
            .unwrap();
    }
    let [images, store, table] = ["images", "store", "table.csv"].map(|name| place.text(name));
    let _ = fs::remove_dir_all(&store);
    let extract = ["extract", &images, "-o", &store, "--backbone", backbone];
    place
        .frostline(&[&extract[..], &["--precision", precision]].concat())
        .exits(0);
    place
        .frostline(&[
            "features", "export", &store, "--format", "csv", "-o", &table,
        ])
        .exits(0);
    let rows = fs::read_to_string(&table).unwrap();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        [3, 2, 1].map(|from_end| cells[cells.len() - from_end].parse().unwrap())
    };
    rows.lines().skip(1).map(row).collect()
}

#[track_caller]
fn assert_near(found: &[[f32; 3]], expected: &[[f32; 3]]) {
    assert_within(1e-4, found, expected);
}

#[track_caller]
fn assert_within(difference: f32, found: &[[f32; 3]], expected: &[[f32; 3]]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().flatten().zip(expected.iter().flatten()) {
        let is_near = (found - expected).abs() < difference;
        assert!(is_near, "{found} is not {expected}");
    }
}

#[test]
fn a_network_of_the_zoo_is_cut_and_used() {
    let Some(place) = Place::new() else { return };
    let input = info("picture", DataType::FLOAT, &[1, 3, 14, 14]);
    let file = place.write(
        "zoo.onnx",
        &network(input, Vec::new(), twice_the_mean_and_four()),
    );
    place
        .frostline(&["models", "import", &file])
        .exits(0)
        .says(&[
            "4 of 6 layers and 2 of 4 weights",
            "its batch size was fixed to 1 and is dynamic now, also in the constants of 1 node",
            "--layout nchw --crop 14 --resize 16",
            "zoo.onnx: 3 features, layer `layer`",
        ]);
    let manifest = place.manifest("zoo");
    assert_eq!(manifest.features.layer.as_deref(), Some("layer"));
    assert_eq!(manifest.features.num_features, Some(3));
    assert_eq!(manifest.preprocessing.crop, Crop::Center(14, 14));
    // ImageNet's mean and std: (200/255 − 0.485) / 0.229 = 1.30705 and so on, times 2, plus 4.
    let expected = [
        [6.614_09, 1.329_13, 1.436_86],
        [1.134_17, 2.029_41, 7.362_79],
    ];
    assert_near(&features_of_two_colours(&place, "zoo", "fp32"), &expected);
    let left = fs::read_dir(place.path("home/models")).unwrap().count();
    assert_eq!(left, 2, "only the network and its manifest");
}

/// On the CPU, ONNX Runtime 1.32 ends with a segmentation fault for such a product in float16, as in
/// torchvision's `ViT`, if it optimises everything.
#[test]
fn transposed_products_are_computed_in_float16() {
    let Some(place) = Place::new() else { return };
    let perm = |order: &'static [i64]| [("perm", order)];
    let nodes = vec![
        node("Transpose", &["picture"], "rows", &perm(&[1, 2, 0, 3])),
        node("MatMul", &["rows", "w"], "twice", &[]),
        node("Transpose", &["twice"], "back", &perm(&[2, 0, 1, 3])),
        node("GlobalAveragePool", &["back"], "pool", &[]),
        node("Reshape", &["pool", "target"], "layer", &[]),
    ];
    let input = info("picture", DataType::FLOAT, &[1, 3, 3, 3]);
    let file = place.write("turned.onnx", &network(input, Vec::new(), nodes));
    place.frostline(&["models", "import", &file]).exits(0);
    // Twice the values of `a_network_of_the_zoo_is_cut_and_used`. float16 rounds 2.6 by at most 0.001.
    let expected = [
        [2.614_09, -2.670_87, -2.563_14],
        [-2.865_83, -1.970_59, 3.362_79],
    ];
    let found = features_of_two_colours(&place, "turned", "fp16");
    assert_within(0.004, &found, &expected);
}

/// The largest number of float16 is 65,504.
#[test]
fn numbers_too_large_for_float16_are_told() {
    let Some(place) = Place::new() else { return };
    let input = info("picture", DataType::FLOAT, &[1, 3, 3, 3]);
    let mut model = network(input, Vec::new(), twice_the_mean_and_four());
    let weights = &mut model.graph.as_mut().unwrap().initializer;
    let bias = weights.iter_mut().find(|w| w.name.as_deref() == Some("b"));
    *bias.unwrap() = weight("b", &[3], &[100_000.0; 3]);
    let file = place.write("large.onnx", &model);
    place.frostline(&["models", "import", &file]).exits(0);
    // Those of `a_network_of_the_zoo_is_cut_and_used`, plus 99,996.
    let found = features_of_two_colours(&place, "large", "fp32");
    let expected = [
        [100_002.61, 99_997.33, 99_997.44],
        [99_997.13, 99_998.03, 100_003.36],
    ];
    assert_within(0.02, &found, &expected);
    let [images, half] = ["images", "half"].map(|name| place.text(name));
    let extract = ["extract", &images, "-o", &half, "--backbone", "large"];
    place
        .frostline(&[&extract[..], &["--precision", "fp16"]].concat())
        .exits(1)
        .says(&["its fp16 features differ", "--precision fp32"]);
}

#[test]
fn bytes_with_channels_last_are_converted() {
    let Some(place) = Place::new() else { return };
    let input = info("pixels", DataType::UINT8, &[1, 14, 14, 3]);
    let mut cast = node("Cast", &["pixels"], "floats", &[]);
    cast.attribute.push(AttributeProto {
        name: Some("to".to_owned()),
        i: Some(1),
        r#type: Some(AttributeType::INT),
        ..AttributeProto::default()
    });
    let before = vec![
        cast,
        node(
            "Transpose",
            &["floats"],
            "picture",
            &[("perm", &[0, 3, 1, 2])],
        ),
    ];
    let file = place.write(
        "bytes.onnx",
        &network(input, before, twice_the_mean_and_four()),
    );
    place
        .frostline(&[
            "models",
            "import",
            &file,
            "--name",
            "raw",
            "--channels",
            "bgr",
        ])
        .exits(0)
        .says(&[
            "takes uint8; a conversion",
            "--layout nhwc",
            "--scale 1 --mean 0,0,0 --std 1,1,1",
        ]);
    assert_eq!(place.manifest("raw").preprocessing.layout, Layout::Nhwc);
    // Blue comes first: 2 · 30 + 4, 2 · 40 + 4, 2 · 200 + 4.
    let expected = [[64.0, 84.0, 404.0], [404.0, 124.0, 84.0]];
    assert_near(&features_of_two_colours(&place, "raw", "fp32"), &expected);
}

#[test]
fn a_layer_that_mixes_the_images_of_a_batch_runs_one_image_at_a_time() {
    let Some(place) = Place::new() else { return };
    let input = info("picture", DataType::FLOAT, &[1, 3, 14, 14]);
    let nodes = vec![
        node("GlobalAveragePool", &["picture"], "pool", &[]),
        node("Transpose", &["pool"], "turned", &[("perm", &[1, 0, 2, 3])]),
        node("Reshape", &["turned", "target"], "flat", &[]),
        node("Relu", &["flat"], "layer", &[]),
    ];
    let file = place.write("mixing.onnx", &network(input, Vec::new(), nodes));
    place
        .frostline(&["models", "import", &file])
        .exits(0)
        .says(&[
            "its batch size stays 1, so images run 1 at a time",
            "different features in one batch",
            "Reshape `flat`",
        ]);
    // ImageNet's mean and std: (200/255 − 0.485) / 0.229 = 1.30705; what is below 0 is 0.
    let expected = [[1.307_05, 0.0, 0.0], [0.0, 0.0, 1.681_40]];
    assert_near(
        &features_of_two_colours(&place, "mixing", "fp32"),
        &expected,
    );
}

/// Builds a network of a convolution over patches of 4 × 4 pixels, followed by `nodes`. Its channels are the
/// averages of red, green, blue, red and so on; channel k is multiplied by k + 1.
fn patches(input: ValueInfoProto, before: Vec<NodeProto>, nodes: Vec<NodeProto>) -> ModelProto {
    const CHANNELS: usize = 6;
    let number = |i: usize| {
        let (channel, colour) = (i / 48, i / 16 % 3);
        let scale = (channel + 1) as f32 / 16.0;
        if channel % 3 == colour { scale } else { 0.0 }
    };
    let patch: Vec<f32> = (0..CHANNELS * 48).map(number).collect();
    let mut model = network(input, before, Vec::new());
    let graph = model.graph.as_mut().unwrap();
    graph
        .node
        .retain(|node| !matches!(node.op_type.as_deref(), Some("MatMul" | "Softmax")));
    graph.node.push(node(
        "Conv",
        &["picture", "patch.w"],
        "map",
        &[("strides", &[4, 4])],
    ));
    graph.node.extend(nodes);
    let weights = [
        weight("patch.w", &[6, 3, 4, 4], &patch),
        numbers("tokens", &[0, 6, -1]),
        numbers("mixed", &[0, 5, 30]),
    ];
    for weight in weights {
        let (name, element) = (weight.name.clone().unwrap(), weight.data_type.unwrap());
        graph.input.push(info(&name, element, &weight.dims));
        graph.initializer.push(weight);
    }
    let last = graph.node.last().unwrap().output[0].clone();
    graph.output = vec![info(&last, DataType::FLOAT, &[1, 5, 6])];
    model
}

/// Imports a network that takes raw pixel values; returns the features of an image whose left half is
/// (10, 20, 30) and whose right half is (30, 20, 10).
fn means_of_halves(place: &Place, file: &str, size: (u32, u32), pool: &str) -> Vec<f32> {
    pooled_halves(place, file, size, &["--pool", pool])
}

/// Imports the layer `layer` of a network with these options, and returns its features of an image with two
/// halves.
fn pooled_halves(place: &Place, file: &str, (w, h): (u32, u32), pool: &[&str]) -> Vec<f32> {
    let args = [
        "models",
        "import",
        file,
        "--name",
        "probe",
        "--layer",
        "layer",
        "--scale",
        "1",
        "--mean",
        "0",
        "--std",
        "1",
        "--resize",
        "none",
        "--replace",
    ];
    place.frostline(&[&args, pool].concat()).exits(0);
    let picture = image::RgbImage::from_fn(w, h, |x, _| {
        image::Rgb(if x < w / 2 {
            [10, 20, 30]
        } else {
            [30, 20, 10]
        })
    });
    fs::create_dir_all(place.path("halves")).unwrap();
    picture.save(place.path("halves/a.png")).unwrap();
    let [images, store, table] =
        ["halves", "halves-store", "halves.csv"].map(|name| place.text(name));
    let args = [
        "extract",
        &images,
        "-o",
        &store,
        "--overwrite",
        "--backbone",
        "probe",
    ];
    place.frostline(&args).exits(0);
    let args = [
        "features", "export", &store, "--format", "csv", "-o", &table,
    ];
    place.frostline(&args).exits(0);
    let rows = fs::read_to_string(&table).unwrap();
    let cells = rows.lines().nth(1).unwrap().split(',').skip(5);
    cells.map(|cell| cell.parse().unwrap()).collect()
}

/// Each colour's mean over both halves is 20; channel k is k + 1 times that.
const HALVES: [f32; 6] = [20.0, 40.0, 60.0, 80.0, 100.0, 120.0];

#[test]
fn tokens_are_averaged_and_not_their_channels() {
    let Some(place) = Place::new() else { return };
    // 6 tokens of 6 channels: the lengths alone do not distinguish the axes.
    let input = info("picture", DataType::FLOAT, &[1, 3, 8, 12]);
    let nodes = vec![
        node("Reshape", &["map", "tokens"], "flat", &[]),
        node("Transpose", &["flat"], "layer", &[("perm", &[0, 2, 1])]),
    ];
    let file = place.write("tokens.onnx", &patches(input, Vec::new(), nodes));
    // Three columns of 4 pixels: the middle one is half of each colour, and so is the whole image.
    assert_eq!(means_of_halves(&place, &file, (12, 8), "mean"), HALVES);
}

#[test]
fn a_wide_map_with_channels_last_is_averaged_over_its_positions() {
    let Some(place) = Place::new() else { return };
    let input = info("pixels", DataType::FLOAT, &[1, 8, 16, 3]);
    let before = vec![node(
        "Transpose",
        &["pixels"],
        "picture",
        &[("perm", &[0, 3, 1, 2])],
    )];
    let nodes = vec![node(
        "Transpose",
        &["map"],
        "layer",
        &[("perm", &[0, 2, 3, 1])],
    )];
    let file = place.write("wide.onnx", &patches(input, before, nodes));
    assert_eq!(means_of_halves(&place, &file, (16, 8), "mean"), HALVES);
}

#[test]
fn positions_that_the_graph_does_not_tell_are_asked_for() {
    let Some(place) = Place::new() else { return };
    // (6, 5, 5) reshaped to (5, 30): neither axis holds the channels.
    let input = info("picture", DataType::FLOAT, &[1, 3, 20, 20]);
    let nodes = vec![node("Reshape", &["map", "mixed"], "layer", &[])];
    let file = place.write("mixed.onnx", &patches(input, Vec::new(), nodes));
    let refused = place.frostline(&[
        "models", "import", &file, "--layer", "layer", "--pool", "mean",
    ]);
    refused.exits(1).says(&[
        "5 × 30 values per image",
        "--map nchw (5 features) or nhwc (30 features)",
    ]);
    for (map, features) in [("nchw", 5), ("nhwc", 30)] {
        let pool = ["--pool", "mean", "--map", map];
        assert_eq!(
            pooled_halves(&place, &file, (20, 20), &pool).len(),
            features
        );
    }
}

#[test]
fn an_uncertain_layer_is_asked_for() {
    let Some(place) = Place::new() else { return };
    let input = info("picture", DataType::FLOAT, &[1, 3, 14, 14]);
    let mut model = network(input, Vec::new(), twice_the_mean_and_four());
    let graph = model.graph.as_mut().unwrap();
    graph.output.push(info("layer", DataType::FLOAT, &[1, 3]));
    let file = place.write("two.onnx", &model);
    place
        .frostline(&["models", "import", &file])
        .exits(1)
        .says(&[
            "cannot be determined",
            "choose one with --layer: `prob` ((N, 5); the output), `layer` ((N, 3); the output), `pool` \
             ((N, 3, 1, 1); read by Gemm `linear`)",
        ]);
    // A layer can be named by the number that `models show` prints.
    let shown = place.frostline(&["models", "show", &file]).exits(0);
    assert!(
        shown.out.contains("       0 GlobalAveragePool    pool"),
        "{}",
        shown.out
    );
    place
        .frostline(&["models", "import", &file, "--layer", "0"])
        .exits(0)
        .says(&["layer `pool`"]);
}

/// Another network, other preprocessing and a known name are refused; a repeated import is not.
#[test]
fn an_installed_backbone_is_replaced_only_on_request() {
    let Some(place) = Place::new() else { return };
    let input = || info("picture", DataType::FLOAT, &[1, 3, 14, 14]);
    let mut other = twice_the_mean_and_four();
    other.push(node("Relu", &["layer"], "more", &[]));
    let files = [("one", twice_the_mean_and_four()), ("two", other)].map(|(folder, nodes)| {
        fs::create_dir_all(place.path(folder)).unwrap();
        place.write(
            &format!("{folder}/model.onnx"),
            &network(input(), Vec::new(), nodes),
        )
    });
    let import =
        |file: &str, more: &[&str]| place.frostline(&[&["models", "import", file], more].concat());
    import(&files[0], &[])
        .exits(0)
        .says(&["one.onnx: 3 features"]);
    let first = fs::read(place.path("home/models/one.onnx")).unwrap();
    import(&files[0], &[]).exits(0);
    let name = ["--name", "one"];
    import(&files[0], &["--mean", "0.5"])
        .exits(1)
        .says(&["`one` is already installed", "--replace"]);
    import(&files[1], &[&name[..], &["--layer", "more"]].concat())
        .exits(1)
        .says(&[
            "`one` is already installed with another network",
            "--name",
            "--replace",
        ]);
    assert_eq!(fs::read(place.path("home/models/one.onnx")).unwrap(), first);
    assert_eq!(
        place.manifest("one").features.layer.as_deref(),
        Some("layer")
    );
    let replace = [&name[..], &["--layer", "more", "--replace"]].concat();
    import(&files[1], &replace).exits(0);
    assert_ne!(fs::read(place.path("home/models/one.onnx")).unwrap(), first);
    assert_eq!(
        place.manifest("one").features.layer.as_deref(),
        Some("more")
    );
    import(&files[0], &["--name", "efficientnet-lite0"])
        .exits(1)
        .says(&["`efficientnet-lite0` is a known backbone", "--replace"]);
    let left = fs::read_dir(place.path("home/models")).unwrap().count();
    assert_eq!(left, 2, "only the network and its manifest");
}

/// `backend/test/data/light` of the `onnx` wheel: the structures of the Model Zoo, with constants as weights.
#[test]
fn the_structures_that_people_publish() {
    const FEATURES: [(&str, usize); 9] = [
        ("light_bvlc_alexnet", 4096),
        ("light_densenet121", 1024),
        ("light_inception_v1", 1024),
        ("light_inception_v2", 1024),
        ("light_resnet50", 2048),
        ("light_shufflenet", 544),
        ("light_squeezenet", 512 * 13 * 13),
        ("light_vgg19", 4096),
        ("light_zfnet512", 1024),
    ];
    let Some(folder) = std::env::var_os("FROSTLINE_LIGHT_MODELS") else {
        eprintln!("not tested: FROSTLINE_LIGHT_MODELS does not name the folder of light_*.onnx");
        return;
    };
    let Some(place) = Place::new() else { return };
    for (name, features) in FEATURES {
        let file = Path::new(&folder).join(name).with_extension("onnx");
        let file = file.display().to_string();
        place
            .frostline(&["models", "import", &file])
            .exits(0)
            .says(&[
                "its batch size was fixed to 1",
                &format!("{features} features"),
            ]);
    }
    let squeezenet = Path::new(&folder).join("light_squeezenet.onnx");
    let squeezenet = squeezenet.display().to_string();
    place
        .frostline(&[
            "models",
            "import",
            &squeezenet,
            "--pool",
            "mean",
            "--replace",
        ])
        .exits(0)
        .says(&["512 features"]);
}
