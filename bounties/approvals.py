"""Approvals: a limited key asks for one post over its threshold, its account says yes, it posts it once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from bounties import rules
from bounties.rules import ApprovalState, Ask
from bounties.tables import Approval
from core import errors, states
from core.accounts import service as accounts
from core.accounts.tables import ApiKey
from core.ids import new_id
from core.money import Money


@dataclass(frozen=True, slots=True)
class Named:
    """The approval that a post names, and the hash of the post itself."""

    approval: str
    request_hash: str


def record(
    session: Session,
    key: ApiKey,
    ask: Ask,
    amount: Money,
    *,
    request: Mapping[str, Any],
    request_hash: str,
    now: datetime,
) -> Approval:
    """Writes down what a key asks its account to approve. The ask was checked before; nothing is held."""
    made = Approval(
        id=new_id("apr"),
        account=key.account,
        key=key.id,
        status=ApprovalState.WAITING.value,
        request=dict(request),
        request_hash=request_hash,
        amount=amount.micros,
        summary=rules.summary(ask, amount),
        created_at=now,
        lapses_at=now + rules.APPROVAL_LASTS,
        decided_by=None,
        decided_at=None,
        bounty=None,
    )
    session.add(made)
    states.began(
        session, made, now=now, tenant=key.account, actor=key.account, key=key.id, amount=str(amount)
    )
    return made


def own_approval(session: Session, account: str, approval_id: str) -> Approval:
    """An approval of this account.

    Raises:
        NotFound: another's, or none.
    """
    found = session.get(Approval, approval_id)
    if found is None or found.account != account:
        raise errors.NotFound("no such approval")
    return found


def list_approvals(
    session: Session, account: str, *, status: ApprovalState | None, after: str | None, limit: int
) -> list[Approval]:
    """An account's approvals, newest first; `after` is the last id of the page before."""
    found = select(Approval).where(Approval.account == account).order_by(Approval.id.desc()).limit(limit)
    if status is not None:
        found = found.where(Approval.status == status.value)
    if after is not None:
        found = found.where(Approval.id < after)
    return list(session.scalars(found))


def decide(session: Session, by: ApiKey, approval_id: str, to: ApprovalState, *, now: datetime) -> Approval:
    """Approves or refuses what a key of the account of `by` asked for.

    Raises:
        NotFound: not this account's.
        Forbidden, SpendingStopped: `by` is under limits, or stopped.
        StateConflict: decided before, or lapsed.
    """
    approval = own_approval(session, by.account, approval_id)
    accounts.require_unlimited(by)
    _require_live(approval, now)
    approval.decided_by, approval.decided_at = by.id, now
    _move(session, approval, to, now, key=by.id)
    return approval


def use(session: Session, key: ApiKey, named: Named, amount: Money, *, now: datetime) -> Approval:
    """Uses an approval up, in the transaction that holds the money: of any number of posts one gets it.

    Raises:
        NotFound: not this account's.
        ApprovalRequired: another key asked for it, or it is for another request or amount.
        StateConflict: not approved (yet), used, or lapsed.
    """
    approval = own_approval(session, key.account, named.approval)
    if approval.key != key.id:
        raise errors.ApprovalRequired("another key asked for that approval")
    if approval.request_hash != named.request_hash or approval.amount != amount.micros:
        raise errors.ApprovalRequired(
            "that approval is for another request", amount=str(amount), approved=str(Money(approval.amount))
        )
    _require_live(approval, now)
    _move(session, approval, ApprovalState.USED, now)
    return approval


def lapse(session: Session, approval_id: str, *, now: datetime) -> bool:
    """Ends an approval whose time has passed. False when there is nothing to do."""
    approval = session.get_one(Approval, approval_id, with_for_update=True, populate_existing=True)
    if approval.status not in rules.LIVE_APPROVALS or approval.lapses_at > now:
        return False
    _move(session, approval, ApprovalState.LAPSED, now, actor="sweeper")
    return True


def due(session: Session, now: datetime, *, limit: int) -> list[str]:
    """Approvals whose time has passed and that nobody ended."""
    passed = Approval.status.in_(sorted(rules.LIVE_APPROVALS)) & (Approval.lapses_at <= now)
    return list(session.scalars(select(Approval.id).where(passed).limit(limit)))


def status_at(approval: Approval, now: datetime) -> ApprovalState:
    """Where an approval is: one whose time has passed has lapsed, whether or not it was swept."""
    status = ApprovalState(approval.status)
    return ApprovalState.LAPSED if status in rules.LIVE_APPROVALS and approval.lapses_at <= now else status


def _require_live(approval: Approval, now: datetime) -> None:
    if status_at(approval, now) is ApprovalState.LAPSED:
        raise errors.StateConflict(
            "that approval has lapsed", hint="Ask for another.", status=ApprovalState.LAPSED.value
        )


def _move(
    session: Session,
    approval: Approval,
    to: ApprovalState,
    now: datetime,
    *,
    actor: str = "",
    **facts: errors.Fact,
) -> None:
    states.move(
        session,
        approval,
        to,
        rules.APPROVAL,
        now=now,
        tenant=approval.account,
        actor=actor or approval.account,
        **facts,
    )
