"""Findings fuse into one probability: prior log-odds plus one capped sum for each family.

p = sigma(prior + sum over families F of clip(sum of llr in F, cap F)). Checks of one family err
together, so each family is capped and none can accept alone. A family that the terms require and that
only abstained costs its stated `abstain` amount: what was asked for and could have been supplied, and
was not, is evidence. Families nobody required cost nothing when they abstain, nor does a family that
never ran; where it is required the policy asks for review. A hard fail takes
the place of its family's sum, and with one nothing speaks for the capture any more. The ANSWER family
is kept apart: it says whether the answer is right, given a genuine capture.

The interval holds 90 % of the doubt in the constants, not of the evidence: the prior's log-odds are
taken as known to +-`prior_spread` (standard deviation) and each family's contribution to
+-`relative_spread` of its size, at most `largest_spread` nats, independent and normal; low and high are
sigma(centre -+ 1.645 sd).
The constants in `calibration.json` are set by hand ("hand-set-1") and say so; nothing here is learnt.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from verification.evidence import Family, Finding, Status

_PATH = Path(__file__).with_name("calibration.json")
_NINETY = 1.645  # standard deviations to each side of a normal that hold 90 % of it


@dataclass(frozen=True, slots=True)
class FamilyConstants:
    """One family's say: the smallest and largest sum that counts; the cost of only abstaining if required."""

    cap: tuple[float, float]
    abstain: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """The constants of fusion and policy, with the name and SHA-256 of the file they stand in.

    Attributes:
        prior_genuine / prior_answer: shares believed before any evidence, 0..1.
        prior_spread: standard deviation of the prior's log-odds (nats).
        relative_spread / largest_spread: that of a family's contribution, as a share of it, and at most.
        harm_per_stake: harm of a wrong accept beyond the stake, in stakes.
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
    families: Mapping[Family, FamilyConstants]
    harm_per_stake: float
    review_cost_micros: int
    reject_loss_micros: int
    reject_loss_per_stake: float


@dataclass(frozen=True, slots=True)
class Fused:
    """Posteriors in 0..1; `interval` is (low, high) about `p_genuine`."""

    p_genuine: float
    interval: tuple[float, float]
    p_answer: float | None


@lru_cache(maxsize=1)
def calibration() -> Calibration:
    """The constants in use."""
    return load(_PATH)


def load(path: Path) -> Calibration:
    """Reads a calibration file.

    Raises:
        TypeError, KeyError, ValueError: a constant is missing or unknown, or a family is.
    """
    raw = path.read_bytes()
    values = json.loads(raw)
    families = {
        Family(name): FamilyConstants((constants["cap"][0], constants["cap"][1]), constants["abstain"])
        for name, constants in values["families"].items()
    }
    if set(families) != set(Family):
        raise ValueError(f"{path.name} must name every family once")
    plain = {key: values[key] for key in values.keys() - {"families", "policy", "learnt_from", "note"}}
    return Calibration(sha256=hashlib.sha256(raw).hexdigest(), families=families, **plain, **values["policy"])


def fuse(
    findings: Sequence[Finding], constants: Calibration, *, required: frozenset[Family], answered: bool
) -> Fused:
    """Both posteriors.

    Args:
        required: families the terms ask for.
        answered: whether there is an answer to have a probability.
    """
    sums = {
        family: _contribution(family, findings, constants, asked=family in required)
        for family in Family
        if family is not Family.ANSWER
    }
    if any(finding.status is Status.HARD_FAIL for finding in findings):
        sums = {family: min(0.0, amount) for family, amount in sums.items()}
    centre = _logit(constants.prior_genuine) + sum(sums.values())
    spreads = (min(abs(s) * constants.relative_spread, constants.largest_spread) for s in sums.values())
    variance = constants.prior_spread**2 + sum(spread**2 for spread in spreads)
    reach = _NINETY * math.sqrt(variance)
    p_answer = None
    if answered:
        p_answer = _sigmoid(
            _logit(constants.prior_answer) + _contribution(Family.ANSWER, findings, constants, asked=True)
        )
    return Fused(_sigmoid(centre), (_sigmoid(centre - reach), _sigmoid(centre + reach)), p_answer)


def _contribution(
    family: Family, findings: Sequence[Finding], constants: Calibration, *, asked: bool
) -> float:
    """What one family adds to the log-odds."""
    own = [finding for finding in findings if finding.family is family]
    if any(finding.status is Status.HARD_FAIL for finding in own):
        return constants.hard_fail_llr
    spoken = [finding.llr for finding in own if finding.status is Status.OK]
    if spoken:
        low, high = constants.families[family].cap
        return min(max(sum(spoken), low), high)
    if asked and any(finding.status is Status.ABSTAIN for finding in own):
        return constants.families[family].abstain
    return 0.0


def _logit(p: float) -> float:
    return math.log(p / (1 - p))


def _sigmoid(x: float) -> float:
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
