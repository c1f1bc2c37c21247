"""The towers written as ONNX graphs of plain operators.

Weights are stored as FP16 behind a Cast to FP32: half the size, and a runtime
folds the casts when it loads the file, so that it computes in full FP32.
Small vectors (biases, norms) stay FP32.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

import bpe
import towers

OPSET = 17
IR_VERSION = 8


class Graph:
    """Collects nodes and initializers; every method returns the name of its output."""

    def __init__(self):
        self.nodes, self.initializers = [], []

    def add(self, kind, *inputs, **attributes):
        name = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, array):
        name = f"constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def weight(self, tensor):
        """A large tensor: FP16 in the file, FP32 in the graph."""
        half = self.constant(tensor.detach().numpy().astype(np.float16))
        return self.add("Cast", half, to=TensorProto.FLOAT)

    def vector(self, tensor):
        return self.constant(tensor.detach().numpy().astype(np.float32))

    def integers(self, *values):
        return self.constant(np.array(values, np.int64))

    def linear(self, x, layer):
        x = self.add("MatMul", x, self.weight(layer.weight.T))
        return x if layer.bias is None else self.add("Add", x, self.vector(layer.bias))

    def normalize(self, x):
        """Unit L2 norm over the last axis, guarded against a zero vector."""
        length = self.add("ReduceL2", x, axes=[-1], keepdims=1)
        return self.add("Div", x, self.add("Max", length, self.constant(np.float32(1e-12))))

    def model(self, source, kind, shape, output, result=("batch", towers.WIDTH)):
        """The finished, checked model with one input and one output named `embedding`."""
        self.nodes.append(helper.make_node("Identity", [output], ["embedding"], name="embedding"))
        graph = helper.make_graph(
            self.nodes, "clipseek-demo",
            [helper.make_tensor_value_info(source, kind, shape)],
            [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, list(result))],
            self.initializers)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="clipseek")
        model.ir_version = IR_VERSION
        onnx.checker.check_model(model, full_check=True)
        return model


def conv(graph, x, layer, size):
    """One ConvNorm with its batch norm folded in; returns the output and its side length."""
    norm = layer.norm
    gain = norm.weight / (norm.running_var + norm.eps).sqrt()
    kernel, stride = layer.conv.kernel_size[0], layer.conv.stride[0]
    before, after = towers.same_padding(size, kernel, stride)
    x = graph.add("Conv", x, graph.weight(layer.conv.weight * gain.view(-1, 1, 1, 1)),
                  graph.vector(norm.bias - norm.running_mean * gain),
                  kernel_shape=[kernel, kernel], strides=[stride, stride],
                  pads=[before, before, after, after], group=layer.conv.groups)
    if layer.activate:
        x = graph.add("Clip", x, graph.constant(np.float32(0)), graph.constant(np.float32(6)))
    return x, -(-size // stride)


def blocks(graph, x, tower, size, count):
    """From pixels through the stem and the first blocks; returns the output and its side length.

    The change to Lite0's scale stands in front of the first convolution as it is:
    folded into its weights it would be wrong where the padding is zero.
    """
    x = graph.add("Add", graph.add("Mul", x, graph.vector(tower.scale)), graph.vector(tower.shift))
    x, size = conv(graph, x, tower.stem, size)
    for block in tower.blocks[:count]:
        entry = x
        for step in block.steps:
            x, size = conv(graph, x, step, size)
        if block.residual:
            x = graph.add("Add", entry, x)
    return x, size


def image_graph(tower):
    """pixels float32 [batch, 3, 336, 336] -> embedding float32 [batch, 768]."""
    graph, size = Graph(), towers.PIXELS
    x, size = blocks(graph, "pixels", tower, size, len(tower.blocks))
    x, _ = conv(graph, x, tower.head, size)
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x), axis=1)
    x = graph.normalize(graph.linear(x, tower.project))
    return graph.model("pixels", TensorProto.FLOAT, ["batch", 3, towers.PIXELS, towers.PIXELS], x)


def early_graph(tower, size, count):
    """pixels float32 [batch, 3, size, size] -> map of the first `count` blocks, for training: ONNX Runtime is quicker at them."""
    graph = Graph()
    x, side = blocks(graph, "pixels", tower, size, count)
    return graph.model("pixels", TensorProto.FLOAT, ["batch", 3, size, size], x, ("batch", "channels", side, side))


def layer_norm(graph, x, norm):
    return graph.add("LayerNormalization", x, graph.vector(norm.weight), graph.vector(norm.bias),
                     axis=-1, epsilon=norm.eps)


def attention(graph, x, block, mask):
    """Causal multi-head attention of one block; mask is added to the logits."""
    width = block.query.in_features
    head = width // block.heads
    split = graph.integers(0, 0, block.heads, head)
    q, k, v = (graph.add("Reshape", graph.linear(x, layer), split) for layer in (block.query, block.key, block.value))
    q = graph.add("Mul", graph.add("Transpose", q, perm=[0, 2, 1, 3]), graph.constant(np.float32(head ** -0.5)))
    logits = graph.add("Add", graph.add("MatMul", q, graph.add("Transpose", k, perm=[0, 2, 3, 1])), mask)
    x = graph.add("MatMul", graph.add("Softmax", logits, axis=-1), graph.add("Transpose", v, perm=[0, 2, 1, 3]))
    x = graph.add("Reshape", graph.add("Transpose", x, perm=[0, 2, 1, 3]), graph.integers(0, 0, width))
    return graph.linear(x, block.out)


def text_graph(tower):
    """tokens int32 [batch, sequence], zero padded on the right -> embedding float32 [batch, 768]."""
    graph = Graph()
    zero = graph.integers(0)
    length = graph.add("Slice", graph.add("Shape", "tokens"), graph.integers(1), graph.integers(2), zero)
    # The table is gathered as FP16, so that it stays small in memory, and only the rows are cast.
    table = graph.constant(tower.token.weight.detach().numpy().astype(np.float16))
    x = graph.add("Cast", graph.add("Gather", table, "tokens", axis=0), to=TensorProto.FLOAT)
    x = graph.add("Add", x, graph.add("Slice", graph.vector(tower.position), zero, length, zero))
    future = np.triu(np.full((bpe.CONTEXT, bpe.CONTEXT), -1e9, np.float32), 1)
    both = graph.add("Concat", length, length, axis=0)
    mask = graph.add("Slice", graph.constant(future), graph.integers(0, 0), both, graph.integers(0, 1))
    for block in tower.blocks:
        x = graph.add("Add", x, attention(graph, layer_norm(graph, x, block.norm1), block, mask))
        h = graph.linear(layer_norm(graph, x, block.norm2), block.up)
        gate = graph.add("Sigmoid", graph.add("Mul", h, graph.constant(np.float32(1.702))))
        x = graph.add("Add", x, graph.linear(graph.add("Mul", h, gate), block.down))
    x = graph.normalize(graph.linear(layer_norm(graph, pooled(graph, x, tower.end, length), tower.norm), tower.project))
    return graph.model("tokens", TensorProto.INT32, ["batch", "sequence"], x)


def pooled(graph, x, end, length):
    """The state at the first end token, picked by a one-hot product.

    A falling weight makes the first end token the one maximum, so the choice does
    not hang on how a runtime breaks the ties of ArgMax.
    """
    falling = graph.constant(np.linspace(1, 0.5, bpe.CONTEXT, dtype=np.float32))
    falling = graph.add("Slice", falling, graph.integers(0), length, graph.integers(0))
    ends = graph.add("Cast", graph.add("Equal", "tokens", graph.constant(np.int32(end))), to=TensorProto.FLOAT)
    ends = graph.add("Mul", ends, falling)
    first = graph.add("ArgMax", ends, axis=1, keepdims=1)
    places = graph.add("Slice", graph.constant(np.arange(bpe.CONTEXT, dtype=np.int64)),
                       graph.integers(0), length, graph.integers(0))
    chosen = graph.add("Cast", graph.add("Equal", first, places), to=TensorProto.FLOAT)
    row = graph.add("MatMul", graph.add("Unsqueeze", chosen, graph.integers(1)), x)
    return graph.add("Squeeze", row, graph.integers(1))
