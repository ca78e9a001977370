"""Rails: where money crosses the border between the world and a balance. One file a rail.

A rail is called by the outbox worker only, after the order was committed and with no transaction
open. The operation's id is the idempotency key: however often an order is sent under it, money moves
at most once.

    rail.deposit(order)   ->  Answer(DONE, reference="…")      money arrived
    rail.payout(order)    ->  Answer(FAILED, reason="…")       surely nothing moved, nor will
    rail.payout(order)    ->  Answer(UNKNOWN, reason="…")      anything may have happened: look it up
    rail.look_up(op_id)   ->  None                             surely never arrived: may be sent again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from core.money import Money


class Outcome(StrEnum):
    """What is known of an operation at a rail. Unknown is not failed."""

    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """What a rail is asked to move.

    Attributes:
        id: the operation's id, the rail's idempotency key.
        account: whose money it is; a rail maps it to its own customer or destination.
    """

    id: str
    account: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rail said.

    Attributes:
        reference: the rail's own name for the movement, when it has one.
        reason: why it failed or is unknown: a short code, no free text from outside.
    """

    outcome: Outcome
    reference: str | None = None
    reason: str | None = None


class Rail(Protocol):
    """One payment provider. Implementations turn every provider fault into an Answer.

    They hold no lock and no transaction of ours, and give up in less than `rules.LEASE`.
    """

    @property
    def name(self) -> str:
        """Lower-case letters, digits and `_`; our cash there is the account `asset:<name>`."""

    def deposit(self, order: Order) -> Answer:
        """Takes money in from an account's owner."""

    def payout(self, order: Order) -> Answer:
        """Sends money out to an account's owner."""

    def look_up(self, operation_id: str) -> Answer | None:
        """What became of an order. None only when the rail is sure that it never arrived."""


Rails: TypeAlias = Mapping[str, Rail]
"""The rails of this house, by name."""
