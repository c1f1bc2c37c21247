"""Trains the SentencePiece models that the tests compare with the sentencepiece package.

    pieces.py FOLDER < LINES

LINES are JSON strings, one a line. Each entry of MODELS becomes FOLDER/NAME.model; what it does to other than the default
options is what a real model does, or all of its rare paths together.
"""

import io
import json
import pathlib
import sys

import sentencepiece
from sentencepiece import sentencepiece_model_pb2

SIZE = 4000
MODELS = {
    # T5's and SigLIP's; mT5's and XLM-RoBERTa's are alike
    "unigram-nfkc": {"model_type": "unigram"},
    # Gemma's and so SigLIP 2's
    "bpe-gemma": {
        "model_type": "bpe", "normalization_rule_name": "identity", "byte_fallback": True, "add_dummy_prefix": False,
        "remove_extra_whitespaces": False, "split_digits": True, "allow_whitespace_only_pieces": True,
        "user_defined_symbols": ["<b>", "\u2581\u2581\u2581", "\n\n", "x3"], "pad_id": 0, "eos_id": 1, "bos_id": 2, "unk_id": 3,
    },
    # LLaMA's
    "bpe-llama": {
        "model_type": "bpe", "normalization_rule_name": "identity", "byte_fallback": True, "remove_extra_whitespaces": False,
    },
    "bpe-folded": {"model_type": "bpe", "normalization_rule_name": "nmt_nfkc_cf", "user_defined_symbols": ["apple", "é", "水果"]},
    "unigram-folded": {
        "model_type": "unigram", "normalization_rule_name": "nfkc_cf", "byte_fallback": True, "remove_extra_whitespaces": False,
        "user_defined_symbols": ["apple", "app", "le tab", "é", "水果"],
    },
    "unigram-suffix": {"model_type": "unigram", "treat_whitespace_as_suffix": True, "normalization_rule_name": "nfkc"},
    "bpe-across": {"model_type": "bpe", "split_by_whitespace": False, "split_by_unicode_script": False, "split_by_number": False},
    "unigram-across": {"model_type": "unigram", "split_by_whitespace": False, "split_by_unicode_script": False},
}


def train(lines, size=SIZE, **options):
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, vocab_size=size, hard_vocab_limit=False, character_coverage=0.98,
        num_threads=1, minloglevel=2, **options,
    )
    return model.getvalue()


def without_some(model):
    """Every third longer piece is there to make others only."""
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    for i, piece in enumerate(proto.pieces):
        if piece.type == piece.NORMAL and len(piece.piece) > 1 and i % 3 == 0:
            piece.type = piece.UNUSED
    return proto.SerializeToString()


def with_ties(model):
    """Scores in steps, so that many pieces have the same."""
    proto = sentencepiece_model_pb2.ModelProto.FromString(model)
    for piece in proto.pieces:
        piece.score = round(piece.score / 8) * 8
    return proto.SerializeToString()


def main():
    folder = pathlib.Path(sys.argv[1])
    lines = [json.loads(line) for line in sys.stdin]
    lines = [line.replace("\0", "") for text in lines for line in text.splitlines() if len(line) < 1000]
    models = {name: train(lines, **options) for name, options in MODELS.items()}
    models["bpe-unused"] = without_some(models["bpe-llama"])
    models["unigram-unused"] = without_some(models["unigram-nfkc"])
    models["bpe-ties"] = with_ties(models["bpe-llama"])
    models["unigram-ties"] = with_ties(models["unigram-nfkc"])
    for name, model in models.items():
        (folder / f"{name}.model").write_bytes(model)


if __name__ == "__main__":
    main()
