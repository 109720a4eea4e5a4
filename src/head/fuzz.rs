//! Entry points for fuzzing the head's readers of untrusted files. They panic if a reader breaks its
//! contract.

use ndarray::{Array2, ArrayView2};

use crate::head::evaluate::Evaluation;
use crate::head::file::{HeadFile, ImageRole, seal_again};
use crate::head::params::{ClassWeight, parse_class_weights};
use crate::head::trust::Temperature;

/// Reads arbitrary bytes as a head file, unchanged and with a corrected checksum, and uses accepted heads.
///
/// # Panics
/// When an accepted head returns invalid probabilities, or changes when it is written and read back.
pub fn head_bytes(bytes: &[u8]) {
    heads(bytes).iter().for_each(use_head);
}

/// Returns the heads that these bytes decode to, unchanged and with a corrected checksum.
pub(crate) fn heads(bytes: &[u8]) -> Vec<HeadFile> {
    let mut sealed = bytes.to_vec();
    seal_again(&mut sealed);
    let heads = [bytes, &sealed].map(HeadFile::decode);
    heads.into_iter().flatten().collect()
}

/// Corrects the checksum in bytes that have a field for one.
pub fn reseal(bytes: &mut [u8]) {
    seal_again(bytes);
}

/// Reads arbitrary bytes as a table of class weights.
///
/// # Panics
/// When an invalid weight is accepted.
pub fn class_weight_bytes(bytes: &[u8]) {
    if let Ok(ClassWeight::Given(table)) = parse_class_weights(bytes) {
        assert!(!table.is_empty());
        assert!(
            table
                .values()
                .all(|weight| weight.is_finite() && *weight > 0.0)
        );
    }
}

fn use_head(file: &HeadFile) {
    let written = file.encode().expect("a decoded head can be encoded");
    let again = HeadFile::decode(&written).expect("an encoded head can be decoded");
    // Decimals in the metadata may change in their last digit; values in tensors may not.
    assert!(again.head == file.head && again.classes == file.classes);
    assert!(again.record == file.record && again.temperature == file.temperature);
    let features = features(file.head.n_features());
    let logits = file.head.logits(features.view()).expect("D is the head's");
    let finite = |row: &usize| logits.row(*row).iter().all(|logit| logit.is_finite());
    let finite: Vec<usize> = (0..logits.nrows()).filter(finite).collect();
    let logits = logits.select(ndarray::Axis(0), &finite);
    check_probabilities(file, file.temperature, logits);
    if let Some(rejection) = &file.rejection {
        for likeness in rejection
            .likeness(features.view())
            .expect("D is the head's")
        {
            assert!((-1.0..=1.0).contains(&likeness.score), "{likeness:?}");
            assert!(likeness.class < file.classes.len());
            let _ = rejection.rejects(&likeness);
        }
    }
    check_record(file);
}

/// Checks the head's record of its first training image and of an unknown image.
fn check_record(file: &HeadFile) {
    let first = file.record.training().rows().first_chunk::<32>();
    for digest in [first.copied().unwrap_or_default(), [255; 32]] {
        let role = file.record.role(&digest);
        if let Some(logits) = file.record.out_of_fold(&digest) {
            assert_eq!(role, ImageRole::Training);
            check_probabilities(file, file.temperature, logits.mapv(f64::from));
        }
    }
}

/// Checks that finite logits yield valid probabilities at any temperature, and that these can be evaluated.
fn check_probabilities(file: &HeadFile, temperature: Temperature, logits: Array2<f64>) {
    let probabilities = temperature.probabilities(logits, 1);
    assert!(probabilities.iter().all(|p| (0.0..=1.0 + 1e-9).contains(p)));
    for row in probabilities.rows() {
        assert!((row.sum() - 1.0).abs() < 1e-6, "{}", row.sum());
    }
    if probabilities.nrows() > 0 {
        evaluate(file, probabilities.view());
    }
}

fn evaluate(file: &HeadFile, probabilities: ArrayView2<'_, f64>) {
    let targets = vec![0; probabilities.nrows()];
    let evaluation = Evaluation::new(&file.classes, &targets, probabilities);
    let evaluation = evaluation.expect("probabilities can be evaluated");
    assert!(evaluation.log_loss.is_finite() && evaluation.ece.is_finite());
}

/// Returns rows of ones, of small and large values of either sign, and of the extremes of f16 and f32.
pub(crate) fn features(d: usize) -> Array2<f32> {
    let number = |row: usize, column: usize| match row {
        0 => 1.0,
        1 => (column as f32 - 3.0) * 10f32.powi((column % 7) as i32 - 3),
        2 => 65_504.0,
        _ => [f32::MAX, -f32::MAX, f32::MIN_POSITIVE][column % 3],
    };
    Array2::from_shape_fn((4, d), |(row, column)| number(row, column))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Applies seeded damage to a table: changed, removed and duplicated bytes.
    #[test]
    fn damaged_tables_are_refused_or_right() {
        let table = b"class,weight\ncat,2.5\n\"dog, small\",1\n";
        let mut generator = crate::head::data::order_generator(1);
        let mut below = |n| crate::head::data::below(n, &mut generator);
        for _ in 0..2000 {
            let mut damaged = table.to_vec();
            for _ in 0..=below(3) {
                let place = below(damaged.len());
                match below(3) {
                    0 => damaged[place] = below(256) as u8,
                    1 => drop(damaged.drain(..place)),
                    _ => damaged.extend_from_within(place..),
                }
                damaged.push(b'\n');
            }
            class_weight_bytes(&damaged);
        }
    }
}
