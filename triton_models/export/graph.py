"""Writes towers as ONNX files: one file each, one input, one output, dynamic batch and, where causal, dynamic sequence."""

from __future__ import annotations

import contextlib
import io
import pathlib
import warnings

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import nn

from model import IMAGE_FILE, IMAGE_INPUT, OUTPUT, TEXT_FILE, TEXT_INPUT, ExportError, Model

# LayerNormalization is an operator since 17, and PyTorch's exporter writes 18 at the least. ONNX Runtime knows 18 since
# 1.14 and TensorRT since 8.6. IR 8 is what came with it; older runtimes refuse a newer one even if nothing of it is used.
OPSET = 18
IR_VERSION = 8

# One ONNX file is a protobuf message of less than 2 GiB. Weights beyond this are kept as FP16 behind a cast, which
# changes an embedding by less than a cosine of 1e-6, and are computed with in FP32 all the same.
GREATEST_BYTES = 1_900_000_000
RESULT = "result_of_the_tower"  # until it gets the name OUTPUT, which PyTorch gives to values inside, too
LARGE_TENSOR = 1 << 16  # elements from which a tensor counts as a weight and not as a small vector


def write(model: Model, folder: pathlib.Path) -> None:
    """Writes folder/image.onnx and, for a model with texts, folder/text.onnx, in FP32."""
    pixels = torch.zeros(2, 3, model.size, model.size)
    _save(_export(model.image, pixels, IMAGE_INPUT, {0: torch.export.Dim("batch")}), folder / IMAGE_FILE)
    if model.text is None:
        return
    axes = {0: torch.export.Dim("batch")}
    if model.causal:
        axes[1] = torch.export.Dim("sequence", min=1, max=model.context)
    length = min(9, model.context) if model.causal else model.context
    _save(_export(model.text, torch.ones(2, length, dtype=torch.int32), TEXT_INPUT, axes), folder / TEXT_FILE)


def _export(tower: nn.Module, example: torch.Tensor, name: str, axes: dict) -> onnx.ModelProto:
    """The tower as an ONNX model with the input `name` and the output OUTPUT."""
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(tower.eval(), (example,), dynamo=True, dynamic_shapes=(axes,), input_names=[name],
                                        output_names=[RESULT], opset_version=OPSET, verbose=False)
    except Exception as err:  # the exporter has no exception for what a module cannot do
        raise ExportError(f"PyTorch {torch.__version__} cannot write this tower as ONNX: {str(err).strip().splitlines()[0][:200]}") from err
    return program.model_proto if _bytes(tower) < GREATEST_BYTES else _halved(program)


def _bytes(tower: nn.Module) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in tower.state_dict().values())


def _halved(program: torch.onnx.ONNXProgram) -> onnx.ModelProto:
    """The model with its large FP32 tensors as FP16 behind a cast."""
    import onnx_ir as ir

    weights: dict[str, np.ndarray] = {}
    for value in program.model.graph.initializers.values():
        tensor = value.const_value
        if tensor is not None and tensor.dtype == ir.DataType.FLOAT and tensor.size >= LARGE_TENSOR:
            weights[value.name] = tensor.numpy().astype(np.float16)
            value.const_value = ir.tensor(np.zeros(0, np.float32), name=value.name)  # put back below, smaller
    proto = program.model_proto
    keep = [tensor for tensor in proto.graph.initializer if tensor.name not in weights]
    casts = []
    for name, array in weights.items():
        keep.append(numpy_helper.from_array(array, name + ".half"))
        casts.append(helper.make_node("Cast", [name + ".half"], [name], name=name + ".cast", to=TensorProto.FLOAT))
    nodes = casts + list(proto.graph.node)
    del proto.graph.initializer[:], proto.graph.node[:]
    proto.graph.initializer.extend(keep)
    proto.graph.node.extend(nodes)
    return proto


def _save(proto: onnx.ModelProto, path: pathlib.Path) -> None:
    """Checks a model and writes it without the exporter's notes, which name places of the machine that ran it."""
    plain(proto)
    rename(proto, {OUTPUT: OUTPUT + "_inside", RESULT: OUTPUT})
    names = [value.name for value in proto.graph.input], [value.name for value in proto.graph.output]
    if len(names[0]) != 1 or names[1] != [OUTPUT]:
        raise ExportError(f"{path.name} has the inputs {names[0]} and the outputs {names[1]}; a tower has one of each")
    onnx.save(proto, path)
    onnx.checker.check_model(str(path), full_check=True)


def plain(proto: onnx.ModelProto) -> None:
    """Takes out what no runtime needs, and states versions that old ones accept."""
    proto.ir_version = IR_VERSION
    proto.producer_name = "clipseek"
    proto.graph.name = "tower"
    proto.graph.doc_string = ""
    del proto.metadata_props[:], proto.graph.metadata_props[:], proto.graph.value_info[:]
    for item in (*proto.graph.node, *proto.graph.input, *proto.graph.output, *proto.graph.initializer):
        del item.metadata_props[:]
        item.doc_string = ""


def rename(proto: onnx.ModelProto, to: dict[str, str]) -> None:
    """Gives values other names, all at once."""
    graph = proto.graph
    for node in graph.node:
        node.input[:] = [to.get(name, name) for name in node.input]
        node.output[:] = [to.get(name, name) for name in node.output]
    for value in (*graph.input, *graph.output, *graph.value_info, *graph.initializer):
        value.name = to.get(value.name, value.name)
