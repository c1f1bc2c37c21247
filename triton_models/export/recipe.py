"""TENSORRT.md: how to build a TensorRT plan of each tower on the target GPU."""

from __future__ import annotations

from model import IMAGE_FILE, IMAGE_INPUT, TEXT_FILE, TEXT_INPUT, Model

FILE = "TENSORRT.md"

# Batches as in triton_models/clip_image and clip_text: what `clipseek model install --triton` configures.
IMAGE_BATCH = 32
TEXT_BATCH = 128

HEAD = """\
# TensorRT plans of {title}

A plan runs only on the kind of GPU, and with the version of TensorRT, that built it: run this on the machine, and in the
container (nvcr.io/nvidia/tensorrt or tritonserver of the same month), that will serve it. TensorRT 8.6 or newer reads the
files. `clipseek model install --triton DIR` writes the Triton configuration `tensorrt-plan` that the profiles here fit;
put the plans where it says.

The profile `min` is one row, `opt` what a busy server batches, `max` the most a request may bring. TensorRT refuses what
lies outside.

"""

STEP = """\
## {what}

    trtexec --onnx={file} --saveEngine={plan} \\
      --minShapes={name}:{least} --optShapes={name}:{usual} --maxShapes={name}:{most} \\
      {flags}

"""

FLAGS = {
    "fp32": "--fp16",
    "fp16": "--stronglyTyped",
    "int8": "--stronglyTyped",
}

NOTES = {
    "fp32": """\
`--fp16` lets TensorRT compute in half precision where that is quicker. Where a plan drifts because of it, layer norms and
softmax left FP16's range: build from this model's fp16 export, which keeps those in FP32. Without `--fp16` the plan is
FP32 and some times slower; `--noTF32` then gives the reference's values to five digits.
""",
    "fp16": """\
The types are in the file (weights and products FP16, layer norms and softmax FP32), and `--stronglyTyped` (TensorRT 10)
keeps them. With TensorRT 8.6 say `--fp16` instead.
""",
    "int8": """\
Scales are in the file as QuantizeLinear and DequantizeLinear, so TensorRT needs no calibration of its own;
`--stronglyTyped` (TensorRT 10) keeps them. With TensorRT 8.6 say `--int8 --fp16` instead.
""",
}

TAIL = """\
Prove a plan before it serves: start Triton with it and run `CLIPSEEK_ENCODER__KIND=triton clipseek model verify DIR` on
this directory; it compares the plan's embeddings with the reference values here.
"""


def text(model: Model, precision: str) -> str:
    """The recipe for the files of one precision."""
    size = model.size

    def pixels(batch: int) -> str:
        return f"{batch}x3x{size}x{size}"

    steps = [STEP.format(what="Pictures", file=IMAGE_FILE, plan="image.plan", name=IMAGE_INPUT, least=pixels(1),
                         usual=pixels(IMAGE_BATCH), most=pixels(IMAGE_BATCH), flags=FLAGS[precision])]
    if model.text is not None:
        shortest, usual = (1, min(16, model.context)) if model.causal else (model.context, model.context)
        steps.append(STEP.format(what="Texts", file=TEXT_FILE, plan="text.plan", name=TEXT_INPUT, least=f"1x{shortest}",
                                 usual=f"8x{usual}", most=f"{TEXT_BATCH}x{model.context}", flags=FLAGS[precision]))
    return HEAD.format(title=model.title) + "".join(steps) + NOTES[precision] + "\n" + TAIL
