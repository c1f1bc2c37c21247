"""The reference preparation, with Pillow: what torchvision's Resize, CenterCrop, ToTensor and Normalize do to a PIL image.

torchvision is not needed: its transforms of a PIL image are Image.resize, Image.crop and float32 arithmetic, written down
here with its rounding. The three rules are those of the imageprep package: "shortest" (openai/CLIP), "shortest-rgb"
(Hugging Face's CLIPImageProcessor) and "squash" (Chinese-CLIP, SigLIP).
"""

import io

import numpy as np
from PIL import Image, ImageOps

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def fit(image, size, rule, filter="bicubic"):
    """Resize and crop a PIL image to size x size RGB by a rule."""
    resampling = Image.Resampling[filter.upper()]
    if rule == "squash":
        return image.resize((size, size), resampling).convert("RGB")
    if rule == "shortest-rgb":
        image = image.convert("RGB")
    width, height = image.size
    short, long = min(width, height), max(width, height)
    new_long = int(size * long / short)
    target = (size, new_long) if width <= height else (new_long, size)
    image = image.resize(target, resampling)
    width, height = image.size
    if rule == "shortest":
        left, top = int(round((width - size) / 2.0)), int(round((height - size) / 2.0))
    else:
        left, top = (width - size) // 2, (height - size) // 2
    return image.crop((left, top, left + size, top + size)).convert("RGB")


def load(data):
    """Open the bytes of a picture file and turn it upright."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return ImageOps.exif_transpose(image)


def pixels(data, size, rule, filter="bicubic"):
    """uint8 [size, size, 3]."""
    return np.asarray(fit(load(data), size, rule, filter))


def tensor(rgb):
    """float32 [3, size, size] as ToTensor and Normalize make it."""
    scaled = rgb.transpose(2, 0, 1).astype(np.float32) / np.float32(255)
    mean = np.array(MEAN, np.float32)[:, None, None]
    std = np.array(STD, np.float32)[:, None, None]
    return (scaled - mean) / std
