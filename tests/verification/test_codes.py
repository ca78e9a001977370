"""Challenge codes: drawn evenly, and fitted with a stated and true chance of being wrong."""

from __future__ import annotations

import random

import pytest

from verification import codes
from verification.codes import ALPHABET, LENGTH, best_fit, new_code


def test_codes_are_six_unambiguous_characters() -> None:
    drawn = {new_code() for _ in range(200)}
    assert len(drawn) == 200
    assert all(len(code) == LENGTH and set(code) <= set(ALPHABET) for code in drawn)
    assert not set("0OQD1IL2Z5S6G8BUV") & set(ALPHABET)
    assert new_code(random.Random(1)) == new_code(random.Random(1))
    assert {letter for code in drawn for letter in code} == set(ALPHABET), "all are drawn"


@pytest.mark.parametrize(
    ("texts", "cost"),
    [
        (["K7M4XP"], 0.0),
        (["k7m 4xp"], 0.0),
        (["K7-M4-XP"], 0.0),
        (["ref: K7M4XP!"], 0.0),
        (["KTM4XP"], 0.35),  # 7 read as T
        (["KTMYXP"], 0.7),
        (["K7MXP"], 1.0),  # one not read
        (["K7M94XP"], 1.0),  # one too many
        (["K7M4X3"], 1.0),
        (["nothing", "here", ""], 4.05),
        ([], 6.0),
    ],
)
def test_the_cost_of_a_reading(texts: list[str], cost: float) -> None:
    assert best_fit("K7M4XP", texts).cost <= cost
    assert best_fit("K7M4XP", texts).cost == pytest.approx(cost, abs=1e-9) or cost > 3


def test_where_it_was_found() -> None:
    assert best_fit("K7M4XP", ["EXIT", "K7M4XP", "EXIT"]).text == 1
    assert best_fit("K7M4XP", []).text == -1


@pytest.mark.parametrize("reading", ["NP4HWT", "7TUJ1Y", "HNUHNU", "DISTRIBUTION", "LONDON BRIDGE 1894"])
def test_the_stated_chance_is_an_upper_bound(reading: str) -> None:
    source = random.Random(6)
    fits = [best_fit(new_code(source), [reading]) for _ in range(6000)]
    for limit in (1.05, 1.4, 1.75, 2.1):
        within = [fit for fit in fits if fit.cost <= limit]
        stated = max((fit.chance for fit in within), default=0.0)
        allowed = 6000 * stated + 4 * (6000 * stated) ** 0.5 + 1
        assert len(within) <= allowed, (limit, len(within), stated)


def test_more_text_makes_a_chance_fit_likelier() -> None:
    one = best_fit("K7M4XP", ["KTMYXP"])
    many = best_fit("K7M4XP", ["KTMYXP", *(new_code(random.Random(n)) for n in range(500))])
    assert many.chance == pytest.approx(501 * one.chance)
    assert codes.CODES == 47_045_881
