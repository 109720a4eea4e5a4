//! What stays open between the pictures that are tried.

use std::sync::{Arc, Mutex};

use crate::features::Extractor;
use crate::head::Rejection;

/// The network, opened for the first picture, and the rejection of an edition of the labels.
#[derive(Debug, Default)]
pub(super) struct Trial {
    pub(super) network: Mutex<Option<Arc<Extractor>>>,
    pub(super) rejection: Mutex<Option<(u64, Option<Arc<Rejection>>)>>,
}
