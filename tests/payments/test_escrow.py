"""Escrow on both databases: hold, release, refund by slot, several payers, hold-back, appeals."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from core import errors
from core.db import Database
from core.money import Money
from payments import earnings, escrow, rules, service
from tests.payments.traders import (
    FEE,
    NOW,
    PREMIUM,
    PRICE,
    available,
    balance,
    broken,
    fresh,
    funded,
    held,
    trader,
)

LATER = NOW + timedelta(days=7)


def test_hold_sets_aside_price_and_fee_for_every_slot(books: Database) -> None:
    buyer = funded(books, Money.parse("40.00"))
    with books.transaction() as session:
        made = escrow.hold(
            session,
            subject=f"{buyer}:1",
            payers=[(buyer, Money.parse("33.00"))],
            price=PRICE,
            fee=FEE,
            slots=3,
            now=NOW,
        )
        assert escrow.held_slots(session, made.id) == [0, 1, 2]
        found = service.balances(session, buyer)
    assert (found.available, found.held) == (Money.parse("7.00"), Money.parse("33.00"))
    assert balance(books, rules.escrow(made.id)) == 33_000_000
    assert broken(books) == []


def test_hold_is_once_a_subject(books: Database) -> None:
    first = held(books)
    buyer = funded(books, Money.parse("22.00"))
    with pytest.raises(errors.IdempotencyConflict), books.transaction() as session:
        escrow.hold(
            session,
            subject=first.subject,
            payers=[(buyer, PRICE + FEE)],
            price=PRICE,
            fee=FEE,
            slots=1,
            now=NOW,
        )
    for _ in range(2):
        with books.transaction() as session:
            again = escrow.hold(
                session,
                subject=f"{buyer}:2",
                payers=[(buyer, PRICE + FEE)],
                price=PRICE,
                fee=FEE,
                slots=1,
                now=NOW,
            )
    assert again.id != first.id
    assert available(books, buyer) == 11_000_000
    assert broken(books) == []


def test_hold_without_the_money_leaves_no_escrow(books: Database) -> None:
    buyer = funded(books, Money.parse("10.99"))
    with pytest.raises(errors.InsufficientFunds), books.transaction() as session:
        escrow.hold(
            session,
            subject=f"{buyer}:1",
            payers=[(buyer, PRICE + FEE)],
            price=PRICE,
            fee=FEE,
            slots=1,
            now=NOW,
        )
    with books.reading() as session:
        assert (
            session.execute(
                text("SELECT count(*) FROM escrows WHERE subject = :s"), {"s": f"{buyer}:1"}
            ).scalar_one()
            == 0
        )
    assert available(books, buyer) == 10_990_000


@pytest.mark.parametrize(
    ("amounts", "price", "slots"),
    [
        (["10.99"], "10.00", 1),
        (["11.01"], "10.00", 1),
        ([], "10.00", 1),
        (["11.00"], "10.00", 0),
        (["1.00"], "0.00", 1),
        (["11011.00"], "10.00", 1001),
    ],
)
def test_terms_that_do_not_add_up_are_refused(
    database: Database, amounts: list[str], price: str, slots: int
) -> None:
    payers = [(trader(database), Money.parse(amount)) for amount in amounts]
    with pytest.raises(errors.BadInput), database.transaction() as session:
        escrow.hold(
            session, subject="b", payers=payers, price=Money.parse(price), fee=FEE, slots=slots, now=NOW
        )


def test_one_payer_named_twice_is_refused(database: Database) -> None:
    buyer = funded(database, Money.parse("11.00"))
    payers = [(buyer, Money.parse("5.50"))] * 2
    with pytest.raises(errors.BadInput), database.transaction() as session:
        escrow.hold(session, subject="b", payers=payers, price=PRICE, fee=FEE, slots=1, now=NOW)


def test_release_pays_the_contributor_and_the_market(books: Database) -> None:
    made, worker = held(books, slots=2), trader(books)
    fees, reserve = balance(books, rules.REVENUE_FEE), balance(books, rules.RESERVE_WARRANTY)
    with books.transaction() as session:
        paid = escrow.release(session, made.id, 1, worker, hold_back_until=None, now=NOW)
    assert (paid.transfer_key, paid.reward, paid.fee) == (f"release:{made.id}:1", PRICE, FEE)
    assert balance(books, rules.payable(worker)) == PRICE.micros
    assert balance(books, rules.REVENUE_FEE) == fees + (FEE - PREMIUM).micros
    assert balance(books, rules.RESERVE_WARRANTY) == reserve + PREMIUM.micros
    assert balance(books, rules.escrow(made.id)) == (PRICE + FEE).micros
    assert broken(books) == []


@pytest.mark.parametrize(("fee", "premium", "legs"), [(0, 0, 1), (7, 0, 2), (7, 7, 2), (7, 6, 3)])
def test_parts_of_nothing_are_left_out_of_a_release(
    books: Database, fee: int, premium: int, legs: int
) -> None:
    buyer, worker = funded(books, PRICE + Money(fee)), trader(books)
    with books.transaction() as session:
        payers, parts = [(buyer, PRICE + Money(fee))], {"fee": Money(fee), "premium": Money(premium)}
        made = escrow.hold(session, subject=buyer, payers=payers, price=PRICE, slots=1, now=NOW, **parts)
        paid = escrow.release(session, made.id, 0, worker, hold_back_until=None, now=NOW)
        counted = text("SELECT legs FROM ledger_postings WHERE key = :key")
        assert session.execute(counted, {"key": paid.transfer_key}).scalar_one() == legs
    assert balance(books, rules.payable(worker)) == PRICE.micros
    assert broken(books) == []


def test_a_premium_is_a_part_of_the_fee(books: Database) -> None:
    buyer = funded(books, PRICE + FEE)
    with pytest.raises(errors.BadInput), books.transaction() as session:
        escrow.hold(
            session,
            subject=buyer,
            payers=[(buyer, PRICE + FEE)],
            price=PRICE,
            fee=FEE,
            premium=FEE + Money(1),
            slots=1,
            now=NOW,
        )
    made = held(books)
    with pytest.raises(IntegrityError), books.transaction() as session:
        session.execute(text("UPDATE escrows SET premium = fee + 1 WHERE id = :id"), {"id": made.id})


def test_a_hold_back_matures_when_its_time_has_come_and_once(books: Database) -> None:
    made, worker = held(books, slots=2), trader(books)
    with books.transaction() as session:
        paid = escrow.release(session, made.id, 0, worker, hold_back_until=LATER, now=NOW)
        escrow.release(session, made.id, 1, worker, hold_back_until=NOW, now=NOW)
    assert paid.matures_at == LATER
    assert balance(books, rules.pending(worker)) == PRICE.micros
    for time, matured in ((LATER - timedelta(microseconds=1), 0), (LATER, 1), (LATER, 0)):
        assert broken(books) == []
        with books.transaction() as session:
            assert earnings.mature(session, time) == matured
    assert balance(books, rules.pending(worker)) == 0
    assert balance(books, rules.payable(worker)) == 2 * PRICE.micros
    assert broken(books) == []


@pytest.mark.parametrize("first", ["release", "refund"])
@pytest.mark.parametrize("second", ["release", "refund"])
def test_a_slot_leaves_once(books: Database, first: str, second: str) -> None:
    """With money of other slots still there, so that the guard and not an empty account says no."""
    made, worker, other = held(books, slots=3), trader(books), trader(books)

    def leave(how: str, who: str) -> None:
        with books.transaction() as session:
            if how == "release":
                escrow.release(session, made.id, 1, who, hold_back_until=None, now=NOW)
            else:
                escrow.refund(session, made.id, [1], now=NOW)

    leave(first, worker)
    for who in (worker, other):
        with pytest.raises(errors.StateConflict):
            leave(second, who)
    assert balance(books, rules.escrow(made.id)) == 2 * (PRICE + FEE).micros
    assert broken(books) == []


def test_a_slot_that_is_not_there_pays_nobody(books: Database) -> None:
    made, worker = held(books), trader(books)
    for slot in (1, -1):
        with pytest.raises(errors.StateConflict), books.transaction() as session:
            escrow.release(session, made.id, slot, worker, hold_back_until=None, now=NOW)
    with pytest.raises(errors.NotFound), books.transaction() as session:
        escrow.release(session, "esc_none", 0, worker, hold_back_until=None, now=NOW)


def test_a_refund_is_of_all_named_slots_or_none(books: Database) -> None:
    made, worker = held(books, slots=3), trader(books)
    with books.transaction() as session:
        escrow.release(session, made.id, 2, worker, hold_back_until=None, now=NOW)
    with pytest.raises(errors.StateConflict), books.transaction() as session:
        escrow.refund(session, made.id, [0, 1, 2], now=NOW)
    with pytest.raises(errors.BadInput), books.transaction() as session:
        escrow.refund(session, made.id, [], now=NOW)
    with books.transaction() as session:
        assert escrow.held_slots(session, made.id) == [0, 1]
        given = escrow.refund(session, made.id, [0, 1], now=NOW)
    assert list(given.shares.values()) == [(PRICE + FEE).times(2)]
    assert balance(books, rules.escrow(made.id)) == 0
    assert broken(books) == []


def test_the_database_itself_refuses_to_give_a_payer_more_than_it_put_in(books: Database) -> None:
    held(books)
    with pytest.raises(IntegrityError), books.transaction() as session:
        session.execute(text("UPDATE escrow_payers SET refunded = amount + 1"))


def test_a_won_appeal_is_paid_once_from_the_markets_own_money(books: Database) -> None:
    made, worker = held(books), trader(books)
    with books.transaction() as session:  # the market's own money: a fee
        escrow.release(session, made.id, 0, trader(books), hold_back_until=None, now=NOW)
    spent, won = balance(books, rules.EXPENSE_APPEALS), FEE - PREMIUM
    for _ in range(2):
        with books.transaction() as session:
            paid = escrow.pay_appeal(
                session,
                subject=f"cap:{worker}",
                contributor=worker,
                amount=won,
                hold_back_until=LATER,
                now=NOW,
            )
    assert (paid.reward, paid.fee, paid.matures_at) == (won, Money(0), LATER)
    assert balance(books, rules.EXPENSE_APPEALS) == spent - won.micros
    assert balance(books, rules.pending(worker)) == won.micros
    assert broken(books) == []


def test_several_payers_see_their_own_part_held_and_get_it_back(books: Database) -> None:
    shares = [Money.parse("4.00"), Money.parse("6.999999"), Money.parse("0.000001")]
    buyers = [funded(books, Money.parse("11.00")) for _ in shares]
    with books.transaction() as session:
        made = escrow.hold(
            session,
            subject=buyers[0],
            payers=list(zip(buyers, shares, strict=True)),
            price=PRICE,
            fee=FEE,
            slots=1,
            now=NOW,
        )
        assert [service.balances(session, buyer).held for buyer in buyers] == shares
        given = escrow.refund(session, made.id, [0], now=NOW)
    assert [given.shares[buyer] for buyer in buyers] == shares
    assert [available(books, buyer) for buyer in buyers] == [11_000_000] * 3
    assert broken(books) == []


PLANS = st.integers(1, 8).flatmap(
    lambda slots: st.tuples(
        st.just(slots),
        st.integers(1, 50),  # price
        st.integers(0, 5),  # fee
        st.lists(st.integers(1, 100), min_size=1, max_size=4),  # weights of the payers
        st.permutations(range(slots)),
        st.lists(st.booleans(), min_size=slots, max_size=slots),  # release, or refund
    )
)


@settings(max_examples=20, deadline=None)
@given(plan=PLANS)
@example(plan=(8, 1, 0, [1, 7], list(range(8)), [False] * 8))  # one micro a slot: always the same payer
def test_refunds_slot_by_slot_never_favour_a_payer(
    blank_sqlite: Path,
    plan: tuple[int, int, int, list[int], list[int], list[bool]],
) -> None:
    """Micros make rounding as bad as it gets: prices of 1..50 micros, up to four unequal payers."""
    slots, price, fee, weights, order, releases = plan
    total = slots * (price + fee)
    parts = _parts(total, weights)
    with fresh(blank_sqlite) as database:
        worker = trader(database)
        buyers = [funded(database, Money(10_000)) for _ in parts]
        payers = [(buyer, Money(part)) for buyer, part in zip(buyers, parts, strict=True)]
        with database.transaction() as session:
            made = escrow.hold(
                session, subject="b", payers=payers, price=Money(price), fee=Money(fee), slots=slots, now=NOW
            )
        for slot, released in zip(order, releases, strict=True):
            with database.transaction() as session:
                if released:
                    escrow.release(session, made.id, slot, worker, hold_back_until=None, now=NOW)
                else:
                    escrow.refund(session, made.id, [slot], now=NOW)
        spent = [10_000 - available(database, buyer) for buyer in buyers]
        assert sum(spent) == sum(releases) * (price + fee)
        assert all(0 <= out <= part for out, part in zip(spent, parts, strict=True))
        if not any(releases):
            assert spent == [0] * len(parts)
        # Pro rata: within one micro a refund of what exact shares would be.
        for out, part in zip(spent, parts, strict=True):
            assert abs(out - sum(releases) * (price + fee) * part / total) <= max(1, slots)
        assert balance(database, rules.escrow(made.id)) == 0
        assert broken(database) == []


def _parts(total: int, weights: list[int]) -> list[int]:
    """`total` micros in at most len(weights) parts, each at least 1."""
    weights = weights[: min(len(weights), total)]
    parts = [1] * len(weights)
    rest = total - len(parts)
    for index, weight in enumerate(weights):
        more = rest * weight // sum(weights)
        parts[index] += more
    parts[0] += total - sum(parts)
    return parts
