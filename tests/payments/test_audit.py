"""The audit must fail when the books are wrong: each sabotage is done with the guards taken off first."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from core.db import Database
from core.money import Money
from payments import __main__ as command
from payments import audit, escrow, outbox, refunds, service, triggers
from payments.rails.sandbox import SandboxRail
from tests.payments.stripe_house import StripeHouse
from tests.payments.test_disputes import buyer_with_all_in_escrow, close, dispute
from tests.payments.test_refunds import deposit_of
from tests.payments.traders import NOW, broken, funded, held, trader


@pytest.fixture
def lived_in(database: Database) -> Database:
    """Books with a bit of everything: escrows in each state, a hold-back, operations, an open payout."""
    made, worker = held(database, slots=6), trader(database)
    with database.transaction() as session:
        escrow.release(session, made.id, 0, worker, hold_back_until=None, now=NOW)
        escrow.release(session, made.id, 1, worker, hold_back_until=NOW + timedelta(days=1), now=NOW)
        escrow.refund(session, made.id, [2], now=NOW)
        escrow.release(session, made.id, 4, worker, hold_back_until=NOW + timedelta(days=1), now=NOW)
        escrow.clawback(session, made.id, 4, now=NOW)
        service.request_payout(session, worker, Money.parse("4.00"), now=NOW)
        done = service.request_payout(session, worker, Money.parse("5.00"), now=NOW).id
    outbox.run_operation(database, {"sandbox": SandboxRail(database)}, done, clock=lambda: NOW)
    buyer = funded(database, Money.parse("7.00"))
    with database.transaction() as session:
        refunds.request_refund(session, buyer, deposit_of(database, buyer), Money.parse("7.00"), now=NOW)
    assert broken(database) == []
    return database


SABOTAGE = {
    "a balance made of nothing": (
        "UPDATE ledger_accounts SET balance = balance + 1 WHERE id LIKE 'agent:%'",
        {"I1 zero-sum", "I3 balances"},
    ),
    "a posting without its transfers": (
        "INSERT INTO ledger_postings VALUES ('ghost', 'x', 1, '2026-11-23 00:00:00')",
        {"I2 transfers"},
    ),
    "an entry of another amount": (
        "UPDATE ledger_entries SET amount = amount + 1, balance_before = balance_before - 1 "
        "WHERE account LIKE 'rev:fee:%' AND version = 2",
        {"I2 transfers", "I3 balances", "I4 chains"},
    ),
    "an entry gone": (
        "DELETE FROM ledger_entries WHERE account LIKE 'rev:fee:%' AND version = 2",
        {"I2 transfers", "I3 balances", "I4 chains"},
    ),
    "a version skipped": (
        "UPDATE ledger_accounts SET version = version + 1 WHERE id LIKE 'rev:fee:%'",
        {"I4 chains"},
    ),
    "a floor moved": (
        "UPDATE ledger_accounts SET floor = -5 WHERE id LIKE 'rev:fee:%'",
        {"I5b chart"},
    ),
    "an account in no chart": (
        "INSERT INTO ledger_accounts VALUES ('agent:EVIL', 'liability', 0, 1, 0, 0, '2026-11-23 00:00:00')",
        {"I5b chart"},
    ),
    "a balance under its floor": (
        "UPDATE ledger_accounts SET floor = 0, balance = -1 WHERE id LIKE 'rev:fee:%'",
        {"I1 zero-sum", "I3 balances", "I5 bounds"},
    ),
    "a slot marked held that was paid": (
        "UPDATE escrow_slots SET state = 'held', contributor = NULL, moved_at = NULL WHERE slot = 0",
        {"I6 escrow", "I8 one release"},
    ),
    "a slot marked released that was not paid": (
        "UPDATE escrow_slots SET state = 'released', contributor = (SELECT contributor FROM escrow_slots "
        "WHERE slot = 0), moved_at = '2026-11-23 00:00:00' WHERE slot = 3",
        {"I6 escrow", "I8 one release", "I8c fee parts"},
    ),
    "a slot marked clawed back that kept its money": (
        "UPDATE escrow_slots SET state = 'clawed_back' WHERE slot = 1",
        {"I7 in = out", "I8 one release", "I8c fee parts"},
    ),
    "a slot clawed back and marked paid": (
        "UPDATE escrow_slots SET state = 'released' WHERE slot = 4",
        {"I7 in = out", "I8 one release"},
    ),
    "a slot clawed back from another": (
        "UPDATE escrow_slots SET contributor = (SELECT min(id) FROM accounts) WHERE slot = 4",
        {"I8 one release"},
    ),
    "a premium promised and not set aside": (
        "UPDATE escrows SET premium = premium + 1",
        {"I8c fee parts"},
    ),
    "a reward taken back that still waits": (
        "UPDATE maturities SET revoked_at = NULL",
        {"I8b hold-backs"},
    ),
    "cash that is not there": (
        "UPDATE ledger_accounts SET balance = balance + 10000000 WHERE id = 'asset:sandbox'",
        {"I1 zero-sum", "I3 balances", "I10 sandbox bank", "I13 covered"},
    ),
    "a slot paid to another": (
        "UPDATE escrow_slots SET contributor = (SELECT min(id) FROM accounts) WHERE slot = 0",
        {"I8 one release"},
    ),
    "a refund that no payer got": (
        "UPDATE escrow_payers SET refunded = 0",
        {"I7 in = out", "I7b payers"},
    ),
    "an earning forgotten": ("DELETE FROM maturities", {"I8b hold-backs"}),
    "a payout forgotten": (
        "DELETE FROM provider_operations WHERE status = 'new' AND kind = 'payout'",
        {"I9 payouts", "I9c operations"},
    ),
    "a deposit the bank has no word of": (
        "DELETE FROM sandbox_book WHERE kind = 'deposit'",
        {"I10 sandbox bank"},
    ),
    "a payout the bank refused and we call done": (
        "UPDATE sandbox_book SET outcome = 'failed' WHERE kind = 'payout'",
        {"I10 sandbox bank"},
    ),
    "every posting gone": (
        "DELETE FROM ledger_postings",
        {"I2 transfers", "I7b payers", "I8 one release", "I9c operations"},
    ),
    "a posting of other legs": (
        "UPDATE ledger_postings SET request_hash = 'x' WHERE key LIKE 'hold:%'",
        {"I2b hashes"},
    ),
    "an account gone that is empty": (
        "DELETE FROM ledger_accounts WHERE balance = 0 AND id LIKE 'agent:%'",
        {"I3 balances"},
    ),
    "an escrow gone": ("DELETE FROM escrows", {"I7b payers"}),
    "a payer that never paid": (
        "UPDATE escrow_payers SET account = (SELECT max(id) FROM accounts)",
        {"I7b payers"},
    ),
    "an earning of another": (
        "UPDATE maturities SET contributor = (SELECT min(id) FROM accounts) "
        "WHERE matured_at IS NULL AND revoked_at IS NULL",
        {"I8b hold-backs", "I8d earnings"},
    ),
    "an earning that matured nowhere": (
        "UPDATE maturities SET matured_at = '2026-11-23 00:00:00', revoked_at = NULL "
        "WHERE revoked_at IS NOT NULL",
        {"I8d earnings"},
    ),
    "a deposit of another": (
        "UPDATE provider_operations SET account = (SELECT max(id) FROM accounts) WHERE kind = 'deposit'",
        {"I9c operations"},
    ),
    "a deposit done that never came": (
        "UPDATE provider_operations SET rail = 'stripe', status = 'failed' WHERE kind = 'deposit'",
        {"I9c operations", "I10 sandbox bank"},
    ),
    "a deposit that half went back": (
        "UPDATE provider_operations SET undone = 1 WHERE kind = 'deposit'",
        {"I9b refunds"},
    ),
    "a refund forgotten": (
        "DELETE FROM provider_operations WHERE kind = 'refund'",
        {"I9b refunds", "I9c operations"},
    ),
    "a dispute of nothing": (
        "INSERT INTO disputes SELECT 'du_1', 'stripe', id, account, 5, 0, 5, 'open', created_at, NULL "
        "FROM provider_operations WHERE kind = 'deposit' LIMIT 1",
        {"I9d disputes"},
    ),
    "an operation left behind": (
        "UPDATE provider_operations SET status = 'sent', sent_at = '2026-11-23 10:00:00.000000' "
        "WHERE status = 'new'",
        {"I12 stuck"},
    ),
}


@pytest.mark.parametrize("name", SABOTAGE)
def test_the_audit_names_what_is_wrong(lived_in: Database, name: str) -> None:
    statement, expected = SABOTAGE[name]
    with closing(sqlite3.connect(lived_in.engine.url.database or "")) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")  # foreign keys are off as it is
        for drop in triggers.drop("sqlite"):
            connection.execute(drop)
        assert connection.execute(statement).rowcount > 0
        connection.commit()
    figures = audit.books(lived_in, now=NOW)
    assert {figure.name for figure in figures if not figure.holds} == expected


def test_the_command_prints_every_figure_and_says_how_it_went(
    lived_in: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    url = str(lived_in.engine.url)
    assert command.main(["audit", "--database", url]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 26
    assert all(line.startswith("ok ") for line in lines[:24])
    assert lines[24].startswith("open payout new: 1, 4.00 USD")
    with lived_in.transaction() as session:
        session.execute(text("UPDATE ledger_accounts SET balance = balance + 1 WHERE id LIKE 'agent:%'"))
    assert command.main(["audit", "--database", url]) == 1
    assert "FAIL I1 zero-sum" in capsys.readouterr().out


def broken_in(session: Session) -> list[audit.Figure]:
    return [figure for figure in audit.figures(session, now=NOW) if figure.stops]


def test_a_dispute_that_its_row_does_not_tell_is_named(database: Database) -> None:
    house = StripeHouse(database)
    buyer, _ = buyer_with_all_in_escrow(house)
    name = dispute(house, buyer)
    altered = {"taken": "taken + 1", "fee": "0", "amount": "amount + 1", "status": "'lost'"}
    for column, value in altered.items():
        with database.transaction() as session:
            session.execute(text(f"UPDATE disputes SET {column} = {value}"))
            session.flush()
            wrong = [figure.name for figure in broken_in(session)]
            session.rollback()
        assert wrong == ["I9d disputes"], column
    close(house, name, "won")
    assert broken(database) == []
