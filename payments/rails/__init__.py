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

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, TypeAlias, runtime_checkable

from core.money import Money
from payments.rules import DisputeState, Method, OperationKind


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


class What(StrEnum):
    """What a provider's event is about."""

    OPERATION = "operation"
    DISPUTE = "dispute"
    PAYEE = "payee"
    MOVEMENT = "movement"  # of money, by nothing of ours
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class About:
    """What an event is about, and the id of it: an operation of ours, or the provider's own name."""

    what: What
    id: str = ""


@dataclass(frozen=True, slots=True)
class DisputeFacts:
    """A dispute as the provider tells it now.

    Attributes:
        operation: the deposit that is disputed; None when it is none of ours.
        withdrawn / returned: what the provider took from our cash for it, and what it gave back.
        fees: what it charged for the dispute, less what of that it gave back.
        state: won or lost only once the payer's bank has decided.
    """

    id: str
    operation: str | None
    withdrawn: Money
    returned: Money
    fees: Money
    state: DisputeState


@dataclass(frozen=True, slots=True)
class Movement:
    """One line of the provider's own ledger of our cash.

    Attributes:
        amount: signed micros, before the provider's fee.
        free: whether it may be paid out (what comes in is pending first).
        operation: ours that made it, where it says so; `source` is the provider's object.
    """

    id: str
    kind: str
    source: str | None
    operation: str | None
    amount: int
    fee: int
    free: bool
    at: datetime


@runtime_checkable
class Provider(Rail, Protocol):
    """A rail that also tells what happened there: by events, and by a ledger of its own.

    Raises:
        Unavailable: it does not answer now. (Of every method below.)
    """

    def about(self, kind: str, payload: Mapping[str, Any]) -> About:
        """What an event is about. Reads only the event; it is a hint, and is read anew before it counts."""

    def dispute(self, dispute: str) -> DisputeFacts:
        """A dispute, read anew."""

    def payee_changed(self, payee: str) -> None:
        """Reads anew whether a payee can be paid, and keeps that."""

    def movements(self, since: datetime) -> Iterable[Movement]:
        """The provider's ledger from a time on, oldest first."""

    def cash(self) -> int:
        """What the provider holds for us now, in micros: pending and free together."""
