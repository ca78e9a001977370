"""Findings fuse into one probability: prior log-odds, one calibrated model a family, one model of their sum.

1. A family that spoke adds clip(a*s + b, low, high), s being the sum of its checks' log-likelihood ratios:
   checks of one family err together, so they share one model, and none can accept alone.
2. A family that only abstained adds its `abstain` amount of this tier, never above 0: what was asked for
   and could have been supplied, and was not, is evidence. Where that was learnt it always counts, where it
   is set by hand only if the terms require the family. A family that never ran, or ended in an error, adds
   nothing; where it is required the policy asks for review.
3. Families are not independent: `final` turns their sum S into the log-likelihood ratio that captures of this
   tier with such a sum had: a rising line through knots, flat beyond the first and the last.
   Evidence *against* a capture that no calibration has seen (of a family set by hand; of a learnt one, a sum
   below every sum it was learnt from) is left out of S and added to the result at its hand-set weight: what
   was learnt without it must not damp it.
4. A hard fail adds `hard_fail_llr` for each failing family, and nothing speaks for the capture any more.
   Probabilities and `prior_genuine` are about captures that nothing proves false.

The ANSWER family is kept apart: it says whether the answer is right, given a genuine capture.

The interval holds 90 % of the doubt in the constants, not of the evidence, as normal and independent: the
prior's log-odds are known to +-`prior_spread` (standard deviation); a learnt model to what resampling the
bases of its calibration gave (`spread`), one set by hand to
+-`relative_spread` of its contribution; no family to more than `largest_spread` nats. Low and high are
sigma(centre -+ 1.645 sd). Taking the models as independent errs to the wide side: the model of the sum
makes good in part what a family's has wrong.

Why knots and not a second logistic line: attacks that some family tells lie low, those that none tells lie
where the honest do, and no line bends to both. On four simulated worlds with 200 bases the line had an ECE of
0.066 to 0.077 at T1, the knots 0.014 to 0.021 (bases and attacks not seen in fitting).

`calibration.json` is what is in use, written by `python -m verification calibrate`; `hand_set.json` holds the
constants set by hand, for the families no calibration has seen; each model says which it is.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from verification.evidence import Family, Finding, Status

PATH = Path(__file__).with_name("calibration.json")
HAND_SET = Path(__file__).with_name("hand_set.json")
FORMAT = 2
TIERS = 3
_NINETY = 1.645  # standard deviations to each side of a normal that hold 90 % of it


@dataclass(frozen=True, slots=True)
class Model:
    """A family's line with bounds: clip(a*s + b, low, high), in nats.

    Attributes:
        spread: (variance of a, covariance, variance of b) of a learnt line; None for one set by hand.
        abstain: what only abstaining adds, one a tier; `abstain_learnt` says which are learnt.
        seen_from: the smallest sum it was learnt from; below it the sum itself counts, down to `unseen_low`.
    """

    a: float
    b: float
    low: float
    high: float
    spread: tuple[float, float, float] | None
    abstain: tuple[float, ...] = (0.0,) * TIERS
    abstain_learnt: tuple[bool, ...] = (False,) * TIERS
    seen_from: float | None = None
    unseen_low: float = 0.0

    @property
    def learnt(self) -> bool:
        """Whether data gave this line."""
        return self.spread is not None

    def at(self, s: float) -> float:
        """What it makes of a sum s."""
        if self.seen_from is not None and s < self.seen_from:
            return min(self.at(self.seen_from), max(s, self.unseen_low))
        return min(max(self.a * s + self.b, self.low), self.high)

    def unseen(self, s: float) -> bool:
        """Whether no sum like s, or one more against a capture, was there to learn from."""
        return not self.learnt or (self.seen_from is not None and s < self.seen_from)

    def variance(self, s: float) -> float:
        """Of a*s + b, for what is not known of a and b; 0 for a line set by hand."""
        aa, ab, bb = self.spread or (0.0, 0.0, 0.0)
        return max(0.0, aa * s * s + 2 * ab * s + bb)


@dataclass(frozen=True, slots=True)
class Knots:
    """The model of the sum: a tier's (sum, log-likelihood ratio) rising in both, one tuple a tier.

    Attributes:
        spread: standard deviation at each knot; None where set by hand.
    """

    tiers: tuple[tuple[tuple[float, float], ...], ...]
    spread: tuple[tuple[float, ...], ...] | None

    @property
    def learnt(self) -> bool:
        """Whether data gave it."""
        return self.spread is not None

    def at(self, s: float, tier: int) -> float:
        """The ratio at a sum."""
        return _between(self.tiers[tier], s)

    def slope(self, s: float, tier: int) -> float:
        """How much of a small change of the sum passes through."""
        return (self.at(s + 0.05, tier) - self.at(s - 0.05, tier)) / 0.1

    def doubt(self, s: float, tier: int) -> float:
        """Standard deviation of the ratio at a sum."""
        if self.spread is None:
            return 0.0
        sums = (knot[0] for knot in self.tiers[tier])
        return _between(tuple(zip(sums, self.spread[tier], strict=True)), s)


def _between(points: Sequence[tuple[float, float]], x: float) -> float:
    """Linear between points of rising x; flat beyond them."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]


