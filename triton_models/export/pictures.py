"""Pictures: the reference preparation of one with Pillow, and a few that code draws for reference values."""

from __future__ import annotations

import io
import pathlib

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from model import ExportError, Model

FILTERS = {"bicubic": Image.Resampling.BICUBIC, "bilinear": Image.Resampling.BILINEAR}
ORIENTATION = 0x0112  # the EXIF tag
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")


def prepare(picture: Image.Image, model: Model) -> np.ndarray:
    """A picture, upright, as the model's float32 [3, size, size], in the order of steps that its card's rule names."""
    picture = ImageOps.exif_transpose(picture)
    if model.resize == "shortest-rgb":
        picture = picture.convert("RGB")
    size, (width, height) = model.size, picture.size
    if model.resize == "squash":
        scaled = (size, size)
    else:
        short = min(width, height)
        scaled = (int(size * width / short), int(size * height / short))
    if picture.size != scaled:
        picture = picture.resize(scaled, FILTERS[model.filter])
    spare = scaled[0] - size, scaled[1] - size
    if model.resize == "shortest-rgb":
        left, top = spare[0] // 2, spare[1] // 2
    else:
        left, top = round(spare[0] / 2), round(spare[1] / 2)
    square = np.asarray(picture.crop((left, top, left + size, top + size)).convert("RGB"), np.float32)
    scaled_pixels = (square / 255 - np.array(model.mean, np.float32)) / np.array(model.std, np.float32)
    return np.ascontiguousarray(scaled_pixels.transpose(2, 0, 1))


def scene(seed: int, width: int, height: int) -> Image.Image:
    """A picture of soft colours with discs, boxes and lines in front, the same on every machine."""
    draw = np.random.default_rng(seed)
    across, down = np.linspace(0, 1, width)[None], np.linspace(0, 1, height)[:, None]
    corners = draw.uniform(40, 220, (4, 3))
    ground = sum(weight[..., None] * corner for weight, corner in zip(
        ((1 - across) * (1 - down), across * (1 - down), (1 - across) * down, across * down), corners))
    picture = Image.fromarray(ground.astype(np.uint8))
    pen = ImageDraw.Draw(picture)
    for _ in range(14):
        x, y = draw.integers(0, width), draw.integers(0, height)
        wide, high = draw.integers(width // 16, width // 3), draw.integers(height // 16, height // 3)
        colour = tuple(int(value) for value in draw.integers(0, 256, 3))
        shape = (pen.ellipse, pen.rectangle)[int(draw.integers(2))]
        shape((int(x - wide // 2), int(y - high // 2), int(x + wide // 2), int(y + high // 2)), fill=colour)
    return picture


def drawn() -> dict[str, bytes]:
    """Picture files by name: three formats, wide and upright, larger and smaller than models take; one lies on its side."""
    turned = Image.Exif()
    turned[ORIENTATION] = 6
    plan = {
        "wide.png": (scene(1, 640, 431), {"format": "PNG", "optimize": True}),
        "upright.png": (scene(2, 173, 240), {"format": "PNG", "optimize": True}),
        "photo.jpg": (scene(3, 801, 600), {"format": "JPEG", "quality": 90}),
        "turned.jpg": (scene(4, 480, 360), {"format": "JPEG", "quality": 92, "exif": turned}),
        "square.webp": (scene(5, 400, 400), {"format": "WEBP", "lossless": True}),
    }
    files = {}
    for name, (picture, options) in plan.items():
        buffer = io.BytesIO()
        picture.save(buffer, **options)
        files[name] = buffer.getvalue()
    return files


def batch(folder: pathlib.Path | None, model: Model, most: int) -> np.ndarray:
    """Up to `most` pictures of a folder and those below it, or drawn ones, as float32 [n, 3, size, size]."""
    if folder is None:
        return np.stack([prepare(scene(100 + seed, 320 + 16 * (seed % 9), 320), model) for seed in range(most)])
    if not folder.is_dir():
        raise ExportError(f"{folder} is not a folder; --calibration names one with pictures like those that will be searched")
    prepared: list[np.ndarray] = []
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    for path in paths[:: max(1, len(paths) // most)]:
        try:
            with Image.open(path) as picture:
                prepared.append(prepare(picture, model))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue  # one broken picture among many is no reason to stop
        if len(prepared) == most:
            break
    if not prepared:
        raise ExportError(f"{folder} holds no picture that can be read")
    return np.stack(prepared)
