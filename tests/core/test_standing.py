"""Frozen and closed accounts: what they may not do, what settles all the same, and both beside a post."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bounties import closing, reviews, service
from bounties.tables import Bounty, Capture, Claim
from core import errors
from core.accounts import service as accounts
from core.accounts.rules import AccountState, Kind, Limits, Scope
from core.accounts.tables import Account, ApiKey, Freeze
from core.db import Database
from core.money import Money
from core.states import History
from payments import ledger, outbox, topups
from payments import rules as money
from payments import service as payments
from payments.rails.sandbox import SandboxRail
from payments.rules import OperationKind
from tests.bounties import scene
from tests.core.test_accounts import NOW, post
from tests.core.test_spending import refused_while
from verification.evidence import Verdict


def status(session: Session, account: str) -> str:
    return session.get_one(Account, account, populate_existing=True).status


def freeze(session: Session, account: str, why: str = "dispute dp_1") -> bool:
    return accounts.freeze(session, account, why, now=NOW, actor="payments")


# Frozen


def test_a_frozen_account_posts_nothing_pays_out_nothing_and_makes_no_keys(database: Database) -> None:
    with database.transaction() as session:
        key = scene.new_agent(session)
        account = session.get_one(Account, key.account)
        bounty = scene.post(session, key)
        assert freeze(session, account.id)
        for act in (
            lambda: scene.post(session, key),
            lambda: payments.request_payout(session, account.id, Money.parse("1"), now=NOW),
            lambda: accounts.issue_key(session, account, now=NOW),
            lambda: accounts.close(session, key, now=NOW),
        ):
            with pytest.raises(errors.AccountFrozen):
                act()
        payments.request_deposit(session, account.id, Money.parse("1"), now=NOW)
        service.cancel_bounty(session, account.id, bounty.id, now=NOW)
        assert scene.balance(session, money.available(account.id)) == "100.00"
        assert accounts.unfreeze(session, account.id, now=NOW, actor="operator")
        scene.post(session, key)


def test_what_is_under_way_settles_for_a_frozen_buyer_and_a_frozen_contributor(database: Database) -> None:
    bounty, (capture,) = scene.started(database)
    with database.transaction() as session:
        claim = session.scalars(select(Claim)).one()
        buyer = session.get_one(Bounty, bounty).account
        assert freeze(session, buyer)
        assert freeze(session, claim.account)
    assert scene.judge(database, capture, Verdict.ACCEPT) is Verdict.ACCEPT
    with database.reading() as session:
        assert scene.balance(session, money.payable(claim.account)) == "0.50"


def test_an_account_stays_frozen_until_its_last_reason_is_lifted(database: Database) -> None:
    with database.transaction() as session:
        account = scene.new_agent(session).account
        for why in ("dispute dp_1", "dispute dp_2", "dispute dp_1"):
            assert freeze(session, account, why)
        assert [reason.why for reason in accounts.freezes_of(session, account)] == [
            "dispute dp_1",
            "dispute dp_2",
        ]
        assert not accounts.unfreeze(session, account, now=NOW, actor="payments", why="dispute dp_1")
        assert not accounts.unfreeze(session, account, now=NOW, actor="payments", why="never was")
        assert status(session, account) == "frozen"
        assert accounts.unfreeze(session, account, now=NOW, actor="payments", why="dispute dp_2")
        assert accounts.unfreeze(session, account, now=NOW, actor="payments")
        assert status(session, account) == "open"
        moves = session.execute(
            select(History.before, History.after, History.actor, History.facts).where(
                History.kind == "accounts"
            )
        )
        # The owner reads this history; the reasons are for operators.
        assert [tuple(row) for row in moves] == [
            ("open", "frozen", "payments", {}), ("frozen", "open", "payments", {}),
        ]  # fmt: skip
        assert {row.lifted_by for row in session.scalars(select(Freeze))} == {"payments"}


def test_a_freeze_has_an_account_and_a_reason(database: Database) -> None:
    with database.transaction() as session:
        account = scene.new_agent(session).account
        for why in ("", "x" * 201):
            with pytest.raises(errors.BadInput):
                freeze(session, account, why)
        for missing in ("", "acc_" + "0" * 26):
            with pytest.raises(errors.NotFound):
                freeze(session, missing)
        assert status(session, account) == "open"


def make_key(database: Database, key: ApiKey) -> None:
    with database.transaction() as session:
        accounts.issue_key(session, session.get_one(Account, key.account), now=NOW)


def pay_out(database: Database, key: ApiKey) -> None:
    with database.transaction() as session:
        payments.request_payout(session, key.account, Money.parse("1"), now=NOW)


def deposit(database: Database, key: ApiKey) -> None:
    with database.transaction() as session:
        payments.request_deposit(session, key.account, Money.parse("1"), now=NOW)


def publish(database: Database, key: ApiKey) -> None:
    post(database, key.id)


@pytest.mark.parametrize("act", [publish, pay_out, make_key])
def test_what_has_begun_waits_for_a_freeze_and_is_refused(
    postgres: Database, act: Callable[[Database, ApiKey], None]
) -> None:
    with postgres.transaction() as session:
        key = scene.new_agent(session)
        leg = money.Leg(money.asset("sandbox"), money.payable(key.account), Money.parse("5"))
        ledger.post(session, "test:payable", [leg], now=NOW)

    def hold(session: Session) -> None:
        freeze(session, key.account)

    assert isinstance(refused_while(postgres, hold, lambda: act(postgres, key)), errors.AccountFrozen)


def test_the_database_knows_no_other_standing(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.get_one(Account, scene.new_agent(session).account).status = "asleep"


# Closed


def emptied(session: Session, dollars: str = "100") -> ApiKey:
    """A new agent's key whose money has gone to somebody else."""
    key, other = scene.new_agent(session, dollars), scene.new_agent(session)
    leg = money.Leg(money.available(key.account), money.available(other.account), Money.parse(dollars))
    ledger.post(session, f"test:gone:{key.account}", [leg], now=NOW)
    return key


