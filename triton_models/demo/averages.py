"""Learning rate and weight averaging, shared by both stages."""

import math

import torch


def warm_cosine(step, steps, warm):
    """Share of the learning rate: a short rise, then half a cosine down to a fiftieth."""
    return min(1, (step + 1) / warm) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1, step / steps))))


def follow(mean, model, step, keep):
    """Moves the running average of the weights towards the model; early steps count less."""
    keep = min(keep, step / (step + 20))
    with torch.no_grad():
        for a, b in zip(mean.parameters(), model.parameters()):
            a.lerp_(b, 1 - keep)
