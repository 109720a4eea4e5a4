//! Images as Python has them: paths, the bytes of files, arrays, and everything that the package turns into
//! one of these (`python/frostline/_images.py`).

use std::path::PathBuf;

use numpy::{
    PyArray2, PyArray3, PyArrayDescrMethods, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods,
};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString};

use crate::errors::input;
use frostline::images::{Image, RgbImage, SkipReason};

/// An array with a row for each image of a list, and why images without a result have none.
pub(crate) type Rows<'py, T> = (Bound<'py, PyArray2<T>>, Vec<(usize, String)>);

/// Converts a list of images.
pub(crate) fn images(list: &Bound<'_, PyList>) -> PyResult<Vec<Image>> {
    let convert = |(number, item): (usize, Bound<'_, PyAny>)| match direct(&item, number)? {
        Some(image) => Ok(image),
        None => converted(&item, number),
    };
    list.iter().enumerate().map(convert).collect()
}

/// Converts an image that needs no conversion by the package.
fn direct(item: &Bound<'_, PyAny>, number: usize) -> PyResult<Option<Image>> {
    if item.is_instance_of::<PyString>() {
        return Ok(Some(Image::File(item.extract::<PathBuf>()?)));
    }
    if let Ok(bytes) = item.cast::<PyBytes>() {
        return Ok(Some(Image::Bytes(bytes.as_bytes().into())));
    }
    match item.cast::<PyUntypedArray>() {
        Ok(array) => array_image(array, number).map(Some),
        Err(_) => Ok(None),
    }
}

fn converted(item: &Bound<'_, PyAny>, number: usize) -> PyResult<Image> {
    let package = item.py().import("frostline._images")?;
    let plain = package.call_method1("plain", (item, number))?;
    if let Ok(reason) = plain.getattr("reason") {
        return Ok(SkipReason::Other(reason.extract()?).into());
    }
    let image = direct(&plain, number)?;
    image.ok_or_else(|| input(item.py(), format!("image {number} cannot be used")))
}

/// Copies an array of shape (height, width, 3) of 8-bit RGB, whatever its strides.
fn array_image(array: &Bound<'_, PyUntypedArray>, number: usize) -> PyResult<Image> {
    let refused = || {
        let (dtype, shape) = (array.dtype(), array.shape());
        let text = format!(
            "image {number} is an array of {dtype} with the shape {shape:?}; an image is an array of uint8 \
             with the shape (height, width, 3), RGB"
        );
        input(array.py(), text)
    };
    if array.dtype().num() != numpy::dtype::<u8>(array.py()).num() {
        return Err(refused());
    }
    let pixels = array
        .cast::<PyArray3<u8>>()
        .map_err(|_| refused())?
        .readonly();
    let pixels = pixels.as_array();
    let (height, width, channels) = pixels.dim();
    // A slice of the array itself would also be given for Fortran's order.
    let samples = pixels
        .as_slice()
        .map_or_else(|| pixels.iter().copied().collect(), <[u8]>::to_vec);
    let image = (channels == 3)
        .then(|| RgbImage::new(width.try_into().ok()?, height.try_into().ok()?, samples))
        .flatten();
    image.map(Image::from).ok_or_else(refused)
}
