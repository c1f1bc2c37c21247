"""The training pictures in memory, each with the content that captions are matched to."""

import collections
import dataclasses
import json
import pathlib
import re

import numpy as np
from PIL import Image, ImageOps

import captions
import catalogue
import pictures

# Short side kept in memory: a little over the tower's, so that crops stay sharp.
KEPT = 352

# Rendered citrus fruits are classes of their own among the photos.
CITRUS = {"orange": "orange", "mandarin": "satsuma", "grapefruit": "red grapefruit", "lime": "lime"}


@dataclasses.dataclass
class Picture:
    pixels: np.ndarray
    content: catalogue.Content


def read(path):
    with Image.open(path) as picture:
        picture = ImageOps.exif_transpose(picture).convert("RGB")
        short = min(picture.size)
        if short > KEPT:
            size = tuple(round(side * KEPT / short) for side in picture.size)
            picture = picture.resize(size, Image.Resampling.BICUBIC)
        return np.asarray(picture)


def photos(data, name):
    """The photos of a Grocery list."""
    fine = dict(enumerate_classes(data))
    return [Picture(read(path), catalogue.photo(fine[number])) for path, number in pictures.listed(data, name)]


def enumerate_classes(data):
    """(number, fine class name) of classes.csv."""
    for line in (pathlib.Path(data) / "classes.csv").read_text(encoding="utf-8").splitlines()[1:]:
        name, number, *_ = line.split(",")
        yield int(number), name


def iconic(data):
    """The one clean product picture of each class."""
    for path in sorted(pathlib.Path(data, "iconic").rglob("*_Iconic.jpg")):
        name = path.name.removesuffix("_Iconic.jpg")
        if name in catalogue.FINE:
            yield Picture(read(path), catalogue.photo(name))


def rendered(folder):
    """Rendered pictures with the content that their captions.jsonl tells."""
    folder = pathlib.Path(folder)
    for line in (folder / "captions.jsonl").read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        yield Picture(read(folder / entry["file"]), content_of(entry))


def content_of(entry):
    """Content of one rendered picture: fruit, kinds and the colours it is said to have."""
    coarse = entry["fruit"]
    if coarse == "citrus":
        coarse = next(name for word, name in CITRUS.items() if word in entry["kind"])
    colours = set(re.findall("[a-z]+", f"{entry['colour']} {entry['kind']}")) & catalogue.COLOURS.keys()
    colours -= {"orange"} if "orange" not in entry["colour"] else set()
    tags = {f"coarse:{coarse}", "rendered", *catalogue.kinds(coarse), *(f"colour:{c}" for c in colours)}
    return catalogue.Content(frozenset(tags), frozenset(fine_like(coarse, colours)))


def fine_like(coarse, colours):
    """Fine photo classes whose name the rendered picture may answer to as well."""
    for name, (of, _, _, sure, perhaps) in catalogue.FINE.items():
        if of == coarse and colours & {*sure.split(), *perhaps.split()}:
            yield f"fine:{name}"


def matches(phrases, contents):
    """int8 [phrases, contents] of captions.fits."""
    known = {}
    return np.array([[known.setdefault((p.tags, c), captions.fits(p.tags, c) if p.tags else 0) for c in contents]
                     for p in phrases], np.int8)


def spared(phrases, contents, fit):
    """`fit` with -1 where a phrase names a variety and the picture shows another of the same fruit.

    A Galia is no cantaloupe, and must rank behind one, but it need not be as far from the word as a car.
    """
    kin = np.array([[coarse in content.tags for content in contents] for coarse in map(fruit_of, phrases)])
    return np.where(kin & (fit == 0), -1, fit).astype(np.int8)


def fruit_of(phrase):
    """The coarse tag of the variety that the phrase names, or nothing."""
    for tag in phrase.tags:
        if tag.startswith("fine:"):
            return f"coarse:{catalogue.FINE[tag.removeprefix('fine:')][0]}"
    return None


def training(data, renders):
    """All pictures of training, always in the same order."""
    shots = photos(data, "train.txt") + list(iconic(data))
    for folder in renders:
        shots += rendered(folder)
    return shots


def weights(shots):
    """Chances of drawing each picture: a class weighs as the root of its size."""
    kinds = [shot.content.tags for shot in shots]
    sizes = collections.Counter(kinds)
    chances = np.array([sizes[kind] ** -0.5 for kind in kinds])
    return chances / chances.sum()
