//! Guesses a network's preprocessing from its input.

use super::ImportNote;
use crate::backbones::onnx::{Element, ImageInput, PixelRange};
use crate::backbones::{Overrides, PublishedPreprocessing};
use crate::error::NetworkProblem;
use crate::images::{Crop, Layout, Preprocessing, Resize};

/// Guesses layout and size from the input's shape, and the rest from `ImageNet` defaults. Also returns a note
/// on what was guessed.
///
/// The shorter edge is 256/224 of the crop, as in `ImageNet` preprocessing. A network with uint8 input gets
/// unscaled pixel values, and one that normalises values of a `range` gets those. A `published` preprocessing
/// stands in for the defaults. Settings in `said` are not guessed.
///
/// # Errors
/// An input that does not have three channels.
pub(super) fn guess(
    input: &ImageInput,
    range: Option<PixelRange>,
    published: Option<&PublishedPreprocessing>,
    said: &Overrides,
) -> Result<(Preprocessing, Option<ImportNote>), NetworkProblem> {
    let layout = match said.layout {
        Some(layout) => layout,
        None => layout(input)?,
    };
    let default = Preprocessing::default();
    let size = match (said.crop, size(input, layout)) {
        (Some(Crop::Center(w, h)), _) => (w, h),
        (_, fixed) => fixed.unwrap_or(default.output_size()),
    };
    let mut guessed = match published {
        Some(published) => Preprocessing {
            layout,
            ..published.preprocessing
        },
        None => Preprocessing {
            resize: Resize::Shorter(shorter_edge(size)),
            crop: Crop::Center(size.0, size.1),
            layout,
            ..default
        },
    };
    let bytes = input.element == Element::UInt8 || range == Some(PixelRange::Bytes);
    if bytes || range == Some(PixelRange::Unit) {
        guessed.scale = if bytes { 1.0 } else { 255.0 };
        guessed.mean = [0.0; 3];
        guessed.std = [1.0; 3];
    }
    let note = match published {
        Some(published) => Some(ImportNote::Published(PublishedPreprocessing {
            preprocessing: guessed,
            ..published.clone()
        })),
        None => note(input, &guessed, said),
    };
    Ok((guessed, note))
}

fn layout(input: &ImageInput) -> Result<Layout, NetworkProblem> {
    match input.image {
        [Some(3), _, _] => Ok(Layout::Nchw),
        [_, _, Some(3)] => Ok(Layout::Nhwc),
        [None, _, _] | [_, _, None] => Ok(Layout::Nchw),
        [Some(first), _, Some(last)] => Err(NetworkProblem::Channels {
            input: input.name.clone(),
            channels: first.min(last),
        }),
    }
}

/// Returns width and height if the file fixes them.
pub(super) fn size(input: &ImageInput, layout: Layout) -> Option<(u32, u32)> {
    let [a, b, c] = input.image.map(|n| n.and_then(|n| u32::try_from(n).ok()));
    match layout {
        Layout::Nchw => Some((c?, b?)),
        Layout::Nhwc => Some((b?, a?)),
    }
}

fn shorter_edge((w, h): (u32, u32)) -> u32 {
    let edge = f64::from(w.max(h)) * 256.0 / 224.0;
    edge.round() as u32
}

/// Returns a note that lists the guessed settings, if there are any.
fn note(input: &ImageInput, guessed: &Preprocessing, said: &Overrides) -> Option<ImportNote> {
    let three = |values: [f32; 3]| values.map(|value| value.to_string()).join(",");
    let settings = [
        ("layout", said.layout.is_none(), guessed.layout.to_string()),
        ("crop", said.crop.is_none(), guessed.crop.to_string()),
        ("resize", said.resize.is_none(), guessed.resize.to_string()),
        ("scale", said.scale.is_none(), guessed.scale.to_string()),
        ("mean", said.mean.is_none(), three(guessed.mean)),
        ("std", said.std.is_none(), three(guessed.std)),
        (
            "channels",
            said.channels.is_none(),
            guessed.channels.to_string(),
        ),
    ];
    let settings: Vec<_> = settings
        .into_iter()
        .filter(|(_, guessed, _)| *guessed && said.preset.is_none())
        .map(|(name, _, value)| (name, value))
        .collect();
    (!settings.is_empty()).then(|| ImportNote::Guessed {
        input: input.name.clone(),
        settings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backbones::onnx::ImageInput;

    fn input(element: Element, image: [Option<u64>; 3]) -> ImageInput {
        ImageInput::new("x", element, image)
    }

    fn guessed(image: [Option<u64>; 3]) -> (Layout, Crop, Resize) {
        let (p, _) = guess(
            &input(Element::Float32, image),
            None,
            None,
            &Overrides::default(),
        )
        .unwrap();
        (p.layout, p.crop, p.resize)
    }

    #[test]
    fn layout_and_size_are_those_of_the_shape() {
        let [three, side] = [Some(3), Some(299)];
        // torchvision's preset for Inception v3: resize 342, crop 299.
        let inception = (Layout::Nchw, Crop::Center(299, 299), Resize::Shorter(342));
        assert_eq!(guessed([three, side, side]), inception);
        let wide = (Layout::Nhwc, Crop::Center(320, 240), Resize::Shorter(366));
        assert_eq!(guessed([Some(240), Some(320), three]), wide);
        let free = (Layout::Nchw, Crop::Center(224, 224), Resize::Shorter(256));
        assert_eq!(guessed([None; 3]), free);
        assert_eq!(guessed([three, None, None]), free);
    }

    #[test]
    fn what_is_said_is_not_guessed() {
        let said = Overrides {
            crop: Some(Crop::Center(112, 112)),
            mean: Some([0.5; 3]),
            ..Overrides::default()
        };
        let (p, note) = guess(&input(Element::Float32, [None; 3]), None, None, &said).unwrap();
        assert_eq!(p.resize, Resize::Shorter(128));
        let Some(ImportNote::Guessed { settings, .. }) = note else {
            panic!("{note:?}");
        };
        let names: Vec<_> = settings.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["layout", "resize", "scale", "std", "channels"]);
        assert_eq!(settings[1].1, "128");
    }

    #[test]
    fn bytes_are_taken_as_they_are_and_grey_pictures_not_at_all() {
        let (p, _) = guess(
            &input(Element::UInt8, [None, None, Some(3)]),
            None,
            None,
            &Overrides::default(),
        )
        .unwrap();
        assert_eq!(
            (p.scale.to_bits(), p.mean.map(f32::to_bits)),
            (1.0_f32.to_bits(), [0; 3])
        );
        let problem = guess(
            &input(Element::Float32, [Some(1), Some(28), Some(28)]),
            None,
            None,
            &Overrides::default(),
        );
        let problem = problem.unwrap_err().to_string();
        assert!(
            problem.ends_with("must have 3 channels, not 1"),
            "{problem}"
        );
    }
}
