"""Samples of known truth drawn from a stated world, for calibration and its page: no picture is looked at.

Every capture of a world has a session, and depth and motion where the tier asks for them. `quality` of a base
moves all its samples alike, so that samples of one base are not independent.
"""

from __future__ import annotations

import numpy as np

from verification.calibration.samples import Sample
from verification.evidence import Family, Finding, Status, Verdict
from verification.frauds import Fraud

ATTACKS = ("screen", "print", "splice", "still", "street", "clip")


def found(family: Family, llr: float | None, reason: str = "said") -> Finding:
    """A finding of a check; None abstains."""
    if llr is None:
        return Finding(family.value, "", family, Status.ABSTAIN, 0.0, (0.0, 0.0), "absent", {}, 0.0)
    return Finding(family.value, "", family, Status.OK, llr, (-9.0, 9.0), reason, {}, 0.0)


def world(seed: int, *, bases: int = 60, each: int = 2, split: str = "calibration") -> list[Sample]:
    """Honest captures and six staged attacks at T0 and T1 for each base, and a forged one proven false.

    Depth tells a screen and a print (llr N(-2, 1) against N(2, 1), overstated three times); motion tells
    all but the clip; at T0 neither runs. One in five attacks leaves motion out, one in fifty honest ones.
    """
    dice = np.random.default_rng(seed)
    made: list[Sample] = []
    for base in range(bases):
        quality = dice.normal(0, 0.4)
        for tier in (0, 1):
            for family in ("honest", *ATTACKS, "replayed nonce"):
                for number in range(each * (3 if family == "honest" else 1)):
                    identity = f"{split}-{base:03}-T{tier}-{family}-{number}"
                    made.append(_one(dice, identity, f"base{base}", tier, family, split, quality))
    return made


def _one(
    dice: np.random.Generator, identity: str, base: str, tier: int, family: str, split: str, quality: float
) -> Sample:
    honest, protocol = family == "honest", family == "replayed nonce"
    findings = [found(Family.SESSION, 1.0), found(Family.DUPLICATE, 0.3)]
    if tier:
        flat = family in {"screen", "print"}
        findings.append(found(Family.DEPTH, 3 * (dice.normal(-2 if flat else 2, 1) + quality)))
        still = not honest and family != "clip"
        silent = dice.random() < (0.02 if honest else 0.2)
        motion = None if silent else float(dice.normal(-1.5 if still else 1.5, 1.2) + quality)
        findings.append(found(Family.MOTION, motion))
    if protocol:
        findings[0] = Finding(
            "session", "", Family.SESSION, Status.HARD_FAIL, 0, (0, 0), "wrong_nonce", {}, 0
        )
    stratum = "honest" if honest else "protocol" if protocol else "sighted"
    right = bool(dice.random() < 0.8) if honest else None
    if right is not None:
        findings.append(found(Family.ANSWER, float(dice.normal(1 if right else -1, 1))))
    p = 0.0001 if protocol else float(np.clip(dice.normal(0.9 if honest else 0.4, 0.1), 0.01, 0.99))
    verdict = Verdict.REJECT if protocol else Verdict.ACCEPT if p > 0.75 else Verdict.REVIEW
    fraud = None if honest else Fraud.FORGED if protocol else Fraud.STAGED
    return Sample(
        identity, base, tier, stratum, family, split, honest, verdict, p, tuple(findings), fraud, right
    )
