//! From image files to a network's input: finds images, decodes them upright and within limits, then resizes,
//! crops and normalises them.
//!
//! | step | by |
//! |---|---|
//! | list images | [`scan_folder`], [`scan_inputs`], [`scan_list`]: a [`Scan`] of [`Sample`]s |
//! | detect the format | [`sniff()`]: a [`Format`], from the content, whatever the extension |
//! | decode | [`decode()`] with [`DecodeOptions`] and [`Limits`]: an [`RgbImage`] |
//! | resize, crop, normalise | [`Preprocessor`], for each [`View`], as set in [`Preprocessing`] |
//!
//! A file that cannot be used is not an error here but a [`SkipReason`], whose text reads well after the
//! path.
//!
//! ```
//! use frostline::images::{Preprocessing, Preprocessor, RgbImage};
//!
//! let picture = RgbImage::new(320, 240, vec![128; 320 * 240 * 3]).unwrap();
//! let mut preprocessor = Preprocessor::new(&Preprocessing::default())?;
//! let mut input = vec![0.0; 3 * 224 * 224];
//! preprocessor.apply(&picture, &mut input);
//! // A channel of 128 is (128 / 255 − mean) / std.
//! assert!((input[0] - (128.0 / 255.0 - 0.485) / 0.229).abs() < 1e-6);
//! # Ok::<(), frostline::Error>(())
//! ```

/// The version of the code that determines pixel values: decoding, resizing and conversions.
///
/// Features of different versions are never mixed. Increase it with every change to the pixels of any image;
/// a test detects such changes.
pub const PIXEL_VERSION: u32 = 2;

mod archive;
mod budget;
mod complete;
mod contact_sheet;
mod container;
mod decode;
mod exif;
mod fault;
mod format;
mod gzip;
mod image;
mod lettering;
mod memory;
mod orientation;
#[doc(hidden)]
pub mod path_text;
mod picture;
mod pixels;
mod place;
mod preprocess;
mod read;
mod scan;
mod series;
mod skip;
mod sniff;
mod stores;
mod tables;
mod tags;
mod thumbnail;

pub(crate) use budget::{DecodeBudget, Permit};
pub(crate) use contact_sheet::{Cell, contact_sheet};
pub(crate) use decode::decode_for;
#[cfg(feature = "report")]
pub(crate) use decode::decode_within;
pub(crate) use decode::jpeg_divisor;
pub use decode::{Alpha, DecodeOptions, Exif, JpegScale, Limits, decode, dimensions};
#[doc(hidden)]
pub use decode::{Pixels, fuzz};
pub(crate) use fault::ReadFault;
pub use format::Format;
pub use image::Image;
pub(crate) use picture::Part;
pub use picture::Picture;
pub use pixels::RgbImage;
pub use place::Place;
#[doc(hidden)]
pub use preprocess::channel_values;
pub use preprocess::{
    Channels, Crop, CropRounding, Interpolation, Layout, Preprocessing, Preprocessor, Resize, View,
    Views,
};
#[cfg(feature = "serve")]
pub(crate) use read::read_file;
pub(crate) use read::{FileBytes, read};
pub(crate) use scan::{AllNames, is_table};
pub use scan::{
    Entries, FolderLayout, Found, Labels, Names, Sample, Scan, Separator, Shard, ShardProblem,
    read_list, read_list_file, scan_folder, scan_inputs, scan_list,
};
#[doc(hidden)]
pub use scan::{ignored_text, is_remote, listed};
pub use skip::SkipReason;
pub(crate) use skip::grouped;
pub use sniff::sniff;
pub(crate) use tables::{LabelColumn, cell};
pub use thumbnail::thumbnail;
