"""Writes golden.json: what the reference packages make of golden_texts.json, with a small merge table.

    .venv/bin/python orchestrator/tokenizer/testdata/golden.py

The table is learned here from the texts themselves, so that the tests need no file of a model. openai/CLIP's tokenizer
reads it as it reads its own.
"""

import collections
import gzip
import importlib.metadata
import json
import pathlib
import tempfile

import ftfy
import regex

import reference

HERE = pathlib.Path(__file__).parent
MERGES = 400


def learn(module, texts):
    """Merges by frequency, ties by order of appearance."""
    normal = reference.normalize_of(module)
    printable = module.bytes_to_unicode()
    words = collections.Counter()
    for text in texts:
        for word in regex.findall(r"\p{L}+|\p{N}|[^\s\p{L}\p{N}]+", normal(text)):
            symbols = [printable[b] for b in word.encode()]
            symbols[-1] += "</w>"
            words[tuple(symbols)] += 1
    merges = []
    while len(merges) < MERGES:
        pairs = collections.Counter()
        for word, count in words.items():
            for pair in zip(word, word[1:]):
                pairs[pair] += count
        best = max(pairs, key=pairs.get)
        merges.append(best)
        merged = collections.Counter()
        for word, count in words.items():
            out, i = [], 0
            while i < len(word):
                if word[i : i + 2] == best:
                    out.append("".join(best))
                    i += 2
                else:
                    out.append(word[i])
                    i += 1
            merged[tuple(out)] += count
        words = merged
    return [" ".join(pair) for pair in merges]


def main():
    module = reference.load_clip()
    texts = json.loads((HERE / "golden_texts.json").read_text())
    texts = texts["ftfy"] + texts["own"]
    merges = learn(module, texts)
    with tempfile.NamedTemporaryFile(suffix=".gz") as table:
        table.write(gzip.compress("\n".join(["#version: 0.2", *merges]).encode()))
        table.flush()
        ids = reference.ids_of(module.SimpleTokenizer(table.name))
    normal = reference.normalize_of(module)
    clip = importlib.metadata.version("clip-anytorch")
    golden = {
        "origin": f"openai/CLIP's simple_tokenizer.py (clip-anytorch {clip}) with ftfy {ftfy.__version__} and regex {regex.__version__}, by golden.py",
        "merges": merges,
        "cases": [{"text": t, "fixed": ftfy.fix_text(t), "normal": normal(t), "ids": ids(t)} for t in texts],
    }
    lines = json.dumps(golden, ensure_ascii=True, indent=None, separators=(",", ":"))
    lines = lines.replace('{"text"', '\n{"text"').replace('"merges"', '\n"merges"').replace('"cases"', '\n"cases"')
    (HERE / "golden.json").write_text(lines + "\n")


main()
