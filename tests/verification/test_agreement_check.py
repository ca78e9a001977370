"""The agreement check: independent people count, one person under two names counts once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.seeing import BlindEngine, EmptyMemory
from tests.verification import stage
from tests.verification.eyes import reader
from tests.verification.said import CONSTANTS
from verification.agreement import accuracy_of
from verification.case import Case, Tools
from verification.checks.agreement import agreement
from verification.evidence import Json, Other, Outcome
from verification.picture import Decoder
from verification.trust import TrustList

SCHEMA: dict[str, Json] = {"type": "boolean"}
OWN = frozenset({"account:acc_own", "device:dev_own"})


def other(answer: Json, name: str, accuracy: float = 0.8) -> Other:
    return Other(answer, accuracy, frozenset({f"account:{name}", f"device:{name}"}))


def judged(decoder: Decoder, *others: Other, given: Json = True) -> Outcome:
    ask = stage.terms(answer_schema=SCHEMA)
    evidence = replace(stage.photo(b"x", ask=ask), answer=given, others=others, ties=OWN)
    return agreement(Case(evidence, Tools(decoder, EmptyMemory(), BlindEngine(), reader(), TrustList())))


def test_one_alone_has_nobody_to_agree_with(decoder: Decoder) -> None:
    assert judged(decoder).reason == "no_other_answer"
    assert judged(decoder, other(True, "a"), given=None).reason == "nothing_asked"


def test_each_independent_word_adds_its_own_log_odds(decoder: Decoder) -> None:
    """Of two possible answers one that is right in 0.8 of the cases says ln 4."""
    one, two = judged(decoder, other(True, "a")), judged(decoder, other(True, "a"), other(True, "b"))
    assert one.reason == "others_agree"
    assert one.llr == pytest.approx(1.386, abs=0.001)
    assert two.llr == pytest.approx(2.773, abs=0.001)
    against = judged(decoder, other(False, "a"))
    assert against.reason == "others_disagree"
    assert against.llr == pytest.approx(-1.386, abs=0.001)


def test_whoever_shares_an_account_or_a_device_speaks_once(decoder: Decoder) -> None:
    both = [other(True, "a"), replace(other(True, "b"), ties=frozenset({"account:b", "device:a"}))]
    assert judged(decoder, *both).llr == pytest.approx(judged(decoder, both[0]).llr)
    mine = replace(other(True, "c", accuracy=0.7), ties=frozenset({"account:c", "device:dev_own"}))
    assert judged(decoder, mine).llr == pytest.approx(0.0, abs=1e-9)


def test_an_accuracy_leaves_out_what_others_said() -> None:
    """Else two who agree would make each other surer with every one who comes."""
    read = {"check": "answer", "family": "answer", "status": "ok", "llr": 1.0, "reason": "answer_read"}
    agreed = {
        "check": "agreement", "family": "agreement", "status": "ok", "llr": 2.0, "reason": "others_agree"
    }  # fmt: skip
    alone = accuracy_of({"p_genuine": 0.9, "findings": [read]}, CONSTANTS, 0, 2)
    assert accuracy_of({"p_genuine": 0.9, "findings": [read, agreed]}, CONSTANTS, 0, 2) == alone
    assert alone > accuracy_of({"p_genuine": 0.9, "findings": []}, CONSTANTS, 0, 2) == pytest.approx(0.68)
