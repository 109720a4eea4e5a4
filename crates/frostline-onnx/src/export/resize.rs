//! The resize and the centre crop of images of any size inside a network, with the rounding of torchvision
//! and the filters of Pillow.

use super::parts::Parts;
use super::plan::{Crop, Filter, Geometry, Method, Rounding, Scale};
use crate::graph::element;
use crate::proto::{float, int, ints, text};

/// The axes of height and width.
const AXES: [i64; 2] = [2, 3];

/// Adds the resize and the crop of 8-bit planes, (N, 3, H, W), and returns planes of the size of the crop:
/// 8-bit ones, or floats with whole values if the filter is made of matrix products.
pub(super) fn add(parts: &mut Parts<'_>, planes: &str, geometry: &Geometry) -> String {
    let Crop { size, rounding } = geometry.crop;
    let before = parts.node("Shape", "stored", &[planes], vec![int("start", 2)]);
    let resized = match geometry.scale {
        Scale::None => None,
        Scale::Exact(width, height) => {
            let lengths = [i64::from(height), i64::from(width)];
            Some(parts.integers("lengths", &lengths))
        }
        Scale::Shorter(edge) => Some(add_lengths(parts, &before, edge)),
    };
    let mut planes = planes.to_owned();
    if let Some(lengths) = &resized {
        planes = match geometry.method {
            Method::Resize => add_resize(parts, &planes, lengths, geometry.filter),
            Method::MatMul => add_products(parts, &planes, (&before, lengths), geometry.filter),
        };
    }
    let lengths = resized.unwrap_or(before);
    let wanted = [size.1, size.0].map(i64::from);
    match geometry.scale {
        Scale::Exact(width, height) if (width, height) == size => planes,
        _ => add_crop(parts, &planes, &lengths, wanted, rounding),
    }
}

/// Adds the lengths after a resize of the shorter edge: ⌊edge · length / shorter⌋ for both.
fn add_lengths(parts: &mut Parts<'_>, lengths: &str, edge: u32) -> String {
    let edge = parts.integers("edge", &[edge.into()]);
    let axes = parts.integers("shorter.axes", &[0]);
    let shorter = parts.node("ReduceMin", "shorter", &[lengths, &axes], vec![]);
    let product = parts.node("Mul", "product", &[lengths, &edge], vec![]);
    parts.node("Div", "lengths", &[&product, &shorter], vec![])
}

/// Adds ONNX's `Resize`, which rounds 8-bit values as Pillow does, to within 1.
fn add_resize(parts: &mut Parts<'_>, planes: &str, lengths: &str, filter: Filter) -> String {
    let ends = vec![int("start", 0), int("end", 2)];
    let outer = parts.node("Shape", "outer", &[planes], ends);
    let axis = vec![int("axis", 0)];
    let sizes = parts.node("Concat", "sizes", &[&outer, lengths], axis);
    let mut attributes = vec![
        int("antialias", 1),
        text("coordinate_transformation_mode", "half_pixel"),
        // Weights outside the image are dropped, and the others scaled up.
        int("exclude_outside", 1),
    ];
    attributes.extend(match filter {
        Filter::Bilinear => vec![text("mode", "linear")],
        Filter::Bicubic => vec![text("mode", "cubic"), float("cubic_coeff_a", -0.5)],
    });
    parts.node("Resize", "resized", &[planes, "", "", &sizes], attributes)
}

