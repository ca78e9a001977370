"""Fusion: caps hold, absence costs, and each fraud is told by its own evidence."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace
from typing import Any

import pytest

from tests.verification.said import CONSTANTS, HONEST_T0, REQUIRED, finding, p_genuine
from verification import constants as numbers
from verification import fusion, policy
from verification.constants import Against, Calibration, Knots
from verification.evidence import ABOUT_ANSWER, Family, Finding, Status, Verdict
from verification.frauds import BEARS_ON, Fraud


def test_no_evidence_leaves_the_prior() -> None:
    assert p_genuine() == pytest.approx(CONSTANTS.prior_genuine)


def test_each_fraud_is_weighed_by_the_families_that_bear_on_it() -> None:
    false = 0.05 / 5 * (math.exp(-1.0) + math.exp(-0.5) + 3)
    fused = fusion.fuse(
        [finding(Family.SESSION, 1.0), finding(Family.PLACE, 0.5)],
        CONSTANTS,
        required=REQUIRED,
        answered=False,
        tier=0,
    )
    assert fused.p_genuine == pytest.approx(0.95 / (0.95 + false))
    assert fused.frauds[Fraud.FORGED] == pytest.approx(0.01 * math.exp(-1.0) / (0.95 + false))
    assert sum(fused.frauds.values()) + fused.p_genuine == pytest.approx(1.0)


def test_evidence_of_one_kind_does_not_make_up_for_another() -> None:
    """Turns, depth and code seen prove a scene, not where it is: a typed position stays as doubtful."""
    seen = [
        finding(family, 9.0) for family in (Family.CHALLENGE, Family.MOTION, Family.DEPTH, Family.SESSION)
    ]
    doubt = finding(Family.PLACE, -2.0)
    fused = fusion.fuse([*seen, doubt], CONSTANTS, required=REQUIRED, answered=False, tier=1)
    assert fused.frauds[Fraud.MISPLACED] > 0.05
    assert max(fused.frauds, key=lambda fraud: fused.frauds[fraud]) is Fraud.MISPLACED
    assert fused.p_genuine < p_genuine()


def test_every_family_but_the_answer_bears_on_a_fraud() -> None:
    assert set(BEARS_ON) == set(Family) - ABOUT_ANSWER
    assert all(BEARS_ON.values())


def test_no_family_goes_beyond_its_cap() -> None:
    for family in set(Family) - ABOUT_ANSWER:
        model = next(a.families[family] for a in CONSTANTS.frauds.values() if family in a.families)
        low, high = model.low, model.high
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
    assert p_genuine(*best, finding(Family.STREAM, status=Status.HARD_FAIL)) < 0.001
    assert p_genuine(*HONEST_T0, finding(Family.SESSION, status=Status.HARD_FAIL)) < 0.001


def test_the_interval_holds_the_point_and_widens_with_evidence() -> None:
    fused = fusion.fuse(HONEST_T0, CONSTANTS, required=REQUIRED, answered=False, tier=0)
    assert fused.interval[0] < fused.p_genuine < fused.interval[1]
    assert fused.interval[0] > 0.85
    assert fused.interval[1] < 0.995


def test_answers_are_judged_apart() -> None:
    right = finding(Family.ANSWER, 2.0)
    fused = fusion.fuse([right], CONSTANTS, required=REQUIRED, answered=True, tier=0)
    assert fused.p_genuine == pytest.approx(CONSTANTS.prior_genuine)
    assert fused.p_answer is not None
    assert fused.p_answer > CONSTANTS.prior_answer
    assert fusion.fuse([right], CONSTANTS, required=REQUIRED, answered=False, tier=0).p_answer is None
    both = [right, finding(Family.AGREEMENT, 1.0)]
    agreed = fusion.fuse(both, CONSTANTS, required=REQUIRED, answered=True, tier=0)
    assert agreed.p_genuine == fused.p_genuine
    assert agreed.p_answer is not None
    assert fusion.logit(agreed.p_answer) == pytest.approx(fusion.logit(fused.p_answer) + 1.0)


def hand_set() -> dict[str, Any]:
    raw: dict[str, Any] = json.loads(numbers.HAND_SET.read_text())
    return raw


def test_the_constants_say_that_nobody_learnt_them() -> None:
    raw = hand_set()
    assert raw["name"] == "hand-set-4"
    assert raw["learnt_from"] is None
    for against in CONSTANTS.frauds.values():
        assert not any(model.learnt for model in against.families.values())
        assert not against.final.learnt
    assert len(CONSTANTS.sha256) == 64


def test_what_is_in_use_says_where_each_model_comes_from() -> None:
    raw, used = json.loads(numbers.PATH.read_text()), numbers.calibration()
    any_learnt = False
    for fraud, against in used.frauds.items():
        learnt = {family for family, model in against.families.items() if model.learnt}
        any_learnt |= bool(learnt)
        by_hand = CONSTANTS.frauds[fraud].families
        assert all(against.families[family] == by_hand[family] for family in set(by_hand) - learnt)
    assert any_learnt == bool(raw["learnt_from"])
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
        numbers.parse(raw, "")


def test_a_calibration_must_name_every_family_and_its_format() -> None:
    raw = hand_set()
    with pytest.raises(ValueError, match="format"):
        numbers.parse(raw | {"format": 1}, "")
    changes: list[dict[str, Any]] = [
        {"knots": [[[0, 0]]] * 2},
        {"knots": [[[0, 0], [1, -1]]] * 3},
        {"knots": [[[0, 0], [0, 1]]] * 3},
        {"knots": [[]] * 3},
        {"status": "learnt", "spread": [[0.1]] * 3},
        {"status": "learnt"},
    ]
    plain = {"status": "hand-set", "knots": [[[-20, -20], [20, 20]]] * 3, "spread": None}
    for change in changes:
        raw["frauds"]["staged"]["final"] = plain | change
        with pytest.raises(ValueError, match=r"the sum|a model says"):
            numbers.parse(raw, "")
    del raw["families"]["place"]
    with pytest.raises(ValueError, match="every family"):
        numbers.parse(raw, "")


def test_a_calibration_must_name_every_fraud_with_its_share() -> None:
    for mix in ([0.3, 0.2, 0.2], [0.2, 0.2], [0.0, 0.2, 0.2]):
        raw = hand_set()
        raw["frauds"]["copied"]["mix"] = mix
        with pytest.raises(ValueError, match=r"share|shorter"):
            numbers.parse(raw, "")
    raw = hand_set()
    raw["frauds"]["copied"]["families"]["depth"] = raw["families"]["depth"]
    with pytest.raises(ValueError, match="does not bear on it"):
        numbers.parse(raw, "")
    raw = hand_set()
    del raw["frauds"]["copied"]
    with pytest.raises(ValueError, match="every fraud"):
        numbers.parse(raw, "")
    with pytest.raises(ValueError, match="prior"):
        numbers.parse(hand_set() | {"prior_genuine": 1.0}, "")


def learnt() -> Calibration:
    """Constants as a calibration writes them: of one fraud, one family and the sum are learnt."""
    raw = hand_set()
    motion = raw["families"]["motion"] | {
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
    final = {"status": "learnt", "knots": ends, "spread": [[0.1, 0.1]] * 3}
    raw["frauds"]["staged"] |= {"families": {"motion": motion}, "final": final}
    return numbers.parse(raw, "")


def staged(constants: Calibration, *findings: Finding, tier: int = 1) -> float:
    """The log-likelihood ratio of genuine over staged, from the posterior."""
    fused = fusion.fuse(findings, constants, required=REQUIRED, answered=False, tier=tier)
    prior, share = constants.prior_genuine, constants.frauds[Fraud.STAGED].mix[tier]
    return math.log(fused.p_genuine / fused.frauds[Fraud.STAGED] * (1 - prior) * share / prior)


def log_odds(constants: Calibration, *findings: Finding, tier: int = 1) -> float:
    fused = fusion.fuse(findings, constants, required=REQUIRED, answered=False, tier=tier)
    return fusion.logit(fused.p_genuine) - fusion.logit(constants.prior_genuine)


def test_a_learnt_line_and_the_model_of_the_sum_are_applied() -> None:
    assert staged(learnt(), finding(Family.MOTION, 1.0)) == pytest.approx(0.8 * 0.3 + 0.1)
    assert staged(learnt(), finding(Family.MOTION, 99.0)) == pytest.approx(0.8 * 2.0 + 0.1)
    assert staged(learnt(), finding(Family.MOTION, -6.9), tier=0) == pytest.approx(0.8 * -3.0 - 0.5)


def test_the_sum_is_bounded_by_what_its_data_can_carry() -> None:
    best = [finding(family, 99.0) for family in Family]
    assert staged(learnt(), *best) == pytest.approx(4.0)
    against = learnt().frauds[Fraud.STAGED]
    low = Against(against.mix, against.families, Knots((((-1.0, -1.0), (1.0, 1.0)),) * 3, None))
    bounded = replace(learnt(), frauds={**learnt().frauds, Fraud.STAGED: low})
    assert staged(bounded, finding(Family.MOTION, -6.0)) == pytest.approx(-1.0)


def test_what_no_calibration_saw_against_a_capture_is_not_damped() -> None:
    """A family set by hand, and a learnt one below all that it was learnt from."""
    nothing = staged(learnt())
    assert staged(learnt(), finding(Family.RECAPTURE, -4.0)) == pytest.approx(nothing - 4.0)
    assert staged(learnt(), finding(Family.MOTION, -7.1)) == pytest.approx(nothing - 5.0)
    assert staged(learnt(), finding(Family.RECAPTURE, 0.4)) == pytest.approx(nothing + 0.8 * 0.4)


def test_more_against_is_never_better() -> None:
    for tier in range(3):
        steps = [log_odds(learnt(), finding(Family.MOTION, s / 10), tier=tier) for s in range(-120, 60)]
        assert all(before <= after + 1e-9 for before, after in itertools.pairwise(steps))


def test_a_learnt_cost_of_abstaining_counts_whoever_asked() -> None:
    """Without the learnt flag (tier 2) it counts only where the terms require the family."""
    silent = finding(Family.MOTION, status=Status.ABSTAIN)
    assert staged(learnt(), silent, tier=1) == pytest.approx(0.8 * -0.9 + 0.1)
    assert staged(learnt(), silent, tier=0) == pytest.approx(0.8 * -0.1 - 0.5)
    assert staged(learnt(), silent, tier=2) == pytest.approx(0.0)


def test_silence_says_nothing_where_nothing_was_asked() -> None:
    unasked = finding(Family.MOTION, status=Status.ABSTAIN, reason="no_turn_asked")
    assert staged(learnt(), unasked, tier=1) == pytest.approx(staged(learnt(), tier=1))


def test_a_hard_fail_is_not_softened_by_the_sum() -> None:
    failed = finding(Family.SESSION, status=Status.HARD_FAIL)
    best = [finding(family, 99.0) for family in Family]
    assert log_odds(learnt(), failed, *best) == pytest.approx(CONSTANTS.hard_fail_llr)
    assert log_odds(learnt(), failed, finding(Family.MOTION, -99.0)) < CONSTANTS.hard_fail_llr - 2


def test_less_is_known_of_a_line_far_from_its_data() -> None:
    """Against a capture: where it speaks for one, another fraud is what is left to doubt."""

    def width(llr: float) -> float:
        fused = fusion.fuse(
            [finding(Family.MOTION, llr)], learnt(), required=REQUIRED, answered=False, tier=1
        )
        low, high = (fusion.logit(p) for p in fused.interval)
        return high - low

    assert width(0.0) < width(-3.0) < width(-5.0)


def test_with_a_proof_support_does_not_even_offset_doubt() -> None:
    failed, doubt = finding(Family.SESSION, status=Status.HARD_FAIL), finding(Family.MOTION, -2.0)
    support = [finding(family, 9.0) for family in (Family.CHALLENGE, Family.SCENE, Family.DEPTH)]
    for constants in (CONSTANTS, learnt()):
        alone = log_odds(constants, failed, doubt)
        assert log_odds(constants, failed, doubt, *support) == pytest.approx(alone)
