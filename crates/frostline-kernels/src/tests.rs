use std::io;
use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use pulp::Arch;

use super::*;

/// Returns pseudorandom values in [-1, 1).
fn numbers(len: usize, seed: u64) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// Threads that each take the next job when they are done with one.
struct Threads(usize);

impl Parallel for Threads {
    fn threads(&self) -> usize {
        self.0
    }

    fn run(&self, count: usize, work: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..self.0 {
                scope.spawn(|| {
                    while let Some(job) =
                        Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&j| j < count)
                    {
                        work(job);
                    }
                });
            }
        });
    }
}

/// The sizes of a convolution's input, `(n, h, w)`.
type Size = [usize; 3];

fn shape(in_channels: usize, out_channels: usize, pads: [usize; 4]) -> ConvShape {
    ConvShape {
        in_channels,
        out_channels,
        pads,
    }
}

/// Computes a convolution by its definition, in f64. Returns it, channels last, with its height and width.
fn defined(
    shape: ConvShape,
    x: &[f32],
    [n, h, w]: Size,
    weight: &[f32],
    bias: &[f32],
) -> (Vec<f64>, [usize; 2]) {
    let (ins, [top, left, bottom, right]) = (shape.in_channels, shape.pads);
    let (height, width) = (h + top + bottom - 2, w + left + right - 2);
    let mut y = Vec::new();
    for place in 0..n * height * width {
        let (image, row, column) = (
            place / (height * width),
            place / width % height,
            place % width,
        );
        for (weight, &bias) in weight.chunks_exact(ins * 9).zip(bias) {
            let mut sum = f64::from(bias);
            for (k, &weight) in weight.iter().enumerate() {
                let (c, i, j) = (k / 9, row + k / 3 % 3, column + k % 3);
                if (top..top + h).contains(&i) && (left..left + w).contains(&j) {
                    let at = (image * h + i - top) * w + j - left;
                    sum += f64::from(weight) * f64::from(x[at * ins + c]);
                }
            }
            y.push(sum);
        }
    }
    (y, [height, width])
}

fn pooled(y: &[f64], n: usize, [h, w]: [usize; 2], c: usize) -> Vec<f64> {
    let mut pooled = Vec::new();
    for image in y.chunks_exact(h * w * c).take(n) {
        for (i, j) in (0..h / 2).flat_map(|i| (0..w / 2).map(move |j| (i, j))) {
            for c_ in 0..c {
                let at = |di, dj| image[((2 * i + di) * w + 2 * j + dj) * c + c_];
                pooled.push(at(0, 0).max(at(0, 1)).max(at(1, 0)).max(at(1, 1)));
            }
        }
    }
    pooled
}

/// Converts images to channels first.
fn channels_first(x: &[f32], [n, h, w]: Size, c: usize) -> Vec<f32> {
    let mut y = Vec::new();
    for image in x.chunks_exact(h * w * c).take(n) {
        for channel in 0..c {
            y.extend(image.iter().skip(channel).step_by(c));
        }
    }
    y
}

/// Returns the largest difference, relative to the largest sum.
fn error(found: &[f32], right: &[f64], sums: &[f64]) -> f64 {
    assert_eq!(found.len(), right.len());
    let largest = sums.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
    let differences = found
        .iter()
        .zip(right)
        .map(|(&a, b)| (f64::from(a) - b).abs());
    differences.fold(0.0, f64::max) / largest
}

fn apply(activation: Activation, y: &[f64]) -> Vec<f64> {
    let one = |&x: &f64| match activation {
        Activation::None => x,
        Activation::Relu => x.max(0.0),
        Activation::Relu6 => x.clamp(0.0, 6.0),
    };
    y.iter().map(one).collect()
}