def test_an_empty_account_closes_for_good_and_its_keys_end(database: Database) -> None:
    with database.transaction() as session:
        key = emptied(session)
        account = session.get_one(Account, key.account)
        second = accounts.issue_key(session, account, now=NOW, limits=Limits(total=Money(1)))
        cap = Money.parse("50")
        topups.set_rule(
            session, account.id, rail="stripe", below=Money(1), amount=cap, daily_cap=cap, now=NOW
        )
        closed = closing.close_account(session, key, now=NOW)
        assert closed.status == AccountState.CLOSED
        assert {key.revoked_at, second.key.revoked_at} == {NOW}
        with pytest.raises(errors.NotFound):
            topups.rule_of(session, account.id)
        with pytest.raises(errors.Unauthenticated):
            accounts.authenticate(session, second.secret)
        for act in (
            lambda: scene.post(session, key),
            lambda: accounts.issue_key(session, account, now=NOW),
            lambda: payments.request_deposit(session, account.id, Money.parse("1"), now=NOW),
            lambda: payments.request_payout(session, account.id, Money.parse("1"), now=NOW),
        ):
            with pytest.raises(errors.AccountClosed):
                act()
        with pytest.raises(errors.StateConflict):
            accounts.close(session, key, now=NOW)
        assert not freeze(session, account.id)
        assert not accounts.unfreeze(session, account.id, now=NOW, actor="operator")


@pytest.mark.parametrize("kind", sorted(money.MAY_COME_BACK))
def test_what_a_bank_may_send_back_keeps_an_account_open(database: Database, kind: OperationKind) -> None:
    """What came back to a closed account could never be paid out again."""
    with database.transaction() as session:
        key = emptied(session)
        sent = outbox.order(session, kind, key.account, Money.parse("5"), rail="stripe", now=NOW)
        sent.status, sent.ended_at = "done", NOW
        session.flush()
        with pytest.raises(errors.StateConflict) as refused:
            closing.close_account(session, key, now=NOW + timedelta(days=9.9))
        assert refused.value.facts["may_come_back"] == 1
        closed = closing.close_account(session, key, now=NOW + timedelta(days=10))
        assert closed.status == AccountState.CLOSED


def test_an_account_with_anything_left_does_not_close(database: Database) -> None:
    with database.transaction() as session:
        rich = scene.new_agent(session, "1")
        waiting = emptied(session)
        operation = payments.request_deposit(session, waiting.account, Money.parse("1"), now=NOW).id
        for key, facts in ((rich, {"available": "1.00"}), (waiting, {"operations": 1})):
            with pytest.raises(errors.StateConflict) as refused:
                closing.close_account(session, key, now=NOW)
            zeros = {"bounties": 0, "claims": 0, "captures": 0, "operations": 0, "may_come_back": 0}
            assert refused.value.facts == zeros | facts
    outbox.run_operation(database, {"sandbox": SandboxRail(database)}, operation, clock=lambda: NOW)
    with database.transaction() as session, pytest.raises(errors.StateConflict) as refused:
        closing.close_account(session, session.get_one(ApiKey, waiting.id), now=NOW)
    assert refused.value.facts["available"] == "1.00"


