"""Escrow: money set aside in our own ledger, released or refunded slot by slot, once.

hold:    each payer's available -> the escrow's account, slots * (price + fee) in all
release: the escrow's account -> the contributor (price) and the market (fee), for one held slot
refund:  the escrow's account -> the payers, for held slots, by what each still has in it

A slot leaves `held` by one conditional UPDATE: of any number of racing releases and refunds one wins.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import errors
from core.db import insert_once
from core.ids import new_id
from core.money import Money, split
from payments import ledger, rules
from payments.rules import Leg, SlotState
from payments.tables import Escrow, EscrowPayer, EscrowSlot, Maturity

MAX_SLOTS = 1000
MAX_PAYERS = 100


@dataclass(frozen=True, slots=True)
class Released:
    """A slot that paid.

    Attributes:
        transfer_key: the posting in the ledger; what a receipt names.
        matures_at: when the reward becomes payable; None when it is payable now.
    """

    transfer_key: str
    reward: Money
    fee: Money
    matures_at: datetime | None


@dataclass(frozen=True, slots=True)
class Refunded:
    """Slots given back: what each payer (account id) got, zero shares left out."""

    transfer_key: str
    shares: dict[str, Money]


def hold(
    session: Session,
    *,
    subject: str,
    payers: Sequence[tuple[str, Money]],
    price: Money,
    fee: Money,
    slots: int,
    now: datetime,
) -> Escrow:
    """Sets money aside for a subject (a bounty). Holding the same terms again gives the first escrow.

    Args:
        payers: (account id, what it puts in), 1..100 of them, each > 0, summing to slots * (price + fee).
        price: what one slot pays its contributor, > 0.
        fee: the market's part on top, >= 0.
        slots: 1..1000.

    Raises:
        BadInput: terms out of range, or the payers' sum is not the total.
        InsufficientFunds: a payer has less than it puts in.
        IdempotencyConflict: the subject has an escrow on other terms.
    """
    if not (1 <= slots <= MAX_SLOTS and 1 <= len(payers) <= MAX_PAYERS and price.micros > 0):
        raise errors.BadInput(f"an escrow has 1..{MAX_SLOTS} slots, 1..{MAX_PAYERS} payers and a price")
    total = (price.micros + fee.micros) * slots
    if sum(amount.micros for _, amount in payers) != total or len(dict(payers)) != len(payers):
        raise errors.BadInput("the payers, each named once, put in exactly slots * (price + fee)")
    row = {
        "id": new_id("esc"),
        "subject": subject,
        "price": price.micros,
        "fee": fee.micros,
        "slots": slots,
        "opened_at": now,
    }
    if not insert_once(session, Escrow, row, ["subject"]):
        return _same_terms(session, subject, payers, price, fee, slots)
    held = session.get_one(Escrow, row["id"])
    legs = [Leg(rules.available(account), rules.escrow(held.id), amount) for account, amount in payers]
    ledger.post(session, f"hold:{held.id}", legs, now=now)
    session.add_all(
        EscrowPayer(escrow=held.id, account=account, amount=amount.micros, refunded=0)
        for account, amount in payers
    )
    session.add_all(
        EscrowSlot(escrow=held.id, slot=slot, state=SlotState.HELD.value, contributor=None, moved_at=None)
        for slot in range(slots)
    )
    session.flush()
    return held


def release(
    session: Session,
    escrow_id: str,
    slot: int,
    contributor: str,
    *,
    hold_back_until: datetime | None,
    now: datetime,
) -> Released:
    """Pays a held slot: price to the contributor, fee to the market.

    Args:
        slot: 0..slots-1.
        contributor: account id.
        hold_back_until: pending until then; None, or a time not after `now`, pays into payable.

    Raises:
        NotFound: no such escrow.
        StateConflict: the slot is not held (released or refunded before), or there is no such slot.
    """
    terms = _terms(session, escrow_id)
    moved = _leave_held(session, escrow_id, [slot], SlotState.RELEASED, contributor, now)
    if moved != {slot}:
        raise errors.StateConflict("that slot is not held", escrow=escrow_id, slot=slot)
    price, fee = Money(terms.price), Money(terms.fee)
    matures_at = hold_back_until if hold_back_until is not None and hold_back_until > now else None
    key = f"release:{escrow_id}:{slot}"
    legs = [Leg(rules.escrow(escrow_id), _earned(contributor, matures_at), price)]
    if fee.micros:
        legs.append(Leg(rules.escrow(escrow_id), rules.REVENUE_FEE, fee))
    ledger.post(session, key, legs, now=now)
    _note_maturity(session, key, contributor, price, matures_at)
    return Released(key, price, fee, matures_at)


def refund(session: Session, escrow_id: str, slots: Collection[int], *, now: datetime) -> Refunded:
    """Gives the money of held slots back to the payers, price and fee, all of them or none.

    Shares are by what each payer still has in the escrow (largest remainder), so that no payer ever
    gets back more than it put in, however many refunds there are.

    Raises:
        NotFound: no such escrow.
        StateConflict: one of the slots is not held.
        BadInput: no slot is named.
    """
    if not slots:
        raise errors.BadInput("a refund names slots")
    terms = _terms(session, escrow_id, lock=True)
    moved = _leave_held(session, escrow_id, slots, SlotState.REFUNDED, None, now)
    if moved != set(slots):
        raise errors.StateConflict("not all of those slots are held", escrow=escrow_id)
    amount = Money((terms.price + terms.fee) * len(moved))
    payers = session.scalars(
        select(EscrowPayer)
        .where(EscrowPayer.escrow == escrow_id)
        .order_by(EscrowPayer.account)
        .execution_options(populate_existing=True)
    ).all()
    shares: dict[str, Money] = {}
    for payer, share in zip(payers, split(amount, [p.amount - p.refunded for p in payers]), strict=True):
        if share.micros:
            payer.refunded += share.micros
            shares[payer.account] = share
    session.flush()
    # A slot is refunded once, so its number in the key is never used by another refund.
    key = f"refund:{escrow_id}:{min(moved)}"
    legs = [
        Leg(rules.escrow(escrow_id), rules.available(account), share) for account, share in shares.items()
    ]
    ledger.post(session, key, legs, now=now)
    return Refunded(key, shares)


def held_slots(session: Session, escrow_id: str) -> list[int]:
    """The slots whose money is still in the escrow, ascending."""
    return list(
        session.scalars(
            select(EscrowSlot.slot)
            .where(EscrowSlot.escrow == escrow_id, EscrowSlot.state == SlotState.HELD)
            .order_by(EscrowSlot.slot)
        )
    )


def pay_appeal(
    session: Session,
    *,
    subject: str,
    contributor: str,
    amount: Money,
    hold_back_until: datetime | None,
    now: datetime,
) -> Released:
    """Pays a won appeal from the market's own money, once per subject (a capture).

    For when the slot was refilled or refunded meanwhile; the buyer pays nothing and there is no fee.

    Raises:
        IdempotencyConflict: this subject's appeal was paid on other terms.
    """
    matures_at = hold_back_until if hold_back_until is not None and hold_back_until > now else None
    key = f"appeal:{subject}"
    leg = Leg(rules.EXPENSE_APPEALS, _earned(contributor, matures_at), amount)
    if not ledger.post(session, key, [leg], now=now).replayed:
        _note_maturity(session, key, contributor, amount, matures_at)
    return Released(key, amount, Money(0), matures_at)


def anything_matures(session: Session, now: datetime) -> bool:
    """Whether `mature` would find something to do."""
    due = select(Maturity.posting).where(Maturity.matured_at.is_(None), Maturity.matures_at <= now)
    return session.scalar(due.limit(1)) is not None


def mature(session: Session, now: datetime, *, limit: int = 200) -> int:
    """Makes earnings payable whose hold-back has passed, at most `limit`. Gives how many.

    Workers may run it side by side: each row is taken by one, and the order by contributor keeps
    their ledger locks in one order.
    """
    due = session.scalars(
        select(Maturity)
        .where(Maturity.matured_at.is_(None), Maturity.matures_at <= now)
        .order_by(Maturity.contributor, Maturity.posting)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    for earning in due:
        earning.matured_at = now
        source, target = rules.pending(earning.contributor), rules.payable(earning.contributor)
        key = f"mature:{earning.posting}"
        ledger.post(session, key, [Leg(source, target, Money(earning.amount))], now=now)
    session.flush()
    return len(due)


def _earned(contributor: str, matures_at: datetime | None) -> str:
    return rules.payable(contributor) if matures_at is None else rules.pending(contributor)


def _note_maturity(
    session: Session, key: str, contributor: str, amount: Money, matures_at: datetime | None
) -> None:
    if matures_at is None:
        return
    earning = Maturity(
        posting=key, contributor=contributor, amount=amount.micros, matures_at=matures_at, matured_at=None
    )
    session.add(earning)
    session.flush()


def _terms(session: Session, escrow_id: str, *, lock: bool = False) -> Escrow:
    """The escrow; locked when its payers' shares are about to change."""
    found = session.get(Escrow, escrow_id, with_for_update=lock or None)
    if found is None:
        raise errors.NotFound("no such escrow")
    return found


