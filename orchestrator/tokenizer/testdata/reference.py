"""Answers with what the reference packages make of texts, for the tests of clipseek's tokenizer.

    reference.py MODE < LINES

MODE is one of the names in MODES. LINES are JSON strings, one a line; each gets one line of JSON on standard output.
openai/CLIP's simple_tokenizer.py is taken from the installed clip package by its path, which does not need PyTorch.
The mode "time" prints one object at the end instead: the seconds it took to encode all lines.
"""

import html
import importlib.util
import json
import pathlib
import sys
import time

import ftfy
import ftfy.badness


def load_clip():
    package = importlib.util.find_spec("clip").submodule_search_locations[0]
    path = pathlib.Path(package) / "simple_tokenizer.py"
    spec = importlib.util.spec_from_file_location("simple_tokenizer", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def ids_of(tokenizer):
    start, end = tokenizer.encoder["<|startoftext|>"], tokenizer.encoder["<|endoftext|>"]
    return lambda text: [start, *tokenizer.encode(text), end]


def normalize_of(module):
    return lambda text: module.whitespace_clean(module.basic_clean(text)).lower()


MODES = {
    "ids": lambda: ids_of(load_clip().SimpleTokenizer()),
    "normalize": lambda: normalize_of(load_clip()),
    "fix": lambda: ftfy.fix_text,
    "unescape": lambda: html.unescape,
    "bad": lambda: ftfy.badness.is_bad,
    "lower": lambda: str.lower,
    "table": lambda: lambda _: load_clip().default_bpe(),
}


def main():
    mode = sys.argv[1]
    lines = [json.loads(line) for line in sys.stdin]
    if mode == "time":
        encode = MODES["ids"]()
        start = time.perf_counter()
        for line in lines:
            encode(line)
        print(json.dumps({"seconds": time.perf_counter() - start}))
        return
    answer = MODES[mode]()
    for line in lines:
        print(json.dumps(answer(line)))


if __name__ == "__main__":
    main()
