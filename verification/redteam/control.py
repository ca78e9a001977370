"""The control: can honest files be told from cheats without looking at the picture?

A logistic regression on the file's size, its quantisation tables and its EXIF alone, honest captures against
sighted cheats, scored on bases it has not seen. If it can (AUC > 0.55), the red team has built a giveaway
into its files, the checks may be living off it, and the run is void.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence

import numpy as np

from verification.calibration.scoring import Doubles, Figure, auc, clustered
from verification.redteam.lines import Line

BAR = 0.55
ENOUGH = 100  # honest and dishonest files; below, an AUC of 0.5 strays over the bar by chance
_FOLDS = 5
_RIDGE = 1.0


def features(line: Line) -> list[float]:
    """Numbers about the file: size, table sums, EXIF tags, and make and model hashed to eight bins."""
    about = line.file
    tables = [*about.get("q", []), 0, 0][:2]
    exif: dict[str, str] = about.get("exif", {})
    bins = [0.0] * 8
    for tag in ("271", "272"):  # make, model: values that a writer of its own would give away
        if tag in exif:
            bins[zlib.crc32(exif[tag].encode()) % 8] += 1.0
    size = math.log(max(1, about["bytes"]))
    return [
        size,
        size**2 / 10,
        *(float(t) for t in tables),
        float(len(exif)),
        float(about.get("gps", False)),
        *bins,
    ]


def control(lines: Sequence[Line]) -> Figure | None:
    """The cross-validated AUC, honest against sighted; None where one of them is absent."""
    chosen = [one for one in lines if one.stratum in {"honest", "sighted"} and "q" in one.file]
    truth = np.array([one.genuine for one in chosen], bool)
    if not truth.any() or truth.all():
        return None
    bases = [one.base for one in chosen]
    scores = _out_of_fold(np.array([features(one) for one in chosen], np.float64), truth, bases)
    return clustered(auc, scores, truth, np.ones(len(truth)), bases)


def enough(lines: Sequence[Line]) -> bool:
    """Whether there are enough of both for the control to mean something."""
    honest = sum(one.stratum == "honest" for one in lines)
    return honest >= ENOUGH and sum(one.stratum == "sighted" for one in lines) >= ENOUGH


def _out_of_fold(
    x: Doubles, truth: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], bases: list[str]
) -> Doubles:
    """Log-odds of each sample under a fit to the other folds; a base falls into one fold as a whole."""
    fold = np.array([zlib.crc32(base.encode()) % _FOLDS for base in bases])
    scores = np.zeros(len(x))
    for number in range(_FOLDS):
        held, rest = fold == number, fold != number
        if held.any() and truth[rest].any() and not truth[rest].all():
            middle, spread = x[rest].mean(axis=0), x[rest].std(axis=0) + 1e-9
            weights = _fit((x[rest] - middle) / spread, truth[rest])
            scores[held] = _one((x[held] - middle) / spread) @ weights
    return scores


def _fit(x: Doubles, truth: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Doubles:
    """Ridge logistic regression by Newton's method, both classes of equal weight."""
    design, y = _one(x), truth.astype(np.float64)
    weigh = np.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum()) * len(y)
    weights = np.zeros(design.shape[1])
    penalty = np.diag([0.0, *[_RIDGE] * x.shape[1]])
    for _ in range(20):
        p = 1 / (1 + np.exp(-np.clip(design @ weights, -30, 30)))
        slope = design.T @ (weigh * (y - p)) - penalty @ weights
        bend = design.T @ (design * (weigh * p * (1 - p))[:, None]) + penalty + 1e-6 * np.eye(len(weights))
        weights = weights + np.linalg.solve(bend, slope)
    return np.asarray(weights, np.float64)


def _one(x: Doubles) -> Doubles:
    return np.column_stack([np.ones(len(x)), x])
