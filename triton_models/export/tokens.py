"""The tokenizers' own files, from the reference packages or a model's folder, and the reference's ids."""

from __future__ import annotations

import gzip
import html
import importlib.util
import json
import pathlib
import re
import string

import ftfy

from model import ExportError

CLIP_SIZE = 49408
CLIP_MERGES = "bpe_simple_vocab_16e6.txt.gz"
CLIP_COUNT = 48894  # the merges of the table that openai/CLIP uses
CHINESE_VOCABULARY = "vocab.txt"


def beside(package: str, *parts: str) -> pathlib.Path:
    """A file inside an installed package."""
    spec = importlib.util.find_spec(package)
    path = pathlib.Path(spec.origin).parent.joinpath(*parts) if spec and spec.origin else None
    if path is None or not path.is_file():
        raise ExportError(f"the Python package {package} with its {parts[-1]} is missing; install what requirements.txt lists")
    return path


def clip() -> dict:
    """CLIP's byte-level BPE, as the fields of a Model."""
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    return {
        "tokenizer": {"kind": "clip-bpe", "merges": CLIP_MERGES, "count": CLIP_COUNT},
        "tokenizer_files": {CLIP_MERGES: beside("open_clip", CLIP_MERGES).read_bytes()},
        "encode_text": lambda text: [tokenizer.sot_token_id, *tokenizer.encode(text), tokenizer.eot_token_id],
    }


def chinese(vocabulary: pathlib.Path | None = None) -> dict:
    """Chinese-CLIP's WordPiece: its own vocabulary, or a folder's vocab.txt."""
    from cn_clip.clip.bert_tokenizer import FullTokenizer

    path = vocabulary or beside("cn_clip", "clip", CHINESE_VOCABULARY)
    tokenizer = FullTokenizer(vocab_file=str(path))
    first, last = tokenizer.vocab["[CLS]"], tokenizer.vocab["[SEP]"]
    return {
        "tokenizer": {"kind": "bert-wordpiece", "vocabulary": CHINESE_VOCABULARY},
        "tokenizer_files": {CHINESE_VOCABULARY: path.read_bytes()},
        "encode_text": lambda text: [first, *tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text)), last],
    }


def card_name(name: str) -> str:
    """A name that a card may carry: letters, digits and '. _ @ -'."""
    return (re.sub(r"[^A-Za-z0-9._@-]+", "-", name).lstrip("._@-") or "model")[:100]


def clip_folder(path: pathlib.Path, vocabulary: int) -> dict:
    """CLIP's BPE for a Hugging Face folder, whose own merge table, where there is one, must be CLIP's."""
    if vocabulary != CLIP_SIZE:
        raise ExportError(f"{path} has a vocabulary of {vocabulary} tokens; CLIP's has {CLIP_SIZE}, and no other can be exported with CLIP's text tower")
    merges = None
    if (path / "merges.txt").is_file():
        merges = [line.strip() for line in (path / "merges.txt").read_text(encoding="utf-8").splitlines() if line.strip() and not line.startswith("#version")]
    elif (path / "tokenizer.json").is_file():
        listed = json.loads((path / "tokenizer.json").read_text(encoding="utf-8")).get("model", {}).get("merges", [])
        merges = [line if isinstance(line, str) else " ".join(line) for line in listed]
    if merges is not None:
        table = gzip.decompress(beside("open_clip", CLIP_MERGES).read_bytes()).decode().split("\n")
        if merges[:CLIP_COUNT] != table[1 : 1 + CLIP_COUNT]:
            raise ExportError(f"{path} has a merge table that is not CLIP's; only CLIP's can be exported")
    return clip()


def siglip_folder(path: pathlib.Path, vocabulary: int) -> dict:
    """SigLIP's SentencePiece (spiece.model), or SigLIP 2's (tokenizer.model), which is Gemma's and six times as large."""
    if vocabulary > 100_000:
        return pieces(path, ("tokenizer.model", "spiece.model"), "<eos>", ["case"], 0)
    return pieces(path, ("spiece.model", "tokenizer.model"), "</s>", ["punctuation", "case", "spaces"], 1)


def of_openclip(path: pathlib.Path, config: dict, vocabulary: int) -> dict:
    """The tokenizer that open_clip's configuration of a text tower asks for; path is where the weights lie."""
    if not config.get("hf_tokenizer_name"):
        if vocabulary != CLIP_SIZE:
            raise ExportError(f"the text tower has {vocabulary} tokens; CLIP's tokenizer has {CLIP_SIZE}")
        return {**clip(), "languages": ("en",)}
    if "SigLIP" not in config["hf_tokenizer_name"]:
        raise ExportError(f"the tokenizer {config['hf_tokenizer_name']} is not one of those that can be exported: CLIP's and SigLIP's")
    if vocabulary > 100_000:
        return pieces(path, ("tokenizer.model", "spiece.model"), "<eos>", list(STEPS), 0)
    return pieces(path, ("spiece.model", "tokenizer.model"), "</s>", list(STEPS), 1)


STEPS = ("repair", "punctuation", "case", "spaces")


def clean(text: str, steps: list[str]) -> str:
    """What the card's cleaning steps do to a text."""
    if "repair" in steps:
        text = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
    if "punctuation" in steps:
        text = text.replace("_", " ").translate(str.maketrans("", "", string.punctuation))
    if "case" in steps:
        text = text.lower()
    return " ".join(text.split()) if "spaces" in steps else text


def pieces(path: pathlib.Path, names: tuple[str, ...], end: str, steps: list[str], pad: int) -> dict:
    """A SentencePiece tokenizer from a folder, as the fields of a Model."""
    import sentencepiece

    file = next((path / name for name in names if (path / name).is_file()), None)
    if file is None:
        raise ExportError(f"{path} has no {names[0]}, SentencePiece's file, which the tokenizer is made of (tokenizer.json does not do); "
                          "copy it from where the weights came from")
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(file))
    except RuntimeError as err:
        raise ExportError(f"{file} is not a SentencePiece model; copy it again") from err
    last = processor.piece_to_id(end)
    return {
        "pad": pad,
        "tokenizer": {"kind": "sentencepiece", "model": file.name, "end": end, "clean": steps},
        "tokenizer_files": {file.name: file.read_bytes()},
        "encode_text": lambda text: [*processor.encode(clean(text, steps)), last],
    }
