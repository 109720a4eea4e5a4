//! Evaluates the losses and gradients of many problems on the same features together.

use ndarray::{Array2, s};

use super::blocks::FEW;
use super::problem::{Answer, Problem};
use super::sums::{Share, Work};
use crate::head::data::LabelledFeatures;
use crate::head::parallel::{for_each_in_parallel, processors};
use crate::progress::Progress;

/// Multiplications that are worth another thread.
const WORTH_A_THREAD: usize = 500_000;
/// The most weight columns for which rows are widened as they are multiplied, not in blocks beforehand.
const NARROW: usize = 3;

/// How the products of features and weights are computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precision {
    /// In f32, with sums of blocks in f64, where that is faster: for many weight columns.
    Single,
    /// In f64.
    Double,
}

impl Precision {
    /// Returns those that lead to the minima of these problems, one after the other.
    pub(crate) fn in_order(problems: &[Problem]) -> &'static [Self] {
        let columns: usize = problems.iter().map(Problem::n_rows).sum();
        match columns {
            ..=FEW => &[Self::Double],
            _ => &[Self::Single, Self::Double],
        }
    }
}

/// Evaluates problems on one set of features with their weights side by side, in one product.
pub(crate) struct Evaluator<'a> {
    set: LabelledFeatures<'a>,
    weight: Array2<f64>,
    bias: Vec<f64>,
    shares: Vec<Share>,
    progress: &'a dyn Progress,
}

impl<'a> Evaluator<'a> {
    /// Creates it without memory for sums. If `progress` asks to stop, answers are unfinished.
    pub(crate) fn new<'f: 'a>(set: &LabelledFeatures<'f>, progress: &'a dyn Progress) -> Self {
        Self {
            set: set.reborrow(),
            weight: Array2::default((0, 0)),
            bias: Vec::new(),
            shares: Vec::new(),
            progress,
        }
    }

    /// Returns the loss and the gradient of each problem at its point.
    pub(crate) fn evaluate(
        &mut self,
        asked: &[(&Problem, &[f64])],
        precision: Precision,
    ) -> Vec<Answer> {
        self.lay_side_by_side(asked);
        let problems: Vec<&Problem> = asked.iter().map(|(problem, _)| *problem).collect();
        let work = Work {
            set: self.set,
            problems: &problems,
            weight: &self.weight,
            bias: &self.bias,
            progress: self.progress,
        };
        let is_narrow = precision == Precision::Double || self.bias.len() <= FEW;
        let rounded = (!is_narrow).then(|| self.weight.mapv(|w| w as f32));
        sum(&work, rounded.as_ref(), &mut self.shares);
        let (sums, mut first) = (&self.shares[0].sums, 0);
        let answers = asked.iter().zip(&sums.losses);
        let answers = answers.map(|((problem, point), loss)| {
            let rows = first..first + problem.n_rows();
            first = rows.end;
            let weight = sums.weight.slice(s![rows.clone(), ..]);
            problem.answer(point, *loss, weight, &sums.bias[rows])
        });
        answers.collect()
    }

    /// Fills in weight (M, D) and bias (M), where M is the number of rows of all problems.
    fn lay_side_by_side(&mut self, asked: &[(&Problem, &[f64])]) {
        let d = self.set.features().ncols();
        let m = asked.iter().map(|(problem, _)| problem.n_rows()).sum();
        if self.bias.len() != m {
            self.weight = Array2::zeros((m, d));
            self.bias = vec![0.0; m];
        }
        let weight = self.weight.as_slice_mut();
        let mut weight = weight.expect("a new matrix is contiguous");
        let mut bias = self.bias.as_mut_slice();
        for (problem, point) in asked {
            let r = problem.n_rows();
            let (own_weight, other_weights) = weight.split_at_mut(r * d);
            let (own_bias, other_biases) = bias.split_at_mut(r);
            problem.effective(point, own_weight, own_bias);
            (weight, bias) = (other_weights, other_biases);
        }
    }
}