/// Adds the crop, around which smaller images get black.
fn add_crop(
    parts: &mut Parts<'_>,
    planes: &str,
    lengths: &str,
    wanted: [i64; 2],
    rounding: Rounding,
) -> String {
    let zero = parts.integers("zero", &[0]);
    let two = parts.integers("two", &[2]);
    let wanted = parts.integers("crop", &wanted);
    let axes = parts.integers("crop.axes", &AXES);
    // What is missing on both sides.
    let around = parts.node("Sub", "around", &[&wanted, lengths], vec![]);
    let around = parts.node("Max", "missing", &[&around, &zero], vec![]);
    let halved = match rounding {
        Rounding::Even => around.clone(),
        Rounding::Down => {
            let one = parts.integers("one", &[1]);
            parts.node("Add", "missing.up", &[&around, &one], vec![])
        }
    };
    let ahead = parts.node("Div", "ahead", &[&halved, &two], vec![]);
    let behind = parts.node("Sub", "behind", &[&around, &ahead], vec![]);
    // All axes have pads: ONNX Runtime 1.32 forgets the input of axes where it moves a `Transpose` through
    // the node, as it does for layers in 8 bits.
    let none = parts.integers("pads.none", &[0, 0]);
    let inputs = [&*none, &ahead, &none, &behind];
    let pads = parts.node("Concat", "pads", &inputs, vec![int("axis", 0)]);
    let padded = parts.node("Pad", "padded", &[planes, &pads], vec![]);
    // What is cut off on both sides.
    let spare = parts.node("Sub", "spare", &[lengths, &wanted], vec![]);
    let spare = parts.node("Max", "cut", &[&spare, &zero], vec![]);
    let first = match rounding {
        Rounding::Even => {
            let half = parts.floats("half", &[], &[0.5]);
            let to = |element: i32| vec![int("to", element.into())];
            let spare = parts.node("Cast", "cut.floats", &[&spare], to(element::FLOAT));
            let halved = parts.node("Mul", "cut.half", &[&spare, &half], vec![]);
            // ONNX rounds halves to even, as Python does.
            let rounded = parts.node("Round", "cut.rounded", &[&halved], vec![]);
            parts.node("Cast", "first", &[&rounded], to(element::INT64))
        }
        Rounding::Down => parts.node("Div", "first", &[&spare, &two], vec![]),
    };
    let end = parts.node("Add", "end", &[&first, &wanted], vec![]);
    parts.node("Slice", "cropped", &[&padded, &first, &end, &axes], vec![])
}

/// Adds the resize as a product with a matrix for each axis, first along the rows as in Pillow.
fn add_products(
    parts: &mut Parts<'_>,
    planes: &str,
    (before, after): (&str, &str),
    filter: Filter,
) -> String {
    let to_float = vec![int("to", element::FLOAT.into())];
    let planes = parts.node("Cast", "values", &[planes], to_float);
    let across = add_weights(parts, "across", (before, after), 1, filter);
    let swap = vec![ints("perm", &[1, 0])];
    let across = parts.node("Transpose", "across.columns", &[&across], swap);
    let rows = parts.node("MatMul", "rows", &[&planes, &across], vec![]);
    let rows = add_rounding(parts, "rows", &rows);
    let down = add_weights(parts, "down", (before, after), 0, filter);
    let all = parts.node("MatMul", "columns", &[&down, &rows], vec![]);
    add_rounding(parts, "columns", &all)
}

/// Adds the rounding of values to whole ones from 0 to 255, halves up.
fn add_rounding(parts: &mut Parts<'_>, what: &str, values: &str) -> String {
    let named = |step: &str| format!("{what}.{step}");
    let half = parts.floats(&named("half"), &[], &[0.5]);
    let [least, most] = [0.0, 255.0].map(|v| parts.floats(&named(&v.to_string()), &[], &[v]));
    let up = parts.node("Add", &named("up"), &[values, &half], vec![]);
    let whole = parts.node("Floor", &named("whole"), &[&up], vec![]);
    parts.node("Clip", &named("bytes"), &[&whole, &least, &most], vec![])
}

