"""Writes golden_pieces.json: what the references of BERT and SentencePiece make of golden_texts.json, with a small
vocabulary and small models, which are in the file too.

    .venv/bin/python orchestrator/tokenizer/testdata/golden_pieces.py

The vocabulary and the models are learned here from the texts themselves, so that the tests need no file of a model.
"""

import base64
import collections
import importlib.metadata
import json
import pathlib
import tempfile

import sentencepiece

import pieces
import reference

HERE = pathlib.Path(__file__).parent
SIZE = 420  # pieces of a model

# As much of nmt_nfkc as the texts need, so that the model stays small: from, a tab, to, in hexadecimal.
RULES = [("\t", " "), ("\n", " "), ("\r", " "), ("\u00a0", " "), ("\u3000", " "), ("\u200b", " "), ("\x1b", ""), ("\ufeff", ""),
         ("\uff01", "!"), ("\u2026", "..."), ("\ufb01", "fi"), ("e\u0301", "\u00e9"), ("e\u0301\u0323", "\u1eb9\u0301"), ("\u00a8", " \u0308")]


def rules(folder):
    """The rules as the file that the trainer reads."""
    path = pathlib.Path(folder) / "rules.tsv"
    codes = lambda text: " ".join(f"{ord(c):X}" for c in text)
    path.write_text("".join(f"{codes(old)}\t{codes(new)}\n" for old, new in RULES))
    return str(path)


def vocabulary(texts):
    basic = reference.load_bert().BasicTokenizer()
    words = collections.Counter(word for text in texts for word in basic.tokenize(text))
    chars = collections.Counter(c for word in words.elements() for c in word)
    often = [word for word, n in words.most_common(250) if len(word) > 1]
    alphabet = sorted(c for c, n in chars.items() if n > 2)
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *alphabet, *("##" + c for c in alphabet if n_inside(c, words)), *often, "##ing", "##ed"]


def n_inside(char, words):
    return any(char in word[1:] for word in words)


def ids_of_model(model):
    processor = sentencepiece.SentencePieceProcessor()
    processor.LoadFromSerializedProto(model)
    return processor.encode


def main():
    texts = json.loads((HERE / "golden_texts.json").read_text())
    texts = texts["ftfy"] + texts["own"]
    lines = [line for text in texts for line in text.replace("\0", "").splitlines() if len(line) < 1000]
    with tempfile.TemporaryDirectory() as folder:
        models = {
            "unigram": pieces.train(lines, SIZE, model_type="unigram", normalization_rule_tsv=rules(folder), user_defined_symbols=["<b>", "apple"]),
            "bpe": pieces.train(
                lines, SIZE + 256, model_type="bpe", normalization_rule_name="identity", byte_fallback=True,
                remove_extra_whitespaces=False, add_dummy_prefix=False, user_defined_symbols=["<b>", "\n"],
            ),
        }
        tokens = vocabulary(texts)
        path = pathlib.Path(folder) / "vocab.txt"
        path.write_text("\n".join(tokens) + "\n")
        bert = reference.bert(str(path))
    encode = {name: ids_of_model(model) for name, model in models.items()}
    golden = {
        "origin": f"cn_clip {importlib.metadata.version('cn-clip')} and sentencepiece {sentencepiece.__version__}, by golden_pieces.py",
        "vocabulary": tokens,
        "models": {name: base64.b64encode(model).decode() for name, model in models.items()},
        "cases": [{"text": t, "bert": bert(t), **{name: ids(t) for name, ids in encode.items()}} for t in texts],
    }
    text = json.dumps(golden, ensure_ascii=True, separators=(",", ":"))
    text = text.replace('{"text"', '\n{"text"').replace('"vocabulary"', '\n"vocabulary"').replace('"models"', '\n"models"').replace('"cases"', '\n"cases"')
    (HERE / "golden_pieces.json").write_text(text + "\n")


main()
