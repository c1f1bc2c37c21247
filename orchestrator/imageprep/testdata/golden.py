"""Writes testdata/golden: small drawn pictures of every kind and the SHA-256 of the reference's pixels.

    ../../.venv/bin/python testdata/golden.py        (in orchestrator/imageprep)

The tests use what is committed; run this only to add a kind of picture or to follow a new version of Pillow.
"""

import hashlib
import json
import pathlib

import numpy as np
import PIL
import pillow_heif
from PIL import Image, ImageCms, features

import avifs
import heics
import parity
import pngwriter
import reference

PREPARATIONS = ((48, "shortest"), (31, "shortest-rgb"), (40, "squash"))


def pictures():
    wide, tall = (97, 61), (23, 113)
    yield "rgb-420.jpg", parity.saved(parity.image("RGB", *wide, 1), "JPEG", quality=80)
    yield "rgb-422.jpg", parity.saved(parity.image("RGB", *wide, 2), "JPEG", subsampling=1)
    yield "rgb-444-progressive.jpg", parity.saved(parity.image("RGB", *wide, 3), "JPEG", subsampling=0, progressive=True)
    yield "rgb-440.jpg", parity.resampled(parity.saved(parity.image("RGB", 64, 48, 4), "JPEG", subsampling=1), 0x12, 32, 96)
    yield "grey.jpg", parity.saved(parity.image("L", *tall, 5), "JPEG")
    cmyk = parity.saved(parity.image("CMYK", *wide, 6), "JPEG")
    yield "cmyk.jpg", cmyk
    adobe = cmyk.index(b"Adobe")
    yield "ycck.jpg", cmyk[: adobe + 11] + b"\x02" + cmyk[adobe + 12 :]
    yield "tall-vertical-pass-first.jpg", parity.saved(parity.image("RGB", 90, 260, 7), "JPEG")
    yield "strip.jpg", parity.saved(parity.image("RGB", 1, 70, 8), "JPEG")
    for orientation in (3, 6, 7):
        exif = Image.Exif()
        exif[parity.TAG_ORIENTATION] = orientation
        exif[0x8769] = {0x9003: "2024:05:17 18:30:05", 0x9011: "+02:00"}
        yield f"turned-{orientation}.jpg", parity.saved(parity.image("RGB", 61, 43, 9), "JPEG", exif=exif)
    yield "turned-5.webp", parity.saved(parity.image("RGB", 61, 43, 9), "WEBP", exif=orientation_only(5))
    yield "turned-8.png", parity.saved(parity.image("RGBA", 51, 33, 9), "PNG", exif=orientation_only(8))
    for mode in ("L", "LA", "RGB", "RGBA"):
        yield f"{mode.lower()}.png", parity.saved(parity.image(mode, 57, 41, 10), "PNG")
    indexed = parity.image("RGB", 57, 41, 11).quantize(16)
    yield "palette-alpha.png", parity.saved(indexed, "PNG", transparency=bytes(range(0, 256, 16)))
    for color, depth in ((0, 1), (0, 2), (0, 16), (2, 16), (4, 16), (6, 8)):
        samples = parity.scene(45, 52, pngwriter.SAMPLES[color], depth).astype(int)
        samples = samples * 257 if depth == 16 else samples >> (8 - depth)
        yield f"colour-{color}-{depth}-interlaced.png", pngwriter.encode(samples, color, depth, interlaced=True)
    yield "grey-16-dark.png", pngwriter.encode(parity.scene(45, 52, 1, 12).astype(int) + 100, 0, 16)
    for mode in ("RGB", "RGBA"):
        yield f"{mode.lower()}-lossy.webp", parity.saved(parity.image(mode, 77, 59, 13), "WEBP", quality=75)
        yield f"{mode.lower()}-lossless.webp", parity.saved(parity.image(mode, 47, 39, 14), "WEBP", lossless=True)
    frames = [parity.image("RGBA", 50, 40, s) for s in (15, 16)]
    yield "animated.webp", parity.saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    yield from avif_pictures()
    yield from heic_pictures()


def avif_pictures():
    size = (47, 39)
    yield "rgb-420.avif", parity.saved(parity.image("RGB", *size, 17), "AVIF", speed=0)
    yield "rgba-444-premultiplied.avif", parity.saved(parity.image("RGBA", *size, 18), "AVIF", subsampling="4:4:4", alpha_premultiplied=True, speed=0)
    yield "grey.avif", parity.saved(parity.image("L", *size, 19), "AVIF", range="limited", speed=0)
    frames = [parity.image("RGB", *size, s) for s in (20, 21)]
    yield "animated.avif", parity.saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], speed=0)
    exif = orientation_only(5)
    exif[0x8769] = {0x9003: "2024:05:17 18:30:05", 0x9011: "+02:00"}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "turned-5.avif", parity.saved(parity.image("RGB", *size, 22), "AVIF", exif=exif, icc_profile=profile, speed=0)
    lib = avifs.library()
    yield "rgb-422-10-bit.avif", avifs.encoded(lib, [avifs.drawn(lib, *size, 10, "422", False, 9, primaries=9)])
    yield "rgba-420-10-bit-premultiplied.avif", avifs.encoded(lib, [avifs.drawn(lib, *size, 10, "420", True, 1, True, True)])
    yield "rgba-420-12-bit.avif", avifs.encoded(lib, [avifs.drawn(lib, *size, 12, "420", True, 6, True)])
    yield "grid.avif", avifs.encoded(lib, [avifs.drawn(lib, 64, 64, 8, "420", True, 6, seed=s) for s in range(2)], columns=2)


def heic_pictures():  # kinds whose pixels do not depend on libheif's version
    size = (47, 39)
    yield "rgb-420.heic", parity.saved(parity.image("RGB", *size, 23), "HEIF", full_range_flag=0)
    yield "rgba-444.heic", parity.saved(parity.image("RGBA", *size, 24), "HEIF", chroma=444)
    yield "rgb-422-10-bit.heic", heics.of_bits(10, "RGB", *size, 25, chroma=422)
    yield "grid.heic", parity.saved(parity.image("RGB", 128, 64, 26), "HEIF", chroma=444, tile_size=64, quality=20)
    exif = orientation_only(6)
    exif[0x8769] = {0x9003: "2024:05:17 18:30:05", 0x9011: "+02:00"}
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    yield "turned-6.heic", parity.saved(parity.image("RGB", *size, 27), "HEIF", chroma=444, exif=exif.tobytes(), icc_profile=profile)


def orientation_only(value):
    exif = Image.Exif()
    exif[parity.TAG_ORIENTATION] = value
    return exif


def main():
    folder = pathlib.Path(__file__).parent / "golden"
    folder.mkdir(exist_ok=True)
    cases = []
    for name, data in pictures():
        (folder / name).write_bytes(data)
        for size, rule in PREPARATIONS:
            digest = hashlib.sha256(np.ascontiguousarray(reference.pixels(data, size, rule)).tobytes()).hexdigest()
            cases.append({"file": name, "size": size, "rule": rule, "sha256": digest})
    origin = f"golden.py with Pillow {PIL.__version__}, libjpeg-turbo {features.version('libjpeg_turbo')}, libwebp {features.version('webp')}, libavif {features.version('avif')}, pillow-heif {pillow_heif.__version__}; pictures drawn by parity.py"
    lines = ",\n  ".join(json.dumps(c) for c in cases)
    (folder / "golden.json").write_text(f'{{"origin": {json.dumps(origin)},\n "cases": [\n  {lines}\n]}}\n')


if __name__ == "__main__":
    main()
