"""OpenAI's CLIP: archives as published, and state dicts with the same names."""

from __future__ import annotations

import pathlib
import re

import tokens
import towers
import weights
from model import ExportError, Model

# Architecture by (embedding width, visual trunk, size); a ResNet's trunk is its layers, a ViT's its patch and layers.
ARCHITECTURES = {
    "RN50": (1024, (3, 4, 6, 3), 224),
    "RN101": (512, (3, 4, 23, 3), 224),
    "RN50x4": (640, (4, 6, 10, 6), 288),
    "RN50x16": (768, (6, 8, 18, 8), 384),
    "RN50x64": (1024, (3, 15, 36, 10), 448),
    "ViT-B/32": (512, (32, 12), 224),
    "ViT-B/16": (512, (16, 12), 224),
    "ViT-L/14": (768, (14, 24), 224),
    "ViT-L/14@336px": (768, (14, 24), 336),
}

# Of the published archives only.
BUFFERS = ("input_resolution", "context_length", "vocab_size")


def known(arch: str) -> str | None:
    """OpenAI's name of an architecture. ViT-B-32 is open_clip's, which has another activation; ViT-L-14-336px is a card's."""
    spelt = {name.lower(): name for name in ARCHITECTURES} | {"vit-l-14-336px": "ViT-L/14@336px"}
    return spelt.get(arch.lower())


def alike(arch: str) -> str | None:
    """OpenAI's name of an architecture however it is spelt, for an archive, which only OpenAI has published."""
    return next((name for name in ARCHITECTURES if plain(name).lower().removesuffix("px") == plain(arch).lower().removesuffix("px")), None)


def plain(name: str) -> str:
    """The name with nothing in it that a card or file cannot carry: ViT-L/14@336px is ViT-L-14-336px."""
    return name.replace("/", "-").replace("@", "-")


def looks_like(state: weights.State) -> bool:
    """Whether the weights have openai/CLIP's names."""
    return "visual.conv1.weight" in state and "text_projection" in state and "positional_embedding" in state


def count(state: weights.State, pattern: str) -> int:
    """How many different numbers a pattern with one group finds in the names."""
    return len({match[1] for key in state if (match := re.match(pattern, key))})


def image_tower(state: weights.State, act: str = "quick_gelu", side: int = 64) -> tuple[towers.nn.Module, int, tuple[int, ...]]:
    """The tower below "visual.", its input size, and its trunk as in ARCHITECTURES. side is the width of a head."""
    visual = {key.removeprefix("visual."): value for key, value in state.items() if key.startswith("visual.")}
    if "proj" in visual:
        width, _, patch, _ = visual["conv1.weight"].shape
        layers = count(visual, r"transformer\.resblocks\.(\d+)\.")
        size = patch * round((visual["positional_embedding"].shape[0] - 1) ** 0.5)
        hidden = visual["transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
        tower = towers.VisionTransformer(size, patch, width, layers, towers.heads_of(width, side), visual["proj"].shape[1], hidden, act)
        return weights.fill(tower, visual, "a CLIP image tower"), size, (patch, layers)
    width = visual["layer1.0.conv1.weight"].shape[0]
    layers = tuple(count(visual, rf"layer{stage}\.(\d+)\.") for stage in (1, 2, 3, 4))
    size = 32 * round((visual["attnpool.positional_embedding"].shape[0] - 1) ** 0.5)
    tower = towers.ResNet(size, layers, width, width * 32 // side, visual["attnpool.c_proj.weight"].shape[0])
    return weights.fill(tower, visual, "a CLIP image tower"), size, layers


def text_tower(state: weights.State, act: str = "quick_gelu") -> towers.TextTransformer:
    """The causal text tower; its end token is the last of the vocabulary, as CLIP's argmax has it."""
    own = {key: value for key, value in state.items() if not key.startswith("visual.") and key not in (*BUFFERS, "logit_scale")}
    context, width = own["positional_embedding"].shape
    vocabulary = own["token_embedding.weight"].shape[0]
    layers = count(own, r"transformer\.resblocks\.(\d+)\.")
    hidden = own["transformer.resblocks.0.mlp.c_fc.weight"].shape[0]
    tower = towers.TextTransformer(context, vocabulary, width, layers, towers.heads_of(width), own["text_projection"].shape[1],
                                   vocabulary - 1, hidden, act)
    return weights.fill(tower, own, "a CLIP text tower")


def read(path: pathlib.Path, state: weights.State, arch: str | None) -> Model:
    """A Model of OpenAI's weights; arch, if given, must be what they are."""
    if not looks_like(state):
        raise ExportError(f"{path} does not hold the two towers of an OpenAI CLIP; name its architecture with --arch")
    try:
        image, size, trunk = image_tower(state)
        text = text_tower(state)
    except (KeyError, ValueError, ZeroDivisionError) as err:
        raise ExportError(f"{path} is not a whole CLIP: {err} is missing or of another shape") from err
    width = text.text_projection.shape[1]
    found = next((name for name, shape in ARCHITECTURES.items() if shape == (width, trunk, size)), None)
    wanted = known(arch) if arch else found
    if wanted is None:
        raise ExportError(f"{path} has the names of an OpenAI CLIP but the shape of none (width {width}, {size} px); name its architecture with --arch")
    if found != wanted:
        raise ExportError(f"{path} holds {found or f'a model of width {width} and {size} px'}, not {wanted}; correct --arch")
    if text.token_embedding.num_embeddings != tokens.CLIP_SIZE:
        raise ExportError(f"{path} has a vocabulary of {text.token_embedding.num_embeddings} tokens; CLIP's has {tokens.CLIP_SIZE}")
    digest = weights.sha256(path)
    published = weights.PUBLISHED.get(digest)
    return Model(
        name=plain(wanted), title=f"OpenAI CLIP {wanted}", image=image, text=text, size=size, width=width, resize="shortest",
        context=text.positional_embedding.shape[0], causal=True, languages=("en",),
        source=weights.OPENAI.format(digest, plain(published)) if published else f"{path.name}, SHA-256 {digest}",
        **tokens.clip())
