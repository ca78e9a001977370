"""Books that are wrong stop payouts, and only payouts, until they are right and somebody says why."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from core import errors
from core.config import Settings
from core.db import Database
from core.money import Money
from market import doctor
from payments import __main__ as command
from payments import audit, halts, outbox, rules, service, tasks, triggers
from payments.rails import Answer, Order
from payments.rails.sandbox import SandboxRail
from payments.rules import OperationKind
from payments.tables import Escrow, Halt, Operation
from tests.inside import Inside
from tests.payments.traders import NOW, PRICE, Clock, available, balance, broken, together, trader
from tests.payments.worth import owed

FIVE = Money.parse("5.00")


class Counting(SandboxRail):
    """The sandbox bank, and what it was sent."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.sent: list[str] = []

    def send(self, order: Order) -> Answer:
        self.sent.append(order.id)
        return super().send(order)


@dataclass
class Scene:
    """Somebody with money on its way out, and the two ways these tests put the books wrong and right."""

    database: Database
    bank: Counting
    clock: Clock
    worker: str
    payout: str

    def run(self, operation: str | None = None) -> None:
        outbox.run_operation(
            self.database, {"sandbox": self.bank}, operation or self.payout, clock=self.clock
        )

    def status(self, operation: str | None = None) -> str:
        with self.database.reading() as session:
            return session.get_one(Operation, operation or self.payout).status

    def due(self) -> list[str]:
        with self.database.reading() as session:
            return outbox.due_operations(session, self.clock())

    def say(self, *arguments: str) -> int:
        url = self.database.engine.url.render_as_string(hide_password=False)
        return command.main([*arguments, "--database", url])


@pytest.fixture
def scene(books: Database) -> Scene:
    worker = owed(books, PRICE)
    return Scene(books, Counting(books), Clock(), worker, ask(books, worker, FIVE))


def ask(database: Database, worker: str, amount: Money) -> str:
    with database.transaction() as session:
        return service.request_payout(session, worker, amount, now=NOW).id


@contextmanager
def unguarded(database: Database) -> Iterator[Callable[[str], int]]:
    """Runs SQL with the append-only triggers off, and puts them back."""
    dialect = database.engine.dialect.name
    with database.engine.begin() as connection:
        for statement in triggers.drop(dialect):
            connection.exec_driver_sql(statement)
        yield lambda sql: connection.execute(text(sql)).rowcount
        for statement in triggers.create(dialect):
            connection.exec_driver_sql(statement)


def break_entries(scene: Scene, by: int) -> None:
    """I3: an entry says another amount than was added to its account."""
    account = rules.payable(scene.worker)
    with unguarded(scene.database) as run:
        assert run(
            f"UPDATE ledger_entries SET amount = amount + {by}, balance_after = balance_after + {by} "
            f"WHERE account = '{account}' AND version = 1".replace(":", "\\:")
        )


def break_escrow(scene: Scene, by: int) -> None:
    """I6: a slot that was paid says that its money is still there."""
    state = "'held', contributor = NULL, moved_at = NULL"
    if by < 0:
        state = f"'released', contributor = '{scene.worker}', moved_at = CURRENT_TIMESTAMP"
    with unguarded(scene.database) as run, scene.database.reading() as session:
        made = session.scalars(select(Escrow.id).where(Escrow.subject == scene.worker)).one()
        assert run(f"UPDATE escrow_slots SET state = {state} WHERE escrow = '{made}'")


