"""Escrow: money set aside in our own ledger, released or refunded slot by slot, once.

hold:     each payer's available -> the escrow's account, slots * (price + fee) in all
release:  the escrow's account -> the contributor (price), the market (fee less premium) and the
          warranty reserve (premium), for one held slot
refund:   the escrow's account -> the payers, for held slots, by what each still has in it
clawback: a release undone inside its hold-back, and its slot's money given to the payers

A slot leaves `held` by one conditional UPDATE: of any number of racing releases and refunds one wins.
Of a clawback and the reward's maturity one wins too (`earnings.py`).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from core import errors
from core.db import insert_once
from core.ids import new_id
from core.money import Money, split
from payments import earnings, ledger, rules
from payments.rules import Leg, SlotState
from payments.tables import Escrow, EscrowPayer, EscrowSlot

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


@dataclass(frozen=True, slots=True)
class ClawedBack:
    """A paid slot taken back from `contributor`: what each payer (account id) got, zero shares left out."""

    transfer_key: str
    contributor: str
    shares: dict[str, Money]


def hold(
    session: Session,
    *,
    subject: str,
    payers: Sequence[tuple[str, Money]],
    price: Money,
    fee: Money,
    premium: Money = Money(0),
    slots: int,
    now: datetime,
) -> Escrow:
    """Sets money aside for a subject (a bounty). Holding the same terms again gives the first escrow.

    Args:
        payers: (account id, what it puts in), 1..100 of them, each > 0, summing to slots * (price + fee).
        price: what one slot pays its contributor, > 0.
        fee: the market's part on top, >= 0.
        premium: the part of the fee that goes into the warranty reserve, 0..fee.
        slots: 1..1000.

    Raises:
        BadInput: terms out of range, or the payers' sum is not the total.
        InsufficientFunds: a payer has less than it puts in.
        IdempotencyConflict: the subject has an escrow on other terms.
    """
    if not (1 <= slots <= MAX_SLOTS and 1 <= len(payers) <= MAX_PAYERS and price.micros > 0):
        raise errors.BadInput(f"an escrow has 1..{MAX_SLOTS} slots, 1..{MAX_PAYERS} payers and a price")
    if premium > fee:
        raise errors.BadInput("the premium is a part of the fee")
    total = (price.micros + fee.micros) * slots
    if sum(amount.micros for _, amount in payers) != total or len(dict(payers)) != len(payers):
        raise errors.BadInput("the payers, each named once, put in exactly slots * (price + fee)")
    row = {
        "id": new_id("esc"),
        "subject": subject,
        "price": price.micros,
        "fee": fee.micros,
        "premium": premium.micros,
        "slots": slots,
        "opened_at": now,
    }
    if not insert_once(session, Escrow, row, ["subject"]):
        return _same_terms(session, row, payers)
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
    """Pays a held slot: price to the contributor, fee to the market and its warranty reserve.

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
    matures_at = earnings.held_back(hold_back_until, now)
    key = f"release:{escrow_id}:{slot}"
    hoard = rules.escrow(escrow_id)
    legs = [Leg(hoard, earnings.account(contributor, matures_at), price)]
    legs += [Leg(hoard, account, part) for account, part in _fee_parts(terms)]
    ledger.post(session, key, legs, now=now)
    earnings.note(session, key, contributor, price, matures_at)
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
    shares = _shares_back(session, terms, len(moved))
    # A slot is refunded once, so its number in the key is never used by another refund.
    key = f"refund:{escrow_id}:{min(moved)}"
    ledger.post(session, key, _to_payers(escrow_id, shares), now=now)
    return Refunded(key, shares)


def clawback(session: Session, escrow_id: str, slot: int, *, now: datetime) -> ClawedBack:
    """Takes a paid slot back while its reward is still pending; its whole price and fee go to the payers.

    The money returns the way it came, through the escrow, and from there by what each payer put in and
    has not got back, as in a refund.

    Raises:
        NotFound: no such escrow.
        StateConflict: the slot did not pay (facts.status: where its money is; `none`: no such slot), or
            the hold-back has passed, or there was none (facts.status: `payable`).
    """
    terms = _terms(session, escrow_id, lock=True)
    contributor = _leave_released(session, escrow_id, slot, now)
    earnings.revoke(session, f"release:{escrow_id}:{slot}", now)
    hoard = rules.escrow(escrow_id)
    legs = [Leg(rules.pending(contributor), hoard, Money(terms.price))]
    legs += [Leg(account, hoard, part) for account, part in _fee_parts(terms)]
    shares = _shares_back(session, terms, 1)
    key = f"clawback:{escrow_id}:{slot}"
    ledger.post(session, key, legs + _to_payers(escrow_id, shares), now=now)
    return ClawedBack(key, contributor, shares)


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
    matures_at = earnings.held_back(hold_back_until, now)
    key = f"appeal:{subject}"
    leg = Leg(rules.EXPENSE_APPEALS, earnings.account(contributor, matures_at), amount)
    if not ledger.post(session, key, [leg], now=now).replayed:
        earnings.note(session, key, contributor, amount, matures_at)
    return Released(key, amount, Money(0), matures_at)