def _leave_held(
    session: Session,
    escrow_id: str,
    slots: Collection[int],
    to: SlotState,
    contributor: str | None,
    now: datetime,
) -> set[int]:
    """The guard: moves those of the slots that are held, and says which they were."""
    moved = session.scalars(
        update(EscrowSlot)
        .where(
            EscrowSlot.escrow == escrow_id,
            EscrowSlot.slot.in_(slots),
            EscrowSlot.state == SlotState.HELD,
        )
        .values(state=to.value, contributor=contributor, moved_at=now)
        .returning(EscrowSlot.slot)
        .execution_options(synchronize_session=False)
    )
    return set(moved)


def _same_terms(
    session: Session, subject: str, payers: Sequence[tuple[str, Money]], price: Money, fee: Money, slots: int
) -> Escrow:
    """The subject's escrow, if it is on these terms."""
    found = session.scalars(select(Escrow).where(Escrow.subject == subject)).one()
    rows = session.execute(
        select(EscrowPayer.account, EscrowPayer.amount).where(EscrowPayer.escrow == found.id)
    )
    there = {row.account: row.amount for row in rows}
    asked = {account: amount.micros for account, amount in payers}
    if (found.price, found.fee, found.slots, there) != (price.micros, fee.micros, slots, asked):
        raise errors.IdempotencyConflict("this subject has an escrow on other terms", escrow=found.id)
    return found
