"""Chinese-CLIP's original .pt files: a checkpoint of CLIP's image tower and a BERT."""

from __future__ import annotations

import pathlib
import re

import openai
import tokens
import towers
import weights
from model import ExportError, Model

CONTEXT = 52  # that all published models were trained with

# By (embedding width, visual trunk, size), as in openai.ARCHITECTURES; the width of a head is 64 but in the largest.
ARCHITECTURES = {
    "chinese-clip-rn50": (1024, (3, 4, 6, 3), 224),
    "chinese-clip-vit-b-16": (512, (16, 12), 224),
    "chinese-clip-vit-l-14": (768, (14, 24), 224),
    "chinese-clip-vit-l-14-336": (768, (14, 24), 336),
    "chinese-clip-vit-h-14": (1024, (14, 32), 224),
}

# BERT's names in a checkpoint, and ours.
NAMES = (
    (r"^embeddings\.word_embeddings\.", "words."),
    (r"^embeddings\.position_embeddings\.", "positions."),
    (r"^embeddings\.token_type_embeddings\.", "types."),
    (r"^embeddings\.LayerNorm\.", "norm."),
    (r"^encoder\.layer\.(\d+)\.attention\.self\.", r"layers.\1."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.dense\.", r"layers.\1.out."),
    (r"^encoder\.layer\.(\d+)\.attention\.output\.LayerNorm\.", r"layers.\1.norm_1."),
    (r"^encoder\.layer\.(\d+)\.intermediate\.dense\.", r"layers.\1.up."),
    (r"^encoder\.layer\.(\d+)\.output\.dense\.", r"layers.\1.down."),
    (r"^encoder\.layer\.(\d+)\.output\.LayerNorm\.", r"layers.\1.norm_2."),
)


def known(arch: str) -> str | None:
    """Our name of an architecture: chinese-clip-vit-l-14-336px is one of 336, vit-base-patch16 is b-16."""
    name = arch.lower().replace("/", "-").replace("@", "-").replace("_", "-").removesuffix("px")
    for long, short in (("-base-patch", "-b-"), ("-large-patch", "-l-"), ("-huge-patch", "-h-")):
        name = name.replace(long, short)
    return name if name in ARCHITECTURES else None


def looks_like(state: weights.State) -> bool:
    """Whether the weights have the original Chinese-CLIP's names."""
    return "bert.embeddings.word_embeddings.weight" in state and "text_projection" in state


def bert(state: weights.State, projection: towers.torch.Tensor, heads: int, context: int, act: str = "gelu", eps: float = 1e-12) -> towers.BertText:
    """The text tower of a BERT's state and the projection [width, output] of its first place."""
    own = {"projection": projection}
    for key, value in state.items():
        if key.startswith("pooler.") or key.endswith("position_ids"):
            continue
        for pattern, name in NAMES:
            key = re.sub(pattern, name, key)
        own[key] = value
    vocabulary, width = own["words.weight"].shape
    tower = towers.BertText(context, vocabulary, own["positions.weight"].shape[0], width, openai.count(own, r"layers\.(\d+)\."), heads,
                            own["layers.0.up.weight"].shape[0], projection.shape[1], act, eps)
    return weights.fill(tower, own, "Chinese-CLIP's text tower")


def read(path: pathlib.Path, state: weights.State, arch: str | None) -> Model:
    """A Model of Chinese-CLIP's weights; arch, if given, must be what they are."""
    if not looks_like(state):
        raise ExportError(f"{path} does not hold the towers of an original Chinese-CLIP; correct --arch, or name the folder if it is Hugging Face's")
    try:
        visual_width = state["visual.conv1.weight"].shape[0]
        side = 80 if visual_width == 1280 else 64
        image, size, trunk = openai.image_tower(state, side=side)
        inner = {key.removeprefix("bert."): value for key, value in state.items() if key.startswith("bert.")}
        heads = towers.heads_of(inner["embeddings.word_embeddings.weight"].shape[1])
        text = bert(inner, state["text_projection"], heads, CONTEXT)
    except (KeyError, ValueError, ZeroDivisionError) as err:
        raise ExportError(f"{path} is not a whole Chinese-CLIP: {err} is missing or of another shape") from err
    width = state["text_projection"].shape[1]
    wanted = known(arch) if arch else None
    found = next((name for name, shape in ARCHITECTURES.items() if shape == (width, trunk, size)), None)
    if wanted and wanted != found:
        raise ExportError(f"{path} holds {found or f'a model of width {width} and {size} px'}, not {wanted}; correct --arch")
    name = found or f"chinese-clip-{width}-{size}"
    return Model(name=name, title="Chinese-CLIP " + name.removeprefix("chinese-clip-"), image=image, text=text, size=size, width=width,
                 resize="squash", context=CONTEXT, causal=False, languages=("zh",),
                 source=f"{path.name}, SHA-256 {weights.sha256(path)}", **tokens.chinese())
