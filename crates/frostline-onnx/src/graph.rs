//! A network as it is needed for cutting it: names and places, not weights.

use std::path::{Path, PathBuf};

use super::wire::Open;
use super::wire::Span;

/// Numbers of element types, as in `TensorProto.DataType`.
pub(super) mod element {
    pub(crate) const FLOAT: i32 = 1;
    pub(crate) const UINT8: i32 = 2;
    pub(crate) const INT32: i32 = 6;
    pub(crate) const INT64: i32 = 7;
    pub(crate) const FLOAT16: i32 = 10;
    pub(crate) const DOUBLE: i32 = 11;
    pub(crate) const BFLOAT16: i32 = 16;

    /// The names of the types from 1 on.
    const NAMES: &str = "FLOAT UINT8 INT8 UINT16 INT16 INT32 INT64 STRING BOOL FLOAT16 DOUBLE UINT32 UINT64 \
        COMPLEX64 COMPLEX128 BFLOAT16 FLOAT8E4M3FN FLOAT8E4M3FNUZ FLOAT8E5M2 FLOAT8E5M2FNUZ UINT4 INT4 \
        FLOAT4E2M1 FLOAT8E8M0";

    /// The name of a type; its number where it has none.
    pub(crate) fn name(element: i32) -> String {
        let index = usize::try_from(element).ok().and_then(|n| n.checked_sub(1));
        let name = index.and_then(|index| NAMES.split(' ').nth(index));
        name.map_or_else(|| element.to_string(), ToString::to_string)
    }
}

/// Names of operators, or of their attributes, with spaces between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names(pub(super) &'static str);

impl Names {
    pub(super) fn contains(self, name: &str) -> bool {
        self.0.split_whitespace().any(|known| known == name)
    }
}

/// `TensorProto.DataLocation.EXTERNAL`.
pub(super) const EXTERNAL: u64 = 1;

/// An ONNX file without its weights: its nodes, and where the bytes of its tensors lie. The file is read
/// once; a [`Cut`](crate::Cut), an [`Outline`](crate::Outline) and the other forms of a network are made from
/// this.
#[derive(Debug)]
pub struct Network {
    pub(super) path: PathBuf,
    /// How it, and the files beside it, are opened.
    pub(super) open: Open,
    pub(super) ir_version: i64,
    /// The versions of the operators, each with who defines them; ONNX itself where that is empty.
    pub(super) opsets: Vec<(String, i64)>,
    /// Whether it defines operators of its own.
    pub(super) has_functions: bool,
    /// The files beside it that any of its tensors names, wherever they lie in it.
    pub(super) external_data: Vec<String>,
    /// Fields of the model that are kept as they are: producer, versions of the operators, functions.
    pub(super) kept: Vec<Span>,
    pub(super) graph: Graph,
}

impl Network {
    /// One of which nothing is known yet.
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

/// Its graph, or one inside of a node.
#[derive(Debug, Default)]
pub(super) struct Graph {
    /// Where it lies, without its number and length.
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
    /// Where it lies, without its number and length.
    pub(super) body: Span,
    pub(super) name: String,
    pub(super) operator: String,
    /// Who defines the operator; ONNX itself where it is empty.
    pub(super) domain: String,
    /// Which of several operators of this name it is; none where it is empty.
    pub(super) overload: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    /// Tensors that graphs inside of it (of `If`, `Loop`, `Scan`) take from the graph around them.
    pub(super) captured: Vec<String>,
    pub(super) attributes: Vec<NodeAttribute>,
}

/// An attribute of a node.
#[derive(Debug)]
pub(super) struct NodeAttribute {
    /// Where it lies, number and length included.
    pub(super) whole: Span,
    pub(super) name: String,
    pub(super) value: Attribute,
}

/// What is needed of an attribute: one value of the kind that it says it is of, or else `Other`.
#[derive(Debug)]
pub(super) enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f32),
    Text(String),
    Tensor(Weight),
    /// One graph or several, whatever else there is.
    Graph,
    Other,
}

