"""CLIP's own towers as plain PyTorch modules, under the parameter names of openai/CLIP and Chinese-CLIP.

They compute what the reference packages compute, from matrix products, softmax and layer norms that every ONNX runtime
knows, and their text tower takes any sequence length. Models of other shapes (timm trunks, SigLIP, T5 ...) are wrapped
where they are read.
"""

from __future__ import annotations

import math

import torch
from torch import nn


class QuickGELU(nn.Module):
    """OpenAI's approximation of GELU, with which its weights, and not all others, were trained."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(1.702 * x)


def activation(name: str) -> nn.Module:
    """The activation that a configuration names; KeyError for one that is not known."""
    return {"quick_gelu": QuickGELU, "gelu": nn.GELU, "gelu_pytorch_tanh": lambda: nn.GELU("tanh"), "relu": nn.ReLU}[name]()


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, heads: int, mask: torch.Tensor | None) -> torch.Tensor:
    """Multi-head attention: q [batch, m, width], k and v [batch, n, width], mask added to [batch, heads, m, n] -> [batch, m, width]."""
    width = q.shape[-1]
    side = width // heads
    q, k, v = (x.unflatten(-1, (heads, side)).transpose(1, 2) for x in (q, k, v))
    logits = (q * side**-0.5) @ k.transpose(-1, -2)
    if mask is not None:
        logits = logits + mask
    return (logits.softmax(-1) @ v).transpose(1, 2).flatten(2)


class Attention(nn.Module):
    """nn.MultiheadAttention's parameters and result, for rows of all items in one matrix: [batch * n, width]."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * width, width))
        self.in_proj_bias = nn.Parameter(torch.empty(3 * width))
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: torch.Tensor, n: int, mask: torch.Tensor | None) -> torch.Tensor:
        q, k, v = self._heads(nn.functional.linear(x, self.in_proj_weight, self.in_proj_bias), n, 3)
        return self._joined(q, k, v, mask)

    def one(self, row: torch.Tensor, x: torch.Tensor, n: int, mask: torch.Tensor | None) -> torch.Tensor:
        """What forward gives one row of each item: row [batch, width] of x [batch * n, width] -> [batch, width]."""
        width = x.shape[-1]
        q, = self._heads(nn.functional.linear(row, self.in_proj_weight[:width], self.in_proj_bias[:width]), 1, 1)
        k, v = self._heads(nn.functional.linear(x, self.in_proj_weight[width:], self.in_proj_bias[width:]), n, 2)
        return self._joined(q, k, v, mask)

    def _heads(self, x: torch.Tensor, n: int, parts: int) -> tuple[torch.Tensor, ...]:
        """[batch * n, parts * width] as so many [batch, heads, n, side]."""
        return x.reshape(-1, n, parts, self.heads, x.shape[-1] // (parts * self.heads)).permute(2, 0, 3, 1, 4).unbind(0)

    def _joined(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
        logits = (q * q.shape[-1]**-0.5) @ k.transpose(-1, -2)
        if mask is not None:
            logits = logits + mask
        return self.out_proj((logits.softmax(-1) @ v).transpose(1, 2).reshape(-1, self.heads * v.shape[-1]))


class Block(nn.Module):
    """One pre-norm transformer layer: [batch * n, width] -> [batch * n, width]."""

    def __init__(self, width: int, heads: int, hidden: int, act: str, eps: float) -> None:
        super().__init__()
        self.attn = Attention(width, heads)
        self.ln_1 = nn.LayerNorm(width, eps)
        self.mlp = nn.Sequential()
        self.mlp.add_module("c_fc", nn.Linear(width, hidden))
        self.mlp.add_module("gelu", activation(act))
        self.mlp.add_module("c_proj", nn.Linear(hidden, width))
        self.ln_2 = nn.LayerNorm(width, eps)

    def forward(self, x: torch.Tensor, n: int, mask: torch.Tensor | None) -> torch.Tensor:
        x = x + self.attn(self.ln_1(x), n, mask)
        return x + self.mlp(self.ln_2(x))

    def one(self, x: torch.Tensor, n: int, mask: torch.Tensor | None, at: torch.Tensor | None) -> torch.Tensor:
        """What forward gives row `at` [batch] of each item, or the first -> [batch, width]."""
        y = self.ln_1(x)
        rows, found = (flat.reshape(-1, n, flat.shape[-1]) for flat in (x, y))
        own, found = (rows[:, 0], found[:, 0]) if at is None else (row(rows, at), row(found, at))
        if mask is not None and at is not None:
            mask = mask[at][:, None, None]
        own = own + self.attn.one(found, y, n, mask)
        return own + self.mlp(self.ln_2(own))


class Transformer(nn.Module):
    """Layers one behind the other, and one row of each item behind the last: [batch, n, width] -> [batch, width].

    All items are rows of one matrix, which saves the runtime a pass for every bias. No other row of the last layer is
    needed, so most of that layer's work is left out.
    """

    def __init__(self, width: int, layers: int, heads: int, hidden: int, act: str, eps: float) -> None:
        super().__init__()
        self.resblocks = nn.ModuleList(Block(width, heads, hidden, act, eps) for _ in range(layers))

    def forward(self, x: torch.Tensor, mask: torch.Tensor | None = None, at: torch.Tensor | None = None) -> torch.Tensor:
        n = x.shape[1]
        x = x.reshape(-1, x.shape[-1])
        for block in self.resblocks[:-1]:
            x = block(x, n, mask)
        return self.resblocks[-1].one(x, n, mask, at)


class VisionTransformer(nn.Module):
    """CLIP's ViT: pixels [batch, 3, size, size] -> [batch, output]."""

    def __init__(self, size: int, patch: int, width: int, layers: int, heads: int, output: int,
                 hidden: int = 0, act: str = "quick_gelu", eps: float = 1e-5) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.empty(width))
        self.positional_embedding = nn.Parameter(torch.empty((size // patch) ** 2 + 1, width))
        self.ln_pre = nn.LayerNorm(width, eps)
        self.transformer = Transformer(width, layers, heads, hidden or 4 * width, act, eps)
        self.ln_post = nn.LayerNorm(width, eps)
        self.proj = nn.Parameter(torch.empty(width, output))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.conv1(pixels).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(x.shape[0], 1, -1), x], 1) + self.positional_embedding
        return self.ln_post(self.transformer(self.ln_pre(x))) @ self.proj


class Bottleneck(nn.Module):
    """A residual block that pools in front of its last convolution instead of striding."""

    def __init__(self, inner: int, planes: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inner, planes, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(planes)
        self.conv2 = nn.Conv2d(planes, planes, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(planes)
        self.avgpool = nn.AvgPool2d(stride) if stride > 1 else nn.Identity()
        self.conv3 = nn.Conv2d(planes, 4 * planes, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(4 * planes)
        self.downsample = None
        if stride > 1 or inner != 4 * planes:
            self.downsample = nn.Sequential()
            self.downsample.add_module("-1", nn.AvgPool2d(stride))
            self.downsample.add_module("0", nn.Conv2d(inner, 4 * planes, 1, bias=False))
            self.downsample.add_module("1", nn.BatchNorm2d(4 * planes))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.bn1(self.conv1(x)).relu()
        out = self.bn2(self.conv2(out)).relu()
        out = self.bn3(self.conv3(self.avgpool(out)))
        return (out + (x if self.downsample is None else self.downsample(x))).relu()


class AttentionPool(nn.Module):
    """A map [batch, width, side, side] -> [batch, output]: the mean attends to every place."""

    def __init__(self, side: int, width: int, heads: int, output: int) -> None:
        super().__init__()
        self.heads = heads
        self.positional_embedding = nn.Parameter(torch.empty(side**2 + 1, width))
        self.k_proj = nn.Linear(width, width)
        self.q_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.c_proj = nn.Linear(width, output)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([x.mean(1, keepdim=True), x], 1) + self.positional_embedding
        x = attend(self.q_proj(x[:, :1]), self.k_proj(x), self.v_proj(x), self.heads, None)
        return self.c_proj(x[:, 0])


class ResNet(nn.Module):
    """CLIP's ResNet with a stem of three convolutions: pixels [batch, 3, size, size] -> [batch, output]."""

    def __init__(self, size: int, layers: tuple[int, ...], width: int, heads: int, output: int) -> None:
        super().__init__()
        for number, (inner, outer) in enumerate([(3, width // 2), (width // 2, width // 2), (width // 2, width)], 1):
            self.add_module(f"conv{number}", nn.Conv2d(inner, outer, 3, 2 if number == 1 else 1, 1, bias=False))
            self.add_module(f"bn{number}", nn.BatchNorm2d(outer))
        self.avgpool = nn.AvgPool2d(2)
        inner = width
        for number, count in enumerate(layers, 1):
            planes = width * 2 ** (number - 1)
            blocks = nn.Sequential()
            for at in range(count):
                blocks.append(Bottleneck(inner, planes, 2 if number > 1 and at == 0 else 1))
                inner = 4 * planes
            self.add_module(f"layer{number}", blocks)
        self.attnpool = AttentionPool(size // 32, inner, heads, output)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        x = self.bn1(self.conv1(pixels)).relu()
        x = self.bn2(self.conv2(x)).relu()
        x = self.avgpool(self.bn3(self.conv3(x)).relu())
        return self.attnpool(self.layer4(self.layer3(self.layer2(self.layer1(x)))))


def causal_mask(context: int) -> torch.Tensor:
    """Float [context, context] that is added to logits: nothing looks ahead. Finite, so that FP16 keeps it."""
    return torch.full((context, context), -1e4).triu(1)


def first_end(tokens: torch.Tensor, end: int, falling: torch.Tensor) -> torch.Tensor:
    """Where the first end token is: tokens int [batch, n] -> int64 [batch].

    A falling weight makes it the one maximum, so that the choice does not hang on how a runtime breaks ArgMax's ties.
    """
    return ((tokens == end).float() * falling[: tokens.shape[1]]).argmax(1)


def row(x: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """One row of each item: x [batch, n, width], at int64 [batch] -> [batch, width]."""
    return x.gather(1, at[:, None, None].expand(-1, 1, x.shape[-1])).squeeze(1)


class TextTransformer(nn.Module):
    """CLIP's causal text tower: tokens int32 [batch, n], n from 1 to context -> [batch, output]."""

    def __init__(self, context: int, vocabulary: int, width: int, layers: int, heads: int, output: int, end: int,
                 hidden: int = 0, act: str = "quick_gelu", eps: float = 1e-5) -> None:
        super().__init__()
        self.end = end
        self.token_embedding = nn.Embedding(vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.empty(context, width))
        self.transformer = Transformer(width, layers, heads, hidden or 4 * width, act, eps)
        self.ln_final = nn.LayerNorm(width, eps)
        self.text_projection = nn.Parameter(torch.empty(width, output))
        self.register_buffer("mask", causal_mask(context), persistent=False)
        self.register_buffer("falling", torch.linspace(1, 0.5, context), persistent=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        n = tokens.shape[1]
        x = self.token_embedding(tokens) + self.positional_embedding[:n]
        x = self.transformer(x, self.mask[:n, :n], first_end(tokens, self.end, self.falling))
        return self.ln_final(x) @ self.text_projection


class BertLayer(nn.Module):
    """One post-norm layer of BERT: [batch, n, width] -> [batch, n, width]."""

    def __init__(self, width: int, heads: int, hidden: int, act: str, eps: float) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)
        self.norm_1 = nn.LayerNorm(width, eps)
        self.up = nn.Linear(width, hidden)
        self.act = activation(act)
        self.down = nn.Linear(hidden, width)
        self.norm_2 = nn.LayerNorm(width, eps)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        x = self.norm_1(x + self.out(attend(self.query(x), self.key(x), self.value(x), self.heads, mask)))
        return self.norm_2(x + self.down(self.act(self.up(x))))


class BertText(nn.Module):
    """Chinese-CLIP's text tower: tokens int32 [batch, context], 0 is padding -> [batch, output]."""

    def __init__(self, context: int, vocabulary: int, positions: int, width: int, layers: int, heads: int, hidden: int,
                 output: int, act: str = "gelu", eps: float = 1e-12) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.positions = nn.Embedding(positions, width)
        self.types = nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps)
        self.layers = nn.ModuleList(BertLayer(width, heads, hidden, act, eps) for _ in range(layers))
        self.projection = nn.Parameter(torch.empty(width, output))
        self.context = context

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        mask = (tokens == 0).float()[:, None, None] * -1e4
        x = self.norm(self.words(tokens) + self.positions.weight[: self.context] + self.types.weight[0])
        for layer in self.layers:
            x = layer(x, mask)
        return x[:, 0] @ self.projection


def heads_of(width: int, side: int = 64) -> int:
    """How many heads of a given width there are."""
    return max(1, math.ceil(width / side))
