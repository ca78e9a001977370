"""Money, pure: the chart of accounts, the fee, the moves an operation may make, their legs.

Balances are credit-positive. What we owe somebody (a balance, an escrow, an earning) is >= 0; what we
have (cash at a rail) and what we spend is <= 0; all balances together are 0.

| account | is | bound |
|---|---|---|
| `asset:<rail>` | cash at a rail | <= 0 |
| `agent:<account>:available` | a buyer's prefunded balance | >= 0 |
| `escrow:<escrow>` | one escrow, one account: releases + refunds <= hold by constraint | >= 0 |
| `contrib:<account>:pending` | earned, inside its hold-back | >= 0 |
| `contrib:<account>:payable` | earned, free to be paid out | >= 0 |
| `contrib:<account>:in_payout` | on its way out through a rail | >= 0 |
| `rev:fee:bounty` | the market's fees, less premiums | >= 0 |
| `reserve:warranty` | premiums set aside for what turns out wrong later | >= 0 |
| `exp:appeals` | what won appeals cost the market | <= 0 |
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import lru_cache

from core.money import MAX_MICROS, Money

LOWEST = -(10**18)  # a debit account sums many credit ones, so it reaches further than one Money
REVENUE_FEE = "rev:fee:bounty"
EXPENSE_APPEALS = "exp:appeals"
RESERVE_WARRANTY = "reserve:warranty"

SMALLEST_MOVE = Money(10_000)  # one cent: no rail moves less
LARGEST_MOVE = Money(10**12)  # one million dollars in one operation
LEASE = timedelta(seconds=60)  # longer than any rail's own timeout
FIRST_RETRY = timedelta(seconds=2)
LAST_RETRY = timedelta(hours=1)
WAKE_AGAIN = timedelta(seconds=5)  # a busy worker is not sent the same job at every sweep


class AccountClass(StrEnum):
    """What a ledger account is."""

    ASSET = "asset"
    LIABILITY = "liability"
    REVENUE = "revenue"
    EXPENSE = "expense"


@dataclass(frozen=True, slots=True)
class AccountRule:
    """What the chart says about one account.

    Attributes:
        floor / ceiling: the balance's bounds in micros; the database CHECKs them.
        spendable: whether going under the floor is the owner's lack of funds (InsufficientFunds)
            rather than a broken guarantee of ours (BooksRefused).
    """

    kind: AccountClass
    floor: int
    ceiling: int
    spendable: bool = False


_OWED = AccountRule(AccountClass.LIABILITY, 0, MAX_MICROS)
_SPENDABLE = AccountRule(AccountClass.LIABILITY, 0, MAX_MICROS, spendable=True)
_CHART: tuple[tuple[re.Pattern[str], AccountRule], ...] = (
    (re.compile(r"asset:[a-z0-9_]{1,32}"), AccountRule(AccountClass.ASSET, LOWEST, 0)),
    (re.compile(r"agent:acc_[0-9a-z]{26}:available"), _SPENDABLE),
    (re.compile(r"escrow:esc_[0-9a-z]{26}"), _OWED),
    (re.compile(r"contrib:acc_[0-9a-z]{26}:payable"), _SPENDABLE),
    (re.compile(r"contrib:acc_[0-9a-z]{26}:(pending|in_payout)"), _OWED),
    (re.compile(re.escape(REVENUE_FEE)), AccountRule(AccountClass.REVENUE, 0, MAX_MICROS)),
    (re.compile(re.escape(RESERVE_WARRANTY)), _OWED),
    (re.compile(re.escape(EXPENSE_APPEALS)), AccountRule(AccountClass.EXPENSE, LOWEST, 0)),
)


@lru_cache(maxsize=10_000)
def account_rule(name: str) -> AccountRule:
    """The chart's line for an account. Raises ValueError for a name the chart does not know."""
    for shape, rule in _CHART:
        if shape.fullmatch(name):
            return rule
    raise ValueError(f"{name!r} is in no chart of accounts")


