"""Finds out which family weights belong to, and has them read."""

from __future__ import annotations

import pathlib
import sys

import openai
import weights
from model import ExportError, Model


def read(path: pathlib.Path, arch: str | None, trust: bool) -> Model:
    """The Model of a file or folder of weights; arch is what the person said it is."""
    if path.is_dir():
        return _folder(path, arch)
    import chinese
    import openclip
    import picture

    if arch and picture.known(arch):
        return picture.read(path, weights.load(path, trust)[0], arch)
    if arch and chinese.known(arch):
        return chinese.read(path, weights.load(path, trust)[0], arch)
    if arch and weights.is_archive(path):
        arch = openai.alike(arch) or arch
    if arch and openai.known(arch):
        return openai.read(path, weights.load(path, trust)[0], arch)
    if arch:
        return openclip.read(path, openclip.known(arch), weights.load(path, trust)[0])
    state, nested = weights.load(path, trust)
    if chinese.looks_like(state):
        return chinese.read(path, state, None)
    if picture.looks_like(state):
        return picture.read(path, state, None)
    if not openai.looks_like(state) or nested:
        raise ExportError(f"{path} does not tell its architecture; name it with --arch, for example --arch ViT-B-32 for open_clip's")
    model = openai.read(path, state, None)
    if not weights.is_archive(path):
        print(f"export: taken for {model.title}, with QuickGELU; if open_clip trained it, name it with --arch as open_clip does", file=sys.stderr)
    return model


def _folder(path: pathlib.Path, arch: str | None) -> Model:
    import huggingface
    import openclip

    if openclip.is_folder(path) and not (arch and huggingface.is_folder(path) and arch == "huggingface"):
        return openclip.read_folder(path, arch)
    if huggingface.is_folder(path):
        return huggingface.read(path)
    raise ExportError(f"{path} is no model folder: it has neither config.json with model.safetensors or pytorch_model.bin, nor open_clip_config.json with its weights")
