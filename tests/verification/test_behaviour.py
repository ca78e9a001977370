"""The behaviour check: a record speaks softly, and only a record does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verification import stage
from verification.case import Case
from verification.checks.behaviour import AGAINST, FAVOUR, behaviour, record
from verification.evidence import Outcome, Standing, Status
from verification.picture import Decoder


def judged(decoder: Decoder, standing: Standing | None) -> Outcome:
    return behaviour(Case(replace(stage.photo(b"x"), standing=standing), stage.tools(decoder)))


def test_without_a_record_it_says_nothing(decoder: Decoder) -> None:
    assert judged(decoder, None).reason == "unknown_account"
    new = judged(decoder, Standing(0.2, 0, 0))
    assert (new.status, new.reason) == (Status.ABSTAIN, "new_account")
    assert judged(decoder, Standing(900.0, 0, 0)).reason == "new_account", "age alone is no record"


def test_a_record_speaks_for_or_against(decoder: Decoder) -> None:
    good = judged(decoder, Standing(200.0, 40, 0))
    assert (good.reason, good.llr) == ("record_for", FAVOUR)
    bad = judged(decoder, Standing(200.0, 1, 6))
    assert bad.reason == "record_against"
    assert AGAINST <= bad.llr < -1.0


def test_the_base_rate_itself_is_neutral() -> None:
    assert record(Standing(1000.0, 60, 40)) == pytest.approx(0.0, abs=1e-9)


def test_a_record_made_in_an_evening_counts_little() -> None:
    slow, quick = record(Standing(90.0, 50, 4)), record(Standing(0.3, 50, 4))
    assert quick < 0 < slow, "fifty accepted captures of an eight-hour-old account do not hide four refused"


@given(
    age=st.floats(0, 5000),
    accepted=st.integers(0, 5000),
    rejected=st.integers(0, 5000),
    more=st.integers(1, 50),
)
def test_it_is_bounded_and_monotone(age: float, accepted: int, rejected: int, more: int) -> None:
    here = record(Standing(age, accepted, rejected))
    assert AGAINST <= here <= FAVOUR
    assert record(Standing(age, accepted + more, rejected)) >= here
    assert record(Standing(age, accepted, rejected + more)) <= here
    assert record(Standing(age + more, accepted, rejected)) >= here
