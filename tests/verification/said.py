"""Findings as tests of fusion and policy want them, under the constants set by hand."""

from __future__ import annotations

from tests.verification import stage
from verification import constants as numbers
from verification import fusion, policy
from verification.evidence import Family, Finding, Status

CONSTANTS = numbers.load(numbers.HAND_SET)


def finding(family: Family, llr: float = 0.0, status: Status = Status.OK, reason: str = "said") -> Finding:
    return Finding("check", "1", family, status, llr, (-9.0, 9.0), reason, {}, 0.1)


REQUIRED = policy.required(stage.terms())


def p_genuine(*findings: Finding) -> float:
    return fusion.fuse(findings, CONSTANTS, required=REQUIRED, answered=False, tier=0).p_genuine


HONEST_T0 = [
    finding(Family.INTEGRITY),
    finding(Family.SESSION, 1.18),
    finding(Family.PLACE, 0.58),
    finding(Family.DUPLICATE, 0.3),
    finding(Family.TIME, 0.1),
    finding(Family.PROVENANCE, status=Status.ABSTAIN),
]