@dataclass(frozen=True, slots=True)
class Calibration:
    """The constants of fusion and policy, with the name and SHA-256 of the file they stand in.

    Attributes:
        prior_genuine / prior_answer: shares believed before any evidence, 0..1.
        prior_spread / relative_spread / largest_spread: see the module.
        harm_per_stake: harm of a wrong accept beyond the stake, in stakes, where the asker states none.
        review_cost_micros: what one human review costs.
        reject_loss_micros + reject_loss_per_stake: what wrongly rejecting an honest capture costs.
    """

    name: str
    sha256: str
    prior_genuine: float
    prior_spread: float
    relative_spread: float
    largest_spread: float
    hard_fail_llr: float
    prior_answer: float
    families: Mapping[Family, Model]
    final: Knots
    harm_per_stake: float
    review_cost_micros: int
    reject_loss_micros: int
    reject_loss_per_stake: float


@dataclass(frozen=True, slots=True)
class Fused:
    """Posteriors in 0..1; `interval` is (low, high) about `p_genuine`.

    Attributes:
        parts: what each family added to the log-odds (nats); a family with a proof against the capture
            adds `hard_fail_llr`.
        together: what the model of the sum added to that.
    """

    p_genuine: float
    interval: tuple[float, float]
    p_answer: float | None
    parts: Mapping[Family, float]
    together: float


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The constants in use."""
    return load(PATH)


def load(path: Path) -> Calibration:
    """Reads a calibration file.

    Raises:
        TypeError, KeyError, ValueError: a constant is missing or unknown, or a family is.
    """
    raw = path.read_bytes()
    return parse(json.loads(raw), hashlib.sha256(raw).hexdigest())


def parse(values: Mapping[str, Any], sha256: str) -> Calibration:
    """As `load`, from a file's object and the hash of its bytes."""
    if values["format"] != FORMAT:
        raise ValueError(f"a calibration of format {values['format']!r}, not {FORMAT}")
    families = {Family(name): _model(constants) for name, constants in values["families"].items()}
    if set(families) != set(Family):
        raise ValueError("a calibration must name every family once")
    told = {"format", "families", "final", "policy", "created", "learnt_from", "note"}
    return Calibration(
        sha256=sha256,
        families=families,
        final=_knots(values["final"]),
        **{key: values[key] for key in values.keys() - told},
        **values["policy"],
    )


def _model(said: Mapping[str, Any]) -> Model:
    """One family's object; raises as `load` does."""
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in said.items()
    }
    status = values.pop("status")
    model = Model(**values)
    _check_status(status, learnt=model.learnt)
    ordered = model.a >= 0 and model.low <= 0 <= model.high and max(model.abstain) <= 0
    if not ordered or {len(model.abstain), len(model.abstain_learnt)} != {TIERS}:
        raise ValueError("a model has a >= 0, low <= 0 <= high, abstain <= 0, and one value a tier")
    return model


