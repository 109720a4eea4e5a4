//! Random networks with all kinds of attributes and values: frostline's operators return the same results as
//! ONNX Runtime.

use std::path::Path;

use frostline::backbones::{
    Backbone, Convolutions, FeatureLayer, Home, OnnxBackbone, RuntimeLibrary,
};

use super::net::{Is, Net, Numbers};
use super::{as_they_are, on_cpu};
use crate::harness::installed_home;

/// Number of networks to try.
const NETWORKS: u32 = 2400;
/// A Winograd convolution is off by up to 2e-6 of its largest value, and a network has up to four in a row.
const TOLERANCE: f32 = 2e-5;

/// Unusual values.
const SPECIAL: &[f32] = &[
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    1e38,
    -1e38,
    1e-40,
    -1e-40,
    0.0,
    -0.0,
];

struct Dice(Numbers);

impl Dice {
    fn below(&mut self, n: usize) -> usize {
        let unit = f32::midpoint(self.0.next(), 1.0);
        ((unit * n as f32) as usize).min(n - 1)
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn pick<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }
}

type Attributes = Vec<(&'static str, Is<'static>)>;

/// A network under construction.
struct Maker {
    net: Net,
    dice: Dice,
    opset: i64,
    /// Whether attributes may be wrong.
    wild: bool,
    /// Whether weights may be special.
    special: bool,
    x: String,
    /// Channels, height and width; reliable only if `certain`.
    size: [i64; 3],
    certain: bool,
    /// The largest value to expect.
    gain: f32,
}

impl Maker {
    fn wrong(&mut self) -> bool {
        self.wild && self.dice.one_in(7)
    }

    fn push(&mut self, operator: &str, more: &[&str], attributes: &Attributes) {
        let mut inputs = vec![&*self.x];
        inputs.extend(more);
        self.x = self.net.node(operator, &inputs, attributes);
    }

    /// Adds a weight, sometimes with one special value.
    fn weight(&mut self, dims: &[i64], mean: f32, spread: f32) -> String {
        let name = self.net.weight(dims, mean, spread);
        if self.special && self.dice.one_in(3) {
            let len = dims.iter().product::<i64>() as usize;
            let at = self.dice.below(len);
            self.net.change(&name, at, self.dice.pick(SPECIAL));
        }
        name
    }