const CONVOLUTIONS: &[(ConvShape, Size)] = &[
    (
        ConvShape {
            in_channels: 3,
            out_channels: 64,
            pads: [1; 4],
        },
        [2, 17, 9],
    ),
    (
        ConvShape {
            in_channels: 1,
            out_channels: 5,
            pads: [0, 2, 1, 0],
        },
        [1, 3, 40],
    ),
    (
        ConvShape {
            in_channels: 64,
            out_channels: 64,
            pads: [1; 4],
        },
        [2, 12, 16],
    ),
    (
        ConvShape {
            in_channels: 20,
            out_channels: 70,
            pads: [1; 4],
        },
        [3, 7, 11],
    ),
    (
        ConvShape {
            in_channels: 9,
            out_channels: 33,
            pads: [0; 4],
        },
        [1, 3, 3],
    ),
    (
        ConvShape {
            in_channels: 32,
            out_channels: 16,
            pads: [2, 0, 1, 3],
        },
        [1, 6, 5],
    ),
    (
        ConvShape {
            in_channels: 48,
            out_channels: 96,
            pads: [1; 4],
        },
        [1, 14, 14],
    ),
    (
        ConvShape {
            in_channels: 16,
            out_channels: 32,
            pads: [0, 0, 0, 0],
        },
        [1, 4, 33],
    ),
];

fn run(conv: &Conv3x3, x: &[f32], size: Size, c: usize, parallel: &dyn Parallel) -> Vec<f32> {
    let (y, outcome) = run_anyway(conv, x, size, c, parallel);
    assert_eq!(outcome, Ok(()));
    y
}

fn run_anyway(
    conv: &Conv3x3,
    x: &[f32],
    size: Size,
    c: usize,
    parallel: &dyn Parallel,
) -> (Vec<f32>, Result<(), NotFinite>) {
    let (height, width) = conv.output_size(size[1], size[2]);
    // NaN shows values that are not written.
    let mut y = vec![f32::NAN; size[0] * height * width * c];
    let outcome = conv.run(x, size, &mut y, parallel);
    (y, outcome)
}

fn check(arch: Arch) {
    let finishes = [
        (Activation::None, Pooling::None),
        (Activation::Relu, Pooling::Max2),
        (Activation::Relu6, Pooling::None),
    ];
    for &(shape, size) in CONVOLUTIONS {
        let x = numbers(size.iter().product::<usize>() * shape.in_channels, 1);
        let weight = numbers(shape.out_channels * shape.in_channels * 9, 2);
        let bias = numbers(shape.out_channels, 3);
        let (y, before) = defined(shape, &x, size, &weight, &bias);
        let first = channels_first(&x, size, shape.in_channels);
        for (activation, pooling) in finishes {
            let right = match pooling {
                Pooling::None => y.clone(),
                Pooling::Max2 => pooled(&y, size[0], before, shape.out_channels),
            };
            let right = apply(activation, &right);
            for (layout, x) in [(Layout::ChannelsLast, &x), (Layout::ChannelsFirst, &first)] {
                let conv =
                    Conv3x3::on(arch, shape, layout, (&weight, &bias), (activation, pooling));
                let found = run(&conv, x, size, shape.out_channels, &Threads(2));
                if right.is_empty() {
                    assert!(found.is_empty());
                    continue;
                }
                let error = error(&found, &right, &y);
                assert!(
                    error < 1e-5,
                    "{shape:?} {size:?} {activation:?} {pooling:?} {layout:?}: {error:e}"
                );
            }
        }
    }
}

#[test]
fn convolutions_are_what_the_definition_says() {
    check(Arch::new());
}

#[test]
fn convolutions_without_vectors_are_what_the_definition_says() {
    check(Arch::Scalar);
}

#[test]
fn a_kernel_of_ones_counts_its_neighbours() {
    let channels = 16;
    let mut weight = vec![0.0; channels * channels * 9];
    for c in 0..channels {
        weight[(c * channels + c) * 9..][..9].fill(1.0);
    }
    let bias = vec![0.0; channels];
    let conv = Conv3x3::new(
        shape(channels, channels, [1; 4]),
        Layout::ChannelsLast,
        &weight,
        &bias,
        Activation::None,
        Pooling::None,
    );
    let y = run(
        &conv,
        &vec![1.0; 5 * 4 * channels],
        [1, 5, 4],
        channels,
        &Serial,
    );
    let counts = [4, 6, 6, 4, 6, 9, 9, 6, 6, 9, 9, 6, 6, 9, 9, 6, 4, 6, 6, 4];
    for (y, count) in y.chunks_exact(channels).zip(counts) {
        for &y in y {
            assert!((y - count as f32).abs() < 1e-4, "{y}, not {count}");
        }
    }
}

