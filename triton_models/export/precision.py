"""FP16 and INT8 of the FP32 towers that graph writes.

Inputs and outputs stay what they are (float32, int32), so that a model's card and its callers know no difference.
"""

from __future__ import annotations

import pathlib
import tempfile

import numpy as np
import onnx
import onnxruntime
from onnxruntime.transformers import float16
from onnxruntime.transformers.onnx_model import OnnxModel

import check
import graph
import quantize
from model import IMAGE_FILE, IMAGE_INPUT, OUTPUT, TEXT_FILE, TEXT_INPUT, ExportError

LEAST_COSINE = {"fp16": 0.999, "int8": 0.99}  # of any item to what FP32 gives
# INT8 is checked on few items here and meets others later, so a little more is asked of it.
MARGIN = {"fp16": 0.0, "int8": 0.002}

# Sums of squares and of exponentials leave FP16's range (65,504) in large towers; these cost next to nothing in FP32.
WIDE = ["LayerNormalization", "Softmax", "ReduceMean", "ReduceSum", "ReduceL2", "Pow", "ArgMax", "Range"]


def convert(folder: pathlib.Path, precision: str, pixels: np.ndarray, tokens: list[np.ndarray]) -> None:
    """Rewrites folder/image.onnx and, where there is one, folder/text.onnx as `precision`: fp16 or int8.

    pixels float32 [n, 3, size, size] and tokens, each int32 [1, sequence], are what scales are chosen on and cosines
    measured on; the last quarter of each only for the latter. Raises ExportError where the cosine cannot be kept.
    """
    for file, name, feeds in ((IMAGE_FILE, IMAGE_INPUT, [pixels[i : i + 1] for i in range(len(pixels))]), (TEXT_FILE, TEXT_INPUT, tokens)):
        path = folder / file
        if not path.exists():
            continue
        want = run(path, name, feeds)
        if precision == "fp16":
            save(halves(path), path)
            cosine = agreement(path, name, feeds, want)
        else:
            cosine = integers(path, name, feeds, want)
        if not cosine >= LEAST_COSINE[precision]:
            raise ExportError(f"{file} keeps a cosine of only {cosine:.5f} to FP32 as {precision}; {LEAST_COSINE[precision]} is needed: keep fp32")


def run(path: pathlib.Path, name: str, feeds: list[np.ndarray]) -> np.ndarray:
    """The embeddings of inputs of one item each: [n, width]."""
    session = check.session(path)
    return np.concatenate([session.run([OUTPUT], {name: feed})[0] for feed in feeds])


def agreement(path: pathlib.Path, name: str, feeds: list[np.ndarray], want: np.ndarray) -> float:
    """The least cosine to `want`; -1 where something is no number."""
    least = float(check.cosines(run(path, name, feeds), want).min())
    return least if np.isfinite(least) else -1.0


def save(proto: onnx.ModelProto, path: pathlib.Path) -> None:
    """Replaces the file by the model, once that is known to be valid."""
    graph.plain(proto)
    del proto.graph.value_info[:]  # what was inferred for FP32 is not true any more
    used = {node.domain for node in proto.graph.node}
    kept = [entry for entry in proto.opset_import if entry.domain in used]
    del proto.opset_import[:]
    proto.opset_import.extend(kept)
    fresh = path.with_suffix(".new")
    onnx.save(proto, fresh)
    onnx.checker.check_model(str(fresh), full_check=True)
    fresh.replace(path)


def halves(path: pathlib.Path) -> onnx.ModelProto:
    """Weights and activations as FP16 between float32 inputs and outputs."""
    blocked = [*float16.DEFAULT_OP_BLOCK_LIST, *WIDE]
    proto = float16.convert_float_to_float16(onnx.load(path), keep_io_types=True, op_block_list=blocked)
    OnnxModel(proto).topological_sort()  # the casts of inputs come last otherwise
    return proto


def folded(path: pathlib.Path) -> onnx.ModelProto:
    """The model with constants computed and batch norms in their convolutions, by ONNX Runtime; standard operators only."""
    proto = onnx.load(path)
    if quantize.Constants(proto.graph).casts:  # a model whose weights in FP32 are too much for one file
        return proto
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        options.optimized_model_filepath = str(pathlib.Path(folder) / path.name)
        onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        better = onnx.load(options.optimized_model_filepath)
    return proto if any(node.domain not in ("", "ai.onnx") for node in better.graph.node) else better


def integers(path: pathlib.Path, name: str, feeds: list[np.ndarray], want: np.ndarray) -> float:
    """Rewrites the file as INT8 in all products, or in all but the fewest of the worst with which the cosine is kept; returns it."""
    proto = folded(path)
    quantize.patches(proto.graph)
    chosen = quantize.products(proto.graph)
    ranges = calibrate(proto, path.parent, name, feeds[: max(1, len(feeds) * 3 // 4)], chosen)
    quantize.smooth(proto.graph, chosen, ranges)
    quantize.settle(proto.graph, chosen, ranges)
    chosen.sort(key=lambda p: p.error)
    aim = LEAST_COSINE["int8"] + MARGIN["int8"]
    enough, most, at = 0, len(chosen), len(chosen)  # enough products are known to keep the cosine; at is tried next
    cosine, written = -1.0, -1
    while True:
        save(quantize.write(proto, chosen[:at], ranges), path)
        cosine, written = agreement(path, name, feeds, want), at
        if cosine >= aim:
            enough = at
        else:
            most = at - 1
        if enough >= most:
            break
        at = (enough + most + 1) // 2
    if written != enough:
        save(quantize.write(proto, chosen[:enough], ranges), path)
        cosine = agreement(path, name, feeds, want)
    return cosine


def calibrate(proto: onnx.ModelProto, folder: pathlib.Path, name: str, feeds: list[np.ndarray],
              chosen: list[quantize.Product]) -> dict[str, quantize.Range]:
    """What the activations around the products are on these inputs."""
    names = quantize.activations(proto.graph, chosen)
    inside = onnx.ModelProto()
    inside.CopyFrom(proto)
    inside.graph.output.extend(onnx.helper.make_tensor_value_info(each, onnx.TensorProto.FLOAT, None) for each in names if each != name)
    maps = {p.x for p in chosen if p.kind == "Conv"} | set(names) - {p.x for p in chosen}
    ranges = {each: quantize.Range() for each in names}
    pick = np.random.default_rng(1)
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".onnx") as file:
        onnx.save(inside, file.name)
        del inside
        session = check.session(pathlib.Path(file.name))
        for feed in feeds:
            wanted = [each for each in names if each != name]
            for each, values in zip(wanted, session.run(wanted, {name: feed})):
                quantize.note(ranges[each], values, each in maps and values.ndim == 4, pick)
            if name in ranges:
                quantize.note(ranges[name], feed, name in maps, pick)
    return ranges
