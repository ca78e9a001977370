"""Real Postgres, real threads: what two callers at once may never do. SQLite writers are serial."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from core import errors
from core.db import Database
from core.money import Money
from payments import audit, escrow, ledger, outbox, rules, service
from payments.rails import Answer, Order
from payments.rails.sandbox import SandboxRail
from payments.rules import Leg
from tests.payments.traders import (
    FEE,
    NOW,
    PRICE,
    available,
    balance,
    broken,
    funded,
    held,
    together,
    trader,
)

ONE = Money.parse("1.00")


def outcomes(results: list[object]) -> Counter[str]:
    return Counter(type(result).__name__ for result in results)


@pytest.mark.parametrize("same_contributor", [True, False])
def test_eight_releases_of_one_slot_pay_once(postgres: Database, same_contributor: bool) -> None:
    """Other slots hold money too, so that no empty account can be what stops the second release."""
    made = held(postgres, slots=9)
    workers = [trader(postgres) for _ in range(8)]
    for slot in range(4):

        def release(number: int, slot: int = slot) -> escrow.Released:
            who = workers[0 if same_contributor else number]
            with postgres.transaction() as session:
                return escrow.release(session, made.id, slot, who, hold_back_until=None, now=NOW)

        assert outcomes([*together(8, release)]) == {"Released": 1, "StateConflict": 7}
    assert sum(balance(postgres, rules.payable(worker)) for worker in workers) == 4 * PRICE.micros
    assert balance(postgres, rules.escrow(made.id)) == 5 * (PRICE + FEE).micros
    assert broken(postgres) == []


def test_a_slot_is_released_or_refunded_never_both(postgres: Database) -> None:
    made, worker = held(postgres, slots=6), trader(postgres)

    def leave(number: int) -> str:
        with postgres.transaction() as session:
            if number % 2:
                escrow.refund(session, made.id, [0, 1, 2], now=NOW)
                return "refunded"
            escrow.release(session, made.id, 1, worker, hold_back_until=None, now=NOW)
            return "released"

    results = together(8, leave)
    assert outcomes([*results]) == {"str": 1, "StateConflict": 7}
    left = 5 if "released" in results else 3
    assert balance(postgres, rules.escrow(made.id)) == left * (PRICE + FEE).micros
    assert broken(postgres) == []


def test_refunds_side_by_side_give_each_payer_its_own(postgres: Database) -> None:
    buyers = [funded(postgres, Money.parse("66.00")) for _ in range(2)]
    parts = [Money.parse("22.000001"), Money.parse("65.999999")]
    with postgres.transaction() as session:
        made = escrow.hold(
            session,
            subject=buyers[0],
            payers=list(zip(buyers, parts, strict=True)),
            price=PRICE,
            fee=FEE,
            slots=8,
            now=NOW,
        )

    def refund(number: int) -> escrow.Refunded:
        with postgres.transaction() as session:
            return escrow.refund(session, made.id, [number], now=NOW)

    assert outcomes([*together(8, refund)]) == {"Refunded": 8}
    assert [available(postgres, buyer) for buyer in buyers] == [66_000_000] * 2
    assert broken(postgres) == []


def test_forty_threads_drain_one_balance_to_zero_and_no_further(postgres: Database) -> None:
    buyer = funded(postgres, Money.parse("10.00"))

    def hold(number: int) -> str:
        with postgres.transaction() as session:
            subject = f"{buyer}:{number}"
            return escrow.hold(
                session, subject=subject, payers=[(buyer, ONE)], price=ONE, fee=Money(0), slots=1, now=NOW
            ).id

    assert outcomes([*together(40, hold)]) == {"str": 10, "InsufficientFunds": 30}
    assert available(postgres, buyer) == 0
    assert broken(postgres) == []


def test_twenty_threads_with_one_key_make_one_posting(postgres: Database) -> None:
    a, b = funded(postgres, ONE), trader(postgres)

    def post(_number: int) -> bool:
        with postgres.transaction() as session:
            legs = [Leg(rules.available(a), rules.available(b), ONE)]
            return ledger.post(session, a, legs, now=NOW).replayed

    assert Counter(together(20, post)) == {False: 1, True: 19}
    assert (available(postgres, a), available(postgres, b)) == (0, 1_000_000)
    assert broken(postgres) == []


def test_twenty_threads_with_one_key_and_other_amounts_make_one_posting(postgres: Database) -> None:
    a, b = funded(postgres, Money.parse("100.00")), trader(postgres)

    def post(number: int) -> str:
        with postgres.transaction() as session:
            legs = [Leg(rules.available(a), rules.available(b), Money(number + 1))]
            return ledger.post(session, a, legs, now=NOW).key

    assert outcomes([*together(20, post)]) == {"str": 1, "IdempotencyConflict": 19}
    assert broken(postgres) == []


def test_postings_in_opposite_directions_never_wait_in_a_circle(postgres: Database) -> None:
    """Sorted locks: legs name the accounts in every order, and some accounts are opened on the way."""
    rich = [funded(postgres, Money.parse("5.00")) for _ in range(3)]

    def work(number: int) -> int:
        for step in range(12):
            fresh = trader(postgres) if step % 4 == 0 else rich[(number + 2) % 3]
            ring = [rich[number % 3], rich[(number + 1 + step % 2) % 3], fresh]
            if len(set(ring)) < 3:
                ring[2] = next(a for a in rich if a not in ring[:2])
            names = [rules.available(account) for account in ring]
            legs = [Leg(names[0], names[1], Money(7)), Leg(names[1], names[2], Money(5))]
            with postgres.transaction() as session:
                ledger.post(session, f"{rich[0]}:{number}:{step}", legs, now=NOW)
        return 0

    assert outcomes([*together(8, work)]) == {"int": 8}
    assert broken(postgres) == []


def test_eight_workers_with_one_operation_call_the_bank_once(postgres: Database) -> None:
    class Counting(SandboxRail):
        calls: list[str] = []  # noqa: RUF012  # list.append is atomic; that is all it is for

        def send(self, order: Order) -> Answer:
            self.calls.append("deposit")
            return super().send(order)

    account = trader(postgres)
    with postgres.transaction() as session:
        operation = service.request_deposit(session, account, ONE, now=NOW).id
    rail = Counting(postgres)

    def run(_number: int) -> None:
        outbox.run_operation(postgres, {"sandbox": rail}, operation, clock=lambda: NOW)

    assert outcomes([*together(8, run)]) == {"NoneType": 8}
    assert rail.calls == ["deposit"]
    assert available(postgres, account) == 1_000_000
    assert broken(postgres) == []


def test_payouts_ordered_together_take_what_is_payable_once(postgres: Database) -> None:
    made, worker = held(postgres), trader(postgres)
    with postgres.transaction() as session:
        escrow.release(session, made.id, 0, worker, hold_back_until=None, now=NOW)

    def order(_number: int) -> str:
        with postgres.transaction() as session:
            return service.request_payout(session, worker, Money.parse("4.00"), now=NOW).id

    assert outcomes([*together(8, order)]) == {"str": 2, "InsufficientFunds": 6}
    assert balance(postgres, rules.in_payout(worker)) == 8_000_000
    assert broken(postgres) == []


def test_workers_that_mature_together_pay_each_earning_once(postgres: Database) -> None:
    made = held(postgres, slots=12)
    workers = [trader(postgres) for _ in range(3)]
    later = NOW + timedelta(days=1)
    for slot in range(12):
        with postgres.transaction() as session:
            escrow.release(session, made.id, slot, workers[slot % 3], hold_back_until=later, now=NOW)

    def mature(_number: int) -> int:
        with postgres.transaction() as session:
            return escrow.mature(session, later, limit=5)

    assert sum(number for number in together(6, mature) if isinstance(number, int)) == 12
    assert [balance(postgres, rules.payable(worker)) for worker in workers] == [4 * PRICE.micros] * 3
    assert broken(postgres) == []


def test_an_audit_in_the_middle_of_traffic_sees_whole_postings_only(postgres: Database) -> None:
    a, b = funded(postgres, Money.parse("5.00")), trader(postgres)

    def work(number: int) -> list[audit.Figure]:
        found: list[audit.Figure] = []
        for step in range(15):
            if number == 0:
                found += broken(postgres)
                continue
            with postgres.transaction() as session:
                legs = [Leg(rules.available(a), rules.available(b), Money(3))]
                ledger.post(session, f"{a}:{number}:{step}", legs, now=NOW)
        return found

    assert together(5, work) == [[]] * 5


def test_two_holds_of_one_subject_hold_once(postgres: Database) -> None:
    buyer = funded(postgres, Money.parse("100.00"))

    def hold(_number: int) -> str:
        with postgres.transaction() as session:
            payers = [(buyer, PRICE + FEE)]
            return escrow.hold(
                session, subject=buyer, payers=payers, price=PRICE, fee=FEE, slots=1, now=NOW
            ).id

    results = together(8, hold)
    assert len({*map(str, results)}) == 1
    assert available(postgres, buyer) == 89_000_000
    assert not any(isinstance(result, errors.SpotcheckError) for result in results)
    assert broken(postgres) == []
