"""Training views of a picture: other crops, sides, light and sharpness, colours kept true."""

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter


def view(pixels, size, draw):
    """uint8 [h, w, 3] -> uint8 [size, size, 3], changed at random by the generator `draw`.

    Hue is hardly touched: red must stay red, for colour is what captions ask for.
    """
    picture = Image.fromarray(pixels)
    if draw.random() < 0.3:
        picture = picture.rotate(draw.uniform(-25, 25), Image.Resampling.BILINEAR,
                                 fillcolor=tuple(int(c) for c in pixels.mean((0, 1))))
    picture = picture.resize((size, size), Image.Resampling.BILINEAR, box=crop(picture.size, draw))
    if draw.random() < 0.5:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if draw.random() < 0.25:
        picture = picture.transpose(draw.choice([Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180,
                                                 Image.Transpose.ROTATE_270]))
    if draw.random() < 0.8:
        picture = ImageEnhance.Brightness(picture).enhance(draw.uniform(0.6, 1.4))
        picture = ImageEnhance.Contrast(picture).enhance(draw.uniform(0.7, 1.35))
        picture = ImageEnhance.Color(picture).enhance(draw.uniform(0.7, 1.35))
    if draw.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(draw.uniform(0.3, 1.4)))
    changed = np.asarray(picture)
    if draw.random() < 0.6:
        changed = light(changed, draw)
    if draw.random() < 0.25:
        changed = erase(changed, draw)
    return changed


def crop(size, draw):
    """A random box of 25 to 100 % of the area."""
    width, height = size
    area = draw.uniform(0.25, 1.0) * width * height
    ratio = np.exp(draw.uniform(np.log(3 / 4), np.log(4 / 3)))
    wide, high = min(width, (area * ratio) ** 0.5), min(height, (area / ratio) ** 0.5)
    left, top = draw.uniform(0, width - wide), draw.uniform(0, height - high)
    return left, top, left + wide, top + high


def light(pixels, draw):
    """White balance of a lamp (each channel up to 12 % off) and a gamma."""
    table = (np.arange(256) / 255) ** draw.uniform(0.75, 1.35)
    gains = draw.uniform(0.88, 1.12, 3)
    tables = np.clip(table[None] * gains[:, None] * 255, 0, 255).astype(np.uint8)
    return np.stack([tables[channel][pixels[..., channel]] for channel in range(3)], -1)


def erase(pixels, draw):
    """A grey rectangle in place of a part, as a price tag or a hand would cover it."""
    size = len(pixels)
    wide, high = draw.integers(size // 8, size // 3, 2)
    left, top = draw.integers(0, size - wide), draw.integers(0, size - high)
    changed = pixels.copy()
    changed[top:top + high, left:left + wide] = draw.integers(0, 256, 3)
    return changed
