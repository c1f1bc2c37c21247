"""Feature maps of the early blocks, computed once: what the frozen part of the image tower sees.

The early blocks stay as ImageNet made them, so their output need not be computed
again each epoch. A window of a map stands for a crop of the picture.
"""

import numpy as np
import onnxruntime
import torch
from PIL import Image

import augment
import graph
import pictures

# The first block that is tuned; a map has 112 channels and a sixteenth of the picture's side.
FIRST_TUNED = 11
# Side in pixels of each cached view: the picture as it is, then changed views of it.
PLAIN, CHANGED = 336, 256


def late(tower, maps):
    """Maps of the early blocks to the pooled 1280 features."""
    x = maps
    for block in tower.blocks[FIRST_TUNED:]:
        x = block(x)
    return tower.head(x).mean((2, 3))


def maps(tower, shots, changed, seed, batch=8):
    """A list of float16 [n, 112, side, side]: the plain view, then `changed` changed ones."""
    random = np.random.default_rng(seed)
    tower.eval()
    plain, other = session(tower, PLAIN), session(tower, CHANGED)
    views = [(plain, lambda pixels: pictures.square(Image.fromarray(pixels), PLAIN))]
    views += [(other, lambda pixels: augment.view(pixels, CHANGED, random))] * changed
    cached = []
    for runner, view in views:
        rows = []
        for at in range(0, len(shots), batch):
            pixels = pictures.tensor(np.stack([view(shot.pixels) for shot in shots[at:at + batch]]))
            rows.append(torch.from_numpy(runner.run(None, {"pixels": pixels})[0]).half())
        cached.append(torch.cat(rows))
    return cached


def session(tower, size):
    """The early blocks in ONNX Runtime, which is several times quicker at them than PyTorch."""
    model = graph.early_graph(tower, size, FIRST_TUNED)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])


def window(cached, numbers, random, least):
    """The same random window of some maps, as float32: a crop of at least that share of the side."""
    side = cached.shape[-1]
    wide = int(random.integers(int(np.ceil(least * side)), side + 1))
    left, top = random.integers(0, side - wide + 1, 2)
    some = cached[numbers][:, :, top:top + wide, left:left + wide].float()
    return some.contiguous(memory_format=torch.channels_last)  # twice as quick on a processor
