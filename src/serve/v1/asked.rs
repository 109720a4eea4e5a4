//! What a request to `/v1/classify` asks, however it was sent.

use super::params::Params;
use crate::features::Input;
use crate::images::Image;
use crate::serve::results::Given;

/// What a request asks: the parameters, and each image with its name.
pub(in crate::serve) struct Asked {
    pub(in crate::serve) params: Params,
    pub(in crate::serve) images: Vec<(String, Given)>,
}

/// Returns an image from its file.
pub(super) fn file(bytes: &[u8]) -> Input {
    Input::Image(Image::from(bytes))
}
