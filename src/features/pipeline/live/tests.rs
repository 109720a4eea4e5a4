//! Tests of batching, with a network without weights.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::*;
use crate::error::Result;
use crate::images::{Crop, DecodeOptions, Image, Preprocessing, Resize, RgbImage, View};

/// The features of an image are its first value, and the number of images in its batch.
#[derive(Default)]
struct Stub {
    batches: Arc<Mutex<Vec<usize>>>,
}

impl Backbone for Stub {
    fn num_features(&self) -> usize {
        2
    }

    fn forward(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        self.batches.lock().unwrap().push(n);
        let images = images.chunks_exact(images.len() / n);
        assert!(
            images
                .clone()
                .all(|image| image[0].is_nan() || image[0] < 100.0),
            "a fault"
        );
        Ok(images.flat_map(|image| [image[0], n as f32]).collect())
    }
}

struct Bench {
    live: Live,
    batches: Arc<Mutex<Vec<usize>>>,
}

const FOREVER: Duration = Duration::from_mins(10);

fn bench(batch_size: usize, max_delay: Duration, queue: usize) -> Bench {
    let preprocessing = Preprocessing {
        resize: Resize::Exact(2, 2),
        crop: Crop::None,
        ..Preprocessing::default()
    };
    let pipeline = Pipeline {
        decoding: DecodeOptions::default(),
        preprocessing,
        views: vec![View::Center],
        batch_size,
        threads: 2,
    };
    let stub = Stub::default();
    let batches = Arc::clone(&stub.batches);
    let waiting = Waiting { max_delay, queue };
    let live = Live::start(stub, |stub| stub, pipeline, waiting, Arc::new(Quiet)).unwrap();
    assert_eq!(
        batches.lock().unwrap().split_off(0),
        [1],
        "it was warmed up"
    );
    Bench { live, batches }
}

struct Quiet;

impl Observer for Quiet {}

type Answers = Receiver<(usize, Result<Vec<f32>, Unanswered>)>;

fn jobs(inputs: Vec<Input>, wanted: &Arc<Wanted>) -> (Vec<Job>, Answers) {
    let (send, answers) = channel();
    let job = |(place, input)| {
        let send = send.clone();
        Job {
            input,
            wanted: Arc::clone(wanted),
            reply: Box::new(move |answer| send.send((place, answer)).unwrap()),
        }
    };
    (inputs.into_iter().enumerate().map(job).collect(), answers)
}

fn wanted() -> Arc<Wanted> {
    Arc::new(Wanted::until(Instant::now() + FOREVER))
}

fn values(first: f32) -> Input {
    Input::Values([first].into_iter().chain([0.0; 11]).collect())
}

fn answers(bench: &Bench, inputs: Vec<Input>) -> Vec<Option<Result<Vec<f32>, Unanswered>>> {
    let mut sorted: Vec<_> = inputs.iter().map(|_| None).collect();
    let (jobs, answers) = jobs(inputs, &wanted());
    bench.live.submit(jobs).unwrap();
    for (place, answer) in answers {
        sorted[place] = Some(answer);
    }
    sorted
}