#[test]
fn threads_and_the_rest_of_a_batch_change_nothing() {
    let (shape, size) = (shape(32, 96, [1; 4]), [3, 29, 30]);
    let x = numbers(size.iter().product::<usize>() * 32, 4);
    let (weight, bias) = (numbers(96 * 32 * 9, 5), numbers(96, 6));
    let conv = Conv3x3::new(
        shape,
        Layout::ChannelsLast,
        &weight,
        &bias,
        Activation::Relu,
        Pooling::None,
    );
    let together = run(&conv, &x, size, 96, &Serial);
    assert_eq!(run(&conv, &x, size, 96, &Threads(2)), together);
    assert_eq!(run(&conv, &x, size, 96, &Threads(5)), together);
    let mut one_by_one = Vec::new();
    for x in x.chunks_exact(29 * 30 * 32) {
        one_by_one.extend(run(&conv, x, [1, 29, 30], 96, &Threads(2)));
    }
    assert_eq!(one_by_one, together);
}

#[test]
fn what_is_smaller_than_the_kernel_has_no_output() {
    let conv = Conv3x3::new(
        shape(16, 8, [0; 4]),
        Layout::ChannelsLast,
        &numbers(16 * 8 * 9, 1),
        &[0.0; 8],
        Activation::None,
        Pooling::None,
    );
    assert_eq!(conv.output_size(2, 7), (0, 5));
    let outcome = conv.run(&numbers(2 * 7 * 16, 2), [1, 2, 7], &mut [], &Serial);
    assert_eq!(outcome, Ok(()));
}

