"""Hugging Face's folders: CLIP and Chinese-CLIP become our own towers, SigLIP and SigLIP 2 are wrapped."""

from __future__ import annotations

import json
import pathlib
import re

import torch
from torch import nn

import chinese
import tokens
import towers
import weights
from model import CLIP_MEAN, CLIP_STD, HALF, ExportError, Model

CONFIG = "config.json"
PREPROCESSOR = "preprocessor_config.json"
FILTERS = {2: "bilinear", 3: "bicubic"}  # Pillow's numbers

# Hugging Face's names of a transformer, and openai/CLIP's.
NAMES = (
    (r"^embeddings\.class_embedding$", "class_embedding"),
    (r"^embeddings\.patch_embedding\.", "conv1."),
    (r"^embeddings\.position_embedding\.weight$", "positional_embedding"),
    (r"^embeddings\.token_embedding\.", "token_embedding."),
    (r"^pre_layrnorm\.", "ln_pre."),
    (r"^post_layernorm\.", "ln_post."),
    (r"^final_layer_norm\.", "ln_final."),
    (r"^encoder\.layers\.(\d+)\.layer_norm(\d)\.", r"transformer.resblocks.\1.ln_\2."),
    (r"^encoder\.layers\.(\d+)\.mlp\.fc1\.", r"transformer.resblocks.\1.mlp.c_fc."),
    (r"^encoder\.layers\.(\d+)\.mlp\.fc2\.", r"transformer.resblocks.\1.mlp.c_proj."),
    (r"^encoder\.layers\.(\d+)\.self_attn\.out_proj\.", r"transformer.resblocks.\1.attn.out_proj."),
)


def is_folder(path: pathlib.Path) -> bool:
    """Whether a folder is a model as Hugging Face stores it."""
    return (path / CONFIG).is_file() and weights.in_folder(path) is not None


def read(path: pathlib.Path) -> Model:
    """The Model of a folder with config.json, by the kind that it names."""
    config = _json(path / CONFIG)
    kind = config.get("model_type")
    readers = {"clip": _clip, "chinese_clip": _chinese, "siglip": _siglip}
    if kind == "siglip2":
        raise ExportError(f"{path} is a SigLIP 2 of variable resolution (NaFlex); take one of a fixed size, whose model_type is siglip")
    if kind not in readers:
        raise ExportError(f"{path / CONFIG} has the model_type {kind!r}; clip, chinese_clip and siglip can be exported")
    state = weights.load_folder(path)
    try:
        model = readers[kind](path, config, state)
    except KeyError as err:
        raise ExportError(f"{path} lacks {err}; copy the model's folder again") from err
    model.source = f"{path.resolve().name}, SHA-256 of the weights {weights.sha256(weights.in_folder(path))}"
    model.licence = weights.licence(path)
    return model


def _json(path: pathlib.Path) -> dict:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as err:
        raise ExportError(f"{path} is not JSON ({err})") from err


def tower(state: weights.State, prefix: str) -> weights.State:
    """The weights below prefix under openai/CLIP's names; query, key and value become one matrix, as there."""
    own, parts = {}, {}
    for key, value in state.items():
        if not key.startswith(prefix) or key.endswith("position_ids"):
            continue
        key = key.removeprefix(prefix)
        if match := re.match(r"encoder\.layers\.(\d+)\.self_attn\.([qkv])_proj\.(weight|bias)$", key):
            parts.setdefault((match[1], match[3]), {})[match[2]] = value
            continue
        for pattern, name in NAMES:
            key = re.sub(pattern, name, key)
        own[key] = value
    for (layer, what), three in parts.items():
        own[f"transformer.resblocks.{layer}.attn.in_proj_{what}"] = torch.cat([three["q"], three["k"], three["v"]])
    return own


def _section(config: dict, name: str, defaults: dict) -> dict:
    """A tower's configuration with what Hugging Face leaves out where it is the default."""
    return {**defaults, **(config.get(f"{name}_config_dict") or {}), **(config.get(f"{name}_config") or {})}


