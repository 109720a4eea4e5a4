//! Waits as long as a busy server asks for: `object_store` ignores `Retry-After`. Its pauses between
//! requests add up to a few seconds only.

use std::time::Duration;

use futures_util::future::BoxFuture;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};

/// The longest pause for one reply: after three of them, `object_store` gives up.
const LONGEST: Duration = Duration::from_secs(30);

/// Opens clients that wait.
#[derive(Debug, Default)]
pub(super) struct Patient;

/// A client that returns a reply with `Retry-After` only after that time.
#[derive(Debug)]
struct PatientClient(HttpClient);

impl HttpConnector for Patient {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = ReqwestConnector::default().connect(options)?;
        Ok(HttpClient::new(PatientClient(client)))
    }
}

impl HttpService for PatientClient {
    fn call<'a, 'b>(
        &'a self,
        request: HttpRequest,
    ) -> BoxFuture<'b, Result<HttpResponse, HttpError>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move {
            let response = self.0.execute(request).await?;
            if let Some(pause) = pause(&response) {
                tokio::time::sleep(pause).await;
            }
            Ok(response)
        })
    }
}

/// Returns the pause that a busy server asks for, in seconds; a date is ignored.
fn pause(response: &HttpResponse) -> Option<Duration> {
    let status = response.status();
    let is_busy = status.is_server_error() || status.as_u16() == 429;
    let text = response.headers().get("retry-after")?.to_str().ok()?;
    let seconds = text.trim().parse().ok()?;
    is_busy.then(|| Duration::from_secs(seconds).min(LONGEST))
}
