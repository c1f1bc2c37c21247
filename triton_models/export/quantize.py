"""INT8 for one ONNX file: which products take it, with which scales, and the nodes that say so.

What is written is standard ONNX: QuantizeLinear and DequantizeLinear around the inputs and weights of MatMul, Gemm and
Conv. ONNX Runtime makes integer kernels of it when it loads the file. Around MatMul and Gemm, so in transformers, all is
symmetric int8 with float biases, as TensorRT wants it; convolutions get what ONNX Runtime's integer convolution takes.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 1 << 12  # elements from which a weight is worth a quantised product
TABLE = 1 << 20  # elements from which a table of embeddings is worth it
ROWS = 128  # of each activation that are kept to choose its scale on
CLIPPED = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1)  # parts of the greatest value that a scale may end at


@dataclasses.dataclass
class Product:
    """A MatMul, Gemm or Conv with a constant weight."""

    node: str  # its output, which names it
    kind: str
    x: str  # the activation
    weight: str
    axis: int  # of the weight, that counts the outputs
    error: float = 0  # of the quantised output to the true one, root mean square, relative


@dataclasses.dataclass
class Range:
    """What is known of an activation: the greatest absolute value of each channel, rows [n, channels], where its scale ends."""

    channels: np.ndarray | float = 0
    rows: list[np.ndarray] = dataclasses.field(default_factory=list)
    end: float = 0


class Constants:
    """The graph's constant tensors, those behind a cast included."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.tensors = {tensor.name: tensor for tensor in graph.initializer}
        self.casts = {node.output[0]: node.input[0] for node in graph.node
                      if node.op_type == "Cast" and node.input[0] in self.tensors}

    def shape(self, name: str) -> tuple[int, ...]:
        """Of the constant; () for what is none."""
        tensor = self.tensors.get(self.casts.get(name, name))
        return tuple(tensor.dims) if tensor is not None else ()

    def floats(self, name: str) -> np.ndarray:
        """The constant in float32."""
        return numpy_helper.to_array(self.tensors[self.casts.get(name, name)]).astype(np.float32)


def attribute(node: onnx.NodeProto, name: str, default: object) -> object:
    """The value of a node's attribute."""
    return next((helper.get_attribute_value(a) for a in node.attribute if a.name == name), default)


def products(graph: onnx.GraphProto) -> list[Product]:
    """What can be quantised, in the graph's order."""
    constants = Constants(graph)
    found = []
    for node in graph.node:
        if node.op_type not in ("MatMul", "Gemm", "Conv"):
            continue
        shape = constants.shape(node.input[1])
        if int(np.prod(shape)) < SMALLEST or constants.shape(node.input[0]):
            continue
        if node.op_type == "Conv":
            axis = 0
        elif len(shape) == 2 and not attribute(node, "transA", 0) and attribute(node, "alpha", 1.0) == 1:
            axis = 0 if attribute(node, "transB", 0) else 1
        else:
            continue
        found.append(Product(node.output[0], node.op_type, node.input[0], node.input[1], axis))
    return found