def test_an_account_with_bounties_claims_or_captures_under_way_does_not_close(database: Database) -> None:
    bounty, (capture,) = scene.started(database, slots=2)
    with database.transaction() as session:
        row = session.get_one(Capture, capture)
        worker = session.get_one(Account, row.account)
        key = accounts.issue_key(session, worker, now=NOW).key
        buyer = session.scalars(
            select(ApiKey).where(ApiKey.account == session.get_one(Bounty, bounty).account)
        ).one()

        def left(by: ApiKey) -> dict[str, object]:
            with pytest.raises(errors.StateConflict) as refused:
                closing.close_account(session, by, now=NOW)
            return {name: value for name, value in refused.value.facts.items() if value}

        assert left(key) == {"captures": 1}
        assert left(buyer) == {"bounties": 1, "available": "98.90", "held": "1.10"}
        person = scene.new_person(session)
        scene.claim(session, person, session.get_one(Bounty, bounty))
        other = accounts.issue_key(session, session.get_one(Account, person.account), now=NOW).key
        assert left(other) == {"claims": 1}
    scene.judge(database, capture, Verdict.ACCEPT)
    with database.transaction() as session:
        assert left(session.get_one(ApiKey, key.id)) == {"payable": "0.50"}


def test_a_key_that_may_not_rule_the_others_closes_nothing(database: Database) -> None:
    with database.transaction() as session:
        full = emptied(session)
        account = session.get_one(Account, full.account)
        capped = accounts.issue_key(session, account, now=NOW, limits=Limits(total=Money(1))).key
        payer = accounts.issue_key(session, account, now=NOW, scopes=[Scope.MONEY]).key
        for key in (capped, payer):
            with pytest.raises(errors.Forbidden), session.begin_nested():
                closing.close_account(session, key, now=NOW)
        assert closing.close_account(session, full, now=NOW).status == "closed"


@pytest.mark.parametrize("act", [publish, deposit, make_key])
def test_what_has_begun_waits_for_a_closing_and_is_refused(
    postgres: Database, act: Callable[[Database, ApiKey], None]
) -> None:
    with postgres.transaction() as session:
        key = emptied(session)

    def hold(session: Session) -> None:
        closing.close_account(session, session.get_one(ApiKey, key.id), now=NOW)

    assert isinstance(refused_while(postgres, hold, lambda: act(postgres, key)), errors.AccountClosed)


def test_a_closing_waits_for_what_has_begun(postgres: Database) -> None:
    with postgres.transaction() as session:
        key = emptied(session)

    def hold(session: Session) -> None:
        payments.request_deposit(session, key.account, Money.parse("1"), now=NOW)

    def close() -> None:
        with postgres.transaction() as session:
            closing.close_account(session, session.get_one(ApiKey, key.id), now=NOW)

    met = refused_while(postgres, hold, close)
    assert isinstance(met, errors.StateConflict)
    assert met.facts["operations"] == 1


def test_a_closed_contributor_claims_nothing_not_even_beside_the_closing(postgres: Database) -> None:
    with postgres.transaction() as session:
        bounty = scene.post(session, scene.new_agent(session))
        person = scene.new_person(session)
        key = accounts.issue_key(session, session.get_one(Account, person.account), now=NOW).key

    def hold(session: Session) -> None:
        closing.close_account(session, session.get_one(ApiKey, key.id), now=NOW)

    def claim() -> None:
        with postgres.transaction() as session:
            scene.claim(session, person, session.get_one(Bounty, bounty.id))

    assert isinstance(refused_while(postgres, hold, claim), errors.AccountClosed)


def test_a_closed_contributor_appeals_nothing_not_even_beside_the_closing(postgres: Database) -> None:
    _, (capture,) = scene.started(postgres)
    scene.judge(postgres, capture, Verdict.REJECT)
    with postgres.transaction() as session:
        worker = session.get_one(Account, session.get_one(Capture, capture).account)
        key = accounts.issue_key(session, worker, now=NOW).key

    def hold(session: Session) -> None:
        closing.close_account(session, session.get_one(ApiKey, key.id), now=NOW)

    def appeal() -> None:
        with postgres.transaction() as session:
            reviews.appeal(session, session.get_one(Capture, capture), "It was there.", now=NOW)

    assert isinstance(refused_while(postgres, hold, appeal), errors.AccountClosed)


def test_every_kind_of_account_begins_open(database: Database) -> None:
    with database.transaction() as session:
        for kind in Kind:
            made = accounts.open_account(session, kind, "tester", now=NOW)
            assert (made.status, made.spending_stopped_at) == ("open", None)
