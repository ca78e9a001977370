"""Clawback on both databases: inside the hold-back a paid slot goes back to its payers, whole and once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from core import errors
from core.db import Database
from core.money import Money
from payments import earnings, escrow, rules
from payments.tables import Escrow, EscrowSlot, LedgerPosting
from tests.payments.traders import FEE, NOW, PREMIUM, PRICE, available, balance, broken, funded, held, trader

LATER = NOW + timedelta(days=1)
JUST_BEFORE = LATER - timedelta(microseconds=1)


def paid(books: Database, *, slots: int = 2, until: object = LATER) -> tuple[Escrow, str, str]:
    """An escrow whose slot 0 has paid a contributor into pending; also its payer and the contributor."""
    made, worker = held(books, slots=slots), trader(books)
    with books.transaction() as session:
        escrow.release(session, made.id, 0, worker, hold_back_until=until, now=NOW)  # type: ignore[arg-type]
    return made, made.subject, worker


def claw(books: Database, escrow_id: str, slot: int = 0, now: object = NOW) -> escrow.ClawedBack:
    with books.transaction() as session:
        return escrow.clawback(session, escrow_id, slot, now=now)  # type: ignore[arg-type]


def state(books: Database, escrow_id: str, slot: int = 0) -> str:
    with books.reading() as session:
        return session.get_one(EscrowSlot, (escrow_id, slot)).state


def test_reward_fee_and_premium_go_back_to_the_payer_in_one_posting(books: Database) -> None:
    fees, reserve = balance(books, rules.REVENUE_FEE), balance(books, rules.RESERVE_WARRANTY)
    made, buyer, worker = paid(books)
    assert balance(books, rules.RESERVE_WARRANTY) == reserve + PREMIUM.micros
    back = claw(books, made.id, now=JUST_BEFORE)
    assert back == escrow.ClawedBack(f"clawback:{made.id}:0", worker, {buyer: PRICE + FEE})
    assert available(books, buyer) == (PRICE + FEE).micros
    assert (balance(books, rules.REVENUE_FEE), balance(books, rules.RESERVE_WARRANTY)) == (fees, reserve)
    assert balance(books, rules.pending(worker)) == balance(books, rules.payable(worker)) == 0
    assert balance(books, rules.escrow(made.id)) == (PRICE + FEE).micros, "the other slot's money stays"
    assert state(books, made.id) == "clawed_back"
    with books.reading() as session:
        keys = select(LedgerPosting.key).where(LedgerPosting.key.like(f"clawback:{made.id}%"))
        assert session.scalars(keys).all() == [back.transfer_key]
    assert broken(books) == []


def test_a_clawback_happens_once_and_what_was_clawed_back_never_matures(books: Database) -> None:
    """Another reward of the same person is pending too, so that no empty account can be what says no."""
    made, _, worker = paid(books, slots=3)
    with books.transaction() as session:
        escrow.release(session, made.id, 1, worker, hold_back_until=LATER, now=NOW)
    claw(books, made.id)
    with pytest.raises(errors.StateConflict) as caught:
        claw(books, made.id)
    assert caught.value.facts["status"] == "clawed_back"
    with books.transaction() as session:
        assert earnings.anything_matures(session, LATER)
        assert earnings.mature(session, LATER) == 1
        assert not earnings.anything_matures(session, LATER)
    assert balance(books, rules.payable(worker)) == PRICE.micros
    assert broken(books) == []


@pytest.mark.parametrize("matured", [True, False])
def test_after_the_window_the_reward_is_the_contributors(books: Database, matured: bool) -> None:
    """Also while the sweeper is late: what counts is the time that was promised."""
    made, buyer, worker = paid(books)
    if matured:
        with books.transaction() as session:
            earnings.mature(session, LATER)
    with pytest.raises(errors.StateConflict) as caught:
        claw(books, made.id, now=LATER if not matured else NOW)
    assert caught.value.facts["status"] == "payable"
    assert state(books, made.id) == "released"
    assert available(books, buyer) == 0
    with books.transaction() as session:
        earnings.mature(session, LATER)
    assert balance(books, rules.payable(worker)) == PRICE.micros
    assert broken(books) == []


def test_a_reward_without_hold_back_is_never_taken_back(books: Database) -> None:
    made, _, worker = paid(books, until=None)
    with pytest.raises(errors.StateConflict):
        claw(books, made.id)
    assert balance(books, rules.payable(worker)) == PRICE.micros
    assert broken(books) == []


def test_a_slot_that_never_paid_has_nothing_to_take_back(books: Database) -> None:
    """Slot 0 has money pending with the same contributor, so that only the slot's state can say no."""
    made, _, _ = paid(books, slots=3)
    with books.transaction() as session:
        escrow.refund(session, made.id, [1], now=NOW)
    for slot, status in ((1, "refunded"), (2, "held"), (3, "none"), (-1, "none")):
        with pytest.raises(errors.StateConflict) as caught:
            claw(books, made.id, slot)
        assert caught.value.facts["status"] == status
    with pytest.raises(errors.NotFound):
        claw(books, "esc_none")
    assert broken(books) == []


