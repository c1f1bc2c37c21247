"""Captions: texts of many forms, each with the tags a picture must carry to fit it."""

import dataclasses
import re

import catalogue

# {} takes the bare phrase; {a} the phrase with its article.
ENGLISH = (
    "{}", "{a}", "a photo of {a}", "a photo of {}", "a picture of {a}", "photo of {}", "picture of {}", "an image of {}",
    "some {}", "fresh {}", "{} on a shelf", "{} in a shop", "{} in a box", "{a} in a hand", "a close-up of {a}",
    "a pile of {}", "{} at the supermarket", "{} on a table", "show me {}", "this is {a}", "{} photo", "many {}",
    "a bad photo of {a}", "ripe {}", "the {}", "organic {}", "find {}", "{}, a type of food", "{} for sale",
    "two {}", "three {}", "five {}", "several {}", "one {}", "lots of {}", "a basket of {}", "{} close up", "my {}",
)
CHINESE = (
    "{}", "一张{}的照片", "{}的照片", "一个{}", "{}照片", "新鲜的{}", "一些{}", "货架上的{}", "超市里的{}", "这是{}",
    "{}图片", "一堆{}", "手里的{}", "桌子上的{}", "很多{}", "一张{}的图片", "盒子里的{}", "找{}",
)


@dataclasses.dataclass(frozen=True)
class Phrase:
    """A thing that can be named; tags empty means: in no picture."""

    text: str
    tags: frozenset
    language: str = "en"
    english: str = ""  # what the sentence encoder reads in place of Chinese

    def captions(self):
        """The phrase in every template, as (text, text for the sentence encoder)."""
        if self.language == "zh":
            for template in CHINESE:
                yield template.format(self.text), self.english
        else:
            for template in ENGLISH:
                text = fill(template, self.text)
                yield text, text


def fill(template, phrase):
    return template.format(phrase, a=article(phrase))


def article(phrase):
    """The phrase with a or an, unless its last word is a plural."""
    if re.search(r"(?<!s)s$", phrase) and not phrase.endswith(("asparagus", "citrus")):
        return phrase
    return ("an " if phrase[0] in "aeiou" else "a ") + phrase


def names(entry):
    """Names of a catalogue entry as lists of forms: [["apple", "apples"], ...]."""
    return [pair.split(";") for pair in entry.split(",") if pair]


def phrases():
    """Every phrase that fits some picture, each text once; the first meaning wins."""
    found = {}
    for phrase in (*of_fine(), *of_coarse(), *of_colours(), *of_kinds()):
        found.setdefault((phrase.text, phrase.language), phrase)
    return list(found.values())


def of_fine():
    for name, (coarse, english, chinese, _, _) in catalogue.FINE.items():
        forms = names(english)
        tags = frozenset({f"fine:{name}"})
        hint = forms[0][0] if forms else coarse
        if forms and coarse not in hint:
            hint = f"{hint} {coarse}"
        for form in (form for group in forms for form in group):
            yield Phrase(form, tags)
        for word in chinese.split():
            yield Phrase(word, tags, "zh", hint)
        if forms:
            yield Phrase(f"{name.replace('-', ' ').lower()}", tags)


def of_coarse():
    for coarse, (english, chinese, _) in catalogue.COARSE.items():
        tags = frozenset({"kind:citrus"} if coarse == "citrus" else {f"coarse:{coarse}"})
        for form in (form for group in names(english) for form in group):
            yield Phrase(form, tags)
        yield Phrase(coarse, tags)
        for word in chinese.split():
            yield Phrase(word, tags, "zh", coarse)


def seen_colours(coarse):
    """Colours in which pictures of the class may be had."""
    colours = set()
    for of, _, _, sure, _ in catalogue.FINE.values():
        colours |= set(sure.split()) if of == coarse else set()
    return colours | RENDERED.get(coarse, set())


# Colours of rendered pictures, by coarse class.
RENDERED = {
    "apple": {"red", "green", "yellow"}, "apricot": {"orange"}, "banana": {"yellow", "green"}, "blueberry": {"blue"},
    "cherry": {"red"}, "grape": {"green", "red", "purple", "black"}, "litchi": {"red"}, "mango": {"green", "yellow", "red"},
}


def of_colours():
    for colour, (english, chinese) in catalogue.COLOURS.items():
        tag = f"colour:{colour}"
        word = english.split(",")[0]
        if colour != "orange":
            yield Phrase(word, frozenset({tag}))
        for of in ("thing", "food", "fruit", "fruits", "vegetable", "vegetables"):
            kind = {"fruit": {"kind:fruit"}, "vegetable": {"kind:vegetable"}}.get(of.rstrip("s"), set())
            yield Phrase(f"{word} {of}", frozenset({tag, *kind}))
        yield Phrase(f"something {word}", frozenset({tag}))
        plain = chinese.split()[0]
        for suffix, kind in (("水果", {"kind:fruit"}), ("蔬菜", {"kind:vegetable"}), ("东西", set())):
            yield Phrase(plain + suffix, frozenset({tag, *kind}), "zh", f"{word} {'fruit' if kind else 'thing'}")
        for form in chinese.split()[:2]:
            yield Phrase(form, frozenset({tag}), "zh", word)
        yield from coloured(colour, word, chinese)


def coloured(colour, word, chinese):
    """Colour with class: "red apple", 红苹果, 红色的苹果."""
    for coarse, (english, names_zh, _) in catalogue.COARSE.items():
        if colour not in seen_colours(coarse) or coarse in ("red grapefruit", "red beet", "citrus"):
            continue
        tags = frozenset({f"coarse:{coarse}", f"colour:{colour}"})
        for form in names(english)[0]:
            yield Phrase(f"{word} {form}", tags)
            if word == "orange-coloured":
                yield Phrase(f"orange {form}", tags)
        for name in names_zh.split()[:2]:
            short = chinese.split()[0][:-2]
            yield Phrase(chinese.split()[0] + name, tags, "zh", f"{colour} {coarse}")
            yield Phrase(short + name, tags, "zh", f"{colour} {coarse}")


def of_kinds():
    for kind, (english, chinese) in catalogue.KINDS.items():
        tags = frozenset({f"kind:{kind}"})
        for form in (form for group in names(english) for form in group):
            yield Phrase(form, tags)
        for word in chinese.split():
            yield Phrase(word, tags, "zh", names(english)[0][0])


def fits(tags, content):
    """1 where the picture carries every tag, -1 where it perhaps does, else 0."""
    if tags <= content.tags:
        return 1
    return -1 if tags <= content.tags | content.perhaps else 0


def sharp(phrase):
    """Whether the phrase names one fine or coarse class and nothing more."""
    return len(phrase.tags) == 1 and next(iter(phrase.tags)).startswith(("fine:", "coarse:"))
