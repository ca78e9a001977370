"""Bounties: post, read, cancel, expire, and give a slot back. The only writer of bounties and slots."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from bounties import approvals, policy, rules
from bounties.rules import Ask, BountyState, Kind, SlotState
from bounties.tables import Approval, Bounty, Observation, Slot
from core import errors, geo, states
from core.accounts import spending
from core.accounts.rules import Purchase
from core.accounts.tables import ApiKey
from core.ids import new_id
from core.money import Money
from payments import escrow
from payments.rules import fee, premium
from verification.answers import schema_fault

# FOR NO KEY UPDATE. Claims and captures point at their bounty, and Postgres share-locks what a row points
# at when the row is written: under FOR UPDATE two verdicts at once would wait for each other.
BOUNTY_LOCK = {"key_share": True}


def post_bounty(
    session: Session,
    key: ApiKey,
    ask: Ask,
    *,
    fee_basis_points: int,
    warranty_basis_points: int,
    now: datetime,
    named: approvals.Named | None = None,
) -> Bounty:
    """Publishes an ask and holds its money, all or nothing. The warranty's part is taken out of the fee.

    Args:
        named: the approval that the post names; it is used up by the post.

    Raises:
        BadInput: times, tier or answer_schema that cannot be.
        PolicyRefused: an ask this market does not publish.
        SpendLimitReached, ApprovalRequired, SpendingStopped, AccountFrozen: the key may not.
        StateConflict: the named approval cannot be used. InsufficientFunds: the balance said no.
    """
    _check(ask, now)
    price, cut = ask.reward, fee(ask.reward, fee_basis_points)
    total = (price + cut).times(ask.slots)
    # A conditional change, and the first write: of many posts at once that name it, all but one end here.
    approval = approvals.use(session, key, named, total, now=now) if named else None
    spending.spend(session, key, _purchase(ask, total), approved=approval is not None, now=now)
    bounty_id = new_id("bty")
    payers = [(key.account, total)]
    held = escrow.hold(
        session,
        subject=bounty_id,
        payers=payers,
        price=price,
        fee=cut,
        premium=premium(price, cut, warranty_basis_points),
        slots=ask.slots,
        now=now,
    )
    bounty = _new_bounty(bounty_id, key.account, ask, cut, held.id, now)
    session.add(bounty)
    states.began(session, bounty, now=now, tenant=key.account, actor=key.account)
    session.add_all(
        Slot(id=f"{bounty_id}/{number}", bounty=bounty_id, number=number, status=SlotState.OPEN.value)
        for number in range(ask.slots)
    )
    if approval is not None:
        approval.bounty = bounty_id
    session.flush()
    return bounty


def ask_approval(
    session: Session,
    key: ApiKey,
    ask: Ask,
    *,
    fee_basis_points: int,
    request: Mapping[str, Any],
    request_hash: str,
    now: datetime,
) -> Approval:
    """Asks the key's account to approve a post, which is checked as the post will be. Holds nothing.

    Raises:
        BadInput, PolicyRefused: as `post_bounty`.
        SpendLimitReached: a limit that no approval lifts. SpendingStopped, AccountFrozen.
    """
    _check(ask, now)
    total = (ask.reward + fee(ask.reward, fee_basis_points)).times(ask.slots)
    spending.check(session, key, _purchase(ask, total))
    return approvals.record(session, key, ask, total, request=request, request_hash=request_hash, now=now)


def _purchase(ask: Ask, total: Money) -> Purchase:
    return Purchase(total, ask.kind.value, ask.area.centre)


def _new_bounty(bounty_id: str, account: str, ask: Ask, cut: Money, escrow_id: str, now: datetime) -> Bounty:
    return Bounty(
        id=bounty_id,
        account=account,
        status=BountyState.OPEN.value,
        kind=ask.kind.value,
        ask=ask.ask,
        terms=ask.terms(),
        lat=ask.area.centre.lat,
        lon=ask.area.centre.lon,
        cell=geo.cell(ask.area.centre),
        opens_at=ask.opens_at,
        closes_at=ask.closes_at,
        reward=ask.reward.micros,
        fee=cut.micros,
        slots=ask.slots,
        tier=ask.tier,
        escrow=escrow_id,
        created_at=now,
    )


def _check(ask: Ask, now: datetime) -> None:
    fault = rules.window_fault(ask, now)
    if fault is not None:
        raise errors.BadInput(fault)
    refused = policy.refusal(ask.ask, ask.purpose, *rules.texts_in(dict(ask.answer_schema)))
    if refused is not None:
        raise errors.PolicyRefused(refused.why, kind=refused.kind)
    _check_tier(ask)
    if fault := schema_fault(ask.answer_schema):
        raise errors.BadInput(fault)


def _check_tier(ask: Ask) -> None:
    most = rules.HIGHEST_TIER[ask.kind]
    cap = rules.TIERS[most].cap
    if ask.reward > cap or ask.tier > most:
        photo = "" if cap == rules.TIERS[rules.HIGHEST_TIER[Kind.PHOTO]].cap else ", or ask for a photo"
        raise errors.PolicyRefused(
            f"a {ask.kind.value} is not offered above tier {most}, a reward of {cap}",
            hint=f"Post it for at most {cap} and without a tier{photo}.",
            kind="tier",
            highest_tier=most,
            highest_reward=str(cap),
        )
    least = rules.tier_for(ask.reward)
    if ask.tier < least:
        raise errors.BadInput(f"a reward of {ask.reward} needs tier {least}", least=least)


def own_bounty(session: Session, account: str, bounty_id: str) -> Bounty:
    """A bounty of this account.

    Raises:
        NotFound: another's, or none.
    """
    bounty = session.get(Bounty, bounty_id)
    if bounty is None or bounty.account != account:
        raise errors.NotFound("no such bounty")
    return bounty


def progress(session: Session, account: str, bounty_id: str) -> tuple[str, int]:
    """The status of a bounty of this account, and how many observations it has: one cheap read.

    Raises:
        NotFound: another's, or none.
    """
    made = select(func.count()).where(Observation.bounty == Bounty.id).scalar_subquery()
    found = session.execute(
        select(Bounty.status, made).where(Bounty.id == bounty_id, Bounty.account == account)
    ).one_or_none()
    if found is None:
        raise errors.NotFound("no such bounty")
    return found[0], found[1]


def list_bounties(
    session: Session, account: str, *, status: BountyState | None, after: str | None, limit: int
) -> list[Bounty]:
    """An account's bounties, newest first; `after` is the last id of the page before."""
    found = select(Bounty).where(Bounty.account == account).order_by(Bounty.id.desc()).limit(limit)
    if status is not None:
        found = found.where(Bounty.status == status.value)
    if after is not None:
        found = found.where(Bounty.id < after)
    return list(session.scalars(found))


