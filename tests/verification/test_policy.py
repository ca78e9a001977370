"""Policy: what must be there, and money decides where the lines are."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pytest

from tests.verification import stage
from tests.verification.said import CONSTANTS, HONEST_T0, finding, p_genuine
from verification import fusion, policy
from verification.evidence import Family, Status, Verdict


def test_an_honest_t0_capture_is_accepted_and_not_overrated() -> None:
    p = p_genuine(*HONEST_T0)
    assert 0.9 < p < 0.97
    assert policy.judge(HONEST_T0, p, stage.terms(), CONSTANTS) == (Verdict.ACCEPT, ())


@pytest.mark.parametrize("status", [Status.ABSTAIN, Status.ERROR, None])
@pytest.mark.parametrize("family", [Family.SESSION, Family.PLACE, Family.DUPLICATE, Family.INTEGRITY])
def test_a_required_family_without_a_word_means_review(family: Family, status: Status | None) -> None:
    kept = [item for item in HONEST_T0 if item.family is not family]
    if status is not None:
        kept.append(finding(family, status=status))
    verdict, reasons = policy.judge(kept, 0.999, stage.terms(), CONSTANTS)
    assert (verdict, reasons) == (Verdict.REVIEW, (f"missing_{family}",))


def test_a_code_alone_is_not_enough_where_moves_were_asked_too() -> None:
    """A code alone would do for a clip made beforehand, if turns that nobody followed were let pass."""
    terms = stage.terms(tier=1, required=policy.PHOTO_TIERS[1])
    whole = [*HONEST_T0, *(finding(family, 1.0) for family in policy.PHOTO_TIERS[1])]
    assert policy.judge(whole, 0.999, terms, CONSTANTS)[0] is Verdict.ACCEPT
    unclear = finding(Family.MOVES, status=Status.ABSTAIN, reason="pan_unclear")
    without = [*(one for one in whole if one.family is not Family.MOVES), unclear]
    assert policy.judge(without, 0.999, terms, CONSTANTS) == (Verdict.REVIEW, ("missing_moves",))


@pytest.mark.parametrize(
    ("code", "pan", "left_out"),
    [
        ("K7M4XP", "", {Family.MOVES}),
        ("", "LU>", {Family.CHALLENGE}),
        ("", "", set()),
        ("K7M4XP", "LU>", set()),
    ],
)
def test_of_code_and_moves_the_claim_says_which_are_required(
    code: str, pan: str, left_out: set[Family]
) -> None:
    terms = stage.terms(tier=1, required=policy.PHOTO_TIERS[1])
    session = replace(stage.unknown_session(), code=code, pan=pan)
    assert policy.asked(terms, session).required == policy.PHOTO_TIERS[1] - left_out


@pytest.mark.parametrize(
    ("session", "family"),
    [
        ({"code": "K7M2QX"}, Family.CHALLENGE),
        ({"pan": "LU"}, Family.MOVES),
        ({"torch": "1010"}, Family.LIGHT),
    ],
)
def test_what_a_claim_asked_for_is_required_at_every_tier(session: dict[str, str], family: Family) -> None:
    asking = replace(stage.unknown_session(), **session)  # type: ignore[arg-type]
    terms = policy.asked(stage.terms(), asking)
    assert terms.required == stage.terms().required | {family}
    silent = finding(family, status=Status.ABSTAIN, reason="no_frames")
    verdict = policy.judge([*HONEST_T0, silent], 0.9999, terms, CONSTANTS)
    assert verdict == (Verdict.REVIEW, (f"missing_{family}",))


def test_a_required_family_that_speaks_against_is_not_outvoted() -> None:
    against = finding(Family.PLACE, -0.7, reason="near_area")
    findings = [*HONEST_T0, against]
    verdict = policy.judge(findings, 0.9999, stage.terms(), CONSTANTS)
    assert verdict == (Verdict.REVIEW, ("doubtful_place",))
    beside = finding(Family.SPLICE, -0.7, reason="resampled")
    assert policy.judge([*HONEST_T0, beside], 0.9999, stage.terms(), CONSTANTS)[0] is Verdict.ACCEPT
    assert policy.judge(findings, 0.001, stage.terms(), CONSTANTS)[0] is Verdict.REJECT


def test_a_check_in_error_goes_to_a_person_whatever_its_family() -> None:
    broken = finding(Family.BELONGING, status=Status.ERROR, reason="check_error")
    verdict = policy.judge([*HONEST_T0, broken], 0.9999, stage.terms(), CONSTANTS)
    assert verdict == (Verdict.REVIEW, ("check_error",))
    reader = finding(Family.ANSWER, status=Status.ERROR, reason="check_error")
    assert policy.judge([*HONEST_T0, reader], 0.9999, stage.terms(), CONSTANTS)[0] is Verdict.ACCEPT


def test_a_file_that_contradicts_its_claim_is_not_paid_however_little_is_at_stake() -> None:
    findings = [*HONEST_T0, finding(Family.METADATA, -2.0, reason="resized_after")]
    cheap = stage.terms(stake_micros=1)
    assert policy.judge(findings, 0.99, cheap, CONSTANTS) == (Verdict.REVIEW, ("doubtful_metadata",))
    hint = finding(Family.METADATA, -0.6, reason="converter_named")
    assert policy.judge([*HONEST_T0, hint], 0.99, cheap, CONSTANTS)[0] is Verdict.ACCEPT


def test_any_hard_fail_rejects_whatever_the_probability() -> None:
    fails = [
        finding(Family.SESSION, status=Status.HARD_FAIL, reason="wrong_nonce"),
        finding(Family.PROVENANCE, status=Status.HARD_FAIL, reason="declared_ai"),
    ]
    verdict, reasons = policy.judge([*HONEST_T0, *fails], 0.9999, stage.terms(), CONSTANTS)
    assert (verdict, reasons) == (Verdict.REJECT, ("wrong_nonce", "declared_ai"))


def test_evidence_against_is_named_worst_first() -> None:
    mixed = [
        *HONEST_T0[:4],
        finding(Family.TIME, -1.0, reason="clock_off"),
        finding(Family.DUPLICATE, -8.0, reason="copy_of_earlier"),
        finding(Family.ANSWER, -3.0, reason="answer_contradicted"),
    ]
    verdict, reasons = policy.judge(mixed, p_genuine(*mixed), stage.terms(), CONSTANTS)
    assert (verdict, reasons) == (Verdict.REJECT, ("copy_of_earlier", "clock_off"))


def test_weak_evidence_at_a_high_stake_goes_to_a_person() -> None:
    verdict, reasons = policy.judge(
        HONEST_T0, p_genuine(*HONEST_T0), stage.terms(stake_micros=10_000_000), CONSTANTS
    )
    assert (verdict, reasons) == (Verdict.REVIEW, ("not_enough_evidence",))


@pytest.mark.parametrize(
    ("stake", "p", "verdict"),
    [
        (500_000, 0.81, Verdict.ACCEPT),
        (500_000, 0.79, Verdict.REVIEW),
        (500_000, 0.01, Verdict.REJECT),
        (1_000_000, 0.91, Verdict.ACCEPT),
        (1_000_000, 0.89, Verdict.REVIEW),
        (10_000_000, 0.985, Verdict.REVIEW),
        (10_000_000, 0.995, Verdict.ACCEPT),
        (50_000_000, 0.995, Verdict.REVIEW),
        (0, 0.5, Verdict.ACCEPT),
    ],
)
def test_the_lines_are_drawn_by_expected_loss(stake: int, p: float, verdict: Verdict) -> None:
    assert policy.cheapest(p, stake, CONSTANTS) is verdict


def test_more_probable_is_never_judged_worse() -> None:
    rank = {Verdict.REJECT: 0, Verdict.REVIEW: 1, Verdict.ACCEPT: 2}
    for stake in (100_000, 1_000_000, 20_000_000):
        judged = [rank[policy.cheapest(p / 1000, stake, CONSTANTS)] for p in range(1001)]
        assert judged == sorted(judged)


def test_an_asker_may_state_the_harm() -> None:
    """TRUTH 2g's example: $10 at a harm of four stakes and a review at $0.50 accepts only above 99 %."""
    for harm, line in ((None, 0.99), (4.0, 0.99), (0.0, 0.95), (49.0, 0.999)):
        terms = stage.terms(stake_micros=10_000_000, harm_per_stake=harm)
        assert policy.judge(HONEST_T0, line + 1e-4, terms, CONSTANTS)[0] is Verdict.ACCEPT
        assert policy.judge(HONEST_T0, line - 1e-4, terms, CONSTANTS)[0] is Verdict.REVIEW


