"""Earnings inside their hold-back: pending, then payable when their time has come, or revoked before.

An earning ends by one conditional change of its row: of a maturity and a clawback that race, one wins.
"""

from __future__ import annotations

import logging
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import errors
from core.money import Money
from payments import ledger, rules
from payments.rules import Leg
from payments.tables import Maturity

_log = logging.getLogger(__name__)
# What may still end either way: every query that ends an earning asks for it.
_WAITING = (Maturity.matured_at.is_(None), Maturity.revoked_at.is_(None))


def held_back(until: datetime | None, now: datetime) -> datetime | None:
    """When an earning matures; None when it is payable now."""
    return until if until is not None and until > now else None


def account(contributor: str, matures_at: datetime | None) -> str:
    """The account an earning is paid into."""
    return rules.payable(contributor) if matures_at is None else rules.pending(contributor)


def note(session: Session, key: str, contributor: str, amount: Money, matures_at: datetime | None) -> None:
    """Notes that what the posting `key` paid matures later; nothing when it is payable now."""
    if matures_at is None:
        return
    earning = Maturity(
        posting=key,
        contributor=contributor,
        amount=amount.micros,
        matures_at=matures_at,
        matured_at=None,
        revoked_at=None,
    )
    session.add(earning)
    session.flush()


def revoke(session: Session, posting: str, now: datetime) -> Maturity:
    """Ends a waiting earning before its time; the caller posts where its money goes.

    A sweeper that is late does not lengthen the window: what the contributor was promised counts.

    Raises:
        StateConflict: it is payable (facts.status), revoked before, or there was no hold-back.
    """
    revoked = session.scalar(
        update(Maturity)
        .where(Maturity.posting == posting, *_WAITING, Maturity.matures_at > now)
        .values(revoked_at=now)
        .returning(Maturity)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    if revoked is None:
        raise errors.StateConflict("that reward is not held back, or not any more", status="payable")
    return revoked


def anything_matures(session: Session, now: datetime) -> bool:
    """Whether `mature` would find something to do."""
    due = select(Maturity.posting).where(*_WAITING, Maturity.matures_at <= now)
    return session.scalar(due.limit(1)) is not None


def mature(session: Session, now: datetime, *, limit: int = 200) -> int:
    """Makes earnings payable whose hold-back has passed, at most `limit`. Gives how many.

    Workers may run it side by side: each row is taken by one, and the order by contributor keeps
    their ledger locks in one order. One that the books refuse (its row was altered) is told and left out.
    """
    due = session.scalars(
        select(Maturity)
        .where(*_WAITING, Maturity.matures_at <= now)
        .order_by(Maturity.contributor, Maturity.posting)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    done = 0
    for earning in due:
        try:
            with session.begin_nested():  # one that is not as it was written keeps nobody else waiting
                _mature(session, earning, now)
            done += 1
        except errors.SpotcheckError as error:
            _log.error("the earning of %s does not mature: %s", earning.posting, error)
    session.flush()
    return done


def _mature(session: Session, earning: Maturity, now: datetime) -> None:
    earning.matured_at = now
    source, target = rules.pending(earning.contributor), rules.payable(earning.contributor)
    key = f"mature:{earning.posting}"
    ledger.post(session, key, [Leg(source, target, Money(earning.amount))], now=now)
