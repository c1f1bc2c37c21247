"""What the readers of weights hand on, and the names that every exported file shares.

A reader (openai, chinese, openclip, huggingface, picture) turns published weights into a Model. graph writes its towers
as ONNX, check compares them with PyTorch, precision makes FP16 or INT8 of them, and package writes the model directory.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from torch import nn

# The names of files and tensors in every model directory that is written here.
IMAGE_FILE = "image.onnx"
TEXT_FILE = "text.onnx"
IMAGE_INPUT = "pixels"  # float32 [batch, 3, size, size]
TEXT_INPUT = "tokens"  # int32 [batch, sequence]
OUTPUT = "embedding"  # float32 [batch, width], of any length: clipseek makes it a unit vector

# Mean and standard deviation of a channel (R, G, B) over the training pictures, of values in 0..1.
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)
ZERO = (0.0, 0.0, 0.0)
ONE = (1.0, 1.0, 1.0)


class ExportError(Exception):
    """What a person can put right; its message is one line and is all that the command prints."""


@dataclasses.dataclass
class Model:
    """A model in PyTorch, in FP32 and in evaluation mode, and all that its card says."""

    name: str  # the card's name: letters, digits and '. _ @ -'
    title: str
    image: nn.Module  # float32 [batch, 3, size, size] -> float32 [batch, width]
    text: nn.Module | None  # int32 [batch, sequence] -> float32 [batch, width]; None for a picture-only model
    size: int  # side of the square input, pixels
    width: int  # components of an embedding
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD
    resize: str = "shortest"  # the card's image.resize: shortest, shortest-rgb, squash
    filter: str = "bicubic"  # Pillow's filter of the resize: bicubic, bilinear
    context: int = 0  # most tokens of a text, start and end included; 0 without a text tower
    causal: bool = False  # the text tower takes any sequence from 1 to context; others take context only
    pad: int = 0  # id that fills a text up
    tokenizer: dict[str, object] = dataclasses.field(default_factory=dict)  # the card's text.tokenizer
    tokenizer_files: dict[str, bytes] = dataclasses.field(default_factory=dict)  # by the name that tokenizer uses
    encode_text: Callable[[str], list[int]] | None = None  # the reference's ids, start and end included, no padding
    languages: tuple[str, ...] = ()  # ISO 639-1
    licence: str = ""
    source: str = ""
    description: str = ""
    reference: str = ""  # what computed the reference values, for golden.json

    def tokens(self, texts: list[str]) -> np.ndarray:
        """The ids of texts as int32 [len(texts), sequence], filled up with pad.

        A causal tower's sequence is that of the longest text, any other's is the context.
        """
        assert self.encode_text is not None
        ids = [self.encode_text(text) for text in texts]
        length = max(map(len, ids)) if self.causal else self.context
        return np.array([row + [self.pad] * (length - len(row)) for row in ids], np.int32)
