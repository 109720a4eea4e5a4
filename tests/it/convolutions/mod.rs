//! Compares networks with Winograd convolutions with the same networks in plain ONNX Runtime.

mod kept_graph;
mod net;
mod random;

use frostline::backbones::{
    Backbone, Convolutions, Device, DeviceRequest, FeatureLayer, Home, OnnxBackbone, RunOptions,
    RuntimeLibrary,
};
use frostline::images::{Crop, Layout, Preprocessing, Resize};

use self::net::{Is, Net, Numbers};
use crate::harness::installed_home;

/// Returns a preprocessing for images of this height and width, without a resize.
fn as_they_are([height, width]: [u32; 2]) -> Preprocessing {
    let mut preprocessing = Preprocessing::default();
    preprocessing.resize = Resize::None;
    preprocessing.crop = Crop::Center(width, height);
    preprocessing
}

fn on_cpu(home: &Home, threads: usize, convolutions: Convolutions) -> RunOptions {
    let mut options = RunOptions::new(home.clone());
    options.device = DeviceRequest::Exactly(Device::Cpu);
    options.threads = threads;
    options.convolutions = convolutions;
    options
}

/// A network in a temporary folder, with the size and layout of its input.
struct Case {
    home: Home,
    folder: tempfile::TempDir,
    size: [u32; 2],
    layout: Layout,
}

impl Case {
    /// Creates a case for images of this height and width; `None` if ONNX Runtime is not installed.
    fn of(size: [u32; 2]) -> Option<Self> {
        Some(Self {
            home: Home::at(installed_home()?),
            folder: tempfile::tempdir().unwrap(),
            size,
            layout: Layout::Nchw,
        })
    }

    fn net(&self) -> Net {
        let [height, width] = self.size.map(i64::from);
        Net::new([3, height, width])
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("net.onnx")
    }

    fn load(&self, convolutions: Convolutions, layer: &str) -> OnnxBackbone {
        let mut preprocessing = as_they_are(self.size);
        preprocessing.layout = self.layout;
        let options = on_cpu(&self.home, 2, convolutions);
        let library = RuntimeLibrary::find(&self.home).unwrap();
        let mut features = FeatureLayer::default();
        features.layer = Some(layer.to_owned());
        let network = (&*self.path(), None);
        OnnxBackbone::load(&library, network, &features, &preprocessing, &options).unwrap()
    }

    /// Compares one layer with ONNX Runtime in batches of one image and of three, and checks how many
    /// convolutions are replaced.
    #[track_caller]
    fn check(&self, layer: &str, replaced: usize) {
        let mut ours = self.load(Convolutions::Winograd, layer);
        let mut plain = self.load(Convolutions::Direct, layer);
        assert_eq!(plain.own_convolutions(), 0);
        assert_eq!(ours.own_convolutions(), replaced, "convolutions replaced");
        assert_eq!(ours.layer(), layer);
        let mut numbers = Numbers(7);
        let len = 3 * self.size[0] * self.size[1];
        let images: Vec<f32> = (0..3 * len).map(|_| 2.0 * numbers.next()).collect();
        for n in [1, 3] {
            let images = &images[..n * len as usize];
            let got = ours.forward(images, n).unwrap();
            near(&got, &plain.forward(images, n).unwrap());
        }
    }

    #[track_caller]
    fn holds(&self, net: Net, layer: (&str, usize), replaced: usize) {
        net.write(&self.path(), &[layer]);
        self.check(layer.0, replaced);
    }
}

/// Checks that two tensors differ by at most 1e-5 of the largest value.
#[track_caller]
fn near(got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len());
    let largest = wanted.iter().fold(0.0_f32, |most, x| most.max(x.abs()));
    assert!(largest > 0.1, "all features are small: {largest}");
    let pairs = got.iter().zip(wanted);
    let off = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(off <= 1e-5 * largest, "{off} off, of {largest}");
}

/// Two blocks of convolutions and pooling, then a large and a small linear layer.
#[test]
fn a_network_like_vgg() {
    let Some(case) = Case::of([17, 18]) else {
        return;
    };
    let mut net = case.net();
    let mut x = "input".to_owned();
    for [from, to] in [[3, 16], [16, 24], [24, 32], [32, 33]] {
        x = net.conv(&x, [from, to], &[]);
        x = net.relu(&x);
        if to == 24 || to == 33 {
            x = net.max_pool(&x, &[]);
        }
    }
    x = net.node("Flatten", &[&x], &[]);
    x = net.node("Dropout", &[&x], &[]);
    x = net.gemm(&x, [33 * 4 * 4, 520]);
    x = net.relu(&x);
    x = net.node("Dropout", &[&x], &[]);
    let y = net.gemm(&x, [520, 9]);
    case.holds(net, (&y, 2), 4);
}

