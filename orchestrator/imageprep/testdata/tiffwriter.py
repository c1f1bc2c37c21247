"""A TIFF encoder for tests: layouts, byte orders and sample kinds that Pillow cannot write."""

import io
import struct
import zlib

import numpy as np
from PIL import Image

NONE, LZW, JPEG, DEFLATE, PACKBITS, OLD_DEFLATE = 1, 5, 7, 8, 32773, 32946
GREY_INVERTED, GREY, RGB, PALETTE, CMYK, YCBCR = 0, 1, 2, 3, 5, 6
UNSIGNED, SIGNED, FLOAT = 1, 2, 3

REVERSED = bytes(int(f"{v:08b}"[::-1], 2) for v in range(256))
CODES = {"B": 1, "H": 3, "I": 4, "Q": 16}


def lzw(data):
    """Codes of 9 to 12 bits, most significant bit first, each width left one code early as TIFF wants."""
    bits, count = 0, 0
    table, width, out = {bytes([v]): v for v in range(256)}, 9, bytearray()

    def put(code):
        nonlocal bits, count
        bits, count = bits << width | code, count + width
        while count >= 8:
            count -= 8
            out.append(bits >> count & 255)

    put(256)
    word = b""
    for value in data:
        longer = word + bytes([value])
        if longer in table:
            word = longer
            continue
        put(table[word])
        table[longer] = len(table) + 2
        word = longer[-1:]
        if len(table) + 2 == 4095:
            put(256)
            table, width = {bytes([v]): v for v in range(256)}, 9
        elif len(table) + 2 >= (1 << width):
            width += 1
    put(table[word])
    if len(table) + 3 >= (1 << width) and width < 12:
        width += 1
    put(257)
    if count:
        out.append(bits << (8 - count) & 255)
    return bytes(out)


def packbits(row):
    out, at = bytearray(), 0
    while at < len(row):
        run = 1
        while at + run < len(row) and run < 128 and row[at + run] == row[at]:
            run += 1
        if run > 1:
            out += bytes([257 - run, row[at]])
        else:
            while at + run < len(row) and run < 128 and row[at + run] != row[at + run - 1]:
                run += 1
            out += bytes([run - 1]) + row[at : at + run]
        at += run
    return bytes(out)


def _row(values, bits, order):
    """One row of samples as bytes."""
    if values.dtype.kind == "f":
        return values.astype(f"{order}f{bits // 8}").tobytes()
    if bits in (8, 16, 32):
        return values.astype(f"{order}i{bits // 8}" if values.min(initial=0) < 0 else f"{order}u{bits // 8}").tobytes()
    unpacked = ((values[:, None] >> np.arange(bits - 1, -1, -1)) & 1).astype(np.uint8)
    return np.packbits(unpacked.ravel()).tobytes()


def _predicted(values, predictor, bits):
    """The samples of a row [width, channels] as differences; integers wrap around."""
    if predictor == 2:
        kind = f"u{bits // 8}"
        values = values.astype(f"i{bits // 8}" if values.min(initial=0) < 0 else kind).view(kind) if values.dtype.kind != "f" else values.astype("f4").view("u4")
        return np.concatenate([values[:1], values[1:] - values[:-1]]).astype(kind)
    return values


def _float_predicted(values, channels):
    """A row of floats as the differences of its bytes, the most significant bytes first."""
    planes = values.astype(">f4").view(np.uint8).reshape(-1, 4).T.ravel()
    shifted = np.concatenate([np.zeros(channels, np.uint8), planes[:-channels]])
    return (planes - shifted).tobytes()


def segment(part, bits, order, compression, predictor=1, fill=1):
    """The bytes of a strip or tile, part [rows, width, channels]."""
    if predictor == 3:
        rows = [_float_predicted(line.ravel(), part.shape[2]) for line in part]
    else:
        rows = [_row(_predicted(line, predictor, bits).ravel(), bits, order) for line in part]
    if compression == PACKBITS:
        data = b"".join(packbits(row) for row in rows)
    else:
        data = b"".join(rows)
        if compression == LZW:
            data = lzw(data)
        elif compression in (DEFLATE, OLD_DEFLATE):
            data = zlib.compress(data)
    return data.translate(REVERSED) if fill == 2 else data


