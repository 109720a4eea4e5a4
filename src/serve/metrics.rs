//! Counters and histograms as Prometheus text. The recorder belongs to a server, not to the process.

use std::time::Duration;

use metrics::{
    counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
    with_local_recorder,
};
use metrics_exporter_prometheus::{
    Matcher, PrometheusBuilder, PrometheusHandle, PrometheusRecorder,
};

use super::models::{Model, Models};
use super::results::Judged;
use crate::classifier::Labelling;
use crate::features::Observer;

const REQUESTS: &str = "frostline_requests_total";
const REQUEST_SECONDS: &str = "frostline_request_seconds";
const REJECTIONS: &str = "frostline_rejections_total";
const IMAGES: &str = "frostline_images_total";
const BATCH_IMAGES: &str = "frostline_batch_images";
const BATCH_SECONDS: &str = "frostline_batch_seconds";
const DECODE_SECONDS: &str = "frostline_decode_seconds";
const QUEUE: &str = "frostline_queue_images";
const MODELS: &str = "frostline_models";
const READY: &str = "frostline_ready";

/// The upper ends of buckets of seconds: 1 ms to 30 s.
const SECONDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// The upper ends of buckets of images in a batch.
const IMAGES_IN_BATCH: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

/// What a server counts.
pub(super) struct Metrics {
    recorder: PrometheusRecorder,
    handle: PrometheusHandle,
}

impl Metrics {
    pub(super) fn new() -> Self {
        let buckets = "the lists of buckets are not empty";
        let builder = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .expect(buckets);
        let batch = Matcher::Full(BATCH_IMAGES.to_owned());
        let builder = builder.set_buckets_for_metric(batch, &IMAGES_IN_BATCH);
        let recorder = builder.expect(buckets).build_recorder();
        let handle = recorder.handle();
        with_local_recorder(&recorder, describe);
        Self { recorder, handle }
    }

    /// Counts a request; `route` is the pattern of its path, and `code` that of a refusal.
    pub(super) fn request(
        &self,
        route: &str,
        status: u16,
        code: Option<&'static str>,
        took: Duration,
    ) {
        let (route, status) = (route.to_owned(), status.to_string());
        with_local_recorder(&self.recorder, || {
            histogram!(REQUEST_SECONDS, "route" => route.clone()).record(took);
            counter!(REQUESTS, "route" => route, "status" => status).increment(1);
            if let Some(code) = code {
                counter!(REJECTIONS, "reason" => code).increment(1);
            }
        });
    }

    /// Counts a connection that was refused.
    pub(super) fn refused_connection(&self) {
        with_local_recorder(&self.recorder, || {
            counter!(REJECTIONS, "reason" => "connections").increment(1);
        });
    }

    /// Counts the images of a request by their result.
    pub(super) fn images(&self, model: &Model, judged: &[Judged], labelling: &Labelling) {
        let classes = model.predictor.classes();
        let unknown = |judged: &&Judged| {
            let prediction = judged.as_ref().ok();
            prediction.is_some_and(|p| labelling.why_unknown(classes, p).is_some())
        };
        let errors = judged.iter().filter(|judged| judged.is_err()).count();
        let unknown = judged.iter().filter(unknown).count();
        let good = judged.len() - errors - unknown;
        with_local_recorder(&self.recorder, || {
            for (result, n) in [("ok", good), ("unknown", unknown), ("error", errors)] {
                if n > 0 {
                    let (name, version) = (model.source.name.clone(), model.source.version.clone());
                    let labels = [
                        ("model", name),
                        ("version", version),
                        ("result", result.to_owned()),
                    ];
                    counter!(IMAGES, &labels).increment(n as u64);
                }
            }
        });
    }

    /// Returns everything as text, with the present state of the models.
    pub(super) fn text(&self, models: &Models, ready: bool) -> String {
        with_local_recorder(&self.recorder, || {
            gauge!(MODELS).set(models.all().count() as f64);
            gauge!(READY).set(f64::from(ready));
            for model in models.all() {
                let backbone = &model.network.spec.backbone;
                let labels = [
                    ("backbone", backbone.name.clone()),
                    ("sha256", backbone.sha256.chars().take(16).collect()),
                ];
                gauge!(QUEUE, &labels).set(model.network.live.queued() as f64);
            }
        });
        self.handle.render()
    }

    /// Adds recent values to the histograms, which would otherwise grow until somebody reads them.
    pub(super) fn tidy(&self) {
        self.handle.run_upkeep();
    }
}

impl Observer for Metrics {
    fn batch(&self, images: usize, took: Duration) {
        with_local_recorder(&self.recorder, || {
            histogram!(BATCH_IMAGES).record(images as f64);
            histogram!(BATCH_SECONDS).record(took);
        });
    }

    fn decoded(&self, took: Duration) {
        with_local_recorder(&self.recorder, || histogram!(DECODE_SECONDS).record(took));
    }
}

fn describe() {
    describe_counter!(REQUESTS, "Requests by route and status.");
    describe_histogram!(
        REQUEST_SECONDS,
        "Seconds from the header of a request to its reply."
    );
    describe_counter!(REJECTIONS, "Refused requests and connections by reason.");
    describe_counter!(
        IMAGES,
        "Images by model, version and result: ok, unknown or error."
    );
    describe_histogram!(BATCH_IMAGES, "Images in a batch of a network.");
    describe_histogram!(BATCH_SECONDS, "Seconds that a batch took.");
    describe_histogram!(
        DECODE_SECONDS,
        "Seconds that decoding and preprocessing an image took."
    );
    describe_gauge!(QUEUE, "Images that wait to be decoded.");
    describe_gauge!(MODELS, "Models that are served, each version counted.");
    describe_gauge!(READY, "1 if the server is ready for requests.");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_prometheus_text() {
        let metrics = Metrics::new();
        let ms = Duration::from_millis;
        metrics.request("/v1/classify", 200, None, ms(3));
        metrics.request("/v1/classify", 200, None, ms(30));
        metrics.request("/v1/classify", 503, Some("busy"), ms(1));
        metrics.batch(3, ms(20));
        let text = metrics.text(&Models::default(), true);
        for line in [
            r#"frostline_requests_total{route="/v1/classify",status="200"} 2"#,
            r#"frostline_rejections_total{reason="busy"} 1"#,
            r#"frostline_request_seconds_bucket{route="/v1/classify",le="0.005"} 2"#,
            r#"frostline_request_seconds_count{route="/v1/classify"} 3"#,
            r#"frostline_batch_images_bucket{le="2"} 0"#,
            r#"frostline_batch_images_bucket{le="4"} 1"#,
            "# TYPE frostline_batch_images histogram",
            "frostline_models 0",
            "frostline_ready 1",
        ] {
            assert!(
                text.lines().any(|found| found == line),
                "{line} is not in\n{text}"
            );
        }
    }
}
