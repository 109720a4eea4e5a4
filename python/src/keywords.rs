//! Keyword arguments as the library's options. The package passes them as dictionaries, with the names of the
//! command line's options and `None` for those that were not given; other names are ignored.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use pyo3::conversion::FromPyObjectOwned;
use pyo3::exceptions::PyOverflowError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::{exception, parameter, wrong_type};
use frostline::backbones::{Home, Overrides, RunOptions};
use frostline::classifier::{Rejecting, Tta};
use frostline::features::Computing;
use frostline::images::{DecodeOptions, Limits, Names, channel_values};
use frostline::tasks::{HeadOptions, LabelOptions, Overwrite};

/// The type of a keyword, with its name in messages.
pub(crate) trait Value<'py>: FromPyObjectOwned<'py> {
    const NAME: &'static str;
}

macro_rules! values {
    ($($name:literal: $($kind:ty),+;)+) => {$($(
        impl<'py> Value<'py> for $kind {
            const NAME: &'static str = $name;
        }
    )+)+};
}

values! {
    "True or False": bool;
    "an integer": u32, u64, i64, usize;
    "a number": f32, f64;
    "a string": String;
    "a path (str or os.PathLike)": PathBuf;
    "a dictionary of class names and weights": BTreeMap<String, f64>;
}

/// Converts the value of a keyword or an argument.
pub(crate) fn read<'py, T: Value<'py>>(name: &str, value: &Bound<'py, PyAny>) -> PyResult<T> {
    value.extract::<T>().map_err(|error| {
        let (py, error) = (value.py(), error.into());
        let shown = value.repr().map(|text| text.to_string());
        let shown = shown.unwrap_or_else(|_| "an object".to_owned());
        let shown: String = shown.chars().take(60).collect();
        if error.is_instance_of::<PyOverflowError>(py) {
            let problem = if shown.starts_with('-') {
                format!("is {shown}, but must not be negative")
            } else {
                format!("is too large: {shown}")
            };
            return parameter(py, name, &problem);
        }
        wrong_type(py, name, &format!("is {shown}, but must be {}", T::NAME))
    })
}

/// Keyword arguments.
pub(crate) struct Keywords<'a, 'py>(pub(crate) &'a Bound<'py, PyDict>);