/// A convolution of at most 8 channels is computed directly unless a pooling follows it.
#[test]
fn direct_convolutions_do_not_count_as_winograd() {
    let Some(case) = Case::of([12, 12]) else {
        return;
    };
    for (channels, pooled, own, winograd) in [
        (&[3, 16][..], false, 1, 0),
        (&[3, 16], true, 1, 1),
        (&[3, 8, 9, 10], false, 3, 1),
        (&[3, 9, 8, 9], true, 3, 2),
    ] {
        let mut net = case.net();
        let mut x = "input".to_owned();
        for pair in channels.windows(2) {
            x = net.conv(&x, [pair[0], pair[1]], &[]);
        }
        if pooled {
            x = net.max_pool(&x, &[]);
        }
        net.write(&case.path(), &[(&x, 4)]);
        let ours = case.load(Convolutions::Winograd, &x);
        let counts = (ours.own_convolutions(), ours.winograd_layers());
        assert_eq!(counts, (own, winograd), "{channels:?}, pooled: {pooled}");
    }
}

/// Residual blocks with batch norms, one of them at half the size with a convolution in the shortcut.
#[test]
fn a_network_like_resnet() {
    let Some(case) = Case::of([30, 26]) else {
        return;
    };
    let mut net = case.net();
    let stem = net.conv_weight([3, 16], 7);
    let pads = Is::Ints(&[3; 4]);
    let x = net.node(
        "Conv",
        &["input", &stem],
        &[("strides", Is::Ints(&[2, 2])), ("pads", pads)],
    );
    let x = net.norm(&x, 16);
    let x = net.relu(&x);
    let a = net.conv(&x, [16, 16], &[]);
    let a = net.norm(&a, 16);
    let a = net.relu(&a);
    let a = net.conv(&a, [16, 16], &[]);
    let a = net.norm(&a, 16);
    let a = net.node("Add", &[&a, &x], &[]);
    let a = net.relu(&a);
    let down = |net: &mut Net, kernel: i64| {
        let weight = net.conv_weight([16, 24], kernel);
        let pads = vec![kernel / 2; 4];
        let attributes = [("strides", Is::Ints(&[2, 2])), ("pads", Is::Ints(&pads))];
        let x = net.node("Conv", &[&a, &weight], &attributes);
        net.norm(&x, 24)
    };
    let b = down(&mut net, 3);
    let b = net.relu(&b);
    let b = net.conv(&b, [24, 24], &[]);
    let b = net.norm(&b, 24);
    let beside = down(&mut net, 1);
    let b = net.node("Add", &[&b, &beside], &[]);
    let b = net.relu(&b);
    let b = net.node("GlobalAveragePool", &[&b], &[]);
    let y = net.node("Flatten", &[&b], &[]);
    case.holds(net, (&y, 2), 3);
}

#[test]
fn paddings() {
    let Some(case) = Case::of([13, 11]) else {
        return;
    };
    let cases: [&[(&str, Is)]; 6] = [
        &[("pads", Is::Ints(&[0; 4]))],
        &[("pads", Is::Ints(&[1, 0, 2, 3]))],
        &[("pads", Is::Ints(&[4, 1, 0, 0]))],
        &[("auto_pad", Is::Text("SAME_UPPER"))],
        &[("auto_pad", Is::Text("SAME_LOWER"))],
        &[("auto_pad", Is::Text("VALID")), ("group", Is::Int(1))],
    ];
    for padding in cases {
        let mut net = case.net();
        let x = net.conv("input", [3, 12], padding);
        let x = net.relu(&x);
        let x = net.conv(&x, [12, 10], padding);
        case.holds(net, (&x, 4), 2);
    }
}

#[test]
fn pictures_of_any_size() {
    for size in [[3, 3], [1, 1], [4, 7], [5, 16], [31, 9]] {
        let Some(case) = Case::of(size) else { return };
        let mut net = case.net();
        let x = net.conv("input", [3, 8], &[]);
        let x = net.conv(&x, [8, 5], &[]);
        case.holds(net, (&x, 4), 2);
    }
}

