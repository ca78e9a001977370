"""Fusion and policy: caps hold, absence costs, and money decides where the lines are."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from tests.verification import stage
from verification import fusion, policy
from verification.evidence import Family, Finding, Status, Verdict

CONSTANTS = fusion.calibration()


def finding(family: Family, llr: float = 0.0, status: Status = Status.OK, reason: str = "said") -> Finding:
    return Finding("check", "1", family, status, llr, (-9.0, 9.0), reason, {}, 0.1)


REQUIRED = policy.required(stage.terms())


def p_genuine(*findings: Finding) -> float:
    return fusion.fuse(findings, CONSTANTS, required=REQUIRED, answered=False).p_genuine


HONEST_T0 = [
    finding(Family.INTEGRITY),
    finding(Family.SESSION, 1.18),
    finding(Family.PLACE, 0.58),
    finding(Family.DUPLICATE, 0.3),
    finding(Family.TIME, 0.1),
    finding(Family.PROVENANCE, status=Status.ABSTAIN),
]


def test_no_evidence_leaves_the_prior() -> None:
    assert p_genuine() == pytest.approx(CONSTANTS.prior_genuine)


def test_log_odds_add_up() -> None:
    expected = math.log(0.6 / 0.4) + 1.0 + 0.5
    assert p_genuine(finding(Family.SESSION, 1.0), finding(Family.PLACE, 0.5)) == pytest.approx(
        1 / (1 + math.exp(-expected))
    )


def test_no_family_goes_beyond_its_cap() -> None:
    for family in set(Family) - {Family.ANSWER}:
        low, high = CONSTANTS.families[family].cap
        many = [finding(family, 9.0)] * 5
        few = [finding(family, high)]
        assert p_genuine(*many) == pytest.approx(p_genuine(*few))
        assert p_genuine(*[finding(family, -9.0)] * 5) == pytest.approx(p_genuine(finding(family, low)))


def test_no_family_alone_is_accepted_above_the_lowest_tier() -> None:
    """At $10 a 99 % posterior is asked for; no family's cap reaches it from the prior."""
    for family in Family:
        p = p_genuine(finding(family, 99.0))
        assert policy.cheapest(p, 10_000_000, CONSTANTS) is not Verdict.ACCEPT


def test_only_abstaining_costs_and_one_word_lifts_it() -> None:
    abstained = finding(Family.PLACE, status=Status.ABSTAIN)
    assert p_genuine(abstained) < p_genuine()
    assert p_genuine(abstained, finding(Family.PLACE, 0.1)) > p_genuine()


def test_what_nobody_asked_for_costs_nothing() -> None:
    assert Family.CHALLENGE not in REQUIRED
    assert p_genuine(finding(Family.CHALLENGE, status=Status.ABSTAIN)) == pytest.approx(p_genuine())


def test_errors_neither_help_nor_hurt() -> None:
    assert p_genuine(finding(Family.PLACE, status=Status.ERROR)) == pytest.approx(p_genuine())


def test_a_hard_fail_outweighs_everything() -> None:
    best = [finding(family, 99.0) for family in Family]
    assert p_genuine(*best, finding(Family.STREAM, status=Status.HARD_FAIL)) < 0.8
    assert p_genuine(*HONEST_T0, finding(Family.SESSION, status=Status.HARD_FAIL)) < 0.001


def test_the_interval_holds_the_point_and_widens_with_evidence() -> None:
    fused = fusion.fuse(HONEST_T0, CONSTANTS, required=REQUIRED, answered=False)
    assert fused.interval[0] < fused.p_genuine < fused.interval[1]
    assert fused.interval[0] > 0.75
    assert fused.interval[1] < 0.995


def test_answers_are_judged_apart() -> None:
    right = finding(Family.ANSWER, 2.0)
    fused = fusion.fuse([right], CONSTANTS, required=REQUIRED, answered=True)
    assert fused.p_genuine == pytest.approx(CONSTANTS.prior_genuine)
    assert fused.p_answer is not None
    assert fused.p_answer > CONSTANTS.prior_answer
    assert fusion.fuse([right], CONSTANTS, required=REQUIRED, answered=False).p_answer is None


def test_the_constants_say_that_nobody_learnt_them() -> None:
    raw = json.loads(Path(fusion.__file__).with_name("calibration.json").read_text())
    assert raw["name"] == "hand-set-1"
    assert raw["learnt_from"] is None
    assert len(CONSTANTS.sha256) == 64


def test_a_calibration_must_name_every_family(tmp_path: Path) -> None:
    raw = json.loads(Path(fusion.__file__).with_name("calibration.json").read_text())
    del raw["families"]["place"]
    (tmp_path / "calibration.json").write_text(json.dumps(raw))
    with pytest.raises(ValueError, match="every family"):
        fusion.load(tmp_path / "calibration.json")


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
