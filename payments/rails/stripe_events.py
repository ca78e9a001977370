"""Stripe's webhooks: who sent one, when, and what it is about. No calls are made here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import stripe

from core import errors
from payments.rails import About, What

TOLERANCE_S = 300


@dataclass(frozen=True, slots=True)
class Event:
    """A webhook whose signature fits."""

    id: str
    kind: str
    payload: dict[str, Any]


def open_event(payload: bytes, header: str, secret: str, *, now: datetime) -> Event:
    """Verifies a webhook's signature and time, and reads it.

    The SDK refuses signatures older than five minutes but takes any from the future (stripe 16.1), so the
    time is checked here, both ways.

    Raises:
        BadSignature: not by this secret, altered, or not of now. BadInput: signed, and still no event.
    """
    try:
        text = payload.decode()
        stripe.WebhookSignature.verify_header(text, header, secret, tolerance=None)
    except (UnicodeDecodeError, stripe.SignatureVerificationError) as error:
        raise errors.BadSignature("the webhook is not signed with this endpoint's secret") from error
    signed_at = _signed_at(header)
    if signed_at is None or abs(signed_at - now.timestamp()) > TOLERANCE_S:
        raise errors.BadSignature("the webhook was not signed just now", hint="Send it again, signed anew.")
    try:
        event = json.loads(text)
        return Event(_text(event["id"]), _text(event["type"]), _dict(event))
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise errors.BadInput("the webhook is no event") from error


def _signed_at(header: str) -> int | None:
    """The one time in a signature's header. None where there is another: the SDK signs with the first, and
    reads "+1" and " 1" as numbers too."""
    times = [item.removeprefix("t=") for item in header.split(",") if item.strip().startswith("t=")]
    return int(times[0]) if len(times) == 1 and re.fullmatch(r"[0-9]{1,12}", times[0]) else None


def about(kind: str, payload: Mapping[str, Any]) -> About:
    """What an event is about, by its type and its object's metadata."""
    data = payload.get("data")
    thing = data.get("object", {}) if isinstance(data, dict) else None
    if not isinstance(thing, dict):
        return About(What.NOTHING)
    if kind.startswith("charge.dispute."):
        return About(What.DISPUTE, str(thing.get("id", "")))
    if kind == "account.updated":
        return About(What.PAYEE, str(thing.get("id", "")))
    if not kind.startswith(_OF_OPERATIONS):
        return About(What.NOTHING)
    metadata = thing.get("metadata")
    operation = metadata.get("operation") if isinstance(metadata, dict) else None
    if isinstance(operation, str) and operation:
        return About(What.OPERATION, operation[:40])
    return About(What.MOVEMENT, str(thing.get("id", "")))


_OF_OPERATIONS = (
    "checkout.session.", "payment_intent.", "charge.", "refund.", "transfer.", "payout.",
)  # fmt: skip


def _text(value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= 100:
        raise TypeError("no short text")
    return value


def _dict(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("no object")
    return value
