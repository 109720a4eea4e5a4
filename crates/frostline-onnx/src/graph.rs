//! The structure of a network: names and positions in the file, without the values of weights.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::wire::Open;
use super::wire::Span;

/// Element types, numbered as in `TensorProto.DataType`.
pub(super) mod element {
    pub(crate) const FLOAT: i32 = 1;
    pub(crate) const UINT8: i32 = 2;
    pub(crate) const INT8: i32 = 3;
    pub(crate) const INT32: i32 = 6;
    pub(crate) const INT64: i32 = 7;
    pub(crate) const BOOL: i32 = 9;
    pub(crate) const FLOAT16: i32 = 10;
    pub(crate) const DOUBLE: i32 = 11;
    pub(crate) const BFLOAT16: i32 = 16;

    /// The names of the types, from number 1 on.
    const NAMES: &str = "FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 \
        COMPLEX64 COMPLEX128 BFLOAT16 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ UINT4 INT4 \
        FLOAT4E2M1 FLOAT8E8M0";

    /// Returns the name of a type, or its number if it has none.
    pub(crate) fn name(element: i32) -> String {
        let index = usize::try_from(element).ok().and_then(|n| n.checked_sub(1));
        let name = index.and_then(|index| NAMES.split(' ').nth(index));
        name.map_or_else(|| element.to_string(), ToString::to_string)
    }
}

/// Names of operators or their attributes, separated by spaces.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names(pub(super) &'static str);

impl Names {
    pub(super) fn contains(self, name: &str) -> bool {
        self.0.split_whitespace().any(|known| known == name)
    }
}

/// `TensorProto.DataLocation.EXTERNAL`.
pub(super) const EXTERNAL: u64 = 1;

/// An ONNX file without its weights: its nodes, and the positions of its tensors' bytes. The file is parsed
/// once; a [`Cut`](crate::Cut), an [`Outline`](crate::Outline) and the other forms of a network are derived
/// from this.
#[derive(Debug)]
pub struct Network {
    pub(super) path: PathBuf,
    /// Opens the file and its external files.
    pub(super) open: Open,
    pub(super) ir_version: i64,
    /// The operator sets, each with its domain and version; the empty domain is ONNX itself.
    pub(super) opsets: Vec<(String, i64)>,
    /// Whether the file defines its own operators.
    pub(super) has_functions: bool,
    /// The external files named by any tensor, wherever it is in the file.
    pub(super) external_data: Vec<String>,
    /// Model fields that are copied unchanged, with their numbers: producer, operator sets, functions.
    pub(super) kept: Vec<(u64, Span)>,
    pub(super) graph: Graph,
}

impl Network {
    /// Creates a network with nothing read yet.
    pub(super) fn new(path: &Path, open: Open) -> Self {
        Self {
            path: path.to_owned(),
            open,
            ir_version: 0,
            opsets: Vec::new(),
            has_functions: false,
            external_data: Vec::new(),
            kept: Vec::new(),
            graph: Graph::default(),
        }
    }
}

/// The graph of a network, or a subgraph in a node.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Its position, without field number and length.
    pub(super) body: Span,
    pub(super) nodes: Vec<Node>,
    pub(super) weights: Vec<Weight>,
    pub(super) inputs: Vec<ValueInfo>,
    pub(super) outputs: Vec<ValueInfo>,
    pub(super) value_info: Vec<ValueInfo>,
}

/// A node.
#[derive(Debug, Default)]
pub(super) struct Node {
    /// Its position, without field number and length.
    pub(super) body: Span,
    pub(super) name: String,
    pub(super) operator: String,
    /// The domain of the operator; ONNX itself if empty.
    pub(super) domain: String,
    /// The overload, if several operators have this name; empty if there is only one.
    pub(super) overload: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    /// Tensors that its subgraphs (of `If`, `Loop`, `Scan`) read from the enclosing graph.
    pub(super) captured: Vec<String>,
    pub(super) attributes: Vec<NodeAttribute>,
}

/// An attribute of a node.
#[derive(Debug)]
pub(super) struct NodeAttribute {
    /// Its position, including field number and length.
    pub(super) whole: Span,
    pub(super) name: String,
    pub(super) value: Attribute,
}

/// The value of an attribute if it is a single value of the declared type, otherwise `Other`.
#[derive(Debug)]
pub(super) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Floats(Vec<f32>),
    Text(String),
    Tensor(Weight),
    /// One or more subgraphs, whatever other values there are.
    Graph,
    Other,
}