def jpeg_segment(part, **options):
    """A strip or tile as a JPEG whose channels are stored as they are."""
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[part.shape[2]]
    out = io.BytesIO()
    pixels = np.ascontiguousarray(part.astype(np.uint8))
    Image.frombytes(mode, (part.shape[1], part.shape[0]), pixels.tobytes()).save(out, "JPEG", **options)
    return out.getvalue()


def split_jpeg(data):
    """A JPEG's tables as a stream of their own and the rest without them."""
    tables, rest, at = b"\xff\xd8", b"\xff\xd8", 2
    while data[at + 1] != 0xDA:
        size = 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if data[at + 1] in (0xDB, 0xC4):
            tables += data[at : at + size]
        else:
            rest += data[at : at + size]
        at += size
    return tables + b"\xff\xd9", rest + data[at:]


def parts(samples, rows, tile, planar):
    """The strips or tiles of samples [height, width, channels], in the order of the file; tiles are filled up by edges."""
    height, width, channels = samples.shape
    planes = [samples] if planar == 1 else [samples[..., c : c + 1] for c in range(channels)]
    for plane in planes:
        if tile is None:
            for y in range(0, height, rows):
                yield plane[y : y + rows]
            continue
        wide, tall = tile
        padded = np.pad(plane, ((0, -height % tall), (0, -width % wide), (0, 0)), "edge")
        for y in range(0, height, tall):
            for x in range(0, width, wide):
                yield padded[y : y + tall, x : x + wide]


def assemble(tags, data, order="<", big=False):
    """A file of tags {number: (code, values)} and the data of its strips or tiles, given as ((offsets tag, counts tag), [bytes])."""
    (offsets, counts), segments = data
    body, places = b"", []
    start = 16 if big else 8
    for piece in segments:
        places.append(start + len(body))
        body += piece + b"\0" * (len(piece) % 2)
    word = "Q" if big else "I"
    tags = {**tags, offsets: (word, places)}
    if counts:
        tags[counts] = (word, [len(piece) for piece in segments])
    room = 8 if big else 4
    directory, behind = b"", b""
    entry_size = 20 if big else 12
    at = start + len(body)
    end = at + (8 if big else 2) + entry_size * len(tags) + room
    for tag in sorted(tags):
        code, values = tags[tag]
        if isinstance(values, bytes):
            kind, count, packed = code, len(values), values
        else:
            kind, count, packed = CODES[code], len(values), struct.pack(f"{order}{len(values)}{code}", *values)
        if len(packed) > room:
            place, behind = struct.pack(order + word, end + len(behind)), behind + packed + b"\0" * (len(packed) % 2)
            packed = place
        directory += struct.pack(f"{order}HH{word}", tag, kind, count) + packed.ljust(room, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    head += struct.pack(order + "HHQ", 8, 0, at) if big else struct.pack(order + "I", at)
    return head + body + struct.pack(order + ("Q" if big else "H"), len(tags)) + directory + b"\0" * room + behind


def encode(samples, photometric, bits, order="<", kind=UNSIGNED, extra=(), compression=NONE, planar=1, fill=1, predictor=1, rows=None, tile=None, colours=None, tags=None, big=False, pieces=None):
    """samples: numbers [height, width, channels]; pieces: the strips or tiles ready-made, for compressions not known here."""
    height, width, channels = samples.shape
    rows = rows or height
    if pieces is None:
        pieces = [segment(p, bits, order, compression, predictor, fill) for p in parts(samples, rows, tile, planar)]
    fields = {256: ("I", [width]), 257: ("I", [height]), 258: ("H", [bits] * channels), 259: ("H", [compression]), 262: ("H", [photometric]), 277: ("H", [channels])}
    if planar != 1:
        fields[284] = ("H", [planar])
    if fill != 1:
        fields[266] = ("H", [fill])
    if predictor != 1:
        fields[317] = ("H", [predictor])
    if extra:
        fields[338] = ("H", list(extra))
    if kind != UNSIGNED:
        fields[339] = ("H", [kind] * channels)
    if colours is not None:
        fields[320] = ("H", list(colours))
    if tile:
        fields[322], fields[323] = ("I", [tile[0]]), ("I", [tile[1]])
    else:
        fields[278] = ("I", [rows])
    fields.update(tags or {})
    return assemble(fields, ((324, 325) if tile else (273, 279), pieces), order, big)