def test_a_slot_clawed_back_is_neither_released_nor_refunded_again(books: Database) -> None:
    made, _, worker = paid(books)
    claw(books, made.id)
    with pytest.raises(errors.StateConflict), books.transaction() as session:
        escrow.release(session, made.id, 0, worker, hold_back_until=None, now=NOW)
    with pytest.raises(errors.StateConflict), books.transaction() as session:
        escrow.refund(session, made.id, [0], now=NOW)
    assert balance(books, rules.escrow(made.id)) == (PRICE + FEE).micros
    assert broken(books) == []


def test_the_database_itself_lets_an_earning_end_one_way(books: Database) -> None:
    made, _, _ = paid(books)
    claw(books, made.id)
    both = text("UPDATE maturities SET matured_at = revoked_at WHERE posting = :posting")
    with pytest.raises(IntegrityError), books.transaction() as session:
        session.execute(both, {"posting": f"release:{made.id}:0"})


def test_a_won_appeal_can_be_taken_back_into_the_markets_own_money(books: Database) -> None:
    made, worker = held(books), trader(books)
    with books.transaction() as session:
        escrow.release(session, made.id, 0, trader(books), hold_back_until=None, now=NOW)
        spent = balance(books, rules.EXPENSE_APPEALS)
        escrow.pay_appeal(
            session, subject=worker, contributor=worker, amount=Money(9), hold_back_until=LATER, now=NOW
        )
        assert escrow.clawback_appeal(session, worker, now=NOW) == f"clawback:appeal:{worker}"
    assert balance(books, rules.pending(worker)) == 0
    assert balance(books, rules.EXPENSE_APPEALS) == spent
    for subject in (worker, "cap_none"):
        with pytest.raises(errors.StateConflict), books.transaction() as session:
            escrow.clawback_appeal(session, subject, now=NOW)
    assert broken(books) == []


def test_a_clawback_finds_each_payers_own_part(books: Database) -> None:
    parts = [Money(4_000_000), Money(6_999_999), Money(1)]
    buyers = [funded(books, Money.parse("11.00")) for _ in parts]
    worker = trader(books)
    with books.transaction() as session:
        made = escrow.hold(
            session,
            subject=buyers[0],
            payers=list(zip(buyers, parts, strict=True)),
            price=PRICE,
            fee=FEE,
            premium=PREMIUM,
            slots=1,
            now=NOW,
        )
        escrow.release(session, made.id, 0, worker, hold_back_until=LATER, now=NOW)
        back = escrow.clawback(session, made.id, 0, now=NOW)
    assert back.shares == dict(zip(buyers, parts, strict=True))
    assert [available(books, buyer) for buyer in buyers] == [11_000_000] * 3
    assert broken(books) == []


def test_an_earning_that_was_altered_keeps_nobody_else_waiting(database: Database) -> None:
    made, workers = held(database, slots=2), sorted(trader(database) for _ in range(3))
    with database.transaction() as session:
        for slot, worker in enumerate(workers[1:]):
            escrow.release(session, made.id, slot, worker, hold_back_until=LATER, now=NOW)
        altered = {"first": workers[0], "second": workers[1]}
        session.execute(
            text("UPDATE maturities SET contributor = :first WHERE contributor = :second"), altered
        )
    with database.transaction() as session:
        assert earnings.mature(session, LATER) == 1
    assert balance(database, rules.payable(workers[2])) == PRICE.micros
    assert balance(database, rules.pending(workers[1])) == PRICE.micros, "a person has to look"
    with database.reading() as session:
        assert earnings.anything_matures(session, LATER)
