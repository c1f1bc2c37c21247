"""Times bringing a folder of pictures into an index: the original's way and clipseek, on the same random weights, the same
files and the same cores, in turn.

    python ingest_original.py --clipseek bin/clipseek --milvus 127.0.0.1:19530 [--data FOLDER] [--rounds 5] [--json FILE]

The original's way is the script that clipseek replaces: one picture after the other through Pillow, openai/CLIP's own
preparation and `encode_image` in PyTorch, FP32, with as many threads as PyTorch takes by itself; vectors of length one are
inserted into Milvus by fifties. clipseek runs as `clipseek bench ingest`, with its defaults: its listing, its durable queue,
hashes, metadata and writes are counted. It is measured with the same Milvus, and with its local index as a row of its own.

Neither side's start is counted: importing, loading the model, making the collection. Each round measures every side one
after the other, so that what else the machine does meets all; ratios are taken within a round and medians over rounds are
printed. CPU is the processor time of the program, Milvus' own left out. Without --data, JPEG files like photos are drawn.
Milvus has to run (`make bench-ingest-original` starts one); the collections that are made in it are dropped again.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
from PIL import Image

import pictures
import speed

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
INSERT = 50  # pictures, as the original inserts them
COLLECTION = "original_bench_text_image_vector"
GOAL = 2  # times as fast, FP32 with the same index
SCENES = 12  # that are drawn; each file has noise of its own
SIDES = {  # by name: precision and index
    "FP32, Milvus": ("fp32", "milvus"),
    "FP32, local index": ("fp32", "local"),
    "INT8, Milvus": ("int8", "milvus"),
    "INT8, local index": ("int8", "local"),
}
ORIGINAL = "original's way"

Seconds = tuple[float, float]  # of one picture: on the clock, on processors


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clipseek", required=True, type=pathlib.Path, help="the program")
    parser.add_argument("--milvus", required=True, help="host:port")
    parser.add_argument("--data", type=pathlib.Path, help="folder of pictures")
    parser.add_argument("--count", type=int, default=200, help="how many pictures are taken of the folder, or drawn")
    parser.add_argument("--size", default="640x480", help="of those that are drawn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=0, help="cores for each side; with 1, CPU times tell even on a machine that does other work")
    parser.add_argument("--json", type=pathlib.Path, help="write every round's figures to this file")
    parser.add_argument("--keep", type=pathlib.Path, help="folder for weights and models, used again where they are there")
    return parser.parse_args()


def draw(folder: pathlib.Path, count: int, size: str) -> None:
    """Writes drawn scenes with fine noise, about as hard to decode as photos."""
    width, height = map(int, size.split("x"))
    scenes = [np.asarray(pictures.scene(number, width, height), np.float32) for number in range(min(SCENES, count))]
    for number in range(count):
        noise = np.random.default_rng(number).normal(0, 6, (height, width, 1))
        pixels = np.clip(scenes[number % len(scenes)] + noise, 0, 255).astype(np.uint8)
        target = folder / f"label{number % 4}" / f"{number:05}.jpg"
        target.parent.mkdir(exist_ok=True)
        Image.fromarray(pixels).save(target, quality=88)


def link(data: pathlib.Path, folder: pathlib.Path, count: int) -> None:
    """Takes pictures of the folder, evenly, under their names: hard links where that is possible, else copies."""
    found = sorted(path for path in data.resolve().rglob("*") if path.suffix.lower() in SUFFIXES)
    if not found:
        sys.exit(f"{data} holds no picture: --data names a folder with some")
    for path in found[:: max(1, len(found) // count)][:count]:
        target = folder / path.relative_to(data.resolve())
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            target.hardlink_to(path)
        except OSError:
            target.write_bytes(path.read_bytes())


class Original:
    """The original's way."""

    def __init__(self, model: torch.nn.Module, address: str) -> None:
        """Connects, and makes the collection anew with the original's fields."""
        from clip.clip import _transform
        from pymilvus import Collection, CollectionSchema, DataType, FieldSchema, connections, utility

        self.model, self.prepare = model, _transform(model.visual.input_resolution)
        host, port = address.rsplit(":", 1)
        connections.connect(host=host, port=port)
        if utility.has_collection(COLLECTION):
            utility.drop_collection(COLLECTION)
        self.collection = Collection(COLLECTION, CollectionSchema([
            FieldSchema("m_id", DataType.INT64, is_primary=True, auto_id=False),
            FieldSchema("embeding", DataType.FLOAT_VECTOR, dim=model.visual.output_dim),  # so it is spelled
            FieldSchema("path", DataType.VARCHAR, max_length=1024),
        ]), num_shards=2)

    def ingest(self, root: pathlib.Path) -> Seconds:
        """Walks the folder and inserts every picture in it."""
        begin, used = time.perf_counter(), speed.processors()
        ids: list[int] = []
        vectors: list[np.ndarray] = []
        paths: list[str] = []
        count = 0
        for folder, _, names in os.walk(root):
            for name in names:
                path = os.path.join(folder, name)
                with torch.no_grad():
                    vector = self.model.encode_image(self.prepare(Image.open(path)).unsqueeze(0))
                    vector = vector / vector.norm(dim=-1, keepdim=True)
                ids.append(count)
                vectors.append(vector[0].numpy())
                paths.append(path)
                count += 1
                if len(ids) == INSERT:
                    self.collection.insert([ids, vectors, paths])
                    ids, vectors, paths = [], [], []
        if ids:
            self.collection.insert([ids, vectors, paths])
        return (time.perf_counter() - begin) / count, (speed.processors() - used) / count

    def close(self) -> None:
        """Drops the collection."""
        self.collection.drop()


