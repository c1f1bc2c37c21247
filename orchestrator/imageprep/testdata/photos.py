"""Prepares every picture of a folder tree the reference way.

    photos.py OUT FOLDER [SIZE]

writes OUT/photos.json, a list of {"name", "sha256"} with the hash of the reference's pixels (uint8 [SIZE, SIZE, 3],
rule "shortest"), or "error" where Pillow refuses the file.
"""

import hashlib
import json
import pathlib
import sys

import reference


def main():
    out, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    size = int(sys.argv[3]) if len(sys.argv) > 3 else 336
    photos = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in (".jpg", ".jpeg", ".png", ".webp")):
        try:
            digest = hashlib.sha256(reference.pixels(path.read_bytes(), size, "shortest").tobytes()).hexdigest()
            photos.append({"name": str(path), "sha256": digest})
        except Exception as error:  # whatever Pillow raises means that it refuses the file
            photos.append({"name": str(path), "error": repr(error)})
    (out / "photos.json").write_text(json.dumps(photos))


if __name__ == "__main__":
    main()
