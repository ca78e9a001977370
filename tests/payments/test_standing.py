"""Frozen, stopped and closed accounts beside the rails: disputes, refunds, the week's payouts, top-ups."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from core import errors
from core.accounts import service as accounts
from core.accounts.tables import Account, ApiKey
from core.db import Database
from core.money import Money
from payments import disputes, payouts, refunds, rules, service, tasks, topups
from payments.rails import DisputeFacts
from payments.rules import DisputeState
from payments.tables import Operation
from tests.core.test_spending import refused_while
from tests.payments.test_topups import look, spend, with_rule
from tests.payments.traders import NOW, balance, funded
from tests.payments.worth import owed

TEN = Money.parse("10.00")


def freeze(database: Database, account: str) -> None:
    with database.transaction() as session:
        accounts.freeze(session, account, "a look", now=NOW, actor="operator")


def standing(database: Database, account: str) -> str:
    with database.reading() as session:
        return session.get_one(Account, account).status


def deposit_of(database: Database, account: str) -> str:
    with database.reading() as session:
        return session.query(Operation.id).filter_by(account=account, kind="deposit").one()[0]


def facts_of(deposit: str, state: DisputeState, returned: str = "0") -> DisputeFacts:
    return DisputeFacts(
        id="dp_1",
        operation=deposit,
        withdrawn=TEN,
        returned=Money.parse(returned),
        fees=Money(0),
        state=state,
    )


def tell(database: Database, deposit: str, state: DisputeState, returned: str = "0") -> None:
    facts = facts_of(deposit, state, returned)
    with database.transaction() as session:
        disputes.record(session, "sandbox", facts, now=NOW)


def test_a_dispute_freezes_its_account_once_and_a_person_lifts_it(database: Database) -> None:
    account = funded(database, Money.parse("25.00"))
    deposit = deposit_of(database, account)
    tell(database, deposit, DisputeState.OPEN)
    assert standing(database, account) == "frozen"
    with database.transaction() as session:
        assert [reason.why for reason in accounts.freezes_of(session, account)] == ["dispute dp_1"]
        accounts.unfreeze(session, account, now=NOW, actor="operator")
    tell(database, deposit, DisputeState.OPEN)
    tell(database, deposit, DisputeState.WON, "10.00")
    assert standing(database, account) == "open"
    assert balance(database, rules.available(account)) == 25_000_000


def test_a_lost_dispute_leaves_the_account_frozen(database: Database) -> None:
    account = funded(database, Money.parse("25.00"))
    tell(database, deposit_of(database, account), DisputeState.OPEN)
    tell(database, deposit_of(database, account), DisputeState.LOST)
    assert standing(database, account) == "frozen"


def test_a_dispute_comes_between_posts_without_a_deadlock(postgres: Database) -> None:
    """Both lock the account first: a dispute that began waits, and the post behind it is refused."""
    account = funded(postgres, Money.parse("25.00"))
    deposit = deposit_of(postgres, account)

    def hold(session: Session) -> None:
        disputes.record(session, "sandbox", facts_of(deposit, DisputeState.OPEN), now=NOW)

    def refund() -> None:
        with postgres.transaction() as session:
            refunds.request_refund(session, account, deposit, TEN, now=NOW)

    assert isinstance(refused_while(postgres, hold, refund), errors.AccountFrozen)
    assert balance(postgres, rules.available(account)) == 15_000_000


def test_a_frozen_account_gets_no_refund_and_no_payout(database: Database) -> None:
    account = funded(database, Money.parse("25.00"))
    worker = owed(database, Money.parse("30.00"))
    freeze(database, account)
    freeze(database, worker)
    with database.transaction() as session:
        with pytest.raises(errors.AccountFrozen):
            refunds.request_refund(session, account, deposit_of(database, account), TEN, now=NOW)
        with pytest.raises(errors.AccountFrozen):
            service.request_payout(session, worker, TEN, now=NOW)
    assert balance(database, rules.payable(worker)) == 30_000_000


def test_the_weeks_payouts_leave_frozen_accounts_out(database: Database) -> None:
    frozen, other = owed(database, Money.parse("30.00")), owed(database, Money.parse("40.00"))
    freeze(database, frozen)
    assert tasks.order_payouts(database, now=NOW, minimum=TEN) == 1
    assert [balance(database, rules.payable(each)) for each in (frozen, other)] == [30_000_000, 0]


def test_a_freeze_that_comes_first_holds_the_weeks_payout(postgres: Database) -> None:
    frozen, other = owed(postgres, Money.parse("30.00")), owed(postgres, Money.parse("40.00"))

    def hold(session: Session) -> None:
        accounts.freeze(session, frozen, "a look", now=NOW, actor="operator")

    def order() -> None:
        with postgres.transaction() as session:
            payouts.order_due(session, now=NOW, minimum=TEN)

    assert refused_while(postgres, hold, order) is None
    assert [balance(postgres, rules.payable(each)) for each in (frozen, other)] == [30_000_000, 0]


@pytest.mark.parametrize("how", ["frozen", "stopped"])
def test_no_card_is_charged_for_what_may_not_be_spent(database: Database, how: str) -> None:
    house, account = with_rule(database, "10.00", "20.00", "40.00")
    spend(house, account, "20.00")
    with database.transaction() as session:
        assert topups.low_accounts(session) == [account]
        if how == "frozen":
            accounts.freeze(session, account, "a look", now=NOW, actor="operator")
        else:
            session.get_one(Account, account).spending_stopped_at = NOW
            session.flush()
        assert topups.low_accounts(session) == []
        assert topups.fill(session, account, now=house.clock()) is None
    look(house)
    assert house.balance(rules.available(account)) == "5.00"
    with database.transaction() as session:
        accounts.unfreeze(session, account, now=NOW, actor="operator")
        session.get_one(Account, account).spending_stopped_at = None
    look(house)
    assert house.balance(rules.available(account)) == "25.00"


def test_a_closed_account_has_no_top_up_left(database: Database) -> None:
    """Closing lives with bounties; here is what it leans on."""
    house, account = with_rule(database, "10.00", "20.00", "40.00")
    spend(house, account, "20.00")
    with database.transaction() as session:
        key = accounts.issue_key(session, session.get_one(Account, account), now=NOW).key
        accounts.close(session, session.get_one(ApiKey, key.id), now=NOW)
        assert topups.low_accounts(session) == []
        assert topups.fill(session, account, now=NOW) is None