/// Computes the rows of a linear layer by their definition, in f64.
fn defined_rows(x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f64> {
    let inputs = weight.len() / bias.len();
    let mut y = Vec::new();
    for x in x.chunks_exact(inputs) {
        for (weight, &bias) in weight.chunks_exact(inputs).zip(bias) {
            let products = x
                .iter()
                .zip(weight)
                .map(|(&x, &w)| f64::from(x) * f64::from(w));
            y.push(f64::from(bias) + products.sum::<f64>());
        }
    }
    y
}

/// Reads rows of `row` values from memory.
fn rows_of(
    matrix: &[f32],
    row: usize,
) -> impl Fn(std::ops::Range<usize>, &mut [f32]) -> io::Result<()> + Sync {
    move |range, out| {
        out.copy_from_slice(&matrix[range.start * row..range.end * row]);
        Ok(())
    }
}

#[test]
fn linear_layers_are_what_the_definition_says() {
    let (inputs, outputs) = (6 * 35, 77);
    let (weight, bias) = (numbers(inputs * outputs, 1), numbers(outputs, 2));
    let turned = channels_first(&weight, [1, outputs, 1], inputs);
    let shape = LinearShape { inputs, outputs };
    for (arch, n) in [(Arch::new(), 1), (Arch::new(), 29), (Arch::Scalar, 8)] {
        let x = numbers(n * inputs, 3);
        let sums = defined_rows(&x, &weight, &bias);
        let right = apply(Activation::Relu, &sums);
        let last: Vec<f32> = x
            .chunks_exact(inputs)
            .flat_map(|x| channels_first(x, [1, 6, 1], 35))
            .collect();
        for (stored, rows) in [
            (Stored::OutputsFirst, &rows_of(&weight, inputs) as ReadRows),
            (Stored::InputsFirst, &rows_of(&turned, outputs)),
        ] {
            for (order, x) in [
                (InputOrder::AsStored, &x),
                (InputOrder::ChannelsLast { channels: 6 }, &last),
            ] {
                let how = (stored, order);
                let layer = Linear::read_on(
                    arch,
                    shape,
                    how,
                    (&bias, Activation::Relu),
                    rows,
                    &Threads(2),
                )
                .unwrap();
                let mut y = vec![f32::NAN; n * outputs];
                layer.run(x, n, &mut y, &Threads(2)).unwrap();
                let error = error(&y, &right, &sums);
                assert!(error < 1e-6, "{how:?}: {error:e}");
            }
        }
    }
}

#[test]
fn weights_that_cannot_be_read_are_an_error() {
    let shape = LinearShape {
        inputs: 3,
        outputs: 100,
    };
    for stored in [Stored::OutputsFirst, Stored::InputsFirst] {
        let rows = |range: std::ops::Range<usize>, out: &mut [f32]| {
            out.fill(0.0);
            if range.contains(&2) {
                Err(io::Error::other("gone"))
            } else {
                Ok(())
            }
        };
        let how = (stored, InputOrder::AsStored);
        let layer = Linear::read(
            shape,
            how,
            &[0.0; 100],
            Activation::None,
            &rows,
            &Threads(2),
        );
        assert_eq!(layer.err().unwrap().to_string(), "gone");
    }
}

/// Many weights are processed differently from few, but to the same bits: each output is the same sum in the
/// same order.
#[test]
fn many_output_channels_are_as_right_as_few() {
    let (ins, outs, size) = (512, 512, [1, 32, 28]);
    let [n, h, w] = size;
    let x = numbers(n * h * w * ins, 1);
    let (weight, bias) = (numbers(outs * ins * 9, 2), numbers(outs, 3));
    let run = |outs: Range<usize>| {
        let conv = Conv3x3::new(
            shape(ins, outs.len(), [1; 4]),
            Layout::ChannelsLast,
            &weight[outs.start * ins * 9..outs.end * ins * 9],
            &bias[outs.clone()],
            Activation::Relu,
            Pooling::Max2,
        );
        let mut y = vec![f32::NAN; n * h / 2 * (w / 2) * outs.len()];
        conv.run(&x, size, &mut y, &Serial).unwrap();
        y
    };
    let half = outs / 2;
    let few = [run(0..half), run(half..outs)];
    for (place, many) in run(0..outs).chunks_exact(outs).enumerate() {
        let few = few.each_ref().map(|y| &y[place * half..][..half]);
        assert_eq!(many, few.concat(), "position {place}");
    }
}

/// What the activations return for NaN, infinities and ordinary values. ONNX Runtime 1.32 returns the same
/// for Relu and Clip.
const ACTIVATED: [(Activation, [f32; 6]); 3] = [
    (
        Activation::None,
        [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -1.0, 2.0, 7.0],
    ),
    (
        Activation::Relu,
        [f32::NAN, f32::INFINITY, 0.0, 0.0, 2.0, 7.0],
    ),
    (Activation::Relu6, [f32::NAN, 6.0, 0.0, 0.0, 2.0, 6.0]),
];

fn same(a: f32, b: f32) -> bool {
    a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan())
}

#[test]
fn linear_layers_hide_no_number_that_is_none() {
    let given = ACTIVATED[0].1;
    let shape = LinearShape {
        inputs: 1,
        outputs: 1,
    };
    for arch in [Arch::new(), Arch::Scalar] {
        for (activation, wanted) in ACTIVATED {
            let how = (Stored::OutputsFirst, InputOrder::AsStored);
            let rows = rows_of(&[1.0], 1);
            let layer =
                Linear::read_on(arch, shape, how, (&[0.0], activation), &rows, &Serial).unwrap();
            let mut y = [0.0; 6];
            let outcome = layer.run(&given, 6, &mut y, &Serial);
            assert_eq!(outcome, Err(NotFinite));
            let same = y.iter().zip(wanted).all(|(&y, wanted)| same(y, wanted));
            assert!(same, "{activation:?}: {y:?}, not {wanted:?}");
        }
    }
}

