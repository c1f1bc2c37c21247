"""Measures what averaged templates (text.prompts of a card) do for short queries of a model directory.

Prints mean precision@16 and mean average precision over the classes of a folder of Grocery layout, for the bare names and
for each set of templates, and how far the best hit of what is there lies above that of what is not.
Needs ONNX Runtime and no PyTorch.

    python triton_models/demo/prompts.py --model orchestrator/model/demo --data DATA_DIR
"""

import argparse

import numpy as np

import catalogue
import evaluate
import vocabulary

# CLIP's seven are those that openai/CLIP's notebook on prompts chose for ImageNet.
SETS = {
    "en": {
        "the name alone": ("{}",),
        "one: a photo of a {}": ("a photo of a {}",),
        "the name and one": ("{}", "a photo of a {}"),
        "CLIP's seven": ("itap of a {}.", "a bad photo of the {}.", "a origami {}.", "a photo of the large {}.",
                         "a {} in a video game.", "art of the {}.", "a photo of the small {}."),
        "five plain": ("{}", "a photo of {}", "a photo of a {}", "a picture of {}", "a close-up of {}"),
        "six of a shop": ("{}", "fresh {}", "some {}", "{} on a shelf", "{} at the supermarket", "a photo of {}"),
        "ten": ("{}", "a photo of {}", "a photo of a {}", "a picture of {}", "a close-up of {}", "fresh {}", "some {}",
                "{} on a shelf", "{} at the supermarket", "the {}"),
    },
    "zh": {
        "the name alone": ("{}",),
        "one: 一张{}的照片": ("一张{}的照片",),
        "the name and one": ("{}", "一张{}的照片"),
        "five plain": ("{}", "一张{}的照片", "{}的照片", "一张{}的图片", "{}图片"),
        "six of a shop": ("{}", "新鲜的{}", "一些{}", "货架上的{}", "超市里的{}", "一张{}的照片"),
        "ten": ("{}", "一张{}的照片", "{}的照片", "一张{}的图片", "{}图片", "新鲜的{}", "一些{}", "货架上的{}", "超市里的{}", "这是{}"),
    },
}


def averaged(model, names, templates):
    """float32 [names, width]: each name in every template, normalized, averaged and normalized again."""
    rows = model.texts([template.format(name) for name in names for template in templates])
    mean = rows.reshape(len(names), len(templates), -1).mean(1)
    return mean / np.linalg.norm(mean, axis=1, keepdims=True)


def average_precision(scores, relevant):
    """Mean of the precision at each picture of the class."""
    right = relevant[np.argsort(-scores)]
    return (right.cumsum() / np.arange(1, len(right) + 1))[right].mean()


def absent(language):
    """Words for things that no picture shows, of which some were never trained on."""
    if language == "en":
        return [english for english, _ in vocabulary.everyday()] + list(vocabulary.HELD_OUT_EN)
    return [other for _, other in vocabulary.everyday() if other] + list(vocabulary.HELD_OUT_ZH)


def row(model, seen, wanted, language, templates):
    scores = averaged(model, list(wanted), templates) @ seen.T
    relevant = list(wanted.values())
    found = np.mean([evaluate.precision(*pair) for pair in zip(scores, relevant)])
    ranked = np.mean([average_precision(*pair) for pair in zip(scores, relevant)])
    missing = (averaged(model, absent(language), templates) @ seen.T).max(1)
    return f"{found:.4f} | {ranked:.4f} | {scores.max(1).min():.3f} | {missing.max():.3f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="model directory")
    parser.add_argument("--data", required=True, help="folder with classes.csv and the list")
    parser.add_argument("--list", default="val.txt", help="list of pictures inside the data folder")
    options = parser.parse_args()
    model = evaluate.Model(options.model)
    listed = list(evaluate.pictures.listed(options.data, options.list))
    seen = model.pictures([path for path, _ in listed])
    print(f"{len(seen)} pictures of {options.list}\n\n| queries | templates | precision@{evaluate.TOP} | average precision | lowest there | highest not there |\n|---|---|---|---|---|---|")
    for title, language, wanted in evaluate.grocery_sections(options.data, [number for _, number in listed]):
        for name, templates in SETS[language].items():
            print(f"| {title} ({len(wanted)}) | {name} | {row(model, seen, wanted, language, templates)} |")


if __name__ == "__main__":
    main()
