"""Measures a model directory on a folder of Grocery layout with ONNX Runtime alone.

Prints mean precision@16 over classes for plain queries, and the gap between the best
hit of things that are there and of things that are not.
"""

import argparse
import pathlib

import numpy as np
import onnxruntime

import bpe
import captions
import catalogue
import pictures
import vocabulary

TEMPLATES = {"en": ("{}", "{a}", "a photo of {a}", "a picture of {a}", "some {}", "{} on a shelf"),
             "zh": ("{}", "一张{}的照片", "{}的照片", "新鲜的{}", "一些{}", "超市里的{}")}
TOP = 16
BATCH = 16


class Model:
    """Both towers of a model directory."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 2
        self.image, self.text = (onnxruntime.InferenceSession(str(folder / name), options, ["CPUExecutionProvider"])
                                 for name in ("image.onnx", "text.onnx"))
        self.tokenizer = bpe.Tokenizer.load(folder / "merges.txt")

    def pictures(self, paths):
        """float32 [n, 768] of picture files."""
        rows = []
        for at in range(0, len(paths), BATCH):
            batch = np.stack([pictures.load(path) for path in paths[at:at + BATCH]])
            rows.append(self.image.run(None, {"pixels": batch})[0])
        return np.concatenate(rows)

    def texts(self, texts):
        """float32 [n, 768] of texts."""
        rows = []
        for at in range(0, len(texts), 256):
            ids = [self.tokenizer.encode(text) for text in texts[at:at + 256]]
            padded = np.zeros((len(ids), max(map(len, ids))), np.int32)
            for row, some in zip(padded, ids):
                row[:len(some)] = some
            rows.append(self.text.run(None, {"tokens": padded})[0])
        return np.concatenate(rows)


def classes(data):
    """{fine number: (fine name, coarse name)} as a query spells them."""
    table = {}
    for line in (pathlib.Path(data) / "classes.csv").read_text(encoding="utf-8").splitlines()[1:]:
        fine, number, coarse, *_ = line.split(",")
        table[int(number)] = (spelt(fine), spelt(coarse))
    return table


def spelt(name):
    return name.replace("-", " ").lower()


def chinese(coarse):
    """The first Chinese name of a coarse class of Grocery."""
    for name, (english, names, _) in catalogue.COARSE.items():
        if coarse in english.replace(";", ",").split(",") or coarse == name:
            return names.split()[0]
    raise KeyError(coarse)


def precision(scores, relevant):
    """Precision among the best 16, or among as many as there are to be found."""
    top = min(TOP, int(relevant.sum()))
    return relevant[np.argsort(-scores)[:top]].mean()


def asked(queries, templates):
    return [captions.fill(template, query) for template in templates for query in queries]


def measure(model, seen, wanted, language):
    """(precision, best hit), both [templates, queries], of {query: which pictures answer it}."""
    templates = TEMPLATES[language]
    relevant = np.array(list(wanted.values()))
    scores = model.texts(asked(wanted, templates)) @ seen.T
    found = [precision(row, relevant[number % len(relevant)]) for number, row in enumerate(scores)]
    shape = (len(templates), len(relevant))
    return np.reshape(found, shape), scores.max(1).reshape(shape)


def absent(model, seen):
    """Best hits of absent queries: {set name: [(score, text, query), ...] best first}."""
    everyday = list(vocabulary.everyday())
    sets = {
        "everyday words, English": ([english for english, _ in everyday], "en"),
        "everyday words, Chinese": ([other for _, other in everyday if other], "zh"),
        "words never trained on, English": (vocabulary.HELD_OUT_EN, "en"),
        "words never trained on, Chinese": (vocabulary.HELD_OUT_ZH, "zh"),
    }
    found = {}
    for name, (queries, language) in sets.items():
        texts = asked(queries, TEMPLATES[language])
        best = (model.texts(texts) @ seen.T).max(1)
        found[name] = sorted(zip(best, texts, queries * len(TEMPLATES[language])), reverse=True)
    return found


def report(model, seen, sections):
    """Prints the tables of sections (title, language, {query: which pictures answer it})."""
    present = []
    print(f"{len(seen)} pictures\n\n| queries | template | mean precision@{TOP} | weakest |\n|---|---|---|---|")
    for title, language, wanted in sections:
        found, best = measure(model, seen, wanted, language)
        queries = list(wanted)
        for template, row in zip(TEMPLATES[language], found):
            weak = ", ".join(f"{queries[n]} {row[n]:.2f}" for n in np.argsort(row)[:4] if row[n] < 1)
            print(f"| {title} | {template.format('X', a='a X')} | {row.mean():.3f} | {weak} |")
        present += zip(best.ravel(), asked(wanted, TEMPLATES[language]), queries * len(TEMPLATES[language]))
    present.sort()
    print("\n| best hit (cosine) | queries | extreme, median | nearest to the border |\n|---|---|---|---|")
    print(f"| there | {len(present)} | lowest {present[0][0]:.3f}, {np.median([hit[0] for hit in present]):.3f} | {shown(present)} |")
    strongest = -1.0
    for name, hits in absent(model, seen).items():
        strongest = max(strongest, hits[0][0])
        print(f"| not there: {name} | {len(hits)} | highest {hits[0][0]:.3f}, {np.median([hit[0] for hit in hits]):.3f} | {shown(hits)} |")
    print(f"\ngap between the two: {present[0][0] - strongest:+.3f}\n")


def grocery_sections(data, numbers):
    table = classes(data)
    coarse, fine = (np.array([table[number][which] for number in numbers]) for which in (1, 0))
    yield "coarse, English", "en", {name: coarse == name for name in sorted(set(coarse))}
    yield "fine, English", "en", {name: fine == name for name in sorted(set(fine))}
    yield "coarse, Chinese", "zh", {chinese(name): coarse == name for name in sorted(set(coarse))}


def sample_sections(fruits):
    """The sample folders by name; lemons are citrus fruits too."""
    fruits = np.array(fruits)
    wanted = {name: (fruits == name) | ((name == "citrus") & (fruits == "lemon")) for name in sorted(set(fruits))}
    yield "samples, English", "en", wanted
    yield "samples, Chinese", "zh", {catalogue.COARSE[name][1].split()[0]: which for name, which in wanted.items()}


def shown(hits):
    """The first few hits, each query once."""
    first = {}
    for score, text, query in hits:
        first.setdefault(query, f"{text} {score:.2f}")
    return ", ".join(list(first.values())[:5])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, help="model directory")
    parser.add_argument("--data", required=True, help="folder with classes.csv and the list")
    parser.add_argument("--list", default="val.txt", help="list of pictures inside the data folder")
    parser.add_argument("--samples", help="folder of sample pictures, one folder per fruit")
    options = parser.parse_args()
    model = Model(options.model)
    listed = list(pictures.listed(options.data, options.list))
    print(f"{options.list} of the data folder: ", end="")
    report(model, model.pictures([path for path, _ in listed]),
           grocery_sections(options.data, [number for _, number in listed]))
    if options.samples:
        paths = sorted(pathlib.Path(options.samples).glob("*/*.jpg"))
        print("sample pictures: ", end="")
        report(model, model.pictures(paths), sample_sections([path.parent.name for path in paths]))


if __name__ == "__main__":
    main()
