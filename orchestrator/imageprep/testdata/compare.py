"""Times the Go preparation and Pillow's on the same JPEG files in one run and prints the ratio of processor time.

    ../../.venv/bin/python testdata/compare.py [PHOTO]        (in orchestrator/imageprep)

PHOTO is scaled to the sizes measured; without it a drawn scene is taken. One core each. Both sides go from the bytes of
a file to a float32 tensor of 336; "decode" is libjpeg-turbo's part, as each side calls it.
"""

import io
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

from PIL import Image

import parity
import reference

SIZES = ((640, 480), (1600, 1200), (4000, 3000))
ROUNDS = 3


def go(pictures):
    """Processor milliseconds by benchmark name."""
    command = ["go", "test", "-run", "^$", "-bench", "Tensor|Decode", "-benchtime", "1s", "-cpu", "1", "."]
    package = pathlib.Path(__file__).parent.parent
    text = subprocess.run(command, cwd=package, env={**os.environ, "BENCH_PICTURES": pictures}, capture_output=True, text=True, check=True).stdout
    return {m[1]: float(m[2]) / 1e6 for m in re.finditer(r"Benchmark(\S+)\s.*\s([\d.]+) cpu-ns/op", text)}


def mean(action, seconds=1.0):
    """Processor milliseconds of one action, the mean over about that many seconds as in Go's benchmarks."""
    start, count = time.process_time(), 0
    while time.process_time() < start + seconds or count < 3:
        action()
        count += 1
    return (time.process_time() - start) / count * 1e3


def main():
    source = Image.open(sys.argv[1]).convert("RGB") if len(sys.argv) > 1 else parity.image("RGB", 1000, 750, 1)
    with tempfile.TemporaryDirectory() as pictures:
        files = {}
        for width, height in SIZES:
            name = f"{width}x{height}"
            source.resize((width, height), Image.Resampling.BICUBIC).save(f"{pictures}/{name}.jpg", quality=90)
            files[name] = pathlib.Path(pictures, f"{name}.jpg").read_bytes()
        rounds = []
        for _ in range(ROUNDS):
            row = go(pictures)
            for name, data in files.items():
                row[f"Pillow/{name}"] = mean(lambda: reference.tensor(reference.pixels(data, 336, "shortest")))
                row[f"PillowDecode/{name}"] = mean(lambda: Image.open(io.BytesIO(data)).load())
            rounds.append(row)
        print(f"{'JPEG':>10} {'Pillow ms':>10} {'decode':>7} {'Go ms':>7} {'decode':>7} {'times faster':>13}")
        for name in files:
            pillow, pillow_decode, ours, decode = (
                statistics.median(r[f"{kind}/{name}"] for r in rounds) for kind in ("Pillow", "PillowDecode", "Tensor", "Decode")
            )
            print(f"{name:>10} {pillow:10.1f} {pillow_decode:7.1f} {ours:7.1f} {decode:7.1f} {pillow / ours:13.2f}")


if __name__ == "__main__":
    main()
