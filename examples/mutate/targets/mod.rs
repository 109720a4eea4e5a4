//! The fuzz targets: each does with arbitrary bytes what the program does with a file of these bytes.
//!
//! They are used by `examples/mutate` and, for cargo-fuzz, by `fuzz/`. To add a target, write a function here
//! or in the library's `fuzz` modules, and add a row to [`TARGETS`], seeds to `examples/mutate/seeds`, and a
//! file and a `[[bin]]` to `fuzz/`.

mod bundle;
mod container;
mod head;
mod network;
mod scratch;
#[cfg(feature = "serve")]
mod serve;
pub(crate) mod store;
mod text;

use frostline::backbones::fuzz as backbones;
use frostline::images::fuzz as images;

/// `Ok` if the bytes were accepted, or the reason why not.
pub(crate) type Outcome = Result<(), Box<dyn std::error::Error>>;

/// A target for one kind of file.
#[derive(Debug)]
pub(crate) struct Target {
    /// The target's name on the command line.
    pub(crate) name: &'static str,
    /// A description of the files that it reads.
    pub(crate) about: &'static str,
    read: fn(&[u8]) -> Outcome,
    /// Recomputes the checksum in a file.
    reseal: Option<fn(&mut [u8])>,
}

impl Target {
    /// Runs the target on any bytes.
    ///
    /// # Errors
    /// The reason why the bytes were not accepted.
    ///
    /// # Panics
    /// If the code under test has a fault.
    pub(crate) fn run(&self, bytes: &[u8]) -> Outcome {
        (self.read)(bytes)
    }

    /// Recomputes the checksum if the format has one and the bytes have room for it.
    pub(crate) fn reseal(&self, bytes: &mut [u8]) {
        if let Some(reseal) = self.reseal {
            reseal(bytes);
        }
    }
}

/// All targets.
pub(crate) const TARGETS: &[Target] = &[
    plain("onnx_import", "a network that is imported", network::import),
    plain("onnx_cut", "a network that is cut at a layer", network::cut),
    plain(
        "onnx_rewrite",
        "a network rewritten to use frostline's operators",
        |bytes| accepted(backbones::rewritten(bytes)),
    ),
    plain("pth", "PyTorch's weights", |bytes| {
        accepted(backbones::weights(bytes))
    }),
    plain("safetensors", "weights as safetensors", |bytes| {
        accepted(backbones::weights(bytes))
    }),
    sealed("head", "a head", head::read, |bytes| {
        frostline::head::fuzz::reseal(bytes);
    }),
    sealed("bundle", "a bundle", bundle::read, backbones::reseal_bundle),
    of_store("part", "a part of a store", store::part),
    of_store("index", "the index of a store", store::index),
    of_store("manifest", "the manifest of a store", store::manifest),
    of_store("stamps", "the stamps of a store", store::stamps),
    of_store("shard", "the record of a shard", store::shard),
    of_store("roots", "where the images of a store were", store::roots),
    plain(
        "feature_table",
        "a Parquet or Arrow table of features",
        store::feature_table,
    ),
    plain(
        "worker_stream",
        "the input of a worker",
        store::worker_stream,
    ),
    plain("image_jpeg", "a JPEG", image),
    plain("image_png", "a PNG", image),
    plain("image_gif", "a GIF", image),
    plain("image_webp", "a WebP", image),
    plain("image_bmp", "a BMP", image),
    plain("image_tiff", "a TIFF", image),
    plain("image_pnm", "a PBM, PGM, PPM or PAM", image),
    plain("image_heic", "a HEIC", image),
    plain("image_avif", "an AVIF", image),
    plain("image_jxl", "a JPEG XL", image),
    plain("tar", "an archive of images", container::tar),
    plain(
        "tar_gz",
        "a compressed archive of images",
        container::tar_gz,
    ),
    plain("parquet", "a Parquet file with images", container::parquet),
    plain(
        "arrow",
        "an Arrow file or stream with images",
        container::arrow,
    ),
    plain(
        "class_weights_csv",
        "a table of class weights",
        text::class_weights,
    ),
    plain("labels", "a label file", text::labels),
    plain("seen", "the images that classify has reported", text::seen),
    #[cfg(feature = "serve")]
    sealed(
        "label_journal",
        "the journal of a label file",
        text::label_journal,
        frostline::label::fuzz::reseal,
    ),
    plain(
        "manifest_toml",
        "the manifest of a backbone",
        text::backbone_manifest,
    ),
    #[cfg(feature = "serve")]
    plain("serve_infer", "an inference request", serve::infer),
    #[cfg(feature = "serve")]
    plain("serve_json", "a request in JSON", serve::json),
    #[cfg(feature = "serve")]
    plain("serve_form", "a form with images", serve::form),
];

/// Returns a target for files without a checksum.
const fn plain(name: &'static str, about: &'static str, read: fn(&[u8]) -> Outcome) -> Target {
    Target {
        name,
        about,
        read,
        reseal: None,
    }
}

/// Returns a target for files with a checksum.
const fn sealed(
    name: &'static str,
    about: &'static str,
    read: fn(&[u8]) -> Outcome,
    reseal: fn(&mut [u8]),
) -> Target {
    Target {
        name,
        about,
        read,
        reseal: Some(reseal),
    }
}

/// Returns a target for files of a store.
const fn of_store(name: &'static str, about: &'static str, read: fn(&[u8]) -> Outcome) -> Target {
    sealed(name, about, read, |bytes| {
        frostline::features::fuzz::reseal(bytes);
    })
}

fn image(bytes: &[u8]) -> Outcome {
    images::image_bytes(bytes).map_err(|reason| reason.to_string())?;
    Ok(())
}

fn accepted(accepted: bool) -> Outcome {
    accepted.then_some(()).ok_or("refused".into())
}
