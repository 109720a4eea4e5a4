//! Images that the network's device normalises: the pipeline passes on bytes, and features stay the same.
//! Here the CPU is that device. It runs what an NVIDIA GPU runs, except for the copies between two memories.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use frostline::backbones::{
    Backbone, BackboneManifest, Decoding, Device, DeviceRequest, Forwarded, Frozen, Home,
    RunOptions,
};
use frostline::images::{Channels, Preprocessing, Preprocessor};

use crate::harness::{Stub, installed_home, preprocessing, two_classes};
use crate::pipeline::{run, run_with};

/// A device that takes pixels, with two lanes.
#[derive(Clone, Default)]
struct OnDevice {
    /// The number of images and bytes of each batch.
    batches: Arc<Mutex<Vec<(usize, usize)>>>,
}

impl Backbone for OnDevice {
    fn num_features(&self) -> usize {
        Stub::default().num_features()
    }

    fn replicas(&self) -> Vec<Box<dyn Backbone>> {
        vec![Box::new(self.clone())]
    }

    fn cpus(&self) -> usize {
        0
    }

    fn forward(&mut self, _images: &[f32], _n: usize) -> frostline::Result<Vec<f32>> {
        panic!("images were normalised before");
    }

    fn forward_pixels(&mut self, images: &[&[u8]]) -> Option<frostline::Result<Forwarded>> {
        let batch = (images.len(), images.concat().len());
        self.batches.lock().unwrap().push(batch);
        let values = normalised(&preprocessing(), images);
        let features = Stub::default().forward(&values, images.len());
        Some(features.map(|features| Forwarded {
            features,
            ..Forwarded::default()
        }))
    }
}

fn normalised(preprocessing: &Preprocessing, images: &[&[u8]]) -> Vec<f32> {
    let preprocessor = Preprocessor::new(preprocessing).unwrap();
    let size = preprocessing.num_values();
    let mut values = vec![0.0; images.len() * size];
    for (image, slot) in images.iter().zip(values.chunks_exact_mut(size)) {
        preprocessor.normalise(image, slot);
    }
    values
}

#[test]
fn a_device_gets_each_image_once_as_bytes_in_full_batches() {
    let folder = tempfile::tempdir().unwrap();
    two_classes(folder.path(), 10, 0);
    let (wanted, _) = run(folder.path(), 8, 2, None);
    let mut device = OnDevice::default();
    let got = run_with(folder.path(), 8, 2, None, &mut device).unwrap();
    assert_eq!(got.rows, wanted.rows);
    let mut batches = device.batches.lock().unwrap().clone();
    batches.sort_unstable();
    // An image has 8 × 8 × 3 bytes. Lanes that take turns do not divide the last images.
    assert_eq!(batches, [4, 8, 8].map(|n| (n, n * 192)));
}

/// Returns EfficientNet-Lite0 on the CPU; `None` if it is not installed.
fn network(adjust: impl FnOnce(&mut Preprocessing)) -> Option<Frozen> {
    let mut options = RunOptions::new(Home::at(installed_home()?));
    options.device = DeviceRequest::Exactly(Device::Cpu);
    let adjust = |manifest: &mut BackboneManifest| adjust(&mut manifest.preprocessing);
    let name = Path::new("efficientnet-lite0");
    Some(Frozen::by_name(name, adjust, Decoding::default(), &options).unwrap())
}

/// Returns `n` images of noise.
fn noise(n: usize, size: usize) -> Vec<Vec<u8>> {
    let mut state = 1_u32;
    let mut byte = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    let mut image = || (0..size).map(|_| byte()).collect();
    (0..n).map(|_| image()).collect()
}

#[test]
fn features_are_the_same_to_the_last_bit() {
    for channels in [Channels::Rgb, Channels::Bgr] {
        let adjusted = network(|preprocessing| {
            preprocessing.channels = channels;
            preprocessing.mean = [0.485, 0.456, 0.406];
            preprocessing.std = [0.229, 0.224, 0.225];
        });
        let Some(Frozen {
            mut backbone, spec, ..
        }) = adjusted
        else {
            return;
        };
        let preprocessing = spec.preprocessing;
        assert!(
            backbone.forward_pixels(&[]).is_none(),
            "the CPU takes floats"
        );
        backbone.normalise_on_device(&preprocessing).unwrap();
        // Fewer and more images than before, so that buffers are used again and replaced.
        for n in [3, 1, 1, 4] {
            let images = noise(n, preprocessing.num_values());
            let images: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
            let values = normalised(&preprocessing, &images);
            let wanted = backbone.forward(&values, n).unwrap();
            let found = backbone.forward_pixels(&images).unwrap().unwrap();
            assert_eq!(found.features, wanted, "{n} images, {channels}");
        }
    }
}

#[test]
fn lanes_share_the_network_and_not_their_buffers() {
    let Some(Frozen {
        mut backbone, spec, ..
    }) = network(|_| {})
    else {
        return;
    };
    let preprocessing = spec.preprocessing;
    backbone.normalise_on_device(&preprocessing).unwrap();
    let mut lanes = backbone.replicas();
    assert_eq!(lanes.len(), 1, "one computes, one copies");
    let images = noise(12, preprocessing.num_values());
    let wanted: Vec<f32> = images
        .iter()
        .flat_map(|image| {
            backbone
                .forward(&normalised(&preprocessing, &[image]), 1)
                .unwrap()
        })
        .collect();
    let each = wanted.len() / images.len();
    lanes.push(Box::new(backbone));
    thread::scope(|scope| {
        for (lane, mut backbone) in lanes.into_iter().enumerate() {
            let (images, wanted) = (&images, &wanted);
            scope.spawn(move || {
                for (image, row) in images
                    .iter()
                    .zip(wanted.chunks_exact(each))
                    .skip(6 * lane)
                    .take(6)
                {
                    let found = backbone.forward_pixels(&[image]).unwrap().unwrap();
                    assert_eq!(found.features, row);
                }
            });
        }
    });
}
