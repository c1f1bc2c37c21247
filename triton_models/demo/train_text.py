"""Third stage: the text tower set against the pictures, and still held to the sentence encoder.

The pictures come as features of the trained image tower at full size; its projection
goes on learning with the text tower, the rest of it is fixed.
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
import bpe
import captions
import corpus
import losses
import teacher
import towers
import trunk

SEED = 13
PRESENT, EVERYDAY, FREQUENT, ESTRANGED = 112, 56, 40, 16
PICTURES = 320
MARGIN = 0.02


def bank(tower, cached, random, batch=32):
    """Features [views, n, 1280]: of each cached view whole, and of a window of the plain one."""
    rows = []
    with torch.no_grad():
        for view, least in [(view, 1.0) for view in cached] + [(cached[0], 0.6)]:
            parts = [torch.arange(at, min(at + batch, len(view))) for at in range(0, len(view), batch)]
            rows.append(torch.cat([trunk.late(tower, trunk.window(view, part, random, least)) for part in parts]))
    return torch.stack(rows)


def joined(words, join, size):
    """The text tower of the second stage with its head and the joining layer as one projection."""
    tower = towers.TextTower(size)
    tower.load_state_dict(words["text"])
    head, joint = words["head"], join.state_dict()
    with torch.no_grad():
        tower.project.weight.copy_(joint["weight"] @ head["weight"])
        tower.project.bias.copy_(joint["weight"] @ head["bias"] + joint["bias"])
    return tower


def told(phrases, encode, join):
    """{phrase: unit target} of the phrases the sentence encoder knows, in the joined space."""
    with torch.no_grad():
        targets = functional.normalize(join(torch.from_numpy(encode([p.english or p.text for p in phrases]))), dim=-1)
    return dict(zip(phrases, targets))


class Contrast:
    """The loss of one step: texts that fit, absent ones and pictures drawn at random."""

    def __init__(self, features, shots, texts, targets, random):
        self.features, self.texts, self.targets, self.random = features, texts, targets, random
        contents = [shot.content for shot in shots]
        fit = album.matches(texts.present, contents)
        self.fit, self.spared = torch.from_numpy(fit), torch.from_numpy(album.spared(texts.present, contents, fit))
        self.fit_described = torch.from_numpy(album.matches(texts.described, contents))
        self.described = torch.from_numpy(corpus.padded([phrase.text for phrase in texts.described], texts.tokenizer))
        self.sharp = torch.tensor([captions.sharp(phrase) for phrase in texts.present])
        self.chances = album.weights(shots)
        self.pools = [(corpus.Pool(texts.everyday), EVERYDAY), (corpus.Pool(texts.frequent["en"]), FREQUENT),
                      (corpus.Pool(texts.frequent["zh"]), FREQUENT)]

    def pictures(self, project):
        """Numbers of some pictures and their embeddings from a random view of each."""
        numbers = self.random.choice(len(self.chances), PICTURES, p=self.chances)
        seen = self.features[self.random.integers(0, len(self.features), PICTURES), numbers]
        return numbers, functional.normalize(project(functional.dropout(seen, 0.1)), dim=-1)

    def away(self, cosines, drawn):
        """The loss of absent texts, whose pools take in how near they came."""
        nearest = cosines.detach().amax(1).numpy()
        for (pool, count), some in zip(self.pools, drawn):
            pool.note(some, nearest[:count])
            nearest = nearest[count:]
        return losses.absent(cosines, MARGIN)

    def kept(self, said, phrases):
        """How far the texts are from what the sentence encoder says of them, where it does."""
        known = [row for row, phrase in enumerate(phrases) if phrase in self.targets]
        wanted = torch.stack([self.targets[phrases[row]] for row in known])
        return (1 - (said[known] * wanted).sum(1)).mean()

    def loss(self, text, project, with_descriptions):
        numbers, seen = self.pictures(project)
        which = self.random.integers(0, len(self.texts.present), PRESENT)
        drawn = [pool.draw(count, self.random) for pool, count in self.pools]
        phrases = [self.texts.present[n] for n in which]
        phrases += [pool.phrases[n] for (pool, _), some in zip(self.pools, drawn) for n in some]
        said = text(self.texts.ids(phrases + self.texts.estranged(ESTRANGED), wrong=0.15))
        cosines, fits, sharp = said[:PRESENT] @ seen.T, self.fit[which][:, numbers], self.sharp[which]
        loss = losses.calibrated(cosines, self.spared[which][:, numbers]) + losses.ranked(cosines, fits)
        loss = loss + 0.5 * losses.named(cosines[sharp], fits[sharp])
        loss = loss + 6 * self.away(said[PRESENT:] @ seen.T, drawn) + 2 * self.kept(said, phrases)
        if with_descriptions:
            loss = loss + losses.ranked(text(self.described) @ seen.T, self.fit_described[:, numbers])
        return loss


def train(tower, text, contrast, steps, log=print):
    """Returns the projection and the text tower, each an average over the last steps."""
    torch.manual_seed(SEED)
    project = copy.deepcopy(tower.project)
    groups = [{"params": text.parameters(), "lr": 6e-4}, {"params": project.parameters(), "lr": 3e-4}]
    optimizer = torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: averages.warm_cosine(step, steps, 50))
    mean_text, mean_project = copy.deepcopy(text), copy.deepcopy(project)
    began, sums = time.time(), 0
    for step in range(1, steps + 1):
        loss = contrast.loss(text, project, step % 12 == 0)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(text.parameters(), 2.0)
        optimizer.step()
        schedule.step()
        averages.follow(mean_text, text, step, 0.99)
        averages.follow(mean_project, project, step, 0.99)
        sums += loss.item()
        if step % 50 == 0:
            log(f"step {step}/{steps}  loss {sums / 50:.3f}  {time.time() - began:.0f} s", flush=True)
            sums = 0
    return mean_project, mean_text


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="Grocery folder")
    parser.add_argument("--renders", nargs="*", default=[], help="folders of rendered pictures")
    parser.add_argument("--steps", type=int, default=1400)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder of the first two stages; gets model.pt")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    random = np.random.default_rng(SEED)
    first, words = torch.load(options.out / "image.pt"), torch.load(options.out / "words.pt")
    tower, join = towers.ImageTower(), nn.Linear(teacher.WIDTH, towers.WIDTH)
    tower.load_state_dict(first["image"])
    join.load_state_dict(first["join"])
    tower.eval()
    shots = album.training(options.data, options.renders)
    features = bank(tower, torch.load(options.out / "maps.pt"), random)
    texts = corpus.Corpus(options.data, bpe.Tokenizer.load(options.out / "merges.txt"), random)
    targets = told(texts.taught(), teacher.Teacher(options.out / "teacher.npz"), join)
    text = joined(words, join, texts.tokenizer.size)
    contrast = Contrast(features, shots, texts, targets, random)
    tower.project, text = train(tower, text, contrast, options.steps)
    torch.save({"image": tower.state_dict(), "text": text.state_dict()}, options.out / "model.pt")


if __name__ == "__main__":
    main()
