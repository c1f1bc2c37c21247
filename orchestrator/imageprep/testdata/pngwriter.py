"""A PNG encoder for tests: every colour type, bit depth and row filter, plain or interlaced, which Pillow cannot write."""

import struct
import zlib

import numpy as np

SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _pack(row, depth):
    """One row of samples as bytes."""
    if depth == 16:
        return row.astype(">u2").tobytes()
    if depth == 8:
        return row.astype(np.uint8).tobytes()
    bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(bits.ravel()).tobytes()


def _filter(kind, row, above, step):
    row, above = bytearray(row), bytearray(above)
    out = bytearray([kind])
    for i, value in enumerate(row):
        a = row[i - step] if i >= step else 0
        b = above[i]
        c = above[i - step] if i >= step else 0
        if kind == 4:
            p = a + b - c
            guess = min(((abs(p - a), 0, a), (abs(p - b), 1, b), (abs(p - c), 2, c)))[2]
        else:
            guess = (0, a, b, (a + b) // 2)[kind]
        out.append((value - guess) & 255)
    return bytes(out)


def _rows(samples, depth, step, first_filter):
    out, above = b"", None
    for y, row in enumerate(samples):
        packed = _pack(row.ravel(), depth)
        above = above or bytes(len(packed))
        out += _filter((y + first_filter) % 5, packed, above, step)
        above = packed
    return out


def encode(samples, color, depth, interlaced=False, before=b"", parts=1):
    """samples: integers [height, width, channels]; before: chunks ahead of the pixels; parts: number of IDAT chunks."""
    height, width, channels = samples.shape
    assert channels == SAMPLES[color]
    step = max(1, channels * depth // 8)
    if interlaced:
        raw = b""
        for number, (x, y, dx, dy) in enumerate(ADAM7):
            part = samples[y::dy, x::dx]
            if part.size:
                raw += _rows(part, depth, step, number)
    else:
        raw = _rows(samples, depth, step, 0)
    packed = zlib.compress(raw)
    size = -(-len(packed) // parts)
    idat = b"".join(chunk(b"IDAT", packed[i : i + size]) for i in range(0, len(packed), size))
    header = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + idat + chunk(b"IEND", b"")