/// The bias reaches each output unchanged, however a convolution is computed.
#[test]
fn convolutions_hide_no_number_that_is_none() {
    for arch in [Arch::new(), Arch::Scalar] {
        for ins in [3, 32] {
            for (activation, wanted) in ACTIVATED {
                let bias = &ACTIVATED[0].1;
                let weight = vec![0.0; 6 * ins * 9];
                for pooling in [Pooling::None, Pooling::Max2] {
                    let shape = shape(ins, 6, [1; 4]);
                    let finish = (activation, pooling);
                    let conv =
                        Conv3x3::on(arch, shape, Layout::ChannelsLast, (&weight, bias), finish);
                    let x = numbers(6 * 7 * ins, 1);
                    let (y, _) = run_anyway(&conv, &x, [1, 6, 7], 6, &Serial);
                    for y in y.chunks_exact(6) {
                        let same = y.iter().zip(wanted).all(|(&y, wanted)| same(y, wanted));
                        assert!(same, "{ins} {finish:?}: {y:?}, not {wanted:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_weight_that_is_no_number_shows_in_its_channel_and_in_no_other() {
    let (ins, outs) = (32, 40);
    let mut weight = numbers(outs * ins * 9, 2);
    weight[(17 * ins + 5) * 9 + 4] = f32::NAN;
    for arch in [Arch::new(), Arch::Scalar] {
        for finish in [
            (Activation::Relu, Pooling::None),
            (Activation::Relu, Pooling::Max2),
            (Activation::Relu6, Pooling::None),
        ] {
            let shape = shape(ins, outs, [1; 4]);
            let values = (&*weight, &[0.0; 40][..]);
            let conv = Conv3x3::on(arch, shape, Layout::ChannelsLast, values, finish);
            let x = numbers(8 * 9 * ins, 1);
            let (y, outcome) = run_anyway(&conv, &x, [1, 8, 9], outs, &Serial);
            assert_eq!(outcome, Err(NotFinite));
            for (i, y) in y.iter().enumerate() {
                assert_eq!(y.is_nan(), i % outs == 17, "{finish:?}, value {i}: {y}");
            }
        }
    }
}

/// A NaN pixel shows at least in the output that it is pooled into, wherever it is in the pooled square.
#[test]
fn pooling_hides_no_pixel_that_is_no_number() {
    let (ins, outs) = (32, 40);
    let weight = numbers(outs * ins * 9, 2);
    let conv = |arch| {
        let shape = shape(ins, outs, [1; 4]);
        let finish = (Activation::Relu, Pooling::Max2);
        Conv3x3::on(
            arch,
            shape,
            Layout::ChannelsLast,
            (&weight, &[0.0; 40]),
            finish,
        )
    };
    for arch in [Arch::new(), Arch::Scalar] {
        let conv = conv(arch);
        for pixel in 0..8 * 8 {
            let mut x = numbers(8 * 8 * ins, 1);
            x[pixel * ins + 3] = f32::NAN;
            let (y, outcome) = run_anyway(&conv, &x, [1, 8, 8], outs, &Serial);
            assert_eq!(outcome, Err(NotFinite));
            let at = (pixel / 8 / 2 * 4 + pixel % 8 / 2) * outs;
            assert!(y[at..at + outs].iter().all(|y| y.is_nan()), "pixel {pixel}");
        }
    }
}

/// Relu6 turns infinity into 6 and negative infinity into 0. Both computations report it all the same.
#[test]
fn what_an_activation_hides_is_told() {
    for arch in [Arch::new(), Arch::Scalar] {
        for ins in [3, 32] {
            for x in [3e38, -3e38] {
                let shape = shape(ins, 6, [1; 4]);
                let (weight, bias) = (vec![9.0; 6 * ins * 9], [0.0; 6]);
                let finish = (Activation::Relu6, Pooling::None);
                let values = (&*weight, &bias[..]);
                let conv = Conv3x3::on(arch, shape, Layout::ChannelsLast, values, finish);
                let mut images = numbers(9 * 9 * ins, 1);
                images[40 * ins] = x;
                let (_, outcome) = run_anyway(&conv, &images, [1, 9, 9], 6, &Serial);
                assert_eq!(outcome, Err(NotFinite), "{ins} {x}");
            }
        }
    }
}