/// A weight.
#[derive(Debug, Default)]
pub(super) struct Weight {
    /// Whether it is a dense or a sparse initializer.
    pub(super) kind: WeightKind,
    pub(super) name: String,
    pub(super) dims: Vec<i64>,
    /// The number of its element type.
    pub(super) element: i32,
    /// Its fields, except those of `payload`.
    pub(super) kept: Vec<Span>,
    pub(super) payload: Payload,
    /// The positions of its values if they are `float32` in kept fields, one range for each field.
    pub(super) floats: Vec<Span>,
    /// Whether its values are stored exactly once, in one way.
    pub(super) is_plain: bool,
    /// Its values, if it is a short list of integers.
    pub(super) integers: Option<Vec<i64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum WeightKind {
    #[default]
    Dense,
    Sparse,
}

/// Where the values of a weight are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Payload {
    /// In the `kept` fields.
    #[default]
    Fields,
    /// In this range of the model's file.
    Raw(Span),
    /// In a file next to the model.
    External(External),
}

/// The position of a weight in a file next to the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct External {
    pub(super) location: String,
    pub(super) offset: u64,
    /// The length in bytes; if absent, that of the values.
    pub(super) length: Option<u64>,
}

/// An input, an output, or the declared type of a tensor between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ValueInfo {
    /// Its position, including field number and length.
    pub(super) whole: Span,
    pub(super) name: String,
    /// The number of its element type; `None` if it is not a tensor.
    pub(super) element: Option<i32>,
    pub(super) dims: Option<Vec<Dim>>,
}

/// The length of a dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dim {
    Fixed(u64),
    /// Any length, with a name that may be empty.
    Free(String),
}

impl Node {
    /// Returns its name in messages: the operator, with the node's name or first output.
    pub(super) fn title(&self) -> String {
        let name = if self.name.is_empty() {
            self.outputs.first().map_or("", String::as_str)
        } else {
            &self.name
        };
        format!("{} `{name}`", self.operator)
    }

    /// Returns all tensors that it reads.
    pub(super) fn needs(&self) -> impl Iterator<Item = &str> {
        let all = self.inputs.iter().chain(&self.captured).map(String::as_str);
        all.filter(|name| !name.is_empty())
    }

    /// Returns all tensors that it defines.
    pub(super) fn makes(&self) -> impl Iterator<Item = &str> {
        let all = self.outputs.iter().map(String::as_str);
        all.filter(|name| !name.is_empty())
    }

    /// Returns the tensors among its attributes.
    pub(super) fn constants(&self) -> impl Iterator<Item = &Weight> {
        self.attributes
            .iter()
            .filter_map(|attribute| match &attribute.value {
                Attribute::Tensor(weight) => Some(weight),
                _ => None,
            })
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&Attribute> {
        let mut all = self.attributes.iter();
        all.find(|known| known.name == name)
            .map(|found| &found.value)
    }

    /// Returns an attribute of one or several integers.
    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name)? {
            Attribute::Int(int) => Some(std::slice::from_ref(int)),
            Attribute::Ints(ints) => Some(ints),
            _ => None,
        }
    }
}

impl Network {
    /// Returns the version of ONNX's own operators; `None` if it is missing or ambiguous.
    pub(super) fn opset(&self) -> Option<i64> {
        let own = self.opsets.iter().filter(|(domain, _)| is_onnx(domain));
        match own.collect::<Vec<_>>()[..] {
            [(_, version)] => Some(*version),
            _ => None,
        }
    }
}

/// Returns whether a domain is that of ONNX's own operators.
pub(super) fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

impl Graph {
    /// Returns the names of all tensors.
    pub(super) fn names(&self) -> HashSet<&str> {
        let made = self.nodes.iter().flat_map(Node::makes);
        let weights = self.weights.iter().map(|weight| weight.name.as_str());
        let inputs = self.inputs.iter().map(|input| input.name.as_str());
        made.chain(weights).chain(inputs).collect()
    }

    /// Returns the declared type of a tensor.
    pub(super) fn info(&self, tensor: &str) -> Option<&ValueInfo> {
        let all = self.inputs.iter().chain(&self.outputs);
        let mut all = all.chain(&self.value_info);
        all.find(|info| info.name == tensor && info.element.is_some())
    }
}

impl Weight {
    /// Returns the number of elements, if the dimensions are valid.
    pub(super) fn len(&self) -> Option<u64> {
        let mut dims = self.dims.iter();
        dims.try_fold(1_u64, |product, &dim| {
            product.checked_mul(u64::try_from(dim).ok()?)
        })
    }
}
