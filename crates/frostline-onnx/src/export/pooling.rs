//! Pools a layer to features, (N, …) to (N, D), as `backbones/runtime/pool.rs` of frostline does.

use super::parts::Parts;
use super::plan::{Pool, Pooling};
use crate::proto::int;

/// Adds the pooling, and returns the features; the layer itself if it has them already.
pub(super) fn add(parts: &mut Parts<'_>, pooling: Pooling, layer: &str) -> String {
    let flatten = || vec![int("axis", 1)];
    match pooling.pool {
        Pool::Flatten if pooling.rank == 2 => layer.to_owned(),
        Pool::Flatten => parts.node("Flatten", "pooled", &[layer], flatten()),
        Pool::Mean => reduced(parts, pooling, "ReduceMean", layer),
        Pool::Max => reduced(parts, pooling, "ReduceMax", layer),
        Pool::Cls => first(parts, pooling, layer),
        Pool::ClsMean => {
            let first = first(parts, pooling, layer);
            let mean = reduced(parts, pooling, "ReduceMean", layer);
            parts.node("Concat", "joined", &[&first, &mean], flatten())
        }
    }
}

/// Returns the axes of the positions.
fn positions(pooling: Pooling) -> impl Iterator<Item = usize> {
    (1..pooling.rank).filter(move |&axis| axis != pooling.axis)
}

fn first(parts: &mut Parts<'_>, pooling: Pooling, layer: &str) -> String {
    let axis = positions(pooling).next().unwrap_or(1);
    parts.entry("first", layer, axis, 0)
}

fn reduced(parts: &mut Parts<'_>, pooling: Pooling, operator: &str, layer: &str) -> String {
    let axes: Vec<i64> = positions(pooling).map(|axis| axis as i64).collect();
    let patches = match (pooling.prefix, positions(pooling).next()) {
        (prefix @ 1.., Some(along)) => parts.from("patches", layer, along, prefix),
        _ => layer.to_owned(),
    };
    parts.reduce(operator, "pooled", &patches, &axes)
}
