"""Which rails this house has: opened once by each root, from its settings."""

from __future__ import annotations

from core.config import Settings
from core.db import Database
from core.errors import Unavailable
from payments.rails import Rail
from payments.rails.opening import open_stripe
from payments.rails.sandbox import SandboxRail
from payments.rails.stripe import StripeRail


def open_rails(settings: Settings, database: Database) -> dict[str, Rail]:
    """The rails, by name. The sandbox is always there, for what was begun on it.

    Raises:
        Unavailable: the settings ask for Stripe and give no key.
    """
    rails: dict[str, Rail] = {"sandbox": SandboxRail(database)}
    opened = stripe_of(settings, database)
    if opened is not None:
        rails[opened.name] = opened
    return rails


def stripe_of(settings: Settings, database: Database) -> StripeRail | None:
    """The Stripe rail; None where there is no key for it.

    Raises:
        Unavailable: it is the rail in force, and there is no key.
    """
    key = settings.stripe_secret_key.get_secret_value()
    if not key and settings.rail == "stripe":
        raise Unavailable("SPOTCHECK_RAIL is stripe, and SPOTCHECK_STRIPE_SECRET_KEY is empty")
    if not key:
        return None
    base, back = settings.stripe_api_base, settings.return_url
    return open_stripe(database, key=key, api_base=base, return_url=back)
