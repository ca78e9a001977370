"""Which rails this house has: opened once by each root, from its settings."""

from __future__ import annotations

from sqlalchemy import inspect

from core.config import Settings
from core.db import Database
from core.errors import Unavailable
from payments import service as payments
from payments.rails import Rail
from payments.rails.opening import open_stripe
from payments.rails.sandbox import SandboxRail
from payments.rails.stripe import StripeRail
from payments.tables import LedgerAccount


def open_rails(settings: Settings, database: Database) -> dict[str, Rail]:
    """The rails, by name. The sandbox is always there, for what was begun on it.

    Raises:
        Unavailable: as `stripe_of`.
    """
    rails: dict[str, Rail] = {"sandbox": SandboxRail(database)}
    opened = stripe_of(settings, database)
    if opened is not None:
        rails[opened.name] = opened
    return rails


def stripe_of(settings: Settings, database: Database) -> StripeRail | None:
    """The Stripe rail; None where there is no key for it.

    Raises:
        Unavailable: it is the rail in force, and there is no key, or there is play money in the books.
    """
    key = settings.stripe_secret_key.get_secret_value()
    if not key and settings.rail == "stripe":
        raise Unavailable("SPOTCHECK_RAIL is stripe, and SPOTCHECK_STRIPE_SECRET_KEY is empty")
    if not key:
        return None
    if settings.rail == "stripe":
        refuse_play_money(database)
    base, back = settings.stripe_api_base, settings.return_url
    return open_stripe(database, key=key, api_base=base, return_url=back)


def refuse_play_money(database: Database) -> None:
    """A balance from the sandbox looks like any other: it would be paid out in real money.

    Raises:
        Unavailable: there is some in this database. Real money needs a database of its own.
    """
    if not inspect(database.engine).has_table(LedgerAccount.__tablename__):
        return  # not migrated yet
    with database.reading() as session:
        if payments.has_play_money(session):
            raise Unavailable(
                "SPOTCHECK_RAIL is stripe, and this database holds the sandbox's money",
                hint="Give Stripe a database of its own, or pay out and refund all that the sandbox made.",
            )
