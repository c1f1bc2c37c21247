"""TIFF files for parity.py: every layout that Pillow reads. Each is (name, bytes), or (name, bytes, twin) where Pillow
misreads or refuses what the format allows; twin is then the same picture as a file that Pillow reads."""

import struct

import numpy as np
from PIL import Image, TiffImagePlugin

import parity
import tiffwriter as tiff

COLOURS = [int(v) for v in np.random.default_rng(61).integers(0, 1 << 16, 3 * 256)]


def samples(width, height, channels, bits, seed=60, kind=tiff.UNSIGNED):
    """A scene as numbers [height, width, channels] that are near 0 to 255 where Pillow clips them to that."""
    scene = parity.scene(width, height, channels, seed).astype(np.int64)
    if kind == tiff.FLOAT:
        return (scene * 1.17 - 20.3).astype(np.float32)
    if kind == tiff.SIGNED and bits > 8 or bits == 32:
        return scene * 2 - 120
    if bits == 12 or bits == 16 and channels == 1:
        return scene + scene // 3
    if bits == 16:
        return np.clip(scene * 257 + np.random.default_rng(seed).integers(-128, 128, scene.shape), 0, 65535)
    return scene >> (8 - bits)


# name: photometric interpretation, bits, channels and options.
LAYOUTS = {
    "1": (tiff.GREY, 1, 1, {}),
    "1-inverted": (tiff.GREY_INVERTED, 1, 1, {}),
    "L": (tiff.GREY, 8, 1, {}),
    "L-inverted": (tiff.GREY_INVERTED, 8, 1, {}),
    "L-signed": (tiff.GREY, 8, 1, {"kind": tiff.SIGNED}),
    "L2": (tiff.GREY, 2, 1, {}),
    "L2-inverted": (tiff.GREY_INVERTED, 2, 1, {}),
    "L4": (tiff.GREY, 4, 1, {}),
    "L4-inverted": (tiff.GREY_INVERTED, 4, 1, {}),
    "I16": (tiff.GREY, 16, 1, {}),
    "S16": (tiff.GREY, 16, 1, {"kind": tiff.SIGNED}),
    "S32": (tiff.GREY, 32, 1, {"kind": tiff.SIGNED}),
    "F": (tiff.GREY, 32, 1, {"kind": tiff.FLOAT}),
    "F-inverted": (tiff.GREY_INVERTED, 32, 1, {"kind": tiff.FLOAT}),
    "LX": (tiff.GREY, 8, 2, {"extra": (0,)}),
    "LA": (tiff.GREY, 8, 2, {"extra": (2,)}),
    "RGB": (tiff.RGB, 8, 3, {}),
    "RGBA-unmarked": (tiff.RGB, 8, 4, {}),
    "RGBX": (tiff.RGB, 8, 4, {"extra": (0,)}),
    "RGBA": (tiff.RGB, 8, 4, {"extra": (2,)}),
    "RGBa": (tiff.RGB, 8, 4, {"extra": (1,)}),
    "RGBA-corel": (tiff.RGB, 8, 4, {"extra": (999,)}),
    "RGBXX": (tiff.RGB, 8, 5, {"extra": (0, 0)}),
    "RGBAX": (tiff.RGB, 8, 5, {"extra": (2, 0)}),
    "RGBaXX": (tiff.RGB, 8, 6, {"extra": (1, 0, 0)}),
    "RGB16": (tiff.RGB, 16, 3, {}),
    "RGBX16": (tiff.RGB, 16, 4, {"extra": (0,)}),
    "RGBA16": (tiff.RGB, 16, 4, {"extra": (2,)}),
    "RGBa16": (tiff.RGB, 16, 4, {"extra": (1,)}),
    "P": (tiff.PALETTE, 8, 1, {"colours": COLOURS}),
    "P4": (tiff.PALETTE, 4, 1, {"colours": COLOURS[:48]}),
    "P2": (tiff.PALETTE, 2, 1, {"colours": COLOURS[:12]}),
    "P1": (tiff.PALETTE, 1, 1, {"colours": COLOURS[:6]}),
    "PX": (tiff.PALETTE, 8, 2, {"extra": (0,), "colours": COLOURS}),
    "CMYK": (tiff.CMYK, 8, 4, {}),
    "CMYKX": (tiff.CMYK, 8, 5, {"extra": (0,)}),
    "CMYK16": (tiff.CMYK, 16, 4, {}),
}
LITTLE_ENDIAN_ONLY = {
    "I12": (tiff.GREY, 12, 1, {}),
    "I16-inverted": (tiff.GREY_INVERTED, 16, 1, {}),
    "U32": (tiff.GREY, 32, 1, {}),
}
COMPRESSIONS = {"none": tiff.NONE, "lzw": tiff.LZW, "deflate": tiff.DEFLATE, "packbits": tiff.PACKBITS, "old-deflate": tiff.OLD_DEFLATE}


