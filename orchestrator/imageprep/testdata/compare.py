"""Times the Go preparation and Pillow's on the same JPEG and PNG files in one run and prints the ratio of processor time.

    .venv/bin/python orchestrator/imageprep/testdata/compare.py [PHOTO...]

Each PHOTO is scaled to the sizes measured; without one a drawn scene with much noise is taken. One core each. Both sides
go from the bytes of a file to a float32 tensor of 336; "decode" is libjpeg-turbo's decode of the whole file into memory
that is used again. Every figure is the least of several rounds, which other work on the machine disturbs least.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from PIL import Image

import parity
import reference

SIZES = ((640, 480), (1600, 1200), (4000, 3000))
QUALITIES = (75, 90)
ROUNDS = 4


def build(folder):
    program = f"{folder}/bench"
    subprocess.run(["go", "test", "-c", "-o", program, "."], cwd=pathlib.Path(__file__).parent.parent, check=True)
    return program


def go(program, pictures, benchmarks):
    """The least processor milliseconds by benchmark name."""
    command = [program, "-test.run", "^$", "-test.bench", benchmarks, "-test.benchtime", "0.4s", "-test.count", str(ROUNDS), "-test.cpu", "1"]
    text = subprocess.run(command, env={**os.environ, "BENCH_PICTURES": pictures}, capture_output=True, text=True, check=True).stdout
    least = {}
    for name, nanoseconds in re.findall(r"Benchmark(\S+)\s.*\s([\d.]+) cpu-ns/op", text):
        least[name] = min(least.get(name, float("inf")), float(nanoseconds) / 1e6)
    return least


def least(action, seconds=1.5):
    """The least processor milliseconds of one action, called for about that long."""
    best, end = float("inf"), time.process_time() + seconds
    while time.process_time() < end:
        start = time.process_time()
        action()
        best = min(best, time.process_time() - start)
    return best * 1e3


def compare(program, source, name):
    for quality in QUALITIES:
        with tempfile.TemporaryDirectory() as pictures:
            for width, height in SIZES:
                source.resize((width, height), Image.Resampling.BICUBIC).save(f"{pictures}/{width}x{height}.jpg", quality=quality)
            ours = go(program, pictures, "Tensor|Fast|Decode")
            for size in (f"{width}x{height}" for width, height in SIZES):
                data = pathlib.Path(pictures, f"{size}.jpg").read_bytes()
                pillow = least(lambda: reference.tensor(reference.pixels(data, 336, "shortest")))
                exact, fast, decode = (ours[f"{kind}/{size}"] for kind in ("Tensor", "Fast", "Decode"))
                print(
                    f"{name:>20} q{quality} {size:>10} {len(data) / 1e3:6.0f} kB {pillow:8.2f} {decode:7.2f} "
                    f"{exact:7.2f} {pillow / exact:6.2f} {exact / decode:7.2f} {fast:7.2f} {pillow / fast:6.2f}",
                    flush=True,
                )


def compare_png(program, source, name):
    with tempfile.TemporaryDirectory() as pictures:
        for width, height in SIZES:
            source.resize((width, height), Image.Resampling.BICUBIC).save(f"{pictures}/{width}x{height}.png")
        ours = go(program, pictures, "PNG")
        for size in (f"{width}x{height}" for width, height in SIZES):
            data = pathlib.Path(pictures, f"{size}.png").read_bytes()
            pillow, exact = least(lambda: reference.tensor(reference.pixels(data, 336, "shortest"))), ours[f"PNG/{size}"]
            print(f"{name:>20} PNG {size:>10} {len(data) / 1e3:6.0f} kB {pillow:8.2f} {'':7} {exact:7.2f} {pillow / exact:6.2f}", flush=True)


def main():
    print(f"{'file':>34} {'':>9} {'Pillow ms':>9} {'decode':>7} {'exact':>7} {'times':>6} {'/decode':>7} {'fast':>7} {'times':>6}")
    with tempfile.TemporaryDirectory() as folder:
        program = build(folder)
        sources = {pathlib.Path(photo).stem[-20:]: Image.open(photo).convert("RGB") for photo in sys.argv[1:]}
        for name, source in (sources or {"scene": parity.image("RGB", 1000, 750, 1)}).items():
            compare(program, source, name)
            compare_png(program, source, name)


if __name__ == "__main__":
    main()
