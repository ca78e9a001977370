"""Webhooks as Stripe sends them: signed, in any order, more than once, or never."""

from __future__ import annotations

import hmac
import http.client
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from random import Random
from urllib.parse import urlsplit

from tests.fakes.stripe.events import Event
from tests.fakes.stripe.world import World

# Takes the body and the headers and gives an HTTP status; None is a 200.
Receiver = Callable[[bytes, dict[str, str]], int | None]


@dataclass(frozen=True)
class Delivery:
    """One try: the event and the status it got; None where it was dropped on the way."""

    event: str
    type: str
    status: int | None

    @property
    def accepted(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def signature(body: bytes, secrets: Iterable[str], timestamp: int) -> str:
    """The `Stripe-Signature` header; a rotated secret signs beside the new one."""
    signed = str(timestamp).encode() + b"." + body
    marks = [hmac.new(secret.encode(), signed, sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={timestamp}", *(f"v1={mark}" for mark in marks)])


def deliver(
    world: World,
    target: str | Receiver,
    secrets: list[str],
    *,
    rng: Random,
    duplicates: float = 0.0,
    drops: float = 0.0,
    shuffle: bool = False,
    age_s: int = 0,
    connect: bool | None = None,
    timestamp: int | None = None,
) -> list[Delivery]:
    """Sends what is queued; what is not accepted stays queued, as Stripe tries again for three days."""
    send = _post(target) if isinstance(target, str) else target
    with world.lock:
        world.tick()
        due = [event for event in world.outbox if connect in {None, event.account is not None}]
        signed_at = (world.now if timestamp is None else timestamp) - age_s
    rounds = [event for event in due for _ in range(2 if rng.random() < duplicates else 1)]
    if shuffle:
        rng.shuffle(rounds)
    done: list[Delivery] = []
    for event in rounds:
        status = None if rng.random() < drops else _send(send, event, secrets, signed_at)
        done.append(Delivery(event.id, event.type, status))
    _settle(world, done)
    return done


def _send(send: Receiver, event: Event, secrets: list[str], signed_at: int) -> int:
    body = json.dumps(event.wire(), indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature(body, secrets, signed_at),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    status = send(body, headers)
    return 200 if status is None else status


def _settle(world: World, done: list[Delivery]) -> None:
    """Takes out of the queue what was accepted at least once, or dropped for good."""
    accepted = {delivery.event for delivery in done if delivery.accepted}
    dropped = {delivery.event for delivery in done if delivery.status is None}
    refused = {delivery.event for delivery in done if delivery.status is not None and not delivery.accepted}
    done_with = accepted | (dropped - refused)
    with world.lock:
        kept = [event for event in world.outbox if event.id not in done_with]
        for event in world.outbox:
            event.pending_webhooks = 0 if event.id in accepted else event.pending_webhooks
        world.outbox.clear()
        world.outbox.extend(kept)


def _post(url: str) -> Receiver:
    parts = urlsplit(url)

    def post(body: bytes, headers: dict[str, str]) -> int:
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=30)
        try:
            connection.request("POST", parts.path or "/", body, headers)
            return connection.getresponse().status
        except OSError:
            return 599
        finally:
            connection.close()

    return post
