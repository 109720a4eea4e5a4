//! Tests with a device that counts what is copied to it, and in which order.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use super::*;
use crate::backbones::runtime::batch_sizes::Liked;
use crate::error::NetworkProblem;

/// The size of an image, in bytes.
const LEN: usize = 12;

/// A lane's memory. The feature of an image is the sum of its bytes.
#[derive(Default)]
struct Stub {
    loaded: Vec<u8>,
    /// The length of each batch that was copied, in bytes.
    copied: Vec<usize>,
    /// The largest batch that fits.
    most: Option<usize>,
    /// Is told when a batch has got this far.
    tell: Option<(Step, Sender<()>)>,
    /// A batch waits for it in this step.
    wait: Option<(Step, Receiver<()>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Load,
    Compute,
    Features,
}

impl Stub {
    fn reach(&self, step: Step) {
        if let Some((_, wait)) = self.wait.as_ref().filter(|(at, _)| *at == step) {
            let came = wait.recv_timeout(Duration::from_mins(1));
            came.expect("the other lane goes on meanwhile");
        }
        if let Some((_, tell)) = self.tell.as_ref().filter(|(at, _)| *at == step) {
            tell.send(()).unwrap();
        }
    }
}

/// The number of batches that the network has run.
type Ran = usize;

impl Staging for Stub {
    type Network = Ran;
    type Output = Vec<f32>;

    fn load(&mut self, images: &[&[u8]], batch: usize) -> Result<(), RunFault> {
        if self.most.is_some_and(|most| batch > most) {
            let message = "out of memory".to_owned();
            let fault = NetworkProblem::BatchTooLarge { batch, message };
            return Err(RunFault::OutOfMemory(fault.at(Path::new("x.onnx"))));
        }
        self.loaded = images.concat();
        self.loaded.resize(batch * LEN, 0);
        self.copied.push(self.loaded.len());
        self.reach(Step::Load);
        Ok(())
    }

    fn compute(&mut self, network: &mut Ran) -> Result<Vec<f32>, RunFault> {
        self.reach(Step::Compute);
        *network += 1;
        let sums = self.loaded.chunks_exact(LEN);
        Ok(sums
            .map(|image| image.iter().map(|&byte| f32::from(byte)).sum())
            .collect())
    }

    fn features(&self, output: &Vec<f32>) -> Result<Vec<f32>, RunFault> {
        self.reach(Step::Features);
        Ok(output.clone())
    }
}

fn images(n: u8) -> Vec<[u8; LEN]> {
    (1..=n).map(|value| [value; LEN]).collect()
}

fn run(stub: &mut Stub, network: &Mutex<Ran>, sizes: &BatchSizes, n: u8) -> Vec<f32> {
    let images = images(n);
    let images: Vec<&[u8]> = images.iter().map(|image| &image[..]).collect();
    forward(stub, network, sizes, &images).unwrap().features
}

/// Each image is copied once, as bytes; a batch that is not full is filled up, so that all have one size.
#[test]
fn bytes_are_copied_once() {
    let (mut stub, network) = (Stub::default(), Mutex::new(0));
    let sizes = BatchSizes::new(None, Liked::Even);
    assert_eq!(
        run(&mut stub, &network, &sizes, 4),
        [12.0, 24.0, 36.0, 48.0]
    );
    assert_eq!(run(&mut stub, &network, &sizes, 3), [12.0, 24.0, 36.0]);
    assert_eq!(stub.copied, [4 * LEN, 4 * LEN]);
    assert_eq!(network.into_inner().unwrap(), 2);
}

#[test]
fn a_batch_that_does_not_fit_is_copied_in_halves() {
    let mut stub = Stub {
        most: Some(3),
        ..Stub::default()
    };
    let network = Mutex::new(0);
    let sizes = BatchSizes::new(None, Liked::Even);
    let sums = run(&mut stub, &network, &sizes, 10);
    assert_eq!(sums, (1..=10).map(|n| (12 * n) as f32).collect::<Vec<_>>());
    // 10 and 5 do not fit, so there are batches of 2.
    assert_eq!(stub.copied, [2 * LEN; 5]);
    assert_eq!(sizes.too_large(), Some(5));
}

/// Runs two lanes; the first one waits in a step until the second has reached another step.
fn two_lanes(waits: Step, reached: Step) {
    let (tell, wait) = channel();
    let (network, sizes) = (Mutex::new(0), BatchSizes::new(None, Liked::Even));
    let (begun, has_begun) = channel();
    let first = Stub {
        tell: Some((Step::Load, begun)),
        wait: Some((waits, wait)),
        ..Stub::default()
    };
    let second = Stub {
        tell: Some((reached, tell)),
        ..Stub::default()
    };
    thread::scope(|scope| {
        let lane = |mut stub| {
            let (network, sizes) = (&network, &sizes);
            scope.spawn(move || run(&mut stub, network, sizes, 2))
        };
        let first = lane(first);
        has_begun.recv().unwrap();
        let second = lane(second);
        assert_eq!(first.join().unwrap(), [12.0, 24.0]);
        assert_eq!(second.join().unwrap(), [12.0, 24.0]);
    });
    assert_eq!(network.into_inner().unwrap(), 2);
}

#[test]
fn one_lane_copies_while_another_computes() {
    two_lanes(Step::Compute, Step::Load);
}

#[test]
fn the_network_runs_while_another_lane_pools() {
    two_lanes(Step::Features, Step::Compute);
}
