"""Fusion and policy: caps hold, absence costs, and money decides where the lines are."""

from __future__ import annotations

import itertools
import json
import math
import random
from dataclasses import replace
from typing import Any

import pytest

from tests.verification import stage
from verification import fusion, policy
from verification.evidence import Family, Finding, Status, Verdict
from verification.fusion import Calibration

CONSTANTS = fusion.load(fusion.HAND_SET)


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


def test_no_evidence_leaves_the_prior() -> None:
    assert p_genuine() == pytest.approx(CONSTANTS.prior_genuine)


def test_log_odds_add_up() -> None:
    expected = math.log(0.6 / 0.4) + 1.0 + 0.5
    assert p_genuine(finding(Family.SESSION, 1.0), finding(Family.PLACE, 0.5)) == pytest.approx(
        1 / (1 + math.exp(-expected))
    )


def test_no_family_goes_beyond_its_cap() -> None:
    for family in set(Family) - {Family.ANSWER}:
        low, high = CONSTANTS.families[family].low, CONSTANTS.families[family].high
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
    fused = fusion.fuse(HONEST_T0, CONSTANTS, required=REQUIRED, answered=False, tier=0)
    assert fused.interval[0] < fused.p_genuine < fused.interval[1]
    assert fused.interval[0] > 0.75
    assert fused.interval[1] < 0.995


def test_answers_are_judged_apart() -> None:
    right = finding(Family.ANSWER, 2.0)
    fused = fusion.fuse([right], CONSTANTS, required=REQUIRED, answered=True, tier=0)
    assert fused.p_genuine == pytest.approx(CONSTANTS.prior_genuine)
    assert fused.p_answer is not None
    assert fused.p_answer > CONSTANTS.prior_answer
    assert fusion.fuse([right], CONSTANTS, required=REQUIRED, answered=False, tier=0).p_answer is None


def hand_set() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(fusion.HAND_SET.read_text())
    return raw


def test_the_constants_say_that_nobody_learnt_them() -> None:
    raw = hand_set()
    assert raw["name"] == "hand-set-2"
    assert raw["learnt_from"] is None
    assert not any(model.learnt for model in CONSTANTS.families.values())
    assert not CONSTANTS.final.learnt
    assert len(CONSTANTS.sha256) == 64


def test_what_is_in_use_says_where_each_model_comes_from() -> None:
    raw, used = json.loads(fusion.PATH.read_text()), fusion.calibration()
    learnt = {family for family, model in used.families.items() if model.learnt}
    assert bool(learnt) == bool(raw["learnt_from"])
    for family in set(Family) - learnt:
        assert used.families[family].high == CONSTANTS.families[family].high
        assert used.families[family].low == CONSTANTS.families[family].low
    if raw["learnt_from"]:
        assert {"honest", "attack", "families", "seed", "commit"} <= raw["learnt_from"].keys()


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"a": -1.0}, "a >= 0"),
        ({"low": 0.5}, "low <= 0"),
        ({"abstain": [0.0, 0.1, 0.0]}, "abstain <= 0"),
        ({"abstain": [0.0]}, "one value a tier"),
        ({"status": "learnt"}, "says 'learnt'"),
        ({"spread": [0.1, 0.0, 0.1]}, "says 'hand-set'"),
    ],
)
def test_a_model_that_cannot_be_is_refused(change: dict[str, Any], why: str) -> None:
    raw = hand_set()
    raw["families"]["place"] |= change
    with pytest.raises(ValueError, match=why):
        fusion.parse(raw, "")


def test_a_calibration_must_name_every_family_and_its_format() -> None:
    raw = hand_set()
    with pytest.raises(ValueError, match="format"):
        fusion.parse(raw | {"format": 1}, "")
    changes: list[dict[str, Any]] = [
        {"knots": [[[0, 0]]] * 2},
        {"knots": [[[0, 0], [1, -1]]] * 3},
        {"knots": [[[0, 0], [0, 1]]] * 3},
        {"knots": [[]] * 3},
        {"status": "learnt", "spread": [[0.1]] * 3},
        {"status": "learnt"},
    ]
    for change in changes:
        with pytest.raises(ValueError, match=r"the sum|a model says"):
            fusion.parse(raw | {"final": raw["final"] | change}, "")
    del raw["families"]["place"]
    with pytest.raises(ValueError, match="every family"):
        fusion.parse(raw, "")


def learnt() -> Calibration:
    """Constants as a calibration writes them: one family and the sum are learnt."""
    raw = hand_set()
    raw["families"]["motion"] |= {
        "status": "learnt",
        "a": 0.5,
        "b": -0.2,
        "low": -3.0,
        "high": 2.0,
        "spread": [0.01, 0.0, 0.04],
        "abstain": [-0.1, -0.9, 0.0],
        "abstain_learnt": [True, True, False],
        "seen_from": -7.0,
        "unseen_low": -5.0,
    }
    ends = [[[(llr - b) / 0.8, llr] for llr in (-6.0, 4.0)] for b in (-0.5, 0.1, 0.0)]  # 0.8 S + b
    raw["final"] = {"status": "learnt", "knots": ends, "spread": [[0.1, 0.1]] * 3}
    return fusion.parse(raw, "")