    fn conv(&mut self) {
        let from = self.size[0];
        let to = self.dice.pick(&[1, 2, 5, 8, 9, 12, 16, 24, 25, 32]);
        let kernel = if self.dice.one_in(16) { 1 } else { 3 };
        let mut attributes = Attributes::new();
        let mut pads = [0; 4];
        match self.dice.below(8) {
            0..=3 => {
                pads = [kernel / 2; 4];
                let is = if kernel == 3 { &[1; 4] } else { &[0; 4] };
                attributes.push(("pads", Is::Ints(is)));
            }
            4 => {
                let odd = self
                    .dice
                    .pick(&[&[1, 0, 2, 3], &[2, 2, 2, 2], &[0, 1, 0, 1]]);
                pads = *odd;
                attributes.push(("pads", Is::Ints(odd)));
            }
            5 => {
                let how = self
                    .dice
                    .pick(&["SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET"]);
                attributes.push(("auto_pad", Is::Text(how)));
                pads = if how.starts_with("SAME") {
                    [kernel / 2; 4]
                } else {
                    [0; 4]
                };
            }
            _ => {}
        }
        for (name, right) in [("strides", 1), ("dilations", 1), ("kernel_shape", kernel)] {
            let wrong: [&[i64]; 9] = [
                &[2, 2],
                &[1],
                &[3],
                &[1, 1, 1],
                &[0, 0],
                &[],
                &[1 << 31, 3],
                &[-1, 1],
                &[1, 2],
            ];
            if self.wrong() {
                let value = self.dice.pick(&wrong);
                attributes.push((name, Is::Ints(value)));
                self.certain = false;
            } else if self.dice.one_in(3) {
                let value: &[i64] = if right == 3 { &[3, 3] } else { &[1, 1] };
                attributes.push((name, Is::Ints(value)));
            }
        }
        if self.dice.one_in(4) {
            let group = if self.wrong() {
                self.dice.pick(&[0, 2, -1])
            } else {
                1
            };
            attributes.push(("group", Is::Int(group)));
        }
        if self.wrong() {
            attributes.push(self.dice.pick(&[
                ("pads", Is::Ints(&[-1, -1, -1, -1])),
                ("pads", Is::Ints(&[1, 1])),
                ("pads", Is::Ints(&[1; 4])),
                ("auto_pad", Is::Text("SAME")),
                ("auto_pad", Is::Text("VALID")),
                ("group", Is::Ints(&[1])),
                ("strides", Is::Int(1)),
                ("alpha", Is::Float(1.0)),
                ("pads", Is::Ints(&[i64::MAX; 4])),
            ]));
            self.certain = false;
        }
        let spread = (3.0 / (from * kernel * kernel) as f32).sqrt();
        let taken = if self.wrong() { from + 1 } else { from };
        let weight = self.weight(&[to, taken, kernel, kernel], 0.0, spread);
        let mut more = vec![weight];
        if !self.dice.one_in(3) {
            let length = if self.wrong() { to + 1 } else { to };
            more.push(self.weight(&[length], 0.0, 0.5));
        }
        let more: Vec<&str> = more.iter().map(String::as_str).collect();
        self.push("Conv", &more, &attributes);
        let [_, h, w] = self.size;
        let [top, left, bottom, right] = pads;
        self.size = [
            to,
            h + top + bottom - kernel + 1,
            w + left + right - kernel + 1,
        ];
        self.gain = 2.0 * self.gain + 0.5;
    }

    fn norm(&mut self) {
        let channels = if self.wrong() {
            self.size[0] + 1
        } else {
            self.size[0]
        };
        let scale = self.weight(&[channels], 1.0, 0.5);
        let shift = self.weight(&[channels], 0.0, 0.5);
        let mean = self.weight(&[channels], 0.0, 0.5);
        let variance = self.weight(&[channels], 1.0, 0.5);
        let mut attributes = Attributes::new();
        if !self.dice.one_in(4) {
            let epsilon = if self.wrong() {
                self.dice
                    .pick(&[f32::NAN, f32::INFINITY, -0.75, -9.0, 0.0, 1e38])
            } else {
                self.dice.pick(&[1e-5, 1e-3, 0.1])
            };
            attributes.push(("epsilon", Is::Float(epsilon)));
        }
        if self.dice.one_in(3) {
            attributes.push(("momentum", Is::Float(self.dice.pick(&[0.9, 0.1, f32::NAN]))));
        }
        if self.opset >= 14 && self.dice.one_in(3) || self.wrong() {
            let training = i64::from(self.wrong());
            attributes.push(("training_mode", Is::Int(training)));
        }
        if self.opset < 9 && self.dice.one_in(3) || self.wrong() {
            attributes.push(("spatial", Is::Int(i64::from(!self.wrong()))));
        }
        if self.wrong() {
            let odd = [
                ("is_test", Is::Int(1)),
                ("epsilon", Is::Int(1)),
                ("axis", Is::Int(1)),
            ];
            attributes.push(self.dice.pick(&odd));
        }
        self.push(
            "BatchNormalization",
            &[&scale, &shift, &mean, &variance],
            &attributes,
        );
        self.gain = 4.0 * self.gain + 1.0;
    }

