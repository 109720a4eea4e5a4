//! Runs a network with ONNX Runtime alone, exactly as in its file, on the CPU: what other programs get.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ort::logging::LogLevel;
use ort::session::Session;
use ort::value::{DynValue, Outlet, TensorElementType, TensorRef, ValueType};

use super::environment::{environment, one_line};
use super::fault;
use crate::backbones::RuntimeLibrary;
use crate::caught::caught;
use crate::error::{Error, NetworkProblem, Result, ThreadsFor};
use crate::threads;

/// A network that is run without frostline's operators.
pub(crate) struct PlainNetwork {
    session: Session,
    path: PathBuf,
}

/// An input or output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) kind: PortType,
    /// Its lengths; −1 stands for any.
    pub(crate) dims: Vec<i64>,
}

/// The element type of an input or output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PortType {
    Float32,
    UInt8,
    Bool,
}

impl From<&Outlet> for Port {
    fn from(outlet: &Outlet) -> Self {
        let (kind, dims) = match outlet.dtype() {
            ValueType::Tensor { ty, shape, .. } => (*ty, shape.to_vec()),
            _ => (TensorElementType::Float32, Vec::new()),
        };
        Self {
            name: outlet.name().to_owned(),
            kind: match kind {
                TensorElementType::Bool => PortType::Bool,
                TensorElementType::Uint8 => PortType::UInt8,
                _ => PortType::Float32,
            },
            dims,
        }
    }
}

/// The values of an input.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Values<'a> {
    /// 32-bit floats.
    Floats(&'a [f32]),
    /// Bytes.
    Bytes(&'a [u8]),
}

/// The values of the outputs, by name; 0 and 1 stand for false and true.
pub(crate) type Outputs = BTreeMap<String, Vec<f32>>;

impl PlainNetwork {
    /// Opens a network.
    ///
    /// # Errors
    /// [`NetworkProblem::NotOpened`] if ONNX Runtime refuses it.
    pub(crate) fn open(library: &RuntimeLibrary, path: &Path, threads: usize) -> Result<Self> {
        let environment = environment(library)?;
        threads::require(2 * threads.saturating_sub(1), ThreadsFor::Images)?;
        let open = || {
            Session::builder(environment)?
                .with_log_level(LogLevel::Fatal)?
                .with_intra_threads(threads)?
                .with_inter_threads(1)?
                .commit_from_file(path)
        };
        let opened = caught(open, |panic| ort::Error::new(panic));
        Ok(Self {
            session: opened.map_err(|e| fault::network(path, &one_line(&e)))?,
            path: path.to_owned(),
        })
    }

    /// Returns the inputs.
    pub(crate) fn inputs(&self) -> Vec<Port> {
        self.session.inputs().iter().map(Port::from).collect()
    }

    /// Returns the outputs.
    pub(crate) fn outputs(&self) -> Vec<Port> {
        self.session.outputs().iter().map(Port::from).collect()
    }

    /// Runs the network on its only input.
    ///
    /// # Errors
    /// [`NetworkProblem::NotRun`] with ONNX Runtime's message.
    pub(crate) fn run(&mut self, dims: &[usize], input: Values<'_>) -> Result<Outputs> {
        let path = &self.path;
        let fault = |e: ort::Error| -> Error { NetworkProblem::NotRun(one_line(&e)).at(path) };
        let outputs = match input {
            Values::Floats(values) => {
                let input = TensorRef::from_array_view((dims, values)).map_err(fault)?;
                self.session.run(ort::inputs![input])
            }
            Values::Bytes(values) => {
                let input = TensorRef::from_array_view((dims, values)).map_err(fault)?;
                self.session.run(ort::inputs![input])
            }
        };
        let outputs = outputs.map_err(fault)?;
        let outputs = outputs.into_iter();
        let read = |(name, value): (&str, DynValue)| Ok((name.to_owned(), numbers(&value)?));
        let read: ort::Result<Outputs> = outputs.map(read).collect();
        read.map_err(fault)
    }
}

fn numbers(value: &DynValue) -> ort::Result<Vec<f32>> {
    if let Ok((_, flags)) = value.try_extract_tensor::<bool>() {
        return Ok(flags
            .iter()
            .map(|&flag| f32::from(u8::from(flag)))
            .collect());
    }
    Ok(value.try_extract_tensor::<f32>()?.1.to_vec())
}
