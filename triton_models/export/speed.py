"""Times openai/CLIP in PyTorch and clipseek on the same random weights, the same files and the same cores, in turn.

    python speed.py --clipseek bin/clipseek [--rounds 5] [--seconds 3] [--json FILE]

Each round measures both sides one after the other, so that what else the machine does meets both; ratios are taken within a
round, and medians over rounds are printed. Both sides use all cores, as each does when nothing is configured: PyTorch its
threads, with pictures prepared one by one by Pillow as openai/CLIP does; clipseek prepares the next batch while it encodes
one. CPU is the processor time of all cores. clipseek's queries are not cached: every one goes through the model.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
import torch
from PIL import Image

import pictures

HERE = pathlib.Path(__file__).resolve().parent
ARCH = "ViT-B/32"
BATCH = 8
PRECISIONS = ("fp32", "int8")
SIZES = ((640, 480), (1600, 1200), (4000, 3000))
QUERIES = (
    "a red apple", "two dogs on the beach", "an old bicycle near a wall", "children playing football in the rain",
    "black and white photo of a lighthouse", "birthday cake with candles", "a cat asleep on a warm keyboard", "mountains at sunset",
    "crowded market street in the morning", "a bowl of ripe strawberries", "snow on a village roof", "sailing boat far from the coast",
)
GOALS = {("text", "fp32"): 5, ("text", "int8"): 5, ("pictures", "fp32"): 2, ("pictures", "int8"): 4}

Times = dict[str, tuple[float, float]]  # milliseconds of one item by kind of work: on the clock, on processors


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clipseek", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3, help="for each kind of work of each side in each round")
    parser.add_argument("--threads", type=int, default=0, help="cores for each side; with 1, CPU times tell even on a machine that does other work")
    parser.add_argument("--json", type=pathlib.Path, help="write every round's figures to this file")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for weights, models and files, used again where they are there")
    return parser.parse_args()


def reference() -> torch.nn.Module:
    """openai/CLIP's own ViT-B/32 with random weights."""
    from clip.model import CLIP

    torch.manual_seed(1)
    return CLIP(512, 224, 12, 768, 32, 77, 49408, 512, 8, 12).eval()


def photos(folder: pathlib.Path) -> dict[str, list[pathlib.Path]]:
    """Files by size: drawn scenes with fine noise, about as hard to decode as photos."""
    found = {}
    for size in SIZES:
        name = "x".join(map(str, size))
        found[name] = [folder / f"{name}-{number}.jpg" for number in range(BATCH)]
        for number, path in enumerate(found[name]):
            if not path.exists():
                scene = np.asarray(pictures.scene(number, *size), np.float32)
                noise = np.random.default_rng(number).normal(0, 6, scene.shape[:2])[..., None]
                Image.fromarray(np.clip(scene + noise, 0, 255).astype(np.uint8)).save(path, quality=88)
    return found


def models(weights: pathlib.Path, folder: pathlib.Path) -> dict[str, pathlib.Path]:
    """Model directories of the weights, by precision."""
    found = {}
    for precision in PRECISIONS:
        found[precision] = folder / precision
        if not found[precision].exists():
            subprocess.run([sys.executable, str(HERE / "export.py"), "--weights", str(weights), "--arch", ARCH,
                            "--precision", precision, "--out", str(found[precision])], check=True, stdout=sys.stderr)
    return found


def measure(seconds: float, items: int, call: Callable[[int], object]) -> tuple[float, float]:
    """Repeats call(number) and gives the median on the clock and the mean on processors, milliseconds of one item."""
    call(0)
    times: list[float] = []
    begin, used = time.perf_counter(), processors()
    while len(times) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        call(len(times))
        times.append(time.perf_counter() - start)
    used = processors() - used
    return 1e3 * statistics.median(times) / items, 1e3 * used / len(times) / items


