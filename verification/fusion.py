"""Findings fuse into one probability: genuine, against each way of being false.

A capture is genuine, with the prior's odds, or it is one of the frauds (`frauds.Fraud`), each with its share
w_h of the false ones of this tier. Each fraud is told by the families that bear on it, and by no other:

    odds of genuine = prior odds / sum over h of w_h * exp(-L_h)

L_h being the log-likelihood ratio of genuine over fraud h:

1. A family that spoke adds clip(a*s + b, low, high), s being the sum of its checks' log-likelihood ratios:
   checks of one family err together, so they share one model a fraud, and none can accept alone.
2. A family that only abstained adds its `abstain` amount of this tier, never above 0: what was asked for
   and could have been supplied, and was not, is evidence. Where that was learnt it always counts, where it
   is set by hand only if the terms require the family. A family that never ran, of which nothing was asked
   or that ended in an error adds nothing; where it is required the policy asks for review.
3. Families are not independent: `final` turns their sum S into the log-likelihood ratio that captures of this
   tier with such a sum had: a rising line through knots, flat beyond the first and the last.
   Evidence *against* a capture that no calibration has seen (of a family set by hand; of a learnt one, a sum
   below every sum it was learnt from) is left out of S and added to the result at its hand-set weight: what
   was learnt without it must not damp it.

A hard fail adds `hard_fail_llr` for each failing family, and nothing speaks for the capture any more.
Probabilities and `prior_genuine` are about captures that nothing proves false.

So however much speaks against one fraud, the others keep their share: a capture whose turns and depth were
all seen is no more surely *there* than its position says. One sum over all families, as it was before, had
an ECE of 0.38 at T1 (docs/decisions/0010), for it took what tells a screen from a scene
as a word for the place.

Two families are kept apart: ANSWER (what the picture says of it) and AGREEMENT (what other people answered)
add up to the log-odds that the answer is right, given a genuine capture.

The interval holds 90 % of the doubt in the constants, not of the evidence, as normal and independent: the
prior's log-odds are known to +-`prior_spread` (standard deviation); a learnt model to what resampling the
bases of its calibration gave (`spread`), one set by hand to +-`relative_spread` of its contribution; no
family to more than `largest_spread` nats; each fraud counts by its share of what is left to doubt (the delta
method).
Low and high are sigma(centre -+ 1.645 sd). Taking the models as independent errs to the wide side: the model
of the sum makes good in part what a family's has wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from verification.constants import Against, Calibration, Model
from verification.evidence import Family, Finding, Status
from verification.frauds import Fraud

_NINETY = 1.645  # standard deviations to each side of a normal that hold 90 % of it
UNASKED = ("_asked", "no_reader", "no_other_answer")
"""How the reasons end that say: nothing was asked, or there was nothing to ask, so silence says nothing."""


@dataclass(frozen=True, slots=True)
class Fused:
    """Posteriors in 0..1; `interval` is (low, high) about `p_genuine`.

    Attributes:
        frauds: the probability of each way to be false; with `p_genuine` they add up to 1. A proof raises
            them all alike: it says that the capture is false, not how.
    """

    p_genuine: float
    interval: tuple[float, float]
    p_answer: float | None
    frauds: Mapping[Fraud, float]


@dataclass(frozen=True, slots=True)
class Said:
    """What one family adds to a log-likelihood ratio, the standard deviation of that, and whether it is
    learnt."""

    part: float
    doubt: float
    seen: bool


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
    told = {
        fraud: _told(findings, against, constants, required=required, tier=tier, failed=bool(failed))
        for fraud, against in constants.frauds.items()
    }
    weighed = {fraud: math.log(constants.frauds[fraud].mix[tier]) - llr for fraud, (llr, _) in told.items()}
    together = _log_sum(weighed.values())
    shares = {fraud: math.exp(value - together) for fraud, value in weighed.items()}
    variance = sum(shares[fraud] ** 2 * told[fraud][1] for fraud in told) + constants.prior_spread**2
    evidence = -together + len(failed) * constants.hard_fail_llr
    centre, reach = logit(constants.prior_genuine) + evidence, _NINETY * math.sqrt(variance)
    p_answer = None
    if answered:
        p_answer = answer_right(findings, constants, constants.answer, tier=tier)
    interval = (sigmoid(centre - reach), sigmoid(centre + reach))
    false = sigmoid(-centre)
    return Fused(sigmoid(centre), interval, p_answer, {fraud: s * false for fraud, s in shares.items()})


def answer_right(
    findings: Sequence[Finding], constants: Calibration, families: Iterable[Family], *, tier: int
) -> float:
    """The probability that the answer is right, given a genuine capture, by what these families say."""
    said = (_said(one, constants.answer[one], findings, asked=True, tier=tier) for one in families)
    return sigmoid(logit(constants.prior_answer) + sum(one.part for one in said))


def _told(
    findings: Sequence[Finding],
    against: Against,
    constants: Calibration,
    *,
    required: frozenset[Family],
    tier: int,
    failed: bool,
) -> tuple[float, float]:
    """The log-likelihood ratio of genuine over one fraud, and its variance; where `failed`, none for it."""
    inside = outside = inner = outer = 0.0
    for family, model in against.families.items():
        said = _said(family, model, findings, asked=family in required, tier=tier)
        doubt = said.doubt if said.seen else abs(said.part) * constants.relative_spread
        doubt = min(doubt, constants.largest_spread)
        if said.part < 0 and not said.seen:
            outside, outer = outside + said.part, outer + doubt**2
        elif said.part < 0 or not failed:
            inside, inner = inside + said.part, inner + doubt**2
    final = against.final
    variance = final.slope(inside, tier) ** 2 * inner + final.doubt(inside, tier) ** 2 + outer
    told = final.at(inside, tier)
    return (min(0.0, told) if failed else told) + outside, variance


def _said(family: Family, model: Model, findings: Sequence[Finding], *, asked: bool, tier: int) -> Said:
    """What one family adds; one with a hard fail says no more than that."""
    if any(f.family is family and f.status is Status.HARD_FAIL for f in findings):
        return Said(0.0, 0.0, seen=True)
    s = spoken(family, findings)
    if s is not None:
        return Said(model.at(s), math.sqrt(model.variance(s)), seen=not model.unseen(s))
    if silent(family, findings):
        learnt = model.abstain_learnt[tier]
        return Said(model.abstain[tier] if asked or learnt else 0.0, 0.0, seen=learnt)
    return Said(0.0, 0.0, seen=True)


def spoken(family: Family, findings: Sequence[Finding]) -> float | None:
    """The sum of what its checks said; None where none said anything."""
    said = [f.llr for f in findings if f.family is family and f.status is Status.OK]
    return sum(said) if said else None


def silent(family: Family, findings: Sequence[Finding]) -> bool:
    """Whether it abstained from something that was asked of it."""
    return any(
        f.family is family and f.status is Status.ABSTAIN and not f.reason.endswith(UNASKED) for f in findings
    )


def logit(p: float) -> float:
    """Log-odds of 0 < p < 1."""
    return math.log(p / (1 - p))


def sigmoid(x: float) -> float:
    """The probability of log-odds x."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))


def _log_sum(values: Iterable[float]) -> float:
    """log of the sum of exp(values)."""
    held = list(values)
    top = max(held)
    return top + math.log(sum(math.exp(value - top) for value in held))
