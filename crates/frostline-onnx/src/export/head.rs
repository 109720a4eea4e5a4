//! Adds the head and the rejection after the backbone's layer.

use super::parts::Parts;
use super::plan::{Plan, Rejection, output};
use super::pooling;
use crate::graph::element;
use crate::proto::int;

/// An output: its name, its element type, and its lengths after the batch.
pub(super) type Output = (String, i32, Vec<usize>);

/// Adds pooling, head and rejection, and returns the outputs.
pub(super) fn add(parts: &mut Parts<'_>, plan: &Plan<'_>, layer: &str) -> Vec<Output> {
    let names = plan.names();
    let pooled = pooling::add(parts, plan.pooling, layer);
    let features = if plan.outputs.features && pooled != output::FEATURES {
        parts.node_to("Identity", output::FEATURES, &[&pooled], vec![]);
        output::FEATURES.to_owned()
    } else {
        pooled
    };
    if plan.outputs.probabilities || plan.outputs.logits {
        add_layer(parts, plan, &features);
    }
    if let Some(rejection) = &plan.rejection {
        add_rejection(parts, *rejection, plan.head.n_features(), &features);
    }
    let dims = |name: &str| match name {
        output::FEATURES => vec![plan.head.n_features()],
        output::PROBABILITIES | output::LOGITS => vec![plan.head.n_classes()],
        _ => Vec::new(),
    };
    let element = |name: &str| match name {
        output::UNKNOWN => element::BOOL,
        _ => element::FLOAT,
    };
    let names = names.into_iter();
    names
        .map(|name| (name.to_owned(), element(name), dims(name)))
        .collect()
}

fn add_layer(parts: &mut Parts<'_>, plan: &Plan<'_>, features: &str) {
    let (classes, width) = (plan.head.n_classes() as i64, plan.head.n_features() as i64);
    let weight = parts.floats("weight", &[classes, width], plan.head.weight);
    let bias = parts.floats("bias", &[classes], plan.head.bias);
    let (inputs, transposed) = ([features, &*weight, &*bias], vec![int("transB", 1)]);
    let logits = if plan.outputs.logits {
        parts.node_to("Gemm", output::LOGITS, &inputs, transposed);
        output::LOGITS.to_owned()
    } else {
        parts.node("Gemm", "logits", &inputs, transposed)
    };
    if plan.outputs.probabilities {
        // The default axis is another one from version 13 on.
        let axis = vec![int("axis", 1)];
        parts.node_to("Softmax", output::PROBABILITIES, &[&logits], axis);
    }
}

/// Adds the cosine to the K-th nearest training image, and whether it is below the threshold.
fn add_rejection(parts: &mut Parts<'_>, rejection: Rejection<'_>, width: usize, features: &str) {
    let unit = parts.node(
        "LpNormalization",
        "unit",
        &[features],
        vec![int("axis", 1), int("p", 2)],
    );
    let (columns, stored) = transposed(rejection.rows, width);
    let bank = parts.floats("bank", &[width as i64, stored as i64], &columns);
    let cosines = parts.node("MatMul", "cosines", &[&unit, &bank], vec![]);
    let nearest = if rejection.k == 1 {
        parts.reduce("ReduceMax", "nearest", &cosines, &[1])
    } else {
        let nearest = parts.largest("largest", &cosines, rejection.k);
        parts.entry("nearest", &nearest, 1, rejection.k as i64 - 1)
    };
    parts.node_to("Identity", output::SIMILARITY, &[&nearest], vec![]);
    let threshold = parts.floats("threshold", &[], &[rejection.threshold]);
    parts.node_to(
        "Less",
        output::UNKNOWN,
        &[output::SIMILARITY, &threshold],
        vec![],
    );
}

/// Returns rows of this width as columns, and how many there are.
fn transposed(rows: &[f32], width: usize) -> (Vec<f32>, usize) {
    let n = rows.len() / width.max(1);
    let column = |at: usize| (0..n).map(move |row| rows[row * width + at]);
    ((0..width).flat_map(column).collect(), n)
}
