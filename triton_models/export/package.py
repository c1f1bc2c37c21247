"""The model directory: card.yaml, tokenizer files, reference values, and the recipe for TensorRT."""

from __future__ import annotations

import hashlib
import io
import json
import pathlib

import numpy as np
import torch
from PIL import Image

import check
import pictures
import recipe
from model import IMAGE_FILE, IMAGE_INPUT, OUTPUT, TEXT_FILE, TEXT_INPUT, Model

CARD = "card.yaml"
GOLDEN = "golden.json"
PROBES = 48  # values of each prepared picture

# The least cosine to the reference at which a model of reduced precision agrees; clipseek's own bound is 0.999.
LEAST_COSINE = {"int8": 0.99}


def write(model: Model, folder: pathlib.Path, precision: str) -> None:
    """Adds to a folder with the ONNX files all else that a model directory holds."""
    for name, content in model.tokenizer_files.items():
        (folder / name).write_bytes(content)
    (folder / "golden").mkdir()
    (folder / GOLDEN).write_text(json.dumps(_golden(model, folder), ensure_ascii=False) + "\n", encoding="utf-8")
    (folder / CARD).write_text(card(model, folder, precision), encoding="utf-8")
    (folder / recipe.FILE).write_text(recipe.text(model, precision), encoding="utf-8")


def _golden(model: Model, folder: pathlib.Path) -> dict:
    """Reference values from PyTorch in FP32."""
    golden: dict = {"origin": f"{model.reference or 'the PyTorch model'} in FP32 (torch {torch.__version__}) and Pillow {Image.__version__}"}
    if model.text is not None and model.encode_text is not None:
        golden["texts"] = [_text(model, text) for text in check.texts(model)]
    golden["images"] = [_image(model, folder, name, content) for name, content in pictures.drawn().items()]
    return golden


def _text(model: Model, text: str) -> dict:
    with torch.no_grad():
        embedding = model.text(torch.from_numpy(model.tokens([text])))[0]
    return {"text": text, "tokens": model.encode_text(text), "embedding": _rounded(embedding)}


def _image(model: Model, folder: pathlib.Path, name: str, content: bytes) -> dict:
    (folder / "golden" / name).write_bytes(content)
    with Image.open(io.BytesIO(content)) as picture:
        pixels = pictures.prepare(picture, model)
    spread = np.random.default_rng(7)
    places = np.stack([spread.integers(0, side, PROBES) for side in pixels.shape], 1)
    with torch.no_grad():
        embedding = model.image(torch.from_numpy(pixels)[None])[0]
    probe = [{"at": place.tolist(), "value": _rounded(pixels[tuple(place)])[0]} for place in places]
    return {"file": f"golden/{name}", "probe": probe, "embedding": _rounded(embedding)}


def _rounded(values: object) -> list[float]:
    return [float(f"{value:.6g}") for value in np.asarray(values, np.float64).ravel()]


def card(model: Model, folder: pathlib.Path, precision: str) -> str:
    """card.yaml for the files that the folder holds now."""
    image = {"file": IMAGE_FILE, "size": model.size, "resize": model.resize}
    if model.filter != "bicubic":
        image["filter"] = model.filter
    image |= {"mean": list(model.mean), "std": list(model.std), "input": IMAGE_INPUT, "output": OUTPUT}
    lines = ["# Written by triton_models/export.", "format: 1"]
    for key in ("name", "title", "description", "licence", "source", "languages"):
        if value := getattr(model, key):
            lines.append(f"{key}: {_yaml(value)}")
    lines += [f"width: {model.width}", "image:", *_block(image)]
    if model.text is not None:
        text = {"file": TEXT_FILE, "context": model.context, "causal": model.causal}
        if model.pad:
            text["pad"] = model.pad
        text |= {"input": TEXT_INPUT, "output": OUTPUT}
        lines += ["text:", *_block(text), "  tokenizer:", *_block(model.tokenizer, "    ")]
    lines.append(f"golden: {GOLDEN}")
    if precision in LEAST_COSINE:
        lines.append(f"golden_cosine: {LEAST_COSINE[precision]}")
    lines.append("files:")
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name not in (CARD, recipe.FILE):
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            lines.append(f"  {_yaml(path.relative_to(folder).as_posix())}: {digest}")
    return "\n".join(lines) + "\n"


def _block(values: dict, indent: str = "  ") -> list[str]:
    return [f"{indent}{key}: {_yaml(value)}" for key, value in values.items()]


def _yaml(value: object) -> str:
    """A value on one line: JSON is YAML, and a tuple is its list."""
    return json.dumps(value, ensure_ascii=False)
