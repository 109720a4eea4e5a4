//! The exported network that the files of a layout describe.

use crate::backbones::Port;
use crate::classes::ClassIndex;
use crate::images::Preprocessing;

/// What the files describe.
pub(in crate::tasks::export) struct Described<'a> {
    pub(in crate::tasks::export) classes: &'a ClassIndex,
    pub(in crate::tasks::export) preprocessing: &'a Preprocessing,
    pub(in crate::tasks::export) inputs: Vec<Port>,
    pub(in crate::tasks::export) outputs: Vec<Port>,
    /// Whether the weights are in a second file.
    pub(in crate::tasks::export) has_data: bool,
}
