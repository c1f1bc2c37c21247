"""The contrastive losses between pictures and texts where one picture fits many texts.

`fit` is int8 [texts, pictures]: 1 fits, 0 does not, -1 perhaps (left out of every sum).
"""

import torch
from torch.nn import functional

# Cosine at which a pair is as likely a match as not; the gap is built around it.
BORDER = 0.35
SCALE = 16.0


def calibrated(cosines, fit):
    """Logistic loss of every pair around BORDER; matches and others weigh the same per text."""
    sides = functional.softplus(torch.where(fit > 0, -1.0, 1.0) * SCALE * (cosines - BORDER))
    match, other = (fit > 0).float(), (fit == 0).float()
    present = match.sum(1) > 0
    wanted = (sides * match).sum(1)[present] / match.sum(1)[present]
    unwanted = (sides * other).sum(1) / other.sum(1).clamp(min=1)
    return wanted.mean() + unwanted.mean()


def ranked(cosines, fit, scale=SCALE):
    """Each text against all pictures: soft multi-positive cross entropy."""
    logits = (scale * cosines).masked_fill(fit < 0, -1e4)
    match = (fit > 0).float()
    present = match.sum(1) > 0
    if not present.any():
        return cosines.sum() * 0
    target = match[present] / match[present].sum(1, keepdim=True)
    return -(target * logits[present].log_softmax(1)).sum(1).mean()


def named(cosines, fit, scale=SCALE):
    """Each picture against all texts of `cosines`, the other direction of `ranked`."""
    return ranked(cosines.T, fit.T, scale)


def absent(cosines, margin):
    """Push texts that fit nothing: their nearest picture stays under the margin."""
    return functional.softplus(SCALE * (cosines.amax(1) - margin)).mean() / SCALE
