"""What a key may spend, and the switches that stop it. Counted in the transaction that holds the money.

Every cap is one conditional UPDATE, so that any number of parallel posts stay under it. Locks are taken
in one order: the account, the key, its windows; then the ledger's.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import errors, geo, states
from core.accounts import rules, service
from core.accounts.rules import Purchase, Span
from core.accounts.tables import Account, ApiKey, SpendWindow
from core.db import insert_once
from core.money import Money


def check(session: Session, key: ApiKey, purchase: Purchase) -> None:
    """Refuses what this key may not buy whatever the hour. Counts nothing.

    Raises:
        AccountFrozen, AccountClosed, SpendingStopped.
        SpendLimitReached: too much for one bounty, of another kind, or outside the fence.
    """
    account = service.require_open(session, key.account)
    if account.spending_stopped_at is not None:
        raise errors.SpendingStopped("all spending of this account was stopped", stopped="account")
    if key.stopped_at is not None:
        raise errors.SpendingStopped("this key was stopped", stopped="key")
    limits = key.limits
    if limits.per_bounty is not None and purchase.amount > limits.per_bounty:
        raise _reached("per_bounty", limits.per_bounty)
    if limits.kinds is not None and purchase.kind not in limits.kinds:
        raise _elsewhere("kinds", limits.kinds)
    if limits.cells is not None and not geo.inside_fence(purchase.spot, limits.cells):
        raise _elsewhere("cells", limits.cells)


def spend(
    session: Session, key: ApiKey, purchase: Purchase, *, approved: bool = False, now: datetime
) -> None:
    """Counts a purchase against all limits of a key, in the caller's transaction, race-free.

    Args:
        approved: an approval of exactly this purchase is used in the same transaction.

    Raises:
        As `check`.
        ApprovalRequired: it costs more than the key may spend unasked.
        SpendLimitReached: a cap would be passed; nothing is counted once the caller rolls back.
    """
    check(session, key, purchase)
    limits = key.limits
    if limits.approve_over is not None and purchase.amount > limits.approve_over and not approved:
        raise errors.ApprovalRequired(
            "this post costs more than the key may spend unasked",
            amount=str(purchase.amount),
            approve_over=str(limits.approve_over),
        )
    _count_total(session, key, purchase.amount)
    for span, cap in ((Span.HOUR, limits.per_hour), (Span.DAY, limits.per_day)):
        _count_window(session, key, span, cap, purchase.amount, now)


def _count_total(session: Session, key: ApiKey, amount: Money) -> None:
    counted = session.execute(
        update(ApiKey)
        .where(ApiKey.id == key.id, ApiKey.revoked_at.is_(None), ApiKey.stopped_at.is_(None))
        .where((ApiKey.limit_total.is_(None)) | (ApiKey.spent_total + amount.micros <= ApiKey.limit_total))
        .values(spent_total=ApiKey.spent_total + amount.micros)
        .returning(ApiKey.id)
        .execution_options(synchronize_session=False)
    ).first()
    if counted is None:
        session.refresh(key)
        service.require_not_revoked(key)
        if key.stopped_at is not None:
            raise errors.SpendingStopped("this key was stopped", stopped="key")
        raise _reached("total", key.limits.total or Money(0))


def _count_window(
    session: Session, key: ApiKey, span: Span, cap: Money | None, amount: Money, now: datetime
) -> None:
    """Counted without a cap too: `GET /v1/me` says what was spent."""
    row = {"key": key.id, "span": span.value, "start": rules.window_of(span, now)}
    insert_once(session, SpendWindow, {**row, "spent": 0}, list(row))
    window = update(SpendWindow).filter_by(**row)
    if cap is not None:
        window = window.where(SpendWindow.spent + amount.micros <= cap.micros)
    counted = session.execute(
        window.values(spent=SpendWindow.spent + amount.micros)
        .returning(SpendWindow.key)
        .execution_options(synchronize_session=False)
    ).first()
    if counted is None:
        raise _reached(f"per_{span.value}", cap or Money(0))


def spent(session: Session, key: ApiKey, *, now: datetime) -> dict[Span, Money]:
    """What a key has spent in the current UTC hour and day."""
    current = {span: rules.window_of(span, now) for span in Span}
    rows = session.scalars(
        select(SpendWindow).where(SpendWindow.key == key.id, SpendWindow.start.in_(current.values()))
    )
    found = {row.span: Money(row.spent) for row in rows}
    return {span: found.get(span.value, Money(0)) for span in Span}


def stop_key(session: Session, by: ApiKey, key_id: str, *, now: datetime) -> ApiKey:
    """Stops a key of the account of `by`: it posts nothing more until it is started. Again is fine.

    A key may stop itself, unless no other could start it again.

    Raises:
        NotFound: no such key of this account.
        Forbidden, SpendingStopped: as `service.require_rule`, for another key than `by`.
        StateConflict: nobody could lift it.
    """
    key = _locked(session, by, key_id)
    if key.id != by.id:
        service.require_rule(by, key)
    elif not any(_could_start(other, key) for other in service.keys_of(session, by.account)):
        raise errors.StateConflict(
            "no other key of this account could start this one again",
            hint="Stop all spending instead (POST /v1/me/spending/stop), or make another key first.",
            status="live",
        )
    if key.stopped_at is None:
        key.stopped_at = now
        _note(session, by, "api_keys", key.id, "stopped", now)
    return key


def start_key(session: Session, by: ApiKey, key_id: str, *, now: datetime) -> ApiKey:
    """Starts a stopped key again. A key that has limits, or is stopped itself, starts none.

    Raises:
        NotFound: no such key of this account.
        Forbidden, SpendingStopped: as `service.require_rule`.
    """
    key = _locked(session, by, key_id)
    service.require_rule(by, key)
    if key.stopped_at is not None:
        key.stopped_at = None
        _note(session, by, "api_keys", key.id, "started", now)
    return key


def stop_all(session: Session, by: ApiKey, *, now: datetime) -> Account:
    """Stops all spending of an account. Any key that may spend may pull this brake. Again is fine."""
    account = service.lock(session, by.account)
    if account.spending_stopped_at is None:
        account.spending_stopped_at = now
        _note(session, by, "accounts", account.id, "spending_stopped", now)
    return account


def start_all(session: Session, by: ApiKey, *, now: datetime) -> Account:
    """Lets an account spend again; its stopped keys stay stopped.

    Raises:
        Forbidden, SpendingStopped: `by` has limits, or is stopped itself.
    """
    account = service.lock(session, by.account)
    session.refresh(by)
    service.require_unlimited(by)
    if account.spending_stopped_at is not None:
        account.spending_stopped_at = None
        _note(session, by, "accounts", account.id, "spending_started", now)
    return account


def require_going(session: Session, key: ApiKey) -> None:
    """As `require_live`, of an account that may trade. A stopped key that could make another would not be.

    Raises:
        SpendingStopped, Unauthenticated, AccountFrozen, AccountClosed.
    """
    service.require_open(session, key.account)
    require_live(session, key)


def require_live(session: Session, key: ApiKey) -> None:
    """Refuses a key that was stopped or revoked, and lets nobody do either before the end of the transaction.

    Raises:
        SpendingStopped. Unauthenticated: it was revoked. AccountClosed.
    """
    service.require_not_closed(session, key.account)  # whoever stops or revokes a key locks it too
    session.refresh(key)
    service.require_not_revoked(key)
    if key.stopped_at is not None:
        raise errors.SpendingStopped("this key was stopped", stopped="key")


def _locked(session: Session, by: ApiKey, key_id: str) -> ApiKey:
    """The key, with `by` as it is now: stops and starts of one account are one after another.

    Else a key could start itself in the moment in which another stops it.
    """
    service.lock(session, by.account)
    session.refresh(by)
    return service.own_key(session, by.account, key_id)


def _could_start(other: ApiKey, key: ApiKey) -> bool:
    able = not other.has_limits() and other.stopped_at is None and set(key.scopes) <= set(other.scopes)
    return able and other.id != key.id


def _note(session: Session, by: ApiKey, kind: str, subject: str, after: str, now: datetime) -> None:
    session.flush()
    states.record(session, kind, subject, None, after, now, by.account, by.account, {"by": by.id})


def _reached(which: str, cap: Money) -> errors.SpendLimitReached:
    return errors.SpendLimitReached(
        f"this key's {which} limit would be passed", limit=which, allowed=str(cap)
    )


def _elsewhere(which: str, allowed: tuple[str, ...]) -> errors.SpendLimitReached:
    return errors.SpendLimitReached(
        f"this key's {which} do not hold that bounty's",
        hint="Post what facts.allowed names, or use another key.",
        limit=which,
        allowed=list(allowed),
    )