@pytest.mark.parametrize(("harm", "name"), [(break_entries, "I3 balances"), (break_escrow, "I6 escrow")])
def test_a_payout_ordered_before_the_halt_waits_for_the_repair_and_is_paid_once(
    scene: Scene, harm: Callable[[Scene, int], None], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    harm(scene, 1)
    assert name in {figure.name for figure in tasks.audit_books(scene.database, now=NOW)}
    scene.clock.forward(timedelta(days=1))
    assert scene.payout not in scene.due()
    scene.run()
    assert (scene.status(), scene.bank.sent) == ("new", [])
    with pytest.raises(errors.PayoutsHalted) as refused:
        ask(scene.database, scene.worker, FIVE)
    assert refused.value.facts == {"since": "2026-11-23T12:00:00.000000Z"}

    assert scene.say("resume", "--why", "looked away") == 1
    assert name in capsys.readouterr().out
    scene.run()
    assert (scene.status(), scene.bank.sent) == ("new", [])

    harm(scene, -1)
    assert broken(scene.database) == []
    assert scene.status() == "new", "repaired is not resumed"
    assert scene.payout not in scene.due()
    assert scene.say("resume", "--why", "the row was put back from the log") == 0
    assert scene.payout in scene.due()
    scene.run()
    scene.run()
    assert (scene.status(), scene.bank.sent) == ("done", [scene.payout])
    assert balance(scene.database, rules.in_payout(scene.worker)) == 0
    assert broken(scene.database) == []
    with scene.database.reading() as session:
        kept = session.scalars(select(Halt).order_by(Halt.id.desc())).first()
        assert kept is not None
        assert name in kept.why
        assert kept.lifted_why == "the row was put back from the log"


@contextmanager
def halted(database: Database) -> Iterator[None]:
    """Payouts halted for the length of the block."""
    with database.transaction() as session:
        assert halts.halt(session, halts.PAYOUTS, "a test", now=NOW)
    yield
    with database.transaction() as session:
        found = halts.in_force(session, halts.PAYOUTS)
        assert found is not None
        assert halts.lift(session, found.id, "the test is over", now=NOW)


def test_deposits_go_on_while_payouts_are_halted(scene: Scene) -> None:
    with halted(scene.database):
        with scene.database.transaction() as session:
            deposit = service.request_deposit(session, scene.worker, FIVE, now=NOW).id
        assert deposit in scene.due()
        scene.run(deposit)
        assert scene.status(deposit) == "done"
        assert available(scene.database, scene.worker) == FIVE.micros


def test_a_payout_that_waits_at_the_provider_does_not_go_on_to_a_bank(scene: Scene) -> None:
    with scene.database.transaction() as session:
        made = outbox.order(
            session,
            OperationKind.BANK_PAYOUT,
            scene.worker,
            FIVE,
            rail="sandbox",
            now=NOW,
            parent=scene.payout,
        ).id
    with halted(scene.database):
        assert made not in scene.due()
        scene.run(made)
        assert (scene.status(made), scene.bank.sent) == ("new", [])
    assert made in scene.due()


def test_what_was_sent_before_the_halt_is_looked_up_but_never_sent_again(scene: Scene) -> None:
    other = owed(scene.database, PRICE)
    booked = ask(scene.database, scene.worker, Money.parse("1.000002"))  # the answer gets lost
    unheard = ask(scene.database, other, Money.parse("1.000003"))  # the call gets lost
    for operation in (booked, unheard):
        scene.run(operation)
        assert scene.status(operation) == "unknown"
    sent = list(scene.bank.sent)
    with halted(scene.database):
        scene.clock.forward(timedelta(hours=2))
        for operation in (booked, unheard, unheard):
            scene.run(operation)
        assert (scene.status(booked), scene.status(unheard)) == ("done", "unknown")
        assert scene.bank.sent == sent
    scene.clock.forward(timedelta(hours=2))
    scene.run(unheard)
    assert scene.status(unheard) == "done"
    assert broken(scene.database) == []


def test_audits_at_once_make_one_halt_and_the_first_reason_stays(postgres: Database) -> None:
    def stop(number: int) -> bool:
        with postgres.transaction() as session:
            return halts.halt(session, halts.PAYOUTS, f"reason {number}", now=NOW)

    made = together(8, stop)
    assert sorted(map(str, made)) == ["False"] * 7 + ["True"]
    with postgres.transaction() as session:
        found = halts.in_force(session, halts.PAYOUTS)
        assert found is not None
        assert found.why == f"reason {made.index(True)}"
        assert halts.lift(session, found.id, "the test is over", now=NOW)
        assert not halts.lift(session, found.id, "again", now=NOW)


def test_books_that_hold_halt_nothing(database: Database) -> None:
    owed(database, PRICE)
    assert tasks.audit_books(database, now=NOW) == []
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Halt)) == 0


