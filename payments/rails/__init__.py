"""Rails: where money crosses the border between the world and a balance. One file a rail.

A rail is called by the outbox worker only, after the order was committed and with no transaction
open. The operation's id is the idempotency key: however often an order is sent under it, money moves
at most once.

    rail.send(order)      ->  Answer(DONE, reference="…")      the money moved
    rail.send(order)      ->  Answer(FAILED, reason="…")       surely nothing moved, nor will
    rail.send(order)      ->  Answer(WAITING, url="…")         the rail has it; somebody outside must act
    rail.send(order)      ->  Answer(UNKNOWN, reason="…")      anything may have happened: look it up
    rail.look_up(order)   ->  None                             surely never arrived: may be sent again
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from core.money import Money
from payments.rules import Method, OperationKind


class Outcome(StrEnum):
    """What is known of an operation at a rail. Unknown is not failed; waiting is neither."""

    DONE = "done"
    FAILED = "failed"
    WAITING = "waiting"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Order:
    """What a rail is asked to move.

    Attributes:
        id: the operation's id, the rail's idempotency key.
        account: whose money it is; a rail maps it to its own customer or destination.
        method: how a deposit is paid.
        of: the rail's reference of the operation that this one undoes or carries on.
        reference: the rail's own name for this one, when it has told.
    """

    id: str
    kind: OperationKind
    account: str
    amount: Money
    method: Method | None = None
    of: str | None = None
    reference: str | None = None


@dataclass(frozen=True, slots=True)
class Fee:
    """What the provider took for itself: `transaction` is its name for the movement."""

    transaction: str
    amount: Money


@dataclass(frozen=True, slots=True)
class Answer:
    """What a rail said.

    Attributes:
        reference: the rail's own name for the movement, when it has one.
        reason: why it failed or is unknown: a short code, no free text from outside.
        url: where the payer goes on, of one that waits for a person.
        fee: the provider's own, when it is known already.
    """

    outcome: Outcome
    reference: str | None = None
    reason: str | None = None
    url: str | None = None
    fee: Fee | None = None


class Rail(Protocol):
    """One payment provider. Implementations turn every provider fault into an Answer.

    They hold no lock and no transaction of ours, and give up in less than `rules.LEASE`.
    """

    @property
    def name(self) -> str:
        """Lower-case letters, digits and `_`; see `rules.cash_in` for our cash there."""

    @property
    def kinds(self) -> frozenset[OperationKind]:
        """What it can be asked for."""

    def send(self, order: Order) -> Answer:
        """Moves the money, or begins to."""

    def look_up(self, order: Order) -> Answer | None:
        """What became of an order. None only when the rail is sure that it never arrived."""


Rails: TypeAlias = Mapping[str, Rail]
"""The rails of this house, by name."""
