//! Reads the bodies of requests, within a size, a time and the memory for all bodies.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout_at};

use super::app::App;
use crate::http::Problem;
use crate::images::grouped;

/// A body with its share of the memory, which is returned on drop.
pub(super) struct Payload {
    pub(super) bytes: Bytes,
    _memory: OwnedSemaphorePermit,
}

impl App {
    /// Returns when a request that has just begun must be answered.
    pub(super) fn deadline(&self) -> Instant {
        Instant::now() + self.options.limits.request_time
    }

    /// Reads a body.
    ///
    /// # Errors
    /// If it is too large or too slow, or if there is no memory for it.
    pub(super) async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        deadline: Instant,
    ) -> Result<Payload, Problem> {
        let most = self.options.limits.body;
        let length = content_length(headers);
        if length.is_some_and(|length| length > most) {
            return Err(too_large(most));
        }
        // Twice, because the images are copied out of the body.
        let units = (2 * length.unwrap_or(most)).div_ceil(App::UNIT);
        let memory = Arc::clone(&self.memory).try_acquire_many_owned(units as u32);
        let memory = memory.map_err(|_| Problem::busy("too many bodies are being received"))?;
        let reading = Limited::new(body, most as usize).collect();
        let read = timeout_at(deadline, reading)
            .await
            .map_err(|_| too_slow(self.options.limits.request_time))?;
        let body = read.map_err(|error| {
            if error.is::<LengthLimitError>() {
                too_large(most)
            } else {
                Problem::bad_request("the body ended too early")
            }
        })?;
        Ok(Payload {
            bytes: body.to_bytes(),
            _memory: memory,
        })
    }

    /// Refuses a request with more images than allowed, or with none.
    pub(super) fn check_count(&self, images: usize) -> Result<(), Problem> {
        let most = self.options.limits.images;
        match images {
            0 => Err(Problem::bad_request("the request contains no image")),
            n if n > most => Err(Problem::too_large(format!(
                "the request contains {n} images, over the limit of {most}"
            ))),
            _ => Ok(()),
        }
    }
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn too_large(most: u64) -> Problem {
    Problem::too_large(format!(
        "the body is over the limit of {} bytes",
        grouped(most)
    ))
}

fn too_slow(time: Duration) -> Problem {
    Problem::slow(format!(
        "the body did not arrive within {} s",
        time.as_secs()
    ))
}