impl<'py> Keywords<'_, 'py> {
    fn py(&self) -> Python<'py> {
        self.0.py()
    }

    /// Returns a value, or `None` if it was not given.
    pub(crate) fn optional<T: Value<'py>>(&self, name: &str) -> PyResult<Option<T>> {
        let given = self.0.get_item(name)?.filter(|value| !value.is_none());
        given.map(|value| read(name, &value)).transpose()
    }

    /// Returns a value, or the library's default if it was not given.
    pub(crate) fn or<T: Value<'py>>(&self, name: &str, default: T) -> PyResult<T> {
        Ok(self.optional(name)?.unwrap_or(default))
    }

    /// Returns a value that has a default in the package.
    pub(crate) fn required<T: Value<'py>>(&self, name: &str) -> PyResult<T> {
        let value = self.optional(name)?;
        let problem = || format!("is None, but must be {}", T::NAME);
        value.ok_or_else(|| wrong_type(self.py(), name, &problem()))
    }

    /// Returns the label file, if one was given.
    pub(crate) fn labels(&self) -> PyResult<Option<LabelOptions>> {
        let key: Option<String> = self.optional("labels_key")?;
        let label: Option<String> = self.optional("labels_column")?;
        let over_folders = self.flag("labels_over_folders")?;
        let Some(file) = self.optional("labels")? else {
            let given = [
                ("labels_key", key.is_some()),
                ("labels_column", label.is_some()),
                ("labels_over_folders", over_folders),
            ];
            return match given.iter().find(|(_, is_given)| *is_given) {
                Some((name, _)) => Err(parameter(self.py(), name, "needs `labels`")),
                None => Ok(None),
            };
        };
        let mut labels = LabelOptions::new(file);
        (labels.columns.key, labels.columns.label) = (key, label);
        labels.over_folders = over_folders;
        Ok(Some(labels))
    }

    /// Returns a flag, which is off by default.
    pub(crate) fn flag(&self, name: &str) -> PyResult<bool> {
        self.or(name, false)
    }

    /// Parses the word of a choice, or a size.
    pub(crate) fn word<T: FromStr<Err: Display>>(&self, name: &str) -> PyResult<Option<T>> {
        let Some(text) = self.optional::<String>(name)? else {
            return Ok(None);
        };
        let parsed = text.parse().map(Some);
        parsed.map_err(|error: T::Err| {
            let problem = error.to_string();
            let about = format!("`{name}` ");
            let problem = problem.strip_prefix(&about).unwrap_or(&problem);
            let problem = match problem.strip_prefix("is ") {
                Some(_) => problem.to_owned(),
                None => format!("is `{text}`, but {problem}"),
            };
            parameter(self.py(), name, &problem)
        })
    }

    /// Returns a number within a range.
    pub(crate) fn within(&self, name: &str, least: usize, most: usize) -> PyResult<Option<usize>> {
        let Some(number) = self.optional::<i64>(name)? else {
            return Ok(None);
        };
        let count = usize::try_from(number).ok();
        let count = count.filter(|count| (least..=most).contains(count));
        let wanted = || format!("is {number}, but must be between {least} and {most}");
        count
            .map(Some)
            .ok_or_else(|| parameter(self.py(), name, &wanted()))
    }

    /// Returns one number for each channel.
    fn channels(&self, name: &'static str) -> PyResult<Option<[f32; 3]>> {
        let text = self.optional::<String>(name)?;
        let values = text.map(|text| channel_values(name, &text)).transpose();
        values.map_err(|error| exception(self.py(), &error))
    }

    /// Returns the folder of models, with the packages of the Python environment.
    pub(crate) fn home(&self) -> PyResult<Home> {
        let packages = self.py().import("frostline._environment")?;
        let packages = packages.call_method0("packages")?.extract()?;
        let home = Home::from_env().map_err(|error| exception(self.py(), &error))?;
        Ok(home.with_packages(packages))
    }

    /// Returns how the network is run.
    pub(crate) fn run(&self) -> PyResult<RunOptions> {
        let mut options = RunOptions::new(self.home()?);
        options.device = self.word("device")?.unwrap_or_default();
        options.threads = self.within("threads", 1, 1024)?.unwrap_or(options.threads);
        options.precision = self.word("precision")?.unwrap_or_default();
        options.convolutions = self.word("conv")?.unwrap_or_default();
        let memory = self.within("gpu_memory", 1, 1 << 30)?;
        options.gpu_memory = memory.map(|mebibytes| (mebibytes as u64) << 20);
        Ok(options)
    }

    /// Returns the batch size of the network.
    pub(crate) fn batch_size(&self) -> PyResult<usize> {
        Ok(self.within("batch_size", 1, 4096)?.unwrap_or(8))
    }

    /// Returns the changes to a backbone's manifest.
    pub(crate) fn overrides(&self) -> PyResult<Overrides> {
        let mut overrides = Overrides::default();
        overrides.layer = self.optional("layer")?;
        overrides.pool = self.word("pool")?;
        overrides.map = self.word("map")?;
        overrides.prefix_tokens = self.optional("prefix_tokens")?;
        overrides.resize = self.word("resize")?;
        overrides.crop = self.word("crop")?;
        overrides.interpolation = self.word("interpolation")?;
        overrides.mean = self.channels("mean")?;
        overrides.std = self.channels("std")?;
        overrides.channels = self.word("channels")?;
        overrides.layout = self.word("layout")?;
        overrides.scale = self.optional("scale")?;
        overrides.preset = self.word("preset")?;
        Ok(overrides)
    }

    /// Returns how files are decoded.
    pub(crate) fn decoding(&self) -> PyResult<DecodeOptions> {
        let mut options = DecodeOptions::default();
        options.exif = self.word("exif")?.unwrap_or_default();
        options.alpha = self.word("alpha")?.unwrap_or_default();
        options.jpeg_scale = self.word("jpeg_scale")?.unwrap_or_default();
        options.limits = self.limits()?;
        Ok(options)
    }

    /// Returns the size limits of images.
    fn limits(&self) -> PyResult<Limits> {
        let mut limits = Limits::default();
        limits.max_pixels = self.or("max_pixels", limits.max_pixels)?;
        limits.max_bytes = self.or("max_bytes", limits.max_bytes)?;
        Ok(limits)
    }

    /// Returns which files of a folder are images.
    pub(crate) fn names(&self) -> PyResult<Names> {
        Ok(if self.flag("any_name")? {
            Names::Any
        } else {
            Names::Extensions
        })
    }

    /// Returns whether an output may replace a file of another kind.
    pub(crate) fn overwrite(&self) -> PyResult<Overwrite> {
        Ok(if self.flag("overwrite")? {
            Overwrite::Allow
        } else {
            Overwrite::Refuse
        })
    }

    /// Returns which views of an image a head predicts from.
    pub(crate) fn tta(&self) -> PyResult<Tta> {
        match self.optional::<String>("tta")?.as_deref() {
            None | Some("trained") => Ok(Tta::Trained),
            Some("none") => Ok(Tta::None),
            Some(other) => {
                let problem = format!("is `{other}`, but must be trained or none");
                Err(parameter(self.py(), "tta", &problem))
            }
        }
    }

    /// Returns whether a head may reject images.
    pub(crate) fn rejecting(&self) -> PyResult<Rejecting> {
        Ok(if self.flag("no_reject")? {
            Rejecting::Off
        } else {
            Rejecting::AsTrained
        })
    }

    /// Returns how features are computed.
    pub(crate) fn computing(&self) -> PyResult<Computing> {
        let mut computing = Computing::new(self.run()?);
        computing.backbone = self.optional("backbone")?;
        computing.store = self.optional("store")?;
        computing.limits = self.limits()?;
        computing.batch_size = self.batch_size()?;
        Ok(computing)
    }

    /// Returns how a head is used for predictions.
    pub(crate) fn head(&self, path: PathBuf) -> PyResult<HeadOptions> {
        let mut options = HeadOptions::new(path, self.computing()?);
        options.tta = self.tta()?;
        options.rejecting = self.rejecting()?;
        Ok(options)
    }
}
