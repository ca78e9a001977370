"""How good probabilities and verdicts are: proper scores, calibration, rates, each with its 95 % interval.

Every figure takes weights, so that a sample can stand for a stated population (`shares`): honest captures
for the prior's share, every attack family for an equal part of the rest. What is resampled for an interval
is the cluster (the photograph a scene was made from), not the sample: samples of one base err together.

Sources: Brier 1950 (MWR 78:1); Brümmer & du Preez 2006 (Computer Speech & Language 20:230) for Cllr and its
split by PAV into discrimination and calibration loss; Ayer et al. 1955 (Ann. Math. Stat. 26:641) for
pool-adjacent-violators, Zadrozny & Elkan 2002 (KDD) for it as a calibrator; Naeini et al. 2015 (AAAI) for
ECE, here with equal-mass bins; Wilson 1927 (JASA 22:209); Efron & Tibshirani 1993, ch. 8, for resampling
clusters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Doubles: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Statistic: TypeAlias = "Callable[[Doubles, Bools, Doubles], float]"
"""From p, truth and weights, all [n], to one figure."""

BINS = 15
_TINY = 1e-12
_95 = 1.959964


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure and its 95 % interval (low, high); `n` samples in `clusters` clusters."""

    value: float
    low: float
    high: float
    n: int
    clusters: int


def brier(p: Doubles, truth: Bools, weights: Doubles) -> float:
    """Mean squared error of p, 0 (perfect) to 1."""
    return _mean((p - truth) ** 2, weights)


def log_score(p: Doubles, truth: Bools, weights: Doubles) -> float:
    """Mean of -log2 of what was given to the truth, in bits; 0 is perfect."""
    return _mean(-np.log2(np.clip(np.where(truth, p, 1 - p), _TINY, 1)), weights)


def ece(p: Doubles, truth: Bools, weights: Doubles, bins: int = BINS) -> float:
    """Expected calibration error over bins of equal mass: mean |mean p - share true|, 0..1.

    It counts noise as miscalibration, so it errs high on few samples, and resampled intervals higher still.
    """
    mass, said, true = reliability(p, truth, weights, bins)
    return float(np.sum(mass * np.abs(said - true)))


def reliability(
    p: Doubles, truth: Bools, weights: Doubles, bins: int = BINS
) -> tuple[Doubles, Doubles, Doubles]:
    """The bins of a reliability diagram: mass (sums to 1), mean p and share true, each [<= bins]."""
    chosen = masses(p, weights, bins)
    mass = np.bincount(chosen, weights)
    said, true = np.bincount(chosen, weights * p), np.bincount(chosen, weights * truth)
    kept = mass > 0
    return mass[kept] / mass.sum(), said[kept] / mass[kept], true[kept] / mass[kept]


def masses(p: Doubles, weights: Doubles, bins: int = BINS) -> npt.NDArray[np.int64]:
    """[n], each sample's bin of `bins` of equal mass, by p.

    Equal p stay in one bin: a tie that is split would depend on the order of the samples.
    """
    values, group = np.unique(p, return_inverse=True)
    heavy = np.bincount(group, weights, len(values))
    before = np.cumsum(heavy) - heavy / 2
    chosen: npt.NDArray[np.int64] = np.minimum((before / heavy.sum() * bins).astype(np.int64), bins - 1)[
        group
    ]
    return chosen


def cllr(llr: Doubles, truth: Bools, weights: Doubles) -> float:
    """Cost of log-likelihood ratios (nats in, bits out): 0 perfect, 1 for a source that says nothing.

    The mean over both classes, each weighed within itself: the prior plays no part.

    Raises:
        ValueError: a class is absent.
    """
    _both(truth, weights)
    cost_true = np.logaddexp(0, -llr[truth]) / np.log(2)
    cost_false = np.logaddexp(0, llr[~truth]) / np.log(2)
    return 0.5 * (_mean(cost_true, weights[truth]) + _mean(cost_false, weights[~truth]))


def cllr_min(llr: Doubles, truth: Bools, weights: Doubles) -> float:
    """Cllr after the best monotone recalibration (PAV): what discrimination alone costs."""
    _both(truth, weights)
    fair = _balanced(truth, weights)
    p = np.clip(pav(llr, truth, fair), _TINY, 1 - _TINY)
    return cllr(np.log(p) - np.log1p(-p), truth, weights)


