//! Networks of today, made by the exporters in use from random weights: imported, cut, and compared with the
//! features that their own frameworks compute (`scripts/reference_networks.py`).

use std::fs;
use std::path::{Path, PathBuf};

use frostline::backbones::{
    BackboneManifest, Decoding, Device, DeviceRequest, Frozen, LayerChoice, OnnxBackbone,
    Overrides, PixelRange, Pool, Preset, RuntimeLibrary,
};
use frostline::images::{Crop, Preprocessing, Preprocessor, Resize};
use frostline::tasks::{ImportNote, ImportOnnxOptions, ImportedOnnx, Overwrite, import_onnx};
use frostline::{Home, RunOptions};
use safetensors::SafeTensors;
use serde_json::Value;

use crate::harness::{formula_picture, golden, installed_home, share_runtime};

/// A layer and a pool to import with, and the tensor that has the right features.
type Reading = (Option<&'static str>, Option<Pool>, &'static str);

const POOLS: [Reading; 3] = [
    (None, Some(Pool::Cls), "cls"),
    (None, Some(Pool::Mean), "mean"),
    (None, Some(Pool::ClsMean), "cls_mean"),
];

const HIDDEN: Option<&str> = Some("last_hidden_state");

/// Returns what to read from a network.
fn readings(network: &str) -> Vec<Reading> {
    let tokens = |names: [&'static str; 3]| {
        let pools = [Pool::Cls, Pool::Mean, Pool::ClsMean];
        let read = |(pool, name)| (HIDDEN, Some(pool), name);
        pools.into_iter().zip(names).map(read).collect::<Vec<_>>()
    };
    match network {
        "vit" | "timm_vit" => [&[(None, None, "cls")], &POOLS[..]].concat(),
        "dinov2" | "dinov2_registers" => [&[(None, None, "cls_mean")], &POOLS[..]].concat(),
        "convnext" | "swin" | "timm_convnext" => vec![(None, None, "pooled")],
        "vit_base" | "dinov2_base" => tokens(["cls", "mean", "cls_mean"]),
        "clip_vision" => {
            let mut all = tokens(["raw_cls", "raw_mean", "raw_cls_mean"]);
            all.push((None, None, "image_embeds"));
            all
        }
        "clip" | "siglip" => vec![(None, None, "image_embeds")],
        "siglip_vision" => vec![
            (HIDDEN, Some(Pool::Mean), "mean"),
            (Some("pooler_output"), None, "pooled"),
        ],
        "vit_quantised_dynamic" | "vit_quantised_static" => vec![(None, None, "cls")],
        other => panic!("unknown network {other}"),
    }
}

/// Files that run one image at a time: their batch size is fixed by more than constants, or numbers are
/// quantised with the range of the whole batch.
const ONE_AT_A_TIME: &[(&str, &str)] = &[
    ("swin_dynamo_1.onnx", "pooled"),
    ("siglip_vision_dynamo_1.onnx", "pooled"),
    ("siglip_vision_torchscript_1.onnx", "pooled"),
    ("vit_quantised_dynamic.onnx", "cls"),
];

