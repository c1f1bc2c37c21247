"""Picture-only models: torchvision's ResNet-50 without its classifier."""

from __future__ import annotations

import pathlib

import torch

import weights
from model import IMAGENET_MEAN, IMAGENET_STD, ExportError, Model

ARCH = "resnet50"
SIZE = 224
WIDTH = 2048


def known(arch: str) -> bool:
    """Whether arch names a picture-only model."""
    return arch.lower().replace("-", "").removeprefix("torchvision:") == ARCH


def looks_like(state: weights.State) -> bool:
    """Whether the weights have the names of torchvision's ResNet-50."""
    return "layer3.5.conv3.weight" in state and "layer3.6.conv3.weight" not in state and "fc.weight" in state and "conv1.weight" in state


def read(path: pathlib.Path, state: weights.State, arch: str | None) -> Model:
    """A Model whose embedding is what the classifier would see, [batch, 2048]."""
    from torchvision.models import resnet50

    if "layer1.0.conv1.weight" not in state:
        raise ExportError(f"{path} does not hold a ResNet-50 as torchvision names it")
    tower = resnet50(weights=None)
    tower.fc = torch.nn.Identity()
    weights.fill(tower, {key: value for key, value in state.items() if not key.startswith("fc.")}, "torchvision's ResNet-50")
    return Model(name="resnet50", title="ResNet-50, pictures only", image=tower, text=None, size=SIZE, width=WIDTH,
                 mean=IMAGENET_MEAN, std=IMAGENET_STD, resize="squash", source=f"{path.name}, SHA-256 {weights.sha256(path)}")
