"""Closing an account: only when it holds nothing, and nothing that is under way could still pay it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bounties.rules import CaptureState, ClaimState, SlotState
from bounties.tables import Bounty, Capture, Claim, Slot
from core import errors
from core.accounts import service as accounts
from core.accounts.tables import Account, ApiKey
from payments import service as payments
from payments import topups

_UNDER_WAY = (CaptureState.SUBMITTED, CaptureState.EXAMINING, CaptureState.REVIEW, CaptureState.APPEALED)


def close_account(session: Session, by: ApiKey, *, now: datetime) -> Account:
    """Closes the account of `by` for good; all its keys end.

    Raises:
        StateConflict: it holds money, or bounties, claims or captures of it are not settled: see facts.
        AccountFrozen; Forbidden, SpendingStopped: as `accounts.close`.
    """
    # Alone with the account: nothing is posted, claimed or ordered beside this. What is under way is looked
    # at before money, so that what settles between the two looks is seen as one or the other.
    accounts.lock(session, by.account)
    left = _left(session, by.account, now)
    if any(left.values()):
        raise errors.StateConflict(
            "this account is not settled yet",
            hint="Cancel bounties, finish or abandon claims, pay out; close when facts are all zero. "
            "A bank may send a payout or a refund back within ten days (may_come_back).",
            **left,
        )
    topups.end_rule(session, by.account)
    return accounts.close(session, by, now=now)


def _left(session: Session, account: str, now: datetime) -> dict[str, errors.Fact]:
    bounties = (
        select(func.count(Bounty.id.distinct()))
        .join(Slot, Slot.bounty == Bounty.id)
        .where(Bounty.account == account, Slot.status != SlotState.CLOSED.value)
    )
    claims = select(func.count()).where(Claim.account == account, Claim.status == ClaimState.ACTIVE.value)
    captures = select(func.count()).where(Capture.account == account, Capture.status.in_(_UNDER_WAY))
    left: dict[str, errors.Fact] = {
        "bounties": session.scalar(bounties),
        "claims": session.scalar(claims),
        "captures": session.scalar(captures),
        "operations": payments.open_operations(session, account),
        # What came back to a closed account could never be paid out again.
        "may_come_back": payments.may_come_back(session, account, now=now),
    }
    money = payments.balances(session, account)
    amounts = {
        "available": money.available,
        "held": money.held,
        "pending": money.pending,
        "payable": money.payable,
        "in_payout": money.in_payout,
    }
    return left | {name: str(amount) for name, amount in amounts.items() if amount.micros}