def draw(layout, width, height, **options):
    photometric, bits, channels, own = {**LAYOUTS, **LITTLE_ENDIAN_ONLY}[layout]
    kind = own.get("kind", tiff.UNSIGNED)
    return tiff.encode(samples(width, height, channels, bits, kind=kind), photometric, bits, **{**own, **options})


def as_twin(layout, order, compressed):
    """Whether Pillow gets the byte order wrong: it filters big endian numbers of 16 bits as if they were little endian,
    and swaps the bytes of wider ones again after libtiff has."""
    return order == ">" and (layout == "I16" or compressed and layout in ("S16", "S32", "F", "F-inverted"))


def layouts():
    """Every layout in both byte orders, as strips and as tiles, each with some compression."""
    kinds = list(COMPRESSIONS.items())
    for number, layout in enumerate([*LAYOUTS, *LITTLE_ENDIAN_ONLY]):
        kind, compression = kinds[1 + number % (len(kinds) - 1)]
        plain = draw(layout, 83, 61)
        for order in "<>":
            name = f"tiff-{layout}-{'little' if order == '<' else 'big'}"
            unknown = order == ">" and layout in LITTLE_ENDIAN_ONLY
            for shape, options in (("strips", {"rows": 13}), ("tiles", {"tile": (32, 16)})):
                for packing, compressed in (("none", {}), (kind, {"compression": compression})):
                    twin = [plain] if unknown or as_twin(layout, order, compressed) else []
                    yield f"{name}-{shape}-{packing}", draw(layout, 83, 61, order=order, **options, **compressed), *twin
            # Pillow takes a BigTIFF of big endian order for a small TIFF
            yield f"{name}-bigtiff", draw(layout, 83, 61, order=order, rows=4, big=True), *([plain] if order == ">" else [])


def compressions():
    for kind, compression in COMPRESSIONS.items():
        for layout in ("L", "RGB", "RGBA16", "P", "1"):
            yield f"tiff-{layout}-{kind}-one-strip", draw(layout, 203, 151, compression=compression)
    for layout in ("L", "RGB", "RGBA", "RGB16", "I16", "CMYK16", "LA"):
        for order in "<>":
            for kind in ("lzw", "deflate"):
                name = f"tiff-{layout}-{kind}-predictor-{'little' if order == '<' else 'big'}"
                twin = [draw(layout, 83, 61)] if as_twin(layout, order, True) else []
                for shape, options in (("strips", {"rows": 9}), ("tiles", {"tile": (16, 32)})):
                    yield f"{name}-{shape}", draw(layout, 83, 61, order=order, compression=COMPRESSIONS[kind], predictor=2, **options), *twin
    for layout in ("S16", "S32", "F", "U32"):
        yield f"tiff-{layout}-predictor", draw(layout, 83, 61, rows=9, compression=tiff.LZW, predictor=2)
    yield "tiff-F-float-predictor", draw("F", 83, 61, rows=9, compression=tiff.DEFLATE, predictor=3)
    yield "tiff-F-float-predictor-big", draw("F", 83, 61, order=">", rows=9, compression=tiff.DEFLATE, predictor=3), draw("F", 83, 61)


def planes():
    """Channels apart. Without compression Pillow misreads or refuses most, and where alpha is not marked it takes it for
    premultiplied or counts a channel too few."""
    for layout in ("RGB", "RGBX", "RGBA", "RGBA-unmarked", "RGBa", "RGB16", "RGBA16", "RGBa16", "RGBX16", "RGBAX", "CMYK", "CMYK16", "LA", "LX", "PX", "L", "L-inverted", "L4", "I16", "S32"):
        together = draw(layout, 83, 61)
        for order in "<>":
            for kind, predictor in (("none", 1), ("lzw", 2 if layout != "L4" else 1), ("deflate", 1)):
                right = layout in ("RGB", "RGBA", "CMYK", "L") or kind != "none" and layout not in ("RGBA-unmarked", "RGBAX", "LA")
                twin = [] if right and not as_twin(layout, order, kind != "none") else [together]
                for shape, options in (("strips", {"rows": 13}), ("tiles", {"tile": (48, 32)})):
                    data = draw(layout, 83, 61, planar=2, order=order, compression=COMPRESSIONS[kind], predictor=predictor, **options)
                    yield f"tiff-{layout}-planes-{kind}-{'little' if order == '<' else 'big'}-{shape}", data, *twin