def auc(score: Doubles, truth: Bools, weights: Doubles) -> float:
    """Chance that a true one scores above a false one, ties half; 0.5 says nothing."""
    _both(truth, weights)
    values, group = np.unique(score, return_inverse=True)
    true = np.bincount(group, weights * truth, len(values))
    false = np.bincount(group, weights * ~truth, len(values))
    below = np.cumsum(false) - false / 2
    return float(np.sum(true * below) / (true.sum() * false.sum()))


def pav(score: Doubles, truth: Bools, weights: Doubles) -> Doubles:
    """Pool adjacent violators: the non-decreasing fit of truth to score, [n] in 0..1.

    Equal scores get equal fits.
    """
    values, group = np.unique(score, return_inverse=True)
    mass = np.bincount(group, weights, len(values))
    true = np.bincount(group, weights * truth, len(values))
    blocks: list[tuple[float, float, int]] = []
    for heavy, hits in zip(mass.tolist(), true.tolist(), strict=True):
        block = (heavy, hits, 1)
        while blocks and blocks[-1][1] * block[0] >= block[1] * blocks[-1][0]:
            last = blocks.pop()
            block = (last[0] + block[0], last[1] + block[1], last[2] + block[2])
        blocks.append(block)
    fits = [hits / heavy if heavy > 0 else 0.0 for heavy, hits, _ in blocks]
    fitted: Doubles = np.repeat(fits, [count for _, _, count in blocks])[group]
    return fitted


def shares(truth: Bools, families: Sequence[str], prior: float) -> Doubles:
    """Weights [n], sum 1: the true ones weigh `prior`, each other family an equal part of the rest."""
    names = np.array(
        ["" if real else f"-{family}" for real, family in zip(truth.tolist(), families, strict=True)]
    )
    found, group, count = np.unique(names, return_inverse=True, return_counts=True)
    attacks = max(1, int(np.sum(found != "")))
    whole = np.where(found == "", prior, (1 - prior) / attacks)
    weights = (whole / count)[group]
    scaled: Doubles = weights / weights.sum()
    return scaled


def clustered(
    statistic: Statistic,
    p: Doubles,
    truth: Bools,
    weights: Doubles,
    clusters: Sequence[str],
    *,
    seed: int = 0,
    rounds: int = 400,
) -> Figure:
    """A figure with its percentile interval over resampled clusters.

    A round in which a class is absent is left out. NaN bounds where no round remains.
    """
    names, group = np.unique(np.array(clusters), return_inverse=True)
    dice = np.random.default_rng(seed)
    drawn: list[float] = []
    for _ in range(rounds):
        times = np.bincount(dice.integers(len(names), size=len(names)), minlength=len(names))[group]
        try:
            drawn.append(statistic(p, truth, weights * times))
        except ValueError:
            continue
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (np.nan, np.nan)
    return Figure(statistic(p, truth, weights), float(low), float(high), len(p), len(names))


def rate(hits: Bools, clusters: Sequence[str]) -> Figure:
    """A share with Wilson's interval at the effective size of the clusters.

    n / design effect takes n's place, with the design effect of Kish (1965): the variance of the share
    between clusters over that of independent samples, at least 1. At 0 or 1, where clusters show no
    variance, the number of clusters takes n's place: the careful end.
    """
    names, group, size = np.unique(np.array(clusters), return_inverse=True, return_counts=True)
    n, share = len(hits), float(np.mean(hits)) if len(hits) else 0.0
    if n == 0:
        return Figure(float("nan"), 0.0, 1.0, 0, 0)
    effective = float(len(names))
    if 0 < share < 1 and len(names) > 1:
        off = np.bincount(group, hits.astype(np.float64), len(names)) - share * size
        variance = float(np.sum(off**2)) * len(names) / (len(names) - 1) / n**2
        effective = n / max(1.0, variance / (share * (1 - share) / n))
    low, high = wilson(share, effective)
    return Figure(share, low, high, n, len(names))


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share seen in n trials."""
    middle = (share + _95**2 / (2 * n)) / (1 + _95**2 / n)
    reach = _95 / (1 + _95**2 / n) * float(np.sqrt(share * (1 - share) / n + _95**2 / (4 * n**2)))
    return max(0.0, min(share, middle - reach)), min(1.0, max(share, middle + reach))


def _mean(values: Doubles, weights: Doubles) -> float:
    return float(np.sum(values * weights) / np.sum(weights))


def _both(truth: Bools, weights: Doubles) -> None:
    if not weights[truth].sum() > 0 or not weights[~truth].sum() > 0:
        raise ValueError("a class is absent")


def _balanced(truth: Bools, weights: Doubles) -> Doubles:
    balanced: Doubles = np.where(truth, weights / weights[truth].sum(), weights / weights[~truth].sum())
    return balanced
