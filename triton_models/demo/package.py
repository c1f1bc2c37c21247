"""The model directory: ONNX files, merge table, goldens, licence note and card."""

import argparse
import hashlib
import json
import pathlib
import shutil

import numpy as np
import onnx
import onnxruntime
import torch
from PIL import Image

import bpe
import graph
import pictures
import towers

GOLDEN_TEXTS = (
    "a red apple",
    "A Photo of a BANANA!",
    "fish &amp;amp; chips, it&#39;s  lunch",
    "granny smith apples on a shelf, 3 for 20.50",
    "红苹果",
    "一张柠檬的照片",
    "mâ€™lord eats crème brûlée 🍎",
    "a car",
)

PROBES = 48
ORIENTATION = 0x0112  # the EXIF tag
LEAST_COSINE = 0.9995
# Between the weakest thing that is there (0.25, the next 0.37) and the strongest that is not (0.10), by evaluate.py.
MATCH_SCORE = 0.20
LICENCE = pathlib.Path(__file__).with_name("MODEL_LICENSE.md")

CARD = """\
# What this model is, and how its inputs are made. Written by triton_models/demo/package.py.
format: 1
name: clipseek-demo
title: Fruit and vegetables in English and Chinese, small enough to carry inside the program
description: A small CLIP that knows fruit and vegetables on shop shelves and says of other things that they are not there.
licence: Apache-2.0
source: Trained by triton_models/demo/build.sh from EfficientNet-Lite0 weights, shop photos and rendered fruit; see LICENSE.md.
languages: [en, zh]
width: 768
image:
  file: image.onnx
  size: 336
  resize: shortest     # openai/CLIP: short side to size, centre crop
  mean: [0.48145466, 0.4578275, 0.40821073]
  std: [0.26862954, 0.26130258, 0.27577711]
  input: pixels
  output: embedding
text:
  file: text.onnx
  context: 77
  causal: true         # trailing padding cannot change the answer: send only the tokens there are
  input: tokens
  output: embedding
  match_score: {match_score:.2f}    # a best hit below this cosine is probably not what the text asks for
  tokenizer:
    kind: clip-bpe
    merges: merges.txt
golden: golden.json
files:                 # SHA-256 of every file that the program reads
"""


def rounded(values):
    return [float(f"{value:.6g}") for value in np.asarray(values, np.float64).ravel()]


def golden_texts(tower, tokenizer):
    for text in GOLDEN_TEXTS:
        ids = tokenizer.encode(text)
        with torch.no_grad():
            embedding = tower(torch.tensor([ids]))[0]
        yield {"text": text, "tokens": ids, "embedding": rounded(embedding)}


def golden_images(tower, folder):
    spread = np.random.default_rng(7)
    for path in sorted((folder / "golden").iterdir()):
        prepared = pictures.load(path)
        places = np.stack([spread.integers(0, side, PROBES) for side in prepared.shape], 1)
        probe = [{"at": place.tolist(), "value": rounded(prepared[tuple(place)])[0]} for place in places]
        with torch.no_grad():
            embedding = tower(torch.from_numpy(prepared)[None])[0]
        yield {"file": f"golden/{path.name}", "probe": probe, "embedding": rounded(embedding)}


def golden_pictures(renders, folder):
    """Small rendered pictures in three formats; one lies on its side and says so in its EXIF."""
    golden = folder / "golden"
    golden.mkdir(parents=True, exist_ok=True)
    by_fruit = [sorted((renders / fruit).glob("*.jpg"))[0] for fruit in ("apple", "banana", "lemon", "grape")]
    shutil.copyfile(by_fruit[0], golden / "apple.jpg")
    with Image.open(by_fruit[1]) as picture:
        picture.resize((200, 150), Image.Resampling.BICUBIC).save(golden / "banana.png", optimize=True)
    with Image.open(by_fruit[2]) as picture:
        picture.resize((240, 180), Image.Resampling.BICUBIC).save(golden / "lemon.webp", lossless=True)
    with Image.open(by_fruit[3]) as picture:
        turned = picture.transpose(Image.Transpose.ROTATE_90)
        exif = Image.Exif()
        exif[ORIENTATION] = 6
        turned.save(golden / "grape-turned.jpg", quality=88, exif=exif)


def write(folder, image, text, merges, renders, match_score):
    """Writes the whole directory."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    image.eval()
    text.eval()
    onnx.save(graph.image_graph(image), folder / "image.onnx")
    onnx.save(graph.text_graph(text), folder / "text.onnx")
    shutil.copyfile(merges, folder / "merges.txt")
    shutil.copyfile(LICENCE, folder / "LICENSE.md")
    golden_pictures(renders, folder)
    tokenizer = bpe.Tokenizer.load(merges)
    golden = {
        "origin": f"the PyTorch model in FP32 (torch {torch.__version__}), ftfy, regex and Pillow",
        "texts": list(golden_texts(text, tokenizer)),
        "images": list(golden_images(image, folder)),
    }
    (folder / "golden.json").write_text(json.dumps(golden, ensure_ascii=False) + "\n", encoding="utf-8")
    card(folder, match_score)


def card(folder, match_score):
    """Writes card.yaml with the hashes of the other files."""
    text = CARD.format(match_score=match_score)
    named = ["image.onnx", "text.onnx", "merges.txt", "golden.json"]
    named += sorted(f"golden/{path.name}" for path in (folder / "golden").iterdir())
    for name in named:
        text += f"  {name}: {hashlib.sha256((folder / name).read_bytes()).hexdigest()}\n"
    (folder / "card.yaml").write_text(text, encoding="utf-8")


def drift(folder):
    """The lowest cosine between the ONNX files, at several paddings, and the goldens."""
    golden = json.loads((folder / "golden.json").read_text(encoding="utf-8"))
    image, text = (onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
                   for name in ("image.onnx", "text.onnx"))
    lowest = 1.0
    for entry in golden["texts"]:
        for padding in (0, 3, bpe.CONTEXT - len(entry["tokens"])):
            tokens = np.array([entry["tokens"] + [0] * padding], np.int32)
            lowest = min(lowest, float(text.run(None, {"tokens": tokens})[0][0] @ np.array(entry["embedding"])))
    for entry in golden["images"]:
        pixels = pictures.load(folder / entry["file"])[None]
        lowest = min(lowest, float(image.run(None, {"pixels": pixels})[0][0] @ np.array(entry["embedding"])))
    return lowest


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", required=True, type=pathlib.Path, help="folder with model.pt and merges.txt")
    parser.add_argument("--renders", required=True, type=pathlib.Path, help="rendered pictures, four of which become goldens")
    parser.add_argument("--out", required=True, type=pathlib.Path, help="model directory to write")
    parser.add_argument("--match-score", type=float, default=MATCH_SCORE)
    options = parser.parse_args()
    trained = torch.load(options.work / "model.pt")
    image = towers.ImageTower()
    image.load_state_dict(trained["image"])
    text = towers.TextTower(trained["text"]["token.weight"].shape[0])
    text.load_state_dict(trained["text"])
    write(options.out, image, text, options.work / "merges.txt", options.renders, options.match_score)
    lowest = drift(options.out)
    print(f"ONNX against PyTorch on the goldens: cosine at least {lowest:.6f}")
    if lowest < LEAST_COSINE:
        raise SystemExit(f"the exported files drift from the trained model: {lowest:.6f} < {LEAST_COSINE}")


if __name__ == "__main__":
    main()