def test_a_harm_below_nothing_is_an_error() -> None:
    for harm in (-0.1, math.nan):
        with pytest.raises(ValueError, match="harm"):
            policy.cheapest(0.5, 1, CONSTANTS, harm_per_stake=harm)


def test_the_point_estimate_is_near_the_mean_over_its_doubt() -> None:
    """What the policy's page says: +-1 nat of doubt (90 %) about p = 0.97 moves the mean by 0.005 at most."""
    centre, sd = fusion.logit(0.97), 1.0 / 1.645
    drawn = [fusion.sigmoid(centre + sd * random.Random(1 + k).gauss(0, 1)) for k in range(20_000)]
    assert 0 < 0.97 - sum(drawn) / len(drawn) < 0.006


@pytest.mark.parametrize(("tier", "verdict"), [(0, Verdict.ACCEPT), (1, Verdict.REVIEW)])
def test_who_gives_photographs_of_the_place_wants_it_recognised(tier: int, verdict: Verdict) -> None:
    terms = policy.referenced(stage.terms(tier=tier, required=policy.PHOTO_TIERS[tier]))
    seen = [*HONEST_T0, *(finding(family, 1.0) for family in policy.PHOTO_TIERS[1])]
    unlike = finding(Family.SCENE, status=Status.ABSTAIN, reason="scene_inconclusive")
    assert policy.judge([*seen, unlike], 0.999, terms, CONSTANTS)[0] is verdict
    known = finding(Family.SCENE, 1.0, reason="scene_matches")
    assert policy.judge([*seen, known], 0.999, terms, CONSTANTS)[0] is Verdict.ACCEPT
