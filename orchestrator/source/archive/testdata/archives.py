"""Writes archives of kinds that Go's packages do not write, into the folder named."""

import bz2
import gzip
import io
import os
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib

folder = sys.argv[1]
PICTURE = b"a picture"


def path(name):
    return os.path.join(folder, name)


# Zip64 sizes and offsets where 32 bits would do.
zipfile.ZIP64_LIMIT = 4
with zipfile.ZipFile(path("long.zip"), "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("a.jpg", PICTURE)
    z.writestr("b.jpg", PICTURE)
zipfile.ZIP64_LIMIT = (1 << 31) - 1


class Pipe(io.RawIOBase):
    """A file that cannot seek: sizes stand behind the contents."""

    def __init__(self, file):
        self.file = file

    def writable(self):
        return True

    def write(self, b):
        return self.file.write(b)


with open(path("streamed.zip"), "wb") as f, zipfile.ZipFile(Pipe(f), "w", zipfile.ZIP_DEFLATED) as z:
    z.writestr("a.jpg", PICTURE)
    z.writestr("b.jpg", PICTURE)

with zipfile.ZipFile(path("bzip2.zip"), "w", zipfile.ZIP_BZIP2) as z:
    z.writestr("a.jpg", PICTURE)


def raw_zip(name, entries):
    """entries are (name, flags, extra)."""
    out, records = b"", b""
    for entry, flags, extra in entries:
        at = len(out)
        head = struct.pack("<HHHHHIIIHH", 20, flags, 0, 0, 0x50B1, zlib.crc32(PICTURE), len(PICTURE), len(PICTURE), len(entry), len(extra))
        out += b"PK\x03\x04" + head + entry + extra + PICTURE
        records += b"PK\x01\x02" + struct.pack("<H", 20) + head + struct.pack("<HHHII", 0, 0, 0, 0, at) + entry + extra
    end = struct.pack("<HHHHIIH", 0, 0, len(entries), len(entries), len(records), len(out), 7)
    with open(path(name), "wb") as f:
        f.write(out + records + b"PK\x05\x06" + end + b"comment")


raw_zip("cp437.zip", [("Ärger.jpg".encode("cp437"), 0, b""), ("bilder/ä.jpg".encode("cp437"), 0, b"")])
raw_zip("unmarked.zip", [("苹果.jpg".encode(), 0, b"")])
field = b"\x01" + struct.pack("<I", zlib.crc32(b"??.jpg")) + "苹果.jpg".encode()
raw_zip("unicode.zip", [(b"??.jpg", 0, struct.pack("<HH", 0x7075, len(field)) + field)])
raw_zip("backslash.zip", [(b"bilder\\a.jpg", 0, b"")])


def add(t, name):
    info = tarfile.TarInfo(name)
    info.size = len(PICTURE)
    t.addfile(info, io.BytesIO(PICTURE))


for name, form in ("gnu.tar", tarfile.GNU_FORMAT), ("pax.tar", tarfile.PAX_FORMAT):
    with tarfile.open(path(name), "w", format=form) as t:
        add(t, "long/" * 60 + "a.jpg")
        add(t, "苹果.jpg")
with tarfile.open(path("ustar.tar.bz2"), "w:bz2", format=tarfile.USTAR_FORMAT) as t:
    add(t, "a.jpg")

whole = io.BytesIO()
with tarfile.open(fileobj=whole, mode="w") as t:
    add(t, "a.jpg")
    add(t, "b.jpg")
half = len(whole.getvalue()) // 20
with open(path("two-frames.tgz"), "wb") as f:
    f.write(gzip.compress(whole.getvalue()[:half]) + gzip.compress(whole.getvalue()[half:]))

with open(path("holes.jpg"), "wb") as f:
    f.seek(1 << 20)
    f.write(b"end")
with open(path("b.jpg"), "wb") as f:
    f.write(PICTURE)
subprocess.run(["tar", "-C", folder, "--sparse", "-cf", path("sparse.tar"), "holes.jpg", "b.jpg"], check=True)
