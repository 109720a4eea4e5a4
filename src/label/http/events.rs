//! Tells the page about changes: server-sent events.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use hyper::body::Frame;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{sleep, timeout};

use crate::label::labeller::Labeller;

/// The shortest time between two events.
const BETWEEN: Duration = Duration::from_millis(250);
/// The longest time without a sign of life.
const ALIVE: Duration = Duration::from_secs(15);

/// A body whose pieces arrive over time.
struct Pieces(Receiver<Bytes>);

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = self.0.poll_recv(context);
        piece.map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// Returns a reply that does not end: the state now, and after every change.
pub(super) fn events(labeller: Arc<Labeller>) -> Response {
    let (send, pieces) = channel(1);
    tokio::spawn(async move {
        let mut changes = labeller.listen();
        let mut next = Some(state(&labeller));
        while !labeller.is_stopping() {
            let piece = next
                .take()
                .unwrap_or_else(|| Bytes::from_static(b"event: alive\ndata: {}\n\n"));
            if send.send(piece).await.is_err() {
                // The page is gone.
                return;
            }
            sleep(BETWEEN).await;
            match timeout(ALIVE, changes.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                Err(_) => continue,
            }
            changes.borrow_and_update();
            next = Some(state(&labeller));
        }
    });
    let kind = [(header::CONTENT_TYPE, "text/event-stream")];
    (kind, Body::new(Pieces(pieces))).into_response()
}

fn state(labeller: &Labeller) -> Bytes {
    let state = serde_json::to_string(&labeller.state());
    let state = state.expect("text and numbers have a JSON form");
    format!("event: state\ndata: {state}\n\n").into()
}
