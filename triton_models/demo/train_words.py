"""Second stage: the text tower learns what the sentence encoder knows of words.

No picture takes part. A linear head gives the 384 numbers of the sentence encoder; the
third stage puts the layer that joins the spaces behind it.
"""

import argparse
import copy
import pathlib
import time

import numpy as np
import torch
from torch import nn

import averages
import bpe
import corpus
import teacher
import towers

SEED = 12
MERGES = 8000
PRESENT, EVERYDAY, FREQUENT = 64, 64, 64


def train(texts, encode, steps, log=print):
    """Returns the text tower and the head, each an average over the last steps."""
    torch.manual_seed(SEED)
    taught = texts.taught()
    targets = dict(zip(taught, torch.from_numpy(encode([phrase.english or phrase.text for phrase in taught]))))
    tower = towers.TextTower(texts.tokenizer.size)
    head = nn.Linear(tower.project.in_features, teacher.WIDTH)
    optimizer = torch.optim.AdamW([*tower.parameters(), *head.parameters()], lr=1.5e-3, weight_decay=0.01, betas=(0.9, 0.98))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: averages.warm_cosine(step, steps, 100))
    mean, mean_head = copy.deepcopy(tower), copy.deepcopy(head)
    began, sums = time.time(), 0
    for step in range(1, steps + 1):
        phrases = texts.choose(texts.present, PRESENT) + texts.choose(texts.everyday, EVERYDAY)
        phrases += texts.choose(texts.frequent["en"], FREQUENT)
        told = head(tower.states(texts.ids(phrases)))
        loss = (told - torch.stack([targets[phrase] for phrase in phrases])).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(tower.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        averages.follow(mean, tower, step, 0.99)
        averages.follow(mean_head, head, step, 0.99)
        sums += loss.item()
        if step % 50 == 0:
            log(f"step {step}/{steps}  squared distance {sums / 50:.3f}  {time.time() - began:.0f} s", flush=True)
            sums = 0
    return mean, mean_head


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="Grocery folder")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", required=True, type=pathlib.Path, help="folder for merges.txt and words.pt")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    table = options.out / "merges.txt"
    if not table.exists():
        corpus.merges(table, MERGES, SEED)
    texts = corpus.Corpus(options.data, bpe.Tokenizer.load(table), np.random.default_rng(SEED))
    tower, head = train(texts, teacher.Teacher(options.out / "teacher.npz"), options.steps)
    torch.save({"text": tower.state_dict(), "head": head.state_dict()}, options.out / "words.pt")


if __name__ == "__main__":
    main()
