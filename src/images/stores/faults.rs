//! Tells errors of a store, which end a run, from those of one object, which skip its image.

use std::io;

use object_store::Error as Cause;

use super::refusal::Refused;
use crate::error::{ImagesError, StoreProblem};
use crate::images::SkipReason;
use crate::images::fault::ReadFault;

/// Codes in the replies of stores that are not about one object.
const CREDENTIALS: [&str; 10] = [
    "AccessDenied",
    "401 Unauthorized",
    "403 Forbidden",
    "ExpiredToken",
    "TokenRefreshRequired",
    "InvalidAccessKeyId",
    "InvalidToken",
    "SignatureDoesNotMatch",
    "AuthenticationFailed",
    "RequestTimeTooSkewed",
];
const NO_BUCKET: [&str; 3] = ["NoSuchBucket", "ContainerNotFound", "bucket does not exist"];
/// Where the credentials of a machine come from, which are asked for if there are no others.
const MACHINE: [&str; 3] = [
    "169.254.169.254",
    "metadata.google.internal",
    "Error getting credentials",
];
/// The length at which the text of an error is cut, in characters.
const LONGEST: usize = 300;

/// Returns the problem of a store; `None` if an error is about one object.
fn problem(error: &Cause, text: &str) -> Option<StoreProblem> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    match error {
        _ if has(&CREDENTIALS) => Some(StoreProblem::Denied),
        _ if has(&NO_BUCKET) => Some(StoreProblem::NoBucket),
        Cause::PermissionDenied { .. } | Cause::Unauthenticated { .. } => {
            Some(StoreProblem::Denied)
        }
        Cause::Generic { .. } if has(&MACHINE) => Some(StoreProblem::Denied),
        Cause::UnknownConfigurationKey { .. } | Cause::NotImplemented { .. } => {
            Some(StoreProblem::Settings)
        }
        _ => None,
    }
}

/// Returns the error of a store for a URL, whatever it is about.
pub(super) fn error(url: &str, error: &Cause) -> ImagesError {
    let text = whole_text(error);
    let problem = problem(error, &text).unwrap_or(match error {
        Cause::NotFound { .. } => StoreProblem::Missing,
        _ => StoreProblem::Other,
    });
    ImagesError::Store {
        url: crate::visible::for_terminal(url),
        problem,
        detail: short(&text),
    }
}

/// Returns what an error means for the image of an object.
pub(super) fn fault(url: &str, cause: &Cause) -> ReadFault {
    let text = whole_text(cause);
    if problem(cause, &text).is_some() {
        return ReadFault::OfSystem(error(url, cause).into());
    }
    let reason = match cause {
        Cause::NotFound { .. } => "it is not in the store (404)".to_owned(),
        Cause::Precondition { .. } => "it changed after it was listed".to_owned(),
        _ => short(&text),
    };
    SkipReason::Unreadable(reason).into()
}

/// Returns a fault as an error of reading.
pub(super) fn io_error(fault: ReadFault) -> io::Error {
    match fault {
        ReadFault::OfSystem(crate::error::Error::Images(refused)) => {
            io::Error::other(Refused(refused))
        }
        ReadFault::OfSystem(error) => io::Error::other(error),
        ReadFault::OfFile(reason) => io::Error::other(reason),
    }
}

/// Returns the messages of an error and its causes, each once.
fn whole_text(error: &Cause) -> String {
    let mut text = error.to_string();
    let mut next = std::error::Error::source(error);
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// Returns what a store says in a reply, or a text on one line that is not too long.
fn short(text: &str) -> String {
    let tag = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        Some(rest.split_once("</")?.0)
    };
    if let (Some(code), Some(message)) = (tag("Code"), tag("Message")) {
        return format!("{code}: {message}");
    }
    let words: Vec<_> = text.split_whitespace().collect();
    let line = words.join(" ");
    let line = line.strip_prefix("Generic ").unwrap_or(&line);
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{} …", &line[..end]),
        None => line.to_owned(),
    }
}
