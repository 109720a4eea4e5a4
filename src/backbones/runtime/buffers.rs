//! Buffers of ONNX Runtime, and the small network that normalises images on a device.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use frostline_onnx::export::Normalisation;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, Session};
use ort::value::{DynValue, Tensor};

use super::network::{Network, RunFault};
use super::staging::Staging;
use crate::backbones::Device;
use crate::backbones::onnx::normalisation;
use crate::error::Result;
use crate::images::Preprocessing;

/// The session that normalises images on the network's device; all lanes share it.
pub(super) struct Normaliser {
    session: Mutex<Session>,
    /// The height and width of an image.
    size: [usize; 2],
}

impl Normaliser {
    /// Opens the session on the network's device.
    pub(super) fn open(network: &Network, preprocessing: &Preprocessing) -> Result<Self> {
        let bytes = normalisation(preprocessing).network();
        let session = network.opener.open_normaliser(&bytes)?;
        let (width, height) = preprocessing.output_size();
        Ok(Self {
            session: Mutex::new(session),
            size: [height as usize, width as usize],
        })
    }

    fn lock(&self) -> MutexGuard<'_, Session> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The buffers of a lane. They are allocated when a batch has another size than the one before.
pub(super) struct Buffers {
    network: Arc<Network>,
    normaliser: Arc<Normaliser>,
    batch: Option<Batch>,
}

impl Buffers {
    pub(super) fn new(network: Arc<Network>, normaliser: Arc<Normaliser>) -> Self {
        Self {
            network,
            normaliser,
            batch: None,
        }
    }

    /// Returns buffers for another lane.
    pub(super) fn replica(&self) -> Self {
        Self::new(Arc::clone(&self.network), Arc::clone(&self.normaliser))
    }
}

impl Staging for Buffers {
    type Network = Session;
    /// The number of images, and the value of the layer, which the next batch overwrites.
    type Output = (usize, DynValue);

    fn load(&mut self, images: &[&[u8]], len: usize) -> Result<(), RunFault> {
        let (network, normaliser) = (&self.network, &self.normaliser);
        let fault = |e| network.run_fault(&e, len);
        // The old buffers are released before new ones are allocated.
        let batch = match self.batch.take().filter(|batch| batch.len == len) {
            Some(batch) => batch,
            None => Batch::new(len, &normaliser.lock(), normaliser.size, network).map_err(fault)?,
        };
        let batch = self.batch.insert(batch);
        batch.fill(images).map_err(fault)?;
        batch.normalise(&mut normaliser.lock()).map_err(fault)
    }

    fn compute(&mut self, session: &mut Session) -> Result<Self::Output, RunFault> {
        let network = &self.network;
        let batch = self.batch.as_mut().expect("a batch was loaded");
        let len = batch.len;
        let binding = batch.bind(session, network);
        let outputs = binding.and_then(|binding| session.run_binding(binding));
        let mut outputs = outputs.map_err(|e| network.run_fault(&e, len))?;
        let output = outputs.remove(&network.layer);
        Ok((len, output.expect("the layer is bound")))
    }

    fn features(&self, (len, output): &Self::Output) -> Result<Vec<f32>, RunFault> {
        self.network.features(*len, output)
    }
}

/// The buffers for batches of one size.
struct Batch {
    len: usize,
    /// 8-bit RGB on this side, (N, H, W, 3).
    pixels: Tensor<u8>,
    /// The network's input, on the device.
    values: Tensor<f32>,
    normalise: IoBinding,
    /// Created when the network runs for the first time.
    forward: Option<IoBinding>,
}

impl Batch {
    fn new(
        len: usize,
        normaliser: &Session,
        size: [usize; 2],
        network: &Network,
    ) -> ort::Result<Self> {
        let device = network.opener.device;
        let allocator = |memory: Memory| Allocator::new(normaliser, memory.on(device)?);
        let ([height, width], [a, b, c]) = (size, network.shape.image);
        // Pinned memory belongs to this thread's device, which is the first one until memory on another is
        // allocated.
        let mut values = Tensor::new(&allocator(Memory::OnDevice)?, [len, a, b, c])?;
        let pixels = Tensor::new(&allocator(Memory::Pinned)?, [len, height, width, 3])?;
        let mut normalise = normaliser.create_binding()?;
        normalise.bind_output(Normalisation::OUTPUT, &mut values)?;
        Ok(Self {
            len,
            pixels,
            values,
            normalise,
            forward: None,
        })
    }

    /// Copies images to pinned memory.
    fn fill(&mut self, images: &[&[u8]]) -> ort::Result<()> {
        let (_, pixels) = self.pixels.try_extract_tensor_mut::<u8>()?;
        let mut slots = pixels.chunks_exact_mut(pixels.len() / self.len);
        for (image, slot) in images.iter().zip(&mut slots) {
            slot.copy_from_slice(image);
        }
        slots.for_each(|slot| slot.fill(0));
        Ok(())
    }

    /// Copies the pixels to the device, and normalises them.
    fn normalise(&mut self, normaliser: &mut Session) -> ort::Result<()> {
        // Binding copies the pixels, so they are bound again for each batch. The session stays locked until
        // the run has ended: both then use the same CUDA stream, so the run waits for the copy.
        let input = Normalisation::INPUT;
        self.normalise.bind_input(input, &self.pixels)?;
        normaliser.run_binding(&self.normalise)?;
        Ok(())
    }

    /// Returns the network's input and output.
    fn bind(&mut self, session: &Session, network: &Network) -> ort::Result<&IoBinding> {
        let binding = match &mut self.forward {
            Some(binding) => binding,
            none => {
                let mut binding = session.create_binding()?;
                let pinned = Memory::Pinned.on(network.opener.device)?;
                binding.bind_output_to_device(&network.layer, &pinned)?;
                none.insert(binding)
            }
        };
        // Nothing is copied on the same device. If it were, an input that is bound once would stay as it was.
        binding.bind_input(session.inputs()[0].name(), &self.values)?;
        Ok(binding)
    }
}

/// Where a buffer is.
#[derive(Debug, Clone, Copy)]
enum Memory {
    /// On this side, where the device reads and writes it directly.
    Pinned,
    /// On the device.
    OnDevice,
}

impl Memory {
    /// Returns ONNX Runtime's description. On the CPU, all memory is the same.
    fn on(self, device: Device) -> ort::Result<MemoryInfo<'static>> {
        let (place, index, usage) = match (device, self) {
            (Device::Cuda(index) | Device::TensorRt(index), Self::Pinned) => {
                (AllocationDevice::CUDA_PINNED, index, MemoryType::CPUInput)
            }
            (Device::Cuda(index) | Device::TensorRt(index), Self::OnDevice) => {
                (AllocationDevice::CUDA, index, MemoryType::Default)
            }
            _ => (AllocationDevice::CPU, 0, MemoryType::Default),
        };
        MemoryInfo::new(place, index, AllocatorType::Device, usage)
    }
}