/// Sums over all rows into the first share, with one thread per share.
///
/// `rounded` is the weight in f32 if products are to be computed in it.
fn sum(work: &Work<'_, '_>, rounded: Option<&Array2<f32>>, shares: &mut Vec<Share>) {
    let n = work.set.features().nrows();
    let worth = n * work.weight.len() / WORTH_A_THREAD;
    let threads = processors().min(worth).max(1);
    shares.resize_with(threads.max(shares.len()), Share::default);
    let bound = |i: usize| i * n / threads;
    let shares = &mut shares[..threads];
    for_each_in_parallel(shares, |i, share| {
        let rows = bound(i)..bound(i + 1);
        share.sums.reset(work);
        match rounded {
            Some(weight) => work.add_in_single(weight, rows, share),
            None if work.bias.len() <= NARROW => work.add_fours(rows, &mut share.sums),
            None => work.add_blocks(rows, share),
        }
    });
    let (first, others) = shares.split_at_mut(1);
    for other in others {
        first[0].sums.add(&other.sums);
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2, Axis, array};

    use super::*;
    use crate::classes::ClassIndex;
    use crate::head::data::Standard;
    use crate::head::linear::CrossEntropy;
    use crate::progress::Silent;

    fn classes(n: usize) -> ClassIndex {
        ClassIndex::from_names((0..n).map(|class| class.to_string()))
    }

    fn features(n: usize, d: usize) -> Array2<f32> {
        Array2::from_shape_fn((n, d), |(i, j)| {
            ((i * 37 + j * 101 + i * j) % 29) as f32 / 7.0 - 2.0
        })
    }

    fn evaluate(set: &LabelledFeatures<'_>, asked: &[(&Problem, &[f64])]) -> Vec<Answer> {
        Evaluator::new(set, &Silent).evaluate(asked, Precision::Double)
    }

    fn points(n: usize) -> Vec<f64> {
        (0..n)
            .map(|i| ((i * 53) % 17) as f64 / 10.0 - 0.8)
            .collect()
    }

    #[test]
    fn values_are_those_of_paper() {
        // w = ln 3, b = 0: at x = 1 the second class has probability 3/4. The loss is -ln(3/4) - ln(1/2) plus
        // the penalty ln²3 · 2 / 2, divided by 2.
        let (classes, features) = (classes(2), array![[1.0f32], [0.0]]);
        let set = LabelledFeatures::new(features.view(), &[1, 0], &classes).unwrap();
        let problem = Problem::new(
            &set,
            CrossEntropy::new(vec![1.0, 1.0], 0.0),
            vec![1.0; 2],
            2.0,
            None,
        );
        let answer = &evaluate(&set, &[(&problem, &[3f64.ln(), 0.0])])[0];
        let loss = (4.0f64 / 3.0).ln() + 2f64.ln() + 3f64.ln().powi(2);
        assert!((answer.value - loss / 2.0).abs() < 1e-15);
        // Residuals -1/4 and 1/2: (-1/4 + 2 ln 3) / 2 and (1/4) / 2.
        assert!((answer.gradient[0] - (2.0 * 3f64.ln() - 0.25) / 2.0).abs() < 1e-15);
        assert!((answer.gradient[1] - 0.125).abs() < 1e-15);
    }

    #[test]
    fn a_gradient_is_the_slope_of_its_value() {
        for (c, smoothing) in [(2, 0.0), (2, 0.2), (4, 0.0), (4, 0.3)] {
            let (classes, features) = (classes(c), features(12, 3));
            let targets: Vec<usize> = (0..12).map(|i| i % c).collect();
            let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
            let weights: Vec<f64> = (1..=c).map(|c| c as f64 / 2.0).collect();
            let mut images = vec![1.0; 12];
            images[3] = 0.0;
            let standard = Some(Standard::of(&set, &images));
            let problem = Problem::new(
                &set,
                CrossEntropy::new(weights.clone(), smoothing),
                images,
                0.7,
                standard,
            );
            let point = points(problem.n_rows() * 4);
            let answer = &evaluate(&set, &[(&problem, &point)])[0];
            for i in 0..point.len() {
                let at = |by: f64| {
                    let mut point = point.clone();
                    point[i] += by;
                    evaluate(&set, &[(&problem, &point)])[0].value
                };
                let slope = (at(1e-5) - at(-1e-5)) / 2e-5;
                assert!(
                    (slope - answer.gradient[i]).abs() < 1e-9,
                    "{c} {smoothing} {i}"
                );
            }
            let plain = problem.plain_gradient(&set, &point, &Silent);
            let both = plain.iter().zip(&answer.gradient);
            assert!(both.into_iter().all(|(a, b)| (a - b).abs() < 1e-14));
        }
    }

    #[test]
    fn side_by_side_is_as_one_by_one() {
        let (classes, features) = (classes(3), features(150, 40));
        let targets: Vec<usize> = (0..150).map(|i| i % 3).collect();
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let problem = |left_out: usize, l2: f64| {
            let images: Vec<f64> = (0..150).map(|i| f64::from(i % 5 != left_out)).collect();
            Problem::new(&set, CrossEntropy::new(vec![1.0; 3], 0.0), images, l2, None)
        };
        let problems: Vec<Problem> = (0..5).map(|i| problem(i, 0.1 * (i + 1) as f64)).collect();
        let points: Vec<Vec<f64>> = (0..5).map(|i| points(123 + i)[i..].to_vec()).collect();
        let asked: Vec<_> = problems
            .iter()
            .zip(points.iter().map(Vec::as_slice))
            .collect();
        let mut evaluator = Evaluator::new(&set, &Silent);
        // The second evaluation reuses the memory of the first one, which had fewer problems.
        evaluator.evaluate(&asked[1..], Precision::Double);
        for (together, asked) in evaluator
            .evaluate(&asked, Precision::Double)
            .iter()
            .zip(&asked)
        {
            let alone = &evaluate(&set, std::slice::from_ref(asked))[0];
            assert!((together.value - alone.value).abs() < 1e-12);
            for (a, b) in together.gradient.iter().zip(&alone.gradient) {
                assert!((a - b).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn products_in_f32_are_exact_to_seven_digits() {
        let (c, d) = (40, 30);
        let (classes, features) = (classes(c), features(600, d));
        let targets: Vec<usize> = (0..600).map(|i| i * i % c).collect();
        let set = LabelledFeatures::new(features.view(), &targets, &classes).unwrap();
        let targets = CrossEntropy::new(vec![1.0; c], 0.1);
        let problem = Problem::new(&set, targets, vec![1.0; 600], 0.3, None);
        let point = points(c * (d + 1));
        let mut evaluator = Evaluator::new(&set, &Silent);
        let mut at = |precision| {
            evaluator
                .evaluate(&[(&problem, &point)], precision)
                .remove(0)
        };
        let (single, double) = (at(Precision::Single), at(Precision::Double));
        assert!((single.value / double.value - 1.0).abs() < 1e-7);
        let largest = double.gradient.iter().fold(0.0, |a: f64, g| a.max(g.abs()));
        for (a, b) in single.gradient.iter().zip(&double.gradient) {
            assert!((a - b).abs() < 1e-6 * largest, "{a} {b}");
        }
        assert_ne!(single, double);
    }

    #[test]
    fn left_out_images_and_shared_views_weigh_as_they_should() {
        // Two equal views count as one image; an image of weight 0 does not count.
        let (classes, features) = (classes(3), features(6, 2));
        let doubled = features.select(Axis(0), &[0, 0, 1, 1, 2, 2, 3, 3]);
        let one = LabelledFeatures::new(features.view(), &[0, 1, 2, 0, 1, 1], &classes).unwrap();
        let two = LabelledFeatures::with_views(doubled.view(), 2, &[0, 1, 2, 0], &classes).unwrap();
        let targets = CrossEntropy::new(vec![1.0, 2.0, 3.0], 0.0);
        let images = vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0];
        let a = Problem::new(&one, targets.clone(), images, 0.5, None);
        let b = Problem::new(&two, targets, vec![1.0; 4], 0.5, None);
        let point = points(9);
        let (a, b) = (
            &evaluate(&one, &[(&a, &point)])[0],
            &evaluate(&two, &[(&b, &point)])[0],
        );
        assert!((a.value - b.value).abs() < 1e-15);
        let difference = Array1::from(a.gradient.clone()) - Array1::from(b.gradient.clone());
        assert!(difference.iter().all(|d| d.abs() < 1e-15));
    }

    #[test]
    fn rows_far_apart_keep_their_digits() {
        // Logits of ±30000: their exponentials overflow, and 1 - p is 0.
        let (classes, features) = (classes(3), array![[1e4f32], [-1e4], [1e-3]]);
        let set = LabelledFeatures::new(features.view(), &[0, 0, 1], &classes).unwrap();
        let problem = Problem::new(
            &set,
            CrossEntropy::new(vec![1.0; 3], 0.0),
            vec![1.0; 3],
            0.0,
            None,
        );
        let answer = &evaluate(&set, &[(&problem, &[3.0, 0.0, -3.0, 0.0, 0.0, 0.0])])[0];
        // The losses are 0 for the first row, 60000 for the second, and about ln 3 for the third.
        assert!((answer.value - (60000.0 + 3f64.ln()) / 3.0).abs() < 1e-5);
        assert!(answer.gradient.iter().all(|g| g.is_finite()));
    }
}
