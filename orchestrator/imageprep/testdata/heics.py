"""Makes HEIC files of every kind with pillow-heif and prepares them the reference way: heics.py OUT, which writes what
parity.py writes. The reference is pillow-heif, whose libheif is newer than the one of Debian 12.
"""

import io
import pathlib
import sys

import pillow_heif
from PIL import Image

import parity

pillow_heif.register_heif_opener()


def of_bits(bits, mode, width, height, seed, **options):
    """A file of 10 or 12 bits a channel; mode is "RGB" or "RGBA"."""
    samples = parity.scene(width, height, len(mode), seed).astype("<u2") * 257
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    out = io.BytesIO()
    pillow_heif.from_bytes(mode=f"{mode};16", size=(width, height), data=samples.tobytes()).save(out, **options)
    return out.getvalue()


def kinds():
    for full in (0, 1):
        span = "full" if full else "limited"
        for chroma in (420, 422, 444):
            for mode in ("RGB", "RGBA"):
                yield f"heic-{mode}-8-{chroma}-{span}", parity.saved(parity.image(mode, 211, 157, 70), "HEIF", chroma=chroma, full_range_flag=full)
                for bits in (10, 12):
                    yield f"heic-{mode}-{bits}-{chroma}-{span}", of_bits(bits, mode, 120, 90, 71, chroma=chroma, full_range_flag=full)
            for matrix in (1, 2, 4, 5, 6, 7, 9, 12):
                data = parity.saved(parity.image("RGB", 120, 90, 72), "HEIF", chroma=chroma, full_range_flag=full, matrix_coefficients=matrix)
                yield f"heic-RGB-8-{chroma}-{span}-matrix-{matrix}", data
    for mode in ("L", "LA"):
        yield f"heic-{mode}", parity.saved(parity.image(mode, 211, 157, 73), "HEIF")
    yield "heic-420-full-grid", parity.saved(parity.image("RGB", 700, 530, 74), "HEIF", tile_size=256)
    yield "heic-422-grid-alpha", parity.saved(parity.image("RGBA", 300, 200, 75), "HEIF", tile_size=64, chroma=422)
    for width, height in ((64, 64), (65, 63), (301, 401), (17, 300), (520, 131)):
        yield f"heic-444-{width}x{height}", parity.saved(parity.image("RGB", width, height, 76), "HEIF", chroma=444)
        yield f"heic-420-full-{width}x{height}", parity.saved(parity.image("RGB", width, height, 76), "HEIF")
    many = pillow_heif.HeifFile()
    for seed in (77, 78, 79):
        many.add_from_pillow(parity.image("RGB", 120, 90, seed))
    out = io.BytesIO()
    many.save(out, primary_index=1, chroma=444)
    yield "heic-444-second-is-primary", out.getvalue()


def turned():
    picture = parity.image("RGB", 120, 88, 80)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[parity.TAG_ORIENTATION] = orientation
        exif[0x8769] = {0x9003: "2024:05:17 18:30:05"}
        yield f"heic-444-turned-{orientation}", parity.saved(picture, "HEIF", exif=exif.tobytes(), chroma=444)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    yield "heic-444-turned-xmp", parity.saved(picture, "HEIF", xmp=xmp, chroma=444)
    # EXIF that says another orientation than the boxes does not count
    exif = Image.Exif()
    exif[0x0113] = 6
    data = parity.saved(picture, "HEIF", exif=exif.tobytes(), chroma=444)
    at = data.index(b"\x01\x13")
    yield "heic-444-exif-against-boxes", data[:at] + b"\x01\x12" + data[at + 2 :]


if __name__ == "__main__":
    parity.write(pathlib.Path(sys.argv[1]), (kinds, turned))
