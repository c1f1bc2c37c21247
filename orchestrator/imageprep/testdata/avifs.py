"""Makes AVIF files of every kind and prepares them the reference way: avifs.py OUT, which writes what parity.py writes.

Pillow writes 8 bits a channel with one matrix. The rest is made by libavif itself, the library that the package is linked
with: 10 and 12 bits, other matrices, grids.
"""

import ctypes
import ctypes.util
import pathlib
import sys

import numpy as np
from PIL import Image

import parity

FORMATS = {"444": 1, "422": 2, "420": 3, "400": 4}  # avifPixelFormat
MATRICES = (1, 4, 6, 9, 12)  # some of the matrix coefficients of ITU-T H.273 that libavif converts
SINGLE = 2  # AVIF_ADD_IMAGE_FLAG_SINGLE


class AvifImage(ctypes.Structure):
    """The beginning of avifImage."""

    _fields_ = [
        *((name, ctypes.c_uint32) for name in ("width", "height", "depth", "format", "range", "position")),
        ("planes", ctypes.c_void_p * 3),
        ("strides", ctypes.c_uint32 * 3),
        ("owns_planes", ctypes.c_int),
        ("alpha", ctypes.c_void_p),
        ("alpha_stride", ctypes.c_uint32),
        ("owns_alpha", ctypes.c_int),
        ("premultiplied", ctypes.c_int),
        ("icc", ctypes.c_void_p),
        ("icc_size", ctypes.c_size_t),
        ("primaries", ctypes.c_uint16),
        ("transfer", ctypes.c_uint16),
        ("matrix", ctypes.c_uint16),
    ]


class Data(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_size_t)]


def library():
    lib = ctypes.CDLL(ctypes.util.find_library("avif"))
    lib.avifImageCreate.restype = ctypes.POINTER(AvifImage)
    lib.avifEncoderCreate.restype = ctypes.c_void_p
    return lib


def drawn(lib, width, height, depth, subsampling, full, matrix, alpha=False, premultiplied=False, primaries=1, seed=0):
    """An avifImage with waves in all planes."""
    picture = lib.avifImageCreate(width, height, depth, FORMATS[subsampling])
    image = picture.contents
    image.range, image.matrix, image.primaries, image.premultiplied = int(full), matrix, primaries, int(premultiplied)
    lib.avifImageAllocatePlanes(picture, 3 if alpha else 1)
    rng = np.random.default_rng(seed)
    half = (width + 1) // 2 if subsampling in ("422", "420") else width, (height + 1) // 2 if subsampling == "420" else height
    planes = [(image.planes[0], image.strides[0], (width, height))]
    if subsampling != "400":
        planes += [(image.planes[i], image.strides[i], half) for i in (1, 2)]
    if alpha:
        planes.append((image.alpha, image.alpha_stride, (width, height)))
    for number, (rows, stride, (w, h)) in enumerate(planes):
        y, x = np.mgrid[0:h, 0:w]
        wave = np.sin(x / (5 + number) + seed) * np.cos(y / (7 - number)) * 0.5 + 0.5 + rng.normal(0, 0.04, (h, w))
        samples = np.clip(wave * ((1 << depth) - 1), 0, (1 << depth) - 1)
        for line in range(h):
            row = samples[line].astype("<u2" if depth > 8 else "u1").tobytes()
            ctypes.memmove(rows + line * stride, row, len(row))
    return picture