def clawback_appeal(session: Session, subject: str, *, now: datetime) -> str:
    """Takes back what a won appeal was paid from the market's own money. Gives the posting's key.

    Raises:
        StateConflict: nothing of that subject is pending: never paid so, or payable by now.
    """
    earning = earnings.revoke(session, f"appeal:{subject}", now)
    key = f"clawback:appeal:{subject}"
    leg = Leg(rules.pending(earning.contributor), rules.EXPENSE_APPEALS, Money(earning.amount))
    ledger.post(session, key, [leg], now=now)
    return key


def _fee_parts(terms: Escrow) -> list[tuple[str, Money]]:
    """Where one slot's fee goes: (account, amount), nothing left out but nothings."""
    revenue, reserve = rules.fee_account(terms.id), rules.reserve_account(terms.id)
    parts = ((revenue, terms.fee - terms.premium), (reserve, terms.premium))
    return [(account, Money(micros)) for account, micros in parts if micros]


def _shares_back(session: Session, terms: Escrow, slots: int) -> dict[str, Money]:
    """Notes and gives what each payer gets of the money of so many slots, zero shares left out.

    By what each has put in and not got back (largest remainder): whatever the order and number of
    refunds and clawbacks, none gets back more than it put in. The escrow's row is locked.
    """
    payers = session.scalars(
        select(EscrowPayer)
        .where(EscrowPayer.escrow == terms.id)
        .order_by(EscrowPayer.account)
        .execution_options(populate_existing=True)
    ).all()
    amount = Money((terms.price + terms.fee) * slots)
    shares: dict[str, Money] = {}
    for payer, share in zip(payers, split(amount, [p.amount - p.refunded for p in payers]), strict=True):
        if share.micros:
            payer.refunded += share.micros
            shares[payer.account] = share
    session.flush()
    return shares


def _to_payers(escrow_id: str, shares: dict[str, Money]) -> list[Leg]:
    source = rules.escrow(escrow_id)
    return [Leg(source, rules.available(account), share) for account, share in shares.items()]


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


def _leave_released(session: Session, escrow_id: str, slot: int, now: datetime) -> str:
    """The guard of clawbacks: moves a released slot, and says who was paid for it."""
    contributor = session.scalar(
        update(EscrowSlot)
        .where(
            EscrowSlot.escrow == escrow_id, EscrowSlot.slot == slot, EscrowSlot.state == SlotState.RELEASED
        )
        .values(state=SlotState.CLAWED_BACK.value, moved_at=now)
        .returning(EscrowSlot.contributor)
        .execution_options(synchronize_session=False)
    )
    if contributor is None:
        where = select(EscrowSlot.state).where(EscrowSlot.escrow == escrow_id, EscrowSlot.slot == slot)
        status = session.scalar(where) or "none"
        raise errors.StateConflict("that slot did not pay, or does not any more", status=status, slot=slot)
    return contributor


def _same_terms(session: Session, row: dict[str, Any], payers: Sequence[tuple[str, Money]]) -> Escrow:
    """The subject's escrow, if it is on the terms of `row`."""
    found = session.scalars(select(Escrow).where(Escrow.subject == row["subject"])).one()
    rows = session.execute(
        select(EscrowPayer.account, EscrowPayer.amount).where(EscrowPayer.escrow == found.id)
    )
    there = {row.account: row.amount for row in rows}
    asked = {account: amount.micros for account, amount in payers}
    terms = ("price", "fee", "premium", "slots")
    if there != asked or any(getattr(found, name) != row[name] for name in terms):
        raise errors.IdempotencyConflict("this subject has an escrow on other terms", escrow=found.id)
    return found
