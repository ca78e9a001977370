"""Opening Stripe: the SDK's client as this house uses it."""

from __future__ import annotations

import stripe

from core.db import Database
from payments.rails.stripe import StripeRail

TIMEOUT_S = 20.0  # with one retry still less than a worker's lease


def open_stripe(database: Database, *, key: str, api_base: str, return_url: str) -> StripeRail:
    """The Stripe rail.

    Args:
        key: a secret or restricted API key.
        api_base: another address of the API, or "" for Stripe's own.
        return_url: where Stripe's pages send people back to.
    """
    stripe.enable_telemetry = False  # it writes into the home folder and tells of the platform
    client = stripe.StripeClient(
        key,
        base_addresses={"api": api_base} if api_base else {},
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S),
        max_network_retries=1,
    )
    return StripeRail(database, client, return_url=return_url)
