"""The texts of training: captions that fit pictures, and absent texts that fit none."""

import pathlib
import re

import numpy as np
import torch

import bpe
import captions
import catalogue
import vocabulary

FREQUENT = {"en": 16000, "zh": 16000}


def described(data):
    """The first sentence of each class's product description, as a phrase."""
    for path in sorted(pathlib.Path(data, "iconic").rglob("*_Description.txt")):
        name = path.name.removesuffix("_Description.txt")
        if name in catalogue.FINE:
            sentence = re.split(r"(?<=\.)\s", path.read_text(encoding="utf-8-sig").strip())[0]
            if len(sentence) < 160:
                yield captions.Phrase(sentence, frozenset({f"fine:{name}"}))


def absent_phrases():
    """Everyday things alone and in colours, then frequent words; all of them in no picture."""
    nothing = frozenset()
    for english, chinese in vocabulary.everyday():
        yield captions.Phrase(english, nothing)
        if chinese:
            yield captions.Phrase(chinese, nothing, "zh", english)
    for colour, (word, chinese) in catalogue.COLOURS.items():
        for number, (english, other) in enumerate(vocabulary.everyday()):
            if number % 3 == len(colour) % 3:
                yield captions.Phrase(f"{colour} {english}", nothing)
                if other:
                    yield captions.Phrase(chinese.split()[0] + other, nothing, "zh", f"{colour} {english}")


def frequent_phrases(language):
    nothing = frozenset()
    return [captions.Phrase(word, nothing, language) for word in vocabulary.frequent(language, FREQUENT[language])]


def render(phrase, random):
    """The phrase in a random template; one time in three it stands alone.

    What is not there stands in the same templates, so that no template means "there".
    """
    templates = captions.CHINESE if phrase.language == "zh" else captions.ENGLISH
    if random.random() < 0.34:
        return phrase.text
    return captions.fill(templates[random.integers(len(templates))], phrase.text)


def misspelt(text, random):
    """One letter dropped, doubled, swapped or changed in a long enough text."""
    if len(text) < 6 or not text.isascii():
        return text
    at = int(random.integers(1, len(text) - 1))
    letter = text[at]
    change = (letter * 2, "", text[at + 1] + letter, chr(random.integers(97, 123)))[random.integers(4)]
    skip = 2 if change == text[at + 1] + letter and len(change) == 2 and change != letter * 2 else 1
    return text[:at] + change + text[at + skip:]


def pieces(phrases, random, rounds=3):
    """Piece counts of the corpus, from which the merges are learned."""
    counts = {}
    for phrase in phrases:
        for _ in range(rounds if phrase.tags else 1):
            for piece in bpe.PIECES.findall(bpe.clean(render(phrase, random))):
                counts[piece] = counts.get(piece, 0) + 1
    return counts


def padded(texts, tokenizer):
    """int64 [n, longest] of token ids, zero padded on the right."""
    ids = [tokenizer.encode(text) for text in texts]
    rows = np.zeros((len(ids), max(map(len, ids))), np.int64)
    for row, some in zip(rows, ids):
        row[:len(some)] = some
    return rows


class Pool:
    """Absent phrases, of which those that came near a picture are drawn more often."""

    def __init__(self, phrases):
        self.phrases = phrases
        self.nearness = np.zeros(len(phrases))

    def draw(self, count, random):
        """Numbers of phrases: half of them evenly, half by their nearness so far."""
        near = np.exp(12 * self.nearness)
        chances = 0.5 / len(near) + 0.5 * near / near.sum()
        return random.choice(len(near), count, p=chances)

    def note(self, numbers, cosines):
        """Takes in how near the drawn phrases came to any picture."""
        self.nearness[numbers] = 0.5 * self.nearness[numbers] + 0.5 * cosines


class Corpus:
    """All phrases of training, and texts drawn from them."""

    def __init__(self, data, tokenizer, random):
        self.tokenizer, self.random = tokenizer, random
        self.present = captions.phrases()
        self.described = list(described(data))
        self.everyday = list(absent_phrases())
        self.frequent = {language: frequent_phrases(language) for language in FREQUENT}
        self.characters = sorted({c for phrase in self.frequent["zh"] for c in phrase.text})

    def taught(self):
        """The phrases whose meaning the sentence encoder can tell: all but frequent Chinese words."""
        return [*self.present, *self.everyday, *self.frequent["en"]]

    def choose(self, phrases, count):
        return [phrases[number] for number in self.random.integers(0, len(phrases), count)]

    def estranged(self, count):
        """Names with a part changed so that they name nothing, half of them Chinese."""
        names = vocabulary.present_names_zh()
        single = {phrase.text for phrase in self.present}
        found = []
        while len(found) < count:
            phrase = self.present[self.random.integers(len(self.present))]
            if phrase.language == "zh" and len(found) % 2 == 0 and len(phrase.text) > 1:
                at = self.random.integers(len(phrase.text))
                other = self.characters[self.random.integers(len(self.characters))]
                text = phrase.text[:at] + other + phrase.text[at + 1:]
                if not any(name in text for name in names):
                    found.append(captions.Phrase(text, frozenset(), "zh"))
            elif phrase.language == "en" and len(found) % 2 == 1 and " " in phrase.text:
                words = [word for word in phrase.text.split() if word not in single and word + "s" not in single and len(word) > 2]
                if words:
                    english = [everyday for everyday in self.choose(self.everyday, 8) if everyday.language == "en"]
                    if english:
                        found.append(captions.Phrase(f"{words[0]} {english[0].text}", frozenset()))
        return found

    def ids(self, phrases, wrong=0.1):
        """Token ids of the phrases in random templates; a share of them has a wrong letter."""
        texts = [render(phrase, self.random) for phrase in phrases]
        texts = [misspelt(text, self.random) if self.random.random() < wrong else text for text in texts]
        return torch.from_numpy(padded(texts, self.tokenizer))


def merges(path, count, seed):
    """Learns the merge table of the whole corpus and writes it."""
    random = np.random.default_rng(seed)
    phrases = [*captions.phrases(), *absent_phrases(), *frequent_phrases("en"), *frequent_phrases("zh")]
    bpe.save(bpe.learn(pieces(phrases, random), count), path)
