"""The numbers that fusion and policy go by, and the file they stand in.

`calibration.json` is what is in use, written by `python -m verification calibrate`; `hand_set.json` holds the
constants set by hand, for what no calibration has seen; each model says which it is. Both have the form of
`parse`: `families`, the models set by hand; `frauds`, for each fraud the share of the false captures of each
tier that it is taken to be (`mix`), the families learnt against it, and the model of their sum (`final`).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from verification.evidence import ABOUT_ANSWER, Family
from verification.frauds import BEARS_ON, Fraud

PATH = Path(__file__).with_name("calibration.json")
HAND_SET = Path(__file__).with_name("hand_set.json")
FORMAT = 3
TIERS = 3
_FAR = 20.0  # nats: no sum goes beyond
_TOLD = frozenset({"format", "families", "frauds", "policy", "created", "learnt_from", "note"})


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
    """The model of a sum: a tier's (sum, log-likelihood ratio) rising in both, one tuple a tier.

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


PLAIN = Knots((((-_FAR, -_FAR), (_FAR, _FAR)),) * TIERS, None)
"""The sum as it is: what stands where none was learnt."""


@dataclass(frozen=True, slots=True)
class Against:
    """How one fraud is told.

    Attributes:
        mix: its share of the false captures of each tier, 0..1; over all frauds they add up to 1.
        families: those that bear on it (`frauds.BEARS_ON`).
        final: from the sum of their parts to the log-likelihood ratio of genuine over this fraud.
    """

    mix: tuple[float, ...]
    families: Mapping[Family, Model]
    final: Knots


@dataclass(frozen=True, slots=True)
class Calibration:
    """The constants of fusion and policy, with the name and SHA-256 of the file they stand in.

    Attributes:
        prior_genuine / prior_answer: shares believed before any evidence, 0..1.
        prior_spread / relative_spread / largest_spread: see `fusion`.
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
    answer: Mapping[Family, Model]
    frauds: Mapping[Fraud, Against]
    harm_per_stake: float
    review_cost_micros: int
    reject_loss_micros: int
    reject_loss_per_stake: float

    @property
    def learnt(self) -> bool:
        """Whether data gave any of it."""
        return any(against.final.learnt for against in self.frauds.values())


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The constants in use."""
    return load(PATH)


def load(path: Path) -> Calibration:
    """Reads a calibration file.

    Raises:
        TypeError, KeyError, ValueError: a constant is missing or unknown, or a family or a fraud is.
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
    if not 0 < values["prior_genuine"] < 1:
        raise ValueError(f"a prior lies between 0 and 1, not at {values['prior_genuine']}")
    return Calibration(
        sha256=sha256,
        answer={family: families[family] for family in ABOUT_ANSWER}
        | ({Family.ANSWER: _model(values["answer"])} if "answer" in values else {}),
        frauds=_frauds(values["frauds"], families),
        **{key: values[key] for key in values.keys() - _TOLD - {"answer"}},
        **values["policy"],
    )


def _frauds(said: Mapping[str, Any], families: Mapping[Family, Model]) -> dict[Fraud, Against]:
    """The object of the frauds over the families set by hand; raises as `load` does."""
    found: dict[Fraud, Against] = {}
    for name, one in said.items():
        fraud = Fraud(name)
        models = {family: families[family] for family, frauds in BEARS_ON.items() if fraud in frauds}
        learnt = {Family(family): _model(model) for family, model in one["families"].items()}
        if not learnt.keys() <= models.keys():
            raise ValueError(f"a family learnt against {name!r} does not bear on it")
        final = PLAIN if one["final"] is None else _knots(one["final"])
        found[fraud] = Against(tuple(one["mix"]), models | learnt, final)
    shares = list(zip(*(against.mix for against in found.values()), strict=True))
    if set(found) != set(Fraud) or len(shares) != TIERS:
        raise ValueError("a calibration must name every fraud once, with its share of each tier")
    if any(min(tier) <= 0 or abs(sum(tier) - 1) > 1e-3 for tier in shares):
        raise ValueError("the shares of a tier's frauds are above 0 and add up to 1")
    return found


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
    """The object of the model of a sum; raises as `load` does."""
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


def _between(points: Sequence[tuple[float, float]], x: float) -> float:
    """Linear between points of rising x; flat beyond them."""
    if x <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        if x <= x1:
            return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
    return points[-1][1]
