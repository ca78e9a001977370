"""The chart of accounts and the arithmetic of fees, without a database."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core.money import Money
from payments import rules
from payments.rules import Leg, OperationKind, OperationState

ACCOUNT = "acc_" + "0" * 26
ESCROW = "esc_" + "0" * 26


@pytest.mark.parametrize(
    "name",
    [
        "agent:acc_x:available",
        f"agent:{ACCOUNT}:payable",
        f"agent:{ACCOUNT}:available ",
        f"contrib:{ACCOUNT}",
        "escrow:bty_1",
        "asset:",
        "asset:Sandbox",
        "rev:fee:other",
        "rev:fee:bounty",
        "rev:fee:bounty:8",
        "suspense:x",
        "",
    ],
)
def test_a_name_outside_the_chart_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="chart"):
        rules.account_rule(name)


def test_what_we_owe_is_never_negative_and_what_we_have_never_positive() -> None:
    owed = [rules.available(ACCOUNT), rules.escrow(ESCROW), rules.pending(ACCOUNT), rules.payable(ACCOUNT)]
    for name in [
        *owed,
        rules.in_payout(ACCOUNT),
        *rules.parts(rules.REVENUE_FEE),
        *rules.parts(rules.RESERVE_WARRANTY),
    ]:
        assert rules.account_rule(name).floor == 0
    for name in (rules.asset("sandbox"), rules.EXPENSE_APPEALS):
        assert rules.account_rule(name).ceiling == 0


@pytest.mark.parametrize(
    ("price", "points", "fee"),
    [("10.00", 1000, "1.00"), ("0.000009", 1000, "0.00"), ("0.999999", 1, "0.000099")],
)
def test_the_fee_rounds_down(price: str, points: int, fee: str) -> None:
    assert rules.fee(Money.parse(price), points) == Money.parse(fee)


@pytest.mark.parametrize(
    ("price", "fee", "points", "premium"),
    [("10.00", "1.00", 200, "0.20"), ("0.000049", "0.000004", 200, "0"), ("10.00", "0.05", 200, "0.05")],
)
def test_the_premium_rounds_down_and_is_never_more_than_the_fee(
    price: str, fee: str, points: int, premium: str
) -> None:
    assert rules.premium(Money.parse(price), Money.parse(fee), points) == Money.parse(premium)


def test_a_leg_moves_something_between_two_accounts_of_the_chart() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Leg(rules.available(ACCOUNT), rules.escrow(ESCROW), Money(0))
    with pytest.raises(ValueError, match="twice"):
        Leg(rules.escrow(ESCROW), rules.escrow(ESCROW), Money(1))
    with pytest.raises(ValueError, match="chart"):
        Leg(rules.escrow(ESCROW), "mattress", Money(1))


def test_the_request_hash_tells_amounts_accounts_and_order_apart() -> None:
    a, b = rules.available(ACCOUNT), rules.escrow(ESCROW)
    one, two = Leg(a, b, Money(1)), Leg(a, b, Money(2))
    assert rules.request_hash([one]) == rules.request_hash([Leg(a, b, Money(1))])
    assert (
        len(
            {
                rules.request_hash(legs)
                for legs in ([one], [two], [one, two], [two, one], [Leg(b, a, Money(1))])
            }
        )
        == 5
    )


def test_unknown_is_never_failed_by_waiting_and_ends_are_final() -> None:
    # What is done stays done, but for what a bank sends back days later.
    assert rules.OPERATION_MOVES[OperationState.DONE] == {OperationState.RETURNED}
    for state in (OperationState.FAILED, OperationState.RETURNED):
        assert rules.OPERATION_MOVES[state] == frozenset()
    assert OperationState.FAILED not in rules.OPERATION_MOVES[OperationState.NEW]


def test_rests_double_and_stop_growing() -> None:
    rests = [rules.retry_after(attempts) for attempts in range(1, 60)]
    assert rests[:3] == [timedelta(seconds=2), timedelta(seconds=4), timedelta(seconds=8)]
    assert rests == sorted(rests)
    assert rests[-1] == rules.LAST_RETRY


def test_a_payout_ends_where_it_should() -> None:
    legs = rules.ending_legs(OperationKind.PAYOUT, OperationState.FAILED, "sandbox", ACCOUNT, Money(5))
    assert legs == [Leg(rules.in_payout(ACCOUNT), rules.payable(ACCOUNT), Money(5))]
    legs = rules.ending_legs(OperationKind.PAYOUT, OperationState.DONE, "sandbox", ACCOUNT, Money(5))
    assert legs == [Leg(rules.in_payout(ACCOUNT), "asset:sandbox", Money(5))]
    assert rules.ending_legs(OperationKind.DEPOSIT, OperationState.FAILED, "sandbox", ACCOUNT, Money(5)) == []
    with pytest.raises(ValueError, match="no end"):
        rules.ending_legs(OperationKind.PAYOUT, OperationState.UNKNOWN, "sandbox", ACCOUNT, Money(5))
