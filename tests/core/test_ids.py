"""Ids: a prefix, 26 characters, in the order of time."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.ids import PREFIXES, is_id, new_id


@pytest.mark.parametrize("prefix", sorted(PREFIXES))
def test_a_new_id_has_the_shape_of_its_prefix_only(prefix: str) -> None:
    made = new_id(prefix)
    assert len(made) == 30
    assert [p for p in PREFIXES if is_id(made, p)] == [prefix]


def test_ids_sort_by_the_millisecond_they_were_made_in() -> None:
    made = []
    for _ in range(20):
        made.append(new_id("bty"))
        time.sleep(0.002)
    assert made == sorted(made)


def test_ids_made_at_once_differ() -> None:
    assert len({new_id("cap") for _ in range(20_000)}) == 20_000


@pytest.mark.parametrize("prefix", ["", "btyx", "BTY", "sk", "bty_"])
def test_an_unknown_prefix_is_refused(prefix: str) -> None:
    with pytest.raises(ValueError):
        new_id(prefix)


@pytest.mark.parametrize("change", [str.upper, lambda i: i[:-1], lambda i: i + "0", lambda i: i + "\n",
                                    lambda i: " " + i, lambda i: i[:-1] + "u", lambda i: i[:-1] + "\u0660",
                                    lambda i: i.replace("_", "-")])  # fmt: skip
def test_nearly_an_id_is_none(change: object) -> None:
    assert callable(change)
    assert not is_id(change(new_id("bty")), "bty")


@given(st.text(max_size=40))
def test_arbitrary_text_is_no_id_and_does_no_harm(text: str) -> None:
    assert not is_id(text, "bty") or len(text) == 30
