"""Money: whole micros, decimal text, shares that always sum."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.money import MAX_MICROS, Money, split

AMOUNTS = st.integers(0, MAX_MICROS).map(Money)

NO_AMOUNTS = (
    "", " ", ".", "-", "-0", "-1", "+1", "1.", ".5", "00", "01", "00.10", "1.0000001", "0.1234567", "1,00",
    "1 000",
    "1e3", "1E3", "0x10", "NaN", "nan", "Infinity", "inf", "-Infinity", "None", "null", "1.0.0", "$1", "1$",
    "1 USD",
    " 1", "1 ", "1\n", "1.00\n", "\n1", "1\x00", "1.\u0660", "\u0661", "\uff11", "1\u200b", "1_000",
    "1'000", "true",
    "1000000000.000001", "1000000001", "9999999999", "10000000000", "9223372036854775808", "1" * 400,
    "0." + "0" * 400,
    "1/3", "½", "1%", "(1)", "--1", "1-", "1.-5", "0.-1", "1;2", "1\t", "\r1", "1.0\u00a0",
)  # fmt: skip


@given(AMOUNTS)
def test_text_reads_back_to_the_same_amount(amount: Money) -> None:
    assert Money.parse(str(amount)) == amount
    assert Decimal(str(amount)) * 1_000_000 == amount.micros


@given(AMOUNTS)
def test_text_has_two_to_six_decimals_and_no_sign(amount: Money) -> None:
    whole, _, fraction = str(amount).partition(".")
    assert whole.isdecimal()
    assert fraction.isdecimal()
    assert 2 <= len(fraction) <= 6


@pytest.mark.parametrize("text", NO_AMOUNTS)
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Money.parse(text)


@pytest.mark.parametrize(
    ("text", "micros"),
    [("0", 0), ("0.5", 500_000), ("0.000001", 1), ("10.00", 10_000_000), ("1000000000", MAX_MICROS)],
)
def test_amounts_read_as_written(text: str, micros: int) -> None:
    assert Money.parse(text).micros == micros


@pytest.mark.parametrize("micros", [-1, MAX_MICROS + 1, 2**63, -(2**63)])
def test_out_of_range_is_refused(micros: int) -> None:
    with pytest.raises(ValueError):
        Money(micros)


@pytest.mark.parametrize("micros", [1.0, True, "1", None, Decimal(1)])
def test_only_whole_numbers_are_micros(micros: object) -> None:
    with pytest.raises(TypeError):
        Money(micros)  # type: ignore[arg-type]


@given(AMOUNTS, AMOUNTS)
def test_a_difference_is_never_negative(a: Money, b: Money) -> None:
    if a < b:
        with pytest.raises(ValueError):
            a - b
    else:
        assert (a - b) + b == a


@given(AMOUNTS, st.integers(0, 10_000))
def test_basis_points_round_down_to_the_micro(amount: Money, points: int) -> None:
    part = amount.basis_points(points)
    assert part <= amount
    assert 0 <= amount.micros * points - part.micros * 10_000 < 10_000


@given(AMOUNTS, st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_shares_sum_and_are_fair_to_the_micro(total: Money, weights: list[int]) -> None:
    shares = split(total, weights)
    assert sum(share.micros for share in shares) == total.micros
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share.micros * sum(weights) - total.micros * weight) < sum(weights)


def test_the_rest_goes_to_the_largest_remainder_then_to_the_first() -> None:
    assert split(Money(10), [1, 1, 1]) == [Money(4), Money(3), Money(3)]
    assert split(Money(10), [1, 2]) == [Money(3), Money(7)]
    assert split(Money(1), [0, 1]) == [Money(0), Money(1)]


@pytest.mark.parametrize("weights", [[], [0], [0, 0], [1, -1], [-1, 2]])
def test_weights_nothing_can_be_shared_by_are_refused(weights: list[int]) -> None:
    with pytest.raises(ValueError):
        split(Money(10), weights)
