//! The Python module `frostline._frostline`: the library's entry points and tasks for the package
//! `frostline`.
//!
//! The package in `python/frostline` has the signatures and documentation that users see; this module only
//! converts values. Nothing here computes anything that the library does not.

mod classifier;
mod errors;
mod extractor;
mod fit;
mod head;
mod images;
mod keywords;
mod results;
mod session;
mod store;
mod tasks;
mod work;
mod worker;

use pyo3::prelude::*;

use frostline::allocator::Allocator;

#[global_allocator]
static ALLOCATOR: Allocator = Allocator;

/// The module; its functions and classes are documented in the package.
#[pymodule]
fn _frostline(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<store::Store>()?;
    module.add_class::<head::Head>()?;
    module.add_class::<classifier::Classifier>()?;
    module.add_class::<extractor::Extractor>()?;
    module.add_class::<worker::Worker>()?;
    module.add_function(wrap_pyfunction!(tasks::extract, module)?)?;
    module.add_function(wrap_pyfunction!(tasks::fit_head, module)?)?;
    module.add_function(wrap_pyfunction!(fit::fit_arrays, module)?)?;
    module.add_function(wrap_pyfunction!(tasks::evaluate, module)?)?;
    module.add_function(wrap_pyfunction!(tasks::inspect, module)?)?;
    module.add_function(wrap_pyfunction!(tasks::report, module)?)?;
    module.add_function(wrap_pyfunction!(tasks::export, module)?)
}