def log_odds(constants: Calibration, *findings: Finding, tier: int = 1) -> float:
    fused = fusion.fuse(findings, constants, required=REQUIRED, answered=False, tier=tier)
    return fusion.logit(fused.p_genuine) - fusion.logit(constants.prior_genuine)


def test_a_learnt_line_and_the_model_of_the_sum_are_applied() -> None:
    assert log_odds(learnt(), finding(Family.MOTION, 1.0)) == pytest.approx(0.8 * 0.3 + 0.1)
    assert log_odds(learnt(), finding(Family.MOTION, 99.0)) == pytest.approx(0.8 * 2.0 + 0.1)
    assert log_odds(learnt(), finding(Family.MOTION, -6.9), tier=0) == pytest.approx(0.8 * -3.0 - 0.5)
    parts = fusion.fuse([finding(Family.MOTION, 1.0)], learnt(), required=REQUIRED, answered=False, tier=1)
    assert parts.parts[Family.MOTION] == pytest.approx(0.3)
    assert parts.together == pytest.approx(0.8 * 0.3 + 0.1 - 0.3)


def test_the_sum_is_bounded_by_what_its_data_can_carry() -> None:
    best = [finding(family, 99.0) for family in Family]
    assert log_odds(learnt(), *best) == pytest.approx(4.0)
    low = fusion.Knots((((-1.0, -1.0), (1.0, 1.0)),) * 3, None)
    assert log_odds(replace(learnt(), final=low), finding(Family.MOTION, -6.0)) == pytest.approx(-1.0)


def test_what_no_calibration_saw_against_a_capture_is_not_damped() -> None:
    """A family set by hand, and a learnt one below all that it was learnt from."""
    nothing = log_odds(learnt())
    assert log_odds(learnt(), finding(Family.DUPLICATE, -8.0)) == pytest.approx(nothing - 8.0)
    assert log_odds(learnt(), finding(Family.MOTION, -7.1)) == pytest.approx(nothing - 5.0)
    assert log_odds(learnt(), finding(Family.DUPLICATE, 0.4)) == pytest.approx(nothing + 0.8 * 0.4)


def test_more_against_is_never_better() -> None:
    for tier in range(3):
        steps = [log_odds(learnt(), finding(Family.MOTION, s / 10), tier=tier) for s in range(-120, 60)]
        assert all(before <= after + 1e-9 for before, after in itertools.pairwise(steps))


def test_a_learnt_cost_of_abstaining_counts_whoever_asked() -> None:
    """Without the learnt flag (tier 2) it counts only where the terms require the family."""
    silent = finding(Family.MOTION, status=Status.ABSTAIN)
    assert log_odds(learnt(), silent, tier=1) == pytest.approx(0.8 * -0.9 + 0.1)
    assert log_odds(learnt(), silent, tier=0) == pytest.approx(0.8 * -0.1 - 0.5)
    assert log_odds(learnt(), silent, tier=2) == pytest.approx(0.0)


def test_a_hard_fail_is_not_softened_by_the_sum() -> None:
    failed = finding(Family.SESSION, status=Status.HARD_FAIL)
    best = [finding(family, 99.0) for family in Family]
    assert log_odds(learnt(), failed, *best) == pytest.approx(CONSTANTS.hard_fail_llr)
    assert log_odds(learnt(), failed, finding(Family.MOTION, -99.0)) < CONSTANTS.hard_fail_llr - 2


def test_less_is_known_of_a_line_far_from_its_data() -> None:
    def width(llr: float) -> float:
        fused = fusion.fuse(
            [finding(Family.MOTION, llr)], learnt(), required=REQUIRED, answered=False, tier=1
        )
        low, high = (fusion.logit(p) for p in fused.interval)
        return high - low

    assert width(0.0) < width(3.0) < width(6.0)


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


def test_of_what_was_asked_to_be_in_the_scene_every_part_must_be_seen() -> None:
    """A code alone would do for a clip made beforehand, if turns that nobody followed were let pass."""
    terms = stage.terms(tier=1, required=policy.PHOTO_TIERS[1])
    whole = [*HONEST_T0, *(finding(family, 1.0) for family in policy.PHOTO_TIERS[1])]
    unasked = finding(Family.CHALLENGE, status=Status.ABSTAIN, reason="no_pan_asked")
    assert policy.judge([*whole, unasked], 0.999, terms, CONSTANTS)[0] is Verdict.ACCEPT
    unclear = finding(Family.CHALLENGE, status=Status.ABSTAIN, reason="pan_unclear")
    verdict = policy.judge([*whole, unclear], 0.999, terms, CONSTANTS)
    assert verdict == (Verdict.REVIEW, ("missing_challenge",))


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


def test_with_a_proof_support_does_not_even_offset_doubt() -> None:
    failed, doubt = finding(Family.SESSION, status=Status.HARD_FAIL), finding(Family.MOTION, -2.0)
    support = [finding(family, 9.0) for family in (Family.CHALLENGE, Family.SCENE, Family.DEPTH)]
    for constants in (CONSTANTS, learnt()):
        alone = log_odds(constants, failed, doubt)
        assert log_odds(constants, failed, doubt, *support) == pytest.approx(alone)