def reversed_bits():
    for layout in ("1", "1-inverted", "L", "L-inverted", "L2", "L4-inverted", "P", "P4", "P1", "RGB"):
        for kind in ("none", "lzw", "packbits"):
            twin = [draw(layout, 83, 61)] if kind == "none" and layout in ("L-inverted", "P4", "P1") else []  # Pillow lacks these
            yield f"tiff-{layout}-{kind}-reversed", draw(layout, 83, 61, rows=13, fill=2, compression=COMPRESSIONS[kind]), *twin
    yield "tiff-I16-reversed", draw("I16", 83, 61, rows=13, fill=2)


def with_pillow():
    """What Pillow writes by itself and by libtiff."""
    bilevel = parity.image("L", 397, 203, 62).convert("1")
    sparse = parity.image("L", 3001, 40, 63).point(lambda v: 255 * (v > 245)).convert("1")
    for compression in ("tiff_ccitt", "group3", "group4", "packbits", "tiff_lzw", "tiff_adobe_deflate", "zstd"):
        for name, picture in (("", bilevel), ("-sparse", sparse), ("-blank", Image.new("1", (2700, 9), 255)), ("-black", Image.new("1", (2700, 9)))):
            yield f"tiff-pillow-1-{compression}{name}", parity.saved(picture, "TIFF", compression=compression)
            fill = TiffImagePlugin.ImageFileDirectory_v2()
            fill[266], fill[262] = 2, 0
            yield f"tiff-pillow-1-{compression}{name}-reversed", parity.saved(picture, "TIFF", compression=compression, tiffinfo=fill)
    for options in (1, 4, 5):
        info = TiffImagePlugin.ImageFileDirectory_v2()
        info[292] = options
        yield f"tiff-group3-options-{options}", parity.saved(bilevel, "TIFF", compression="group3", tiffinfo=info)
        yield f"tiff-group3-options-{options}-sparse", parity.saved(sparse, "TIFF", compression="group3", tiffinfo=info)
    for mode in ("L", "LA", "RGB", "RGBA", "CMYK"):
        for compression in (None, "packbits", "tiff_lzw", "tiff_adobe_deflate", "tiff_deflate", "zstd"):
            yield f"tiff-pillow-{mode}-{compression}", parity.saved(parity.image(mode, 231, 149, 64), "TIFF", compression=compression)
    for mode in ("I", "F", "I;16"):
        numbers = samples(101, 77, 1, 32)[..., 0]
        yield f"tiff-pillow-{mode}", parity.saved(Image.fromarray(np.clip(numbers, 0, 999).astype({"I": "i4", "F": "f4", "I;16": "u2"}[mode])), "TIFF")
    yield "tiff-pillow-P", parity.saved(parity.image("RGB", 231, 149, 64).quantize(77), "TIFF", compression="tiff_lzw")
    yield "tiff-pillow-frames", parity.saved(parity.image("RGB", 60, 50, 65), "TIFF", save_all=True, append_images=[parity.image("RGB", 90, 20, 66)])
    for width, height in ((1, 1), (1, 300), (300, 1), (7, 5), (500, 333), (640, 480)):
        yield f"tiff-pillow-{width}x{height}", parity.saved(parity.image("RGB", width, height, 67), "TIFF", compression="tiff_lzw")