def _image(state: weights.State, config: dict) -> tuple[nn.Module, int]:
    vision = _section(config, "vision", {"hidden_size": 768, "num_attention_heads": 12, "num_hidden_layers": 12, "intermediate_size": 3072,
                                         "image_size": 224, "patch_size": 32, "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5})
    own = tower(state, "vision_model.")
    own["proj"] = state["visual_projection.weight"].T
    size, patch, width = vision["image_size"], own["conv1.weight"].shape[-1], own["conv1.weight"].shape[0]
    module = towers.VisionTransformer(size, patch, width, vision["num_hidden_layers"], vision["num_attention_heads"], own["proj"].shape[1],
                                      vision["intermediate_size"], vision["hidden_act"], vision["layer_norm_eps"])
    return weights.fill(module, own, "a CLIP image tower"), size


def _clip(path: pathlib.Path, config: dict, state: weights.State) -> Model:
    text_config = _section(config, "text", {"num_attention_heads": 8, "num_hidden_layers": 12, "intermediate_size": 2048,
                                            "hidden_act": "quick_gelu", "layer_norm_eps": 1e-5, "eos_token_id": 49407})
    image, size = _image(state, config)
    own = tower(state, "text_model.")
    own["text_projection"] = state["text_projection.weight"].T
    (context, width), vocabulary = own["positional_embedding"].shape, own["token_embedding.weight"].shape[0]
    end = text_config["eos_token_id"]
    if end == 2:  # what old configurations say, which Hugging Face reads as the greatest id
        end = vocabulary - 1
    text = towers.TextTransformer(context, vocabulary, width, text_config["num_hidden_layers"], text_config["num_attention_heads"],
                                  own["text_projection"].shape[1], end, text_config["intermediate_size"], text_config["hidden_act"],
                                  text_config["layer_norm_eps"])
    weights.fill(text, own, "a CLIP text tower")
    return Model(text=text, image=image, width=own["text_projection"].shape[1], context=context, causal=True, languages=("en",),
                 **_named(path), **preparation(path, size, "shortest-rgb", CLIP_MEAN, CLIP_STD), **tokens.clip_folder(path, vocabulary))


def _chinese(path: pathlib.Path, config: dict, state: weights.State) -> Model:
    image, size = _image(state, config)
    text_config = _section(config, "text", {"num_attention_heads": 12, "hidden_act": "gelu", "layer_norm_eps": 1e-12})
    own = {key.removeprefix("text_model."): value for key, value in state.items() if key.startswith("text_model.")}
    text = chinese.bert(own, state["text_projection.weight"].T, text_config["num_attention_heads"], chinese.CONTEXT,
                        text_config["hidden_act"], text_config["layer_norm_eps"])
    vocabulary = path / tokens.CHINESE_VOCABULARY
    return Model(text=text, image=image, width=state["text_projection.weight"].shape[0], context=chinese.CONTEXT, causal=False, languages=("zh",),
                 **_named(path), **preparation(path, size, "squash", CLIP_MEAN, CLIP_STD),
                 **tokens.chinese(vocabulary if vocabulary.is_file() else None))


class SiglipImage(nn.Module):
    """pixels [batch, 3, size, size] -> [batch, width]."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model.vision_model(pixel_values=pixels).pooler_output


class SiglipText(nn.Module):
    """tokens int32 [batch, context], padding attended -> [batch, width]."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.model.text_model(input_ids=tokens.long()).pooler_output


def _siglip(path: pathlib.Path, config: dict, state: weights.State) -> Model:
    import transformers

    import openclip

    made = transformers.SiglipConfig(**{key: value for key, value in config.items() if key not in ("architectures", "transformers_version", "model_type")})
    made._attn_implementation = "eager"
    model = transformers.SiglipModel(made)
    weights.fill(model, {key: value for key, value in state.items() if not key.endswith("position_ids")}, "SigLIP")
    openclip.plain_attention(model)
    width, text = made.vision_config.hidden_size, made.text_config
    return Model(text=SiglipText(model), image=SiglipImage(model), width=width, context=text.max_position_embeddings, causal=False,
                 **_named(path), **preparation(path, made.vision_config.image_size, "squash", HALF, HALF), **tokens.siglip_folder(path, text.vocab_size))


def _named(path: pathlib.Path) -> dict:
    name = path.resolve().name
    return {"name": tokens.card_name(name), "title": name}


def preparation(path: pathlib.Path, size: int, resize: str, mean: tuple, std: tuple) -> dict:
    """The picture fields of a Model, by preprocessor_config.json where there is one."""
    fields = {"size": size, "resize": resize, "mean": mean, "std": std}
    if not (path / PREPROCESSOR).is_file():
        return fields
    said = _json(path / PREPROCESSOR)
    asked, crop = said.get("size"), said.get("crop_size")
    if said.get("do_center_crop"):
        fields["resize"] = "shortest-rgb"
        edge = asked.get("shortest_edge") if isinstance(asked, dict) else asked
        edge_of_crop = crop.get("height") if isinstance(crop, dict) else crop
        if {edge or size, edge_of_crop or size} != {size}:
            raise ExportError(f"{path / PREPROCESSOR} resizes to {edge} and crops to {edge_of_crop}; the tower takes {size} and clipseek crops nothing else")
    elif isinstance(asked, dict) and "height" in asked:
        fields["resize"] = "squash"
        if (asked["height"], asked.get("width")) != (size, size):
            raise ExportError(f"{path / PREPROCESSOR} resizes to {asked['width']} x {asked['height']}; the tower takes {size}")
    if "resample" in said:
        if said["resample"] not in FILTERS:
            raise ExportError(f"{path / PREPROCESSOR} resizes with Pillow's filter {said['resample']}; clipseek has 2 (bilinear) and 3 (bicubic)")
        fields["filter"] = FILTERS[said["resample"]]
    if said.get("do_normalize", True) and "image_mean" in said:
        fields |= {"mean": tuple(said["image_mean"]), "std": tuple(said["image_std"])}
    return fields