/// A weight.
#[derive(Debug, Default)]
pub(super) struct Weight {
    /// The field of the graph that it is: a tensor, or a sparse one.
    pub(super) kind: WeightKind,
    pub(super) name: String,
    pub(super) dims: Vec<i64>,
    /// The number of its element type.
    pub(super) element: i32,
    /// Its fields, all but those of `payload`.
    pub(super) kept: Vec<Span>,
    pub(super) payload: Payload,
    /// Where its numbers lie if they are `float32` in fields that are kept, in as many stretches.
    pub(super) floats: Vec<Span>,
    /// Whether its numbers are said once, in one way.
    pub(super) is_plain: bool,
    /// Its numbers, where it is a short list of integers.
    pub(super) integers: Option<Vec<i64>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum WeightKind {
    #[default]
    Dense,
    Sparse,
}

/// Where a weight's numbers are.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Payload {
    /// In fields that are kept.
    #[default]
    Fields,
    /// In this range of the model's file.
    Raw(Span),
    /// In a file beside the model.
    External(External),
}

/// The place of a weight in a file beside the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct External {
    pub(super) location: String,
    pub(super) offset: u64,
    /// Where it is not given, that of the numbers.
    pub(super) length: Option<u64>,
}

/// An input, an output, or what is known of a tensor between them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ValueInfo {
    /// Where it lies, number and length included.
    pub(super) whole: Span,
    pub(super) name: String,
    /// The number of its element type; `None` where it is no tensor.
    pub(super) element: Option<i32>,
    pub(super) dims: Option<Vec<Dim>>,
}

/// A length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Dim {
    Fixed(u64),
    /// Any, by a name that may be empty.
    Free(String),
}

impl Node {
    /// How messages name it: by its operator and its name, or its first output.
    pub(super) fn title(&self) -> String {
        let name = if self.name.is_empty() {
            self.outputs.first().map_or("", String::as_str)
        } else {
            &self.name
        };
        format!("{} `{name}`", self.operator)
    }

    /// All tensors that it needs.
    pub(super) fn needs(&self) -> impl Iterator<Item = &str> {
        let all = self.inputs.iter().chain(&self.captured).map(String::as_str);
        all.filter(|name| !name.is_empty())
    }

    /// All tensors that it makes.
    pub(super) fn makes(&self) -> impl Iterator<Item = &str> {
        let all = self.outputs.iter().map(String::as_str);
        all.filter(|name| !name.is_empty())
    }

    /// The tensors among its attributes.
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

    /// An attribute of one or several integers.
    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        match self.attribute(name)? {
            Attribute::Int(int) => Some(std::slice::from_ref(int)),
            Attribute::Ints(ints) => Some(ints),
            _ => None,
        }
    }
}

impl Network {
    /// The version of ONNX's own operators; `None` where that is not said, or said twice.
    pub(super) fn opset(&self) -> Option<i64> {
        let own = self.opsets.iter().filter(|(domain, _)| is_onnx(domain));
        match own.collect::<Vec<_>>()[..] {
            [(_, version)] => Some(*version),
            _ => None,
        }
    }
}

/// Whether a domain is that of ONNX's own operators.
pub(super) fn is_onnx(domain: &str) -> bool {
    matches!(domain, "" | "ai.onnx")
}

impl Graph {
    /// What is known of a tensor's type.
    pub(super) fn info(&self, tensor: &str) -> Option<&ValueInfo> {
        let all = self.inputs.iter().chain(&self.outputs);
        let mut all = all.chain(&self.value_info);
        all.find(|info| info.name == tensor && info.element.is_some())
    }
}

impl Weight {
    /// How many numbers it has, if its dimensions make sense.
    pub(super) fn len(&self) -> Option<u64> {
        let mut dims = self.dims.iter();
        dims.try_fold(1_u64, |product, &dim| {
            product.checked_mul(u64::try_from(dim).ok()?)
        })
    }
}
