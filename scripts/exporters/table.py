"""Describes an exported file: where it pools, which nodes hold its batch of 1, and what frees it."""

import collections

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

USUAL = """Add Cast Clip Concat Constant Conv Div Erf Expand Flatten Gather Gemm GlobalAveragePool
LayerNormalization MatMul Mul Pow ReduceMean Relu Reshape Shape Sigmoid Slice Softmax Sqrt Squeeze Sub Tanh
Transpose Unsqueeze""".split()
POOLING = {"Gather", "Slice", "GatherND", "ReduceMean", "GlobalAveragePool", "Split"}
POOLED = ("logits", "output", "image_embeds", "pooler_output")


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(model.SerializeToString(), options)


def run(model, feeds):
    """Runs the network and returns its outputs by name, feeding only the inputs that it has."""
    made = session(model)
    names = [value.name for value in made.get_inputs()]
    found = made.run(None, {name: feeds[name] for name in names})
    return dict(zip([value.name for value in made.get_outputs()], found))


def constants(model):
    """Returns the arrays of initializers and Constant nodes by name."""
    found = {value.name: numpy_helper.to_array(value) for value in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Constant" and node.attribute[0].name == "value":
            found[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return found


def pooling(model):
    """Returns the nodes nearest to the pooled output that take tokens or average them, and a text of them."""
    makers = {name: node for node in model.graph.node for name in node.output}
    known = constants(model)
    names = [value.name for value in model.graph.output]
    first = next((name for name in POOLED if name in names), model.graph.output[0].name)
    waiting, seen, found = collections.deque([first]), set(), []
    while waiting:
        node = makers.get(waiting.popleft())
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op_type in POOLING and not flat_gather(node):
            found.append(node)
        else:
            waiting.extend(data_inputs(node))
    texts = [parameters(node, known) for node in found]
    return found, " and ".join(dict.fromkeys(texts))


def flat_gather(node):
    """Tells whether a node rearranges a flattened tensor, as dynamo does after adaptive pooling."""
    axes = [a.i for a in node.attribute if a.name == "axis"]
    return node.op_type == "Gather" and axes in ([], [0])


def data_inputs(node):
    """Returns the values that a node computes with, those that its subgraphs take from outside included."""
    if node.op_type in ("Reshape", "Expand", "Tile", "Gather"):
        return node.input[:1]
    inner = [part for a in node.attribute for part in a.g.node]
    return [*node.input, *(name for part in inner for name in part.input)]


def parameters(node, known):
    """Returns op type, attributes and small constants of a node as text."""
    parts = [
        f"{a.name}={helper.get_attribute_value(a)}"
        for a in node.attribute
        if a.type in (onnx.AttributeProto.INT, onnx.AttributeProto.INTS)
    ]
    parts += [
        f"in{i}={known[name].tolist()}"
        for i, name in enumerate(node.input)
        if name in known and known[name].size < 9
    ]
    return f"{node.op_type}({', '.join(parts)})"


def holders(one, two):
    """Returns (index, input, value) of the constants that differ between batch 1 and batch 2.

    None if the two graphs differ in more than constants.
    """
    first, second = constants(one), constants(two)
    if [n.op_type for n in one.graph.node] != [n.op_type for n in two.graph.node]:
        return None
    found = []
    for index, (a, b) in enumerate(zip(one.graph.node, two.graph.node)):
        for place, (x, y) in enumerate(zip(a.input, b.input)):
            if x in first and y in second and not np.array_equal(first[x], second[y]):
                found.append((index, place, first[x], second[y]))
    return found


def holders_text(one, found):
    if found is None:
        return "graphs of batch 1 and 2 differ in their nodes"
    counts = collections.Counter()
    for index, place, value, _ in found:
        shown = value.tolist() if value.size < 9 else f"tensor {list(value.shape)}"
        counts[f"{one.graph.node[index].op_type}.in{place}={shown}"] += 1
    return ", ".join(f"{name} ×{count}" for name, count in counts.items()) or "none"


# --- freeing the batch


def declared_free(model):
    """Returns a copy whose images have any batch, with no shapes stated inside."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for value in copy.graph.input:
        if value.name == "pixel_values":
            value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del copy.graph.value_info[:]
    for value in copy.graph.output:
        value.type.tensor_type.ClearField("shape")
    return copy


def freed(one, found, ops):
    """Returns the network with the constants of the named ops computed from the input's batch."""
    copy = declared_free(one)
    added = [helper.make_node("Shape", ["pixel_values"], ["free_batch"], start=0, end=1)]
    for count, (index, place, value, other) in enumerate(found):
        node, name = copy.graph.node[index], f"free_{count}"
        if node.op_type not in ops:
            continue
        if value.ndim == 1 and value.dtype == np.int64:
            added += scaled(name, value, other)
        elif other.ndim == value.ndim and all(b in (a, 2 * a) for a, b in zip(value.shape, other.shape)):
            added += scaled(name + "_shape", np.array(value.shape), np.array(other.shape))
            added.append(helper.make_node("Expand", [node.input[place], name + "_shape"], [name]))
        else:
            continue
        node.input[place] = name
    fixed = [node for node in copy.graph.node if node.op_type == "Constant"]
    others = [node for node in copy.graph.node if node.op_type != "Constant"]
    del copy.graph.node[:]
    copy.graph.node.extend(fixed + added + others)
    return copy


def scaled(name, value, other):
    """Returns nodes that compute a list whose entries grow with the batch where `other` differs."""
    nodes, pieces = [], []
    for at, (a, b) in enumerate(zip(value, other)):
        piece = f"{name}_{at}"
        nodes.append(helper.make_node("Constant", [], [piece], value_ints=[int(a)]))
        if a != b:
            nodes.append(helper.make_node("Mul", [piece, "free_batch"], [piece + "_n"]))
            piece += "_n"
        pieces.append(piece)
    return [*nodes, helper.make_node("Concat", pieces, [name], axis=0)]


def simplest_freeing(one, found, feeds, batch):
    """Tries the declared shape alone, then Reshape, then all; returns what was needed, as text."""
    every = tuple(sorted({one.graph.node[index].op_type for index, *_ in found or []}))
    attempts = [("declared shape alone", ()), ("Reshape", ("Reshape",)), (", ".join(every), every)]
    rows = [run(one, {**feeds, "pixel_values": feeds["pixel_values"][i : i + 1]}) for i in range(batch)]
    name = one.graph.output[0].name
    wanted = np.concatenate([row[name] for row in rows])
    reason = ""
    for label, ops in attempts:
        try:
            got = run(freed(one, found or [], ops), feeds)[name]
        except Exception as error:
            reason = " ".join(str(error).split())[-90:]
            continue
        if got.shape == wanted.shape and np.abs(got - wanted).max() < 1e-4:
            return label
        reason = f"wrong values, {got.shape}"
    return "not so simply: " + reason


def unusual(model):
    """Returns the ops beyond the usual ones, those of subgraphs and functions included."""
    names = set()

    def visit(nodes):
        for node in nodes:
            name = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
            if name not in USUAL:
                names.add(name)
            for attribute in node.attribute:
                visit(attribute.g.node)

    visit(model.graph.node)
    for function in model.functions:
        visit(function.node)
    return sorted(names)


def shape_of(value):
    dims = value.type.tensor_type.shape.dim
    return [d.dim_param or d.dim_value for d in dims]
