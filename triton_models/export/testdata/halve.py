"""Converts a small random model with precision.py and prints, as JSON, what it keeps and what it weighs.

    halve.py vit|resnet fp16|int8   -> {"image": {"cosine": ..., "size": ..., ...}, "text": {...}}

cosine is the least, over items that convert never saw, between the converted file and FP32; size is the file's part of
FP32's; batch is the greatest difference between an item alone and in a batch. Some channels of the layer norms are a hundred
times the others and their weights as much less, as in real transformers.
"""

import json
import pathlib
import shutil
import sys
import tempfile
import types

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import numpy as np
import onnx
import torch

import check
import graph
import pictures
import precision
import towers

END = 2999


def shaken(module, seed):
    torch.manual_seed(seed)
    for name, value in module.named_parameters():
        if value.dim() > 1:
            torch.nn.init.normal_(value, std=value[0].numel() ** -0.5)
        elif name.endswith("weight"):
            torch.nn.init.uniform_(value, 0.7, 1.3)
        else:
            torch.nn.init.normal_(value, std=0.02)
    for name, value in module.named_buffers():
        if name.endswith("running_mean"):
            value.normal_(std=0.05)
        if name.endswith("running_var"):
            value.uniform_(0.8, 1.2)
    for block in module.modules():
        if isinstance(block, towers.Block):
            with torch.no_grad():
                for norm, reader in ((block.ln_1, block.attn.in_proj_weight), (block.ln_2, block.mlp.c_fc.weight)):
                    norm.weight[:3] *= 100
                    reader[:, :3] /= 100
    return module.eval()


def model(kind):
    made = types.SimpleNamespace(size=64, causal=True, context=32, resize="shortest", filter="bicubic", mean=(0.5,) * 3, std=(0.25,) * 3, text=None)
    if kind == "resnet":
        made.image = shaken(towers.ResNet(64, (1, 1, 1, 1), 16, 8, 64), 1)
        return made
    made.image = shaken(towers.VisionTransformer(64, 16, 256, 2, 4, 128), 1)
    made.text = shaken(towers.TextTransformer(32, 8000, 256, 2, 4, 128, END), 2)
    return made


def texts(seed, count):
    draw = np.random.default_rng(seed)
    return [np.array([[1, *draw.integers(3, END, draw.integers(1, 12)), END]], np.int32) for _ in range(count)]


def main(kind, wanted):
    made = model(kind)
    with tempfile.TemporaryDirectory() as name:
        exact, small = pathlib.Path(name) / "exact", pathlib.Path(name) / "small"
        exact.mkdir()
        graph.write(made, exact)
        shutil.copytree(exact, small)
        all_pixels = pictures.batch(None, made, 32)
        precision.convert(small, wanted, all_pixels[:24], texts(1, 24))
        found = {}
        for tower, file, key, feeds in (("image", "image.onnx", "pixels", [all_pixels[i : i + 1] for i in range(24, 32)]), ("text", "text.onnx", "tokens", texts(2, 16))):
            if not (exact / file).exists():
                continue
            want, got = precision.run(exact / file, key, feeds), precision.run(small / file, key, feeds)
            twice = check.session(small / file).run(None, {key: np.concatenate([feeds[0]] * 3)})[0]
            proto = onnx.load(small / file)
            found[tower] = {
                "cosine": float(check.cosines(got, want).min()),
                "size": (small / file).stat().st_size / (exact / file).stat().st_size,
                "batch": float(np.abs(twice - got[0]).max() / np.abs(got[0]).max()),
                "domains": sorted({node.domain for node in proto.graph.node}),
                "input": proto.graph.input[0].type.tensor_type.elem_type, "output": proto.graph.output[0].type.tensor_type.elem_type,
            }
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
