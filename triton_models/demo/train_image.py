"""First stage: the image tower against the sentence encoder behind one linear layer.

Both sides of the contrast are pictures and captions; the linear layer that joins the
spaces is kept, since the text tower is later distilled through it.
"""

import argparse
import copy
import pathlib
import time

import numpy as np
import torch
from torch import nn
from torch.nn import functional

import album
import averages
import captions
import losses
import teacher
import towers
import trunk
import vocabulary

SEED = 11
BATCH = 48
LEAST_WINDOW = 0.55
TEMPLATES = ("{}", "{a}", "a photo of {a}", "some {}", "{} on a shelf")
ABSENT_WORDS = 5000
ABSENT_A_STEP = 256


class Texts:
    """English phrases and absent words as sentence embeddings."""

    def __init__(self, encode):
        self.phrases = [p for p in captions.phrases() if p.language == "en"]
        self.forms = torch.stack([torch.from_numpy(encode([captions.fill(t, p.text) for p in self.phrases]))
                                  for t in TEMPLATES])
        absent = [text for word, _ in vocabulary.everyday() for text in (word, f"a photo of {captions.article(word)}", captions.article(word))]
        self.absent = torch.from_numpy(encode(absent + far(vocabulary.frequent("en", ABSENT_WORDS), encode, self.forms)))

    def draw(self, random):
        """One form of each phrase, and some absent texts."""
        which = torch.from_numpy(random.integers(0, len(self.forms), len(self.phrases)))
        some = torch.from_numpy(random.choice(len(self.absent), ABSENT_A_STEP, replace=False))
        return self.forms[which, torch.arange(len(which))], self.absent[some]


def far(words, encode, forms, limit=0.55):
    """The words that the sentence encoder does not hold near a phrase that is there."""
    nearest = (torch.from_numpy(encode(words)) @ forms.flatten(0, 1).T).amax(1)
    return [word for word, near in zip(words, nearest) if near < limit]


def thaw(tower):
    """Leaves the early blocks and all batch norm statistics as ImageNet made them."""
    tower.eval()
    for part in (tower.stem, *tower.blocks[:trunk.FIRST_TUNED]):
        part.requires_grad_(False)


def seen(tower, cached, numbers, random):
    """Embeddings of a window of one view of some pictures, with noise against learning by heart."""
    view = cached[random.integers(0, len(cached))]
    features = trunk.late(tower, trunk.window(view, numbers, random, LEAST_WINDOW))
    return functional.normalize(tower.project(functional.dropout(features, 0.3)), dim=-1)


def train(tower, cached, shots, encode, epochs, log=print):
    """Returns the tower (an average over the last steps) and the joining layer."""
    torch.manual_seed(SEED)
    random = np.random.default_rng(SEED)
    texts = Texts(encode)
    fit = torch.from_numpy(album.matches(texts.phrases, [shot.content for shot in shots]))
    sharp = torch.tensor([captions.sharp(phrase) for phrase in texts.phrases])
    join = nn.Linear(teacher.WIDTH, towers.WIDTH)
    tower.to(memory_format=torch.channels_last)
    thaw(tower)
    body = [p for name, p in tower.named_parameters() if p.requires_grad and not name.startswith("project")]
    groups = [{"params": body, "lr": 3e-4}, {"params": [*tower.project.parameters(), *join.parameters()], "lr": 2e-3}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.02)
    steps = epochs * (len(shots) // BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: averages.warm_cosine(step, steps, 40))
    mean, mean_join = copy.deepcopy(tower), copy.deepcopy(join)
    chances = album.weights(shots)
    began, sums = time.time(), 0
    for step in range(1, steps + 1):
        numbers = torch.from_numpy(random.choice(len(shots), BATCH, replace=False, p=chances))
        pictured = seen(tower, cached, numbers, random)
        present, absent = (functional.normalize(join(some), dim=-1) for some in texts.draw(random))
        cosines, fits = present @ pictured.T, fit[:, numbers]
        loss = losses.calibrated(cosines, fits) + losses.ranked(cosines, fits)
        loss = loss + losses.named(cosines[sharp], fits[sharp]) + 2 * losses.absent(absent @ pictured.T, 0.0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(body, 5.0)
        optimizer.step()
        schedule.step()
        averages.follow(mean, tower, step, 0.99)
        averages.follow(mean_join, join, step, 0.99)
        sums += loss.item()
        if step % 40 == 0:
            log(f"step {step}/{steps}  loss {sums / 40:.3f}  {time.time() - began:.0f} s", flush=True)
            sums = 0
    return mean, mean_join


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="Grocery folder")
    parser.add_argument("--renders", nargs="*", default=[], help="folders of rendered pictures")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--changed", type=int, default=6, help="changed views of each picture")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for maps.pt and image.pt")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    out = options.out
    shots = album.training(options.data, options.renders)
    print(f"{len(shots)} pictures", flush=True)
    tower = towers.pretrained_image_tower()
    if not (out / "maps.pt").exists():
        torch.save(trunk.maps(tower, shots, options.changed, SEED), out / "maps.pt")
    cached = torch.load(out / "maps.pt")
    tower, join = train(tower, cached, shots, teacher.Teacher(out / "teacher.npz"), options.epochs)
    torch.save({"image": tower.state_dict(), "join": join.state_dict()}, out / "image.pt")


if __name__ == "__main__":
    main()
