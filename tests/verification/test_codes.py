"""Challenge codes: drawn evenly, and fitted with a stated and true chance of being wrong."""

from __future__ import annotations

import random

import pytest

from verification import codes
from verification.codes import ALPHABET, LENGTH, best_fit, new_code, new_pan


def test_an_order_is_two_turns_and_a_step() -> None:
    drawn = {new_pan(random.Random(seed)) for seed in range(400)}
    assert drawn == {one + two + side for one in "LRUD" for two in "LRUD" if one != two for side in "<>"}


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


@pytest.mark.parametrize(
    "kind", ["0123456789", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"]
)
@pytest.mark.parametrize("length", [3, 4, 8, 20])
def test_the_stated_chance_bounds_codes_of_other_lengths_and_alphabets(kind: str, length: int) -> None:
    source = random.Random(length)

    def drawn() -> str:
        while True:  # a code of digits alone, say, would be taken for one of ten characters
            code = "".join(source.choice(kind) for _ in range(length))
            if codes._letters(code) == len(kind):
                return code

    reading = drawn() + " " + drawn()
    fits = [best_fit(drawn(), [reading]) for _ in range(1500)]
    for limit in (0.0, 0.35, 1.0, 1.35, 2.0, 3.0):
        within = [fit for fit in fits if fit.cost <= limit]
        stated = max((fit.chance for fit in within), default=0.0)
        allowed = 1500 * stated + 4 * (1500 * stated) ** 0.5 + 1
        assert len(within) <= allowed, (limit, len(within), stated)


@pytest.mark.parametrize(
    ("code", "texts", "cost"),
    [
        ("0042", ["gate 0042"], 0.0),
        ("spot-7f3a-91c0", ["SPOT 7F3A 91C0"], 0.0),
        ("Z0Q", ["Z0Q"], 0.0),
        ("B8D0", ["38D0"], 0.35),  # 3 is often read for B, so B is thought to be read as 3
        ("x" * 64, ["x" * 64], 0.0),
        ("abcdefgh", ["abcdxfgh"], 1.0),
    ],
)
def test_codes_of_any_text(code: str, texts: list[str], cost: float) -> None:
    fit = best_fit(code, ["something else", *texts])
    assert fit.text == 1
    assert fit.cost == pytest.approx(cost)
    assert fit.chance < 1e-3 or len(code) < 5


def test_a_short_code_in_much_text_proves_nothing() -> None:
    assert best_fit("417", ["417"]).chance == pytest.approx(1e-3)
    assert best_fit("417", ["417", *(str(n) for n in range(100, 200))]).chance > 0.05
    assert best_fit("...", ["anything"]).chance == 1.0