/// Adds the weights of an axis, (length after, length before): each row sums to 1.
///
/// With a scale s = before / after, the weight of pixel j for pixel i is
/// f((j + 1/2 − (i + 1/2) s) / max(s, 1)), as in Pillow's `Resample.c`.
fn add_weights(
    parts: &mut Parts<'_>,
    what: &str,
    (before, after): (&str, &str),
    edge: i64,
    filter: Filter,
) -> String {
    let named = |step: &str| format!("{what}.{step}");
    let half = parts.floats(&named("half"), &[], &[0.5]);
    let unit = parts.floats(&named("unit"), &[], &[1.0]);
    let mut length = |lengths: &str, of: &str| {
        let entry = parts.entry(&named(of), lengths, 0, edge);
        let to_float = vec![int("to", element::FLOAT.into())];
        parts.node("Cast", &named(&format!("{of}.float")), &[&entry], to_float)
    };
    let [before, after] = [length(before, "before"), length(after, "after")];
    let scale = parts.node("Div", &named("scale"), &[&before, &after], vec![]);
    let width = parts.node("Max", &named("width"), &[&scale, &unit], vec![]);
    let mut centres = |length: &str, of: &str, at: i64| {
        let from = parts.floats(&named(&format!("{of}.from")), &[], &[0.0]);
        let inputs = [&*from, length, &*unit];
        let numbers = parts.node("Range", &named(&format!("{of}.numbers")), &inputs, vec![]);
        let place = parts.integers(&named(&format!("{of}.axes")), &[at]);
        let inputs = [&*numbers, &*place];
        let line = parts.node("Unsqueeze", &named(&format!("{of}.line")), &inputs, vec![]);
        parts.node(
            "Add",
            &named(&format!("{of}.centres")),
            &[&line, &half],
            vec![],
        )
    };
    let [j, i] = [centres(&before, "stored", 0), centres(&after, "resized", 1)];
    let i = parts.node("Mul", &named("scaled"), &[&i, &scale], vec![]);
    let distance = parts.node("Sub", &named("distance"), &[&j, &i], vec![]);
    let distance = parts.node("Div", &named("relative"), &[&distance, &width], vec![]);
    let distance = parts.node("Abs", &named("absolute"), &[&distance], vec![]);
    let weights = match filter {
        Filter::Bilinear => {
            let rest = parts.node("Sub", &named("rest"), &[&unit, &distance], vec![]);
            parts.node("Relu", &named("triangle"), &[&rest], vec![])
        }
        Filter::Bicubic => add_cubic(parts, what, &distance),
    };
    let rows = parts.integers(&named("sums.axes"), &[1]);
    let sums = parts.node("ReduceSum", &named("sums"), &[&weights, &rows], vec![]);
    parts.node("Div", &named("weights"), &[&weights, &sums], vec![])
}

/// Adds the cubic with a = −1/2 of distances d: 1.5 d³ − 2.5 d² + 1 below 1, and
/// −0.5 d³ + 2.5 d² − 4 d + 2 below 2.
fn add_cubic(parts: &mut Parts<'_>, what: &str, d: &str) -> String {
    let near = add_polynomial(parts, &format!("{what}.near"), d, [1.5, -2.5, 0.0, 1.0]);
    let far = add_polynomial(parts, &format!("{what}.far"), d, [-0.5, 2.5, -4.0, 2.0]);
    let mut is_below = |limit: f32| {
        let name = parts.floats(&format!("{what}.{limit}"), &[], &[limit]);
        parts.node(
            "Less",
            &format!("{what}.below.{limit}"),
            &[d, &name],
            vec![],
        )
    };
    let [one, two] = [1.0, 2.0].map(&mut is_below);
    let none = parts.floats(&format!("{what}.none"), &[], &[0.0]);
    let outer = parts.node(
        "Where",
        &format!("{what}.outer"),
        &[&two, &far, &none],
        vec![],
    );
    parts.node(
        "Where",
        &format!("{what}.cubic"),
        &[&one, &near, &outer],
        vec![],
    )
}

/// Adds a polynomial, the highest power first.
fn add_polynomial(parts: &mut Parts<'_>, what: &str, d: &str, terms: [f32; 4]) -> String {
    let mut value = parts.floats(&format!("{what}.3"), &[], &terms[..1]);
    for (power, term) in terms
        .iter()
        .enumerate()
        .skip(1)
        .map(|(i, term)| (3 - i, term))
    {
        let product = parts.node(
            "Mul",
            &format!("{what}.times.{power}"),
            &[&value, d],
            vec![],
        );
        let term = parts.floats(&format!("{what}.{power}"), &[], &[*term]);
        value = parts.node(
            "Add",
            &format!("{what}.plus.{power}"),
            &[&product, &term],
            vec![],
        );
    }
    value
}