/// `ReLU6` as older and newer exporters write it; ONNX Runtime computes other bounds.
#[test]
fn bounds() {
    let Some(case) = Case::of([10, 12]) else {
        return;
    };
    for (low, high) in [(0.0, 6.0), (0.0, 1.0), (-1.0, 1.0)] {
        let mut net = case.net().opset(6);
        let x = net.conv("input", [3, 9], &[]);
        let bounds = [("min", Is::Float(low)), ("max", Is::Float(high))];
        let x = net.node("Clip", &[&x], &bounds);
        case.holds(net, (&x, 4), 1);
        let mut net = case.net();
        let x = net.conv("input", [3, 9], &[]);
        let bounds = [low, high].map(|bound| net.scalar(bound));
        let x = net.node("Clip", &[&x, &bounds[0], &bounds[1]], &[]);
        let x = net.conv(&x, [9, 9], &[]);
        case.holds(net, (&x, 4), 2);
    }
    let mut net = case.net();
    let x = net.conv("input", [3, 9], &[]);
    let zero = net.scalar(0.0);
    let x = net.node("Clip", &[&x, &zero], &[]);
    case.holds(net, (&x, 4), 1);
}

/// ONNX Runtime computes the poolings that frostline does not support.
#[test]
fn other_poolings() {
    let Some(case) = Case::of([15, 13]) else {
        return;
    };
    let cases: [&[(&str, Is)]; 3] = [
        &[("ceil_mode", Is::Int(1))],
        &[("pads", Is::Ints(&[1; 4]))],
        &[("auto_pad", Is::Text("SAME_UPPER"))],
    ];
    for pooling in cases {
        let mut net = case.net();
        let x = net.conv("input", [3, 12], &[]);
        let x = net.relu(&x);
        let x = net.max_pool(&x, pooling);
        let x = net.conv(&x, [12, 10], &[]);
        case.holds(net, (&x, 4), 2);
    }
    let mut net = case.net();
    let x = net.conv("input", [3, 12], &[]);
    let window = [
        ("kernel_shape", Is::Ints(&[3, 3])),
        ("strides", Is::Ints(&[2, 2])),
    ];
    let x = net.node("MaxPool", &[&x], &window);
    let x = net.conv(&x, [12, 10], &[]);
    let window = [
        ("kernel_shape", Is::Ints(&[1, 1])),
        ("strides", Is::Ints(&[1, 1])),
    ];
    let x = net.node("AveragePool", &[&x], &window);
    let window = [("kernel_shape", Is::Ints(&[2, 2]))];
    let x = net.node("AveragePool", &[&x], &window);
    case.holds(net, (&x, 4), 2);
}

/// A tensor that several nodes read, or that is also an output, is available to all of them.
#[test]
fn tensors_with_several_readers() {
    let Some(case) = Case::of([14, 14]) else {
        return;
    };
    let mut net = case.net();
    let first = net.conv("input", [3, 8], &[]);
    let a = net.relu(&first);
    let pooled = net.max_pool(&a, &[]);
    let b = net.conv(&a, [8, 8], &[]);
    let sum = net.node("Add", &[&a, &b], &[]);
    let twice = net.node("Mul", &[&sum, &sum], &[]);
    let side = net.conv_weight([8, 8], 1);
    let side = net.node("Conv", &[&a, &side], &[]);
    let all = net.node("Concat", &[&sum, &b, &side], &[("axis", Is::Int(1))]);
    let narrow = net.conv(&all, [24, 6], &[]);
    let gate = net.node("Sigmoid", &[&narrow], &[]);
    let narrow = net.node("Mul", &[&narrow, &gate], &[]);
    let outputs = [&first, &a, &pooled, &b, &sum, &twice, &all, &narrow];
    net.write(&case.path(), &outputs.map(|name| (name.as_str(), 4)));
    for layer in outputs {
        case.check(layer, 3);
    }
}