    fn clip(&mut self) {
        let (low, high) = self.dice.pick(&[
            (Some(0.0), Some(6.0)),
            (Some(0.0), Some(6.0)),
            (Some(0.0), None),
            (None, Some(6.0)),
            (Some(-1.0), Some(1.0)),
            (Some(f32::NAN), Some(6.0)),
            (Some(6.0), Some(0.0)),
        ]);
        if (self.opset < 11) != self.wrong() {
            let bounds = [("min", low), ("max", high)];
            let bounds = bounds.map(|(name, bound)| bound.map(|bound| (name, Is::Float(bound))));
            self.push("Clip", &[], &bounds.into_iter().flatten().collect());
            return;
        }
        let shapes: [&[i64]; 3] = [&[], &[1], &[1, 1]];
        let shape = if self.wrong() {
            self.dice.pick(&shapes)
        } else {
            &[]
        };
        let bounds = [low, high].map(|bound| {
            bound.map_or_else(String::new, |bound| self.net.weight(shape, bound, 0.0))
        });
        let bounds: Vec<&str> = bounds.iter().map(String::as_str).collect();
        self.push("Clip", &bounds, &Attributes::new());
    }

    fn activation(&mut self) {
        let alpha = || vec![("alpha", Is::Float(0.1))];
        match self.dice.below(14) {
            0..=4 => self.push("Relu", &[], &Attributes::new()),
            5..=7 => self.clip(),
            8 => self.push("LeakyRelu", &[], &alpha()),
            9 => self.push("Elu", &[], &alpha()),
            10 => self.push("HardSigmoid", &[], &alpha()),
            11 => self.push("Dropout", &[], &Attributes::new()),
            12 => self.push("Identity", &[], &Attributes::new()),
            _ => {
                let operator =
                    self.dice
                        .pick(&["Sigmoid", "Tanh", "Softplus", "Selu", "HardSwish"]);
                self.push(operator, &[], &Attributes::new());
            }
        }
        if self.wrong() {
            self.push("Relu", &[], &alpha());
        }
    }

    fn pool(&mut self) {
        let operator = if self.dice.one_in(4) {
            "AveragePool"
        } else {
            "MaxPool"
        };
        let pair = |name| (name, Is::Ints(&[2, 2]));
        let mut attributes = vec![pair("kernel_shape"), pair("strides")];
        let [_, h, w] = self.size;
        self.size = [self.size[0], (h / 2).max(1), (w / 2).max(1)];
        if self.dice.one_in(3) {
            attributes.push(self.dice.pick(&[
                ("pads", Is::Ints(&[0; 4])),
                ("auto_pad", Is::Text("VALID")),
                ("auto_pad", Is::Text("NOTSET")),
            ]));
        }
        if self.dice.one_in(6) || self.wrong() {
            attributes.push(self.dice.pick(&[
                ("ceil_mode", Is::Int(0)),
                ("ceil_mode", Is::Int(1)),
                ("dilations", Is::Ints(&[1, 1])),
                ("dilations", Is::Ints(&[2, 2])),
                ("storage_order", Is::Int(1)),
                ("count_include_pad", Is::Int(1)),
                ("pads", Is::Ints(&[1, 0, 1, 0])),
                ("auto_pad", Is::Text("SAME_UPPER")),
                ("kernel_shape", Is::Ints(&[2])),
                ("strides", Is::Ints(&[0, 0])),
            ]));
            self.certain = false;
        }
        self.push(operator, &[], &attributes);
    }

    /// Joins an earlier tensor with the current one.
    fn joined(&mut self, before: &str) {
        if self.dice.one_in(3) {
            let axis = if self.wrong() {
                self.dice.pick(&[-3, 2, 7])
            } else {
                1
            };
            self.push("Concat", &[before], &vec![("axis", Is::Int(axis))]);
            self.size[0] *= 2;
        } else {
            let operator = self.dice.pick(&["Add", "Sum", "Mul", "Sub", "Max", "Min"]);
            self.push(operator, &[before], &Attributes::new());
        }
        self.gain *= self.gain.max(2.0);
    }

