"""From scores to log-likelihood ratios: a weighted logistic line, and the bounds its data can carry.

Sources: Platt 1999 (Advances in Large Margin Classifiers, p. 61) for the line and for targets short of 0 and
1; Brümmer & du Preez 2006 for weighing the classes so that no prior enters and the line's log-odds are a
log-likelihood ratio; Vergeer et al. 2016 (Science & Justice 56:482) for the empirical lower and upper bound.
"""

from __future__ import annotations

import numpy as np

from verification.calibration.scoring import Bools, Doubles

_RIDGE = 1e-3  # pulls the slope to 0, as one thousandth of a sample's worth of information would
_ROUNDS = 60


def line(
    scores: Doubles, truth: Bools, weights: Doubles, *, n_true: float, n_false: float
) -> tuple[float, float]:
    """(a, b) with a >= 0 of the line a*score + b = log-likelihood ratio.

    Args:
        weights: [n]; both classes weigh alike over the samples the ratio is about, so that no prior enters.
            Where some of those said nothing and are not here, the line then holds that too: its log-odds are
            those of speaking *and* saying this.
        n_true / n_false: independent samples in each class, for Platt's targets.
    """
    targets = np.where(truth, (n_true + 1) / (n_true + 2), 1 / (n_false + 2))
    centre, scale = float(np.mean(scores)), float(np.std(scores))
    if scale < 1e-9:
        return 0.0, shift(np.zeros_like(scores), targets, weights)
    x = (scores - centre) / scale
    weights = weights / weights.sum()
    ridge = _RIDGE / (n_true + n_false)
    a, b = 0.0, 0.0
    for _ in range(_ROUNDS):
        p = _sigmoid(a * x + b)
        bend = weights * np.maximum(p * (1 - p), 1e-9)
        off = weights * (targets - p)
        hessian = np.array(
            [[np.sum(bend * x * x) + ridge, np.sum(bend * x)], [np.sum(bend * x), np.sum(bend)]]
        )
        step = np.linalg.solve(hessian, [np.sum(off * x) - ridge * a, np.sum(off)])
        step *= min(1.0, 4 / max(1e-12, float(np.abs(step).max())))  # Newton's step is trusted so far
        a, b = a + float(step[0]), b + float(step[1])
        if float(np.abs(step).max()) < 1e-9:
            break
    if a <= 0:
        return 0.0, shift(np.zeros_like(scores), targets, weights)
    return a / scale, b - a * centre / scale


def shift(offset: Doubles, targets: Doubles, weights: Doubles) -> float:
    """The b for which offset + b fits: sum of weights * (target - p) is 0. All [n]; targets inside 0..1."""
    low, high = -60.0 - float(offset.max()), 60.0 - float(offset.min())
    for _ in range(80):
        middle = (low + high) / 2
        if float(np.sum(weights * (targets - _sigmoid(offset + middle)))) > 0:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def bounds(
    llr: Doubles, truth: Bools, weights: Doubles, *, n_true: float, n_false: float
) -> tuple[float, float]:
    """The largest range of log-likelihood ratios (low <= 0 <= high, nats) that these samples can carry.

    A source that says more than log t is worth having at a loss ratio of t only if decisions at that
    threshold are better with it than without: miss(t) + t * alarm(t) < min(1, t). To each class one
    misleading sample is added, at the worst end, so that the bounds grow with the sample only: without any
    error seen, high is about log n_false and low about -log n_true.

    Args:
        weights: [n], within each class only their ratio counts.
        n_true / n_false: independent samples in each class: what "one more" is measured against.
    """
    true, false = _Tail(llr[truth], weights[truth]), _Tail(llr[~truth], weights[~truth])
    grid = np.arange(0.0, 20.0, 0.02)

    def worth(thresholds: Doubles) -> Bools:
        miss = (true(thresholds) * n_true + 1) / (n_true + 1)
        alarm = ((1 - false(thresholds)) * n_false + 1) / (n_false + 1)
        t = np.exp(thresholds)
        useful: Bools = miss + t * alarm < np.minimum(1.0, t)
        return useful

    def first_useless(thresholds: Doubles) -> float:
        useful = worth(thresholds)
        # At the very middle a coarse source may not help yet: what counts is the last useful stretch from 0.
        start = int(np.argmax(useful)) if useful.any() else 0
        if not useful.any() or start > 50:
            return 0.0
        rest = np.flatnonzero(~useful[start:])
        return float(thresholds[start + rest[0] - 1]) if len(rest) else float(thresholds[-1])

    return first_useless(-grid), first_useless(grid)


class _Tail:
    """The weighted share of values strictly below a threshold."""

    def __init__(self, values: Doubles, weights: Doubles) -> None:
        order = np.argsort(values, kind="stable")
        self.values = values[order]
        self.below = np.concatenate([[0.0], np.cumsum(weights[order])])
        self.below /= max(self.below[-1], 1e-300)

    def __call__(self, thresholds: Doubles) -> Doubles:
        share: Doubles = self.below[np.searchsorted(self.values, thresholds, side="left")]
        return share


def _sigmoid(x: Doubles) -> Doubles:
    p: Doubles = 0.5 * (1 + np.tanh(x / 2))
    return p
