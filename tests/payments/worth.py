"""Contributors who are owed money, earned as everybody earns it: by a slot that was released."""

from __future__ import annotations

from core.db import Database
from core.money import Money
from payments import escrow
from tests.payments.traders import NOW, funded, trader


def owed(database: Database, amount: Money, worker: str | None = None) -> str:
    """A contributor (or this one) with `amount` more payable. The escrow's subject is the contributor."""
    buyer = funded(database, Money(-(-amount.micros // 10_000) * 10_000))
    name = worker or trader(database)
    with database.transaction() as session:
        made = escrow.hold(
            session,
            subject=name if worker is None else buyer,
            payers=[(buyer, amount)],
            price=amount,
            fee=Money(0),
            slots=1,
            now=NOW,
        )
        escrow.release(session, made.id, 0, name, hold_back_until=None, now=NOW)
    return name