def asset(rail: str) -> str:
    """Our cash at a rail."""
    return f"asset:{rail}"


def available(account: str) -> str:
    """A buyer's prefunded balance."""
    return f"agent:{account}:available"


def escrow(escrow_id: str) -> str:
    """The account of one escrow."""
    return f"escrow:{escrow_id}"


def pending(account: str) -> str:
    """What a contributor earned that is still inside its hold-back."""
    return f"contrib:{account}:pending"


def payable(account: str) -> str:
    """What a contributor may have paid out."""
    return f"contrib:{account}:payable"


def in_payout(account: str) -> str:
    """What is on its way to a contributor."""
    return f"contrib:{account}:in_payout"


def fee(price: Money, basis_points: int) -> Money:
    """The market's fee on a price, rounded down to the micro (the remainder is never the fee's)."""
    return price.basis_points(basis_points)


def premium(price: Money, cut: Money, basis_points: int) -> Money:
    """The part of the fee `cut` that is set aside for warranties: rounded down, never more than the fee."""
    return min(cut, price.basis_points(basis_points))


@dataclass(frozen=True, slots=True)
class Leg:
    """One transfer of a posting: `amount` > 0 leaves `source` and reaches `target`."""

    source: str
    target: str
    amount: Money

    def __post_init__(self) -> None:
        if self.amount.micros <= 0:
            raise ValueError("a transfer moves more than nothing")
        if self.source == self.target:
            raise ValueError(f"a transfer needs two accounts, not {self.source} twice")
        account_rule(self.source)
        account_rule(self.target)


def request_hash(legs: Sequence[Leg]) -> str:
    """What tells a repeated posting from another one under the same key. Legs are ordered."""
    lines = (f"{leg.source} {leg.target} {leg.amount.micros}\n" for leg in legs)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class SlotState(StrEnum):
    """Where one slot's money is. A slot leaves `held` once, one way; what was released may be clawed back."""

    HELD = "held"
    RELEASED = "released"
    REFUNDED = "refunded"
    CLAWED_BACK = "clawed_back"


class OperationKind(StrEnum):
    """Which way an operation crosses the border."""

    DEPOSIT = "deposit"
    PAYOUT = "payout"


class OperationState(StrEnum):
    """Where an operation is. `sent`: the rail may or may not know of it; `unknown`: we asked in vain.

    Neither is failed, and neither is sent again before a look-up.
    """

    NEW = "new"
    SENT = "sent"
    UNKNOWN = "unknown"
    DONE = "done"
    FAILED = "failed"


_ENDS = frozenset({OperationState.DONE, OperationState.FAILED})
OPERATION_MOVES: Mapping[OperationState, frozenset[OperationState]] = {
    OperationState.NEW: frozenset({OperationState.SENT}),
    # Back to `new` only when a look-up was told that the rail has never seen the operation.
    OperationState.SENT: _ENDS | {OperationState.UNKNOWN, OperationState.NEW},
    OperationState.UNKNOWN: _ENDS | {OperationState.NEW},
    OperationState.DONE: frozenset(),
    OperationState.FAILED: frozenset(),
}
OPEN_STATES = frozenset({OperationState.NEW, OperationState.SENT, OperationState.UNKNOWN})


def retry_after(attempts: int) -> timedelta:
    """How long an operation rests after its n-th attempt (n >= 1): doubling, from 2 s to 1 h."""
    return min(LAST_RETRY, FIRST_RETRY * (1 << min(max(attempts, 1) - 1, 20)))


def ending_legs(
    kind: OperationKind, end: OperationState, rail: str, account: str, amount: Money
) -> list[Leg]:
    """What is posted when an operation ends (a failed deposit: nothing). ValueError when it is no end."""
    if end not in _ENDS:
        raise ValueError(f"{end} is no end")
    if kind is OperationKind.DEPOSIT:
        return [Leg(asset(rail), available(account), amount)] if end is OperationState.DONE else []
    target = asset(rail) if end is OperationState.DONE else payable(account)
    return [Leg(in_payout(account), target, amount)]
