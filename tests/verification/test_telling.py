"""What a contributor is told: the same word whichever check of the scene minded, and never a number."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import pytest

from verification import telling
from verification.evidence import Family, Finding, Status, Verdict
from verification.registry import registered


def finding(family: Family, llr: float, reason: str = "some_detail", status: Status = Status.OK) -> Finding:
    return Finding("check", "1", family, status, llr, (-9, 9), reason, {"score": 0.123}, 1.0)


def test_every_family_has_a_word() -> None:
    assert set(telling.WORDS) == set(Family)
    for family in Family:
        assert telling.told([finding(family, -3.0)], Verdict.REJECT)


def test_which_check_of_the_scene_minded_is_not_told() -> None:
    seen = [Family.MOTION, Family.DEPTH, Family.LIGHT, Family.RECAPTURE, Family.SPLICE, Family.SCENE]
    for size in range(1, len(seen) + 1):
        for some in itertools.combinations(seen, size):
            findings = [finding(family, -3.0) for family in some]
            assert telling.told(findings, Verdict.REJECT) == ["scene_not_confirmed"]


def test_neither_amount_nor_order_is_told() -> None:
    dice = random.Random(1)
    findings = [finding(family, -1.0) for family in Family]
    once = telling.told(findings, Verdict.REVIEW)
    for _ in range(20):
        dice.shuffle(findings)
        louder = [finding(one.family, dice.uniform(-9, -0.6)) for one in findings]
        assert telling.told(louder, Verdict.REVIEW) == once
    assert len(once) <= 12


def test_no_fine_reason_of_any_check_leaks() -> None:
    """But the plain ones, which say what the contributor did in the protocol."""
    allowed = set(telling.WORDS.values()) | telling._PLAIN
    for check in registered():
        for status in (Status.OK, Status.HARD_FAIL):
            for reason in ("flow_lags_gyro", "copy_of_earlier_x", "wrong_nonce"):
                words = telling.told([finding(check.family, -4.0, reason, status)], Verdict.REJECT)
                assert set(words) <= allowed


def test_who_is_linked_to_whom_is_not_told() -> None:
    linked = [finding(Family.CAMERA, -3.0), finding(Family.BEHAVIOUR, -2.0)]
    assert telling.told(linked, Verdict.REJECT) == ["not_enough_evidence"]


def test_a_proof_is_named_alone() -> None:
    found = [finding(Family.SESSION, 0.0, "wrong_nonce", Status.HARD_FAIL), finding(Family.MOTION, -4.0)]
    assert telling.told(found, Verdict.REJECT) == ["wrong_nonce"]


@pytest.mark.parametrize("llr", [-0.5, 0.0, 3.0])
def test_weak_doubt_and_support_are_silent(llr: float) -> None:
    assert telling.told([finding(Family.PLACE, llr)], Verdict.REVIEW) == ["not_enough_evidence"]


def test_an_accept_and_an_answer_have_no_reasons() -> None:
    assert telling.told([finding(Family.PLACE, -3.0)], Verdict.ACCEPT) == []
    assert telling.told([finding(Family.ANSWER, -3.0)], Verdict.REVIEW) == ["not_enough_evidence"]


def test_the_phone_page_has_a_sentence_for_every_word() -> None:
    page = (Path(__file__).parents[2] / "web" / "words.js").read_text(encoding="utf-8")
    words = set(telling.WORDS.values()) | telling._PLAIN
    assert {word for word in words if f"  {word}: [" not in page} == set()
