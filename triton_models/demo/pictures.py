"""Pictures: CLIP's preparation of one, and the Grocery lists of a data folder."""

import pathlib

import numpy as np
from PIL import Image, ImageOps

SIZE = 336
MEAN = np.array((0.48145466, 0.4578275, 0.40821073), np.float32)
STD = np.array((0.26862954, 0.26130258, 0.27577711), np.float32)


def square(picture, size=SIZE):
    """openai/CLIP's Resize(BICUBIC) of the short side, centre crop and RGB: uint8 [size, size, 3]."""
    width, height = picture.size
    short = min(width, height)
    scaled = (int(size * width / short), int(size * height / short))
    if picture.size != scaled:
        picture = picture.resize(scaled, Image.Resampling.BICUBIC)
    left, top = round((scaled[0] - size) / 2), round((scaled[1] - size) / 2)
    return np.asarray(picture.crop((left, top, left + size, top + size)).convert("RGB"))


def tensor(pixels):
    """uint8 [..., h, w, 3] -> CLIP-normalized float32 [..., 3, h, w]."""
    scaled = (pixels.astype(np.float32) / 255 - MEAN) / STD
    return np.ascontiguousarray(np.moveaxis(scaled, -1, -3))


def load(path):
    """A picture file, upright, as the tensor the image tower takes."""
    with Image.open(path) as picture:
        return tensor(square(ImageOps.exif_transpose(picture)))


def listed(data, name):
    """(path, fine class number) for each line of a Grocery list such as train.txt."""
    data = pathlib.Path(data)
    for line in (data / name).read_text(encoding="utf-8").splitlines():
        if line.strip():
            path, fine, _coarse = (part.strip() for part in line.split(","))
            yield data / path, int(fine)