def in_clipseek(program: pathlib.Path, model: pathlib.Path, index: str, milvus: str, root: pathlib.Path, count: int) -> tuple[Seconds, dict]:
    """The same through the program, and what it tells of its stages."""
    # GOMAXPROCS is what clipseek takes for the number of cores when nothing is configured.
    environment = {**os.environ, "GOMAXPROCS": str(torch.get_num_threads()), "CLIPSEEK_INDEX__KIND": index,
                   "CLIPSEEK_INDEX__MILVUS__ADDRESS": milvus, "CLIPSEEK_INDEX__MILVUS__TIMEOUT": "2m"}
    command = [str(program), "bench", "ingest", "--model", str(model), "--json", str(root)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"clipseek ended with {done.returncode}: {done.stderr.strip()}")
    told = json.loads(done.stdout)
    if told["pictures"] != count or told["failed"]:
        sys.exit(f"clipseek indexed {told['pictures']} of {count} pictures; {told['failed']} failed")
    return (told["seconds"] / count, told["cpu_seconds"] / count), told


def table(rounds: list[dict[str, Seconds]]) -> list[dict]:
    """Medians over rounds, and of the rounds' ratios to the original's way."""
    rows = []
    for side in rounds[0]:
        wall, used = ([r[side][at] for r in rounds] for at in (0, 1))
        times, cpu_times = ([r[ORIGINAL][at] / r[side][at] for r in rounds] for at in (0, 1))
        rows.append({"side": side, "pictures_per_second": 1 / statistics.median(wall), "ms": 1e3 * statistics.median(wall),
                     "cpu_ms": 1e3 * statistics.median(used), "times": statistics.median(times), "least": min(times), "most": max(times),
                     "cpu_times": statistics.median(cpu_times), "goal": GOAL if side == "FP32, Milvus" else None})
    return rows


def report(rows: list[dict], heading: str) -> str:
    """The table as text."""
    lines = [heading, "", f"{'':20}{'pictures/s':>12}{'ms':>9}{'CPU ms':>9}{'times':>8}{'from-to':>13}{'CPU times':>11}{'goal':>6}"]
    for row in rows:
        span = f"{row['least']:.2f}-{row['most']:.2f}"
        lines.append(f"{row['side']:20}{row['pictures_per_second']:12.1f}{row['ms']:9.2f}{row['cpu_ms']:9.2f}{row['times']:8.2f}{span:>13}"
                     f"{row['cpu_times']:11.2f}{row['goal'] or '':>6}")
    return "\n".join(lines)


def main() -> None:
    """Measures and prints."""
    chosen = options()
    if chosen.threads:
        torch.set_num_threads(chosen.threads)
    with tempfile.TemporaryDirectory() as temporary:
        folder = (chosen.keep or pathlib.Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        root = pathlib.Path(temporary).resolve() / "pictures"
        root.mkdir()
        if chosen.data:
            link(chosen.data, root, chosen.count)
        else:
            draw(root, chosen.count, chosen.size)
        count = sum(1 for path in root.rglob("*") if path.is_file())
        model, weights = speed.reference(), folder / "weights.pt"
        torch.save(model.state_dict(), weights)
        directories = speed.models(weights, folder)
        rounds, told = [], []
        for number in range(chosen.rounds):
            original = Original(model, chosen.milvus)
            one, stages = {ORIGINAL: original.ingest(root)}, {}
            original.close()
            for side, (precision, index) in SIDES.items():
                one[side], stages[side] = in_clipseek(chosen.clipseek.resolve(), directories[precision], index, chosen.milvus, root, count)
            rounds.append(one)
            told.append(stages)
            print(f"round {number + 1} of {chosen.rounds}: load {os.getloadavg()[0]:.1f}", file=sys.stderr)
        heading = (f"{speed.ARCH}, random weights; {count} pictures of {chosen.data.name if chosen.data else chosen.size}; {len(os.sched_getaffinity(0))} cores of "
                   f"{speed.processor()}; PyTorch {torch.__version__} with {torch.get_num_threads()} threads, Pillow {Image.__version__}; medians of {chosen.rounds} rounds")
        rows = table(rounds)
        if chosen.json:
            chosen.json.write_text(json.dumps({"about": heading, "rows": rows, "rounds": rounds, "clipseek": told}, indent=1) + "\n")
        print(report(rows, heading))


if __name__ == "__main__":
    main()
