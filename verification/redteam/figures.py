"""Shares with 95 % intervals, where samples of one base photograph err together.

Source: Wilson 1927 (JASA 22:209) at the effective size of Kish 1965; Efron & Tibshirani 1993, ch. 8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_95 = 1.959964
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its 95 % interval; `n` samples of `clusters` bases."""

    value: float
    low: float
    high: float
    n: int
    clusters: int


def rate(hits: Sequence[bool], clusters: Sequence[str]) -> Figure:
    """A share; where clusters agree within themselves (and at 0 and 1) their number takes n's place."""
    n = len(hits)
    if not n:
        return Figure(math.nan, 0.0, 1.0, 0, 0)
    names, group = np.unique(np.array(clusters), return_inverse=True)
    values = np.array(hits, np.float64)
    share, effective = float(values.mean()), float(len(names))
    if 0 < share < 1 and len(names) > 1:
        off = np.bincount(group, values - share, len(names))
        variance = float(np.sum(off**2)) * len(names) / (len(names) - 1) / n**2
        effective = n / max(1.0, variance / (share * (1 - share) / n))
    low, high = wilson(share, effective)
    return Figure(share, low, high, n, len(names))


def wilson(share: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share seen in n trials."""
    middle = (share + _95**2 / (2 * n)) / (1 + _95**2 / n)
    reach = _95 / (1 + _95**2 / n) * math.sqrt(share * (1 - share) / n + _95**2 / (4 * n**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def auc(score: Doubles, truth: npt.NDArray[np.bool_]) -> float:
    """Chance that a true one scores above a false one, ties half."""
    _, group = np.unique(score, return_inverse=True)
    true = np.bincount(group, truth.astype(np.float64))
    false = np.bincount(group, (~truth).astype(np.float64))
    below = np.cumsum(false) - false / 2
    return float(np.sum(true * below) / (true.sum() * false.sum()))


def resampled(
    statistic: Callable[[npt.NDArray[np.int64]], float], clusters: Sequence[str], *, rounds: int = 300
) -> Figure:
    """A figure of sample indices, with its percentile interval over resampled clusters."""
    names, group = np.unique(np.array(clusters), return_inverse=True)
    members = [np.flatnonzero(group == index) for index in range(len(names))]
    dice = np.random.default_rng(0)
    drawn = []
    for _ in range(rounds):
        chosen = np.concatenate([members[i] for i in dice.integers(len(names), size=len(names))])
        value = statistic(chosen)
        if math.isfinite(value):
            drawn.append(value)
    low, high = np.quantile(drawn, [0.025, 0.975]) if drawn else (math.nan, math.nan)
    return Figure(statistic(np.arange(len(clusters))), float(low), float(high), len(clusters), len(names))