def encoded(lib, pictures, columns=0):
    """The file of one picture, or of a grid with so many columns."""
    encoder = ctypes.c_void_p(lib.avifEncoderCreate())
    ctypes.cast(encoder, ctypes.POINTER(ctypes.c_int))[2] = 9  # speed
    if columns:
        cells = (ctypes.POINTER(AvifImage) * len(pictures))(*pictures)
        result = lib.avifEncoderAddImageGrid(encoder, columns, len(pictures) // columns, cells, SINGLE)
    else:
        result = lib.avifEncoderAddImage(encoder, pictures[0], ctypes.c_uint64(1), SINGLE)
    out = Data()
    result = result or lib.avifEncoderFinish(encoder, ctypes.byref(out))
    if result:
        raise RuntimeError(f"libavif cannot encode a test picture: result {result}")
    data = ctypes.string_at(out.data, out.size)
    lib.avifRWDataFree(ctypes.byref(out))
    lib.avifEncoderDestroy(encoder)
    for picture in pictures:
        lib.avifImageDestroy(picture)
    return data


def by_pillow():
    for mode in ("RGB", "RGBA", "L"):
        for subsampling in ("4:2:0", "4:2:2", "4:4:4", "4:0:0"):
            for span in ("full", "limited"):
                for premultiplied in (False, True) if mode == "RGBA" else (False,):
                    name = f"avif-{mode}-{subsampling.replace(':', '')}-{span}" + ("-premultiplied" if premultiplied else "")
                    options = {"subsampling": subsampling, "range": span, "alpha_premultiplied": premultiplied, "speed": 9}
                    yield name, parity.saved(parity.image(mode, 211, 157, 60), "AVIF", **options)
    for width, height in ((1, 1), (2, 1), (1, 90), (90, 1), (5, 7), (64, 336), (401, 300), (300, 401), (520, 131)):
        for subsampling in ("4:2:0", "4:2:2"):
            yield f"avif-{width}x{height}-{subsampling[2:]}", parity.saved(parity.image("RGB", width, height, 61), "AVIF", subsampling=subsampling, speed=9)
    for mode in ("RGB", "RGBA"):
        frames = [parity.image(mode, 120, 90, s) for s in (62, 63, 64)]
        yield f"avif-{mode}-animated", parity.saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], duration=40, speed=9)
    yield "avif-tiles", parity.saved(parity.image("RGB", 530, 410, 65), "AVIF", tile_rows=1, tile_cols=1, speed=9)
    yield "avif-lossy", parity.saved(parity.image("RGB", 300, 200, 66), "AVIF", quality=5, speed=9)
    picture = parity.image("RGB", 120, 88, 67)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[parity.TAG_ORIENTATION] = orientation
        exif[0x8769] = {0x9003: "2024:05:17 18:30:05"}
        yield f"avif-turned-{orientation}", parity.saved(picture, "AVIF", exif=exif, speed=9)
    xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    yield "avif-turned-xmp", parity.saved(picture, "AVIF", xmp=xmp, speed=9)
    exif = Image.Exif()
    exif[parity.TAG_ORIENTATION] = 8
    yield "avif-turned-xmp-and-boxes", parity.saved(picture, "AVIF", xmp=xmp, exif=exif, speed=9)
    # EXIF with an orientation of its own: written as another tag, which is then renamed in the file
    exif = Image.Exif()
    exif[0x0113] = 6
    block = exif.tobytes()
    data = parity.saved(picture, "AVIF", exif=block, speed=9)
    at = data.index(b"\x01\x13")
    yield "avif-exif-against-boxes", data[:at] + b"\x01\x12" + data[at + 2 :]


def by_libavif():
    lib = library()
    for depth in (8, 10, 12):
        for subsampling in FORMATS:
            for matrix in MATRICES:
                for full in (False, True):
                    for alpha, premultiplied in ((False, False), (True, False), (True, True)):
                        name = f"avif-{depth}-{subsampling}-matrix-{matrix}-{'full' if full else 'limited'}" + "-alpha" * alpha + "-premultiplied" * premultiplied
                        primaries = 9 if matrix == 12 else 1
                        yield name, encoded(lib, [drawn(lib, 61, 43, depth, subsampling, full, matrix, alpha, premultiplied, primaries, depth)])
        yield f"avif-{depth}-identity", encoded(lib, [drawn(lib, 61, 43, depth, "444", True, 0, seed=1)])
        yield f"avif-{depth}-derived", encoded(lib, [drawn(lib, 61, 43, depth, "420", True, 12, primaries=12, seed=2)])
        for alpha in (False, True):
            cells = [drawn(lib, 64, 66, depth, "420", True, 6, alpha, seed=s) for s in range(6)]
            yield f"avif-{depth}-grid" + "-alpha" * alpha, encoded(lib, cells, columns=3)


if __name__ == "__main__":
    parity.write(pathlib.Path(sys.argv[1]), (by_pillow, by_libavif))
