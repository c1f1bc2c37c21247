"""Writes JPEG files of every sampling, process and many sizes to a folder: jpegs.py OUT."""

import pathlib
import sys

import numpy as np

import parity

PROCESSES = ({}, {"progressive": True}, {"restart_marker_rows": 1}, {"restart_marker_blocks": 3}, {"optimize": True})
SAMPLINGS = (0x12, 0x14, 0x41, 0x11, 0x22, 0x42, 0x24)


def files():
    rng = np.random.default_rng(1)
    sizes = [(int(w), int(h)) for w, h in rng.integers(1, 420, (40, 2))]
    sizes += [(16, 400), (400, 16), (15, 17), (33, 31), (256, 256), (257, 255), (8, 300), (9, 9)]
    for number, (width, height) in enumerate(sizes):
        options = PROCESSES[number % len(PROCESSES)]
        for subsampling in (0, 1, 2):
            yield parity.saved(parity.image("RGB", width, height, number), "JPEG", subsampling=subsampling, quality=60 + number % 36, **options)
        if number % 4 == 0:
            yield parity.saved(parity.image("L", width, height, number), "JPEG", **options)
            yield parity.saved(parity.image("CMYK", width, height, number), "JPEG", **options)
    for sampling in SAMPLINGS:  # as many blocks in units of another shape
        h, v = sampling >> 4, sampling & 15
        donor = parity.saved(parity.image("RGB", 16 * 20, 16 * 18, sampling), "JPEG", subsampling=2)
        if h * v == 4:
            yield parity.resampled(donor, sampling, 8 * h * 20 - 3, 8 * v * 18 - 5)
        if h * v == 2:
            donor = parity.saved(parity.image("RGB", 16 * 20, 8 * 18, sampling), "JPEG", subsampling=1)
            yield parity.resampled(donor, sampling, 8 * h * 20 - 3, 8 * v * 18 - 5)


def main():
    out = pathlib.Path(sys.argv[1])
    for number, data in enumerate(files()):
        (out / f"{number:03}.jpg").write_bytes(data)


if __name__ == "__main__":
    main()
