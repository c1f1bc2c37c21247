"""Compares the ONNX files, run by ONNX Runtime, with the PyTorch model."""

from __future__ import annotations

import pathlib

import numpy as np
import onnxruntime
import torch

import pictures
from model import IMAGE_FILE, IMAGE_INPUT, TEXT_FILE, TEXT_INPUT, ExportError, Model

LEAST_COSINE = 0.99999  # FP32 against FP32: what is left is the order of sums

TEXTS = {
    "en": ("a red apple", "A Photo of a BANANA!", "fish & chips, it's  lunch", "two dogs run along the beach at sunset, 3 for 20.50", "a car"),
    "zh": ("红苹果", "一张柠檬的照片", "两只狗在海边奔跑", "iPhone 15 手机壳", "杰尼龟"),
}


def texts(model: Model) -> list[str]:
    """Reference texts in the model's languages; English where none of them is known."""
    return [text for language in ("en", "zh") if language in model.languages for text in TEXTS[language]] or list(TEXTS["en"])


def session(path: pathlib.Path) -> onnxruntime.InferenceSession:
    """The file in ONNX Runtime, on the CPU."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Row by row of [n, width] and [n, width] -> float64 [n]."""
    a, b = a.astype(np.float64), b.astype(np.float64)
    return (a * b).sum(1) / (np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1))


def compare(model: Model, folder: pathlib.Path, least: float = LEAST_COSINE) -> dict[str, float]:
    """The least cosine of each tower ("image", "text") over the reference pictures and texts, alone and in a batch.

    Raises ExportError where one lies below `least` or is no number.
    """
    found = {"image": _image(model, folder)}
    if model.text is not None:
        found["text"] = _text(model, folder)
    for tower, cosine in found.items():
        if not cosine >= least:
            raise ExportError(f"the exported {tower} tower differs from PyTorch's: cosine {cosine:.6f}, at least {least} is needed")
    return found


def _image(model: Model, folder: pathlib.Path) -> float:
    run = session(folder / IMAGE_FILE)
    pixels = pictures.batch(None, model, 3)
    with torch.no_grad():
        want = model.image(torch.from_numpy(pixels)).numpy()
    together = run.run(None, {IMAGE_INPUT: pixels})[0]
    alone = run.run(None, {IMAGE_INPUT: pixels[:1]})[0]
    return float(np.concatenate([cosines(together, want), cosines(alone, want[:1])]).min())


def _text(model: Model, folder: pathlib.Path) -> float:
    """A causal tower is also run at every length from the text's own to the context."""
    run = session(folder / TEXT_FILE)
    all_texts = texts(model)
    ids = model.tokens(all_texts)
    with torch.no_grad():
        want = model.text(torch.from_numpy(ids)).numpy()
    lowest = float(cosines(run.run(None, {TEXT_INPUT: ids})[0], want).min())
    for at, text in enumerate(all_texts[:2]):
        own = model.tokens([text])
        paddings = (0, 3, model.context - own.shape[1]) if model.causal else (0,)
        for padding in paddings:
            padded = np.pad(own, ((0, 0), (0, padding)), constant_values=model.pad)
            lowest = min(lowest, float(cosines(run.run(None, {TEXT_INPUT: padded})[0], want[at : at + 1])[0]))
    return lowest