def processors() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def in_pytorch(model: torch.nn.Module, files: dict[str, list[pathlib.Path]], seconds: float) -> Times:
    """What openai/CLIP's README shows, in batches."""
    import clip
    from clip.clip import _transform

    prepare = _transform(model.visual.input_resolution)
    ready = torch.stack([prepare(Image.open(path)) for path in files["640x480"]])

    def from_files(paths: list[pathlib.Path]) -> torch.Tensor:
        return model.encode_image(torch.stack([prepare(Image.open(path)) for path in paths]))

    with torch.no_grad():
        found = {"text": measure(seconds, 1, lambda i: model.encode_text(clip.tokenize([QUERIES[i % len(QUERIES)]]))),
                 "pictures": measure(seconds, BATCH, lambda _: model.encode_image(ready))}
        for size, paths in files.items():
            found["files " + size] = measure(seconds, BATCH, lambda _, paths=paths: from_files(paths))
    return found


def in_clipseek(program: pathlib.Path, model: pathlib.Path, texts: pathlib.Path, files: dict[str, list[pathlib.Path]], seconds: float) -> Times:
    """The same through the program; each size of files is a run of its own."""
    found: Times = {}
    for size, paths in files.items():
        only = "text,pictures,files" if not found else "files"
        command = [str(program), "bench", "encode", "--model", str(model), "--json", "--seconds", str(seconds), "--batch", str(BATCH),
                   "--texts", str(texts), "--only", only, *map(str, paths)]
        # GOMAXPROCS is what clipseek takes for the number of cores when nothing is configured.
        done = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "GOMAXPROCS": str(torch.get_num_threads())})
        for row in json.loads(done.stdout):
            found[row["work"] + (" " + size if row["work"] == "files" else "")] = row["ms"], row["cpu_ms"]
    return found


def table(rounds: list[dict[str, Times]]) -> list[dict]:
    """Medians over rounds, and of the rounds' ratios to PyTorch."""
    rows = []
    for work in rounds[0]["pytorch"]:
        for side in rounds[0]:
            both = [[r[side][work][at] for r in rounds] for at in (0, 1)]
            ratio = [[r["pytorch"][work][at] / r[side][work][at] for r in rounds] for at in (0, 1)]
            rows.append({"work": work, "side": side, "ms": statistics.median(both[0]), "cpu_ms": statistics.median(both[1]),
                         "times": statistics.median(ratio[0]), "least": min(ratio[0]), "most": max(ratio[0]),
                         "cpu_times": statistics.median(ratio[1]), "goal": GOALS.get((work.split()[0], side))})
    return rows


def report(rows: list[dict], heading: str) -> str:
    """The table as text."""
    lines = [heading, "", f"{'':20}{'':9}{'ms':>9}{'CPU ms':>9}{'times':>8}{'from-to':>13}{'CPU times':>11}{'goal':>6}"]
    for row in rows:
        span = f"{row['least']:.1f}-{row['most']:.1f}"
        lines.append(f"{row['work']:20}{row['side']:9}{row['ms']:9.2f}{row['cpu_ms']:9.2f}{row['times']:8.2f}{span:>13}{row['cpu_times']:11.2f}{row['goal'] or '':>6}")
    return "\n".join(lines)


def main() -> None:
    chosen = options()
    program = chosen.clipseek.resolve()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.keep or pathlib.Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        model = reference()
        weights, texts = folder / "weights.pt", folder / "queries.txt"
        torch.save(model.state_dict(), weights)
        texts.write_text("\n".join(QUERIES) + "\n")
        files, directories = photos(folder), models(weights, folder)
        rounds = []
        for number in range(chosen.rounds):
            one = {"pytorch": in_pytorch(model, files, chosen.seconds)}
            for precision, directory in directories.items():
                one[precision] = in_clipseek(program, directory, texts, files, chosen.seconds)
            rounds.append(one)
            print(f"round {number + 1} of {chosen.rounds}: load {os.getloadavg()[0]:.1f}", file=sys.stderr)
            if chosen.json:
                chosen.json.write_text(json.dumps({"about": about(number + 1), "rows": table(rounds), "rounds": rounds}, indent=1) + "\n")
    print(report(table(rounds), about(len(rounds))))


def about(rounds: int) -> str:
    """Under which conditions the figures were got."""
    return (f"{ARCH}, random weights, batches of {BATCH}; {len(os.sched_getaffinity(0))} cores of {processor()}; "
            f"PyTorch {torch.__version__} with {torch.get_num_threads()} threads, Pillow {Image.__version__}; medians of {rounds} rounds")


def processor() -> str:
    """The processor's name."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in text.splitlines() if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
