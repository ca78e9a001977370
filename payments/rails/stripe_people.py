"""Who an account is at Stripe: a customer that pays, a connected account that is paid.

Rows of `rail_accounts`, written in transactions of their own: what Stripe made is kept at once, so that a
crash afterwards finds it; and made under an idempotency key of the account, so that one before does not
make two.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import stripe
from sqlalchemy import select
from sqlalchemy.orm import Session

from core import clock
from core.db import Database, insert_once
from payments.tables import RailAccount

RAIL = "stripe"


class Standing(NamedTuple):
    """Whether a connected account can be paid, what Stripe still asks for, and why it pays nothing out."""

    can_receive: bool
    requirements: tuple[str, ...] = ()
    disabled_reason: str | None = None


class People:
    """The map between our accounts and Stripe's."""

    def __init__(self, database: Database, client: stripe.StripeClient) -> None:
        self._database = database
        self._v1 = client.v1

    def customer(self, account: str) -> str:
        """The account's customer, made when there is none."""
        known = self.known_customer(account)
        if known is not None:
            return known
        made = self._v1.customers.create(
            {"metadata": {"account": account}}, {"idempotency_key": f"customer:{account}"}
        )
        self._keep(account, lambda row: setattr(row, "customer", made.id))
        return made.id

    def known_customer(self, account: str) -> str | None:
        """The account's customer, or None."""
        return self._read(account, lambda row: row.customer)

    def payer(self, account: str) -> tuple[str | None, str | None]:
        """The account's customer and its saved means of payment, each None when there is none."""
        return self.known_customer(account), self._read(account, lambda row: row.saved_method)

    def keep_method(self, account: str, method: str) -> None:
        """Remembers the means of payment of a checkout for later top-ups."""
        self._keep(account, lambda row: setattr(row, "saved_method", method))

    def destination(self, account: str) -> str | None:
        """The connected account that can be paid now, or None."""
        return self._read(account, lambda row: row.destination if row.can_receive else None)

    def known_destination(self, account: str) -> str | None:
        """The connected account, whether it can be paid or not."""
        return self._read(account, lambda row: row.destination)

    def account_of(self, destination: str) -> str | None:
        """Whose connected account it is, or None."""
        with self._database.reading() as session:
            return session.scalar(
                select(RailAccount.account).where(
                    RailAccount.rail == RAIL, RailAccount.destination == destination
                )
            )

    def onboarding_url(self, account: str, *, return_url: str) -> str:
        """A link at which a contributor tells Stripe who it is; makes the connected account first."""
        destination = self.known_destination(account)
        if destination is None:
            made = self._v1.accounts.create(
                {
                    "type": "express",
                    "capabilities": {"transfers": {"requested": True}},
                    "metadata": {"account": account},
                    # Payouts are ours to order: one a week, netted.
                    "settings": {"payouts": {"schedule": {"interval": "manual"}}},
                },
                {"idempotency_key": f"destination:{account}"},
            )
            destination = made.id
            self._keep(account, lambda row: setattr(row, "destination", made.id))
        link = self._v1.account_links.create(
            {
                "account": destination,
                "type": "account_onboarding",
                "return_url": return_url,
                "refresh_url": return_url,
            }
        )
        return str(link.url)

    def refresh(self, account: str) -> Standing:
        """Reads the connected account anew and keeps what it says."""
        destination = self.known_destination(account)
        if destination is None:
            return Standing(can_receive=False)
        found: Any = self._v1.accounts.retrieve(destination)
        needs = tuple(found.requirements.currently_due or ()) if found.requirements else ()
        disabled = found.requirements.disabled_reason if found.requirements else None
        active = getattr(found.capabilities, "transfers", None) == "active"
        standing = Standing(active and bool(found.payouts_enabled), needs, disabled)

        def note(row: RailAccount) -> None:
            row.can_receive = standing.can_receive
            row.requirements = list(needs)
            row.disabled_reason = disabled

        self._keep(account, note)
        return standing

    def _read(self, account: str, pick: Callable[[RailAccount], str | None]) -> str | None:
        with self._database.reading() as session:
            row = session.get(RailAccount, (RAIL, account))
            return pick(row) if row is not None else None

    def _keep(self, account: str, change: Callable[[RailAccount], None]) -> None:
        with self._database.transaction() as session:
            row = _row(session, account)
            change(row)
            row.seen_at = clock.now()


def _row(session: Session, account: str) -> RailAccount:
    values = {
        "rail": RAIL,
        "account": account,
        "can_receive": False,
        "requirements": [],
        "seen_at": clock.now(),
    }
    insert_once(session, RailAccount, values, ["rail", "account"])
    return session.get_one(RailAccount, (RAIL, account), with_for_update=True, populate_existing=True)
