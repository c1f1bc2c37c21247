"""Makes pictures of every kind and prepares them the reference way.

    parity.py OUT

writes OUT/cases.json, a list of {"name", "file", "size", "rule", "filter", "pixels"}: the picture's file, the preparation, and the
file of the reference's pixels (uint8 [size, size, 3]). One tensor is written too, as OUT/tensor.f32 for the case that
"tensor" marks.
"""

import io
import json
import pathlib
import struct
import sys

import numpy as np
from PIL import Image

import pngwriter
import reference
import tiffs

PREPARATIONS = (
    (336, "shortest", "bicubic"),
    (64, "shortest", "bicubic"),
    (112, "shortest-rgb", "bicubic"),
    (96, "squash", "bicubic"),
    (80, "shortest", "bilinear"),
    (72, "squash", "bilinear"),
)
TAG_ORIENTATION = 0x0112


def scene(width, height, channels, seed):
    """A picture with gradients, edges and noise: uint8 [height, width, channels]."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = []
    for c in range(channels):
        wave = np.sin(x / (7 + 3 * c) + seed) * np.cos(y / (11 - c)) * 60 + (x * (c + 1) / max(width, 1)) * 90 + 60
        wave += np.where((x // 9 + y // 13 + c) % 2 > 0, 50, -20) + rng.normal(0, 12, (height, width))
        planes.append(np.clip(wave, 0, 255))
    return np.stack(planes, 2).astype(np.uint8)


def image(mode, width, height, seed):
    channels = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4, "CMYK": 4}[mode]
    pixels = scene(width, height, channels, seed)
    if mode in ("LA", "RGBA"):  # all of alpha's range, with fully clear and fully opaque areas
        alpha = np.clip(pixels[..., -1].astype(int) * 2 - 120, 0, 255)
        pixels[..., -1] = alpha
    return Image.frombytes(mode, (width, height), pixels.tobytes())


def saved(picture, fmt, **options):
    out = io.BytesIO()
    picture.save(out, fmt, **options)
    return out.getvalue()


def resampled(jpeg, sampling, width, height):
    """Gives a JPEG's first channel other sampling factors and the file another size with as many blocks: 4:4:0 and the
    like, which Pillow does not write."""
    data = bytearray(jpeg)
    at = data.index(b"\xff\xc0")
    struct.pack_into(">HH", data, at + 5, height, width)
    data[at + 11] = sampling
    return bytes(data)


def jpegs():
    for name, options in (
        ("444", {"subsampling": 0}),
        ("422", {"subsampling": 1}),
        ("420", {"subsampling": 2}),
        ("420-low", {"subsampling": 2, "quality": 8}),
        ("420-high", {"subsampling": 2, "quality": 97}),
        ("progressive", {"progressive": True}),
        ("progressive-422", {"progressive": True, "subsampling": 1, "quality": 30}),
        ("optimized", {"optimize": True}),
        ("restarts", {"restart_marker_rows": 1}),
        ("stored-rgb", {"keep_rgb": True}),
    ):
        yield f"jpeg-{name}", saved(image("RGB", 451, 333, 1), "JPEG", **options)
    for width, height in ((640, 480), (480, 640), (333, 451), (1, 1), (1, 300), (300, 1), (7, 5), (17, 33), (336, 336), (64, 336), (350, 336), (121, 900), (900, 120), (1000, 1003)):
        yield f"jpeg-{width}x{height}", saved(image("RGB", width, height, 2), "JPEG", quality=85)
    yield "jpeg-grey", saved(image("L", 410, 290, 3), "JPEG")
    yield "jpeg-grey-progressive", saved(image("L", 290, 410, 3), "JPEG", progressive=True)
    cmyk = saved(image("CMYK", 310, 270, 4), "JPEG", quality=90)
    yield "jpeg-cmyk", cmyk
    adobe = cmyk.index(b"Adobe")
    yield "jpeg-ycck", cmyk[: adobe + 11] + b"\x02" + cmyk[adobe + 12 :]
    yield "jpeg-cmyk-no-adobe", cmyk[: adobe - 4] + cmyk[adobe + 12 :]
    h2v1 = saved(image("RGB", 320, 240, 5), "JPEG", subsampling=1)
    yield "jpeg-440", resampled(h2v1, 0x12, 160, 480)
    h2v2 = saved(image("RGB", 320, 240, 6), "JPEG", subsampling=2)
    yield "jpeg-411", resampled(h2v2, 0x41, 640, 120)
    yield "jpeg-441", resampled(h2v2, 0x14, 160, 480)
    trailing = saved(image("RGB", 200, 150, 7), "JPEG")
    yield "jpeg-trailing-bytes", trailing + b"after the end"
    yield "jpeg-comment", saved(image("RGB", 200, 150, 7), "JPEG", comment=b"x" * 3000)


def pngs():
    rng = np.random.default_rng(8)
    for color, depth in ((0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8), (4, 8), (4, 16), (6, 8), (6, 16)):
        channels = pngwriter.SAMPLES[color]
        palette = b""
        if color == 3:
            palette = pngwriter.chunk(b"PLTE", rng.integers(0, 256, 3 * 2**depth, dtype=np.uint8).tobytes())
        for width, height in ((121, 83), (83, 97), (3, 2)):
            samples = scene(width, height, channels, depth).astype(int)
            samples = samples * 257 if depth == 16 else samples >> (8 - depth)
            if depth == 16:
                samples = np.clip(samples + rng.integers(-128, 128, samples.shape), 0, 65535)
            for interlaced in (False, True):
                name = f"png-{color}-{depth}-{width}x{height}" + ("-interlaced" if interlaced else "")
                yield name, pngwriter.encode(samples, color, depth, interlaced, palette, parts=1 + width % 3)
    dark = (scene(90, 70, 1, 9).astype(int) + rng.integers(0, 40, (70, 90, 1))) % 300
    yield "png-16-bit-near-255", pngwriter.encode(dark, 0, 16)
    indexed = image("RGB", 150, 111, 10).quantize(64)
    yield "png-palette", saved(indexed, "PNG")
    yield "png-palette-clear-colour", saved(indexed, "PNG", transparency=3)
    yield "png-palette-alpha", saved(indexed, "PNG", transparency=bytes(range(0, 256, 4)))
    yield "png-grey-clear-value", saved(image("L", 150, 111, 11), "PNG", transparency=128)
    yield "png-rgb-clear-colour", saved(image("RGB", 150, 111, 12), "PNG", transparency=(1, 2, 3))
    yield "png-short-palette", pngwriter.encode(scene(40, 30, 1, 13).astype(int), 3, 8, before=pngwriter.chunk(b"PLTE", bytes(range(90))))
    yield "png-without-end", saved(image("RGB", 60, 50, 14), "PNG")[:-12]
    for mode in ("L", "LA", "RGB", "RGBA"):
        for width, height in ((401, 300), (300, 401), (336, 336), (1, 90), (90, 1), (60, 700)):
            yield f"png-{mode}-{width}x{height}", saved(image(mode, width, height, 15), "PNG", compress_level=1)
    for number in range(60):  # sizes at random, for the choice of the first pass and for nearest neighbour's steps
        width, height = (int(v) for v in rng.integers(1, 700, 2))
        picture = image("L", width, height, number)
        yield f"png-random-{width}x{height}", saved(picture if number % 3 else picture.convert("P"), "PNG", compress_level=1)


def webps():
    for mode in ("RGB", "RGBA"):
        picture = image(mode, 403, 301, 16)
        yield f"webp-{mode}-lossy", saved(picture, "WEBP", quality=70)
        yield f"webp-{mode}-lossless", saved(picture, "WEBP", lossless=True)
        yield f"webp-{mode}-small", saved(image(mode, 5, 9, 17), "WEBP")
        frames = [image(mode, 200, 160, s) for s in (18, 19, 20)]
        yield f"webp-{mode}-animated", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], duration=40)
        yield f"webp-{mode}-animated-lossless", saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    clear = Image.new("RGBA", (200, 160), (0, 0, 0, 0))
    clear.paste(image("RGBA", 80, 60, 21), (60, 50))
    yield "webp-animated-part-of-canvas", saved(clear, "WEBP", save_all=True, append_images=[image("RGBA", 200, 160, 22)], lossless=True)
    yield "webp-low-alpha", saved(image("RGBA", 120, 170, 23), "WEBP", quality=20, alpha_quality=10)


def gifs():
    for width, height in ((403, 301), (300, 401), (336, 336), (3, 2), (1, 90)):
        picture = image("RGB", width, height, 40)
        for colours in (2, 16, 200):
            yield f"gif-{colours}-{width}x{height}", saved(picture.quantize(colours), "GIF")
        yield f"gif-interlaced-{width}x{height}", saved(picture.quantize(64), "GIF", interlace=True)
        yield f"gif-flat-{width}x{height}", saved(picture.quantize(64), "GIF", interlace=False)
        yield f"gif-grey-{width}x{height}", saved(image("L", width, height, 41), "GIF")
        yield f"gif-clear-{width}x{height}", saved(picture.quantize(64), "GIF", transparency=5)
    frames = [image("RGB", 200, 160, s) for s in (42, 43, 44)]
    yield "gif-animated", saved(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=40, loop=0, comment=b"a" * 700)
    for name, options in (("", {}), ("-clear", {"transparency": 3})):
        data = bytearray(saved(image("RGB", 60, 40, 45).quantize(32), "GIF", **options))
        data[6:10] = struct.pack("<HH", 90, 70)  # a larger screen
        at = data.index(b",", 13 + 3 * 32)
        data[at + 1 : at + 5] = struct.pack("<HH", 7, 11)
        yield f"gif-part-of-screen{name}", bytes(data)
        data[6:10] = struct.pack("<HH", 20, 20)  # a smaller one
        yield f"gif-beyond-screen{name}", bytes(data)
    own = saved(image("RGB", 60, 40, 46).quantize(4), "GIF")
    yield "gif-trailing-bytes", own + b"after the end"


def bmp(samples, bits, header=40, masks=(), palette=b"", top_down=False):
    """A BMP of samples [height, width], each the whole pixel as a number."""
    height, width = samples.shape
    stride = (width * bits + 31) // 32 * 4
    rows = b""
    for line in samples if top_down else samples[::-1]:
        if bits >= 8:
            row = b"".join(int(v).to_bytes(bits // 8, "little") for v in line)
        else:
            packed = np.unpackbits(line.astype(np.uint8)[:, None], axis=1)[:, 8 - bits :].reshape(-1)
            row = np.packbits(packed).tobytes()
        rows += row.ljust(stride, b"\0")
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits, 3 if masks else 0, len(rows), 0, 0, 0, 0)
        info += b"".join(struct.pack("<I", m) for m in masks)
        info = info.ljust(header, b"\0")
    offset = 14 + len(info) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + palette + rows


def bmps():
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        for width, height in ((403, 301), (300, 401), (7, 5), (33, 2)):
            picture = image(mode if mode in ("L", "RGB", "RGBA") else "RGB", width, height, 50)
            yield f"bmp-{mode}-{width}x{height}", saved(picture.convert(mode), "BMP")
    rng = np.random.default_rng(51)
    words = rng.integers(0, 1 << 16, (31, 45))
    yield "bmp-16", bmp(words, 16)
    yield "bmp-16-565", bmp(words, 16, masks=(0xF800, 0x7E0, 0x1F))
    yield "bmp-16-555-top-down", bmp(words, 16, masks=(0x7C00, 0x3E0, 0x1F), top_down=True)
    longs = rng.integers(0, 1 << 32, (31, 45))
    yield "bmp-32", bmp(longs, 32)
    for name, masks in (("bgra", (0xFF0000, 0xFF00, 0xFF, 0xFF000000)), ("rgba", (0xFF, 0xFF00, 0xFF0000, 0xFF000000)), ("abgr", (0xFF000000, 0xFF0000, 0xFF00, 0xFF)), ("bgr", (0xFF0000, 0xFF00, 0xFF, 0))):
        for header in (56, 108, 124):
            yield f"bmp-32-{name}-{header}", bmp(longs, 32, header=header, masks=masks)
    yield "bmp-32-three-masks", bmp(longs, 32, masks=(0xFF0000, 0xFF00, 0xFF))
    yield "bmp-24-top-down", bmp(rng.integers(0, 1 << 24, (31, 45)), 24, top_down=True)
    for bits in (1, 4, 8):
        colours = rng.integers(0, 256, 4 << bits, dtype=np.uint8).tobytes()
        yield f"bmp-palette-{bits}", bmp(rng.integers(0, 1 << bits, (31, 45)), bits, palette=colours)
        yield f"bmp-old-{bits}", bmp(rng.integers(0, 1 << bits, (31, 45)), bits, header=12, palette=colours[: 3 << bits])
    yield "bmp-old-24", bmp(rng.integers(0, 1 << 24, (31, 45)), 24, header=12)


def turned():
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[TAG_ORIENTATION] = orientation
        yield f"turned-jpeg-{orientation}", saved(image("RGB", 230, 171, 24), "JPEG", exif=exif)
        yield f"turned-jpeg-tall-{orientation}", saved(image("RGB", 60, 400, 25), "JPEG", exif=exif)
        yield f"turned-png-rgba-{orientation}", saved(image("RGBA", 131, 97, 26), "PNG", exif=exif)
        yield f"turned-png-palette-{orientation}", saved(image("RGB", 131, 97, 27).quantize(32), "PNG", exif=exif)
        grey16 = scene(71, 53, 1, 28).astype(int) * 3
        yield f"turned-png-16-bit-{orientation}", pngwriter.encode(grey16, 0, 16, before=pngwriter.chunk(b"eXIf", exif.tobytes()[6:]))
        yield f"turned-webp-{orientation}", saved(image("RGB", 120, 88, 29), "WEBP", exif=exif)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    yield "turned-xmp-jpeg", saved(image("RGB", 120, 88, 30), "JPEG", xmp=xmp)
    yield "turned-xmp-webp", saved(image("RGB", 120, 88, 30), "WEBP", xmp=xmp)
    itxt = b"XML:com.adobe.xmp\0\0\0\0\0" + xmp
    samples = scene(40, 30, 3, 31).astype(int)
    yield "turned-xmp-png", pngwriter.encode(samples, 2, 8, before=pngwriter.chunk(b"iTXt", itxt))
    exif = Image.Exif()
    exif[TAG_ORIENTATION] = 8
    block = exif.tobytes()
    profile = f"\nexif\n{len(block):8}\n{block.hex()}\n".encode()
    yield "turned-text-png", pngwriter.encode(samples, 2, 8, before=pngwriter.chunk(b"tEXt", b"Raw profile type exif\0" + profile))
    yield "turned-late-png", late_exif(samples, block[6:])
    for name, kind, value in (("byte", 1, b"\6\0\0\0"), ("long", 4, b"\6\0\0\0"), ("nine", 3, b"\t\0\0\0"), ("text", 2, b"6\0\0\0"), ("float", 11, struct.pack("<f", 6))):
        directory = b"II*\0\x08\0\0\0\x01\0" + struct.pack("<HHI", TAG_ORIENTATION, kind, 1) + value + b"\0\0\0\0"
        yield f"turned-type-{name}", saved(image("RGB", 60, 40, 32), "JPEG", exif=b"Exif\0\0" + directory)


def late_exif(samples, block):
    data = pngwriter.encode(samples, 2, 8)
    return data[:-12] + pngwriter.chunk(b"eXIf", block) + data[-12:]


def write(out, sources):
    """Writes the files of all sources, their reference pixels and cases.json; returns the cases."""
    cases = []
    for source in sources:
        for name, data, *twin in source():
            (out / name).write_bytes(data)
            for size, rule, filter in PREPARATIONS[1:] if source is tiffs.files else PREPARATIONS:
                pixels = f"{name}.{rule}-{filter}-{size}"
                (out / pixels).write_bytes(reference.pixels(*(twin or [data]), size, rule, filter).tobytes())
                cases.append({"name": name, "file": name, "size": size, "rule": rule, "filter": filter, "pixels": pixels})
    (out / "cases.json").write_text(json.dumps(cases))
    return cases


def main():
    out = pathlib.Path(sys.argv[1])
    cases = write(out, (jpegs, pngs, webps, gifs, bmps, turned, tiffs.files))
    marked = next(c for c in cases if c["name"] == "jpeg-640x480")
    rgb = np.frombuffer((out / marked["pixels"]).read_bytes(), np.uint8).reshape(marked["size"], marked["size"], 3)
    (out / "tensor.f32").write_bytes(reference.tensor(rgb).astype("<f4").tobytes())
    marked["tensor"] = "tensor.f32"
    (out / "cases.json").write_text(json.dumps(cases))


if __name__ == "__main__":
    main()