#[test]
fn shared_weights() {
    let Some(case) = Case::of([9, 9]) else { return };
    let mut net = case.net();
    let x = net.conv("input", [3, 8], &[]);
    let weight = net.conv_weight([8, 8], 3);
    let padded = || [("pads", Is::Ints(&[1; 4]))];
    let x = net.node("Conv", &[&x, &weight], &padded());
    let x = net.relu(&x);
    let x = net.node("Conv", &[&x, &weight], &padded());
    // ONNX Runtime computes one of the weight's readers.
    let wide = [
        ("dilations", Is::Ints(&[2, 2])),
        ("pads", Is::Ints(&[2; 4])),
    ];
    let x = net.node("Conv", &[&x, &weight], &wide);
    case.holds(net, (&x, 4), 3);
}

/// Strided and grouped convolutions and other kernels are not replaced, even if a network has nothing else.
#[test]
fn what_is_not_replaced() {
    let Some(case) = Case::of([12, 12]) else {
        return;
    };
    let mut net = case.net();
    let x = net.conv("input", [3, 8], &[("strides", Is::Ints(&[2, 2]))]);
    let weight = net.weight(&[8, 1, 3, 3], 0.0, 0.5);
    let x = net.node("Conv", &[&x, &weight], &[("group", Is::Int(8))]);
    let weight = net.conv_weight([8, 8], 1);
    let x = net.node("Conv", &[&x, &weight], &[]);
    case.holds(net, (&x, 4), 0);
}

/// A large layer after each kind of flattening, with weights in both orders.
#[test]
fn large_linear_layers() {
    let Some(case) = Case::of([8, 9]) else { return };
    let begin = || {
        let mut net = case.net();
        let x = net.conv("input", [3, 10], &[]);
        let x = net.relu(&x);
        (net, x)
    };
    let inputs = 10 * 8 * 9;
    for target in [[-1, inputs], [0, -1], [0, inputs]] {
        let (mut net, x) = begin();
        let target = net.integers(&target);
        let x = net.node("Reshape", &[&x, &target], &[]);
        let y = net.gemm(&x, [inputs, 400]);
        case.holds(net, (&y, 2), 1);
    }
    let (mut net, x) = begin();
    let x = net.node("Flatten", &[&x], &[("axis", Is::Int(1))]);
    let weight = net.weight(&[inputs, 400], 0.0, 0.1);
    let x = net.node("MatMul", &[&x, &weight], &[]);
    let y = net.relu(&x);
    case.holds(net, (&y, 2), 1);
    // Rows that other nodes read too are in the file's order.
    let (mut net, x) = begin();
    let x = net.node("Flatten", &[&x], &[]);
    let a = net.gemm(&x, [inputs, 400]);
    let b = net.gemm(&x, [inputs, 400]);
    let y = net.node("Add", &[&a, &b], &[]);
    let rows = x.clone();
    net.write(&case.path(), &[(&y, 2), (&rows, 2)]);
    case.check(&y, 1);
    case.check(&rows, 1);
    // ONNX Runtime computes linear layers with factors.
    let (mut net, x) = begin();
    let x = net.node("Flatten", &[&x], &[]);
    let weight = net.weight(&[inputs, 400], 0.0, 0.1);
    let x = net.node("Gemm", &[&x, &weight], &[("alpha", Is::Float(0.5))]);
    case.holds(net, (&x, 2), 1);
}

/// Networks from TensorFlow take NHWC input and transpose it themselves.
#[test]
fn pictures_with_their_channels_last() {
    let Some(mut case) = Case::of([11, 10]) else {
        return;
    };
    case.layout = Layout::Nhwc;
    let mut net = Net::new([11, 10, 3]);
    let x = net.node(
        "Transpose",
        &["input"],
        &[("perm", Is::Ints(&[0, 3, 1, 2]))],
    );
    let x = net.conv(&x, [3, 8], &[]);
    let x = net.relu(&x);
    let x = net.conv(&x, [8, 7], &[]);
    let y = net.node("Transpose", &[&x], &[("perm", Is::Ints(&[0, 2, 3, 1]))]);
    case.holds(net, (&y, 4), 2);
}

/// External weights, for frostline's layers and for ONNX Runtime's.
#[test]
fn weights_beside_the_network() {
    let Some(case) = Case::of([9, 8]) else { return };
    let mut net = case.net();
    let x = net.conv("input", [3, 8], &[]);
    let weight = net.conv_weight([8, 24], 1);
    let x = net.node("Conv", &[&x, &weight], &[]);
    let x = net.conv(&x, [24, 7], &[]);
    net.move_weights(case.folder.path());
    case.holds(net, (&x, 4), 2);
}
