"""Approvals: asked for with everything checked, decided by the owner, used once and for exactly that post."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from bounties import approvals, service, tasks
from bounties.approvals import Named
from bounties.rules import ApprovalState, Ask
from bounties.tables import Approval, Bounty
from core import errors
from core.accounts import service as accounts
from core.accounts import spending
from core.accounts.rules import Limits
from core.accounts.tables import Account, ApiKey
from core.db import Database
from core.money import Money
from core.states import History
from core.sweeper import Sweeper
from payments import rules as money
from tests.bounties import scene
from tests.bounties.scene import NOW
from tests.core.test_accounts import outcomes

OVER = Limits(approve_over=Money.parse("0.54"), total=Money.parse("50"))
HASH = "of this request"


def pair(database: Database, limits: Limits = OVER) -> tuple[str, str]:
    """An account's first key and one with limits: their ids."""
    with database.transaction() as session:
        owner = scene.new_agent(session)
        account = session.get_one(Account, owner.account)
        return owner.id, accounts.issue_key(session, account, now=NOW, limits=limits).key.id


def ask(database: Database, key: str, wanted: Ask | None = None) -> str:
    with database.transaction() as session:
        return service.ask_approval(
            session,
            session.get_one(ApiKey, key),
            wanted or scene.ask(),
            fee_basis_points=1000,
            request={"ask": "as asked"},
            request_hash=HASH,
            now=NOW,
        ).id


def decide(database: Database, key: str, approval: str, to: ApprovalState = ApprovalState.APPROVED) -> None:
    with database.transaction() as session:
        approvals.decide(session, session.get_one(ApiKey, key), approval, to, now=NOW)


def post(
    database: Database,
    key: str,
    approval: str | None = None,
    *,
    reward: str = "0.50",
    request_hash: str = HASH,
    after: timedelta = timedelta(0),
) -> str:
    named = Named(approval, request_hash) if approval is not None else None
    with database.transaction() as session:
        return service.post_bounty(
            session,
            session.get_one(ApiKey, key),
            scene.ask(reward, hours=48),
            fee_basis_points=1000,
            warranty_basis_points=0,
            now=NOW + after,
            named=named,
        ).id


def test_over_its_threshold_a_key_posts_with_an_approval_and_not_without(database: Database) -> None:
    owner, small = pair(database)
    with pytest.raises(errors.ApprovalRequired) as refused:
        post(database, small)
    assert refused.value.facts == {"amount": "0.55", "approve_over": "0.54"}
    assert "POST /v1/approvals" in refused.value.advice
    post(database, small, reward="0.49")
    approval = ask(database, small)
    with database.reading() as session:
        made = session.get_one(Approval, approval)
        assert (made.status, made.amount, made.lapses_at) == ("waiting", 550_000, NOW + timedelta(days=1))
        terms = "0.55 USD for 1 x photo at 0.50 plus fee, within 100 m of 35.70000,51.40000"
        assert made.summary == f"{terms}: The queue at the bakery"
        assert scene.balance(session, money.available(made.account)) == "99.461", "nothing is held for it"
        assert session.get_one(ApiKey, small).spent_total == 539_000
    decide(database, owner, approval)
    bounty = post(database, small, approval)
    with database.reading() as session:
        made = session.get_one(Approval, approval)
        assert (made.status, made.bounty, made.decided_by) == ("used", bounty, owner)
        told = session.scalars(select(History.after).where(History.subject == approval))
        assert list(told) == ["waiting", "approved", "used"]
    with pytest.raises(errors.StateConflict):
        post(database, small, approval)


def test_of_eight_posts_at_once_with_one_approval_one_succeeds(postgres: Database) -> None:
    owner, small = pair(postgres)
    approval = ask(postgres, small)
    decide(postgres, owner, approval)
    met = outcomes(8, lambda: post(postgres, small, approval))
    assert met.count(None) == 1
    assert met.count(errors.StateConflict) == 7
    with postgres.reading() as session:
        assert len(session.scalars(select(Bounty)).all()) == 1
        assert session.get_one(ApiKey, small).spent_total == 550_000


def test_a_post_that_fails_leaves_its_approval_to_be_used(database: Database) -> None:
    owner, small = pair(database)
    approval = ask(database, small)
    decide(database, owner, approval)
    with database.transaction() as session:
        spending.stop_key(session, session.get_one(ApiKey, owner), small, now=NOW)
    with pytest.raises(errors.SpendingStopped):
        post(database, small, approval)
    with database.transaction() as session:
        spending.start_key(session, session.get_one(ApiKey, owner), small, now=NOW)
    post(database, small, approval)


