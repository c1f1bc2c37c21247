"""open_clip's models, SigLIP and MobileCLIP2 among them: the package builds them, and they are wrapped for export."""

from __future__ import annotations

import copy
import difflib
import json
import pathlib

import torch
from torch import nn

import openai
import tokens
import towers
import weights
from model import ExportError, Model

CONFIG = "open_clip_config.json"
FILES = ("open_clip_model.safetensors", "open_clip_pytorch_model.safetensors", "open_clip_pytorch_model.bin", "model.safetensors", "pytorch_model.bin")
PREFIX = "open_clip:"
LOSS = ("logit_scale", "logit_bias")  # parameters that only training uses


class CausalText(nn.Module):
    """open_clip's causal text tower for any sequence length: tokens int32 [batch, n] -> [batch, width]."""

    def __init__(self, text: nn.Module, end: int) -> None:
        super().__init__()
        self.text, self.end = text, end
        context = text.positional_embedding.shape[0]
        self.register_buffer("mask", towers.causal_mask(context), persistent=False)
        self.register_buffer("falling", torch.linspace(1, 0.5, context), persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        n, text = tokens.shape[1], self.text
        x = text.token_embedding(tokens) + text.positional_embedding[:n]
        x = text.transformer(x, attn_mask=self.mask[:n, :n])
        x = text.ln_final(towers.row(x, towers.first_end(tokens, self.end, self.falling)))
        if text.text_projection is None:
            return x
        return text.text_projection(x) if isinstance(text.text_projection, nn.Linear) else x @ text.text_projection


class WholeText(nn.Module):
    """Any other text tower, at its whole context: tokens int32 [batch, context] -> [batch, width]."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.model.encode_text(tokens.long())


class Image(nn.Module):
    """The image tower: pixels [batch, 3, size, size] -> [batch, width]."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        return self.model.encode_image(pixels)


class Whole(nn.Module):
    """Gives nn.MultiheadAttention the plain way through, which can be exported with any batch."""

    def __init__(self, attention: nn.MultiheadAttention) -> None:
        super().__init__()
        self.inner = attention

    def forward(self, query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, need_weights: bool = False,
                attn_mask: torch.Tensor | None = None) -> tuple[torch.Tensor, None]:
        own = self.inner
        if not own.batch_first:
            query, key, value = (x.transpose(0, 1) for x in (query, key, value))
        if own.in_proj_weight is None:
            wq, wk, wv = own.q_proj_weight, own.k_proj_weight, own.v_proj_weight
        else:
            wq, wk, wv = own.in_proj_weight.chunk(3)
        bq, bk, bv = own.in_proj_bias.chunk(3) if own.in_proj_bias is not None else (None, None, None)
        linear = nn.functional.linear
        x = own.out_proj(towers.attend(linear(query, wq, bq), linear(key, wk, bk), linear(value, wv, bv), own.num_heads, attn_mask))
        return (x if own.batch_first else x.transpose(0, 1)), None


def plain_attention(module: nn.Module) -> nn.Module:
    """Replaces every nn.MultiheadAttention below module."""
    for name, child in module.named_children():
        setattr(module, name, Whole(child)) if isinstance(child, nn.MultiheadAttention) else plain_attention(child)
    return module


def known(arch: str) -> str:
    """open_clip's name of an architecture; ExportError names those that look alike."""
    import open_clip

    names = open_clip.list_models()
    name = arch.removeprefix(PREFIX).replace("/", "-").replace("@", "-")
    for found in names:
        if found.lower() == name.lower():
            return found
    alike = difflib.get_close_matches(name, [*names, *openai.ARCHITECTURES, "chinese-clip-vit-b-16", "resnet50"], 3, 0.5)
    raise ExportError(f"the architecture {arch} is not known" + (f"; did you mean {', '.join(alike)}?" if alike else "; README.md lists what can be exported"))


def is_folder(path: pathlib.Path) -> bool:
    """Whether a folder is a model as open_clip stores it."""
    return (path / CONFIG).is_file() and any((path / name).is_file() for name in FILES)


def read_folder(path: pathlib.Path, arch: str | None) -> Model:
    """A Model of a folder with open_clip_config.json, its weights and, for SigLIP, its tokenizer."""
    try:
        config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
        made, preprocess = config["model_cfg"], config.get("preprocess_cfg", {})
    except (ValueError, KeyError) as err:
        raise ExportError(f"{path / CONFIG} is not open_clip's configuration of a model ({err})") from err
    file = next(path / name for name in FILES if (path / name).is_file())
    model = build(file, weights.load(file)[0], arch or path.resolve().name, made, preprocess)
    model.licence = weights.licence(path)
    return model


def read(path: pathlib.Path, arch: str, state: weights.State) -> Model:
    """A Model of a file of weights and the name that open_clip has for its architecture."""
    import open_clip

    tags = [open_clip.pretrained.get_pretrained_cfg(arch, tag) for tag in open_clip.pretrained.list_pretrained_tags_by_model(arch)]
    preprocess = next((tag for tag in tags if tag), {})
    if any(differs(tag, preprocess) for tag in tags):
        preprocess = {}  # the weights in use differ in it; most are prepared as OpenAI's
    return build(path, state, arch, open_clip.get_model_config(arch), preprocess)


def differs(a: dict, b: dict) -> bool:
    """Whether two published weights want their pictures prepared differently."""
    return any(a.get(key) != b.get(key) for key in ("mean", "std", "interpolation", "resize_mode"))


def build(path: pathlib.Path, state: weights.State, name: str, config: dict, preprocess: dict) -> Model:
    """The Model of open_clip's configuration, with state in it."""
    import open_clip
    import open_clip.model

    config = copy.deepcopy({key: value for key, value in config.items() if key != "tokenizer_cfg"})
    text_config = config["text_cfg"]
    if text_config.get("hf_model_name"):
        raise ExportError(f"{name} has a Hugging Face text tower ({text_config['hf_model_name']}), which cannot be exported yet")
    if "multimodal_cfg" in config:
        raise ExportError(f"{name} is a CoCa, which writes captions; its towers cannot be exported yet")
    config["vision_cfg"]["timm_model_pretrained"] = False  # else weights would be fetched, to be overwritten at once
    custom = config.pop("custom_text", False)
    built = (open_clip.model.CustomTextCLIP if custom else open_clip.model.CLIP)(**config)
    weights.fill(built, renamed(built, state, custom), f"open_clip's {name}", LOSS)
    reparameterise(built)
    text = built.text if custom else built
    causal = text.attn_mask is not None and getattr(text, "cls_emb", None) is None and not getattr(text, "use_pad_mask", False)
    pool = text.pool_type if custom else text.text_pool_type
    causal = causal and pool == "argmax"
    prepared = open_clip.transform.PreprocessCfg(**open_clip.transform.merge_preprocess_dict({}, preprocess))
    size = built.visual.image_size
    size = size if isinstance(size, int) else size[0]
    context, vocabulary = text.positional_embedding.shape[0], text.token_embedding.num_embeddings
    plain_attention(built)
    return Model(
        name=tokens.card_name(name), title=f"open_clip {name}", image=Image(built), size=size,
        text=CausalText(text, vocabulary - 1) if causal else WholeText(built), width=config["embed_dim"],
        mean=tuple(prepared.mean), std=tuple(prepared.std), resize=rule(prepared.resize_mode, name), filter=prepared.interpolation,
        context=context, causal=causal, source=f"{path.name}, SHA-256 {weights.sha256(path)}",
        **tokens.of_openclip(path.parent, text_config, vocabulary))


def renamed(built: nn.Module, state: weights.State, custom: bool) -> weights.State:
    """The weights under the names of today's open_clip, from Apple's own and from older ones."""
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict

    state = {key: value for key, value in state.items() if key not in (*openai.BUFFERS, *LOSS)}
    state = convert_state_dict(built, state)
    return convert_to_custom_text_state_dict(state) if custom else state


def rule(mode: str, name: str) -> str:
    """The card's rule for open_clip's way to resize."""
    if mode not in ("shortest", "squash"):
        raise ExportError(f"{name} wants pictures resized by {mode!r}, which clipseek does not do")
    return mode


def reparameterise(module: nn.Module) -> None:
    """Folds the branches that MobileCLIP is trained with into the single convolutions that it runs with."""
    from timm.utils import reparameterize_model

    if hasattr(module.visual, "trunk"):
        module.visual.trunk = reparameterize_model(module.visual.trunk)
