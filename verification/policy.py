"""From probability to verdict by expected loss, after rules that no probability overrides.

1. Any hard fail -> reject.
2. A required family without an OK finding (absent, abstained, in error) -> review. For a photo or video the
   INTEGRITY family is always required: without a decoded picture and a buyer's copy nothing is paid.
   So does a check in error, whatever its family: a picture that breaks a check must not do better than one
   the check would have spoken against.
3. A required family that spoke, and on balance against the capture -> no accept: what is asked for is asked
   because the rest does not make up for it. So does a file that contradicts its claim (CONTRADICTING),
   however little is at stake.
4. Else the cheapest in expectation, with p_fraud = 1 - p_genuine:
   accepting costs p_fraud * stake * (1 + harm_per_stake), the asker's own harm where the terms state one;
   rejecting costs p_genuine * (reject_loss + reject_loss_per_stake * stake);
   a review costs its fixed price. Ties go to the more careful: review, then reject, then accept.
With "hand-set-4" a stake of $0.50 is accepted down to p_genuine 0.80, $1 to 0.90, $10 to 0.99.

Why the point estimate decides and not the interval: losses are linear in p, so over all that is not known of
p the expected loss depends on its mean alone, and a careful end of the interval would be paid for twice, once
in p and once in the harm. The sigmoid of the centre stands for that mean; for an interval of +-1 nat about
p = 0.97 it is 0.005 above it. Doubt that is about *evidence* (few samples, an attack nobody calibrated on) is
in p already: by the bounds of the families and of their sum (`calibration.logistic`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from verification.constants import Calibration
from verification.evidence import ABOUT_ANSWER, Family, Finding, Session, Status, Terms, Verdict
from verification.fusion import spoken


def judge(
    findings: Sequence[Finding], p_genuine: float, terms: Terms, constants: Calibration
) -> tuple[Verdict, tuple[str, ...]]:
    """The verdict and why: reason codes of the findings that decided; () for an accept."""
    fails = [finding.reason for finding in findings if finding.status is Status.HARD_FAIL]
    if fails:
        return Verdict.REJECT, _unique(fails)
    missing = sorted(required(terms) - {f.family for f in findings if f.status is Status.OK})
    if missing:
        return Verdict.REVIEW, tuple(f"missing_{family}" for family in missing)
    errors = [f.reason for f in findings if f.status is Status.ERROR and f.family not in ABOUT_ANSWER]
    if errors:
        return Verdict.REVIEW, _unique(errors)
    verdict = cheapest(p_genuine, terms.stake_micros, constants, harm_per_stake=terms.harm_per_stake)
    if verdict is Verdict.ACCEPT and not (doubtful := _doubtful(findings, required(terms))):
        return verdict, ()
    if verdict is Verdict.ACCEPT:
        return Verdict.REVIEW, tuple(f"doubtful_{family}" for family in doubtful)
    against = [f for f in findings if f.status is Status.OK and f.llr < 0 and f.family not in ABOUT_ANSWER]
    against.sort(key=lambda finding: finding.llr)
    return verdict, _unique([finding.reason for finding in against]) or ("not_enough_evidence",)


_BASIC = frozenset({Family.SESSION, Family.PLACE, Family.DUPLICATE})
_PRESENT = frozenset({Family.CHALLENGE, Family.MOVES, Family.MOTION, Family.DEPTH})
_STREAM = frozenset({Family.SESSION, Family.PLACE, Family.STREAM})
PHOTO_TIERS: tuple[frozenset[Family], ...] = (
    _BASIC,
    _BASIC | _PRESENT,
    _BASIC | _PRESENT | {Family.ATTESTATION},
)
"""What a photo or video of tier 0, 1, 2 must bring. The tiers' price caps are `bounties.rules.TIERS`."""
STREAM_TIERS: tuple[frozenset[Family], ...] = (_STREAM, _STREAM, _STREAM | {Family.ATTESTATION})


CONTRADICTING = frozenset({Family.METADATA})
"""Families that speak only where a capture contradicts itself."""
CONTRADICTION = -1.0  # nats from which it does; a converter's name alone is less


def _doubtful(findings: Sequence[Finding], needed: frozenset[Family]) -> list[Family]:
    """The needed families that speak against the capture, and those in which it contradicts itself."""
    contradicting = {one for one in CONTRADICTING if (spoken(one, findings) or 0.0) <= CONTRADICTION}
    return sorted({*_against(findings, needed), *contradicting})


def _against(findings: Sequence[Finding], families: frozenset[Family]) -> list[Family]:
    """Those of the families whose findings, in sum, speak against the capture."""
    return sorted(family for family in families if (spoken(family, findings) or 0.0) < 0)


def required(terms: Terms) -> frozenset[Family]:
    """The families without which these terms are never accepted."""
    return terms.required if terms.kind == "stream" else terms.required | {Family.INTEGRITY}


def referenced(terms: Terms) -> Terms:
    """Terms of an asker who gave photographs of the place: from tier 1 on they must recognise what comes.

    At tier 0 a place seen in other light, which no reference knows, still is what was asked for.
    """
    return replace(terms, required=terms.required | {Family.SCENE}) if terms.tier else terms


def asked(terms: Terms, session: Session) -> Terms:
    """Terms that require the answer to what the claim asked for, at any tier: outside the market that may be
    a code, moves or a torch alone. Where it asked for nothing the tier's own terms stand, and are not met."""
    wanted = {
        family
        for family, said in (
            (Family.CHALLENGE, session.code),
            (Family.MOVES, session.pan),
            (Family.LIGHT, session.torch),
        )
        if said
    }
    if not wanted:
        return terms
    return replace(terms, required=(terms.required - {Family.CHALLENGE, Family.MOVES}) | wanted)


def cheapest(
    p_genuine: float, stake_micros: int, constants: Calibration, *, harm_per_stake: float | None = None
) -> Verdict:
    """The verdict of least expected loss.

    Args:
        p_genuine: 0..1.
        stake_micros: >= 0.
        harm_per_stake: the asker's, >= 0; None: the calibration's.

    Raises:
        ValueError: a negative harm, which would make fraud worth accepting.
    """
    harm = constants.harm_per_stake if harm_per_stake is None else harm_per_stake
    if not harm >= 0:
        raise ValueError(f"a harm of {harm} stakes")
    losses = {
        Verdict.REVIEW: float(constants.review_cost_micros),
        Verdict.REJECT: p_genuine
        * (constants.reject_loss_micros + constants.reject_loss_per_stake * stake_micros),
        Verdict.ACCEPT: (1 - p_genuine) * stake_micros * (1 + harm),
    }
    return min(losses, key=lambda verdict: losses[verdict])


def _unique(reasons: list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reasons))