def test_an_approval_is_for_the_request_the_amount_and_the_key_it_was_asked_for(database: Database) -> None:
    owner, small = pair(database)
    approval = ask(database, small)
    decide(database, owner, approval)
    with database.transaction() as session:
        account = session.get_one(Account, session.get_one(ApiKey, owner).account)
        twin = accounts.issue_key(session, account, now=NOW, limits=OVER).key.id
    with pytest.raises(errors.ApprovalRequired, match="another request"):
        post(database, small, approval, request_hash="of another request")
    with pytest.raises(errors.ApprovalRequired, match="another request"):
        post(database, small, approval, reward="0.51")  # as when the fee has risen
    with pytest.raises(errors.ApprovalRequired, match="another key"):
        post(database, twin, approval)
    with pytest.raises(errors.NotFound):
        post(database, pair(database)[1], approval)
    with pytest.raises(errors.NotFound):
        post(database, small, "apr_" + "0" * 26)
    post(database, small, approval)


def test_what_is_not_approved_or_refused_or_late_is_not_used(database: Database) -> None:
    owner, small = pair(database)
    waiting, refused, late = (ask(database, small) for _ in range(3))
    decide(database, owner, refused, ApprovalState.REFUSED)
    decide(database, owner, late)
    for approval, status in ((waiting, "waiting"), (refused, "refused")):
        with pytest.raises(errors.StateConflict) as met:
            post(database, small, approval)
        assert met.value.facts["status"] == status
    with pytest.raises(errors.StateConflict, match="lapsed"):
        post(database, small, late, after=timedelta(days=1))
    post(database, small, late, after=timedelta(days=1) - timedelta(microseconds=1))


def test_an_approval_lapses_after_a_day_and_is_swept(database: Database) -> None:
    owner, small = pair(database)
    waiting, approved, refused = (ask(database, small) for _ in range(3))
    decide(database, owner, approved)
    decide(database, owner, refused, ApprovalState.REFUSED)
    end, sweeper = NOW + timedelta(days=1), Sweeper(database)
    assert tasks.lapse_approvals(sweeper, now=end - timedelta(microseconds=1)) == 0
    with database.reading() as session:
        assert approvals.status_at(session.get_one(Approval, waiting), end) == "lapsed"
        assert approvals.status_at(session.get_one(Approval, refused), end) == "refused"
    with pytest.raises(errors.StateConflict, match="lapsed"), database.transaction() as session:
        approvals.decide(session, session.get_one(ApiKey, owner), waiting, ApprovalState.APPROVED, now=end)
    assert tasks.lapse_approvals(sweeper, now=end) == 2
    assert tasks.lapse_approvals(sweeper, now=end) == 0
    with database.reading() as session:
        found = [session.get_one(Approval, each).status for each in (waiting, approved, refused)]
    assert found == ["lapsed", "lapsed", "refused"]


def test_a_key_with_limits_or_stopped_or_of_another_account_decides_nothing(database: Database) -> None:
    owner, small = pair(database)
    approval = ask(database, small)
    with database.transaction() as session:
        account = session.get_one(Account, session.get_one(ApiKey, owner).account)
        twin = accounts.issue_key(session, account, now=NOW).key.id
        spending.stop_key(session, session.get_one(ApiKey, owner), twin, now=NOW)
    stranger, _ = pair(database)
    for key, refusal in (
        (small, errors.Forbidden),
        (twin, errors.SpendingStopped),
        (stranger, errors.NotFound),
    ):
        for to in (ApprovalState.APPROVED, ApprovalState.REFUSED):
            with pytest.raises(refusal):
                decide(database, key, approval, to)
    decide(database, owner, approval)
    with pytest.raises(errors.StateConflict):
        decide(database, owner, approval, ApprovalState.REFUSED)


def test_an_approval_lifts_no_other_limit(database: Database) -> None:
    caps = Limits(approve_over=Money(0), per_hour=Money.parse("0.60"))
    owner, small = pair(database, caps)
    first, second = ask(database, small), ask(database, small)
    for approval in (first, second):
        decide(database, owner, approval)
    post(database, small, first)
    with pytest.raises(errors.SpendLimitReached, match="per_hour"):
        post(database, small, second)


@pytest.mark.parametrize(
    "limits",
    [
        Limits(approve_over=Money(0), per_bounty=Money.parse("0.54")),
        Limits(approve_over=Money(0), kinds=("stream",)),
        Limits(approve_over=Money(0), cells=("872a1072bffffff",)),
    ],
)
def test_nothing_is_asked_for_that_no_approval_could_allow(database: Database, limits: Limits) -> None:
    _, small = pair(database, limits)
    with pytest.raises(errors.SpendLimitReached):
        ask(database, small)
    _, free = pair(database)
    with pytest.raises(errors.PolicyRefused):
        ask(database, free, scene.ask(ask="Photo of her house"))
    with pytest.raises(errors.BadInput):
        ask(database, free, scene.ask(hours=-1))
    with database.reading() as session:
        assert session.scalars(select(Approval)).all() == []