    /// Ends the network with a map, its means or a linear layer, and returns the rank of the output.
    fn end(&mut self) -> usize {
        let [c, h, w] = self.size;
        let inputs = c * h * w;
        match self.dice.below(6) {
            0 | 1 => return 4,
            2 | 3 => self.push("GlobalAveragePool", &[], &Attributes::new()),
            4 if self.certain && (128..4000).contains(&inputs) => {
                self.flatten();
                self.linear(inputs, (1 << 18) / inputs + 1);
                self.activation();
                return 2;
            }
            _ => {}
        }
        self.flatten();
        2
    }

    fn flatten(&mut self) {
        if self.dice.one_in(2) {
            let axis = if self.wrong() {
                self.dice.pick(&[0, 2, 9])
            } else {
                1
            };
            self.push("Flatten", &[], &vec![("axis", Is::Int(axis))]);
        } else {
            let target = self.net.integers(&[0, -1]);
            self.push("Reshape", &[&target], &Attributes::new());
        }
    }

    fn linear(&mut self, inputs: i64, outputs: i64) {
        let spread = (3.0 / inputs as f32).sqrt();
        self.gain = 2.0 * self.gain + 0.5;
        if self.dice.one_in(3) {
            let weight = self.weight(&[inputs, outputs], 0.0, spread);
            self.push("MatMul", &[&weight], &Attributes::new());
            return;
        }
        let weight = self.weight(&[outputs, inputs], 0.0, spread);
        let mut attributes = vec![("transB", Is::Int(1))];
        if self.wrong() {
            attributes.push(self.dice.pick(&[
                ("alpha", Is::Float(0.5)),
                ("beta", Is::Float(f32::NAN)),
                ("transA", Is::Int(1)),
                ("broadcast", Is::Int(1)),
            ]));
        }
        let dims = self
            .dice
            .pick(&[vec![outputs], vec![1, outputs], vec![1], vec![]]);
        let bias = self.weight(&dims, 0.0, 0.5);
        let more: &[&str] = if self.dice.one_in(4) {
            &[&weight]
        } else {
            &[&weight, &bias]
        };
        self.push("Gemm", more, &attributes);
    }
}

/// Writes a network; returns the name of its output and the largest value to expect.
fn written(seed: u32, size: [u32; 2], path: &Path) -> (String, f32) {
    let [height, width] = size.map(i64::from);
    let mut dice = Dice(Numbers(seed.wrapping_mul(0x9e37_79b9)));
    dice.below(2);
    let opset = dice.pick(&[6, 7, 8, 9, 10, 11, 12, 13, 13, 14, 15, 17, 19, 21, 22]);
    let (wild, special) = (dice.one_in(7), dice.one_in(7));
    let mut maker = Maker {
        net: Net::new([3, height, width]).opset(opset),
        opset,
        wild,
        special,
        x: "input".to_owned(),
        size: [3, height, width],
        certain: true,
        gain: 2.0,
        dice,
    };
    for _ in 0..=maker.dice.below(3) {
        let mut before = maker.x.clone();
        maker.conv();
        if !maker.wrong() {
            before.clone_from(&maker.x);
        }
        if (opset >= 7 || maker.wrong()) && maker.dice.one_in(3) {
            maker.norm();
        }
        if !maker.dice.one_in(3) {
            maker.activation();
        }
        if maker.dice.one_in(6) {
            maker.joined(&before);
        }
        if maker.dice.one_in(3) {
            maker.pool();
        }
    }
    let rank = maker.end();
    maker.net.write(path, &[(&maker.x, rank)]);
    (maker.x, maker.gain)
}

struct Bench {
    home: Home,
    library: RuntimeLibrary,
}

impl Bench {
    fn load(
        &self,
        path: &Path,
        size: [u32; 2],
        layer: &str,
        convolutions: Convolutions,
    ) -> Result<OnnxBackbone, String> {
        let preprocessing = as_they_are(size);
        let options = on_cpu(&self.home, 1, convolutions);
        let mut features = FeatureLayer::default();
        features.layer = Some(layer.to_owned());
        OnnxBackbone::load(
            &self.library,
            (path, None),
            &features,
            &preprocessing,
            &options,
        )
        .map_err(|error| error.to_string())
    }
}