#[test]
fn each_image_gets_its_own_answer() {
    let bench = bench(8, Duration::from_millis(1), 100);
    let white = RgbImage::new(1, 1, vec![255; 3]).unwrap();
    let inputs = vec![
        values(3.0),
        Input::Image(Image::from(b"no image".to_vec())),
        Input::Image(Image::from(white)),
        values(f32::NAN),
        values(4.0),
    ];
    let got = answers(&bench, inputs);
    let first = |place: usize| got[place].as_ref().unwrap().as_ref().unwrap()[0];
    assert_eq!((first(0), first(4)), (3.0, 4.0));
    // White, normalised with the mean and deviation of ImageNet's red.
    assert!((first(2) - (1.0 - 0.485) / 0.229).abs() < 1e-5);
    let reason = |place: usize| match got[place].as_ref().unwrap() {
        Err(Unanswered::Skipped(reason)) => reason.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(reason(1), "is a text file, not an image");
    assert_eq!(
        reason(3),
        "has features that are not finite (NaN or infinity)"
    );
}

#[test]
fn a_full_batch_does_not_wait() {
    let bench = bench(4, FOREVER, 100);
    let got = answers(&bench, (0..8).map(|n| values(n as f32)).collect());
    assert!(got.iter().all(|answer| matches!(answer, Some(Ok(_)))));
    assert_eq!(*bench.batches.lock().unwrap(), [4, 4]);
}

#[test]
fn images_of_several_requests_share_a_batch() {
    let bench = bench(2, FOREVER, 100);
    let (one, first) = jobs(vec![values(1.0)], &wanted());
    let (other, second) = jobs(vec![values(2.0)], &wanted());
    bench.live.submit(one).unwrap();
    bench.live.submit(other).unwrap();
    assert_eq!(first.recv().unwrap().1.unwrap(), [1.0, 2.0]);
    assert_eq!(second.recv().unwrap().1.unwrap(), [2.0, 2.0]);
}

#[test]
fn an_image_waits_for_others_no_longer_than_the_delay() {
    let delay = Duration::from_millis(60);
    let bench = bench(4, delay, 100);
    let start = Instant::now();
    assert!(matches!(answers(&bench, vec![values(1.0)])[0], Some(Ok(_))));
    assert!(start.elapsed() >= delay);
    let bench = self::bench(4, Duration::ZERO, 100);
    assert!(matches!(answers(&bench, vec![values(1.0)])[0], Some(Ok(_))));
}

#[test]
fn a_request_that_does_not_fit_is_refused_whole() {
    let queue = queue::Queue::new(3);
    let push = |n: usize, wanted: &Arc<Wanted>| {
        queue.push(jobs((0..n).map(|_| values(0.0)).collect(), wanted).0)
    };
    let first = wanted();
    assert_eq!(push(2, &first), Ok(()));
    assert_eq!(push(2, &wanted()), Err(QueueFull));
    assert_eq!(queue.len(), 2);
    first.cancel();
    assert_eq!(
        push(2, &wanted()),
        Ok(()),
        "images nobody waits for make room"
    );
    assert_eq!(queue.len(), 2);
}

#[test]
fn nothing_is_computed_for_nobody() {
    let bench = bench(1, Duration::ZERO, 100);
    let late = Arc::new(Wanted::until(Instant::now()));
    let cancelled = wanted();
    cancelled.cancel();
    for wanted in [late, cancelled] {
        let (jobs, answers) = jobs(vec![values(1.0)], &wanted);
        bench.live.submit(jobs).unwrap();
        let answer = answers.recv().unwrap().1;
        assert!(matches!(answer, Err(Unanswered::Expired)), "{answer:?}");
    }
    assert!(bench.batches.lock().unwrap().is_empty());
}

#[test]
fn a_panic_costs_only_its_own_batch() {
    let bench = bench(1, Duration::ZERO, 100);
    assert!(answers(&bench, vec![values(100.0)])[0].is_none());
    assert!(matches!(answers(&bench, vec![values(1.0)])[0], Some(Ok(_))));
}

#[test]
fn closing_finishes_the_queue() {
    let bench = bench(64, FOREVER, 100);
    let done = Arc::new(AtomicUsize::new(0));
    let job = |n: i32| {
        let done = Arc::clone(&done);
        Job {
            input: values(n as f32),
            wanted: wanted(),
            reply: Box::new(move |answer| {
                done.fetch_add(usize::from(answer.is_ok()), Ordering::SeqCst);
            }),
        }
    };
    bench.live.submit((0..9).map(job).collect()).unwrap();
    drop(bench.live);
    assert_eq!(done.load(Ordering::SeqCst), 9);
}
