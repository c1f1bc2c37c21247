"""Runs the same lines through clipseek and the reference tokenizers, one core each, and prints how they compare.

    .venv/bin/python orchestrator/tokenizer/testdata/compare.py [--clipseek PROGRAM] [FILE]

FILE has a text a line; without it, captions and the golden texts are used. PROGRAM is built with `make build`. For each
kind of tokenizer a model directory is made that has the reference package's own table in it, or a SentencePiece model
that is trained from the lines; its towers are no towers, as none is run. The times are those of the best of some rounds,
the start of neither side counted.
"""

import argparse
import hashlib
import json
import os
import pathlib
import random
import subprocess
import tempfile
import time

import pieces
import reference

HERE = pathlib.Path(__file__).parent
ROUNDS = 5
CONTEXT = 1 << 20  # no line is cut
CARD = """format: 1
name: {name}
width: 1
image: {{file: tower, size: 1, resize: squash, mean: [0, 0, 0], std: [1, 1, 1], input: i, output: o}}
text: {{file: tower, context: {context}, input: i, output: o, tokenizer: {tokenizer}}}
golden: tower
files: {{tower: {tower}, table: {table}}}
"""


def default_lines():
    choose = random.Random(7).choice
    things = ["a red apple", "two ripe bananas", "my sister's cat", "une pomme verte", "ein Korb voll Äpfel", "яблоки", "一只红苹果", "빨간 사과"]
    places = ["on a wooden table", "in the market", "at 6:30 a.m.", "sur la table", "im Garten", "на рынке", "在桌子上", "in São Paulo"]
    texts = json.loads((HERE / "golden_texts.json").read_text())
    made = [f"{choose(['', 'photo of ', 'a close-up of '])}{choose(things)} {choose(places)}" for _ in range(4000)]
    return made + [text for text in texts["ftfy"] + texts["own"] if "\n" not in text]


def make_model(folder, name, tokenizer, table):
    home = folder / name
    home.mkdir()
    files = {"table": table, "tower": b"no tower"}
    for file, content in files.items():
        (home / file).write_bytes(content)
    hashes = {file: hashlib.sha256(content).hexdigest() for file, content in files.items()}
    (home / "card.yaml").write_text(CARD.format(name=name, context=CONTEXT, tokenizer=tokenizer, **hashes))
    return home


def kinds(folder, lines):
    """Name, model directory, the reference, Hugging Face's tokenizer."""
    clip = pathlib.Path(reference.load_clip().default_bpe()).read_bytes()
    model = make_model(folder, "clip-bpe", "{kind: clip-bpe, merges: table, count: 48894}", clip)
    yield "clip-bpe", model, reference.MODES["ids"](), reference.huggingface_clip()
    bert = pathlib.Path(reference.load_bert().default_vocab()).read_bytes()
    model = make_model(folder, "bert-wordpiece", "{kind: bert-wordpiece, vocabulary: table}", bert)
    yield "bert-wordpiece", model, reference.bert(), reference.huggingface_bert()
    for name in ("unigram-nfkc", "bpe-gemma"):
        table = pieces.train(lines, **pieces.MODELS[name])
        model = make_model(folder, name, '{kind: sentencepiece, model: table, end: "</s>"}', table)
        encode = reference.sentencepiece(str(model / "table"))
        end = end_of(model / "table")
        yield name, model, lambda text: [*encode(text), end], reference.huggingface_pieces(str(model / "table"))


def end_of(model):
    import sentencepiece

    return sentencepiece.SentencePieceProcessor(model_file=str(model)).piece_to_id("</s>")


def best(encode, lines):
    """Seconds for all lines."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        for line in lines:
            encode(line)
        times.append(time.perf_counter() - start)
    return min(times)


def main():
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    parser = argparse.ArgumentParser()
    parser.add_argument("--clipseek", default=str(HERE.parents[2] / "bin" / "clipseek"))
    parser.add_argument("file", nargs="?")
    options = parser.parse_args()
    # Lines end with a line feed only, as clipseek has it.
    lines = pathlib.Path(options.file).read_bytes().decode().split("\n") if options.file else default_lines()
    lines = [line for line in lines if line]
    with tempfile.TemporaryDirectory() as home:
        folder = pathlib.Path(home)
        text = folder / "lines.txt"
        text.write_bytes("\n".join(lines).encode())
        print(f"{len(lines)} lines, {text.stat().st_size} bytes; lines/s")
        print(f"{'':16}{'clipseek':>12}{'reference':>12}{'':>8}{'Rust':>12}{'':>8}   same ids")
        for name, model, encode, rust in kinds(folder, lines):
            command = [options.clipseek, "--model", str(model)]
            times = subprocess.run([*command, "bench", "tokenize", "--json", str(text)], check=True, capture_output=True)
            own = json.loads(times.stdout)["lines_per_second"]
            special = ["--special"] if name == "clip-bpe" else []  # as openai/CLIP has it
            ids = subprocess.run([*command, "tokenize", "--json", *special], stdin=text.open("rb"), check=True, capture_output=True)
            same = sum(json.loads(got) == encode(line) for got, line in zip(ids.stdout.splitlines(), lines))
            python, rust = (len(lines) / best(function, lines) for function in (encode, rust))
            print(f"{name:16}{own:12.0f}{python:12.0f}{own / python:7.1f}x{rust:12.0f}{own / rust:7.1f}x   {same} of {len(lines)}")


if __name__ == "__main__":
    main()
