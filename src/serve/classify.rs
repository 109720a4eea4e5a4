//! Passes the images of a request to the network of a model, and turns their features into predictions.

use std::sync::Arc;

use ndarray::Array2;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::app::App;
use super::gallery::{Gallery, Near};
use super::models::Model;
use super::results::{Given, Judged, Unusable};
use crate::classifier::Labelling;
use crate::error::{Error, Result};
use crate::features::{Job, Unanswered, Wanted};
use crate::http::Problem;

/// Cancels the images of a request when the client is gone, which drops the future that holds this.
struct CancelOnDrop(Arc<Wanted>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.cancel();
    }
}

impl App {
    /// Predicts the classes of the images of a request, and finds the training images nearest to each of
    /// them, if there is a gallery of the model's features. The results are in input order.
    ///
    /// # Errors
    /// If the queue is full, the deadline passes or the network fails. An image that cannot be used is a
    /// result.
    pub(super) async fn predict(
        &self,
        model: &Arc<Model>,
        images: Vec<Given>,
        neighbours: usize,
        deadline: Instant,
    ) -> Result<(Vec<Judged>, Vec<Vec<Near>>), Problem> {
        self.check_count(images.len())?;
        let gallery = self.gallery.get().filter(|_| neighbours > 0).cloned();
        let features = timeout_at(deadline, features(model, images, deadline));
        let features = features.await.map_err(|_| late())??;
        let model = Arc::clone(model);
        let judge = move || {
            let near = nearest(&model, gallery.as_deref(), &features, neighbours)?;
            Ok((judge(&model, features)?, near))
        };
        let judged = tokio::task::spawn_blocking(judge).await;
        let judged = judged.map_err(|_| Problem::internal("the prediction failed"))?;
        judged.map_err(|error: Error| Problem::internal(error.to_string()))
    }
}

/// Returns how images are labelled.
///
/// # Errors
/// If the threshold is not a probability.
pub(super) fn labelling(threshold: Option<f64>, top_k: usize) -> Result<Labelling, Problem> {
    if threshold.is_some_and(|p| !(0.0..=1.0).contains(&p)) {
        return Err(Problem::bad_request("`threshold` must be from 0 to 1"));
    }
    Ok(Labelling { threshold, top_k })
}

fn late() -> Problem {
    Problem::late("the images could not be processed in time")
}

type Features = Result<Vec<f32>, Unusable>;

async fn features(
    model: &Model,
    images: Vec<Given>,
    deadline: Instant,
) -> Result<Vec<Features>, Problem> {
    let wanted = Arc::new(Wanted::until(deadline.into_std()));
    let _cancel = CancelOnDrop(Arc::clone(&wanted));
    let (answer, answers) = unbounded_channel();
    let mut features = Vec::with_capacity(images.len());
    let mut jobs = Vec::new();
    for (place, image) in images.into_iter().enumerate() {
        features.push(match image {
            Err(reason) => Err(reason),
            Ok(input) => {
                let answer = answer.clone();
                jobs.push(Job {
                    input,
                    wanted: Arc::clone(&wanted),
                    // Nobody listens if the client is gone.
                    reply: Box::new(move |features| drop(answer.send((place, features)))),
                });
                Err(Unusable::Panicked)
            }
        });
    }
    drop(answer);
    let submitted = model.network.live.submit(jobs);
    submitted.map_err(|_| Problem::busy("too many images are waiting"))?;
    collect(answers, &mut features).await?;
    Ok(features)
}

async fn collect(
    mut answers: UnboundedReceiver<(usize, Result<Vec<f32>, Unanswered>)>,
    features: &mut [Features],
) -> Result<(), Problem> {
    while let Some((place, answer)) = answers.recv().await {
        features[place] = match answer {
            Ok(values) => Ok(values),
            Err(Unanswered::Skipped(reason)) => Err(Unusable::Skipped(reason)),
            Err(Unanswered::Expired) => return Err(late()),
            Err(Unanswered::Failed(error)) => return Err(Problem::internal(error.to_string())),
        };
    }
    Ok(())
}

/// Returns the nearest training images of each image; none without a gallery, or for an unusable image.
fn nearest(
    model: &Model,
    gallery: Option<&Gallery>,
    features: &[Features],
    k: usize,
) -> Result<Vec<Vec<Near>>> {
    let Some(gallery) = gallery.filter(|gallery| gallery.fits(&model.predictor)) else {
        return Ok(features.iter().map(|_| Vec::new()).collect());
    };
    let width = model.predictor.spec().backbone.num_features;
    // The centre is always the first view.
    let centres = features.iter().flatten().map(|values| &values[..width]);
    let centres: Vec<f32> = centres.flatten().copied().collect();
    let centres = Array2::from_shape_vec((centres.len() / width, width), centres);
    let centres = centres.expect("rows of D features");
    let mut nearest = gallery.nearest(centres.view(), k)?.into_iter();
    let of = |features: &Features| match features {
        Ok(_) => nearest.next().unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    Ok(features.iter().map(of).collect())
}

fn judge(model: &Model, features: Vec<Features>) -> Result<Vec<Judged>> {
    let spec = model.predictor.spec();
    let width = spec.backbone.num_features;
    let values: Vec<f32> = features.iter().flatten().flatten().copied().collect();
    let values = Array2::from_shape_vec((values.len() / width, width), values);
    let values = values.expect("rows of D features");
    let mut predictions = model.predictor.predict(values.view())?.into_iter();
    let judged = features.into_iter().map(|features| {
        features?;
        let prediction = predictions
            .next()
            .expect("one for each image with features");
        Ok(prediction?)
    });
    Ok(judged.collect())
}
