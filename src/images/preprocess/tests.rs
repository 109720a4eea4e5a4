//! Tests a [`Preprocessor`] on small images with known results.

use super::*;
use crate::images::RgbImage;

fn picture(width: u32, height: u32, color: impl Fn(u32, u32) -> [u8; 3]) -> RgbImage {
    let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let pixels = pixels.flat_map(|(x, y)| color(x, y)).collect();
    RgbImage::new(width, height, pixels).unwrap()
}

/// Settings with a size, and levels that stay as they are.
fn raw(resize: Resize, crop: Crop) -> Preprocessing {
    let plain = Preprocessing {
        mean: [0.0; 3],
        std: [1.0; 3],
        scale: 1.0,
        ..Preprocessing::default()
    };
    Preprocessing {
        resize,
        crop,
        ..plain
    }
}

fn applied(settings: &Preprocessing, image: &RgbImage) -> Vec<f32> {
    let mut out = vec![f32::NAN; settings.num_values()];
    Preprocessor::new(settings).unwrap().apply(image, &mut out);
    out
}

#[test]
fn values_are_normalised_as_torchvision_does() {
    // torch: ((torch.tensor(200.) / 255) - 0.485) / 0.229 and so on, in f32
    let out = applied(
        &Preprocessing::default(),
        &picture(300, 300, |_, _| [200, 30, 0]),
    );
    for (channel, wanted) in [(0, 1.307_046_8), (1, -1.510_504_2), (2, -1.804_444_4)] {
        let plane = &out[channel * 224 * 224..(channel + 1) * 224 * 224];
        assert!(
            plane.iter().all(|v: &f32| (v - wanted).abs() < 1e-6),
            "{}",
            plane[0]
        );
    }
}

