"""Several payers of one escrow: refunds and clawbacks give each its part, to the micro, in any order."""

from __future__ import annotations

import itertools
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from core.db import Database
from core.money import Money
from payments import escrow, ledger, rules, service
from payments.rules import Leg
from payments.tables import Escrow
from tests.payments.traders import NOW, available, balance, broken, fresh, funded, trader

LATER = NOW + timedelta(days=1)


def payers(database: Database, parts: list[int]) -> list[tuple[str, Money]]:
    """Accounts that have just what each puts in, from one deposit of them all (rounded up to cents)."""
    source = funded(database, Money(max(10_000, -(-sum(parts) // 10_000) * 10_000)))
    accounts = [trader(database) for _ in parts]
    legs = [
        Leg(rules.available(source), rules.available(account), Money(part))
        for account, part in zip(accounts, parts, strict=True)
    ]
    with database.transaction() as session:
        ledger.post(session, f"share:{source}", legs, now=NOW)
    return [(account, Money(part)) for account, part in zip(accounts, parts, strict=True)]


def opened(
    database: Database, parts: list[int], price: int, fee: int, slots: int
) -> tuple[Escrow, list[str]]:
    """An escrow into which each payer put its part: its premium is the smaller half of the fee."""
    paying = payers(database, parts)
    with database.transaction() as session:
        made = escrow.hold(
            session,
            subject=paying[0][0],
            payers=paying,
            price=Money(price),
            fee=Money(fee),
            premium=Money(fee // 2),
            slots=slots,
            now=NOW,
        )
    return made, [account for account, _ in paying]


def give_back(database: Database, made: Escrow, worker: str, slot: int, how: str) -> None:
    """Ends one slot: paid for good, refunded, or paid and clawed back."""
    with database.transaction() as session:
        if how == "refund":
            escrow.refund(session, made.id, [slot], now=NOW)
            return
        escrow.release(session, made.id, slot, worker, hold_back_until=LATER, now=NOW)
    if how == "clawback":
        with database.transaction() as session:
            escrow.clawback(session, made.id, slot, now=NOW)


@st.composite
def plans(draw: st.DrawFn) -> tuple[list[int], int, int, list[int], list[str]]:
    """Parts of up to eight payers that sum to slots * (price + fee); how each slot ends, and when."""
    slots, price, fee = draw(st.integers(1, 6)), draw(st.integers(1, 40)), draw(st.integers(0, 5))
    total = slots * (price + fee)
    cuts = draw(st.sets(st.integers(1, total - 1), max_size=min(7, total - 1))) if total > 1 else set()
    edges = [0, *sorted(cuts), total]
    parts = [after - before for before, after in itertools.pairwise(edges)]
    ends = st.sampled_from(("pay", "refund", "clawback"))
    return (
        parts,
        price,
        fee,
        draw(st.permutations(range(slots))),
        draw(st.lists(ends, min_size=slots, max_size=slots)),
    )


@settings(max_examples=40, deadline=None)
@given(plan=plans())
@example(plan=([1] * 8, 1, 0, list(range(8)), ["clawback", "refund"] * 4))  # one micro a slot and a payer
@example(plan=([1, 7], 1, 0, list(range(8)), ["clawback"] * 8))  # by its own part alone one would get 8
def test_however_slots_end_each_payer_gets_its_part_and_no_micro_more(
    blank_sqlite: Path, plan: tuple[list[int], int, int, list[int], list[str]]
) -> None:
    parts, price, fee, order, ends = plan
    total = sum(parts)
    with fresh(blank_sqlite) as database:
        made, accounts = opened(database, parts, price, fee, len(order))
        worker, given_back = trader(database), 0
        for slot, how in zip(order, ends, strict=True):
            give_back(database, made, worker, slot, how)
            given_back += how != "pay"
            back = [available(database, account) for account in accounts]
            assert sum(back) == given_back * (price + fee)
            assert all(0 <= got <= part for got, part in zip(back, parts, strict=True))
            # Each rounding moves a payer by less than a micro from its exact part.
            exact = [Fraction(part * given_back * (price + fee), total) for part in parts]
            assert all(abs(got - part) < max(1, given_back) for got, part in zip(back, exact, strict=True))
        if "pay" not in ends:
            assert back == parts
        paid = len(order) - given_back
        assert balance(database, rules.pending(worker)) == paid * price
        assert balance(database, rules.RESERVE_WARRANTY) == paid * (fee // 2)
        assert balance(database, rules.REVENUE_FEE) == paid * (fee - fee // 2)
        assert broken(database) == []


@pytest.mark.parametrize("how", ["refund", "clawback"])
def test_a_hundred_payers_of_a_micro_each_get_it_back_slot_by_slot(books: Database, how: str) -> None:
    made, accounts = opened(books, [1] * 100, 1, 0, 100)
    worker = trader(books)
    for slot in range(100):
        give_back(books, made, worker, slot, how)
        if slot in (0, 49):
            back = [available(books, account) for account in accounts]
            assert (sum(back), max(back)) == (slot + 1, 1)
    assert [available(books, account) for account in accounts] == [1] * 100
    assert broken(books) == []


def test_a_hundred_unequal_payers_share_one_slot_to_the_micro(books: Database) -> None:
    parts = [3 * number + 1 for number in range(99)]
    parts.append(2 * 7_777_777 - sum(parts))
    made, accounts = opened(books, parts, 7_000_000, 777_777, 2)
    worker = trader(books)
    give_back(books, made, worker, 0, "clawback")
    back = [available(books, account) for account in accounts]
    assert sum(back) == 7_777_777
    assert all(abs(2 * got - part) < 2 for got, part in zip(back, parts, strict=True))
    with books.reading() as session:
        held = [service.balances(session, account).held.micros for account in accounts]
    assert [got + left for got, left in zip(back, held, strict=True)] == parts, "the rest is shown as theirs"
    give_back(books, made, worker, 1, "refund")
    assert [available(books, account) for account in accounts] == parts
    assert broken(books) == []