def open_slots(session: Session, bounty: Bounty) -> int:
    """How many slots can be claimed now."""
    if bounty.status != BountyState.OPEN:
        return 0
    counted = select(func.count()).where(Slot.bounty == bounty.id, Slot.status == SlotState.OPEN.value)
    return session.scalar(counted) or 0


def pending_slots(session: Session, bounty: Bounty) -> int:
    """How many slots are at work: reserved by a claim, or under judgement (review included)."""
    at_work = (SlotState.RESERVED.value, SlotState.JUDGED.value)
    return session.scalar(select(func.count()).where(Slot.bounty == bounty.id, Slot.status.in_(at_work))) or 0


def cancel_bounty(session: Session, account: str, bounty_id: str, *, now: datetime) -> Bounty:
    """Takes no more claims and refunds the open slots; what people are at work on still settles.

    Raises:
        NotFound: not this account's. StateConflict: it is over already.
    """
    bounty = own_bounty(session, account, bounty_id)
    states.move(session, bounty, BountyState.CANCELLED, rules.BOUNTY, now=now, tenant=account, actor=account)
    _refund_open(session, bounty, now)
    return bounty


def expire_bounty(session: Session, bounty_id: str, *, now: datetime) -> bool:
    """Ends a bounty whose window has passed and refunds its open slots. False when there is nothing to do."""
    bounty = session.get_one(Bounty, bounty_id, with_for_update=BOUNTY_LOCK, populate_existing=True)
    if bounty.status != BountyState.OPEN or bounty.closes_at > now:
        return False
    states.move(
        session, bounty, BountyState.EXPIRED, rules.BOUNTY, now=now, tenant=bounty.account, actor="sweeper"
    )
    _refund_open(session, bounty, now)
    return True


def take_slot(session: Session, bounty: Bounty, *, now: datetime, actor: str) -> Slot:
    """Reserves an open slot.

    Raises:
        NothingLeft: none is open.
    """
    first = (
        select(Slot)
        .where(Slot.bounty == bounty.id, Slot.status == SlotState.OPEN.value)
        .order_by(Slot.number)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    slot = session.scalars(first).one_or_none()
    if slot is None:
        raise errors.NothingLeft("every slot of this bounty is taken")
    move_slot(session, bounty, slot, SlotState.RESERVED, now=now, actor=actor)
    return slot


def free_slot(session: Session, bounty: Bounty, slot: Slot, *, now: datetime, actor: str) -> None:
    """Gives a slot back: to the next contributor while the bounty is open, else to the payer."""
    session.refresh(bounty, with_for_update=BOUNTY_LOCK)
    if bounty.status == BountyState.OPEN and bounty.closes_at > now:
        move_slot(session, bounty, slot, SlotState.OPEN, now=now, actor=actor)
        return
    move_slot(session, bounty, slot, SlotState.CLOSED, now=now, actor=actor)
    escrow.refund(session, bounty.escrow, [slot.number], now=now)


def fill_slot(session: Session, bounty: Bounty, slot: Slot, *, now: datetime, actor: str) -> None:
    """Closes a slot that was paid out; a bounty with no slot left at work is closed."""
    # Bounty before slot, here and in free_slot: one order of locks, no deadlock with cancel and expire.
    session.refresh(bounty, with_for_update=BOUNTY_LOCK)
    move_slot(session, bounty, slot, SlotState.CLOSED, now=now, actor=actor)
    left = select(func.count()).where(Slot.bounty == bounty.id, Slot.status != SlotState.CLOSED.value)
    if bounty.status == BountyState.OPEN and not session.scalar(left):
        states.move(
            session, bounty, BountyState.CLOSED, rules.BOUNTY, now=now, tenant=bounty.account, actor=actor
        )


def move_slot(
    session: Session, bounty: Bounty, slot: Slot, to: SlotState, *, now: datetime, actor: str
) -> None:
    """A slot's one way to change."""
    states.move(session, slot, to, rules.SLOT, now=now, tenant=bounty.account, actor=actor)


def _refund_open(session: Session, bounty: Bounty, now: datetime) -> None:
    """Refunds exactly the slots this transaction moved from OPEN to CLOSED."""
    closed = []
    found = select(Slot).where(Slot.bounty == bounty.id, Slot.status == SlotState.OPEN.value)
    for slot in session.scalars(found.order_by(Slot.number).with_for_update()):
        move_slot(session, bounty, slot, SlotState.CLOSED, now=now, actor="sweeper")
        closed.append(slot.number)
    if closed:
        escrow.refund(session, bounty.escrow, closed, now=now)