#[test]
fn channels_and_axes_go_where_they_are_wanted() {
    let image = picture(2, 1, |x, _| [[1, 2, 3], [4, 5, 6]][x as usize]);
    let settings = raw(Resize::None, Crop::Center(2, 1));
    assert_eq!(applied(&settings, &image), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    let bgr = Preprocessing {
        channels: Channels::Bgr,
        mean: [1.0, 0.0, 0.0],
        ..settings
    };
    assert_eq!(applied(&bgr, &image), [2.0, 5.0, 2.0, 5.0, 1.0, 4.0]);
    let nhwc = Preprocessing {
        layout: Layout::Nhwc,
        ..settings
    };
    assert_eq!(applied(&nhwc, &image), [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let both = Preprocessing {
        channels: Channels::Bgr,
        ..nhwc
    };
    assert_eq!(applied(&both, &image), [3.0, 2.0, 1.0, 6.0, 5.0, 4.0]);
}

#[test]
fn a_small_picture_lies_on_black() {
    let image = picture(2, 1, |x, _| [10 + x as u8; 3]);
    let settings = Preprocessing {
        mean: [1.0; 3],
        ..raw(Resize::None, Crop::Center(5, 2))
    };
    let plane = [-1.0, 9.0, 10.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0, -1.0];
    assert_eq!(applied(&settings, &image), [plane; 3].concat());
    let nhwc = Preprocessing {
        layout: Layout::Nhwc,
        ..settings
    };
    let rows = plane.iter().flat_map(|&v| [v; 3]).collect::<Vec<f32>>();
    assert_eq!(applied(&nhwc, &image), rows);
}

#[test]
fn a_crop_of_the_stored_pixels_is_exact() {
    let image = picture(5, 4, |x, y| [(10 * y + x) as u8; 3]);
    let plane = [12.0, 13.0, 22.0, 23.0];
    // spare 3 in width: 1.5 is rounded to 2; spare 2 in height: 1
    assert_eq!(
        applied(&raw(Resize::None, Crop::Center(2, 2)), &image)[..4],
        plane
    );
}

/// Tests a line that needs more weights than are stored, and a column.
#[test]
fn a_strip_of_millions_of_pixels_is_resized() {
    for (width, height) in [(3_000_000, 1), (1, 4000)] {
        let settings = raw(Resize::Exact(300, 200), Crop::None);
        // One half is dark, the other one light.
        let middle = width.max(height) / 2;
        let image = picture(width, height, |x, y| {
            [if x.max(y) < middle { 10 } else { 200 }; 3]
        });
        let out = applied(&settings, &image);
        let at = |x: usize, y: usize| out[300 * y + x];
        assert_eq!((at(0, 0), at(299, 199)), (10.0, 200.0));
        let (before, after) = if width > 1 {
            (at(148, 7), at(151, 7))
        } else {
            (at(7, 98), at(7, 101))
        };
        assert_eq!((before, after), (10.0, 200.0));
    }
}

#[test]
fn one_colour_stays_that_colour_at_any_size() {
    for (width, height) in [
        (1, 1),
        (3, 1),
        (7, 13),
        (223, 224),
        (60_000, 1),
        (1, 60_000),
    ] {
        for interpolation in [
            Interpolation::Nearest,
            Interpolation::Bilinear,
            Interpolation::Lanczos,
        ] {
            let settings = Preprocessing {
                interpolation,
                ..raw(Resize::Shorter(256), Crop::Center(224, 224))
            };
            let out = applied(&settings, &picture(width, height, |_, _| [90, 140, 200]));
            for (plane, wanted) in out.chunks(224 * 224).zip([90.0, 140.0, 200.0]) {
                assert!(
                    plane.iter().all(|&v| (v - wanted).abs() < 1e-6),
                    "{width} x {height} {interpolation}"
                );
            }
        }
    }
}

#[test]
fn fine_stripes_become_even_gray() {
    let stripes = picture(1000, 1000, |x, _| [if x % 2 == 0 { 0 } else { 255 }; 3]);
    let out = applied(
        &Preprocessing {
            interpolation: Interpolation::Bilinear,
            ..raw(Resize::Shorter(256), Crop::Center(224, 224))
        },
        &stripes,
    );
    let (mean, most) = (
        out.iter().sum::<f32>() / out.len() as f32,
        out.iter().fold(0.0, |m: f32, &v| m.max(v)),
    );
    assert!(
        (mean - 127.5).abs() < 1.0 && most < 160.0,
        "mean {mean}, most {most}"
    );
}

#[test]
fn nothing_is_left_over_from_the_last_picture() {
    let mut worker = Preprocessor::new(&Preprocessing::default()).unwrap();
    let (large, small) = (
        picture(640, 480, |x, y| [x as u8, y as u8, 9]),
        picture(31, 77, |x, _| [x as u8; 3]),
    );
    let mut out = vec![0.0; 150_528];
    for image in [&large, &small, &large] {
        worker.apply(image, &mut out);
        assert_eq!(out, applied(&Preprocessing::default(), image));
    }
}

fn refused(change: impl FnOnce(&mut Preprocessing)) -> String {
    let mut settings = Preprocessing::default();
    change(&mut settings);
    settings.check().unwrap_err().to_string()
}

#[test]
fn the_default_is_the_preset_of_imagenet() {
    let settings = Preprocessing::default();
    settings.check().unwrap();
    assert_eq!(settings.output_size(), (224, 224));
    assert_eq!(settings.num_values(), 150_528);
}

#[test]
fn senseless_settings_are_refused_by_name() {
    assert!(refused(|s| s.std[1] = 0.0).starts_with("`std` is 0.229,0,0.225, but must be"));
    assert!(refused(|s| s.mean[0] = f32::NAN).starts_with("`mean`"));
    assert!(refused(|s| s.scale = -1.0).starts_with("`scale` is -1"));
    assert!(refused(|s| s.scale = f32::INFINITY).starts_with("`scale`"));
    assert!(refused(|s| s.resize = Resize::Shorter(0)).starts_with("`resize` is 0"));
    assert!(refused(|s| s.resize = Resize::Exact(9, 16_385)).starts_with("`resize` is 9x16385"));
    assert!(refused(|s| s.crop = Crop::Center(0, 1)).starts_with("`crop` is 0x1"));
    assert!(refused(|s| s.crop = Crop::None).starts_with("`crop` is none"));
}

#[test]
fn without_a_crop_the_resize_fixes_the_size() {
    let resize = Resize::Exact(320, 240);
    let settings = Preprocessing {
        resize,
        crop: Crop::None,
        ..Preprocessing::default()
    };
    settings.check().unwrap();
    assert_eq!(settings.output_size(), (320, 240));
}

#[test]
fn views_are_the_parts_that_torchvision_takes() {
    // The values are the column and the row, so the first pixel of a view shows where it was cut.
    let image = picture(10, 8, |x, y| [x as u8, y as u8, 0]);
    let settings = raw(Resize::None, Crop::Center(4, 4));
    let mut preprocessor = Preprocessor::new(&settings).unwrap();
    let mut corner = |view| {
        let pixels = preprocessor.fit_view(&image, view);
        (pixels[0], pixels[1])
    };
    // five_crop: (0, 0), (w − 4, 0), (0, h − 4), (w − 4, h − 4); the centre at (3, 2).
    assert_eq!(corner(View::TopLeft), (0, 0));
    assert_eq!(corner(View::TopRight), (6, 0));
    assert_eq!(corner(View::BottomLeft), (0, 4));
    assert_eq!(corner(View::BottomRight), (6, 4));
    assert_eq!(corner(View::Center), (3, 2));
    // Mirrored, the last column of the part comes first.
    assert_eq!(corner(View::CenterFlipped), (6, 2));
    assert_eq!(corner(View::TopRightFlipped), (9, 0));
}