def test_the_command_says_what_is_open_and_what_is_halted(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = Scene(
        database, Counting(database), Clock(), worker := owed(database, PRICE), ask(database, worker, FIVE)
    )
    ask(database, worker, Money.parse("1.50"))
    file = tmp_path / "audit.json"
    assert scene.say("audit", "--json", str(file)) == 0
    assert (
        "open payout new: 2, 6.50 USD, the oldest since 2026-11-23T12:00:00.000000Z"
        in capsys.readouterr().out
    )
    said = json.loads(file.read_text(encoding="utf-8"))
    assert said["holds"] is True
    assert said["payouts_halted"] is None
    assert len(said["figures"]) == 24
    assert said["in_flight"] == [
        {
            "kind": "payout",
            "status": "new",
            "count": 2,
            "amount": "6.50",
            "oldest": "2026-11-23T12:00:00.000000Z",
        }
    ]
    break_entries(scene, 1)
    tasks.audit_books(database, now=NOW)
    assert scene.say("audit", "--json", str(file)) == 1
    assert "payouts are halted since 2026-11-23T12:00:00.000000Z: I2" in capsys.readouterr().out
    said = json.loads(file.read_text(encoding="utf-8"))
    assert said["holds"] is False
    assert "I3 balances" in said["payouts_halted"]["why"]


def test_resuming_needs_a_reason_and_something_to_resume(
    database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    url = str(database.engine.url)
    assert command.main(["resume", "--why", "nothing was wrong", "--database", url]) == 0
    assert capsys.readouterr().out == "payouts are not halted\n"
    for words in ([], ["--why", " "]):
        with pytest.raises(SystemExit) as wrong:
            command.main(["resume", *words, "--database", url])
        assert wrong.value.code == 2


def test_readyz_and_the_doctor_say_it_and_the_house_stays_up(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = str(database.engine.url)
    inside = Inside(url, tmp_path / "home")
    settings = Settings(home=tmp_path / "home", database_url=url)
    assert inside.client.get("/readyz").json() == {"status": "ready", "payouts": "open"}
    assert doctor.run(settings) == 0
    with halted(database):
        answer = inside.client.get("/readyz")
        assert (answer.status_code, answer.json()) == (200, {"status": "ready", "payouts": "halted"})
        assert doctor.run(settings) == 1
    inside.close()
    assert "NOT WELL: halted since 2026-11-23T12:00:00.000000Z: a test" in capsys.readouterr().out


def test_over_http_it_is_a_503_and_the_same_key_works_later(database: Database, tmp_path: Path) -> None:
    inside = Inside(str(database.engine.url), tmp_path / "home")
    worker = owed(database, PRICE)
    key = inside.key_of(worker)
    with halted(database):
        answer = inside.send("POST", "/v1/payouts", key, once="once", json={"amount": "5"})
        assert (answer.status_code, answer.json()["code"]) == (503, "PayoutsHalted")
    assert inside.send("POST", "/v1/payouts", key, once="once", json={"amount": "5"}).status_code == 202
    inside.close()


def test_a_stranger_to_the_halt_is_not_slowed_by_it(database: Database) -> None:
    """A halt of another name stops no payout."""
    with database.transaction() as session:
        halts.halt(session, "something else", "a test", now=NOW)
    assert ask(database, owed(database, PRICE), FIVE)
    assert trader(database)


def test_an_audit_that_breaks_off_halts_payouts_too(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> list[audit.Figure]:
        raise ArithmeticError("no figure")

    monkeypatch.setattr(audit, "books", away)
    with pytest.raises(ArithmeticError):
        tasks.audit_books(scene.database, now=NOW)
    with scene.database.reading() as session:
        halted = halts.in_force(session, halts.PAYOUTS)
    assert halted is not None
    assert halted.why == "the audit failed: ArithmeticError"