def _knots(said: Mapping[str, Any]) -> Knots:
    """The object of the model of the sum; raises as `load` does."""
    tiers = tuple(tuple((float(s), float(llr)) for s, llr in tier) for tier in said["knots"])
    spread = said["spread"]
    knots = Knots(tiers, None if spread is None else tuple(tuple(tier) for tier in spread))
    _check_status(said["status"], learnt=knots.learnt)
    pairs = [pair for tier in tiers for pair in itertools.pairwise(tier)]
    if len(tiers) != TIERS or any(b[0] <= a[0] or b[1] < a[1] for a, b in pairs) or not all(tiers):
        raise ValueError("the model of the sum has rising knots, and some for each tier")
    if spread is not None and [len(tier) for tier in spread] != [len(tier) for tier in tiers]:
        raise ValueError("the model of the sum has one spread a knot")
    return knots


def _check_status(status: str, *, learnt: bool) -> None:
    if status != ("learnt" if learnt else "hand-set"):
        raise ValueError(f"a model says {status!r} and its spread otherwise")


def fuse(
    findings: Sequence[Finding],
    constants: Calibration,
    *,
    required: frozenset[Family],
    answered: bool,
    tier: int,
) -> Fused:
    """Both posteriors.

    Args:
        required: families the terms ask for.
        answered: whether there is an answer to have a probability.
        tier: 0, 1 or 2.
    """
    failed = {finding.family for finding in findings if finding.status is Status.HARD_FAIL}
    parts: dict[Family, float] = {}
    outside = inner = outer = 0.0
    for family in Family:
        if family is Family.ANSWER or family in failed:
            continue
        said = contribution(family, findings, constants, asked=family in required, tier=tier)
        parts[family] = min(0.0, said.part) if failed else said.part
        if said.part < 0 and not said.seen:
            outside, outer = outside + said.part, outer + said.doubt**2
        elif said.part < 0 or not failed:
            inner += said.doubt**2
    total = sum(parts.values()) - outside
    fused = constants.final.at(total, tier)
    fused = (min(0.0, fused) if failed else fused) + outside
    variance = (
        constants.prior_spread**2
        + constants.final.slope(total, tier) ** 2 * inner
        + constants.final.doubt(total, tier) ** 2
        + outer
    )
    parts |= dict.fromkeys(failed, constants.hard_fail_llr)
    centre = logit(constants.prior_genuine) + fused + len(failed) * constants.hard_fail_llr
    reach = _NINETY * math.sqrt(variance)
    p_answer = None
    if answered:
        said = contribution(Family.ANSWER, findings, constants, asked=True, tier=tier)
        p_answer = sigmoid(logit(constants.prior_answer) + said.part)
    interval = (sigmoid(centre - reach), sigmoid(centre + reach))
    return Fused(sigmoid(centre), interval, p_answer, parts, fused - total - outside)


def spoken(family: Family, findings: Sequence[Finding]) -> float | None:
    """The sum of what its checks said; None where none said anything."""
    said = [f.llr for f in findings if f.family is family and f.status is Status.OK]
    return sum(said) if said else None


@dataclass(frozen=True, slots=True)
class Contribution:
    """What one family adds to the log-odds, the standard deviation of that, and whether it is learnt."""

    part: float
    doubt: float
    seen: bool


def contribution(
    family: Family, findings: Sequence[Finding], constants: Calibration, *, asked: bool, tier: int
) -> Contribution:
    """Of a family without a hard fail."""
    model = constants.families[family]
    s = spoken(family, findings)
    part, doubt, seen = 0.0, 0.0, True
    if s is not None:
        part, seen = model.at(s), not model.unseen(s)
        doubt = math.sqrt(model.variance(s)) if seen else abs(part) * constants.relative_spread
    elif any(f.family is family and f.status is Status.ABSTAIN for f in findings):
        seen = model.abstain_learnt[tier]
        part = model.abstain[tier] if asked or seen else 0.0
        doubt = abs(part) * constants.relative_spread
    return Contribution(part, min(doubt, constants.largest_spread), seen)


def logit(p: float) -> float:
    """Log-odds of 0 < p < 1."""
    return math.log(p / (1 - p))


def sigmoid(x: float) -> float:
    """The probability of log-odds x."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
