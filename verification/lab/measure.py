"""How good a forensic net is on a part of the data. Fixed: who trains does not edit it.

What a picture's score is stands in `nets.forensic.scores`. Figures are areas under the ROC and the true
positives at 1 % false positives; intervals are percentiles over resampled base photographs (Efron &
Tibshirani 1993, 13.3), for pictures of one base err together. All are set against what is true: pictures
taken of scenes, and photographs as they are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from verification.calibration.scoring import auc
from verification.forensics.crops import SIDE
from verification.lab.shots import ALTERED, FED, MADE, RECAPTURED
from verification.nets import forensic
from verification.nets.forensic import Forensic

Doubles: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Facts: TypeAlias = dict[str, Any]

TAKEN = {"camera", "photo"}
SOFT_PX = 1.0  # defocus from which a picture is of the blurred subset
RESAMPLED = 400
FALSE = 0.01
_BATCH = 48  # squares


class Part(NamedTuple):
    """A part of the data: uint8[n, 6, 256, 256, 3], uint8[n, 6, 32, 32], and the facts of each."""

    crops: npt.NDArray[np.uint8]
    altered: npt.NDArray[np.uint8]
    facts: list[Facts]


class Scores(NamedTuple):
    """Of each picture: how much it is a screen or print rather than a scene, generated, shown by a virtual
    camera, altered anywhere (its most suspicious place); float64[n], higher is worse."""

    recaptured: Doubles
    made: Doubles
    fed: Doubles
    altered: Doubles


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure with its 95 % interval, over n pictures of so many bases."""

    name: str
    value: float
    low: float
    high: float
    n: int
    bases: int


def load(folder: Path, part: str) -> Part:
    """A part that `lab.prepare` wrote; the pixels stay on disk until they are read.

    Raises:
        FileNotFoundError: it was not written.
    """
    crops = np.load(folder / f"{part}.npy", mmap_mode="r")
    altered = np.load(folder / f"{part}-altered.npy", mmap_mode="r")
    lines = (folder / f"{part}.jsonl").read_text(encoding="utf-8").splitlines()
    return Part(crops, altered, [json.loads(line) for line in lines])


@torch.inference_mode()
def scored(net: Forensic, part: Part, device: torch.device) -> Scores:
    """What the net says of every picture; in bfloat16, which the engine uses where it can."""
    found, count = [], part.crops.shape[1]
    for begin in range(0, len(part.facts), _BATCH // count):
        squares = np.array(part.crops[begin : begin + _BATCH // count]).reshape(-1, SIDE, SIDE, 3)
        with torch.autocast(device.type, torch.bfloat16):
            said = net(as_input(squares, device))
        found.append(forensic.scores(said, count).cpu())
    whole = torch.cat(found).numpy().astype(np.float64)
    return Scores(*whole.T)


def as_input(squares: npt.NDArray[np.uint8], device: torch.device) -> torch.Tensor:
    """float32[b, 3, h, w], channels last, of uint8[b, h, w, 3]."""
    pixels = torch.from_numpy(squares).to(device, non_blocking=True).permute(0, 3, 1, 2)
    return pixels.float().contiguous(memory_format=torch.channels_last)


def figures(scores: Scores, facts: list[Facts], seed: int = 1) -> Iterator[Figure]:
    """The table of a part."""
    kinds = np.array([fact["kind"] for fact in facts])
    soft = np.array([(fact["defocus"] or 0) >= SOFT_PX for fact in facts])
    bases = np.array([fact["base"] for fact in facts])
    taken = np.isin(kinds, list(TAKEN))

    def both(name: str, score: Doubles, bad: Bools, good: Bools) -> Iterator[Figure]:
        kept = bad | good
        if not bad.any() or not good.any():  # a part has not every kind
            return
        rows = (score[kept], bad[kept], bases[kept])
        yield _figure(f"{name}: AUC", _auc, *rows, seed)
        yield _figure(f"{name}: found at 1 % false", found_at, *rows, seed)

    recaptured = np.isin(kinds, list(RECAPTURED))
    yield from both("recaptured", scores.recaptured, recaptured, taken)
    yield from both("  sharp", scores.recaptured, recaptured & ~soft, taken)
    yield from both("  blurred (>= 1 px)", scores.recaptured, recaptured & soft, taken)
    for kind in sorted(RECAPTURED):
        yield from both(f"  {kind}", scores.recaptured, kinds == kind, taken)
    for kind in sorted(MADE):
        yield from both(kind, scores.made, kinds == kind, taken)
    yield from both("ai_fed against photo_fed", scores.made, kinds == "ai_fed", kinds == "photo_fed")
    for kind in sorted(FED):
        yield from both(f"{kind}: virtual camera", scores.fed, kinds == kind, taken)
    for kind in sorted(ALTERED):
        yield from both(kind, scores.altered, kinds == kind, taken)


def found_at(score: Doubles, bad: Bools) -> float:
    """Share of the bad that score above all but 1 % of the good."""
    limit = np.quantile(score[~bad], 1 - FALSE, method="higher")
    return float(np.mean(score[bad] > limit))


def _auc(score: Doubles, bad: Bools) -> float:
    return auc(score, bad, np.ones(len(score)))


def _figure(
    name: str,
    of: Callable[[Doubles, Bools], float],
    score: Doubles,
    bad: Bools,
    bases: npt.NDArray[np.str_],
    seed: int,
) -> Figure:
    names, group = np.unique(bases, return_inverse=True)
    rng, drawn = np.random.default_rng(seed), []
    members = [np.flatnonzero(group == k) for k in range(len(names))]
    for _ in range(RESAMPLED):
        rows = np.concatenate([members[k] for k in rng.integers(len(names), size=len(names))])
        if 0 < bad[rows].sum() < len(rows):
            drawn.append(of(score[rows], bad[rows]))
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Figure(name, of(score, bad), float(low), float(high), len(score), len(names))
