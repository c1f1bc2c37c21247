"""Writes pictures with embedded colour profiles and what Pillow's ImageCms makes of them.

    profiles.py OUT

writes OUT/cases.json as parity.py does: the pixels are those of the picture brought to sRGB and then prepared.
"""

import io
import json
import pathlib
import struct
import sys

import numpy as np
from PIL import Image, ImageCms

import parity
import reference


def fixed(value):
    return struct.pack(">i", round(value * 65536))


def profile(space, tags):
    """An ICC profile, version 2.4, of a display (or a press for CMYK)."""
    offset, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += name.encode() + struct.pack(">II", offset + len(data), len(content))
        data += content + b"\0" * (-len(content) % 4)
    kind = b"prtr" if space == "CMYK" else b"mntr"
    pcs = b"Lab " if space == "CMYK" else b"XYZ "
    head = struct.pack(">I4sI", offset + len(data), b"\0" * 4, 0x02400000) + kind + space.encode() + pcs
    head += struct.pack(">6H", 2026, 1, 1, 0, 0, 0) + b"acsp" + b"\0" * 28 + fixed(0.9642) + fixed(1) + fixed(0.8249)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


def xyz(*values):
    return b"XYZ \0\0\0\0" + b"".join(map(fixed, values))


def gamma(value):
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


WHITE = xyz(0.9642, 1, 0.8249)


def wide(padding=0):
    """A gamut wider than sRGB, gamma 1.8; padding makes it too long for one segment of a JPEG."""
    tags = {"wtpt": WHITE, "rXYZ": xyz(0.7977, 0.2880, 0.0), "gXYZ": xyz(0.1352, 0.7119, 0.0), "bXYZ": xyz(0.0313, 0.0001, 0.8249)}
    tags |= {c + "TRC": gamma(1.8) for c in "rgb"}
    if padding:
        tags["padd"] = b"data\0\0\0\0" + bytes(padding)
    return profile("RGB ", tags)


def grey():
    return profile("GRAY", {"wtpt": WHITE, "kTRC": gamma(1.4)})


def ink():
    """A table of the corners of CMYK in Lab (lut8Type), all within sRGB: versions of Little CMS clip colours differently."""
    table = b""
    for corner in range(16):
        c, m, y, k = (corner >> s & 1 for s in (3, 2, 1, 0))
        table += bytes((230 - 30 * c - 35 * m - 8 * y - 90 * k, 128 + (20 * m - 14 * c) * (1 - k), 128 + (26 * y - 20 * c) * (1 - k)))
    straight = bytes(range(256))
    lut = b"mft1\0\0\0\0" + bytes((4, 3, 2, 0)) + b"".join(fixed(v) for v in (1, 0, 0, 0, 1, 0, 0, 0, 1)) + straight * 4 + table + straight * 3
    return profile("CMYK", {"wtpt": WHITE, "A2B0": lut})


SRGB = ImageCms.createProfile("sRGB")


def converted(image, icc):
    """The picture in sRGB."""
    source = ImageCms.ImageCmsProfile(io.BytesIO(icc))
    if image.mode == "P":
        colors = np.frombuffer(image.palette.getdata()[1], np.uint8).reshape(1, -1, 3)
        row = ImageCms.profileToProfile(Image.fromarray(colors), source, SRGB)
        image = image.copy()
        image.putpalette(row.tobytes())
        return image
    return ImageCms.profileToProfile(image, source, SRGB, outputMode="RGBA" if image.mode == "RGBA" else "RGB")


def main(out):
    out, cases = pathlib.Path(out), []

    def add(name, image, fmt, icc, applies=True, **options):
        file = f"{name}.{fmt.lower()}"
        data = io.BytesIO()
        image.save(data, fmt, icc_profile=icc, **options)
        (out / file).write_bytes(data.getvalue())
        shown = reference.load(data.getvalue())
        assert shown.info["icc_profile"] == icc, name
        if applies:
            shown = converted(shown, icc)
        for size, rule, filter in parity.PREPARATIONS:
            pixels = f"{name}-{size}-{rule}-{filter}.rgb"
            (out / pixels).write_bytes(np.asarray(reference.fit(shown, size, rule, filter)).tobytes())
            cases.append({"name": name, "file": file, "size": size, "rule": rule, "filter": filter, "pixels": pixels})

    rgb, rgba = parity.image("RGB", 403, 301, 1), parity.image("RGBA", 203, 301, 2)
    add("jpeg-wide", rgb, "JPEG", wide(), quality=92)
    add("jpeg-in-parts", rgb, "JPEG", wide(150_000), quality=92)
    add("jpeg-progressive", rgb, "JPEG", wide(), quality=92, progressive=True)
    add("jpeg-grey", parity.image("L", 301, 203, 3), "JPEG", grey())
    add("jpeg-ink", parity.image("CMYK", 301, 203, 4), "JPEG", ink())
    add("png-wide", rgb, "PNG", wide())
    add("png-alpha", rgba, "PNG", wide())
    add("png-palette", rgb.quantize(200), "PNG", wide())
    add("webp-wide", rgb, "WEBP", wide(), lossless=True)
    add("jpeg-other-space", rgb, "JPEG", grey(), applies=False)
    add("jpeg-damaged", rgb, "JPEG", wide()[:200], applies=False)
    (out / "cases.json").write_text(json.dumps(cases))


main(sys.argv[1])