/// Whether two values are equal: within the tolerance, identical, or both NaN.
fn agree(a: f32, b: f32, tolerance: f32) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance
}

#[derive(Debug, Default)]
struct Tally {
    /// Networks with frostline's operators.
    ours: u32,
    /// Networks that both refuse.
    refused: u32,
    /// Networks with features that are not finite.
    not_finite: u32,
}

#[test]
fn random_networks_come_out_as_in_onnx_runtime() {
    let Some(home) = installed_home() else { return };
    let home = Home::at(home);
    let library = RuntimeLibrary::find(&home).unwrap();
    let bench = Bench { home, library };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("net.onnx");
    let (mut tally, mut faults) = (Tally::default(), Vec::new());
    for seed in 0..NETWORKS {
        if let Err(fault) = one(&bench, seed, &path, &mut tally) {
            faults.push(format!("{seed}: {fault}"));
        }
    }
    println!("{NETWORKS} networks: {tally:?}");
    assert!(
        faults.is_empty(),
        "{} faults:\n{}",
        faults.len(),
        faults.join("\n")
    );
    let accepted = NETWORKS - tally.refused;
    let enough = tally.ours > accepted * 2 / 3 && tally.refused > 100 && tally.not_finite > 30;
    assert!(enough, "{tally:?}");
}

fn one(bench: &Bench, seed: u32, path: &Path, tally: &mut Tally) -> Result<(), String> {
    let mut dice = Dice(Numbers(seed ^ 0x5bd1_e995));
    dice.below(2);
    let size = [0; 2].map(|_| dice.pick(&[2, 5, 7, 8, 9, 9, 11, 12, 14, 17]));
    let (layer, gain) = written(seed, size, path);
    let wanted = dice.pick(&[
        Convolutions::Winograd,
        Convolutions::Winograd,
        Convolutions::Winograd,
        Convolutions::Winograd,
        Convolutions::Auto,
    ]);
    let ours = bench.load(path, size, &layer, wanted);
    let plain = bench.load(path, size, &layer, Convolutions::Direct);
    let (mut ours, mut plain) = match (ours, plain) {
        (Ok(ours), Ok(plain)) => (ours, plain),
        (Err(_), Err(_)) => {
            tally.refused += 1;
            return Ok(());
        }
        (Ok(_), Err(fault)) => return Err(format!("only ours accepts it: {fault}")),
        (Err(fault), Ok(_)) => return Err(format!("only ours refuses it: {fault}")),
    };
    tally.ours += u32::from(ours.own_convolutions() > 0);
    let len = (3 * size[0] * size[1]) as usize;
    let mut images: Vec<f32> = (0..2 * len).map(|_| 2.0 * dice.0.next()).collect();
    if dice.one_in(5) {
        let at = dice.below(len);
        images[at] = dice.pick(SPECIAL);
    }
    let (got, wanted) = match (ours.forward(&images, 2), plain.forward(&images, 2)) {
        (Ok(got), Ok(wanted)) => (got, wanted),
        (Err(_), Err(_)) => return Ok(()),
        (got, wanted) => return Err(format!("only one runs: {:?} {:?}", got.err(), wanted.err())),
    };
    tally.not_finite += u32::from(wanted.iter().any(|x| !x.is_finite()));
    let finite = wanted.iter().filter(|x| x.is_finite());
    let largest = finite.fold(gain, |most, x| most.max(x.abs()));
    let pairs = || got.iter().zip(&wanted);
    match pairs().position(|(&a, &b)| !agree(a, b, TOLERANCE * largest)) {
        _ if got.len() != wanted.len() => Err(format!("{} of {}", got.len(), wanted.len())),
        None => Ok(()),
        Some(i) => Err(format!(
            "value {i}: {} is not {}, largest {largest}",
            got[i], wanted[i]
        )),
    }
}