#[test]
fn exported_networks_have_the_features_of_their_frameworks() {
    let Some(place) = Place::new() else { return };
    let about = golden("exports/networks");
    let tensors = Tensors::read("networks");
    let mut failures = Vec::new();
    println!("| file | layer | pool | D | batch | largest difference |");
    for file in about["files"].as_array().unwrap() {
        let [name, network] = ["file", "network"].map(|key| file[key].as_str().unwrap());
        let own = file["tensors"].as_str();
        for (layer, pool, feature) in readings(own.unwrap_or(network)) {
            let wanted = tensors.rows(&format!("{}.{feature}", own.unwrap_or(network)));
            let about = &about["networks"][network];
            let mut read = match place.import(name, layer, pool, about) {
                Ok(read) => read,
                Err(error) => {
                    failures.push(format!("{name}, {feature}: {error}"));
                    continue;
                }
            };
            let difference = read.largest_difference(&pictures(about), &wanted);
            let (layer, pool) = (
                &read.layer,
                pool.map_or(String::new(), |pool| pool.to_string()),
            );
            let batch = if read.is_fixed() { "1" } else { "free" };
            let d = wanted[0].len();
            println!("| {name} | {layer} | {pool} | {d} | {batch} | {difference:.1e} |");
            let fixed = ONE_AT_A_TIME.contains(&(name, feature));
            if difference > 1e-4 || read.is_fixed() != fixed {
                let notes = &read.notes;
                failures.push(format!("{name}, {feature}: {difference}, {notes:?}"));
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn a_network_that_normalises_pixel_values_gets_them_as_they_are() {
    let Some(place) = Place::new() else { return };
    let about = golden("exports/keras");
    let file = exports().join("keras_rescaling.onnx");
    let mut options = ImportOnnxOptions::new(file, place.home.clone());
    options.overrides.resize = Some(Resize::None);
    let imported = import_onnx(&options).unwrap();
    let range = PixelRange::Bytes;
    assert!(imported.notes.contains(&ImportNote::Normalises { range }));
    let mut read = place.open(imported).unwrap();
    let wanted = Tensors::read("keras").rows("keras_rescaling.pooled");
    let pictures = about["networks"]["keras_rescaling"]["pictures"].as_array();
    let bytes = |picture| {
        formula_picture(picture)
            .pixels()
            .iter()
            .map(|&b| b.into())
            .collect()
    };
    let images: Vec<Vec<f32>> = pictures.unwrap().iter().map(bytes).collect();
    let difference = read.largest_difference(&images, &wanted);
    assert!(difference <= 1e-4, "{difference}");
    let mut prepared = vec![0.0; images[0].len()];
    let picture = formula_picture(&pictures.unwrap()[0]);
    let mut preprocessor = Preprocessor::new(&read.preprocessing).unwrap();
    preprocessor.apply(&picture, &mut prepared);
    assert_eq!(prepared, images[0]);
}

/// A home with ONNX Runtime and without networks.
struct Place {
    home: Home,
    _folder: tempfile::TempDir,
}

/// An imported network.
struct Imported {
    backbone: OnnxBackbone,
    preprocessing: Preprocessing,
    layer: String,
    notes: Vec<ImportNote>,
}

impl Place {
    fn new() -> Option<Self> {
        let installed = installed_home()?;
        let folder = tempfile::tempdir().unwrap();
        share_runtime(&installed, folder.path());
        let home = Home::at(folder.path());
        Some(Self {
            home,
            _folder: folder,
        })
    }

    fn import(
        &self,
        file: &str,
        layer: Option<&str>,
        pool: Option<Pool>,
        about: &Value,
    ) -> frostline::Result<Imported> {
        let edge = about["edge"].as_u64().unwrap() as u32;
        let mut options = ImportOnnxOptions::new(exports().join(file), self.home.clone());
        options.name = Some("probe".to_owned());
        options.layer = layer.map(LayerChoice::from);
        options.overwrite = Overwrite::Allow;
        options.overrides.pool = pool;
        options.overrides.preset = Some(Preset::Tutorial);
        options.overrides.crop = Some(Crop::Center(edge, edge));
        self.open(import_onnx(&options)?)
    }

    fn open(&self, imported: ImportedOnnx) -> frostline::Result<Imported> {
        let manifest = BackboneManifest::read(&imported.path.with_extension("toml")).unwrap();
        let mut run_options = RunOptions::new(self.home.clone());
        run_options.device = DeviceRequest::Exactly(Device::Cpu);
        let backbone = OnnxBackbone::load(
            &RuntimeLibrary::find(&self.home).unwrap(),
            (&imported.path, None),
            &manifest.features,
            &manifest.preprocessing,
            &run_options,
        )?;
        Ok(Imported {
            backbone,
            preprocessing: manifest.preprocessing,
            layer: imported.layer,
            notes: imported.notes,
        })
    }
}

impl Imported {
    fn is_fixed(&self) -> bool {
        let fixed = |note: &ImportNote| matches!(note, ImportNote::FixedBatch { .. });
        self.notes.iter().any(fixed)
    }

    /// Returns the largest difference in batches of 1, 3 and 8 images.
    fn largest_difference(&mut self, images: &[Vec<f32>], wanted: &[Vec<f32>]) -> f32 {
        let mut largest = 0.0_f32;
        for batch in [1, 3, 8] {
            for (images, wanted) in images.chunks(batch).zip(wanted.chunks(batch)) {
                let got = self
                    .backbone
                    .forward_at_once(&images.concat(), images.len());
                let (got, wanted) = (got.unwrap(), wanted.concat());
                if got.len() != wanted.len() {
                    return f32::INFINITY;
                }
                let differences = got
                    .iter()
                    .zip(wanted)
                    .map(|(got, wanted)| (got - wanted).abs());
                largest = differences.fold(largest, f32::max);
            }
        }
        largest
    }
}

/// A file of tensors with a row for each picture.
struct Tensors(Vec<u8>);

impl Tensors {
    fn read(name: &str) -> Self {
        Self(fs::read(exports().join(name).with_extension("safetensors")).unwrap())
    }

    fn rows(&self, name: &str) -> Vec<Vec<f32>> {
        let tensors = SafeTensors::deserialize(&self.0).unwrap();
        let tensor = tensors.tensor(name).unwrap();
        let values = tensor.data().as_chunks::<4>().0.iter();
        let values: Vec<f32> = values.map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let row = values.len() / tensor.shape()[0];
        values.chunks(row).map(<[f32]>::to_vec).collect()
    }
}

/// Returns the pictures as (3, H, W), each value (byte / 255 − 0.5) / 0.5.
fn pictures(about: &Value) -> Vec<Vec<f32>> {
    let pictures = about["pictures"].as_array().unwrap().iter();
    let channels_first = |picture: &Value| {
        let picture = formula_picture(picture);
        let bytes = picture.pixels();
        let channel = |c: usize| bytes.iter().skip(c).step_by(3);
        let all = (0..3).flat_map(channel);
        all.map(|&byte| (f32::from(byte) / 255.0 - 0.5) / 0.5)
            .collect()
    };
    pictures.map(channels_first).collect()
}

fn exports() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/exports")
}

#[test]
fn a_file_that_is_quantised_dynamically_runs_one_image_at_a_time() {
    let Some(place) = Place::new() else { return };
    let about = &golden("exports/networks")["networks"]["vit"];
    let file = exports().join("vit_quantised_dynamic.onnx");
    let adjust = |manifest: &mut BackboneManifest| {
        let mut overrides = Overrides::default();
        overrides.preset = Some(Preset::Tutorial);
        overrides.crop = Some(Crop::Center(32, 32));
        overrides.apply(manifest);
    };
    let options = RunOptions::new(place.home.clone());
    let mut frozen = Frozen::by_name(&file, adjust, Decoding::default(), &options).unwrap();
    let notes = frozen.notes().join("\n");
    assert!(notes.contains("range of the whole batch"), "{notes}");
    let wanted = Tensors::read("networks").rows("vit_quantised_dynamic.logits");
    let images = pictures(about);
    let got = frozen
        .backbone
        .forward_at_once(&images.concat(), images.len());
    for (got, wanted) in got.unwrap().iter().zip(wanted.iter().flatten()) {
        assert!((got - wanted).abs() <= 1e-4, "{got} is not {wanted}");
    }
}