def jpegs():
    for mode in ("L", "RGB", "CMYK"):
        for quality in (40, 90):
            yield f"tiff-pillow-jpeg-{mode}-{quality}", parity.saved(parity.image(mode, 231, 149, 68), "TIFF", compression="jpeg", quality=quality)
    for strips in (32, 149):
        yield f"tiff-pillow-jpeg-{strips}", parity.saved(parity.image("RGB", 231, 149, 68), "TIFF", compression="jpeg", strip_size=231 * 3 * strips)
    for layout, photometric, channels in (("L", tiff.GREY, 1), ("RGB", tiff.RGB, 3), ("CMYK", tiff.CMYK, 4), ("YCbCr", tiff.YCBCR, 3)):
        pixels = samples(150, 110, channels, 8, seed=69)
        options = {"keep_rgb": True} if layout == "RGB" else {}
        subsampled = ("", "-420") if layout == "YCbCr" else ("",)
        for suffix in subsampled:
            if layout == "YCbCr":
                options["subsampling"] = 2 if suffix else 0
            tags = {530: ("H", [2, 2] if suffix else [1, 1])} if layout == "YCbCr" else {}
            for shape in ({"rows": 32}, {"tile": (64, 48)}):
                name = f"tiff-jpeg-{layout}{suffix}-{'tiles' if 'tile' in shape else 'strips'}"
                pieces = [tiff.jpeg_segment(part, **options) for part in tiff.parts(pixels, shape.get("rows"), shape.get("tile"), 1)]
                yield name, tiff.encode(pixels, photometric, 8, compression=tiff.JPEG, pieces=pieces, tags=tags, **shape)
                split = [tiff.split_jpeg(piece) for piece in pieces]
                tables = {**tags, 347: (7, split[0][0])}
                yield f"{name}-tables", tiff.encode(pixels, photometric, 8, compression=tiff.JPEG, pieces=[rest for _, rest in split], tags=tables, **shape)
    pixels = samples(150, 110, 3, 8, seed=69)
    pieces = [tiff.jpeg_segment(part) for part in tiff.parts(pixels, 32, None, 2)]
    yield "tiff-jpeg-RGB-planes", tiff.encode(pixels, tiff.RGB, 8, compression=tiff.JPEG, pieces=pieces, planar=2, rows=32)


def turned():
    for orientation in range(1, 9):
        tag = {274: ("H", [orientation])}
        for layout, options in (("RGB", {}), ("P", {"compression": tiff.LZW}), ("I16", {"order": ">"}), ("F", {}), ("RGBa", {"tile": (32, 16)})):
            twin = [draw(layout, 83, 61, tags=tag)] if layout == "I16" else []
            yield f"tiff-turned-{layout}-{orientation}", draw(layout, 83, 61, tags=tag, **options), *twin
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    yield "tiff-turned-xmp", draw("RGB", 83, 61, tags={700: (1, xmp)})
    yield "tiff-turned-big", draw("RGB", 83, 61, tags={274: ("H", [8])}, big=True)


def oddities():
    yield "tiff-bits-once", draw("RGB", 83, 61, tags={258: ("H", [8])})
    yield "tiff-rows-beyond", draw("RGB", 83, 61, tags={278: ("I", [(1 << 32) - 1])})
    whole = draw("L", 83, 61, rows=61)
    at = whole.rindex(struct.pack("<HHI", 279, 4, 1))
    yield "tiff-wrong-size", whole[: at + 8] + struct.pack("<I", 5) + whole[at + 12 :]
    grey = samples(83, 61, 2, 8)
    value, alpha = grey[..., 0], grey[..., 1]
    divided = np.where(alpha > 0, np.minimum(255 * value // np.maximum(alpha, 1), 255), 0)
    unmultiplied = tiff.encode(np.stack([divided, alpha], 2), tiff.GREY, 8, extra=(2,))
    yield "tiff-La", tiff.encode(grey, tiff.GREY, 8, extra=(1,)), unmultiplied  # Pillow opens it and cannot make RGB of it
    yield "tiff-odd-magic", b"II\0*" + whole[4:]
    wide = samples(41, 33, 1, 32, kind=tiff.FLOAT)
    wide[3:6, 4:9] = np.nan
    wide[10:12] = 1e30
    wide[20:22] = -np.inf
    yield "tiff-F-odd-numbers", tiff.encode(wide, tiff.GREY, 32, kind=tiff.FLOAT)
    numbers = samples(41, 33, 1, 32)
    numbers[3:6, 4:9], numbers[20:22] = (1 << 31) - 1, -(1 << 31)
    yield "tiff-I-odd-numbers", tiff.encode(numbers, tiff.GREY, 32, kind=tiff.SIGNED)


def files():
    for source in (layouts, compressions, planes, reversed_bits, with_pillow, jpegs, turned, oddities):
        yield from source()