def patches(graph: onnx.GraphProto) -> None:
    """Makes a product of a convolution that cuts the input picture into patches, in place."""
    constants = Constants(graph)
    inputs = {value.name: [d.dim_value for d in value.type.tensor_type.shape.dim] for value in graph.input}
    for at, node in enumerate(graph.node):
        if node.op_type != "Conv" or node.input[0] not in inputs or attribute(node, "group", 1) != 1:
            continue
        weight, (_, channels, high, wide) = constants.floats(node.input[1]), inputs[node.input[0]]
        width, side = weight.shape[0], weight.shape[-1]
        square = list(weight.shape[2:]) == list(attribute(node, "strides", [1, 1])) == [side, side]
        if not square or any(attribute(node, "pads", [0])) or high % side or wide % side:
            continue
        rows, columns, name = high // side, wide // side, node.output[0]
        flat = {"cut": [-1, channels, rows, side, columns, side], "row": [-1, channels * side * side], "map": [-1, rows, columns, width]}
        graph.initializer.extend(numpy_helper.from_array(np.array(shape, np.int64), f"{name}.{key}.shape") for key, shape in flat.items())
        graph.initializer.append(numpy_helper.from_array(np.ascontiguousarray(weight.reshape(width, -1).T), name + ".patches"))
        steps = [("Reshape", [node.input[0], name + ".cut.shape"], ".cut", {}), ("Transpose", [name + ".cut"], ".turned", {"perm": [0, 2, 4, 1, 3, 5]}),
                 ("Reshape", [name + ".turned", name + ".row.shape"], ".row", {}), ("Gemm", [name + ".row", name + ".patches", *node.input[2:]], ".flat", {}),
                 ("Reshape", [name + ".flat", name + ".map.shape"], ".map", {}), ("Transpose", [name + ".map"], "", {"perm": [0, 3, 1, 2]})]
        before, behind = list(graph.node)[:at], list(graph.node)[at + 1 :]
        del graph.node[:]
        graph.node.extend(before + [helper.make_node(kind, given, [name + end], name=name + end + "." + kind, **more) for kind, given, end, more in steps] + behind)
        return


def settled(graph: onnx.GraphProto, name: str) -> str:
    """Where a convolution's output is rounded: behind its Relu, if that is all that reads it."""
    readers = [node for node in graph.node if name in node.input]
    return readers[0].output[0] if len(readers) == 1 and readers[0].op_type == "Relu" else name


def activations(graph: onnx.GraphProto, chosen: list[Product]) -> list[str]:
    """The tensors whose range must be known: inputs of all products and outputs of convolutions."""
    names = [p.x for p in chosen] + [settled(graph, p.node) for p in chosen if p.kind == "Conv"]
    return list(dict.fromkeys(names))


