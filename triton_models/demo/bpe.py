"""CLIP's byte-level BPE: text to token ids, and the learning of a merge table.

The layout of ids is openai/CLIP's: 256 byte symbols, the same 256 with the
end-of-word mark, one id per merge, then <|startoftext|> and <|endoftext|>. Only
the merge table is our own and smaller. This is the reference path (ftfy, regex)
from which the golden token ids come; the program clipseek has its own tokenizer.
"""

import collections
import functools
import heapq
import html
import pathlib

import ftfy
import regex

END_OF_WORD = "</w>"
START = "<|startoftext|>"
END = "<|endoftext|>"
CONTEXT = 77

# openai/CLIP's pre-tokenization: contractions, runs of letters, single digits,
# runs of anything else that is not white space.
PIECES = regex.compile(
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+",
    regex.IGNORECASE,
)


def clean(text):
    """The text as CLIP sees it: mended, unescaped twice, single spaces, lower case."""
    text = html.unescape(html.unescape(ftfy.fix_text(text))).strip()
    return regex.sub(r"\s+", " ", text).strip().lower()


@functools.cache
def byte_symbols():
    """One printable character for each byte, in CLIP's order of ids."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    symbols = {byte: chr(byte) for byte in printable}
    symbols.update({byte: chr(256 + rank) for rank, byte in enumerate(others)})
    return symbols


def spell(piece):
    """The symbols of one piece before any merge; the last one carries the word's end."""
    symbols = [byte_symbols()[byte] for byte in piece.encode("utf-8")]
    return (*symbols[:-1], symbols[-1] + END_OF_WORD)


class Tokenizer:
    """Text to ids under one merge table."""

    def __init__(self, merges):
        symbols = list(byte_symbols().values())
        symbols += [symbol + END_OF_WORD for symbol in symbols]
        symbols += [left + right for left, right in merges]
        symbols += [START, END]
        self.ids = {symbol: number for number, symbol in enumerate(symbols)}
        self.ranks = {pair: rank for rank, pair in enumerate(merges)}
        self.size = len(symbols)
        self.start = self.ids[START]
        self.end = self.ids[END]
        self._known = {START: [self.start], END: [self.end]}

    @classmethod
    def load(cls, path):
        """Reads a merge table: a header line, then one pair a line."""
        lines = pathlib.Path(path).read_text(encoding="utf-8").splitlines()[1:]
        return cls([tuple(line.split()) for line in lines if line])

    def encode(self, text):
        """Ids from start to end token; ValueError where they exceed the context."""
        ids = [self.start]
        for piece in PIECES.findall(clean(text)):
            ids += self._piece(piece)
        ids.append(self.end)
        if len(ids) > CONTEXT:
            raise ValueError(f"{len(ids)} tokens, the context holds {CONTEXT}: {text[:40]!r}")
        return ids

    def _piece(self, piece):
        if piece not in self._known:
            symbols = list(spell(piece))
            while len(symbols) > 1:
                pair = min(zip(symbols, symbols[1:]), key=lambda p: self.ranks.get(p, len(self.ranks)))
                if pair not in self.ranks:
                    break
                symbols = join(symbols, pair)
            self._known[piece] = [self.ids[symbol] for symbol in symbols]
        return self._known[piece]


def join(symbols, pair):
    """The symbols with every occurrence of the pair, from the left, made one."""
    joined, at = [], 0
    while at < len(symbols):
        if tuple(symbols[at:at + 2]) == pair:
            joined.append(pair[0] + pair[1])
            at += 2
        else:
            joined.append(symbols[at])
            at += 1
    return joined


def learn(weights, count, least=2):
    """The merges of a corpus given as {piece: weight}: most frequent pair first.

    Ties go to the pair that sorts first, so the table depends on the corpus alone.
    Stops early when no pair weighs at least `least`.
    """
    words = [[list(spell(piece)), weight] for piece, weight in sorted(weights.items())]
    total = collections.Counter()
    where = collections.defaultdict(set)
    for number, (symbols, weight) in enumerate(words):
        for pair in zip(symbols, symbols[1:]):
            total[pair] += weight
            where[pair].add(number)
    heap = [(-weight, pair) for pair, weight in total.items()]
    heapq.heapify(heap)
    merges = []
    while len(merges) < count and heap:
        weight, pair = heapq.heappop(heap)
        if total[pair] != -weight:  # a note from before other merges changed this pair's weight
            continue
        if -weight < least:
            break
        merges.append(pair)
        changed = set()
        for number in sorted(where.pop(pair)):
            symbols, weight = words[number]
            words[number][0] = joined = join(symbols, pair)
            for old in zip(symbols, symbols[1:]):
                total[old] -= weight
                changed.add(old)
            for new in zip(joined, joined[1:]):
                total[new] += weight
                where[new].add(number)
                changed.add(new)
        for touched in changed:
            if total[touched] > 0:
                heapq.heappush(heap, (-total[touched], touched))
    return merges


def save(merges, path):
    """Writes the table in openai/CLIP's layout.

    No newline ends it: openai/CLIP's reader takes an empty last line for one more merge.
    """
    lines = ["#version: 0.2 clipseek-demo"] + [f"{left} {right}" for left, right in merges]
    pathlib.Path(path).write_text("\n".join(lines), encoding="utf-8")
