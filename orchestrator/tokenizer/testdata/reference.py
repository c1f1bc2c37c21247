"""Answers with what the reference packages make of texts, for the tests and measurements of clipseek's tokenizers.

    reference.py MODE [ARGUMENT...] < LINES

MODE is one of the names in MODES. LINES are JSON strings, one a line; each gets one line of JSON on standard output.
"time MODE [ARGUMENT...]" prints one object at the end instead: the seconds it took to answer all lines, on one core.
Modules of openai/CLIP and cn_clip are taken from the installed packages by their paths, which does not need PyTorch.
"""

import html
import importlib.util
import json
import os
import pathlib
import sys
import time

import ftfy
import ftfy.badness


def load(package, file):
    folder = importlib.util.find_spec(package).submodule_search_locations[0]
    spec = importlib.util.spec_from_file_location(file.split("/")[-1], pathlib.Path(folder) / (file + ".py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load_clip():
    return load("clip", "simple_tokenizer")


def load_bert():
    return load("cn_clip", "clip/bert_tokenizer")


def ids_of(tokenizer):
    start, end = tokenizer.encoder["<|startoftext|>"], tokenizer.encoder["<|endoftext|>"]
    return lambda text: [start, *tokenizer.encode(text), end]


def normalize_of(module):
    return lambda text: module.whitespace_clean(module.basic_clean(text)).lower()


def bert(vocabulary="", lower="lower"):
    """As cn_clip.clip.tokenize, without the context's limit."""
    module = load_bert()
    tokenizer = module.FullTokenizer(vocabulary or module.default_vocab(), do_lower_case=lower == "lower")
    vocab = tokenizer.vocab
    return lambda text: [vocab["[CLS]"], *tokenizer.convert_tokens_to_ids(tokenizer.tokenize(text)), vocab["[SEP]"]]


def sentencepiece(model):
    import sentencepiece as package

    return package.SentencePieceProcessor(model_file=model).encode


def clean(name):
    """open_clip's functions of that name. Its tokenizer imports PyTorch for other things."""
    import types
    import unittest.mock

    sys.modules.setdefault("torch", unittest.mock.MagicMock(spec=types.ModuleType("torch"), Tensor=None, LongTensor=None))
    module = load("open_clip", "tokenizer")
    return {"canonicalize": module.canonicalize_text, "get_clean_fn": module.get_clean_fn("canonicalize")}[name]


def huggingface_clip():
    """The tokenizer.json of openai/clip-vit-large-patch14, made from CLIP's own table."""
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    module = load_clip()
    own = module.SimpleTokenizer()
    merges = [tuple(pair) for pair, _ in sorted(own.bpe_ranks.items(), key=lambda item: item[1])]
    model = models.BPE(own.encoder, merges, unk_token="<|endoftext|>", continuing_subword_prefix="", end_of_word_suffix="</w>")
    tokenizer = Tokenizer(model)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFC(), normalizers.Replace(Regex(r"\s+"), " "), normalizers.Lowercase()]
    )
    words = Regex(r"'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(words, "removed", invert=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    return lambda text: tokenizer.encode(text).ids


def huggingface_bert(vocabulary=""):
    from tokenizers import BertWordPieceTokenizer

    tokenizer = BertWordPieceTokenizer(vocabulary or load_bert().default_vocab(), lowercase=True)
    return lambda text: tokenizer.encode(text).ids


def huggingface_pieces(model):
    """The pieces, scores and rules of a SentencePiece model in Hugging Face's terms, as transformers converts them."""
    from sentencepiece import sentencepiece_model_pb2
    from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers

    proto = sentencepiece_model_pb2.ModelProto.FromString(pathlib.Path(model).read_bytes())
    spec = proto.normalizer_spec
    unknown = next(i for i, piece in enumerate(proto.pieces) if piece.type == piece.UNKNOWN)
    fallback = proto.trainer_spec.byte_fallback
    steps = [normalizers.Precompiled(spec.precompiled_charsmap)] if spec.precompiled_charsmap else []
    if spec.remove_extra_whitespaces:
        steps += [normalizers.Strip(), normalizers.Replace(Regex(" {2,}"), " ")]
    if proto.trainer_spec.model_type == proto.trainer_spec.UNIGRAM:
        tokenizer = Tokenizer(models.Unigram([(piece.piece, piece.score) for piece in proto.pieces], unknown, fallback))
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace("\u2581", "always" if spec.add_dummy_prefix else "never", split=True)
    else:
        vocab = {piece.piece: i for i, piece in enumerate(proto.pieces)}
        splits = ((piece[:i], piece[i:]) for piece in vocab for i in range(1, len(piece)))
        merges = [(left, right) for left, right in splits if left in vocab and right in vocab]
        merges.sort(key=lambda pair: vocab[pair[0] + pair[1]])
        unk = proto.pieces[unknown].piece
        tokenizer = Tokenizer(models.BPE(vocab, merges, unk_token=unk, fuse_unk=True, byte_fallback=fallback))
        steps.append(normalizers.Replace(" ", "\u2581"))
    tokenizer.normalizer = normalizers.Sequence(steps)
    return lambda text: tokenizer.encode(text).ids


MODES = {
    "ids": lambda: ids_of(load_clip().SimpleTokenizer()),
    "normalize": lambda: normalize_of(load_clip()),
    "fix": lambda: ftfy.fix_text,
    "unescape": lambda: html.unescape,
    "bad": lambda: ftfy.badness.is_bad,
    "lower": lambda: str.lower,
    "table": lambda: lambda _: load_clip().default_bpe(),
    "bert": bert,
    "vocabulary": lambda: lambda _: load_bert().default_vocab(),
    "sentencepiece": sentencepiece,
    "clean": clean,
    "huggingface-clip": huggingface_clip,
    "huggingface-bert": huggingface_bert,
    "huggingface-pieces": huggingface_pieces,
}


def main():
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    mode, *arguments = sys.argv[1:]
    lines = [json.loads(line) for line in sys.stdin]
    if mode == "time":
        answer = MODES[arguments[0]](*arguments[1:])
        start = time.perf_counter()
        tokens = sum(len(answer(line)) for line in lines)
        print(json.dumps({"seconds": time.perf_counter() - start, "tokens": tokens}))
        return
    answer = MODES[mode](*arguments)
    for line in lines:
        print(json.dumps(answer(line)))


if __name__ == "__main__":
    main()