def note(known: Range, values: np.ndarray, channels_first: bool, pick: np.random.Generator) -> None:
    """Adds what one run gave an activation."""
    rows = np.moveaxis(values, 1, -1) if channels_first else values
    rows = rows.reshape(-1, rows.shape[-1])
    known.channels = np.maximum(known.channels, np.abs(rows).max(0, initial=0))
    known.rows.append(rows[pick.permutation(len(rows))[: ROWS // 4]].copy())


def rounded(x: np.ndarray, scale: np.ndarray | float) -> np.ndarray:
    """What int8 of this scale makes of x."""
    return np.clip(np.rint(x / scale), -127, 127) * scale


def weight_scale(weight: np.ndarray, axis: int) -> np.ndarray:
    """A scale for each output: float32 [outputs]."""
    greatest = np.abs(weight).max(axis=tuple(i for i in range(weight.ndim) if i != axis))
    return np.maximum(greatest, 1e-12).astype(np.float32) / 127


def smooth(graph: onnx.GraphProto, chosen: list[Product], ranges: dict[str, Range]) -> None:
    """Moves the outliers of normalized channels into the weights that read them, half way, in place.

    Real transformers have a few channels far above the others; one scale for all of them would round the others away. The
    result stays the same, because a layer norm's gain and offset are divided by what its products' weights are multiplied by.
    """
    constants = Constants(graph)
    for node in graph.node:
        if node.op_type != "LayerNormalization" or node.output[0] not in ranges:
            continue
        readers = [other for other in graph.node if node.output[0] in other.input]
        taken = [p for p in chosen if p.x == node.output[0]]
        names = [*node.input[1:], *(p.weight for p in taken)]
        if len(readers) != len(taken) or any(p.kind == "Conv" for p in taken) or any(_uses(graph, name) != 1 for name in names):
            continue
        if any(name not in constants.tensors for name in names):
            continue
        known = ranges[node.output[0]]
        heaviest = np.max([np.abs(constants.floats(p.weight)).max(p.axis) for p in taken], axis=0)
        by = np.sqrt(np.maximum(known.channels, 1e-6) / np.maximum(heaviest, 1e-6)).astype(np.float32)
        by /= np.exp(np.log(by).mean())
        for name in node.input[1:]:
            constants.tensors[name].CopyFrom(numpy_helper.from_array(constants.floats(name) / by, name))
        for p in taken:
            weight = constants.floats(p.weight) * (by[:, None] if p.axis == 1 else by)
            constants.tensors[p.weight].CopyFrom(numpy_helper.from_array(weight, p.weight))
        known.channels = known.channels / by
        known.rows = [rows / by for rows in known.rows]


def _uses(graph: onnx.GraphProto, name: str) -> int:
    return sum(list(node.input).count(name) for node in graph.node)


def settle(graph: onnx.GraphProto, chosen: list[Product], ranges: dict[str, Range]) -> None:
    """Chooses where each activation's scale ends, by the error that it makes in the products, and notes that error."""
    constants = Constants(graph)
    readers: dict[str, list[Product]] = {}
    for p in chosen:
        readers.setdefault(p.x, []).append(p)
    for name, known in ranges.items():
        rows = np.concatenate(known.rows)
        rows = rows[:: max(1, len(rows) // ROWS)][:ROWS]
        greatest = max(float(np.max(known.channels)), 1e-6)
        pairs = []
        for p in readers.get(name, []):
            if p.kind == "Conv":
                continue
            weight = constants.floats(p.weight)
            weight = weight if p.axis == 1 else weight.T
            pairs.append((p, weight, rounded(weight, weight_scale(weight, 1)), rows @ weight))

        def loss(part: float) -> float:
            given = rounded(rows, greatest * part / 127)
            if not pairs:
                return float(np.square(given - rows).mean())
            return sum(float(np.square(given @ small - true).mean() / max(np.square(true).mean(), 1e-20)) for _, _, small, true in pairs)

        known.end = greatest * min(CLIPPED, key=loss)
        given = rounded(rows, known.end / 127)
        for p, _, small, true in pairs:
            p.error = float(np.sqrt(np.square(given @ small - true).mean() / max(np.square(true).mean(), 1e-20)))
        for p in readers.get(name, []):
            if p.kind == "Conv":
                p.error = float(np.sqrt(np.square(given - rows).mean() / max(np.square(rows).mean(), 1e-20)))


class Writer:
    """Rewrites a graph; nodes are put in front of the one that needs them."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.graph = graph
        self.constants = Constants(graph)
        self.nodes: list[onnx.NodeProto] = []
        self.added: list[onnx.TensorProto] = []

    def constant(self, name: str, value: np.ndarray) -> str:
        self.added.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def node(self, kind: str, inputs: list[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, inputs, [output], name=output + "." + kind, **attributes))
        return output

    def both(self, name: str, scale: float, onto: str, zero: np.int8 | np.uint8) -> str:
        """The activation `name`, rounded to the integers of zero's type."""
        s, z = self.constant(onto + ".scale", np.float32(scale)), self.constant(onto + ".zero", zero)
        small = self.node("QuantizeLinear", [name, s, z], onto + ".int8")
        return self.node("DequantizeLinear", [small, s, z], onto)

    def small(self, name: str, value: np.ndarray, scale: np.ndarray, axis: int, kind: type = np.int8) -> str:
        """A constant of which integers are stored, with a scale for each place on the axis."""
        most, shape = np.iinfo(kind).max, [-1 if i == axis else 1 for i in range(value.ndim)]
        integers = np.clip(np.rint(value / scale.reshape(shape).astype(np.float64)), -most, most).astype(kind)
        inputs = [self.constant(name + ".int8", integers), self.constant(name + ".scale", scale),
                  self.constant(name + ".zero", np.zeros(scale.shape, kind))]
        return self.node("DequantizeLinear", inputs, name + ".rounded", axis=axis)

    def finish(self) -> None:
        """Puts the nodes in place and drops constants that nothing reads any more."""
        del self.graph.node[:]
        self.graph.node.extend(self.nodes)
        self.graph.initializer.extend(self.added)
        while True:
            read = {name for node in self.graph.node for name in node.input} | {value.name for value in self.graph.output}
            unread = [node for node in self.graph.node if not read.intersection(node.output)]
            for node in unread:
                self.graph.node.remove(node)
            if not unread:
                break
        keep = [tensor for tensor in self.graph.initializer if tensor.name in read]
        del self.graph.initializer[:]
        self.graph.initializer.extend(keep)


def write(proto: onnx.ModelProto, chosen: list[Product], ranges: dict[str, Range]) -> onnx.ModelProto:
    """A copy of the model in which the chosen products, and the table of token embeddings, are INT8."""
    result = onnx.ModelProto()
    result.CopyFrom(proto)
    writer = Writer(result.graph)
    by_output = {p.node: p for p in chosen}
    convolved = [p for p in chosen if p.kind == "Conv"]
    everywhere = set(activations(result.graph, convolved))  # what others read as integers, too: Add, AveragePool
    positive = {node.output[0] for node in result.graph.node if node.op_type == "Relu"}
    done: dict[str, str] = {}
    readers: dict[str, int] = {}

    def shared(name: str) -> str:
        if name not in done:
            end, zero = ranges[name].end, np.uint8(0 if name in positive else 128)
            done[name] = writer.both(name, end / (127 if zero else 255), name + ".rounded", zero)
        return done[name]

    def own(name: str) -> str:
        # ONNX Runtime is fast only with a pair that one product reads, and would make one of equal pairs: each has a
        # scale of its own, the next number.
        count = readers[name] = readers.get(name, 0) + 1
        scale = np.float32(ranges[name].end / 127)
        for _ in range(count - 1):
            scale = np.nextafter(scale, np.float32(np.inf))
        return writer.both(name, scale, f"{name}.rounded{count}", np.int8(0))

    for node in list(result.graph.node):
        for i, name in enumerate(node.input):
            if name in everywhere:
                node.input[i] = shared(name)
        p = by_output.get(node.output[0])
        if p is not None:
            integer(writer, node, p, node.input[0] if p.x in everywhere else own(p.x), ranges[p.x].end / (255 if p.x in positive else 127))
        elif node.op_type == "Gather" and int(np.prod(writer.constants.shape(node.input[0])[1:])) > 1 and \
                int(np.prod(writer.constants.shape(node.input[0]))) >= TABLE:
            table(writer, node)
        else:
            writer.nodes.append(node)
        for name in everywhere.intersection(node.output):
            shared(name)
    writer.finish()
    return result


def integer(writer: Writer, node: onnx.NodeProto, p: Product, x: str, scale: float) -> None:
    """The product with its weight stored as int8. A bias is added behind a Gemm: ONNX Runtime has no integer Gemm with a float one."""
    weight = writer.constants.floats(p.weight)
    scales = weight_scale(weight, p.axis)
    node.input[0] = x
    node.input[1] = writer.small(p.node + ".weight", weight, scales, p.axis)
    bias = node.input[2] if len(node.input) > 2 else ""
    if bias and p.kind == "Conv":
        node.input[2] = writer.small(p.node + ".bias", writer.constants.floats(bias), scales * np.float32(scale), 0, np.int32)
    elif bias:
        del node.input[2:]
        node.output[0] = p.node + ".product"
    writer.nodes.append(node)
    if bias and p.kind == "Gemm":
        writer.node("Add", [node.output[0], bias], p.node)


def table(writer: Writer, node: onnx.NodeProto) -> None:
    """A table of embeddings with a scale for each row; only the rows that are read are made float again."""
    rows = writer.constants.floats(node.input[0])
    scale = weight_scale(rows, 0)[:, None]
    name = node.output[0]
    small = writer.constant(name + ".table", np.rint(rows / scale).astype(np.int8))
    writer.node("Gather", [small, node.input[1]], name + ".int8")
    writer.node("Gather", [writer.constant(name + ".scales", scale), node.input[1]], name + ".scale")
    writer.node("Cast", [name + ".int8"], name + ".cast", to=TensorProto.FLOAT)
    writer.node("Mul", [name + ".cast", name + ".scale"], name)
